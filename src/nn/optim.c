/* optim.c - AdamW and SGD over segments; see optim.h. Work is cut into chunks of a fixed size, so that sums do not depend on the
 * number of threads. The update is memory-bound: one pass over values, gradients and moments. */
#include "nn/optim.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include <math.h>
#include <string.h>

enum { CHUNK = 1 << 16, MOMENTS = 2 };

typedef struct chunk {
    int segment;
    size_t from, n; /* in the segment */
    size_t at;      /* in the moments */
} chunk;

struct ken_optim {
    ken_optim_options o;
    const ken_segment *segment;
    int n_segments, n_moments;
    chunk *chunks; /* (n_chunks) */
    size_t n_chunks, size;
    double *sum;            /* (n_chunks) squares of a chunk's gradients */
    float *moment[MOMENTS]; /* (size) each: m and v; SGD: the momentum buffer */
    int64_t steps;
};

static int make_chunks(ken_optim *o)
{
    size_t n = 0;
    for (int s = 0; s < o->n_segments; s++) {
        n += (o->segment[s].n + CHUNK - 1) / CHUNK;
        o->size += o->segment[s].n;
    }
    o->chunks = ken_alloc(n, sizeof *o->chunks);
    o->sum = ken_alloc(n, sizeof *o->sum);
    if (o->chunks == NULL || o->sum == NULL) return -1;
    size_t at = 0;
    for (int s = 0; s < o->n_segments; s++)
        for (size_t from = 0; from < o->segment[s].n; from += CHUNK) {
            const size_t left = o->segment[s].n - from, take = left < CHUNK ? left : CHUNK;
            o->chunks[o->n_chunks++] = (chunk){s, from, take, at};
            at += take;
        }
    return 0;
}

int ken_optim_new(ken_optim **out, const ken_segment *s, int n, const ken_optim_options *options, ken_err *err)
{
    *out = NULL;
    const bool adam = options->kind == KEN_ADAMW;
    if (adam && !(options->beta1 >= 0 && options->beta1 < 1 && options->beta2 >= 0 && options->beta2 < 1))
        return ken_fail(err, KEN_EUSAGE, "AdamW: beta1 %g and beta2 %g; each must be at least 0 and below 1",
                        options->beta1, options->beta2);
    if (adam && !(options->eps >= 0)) return ken_fail(err, KEN_EUSAGE, "AdamW: eps is %g; at least 0", options->eps);
    if (!adam && !(options->momentum >= 0 && options->momentum < 1))
        return ken_fail(err, KEN_EUSAGE, "SGD: momentum %g; at least 0 and below 1", options->momentum);
    if (!(options->weight_decay >= 0))
        return ken_fail(err, KEN_EUSAGE, "weight decay is %g; at least 0", options->weight_decay);
    ken_optim *o = ken_calloc(1, sizeof *o);
    if (o == NULL) return ken_fail_nomem(err, "optimizer");
    o->o = *options;
    o->o.threads = ken_threads(options->threads);
    o->segment = s;
    o->n_segments = n;
    o->n_moments = adam ? 2 : options->momentum > 0 ? 1 : 0;
    int bad = make_chunks(o);
    for (int i = 0; i < o->n_moments && bad == 0; i++) {
        o->moment[i] = ken_alloc_aligned((o->size > 0 ? o->size : 1) * sizeof(float));
        if (o->moment[i] == NULL) bad = -1;
        else memset(o->moment[i], 0, o->size * sizeof(float));
    }
    if (bad != 0) {
        ken_optim_free(o);
        return ken_fail_nomem(err, "optimizer");
    }
    *out = o;
    return KEN_OK;
}

void ken_optim_free(ken_optim *o)
{
    if (o == NULL) return;
    ken_free(o->chunks);
    ken_free(o->sum);
    for (int i = 0; i < MOMENTS; i++) ken_free(o->moment[i]);
    ken_free(o);
}

