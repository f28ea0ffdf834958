/* softmax.h - the inner loop of the laboratory: one prompt [s, r], forward and, where asked for, back.
 *
 * Of a token x the row v(x) holds its value logits (docs/method/salience.md#model), (k) floats in rows of ken_lab_row(k). Single precision, compiled once
 * per instruction set, but always as sixteen lanes that are summed in one order and without fused operations: every CPU gives the same bits. */
#ifndef KEN_LAB_SOFTMAX_H
#define KEN_LAB_SOFTMAX_H
#include <stdbool.h>
#include <stddef.h>

/* Floats from one row to the next. */
static inline size_t ken_lab_row(int k) { return ((size_t)k + 15) / 16 * 16; }

typedef struct ken_value_step { /* what one step does to the values: += by (e_a - p) */
    float *s, *r, *theta;       /* theta NULL = there is no shared direction */
    float by_s, by_r, by_theta;
    const float *mixed; /* v(s), of which s itself may be a part only */
    float lambda;       /* attention to s */
    int a, k;
    float *p;     /* (row) scratch */
    bool no_gain; /* the gain is not asked for */
} ken_value_step;

/* p (k) = softmax(lambda s + (1 - lambda) r) */
void ken_lab_softmax(float *p, const float *s, const float *r, float lambda, int k);
/* (v(s) - v(r))^T (e_a - p) for that p: what attention to the subject gains (eq. 2). */
float ken_lab_gain(const float *s, const float *r, float lambda, int a, int k);
/* One step on the values (eq. 3). Returns the gain before it. */
float ken_lab_value_step(const ken_value_step *x);
/* Is a the argmax of lambda s + (1 - lambda) r? Of equal ones the lowest index is. */
bool ken_lab_right(const float *s, const float *r, float lambda, int a, int k);

typedef struct ken_lab_kernels {
    void (*softmax)(float *p, const float *s, const float *r, float lambda, int k);
    float (*gain)(const float *s, const float *r, float lambda, int a, int k);
    float (*value_step)(const ken_value_step *x);
    bool (*right)(const float *s, const float *r, float lambda, int a, int k);
} ken_lab_kernels;
extern const ken_lab_kernels ken_lab_kernels_generic, ken_lab_kernels_avx2, ken_lab_kernels_avx512;
#endif
