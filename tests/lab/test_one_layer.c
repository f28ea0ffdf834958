/* test_one_layer.c - the fast way of the one-layer theory against the plain one: kernels against double precision, pretraining and fine-tuning against whole
 * matrices, lookups against the argmax, and the identities E1 to E5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "lab/held.h"
#include "lab/plain_math.h"
#include "lab/reference.h"
#include "nn/kernels.h"

/* ---- kernels ---------------------------------------------------------------------------------------------------------------- */

static double noise(uint64_t at)
{
    const ken_stream s = ken_stream_of(7, 99);
    uint32_t x[4];
    ken_stream_at(&s, at, 0, 0, x);
    return x[0] * 0x1p-31 - 1;
}

static void fill(float *x, int n, double scale, uint64_t from)
{
    for (int i = 0; i < n; i++) x[i] = (float)(noise(from + (uint64_t)i) * scale);
}

/* p, and g for answer a, in double precision */
static double plain(double *p, const float *s, const float *r, double lambda, int a, int k)
{
    double most = -INFINITY, sum = 0, by = 0;
    for (int i = 0; i < k; i++) {
        p[i] = lambda * (double)s[i] + (1 - lambda) * (double)r[i];
        most = fmax(most, p[i]);
    }
    for (int i = 0; i < k; i++) sum += p[i] = exp(p[i] - most);
    for (int i = 0; i < k; i++) by += (p[i] /= sum) * ((double)s[i] - (double)r[i]);
    return (double)s[a] - (double)r[a] - by;
}

enum { MOST = 112 };

static void kernels_compute_the_softmax(void **state)
{
    (void)state;
    float s[MOST] = {0}, r[MOST] = {0}, p[MOST];
    double want[MOST];
    for (int k = 2; k <= 100; k++)
        for (int big = 0; big < 2; big++) { /* logits up to 3, or so large that the plain exponential is none */
            const double scale = big ? 400 : 3;
            fill(s, k, scale, (uint64_t)k * 1000);
            fill(r, k, scale, (uint64_t)k * 1000 + 500);
            const float lambda = 0.25F + 0.5F * (float)(k % 2);
            const int a = k / 2;
            const double g = plain(want, s, r, (double)lambda, a, k), got = (double)ken_lab_gain(s, r, lambda, a, k);
            ken_lab_softmax(p, s, r, lambda, k);
            for (int i = 0; i < k; i++) assert_true(fabs((double)p[i] - want[i]) < (big ? 1e-4 : 1e-6));
            assert_true(fabs(g - got) < (big ? 0.1 : 1e-5));
            for (int i = k; i < MOST; i++) s[i] = r[i] = 1e9F; /* what stands behind the answers does not count */
            assert_true(got == (double)ken_lab_gain(s, r, lambda, a, k));
            memset(s, 0, sizeof s);
            memset(r, 0, sizeof r);
        }
}

static void a_step_is_the_gradient(void **state)
{
    (void)state;
    enum { K = 37, ROW = 48 };
    float s[ROW] = {0}, r[ROW] = {0}, theta[ROW] = {0}, mixed[ROW] = {0}, p[ROW], was[3][K];
    double want[K];
    fill(s, K, 1, 1), fill(r, K, 1, 100), fill(theta, K, 1, 200), fill(mixed, K, 1, 300);
    memcpy(was[0], s, sizeof was[0]), memcpy(was[1], r, sizeof was[1]), memcpy(was[2], theta, sizeof was[2]);
    const double g = plain(want, mixed, r, 0.625, 5, K);
    const ken_value_step x = {.s = s,
                              .r = r,
                              .theta = theta,
                              .by_s = 0.5F,
                              .by_r = 0.25F,
                              .by_theta = 0.125F,
                              .mixed = mixed,
                              .lambda = 0.625F,
                              .a = 5,
                              .k = K,
                              .p = p};
    assert_true(fabs((double)ken_lab_value_step(&x) - g) < 1e-5);
    for (int i = 0; i < K; i++) {
        const double e = (i == 5) - want[i];
        assert_true(fabs((double)s[i] - (double)was[0][i] - 0.5 * e) < 1e-6);
        assert_true(fabs((double)r[i] - (double)was[1][i] - 0.25 * e) < 1e-6);
        assert_true(fabs((double)theta[i] - (double)was[2][i] - 0.125 * e) < 1e-6);
    }
}

