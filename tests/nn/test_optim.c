/* test_optim.c - AdamW and SGD against torch.optim over twenty steps (tests/oracles/train_optim.py), and what a trainer relies on:
 * the same bits for any number of threads and behind a checkpoint, and nothing changed when a gradient is not finite. */
#include "base/alloc.h"
#include "fixture.h"
#include "nn/optim.h"
#include <math.h>
#include <stdlib.h>

enum { N_SMALL = 37 + 64 + 5, STEPS = 20 };
static const size_t small_sizes[] = {37, 64, 5};

/* The formulas of train_optim.py, exact in f32. */
static float value(size_t i) { return (float)((i * 7919 + 13) % 1009) / 1024.0F - 0.4921875F; }
static float gradient(int step, size_t i) { return value(i + 131 * (size_t)step) * (step % 3 == 0 ? 4.0F : 0x1p-5F); }
static double rate(int step) { return 0x1p-7 * (1 + step % 4); }

/* Arrays of the given sizes, one behind the other; the last does not decay. */
typedef struct arrays {
    float *w, *g;
    size_t n;
    ken_segment segment[3];
} arrays;

static void arrays_new(arrays *a, const size_t sizes[3])
{
    static const char *const names[] = {"first", "second", "third"};
    a->n = sizes[0] + sizes[1] + sizes[2];
    a->w = malloc(a->n * sizeof *a->w);
    a->g = malloc(a->n * sizeof *a->g);
    for (size_t i = 0; i < a->n; i++) a->w[i] = value(i);
    size_t at = 0;
    for (int s = 0; s < 3; at += sizes[s++])
        a->segment[s] = (ken_segment){names[s], a->w + at, a->g + at, sizes[s], s < 2};
}

static void arrays_free(arrays *a) { free(a->w), free(a->g); }

static ken_optim *optim_new(const arrays *a, const ken_optim_options *how)
{
    ken_optim *o;
    ken_err err;
    if (ken_optim_new(&o, a->segment, 3, how, &err) != KEN_OK) fail_msg("%s", err.msg);
    return o;
}

static double take_step(ken_optim *o, const arrays *a, int step, double clip)
{
    double norm;
    ken_err err;
    for (size_t i = 0; i < a->n; i++) a->g[i] = gradient(step, i);
    if (ken_optim_step(o, rate(step), clip, &norm, &err) != KEN_OK) fail_msg("%s", err.msg);
    return norm;
}

/* ---- against PyTorch -------------------------------------------------------------------------------------------------- */

static double check_case(fixture *f)
{
    double number[6], norm[STEPS], want[N_SMALL], worst = 0;
    ken_optim_options how = {.kind = fixture_int(f) == 0 ? KEN_ADAMW : KEN_SGD, .threads = 2};
    fixture_read(f, number, 6, sizeof *number);
    how.beta1 = number[0], how.beta2 = number[1], how.eps = number[2], how.momentum = number[3];
    how.weight_decay = number[4];
    fixture_read(f, norm, STEPS, sizeof *norm);
    arrays a;
    arrays_new(&a, small_sizes);
    ken_optim *o = optim_new(&a, &how);
    for (int step = 1; step <= STEPS; step++) {
        const double got = take_step(o, &a, step, number[5]);
        assert_true(fabs(got / norm[step - 1] - 1) < 1e-6); /* clip_grad_norm_ of float64 */
        if (step != 1 && step != 5 && step != STEPS) continue;
        fixture_read(f, want, N_SMALL, sizeof *want);
        for (size_t i = 0; i < N_SMALL; i++) worst = fmax(worst, fabs((double)a.w[i] - want[i]));
    }
    assert_int_equal(ken_optim_steps(o), STEPS);
    ken_optim_free(o);
    arrays_free(&a);
    return worst;
}

static void test_torch(void **state)
{
    (void)state;
    fixture f;
    fixture_open_oracle(&f, "optim.bin", "KENOPTI1");
    for (int n = fixture_int(&f), i = 0; i < n; i++) {
        const double worst = check_case(&f);
        print_message("case %d: largest difference of a weight %.2g\n", i, worst);
        assert_true(worst < 2e-6); /* f32 against float64; weights and steps are of order 1 and 0.01 */
    }
    fixture_close(&f);
}

/* ---- bits ------------------------------------------------------------------------------------------------------------- */

static const size_t large_sizes[] = {100003, 65536, 131077}; /* chunks of any size would be cut differently */
static const ken_optim_options adam = {
    .kind = KEN_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01};
static const ken_optim_options sgd = {.kind = KEN_SGD, .momentum = 0.9, .weight_decay = 0.01};

static void check_threads(const ken_optim_options *of)
{
    float *first = NULL;
    double norm = 0;
    for (int threads = 1; threads <= 5; threads++) {
        ken_optim_options how = *of;
        how.threads = threads;
        arrays a;
        arrays_new(&a, large_sizes);
        ken_optim *o = optim_new(&a, &how);
        double got = 0;
        for (int step = 1; step <= 3; step++) got += take_step(o, &a, step, 1);
        if (threads == 1) {
            first = malloc(a.n * sizeof *first);
            memcpy(first, a.w, a.n * sizeof *first);
            norm = got;
        }
        assert_memory_equal(first, a.w, a.n * sizeof *first);
        assert_memory_equal(&norm, &got, sizeof norm);
        ken_optim_free(o);
        arrays_free(&a);
    }
    free(first);
}

