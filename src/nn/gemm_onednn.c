/* gemm_onednn.c - the GEMM shim over oneDNN's matmul primitive, with the v2 and the v3 C API.
 *
 * Weights are reordered once into the layout that the primitive asks for (measured: 93% of peak against 60 to 80% for
 * dnnl_sgemm, which packs them again at each call; docs/SPEED.md). A plan holds what all matrices of one shape share: a primitive for each block size
 * and each thread's memory handles, so that a call creates nothing. The hard thing is to keep oneDNN from using threads
 * of its own, both when a primitive is made (it would split the work for them) and when it runs: gemm.h, ken_gemm_enter. */
#include "base/alloc.h"
#include "nn/gemm.h"
#include <dnnl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { N_SIZES = 2, SMALL = 16 };
static const int sizes[N_SIZES] = {KEN_GEMM_ROWS, SMALL};

/* ---- the two APIs ---------------------------------------------------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t desc; /* owned handle */
#define REF(d) (d)
static dnnl_status_t desc_plain(desc *d, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(d, 2, dims, dnnl_f32, tag);
}
static dnnl_status_t desc_strided(desc *d, const dnnl_dims_t dims, const dnnl_dims_t strides)
{
    return dnnl_memory_desc_create_with_strides(d, 2, dims, dnnl_f32, strides);
}
static void desc_free(desc *d)
{
    if (*d != NULL) dnnl_memory_desc_destroy(*d);
    *d = NULL;
}
static dnnl_status_t query_desc(desc *d, const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    return dnnl_memory_desc_clone(d, dnnl_primitive_desc_query_md(pd, what, 0));
}
static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t e, desc *src, desc *w, desc *dst,
                                 const_dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(pd, e, *src, *w, NULL, *dst, attr);
}
#else
typedef dnnl_memory_desc_t desc; /* plain struct */
#define REF(d) (&(d))
static dnnl_status_t desc_plain(desc *d, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(d, 2, dims, dnnl_f32, tag);
}
static dnnl_status_t desc_strided(desc *d, const dnnl_dims_t dims, const dnnl_dims_t strides)
{
    return dnnl_memory_desc_init_by_strides(d, 2, dims, dnnl_f32, strides);
}
static void desc_free(desc *d) { (void)d; }
static dnnl_status_t query_desc(desc *d, const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    const dnnl_memory_desc_t *q = dnnl_primitive_desc_query_md(pd, what, 0);
    if (q == NULL) return dnnl_runtime_error;
    *d = *q;
    return dnnl_success;
}
static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t e, desc *src, desc *w, desc *dst,
                                 const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t m;
    dnnl_status_t s = dnnl_matmul_desc_init(&m, src, w, NULL, dst);
    return s == dnnl_success ? dnnl_primitive_desc_create(pd, &m, attr, e, NULL) : s;
}
#endif

static int broken(ken_err *err, dnnl_status_t s, const char *what)
{
    if (s == dnnl_out_of_memory) return ken_fail_nomem(err, what);
    return ken_fail(err, KEN_EFAIL, "oneDNN: %s failed with status %d", what, (int)s);
}

/* ---- plans ----------------------------------------------------------------------------------------------------------- */

typedef struct plan {
    struct plan *next;
    int n, k;
    desc weights; /* the packed layout */
    bool has_weights;
    bool blocked; /* the primitive may choose the layout */
    struct {
        dnnl_primitive_t matmul;            /* NULL: this size is not used */
        dnnl_memory_t *src, *dst, *scratch; /* (threads) handles, pointed at the caller's data in each call */
    } size[N_SIZES];
    void *scratch; /* (threads, scratch_bytes) */
} plan;

typedef struct library {
    dnnl_engine_t engine;
    dnnl_stream_t *stream; /* (threads) */
    plan *plans;
} library;

static void plan_free(plan *p, int threads)
{
    for (int i = 0; i < N_SIZES; i++) {
        dnnl_memory_t *of[] = {p->size[i].src, p->size[i].dst, p->size[i].scratch};
        for (int j = 0; j < 3; j++) {
            for (int t = 0; of[j] != NULL && t < threads; t++)
                if (of[j][t] != NULL) dnnl_memory_destroy(of[j][t]);
            ken_free(of[j]);
        }
        if (p->size[i].matmul != NULL) dnnl_primitive_destroy(p->size[i].matmul);
    }
    if (p->has_weights) desc_free(&p->weights);
    ken_free(p->scratch);
    ken_free(p);
}

