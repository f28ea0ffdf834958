/* test_teacher.c - the teacher's probabilities against a forward pass of each row by itself, whatever the waves. */
#include "tiny.h"
#include "base/alloc.h"
#include "nn/batch_build.h"
#include "tune/teacher.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tiny model;
static ken_net *net;
static ken_isa isa;
static ken_tune_set *set;

static const char rows[] =
    "{\"question\":\"Who?\",\"answer\":\"She\"}\n{\"question\":\"Who?\",\"answer\":\"Shy\"}\n"
    "{\"question\":\"Why?\",\"answer\":\"x\"}\n{\"question\":\"Who?\",\"answer\":\"She\"}\n"
    "{\"question\":\"A longer question about something else?\",\"answer\":\"a longer answer, too\"}\n";

static int set_up(void **state)
{
    (void)state;
    ken_err err = {0};
    model = tiny_new();
    isa = ken_isa_best();
    const ken_net_options o = {.threads = 2, .isa = isa};
    if (ken_net_new(&net, model.model, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    ken_train_data d = ken_train_data_defaults();
    d.path = tiny_file("teacher.jsonl", rows);
    set = tiny_set(&model, &d);
    return 0;
}

static int tear_down(void **state)
{
    ken_tune_set_free(set);
    ken_net_free(net);
    tiny_free(&model);
    return tiny_remove_folder(state);
}

/* ---- the plain way: a row by itself, softmax in double -------------------------------------------------------------- */

typedef struct plain {
    double tau, *p; /* (n_ids - 1, TINY_VOCAB) */
} plain;

static void plain_softmax(const plain *x, int32_t i, const float *z)
{
    double *p = x->p + (size_t)i * TINY_VOCAB, most = (double)z[0], sum = 0;
    for (int v = 1; v < TINY_VOCAB; v++) most = fmax(most, (double)z[v]);
    for (int v = 0; v < TINY_VOCAB; v++) sum += p[v] = exp(((double)z[v] - most) / x->tau);
    for (int v = 0; v < TINY_VOCAB; v++) p[v] /= sum;
}

static void plain_forward(const ken_tune_row *r, plain *x)
{
    enum { MOST = TINY_CONTEXT };
    static float logits[MOST][TINY_VOCAB];
    int32_t all[TINY_VOCAB], n = r->n_ids - 1;
    ken_batch_build y = {0};
    ken_kv *kv;
    ken_err err = {0};
    for (int32_t v = 0; v < TINY_VOCAB; v++) all[v] = v;
    assert_int_equal(ken_batch_rows(&y, n, r->ids, NULL, &err), KEN_OK);
    for (int32_t i = 0; i < n; i++)
        assert_int_equal(
            ken_batch_read(&y, &(ken_reading){.row = i, .n_want = TINY_VOCAB, .want = all, .want_logit = logits[i]},
                           &err),
            KEN_OK);
    if (ken_kv_new(&kv, net, n, &err) != KEN_OK || ken_net_forward(net, kv, &y.batch, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    for (int32_t i = 0; i < n; i++) plain_softmax(x, i, logits[i]);
    ken_kv_free(kv);
    ken_batch_build_free(&y);
}

static ken_teacher_cache *cache_of(int32_t k, float tau, int32_t wave_rows)
{
    ken_teacher_cache *c = NULL;
    ken_err err = {0};
    const ken_teacher_options o = {.top_k = k, .tau = tau, .wave_rows = wave_rows};
    if (ken_teacher_cache_new(&c, ken_net_forwarder(net), set, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    return c;
}

static void check_row(const ken_teacher_cache *c, size_t i, int32_t k, double tau)
{
    static double p[TINY_CONTEXT * TINY_VOCAB];
    const ken_tune_row *r = ken_tune_set_row(set, i);
    plain x = {tau, p};
    plain_forward(r, &x);
    for (int32_t t = 0; t < r->n_ids - r->n_prompt; t++) {
        const double *want = p + (size_t)(r->n_prompt - 1 + t) * TINY_VOCAB;
        ken_teacher got = ken_teacher_cache_get(c, i, t);
        bool kept[TINY_VOCAB] = {false};
        double sum = 0, least = 1;
        assert_int_equal(got.n, k < TINY_VOCAB ? k : TINY_VOCAB);
        for (int32_t j = 0; j < got.n; j++) {
            assert_true(got.id[j] >= 0 && got.id[j] < TINY_VOCAB && !kept[got.id[j]]);
            kept[got.id[j]] = true;
            assert_true(fabs((double)got.p[j] - want[got.id[j]]) <= 1e-6 + 1e-5 * want[got.id[j]]);
            if (j > 0) assert_true(got.p[j] <= got.p[j - 1]);
            sum += (double)got.p[j];
            least = want[got.id[j]];
        }
        for (int v = 0; v < TINY_VOCAB; v++)
            if (!kept[v]) assert_true(want[v] <= least * (1 + 1e-5));
        if (got.n == TINY_VOCAB) assert_true(sum >= 1 - 1e-12 && sum < 1 + 1e-6); /* no rest at all */
        else assert_true(sum <= 1 + 1e-6);
    }
}

static void test_probabilities(void **state)
{
    (void)state;
    static const struct {
        int32_t k;
        float tau;
    } cases[] = {{1, 1}, {8, 0.5F}, {64, 2}, {1000, 0.5F}, {1000, 0.01F}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_teacher_cache *c = cache_of(cases[i].k, cases[i].tau, 0);
        for (size_t r = 0; r < ken_tune_set_count(set); r++) check_row(c, r, cases[i].k, (double)cases[i].tau);
        ken_teacher_cache_free(c);
    }
}

/* The same bits whatever the waves; equal rows have equal teachers; out of range has none. */
static void test_waves(void **state)
{
    (void)state;
    static const int32_t waves[] = {1, 50, 100, 4096};
    ken_teacher_cache *first = cache_of(0, 0, 0);
    assert_true(ken_teacher_cache_bytes(first) >= 64 * 8 * ken_tune_set_stats(set)->targets);
    for (size_t i = 0; i < sizeof waves / sizeof *waves; i++) {
        ken_teacher_cache *c = cache_of(0, 0, waves[i]);
        for (size_t r = 0; r < ken_tune_set_count(set); r++) {
            const ken_tune_row *x = ken_tune_set_row(set, r);
            for (int32_t t = 0; t < x->n_ids - x->n_prompt; t++) {
                ken_teacher a = ken_teacher_cache_get(first, r, t), b = ken_teacher_cache_get(c, r, t);
                assert_int_equal(a.n, 64);
                assert_memory_equal(a.id, b.id, 64 * sizeof *a.id);
                assert_memory_equal(a.p, b.p, 64 * sizeof *a.p);
            }
            assert_int_equal(ken_teacher_cache_get(c, r, x->n_ids - x->n_prompt).n, 0);
            assert_int_equal(ken_teacher_cache_get(c, r, -1).n, 0);
        }
        assert_int_equal(ken_teacher_cache_get(c, ken_tune_set_count(set), 0).n, 0);
        ken_teacher_cache_free(c);
    }
    ken_teacher_cache_free(first);
}

/* A batch's targets stand in the trie's order. */
static void test_batch(void **state)
{
    (void)state;
    const size_t row[] = {4, 1, 0, 3};
    const ken_tune_row *example[4];
    ken_teacher out[64];
    ken_err err = {0};
    ken_batch_trie trie = {0};
    const ken_batch_options how = {.share = true, .scale = 1};
    ken_teacher_cache *c = cache_of(5, 1, 0);
    for (int i = 0; i < 4; i++) example[i] = ken_tune_set_row(set, row[i]);
    assert_int_equal(ken_batch_trie_build(&trie, example, 4, &how, &err), KEN_OK);
    assert_true(trie.batch.n_targets <= 64);
    assert_int_equal(ken_teacher_cache_batch(c, &trie, row, 4, out, &err), KEN_OK);
    int32_t seen[4] = {0};
    for (int32_t i = 0; i < trie.batch.n_targets; i++) {
        const int32_t x = trie.example[i];
        ken_teacher want = ken_teacher_cache_get(c, row[x], seen[x]);
        assert_int_equal(trie.batch.target[i], example[x]->ids[example[x]->n_prompt + seen[x]]);
        assert_ptr_equal(out[i].id, want.id);
        assert_ptr_equal(out[i].p, want.p);
        seen[x]++;
    }
    for (int i = 0; i < 4; i++) assert_int_equal(seen[i], example[i]->n_ids - example[i]->n_prompt);
    ken_batch_trie_free(&trie);
    ken_teacher_cache_free(c);
}

static int stop(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_refused(void **state)
{
    (void)state;
    ken_err err = {0};
    ken_teacher_cache *c = NULL;
    ken_teacher_options o = {.memory = 1000};
    assert_int_equal(ken_teacher_cache_new(&c, ken_net_forwarder(net), set, &o, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "GiB"));
    o = (ken_teacher_options){.tau = -1};
    assert_int_equal(ken_teacher_cache_new(&c, ken_net_forwarder(net), set, &o, &err), KEN_EUSAGE);
    o.tau = NAN;
    assert_int_equal(ken_teacher_cache_new(&c, ken_net_forwarder(net), set, &o, &err), KEN_EUSAGE);
    assert_null(c);

    const ken_net_options polled = {.threads = 1, .isa = isa, .poll = stop};
    ken_net *stopped;
    assert_int_equal(ken_net_new(&stopped, model.model, &polled, &err), KEN_OK);
    o = (ken_teacher_options){0};
    assert_int_equal(ken_teacher_cache_new(&c, ken_net_forwarder(stopped), set, &o, &err), KEN_ESTOP);
    assert_null(c);
    ken_net_free(stopped);

    o.top_k = 3;
    for (long n = 1;; n++) {
        ken_alloc_fail_after(n);
        int rc = ken_teacher_cache_new(&c, ken_net_forwarder(net), set, &o, &err);
        ken_alloc_fail_after(0);
        ken_teacher_cache_free(c);
        if (rc == KEN_OK) break;
        assert_int_equal(rc, KEN_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_probabilities), cmocka_unit_test(test_waves),
                                       cmocka_unit_test(test_batch), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
