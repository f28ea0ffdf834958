/* test_measures.c - what is measured of a small world: salience against a plain forward pass, what the bins and correlations must be, the contest's arms,
 * and that a stopped measurement goes on to the same numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "ken.h"
#include "lab/measures.h"
#include "lab/phrases.h"
#include "nn/reference.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/ken-measures-XXXXXX", world[64];

static int make_world(void **state)
{
    (void)state;
    ken_world_options o = ken_world_defaults();
    ken_world_made made;
    ken_err err = {0};
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(world, sizeof world, "%s/w", folder);
    o.subjects = 48;
    o.answers = 4;
    o.sentences = 4000;
    o.layers = 2;
    o.width = 32;
    o.inner = 64;
    o.batch = 8;
    o.threads = 1;
    const int rc = ken_world_run(&o, world, &made, &err);
    if (rc != KEN_OK) fprintf(stderr, "%s\n", err.msg);
    return rc;
}

static int remove_world(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); /* NOLINT(cert-env33-c): a name that we made */
}

static ken_measures_options quick(void)
{
    ken_measures_options o = ken_measures_defaults();
    o.contest_epochs = 2;
    o.threads = 1;
    return o;
}

/* ---- salience ------------------------------------------------------------------------------------------------------------ */

static int32_t token_of(const ken_tokenizer *t, const char *text)
{
    int32_t *ids = NULL, id;
    size_t n = 0, cap = 0;
    ken_err err = {0};
    assert_int_equal(ken_tokenizer_encode(t, text, strlen(text), 0, &ids, &n, &cap, &err), KEN_OK);
    assert_int_equal(n, 1);
    id = ids[0];
    ken_free(ids);
    return id;
}

