/* kernels.c - the vector kernels of a forward pass; see kernels.h. Compiled once per instruction set with
 * KEN_LANES (floats in a vector: 4, 8, 16) and KEN_KERNELS (the table's name) defined by the build.
 *
 * Written with GCC's vector extensions, so that one source serves every CPU; contraction to fused multiply-add is switched
 * on for this file alone. Sums run either in one lane from the first to the last index or lane by lane and then over the
 * lanes in a fixed tree. The hard part is attention: rows of one batch lie on paths through scattered cache slots and mostly
 * share long prefixes, so keys are copied once, transposed, and the copy is kept while the next row agrees with it. */
#include "nn/kernels.h"
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
    const float scale = 1.0F / __builtin_sqrtf(sum_lanes(s) / (float)n + eps);
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

/* Scores of `heads` query heads against `tiles` tiles of L keys: each is one chain over the d dimensions, first to last. The
 * two counts are constants at every call, so that the accumulators live in registers. */
INLINE void score_tiles(const int heads, const int tiles, const float *q, int d, const float *kt, float *out,
                        size_t stride)
{
    vec acc[4][4];
    for (int h = 0; h < heads; h++)
        for (int t = 0; t < tiles; t++) acc[h][t] = (vec){0};
    for (int i = 0; i < d; i++) {
        vec k[4];
        for (int t = 0; t < tiles; t++) k[t] = load(kt + ((size_t)t * (size_t)d + (size_t)i) * L);
        for (int h = 0; h < heads; h++) {
            const float x = q[h * d + i];
            for (int t = 0; t < tiles; t++) acc[h][t] += k[t] * x;
        }
    }
    for (int h = 0; h < heads; h++)
        for (int t = 0; t < tiles; t++) store(out + (size_t)h * stride + (size_t)t * L, acc[h][t]);
}

#define TILES_AT_ONCE (L == 16 ? 4 : 3) /* 3 heads x 4 tiles of 32 registers; x 3 of 16 */

INLINE void score_row(const int heads, const float *q, int d, const float *kt, int first, int last, float *out,
                      size_t stride)
{
    int t = first;
    for (; t + TILES_AT_ONCE <= last; t += TILES_AT_ONCE)
        score_tiles(heads, TILES_AT_ONCE, q, d, kt + (size_t)t * (size_t)d * L, out + (size_t)t * L, stride);
    const float *k = kt + (size_t)t * (size_t)d * L;
    if (last - t == 3) score_tiles(heads, 3, q, d, k, out + (size_t)t * L, stride);
    else if (last - t == 2) score_tiles(heads, 2, q, d, k, out + (size_t)t * L, stride);
    else if (last - t == 1) score_tiles(heads, 1, q, d, k, out + (size_t)t * L, stride);
}

/* In place: scores at positions lo..pos of the tiles [first, last) to exp(scale * (score - max)), zero elsewhere.
 * Returns their sum: lane l adds positions l, l + L, ... in order. */
INLINE float softmax_row(float *s, int first, int last, int lo, int pos, float scale)
{
    ivec index = {0};
    for (int l = 0; l < L; l++) index[l] = first * L + l;
    const vec none = splat(-__builtin_inff());
    vec m = none;
    for (int t = first; t < last; t++, index += L) {
        vec x = load(s + (size_t)t * L) * scale;
        if (t == first || t == last - 1) x = choose((index < lo) | (index > pos), none, x);
        store(s + (size_t)t * L, x);
        m = choose(x > m, x, m);
    }
    const float top = max_lanes(m);
    vec sum = {0};
    index -= (last - first) * L;
    for (int t = first; t < last; t++, index += L) {
        vec p = vexp(load(s + (size_t)t * L) - top);
        if (t == first || t == last - 1) p = choose((index < lo) | (index > pos), (vec){0}, p);
        store(s + (size_t)t * L, p);
        sum += p;
    }
    return sum_lanes(sum);
}

