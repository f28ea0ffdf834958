/* gemm_cblas.c - the GEMM shim over any CBLAS (OpenBLAS in the packages): the fallback where there is no oneDNN. Weights stay
 * (N, K) as they came. OpenBLAS is told to use one thread: ours are already one a block. */
#include "base/alloc.h"
#include "nn/gemm.h"
#include <cblas.h>
#include <stdio.h>
#include <string.h>

static int blas_open(ken_gemm *g, ken_err *err)
{
    (void)err;
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

static int blas_pack(ken_matrix *w, const float *values, ken_err *err)
{
    (void)err;
    memcpy(w->impl, values, w->bytes);
    return KEN_OK;
}

static int blas_run(const ken_matrix *w, const float *a, float *c, int m, int thread)
{
    (void)thread;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, w->n, w->k, 1.0F, a, w->k, w->impl, w->k, 0.0F, c, w->n);
    return KEN_OK;
}

const ken_gemm_ops ken_gemm_cblas = {blas_open, blas_close, blas_matrix_new, blas_matrix_free, blas_pack, blas_run};