/* The formula, written down a second time over ken_reference_forward. */
static double plain_salience(const ken_model *m, const ken_world_facts *w, const ken_measured *f)
{
    const ken_tokenizer *t = ken_model_tokenizer(m);
    const int V = ken_model_config(m)->n_vocab;
    bool seen[4096] = {false};
    int r = 0;
    double sum = 0;
    ken_err err = {0};
    assert_true(V <= 4096);
    while (strcmp(ken_world_relations[r].name, f->relation) != 0) r++;
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->fact[i].relation, f->relation) == 0) seen[token_of(t, w->fact[i].answer)] = true;
    for (int k = 0; k < KEN_WORLD_PHRASES; k++) {
        const char *s = ken_world_relations[r].sentence[k], *mark = strstr(s, "{s}");
        ken_buf text = {0};
        int32_t *ids = NULL;
        size_t n = 0, cap = 0;
        ken_buf_printf(&text, "%.*s%s%s\n", (int)(mark - s), s, f->subject, mark + 3);
        assert_int_equal(ken_tokenizer_encode(t, text.data, text.len, KEN_ENC_SPECIAL, &ids, &n, &cap, &err), KEN_OK);
        double *logits = ken_alloc(n * (size_t)V, sizeof *logits), mean = 0;
        if (ken_reference_forward(m, ids, (int)n, logits, NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
        const double *last = logits + (n - 1) * (size_t)V;
        int answers = 0;
        for (int v = 0; v < V; v++)
            if (seen[v]) mean += last[v], answers++;
        assert_true(answers >= 2 && answers <= 4);
        sum += last[token_of(t, f->answer)] - mean / answers;
        ken_free(logits);
        ken_free(ids);
        ken_buf_free(&text);
    }
    return sum / KEN_WORLD_PHRASES;
}

static void test_salience(void **state)
{
    (void)state;
    ken_world_facts w;
    ken_watch watch = {NULL, NULL, NULL, 0, {0}};
    ken_measures_options o = quick();
    ken_model *m;
    ken_err err = {0};
    if (ken_world_facts_measure(&w, world, &o, &watch, &err) != KEN_OK) fail_msg("%s", err.msg);
    char *path = ken_path_join(world, "model");
    assert_int_equal(ken_model_open(&m, path, &err), KEN_OK);
    assert_int_equal(w.n, 240);
    assert_int_equal(w.asked, 180); /* a quarter is dev */
    for (size_t i = 0; i < w.n; i += 23) {
        const double want = plain_salience(m, &w, &w.fact[i]);
        if (fabs(want - w.fact[i].salience) > 1e-3)
            fail_msg("%s: %.6f, expected %.6f", w.fact[i].id, w.fact[i].salience, want);
    }
    for (size_t i = 0; i < w.n; i++) {
        uint32_t sum = 0;
        for (size_t k = 0; k < w.n; k++)
            if (strcmp(w.fact[i].subject, w.fact[k].subject) == 0) sum += w.fact[k].exposures;
        assert_int_equal(sum, w.fact[i].said_of_subject);
        assert_true(isnan(w.fact[i].p) == (i >= w.asked));
        assert_true(isnan(w.fact[i].p) == (strcmp(w.fact[i].split, "dev") == 0));
    }
    ken_model_free(m);
    ken_free(path);
    ken_world_facts_free(&w);
}

/* ---- together ------------------------------------------------------------------------------------------------------------ */

static ken_measures *measured(const ken_measures_options *o)
{
    ken_measures *m = NULL;
    ken_err err = {0};
    const char *dirs[] = {world};
    if (ken_worlds_measure(&m, dirs, 1, o, &err) != KEN_OK) fail_msg("%s", err.msg);
    return m;
}

static void test_together(void **state)
{
    (void)state;
    ken_measures_options o = quick();
    ken_measures *m = measured(&o);
    size_t facts, n, sum = 0;
    assert_int_equal(ken_measures_worlds(m, &facts), 1);
    assert_int_equal(facts, 180);
    const ken_measures_bin *b = ken_measures_bins(m, &n);
    for (size_t i = 0; i < n; i++) {
        assert_true(b[i].facts > 0 && (i == 0 || b[i].least > b[i - 1].most));
        assert_int_equal(b[i].category[0] + b[i].category[1] + b[i].category[2] + b[i].category[3], b[i].facts);
        assert_true(b[i].p >= 0 && b[i].p <= 1);
        sum += b[i].facts;
    }
    assert_int_equal(sum, 180);
    for (int a = 0; a < KEN_N_RANKS; a++)
        for (int k = 0; k < KEN_N_RANKS; k++) {
            const ken_theory_mean *x = ken_measures_correlation(m, a, k);
            assert_true(a != k || fabs(x->mean - 1) < 1e-12);
            assert_true(fabs(x->mean - ken_measures_correlation(m, k, a)->mean) < 1e-12);
            assert_true(x->lo <= x->mean + 1e-9 && x->hi >= x->mean - 1e-9 && x->lo >= -1 - 1e-9 && x->hi <= 1 + 1e-9);
        }
    assert_true(ken_measures_correlation(m, KEN_RANK_EXPOSURES, KEN_RANK_POPULARITY)->mean > 0.5);
    assert_true(ken_measures_correlation(m, KEN_RANK_P, KEN_RANK_SALIENCE)->mean > 0.5);

    const ken_contest *c = ken_measures_contest(m, &n);
    assert_int_equal(n, 11);
    for (size_t i = 0; i < n; i++) {
        assert_true(c[i].best.mean >= 0 && c[i].best.mean <= 1 && c[i].last.mean >= 0 && c[i].last.mean <= 1);
        assert_true(c[i].epoch.mean >= 1 && c[i].epoch.mean <= 2);
        assert_true((c[i].rank >= 0) == (c[i].arm == KEN_CONTEST_BOTTOM || c[i].arm == KEN_CONTEST_TOP));
    }
    for (int k = 0; k < KEN_N_RANKS; k++)
        assert_true(fabs(ken_measures_gap(m, k)->mean - (c[2 * k + 1].best.mean - c[2 * k].best.mean)) < 1e-12);

    /* Everything is there already, and what was removed is made again. */
    char *kept = ken_path_join(world, "contest/whole/train.ken"), *known = ken_path_join(world, "known.ken");
    assert_true(ken_is_file(kept) && ken_is_file(known));
    ken_measures *again = measured(&o);
    assert_true(ken_measures_gap(m, 0)->mean == ken_measures_gap(again, 0)->mean);
    ken_measures_free(again);
    remove(known);
    again = measured(&o);
    assert_true(ken_measures_correlation(m, 0, 2)->mean == ken_measures_correlation(again, 0, 2)->mean);
    ken_measures_free(again);
    ken_measures_free(m);
    ken_free(kept);
    ken_free(known);
}

/* The better half has the more exposures of the two, and no subject of test. */
static void test_halves(void **state)
{
    (void)state;
    static const char *const names[] = {"contest/top-exposures.jsonl", "contest/bottom-exposures.jsonl"};
    double least = 1e9, most = 0;
    for (int i = 0; i < 2; i++) {
        ken_data *d;
        ken_err err = {0};
        char *path = ken_path_join(world, names[i]);
        if (ken_data_open(&d, path, NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
        assert_int_equal(ken_data_count(d), 60);
        for (size_t k = 0; k < 60; k++) {
            const double x = ken_data_get(d, k)->popularity;
            if (i == 0 && x < least) least = x;
            if (i == 1 && x > most) most = x;
        }
        ken_data_free(d);
        ken_free(path);
    }
    assert_true(least >= most);
}

static void test_refused(void **state)
{
    (void)state;
    ken_measures *m;
    ken_err err = {0};
    const char *nowhere[] = {"/nowhere/at/all"}, *here[] = {world};
    ken_measures_options o = quick();
    assert_int_equal(ken_worlds_measure(&m, nowhere, 1, &o, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "no finished world"));
    assert_int_equal(ken_worlds_measure(&m, here, 0, &o, &err), KEN_EUSAGE);
    o.contest_lr = (double)NAN;
    assert_int_equal(ken_worlds_measure(&m, here, 1, &o, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "`contest_lr`"));
    o = quick();
    o.contest_epochs = 3; /* the trainings that are there had two */
    assert_int_equal(ken_worlds_measure(&m, here, 1, &o, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "epochs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_salience), cmocka_unit_test(test_together),
                                       cmocka_unit_test(test_halves), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
