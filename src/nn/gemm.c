/* gemm.c - picks the GEMM library, fixes the instruction set of the process, and cuts blocks; see gemm.h. */
#include "nn/gemm.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const ken_gemm_ops *ops;
} libraries[] = {
/* the default first */
#if KEN_HAVE_ONEDNN
    {"onednn", &ken_gemm_onednn},
#endif
#if KEN_HAVE_CBLAS
    {"cblas", &ken_gemm_cblas},
#endif
};
enum { N_LIBRARIES = sizeof libraries / sizeof *libraries };

static const ken_gemm_ops *pick(ken_err *err)
{
    const char *want = getenv("KEN_GEMM");
    if (want == NULL || *want == '\0') return libraries[0].ops;
    for (size_t i = 0; i < N_LIBRARIES; i++)
        if (strcmp(want, libraries[i].name) == 0) return libraries[i].ops;
    ken_fail(err, KEN_EUSAGE, "KEN_GEMM=%s: this build has no such matrix library; unset it, or use %s", want,
             libraries[0].name);
    return NULL;
}

int ken_gemm_new(ken_gemm **out, ken_isa isa, ken_compute compute, int threads, ken_err *err)
{
    static atomic_int process_isa = -1;
    *out = NULL;
    const ken_gemm_ops *ops = pick(err);
    if (ops == NULL) return KEN_EUSAGE;
    int fixed = -1;
    if (!atomic_compare_exchange_strong(&process_isa, &fixed, (int)isa) && fixed != (int)isa)
        return ken_fail(err, KEN_EUSAGE,
                        "this process already computes with %s and cannot change to %s; start another one",
                        ken_isa_name((ken_isa)fixed), ken_isa_name(isa));
    ken_gemm *g = ken_calloc(1, sizeof *g);
    if (g == NULL) return ken_fail_nomem(err, "matrix library");
    g->ops = ops;
    g->isa = isa;
    g->compute = compute;
    g->threads = threads;
    int rc = ops->open(g, err);
    if (rc != KEN_OK) {
        ken_gemm_free(g);
        return rc;
    }
    *out = g;
    return KEN_OK;
}

void ken_gemm_free(ken_gemm *g)
{
    if (g == NULL) return;
    for (ken_gemm_shape *s = g->checked, *next; s != NULL; s = next) {
        next = s->next;
        ken_free(s);
    }
    g->ops->close(g);
    ken_free(g);
}

const char *ken_gemm_name(const ken_gemm *g) { return g->name; }

int ken_matrix_new(ken_matrix **out, ken_gemm *g, int n, int k, ken_err *err)
{
    *out = NULL;
    ken_matrix *w = ken_calloc(1, sizeof *w);
    if (w == NULL) return ken_fail_nomem(err, "weights");
    w->gemm = g;
    w->n = n;
    w->k = k;
    int rc = g->ops->matrix_new(w, err);
    if (rc != KEN_OK) {
        ken_matrix_free(w);
        return rc;
    }
    *out = w;
    return KEN_OK;
}

void ken_matrix_free(ken_matrix *w)
{
    if (w == NULL) return;
    w->gemm->ops->matrix_free(w);
    ken_free(w);
}

/* Two products of the same 64 rows: one full block, and one in which every row is in another place, in short blocks where the library
 * offers them. Their bits must agree row by row; when only the short blocks disagree, they are not used. */
static int check_rows(ken_matrix *w, bool *small_works, ken_err *err)
{
    const size_t k = (size_t)w->k, n = (size_t)w->n, B = KEN_GEMM_ROWS;
    float *a = ken_alloc_aligned(2 * B * k * sizeof *a), *c = ken_alloc_aligned(2 * B * n * sizeof *c);
    if (a == NULL || c == NULL) {
        ken_free(a);
        ken_free(c);
        return ken_fail_nomem(err, "weights");
    }
    for (size_t r = 0; r < B; r++)
        for (size_t i = 0; i < k; i++)
            a[(B + (r + 13) % B) * k + i] = a[r * k + i] =
                (float)((r * k + i) * 2654435761U >> 16 & 0xffff) / 32768.0F - 1.0F;
    const ken_gemm_entered entered = ken_gemm_enter(1);
    int rc = w->gemm->ops->run(w, a, c, KEN_GEMM_ROWS, 0);
    for (int rows = w->small_rows > 0 ? w->small_rows : KEN_GEMM_ROWS; rc == KEN_OK; rows = KEN_GEMM_ROWS) {
        bool same = true;
        for (size_t r = 0; r < B && rc == KEN_OK; r += (size_t)rows)
            rc = w->gemm->ops->run(w, a + (B + r) * k, c + (B + r) * n, rows, 0);
        for (size_t r = 0; r < B && same; r++) same = memcmp(c + r * n, c + (B + (r + 13) % B) * n, n * sizeof *c) == 0;
        *small_works = same && rows < KEN_GEMM_ROWS;
        if (same || rc != KEN_OK) break;
        if (rows == KEN_GEMM_ROWS)
            rc = ken_fail(
                err, KEN_EFAIL,
                "%s: a row's result depends on its place in a block (shape %d x %d), so results could not be repeated; "
                "choose another instruction set with `isa`",
                w->gemm->name, w->n, w->k);
    }
    ken_gemm_leave(&entered);
    ken_free(a);
    ken_free(c);
    return rc;
}

