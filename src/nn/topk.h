/* topk.h - the k largest logits of a row, in order; ties go to the lower token id. */
#ifndef KEN_NN_TOPK_H
#define KEN_NN_TOPK_H
#include <stdbool.h>
#include <stdint.h>

/* Writes the min(k, V) largest of logits (V) to id and value, largest first; equal logits by ascending id. Returns how many, or
 * -1 when a logit is NaN or infinite. With k = 0 that is all it looks for, and id and value may be NULL. */
int32_t ken_topk(const float *logits, int32_t V, int32_t k, int32_t *id, float *value);
#endif
