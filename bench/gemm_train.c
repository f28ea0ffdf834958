/* gemm_train.c - the matrix products of a training step, in f32 and bf16: forward and dX in blocks of rows, dW over all rows, and
 * what packing the weights costs.
 *
 *     OMP_WAIT_POLICY=passive build/bench/gemm_train [threads] [rows]
 *
 * The shapes are the products of SmolLM2-135M and of an adapter of rank 16 on it. GFLOPS by processor time as in gemm.c, the best of several
 * turns; packing in ns a weight, all threads together. The first line is the peak: one large packed product. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/gemm.h"
#include "nn/kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURNS = 4, B = KEN_GEMM_ROWS };

static int threads;

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void stop(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static float *numbers(size_t n)
{
    float *x = ken_alloc_aligned(n * sizeof *x);
    if (x == NULL) stop("out of memory");
    for (size_t i = 0; i < n; i++) x[i] = (float)((i * 2654435761U >> 8) & 0xffff) / 65536.0F - 0.5F;
    return x;
}

/* Blocks of `rows` rows through one matrix (n, k); GFLOPS of all threads. */
static double blocks(const ken_matrix *w, int n, int k, int rows)
{
    const int count = (int)(4e9 / (2.0 * B * n * k) + 1) * threads;
    float *a[64], *c[64];
    for (int t = 0; t < threads; t++) a[t] = numbers((size_t)B * (size_t)k), c[t] = numbers((size_t)B * (size_t)n);
    double best = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        const double from = processor_seconds();
#pragma omp parallel num_threads(threads)
        {
            const int t = omp_get_thread_num();
            const ken_gemm_entered entered = ken_gemm_enter(1);
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < count; i++) ken_gemm_run(w, a[t], c[t], rows, t);
            ken_gemm_leave(&entered);
        }
        const double rate = 2e-9 * rows * n * k * count * threads / (processor_seconds() - from);
        best = rate > best ? rate : best;
    }
    for (int t = 0; t < threads; t++) ken_free(a[t]), ken_free(c[t]);
    return best;
}

static double outer(ken_gemm *g, int n, int k, int rows)
{
    ken_outer *o;
    ken_err err;
    if (ken_outer_new(&o, g, n, k, n, k, &err) != KEN_OK) stop(err.msg);
    float *a = numbers((size_t)rows * (size_t)n), *b = numbers((size_t)rows * (size_t)k),
          *c = numbers((size_t)n * (size_t)k);
    const int tiles = ken_outer_tiles(o), repeats = (int)(4e9 / (2.0 * rows * n * k)) + 1;
    double best = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        const double from = processor_seconds();
#pragma omp parallel num_threads(threads)
        {
            const int t = omp_get_thread_num();
            const ken_gemm_entered entered = ken_gemm_enter(1);
            for (int i = 0; i < repeats; i++) {
#pragma omp for schedule(dynamic, 1)
                for (int j = 0; j < tiles; j++) ken_outer_tile(o, j, a, b, c, rows, t);
            }
            ken_gemm_leave(&entered);
        }
        const int busy = tiles < threads ? tiles : threads; /* who has no tile sleeps */
        const double rate = 2e-9 * rows * n * k * repeats * threads / (processor_seconds() - from) * busy / threads;
        best = rate > best ? rate : best;
    }
    ken_outer_free(o);
    ken_free(a);
    ken_free(b);
    ken_free(c);
    return best;
}

static double packing(ken_matrix *w, const float *values, size_t n, int transposed) /* ns a weight */
{
    double best = 1e9;
    ken_err err;
    for (int turn = 0; turn < TURNS + 1; turn++) {
        const double from = processor_seconds();
        if ((transposed ? ken_matrix_pack_t : ken_matrix_pack)(w, values, &err) != KEN_OK) stop(err.msg);
        const double ns = 1e9 * (processor_seconds() - from) / (double)n;
        if (turn > 0 && ns < best) best = ns; /* the first checks rows */
    }
    return best;
}

int main(int argc, char **argv)
{
    threads = ken_threads(argc > 1 ? atoi(argv[1]) : 0);
    if (threads > 64) threads = 64;
    const int many = argc > 2 ? atoi(argv[2]) : 1300;
    static const struct {
        int n, k;
        bool head;
    } shapes[] = {{960, 576, false},  {576, 576, false}, {3072, 576, false}, {576, 1536, false},
                  {49152, 576, true}, {16, 576, false},  {576, 16, false},   {3072, 16, false}};
    ken_err err;
    ken_gemm *g[2] = {NULL, NULL};
    for (int c = 0; c < 2; c++)
        if (ken_gemm_new(&g[c], ken_isa_best(), (ken_compute)c, threads, &err) != KEN_OK) {
            if (c == 0) stop(err.msg);
            printf("no bf16: %s\n", err.msg);
        }
    printf("%s, %d threads\n", ken_gemm_name(g[0]), threads);
    for (int c = 0; c < 2 && g[c] != NULL; c++) {
        float *values = numbers((size_t)2048 * 2048);
        ken_matrix *w;
        if (ken_matrix_new(&w, g[c], 2048, 2048, &err) != KEN_OK || ken_matrix_pack(w, values, &err) != KEN_OK)
            stop(err.msg);
        printf("%s peak %.1f\n", c ? "bf16" : "f32", blocks(w, 2048, 2048, B));
        ken_matrix_free(w);
        ken_free(values);
    }
    printf("              N     K  forward  %dr    dX     dW   pack  pack_t\n", 16);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int c = 0; c < 2 && g[c] != NULL; c++) {
            const int n = shapes[s].n, k = shapes[s].k;
            float *values = numbers((size_t)n * (size_t)k);
            ken_matrix *w, *back;
            if (ken_matrix_new(&w, g[c], n, k, &err) != KEN_OK || ken_matrix_new(&back, g[c], k, n, &err) != KEN_OK)
                stop(err.msg);
            const double pack = packing(w, values, (size_t)n * (size_t)k, 0),
                         pack_t = packing(back, values, (size_t)n * (size_t)k, 1);
            printf("%s %8d %5d %8.1f %6.1f %6.1f %6.1f %6.2f %6.2f\n", c ? "bf16" : "f32 ", n, k, blocks(w, n, k, B),
                   blocks(w, n, k, 16), blocks(back, k, n, B), outer(g[c], n, k, shapes[s].head ? many / 4 : many),
                   pack, pack_t);
            fflush(stdout);
            ken_matrix_free(w);
            ken_matrix_free(back);
            ken_free(values);
        }
    for (int c = 0; c < 2; c++) ken_gemm_free(g[c]);
    return 0;
}