/* Eight chains, so that additions need not wait for one another; the same order on every machine. */
static double squares(const float *g, size_t n)
{
    double s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++) s[k] += (double)g[i + k] * (double)g[i + k];
    for (; i < n; i++) s[i % 8] += (double)g[i] * (double)g[i];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static int norm_of(ken_optim *o, double *norm, ken_err *err)
{
#pragma omp parallel for num_threads(o->o.threads) schedule(static)
    for (size_t i = 0; i < o->n_chunks; i++)
        o->sum[i] = squares(o->segment[o->chunks[i].segment].g + o->chunks[i].from, o->chunks[i].n);
    double total = 0;
    for (size_t i = 0; i < o->n_chunks; i++) {
        if (!isfinite(o->sum[i]))
            return ken_fail(err, KEN_EINPUT,
                            "the gradient of %s is not finite; a lower learning rate may help (nothing was changed)",
                            o->segment[o->chunks[i].segment].name);
        total += o->sum[i];
    }
    *norm = sqrt(total);
    return KEN_OK;
}

typedef struct adam {
    float scale, beta1, beta2, decay, step, root, eps;
} adam;

/* As torch.optim.AdamW: m += (1 - b1)(g - m), v = b2 v + (1 - b2) g^2, w -= lr / c1 * m / (sqrt(v) / sqrt(c2) + eps). */
static void adam_update(float *restrict w, const float *restrict g, float *restrict m, float *restrict v, size_t n,
                        const adam *a)
{
    const float scale = a->scale, one_less = 1.0F - a->beta1, beta2 = a->beta2, other = 1.0F - a->beta2;
    const float shrink = a->decay, step = a->step, root = a->root, eps = a->eps;
    for (size_t i = 0; i < n; i++) {
        const float x = g[i] * scale;
        const float mi = m[i] + one_less * (x - m[i]);
        const float vi = beta2 * v[i] + other * x * x;
        m[i] = mi;
        v[i] = vi;
        w[i] = w[i] * shrink - step * mi / (sqrtf(vi) * root + eps);
    }
}

/* As torch.optim.SGD: the first step fills the buffer with the gradient itself. */
static void sgd_update(float *restrict w, const float *restrict g, float *restrict b, size_t n, float scale, float lr,
                       float momentum, float decay, bool first)
{
    for (size_t i = 0; i < n; i++) {
        float x = g[i] * scale + decay * w[i];
        if (b != NULL) x = b[i] = first ? x : momentum * b[i] + x;
        w[i] -= lr * x;
    }
}

int ken_optim_step(ken_optim *o, double lr, double clip, double *norm, ken_err *err)
{
    int rc = norm_of(o, norm, err);
    if (rc != KEN_OK) return rc;
    o->steps++;
    const double limit = clip / (*norm + 1e-6); /* as torch.nn.utils.clip_grad_norm_ */
    const float scale = clip > 0 && limit < 1 ? (float)limit : 1.0F;
    const double c1 = 1 - pow(o->o.beta1, (double)o->steps), c2 = 1 - pow(o->o.beta2, (double)o->steps);
    const adam a = {scale,          (float)o->o.beta1, (float)o->o.beta2, 1.0F, (float)(lr / c1), (float)(1 / sqrt(c2)),
                    (float)o->o.eps};
#pragma omp parallel for num_threads(o->o.threads) schedule(static)
    for (size_t i = 0; i < o->n_chunks; i++) {
        const chunk *c = &o->chunks[i];
        const ken_segment *s = &o->segment[c->segment];
        const double decay = s->decays ? o->o.weight_decay : 0;
        float *w = s->w + c->from;
        const float *g = s->g + c->from;
        if (o->o.kind == KEN_ADAMW) {
            adam mine = a;
            mine.decay = (float)(1 - lr * decay);
            adam_update(w, g, o->moment[0] + c->at, o->moment[1] + c->at, c->n, &mine);
        } else
            sgd_update(w, g, o->moment[0] == NULL ? NULL : o->moment[0] + c->at, c->n, scale, (float)lr,
                       (float)o->o.momentum, (float)decay, o->steps == 1);
    }
    return KEN_OK;
}

float *const *ken_optim_state(ken_optim *o, int *n, size_t *size)
{
    *n = o->n_moments;
    *size = o->size;
    return o->moment;
}

int64_t ken_optim_steps(const ken_optim *o) { return o->steps; }
void ken_optim_set_steps(ken_optim *o, int64_t steps) { o->steps = steps; }
