/* reference_back.c - the kernels of kernels_back.h in plain scalar C, sums in double: what the vector kernels are tested against, and
 * what tests hold against finite differences. Not fast and not used by the program.
 *
 * Only softmax and SiLU use exp, so that with sums in double these are the exact derivatives, rounded once. */
#include "base/rng.h"
#include "nn/kernels_back.h"
#include <math.h>
#include <stddef.h>

/* y = w xh, xh = x / rms, rms = sqrt(mean(x^2) + eps). The derivative of 1 / rms by x_j is -xh_j / (n rms^2), so that with g = w dy
 * dx_j = g_j / rms - (sum over i of g_i x_i) xh_j / (n rms^2) = (g_j - xh_j mean(g xh)) / rms;  dw_j = dy_j xh_j. Both are added. */
static void rms_norm_back(float *dx, float *dw, const float *dy, const float *x, const float *w, int n, float eps)
{
    double square = 0, along = 0;
    for (int i = 0; i < n; i++) square += (double)x[i] * x[i];
    const double scale = 1.0 / sqrt(square / n + (double)eps);
    for (int i = 0; i < n; i++) along += (double)w[i] * dy[i] * x[i] * scale;
    along /= n;
    for (int i = 0; i < n; i++) {
        dx[i] = (float)(dx[i] + ((double)w[i] * dy[i] - x[i] * scale * along) * scale);
        if (dw != NULL) dw[i] = (float)(dw[i] + dy[i] * (x[i] * scale));
    }
}

/* h = silu(gate) up, silu(x) = x s(x), s(x) = 1 / (1 + exp(-x)). s' = s (1 - s), so that silu'(x) = s + x s (1 - s) = s (1 + x (1 - s)):
 * dgate = dh up silu'(gate), dup = dh silu(gate). */
static void silu_mul_back(float *dgate, float *dup, float *h, const float *dh, const float *gate, const float *up,
                          int n)
{
    for (int i = 0; i < n; i++) {
        const double g = gate[i], u = up[i], d = dh[i], sigmoid = 1.0 / (1.0 + exp(-g));
        dgate[i] = (float)(d * u * sigmoid * (1.0 + g * (1.0 - sigmoid)));
        dup[i] = (float)(d * g * sigmoid);
        if (h != NULL) h[i] = (float)(g * sigmoid * u);
    }
}

/* (a, b) -> (a c - b s, b c + a s) is a product with (c -s; s c); gradients are multiplied by the transpose (c s; -s c). */
static void rope_back(float *dx, const float *cos, const float *sin, int n_head, int d, int d_rope)
{
    const int half = d_rope / 2;
    for (int h = 0; h < n_head; h++, dx += d)
        for (int i = 0; i < half; i++) {
            const float a = dx[i], b = dx[i + half];
            dx[i] = a * cos[i] + b * sin[i];
            dx[i + half] = b * cos[i] - a * sin[i];
        }
}

/* out = weight softmax(scale x); returns log sum exp(scale x). With weight = the sum of a row's target weights, and these taken off at the
 * targets, out is the gradient of cross entropy (learn.c). */
static double softmax(float *out, const float *x, int n, float scale, float weight)
{
    double max = (double)scale * x[0];
    for (int i = 1; i < n; i++) max = (double)scale * x[i] > max ? (double)scale * x[i] : max;
    double sum = exp((double)scale * x[0] - max);
    for (int i = 1; i < n; i++) sum += exp((double)scale * x[i] - max);
    for (int i = 0; i < n && out != NULL; i++) out[i] = (float)(weight * exp((double)scale * x[i] - max) / sum);
    return max + log(sum);
}

/* x = mask x with mask 0 (probability p) or 1 / (1 - p), a function of key, site and element alone: linear, and so its own gradient. */
static void dropout(float *x, int n, uint64_t key, uint32_t site, float p)
{
    const uint32_t k[2] = {(uint32_t)key, (uint32_t)(key >> 32)}, cut = (uint32_t)((double)p * 0x1p32);
    const float scale = 1.0F / (1.0F - p);
    for (int i = 0; i < n; i++) {
        const uint32_t counter[4] = {site, (uint32_t)(i / 4), 0, 0};
        uint32_t words[4];
        ken_philox4x32(counter, k, words);
        x[i] = words[i % 4] < cut ? 0.0F : x[i] * scale;
    }
}

/* ---- attention ------------------------------------------------------------------------------------------------------- */

static double dot(const float *a, const float *b, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++) s += (double)a[i] * b[i];
    return s;
}