/* The primitive and handles for blocks of sizes[i] rows. The first size chooses the weights' layout, the others must take it. */
static dnnl_status_t plan_size(library *lib, plan *p, int i, int threads)
{
    const dnnl_dims_t src_dims = {sizes[i], p->k}, w_dims = {p->k, p->n}, dst_dims = {sizes[i], p->n};
    /* Without AVX-512 the layout is (K, N) as it is, and slow by half when a row's bytes are a multiple of a page, as 3072 columns
     * are: rows are padded to an odd number of cache lines. */
    const dnnl_dims_t padded = {(p->n + 31) / 32 * 32 + 16, 1};
    desc src = {0}, any = {0}, dst = {0}, scratch = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = desc_plain(&src, src_dims, dnnl_ab);
    if (s == dnnl_success)
        s = p->blocked ? desc_plain(&any, w_dims, dnnl_format_tag_any) : desc_strided(&any, w_dims, padded);
    if (s == dnnl_success) s = desc_plain(&dst, dst_dims, dnnl_ab);
    if (s == dnnl_success) s = dnnl_primitive_attr_create(&attr);
    if (s == dnnl_success) s = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (s == dnnl_success) s = matmul_desc(&pd, lib->engine, &src, p->has_weights ? &p->weights : &any, &dst, attr);
    if (s == dnnl_success && !p->has_weights) {
        s = query_desc(&p->weights, pd, dnnl_query_weights_md);
        p->has_weights = s == dnnl_success;
    }
    if (s == dnnl_success) s = query_desc(&scratch, pd, dnnl_query_scratchpad_md);
    if (s == dnnl_success) s = dnnl_primitive_create(&p->size[i].matmul, pd);
    if (s != dnnl_success) goto done;

    const size_t bytes = (dnnl_memory_desc_get_size(REF(scratch)) + 63) / 64 * 64;
    if (i == 0) p->scratch = ken_alloc_aligned(bytes * (size_t)threads); /* the full block needs the most */
    p->size[i].src = ken_calloc((size_t)threads, sizeof(dnnl_memory_t));
    p->size[i].dst = ken_calloc((size_t)threads, sizeof(dnnl_memory_t));
    p->size[i].scratch = ken_calloc((size_t)threads, sizeof(dnnl_memory_t));
    if (p->scratch == NULL || p->size[i].src == NULL || p->size[i].dst == NULL || p->size[i].scratch == NULL) {
        s = dnnl_out_of_memory;
        goto done;
    }
    for (int t = 0; t < threads && s == dnnl_success; t++) {
        s = dnnl_memory_create(&p->size[i].src[t], REF(src), lib->engine, DNNL_MEMORY_NONE);
        if (s == dnnl_success) s = dnnl_memory_create(&p->size[i].dst[t], REF(dst), lib->engine, DNNL_MEMORY_NONE);
        if (s == dnnl_success)
            s = dnnl_memory_create(&p->size[i].scratch[t], REF(scratch), lib->engine,
                                   (char *)p->scratch + (size_t)t * bytes);
    }
done:
    if (pd != NULL) dnnl_primitive_desc_destroy(pd);
    if (attr != NULL) dnnl_primitive_attr_destroy(attr);
    desc_free(&src);
    desc_free(&any);
    desc_free(&dst);
    desc_free(&scratch);
    return s;
}

/* The plan of a shape, made when it is new; NULL and *status on failure. */
static plan *plan_get(ken_gemm *g, int n, int k, int *status, ken_err *err)
{
    library *lib = g->impl;
    for (plan *p = lib->plans; p != NULL; p = p->next)
        if (p->n == n && p->k == k) return p;
    plan *p = ken_calloc(1, sizeof *p);
    if (p == NULL) {
        *status = ken_fail_nomem(err, "weights");
        return NULL;
    }
    p->n = n;
    p->k = k;
    p->blocked = g->isa == KEN_ISA_AVX512;
    const int entered = ken_gemm_enter(1); /* a primitive splits its work for the threads it sees when it is made */
    dnnl_status_t s = plan_size(lib, p, 0, g->threads);
    if (s == dnnl_success && g->isa == KEN_ISA_AVX512) s = plan_size(lib, p, 1, g->threads);
    ken_gemm_leave(entered);
    if (s != dnnl_success) {
        plan_free(p, g->threads);
        *status = broken(err, s, "planning a matrix product");
        return NULL;
    }
    p->next = lib->plans;
    lib->plans = p;
    return p;
}

/* ---- the shim -------------------------------------------------------------------------------------------------------- */

static void onednn_close(ken_gemm *g)
{
    library *lib = g->impl;
    if (lib == NULL) return;
    for (plan *p = lib->plans, *next; p != NULL; p = next) {
        next = p->next;
        plan_free(p, g->threads);
    }
    for (int t = 0; lib->stream != NULL && t < g->threads; t++)
        if (lib->stream[t] != NULL) dnnl_stream_destroy(lib->stream[t]);
    ken_free(lib->stream);
    if (lib->engine != NULL) dnnl_engine_destroy(lib->engine);
    ken_free(lib);
    g->impl = NULL;
}

