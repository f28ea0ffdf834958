/* test_trie.c - the token trie: sharing, references, slots; and top-k against sorting. */
#include "base/alloc.h"
#include "base/rng.h"
#include "nn/topk.h"
#include "engine/trie.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_shared_prefixes_are_one_path(void **state)
{
    (void)state;
    ken_trie t;
    ken_err err;
    assert_int_equal(ken_trie_init(&t, &err), KEN_OK);
    int32_t a[] = {5, 6, 7}, b[] = {5, 6, 8, 9};
    ken_node x, y, z;
    assert_int_equal(ken_trie_extend(&t, KEN_TRIE_ROOT, a, 3, &x, &err), KEN_OK);
    assert_int_equal(ken_trie_extend(&t, KEN_TRIE_ROOT, b, 4, &y, &err), KEN_OK);
    assert_int_equal(t.n_live, 5);
    assert_int_equal(t.node[y].depth, 4);
    assert_int_equal(t.node[t.node[y].parent].parent, t.node[x].parent);
    assert_int_equal(ken_trie_extend(&t, t.node[x].parent, a + 2, 1, &z, &err), KEN_OK);
    assert_int_equal(z, x);
    ken_trie_release(&t, z);
    ken_trie_release(&t, x);
    assert_int_equal(t.n_live, 4); /* 7 is gone, the shared prefix stays */
    ken_trie_release(&t, y);
    assert_int_equal(t.n_live, 0);
    assert_int_equal(ken_trie_extend(&t, KEN_TRIE_ROOT, NULL, 0, &z, &err),
                     KEN_OK); /* an empty path is where it starts */
    assert_int_equal(z, KEN_TRIE_ROOT);
    ken_trie_destroy(&t);
}

static void test_a_slot_keeps_a_node(void **state)
{
    (void)state;
    ken_trie t;
    ken_err err;
    assert_int_equal(ken_trie_init(&t, &err), KEN_OK);
    int32_t a[] = {1, 2};
    ken_node x;
    assert_int_equal(ken_trie_extend(&t, KEN_TRIE_ROOT, a, 2, &x, &err), KEN_OK);
    t.node[x].slot = 3;
    ken_trie_release(&t, x);
    assert_int_equal(t.n_live, 2);
    ken_trie_drop_slot(&t, x);
    assert_int_equal(t.n_live, 0);
    ken_trie_destroy(&t);
}

/* Random paths come and go; the trie must always equal a plain list of what is held. */
static void test_random_life(void **state)
{
    (void)state;
    enum { N = 400, LEN = 12 };
    ken_trie t;
    ken_err err;
    assert_int_equal(ken_trie_init(&t, &err), KEN_OK);
    static int32_t path[N][LEN];
    static int len[N];
    static ken_node end[N];
    memset(len, 0, sizeof len);
    for (int step = 0; step < 20000; step++) {
        int i = (int)(ken_uniform(1, "life", 4, (uint32_t)step, 0, 0) * N);
        if (len[i] > 0) {
            ken_node v = end[i];
            for (int j = len[i] - 1; j >= 0; j--) { /* still spelled right, all the way up */
                assert_int_equal(t.node[v].token, path[i][j]);
                assert_int_equal(t.node[v].depth, j + 1);
                v = t.node[v].parent;
            }
            assert_int_equal(v, KEN_TRIE_ROOT);
            ken_trie_release(&t, end[i]);
            len[i] = 0;
        } else {
            len[i] = 1 + (int)(ken_uniform(2, "life", 4, (uint32_t)step, 0, 0) * (LEN - 1));
            for (int j = 0; j < len[i]; j++)
                path[i][j] = (int32_t)(ken_uniform(3, "life", 4, (uint32_t)step, (uint32_t)j, 0) * 3);
            assert_int_equal(ken_trie_extend(&t, KEN_TRIE_ROOT, path[i], (size_t)len[i], &end[i], &err), KEN_OK);
        }
    }
    for (int i = 0; i < N; i++)
        if (len[i] > 0) ken_trie_release(&t, end[i]);
    assert_int_equal(t.n_live, 0);
    ken_trie_destroy(&t);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (long n = 1; n < 40; n++) {
        ken_trie t;
        ken_err err;
        ken_alloc_fail_after(n);
        int rc = ken_trie_init(&t, &err);
        int32_t path[3000];
        for (int i = 0; i < 3000; i++) path[i] = i;
        ken_node v;
        if (rc == KEN_OK) {
            rc = ken_trie_extend(&t, KEN_TRIE_ROOT, path, 3000, &v, &err);
            if (rc == KEN_OK) ken_trie_release(&t, v);
            assert_int_equal(t.n_live, 0); /* nothing is left behind */
            ken_trie_destroy(&t);
        }
        ken_alloc_fail_after(0);
        assert_true(rc == KEN_OK || rc == KEN_ENOMEM);
        if (rc == KEN_OK) return;
    }
    fail_msg("never succeeded");
}

typedef struct pair {
    float v;
    int32_t id;
} pair;

static int best_first(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    if (x->v != y->v) return x->v > y->v ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void test_topk_against_sorting(void **state)
{
    (void)state;
    static const int32_t sizes[] = {1, 2, 39, 40, 41, 63, 64, 65, 1000, 49152};
    float *x = malloc(49152 * sizeof *x);
    pair *all = malloc(49152 * sizeof *all);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int kind = 0; kind < 4; kind++) {
            int32_t V = sizes[s];
            for (int32_t i = 0; i < V; i++) {
                double u = ken_uniform((uint64_t)kind, "topk", 4, (uint32_t)i, 0, 0);
                x[i] = kind == 0   ? (float)u
                       : kind == 1 ? (float)floor(u * 5) /* many ties */
                       : kind == 2 ? (float)i
                                   : -(float)i;
                if (kind == 0 && i % 7 == 0) x[i] = -FLT_MAX;
                all[i] = (pair){x[i], i};
            }
            qsort(all, (size_t)V, sizeof *all, best_first);
            for (int32_t k = 0; k <= 41; k += k == 0 ? 1 : 20) {
                int32_t id[41];
                float value[41];
                int32_t n = ken_topk(x, V, k, id, value);
                assert_int_equal(n, k < V ? k : V);
                for (int32_t i = 0; i < n; i++) {
                    assert_int_equal(id[i], all[i].id);
                    assert_true(value[i] == all[i].v);
                }
            }
        }
    assert_int_equal(ken_topk(x, 49152, 0, NULL, NULL), 0);
    int32_t id[4];
    float value[4];
    for (int bad = 0; bad < 3; bad++) /* wherever it stands */
        for (int32_t at = 0; at < 200; at += 33) {
            for (int32_t i = 0; i < 200; i++) x[i] = (float)-i;
            x[at] = bad == 0 ? NAN : bad == 1 ? INFINITY : -INFINITY;
            assert_int_equal(ken_topk(x, 200, 4, id, value), -1);
            assert_int_equal(ken_topk(x, 200, 0, NULL, NULL), -1);
        }
    free(x);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared_prefixes_are_one_path),
                                       cmocka_unit_test(test_a_slot_keeps_a_node), cmocka_unit_test(test_random_life),
                                       cmocka_unit_test(test_out_of_memory),
                                       cmocka_unit_test(test_topk_against_sorting)};
    return cmocka_run_group_tests_name("trie", tests, NULL, NULL);
}