/* out[h] (dims of `chunks` vectors) = sum over positions of p[h] * v: one chain a lane, first position to last. */
INLINE void weigh_chunks(const int heads, const int chunks, const float *p, size_t stride, const float *v, int d_pad,
                         const int32_t *slots, int lo, int pos, const float *scale, float *out)
{
    vec acc[4][4];
    for (int h = 0; h < heads; h++)
        for (int c = 0; c < chunks; c++) acc[h][c] = (vec){0};
    for (int i = lo; i <= pos; i++) {
        const float *row = v + (size_t)slots[i] * (size_t)d_pad;
        vec x[4];
        for (int c = 0; c < chunks; c++) x[c] = load(row + c * L);
        for (int h = 0; h < heads; h++) {
            const float w = p[(size_t)h * stride + (size_t)i];
            for (int c = 0; c < chunks; c++) acc[h][c] += x[c] * w;
        }
    }
    for (int h = 0; h < heads; h++)
        for (int c = 0; c < chunks; c++) store(out + h * KEN_MAX_D_HEAD + c * L, acc[h][c] * scale[h]);
}

INLINE void weigh_row(const int heads, const float *p, size_t stride, const float *v, int d, int d_pad,
                      const int32_t *slots, int lo, int pos, const float *scale, float *out)
{
    const int n = (d + L - 1) / L;
    int c = 0;
    for (; c + TILES_AT_ONCE <= n; c += TILES_AT_ONCE)
        weigh_chunks(heads, TILES_AT_ONCE, p, stride, v + c * L, d_pad, slots, lo, pos, scale, out + c * L);
    if (n - c == 3) weigh_chunks(heads, 3, p, stride, v + c * L, d_pad, slots, lo, pos, scale, out + c * L);
    else if (n - c == 2) weigh_chunks(heads, 2, p, stride, v + c * L, d_pad, slots, lo, pos, scale, out + c * L);
    else if (n - c == 1) weigh_chunks(heads, 1, p, stride, v + c * L, d_pad, slots, lo, pos, scale, out + c * L);
}

/* `heads` neighbouring query heads of one row over one key-value head. */
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

static void attend1(const ken_attention *a, const float *q, const float *v, int pos, float *out,
                    const ken_attention_scratch *s)
{
    attend_heads(1, a, q, v, pos, out, s);
}
static void attend2(const ken_attention *a, const float *q, const float *v, int pos, float *out,
                    const ken_attention_scratch *s)
{
    attend_heads(2, a, q, v, pos, out, s);
}
static void attend3(const ken_attention *a, const float *q, const float *v, int pos, float *out,
                    const ken_attention_scratch *s)
{
    attend_heads(3, a, q, v, pos, out, s);
}
static void attend4(const ken_attention *a, const float *q, const float *v, int pos, float *out,
                    const ken_attention_scratch *s)
{
    attend_heads(4, a, q, v, pos, out, s);
}

/* Keys of positions [from, to) into the transposed tiles. */
static void transpose_keys(float *kt, const float *k, int d, int d_pad, const int32_t *slots, int from, int to)
{
    for (int p = from; p < to; p++) {
        const float *row = k + (size_t)slots[p] * (size_t)d_pad;
        float *lane = kt + (size_t)(p / L) * (size_t)d * L + p % L;
        for (int i = 0; i < d; i++) lane[(size_t)i * L] = row[i];
    }
}

/* Leading positions for which row r sits on the same slots as row `before` (< r); 0 when before < 0 or > r. */
static int agreeing(const ken_attention *a, int32_t before, int32_t r)
{
    if (before < 0 || before > r) return 0;
    int n = a->pos[r] + 1 < a->pos[before] + 1 ? a->pos[r] + 1 : a->pos[before] + 1;
    for (int32_t i = before + 1; i <= r; i++)
        if (a->shared[i] < n) n = a->shared[i];
    return n;
}

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
            const int pos = a->pos[r], same = agreeing(a, before, r);
            if (pos > same)
                memcpy(s->slots + same, a->path_slots + a->path[r] + same, (size_t)(pos - same) * sizeof *s->slots);
            s->slots[pos] = a->slot[r];
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
    const wide u = (wide)x, nan = (wide)(x != x);
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
