/* vec_attend.h - the steps of attention over vectors, for the forward pass (kernels.c) and the backward pass (kernels_back.c).
 *
 * Rows of one batch lie on paths through scattered cache slots and mostly share long prefixes, so keys are copied once, transposed, and
 * the next row replaces only those from the position where its path differs. */
#ifndef KEN_NN_VEC_ATTEND_H
#define KEN_NN_VEC_ATTEND_H
#include "nn/kernels.h"
#include "base/vec.h"
#include <string.h>

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

/* out (heads, stride) = q (heads, d) . k_t for the positions t of the tiles [first, last). */
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

/* out[h] (`chunks` vectors of dims) = scale[h] * sum over positions lo..pos of p[h] * v: one chain of sums a lane, first position to last. */
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

/* The same for all d dims: out (heads, KEN_MAX_D_HEAD), p (heads, stride), v (n_slots, d_pad). */
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

/* Keys of positions [from, to) into the transposed tiles kt (n_tiles, d, L). */
INLINE void transpose_keys(float *kt, const float *k, int d, int d_pad, const int32_t *slots, int from, int to)
{
    for (int p = from; p < to; p++) {
        const float *row = k + (size_t)slots[p] * (size_t)d_pad;
        float *lane = kt + (size_t)(p / L) * (size_t)d * L + p % L;
        for (int i = 0; i < d; i++) lane[(size_t)i * L] = row[i];
    }
}

/* Leading positions at which the paths of row r and of row `before` (< r) have the same slots; 0 when before < 0 or > r. */
INLINE int shared_positions(const ken_attention *a, int32_t before, int32_t r)
{
    if (before < 0 || before > r) return 0;
    int n = a->pos[r] + 1 < a->pos[before] + 1 ? a->pos[r] + 1 : a->pos[before] + 1;
    for (int32_t i = before + 1; i <= r; i++)
        if (a->shared[i] < n) n = a->shared[i];
    return n;
}

/* Changes slots from the path of row `before` to that of row r, its own slot last. Returns how many of them stay: their keys need not be
 * transposed again. */
INLINE int load_path(int32_t *slots, const ken_attention *a, int32_t before, int32_t r)
{
    const int pos = a->pos[r], same = shared_positions(a, before, r);
    if (pos > same) memcpy(slots + same, a->path_slots + a->path[r] + same, (size_t)(pos - same) * sizeof *slots);
    slots[pos] = a->slot[r];
    return same;
}
#endif
