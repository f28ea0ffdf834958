/* quant.h - the weight types of GGUF and safetensors, and their exact values as f32.
 *
 * Oracle: the gguf Python package's dequantize, bit for bit. */
#ifndef KEN_MODEL_QUANT_H
#define KEN_MODEL_QUANT_H
#include <stdint.h>
#include <stddef.h>

typedef enum ken_dtype { /* the numbers of GGML */
                         KEN_F32 = 0,
                         KEN_F16 = 1,
                         KEN_Q4_0 = 2,
                         KEN_Q4_1 = 3,
                         KEN_Q5_0 = 6,
                         KEN_Q5_1 = 7,
                         KEN_Q8_0 = 8,
                         KEN_Q2_K = 10,
                         KEN_Q3_K = 11,
                         KEN_Q4_K = 12,
                         KEN_Q5_K = 13,
                         KEN_Q6_K = 14,
                         KEN_BF16 = 30
} ken_dtype;

typedef struct ken_dtype_info {
    ken_dtype type;
    const char *name;
    int block; /* values a block */
    int block_bytes;
} ken_dtype_info;

const ken_dtype_info *ken_dtype_get(int type); /* NULL for a type that we do not know */
const ken_dtype_info *
ken_dtype_by_name(const char *name); /* "F32", "BF16", "F16" as safetensors and GGUF spell them; or NULL */

/* n values (a multiple of the block) from src, any alignment, to dst (n) f32. */
void ken_dequantize(ken_dtype type, const void *src, float *dst, int64_t n);

/* The reverse, for KEN_F32, KEN_F16, KEN_BF16 and KEN_Q8_0 (n a multiple of the block): rounded to nearest. -1, or the place of the
 * first value that is NaN, infinite or too large for the type (Q8_0: of its block); dst is then undefined. */
int64_t ken_quantize(ken_dtype type, const float *src, void *dst, int64_t n);
#endif