static void ties_go_to_the_lowest(void **state)
{
    (void)state;
    float s[32] = {0}, r[32] = {0};
    assert_true(ken_lab_right(s, r, 0.5F, 0, 20));
    assert_false(ken_lab_right(s, r, 0.5F, 1, 20));
    s[3] = 1, s[17] = 1, s[25] = 9; /* 25 is behind the last answer */
    assert_true(ken_lab_right(s, r, 0.5F, 3, 20));
    assert_false(ken_lab_right(s, r, 0.5F, 17, 20));
    s[3] = 0.5F;
    assert_true(ken_lab_right(s, r, 0.5F, 17, 20));
}

#if defined(__x86_64__)
/* All that this CPU has give the same bits. */
static void every_cpu_computes_the_same(void **state)
{
    (void)state;
    const ken_lab_kernels *list[] = {&ken_lab_kernels_generic, &ken_lab_kernels_avx2, &ken_lab_kernels_avx512};
    const int n = ken_isa_best() == KEN_ISA_AVX512 ? 3 : ken_isa_best() == KEN_ISA_AVX2 ? 2 : 1;
    for (int k = 2; k <= 100; k += 7) {
        float first[3][MOST], first_gain[2] = {0, 0};
        for (int i = 0; i < n; i++) {
            float s[MOST] = {0}, r[MOST] = {0}, p[MOST] = {0};
            fill(s, k, 4, 11), fill(r, k, 4, 500);
            const float gain = list[i]->gain(s, r, 0.3F, k - 1, k);
            list[i]->softmax(p, s, r, 0.3F, k);
            const ken_value_step x = {
                .s = s, .r = r, .by_s = 0.1F, .by_r = 0.2F, .mixed = s, .lambda = 0.3F, .a = 1, .k = k, .p = p};
            const float again = list[i]->value_step(&x);
            if (i == 0) {
                memcpy(first[0], s, sizeof s), memcpy(first[1], r, sizeof r), memcpy(first[2], p, sizeof p);
                first_gain[0] = gain, first_gain[1] = again;
            }
            assert_memory_equal(s, first[0], (size_t)k * sizeof *s);
            assert_memory_equal(r, first[1], (size_t)k * sizeof *r);
            assert_memory_equal(p, first[2], (size_t)k * sizeof *p);
            assert_memory_equal(&gain, &first_gain[0], sizeof gain);
            assert_memory_equal(&again, &first_gain[1], sizeof again);
        }
    }
}
#endif

static void plain_math_is_right(void **state)
{
    (void)state;
    for (int i = -6990; i < 6990; i++) {
        const double x = i * 0.1 + 0.0371;
        assert_true(fabs(ken_plain_exp(x) / exp(x) - 1) < 3e-15);
    }
    for (double x = 1e-9; x < 1e12; x *= 1.37)
        assert_true(fabs(ken_plain_log(x) - log(x)) < 1e-14 * fmax(1, fabs(log(x))));
    assert_true(ken_plain_log(1) == 0 && ken_plain_exp(0) == 1 && ken_plain_sigmoid(0) == 0.5);
    assert_true(ken_plain_sigmoid(1e9) == 1 && ken_plain_sigmoid(-1e9) < 1e-300);
}

/* ---- draws ------------------------------------------------------------------------------------------------------------------ */

/* What the table of aliases gives each number is p(i), summed over the columns. */
static void zipf_is_exact(void **state)
{
    (void)state;
    const double alphas[] = {0, 0.6, 1, 1.4, 10};
    for (size_t j = 0; j < sizeof alphas / sizeof *alphas; j++) {
        enum { N = 300 };
        ken_zipf z;
        double p[N] = {0}, sum = 0;
        assert_int_equal(ken_zipf_make(&z, N, alphas[j]), 0);
        for (int i = 0; i < N; i++) {
            p[i] += z.below[i] * 0x1p-32 / N;
            p[z.other[i]] += (1 - z.below[i] * 0x1p-32) / N;
            sum += pow(i + 1, -alphas[j]);
        }
        for (int i = 0; i < N; i++) assert_true(fabs(p[i] - pow(i + 1, -alphas[j]) / sum) < 1e-9);
        ken_zipf_free(&z);
    }
}

