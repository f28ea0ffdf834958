/* test_divergence.c - KL(base || tuned): against numpy's and scipy's numbers for two networks (tests/oracles/divergence.py), against a forward
 * pass of each row by itself, and the same bits whatever is kept. */
#include "folder.h"
#include "base/alloc.h"
#include "ken.h"
#include "nn/batch_build.h"
#include "nn/net.h"
#include "tune/divergence.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL   KEN_FIXTURES "/model/tiny-llama-tied"
#define FIXTURE KEN_FIXTURES "/tune/divergence.tsv"

enum { MOST_ROWS = 16, MOST_FIELDS = 200, MOST_VOCAB = 512 };

static ken_model *model[2]; /* the base, and with its adapter */
static ken_net *net[2];
static ken_tune_set *set;
static double row_kl[MOST_ROWS], mean;
static size_t n_rows, targets;

/* Fields of a line, which is cut; the last one ends at the line's end. */
static size_t split(char *line, char *field[MOST_FIELDS])
{
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *s = line; s != NULL && n < MOST_FIELDS;) field[n++] = strsep(&s, "\t");
    return n;
}

static int set_up(void **state)
{
    (void)state;
    ken_err err = {0};
    char *line = NULL, *field[MOST_FIELDS], rows[4096] = "";
    size_t room = 0, at = 0;
    FILE *f = fopen(FIXTURE, "r");
    assert_non_null(f);
    while (getline(&line, &room, f) > 0) {
        split(line, field);
        if (strcmp(field[0], "row") == 0) {
            at += (size_t)snprintf(rows + at, sizeof rows - at, "{\"question\":\"%s\",\"answer\":\"%s\"}\n", field[1],
                                   field[2]);
            targets += (size_t)atoi(field[3]);
            assert_true(n_rows < MOST_ROWS);
            row_kl[n_rows++] = atof(field[4]);
        } else if (strcmp(field[0], "all") == 0) mean = atof(field[2]);
    }
    free(line);
    assert_int_equal(fclose(f), 0);
    for (int i = 0; i < 2; i++) {
        const ken_net_options o = {.threads = 2, .isa = ken_isa_best()};
        if (ken_model_open(&model[i], MODEL, &err) != KEN_OK) fail_msg("%s", err.msg);
        if (i == 1 && ken_model_attach(model[i], MODEL "/adapter", &err) != KEN_OK) fail_msg("%s", err.msg);
        if (ken_net_new(&net[i], model[i], &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    }
    ken_train_data d = ken_train_data_defaults();
    d.path = folder_file("divergence.jsonl", rows);
    if (ken_tune_set_open(&set, model[0], &d, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_tune_set_count(set), n_rows);
    return 0;
}

static int tear_down(void **state)
{
    ken_tune_set_free(set);
    for (int i = 0; i < 2; i++) {
        ken_net_free(net[i]);
        ken_model_free(model[i]);
    }
    return folder_remove(state);
}

static ken_divergence *of_rows(const size_t *row, size_t n, size_t memory)
{
    ken_divergence *d;
    ken_err err = {0};
    if (ken_divergence_new(&d, set, row, n, memory, &err) != KEN_OK) fail_msg("%s", err.msg);
    return d;
}

/* base, tuned: of net. */
static double measured(ken_divergence *d, int base, int tuned, int threads, uint64_t *positions)
{
    double kl = -1;
    ken_err err = {0};
    if (ken_divergence_measure(d, base < 0 ? NULL : ken_net_forwarder(net[base]), ken_net_forwarder(net[tuned]),
                               threads, NULL, &kl, positions, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    return kl;
}

static void positions_of_numpy(void **state)
{
    (void)state;
    char *line = NULL, *field[MOST_FIELDS];
    size_t room = 0, found = 0;
    FILE *f = fopen(FIXTURE, "r");
    assert_non_null(f);
    while (getline(&line, &room, f) > 0) {
        float z[2][MOST_FIELDS];
        if (split(line, field) == 0 || strcmp(field[0], "logits") != 0) continue;
        const int n = atoi(field[1]);
        for (int i = 0; i < 2 * n; i++) z[i / n][i % n] = strtof(field[3 + i], NULL);
        const double want = atof(field[2]);
        assert_true(fabs(ken_kl_of_logits(z[0], z[1], n) - want) <= 1e-10 * fmax(1, want));
        assert_true(fabs(ken_kl_of_logits(z[0], z[0], n)) == 0);
        found++;
    }
    free(line);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(found, 3);
}

static void networks_of_numpy(void **state)
{
    (void)state;
    uint64_t n;
    size_t all[MOST_ROWS];
    for (size_t i = 0; i < n_rows; i++) {
        all[i] = i;
        ken_divergence *d = of_rows(&i, 1, 0);
        const double kl = measured(d, 0, 1, 1, &n) * (double)n;
        if (fabs(kl - row_kl[i]) > 2e-4 * row_kl[i]) fail_msg("row %zu: %.9g, by numpy %.9g", i, kl, row_kl[i]);
        ken_divergence_free(d);
    }
    ken_divergence *d = of_rows(all, n_rows, 0);
    const double kl = measured(d, 0, 1, 1, &n);
    assert_int_equal(n, targets);
    assert_true(fabs(kl - mean) <= 2e-4 * mean && mean > 1);
    ken_divergence_free(d);
}

/* One row, by itself, in both networks. */
static double plainly(const ken_tune_row *r)
{
    enum { MOST = 128 };
    static float logits[2][MOST][MOST_VOCAB];
    const int32_t n = r->n_ids - 1, V = ken_model_config(model[0])->n_vocab;
    int32_t every[MOST_VOCAB];
    assert_true(n <= MOST && V <= MOST_VOCAB);
    for (int32_t v = 0; v < V; v++) every[v] = v;
    for (int k = 0; k < 2; k++) {
        ken_batch_build y = {0};
        ken_kv *kv;
        assert_int_equal(ken_batch_rows(&y, n, r->ids, NULL, NULL), KEN_OK);
        for (int32_t i = 0; i < n; i++)
            assert_int_equal(
                ken_batch_read(&y, &(ken_reading){.row = i, .n_want = V, .want = every, .want_logit = logits[k][i]},
                               NULL),
                KEN_OK);
        assert_int_equal(ken_kv_new(&kv, net[k], n, NULL), KEN_OK);
        assert_int_equal(ken_net_forward(net[k], kv, &y.batch, NULL), KEN_OK);
        ken_kv_free(kv);
        ken_batch_build_free(&y);
    }
    double sum = 0;
    for (int32_t i = r->n_prompt - 1; i < n; i++) sum += ken_kl_of_logits(logits[0][i], logits[1][i], V);
    return sum;
}

static void waves_of_the_plain_way(void **state)
{
    (void)state;
    uint64_t n;
    double sum = 0;
    size_t all[MOST_ROWS];
    for (size_t i = 0; i < n_rows; i++) {
        all[i] = i;
        sum += plainly(ken_tune_set_row(set, i));
    }
    ken_divergence *d = of_rows(all, n_rows, 0);
    const double kl = measured(d, 0, 1, 1, &n);
    assert_true(fabs(kl * (double)n - sum) <= 1e-12 * sum);
    ken_divergence_free(d);
}

/* Kept or computed again, with any number of threads: the same bits. The same network is at no distance. */
static void memory_does_not_matter(void **state)
{
    (void)state;
    uint64_t n;
    size_t all[MOST_ROWS];
    for (size_t i = 0; i < n_rows; i++) all[i] = i;
    ken_divergence *kept = of_rows(all, n_rows, 0), *again = of_rows(all, n_rows, 1);
    assert_false(ken_divergence_has_base(kept));
    const double first = measured(kept, 0, 1, 1, &n);
    assert_true(ken_divergence_has_base(kept));
    assert_true(measured(kept, -1, 1, 3, &n) == first);
    assert_true(measured(again, 0, 1, 2, &n) == first);
    assert_false(ken_divergence_has_base(again));
    assert_true(measured(again, 0, 1, 1, &n) == first);
    assert_true(measured(kept, -1, 0, 1, &n) == 0);
    assert_true(measured(again, 1, 0, 1, &n) != first); /* it has a direction */
    ken_divergence_free(kept);
    ken_divergence_free(again);
    ken_divergence *none = of_rows(NULL, 0, 0);
    assert_true(isnan(measured(none, 0, 1, 1, &n)) && n == 0);
    ken_divergence_free(none);
}

static void out_of_memory(void **state)
{
    (void)state;
    size_t all[MOST_ROWS];
    int failed = 0, rc = KEN_ENOMEM;
    for (size_t i = 0; i < n_rows; i++) all[i] = i;
    for (long at = 1; rc != KEN_OK && at < 1000; at++) {
        ken_divergence *d = NULL;
        double kl;
        uint64_t n;
        ken_err err;
        ken_alloc_fail_after(at);
        rc = ken_divergence_new(&d, set, all, n_rows, 0, &err);
        if (rc == KEN_OK)
            rc =
                ken_divergence_measure(d, ken_net_forwarder(net[0]), ken_net_forwarder(net[1]), 1, NULL, &kl, &n, &err);
        ken_alloc_fail_after(0);
        ken_divergence_free(d);
        assert_true(rc == KEN_OK || rc == KEN_ENOMEM);
        failed += rc == KEN_ENOMEM;
    }
    assert_int_equal(rc, KEN_OK);
    assert_true(failed > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_of_numpy),     cmocka_unit_test(networks_of_numpy),
        cmocka_unit_test(waves_of_the_plain_way), cmocka_unit_test(memory_does_not_matter),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
