/* test_kernels_back.c - the scalar reference of the backward kernels against central differences of functions in double, and every
 * kernel of every instruction set that this CPU has against that reference, at odd sizes. */
#include "values.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "nn/kernels_back.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const int lengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 48, 63, 64, 65, 100, 576, 1537};
enum { N_LENGTHS = sizeof lengths / sizeof *lengths, MAX = 2048 };

static void each_isa(void (*check)(const ken_back_kernels *k, const ken_kernels *forward))
{
    for (int isa = KEN_ISA_GENERIC; isa <= (int)ken_isa_best(); isa++)
        check(ken_back_kernels_get((ken_isa)isa), ken_kernels_get((ken_isa)isa));
}

/* ---- the reference against central differences ------------------------------------------------------------------------- */

/* df/dx[i] of a function in double, for comparison with a gradient in float */
static double slope(double (*f)(const double *x, const void *ctx), double *x, int i, const void *ctx)
{
    const double h = 1e-5 * (1 + fabs(x[i])), at = x[i];
    x[i] = at + h;
    const double up = f(x, ctx);
    x[i] = at - h;
    const double down = f(x, ctx);
    x[i] = at;
    return (up - down) / (2 * h);
}

static void assert_near(double got, double want) { assert_true(fabs(got - want) < 2e-6 * (1 + fabs(want))); }

enum { S = 7 }; /* length of the small vectors below */
static const double eps = 1e-3;

static double norm_loss(const double *x, const void *ctx) /* x (S), w (S); ctx: dy (S) */
{
    const float *dy = ctx;
    double square = 0, loss = 0;
    for (int i = 0; i < S; i++) square += x[i] * x[i];
    for (int i = 0; i < S; i++) loss += dy[i] * x[i] / sqrt(square / S + eps) * x[S + i];
    return loss;
}

static double silu_loss(const double *x, const void *ctx) /* gate (S), up (S); ctx: dh (S) */
{
    const float *dh = ctx;
    double loss = 0;
    for (int i = 0; i < S; i++) loss += dh[i] * x[i] / (1 + exp(-x[i])) * x[S + i];
    return loss;
}

static double rope_loss(const double *x,
                        const void *ctx) /* two heads of 6, 4 of them rotated; ctx: cos (2), sin (2), dy (12) */
{
    const float *c = ctx, *s = c + 2, *dy = s + 2;
    double loss = 0;
    for (int h = 0; h < 12; h += 6) {
        for (int i = 0; i < 2; i++)
            loss += dy[h + i] * (x[h + i] * c[i] - x[h + i + 2] * s[i]) +
                    dy[h + i + 2] * (x[h + i + 2] * c[i] + x[h + i] * s[i]);
        loss += dy[h + 4] * x[h + 4] + dy[h + 5] * x[h + 5];
    }
    return loss;
}

static double log_sum(const double *x, const void *ctx) /* ctx: scale */
{
    double sum = 0;
    for (int i = 0; i < S; i++) sum += exp(*(const float *)ctx * x[i]);
    return log(sum);
}

