/* reference.h - the forward pass of one sequence in plain scalar C and double, straight from the tensors: no packing, no
 * cache, no kernels. What ken_net_forward is tested against; not used by the program. */
#ifndef KEN_NN_REFERENCE_H
#define KEN_NN_REFERENCE_H
#include "model/model.h"

/* logits (n, V) after each of the n tokens. attention (n_layer, n_head, n, n), or NULL: what each position takes from each; zero for those
 * that it does not see. */
int ken_reference_forward(const ken_model *m, const int32_t *token, int n, double *logits, double *attention,
                          ken_err *err);
#endif
