/* kernels_back.c - the vector kernels of a backward pass; see kernels_back.h. Compiled once per instruction set, like kernels.c, with the
 * name of the table in KEN_BACK_KERNELS.
 *
 * Attention's backward pass takes the steps of the forward pass (vec_attend.h) twice: scores of queries against keys, and of dout
 * against values, both over transposed copies that rows of one path share. The hard thing is dropout's generator, whose 32 x 32
 * bit products no vector extension of the language names. The equations are in kernels_back.h. */
#include "nn/kernels_back.h"
#include "nn/vec_attend.h"
#include <math.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

static void rms_norm_back(float *dx, float *dw, const float *dy, const float *x, const float *w, int n, float eps)
{
    vec square = {0}, along = {0}; /* sums of x^2 and of w dy x: lane by lane, then over the lanes */
    int i = 0;
    for (; i + L <= n; i += L) {
        square += load(x + i) * load(x + i);
        along += load(w + i) * load(dy + i) * load(x + i);
    }
    if (i < n) {
        const vec v = load_part(x + i, n - i);
        square += v * v;
        along += load_part(w + i, n - i) * load_part(dy + i, n - i) * v;
    }
    const float scale = 1.0F / __builtin_sqrtf(sum_lanes(square) / (float)n + eps); /* 1 / rms */
    const float mean = sum_lanes(along) * scale / (float)n;                         /* of w dy xh */
    for (i = 0; i + L <= n; i += L) {
        const vec xh = load(x + i) * scale, g = load(dy + i);
        store(dx + i, load(dx + i) + (load(w + i) * g - xh * mean) * scale);
        if (dw != NULL) store(dw + i, load(dw + i) + g * xh);
    }
    if (i < n) {
        const int m = n - i;
        const vec xh = load_part(x + i, m) * scale, g = load_part(dy + i, m);
        store_part(dx + i, load_part(dx + i, m) + (load_part(w + i, m) * g - xh * mean) * scale, m);
        if (dw != NULL) store_part(dw + i, load_part(dw + i, m) + g * xh, m);
    }
}

typedef struct gradients {
    vec gate, up, h; /* dgate, dup; h itself */
} gradients;

INLINE gradients silu_part(vec dh, vec gate, vec up)
{
    const vec e = vexp(-gate) + 1.0F;
    const vec silu = gate / e; /* as silu_mul has it, so that h has its bits */
    const vec sigmoid = 1.0F / e;
    return (gradients){dh * up * (sigmoid * (gate - silu + 1.0F)), dh * silu, silu * up};
}

static void silu_mul_back(float *dgate, float *dup, float *h, const float *dh, const float *gate, const float *up,
                          int n)
{
    int i = 0;
    for (; i + L <= n; i += L) {
        const gradients g = silu_part(load(dh + i), load(gate + i), load(up + i));
        store(dgate + i, g.gate);
        store(dup + i, g.up);
        if (h != NULL) store(h + i, g.h);
    }
    if (i < n) {
        const int m = n - i;
        const gradients g = silu_part(load_part(dh + i, m), load_part(gate + i, m), load_part(up + i, m));
        store_part(dgate + i, g.gate, m);
        store_part(dup + i, g.up, m);
        if (h != NULL) store_part(h + i, g.h, m);
    }
}

static void rope_back(float *dx, const float *cos, const float *sin, int n_head, int d, int d_rope)
{
    const int half = d_rope / 2;
    for (int h = 0; h < n_head; h++, dx += d) {
        int i = 0;
        for (; i + L <= half; i += L) {
            const vec a = load(dx + i), b = load(dx + half + i), c = load(cos + i), s = load(sin + i);
            store(dx + i, a * c + b * s);
            store(dx + half + i, b * c - a * s);
        }
        if (i < half) {
            const int n = half - i;
            const vec a = load_part(dx + i, n), b = load_part(dx + half + i, n);
            const vec c = load_part(cos + i, n), s = load_part(sin + i, n);
            store_part(dx + i, a * c + b * s, n);
            store_part(dx + half + i, b * c - a * s, n);
        }
    }
}

/* ---- softmax --------------------------------------------------------------------------------------------------------- */

