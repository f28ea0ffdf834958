/* gemm_onednn.c - the GEMM shim over oneDNN's matmul primitive, with the v2 and the v3 C API.
 *
 * Weights are reordered once into the layout that the primitive asks for (measured: 93% of peak against 60 to 80% for
 * dnnl_sgemm, which packs them again at each call; docs/SPEED.md). A plan holds what all matrices of one shape share: a primitive for each block size
 * and each thread's memory handles, so that a call creates nothing. The hard thing is to keep oneDNN from using threads
 * of its own, both when a primitive is made (it would split the work for them) and when it runs: gemm.h, ken_gemm_enter.
 * Outer products are dnnl_sgemm in f32, which takes any number of rows and is as fast as anything there; for bf16 see
 * outer_bf16.h. */
#include "base/alloc.h"
#include "nn/gemm.h"
#include "nn/kernels.h"
#include "nn/outer_bf16.h"
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
static dnnl_status_t desc_plain(desc *d, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(d, 2, dims, type, tag);
}
static dnnl_status_t desc_strided(desc *d, const dnnl_dims_t dims, dnnl_data_type_t type, const dnnl_dims_t strides)
{
    return dnnl_memory_desc_create_with_strides(d, 2, dims, type, strides);
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
static dnnl_status_t desc_plain(desc *d, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(d, 2, dims, type, tag);
}
static dnnl_status_t desc_strided(desc *d, const dnnl_dims_t dims, dnnl_data_type_t type, const dnnl_dims_t strides)
{
    return dnnl_memory_desc_init_by_strides(d, 2, dims, type, strides);
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

typedef struct library {
    dnnl_engine_t engine;
    dnnl_stream_t *stream; /* (threads) */
    dnnl_data_type_t type; /* of A and W */
    const ken_kernels *kernels;
    struct plan *plans;
    uint16_t *narrow; /* bf16: (threads, narrow_each) a block of A; or the room of an outer product */
    size_t narrow_each;
} library;

/* Each thread's part of `narrow` holds at least n values. Only while nothing runs. */
static int reserve_narrow(library *lib, size_t n, int threads)
{
    n = (n + 31) / 32 * 32;
    if (n <= lib->narrow_each) return 0;
    ken_free(lib->narrow);
    lib->narrow_each = 0;
    lib->narrow = ken_alloc_aligned(n * (size_t)threads * sizeof *lib->narrow);
    if (lib->narrow == NULL) return -1;
    lib->narrow_each = n;
    return 0;
}

/* ---- products: a primitive and each thread's handles ---------------------------------------------------------------- */

typedef struct product {
    dnnl_primitive_t matmul; /* NULL: not made */
    dnnl_memory_t *handles;  /* (threads, N_HANDLES) pointed at the caller's data in each call */
    void *scratch;           /* (threads, bytes) */
} product;

enum { SRC, WEIGHTS, DST, SCRATCH, N_HANDLES };

static void product_free(product *p, int threads)
{
    for (int i = 0; p->handles != NULL && i < threads * N_HANDLES; i++)
        if (p->handles[i] != NULL) dnnl_memory_destroy(p->handles[i]);
    ken_free(p->handles);
    ken_free(p->scratch);
    if (p->matmul != NULL) dnnl_primitive_destroy(p->matmul);
}

/* C = A W. chosen: the weights' layout where `weights` leaves it open, else NULL. */
static dnnl_status_t product_new(library *lib, product *p, desc *src, desc *weights, desc *dst, desc *chosen,
                                 int threads)
{
    desc scratch = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&attr);
    if (s == dnnl_success) s = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (s == dnnl_success) s = matmul_desc(&pd, lib->engine, src, weights, dst, attr);
    if (s == dnnl_success && chosen != NULL) {
        s = query_desc(chosen, pd, dnnl_query_weights_md);
        if (s == dnnl_success) weights = chosen;
    }
    if (s == dnnl_success) s = query_desc(&scratch, pd, dnnl_query_scratchpad_md);
    if (s == dnnl_success) s = dnnl_primitive_create(&p->matmul, pd);
    if (s != dnnl_success) goto done;

    const size_t bytes = (dnnl_memory_desc_get_size(REF(scratch)) + 63) / 64 * 64;
    p->scratch = ken_alloc_aligned(bytes * (size_t)threads);
    p->handles = ken_calloc((size_t)threads * N_HANDLES, sizeof *p->handles);
    if (p->scratch == NULL || p->handles == NULL) s = dnnl_out_of_memory;
    for (int t = 0; t < threads && s == dnnl_success; t++) {
        dnnl_memory_t *h = p->handles + (size_t)t * N_HANDLES;
        s = dnnl_memory_create(&h[SRC], REF(*src), lib->engine, DNNL_MEMORY_NONE);
        if (s == dnnl_success) s = dnnl_memory_create(&h[WEIGHTS], REF(*weights), lib->engine, DNNL_MEMORY_NONE);
        if (s == dnnl_success) s = dnnl_memory_create(&h[DST], REF(*dst), lib->engine, DNNL_MEMORY_NONE);
        if (s == dnnl_success)
            s = dnnl_memory_create(&h[SCRATCH], REF(scratch), lib->engine, (char *)p->scratch + (size_t)t * bytes);
    }
done:
    if (pd != NULL) dnnl_primitive_desc_destroy(pd);
    if (attr != NULL) dnnl_primitive_attr_destroy(attr);
    desc_free(&scratch);
    return s;
}

static int product_run(const library *lib, const product *p, const void *src, const void *weights, float *dst,
                       int thread)
{
    dnnl_memory_t *h = p->handles + (size_t)thread * N_HANDLES;
    /* sources are only read, but the C API has no const here */
    dnnl_status_t s = dnnl_memory_set_data_handle(h[SRC], (void *)(uintptr_t)src);
    if (s == dnnl_success) s = dnnl_memory_set_data_handle(h[WEIGHTS], (void *)(uintptr_t)weights);
    if (s == dnnl_success) s = dnnl_memory_set_data_handle(h[DST], dst);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, h[SRC]},
                                    {DNNL_ARG_WEIGHTS, h[WEIGHTS]},
                                    {DNNL_ARG_DST, h[DST]},
                                    {DNNL_ARG_SCRATCHPAD, h[SCRATCH]}};
    if (s == dnnl_success) s = dnnl_primitive_execute(p->matmul, lib->stream[thread], 4, args);
    return s == dnnl_success ? KEN_OK : KEN_EFAIL;
}

