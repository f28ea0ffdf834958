/* kernels_back.h - everything in a backward pass that is not a matrix product, as a table of functions per instruction set.
 *
 * The counterpart of kernels.h: kernels_back.c is compiled once per instruction set, reference_back.c is the same table in plain
 * scalar C for tests. Every function is a pure function of its inputs with one fixed order of summation; sums over rows go
 * from the first row to the last. d in front of a name: the gradient of the loss by it. */
#ifndef KEN_NN_KERNELS_BACK_H
#define KEN_NN_KERNELS_BACK_H
#include "nn/kernels.h"

/* The backward pass of one layer's attention. For a row r, a query head, and the positions t that r sees:
 *
 *     forward     s_t = scale q.k_t, scale = 1 / sqrt(d);   p = softmax(s);   out = sum over t of p_t v_t
 *     by p        dp_t = dout.v_t
 *     by s        ds_t = p_t (dp_t - sum over u of p_u dp_u)     the derivative of p_t by s_u is p_t ([t = u] - p_u)
 *     by q, k, v  dq = sum over t of scale ds_t k_t;   dk_t = sum of scale ds_t q,   dv_t = sum of p_t dout, over the rows that see t and the
 *                 query heads that share its key-value head
 *
 * The forward pass saves no probabilities: attend_back_query computes p again from q and k, by the same steps (vec_attend.h), and
 * stores p and scale ds for attend_back_key. Rows are in depth-first order: the descendants of row s, which see its key, are the rows
 * after it up to end[s]. All borrowed. */
typedef struct ken_attention_back {
    const ken_attention *forward; /* as the forward pass had it */
    const float *dout;            /* (n_rows, n_head, d) */
    const int32_t *end;           /* (n_rows) the row after the last descendant of s; s + 1 when it has none */
    const int64_t *at;            /* (n_rows) where in `weights` the row begins */
    float *weights; /* at[r]: (n_head, 2, pos[r] + 1): p, then scale ds; zero at positions outside a window */
} ken_attention_back;

/* One thread's memory for attend_back_query; sizes for positions < n_pos, rounded up to 16. */
typedef struct ken_attention_back_scratch {
    float *kt, *vt; /* keys and values transposed by tiles, (n_pos * d) each; zeroed once */
    float *scores;  /* (2, KEN_HEADS_AT_ONCE, n_pos) */
    int32_t *slots; /* (n_pos) */
} ken_attention_back_scratch;

typedef struct ken_back_kernels {
    const char *name;
    /* y = w xh, xh = x / rms, rms = sqrt(mean(x^2) + eps). With g = w dy: dx (n) += (g - xh mean(g xh)) / rms, dw (n) += dy xh unless dw is
     * NULL. The second part of dx is what changing x_i does to rms. dx is neither dy nor x */
    void (*rms_norm_back)(float *dx, float *dw, const float *dy, const float *x, const float *w, int n, float eps);
    /* h = silu(gate) up, silu(x) = x sigmoid(x). Writes dgate = dh up silu'(gate), silu'(x) = sigmoid(x) (1 + x - silu(x)); dup = dh silu(gate);
     * and h, unless it is NULL, in the bits of silu_mul. Each of these may be any of the inputs, (n) all */
    void (*silu_mul_back)(float *dgate, float *dup, float *h, const float *dh, const float *gate, const float *up,
                          int n);
    /* The gradient of the heads before rope, in place: rope multiplies each pair (x_i, x_{i + d_rope/2}) by a matrix (c -s; s c), so that its
     * gradient is multiplied by the transpose (c s; -s c) */
    void (*rope_back)(float *dx, const float *cos, const float *sin, int n_head, int d, int d_rope);
    /* out (n) = weight * softmax(scale * x), may be x, or NULL. Returns log(sum(exp(scale * x))): NaN when an x is NaN or +infinity */
    double (*softmax)(float *out, const float *x, int n, float scale, float weight);
    /* x (n) = 0 with probability p, else x / (1 - p). Element i is dropped when word i % 4 of Philox4x32-10 of counter (site, i / 4, 0, 0)
     * under the key, low word first, is below p 2^32; 0 <= p < 1. The mask is the same in every call, so that this on the gradient is the
     * backward pass. */
    void (*dropout)(float *x, int n, uint64_t key, uint32_t site, float p);
    /* For the n rows named: writes their part of b->weights, and dq (n_rows, n_head, d) of these rows, the gradient of the rotated queries.
     * Cheapest when rows that share a path are neighbours. */
    void (*attend_back_query)(const ken_attention_back *b, const int32_t *rows, int n, float *dq,
                              const ken_attention_back_scratch *s);
    /* For key row s of key-value head kv: dk (d) and dv (d) = sums over the rows r in [s, end[s]) that see it, ascending, and in each
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