static void test_slopes(void **state)
{
    (void)state;
    const ken_back_kernels *ref = ken_back_kernels_reference();
    for (int turn = 0; turn < 20; turn++) {
        float x[2 * S], dy[S], dx[S], dw[S], h[S], forward[S];
        double at[2 * S];
        fill(x, 2 * S, 2);
        fill(dy, S, 1);
        fill(dx, S, 1), fill(dw, S, 1);
        float dx0[S], dw0[S];
        memcpy(dx0, dx, sizeof dx), memcpy(dw0, dw, sizeof dw);
        for (int i = 0; i < 2 * S; i++) at[i] = x[i];
        ref->rms_norm_back(dx, dw, dy, x, x + S, S, (float)eps);
        for (int i = 0; i < S; i++) {
            assert_near(dx[i], dx0[i] + slope(norm_loss, at, i, dy));
            assert_near(dw[i], dw0[i] + slope(norm_loss, at, S + i, dy));
        }
        ref->silu_mul_back(dx, dw, h, dy, x, x + S, S);
        ken_kernels_reference()->silu_mul(forward, x, x + S, S);
        for (int i = 0; i < S; i++) {
            assert_near(dx[i], slope(silu_loss, at, i, dy));
            assert_near(dw[i], slope(silu_loss, at, S + i, dy));
            assert_near(h[i], forward[i]);
        }
        const float scale = 0.7F;
        const double lse = ref->softmax(dx, x, S, scale, 3.0F);
        assert_near(lse, log_sum(at, &scale));
        for (int i = 0; i < S; i++) assert_near(dx[i] * scale, 3 * slope(log_sum, at, i, &scale));

        float angles[16] = {cosf(1), cosf(2), sinf(1), sinf(2)};
        double y[12];
        fill(angles + 4, 12, 1);
        float d[12];
        memcpy(d, angles + 4, sizeof d);
        for (int i = 0; i < 12; i++) y[i] = uniform();
        ref->rope_back(d, angles, angles + 2, 2, 6, 4);
        for (int i = 0; i < 12; i++) assert_near(d[i], slope(rope_loss, y, i, angles));
    }
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

static void check_rows(const ken_back_kernels *k, const ken_kernels *forward)
{
    const ken_back_kernels *ref = ken_back_kernels_reference();
    static float x[MAX], y[MAX], dy[MAX], w[MAX], a[MAX], b[MAX], aw[MAX], bw[MAX], ah[MAX], bh[MAX];
    for (int i = 0; i < N_LENGTHS; i++) {
        const int n = lengths[i];
        const size_t bytes = (size_t)n * sizeof(float);
        fill(x, (size_t)n, 3), fill(y, (size_t)n, 5), fill(dy, (size_t)n, 2), fill(w, (size_t)n, 2);
        fill(a, (size_t)n, 1), fill(aw, (size_t)n, 1);
        memcpy(b, a, bytes), memcpy(bw, aw, bytes);
        a[n] = aw[n] = ah[n] = 77.0F; /* must survive: nothing is written past the end */
        k->rms_norm_back(a, aw, dy, x, w, n, 1e-5F);
        ref->rms_norm_back(b, bw, dy, x, w, n, 1e-5F);
        assert_true(distance(a, b, (size_t)n) < 4e-6);
        assert_true(distance(aw, bw, (size_t)n) < 1e-6);
        k->rms_norm_back(a, NULL, dy, x, w, n, 1e-5F);

        k->silu_mul_back(a, aw, ah, dy, x, y, n);
        ref->silu_mul_back(b, bw, bh, dy, x, y, n);
        assert_true(distance(a, b, (size_t)n) < 1e-6);
        assert_true(distance(aw, bw, (size_t)n) < 1e-6);
        forward->silu_mul(bh, x, y, n);
        assert_memory_equal(ah, bh, bytes); /* the bits of the way there */
        assert_true(a[n] == 77.0F && aw[n] == 77.0F && ah[n] == 77.0F);
        memcpy(bh, a, bytes), memcpy(bw, aw, bytes);
        memcpy(a, x, bytes), memcpy(aw, y, bytes), memcpy(b, dy, bytes);
        k->silu_mul_back(a, aw, b, b, a, aw, n); /* over its inputs */
        assert_memory_equal(a, bh, bytes);
        assert_memory_equal(aw, bw, bytes);
        assert_memory_equal(b, ah, bytes);
        memcpy(a, x, bytes);
        k->silu_mul_back(a, aw, NULL, dy, a, y, n);
        assert_memory_equal(a, bh, bytes);
        assert_true(a[n] == 77.0F && aw[n] == 77.0F);
    }
    float big[] = {-200.0F, -90.0F, 200.0F, 0.0F}, one[] = {1, 1, 1, 1}, up[] = {1, 1, 1, 1};
    k->silu_mul_back(big, up, NULL, one, big, up, 4);
    assert_true(fabsf(big[0]) < 1e-30F && fabsf(big[1]) < 1e-30F && big[2] == 1.0F && big[3] == 0.5F);
}

static void check_rope(const ken_back_kernels *k, const ken_kernels *forward)
{
    static const int shapes[][3] = {{1, 2, 2},   {3, 8, 8},    {2, 16, 8}, {9, 64, 64},
                                    {2, 80, 80}, {1, 128, 64}, {2, 96, 24}}; /* heads, d, d_rope */
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int h = shapes[i][0], d = shapes[i][1], r = shapes[i][2];
        float a[1024], b[1024], c[64], s[64];
        fill(a, 1024, 2);
        memcpy(b, a, sizeof a);
        for (int j = 0; j < r / 2; j++) c[j] = cosf((float)j), s[j] = sinf((float)j);
        ken_back_kernels_reference()->rope_back(b, c, s, h, d, r);
        k->rope_back(a, c, s, h, d, r);
        assert_true(distance(a, b, 1024) < 1e-6);
        fill(b, 1024, 2);
        memcpy(a, b, sizeof a);
        forward->rope(a, c, s, h, d, r);
        k->rope_back(a, c, s, h, d, r); /* a rotation's gradient is its inverse */
        assert_true(distance(a, b, 1024) < 1e-6);
    }
}

