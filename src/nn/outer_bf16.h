/* outer_bf16.h - C += A^T B with sums over rows, A and B rounded to bf16, for CPUs with AVX512_BF16; see gemm.h, ken_outer.
 *
 * Ours and not oneDNN's, because the copies are what it costs: its primitive takes A and B in bf16 and copies both again into the order that its
 * kernel reads (docs/SPEED.md). Summing over rows needs no transposition at all: both sides are
 * rounded and their rows paired in one pass, into the order in which the instruction reads them. */
#ifndef KEN_NN_OUTER_BF16_H
#define KEN_NN_OUTER_BF16_H
#include <stddef.h>
#include <stdint.h>

/* Working memory of one thread for n x k, in words; aligned to 64 bytes. */
size_t ken_outer_bf16_room(int n, int k);

/* c (n, k) += the first n columns of a (rows, lda), transposed, times the first k of b (rows, ldb): from the first row to the last, in
 * a fixed order. Only where ken_isa_has_bf16(). */
void ken_outer_bf16(const float *a, int lda, const float *b, int ldb, float *c, int n, int k, int rows, uint32_t *room);
#endif
