/* gemm.c - which way to multiply: the shim's packed weights against calls that take them as they are, a block of rows a thread.
 *
 *     OMP_WAIT_POLICY=passive build/bench/gemm [threads] [isa]
 *
 * The shapes are the products of SmolLM2-135M: q k v joined, output, gate and up joined, down, head. GFLOPS by processor time (all
 * threads', divided by their number), best of several turns taken by all ways one after the other, since the machine may be shared. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/gemm.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#if KEN_HAVE_ONEDNN
#include <dnnl.h>
#endif
#if KEN_HAVE_CBLAS
#include <cblas.h>
#endif

enum { TURNS = 3, WEIGHTS = 6 }; /* as many matrices of a shape, so that they do not stay in the nearest cache */

typedef struct job {
    int n, k, rows, threads;
    ken_matrix *packed[WEIGHTS];
    float *plain[WEIGHTS]; /* (n, k) */
    float **a, **c;        /* (threads) */
} job;

static void packed(const job *j, int w, int t) { ken_gemm_run(j->packed[w], j->a[t], j->c[t], j->rows, t); }

#if KEN_HAVE_ONEDNN
static void sgemm_onednn(const job *j, int w, int t)
{
    dnnl_sgemm('N', 'T', j->rows, j->n, j->k, 1.0F, j->a[t], j->k, j->plain[w], j->k, 0.0F, j->c[t], j->n);
}
#endif
#if KEN_HAVE_CBLAS
static void sgemm_cblas(const job *j, int w, int t)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, j->rows, j->n, j->k, 1.0F, j->a[t], j->k, j->plain[w], j->k,
                0.0F, j->c[t], j->n);
}
#endif

static const struct {
    const char *name;
    void (*multiply)(const job *j, int w, int t);
} ways[] = {
    {"shim", packed},
#if KEN_HAVE_ONEDNN
    {"dnnl_sgemm", sgemm_onednn},
#endif
#if KEN_HAVE_CBLAS
    {"cblas_sgemm", sgemm_cblas},
#endif
};
enum { N_WAYS = sizeof ways / sizeof *ways };

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double rate(const job *j, int way) /* GFLOPS of all threads */
{
    const int blocks = 2 * j->threads;
    const double from = processor_seconds();
#pragma omp parallel num_threads(j->threads)
    {
        const int t = omp_get_thread_num();
        const ken_gemm_entered entered = ken_gemm_enter(1);
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < WEIGHTS * blocks; i++) ways[way].multiply(j, i / blocks, t);
        ken_gemm_leave(&entered);
    }
    return 2e-9 * j->rows * j->n * j->k * WEIGHTS * blocks * j->threads / (processor_seconds() - from);
}

static float *numbers(size_t n)
{
    float *x = ken_alloc_aligned(n * sizeof *x);
    for (size_t i = 0; x != NULL && i < n; i++) x[i] = (float)((i * 2654435761U >> 8) & 0xffff) / 65536.0F - 0.5F;
    if (x == NULL) exit(1);
    return x;
}

static void measure(ken_gemm *g, int n, int k, int rows, int threads)
{
    job j = {.n = n,
             .k = k,
             .rows = rows,
             .threads = threads,
             .a = calloc((size_t)threads, sizeof(float *)),
             .c = calloc((size_t)threads, sizeof(float *))};
    ken_err err;
    const int weights = n > 10000 ? 1 : WEIGHTS;
    for (int w = 0; w < weights; w++) {
        j.plain[w] = numbers((size_t)n * (size_t)k);
        if (ken_matrix_new(&j.packed[w], g, n, k, &err) != KEN_OK ||
            ken_matrix_pack(j.packed[w], j.plain[w], &err) != KEN_OK) {
            fprintf(stderr, "%s\n", err.msg);
            exit(1);
        }
    }
    for (int w = weights; w < WEIGHTS; w++) j.plain[w] = j.plain[0], j.packed[w] = j.packed[0];
    for (int t = 0; t < threads; t++)
        j.a[t] = numbers((size_t)KEN_GEMM_ROWS * (size_t)k), j.c[t] = numbers((size_t)KEN_GEMM_ROWS * (size_t)n);
    double best[N_WAYS] = {0};
    for (int turn = 0; turn < TURNS; turn++)
        for (int way = 0; way < N_WAYS; way++) {
            const double r = rate(&j, way);
            best[way] = r > best[way] ? r : best[way];
        }
    printf("%5d %5d %5d", rows, n, k);
    for (int way = 0; way < N_WAYS; way++) printf(" %12.1f", best[way]);
    printf("\n");
    fflush(stdout);
    for (int w = 0; w < weights; w++) ken_free(j.plain[w]), ken_matrix_free(j.packed[w]);
    for (int t = 0; t < threads; t++) ken_free(j.a[t]), ken_free(j.c[t]);
    free(j.a), free(j.c);
}

int main(int argc, char **argv)
{
    const int threads = ken_threads(argc > 1 ? atoi(argv[1]) : 0);
    ken_isa isa;
    ken_gemm *g;
    ken_err err;
    if (ken_isa_parse(&isa, argc > 2 ? argv[2] : NULL, &err) != KEN_OK ||
        ken_gemm_new(&g, isa, KEN_F32_COMPUTE, threads, &err) != KEN_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    printf("%s, %d threads, shim: %s\n rows     N     K", ken_isa_name(isa), threads, ken_gemm_name(g));
    for (int way = 0; way < N_WAYS; way++) printf(" %12s", ways[way].name);
    printf("\n");
    static const int shapes[][2] = {{960, 576}, {576, 576}, {3072, 576}, {576, 1536}, {49152, 576}};
    for (int rows = 16; rows <= KEN_GEMM_ROWS; rows *= 4)
        for (int i = 0; i < 5; i++) measure(g, shapes[i][0], shapes[i][1], rows, threads);
    ken_gemm_free(g);
    return 0;
}
