/* test_gemm.c - the shim's products against sums in double, at awkward sizes: blocks of rows, the transposed packing, outer products;
 * the same bits from any number of threads; bf16 within what rounding its inputs costs; signals that come in between. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/gemm.h"
#include "nn/kernels.h"
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static ken_isa isa;

static uint64_t rng = 1;
static float uniform(void) /* [-1, 1) */
{
    rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
    return (float)(int32_t)(rng >> 33) / 1073741824.0F - 1.0F;
}

static float *numbers(size_t n)
{
    float *x = ken_alloc_aligned((n + 16) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = uniform();
    return x;
}

static float rounded(float x, ken_compute compute) /* as the product sees it */
{
    if (compute == KEN_F32_COMPUTE) return x;
    uint16_t half;
    ken_kernels_reference()->to_bf16(&half, &x, 1);
    const uint32_t u = (uint32_t)half << 16;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* For each arithmetic that this CPU and library have. */
static void each_compute(void (*check)(ken_gemm *g, ken_compute compute))
{
    ken_gemm *g;
    ken_err err;
    if (ken_gemm_new(&g, isa, KEN_F32_COMPUTE, 3, &err) != KEN_OK) fail_msg("%s", err.msg);
    check(g, KEN_F32_COMPUTE);
    ken_gemm_free(g);
    const int status = ken_gemm_new(&g, isa, KEN_BF16_COMPUTE, 3, &err);
    if (status == KEN_OK) {
        check(g, KEN_BF16_COMPUTE);
        ken_gemm_free(g);
    } else {
        assert_int_equal(status, KEN_EUSAGE);
        assert_non_null(strstr(err.msg, "f32"));
        assert_null(g);
    }
}

/* Of a sum of products of numbers in [-1, 1) in f32: it walks at random, and its errors with it, so that both grow with the root of the
 * terms (observed: half of this). The rounding of the inputs to bf16 is part of the reference. */
static double bound(int terms) { return 8e-8 * terms + 1e-6; }

static const int shapes[][2] = {{1, 1}, {3, 5}, {16, 16}, {17, 31}, {100, 47}, {33, 200}, {300, 64}, {129, 577}};
static const int row_counts[] = {1, 2, 15, 16, 17, 48, 49, 63, 64};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, N_ROWS = sizeof row_counts / sizeof *row_counts };

static void check_blocks(ken_gemm *g, ken_compute compute)
{
    ken_err err;
    double worst = 0;
    for (int s = 0; s < N_SHAPES; s++) {
        const int n = shapes[s][0], k = shapes[s][1];
        const size_t N = (size_t)n, K = (size_t)k;
        float *w = numbers(N * K), *wt = numbers(N * K), *x = numbers(KEN_GEMM_ROWS * K);
        float *a = numbers(KEN_GEMM_ROWS * K), *full = numbers(KEN_GEMM_ROWS * N), *c = numbers(KEN_GEMM_ROWS * N);
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < K; j++) wt[j * N + i] = w[i * K + j];
        ken_matrix *m[2];
        for (int t = 0; t < 2; t++) {
            assert_int_equal(ken_matrix_new(&m[t], g, n, k, &err), KEN_OK);
            assert_int_equal(t == 0 ? ken_matrix_pack(m[0], w, &err) : ken_matrix_pack_t(m[1], wt, &err), KEN_OK);
        }
        const ken_gemm_entered entered = ken_gemm_enter(1);
        memcpy(a, x, KEN_GEMM_ROWS * K * sizeof *a);
        assert_int_equal(ken_gemm_run(m[0], a, full, KEN_GEMM_ROWS, 0), KEN_OK);
        for (size_t r = 0; r < KEN_GEMM_ROWS; r++)
            for (size_t i = 0; i < N; i++) {
                double sum = 0;
                for (size_t j = 0; j < K; j++)
                    sum += (double)rounded(x[r * K + j], compute) * rounded(w[i * K + j], compute);
                const double d = fabs(sum - full[r * N + i]) / bound(k);
                worst = d > worst ? d : worst;
            }
        for (int i = 0; i < N_ROWS; i++) /* fewer rows, the other packing, another thread's memory: the same bits */
            for (int t = 0; t < 2; t++) {
                memcpy(a, x, KEN_GEMM_ROWS * K * sizeof *a);
                assert_int_equal(ken_gemm_run(m[t], a, c, row_counts[i], i % 3), KEN_OK);
                assert_memory_equal(c, full, (size_t)row_counts[i] * N * sizeof *c);
            }
        memset(wt, 0, N * K * sizeof *wt); /* packed again with other values */
        assert_int_equal(ken_matrix_pack_t(m[0], wt, &err), KEN_OK);
        assert_int_equal(ken_gemm_run(m[0], a, c, 3, 0), KEN_OK);
        for (size_t i = 0; i < 3 * N; i++) assert_true(c[i] == 0.0F);
        ken_gemm_leave(&entered);
        float *of[] = {w, wt, x, a, full, c};
        for (int i = 0; i < 6; i++) ken_free(of[i]);
        ken_matrix_free(m[0]);
        ken_matrix_free(m[1]);
    }
    if (worst > 1) print_message("blocks, compute %d: %.2f of the bound\n", (int)compute, worst);
    assert_true(worst <= 1);
}