/* exp(scale x - top) of m values, zero after them */
INLINE vec exp_part(const float *x, int m, float scale, float top)
{
    if (m >= L) return vexp(load(x) * scale - top);
    ivec index = {0};
    for (int l = 0; l < L; l++) index[l] = l;
    return choose(index < m, vexp(load_part(x, m) * scale - top), (vec){0});
}

/* Three passes: the largest of scale x, exp(scale x - that) and its sum, division by the sum. A vocabulary is long: lanes add up 16 vectors
 * in f32, and these sums in double. */
static double softmax(float *out, const float *x, int n, float scale, float weight)
{
    enum { RUN = 16 * L };
    vec m = splat(-__builtin_inff());
    int i = 0;
    for (; i + L <= n; i += L) {
        const vec v = load(x + i) * scale;
        m = choose(v > m, v, m);
    }
    float top = max_lanes(m);
    for (; i < n; i++) top = x[i] * scale > top ? x[i] * scale : top;
    double sums[L] = {0};
    for (int run = 0; run < n; run += RUN) {
        vec sum = {0};
        for (i = run; i < n && i < run + RUN; i += L) {
            const vec e = exp_part(x + i, n - i, scale, top);
            sum += e;
            if (out != NULL) {
                if (n - i >= L) store(out + i, e);
                else store_part(out + i, e, n - i);
            }
        }
        for (int l = 0; l < L; l++) sums[l] += (double)sum[l];
    }
    for (int w = L / 2; w > 0; w /= 2)
        for (int l = 0; l < w; l++) sums[l] += sums[l + w];
    const float each = (float)((double)weight / sums[0]);
    if (out != NULL) {
        for (i = 0; i + L <= n; i += L) store(out + i, load(out + i) * each);
        if (i < n) store_part(out + i, load_part(out + i, n - i) * each, n - i);
    }
    return (double)top + log(sums[0]);
}

/* ---- dropout --------------------------------------------------------------------------------------------------------- */

typedef uint32_t words __attribute__((vector_size(4 * L)));
typedef uint64_t pairs __attribute__((vector_size(4 * L)));

/* The low half of each pair times b, in 64 bits. */
INLINE pairs multiply(pairs a, uint32_t b)
{
#if defined(__AVX512F__) && KEN_LANES == 16
    return (pairs)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__) && KEN_LANES == 8
    return (pairs)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__SSE2__) && KEN_LANES == 4
    return (pairs)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
    return (a & 0xffffffff) * (uint64_t)b;
#endif
}

/* x * b: both halves of the 64 bits, lane by lane. A pair is two lanes, the low one first: true of every CPU that we build for. */
INLINE void multiply_words(words x, uint32_t b, words *high, words *low)
{
    const pairs even = multiply((pairs)x, b), odd = multiply((pairs)x >> 32, b);
    *low = (words)((even & 0xffffffff) | odd << 32);
    *high = (words)(even >> 32 | (odd & 0xffffffff00000000));
}

