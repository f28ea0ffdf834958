/* kernels.c - the vector kernels of a forward pass; see kernels.h. Compiled once per instruction set with
 * KEN_LANES (floats in a vector: 4, 8, 16) and KEN_KERNELS (the table's name) defined by the build.
 *
 * Written with GCC's vector extensions, so that one source serves every CPU; contraction to fused multiply-add is switched
 * on for this file and kernels_back.c alone. Sums run either in one lane from the first to the last index or lane by lane and then
 * over the lanes in a fixed tree. The hard part is attention (vec_attend.h). */
#include "nn/kernels.h"
#include "nn/vec_attend.h"
#include <string.h>

static void exp_all(float *out, const float *x, int n)
{
    int i = 0;
    for (; i + L <= n; i += L) store(out + i, vexp(load(x + i)));
    if (i < n) store_part(out + i, vexp(load_part(x + i, n - i)), n - i);
}

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

static void rms_norm(float *out, const float *x, const float *w, int n, float eps)
{
    vec s = {0};
    int i = 0;
    for (; i + L <= n; i += L) s += load(x + i) * load(x + i);
    if (i < n) s += load_part(x + i, n - i) * load_part(x + i, n - i);
    const float scale = 1.0F / __builtin_sqrtf(sum_lanes(s) / (float)n + eps); /* 1 / rms */
    for (i = 0; i + L <= n; i += L) store(out + i, load(x + i) * scale * load(w + i));
    if (i < n) store_part(out + i, load_part(x + i, n - i) * scale * load_part(w + i, n - i), n - i);
}

static void add(float *x, const float *y, int n)
{
    int i = 0;
    for (; i + L <= n; i += L) store(x + i, load(x + i) + load(y + i));
    if (i < n) store_part(x + i, load_part(x + i, n - i) + load_part(y + i, n - i), n - i);
}

static void silu_mul(float *out, const float *gate, const float *up, int n)
{
    int i = 0;
    for (; i + L <= n; i += L) store(out + i, load(gate + i) / (vexp(-load(gate + i)) + 1.0F) * load(up + i));
    if (i < n) {
        vec g = load_part(gate + i, n - i);
        store_part(out + i, g / (vexp(-g) + 1.0F) * load_part(up + i, n - i), n - i);
    }
}

static void rope(float *x, const float *cos, const float *sin, int n_head, int d, int d_rope)
{
    const int half = d_rope / 2;
    for (int h = 0; h < n_head; h++, x += d) {
        int i = 0;
        for (; i + L <= half; i += L) {
            vec a = load(x + i), b = load(x + half + i), c = load(cos + i), s = load(sin + i);
            store(x + i, a * c - b * s);
            store(x + half + i, b * c + a * s);
        }
        if (i < half) {
            const int n = half - i;
            vec a = load_part(x + i, n), b = load_part(x + half + i, n);
            vec c = load_part(cos + i, n), s = load_part(sin + i, n);
            store_part(x + i, a * c - b * s, n);
            store_part(x + half + i, b * c + a * s, n);
        }
    }
}

/* ---- attention ------------------------------------------------------------------------------------------------------- */

/* `heads` neighbouring query heads of one row over one key-value head: q, out (heads, d); v (n_slots, d_pad) the head's values, s->kt the
 * row's keys transposed. Only the tiles [first, last) of L positions hold any of [lo, pos], those that the row sees. The weighted sum is over
 * exp(score - max), and is divided by the sum of these at the end. */
INLINE void attend_heads(const int heads, const ken_attention *a, const float *q, const float *v, int pos, float *out,
                         const ken_attention_scratch *s)
{
    const int lo = a->window > 0 && pos >= a->window ? pos - a->window + 1 : 0;
    const int first = lo / L, last = pos / L + 1;
    const size_t stride = (size_t)(pos + KEN_MAX_LANES) / KEN_MAX_LANES * KEN_MAX_LANES;
    float scale[4], o[4 * KEN_MAX_D_HEAD];
    score_row(heads, q, a->d, s->kt, first, last, s->scores, stride);
    for (int h = 0; h < heads; h++)
        scale[h] = 1.0F / softmax_row(s->scores + (size_t)h * stride, first, last, lo, pos,
                                      1.0F / __builtin_sqrtf((float)a->d));
    weigh_row(heads, s->scores, stride, v, a->d, a->d_pad, s->slots, lo, pos, scale, o);
    for (int h = 0; h < heads; h++) memcpy(out + h * a->d, o + h * KEN_MAX_D_HEAD, (size_t)a->d * sizeof *out);
}

#define ATTEND(n)                                                                                                      \
    static void attend##n(const ken_attention *a, const float *q, const float *v, int pos, float *out,                 \
                          const ken_attention_scratch *s)                                                              \
    {                                                                                                                  \
        attend_heads(n, a, q, v, pos, out, s);                                                                         \
    }
ATTEND(1)
ATTEND(2)
ATTEND(3)
ATTEND(4)

static void attend(const ken_attention *a, const int32_t *rows, int n, float *out, const ken_attention_scratch *s)
{
    static void (*const some[])(const ken_attention *, const float *, const float *, int, float *,
                                const ken_attention_scratch *) = {NULL, attend1, attend2, attend3, attend4};
    const int group = a->n_head / a->n_kv;
    const int passes = (group + KEN_HEADS_AT_ONCE - 1) / KEN_HEADS_AT_ONCE;
    const int at_once = (group + passes - 1) / passes;
    const size_t width = (size_t)a->n_head * (size_t)a->d;
    for (int kv = 0; kv < a->n_kv; kv++) {
        const size_t head = (size_t)kv * (size_t)a->n_slots * (size_t)a->d_pad;
        int32_t before = -1;
        for (int i = 0; i < n; i++) {
            const int32_t r = rows[i];
            const int pos = a->pos[r], same = load_path(s->slots, a, before, r);
            transpose_keys(s->kt, a->k + head, a->d, a->d_pad, s->slots, same, pos + 1);
            before = r;
            const float *q = a->q + (size_t)r * width;
            float *o = out + (size_t)i * width;
            for (int h = kv * group; h < (kv + 1) * group; h += at_once) {
                const int m = (kv + 1) * group - h < at_once ? (kv + 1) * group - h : at_once;
                some[m](a, q + h * a->d, a->v + head, pos, o + h * a->d, s);
            }
        }
    }
}

/* ---- bf16 ------------------------------------------------------------------------------------------------------------ */

typedef uint32_t wide __attribute__((vector_size(4 * L)));
typedef uint16_t narrow __attribute__((vector_size(2 * L)));

INLINE narrow round_to_bf16(vec x)
{
    const wide u = (wide)x, nan = (wide)((u & 0x7fffffff) > 0x7f800000);
    const wide rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;
    return __builtin_convertvector((nan & (u >> 16 | 0x40)) | (~nan & rounded), narrow);
}

static void to_bf16(uint16_t *out, const float *x, int n)
{
    int i = 0;
    for (; i + L <= n; i += L) {
        const narrow y = round_to_bf16(load(x + i));
        memcpy(out + i, &y, sizeof y);
    }
    if (i < n) {
        const narrow y = round_to_bf16(load_part(x + i, n - i));
        memcpy(out + i, &y, (size_t)(n - i) * sizeof *out);
    }
}

const ken_kernels KEN_KERNELS = {KEN_KERNELS_NAME, rms_norm, add, silu_mul, rope, attend, exp_all, to_bf16};
