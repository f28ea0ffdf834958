/* quant.c - the weight types and their exact values as f32; see quant.h.
 *
 * One plain function a type, written for reading, not for speed: a weight is unpacked once and then multiplied thousands of
 * times. The arithmetic is f32 in the order of the gguf Python package (0.19: gguf/quants.py), so that results are bit-equal;
 * the build turns contraction off (-ffp-contract=off), since a fused multiply-add would round differently.
 *
 * Layouts (ggml, ggml-common.h). "d" is an f16 scale of the block. Nibble order: the low halves of the bytes hold the first half
 * of a group, the high halves the second half. The K types hold 256 values in 8 or 16 groups with their own small scales. */
#include "model/quant.h"
#include <assert.h>
#include <string.h>

static const ken_dtype_info types[] = {
    {KEN_F32, "F32", 1, 4},       {KEN_F16, "F16", 1, 2},       {KEN_BF16, "BF16", 1, 2},
    {KEN_Q4_0, "Q4_0", 32, 18},   {KEN_Q4_1, "Q4_1", 32, 20},   {KEN_Q5_0, "Q5_0", 32, 22},
    {KEN_Q5_1, "Q5_1", 32, 24},   {KEN_Q8_0, "Q8_0", 32, 34},   {KEN_Q2_K, "Q2_K", 256, 84},
    {KEN_Q3_K, "Q3_K", 256, 110}, {KEN_Q4_K, "Q4_K", 256, 144}, {KEN_Q5_K, "Q5_K", 256, 176},
    {KEN_Q6_K, "Q6_K", 256, 210},
};

const ken_dtype_info *ken_dtype_get(int type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((int)types[i].type == type) return &types[i];
    return NULL;
}

const ken_dtype_info *ken_dtype_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0) return &types[i];
    return NULL;
}

/* ---- scalars ---------------------------------------------------------------------------------------------------------- */

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, 4);
    return f;
}

static uint16_t u16_at(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

/* IEEE half to single, exact for every input (subnormals included; NaN stays NaN). */
static float half_at(const uint8_t *p)
{
    uint32_t h = u16_at(p), sign = (h & 0x8000u) << 16, exp = h >> 10 & 31, frac = h & 0x3ffu;
    if (exp == 31) return from_bits(sign | 0x7f800000u | frac << 13);
    if (exp > 0) return from_bits(sign | (exp + 112) << 23 | frac << 13);
    float tiny = (float)frac * 0x1p-24f; /* subnormal: frac * 2^-24 is exact in f32 */
    return sign != 0 ? -tiny : tiny;
}

/* ---- one block of each type: y (block) ------------------------------------------------------------------------------- */

/* d | 16 bytes of nibbles: y = d (q - 8) */
static void q4_0(const uint8_t *b, float *y)
{
    float d = half_at(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[2 + i] & 15) - 8);
        y[i + 16] = d * (float)((b[2 + i] >> 4) - 8);
    }
}

/* d | m | 16 bytes of nibbles: y = d q + m */
static void q4_1(const uint8_t *b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(b[4 + i] & 15) + m;
        y[i + 16] = d * (float)(b[4 + i] >> 4) + m;
    }
}

/* The 32 fifth bits of Q5_0 and Q5_1: bit i belongs to value i; returned in place (0 or 16). */
static int fifth_bit(const uint8_t *high, int i) { return (high[i / 8] >> (i % 8) & 1) << 4; }

/* d | 4 bytes of fifth bits | 16 bytes of nibbles: y = d (q - 16) */
static void q5_0(const uint8_t *b, float *y)
{
    float d = half_at(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(((b[6 + i] & 15) | fifth_bit(b + 2, i)) - 16);
        y[i + 16] = d * (float)(((b[6 + i] >> 4) | fifth_bit(b + 2, i + 16)) - 16);
    }
}

/* d | m | 4 bytes of fifth bits | 16 bytes of nibbles: y = d q + m */
static void q5_1(const uint8_t *b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[8 + i] & 15) | fifth_bit(b + 4, i)) + m;
        y[i + 16] = d * (float)((b[8 + i] >> 4) | fifth_bit(b + 4, i + 16)) + m;
    }
}

/* d | 32 signed bytes: y = d q */
static void q8_0(const uint8_t *b, float *y)
{
    float d = half_at(b);
    for (int i = 0; i < 32; i++) y[i] = d * (float)(int8_t)b[2 + i];
}

/* 16 bytes of (min << 4 | scale) | 64 bytes of 2-bit values | d | dmin: y = d scale q - dmin min, groups of 16.
 * Each half (128 values) is four layers of two bits over the same 32 bytes. */
static void q2_k(const uint8_t *b, float *y)
{
    const uint8_t *scales = b, *q = b + 16;
    float d = half_at(b + 80), dmin = half_at(b + 82);
    for (int g = 0; g < 16; g++) {
        float scale = d * (float)(scales[g] & 15), min = dmin * (float)(scales[g] >> 4);
        const uint8_t *bytes = q + g / 8 * 32 + g % 2 * 16;
        int shift = g % 8 / 2 * 2;
        for (int i = 0; i < 16; i++) y[16 * g + i] = scale * (float)(bytes[i] >> shift & 3) - min;
    }
}