static void check_softmax(const ken_back_kernels *k, const ken_kernels *forward)
{
    (void)forward;
    enum { V = 49152 };
    const ken_back_kernels *ref = ken_back_kernels_reference();
    float *x = calloc(V + 1, 4), *a = calloc(V + 1, 4), *b = calloc(V + 1, 4);
    for (int i = 0; i <= N_LENGTHS; i++) {
        const int n = i < N_LENGTHS ? lengths[i] : V;
        for (int s = 0; s < 3; s++) {
            const float scale = s == 0 ? 1.0F : s == 1 ? 0.5F : 3.0F, weight = s == 1 ? -0.25F : 1.75F;
            fill(x, (size_t)n, 20);
            a[n] = 77.0F;
            const double want = ref->softmax(b, x, n, scale, weight), got = k->softmax(a, x, n, scale, weight);
            assert_true(fabs(got - want) < 1e-6 * (1 + fabs(want)));
            for (int j = 0; j < n; j++) {
                const double d = fabs((double)a[j] - (double)b[j]);
                assert_true(d < 2e-5 * fabs((double)b[j]) + 1e-30); /* 60 ulp of the argument are 2e-5 of the result */
            }
            assert_true(k->softmax(NULL, x, n, scale, weight) == got);
            assert_true(k->softmax(x, x, n, scale, weight) == got);
            assert_memory_equal(x, a, (size_t)n * sizeof *a);
            assert_true(a[n] == 77.0F);
        }
    }
    float two[] = {1e30F, -1e30F, 1e30F}, bad[20] = {0};
    assert_true(k->softmax(a, two, 3, 1, 1) == 1e30F);
    assert_true(a[0] == 0.5F && a[1] < 1e-30F && a[2] == 0.5F);
    for (int j = 0; j < 20; j++) {
        bad[j] = NAN;
        assert_true(isnan(k->softmax(NULL, bad, 20, 1, 1)));
        bad[j] = INFINITY;
        assert_true(isnan(k->softmax(NULL, bad, 20, 1, 1)));
        bad[j] = 0;
    }
    free(x), free(a), free(b);
}