static void arms_are_what_they_are_called(void **state)
{
    (void)state;
    ken_one_world w;
    assert_int_equal(ken_one_world_make(&w, 80, 3, 4, 0, 5, NULL), KEN_OK);
    bool seen[80] = {false};
    for (int arm = 0; arm < KEN_N_ARMS; arm++) {
        const int n = ken_arm_subjects(&w, arm);
        assert_int_equal(n, arm == KEN_ARM_WHOLE || arm == KEN_ARM_WHOLE_MATCHED ? 40 : 20);
        for (int i = 0; i < n; i++) {
            const int s = ken_arm_subject(&w, arm, i);
            assert_true(s >= 0 && s < 80 && s % 2 == 0);
            if (arm == KEN_ARM_TOP) assert_true(s < 40);
            if (arm == KEN_ARM_BOTTOM) assert_true(s >= 40);
            if (arm == KEN_ARM_RANDOM) assert_false(seen[s]), seen[s] = true;
        }
    }
    int top = 0;
    for (int s = 0; s < 40; s++) top += seen[s];
    assert_true(top > 2 && top < 18); /* of both halves */
    for (int s = 0; s < 80; s++)
        for (int r = 0; r < 3; r++) assert_int_equal(ken_one_answer(&w, s, r) / 4, r);
    ken_one_world_free(&w);
}

/* ---- against whole matrices ------------------------------------------------------------------------------------------------- */

enum { S = 16, R = 3, A = 4, K = R * A, PRETRAIN = 400, TUNE = 300 };

typedef struct both { /* one world twice */
    ken_one_world w;
    ken_values v;
    ken_scores k;
    ken_zipf z;
    ken_reference n;
    uint32_t exposures[S * R];
    float scratch[64];
    double *g;
} both;

/* Orthonormal tokens, in a random basis: rows of a random matrix, made orthonormal one by one. Subjects share the last direction. */
static void embed(ken_reference *n, const ken_one_world *w)
{
    const int d = n->d;
    double *basis = ken_alloc((size_t)d * (size_t)d, sizeof *basis);
    assert_non_null(basis);
    for (int i = 0; i < d; i++) {
        double *x = basis + i * d, length = 0;
        for (int j = 0; j < d; j++) x[j] = noise((uint64_t)(5000 + i * d + j));
        for (int twice = 0; twice < 2; twice++)
            for (int b = 0; b < i; b++) {
                double dot = 0;
                for (int j = 0; j < d; j++) dot += x[j] * basis[b * d + j];
                for (int j = 0; j < d; j++) x[j] -= dot * basis[b * d + j];
            }
        for (int j = 0; j < d; j++) length += x[j] * x[j];
        for (int j = 0; j < d; j++) x[j] /= sqrt(length);
    }
    for (int i = 0; i < S + R + K; i++)
        for (int j = 0; j < d; j++)
            n->phi[i * d + j] =
                i < S ? w->own * basis[i * d + j] + w->common * basis[(d - 1) * d + j] : basis[i * d + j];
    ken_free(basis);
}

static void add(double *to, const double *g, double by, int n)
{
    for (int i = 0; i < n; i++) to[i] += by * g[i];
}

/* Pretraining step by step with the same draws: W_V by eq. 3. */
static void pretrain_plainly(both *x, double lr)
{
    const ken_stream draws = ken_stream_of(x->w.seed, KEN_STAGE_PRETRAIN);
    for (uint64_t t = 0; t < PRETRAIN; t++) {
        uint32_t word[4];
        ken_stream_at(&draws, t, 0, 0, word);
        const int s = ken_zipf_draw(&x->z, word[0], word[1]), r = (int)ken_below(word[2], R),
                  a = ken_one_answer(&x->w, s, r);
        ken_reference_loss_at(&x->n, s, r, a, 0.5, NULL);
        ken_reference_of_values(&x->n, s, r, a, 0.5, x->g);
        add(x->n.w_v, x->g, lr, x->n.d * x->n.d);
    }
}

