/* reference.h - the one-layer network written down plainly: any embeddings, whole matrices W_V and W_KQ, double precision. Gradients as in
 * docs/method/salience.md#equations, and by differences of the loss. Slow; the fast way (one_layer.h) is held against it. */
#ifndef KEN_LAB_REFERENCE_H
#define KEN_LAB_REFERENCE_H
#include "base/error.h"

typedef struct ken_reference {
    int subjects, relations, k, d;
    double *phi;  /* (subjects + relations + k, d) embeddings, in this order */
    double *w_v;  /* (d, d) */
    double *w_kq; /* (d, d) key on the left, query on the right */
    double *p;    /* (k) scratch: softmax of the last forward pass */
    double *v;    /* (2, k) scratch: v(s), v(r) of it */
    double *part; /* (2, d) scratch */
} ken_reference;

int ken_reference_make(ken_reference *n, int subjects, int relations, int k, int d, ken_err *err);
void ken_reference_free(ken_reference *n);
static inline double *ken_reference_subject(const ken_reference *n, int s) { return n->phi + (size_t)s * (size_t)n->d; }
static inline double *ken_reference_relation(const ken_reference *n, int r)
{
    return n->phi + (size_t)(n->subjects + r) * (size_t)n->d;
}
static inline double *ken_reference_answer(const ken_reference *n, int a)
{
    return n->phi + (size_t)(n->subjects + n->relations + a) * (size_t)n->d;
}

/* Forward: the loss of answer a; attention to s in *attention, g in *gain. Either may be NULL. */
double ken_reference_loss(const ken_reference *n, int s, int r, int a, double *attention, double *gain);
/* The same with the attention fixed, as in pretraining. */
double ken_reference_loss_at(const ken_reference *n, int s, int r, int a, double attention, double *gain);
/* Negative gradients (d, d) at the last forward pass, which was of this fact with this attention and gain. */
void ken_reference_of_attention(const ken_reference *n, int s, int r, double attention, double gain, double *out);
void ken_reference_of_values(const ken_reference *n, int s, int r, int a, double attention, double *out);
/* score of key x (an embedding) for the query r */
double ken_reference_score(const ken_reference *n, const double *x, int r);

typedef struct ken_gradient_errors { /* largest absolute differences */
    double attention, values;        /* (2), (3) against central differences with h = 1e-5, embeddings at random */
    double spill, spill_shared;      /* (4) against an applied step; with a shared direction of c^2 = 1/2 */
} ken_gradient_errors;
int ken_reference_check(ken_gradient_errors *out, uint64_t seed, ken_err *err);
#endif
