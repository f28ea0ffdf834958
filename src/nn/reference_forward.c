/* reference_forward.c - see reference.h. Written from the papers, apart from the fast path: weights are read in the file's
 * own order (llama's rotated pairs stay interleaved), every sum is a plain loop in double. The rotary frequencies alone come
 * from rope.c, which the family fixtures check against transformers. */
#include "nn/reference.h"
#include "base/alloc.h"
#include "nn/rope.h"
#include <math.h>
#include <string.h>

/* out (rows) = W x, W (rows, cols) as stored. */
static void multiply(const ken_tensor *w, const double *x, double *out, float *row)
{
    const ken_dtype_info *type = ken_dtype_get((int)w->type);
    const int64_t cols = w->ne[0];
    const size_t row_bytes = (size_t)(cols / type->block) * (size_t)type->block_bytes;
    for (int64_t r = 0; r < w->ne[1]; r++) {
        ken_dequantize(w->type, (const char *)w->data + (size_t)r * row_bytes, row, cols);
        double sum = 0;
        for (int64_t i = 0; i < cols; i++) sum += row[i] * x[i];
        out[r] = sum;
    }
}

static void add_vector(const ken_tensor *b, double *x, float *row)
{
    if (b == NULL) return;
    ken_dequantize(b->type, b->data, row, b->ne[0]);
    for (int64_t i = 0; i < b->ne[0]; i++) x[i] += row[i];
}

/* out (n) = w x / sqrt(mean(x^2) + eps); out may be x */
static void norm(const ken_tensor *w, const double *x, double *out, int n, double eps, float *row)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    ken_dequantize(w->type, w->data, row, n);
    for (int i = 0; i < n; i++) out[i] = x[i] / sqrt(sum / n + eps) * row[i];
}

/* Rotates each pair of a head by the angle pos * frequency. */
static void rotate(const ken_config *c, const ken_rope *rope, double *head, int pos)
{
    for (int i = 0; i < rope->half; i++) {
        const int a = c->qk_interleaved ? 2 * i : i, b = c->qk_interleaved ? 2 * i + 1 : i + rope->half;
        const double x = head[a], y = head[b], angle = (double)pos * rope->inv_freq[i];
        head[a] = (x * cos(angle) - y * sin(angle)) * rope->magnitude;
        head[b] = (y * cos(angle) + x * sin(angle)) * rope->magnitude;
    }
}

typedef struct work {
    double *x, *h, *q, *k, *v, *a, *g, *u; /* x, k, v (n, .); the others one row */
    double *score;                         /* (n) */
    float *row;
} work;

/* x (n, C) += Wo attn + bo, position by position, where attn of a head at t = sum over the s <= t it sees of p_s v_s, p = softmax(q_t.k_s / sqrt(d)).
 * weight (n_head, n, n) = p, or NULL. */
static void attend(const ken_config *c, const ken_layer *y, const ken_rope *rope, const work *w, int n, double *weight)
{
    const int d = c->d_head, nq = c->n_head * d, nkv = c->n_kv * d, C = c->n_embd;
    for (int t = 0; t < n; t++) {
        double *k = w->k + (size_t)t * (size_t)nkv, *v = w->v + (size_t)t * (size_t)nkv,
               *x = w->x + (size_t)t * (size_t)C;
        norm(y->attn_norm, x, w->h, C, (double)c->norm_eps, w->row);
        multiply(y->wq, w->h, w->q, w->row);
        multiply(y->wk, w->h, k, w->row);
        multiply(y->wv, w->h, v, w->row);
        add_vector(y->bq, w->q, w->row);
        add_vector(y->bk, k, w->row);
        add_vector(y->bv, v, w->row);
        for (int h = 0; h < c->n_head; h++) {
            if (y->q_norm != NULL) norm(y->q_norm, w->q + h * d, w->q + h * d, d, (double)c->norm_eps, w->row);
            rotate(c, rope, w->q + h * d, t);
        }
        for (int h = 0; h < c->n_kv; h++) {
            if (y->k_norm != NULL) norm(y->k_norm, k + h * d, k + h * d, d, (double)c->norm_eps, w->row);
            rotate(c, rope, k + h * d, t);
        }
        const int lo = c->window > 0 && t >= c->window ? t - c->window + 1 : 0;
        memset(w->a, 0, (size_t)nq * sizeof *w->a);
        for (int h = 0; h < c->n_head; h++) {
            const int kv = h / (c->n_head / c->n_kv) * d;
            double max = -INFINITY, sum = 0;
            for (int s = lo; s <= t; s++) {
                w->score[s] = 0;
                for (int i = 0; i < d; i++)
                    w->score[s] += w->q[h * d + i] * w->k[(size_t)s * (size_t)nkv + (size_t)(kv + i)];
                w->score[s] /= sqrt(d);
                if (w->score[s] > max) max = w->score[s];
            }
            for (int s = lo; s <= t; s++) sum += w->score[s] = exp(w->score[s] - max);
            for (int s = 0; s < n && weight != NULL; s++)
                weight[((size_t)h * (size_t)n + (size_t)t) * (size_t)n + (size_t)s] =
                    s < lo || s > t ? 0 : w->score[s] / sum;
            for (int s = lo; s <= t; s++)
                for (int i = 0; i < d; i++)
                    w->a[h * d + i] += w->score[s] / sum * w->v[(size_t)s * (size_t)nkv + (size_t)(kv + i)];
        }
        multiply(y->wo, w->a, w->h, w->row);
        add_vector(y->bo, w->h, w->row);
        for (int i = 0; i < C; i++) x[i] += w->h[i];
    }
}