/* ---- plans ----------------------------------------------------------------------------------------------------------- */

typedef struct plan {
    struct plan *next;
    int n, k;
    desc weights; /* the packed layout */
    bool has_weights;
    bool blocked; /* the primitive may choose the layout */
    product size[N_SIZES];
    struct {
        dnnl_primitive_t reorder; /* made when first needed */
        dnnl_memory_t from, to;
    } pack[2]; /* from values (N, K), (K, N) */
} plan;

static void plan_free(plan *p, int threads)
{
    for (int i = 0; i < N_SIZES; i++) product_free(&p->size[i], threads);
    for (int i = 0; i < 2; i++) {
        if (p->pack[i].reorder != NULL) dnnl_primitive_destroy(p->pack[i].reorder);
        if (p->pack[i].from != NULL) dnnl_memory_destroy(p->pack[i].from);
        if (p->pack[i].to != NULL) dnnl_memory_destroy(p->pack[i].to);
    }
    if (p->has_weights) desc_free(&p->weights);
    ken_free(p);
}

/* The primitive and handles for blocks of sizes[i] rows. The first size chooses the weights' layout, the others must take it. */
static dnnl_status_t plan_size(library *lib, plan *p, int i, int threads)
{
    const dnnl_dims_t src_dims = {sizes[i], p->k}, w_dims = {p->k, p->n}, dst_dims = {sizes[i], p->n};
    /* Without AVX-512 the layout is (K, N) as it is, and slow by half when a row's bytes are a multiple of a page, as 3072 columns
     * are: rows are padded to an odd number of cache lines. */
    const dnnl_dims_t padded = {(p->n + 31) / 32 * 32 + 16, 1};
    desc src = {0}, any = {0}, dst = {0};
    dnnl_status_t s = desc_plain(&src, src_dims, lib->type, dnnl_ab);
    if (s == dnnl_success)
        s = p->blocked ? desc_plain(&any, w_dims, lib->type, dnnl_format_tag_any)
                       : desc_strided(&any, w_dims, lib->type, padded);
    if (s == dnnl_success) s = desc_plain(&dst, dst_dims, dnnl_f32, dnnl_ab);
    if (s == dnnl_success && p->has_weights) s = product_new(lib, &p->size[i], &src, &p->weights, &dst, NULL, threads);
    else if (s == dnnl_success) {
        s = product_new(lib, &p->size[i], &src, &any, &dst, &p->weights, threads);
        p->has_weights = s == dnnl_success;
    }
    desc_free(&src);
    desc_free(&any);
    desc_free(&dst);
    return s;
}

