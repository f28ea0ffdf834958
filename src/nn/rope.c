/* rope.c - rotary frequencies under the scalings of the families, and their table of angles; see rope.h.
 *
 * The steps are rounded to f32 where transformers rounds them (frequency, angle, cosine), because that is what the
 * models were trained and are compared with; each step itself is exact to the last bit or nearly so. */
#include "nn/rope.h"
#include "base/alloc.h"
#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

/* Llama 3: long waves are stretched by `factor`, short ones stay, between them a linear blend
 * (transformers, modeling_rope_utils, "llama3"). */
static double llama3(const ken_config *c, double f)
{
    const double wave = 2.0 * pi / f, turns = c->rope_orig_ctx / wave; /* turns over the original context */
    if (turns < c->rope_low) return f / c->rope_factor;
    if (turns > c->rope_high) return f;
    const double smooth = (turns - c->rope_low) / (c->rope_high - c->rope_low);
    return (1.0 - smooth) * f / c->rope_factor + smooth * f;
}

/* YaRN (Peng et al. 2023, 3.2): dimensions that turn more than `fast` times over the original context stay, those of fewer turns than
 * `slow` are interpolated, between them a ramp over the dimension's index. */
static double yarn(const ken_config *c, double f, int i)
{
    const double fast = c->rope_high > 0 ? c->rope_high : 32.0, slow = c->rope_low > 0 ? c->rope_low : 1.0;
    const double scale = c->d_rope / (2.0 * log(c->rope_theta));
    double low = floor(scale * log(c->rope_orig_ctx / (fast * 2.0 * pi)));
    double high = ceil(scale * log(c->rope_orig_ctx / (slow * 2.0 * pi)));
    low = low < 0 ? 0 : low;
    high = high > c->d_rope - 1 ? c->d_rope - 1 : high;
    const double ramp = (i - low) / (high > low ? high - low : 0.001);
    const double unscaled = 1.0 - (ramp < 0 ? 0 : ramp > 1 ? 1 : ramp);
    return f / c->rope_factor * (1.0 - unscaled) + f * unscaled;
}

int ken_rope_init(ken_rope *r, const ken_config *c, ken_err *err)
{
    memset(r, 0, sizeof *r);
    r->half = c->d_rope / 2;
    r->magnitude = 1.0F;
    const ken_rope_scaling scaling = c->rope_scaling;
    if (!(c->rope_theta > 1.0) || !isfinite(c->rope_theta))
        return ken_fail(err, KEN_EINPUT, "model: rope_theta is %g; expected a finite number above 1", c->rope_theta);
    if (scaling != KEN_ROPE_NONE && !(c->rope_factor >= 1.0 && isfinite(c->rope_factor)))
        return ken_fail(err, KEN_EINPUT, "model: rope scaling factor is %g; expected at least 1", c->rope_factor);
    if ((scaling == KEN_ROPE_LLAMA3 || scaling == KEN_ROPE_YARN) && c->rope_orig_ctx < 1)
        return ken_fail(err, KEN_EINPUT, "model: rope scaling needs the original context length; found %d",
                        c->rope_orig_ctx);
    if (scaling == KEN_ROPE_LLAMA3 && !(c->rope_low > 0 && c->rope_high > c->rope_low))
        return ken_fail(
            err, KEN_EINPUT,
            "model: rope scaling llama3: low and high frequency factors are %g and %g; expected 0 < low < high",
            c->rope_low, c->rope_high);
    r->inv_freq = ken_alloc((size_t)r->half, sizeof *r->inv_freq);
    if (r->inv_freq == NULL) return ken_fail_nomem(err, "rotary table");
    for (int i = 0; i < r->half; i++) {
        double f = (float)(1.0 / (float)pow(c->rope_theta, 2.0 * i / c->d_rope));
        if (c->rope_freqs != NULL) {
            if (!(c->rope_freqs[i] > 0) || !isfinite(c->rope_freqs[i]))
                return ken_fail(err, KEN_EINPUT, "model: rope_freqs.weight[%d] is %g; expected a positive number", i,
                                (double)c->rope_freqs[i]);
            f /= c->rope_freqs[i]; /* the file's own divisors are the scaling (GGUF of Llama 3) */
        } else if (scaling == KEN_ROPE_LINEAR) f /= c->rope_factor;
        else if (scaling == KEN_ROPE_LLAMA3) f = llama3(c, f);
        else if (scaling == KEN_ROPE_YARN) f = yarn(c, f, i);
        r->inv_freq[i] = (float)f;
    }
    if (scaling == KEN_ROPE_YARN && c->rope_freqs == NULL) r->magnitude = (float)(0.1 * log(c->rope_factor) + 1.0);
    return KEN_OK;
}

int ken_rope_reserve(ken_rope *r, int n, ken_err *err)
{
    if (n <= r->n) return KEN_OK;
    if (n < 256) n = 256;
    if (n < r->n + r->n / 2) n = r->n + r->n / 2;
    float *p = ken_realloc(r->cos, (size_t)n * (size_t)r->half, sizeof *p);
    if (p == NULL) return ken_fail_nomem(err, "rotary table");
    r->cos = p;
    p = ken_realloc(r->sin, (size_t)n * (size_t)r->half, sizeof *p);
    if (p == NULL) return ken_fail_nomem(err, "rotary table");
    r->sin = p;
    for (int t = r->n; t < n; t++)
        for (int i = 0; i < r->half; i++) {
            const float angle = (float)t * r->inv_freq[i];
            r->cos[(size_t)t * (size_t)r->half + (size_t)i] = (float)cos((double)angle) * r->magnitude;
            r->sin[(size_t)t * (size_t)r->half + (size_t)i] = (float)sin((double)angle) * r->magnitude;
        }
    r->n = n;
    return KEN_OK;
}

void ken_rope_free(ken_rope *r)
{
    ken_free(r->inv_freq);
    ken_free(r->cos);
    ken_free(r->sin);
    memset(r, 0, sizeof *r);
}
