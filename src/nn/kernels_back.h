/* kernels_back.h - everything in a backward pass that is not a matrix product, as a table of functions per instruction set.
 *
 * The counterpart of kernels.h: kernels_back.c is compiled once per instruction set, reference_back.c is the same table in plain
 * scalar C for tests. Every function is a pure function of its inputs with one fixed order of summation; sums over rows go
 * from the first row to the last. d in front of a name: the gradient of the loss by it. */
#ifndef KEN_NN_KERNELS_BACK_H
#define KEN_NN_KERNELS_BACK_H
#include "nn/kernels.h"

/* The attention of one layer on the way back. Rows are in depth-first order: the descendants of row s are the rows behind it up to
 * end[s]. All borrowed. */
typedef struct ken_attention_back {
    const ken_attention *forward; /* as it was on the way there */
    const float *dout;            /* (n_rows, n_head, d) */
    const int32_t *end;           /* (n_rows) the row behind the last descendant of s; s + 1 when it has none */
    const int64_t *at;            /* (n_rows) where in `weights` the row begins */
    float *weights; /* at[r]: (n_head, 2, pos[r] + 1): probabilities p, then ds = scale p (dp - sum p dp) */
} ken_attention_back;

/* One thread's memory for attend_back_query; sizes for positions < n_pos, rounded up to 16. */
typedef struct ken_attention_back_scratch {
    float *kt, *vt; /* keys and values transposed by tiles, (n_pos * d) each; zeroed once */
    float *scores;  /* (2, KEN_HEADS_AT_ONCE, n_pos) */
    int32_t *slots; /* (n_pos) */
} ken_attention_back_scratch;

typedef struct ken_back_kernels {
    const char *name;
    /* y = x / rms(x) * w, rms = sqrt(mean(x^2) + eps). dx (n) += ..., dw (n) += dy x / rms unless dw is NULL. dx is neither dy nor x */
    void (*rms_norm_back)(float *dx, float *dw, const float *dy, const float *x, const float *w, int n, float eps);
    /* h = gate * sigmoid(gate) * up. Writes dgate, dup, and h, unless it is NULL, in the bits of silu_mul; each of these may be any of the
     * inputs, (n) all */
    void (*silu_mul_back)(float *dgate, float *dup, float *h, const float *dh, const float *gate, const float *up,
                          int n);
    /* Undoes rope: the gradient of the heads before the rotation, in place */
    void (*rope_back)(float *dx, const float *cos, const float *sin, int n_head, int d, int d_rope);
    /* out (n) = weight * softmax(scale * x), may be x, or NULL. Returns log(sum(exp(scale * x))): NaN when an x is NaN or +infinity */
    double (*softmax)(float *out, const float *x, int n, float scale, float weight);
    /* x (n) = 0 with probability p, else x / (1 - p). Element i is dropped when word i % 4 of Philox4x32-10 of counter (site, i / 4, 0, 0)
     * under the key, low word first, is below p 2^32; 0 <= p < 1. The same call on the gradient is the way back. */
    void (*dropout)(float *x, int n, uint64_t key, uint32_t site, float p);
    /* For the n rows named: their part of b->weights, and dq (n_rows, n_head, d) of these rows, the gradient of the rotated queries.
     * Cheapest when rows that share a path are neighbours. */
    void (*attend_back_query)(const ken_attention_back *b, const int32_t *rows, int n, float *dq,
                              const ken_attention_back_scratch *s);
    /* For key row s of key-value head kv: dk (d) and dv (d) = sums over the rows r in [s, end[s]) that saw it, ascending, and in each
     * over the query heads, ascending. Reads b->weights of these rows. */
    void (*attend_back_key)(const ken_attention_back *b, int32_t s, int kv, float *dk, float *dv);
} ken_back_kernels;

const ken_back_kernels *ken_back_kernels_get(ken_isa isa); /* isa must be one that this CPU has */
const ken_back_kernels *ken_back_kernels_reference(void);  /* plain scalar C */

extern const ken_back_kernels ken_back_kernels_generic;
#if defined(__x86_64__)
extern const ken_back_kernels ken_back_kernels_avx2, ken_back_kernels_avx512;
#endif
#endif