static void tune_plainly(both *x, const ken_tuning_plan *p, double lr_value)
{
    const ken_stream draws = ken_stream_of(x->w.seed, lr_value > 0 ? KEN_STAGE_JOINT : KEN_STAGE_TUNE);
    const int dd = x->n.d * x->n.d;
    for (uint64_t t = 0; t < TUNE; t++) {
        uint32_t word[4];
        double attention, gain;
        ken_stream_at(&draws, t, (uint32_t)p->arm, p->about, word);
        const int s =
            ken_arm_subject(&x->w, p->arm, (int)ken_below(word[0], (uint32_t)ken_arm_subjects(&x->w, p->arm)));
        const int r = (int)ken_below(word[1], R), a = ken_one_answer(&x->w, s, r);
        ken_reference_loss(&x->n, s, r, a, &attention, &gain);
        ken_reference_of_values(&x->n, s, r, a, attention, x->g);
        ken_reference_of_attention(&x->n, s, r, attention, gain, x->g + dd);
        add(x->n.w_v, x->g, lr_value, dd);
        add(x->n.w_kq, x->g + dd, p->lr, dd);
    }
}

static void make_both(both *x, double shared)
{
    memset(x, 0, sizeof *x);
    assert_int_equal(ken_one_world_make(&x->w, S, R, A, shared, 3, NULL), KEN_OK);
    assert_int_equal(ken_values_make(&x->v, &x->w, NULL), KEN_OK);
    assert_int_equal(ken_scores_make(&x->k, &x->w, NULL), KEN_OK);
    assert_int_equal(ken_zipf_make(&x->z, S, 1), 0);
    assert_int_equal(ken_reference_make(&x->n, S, R, K, S + R + K + 1, NULL), KEN_OK);
    x->g = ken_alloc(2 * (size_t)x->n.d * (size_t)x->n.d, sizeof *x->g);
    assert_non_null(x->g);
    embed(&x->n, &x->w);
    assert_int_equal(ken_one_pretrain(&x->v, x->exposures, &x->w, &x->z, 0.5, 0, PRETRAIN, x->scratch, NULL), KEN_OK);
    pretrain_plainly(x, 0.5);
}

static void free_both(both *x)
{
    ken_one_world_free(&x->w);
    ken_values_free(&x->v);
    ken_scores_free(&x->k);
    ken_zipf_free(&x->z);
    ken_reference_free(&x->n);
    ken_free(x->g);
}

/* v(s), v(r) as the matrices have them, at every fact. */
static double values_differ(both *x)
{
    double worst = 0;
    for (int s = 0; s < S; s++)
        for (int r = 0; r < R; r++) {
            ken_reference_loss_at(&x->n, s, r, 0, 0.5, NULL);
            for (int k = 0; k < K; k++) {
                worst = fmax(worst, fabs(x->n.v[k] - (double)ken_value_of(&x->v, s)[k]));
                worst = fmax(worst, fabs(x->n.v[K + k] - (double)ken_value_of_relation(&x->v, r)[k]));
            }
        }
    return worst;
}

static double attention_differs(both *x)
{
    double worst = 0, attention;
    for (int s = 0; s < S; s++)
        for (int r = 0; r < R; r++) {
            ken_reference_loss(&x->n, s, r, 0, &attention, NULL);
            worst = fmax(worst, fabs(attention - ken_one_attention(&x->w, &x->k, s, r)));
        }
    return worst;
}

static void fast_is_what_the_matrices_do(void **state)
{
    (void)state;
    for (int c = 0; c < 3; c++)
        for (int joint = 0; joint < 2; joint++) {
            both x;
            const double shared = c * 0.3, lr_value = joint ? 0.1 : 0;
            const ken_tuning_plan p = {.arm = joint ? KEN_ARM_WHOLE : KEN_ARM_TOP, .lr = 0.3, .about = 17};
            make_both(&x, shared);
            assert_true(values_differ(&x) < 2e-5);
            tune_plainly(&x, &p, lr_value);
            if (joint)
                assert_int_equal(ken_one_tune_joint(&x.k, &x.v, &x.w, &p, lr_value, 0, TUNE, x.scratch, NULL), KEN_OK);
            else assert_int_equal(ken_one_tune(&x.k, &x.v, &x.w, &p, 0, TUNE, NULL), KEN_OK);
            assert_true(values_differ(&x) < 5e-5);
            assert_true(attention_differs(&x) < 2e-5);
            double moved = 0;
            for (int r = 0; r < R; r++) moved += fabs(ken_one_attention_unseen(&x.w, &x.k, r) - 0.5);
            assert_true(moved > 0.03); /* there was something to compare */
            free_both(&x);
        }
}