static void check_dropout(const ken_back_kernels *k, const ken_kernels *forward)
{
    (void)forward;
    static float x[MAX], a[MAX], b[MAX];
    for (int i = 0; i < N_LENGTHS; i++)
        for (int s = 0; s < 4; s++) {
            const int n = lengths[i];
            const uint64_t key = 0x9E3779B97F4A7C15ULL * (uint64_t)(i + 7 * s + 1);
            const uint32_t site = (uint32_t)s * 0x40000001U;
            const float p = (float)s * 0.33F;
            fill(x, (size_t)n, 1);
            memcpy(a, x, sizeof a), memcpy(b, x, sizeof b);
            a[n] = 77.0F;
            k->dropout(a, n, key, site, p);
            ken_back_kernels_reference()->dropout(b, n, key, site, p);
            assert_memory_equal(a, b, (size_t)n * sizeof *a);
            assert_true(a[n] == 77.0F);
            if (s == 0) assert_memory_equal(a, x, (size_t)n * sizeof *a);
        }
    int dropped = 0;
    double sum = 0;
    for (uint32_t site = 0; site < 100; site++) {
        for (int i = 0; i < 1000; i++) a[i] = 1;
        k->dropout(a, 1000, 5, site, 0.05F);
        for (int i = 0; i < 1000; i++) dropped += a[i] == 0.0F, sum += a[i];
    }
    assert_in_range(dropped, 4700, 5300); /* 4 standard deviations */
    assert_true(fabs(sum / 100000 - 1) < 0.004);
    a[0] = INFINITY, a[1] = NAN;
    for (uint64_t key = 0; key < 64; key++) { /* what is dropped is zero, whatever it was */
        float y[2] = {INFINITY, NAN};
        k->dropout(y, 2, key, 0, 0.5F);
        assert_true(y[0] == 0.0F || isinf(y[0]));
        assert_true(y[1] == 0.0F || isnan(y[1]));
    }
}

/* ---- attention ----------------------------------------------------------------------------------------------------------- */

/* Rows as a random tree in depth-first order, slot = row; some go deep, some branch, some start anew. */
typedef struct tree {
    int n;
    int32_t *pos, *slot, *shared, *parent, *end, *slots;
    int64_t *path, *at;
    int64_t weights;
} tree;

static void *array(int n, size_t size) { return calloc((size_t)n, size); }

static void tree_make(tree *t, int n, int max_pos, int n_head)
{
    *t = (tree){n,           array(n, 4),           array(n, 4), array(n, 4), array(n, 4),
                array(n, 4), array(n * max_pos, 4), array(n, 8), array(n, 8), 0};
    for (int r = 0; r < n; r++) {
        int p = r - 1;
        while (p >= 0 && (t->pos[p] + 1 >= max_pos || uniform() > 0.5F)) p = t->parent[p];
        t->parent[r] = p;
        t->pos[r] = p < 0 ? 0 : t->pos[p] + 1;
        t->slot[r] = r;
        t->path[r] = (int64_t)r * max_pos;
        if (p >= 0) {
            memcpy(t->slots + t->path[r], t->slots + t->path[p], (size_t)t->pos[p] * sizeof *t->slots);
            t->slots[t->path[r] + t->pos[p]] = p;
        }
        t->shared[r] = t->pos[r]; /* in this order all ancestors are on the path of the row before */
        t->end[r] = r + 1;
        for (int a = p; a >= 0; a = t->parent[a]) t->end[a] = r + 1;
        t->at[r] = t->weights;
        t->weights += 2 * (int64_t)n_head * (t->pos[r] + 1);
    }
}

static void tree_free(tree *t)
{
    free(t->pos), free(t->slot), free(t->shared), free(t->parent), free(t->end), free(t->slots), free(t->path);
    free(t->at);
}

typedef struct problem {
    tree t;
    int d_pad;
    float *q, *k, *v, *dout; /* (n, H, d), (KV, n, d_pad) twice, (n, H, d) */
    ken_attention a;
    ken_attention_back_scratch s;
} problem;

