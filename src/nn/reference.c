/* reference.c - the kernels of kernels.h in plain scalar C, sums in double: what the vector kernels are tested against.
 *
 * Not fast and not used by the program. Plain enough to check by eye against the papers: RMSNorm (Zhang and Sennrich 2019),
 * rotary embedding in the half-split form (Su et al. 2021), SwiGLU (Shazeer 2020), grouped-query attention (Ainslie et al. 2023). */
#include "nn/kernels.h"
#include <math.h>
#include <string.h>

/* out = w x / sqrt(mean(x^2) + eps) */
static void rms_norm(float *out, const float *x, const float *w, int n, float eps)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[i] * x[i];
    const double scale = 1.0 / sqrt(sum / n + (double)eps);
    for (int i = 0; i < n; i++) out[i] = (float)(x[i] * scale * w[i]);
}

static void add(float *x, const float *y, int n)
{
    for (int i = 0; i < n; i++) x[i] += y[i];
}

/* out = silu(gate) up, silu(x) = x / (1 + exp(-x)) */
static void silu_mul(float *out, const float *gate, const float *up, int n)
{
    for (int i = 0; i < n; i++) out[i] = (float)(gate[i] / (1.0 + exp(-(double)gate[i])) * up[i]);
}

static void rope(float *x, const float *cos, const float *sin, int n_head, int d, int d_rope)
{
    const int half = d_rope / 2;
    for (int h = 0; h < n_head; h++, x += d)
        for (int i = 0; i < half; i++) {
            const float a = x[i], b = x[i + half];
            x[i] = a * cos[i] - b * sin[i];
            x[i + half] = b * cos[i] + a * sin[i];
        }
}

static double dot(const float *a, const float *b, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++) s += (double)a[i] * b[i];
    return s;
}

/* out (n, n_head, d): for each row and head, sum over the positions p that the row sees of softmax_p(q.k_p / sqrt(d)) v_p. */
static void attend(const ken_attention *a, const int32_t *rows, int n, float *out, const ken_attention_scratch *s)
{
    (void)s;
    for (int i = 0; i < n; i++)
        for (int h = 0; h < a->n_head; h++) {
            const int32_t r = rows[i];
            const int pos = a->pos[r], kv = h / (a->n_head / a->n_kv);
            const int lo = a->window > 0 && pos >= a->window ? pos - a->window + 1 : 0;
            const float *q = a->q + ((size_t)r * (size_t)a->n_head + (size_t)h) * (size_t)a->d;
            double max = -INFINITY, sum = 0, o[KEN_MAX_D_HEAD] = {0};
            for (int pass = 0; pass < 2; pass++) /* the largest score, then the weights */
                for (int p = lo; p <= pos; p++) {
                    const int32_t slot = p == pos ? a->slot[r] : a->path_slots[a->path[r] + p];
                    const size_t at = ((size_t)kv * (size_t)a->n_slots + (size_t)slot) * (size_t)a->d_pad;
                    const double score = dot(q, a->k + at, a->d) / sqrt(a->d);
                    if (pass == 0) {
                        max = score > max ? score : max;
                        continue;
                    }
                    const double weight = exp(score - max);
                    sum += weight;
                    for (int c = 0; c < a->d; c++) o[c] += weight * a->v[at + (size_t)c];
                }
            for (int c = 0; c < a->d; c++)
                out[((size_t)i * (size_t)a->n_head + (size_t)h) * (size_t)a->d + (size_t)c] = (float)(o[c] / sum);
        }
}

static void exp_all(float *out, const float *x, int n)
{
    for (int i = 0; i < n; i++) out[i] = (float)exp(x[i] < -87.0F ? -87.0 : x[i] > 88.0F ? 88.0 : (double)x[i]);
}

static void to_bf16(uint16_t *out, const float *x, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, sizeof u);
        out[i] = (uint16_t)(isnan(x[i]) ? u >> 16 | 0x40 : (u + 0x7fff + (u >> 16 & 1)) >> 16);
    }
}

static const ken_kernels reference = {"reference", rms_norm, add, silu_mul, rope, attend, exp_all, to_bf16};
const ken_kernels *ken_kernels_reference(void) { return &reference; }
