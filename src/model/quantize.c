/* quantize.c - f32 into the weight types that are written: F32, F16, BF16, Q8_0; see quant.h. The reverse is quant.c's.
 *
 * Rounding is to nearest, ties to even, for the plain types (as numpy and torch do), and llama.cpp's for Q8_0: the largest
 * magnitude of a block of 32 becomes 127, ties away from zero (ggml-quants.c, quantize_row_q8_0_ref). */
#include "model/quant.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static bool is_finite(float f) { return (bits_of(f) & 0x7f800000u) != 0x7f800000u; }

static void put_u16(uint8_t *to, uint16_t v)
{
    to[0] = (uint8_t)v;
    to[1] = (uint8_t)(v >> 8);
}

/* f finite; 0x7c00 (infinity) when it is too large. */
static uint16_t half_of(float f)
{
    const uint32_t u = bits_of(f), sign = u >> 16 & 0x8000u, x = u & 0x7fffffffu;
    if (x >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* from 65520 on, half way to 2^16 */
    if (x < 0x38800000u) return (uint16_t)(sign | (uint32_t)lrintf(fabsf(f) * 0x1p24f)); /* below 2^-14: subnormal */
    return (uint16_t)(sign | (x + 0xfffu + (x >> 13 & 1u) - 0x38000000u) >> 13);
}

static uint16_t bf16_of(float f)
{
    const uint32_t u = bits_of(f);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

/* 16 bits a value; infinite: the bits of the exponent. The place of the first value that is too large, or -1. */
static inline int64_t plain_16(uint16_t (*round)(float), uint16_t infinite, const float *src, uint8_t *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const uint16_t h = round(src[i]);
        if ((h & infinite) == infinite) return i;
        put_u16(to + 2 * i, h);
    }
    return -1;
}

/* d | 32 signed bytes. False when the scale does not fit an f16. */
static bool q8_0_block(const float *x, uint8_t *to)
{
    float most = 0;
    for (int i = 0; i < 32; i++) most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    const float d = most / 127.0f;
    const float inverse = d > 0x1p-126f ? 1.0f / d : 0.0f; /* smaller ones are 0 as f16, whatever their values */
    const uint16_t h = half_of(d);
    put_u16(to, h);
    for (int i = 0; i < 32; i++) to[2 + i] = (uint8_t)(int8_t)roundf(x[i] * inverse);
    return h != 0x7c00u;
}

int64_t ken_quantize(ken_dtype type, const float *src, void *dst, int64_t n)
{
    uint8_t *to = dst;
    for (int64_t i = 0; i < n; i++)
        if (!is_finite(src[i])) return i;
    switch (type) {
    case KEN_F32: memcpy(to, src, (size_t)n * 4); return -1; /* little-endian, like every machine that we build for */
    case KEN_F16: return plain_16(half_of, 0x7c00u, src, to, n);
    case KEN_BF16: return plain_16(bf16_of, 0x7f80u, src, to, n);
    case KEN_Q8_0:
        for (int64_t i = 0; i < n; i += 32)
            if (!q8_0_block(src + i, to + i / 32 * 34)) return i;
        return -1;
    default: return 0;
    }
}
