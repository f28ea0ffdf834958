/* gemm_cblas.c - the GEMM shim over any CBLAS (OpenBLAS in the packages): the fallback where there is no oneDNN. Weights stay
 * (N, K) as they came. OpenBLAS is told to use one thread: ours are already one a block. */
#include "base/alloc.h"
#include "nn/gemm.h"
#include <cblas.h>
#include <stdio.h>
#include <string.h>

static int blas_open(ken_gemm *g, ken_err *err)
{
    if (g->compute != KEN_F32_COMPUTE)
        return ken_fail(err, KEN_EUSAGE, "bf16 products need oneDNN, and CBLAS is in use; use `compute` f32");
#ifdef OPENBLAS_VERSION
    openblas_set_num_threads(1);
    snprintf(g->name, sizeof g->name, "%.80s (%.40s)", openblas_get_config(), openblas_get_corename());
#else
    snprintf(g->name, sizeof g->name, "CBLAS");
#endif
    return KEN_OK;
}

static void blas_close(ken_gemm *g) { (void)g; }

static int blas_matrix_new(ken_matrix *w, ken_err *err)
{
    w->bytes = (size_t)w->n * (size_t)w->k * sizeof(float);
    w->impl = ken_alloc_aligned(w->bytes);
    return w->impl == NULL ? ken_fail_nomem(err, "weights") : KEN_OK;
}

static void blas_matrix_free(ken_matrix *w) { ken_free(w->impl); }

/* Values (K, N) are transposed by squares, so that both sides stay in the nearest cache. */
static int blas_pack(ken_matrix *w, const float *values, bool transposed, ken_err *err)
{
    (void)err;
    float *to = w->impl;
    const int n = w->n, k = w->k;
    enum { SIDE = 16 };
    if (!transposed) memcpy(to, values, w->bytes);
    else {
#pragma omp parallel for num_threads(w->gemm->threads) schedule(static)
        for (int i0 = 0; i0 < n; i0 += SIDE)
            for (int j0 = 0; j0 < k; j0 += SIDE)
                for (int i = i0; i < n && i < i0 + SIDE; i++)
                    for (int j = j0; j < k && j < j0 + SIDE; j++)
                        to[(size_t)i * (size_t)k + (size_t)j] = values[(size_t)j * (size_t)n + (size_t)i];
    }
    return KEN_OK;
}

static int blas_run(const ken_matrix *w, const float *a, float *c, int m, int thread)
{
    (void)thread;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, w->n, w->k, 1.0F, a, w->k, w->impl, w->k, 0.0F, c, w->n);
    return KEN_OK;
}

enum { TILE_ROWS = 128 };

static int blas_outer_new(ken_outer *o, ken_err *err)
{
    (void)err;
    o->tile_rows = TILE_ROWS;
    return KEN_OK;
}

static void blas_outer_free(ken_outer *o) { (void)o; }

static int blas_outer(const ken_outer *o, int n, const float *a, const float *b, float *c, int rows, int thread)
{
    (void)thread;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, o->k, rows, 1.0F, a, o->lda, b, o->ldb, 1.0F, c, o->k);
    return KEN_OK;
}

const ken_gemm_ops ken_gemm_cblas = {blas_open, blas_close,     blas_matrix_new, blas_matrix_free, blas_pack,
                                     blas_run,  blas_outer_new, blas_outer_free, blas_outer};