static void problem_make(problem *p, int n, int max_pos, const int shape[4]) /* heads, kv heads, d, window */
{
    const int d = shape[2], pad = (d + 15) / 16 * 16;
    const size_t nq = (size_t)n * (size_t)shape[0] * (size_t)d, nk = (size_t)n * (size_t)shape[1] * (size_t)pad;
    const int room = (max_pos + 15) / 16 * 16;
    tree_make(&p->t, n, max_pos, shape[0]);
    p->d_pad = pad;
    p->q = array((int)nq, 4), p->dout = array((int)nq, 4), p->k = array((int)nk, 4), p->v = array((int)nk, 4);
    fill(p->q, nq, 2), fill(p->dout, nq, 1), fill(p->k, nk, 1), fill(p->v, nk, 1);
    p->a = (ken_attention){.n_head = shape[0],
                           .n_kv = shape[1],
                           .d = d,
                           .d_pad = pad,
                           .window = shape[3],
                           .n_slots = n,
                           .q = p->q,
                           .k = p->k,
                           .v = p->v,
                           .pos = p->t.pos,
                           .slot = p->t.slot,
                           .path = p->t.path,
                           .path_slots = p->t.slots,
                           .shared = p->t.shared};
    p->s = (ken_attention_back_scratch){array(room * d, 4), array(room * d, 4), array(room * 8, 4), array(room, 4)};
}

static void problem_free(problem *p)
{
    tree_free(&p->t);
    free(p->q), free(p->k), free(p->v), free(p->dout);
    free(p->s.kt), free(p->s.vt), free(p->s.scores), free(p->s.slots);
}

/* dq (n, H, d), dk, dv (n, KV, d), weights by the kernels of a table, rows in blocks of `block` */
static void run_back(const ken_back_kernels *k, const problem *p, int block, float *dq, float *dk, float *dv,
                     float *weights)
{
    const ken_attention_back b = {&p->a, p->dout, p->t.end, p->t.at, weights};
    int32_t rows[200];
    for (int r = 0; r < p->t.n; r++) rows[r] = r;
    for (int r = 0; r < p->t.n; r += block)
        k->attend_back_query(&b, rows + r, p->t.n - r < block ? p->t.n - r : block, dq, &p->s);
    for (int r = 0; r < p->t.n; r++)
        for (int kv = 0; kv < p->a.n_kv; kv++) {
            const size_t at = ((size_t)r * (size_t)p->a.n_kv + (size_t)kv) * (size_t)p->a.d;
            k->attend_back_key(&b, r, kv, dk + at, dv + at);
        }
}

/* sum of dout * attention; x: q (n, H, d), k (n, KV, d), v (n, KV, d) in double */
static double attention_loss(const double *x, const void *ctx)
{
    const problem *p = ctx;
    const int H = p->a.n_head, KV = p->a.n_kv, d = p->a.d, n = p->t.n;
    const double *q = x, *k = q + n * H * d, *v = k + n * KV * d;
    double loss = 0;
    for (int r = 0; r < n; r++)
        for (int h = 0; h < H; h++) {
            double sum = 0, out = 0;
            for (int s = r, back = 0; s >= 0 && (p->a.window == 0 || back < p->a.window); s = p->t.parent[s], back++) {
                const double *key = k + (s * KV + h / (H / KV)) * d, *value = v + (s * KV + h / (H / KV)) * d;
                double score = 0, gain = 0;
                for (int i = 0; i < d; i++) {
                    score += q[(r * H + h) * d + i] * key[i];
                    gain += p->dout[(r * H + h) * d + i] * value[i];
                }
                sum += exp(score / sqrt(d));
                out += exp(score / sqrt(d)) * gain;
            }
            loss += out / sum;
        }
    return loss;
}

