/* test_kernels.c - every kernel of every instruction set that this CPU has against the scalar reference, at odd sizes. */
#include "values.h"
#include "base/alloc.h"
#include "nn/kernels.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const int lengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 48, 64, 100, 576, 1537};
enum { N_LENGTHS = sizeof lengths / sizeof *lengths, MAX = 2048 };

static void each_isa(void (*check)(const ken_kernels *k))
{
    for (int isa = KEN_ISA_GENERIC; isa <= (int)ken_isa_best(); isa++) check(ken_kernels_get((ken_isa)isa));
}

static void check_exp(const ken_kernels *k)
{
    double worst = 0;
    for (float x = -86.99F; x < 87.9F; x += 0.00137F) {
        float y;
        k->exp(&y, &x, 1);
        double want = exp((double)x), ulp = ldexp(1.0, ilogb(want) - 23), d = fabs(y - want) / ulp;
        if (d > worst) worst = d;
    }
    print_message("exp %s: at most %.2f ulp\n", k->name, worst);
    assert_true(worst < 2.0); /* observed: 1.0 without, 0.9 with fused multiply-add */

    float edge[] = {0.0F, -0.0F, -1000.0F, -INFINITY, 1000.0F, INFINITY, NAN}, out[7];
    k->exp(out, edge, 7);
    assert_true(out[0] == 1.0F && out[1] == 1.0F);
    assert_true(out[2] > 0 && out[2] < 2e-38F && out[2] == out[3]);
    assert_true(out[4] > 1e38F && isfinite(out[4]) && out[4] == out[5]);
    assert_true(isnan(out[6]));
}

static void check_rows(const ken_kernels *k)
{
    const ken_kernels *ref = ken_kernels_reference();
    static float x[MAX], y[MAX], w[MAX], a[MAX], b[MAX];
    for (int i = 0; i < N_LENGTHS; i++) {
        const int n = lengths[i];
        fill(x, n, 3);
        fill(y, n, 30);
        fill(w, n, 2);
        a[n] = b[n] = 77.0F; /* must survive: nothing is written past the end */
        ref->rms_norm(b, x, w, n, 1e-5F);
        k->rms_norm(a, x, w, n, 1e-5F);
        assert_true(distance(a, b, (size_t)n) < 1e-6);
        memcpy(a, x, (size_t)n * sizeof *a);
        k->rms_norm(a, a, w, n, 1e-5F); /* in place */
        assert_true(distance(a, b, (size_t)n) < 1e-6);
        memcpy(a, x, (size_t)n * sizeof *a);
        memcpy(b, x, (size_t)n * sizeof *b);
        ref->add(b, y, n);
        k->add(a, y, n);
        assert_memory_equal(a, b, (size_t)n * sizeof *a);
        ref->silu_mul(b, y, x, n);
        k->silu_mul(a, y, x, n);
        assert_true(distance(a, b, (size_t)n) < 1e-6);
        assert_true(a[n] == 77.0F && b[n] == 77.0F);
    }
    float big[] = {-200.0F, -90.0F, 200.0F}, one[] = {1, 1, 1};
    k->silu_mul(a, big, one, 3);
    assert_true(fabsf(a[0]) < 1e-30F && fabsf(a[1]) < 1e-30F && a[2] == 200.0F);
}

static void check_bf16(const ken_kernels *k)
{
    static const float edge[] = {0.0F,      -0.0F,         1.0F,          1.00390625F, 1.01171875F, 3.4e38F,
                                 INFINITY,  -INFINITY,     NAN,           1e-40F,      -1e-45F,     0x1.01p0F,
                                 0x1.03p0F, 0x1.010002p0F, 0x1.00fffep0F, 3.3e38F};
    static const uint16_t want[] = {0,      0x8000, 0x3f80, 0x3f80, 0x3f82, 0x7f80, 0x7f80, 0xff80,
                                    0x7fc0, 0x0001, 0x8000, 0x3f80, 0x3f82, 0x3f81, 0x3f80, 0x7f78};
    enum { N = sizeof edge / sizeof *edge };
    uint16_t a[MAX + 1], b[MAX];
    k->to_bf16(a, edge, N);
    assert_memory_equal(a, want, sizeof want);
    static float x[MAX];
    for (int i = 0; i < N_LENGTHS; i++) {
        const int n = lengths[i];
        fill(x, n, 1000);
        a[n] = 77;
        k->to_bf16(a, x, n);
        ken_kernels_reference()->to_bf16(b, x, n);
        assert_memory_equal(a, b, (size_t)n * sizeof *a);
        assert_int_equal(a[n], 77);
    }
}