/* L neighbouring counters at once (base/rng.c has the plain form); out: the words of a lane are those of its counter. */
INLINE void philox(uint32_t site, uint32_t first, uint64_t key, words out[4])
{
    words c0 = site - (words){0}, c1 = {0}, c2 = {0}, c3 = {0};
    for (int l = 0; l < L; l++) c1[l] = first + (uint32_t)l;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        words h0, l0, h2, l2;
        multiply_words(c0, 0xD2511F53U, &h0, &l0);
        multiply_words(c2, 0xCD9E8D57U, &h2, &l2);
        c0 = h2 ^ c1 ^ k0;
        c1 = l2;
        c2 = h0 ^ c3 ^ k1;
        c3 = l0;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* a0 b0 a1 b1 ... of the lower and of the upper halves; the builtin needs the lanes spelled out */
#if KEN_LANES == 16
#define LOWER 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UPPER 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif KEN_LANES == 8
#define LOWER 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOWER 0, 4, 1, 5
#define UPPER 2, 6, 3, 7
#endif

INLINE words zip(words a, words b, int upper)
{
    return upper ? __builtin_shufflevector(a, b, UPPER) : __builtin_shufflevector(a, b, LOWER);
}

static void dropout(float *x, int n, uint64_t key, uint32_t site, float p)
{
    const words cut = (uint32_t)((double)p * 0x1p32) - (words){0};
    const float scale = 1.0F / (1.0F - p);
    for (int i = 0; i < n; i += 4 * L) {
        words w[4];
        philox(site, (uint32_t)(i / 4), key, w);
        const words even[2] = {zip(w[0], w[2], 0), zip(w[0], w[2], 1)};
        const words odd[2] = {zip(w[1], w[3], 0), zip(w[1], w[3], 1)};
        for (int j = 0; j < 4 && i + j * L < n; j++) { /* element 4 l + w is word w of lane l */
            const words word = zip(even[j / 2], odd[j / 2], j % 2);
            float *at = x + i + j * L;
            const int m = n - i - j * L;
            const vec v = (m >= L ? load(at) : load_part(at, m)) * scale;
            const vec masked = choose((ivec)(word < cut), (vec){0}, v);
            if (m >= L) store(at, masked);
            else store_part(at, masked, m);
        }
    }
}

/* ---- attention ------------------------------------------------------------------------------------------------------- */

/* `heads` neighbouring query heads of one row over one key-value head: q, dout, dq (heads, d); k (n_slots, d_pad) the head's keys, s->kt and
 * s->vt the row's keys and values transposed; weights (heads, 2, pos + 1). */
INLINE void query_heads(const int heads, const ken_attention *a, const float *q, const float *dout, const float *k,
                        int pos, float *weights, float *dq, const ken_attention_back_scratch *s)
{
    const int lo = a->window > 0 && pos >= a->window ? pos - a->window + 1 : 0;
    const int first = lo / L, last = pos / L + 1;
    const size_t stride = (size_t)(pos + KEN_MAX_LANES) / KEN_MAX_LANES * KEN_MAX_LANES, n = (size_t)pos + 1;
    const float scale = 1.0F / __builtin_sqrtf((float)a->d);
    /* (heads, stride) each: s, then p; dp, then scale ds */
    float *all_p = s->scores, *all_ds = s->scores + (size_t)heads * stride;
    float one[4] = {1, 1, 1, 1}, o[4 * KEN_MAX_D_HEAD];
    ivec lanes = {0};
    for (int l = 0; l < L; l++) lanes[l] = l;
    score_row(heads, q, a->d, s->kt, first, last, all_p, stride);
    score_row(heads, dout, a->d, s->vt, first, last, all_ds, stride);
    for (int h = 0; h < heads; h++) {
        float *p = all_p + (size_t)h * stride, *ds = all_ds + (size_t)h * stride;
        const float over_sum = 1.0F / softmax_row(p, first, last, lo, pos, scale);
        vec sum = {0}; /* of p dp */
        for (int t = first; t < last; t++) {
            const ivec index = lanes + t * L;
            const vec p_t = load(p + (size_t)t * L) * over_sum;
            /* the copies may hold other rows' values after pos: nothing of theirs, not even a NaN, may be added */
            const vec dp = choose((index < lo) | (index > pos), (vec){0}, load(ds + (size_t)t * L));
            store(p + (size_t)t * L, p_t);
            store(ds + (size_t)t * L, dp);
            sum += p_t * dp;
        }
        const float sum_p_dp = sum_lanes(sum);
        for (int t = first; t < last; t++)
            store(ds + (size_t)t * L, load(p + (size_t)t * L) * (load(ds + (size_t)t * L) - sum_p_dp) * scale);
    }
    weigh_row(heads, all_ds, stride, k, a->d, a->d_pad, s->slots, lo, pos, one, o); /* dq = sum of scale ds_t k_t */
    for (int h = 0; h < heads; h++) {
        memcpy(dq + h * a->d, o + h * KEN_MAX_D_HEAD, (size_t)a->d * sizeof *dq);
        float *out[2] = {weights + (size_t)h * 2 * n, weights + ((size_t)h * 2 + 1) * n};
        for (int j = 0; j < 2; j++) {
            memset(out[j], 0, (size_t)lo * sizeof *out[j]);
            memcpy(out[j] + lo, (j == 0 ? all_p : all_ds) + (size_t)h * stride + lo, (n - (size_t)lo) * sizeof *out[j]);
        }
    }
}

#define QUERY(n)                                                                                                       \
    static void query##n(const ken_attention *a, const float *q, const float *dout, const float *k, int pos,           \
                         float *weights, float *dq, const ken_attention_back_scratch *s)                               \
    {                                                                                                                  \
        query_heads(n, a, q, dout, k, pos, weights, dq, s);                                                            \
    }