static void test_threads(void **state)
{
    (void)state;
    check_threads(&adam);
    check_threads(&sgd);
}

/* Weights, moments and the count of steps are all that a checkpoint needs. */
static void check_resume(const ken_optim_options *how, int want_arrays)
{
    arrays a, b;
    int n, n_too;
    size_t size, size_too;
    arrays_new(&a, small_sizes);
    arrays_new(&b, small_sizes);
    ken_optim *o = optim_new(&a, how), *resumed = optim_new(&b, how);
    for (int step = 1; step <= 7; step++) take_step(o, &a, step, 1);
    float *const *from = ken_optim_state(o, &n, &size), *const *to = ken_optim_state(resumed, &n_too, &size_too);
    assert_int_equal(n, want_arrays);
    assert_int_equal(n_too, n);
    assert_int_equal(size, N_SMALL);
    assert_int_equal(size_too, size);
    for (int i = 0; i < n; i++) memcpy(to[i], from[i], size * sizeof **to);
    memcpy(b.w, a.w, a.n * sizeof *b.w);
    ken_optim_set_steps(resumed, ken_optim_steps(o));
    for (int step = 8; step <= 12; step++) take_step(o, &a, step, 1), take_step(resumed, &b, step, 1);
    assert_memory_equal(a.w, b.w, a.n * sizeof *a.w);
    ken_optim_free(o), ken_optim_free(resumed);
    arrays_free(&a), arrays_free(&b);
}

static void test_resume(void **state)
{
    (void)state;
    ken_optim_options plain = sgd;
    plain.momentum = 0;
    check_resume(&adam, 2);
    check_resume(&sgd, 1);
    check_resume(&plain, 0);
}

/* ---- what goes wrong -------------------------------------------------------------------------------------------------- */

static void test_not_finite(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < 3; k++)
        for (size_t at = 0; at < N_SMALL; at += 7) {
            arrays a;
            arrays_new(&a, small_sizes);
            ken_optim *o = optim_new(&a, &adam);
            take_step(o, &a, 1, 1);
            float before[N_SMALL], moment[2][N_SMALL];
            int n;
            size_t size;
            float *const *m = ken_optim_state(o, &n, &size);
            memcpy(before, a.w, sizeof before);
            memcpy(moment[0], m[0], sizeof moment[0]);
            memcpy(moment[1], m[1], sizeof moment[1]);
            double norm;
            ken_err err;
            a.g[at] = bad[k];
            assert_int_equal(ken_optim_step(o, 0.1, 1, &norm, &err), KEN_EINPUT);
            assert_non_null(strstr(err.msg, a.segment[at < 37 ? 0 : at < 101 ? 1 : 2].name));
            assert_memory_equal(before, a.w, sizeof before);
            assert_memory_equal(moment[0], m[0], sizeof moment[0]);
            assert_memory_equal(moment[1], m[1], sizeof moment[1]);
            assert_int_equal(ken_optim_steps(o), 1);
            ken_optim_free(o);
            arrays_free(&a);
        }
}

/* Gradients whose squares no float holds are finite all the same, and clipping brings them down. */
static void test_large(void **state)
{
    (void)state;
    arrays a;
    arrays_new(&a, small_sizes);
    const ken_optim_options how = {.kind = KEN_SGD};
    ken_optim *o = optim_new(&a, &how);
    double norm;
    ken_err err;
    for (size_t i = 0; i < a.n; i++) a.g[i] = i % 2 == 0 ? 1e30F : -1e30F;
    assert_int_equal(ken_optim_step(o, 1, 1, &norm, &err), KEN_OK);
    assert_true(fabs(norm / (1e30 * sqrt(N_SMALL)) - 1) < 1e-6);
    for (size_t i = 0; i < a.n; i++)
        assert_true(fabs(fabs((double)a.w[i] - (double)value(i)) - 1 / sqrt(N_SMALL)) < 1e-6);
    ken_optim_free(o);
    arrays_free(&a);
}

static void test_usage(void **state)
{
    (void)state;
    arrays a;
    arrays_new(&a, small_sizes);
    ken_optim_options bad[6] = {adam, adam, adam, sgd, sgd, adam};
    bad[0].beta1 = 1, bad[1].beta2 = -0.1, bad[2].eps = -1, bad[3].momentum = 1, bad[4].weight_decay = -1;
    bad[5].beta1 = (double)NAN;
    for (size_t i = 0; i < 6; i++) {
        ken_optim *o = NULL;
        ken_err err;
        assert_int_equal(ken_optim_new(&o, a.segment, 3, &bad[i], &err), KEN_EUSAGE);
        assert_null(o);
    }
    ken_optim *o = NULL;
    ken_err err;
    int status = KEN_ENOMEM;
    for (long n = 1; status != KEN_OK; n++) {
        ken_alloc_fail_after(n);
        status = ken_optim_new(&o, a.segment, 3, &adam, &err);
        ken_alloc_fail_after(0);
        assert_true(status == KEN_OK || (status == KEN_ENOMEM && o == NULL));
        assert_true(n < 20);
    }
    ken_optim_free(o);
    arrays_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_torch),  cmocka_unit_test(test_threads),
                                       cmocka_unit_test(test_resume), cmocka_unit_test(test_not_finite),
                                       cmocka_unit_test(test_large),  cmocka_unit_test(test_usage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
