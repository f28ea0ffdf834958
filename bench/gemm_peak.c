/* gemm_peak.c - the machine's f32 matrix peak as the installed library reaches it: the best of many large square products.
 *
 *     gemm_peak [threads] [seconds]          prints GFLOPS, a number alone
 *
 * No part of ken: the number that bench/annotate holds ken's speed against. Built by bench/annotate itself, with oneDNN or, with
 * -DUSE_CBLAS, with CBLAS. The best and not the mean, since the machine may be shared and a peak is what it could do. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef USE_CBLAS
#include <cblas.h>
#else
#include <dnnl.h>
#endif

enum { N = 2048 };

static void product(const float *a, const float *b, float *c)
{
#ifdef USE_CBLAS
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1.0F, a, N, b, N, 0.0F, c, N);
#else
    if (dnnl_sgemm('N', 'N', N, N, N, 1.0F, a, N, b, N, 0.0F, c, N) != dnnl_success) exit(1);
#endif
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 0;
    const double seconds = argc > 2 ? atof(argv[2]) : 3;
    if (threads > 0) omp_set_num_threads(threads);
    const size_t n = (size_t)N * N;
    float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b), *c = malloc(n * sizeof *c);
    if (a == NULL || b == NULL || c == NULL) return 1;
    for (size_t i = 0; i < n; i++) {
        a[i] = (float)(i % 101) / 101.0F;
        b[i] = (float)(i % 97) / 97.0F;
    }
    product(a, b, c); /* the library makes its kernels and threads */
    double best = 0;
    for (double begin = omp_get_wtime(), t0 = begin; t0 - begin < seconds;) {
        product(a, b, c);
        const double t1 = omp_get_wtime(), rate = 2.0 * N * N * N / (t1 - t0) * 1e-9;
        if (rate > best) best = rate;
        t0 = t1;
    }
    printf("%.1f\n", best);
    free(a);
    free(b);
    free(c);
    return 0;
}