static int pack(ken_matrix *w, const float *values, bool transposed, ken_err *err)
{
    int rc = w->gemm->ops->pack(w, values, transposed, err);
    if (rc != KEN_OK) return rc;
    ken_gemm_shape *s = w->gemm->checked;
    while (s != NULL && (s->n != w->n || s->k != w->k)) s = s->next;
    if (s == NULL) {
        bool small_works = false;
        rc = check_rows(w, &small_works, err);
        if (rc != KEN_OK) return rc;
        s = ken_calloc(1, sizeof *s);
        if (s == NULL) return ken_fail_nomem(err, "weights");
        *s = (ken_gemm_shape){w->gemm->checked, w->n, w->k, small_works};
        w->gemm->checked = s;
    }
    if (!s->small_works) w->small_rows = 0;
    return KEN_OK;
}

int ken_matrix_pack(ken_matrix *w, const float *values, ken_err *err) { return pack(w, values, false, err); }
int ken_matrix_pack_t(ken_matrix *w, const float *values, ken_err *err) { return pack(w, values, true, err); }

int ken_gemm_run(const ken_matrix *w, float *a, float *c, int rows, int thread)
{
    const size_t k = (size_t)w->k, n = (size_t)w->n;
    if (rows > KEN_GEMM_ROWS - w->small_rows || w->small_rows == 0) { /* as many short calls would cost the same */
        memset(a + (size_t)rows * k, 0, (size_t)(KEN_GEMM_ROWS - rows) * k * sizeof *a);
        return w->gemm->ops->run(w, a, c, KEN_GEMM_ROWS, thread);
    }
    const int whole = (rows + w->small_rows - 1) / w->small_rows * w->small_rows;
    memset(a + (size_t)rows * k, 0, (size_t)(whole - rows) * k * sizeof *a);
    for (int r = 0; r < whole; r += w->small_rows) {
        int rc = w->gemm->ops->run(w, a + (size_t)r * k, c + (size_t)r * n, w->small_rows, thread);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

/* ---- outer products -------------------------------------------------------------------------------------------------- */

int ken_outer_new(ken_outer **out, ken_gemm *g, int n, int k, int lda, int ldb, ken_err *err)
{
    *out = NULL;
    ken_outer *o = ken_calloc(1, sizeof *o);
    if (o == NULL) return ken_fail_nomem(err, "gradients");
    o->gemm = g;
    o->n = n;
    o->k = k;
    o->lda = lda;
    o->ldb = ldb;
    int rc = g->ops->outer_new(o, err);
    if (rc != KEN_OK) {
        ken_outer_free(o);
        return rc;
    }
    *out = o;
    return KEN_OK;
}

void ken_outer_free(ken_outer *o)
{
    if (o == NULL) return;
    o->gemm->ops->outer_free(o);
    ken_free(o);
}

int ken_outer_tiles(const ken_outer *o) { return (o->n + o->tile_rows - 1) / o->tile_rows; }

int ken_outer_tile(const ken_outer *o, int tile, const float *a, const float *b, float *c, int rows, int thread)
{
    const int first = tile * o->tile_rows, n = o->n - first < o->tile_rows ? o->n - first : o->tile_rows;
    if (rows == 0) return KEN_OK;
    return o->gemm->ops->outer(o, n, a + first, b, c + (size_t)first * (size_t)o->k, rows, thread);
}

ken_gemm_entered ken_gemm_enter(int threads)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    ken_gemm_entered was = {.threads = omp_get_max_threads()};
    sigset_t wait;
    sigfillset(&wait);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&wait, faults[i]);
    pthread_sigmask(SIG_BLOCK, &wait, &was.signals);
    omp_set_num_threads(threads);
    return was;
}

void ken_gemm_leave(const ken_gemm_entered *entered)
{
    omp_set_num_threads(entered->threads);
    pthread_sigmask(SIG_SETMASK, &entered->signals, NULL);
}