static void check_rope(const ken_kernels *k)
{
    static const int shapes[][3] = {{1, 2, 2},   {3, 8, 8},    {2, 16, 8}, {9, 64, 64},
                                    {2, 80, 80}, {1, 128, 64}, {2, 96, 24}}; /* heads, d, d_rope */
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int h = shapes[i][0], d = shapes[i][1], r = shapes[i][2];
        float a[1024], b[1024], c[64], s[64];
        fill(a, 1024, 2);
        memcpy(b, a, sizeof a);
        for (int j = 0; j < r / 2; j++) c[j] = cosf((float)j), s[j] = sinf((float)j);
        ken_kernels_reference()->rope(b, c, s, h, d, r);
        k->rope(a, c, s, h, d, r);
        assert_true(distance(a, b, (size_t)(h * d)) < 1e-6);
    }
}

/* Rows as a random tree over scattered slots: row r hangs below a random earlier one, so some share prefixes, some do not. */
typedef struct tree {
    int n;
    int32_t pos[200], slot[200], shared[200], parent[200];
    int64_t path[200];
    int32_t *slots;
} tree;

static void tree_make(tree *t, int n, int max_pos, int32_t n_slots)
{
    t->n = n;
    t->slots = calloc((size_t)n * (size_t)(max_pos + 1), sizeof *t->slots);
    for (int r = 0; r < n; r++) {
        int p = -1;
        if (r > 0 && uniform() > -0.95F) p = uniform() > -0.3F ? r - 1 : (int)((uniform() + 1) / 2 * (float)r);
        if (p >= 0 && t->pos[p] + 1 >= max_pos) p = t->parent[p];
        t->parent[r] = p;
        t->pos[r] = p < 0 ? 0 : t->pos[p] + 1;
        t->slot[r] = (int32_t)((r * 7 + 3) % n_slots); /* distinct while n <= n_slots and 7 does not divide it */
        t->path[r] = (int64_t)r * (max_pos + 1);
        if (p >= 0) {
            memcpy(t->slots + t->path[r], t->slots + t->path[p], (size_t)t->pos[p] * sizeof *t->slots);
            t->slots[t->path[r] + t->pos[p]] = t->slot[p];
        }
        int same = 0;
        for (; r > 0 && same <= t->pos[r] && same <= t->pos[r - 1]; same++) {
            int32_t x = same == t->pos[r] ? t->slot[r] : t->slots[t->path[r] + same];
            int32_t y = same == t->pos[r - 1] ? t->slot[r - 1] : t->slots[t->path[r - 1] + same];
            if (x != y) break;
        }
        t->shared[r] = same;
    }
}

