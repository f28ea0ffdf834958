/* reading.c - see reading.h. Every sum has one order, whatever else is read. */
#include "nn/reading.h"
#include "nn/topk.h"
#include <math.h>

static double log_sum(const float *z, int32_t V)
{
    float most = z[0];
    for (int32_t v = 1; v < V; v++)
        if (z[v] > most) most = z[v];
    double sum = exp((double)z[0] - (double)most);
    for (int32_t v = 1; v < V; v++) sum += exp((double)z[v] - (double)most);
    return log(sum) + (double)most;
}

/* sum of exp((z - most) / tau). The difference comes first: at a low temperature z / tau would round too much. */
static double sum_at(float tau, const float *z, int32_t V, float most, const ken_kernels *k)
{
    enum { BLOCK = 256 };
    const float scale = 1.0F / tau;
    float x[BLOCK];
    double sum = 0;
    for (int32_t at = 0; at < V; at += BLOCK) {
        const int n = V - at < BLOCK ? V - at : BLOCK;
        for (int j = 0; j < n; j++) x[j] = (z[at + j] - most) * scale;
        k->exp(x, x, n);
        for (int j = 0; j < n; j++) sum += (double)x[j];
    }
    return sum;
}

void ken_read_logits(ken_reading *r, const float *logits, int32_t V, const ken_kernels *k)
{
    r->n = ken_topk(logits, V, r->k, r->id, r->logit);
    for (int32_t i = 0; i < r->n_want; i++) r->want_logit[i] = logits[r->want[i]];
    if (r->log_sum != NULL) *r->log_sum = log_sum(logits, V);
    if (r->sum != NULL && r->n > 0) *r->sum = sum_at(r->tau, logits, V, r->logit[0], k);
}

static double score(const ken_attention *a, int32_t r, int head, int p)
{
    const int32_t slot = p == a->pos[r] ? a->slot[r] : a->path_slots[a->path[r] + p];
    const size_t group = (size_t)(head / (a->n_head / a->n_kv));
    const float *q = a->q + ((size_t)r * (size_t)a->n_head + (size_t)head) * (size_t)a->d;
    const float *k = a->k + (group * (size_t)a->n_slots + (size_t)slot) * (size_t)a->d_pad;
    double sum = 0;
    for (int i = 0; i < a->d; i++) sum += (double)q[i] * (double)k[i];
    return sum / sqrt(a->d);
}

void ken_read_attention(const ken_attention *a, int32_t r, float *out)
{
    const int pos = a->pos[r], lo = a->window > 0 && pos >= a->window ? pos - a->window + 1 : 0;
    for (int h = 0; h < a->n_head; h++, out += pos + 1) {
        double most = -INFINITY, sum = 0;
        for (int p = lo; p <= pos; p++) most = fmax(most, score(a, r, h, p));
        for (int p = lo; p <= pos; p++) sum += exp(score(a, r, h, p) - most);
        for (int p = 0; p <= pos; p++) out[p] = p < lo ? 0 : (float)(exp(score(a, r, h, p) - most) / sum);
    }
}