static void outer(const ken_outer *o, const float *a, const float *b, float *c, int rows, int threads)
{
    const int tiles = ken_outer_tiles(o);
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(+ : failed)
    {
        const int thread = omp_get_thread_num();
        const ken_gemm_entered entered = ken_gemm_enter(1);
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < tiles; i++) failed += ken_outer_tile(o, i, a, b, c, rows, thread) != KEN_OK;
        ken_gemm_leave(&entered);
    }
    assert_int_equal(failed, 0);
}

static void check_outer(ken_gemm *g, ken_compute compute)
{
    static const int outer_shapes[][2] = {{1, 1}, {16, 40}, {40, 16}, {129, 47}, {300, 33}, {577, 70}};
    static const int counts[] = {0, 1, 2, 31, 32, 33, 63, 64, 65, 129, 257, 300, 513};
    ken_err err;
    double worst = 0;
    for (size_t s = 0; s < sizeof outer_shapes / sizeof *outer_shapes; s++) {
        const int n = outer_shapes[s][0], k = outer_shapes[s][1], lda = n + 5, ldb = k + 3;
        const size_t N = (size_t)n, K = (size_t)k;
        ken_outer *o;
        assert_int_equal(ken_outer_new(&o, g, n, k, lda, ldb, &err), KEN_OK);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            const int rows = counts[i];
            float *a = numbers((size_t)rows * (size_t)lda + 2), *b = numbers((size_t)rows * (size_t)ldb + 1);
            float *before = numbers(N * K), *c = numbers(N * K), *again = numbers(N * K);
            c[N * K] = 77.0F;
            memcpy(c, before, N * K * sizeof *c);
            outer(o, a + 2, b + 1, c, rows, 1); /* pointers into the middle of a row */
            assert_true(c[N * K] == 77.0F);
            for (size_t x = 0; x < N; x++)
                for (size_t y = 0; y < K; y++) {
                    double sum = before[x * K + y];
                    for (size_t r = 0; r < (size_t)rows; r++)
                        sum += (double)rounded(a[2 + r * (size_t)lda + x], compute) *
                               rounded(b[1 + r * (size_t)ldb + y], compute);
                    const double d = fabs(sum - c[x * K + y]) / bound(rows);
                    worst = d > worst ? d : worst;
                }
            for (int threads = 2; threads <= 3; threads++) {
                memcpy(again, before, N * K * sizeof *c);
                outer(o, a + 2, b + 1, again, rows, threads);
                assert_memory_equal(again, c, N * K * sizeof *c);
            }
            float *of[] = {a, b, before, c, again};
            for (int j = 0; j < 5; j++) ken_free(of[j]);
        }
        ken_outer_free(o);
    }
    if (worst > 1) print_message("outer, compute %d: %.2f of the bound\n", (int)compute, worst);
    assert_true(worst <= 1);
}

/* A storm of signals on the computing thread. Before ken_gemm_enter held them back, this ended with "corrupted size vs. prev_size" in
 * nearly every run: 2500 rows are more than any of oneDNN's kernels for f32 sums on the stack (gemm.h). */