/* The plan of a shape, made when it is new; NULL and *rc on failure. */
static plan *plan_get(ken_gemm *g, int n, int k, int *rc, ken_err *err)
{
    library *lib = g->impl;
    for (plan *p = lib->plans; p != NULL; p = p->next)
        if (p->n == n && p->k == k) return p;
    plan *p = ken_calloc(1, sizeof *p);
    if (p == NULL ||
        (g->compute == KEN_BF16_COMPUTE && reserve_narrow(lib, (size_t)KEN_GEMM_ROWS * (size_t)k, g->threads) != 0)) {
        ken_free(p);
        *rc = ken_fail_nomem(err, "weights");
        return NULL;
    }
    p->n = n;
    p->k = k;
    p->blocked = g->isa == KEN_ISA_AVX512;
    /* a primitive splits its work for the threads it sees when it is made */
    const ken_gemm_entered entered = ken_gemm_enter(1);
    dnnl_status_t s = plan_size(lib, p, 0, g->threads);
    if (s == dnnl_success && g->isa == KEN_ISA_AVX512) s = plan_size(lib, p, 1, g->threads);
    ken_gemm_leave(&entered);
    if (s != dnnl_success) {
        plan_free(p, g->threads);
        *rc = broken(err, s, "planning a matrix product");
        return NULL;
    }
    p->next = lib->plans;
    lib->plans = p;
    return p;
}

/* The reorder that packs values of this shape, by all threads. */
static dnnl_status_t plan_pack(library *lib, plan *p, bool transposed, int threads)
{
    const dnnl_dims_t dims = {p->k, p->n}, strides = {transposed ? p->n : 1, transposed ? 1 : p->k};
    desc from = {0};
    dnnl_primitive_desc_t pd = NULL;
    const ken_gemm_entered entered = ken_gemm_enter(threads);
    dnnl_status_t s = desc_strided(&from, dims, dnnl_f32, strides);
    if (s == dnnl_success) s = dnnl_memory_create(&p->pack[transposed].from, REF(from), lib->engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = dnnl_memory_create(&p->pack[transposed].to, REF(p->weights), lib->engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = dnnl_reorder_primitive_desc_create(&pd, REF(from), lib->engine, REF(p->weights), lib->engine, NULL);
    if (s == dnnl_success) s = dnnl_primitive_create(&p->pack[transposed].reorder, pd);
    ken_gemm_leave(&entered);
    if (pd != NULL) dnnl_primitive_desc_destroy(pd);
    desc_free(&from);
    if (s != dnnl_success) { /* all or nothing: the next call tries again */
        if (p->pack[transposed].from != NULL) dnnl_memory_destroy(p->pack[transposed].from);
        if (p->pack[transposed].to != NULL) dnnl_memory_destroy(p->pack[transposed].to);
        p->pack[transposed].from = p->pack[transposed].to = NULL;
    }
    return s;
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
    ken_free(lib->narrow);
    for (int t = 0; lib->stream != NULL && t < g->threads; t++)
        if (lib->stream[t] != NULL) dnnl_stream_destroy(lib->stream[t]);
    ken_free(lib->stream);
    if (lib->engine != NULL) dnnl_engine_destroy(lib->engine);
    ken_free(lib);
    g->impl = NULL;
}

static int onednn_open(ken_gemm *g, ken_err *err)
{
    if (g->compute == KEN_BF16_COMPUTE && (g->isa != KEN_ISA_AVX512 || !ken_isa_has_bf16()))
        return ken_fail(err, KEN_EUSAGE,
                        "bf16 products need a CPU with AVX512_BF16, and `isa` avx512; use `compute` f32");
    /* AMX is left out: it would bring other layouts for nothing in f32. Fails harmlessly on other architectures, and when a
     * net before this one (same instruction set, gemm.c) has fixed it already. */
    static const dnnl_cpu_isa_t cap[] = {dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx512_core_bf16};
    (void)dnnl_set_max_cpu_isa(cap[g->isa]);
    library *lib = ken_calloc(1, sizeof *lib);
    if (lib == NULL) return ken_fail_nomem(err, "matrix library");
    g->impl = lib;
    lib->type = g->compute == KEN_BF16_COMPUTE ? dnnl_bf16 : dnnl_f32;
    lib->kernels = ken_kernels_get(g->isa);
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
    plan *plan;
    void *data;
} packed;

static void onednn_matrix_free(ken_matrix *w)
{
    packed *p = w->impl;
    if (p == NULL) return;
    ken_free(p->data);
    ken_free(p);
    w->impl = NULL;
}

static int onednn_matrix_new(ken_matrix *w, ken_err *err)
{
    int rc = KEN_OK;
    plan *pl = plan_get(w->gemm, w->n, w->k, &rc, err);
    if (pl == NULL) return rc;
    packed *p = ken_calloc(1, sizeof *p);
    if (p == NULL) return ken_fail_nomem(err, "weights");
    w->impl = p;
    p->plan = pl;
    w->bytes = dnnl_memory_desc_get_size(REF(pl->weights));
    if (pl->size[1].matmul != NULL) w->small_rows = SMALL;
    p->data = ken_alloc_aligned(w->bytes);
    return p->data == NULL ? ken_fail_nomem(err, "weights") : KEN_OK;
}

static int onednn_pack(ken_matrix *w, const float *values, bool transposed, ken_err *err)
{
    packed *p = w->impl;
    library *lib = w->gemm->impl;
    plan *pl = p->plan;
    dnnl_status_t s = dnnl_success;
    if (pl->pack[transposed].reorder == NULL) s = plan_pack(lib, pl, transposed, w->gemm->threads);
    const ken_gemm_entered entered = ken_gemm_enter(w->gemm->threads);
    if (s == dnnl_success) s = dnnl_memory_set_data_handle(pl->pack[transposed].from, (void *)(uintptr_t)values);
    if (s == dnnl_success) s = dnnl_memory_set_data_handle(pl->pack[transposed].to, p->data);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, pl->pack[transposed].from}, {DNNL_ARG_TO, pl->pack[transposed].to}};
    if (s == dnnl_success) s = dnnl_primitive_execute(pl->pack[transposed].reorder, lib->stream[0], 2, args);
    if (s == dnnl_success) s = dnnl_stream_wait(lib->stream[0]);
    ken_gemm_leave(&entered);
    return s == dnnl_success ? KEN_OK : broken(err, s, "packing weights");
}