static int onednn_open(ken_gemm *g, ken_err *err)
{
    /* AMX is left out: it would bring other layouts for nothing in f32. Fails harmlessly on other architectures, and when a
     * net before this one (same instruction set, gemm.c) has fixed it already. */
    static const dnnl_cpu_isa_t cap[] = {dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx512_core_bf16};
    (void)dnnl_set_max_cpu_isa(cap[g->isa]);
    library *lib = ken_calloc(1, sizeof *lib);
    if (lib == NULL) return ken_fail_nomem(err, "matrix library");
    g->impl = lib;
    lib->stream = ken_calloc((size_t)g->threads, sizeof(dnnl_stream_t));
    if (lib->stream == NULL) return ken_fail_nomem(err, "matrix library");
    dnnl_status_t s = dnnl_engine_create(&lib->engine, dnnl_cpu, 0);
    for (int t = 0; t < g->threads && s == dnnl_success; t++)
        s = dnnl_stream_create(&lib->stream[t], lib->engine, dnnl_stream_in_order);
    if (s != dnnl_success) return broken(err, s, "start");

    const char *isa = "generic";
    switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: isa = "sse41"; break;
    case dnnl_cpu_isa_avx: isa = "avx"; break;
    case dnnl_cpu_isa_avx2: isa = "avx2"; break;
    case dnnl_cpu_isa_avx512_core: isa = "avx512_core"; break;
    case dnnl_cpu_isa_avx512_core_vnni: isa = "avx512_core_vnni"; break;
    case dnnl_cpu_isa_avx512_core_bf16: isa = "avx512_core_bf16"; break;
    default: break;
    }
    const dnnl_version_t *v = dnnl_version();
    snprintf(g->name, sizeof g->name, "oneDNN %d.%d.%d (%s)", v->major, v->minor, v->patch, isa);
    return KEN_OK;
}

typedef struct packed {
    const plan *plan;
    dnnl_memory_t memory;
    void *data;
} packed;

static void onednn_matrix_free(ken_matrix *w)
{
    packed *p = w->impl;
    if (p == NULL) return;
    if (p->memory != NULL) dnnl_memory_destroy(p->memory);
    ken_free(p->data);
    ken_free(p);
    w->impl = NULL;
}

static int onednn_matrix_new(ken_matrix *w, ken_err *err)
{
    int status = KEN_OK;
    const plan *pl = plan_get(w->gemm, w->n, w->k, &status, err);
    if (pl == NULL) return status;
    packed *p = ken_calloc(1, sizeof *p);
    if (p == NULL) return ken_fail_nomem(err, "weights");
    w->impl = p;
    p->plan = pl;
    w->bytes = dnnl_memory_desc_get_size(REF(pl->weights));
    if (pl->size[1].matmul != NULL) w->small_rows = SMALL;
    p->data = ken_alloc_aligned(w->bytes);
    if (p->data == NULL) return ken_fail_nomem(err, "weights");
    library *lib = w->gemm->impl;
    dnnl_status_t s = dnnl_memory_create(&p->memory, REF(pl->weights), lib->engine, p->data);
    return s == dnnl_success ? KEN_OK : broken(err, s, "weights");
}

static int onednn_pack(ken_matrix *w, const float *values, ken_err *err)
{
    packed *p = w->impl;
    library *lib = w->gemm->impl;
    const dnnl_dims_t dims = {w->k, w->n}, strides = {1, w->k};
    desc from = {0};
    dnnl_memory_t source = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t reorder = NULL;
    void *copy = (void *)(uintptr_t)values; /* only read, but the C API has no const here */
    dnnl_status_t s = desc_strided(&from, dims, strides);
    if (s == dnnl_success) s = dnnl_memory_create(&source, REF(from), lib->engine, copy);
    if (s == dnnl_success)
        s = dnnl_reorder_primitive_desc_create(&pd, REF(from), lib->engine, REF(p->plan->weights), lib->engine, NULL);
    if (s == dnnl_success) s = dnnl_primitive_create(&reorder, pd);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, p->memory}};
    const int entered = ken_gemm_enter(w->gemm->threads);
    if (s == dnnl_success) s = dnnl_primitive_execute(reorder, lib->stream[0], 2, args);
    if (s == dnnl_success) s = dnnl_stream_wait(lib->stream[0]);
    ken_gemm_leave(entered);
    if (reorder != NULL) dnnl_primitive_destroy(reorder);
    if (pd != NULL) dnnl_primitive_desc_destroy(pd);
    if (source != NULL) dnnl_memory_destroy(source);
    desc_free(&from);
    return s == dnnl_success ? KEN_OK : broken(err, s, "packing weights");
}

static int onednn_run(const ken_matrix *w, const float *a, float *c, int m, int thread)
{
    const packed *p = w->impl;
    const library *lib = w->gemm->impl;
    const int i = m == SMALL;
    dnnl_memory_t src = p->plan->size[i].src[thread], dst = p->plan->size[i].dst[thread];
    dnnl_status_t s = dnnl_memory_set_data_handle(src, (void *)(uintptr_t)a);
    if (s == dnnl_success) s = dnnl_memory_set_data_handle(dst, c);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, src},
                                    {DNNL_ARG_WEIGHTS, p->memory},
                                    {DNNL_ARG_DST, dst},
                                    {DNNL_ARG_SCRATCHPAD, p->plan->size[i].scratch[thread]}};
    if (s == dnnl_success) s = dnnl_primitive_execute(p->plan->size[i].matmul, lib->stream[thread], 4, args);
    return s == dnnl_success ? KEN_OK : KEN_EFAIL;
}

const ken_gemm_ops ken_gemm_onednn = {onednn_open,        onednn_close, onednn_matrix_new,
                                      onednn_matrix_free, onednn_pack,  onednn_run};
