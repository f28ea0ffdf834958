/* kernels.h - everything in a forward pass that is not a matrix product, as a table of functions per instruction set.
 *
 * kernels.c is compiled once per instruction set (vector width KEN_LANES); reference.c is the same table in plain scalar
 * C, for tests. Every function computes a row from that row's inputs alone, with one fixed order of summation that depends on
 * nothing but positions and shapes: how rows are divided into blocks and among threads changes no bit. */
#ifndef KEN_NN_KERNELS_H
#define KEN_NN_KERNELS_H
#include "nn/net.h"

/* The attention of one layer over the rows of a batch. All borrowed. */
typedef struct ken_attention {
    int n_head, n_kv, d, d_pad; /* d_pad: floats from one slot to the next in k and v; d rounded up to 16 */
    int window;                 /* 0 = all, else a row sees itself and window-1 before it */
    int32_t n_slots;
    const float *q;            /* (n_rows, n_head, d) rotated */
    const float *k, *v;        /* (n_kv, n_slots, d_pad) of this layer */
    const int32_t *pos, *slot; /* (n_rows) as in ken_batch */
    const int64_t *path;       /* (n_rows) */
    const int32_t *path_slots;
    const int32_t *shared; /* (n_rows) leading positions whose slots are those of row r-1; only saves copying */
} ken_attention;

/* One thread's memory for attention; sizes for positions < n_pos. */
typedef struct ken_attention_scratch {
    float *kt;      /* keys transposed by tiles of KEN_LANES positions: (n_tiles, d, lanes) */
    float *scores;  /* (KEN_HEADS_AT_ONCE, n_pos rounded up to 16) */
    int32_t *slots; /* (n_pos) slots of the current row's path, its own last */
} ken_attention_scratch;

enum { KEN_HEADS_AT_ONCE = 4, KEN_MAX_LANES = 16, KEN_MAX_D_HEAD = 256 };

typedef struct ken_kernels {
    const char *name;
    /* out (n) = x (n) / sqrt(mean(x^2) + eps) * w (n); out may be x */
    void (*rms_norm)(float *out, const float *x, const float *w, int n, float eps);
    /* x (n) += y (n) */
    void (*add)(float *x, const float *y, int n);
    /* SwiGLU: out (n) = silu(gate) * up, silu(x) = x * sigmoid(x) */
    void (*silu_mul)(float *out, const float *gate, const float *up, int n);
    /* Rotates the pairs (a, b) = (x_i, x_{i + d_rope/2}) of each head of x (n_head, d): (a c - b s, b c + a s) with c = cos_i, s = sin_i;
     * cos, sin (d_rope/2) of the row's position */
    void (*rope)(float *x, const float *cos, const float *sin, int n_head, int d, int d_rope);
    /* out (n, n_head, d) = sum over the positions t that the row sees of softmax_t(q.k_t / sqrt(d)) v_t, for the n rows named in `rows`.
     * n_head / n_kv query heads share a key-value head */
    void (*attend)(const ken_attention *a, const int32_t *rows, int n, float *out, const ken_attention_scratch *s);
    /* out (n) = exp(x); at most 2 ulp off for -87 <= x <= 88, clamped outside. Public for its test. */
    void (*exp)(float *out, const float *x, int n);
    /* out (n) = x rounded to bf16, to nearest, ties to even; NaN stays NaN */
    void (*to_bf16)(uint16_t *out, const float *x, int n);
} ken_kernels;

bool ken_isa_has_bf16(void);                     /* this CPU multiplies bf16 fast (AVX512_BF16) */
const ken_kernels *ken_kernels_get(ken_isa isa); /* isa must be one that this CPU has */
const ken_kernels *ken_kernels_reference(void);  /* plain scalar C */

extern const ken_kernels ken_kernels_generic;
#if defined(__x86_64__)
extern const ken_kernels ken_kernels_avx2, ken_kernels_avx512;
#endif
#endif