static int onednn_run(const ken_matrix *w, const float *a, float *c, int m, int thread)
{
    const packed *p = w->impl;
    const library *lib = w->gemm->impl;
    const void *src = a;
    if (w->gemm->compute == KEN_BF16_COMPUTE) {
        uint16_t *narrow = lib->narrow + (size_t)thread * lib->narrow_each;
        lib->kernels->to_bf16(narrow, a, m * w->k);
        src = narrow;
    }
    return product_run(lib, &p->plan->size[m == SMALL], src, p->data, c, thread);
}

enum { F32_TILE_ROWS = 128, BF16_TILE_ROWS = 256 };

/* Tiles of nearly equal size, in units of a vector: a whole one more, with little in it, would keep others waiting. */
static int even_tiles(int n, int most)
{
    const int tiles = (n + most - 1) / most;
    return ((n + tiles - 1) / tiles + 15) / 16 * 16;
}

static int onednn_outer_new(ken_outer *o, ken_err *err)
{
    const bool bf16 = o->gemm->compute == KEN_BF16_COMPUTE;
    o->tile_rows = even_tiles(o->n, bf16 ? BF16_TILE_ROWS : F32_TILE_ROWS);
    if (bf16 && reserve_narrow(o->gemm->impl, 2 * ken_outer_bf16_room(o->tile_rows, o->k), o->gemm->threads) != 0)
        return ken_fail_nomem(err, "gradients");
    return KEN_OK;
}

static void onednn_outer_free(ken_outer *o) { (void)o; }

static int onednn_outer(const ken_outer *o, int n, const float *a, const float *b, float *c, int rows, int thread)
{
    const library *lib = o->gemm->impl;
    if (o->gemm->compute == KEN_F32_COMPUTE)
        return dnnl_sgemm('T', 'N', n, o->k, rows, 1.0F, a, o->lda, b, o->ldb, 1.0F, c, o->k) == dnnl_success
                   ? KEN_OK
                   : KEN_EFAIL;
#if defined(__x86_64__)
    ken_outer_bf16(a, o->lda, b, o->ldb, c, n, o->k, rows,
                   (uint32_t *)(lib->narrow + (size_t)thread * lib->narrow_each));
#else
    (void)lib, (void)thread; /* never comes here: ken_isa_has_bf16 */
#endif
    return KEN_OK;
}

const ken_gemm_ops ken_gemm_onednn = {onednn_open, onednn_close,     onednn_matrix_new, onednn_matrix_free, onednn_pack,
                                      onednn_run,  onednn_outer_new, onednn_outer_free, onednn_outer};