QUERY(1)
QUERY(2)
QUERY(3)
QUERY(4)

static void attend_back_query(const ken_attention_back *b, const int32_t *rows, int n, float *dq,
                              const ken_attention_back_scratch *s)
{
    static void (*const some[])(const ken_attention *, const float *, const float *, const float *, int, float *,
                                float *, const ken_attention_back_scratch *) = {NULL, query1, query2, query3, query4};
    const ken_attention *a = b->forward;
    const int group = a->n_head / a->n_kv;
    const int passes = (group + KEN_HEADS_AT_ONCE - 1) / KEN_HEADS_AT_ONCE;
    const int at_once = (group + passes - 1) / passes;
    for (int kv = 0; kv < a->n_kv; kv++) {
        const size_t head = (size_t)kv * (size_t)a->n_slots * (size_t)a->d_pad;
        int32_t before = -1;
        for (int i = 0; i < n; i++) {
            const int32_t r = rows[i];
            const int pos = a->pos[r], same = load_path(s->slots, a, before, r);
            transpose_keys(s->kt, a->k + head, a->d, a->d_pad, s->slots, same, pos + 1);
            transpose_keys(s->vt, a->v + head, a->d, a->d_pad, s->slots, same, pos + 1);
            before = r;
            for (int h = kv * group; h < (kv + 1) * group; h += at_once) {
                const int m = (kv + 1) * group - h < at_once ? (kv + 1) * group - h : at_once;
                const size_t at = ((size_t)r * (size_t)a->n_head + (size_t)h) * (size_t)a->d;
                some[m](a, a->q + at, b->dout + at, a->k + head, pos,
                        b->weights + b->at[r] + (size_t)h * 2 * ((size_t)pos + 1), dq + at, s);
            }
        }
    }
}

/* Dims [dim, dim + chunks L) of dk (d) and dv (d), or [dim, dim + m) with m < L. Each dim is one chain of sums, over rows and query heads. */
INLINE void key_chunks(const int chunks, int m, const ken_attention_back *b, int32_t s, int kv, int dim, float *dk,
                       float *dv)
{
    const ken_attention *a = b->forward;
    const int group = a->n_head / a->n_kv, at = a->pos[s];
    vec k[4], v[4];
    for (int c = 0; c < chunks; c++) k[c] = v[c] = (vec){0};
    for (int32_t r = s; r < b->end[s]; r++) {
        const int n = a->pos[r] + 1;
        if (a->window > 0 && n - at > a->window) continue; /* r does not see s: pos[r] - pos[s] >= window */
        const float *p = b->weights + b->at[r] + (size_t)kv * (size_t)group * 2 * (size_t)n + at;
        const size_t row = ((size_t)r * (size_t)a->n_head + (size_t)kv * (size_t)group) * (size_t)a->d + (size_t)dim;
        const float *dout = b->dout + row, *q = a->q + row;
        for (int h = 0; h < group; h++, p += 2 * n, dout += a->d, q += a->d) {
            const float weight = p[0], ds = p[n];
            for (int c = 0; c < chunks; c++) {
                v[c] += (m < L ? load_part(dout, m) : load(dout + c * L)) * weight;
                k[c] += (m < L ? load_part(q, m) : load(q + c * L)) * ds;
            }
        }
    }
    for (int c = 0; c < chunks; c++) {
        if (m < L) {
            store_part(dk + dim, k[c], m);
            store_part(dv + dim, v[c], m);
        } else {
            store(dk + dim + c * L, k[c]);
            store(dv + dim + c * L, v[c]);
        }
    }
}

static void attend_back_key(const ken_attention_back *b, int32_t s, int kv, float *dk, float *dv)
{
    const int d = b->forward->d;
    int i = 0;
    for (; i + 4 * L <= d; i += 4 * L) key_chunks(4, L, b, s, kv, i, dk, dv);
    for (; i + L <= d; i += L) key_chunks(1, L, b, s, kv, i, dk, dv);
    if (i < d) key_chunks(1, d - i, b, s, kv, i, dk, dv);
}

const ken_back_kernels KEN_BACK_KERNELS = {KEN_KERNELS_NAME, rms_norm_back, silu_mul_back,     rope_back,
                                           softmax,          dropout,       attend_back_query, attend_back_key};
