/* reading.h - the reductions of forwarder.h on this machine, for forwarders whose logits, queries and keys are in its memory. */
#ifndef KEN_NN_READING_H
#define KEN_NN_READING_H
#include "nn/kernels.h"

/* Everything that r asks of its row's logits (V). k gives the kernel of r->sum: the one instruction set of a process, the same bits. */
void ken_read_logits(ken_reading *r, const float *logits, int32_t V, const ken_kernels *k);
/* What row r of a layer takes from each position, in double and without the kernels: out (n_head, pos + 1) = softmax over the positions p
 * that r sees of q.k_p / sqrt(d), q a head's rotated query and k_p the key of the head's group; zero where r does not see. Each sums to 1. */
void ken_read_attention(const ken_attention *a, int32_t r, float *out);
#endif