static void test_attention_slopes(void **state)
{
    (void)state;
    static const int shapes[][4] = {{1, 1, 2, 0}, {4, 2, 3, 0}, {2, 1, 4, 3}, {3, 3, 2, 1}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        enum { N = 25 };
        problem p;
        problem_make(&p, N, 9, shapes[s]);
        const int H = shapes[s][0], KV = shapes[s][1], d = shapes[s][2];
        const int nq = N * H * d, nk = N * KV * d, n = nq + 2 * nk;
        double *x = array(n, 8);
        float *g = array(n, 4), *weights = array((int)p.t.weights, 4);
        for (int i = 0; i < nq; i++) x[i] = p.q[i];
        for (int r = 0; r < N; r++)
            for (int kv = 0; kv < KV; kv++)
                for (int i = 0; i < d; i++) {
                    x[nq + (r * KV + kv) * d + i] = p.k[(kv * N + r) * p.d_pad + i];
                    x[nq + nk + (r * KV + kv) * d + i] = p.v[(kv * N + r) * p.d_pad + i];
                }
        run_back(ken_back_kernels_reference(), &p, N, g, g + nq, g + nq + nk, weights);
        for (int i = 0; i < n; i++) assert_near(g[i], slope(attention_loss, x, i, &p));
        free(x), free(g), free(weights);
        problem_free(&p);
    }
}

static void check_attention(const ken_back_kernels *k, const ken_kernels *forward)
{
    (void)forward;
    static const int shapes[][4] = {{1, 1, 8, 0},  {3, 1, 64, 0},   {9, 3, 64, 0},  {4, 1, 16, 5},
                                    {5, 1, 24, 0}, {8, 8, 32, 3},   {7, 1, 80, 20}, {2, 2, 128, 0},
                                    {6, 1, 4, 0},  {2, 1, 256, 17}, {10, 2, 40, 1}}; /* heads, kv heads, d, window */
    enum { N = 150, MAX_POS = 70 };
    double worst = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        problem p;
        problem_make(&p, N, MAX_POS, shapes[i]);
        const size_t nq = (size_t)N * (size_t)shapes[i][0] * (size_t)shapes[i][2];
        const size_t nk = (size_t)N * (size_t)shapes[i][1] * (size_t)shapes[i][2], n = nq + 2 * nk;
        float *a = array((int)n, 4), *b = array((int)n, 4), *again = array((int)n, 4);
        float *wa = array((int)p.t.weights + 1, 4), *wb = array((int)p.t.weights, 4);
        wa[p.t.weights] = 77.0F;
        run_back(k, &p, N, a, a + nq, a + nq + nk, wa);
        run_back(ken_back_kernels_reference(), &p, N, b, b + nq, b + nq + nk, wb);
        double far = distance(a, b, n);
        worst = far > worst ? far : worst;
        far = distance(wa, wb, (size_t)p.t.weights);
        worst = far > worst ? far : worst;
        assert_true(wa[p.t.weights] == 77.0F);

        /* Same bits alone and in blocks, and with NaN in the scratch of positions that a row does not have. */
        static const int blocks[] = {1, 7, 64};
        for (size_t j = 0; j < sizeof blocks / sizeof *blocks; j++) {
            memset(wb, 0, (size_t)p.t.weights * sizeof *wb);
            const int room = (MAX_POS + 15) / 16 * 16 * p.a.d;
            for (int c = 0; c < room && j == 0; c++) p.s.kt[c] = p.s.vt[c] = NAN;
            run_back(k, &p, blocks[j], again, again + nq, again + nq + nk, wb);
            assert_memory_equal(again, a, n * sizeof *a);
            assert_memory_equal(wb, wa, (size_t)p.t.weights * sizeof *wb);
        }
        free(a), free(b), free(again), free(wa), free(wb);
        problem_free(&p);
    }
    if (worst >= 1e-5) print_message("attention back %s: %g\n", k->name, worst);
    assert_true(worst < 1e-5);
}

static void test_rows(void **state) { (void)state, each_isa(check_rows); }
static void test_rope(void **state) { (void)state, each_isa(check_rope); }
static void test_softmax(void **state) { (void)state, each_isa(check_softmax); }
static void test_dropout(void **state) { (void)state, each_isa(check_dropout); }
static void test_attention(void **state) { (void)state, each_isa(check_attention); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slopes),    cmocka_unit_test(test_attention_slopes), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rope),      cmocka_unit_test(test_softmax),          cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