/* E1, E2, E4: what is left of W_KQ in the plain network, for subjects that were never trained on. */
static void identities_of_attention(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++) {
        both x;
        const double shared = c * 0.5;
        const ken_tuning_plan p = {.arm = KEN_ARM_WHOLE, .lr = 0.3, .about = 1};
        make_both(&x, shared);
        tune_plainly(&x, &p, 0);
        assert_int_equal(ken_one_tune(&x.k, &x.v, &x.w, &p, 0, TUNE, NULL), KEN_OK);
        for (int r = 0; r < R; r++) {
            const double own = ken_reference_score(&x.n, ken_reference_relation(&x.n, r), r);
            double sum = x.k.own[r], lambda;
            for (int s = 0; s < S; s++) sum += x.k.subject[s * R + r] / x.w.own;
            assert_true(fabs(sum) < 1e-12); /* E1 */
            for (int s = 1; s < S; s += 2) {
                ken_reference_loss(&x.n, s, r, 0, &lambda, NULL);
                const double gap = ken_reference_score(&x.n, ken_reference_subject(&x.n, s), r) - own;
                assert_true(fabs(gap + (1 + shared) * own) < 1e-12); /* E2, E4 */
                assert_true(fabs(lambda - ken_one_attention_unseen(&x.w, &x.k, r)) < 2e-5);
            }
        }
        free_both(&x);
    }
}

/* The expected step: as many updates, in the mean. */
static void full_batch_is_the_mean(void **state)
{
    (void)state;
    both x;
    double scratch[S];
    const ken_tuning_plan p = {.arm = KEN_ARM_BOTTOM, .lr = 0.3, .about = 1};
    make_both(&x, 0);
    assert_int_equal(ken_one_tune_full(&x.k, &x.v, &x.w, &p, 60, 1, scratch, NULL), KEN_OK);
    const int n = ken_arm_subjects(&x.w, KEN_ARM_BOTTOM), dd = x.n.d * x.n.d;
    memset(x.g, 0, (size_t)dd * sizeof *x.g);
    for (int i = 0; i < n; i++)
        for (int r = 0; r < R; r++) {
            double attention, gain;
            const int s = ken_arm_subject(&x.w, KEN_ARM_BOTTOM, i);
            ken_reference_loss(&x.n, s, r, ken_one_answer(&x.w, s, r), &attention, &gain);
            ken_reference_of_attention(&x.n, s, r, attention, gain, x.g + dd);
            add(x.g, x.g + dd, 0.3 * 60 / (n * R), dd);
        }
    add(x.n.w_kq, x.g, 1, dd);
    assert_true(attention_differs(&x) < 1e-5);
    free_both(&x);
}

/* ---- lookups ---------------------------------------------------------------------------------------------------------------- */

static bool looked_up(const ken_held *h, int r, int s, double lambda)
{
    const int at = r * h->subjects + s / 2;
    return (lambda > h->lo[at] || (lambda == h->lo[at] && (h->closed[at] & 1))) &&
           (lambda < h->hi[at] || (lambda == h->hi[at] && (h->closed[at] & 2)));
}

