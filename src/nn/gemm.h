/* gemm.h - the shim over a library's matrix product: C (M, N) = A (M, K) W^T for weights W (N, K), in blocks of rows.
 *
 *     ken_gemm *g;          ken_gemm_new(&g, isa, compute, threads, err);   oneDNN, or CBLAS where the build has no oneDNN
 *     ken_matrix *w;        ken_matrix_new(&w, g, n, k, err);         room for one packed matrix
 *     ken_matrix_pack(w, values, err);                                may be called again with other values
 *     ken_gemm_run(w, a, c, rows, thread);                            from any thread, each under its own number
 *
 * One call is one block of at most KEN_GEMM_ROWS rows, computed by the calling thread alone, never split over K: a row's bits
 * depend on that row and W only. With oneDNN's AVX-512 kernels they do not depend on M either, so short
 * blocks use a smaller M; elsewhere every block is padded to the full size. Both are checked on this machine, for each shape, when its
 * first matrix is packed: a library that broke the rule would break every promise above it.
 *
 * KEN_BF16_COMPUTE: packed weights are bf16, rows of A are rounded to bf16 (to nearest even) inside ken_gemm_run, sums and C are f32.
 *
 * Training needs two products more. dX (M, K) = dY (M, N) W is a matrix of n = K, k = N that ken_matrix_pack_t packs from the same W.
 * The gradient dW (N, K) += dY^T X sums over rows, whose number changes from call to call; it is cut into tiles of C instead:
 *
 *     ken_outer *o;         ken_outer_new(&o, g, n, k, lda, ldb, err);
 *     for each tile < ken_outer_tiles(o), on any thread:  ken_outer_tile(o, tile, a, b, c, rows, thread)
 *
 * A tile is computed by one thread, from the first row to the last; tiles depend on the shape alone, so that the bits depend on rows, A
 * and B, and never on the number of threads. */
#ifndef KEN_NN_GEMM_H
#define KEN_NN_GEMM_H
#include "nn/net.h"
#include <signal.h>

enum { KEN_GEMM_ROWS = 64 };

typedef struct ken_gemm ken_gemm;
typedef struct ken_matrix ken_matrix;

/* The environment variable KEN_GEMM=cblas|onednn picks an implementation for tests. KEN_EUSAGE when the process already
 * uses another instruction set (oneDNN fixes it at first use), and for bf16 where the CPU or the library has no fast instructions
 * for it. Free after its matrices and outer products. */
int ken_gemm_new(ken_gemm **out, ken_isa isa, ken_compute compute, int threads, ken_err *err);
void ken_gemm_free(ken_gemm *g);
const char *ken_gemm_name(const ken_gemm *g); /* library, version and the instruction set in use */

int ken_matrix_new(ken_matrix **out, ken_gemm *g, int n, int k, ken_err *err); /* borrows g; caller frees */
void ken_matrix_free(ken_matrix *w);
int ken_matrix_pack(ken_matrix *w, const float *values, ken_err *err);   /* values (N, K), copied */
int ken_matrix_pack_t(ken_matrix *w, const float *values, ken_err *err); /* values (K, N), copied */

/* c (rows, N) = a (rows, K) W^T. Both buffers hold KEN_GEMM_ROWS rows; a's rows after `rows` are overwritten with zeros, c's are
 * undefined. 0 <= thread < threads. KEN_EFAIL only when the library fails. Call inside ken_gemm_enter/leave. */
int ken_gemm_run(const ken_matrix *w, float *a, float *c, int rows, int thread);

/* C (n, k) += A^T B. A (rows, lda) and B (rows, ldb) are summed over their rows; n <= lda, k <= ldb: for columns of a joined matrix the pointers
 * point at the first of them. C's rows are k floats apart. Borrows g; caller frees. */
typedef struct ken_outer ken_outer;
int ken_outer_new(ken_outer **out, ken_gemm *g, int n, int k, int lda, int ldb, ken_err *err);
void ken_outer_free(ken_outer *o);
int ken_outer_tiles(const ken_outer *o); /* of C: rows of it, whole and together all */

/* One tile. a, b, c as for the whole product: the tile finds its part. rows >= 0. 0 <= thread < threads; inside ken_gemm_enter/leave.
 * KEN_EFAIL only when the library fails. */
int ken_outer_tile(const ken_outer *o, int tile, const float *a, const float *b, float *c, int rows, int thread);

/* Around calls into the library, in each thread that makes them; ken_gemm_leave puts everything back.
 *
 * threads: how many the library may use there. Ours run it with 1; without this it would start its own when our parallel region has a
 * single thread.
 *
 * Signals wait until the thread leaves. oneDNN's f32 kernels may point the stack pointer into a buffer on the heap (seen in 2.6 with AVX-512,
 * dnnl_sgemm over more rows than it keeps on the stack), so that the frame of a signal's handler is written over what lies before that
 * buffer: Ctrl-C broke the heap of one tiny training in 400. Signals of the thread's own faults stay as they are.
 */
typedef struct ken_gemm_entered {
    int threads;
    sigset_t signals;
} ken_gemm_entered;
ken_gemm_entered ken_gemm_enter(int threads);
void ken_gemm_leave(const ken_gemm_entered *entered);

/* ---- for implementations --------------------------------------------------------------------------------------------- */

typedef struct ken_gemm_shape {
    struct ken_gemm_shape *next;
    int n, k;
    bool small_works;
} ken_gemm_shape;

typedef struct ken_gemm_ops {
    int (*open)(ken_gemm *g, ken_err *err);
    void (*close)(ken_gemm *g);
    int (*matrix_new)(ken_matrix *w, ken_err *err); /* fills impl and bytes; undone by matrix_free */
    void (*matrix_free)(ken_matrix *w);
    int (*pack)(ken_matrix *w, const float *values, bool transposed, ken_err *err);
    int (*run)(const ken_matrix *w, const float *a, float *c, int m, int thread); /* m: one of the gemm's block sizes */
    int (*outer_new)(ken_outer *o, ken_err *err); /* fills tile_rows and impl; undone by outer_free */
    void (*outer_free)(ken_outer *o);
    /* One tile: c (n, k) with n <= tile_rows, a and c moved to its first column and row */
    int (*outer)(const ken_outer *o, int n, const float *a, const float *b, float *c, int rows, int thread);
} ken_gemm_ops;

struct ken_gemm {
    const ken_gemm_ops *ops;
    ken_isa isa;
    ken_compute compute;
    int threads;
    char name[160];
    ken_gemm_shape *checked; /* shapes whose rows have been shown independent */
    void *impl;
};

struct ken_matrix {
    ken_gemm *gemm;
    int n, k;
    int small_rows; /* a smaller M that the library offers, a divisor of KEN_GEMM_ROWS; 0 = every block is full */
    size_t bytes;
    void *impl;
};

struct ken_outer {
    ken_gemm *gemm;
    int n, k, lda, ldb;
    int tile_rows; /* rows of C in a tile; the last one has what is left */
    void *impl;
};

extern const ken_gemm_ops ken_gemm_onednn, ken_gemm_cblas; /* each only where the build has it */
#endif