static int first_seen(const ken_attention *a, int pos)
{
    return a->window > 0 && pos >= a->window ? pos - a->window + 1 : 0;
}

/* Where the keys and values of position p of row r's path lie, for key-value head kv. */
static size_t at_slot(const ken_attention *a, int32_t r, int p, int kv)
{
    const int32_t slot = p == a->pos[r] ? a->slot[r] : a->path_slots[a->path[r] + p];
    return ((size_t)kv * (size_t)a->n_slots + (size_t)slot) * (size_t)a->d_pad;
}

/* s_t = scale q.k_t, p = softmax(s), out = sum of p_t v_t: dp_t = dout.v_t, ds_t = p_t (dp_t - sum of p_u dp_u), dq = sum of scale ds_t k_t
 * (kernels_back.h). Here ds holds scale ds_t, and `along` becomes the sum of p_u dp_u. */
static void attend_back_query(const ken_attention_back *b, const int32_t *rows, int n, float *dq,
                              const ken_attention_back_scratch *scratch)
{
    (void)scratch;
    const ken_attention *a = b->forward;
    const double scale = 1.0 / sqrt(a->d);
    for (int i = 0; i < n; i++)
        for (int h = 0; h < a->n_head; h++) {
            const int32_t r = rows[i];
            const int pos = a->pos[r], kv = h / (a->n_head / a->n_kv), lo = first_seen(a, pos);
            const size_t head = ((size_t)r * (size_t)a->n_head + (size_t)h) * (size_t)a->d;
            float *p = b->weights + b->at[r] + (ptrdiff_t)h * 2 * (pos + 1), *ds = p + pos + 1;
            double max = -INFINITY, sum = 0, along = 0, sum_dq[KEN_MAX_D_HEAD] = {0};
            for (int t = lo; t <= pos; t++)
                max = fmax(max, scale * dot(a->q + head, a->k + at_slot(a, r, t, kv), a->d));
            for (int t = lo; t <= pos; t++)
                sum += exp(scale * dot(a->q + head, a->k + at_slot(a, r, t, kv), a->d) - max);
            for (int t = 0; t <= pos; t++) {
                p[t] = ds[t] = 0;
                if (t < lo) continue;
                p[t] = (float)(exp(scale * dot(a->q + head, a->k + at_slot(a, r, t, kv), a->d) - max) / sum);
                along += p[t] * dot(b->dout + head, a->v + at_slot(a, r, t, kv), a->d);
            }
            for (int t = lo; t <= pos; t++) {
                ds[t] = (float)(scale * p[t] * (dot(b->dout + head, a->v + at_slot(a, r, t, kv), a->d) - along));
                for (int c = 0; c < a->d; c++) sum_dq[c] += (double)ds[t] * a->k[at_slot(a, r, t, kv) + (size_t)c];
            }
            for (int c = 0; c < a->d; c++) dq[head + (size_t)c] = (float)sum_dq[c];
        }
}

/* dk (d) = sum of scale ds q, dv (d) = sum of p dout: over the rows that see key s, which are s and its descendants inside the window, and the
 * query heads that share key-value head kv. */
static void attend_back_key(const ken_attention_back *b, int32_t s, int kv, float *dk, float *dv)
{
    const ken_attention *a = b->forward;
    const int group = a->n_head / a->n_kv, at = a->pos[s];
    double k[KEN_MAX_D_HEAD] = {0}, v[KEN_MAX_D_HEAD] = {0};
    for (int32_t r = s; r < b->end[s]; r++)
        for (int h = kv * group; h < (kv + 1) * group && at >= first_seen(a, a->pos[r]); h++) {
            const size_t head = ((size_t)r * (size_t)a->n_head + (size_t)h) * (size_t)a->d;
            const float *p = b->weights + b->at[r] + (ptrdiff_t)h * 2 * (a->pos[r] + 1), *ds = p + a->pos[r] + 1;
            for (int c = 0; c < a->d; c++) {
                v[c] += (double)p[at] * b->dout[head + (size_t)c];
                k[c] += (double)ds[at] * a->q[head + (size_t)c];
            }
        }
    for (int c = 0; c < a->d; c++) {
        dk[c] = (float)k[c];
        dv[c] = (float)v[c];
    }
}

static const ken_back_kernels reference = {"reference", rms_norm_back, silu_mul_back,     rope_back,
                                           softmax,     dropout,       attend_back_query, attend_back_key};
const ken_back_kernels *ken_back_kernels_reference(void) { return &reference; }