/* E3 and E5 at full size: 15 pretrained states, 5 arms each; every held-out fact by argmax over all logits. Single steps go on where the last state ended. */
static void lookups_are_the_argmax(void **state)
{
    (void)state;
    static const double alphas[] = {0.6, 1.0, 1.4};
    static const int64_t steps[] = {15000, 30000, 60000, 120000, 300000};
    for (int i = 0; i < 3; i++) {
        ken_one_world w;
        ken_values v;
        ken_scores k;
        ken_held h;
        ken_zipf z;
        assert_int_equal(ken_one_world_make(&w, 1000, 5, 20, 0, 11, NULL), KEN_OK);
        assert_int_equal(ken_values_make(&v, &w, NULL), KEN_OK);
        assert_int_equal(ken_scores_make(&k, &w, NULL), KEN_OK);
        assert_int_equal(ken_held_make(&h, &w, NULL), KEN_OK);
        assert_int_equal(ken_zipf_make(&z, 1000, alphas[i]), 0);
        uint32_t *exposures = ken_calloc(5000, sizeof *exposures);
        float scratch[112];
        for (int j = 0; j < 5; j++) {
            ken_one_pretrain(&v, exposures, &w, &z, 0.5, j > 0 ? steps[j - 1] : 0, steps[j], scratch, NULL);
            ken_held_fill(&h, &w, &v);
            for (int arm = 0; arm < KEN_N_ARMS; arm++) {
                const ken_tuning_plan p = {.arm = arm, .lr = 0.3, .about = (uint32_t)j};
                double lambda[5];
                uint32_t right[4], sum = 0, quartile[4] = {0};
                ken_scores_clear(&k, &w);
                ken_one_tune(&k, &v, &w, &p, 0, 6250, NULL);
                for (int r = 0; r < 5; r++) {
                    lambda[r] = ken_one_attention_unseen(&w, &k, r);
                    for (int s = 1; s < 1000; s += 2) {
                        const bool is = ken_held_direct(&w, &v, s, r, lambda[r]) == ken_one_answer(&w, s, r);
                        assert_int_equal(is, looked_up(&h, r, s, lambda[r]));
                        quartile[s / 250] += is;
                    }
                }
                ken_held_right(&h, lambda, right);
                for (int q = 0; q < 4; q++) {
                    assert_int_equal(right[q], quartile[q]);
                    sum += right[q];
                }
                assert_true(sum > 200);
            }
        }
        ken_one_world_free(&w), ken_values_free(&v), ken_scores_free(&k), ken_held_free(&h), ken_zipf_free(&z);
        ken_free(exposures);
    }
}

/* No attention is better than the best one, on a grid of a thousand. */
static void best_attention_is_best(void **state)
{
    (void)state;
    both x;
    ken_held h;
    uint32_t best, right[4];
    make_both(&x, 0);
    assert_int_equal(ken_held_make(&h, &x.w, NULL), KEN_OK);
    ken_held_fill(&h, &x.w, &x.v);
    const double at = ken_held_best(&h, &best), there[R] = {at, at, at};
    ken_held_right(&h, there, right);
    assert_int_equal(right[0] + right[1] + right[2] + right[3], best);
    for (int i = 1; i < 1000; i++) {
        const double lambda[R] = {i / 1000.0, i / 1000.0, i / 1000.0};
        ken_held_right(&h, lambda, right);
        assert_true(right[0] + right[1] + right[2] + right[3] <= best);
    }
    assert_true(best > 5);
    ken_held_free(&h);
    free_both(&x);
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 4; seed++) {
        ken_gradient_errors e;
        assert_int_equal(ken_reference_check(&e, seed, NULL), KEN_OK);
        assert_true(e.attention > 0 && e.attention < 1e-7);
        assert_true(e.values > 0 && e.values < 1e-7);
        assert_true(e.spill < 1e-12 && e.spill_shared < 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_compute_the_softmax),
        cmocka_unit_test(a_step_is_the_gradient),
        cmocka_unit_test(ties_go_to_the_lowest),
#if defined(__x86_64__)
        cmocka_unit_test(every_cpu_computes_the_same),
#endif
        cmocka_unit_test(plain_math_is_right),
        cmocka_unit_test(zipf_is_exact),
        cmocka_unit_test(arms_are_what_they_are_called),
        cmocka_unit_test(fast_is_what_the_matrices_do),
        cmocka_unit_test(identities_of_attention),
        cmocka_unit_test(full_batch_is_the_mean),
        cmocka_unit_test(lookups_are_the_argmax),
        cmocka_unit_test(best_attention_is_best),
        cmocka_unit_test(gradients_are_those_of_the_loss)
    };
    return cmocka_run_group_tests_name("one layer", tests, NULL, NULL);
}