/* The 16 signed 6-bit scales of Q3_K in 12 bytes: low nibbles in bytes 0-7, the two high bits of four scales each in 8-11. */
static int q3_k_scale(const uint8_t *s, int g)
{
    int low = g < 8 ? s[g] & 15 : s[g - 8] >> 4;
    int high = s[8 + g % 4] >> (g / 4 * 2) & 3;
    return (low | high << 4) - 32;
}

/* 32 bytes of third bits | 64 bytes of 2-bit values | 12 bytes of scales | d: y = d scale (q - 4 (1 - third bit)), groups of 16 */
static void q3_k(const uint8_t *b, float *y)
{
    const uint8_t *third = b, *q = b + 32, *scales = b + 96;
    float d = half_at(b + 108);
    for (int g = 0; g < 16; g++) {
        float scale = d * (float)q3_k_scale(scales, g);
        const uint8_t *bytes = q + g / 8 * 32 + g % 2 * 16, *bits = third + g % 2 * 16;
        int shift = g % 8 / 2 * 2;
        for (int i = 0; i < 16; i++) {
            int v = (bytes[i] >> shift & 3) - (bits[i] >> (g / 2) & 1 ? 0 : 4);
            y[16 * g + i] = scale * (float)v;
        }
    }
}

/* The 8 scales and 8 mins (6 bits each) of Q4_K and Q5_K in 12 bytes: groups 0-3 lie plain in bytes 0-3 and 4-7; groups 4-7
 * have their low nibbles in bytes 8-11 and their high bits in the top two bits of bytes 0-3 (scale) and 4-7 (min). */
static void k_scale_min(const uint8_t *s, int g, int *scale, int *min)
{
    if (g < 4) {
        *scale = s[g] & 63;
        *min = s[g + 4] & 63;
    } else {
        *scale = (s[g + 4] & 15) | s[g - 4] >> 6 << 4;
        *min = s[g + 4] >> 4 | s[g] >> 6 << 4;
    }
}

/* d | dmin | 12 bytes of scales | in Q5_K 32 bytes of fifth bits | 128 bytes of nibbles: y = d scale q - dmin min, groups of 32, two share
 * 32 bytes; bit g of the i-th byte of fifth bits (NULL = none) belongs to value i of group g */
static inline void q45_k(const uint8_t *b, const uint8_t *fifth, const uint8_t *nibbles, float *y)
{
    float d = half_at(b), dmin = half_at(b + 2);
    for (int g = 0; g < 8; g++) {
        int s, m;
        k_scale_min(b + 4, g, &s, &m);
        float scale = d * (float)s, min = dmin * (float)m;
        const uint8_t *bytes = nibbles + g / 2 * 32;
        for (int i = 0; i < 32; i++) {
            int q = (bytes[i] >> (g % 2 * 4) & 15) | (fifth != NULL ? (fifth[i] >> g & 1) << 4 : 0);
            y[32 * g + i] = scale * (float)q - min;
        }
    }
}
static void q4_k(const uint8_t *b, float *y) { q45_k(b, NULL, b + 16, y); }
static void q5_k(const uint8_t *b, float *y) { q45_k(b, b + 16, b + 48, y); }

/* 128 bytes of low nibbles | 64 bytes of high 2 bits | 16 signed scales | d: y = d scale (q - 32), groups of 16.
 * Each half (128 values) is four runs of 32: nibbles low, low, high, high of 64 bytes; high bits two a run from the same 32 bytes. */
static void q6_k(const uint8_t *b, float *y)
{
    float d = half_at(b + 208);
    for (int i = 0; i < 256; i++) {
        int half = i / 128, run = i % 128 / 32, at = i % 32;
        int low = b[half * 64 + run % 2 * 32 + at] >> (run / 2 * 4) & 15;
        int high = b[128 + half * 32 + at] >> (run * 2) & 3;
        float scale = d * (float)(int8_t)b[192 + i / 16];
        y[i] = scale * (float)((low | high << 4) - 32);
    }
}

void ken_dequantize(ken_dtype type, const void *src, float *dst, int64_t n)
{
    static void (*const blocks[])(const uint8_t *, float *) = {
        [KEN_Q4_0] = q4_0, [KEN_Q4_1] = q4_1, [KEN_Q5_0] = q5_0, [KEN_Q5_1] = q5_1, [KEN_Q8_0] = q8_0,
        [KEN_Q2_K] = q2_k, [KEN_Q3_K] = q3_k, [KEN_Q4_K] = q4_k, [KEN_Q5_K] = q5_k, [KEN_Q6_K] = q6_k,
    };
    const ken_dtype_info *info = ken_dtype_get((int)type);
    const uint8_t *b = src;
    switch (type) {
    case KEN_F32:
        if (n > 0) memcpy(dst, src, (size_t)n * 4);
        return;
    case KEN_F16:
        for (int64_t i = 0; i < n; i++) dst[i] = half_at(b + 2 * i);
        return;
    case KEN_BF16:
        for (int64_t i = 0; i < n; i++) dst[i] = from_bits((uint32_t)u16_at(b + 2 * i) << 16);
        return;
    default: break;
    }
    assert(info != NULL && n % info->block == 0); /* the readers accept no other types and shapes */
    for (int64_t i = 0; i < n; i += info->block, b += info->block_bytes) blocks[type](b, dst + i);
}