static atomic_int storm_over, storms;
static void on_storm(int sig) { (void)sig, atomic_fetch_add(&storms, 1); }
static void *storm(void *computing)
{
    while (!atomic_load(&storm_over)) {
        pthread_kill(*(pthread_t *)computing, SIGUSR1);
        usleep(20);
    }
    return NULL;
}

static void check_signals(ken_gemm *g, ken_compute compute)
{
    (void)compute;
    enum { N = 128, K = 96, ROWS = 2500 };
    const struct sigaction act = {.sa_handler = on_storm};
    struct sigaction was;
    ken_err err;
    ken_outer *o;
    float *a = numbers((size_t)ROWS * N), *b = numbers((size_t)ROWS * K), *quiet = numbers((size_t)N * K),
          *c = numbers((size_t)N * K);
    assert_int_equal(ken_outer_new(&o, g, N, K, N, K, &err), KEN_OK);
    memset(quiet, 0, (size_t)N * K * sizeof *c);
    outer(o, a, b, quiet, ROWS, 1);

    mallopt(M_MMAP_THRESHOLD, 1 << 25); /* else nothing of the heap lies before so large a buffer */
    pthread_t self = pthread_self(), sender;
    storm_over = storms = 0;
    assert_int_equal(sigaction(SIGUSR1, &act, &was), 0);
    assert_int_equal(pthread_create(&sender, NULL, storm, &self), 0);
    for (int i = 0; i < 20000 && (i < 300 || storms < 300); i++) {
        memset(c, 0, (size_t)N * K * sizeof *c);
        outer(o, a, b, c, ROWS, 1);
        assert_memory_equal(c, quiet, (size_t)N * K * sizeof *c);
    }
    storm_over = 1;
    assert_int_equal(pthread_join(sender, NULL), 0);
    assert_true(storms > 0); /* held back, not lost */
    assert_int_equal(sigaction(SIGUSR1, &was, NULL), 0);
    sigset_t now;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    assert_false(sigismember(&now, SIGUSR1) || sigismember(&now, SIGINT)); /* put back */
    float *of[] = {a, b, quiet, c};
    for (int i = 0; i < 4; i++) ken_free(of[i]);
    ken_outer_free(o);
}

/* Every allocation of ours fails in turn, from the library's start to both packings; nothing is lost, and a later try succeeds. */
static void check_memory(ken_gemm *unused, ken_compute compute)
{
    (void)unused;
    enum { N = 20, K = 24 };
    float *w = numbers((size_t)N * K);
    int status = KEN_ENOMEM;
    for (long i = 1; status != KEN_OK; i++) {
        assert_true(i < 200);
        ken_gemm *g = NULL;
        ken_matrix *m = NULL;
        ken_outer *o = NULL;
        ken_err err;
        ken_alloc_fail_after(i);
        status = ken_gemm_new(&g, isa, compute, 2, &err);
        if (status == KEN_OK) status = ken_matrix_new(&m, g, N, K, &err);
        if (status == KEN_OK) status = ken_matrix_pack(m, w, &err);
        if (status == KEN_OK) status = ken_matrix_pack_t(m, w, &err);
        if (status == KEN_OK) status = ken_outer_new(&o, g, 300, K, 300, K, &err);
        ken_alloc_fail_after(0);
        if (status != KEN_OK) assert_int_equal(status, KEN_ENOMEM);
        ken_outer_free(o);
        ken_matrix_free(m);
        ken_gemm_free(g);
    }
    ken_free(w);
}

static void test_blocks(void **state) { (void)state, each_compute(check_blocks); }
static void test_outer(void **state) { (void)state, each_compute(check_outer); }
static void test_signals(void **state) { (void)state, each_compute(check_signals); }
static void test_memory(void **state) { (void)state, each_compute(check_memory); }

int main(void)
{
    ken_err err;
    const char *name = getenv("KEN_TEST_ISA");
    if (ken_isa_parse(&isa, name != NULL && *name != '\0' ? name : NULL, &err) != KEN_OK) {
        fprintf(stderr, "skipped: %s\n", err.msg);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_outer),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