/* x (C) += Wdown (silu(gate) up) + b_down; gate, up (n_ff) = Wgate, Wup times the norm of x, with their biases */
static void mlp(const ken_config *c, const ken_layer *y, const work *w, double *x)
{
    norm(y->ffn_norm, x, w->h, c->n_embd, (double)c->norm_eps, w->row);
    multiply(y->w_gate, w->h, w->g, w->row);
    multiply(y->w_up, w->h, w->u, w->row);
    add_vector(y->b_gate, w->g, w->row);
    add_vector(y->b_up, w->u, w->row);
    for (int i = 0; i < c->n_ff; i++) w->g[i] = w->g[i] / (1.0 + exp(-w->g[i])) * w->u[i];
    multiply(y->w_down, w->g, w->h, w->row);
    add_vector(y->b_down, w->h, w->row);
    for (int i = 0; i < c->n_embd; i++) x[i] += w->h[i];
}

int ken_reference_forward(const ken_model *m, const int32_t *token, int n, double *logits, double *attention,
                          ken_err *err)
{
    const ken_config *c = ken_model_config(m);
    const ken_weights *t = ken_model_weights(m);
    const size_t N = (size_t)n, C = (size_t)c->n_embd, q = (size_t)c->n_head * (size_t)c->d_head, ff = (size_t)c->n_ff;
    const size_t kv = (size_t)c->n_kv * (size_t)c->d_head, widest = (C > q ? C : q) > ff ? (C > q ? C : q) : ff;
    ken_rope rope;
    int rc = ken_rope_init(&rope, c, err);
    work w = {.x = ken_alloc(N * C, 8),
              .h = ken_alloc(C, 8),
              .q = ken_alloc(q, 8),
              .k = ken_alloc(N * kv, 8),
              .v = ken_alloc(N * kv, 8),
              .a = ken_alloc(q, 8),
              .g = ken_alloc(ff, 8),
              .u = ken_alloc(ff, 8),
              .score = ken_alloc(N, 8),
              .row = ken_alloc(widest, 4)};
    if (rc != KEN_OK) goto done;
    if (w.x == NULL || w.h == NULL || w.q == NULL || w.k == NULL || w.v == NULL || w.a == NULL || w.g == NULL ||
        w.u == NULL || w.score == NULL || w.row == NULL) {
        rc = ken_fail_nomem(err, "reference forward");
        goto done;
    }
    const ken_dtype_info *type = ken_dtype_get((int)t->tok_embd->type);
    const size_t row_bytes = C / (size_t)type->block * (size_t)type->block_bytes;
    for (int i = 0; i < n; i++) {
        ken_dequantize(t->tok_embd->type, (const char *)t->tok_embd->data + (size_t)token[i] * row_bytes, w.row,
                       c->n_embd);
        for (size_t j = 0; j < C; j++) w.x[(size_t)i * C + j] = w.row[j];
    }
    for (int l = 0; l < c->n_layer; l++) {
        attend(c, &t->layers[l], &rope, &w, n,
               attention == NULL ? NULL : attention + (size_t)l * (size_t)c->n_head * N * N);
        for (int i = 0; i < n; i++) mlp(c, &t->layers[l], &w, w.x + (size_t)i * C);
    }
    for (int i = 0; i < n; i++) {
        norm(t->output_norm, w.x + (size_t)i * C, w.h, c->n_embd, (double)c->norm_eps, w.row);
        multiply(t->output, w.h, logits + (size_t)i * (size_t)c->n_vocab, w.row);
    }
done:;
    void *of[] = {w.x, w.h, w.q, w.k, w.v, w.a, w.g, w.u, w.score, w.row};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) ken_free(of[i]);
    ken_rope_free(&rope);
    return rc;
}
