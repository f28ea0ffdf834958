/* softmax_kernels.c - see softmax.h; compiled once per instruction set.
 *
 * Exponentials are taken of the logits as they are, which are small numbers; only when their sum says that one was not (absurd learning rates) are
 * they taken again, less the largest. */
#include "lab/softmax.h"
#define KEN_LANES 16
#include "base/vec.h"

/* As sum_lanes adds them, lane i and lane i + w/2, but by halves that stay in registers. */
typedef float half8 __attribute__((vector_size(32)));
typedef float half4 __attribute__((vector_size(16)));
INLINE float fold(vec v)
{
    union {
        vec all;
        half8 half[2];
    } a = {v};
    union {
        half8 all;
        half4 half[2];
    } b = {a.half[0] + a.half[1]};
    const half4 c = b.half[0] + b.half[1];
    return (c[0] + c[2]) + (c[1] + c[3]);
}

#define SUM_LEAST 1e-30F
#define SUM_MOST  1e30F
#define LOWEST    (-3e38F)

typedef struct prompt { /* logits by block */
    const float *s, *r;
    vec ls, lr;
    int k;
    ivec lane;
} prompt;

INLINE prompt prompt_of(const float *s, const float *r, float lambda, int k)
{
    return (prompt){
        s, r, splat(lambda), splat(1.0F - lambda), k, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
}

/* The lanes of the block at `at` that belong to answers. */
INLINE ivec answers(const prompt *x, int at)
{
    const ivec left = (ivec){0} + (x->k - at);
    return x->lane < left;
}

/* Behind the last answer the exponential is to be zero. */
INLINE vec only(const prompt *x, int at, vec e)
{
    if (at + L <= x->k) return e;
    const vec none = {0};
    return choose(answers(x, at), e, none);
}

INLINE vec logits(const prompt *x, int at) { return load(x->s + at) * x->ls + load(x->r + at) * x->lr; }

INLINE float largest(const prompt *x)
{
    vec most = splat(LOWEST);
    for (int i = 0; i < x->k; i += L) {
        const vec z = logits(x, i);
        const vec shown = i + L <= x->k ? z : choose(answers(x, i), z, splat(LOWEST));
        most = choose(shown > most, shown, most);
    }
    return max_lanes(most);
}

/* exp(logits - shift) into p (unless it is NULL), their sum, and the sum of e_k (s_k - r_k) in *by (unless it is NULL). */
INLINE float exponentials(const prompt *x, float shift, float *p, float *by)
{
    const vec m = splat(shift);
    vec sum = {0}, gained = {0};
    for (int i = 0; i < x->k; i += L) {
        const vec e = only(x, i, vexp(logits(x, i) - m));
        if (p != NULL) store(p + i, e);
        sum += e;
        if (by != NULL) gained += e * (load(x->s + i) - load(x->r + i));
    }
    if (by != NULL) *by = fold(gained);
    return fold(sum);
}

INLINE float weigh(const prompt *x, float *p, float *by)
{
    const float sum = exponentials(x, 0.0F, p, by);
    if (sum > SUM_LEAST && sum < SUM_MOST) return sum;
    return exponentials(x, largest(x), p, by);
}

static void softmax(float *p, const float *s, const float *r, float lambda, int k)
{
    const prompt x = prompt_of(s, r, lambda, k);
    const float sum = weigh(&x, p, NULL);
    for (int i = 0; i < k; i++) p[i] /= sum;
}

static float gain(const float *s, const float *r, float lambda, int a, int k)
{
    const prompt x = prompt_of(s, r, lambda, k);
    float by;
    const float sum = weigh(&x, NULL, &by);
    return s[a] - r[a] - by / sum;
}

INLINE void add_scaled(float *to, const float *e, float by, int k)
{
    const vec b = splat(by);
    for (int i = 0; i < k; i += L) store(to + i, load(to + i) - load(e + i) * b);
}

static float value_step(const ken_value_step *y)
{
    const prompt x = prompt_of(y->mixed, y->r, y->lambda, y->k);
    float by = 0;
    const float sum = y->no_gain ? weigh(&x, y->p, NULL) : weigh(&x, y->p, &by);
    const float gained = y->mixed[y->a] - y->r[y->a] - by / sum;
    add_scaled(y->s, y->p, y->by_s / sum, y->k);
    add_scaled(y->r, y->p, y->by_r / sum, y->k);
    y->s[y->a] += y->by_s;
    y->r[y->a] += y->by_r;
    if (y->theta == NULL) return gained;
    add_scaled(y->theta, y->p, y->by_theta / sum, y->k);
    y->theta[y->a] += y->by_theta;
    return gained;
}

static bool right(const float *s, const float *r, float lambda, int a, int k)
{
    const prompt x = prompt_of(s, r, lambda, k);
    const vec own = splat(s[a] * lambda + r[a] * (1.0F - lambda));
    const ivec at_a = (ivec){0} + a;
    ivec beaten = {0};
    for (int i = 0; i < k; i += L) {
        const vec z = logits(&x, i);
        const ivec place = x.lane + i;
        const ivec wins = (z > own) | ((z == own) & (place < at_a));
        beaten |= wins & answers(&x, i);
    }
    int any = 0;
    for (int i = 0; i < L; i++) any |= beaten[i];
    return any == 0;
}

const ken_lab_kernels KEN_LAB_KERNELS = {softmax, gain, value_step, right};
