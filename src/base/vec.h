/* vec.h - vectors of KEN_LANES floats (4, 8, 16), set by the build or before this is included, for files with loops over floats.
 *
 * GCC's vector extensions, so that one source serves every CPU. Included by those files alone (nn/kernels*.c, lab/softmax.c): what it means depends on
 * their flags. */
#ifndef KEN_BASE_VEC_H
#define KEN_BASE_VEC_H
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define L      KEN_LANES

typedef float vec __attribute__((vector_size(4 * L)));
typedef int32_t ivec __attribute__((vector_size(4 * L)));
typedef float uvec __attribute__((vector_size(4 * L), aligned(4), may_alias));

INLINE vec load(const float *p) { return *(const uvec *)p; }
INLINE void store(float *p, vec v) { *(uvec *)p = v; }
INLINE vec splat(float x) { return x - (vec){0}; }

INLINE vec load_part(const float *p, int n) /* n < L values, zeros after them */
{
    vec v = {0};
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

INLINE void store_part(float *p, vec v, int n) { memcpy(p, &v, (size_t)n * sizeof *p); }

INLINE vec choose(ivec mask, vec a, vec b) /* mask lanes are 0 or -1 */
{
    return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
}

/* Over the lanes in a fixed tree: lane i with lane i + w/2. */
INLINE float sum_lanes(vec v)
{
    float x[L];
    memcpy(x, &v, sizeof x);
    for (int w = L / 2; w > 0; w /= 2)
        for (int i = 0; i < w; i++) x[i] += x[i + w];
    return x[0];
}

INLINE float max_lanes(vec v)
{
    float x[L];
    memcpy(x, &v, sizeof x);
    for (int w = L / 2; w > 0; w /= 2)
        for (int i = 0; i < w; i++) x[i] = x[i + w] > x[i] ? x[i + w] : x[i];
    return x[0];
}

/* exp(x) = 2^n exp(r), |r| <= ln(2)/2, with exp(r) = 1 + r + r^2 q(r), q a weighted least-squares fit of degree 5 (relative
 * error of the polynomial 5e-11). Clamped to [-87, 88], where the result is a normal number; NaN stays NaN. */
INLINE vec vexp(vec x)
{
    const vec lo = splat(-87.0F), hi = splat(88.0F);
    x = choose(x < lo, lo, x);
    x = choose(x > hi, hi, x);
    const vec magic = splat(12582912.0F); /* 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits */
    vec t = x * 1.44269504F + magic;
    vec n = t - magic;
    vec r = x - n * 0.693359375F; /* ln 2 in two parts; the first has few bits, so that the product is exact */
    r = r + n * 2.12194440e-4F;
    vec q = r * 0.00019790329679381102F + 0.0013944660313427448F;
    q = q * r + 0.008333496749401093F;
    q = q * r + 0.04166629537940025F;
    q = q * r + 0.1666666567325592F;
    q = q * r + 0.5F;
    vec y = (r * r) * q + r;
    y = y + 1.0F;
    return (vec)((ivec)y + (((ivec)t - (ivec)magic) << 23));
}
#endif