static void check_attention(const ken_kernels *k)
{
    static const int shapes[][4] = {{1, 1, 8, 0},  {3, 1, 64, 0},   {9, 3, 64, 0},  {4, 1, 16, 5},
                                    {5, 1, 24, 0}, {8, 8, 32, 3},   {7, 1, 80, 20}, {2, 2, 128, 0},
                                    {6, 1, 4, 0},  {2, 1, 256, 17}, {10, 2, 40, 1}}; /* heads, kv heads, d, window */
    enum { N = 150, SLOTS = 201, MAX_POS = 70 };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int H = shapes[i][0], KV = shapes[i][1], d = shapes[i][2], pad = (d + 15) / 16 * 16;
        const size_t nq = (size_t)N * (size_t)H * (size_t)d, nk = (size_t)KV * SLOTS * (size_t)pad;
        tree t;
        tree_make(&t, N, MAX_POS, SLOTS);
        float *q = ken_alloc_aligned(nq * 4), *key = ken_alloc_aligned(nk * 4), *v = ken_alloc_aligned(nk * 4);
        float *a = ken_alloc_aligned(nq * 4), *b = ken_alloc_aligned(nq * 4), *again = ken_alloc_aligned(nq * 4);
        fill(q, (int)nq, 3);
        fill(key, (int)nk, 1);
        fill(v, (int)nk, 1);
        ken_attention_scratch s = {calloc(80 * (size_t)d, 4), calloc(80 * 4, 4), calloc(80, 4)};
        const ken_attention job = {.n_head = H,
                                   .n_kv = KV,
                                   .d = d,
                                   .d_pad = pad,
                                   .window = shapes[i][3],
                                   .n_slots = SLOTS,
                                   .q = q,
                                   .k = key,
                                   .v = v,
                                   .pos = t.pos,
                                   .slot = t.slot,
                                   .path = t.path,
                                   .path_slots = t.slots,
                                   .shared = t.shared};
        int32_t rows[N];
        for (int r = 0; r < N; r++) rows[r] = r;
        ken_kernels_reference()->attend(&job, rows, N, b, &s);
        k->attend(&job, rows, N, a, &s);
        const double worst = distance(a, b, nq);
        if (worst > 2e-6)
            print_message("attention %s: heads %d/%d d %d window %d: %g\n", k->name, H, KV, d, shapes[i][3], worst);
        assert_true(worst < 4e-6);

        /* Same bits alone, backwards, and in any order: nothing of a neighbour leaks in. */
        const size_t row = (size_t)H * (size_t)d;
        for (int r = 0; r < N; r++) {
            k->attend(&job, rows + r, 1, again, &s);
            assert_memory_equal(again, a + (size_t)r * row, row * 4);
        }
        for (int r = 0; r < N; r++) rows[r] = (r * 37 + 11) % N;
        k->attend(&job, rows, N, again, &s);
        for (int r = 0; r < N; r++) assert_memory_equal(again + (size_t)r * row, a + (size_t)rows[r] * row, row * 4);
        for (int r = 0; r < N / 3; r++) rows[r] = 3 * r; /* ascending with gaps: the last layer's rows */
        k->attend(&job, rows, N / 3, again, &s);
        for (int r = 0; r < N / 3; r++)
            assert_memory_equal(again + (size_t)r * row, a + (size_t)rows[r] * row, row * 4);
        float *of[] = {q, key, v, a, b, again};
        for (int j = 0; j < 6; j++) ken_free(of[j]);
        free(s.kt), free(s.scores), free(s.slots), free(t.slots);
    }
}

static void test_exp(void **state) { (void)state, each_isa(check_exp); }
static void test_rows(void **state) { (void)state, each_isa(check_rows); }
static void test_bf16(void **state)
{
    (void)state;
    check_bf16(ken_kernels_reference());
    each_isa(check_bf16);
}
static void test_rope(void **state) { (void)state, each_isa(check_rope); }
static void test_attention(void **state) { (void)state, each_isa(check_attention); }

static void test_isa_names(void **state)
{
    (void)state;
    ken_isa isa = KEN_ISA_GENERIC;
    ken_err err;
    assert_int_equal(ken_isa_parse(&isa, NULL, &err), KEN_OK);
    assert_int_equal(isa, ken_isa_best());
    assert_int_equal(ken_isa_parse(&isa, "generic", &err), KEN_OK);
    assert_int_equal(isa, KEN_ISA_GENERIC);
    assert_int_equal(ken_isa_parse(&isa, "sse9", &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "sse9"));
    assert_string_equal(ken_isa_name(KEN_ISA_AVX512), "avx512");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isa_names), cmocka_unit_test(test_exp),  cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bf16),      cmocka_unit_test(test_rope), cmocka_unit_test(test_attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
