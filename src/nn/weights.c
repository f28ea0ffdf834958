/* weights.c - from mapped tensors to packed f32 matrices; see weights.h. */
#include "nn/weights.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include <string.h>

/* ---- values ---------------------------------------------------------------------------------------------------------- */

static bool all_finite(const float *x, int64_t n)
{
    uint32_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bad |= (bits & 0x7f800000U) == 0x7f800000U;
    }
    return bad == 0;
}

static int check_shape(const ken_tensor *t, int64_t rows, int64_t cols, ken_err *err)
{
    const ken_dtype_info *type = ken_dtype_get((int)t->type);
    if (t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != 1 || t->ne[3] != 1)
        return ken_fail(err, KEN_EINPUT,
                        "tensor %s: shape is (%lld, %lld); the model's configuration needs (%lld, %lld)", t->name,
                        (long long)t->ne[1], (long long)t->ne[0], (long long)rows, (long long)cols);
    if (type == NULL || cols % type->block != 0)
        return ken_fail(err, KEN_EINPUT, "tensor %s: a row of %lld values is not a whole number of %s blocks", t->name,
                        (long long)cols, type == NULL ? "unknown" : type->name);
    return KEN_OK;
}

static const unsigned char *row_data(const ken_tensor *t, int64_t row)
{
    const ken_dtype_info *type = ken_dtype_get((int)t->type);
    return (const unsigned char *)t->data + (size_t)row * (size_t)(t->ne[0] / type->block) * (size_t)type->block_bytes;
}

/* Where row r of Wq or Wk goes. GGUF's llama order keeps the rotated pair i of a head in rows 2i and 2i+1; in halves order it
 * is i and i + d_rope/2. d = 0: rows stay. */
static int64_t place(int64_t r, int d, int d_rope)
{
    if (d == 0 || r % d >= d_rope) return r;
    const int64_t in = r % d;
    return r - in + in / 2 + in % 2 * (d_rope / 2);
}

/* dst (rows, cols) = the tensor's values, its rows permuted as above. */
static int unpack(const ken_tensor *t, float *dst, int64_t rows, int64_t cols, int d, int d_rope, int threads,
                  ken_err *err)
{
    int status = check_shape(t, rows, cols, err);
    if (status != KEN_OK) return status;
    int64_t bad = rows;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(min : bad)
    for (int64_t r = 0; r < rows; r++) {
        float *out = dst + place(r, d, d_rope) * cols;
        ken_dequantize(t->type, row_data(t, r), out, cols);
        if (r < bad && !all_finite(out, cols)) bad = r;
    }
    if (bad < rows)
        return ken_fail(err, KEN_EINPUT,
                        "tensor %s: row %lld holds a NaN or infinite weight; the file is damaged, get it again",
                        t->name, (long long)bad);
    return KEN_OK;
}

/* A vector of n values into out (n), its entries permuted like rows. raw (n) is working memory. */
static int unpack_vector(const ken_tensor *t, float *out, float *raw, int n, int d, int d_rope, ken_err *err)
{
    const ken_dtype_info *type = ken_dtype_get((int)t->type);
    if (t->ne[0] != n || t->ne[1] != 1 || t->ne[2] != 1 || t->ne[3] != 1)
        return ken_fail(err, KEN_EINPUT, "tensor %s: has %lld values; the model's configuration needs %d", t->name,
                        (long long)t->ne[0], n);
    if (type == NULL || n % type->block != 0)
        return ken_fail(err, KEN_EINPUT, "tensor %s: %d values are not a whole number of blocks of its type", t->name,
                        n);
    ken_dequantize(t->type, t->data, raw, n);
    if (!all_finite(raw, n))
        return ken_fail(err, KEN_EINPUT, "tensor %s: holds a NaN or infinite weight; the file is damaged, get it again",
                        t->name);
    for (int i = 0; i < n; i++) out[place(i, d, d_rope)] = raw[i];
    return KEN_OK;
}

/* The same in memory of its own; NULL stays NULL when the family has no such tensor. */
static int new_vector(ken_net_weights *w, const ken_tensor *t, float **out, int n, int d, int d_rope, ken_err *err)
{
    if (t == NULL) return KEN_OK;
    *out = ken_alloc_aligned((size_t)n * sizeof **out);
    if (*out == NULL) return ken_fail_nomem(err, "weights");
    return unpack_vector(t, *out, w->scratch, n, d, d_rope, err);
}

/* ---- one layer ------------------------------------------------------------------------------------------------------- */

static int rope_rows(const ken_config *c) { return c->qk_interleaved ? c->d_head : 0; }
static int n_qkv(const ken_config *c) { return (c->n_head + 2 * c->n_kv) * c->d_head; }

static int fill_qkv(ken_net_weights *w, int l, ken_err *err)
{
    const ken_config *c = ken_model_config(w->model);
    const ken_layer *t = &ken_model_weights(w->model)->layers[l];
    const int64_t q = (int64_t)c->n_head * c->d_head, kv = (int64_t)c->n_kv * c->d_head, C = c->n_embd;
    int status = unpack(t->wq, w->scratch, q, C, rope_rows(c), c->d_rope, w->threads, err);
    if (status == KEN_OK) status = unpack(t->wk, w->scratch + q * C, kv, C, rope_rows(c), c->d_rope, w->threads, err);
    if (status == KEN_OK) status = unpack(t->wv, w->scratch + (q + kv) * C, kv, C, 0, 0, w->threads, err);
    return status == KEN_OK ? ken_matrix_pack(w->layers[l].qkv, w->scratch, err) : status;
}

static int fill_rest(ken_net_weights *w, int l, ken_err *err)
{
    const ken_config *c = ken_model_config(w->model);
    const ken_layer *t = &ken_model_weights(w->model)->layers[l];
    const int64_t C = c->n_embd, ff = c->n_ff;
    int status = unpack(t->wo, w->scratch, C, (int64_t)c->n_head * c->d_head, 0, 0, w->threads, err);
    if (status == KEN_OK) status = ken_matrix_pack(w->layers[l].o, w->scratch, err);
    if (status == KEN_OK) status = unpack(t->w_gate, w->scratch, ff, C, 0, 0, w->threads, err);
    if (status == KEN_OK) status = unpack(t->w_up, w->scratch + ff * C, ff, C, 0, 0, w->threads, err);
    if (status == KEN_OK) status = ken_matrix_pack(w->layers[l].gate_up, w->scratch, err);
    if (status == KEN_OK) status = unpack(t->w_down, w->scratch, C, ff, 0, 0, w->threads, err);
    return status == KEN_OK ? ken_matrix_pack(w->layers[l].down, w->scratch, err) : status;
}

/* Biases of joined matrices, one behind the other: zeros where a part has none, NULL when no part has one. */
typedef struct joined {
    const ken_tensor *t;
    int n, d; /* values; d_head when they are permuted like rows of Wq, else 0 */
} joined;

static int new_joined(ken_net_weights *w, float **out, const joined *part, int n_parts, ken_err *err)
{
    int n = 0, any = 0;
    for (int i = 0; i < n_parts; i++) n += part[i].n, any |= part[i].t != NULL;
    if (!any) return KEN_OK;
    *out = ken_alloc_aligned((size_t)n * sizeof **out);
    if (*out == NULL) return ken_fail_nomem(err, "weights");
    memset(*out, 0, (size_t)n * sizeof **out);
    float *to = *out;
    int status = KEN_OK;
    for (int i = 0; i < n_parts && status == KEN_OK; to += part[i++].n)
        if (part[i].t != NULL)
            status =
                unpack_vector(part[i].t, to, w->scratch, part[i].n, part[i].d, ken_model_config(w->model)->d_rope, err);
    return status;
}

static int fill_vectors(ken_net_weights *w, int l, ken_err *err)
{
    const ken_config *c = ken_model_config(w->model);
    const ken_layer *t = &ken_model_weights(w->model)->layers[l];
    ken_net_layer *y = &w->layers[l];
    const int d = c->d_head, q = c->n_head * d, kv = c->n_kv * d;
    int status = new_vector(w, t->attn_norm, &y->attn_norm, c->n_embd, 0, 0, err);
    if (status == KEN_OK) status = new_vector(w, t->ffn_norm, &y->ffn_norm, c->n_embd, 0, 0, err);
    if (status == KEN_OK) status = new_vector(w, t->q_norm, &y->q_norm, d, rope_rows(c), c->d_rope, err);
    if (status == KEN_OK) status = new_vector(w, t->k_norm, &y->k_norm, d, rope_rows(c), c->d_rope, err);
    if (status == KEN_OK) status = new_vector(w, t->bo, &y->b_o, c->n_embd, 0, 0, err);
    if (status == KEN_OK) status = new_vector(w, t->b_down, &y->b_down, c->n_embd, 0, 0, err);
    const joined qkv[] = {{t->bq, q, rope_rows(c)}, {t->bk, kv, rope_rows(c)}, {t->bv, kv, 0}};
    const joined gate_up[] = {{t->b_gate, c->n_ff, 0}, {t->b_up, c->n_ff, 0}};
    if (status == KEN_OK) status = new_joined(w, &y->b_qkv, qkv, 3, err);
    if (status == KEN_OK) status = new_joined(w, &y->b_gate_up, gate_up, 2, err);
    return status;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------- */

static int new_matrices(ken_net_layer *y, ken_gemm *g, const ken_config *c, ken_err *err)
{
    int status = ken_matrix_new(&y->qkv, g, n_qkv(c), c->n_embd, err);
    if (status == KEN_OK) status = ken_matrix_new(&y->o, g, c->n_embd, c->n_head * c->d_head, err);
    if (status == KEN_OK) status = ken_matrix_new(&y->gate_up, g, 2 * c->n_ff, c->n_embd, err);
    if (status == KEN_OK) status = ken_matrix_new(&y->down, g, c->n_embd, c->n_ff, err);
    return status;
}

/* Every tensor that the forward pass reads must be there: the network trusts no family table. */
static int check_present(const ken_model *m, ken_err *err)
{
    const ken_config *c = ken_model_config(m);
    const ken_weights *t = ken_model_weights(m);
    if (t->tok_embd == NULL || t->output_norm == NULL || t->output == NULL)
        return ken_fail(err, KEN_EINPUT, "model: the token embedding, the output norm or the head is missing");
    for (int l = 0; l < c->n_layer; l++) {
        const ken_layer *y = &t->layers[l];
        if (y->attn_norm == NULL || y->wq == NULL || y->wk == NULL || y->wv == NULL || y->wo == NULL ||
            y->ffn_norm == NULL || y->w_gate == NULL || y->w_up == NULL || y->w_down == NULL ||
            (c->qk_norm && (y->q_norm == NULL || y->k_norm == NULL)))
            return ken_fail(err, KEN_EINPUT, "model: layer %d lacks a weight of its attention or MLP", l);
    }
    return KEN_OK;
}

static size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

int ken_weights_init(ken_net_weights *w, const ken_model *m, ken_gemm *g, int threads, size_t memory, ken_err *err)
{
    const ken_config *c = ken_model_config(m);
    const size_t C = (size_t)c->n_embd, ff = (size_t)c->n_ff, V = (size_t)c->n_vocab,
                 attn = (size_t)c->n_head * (size_t)c->d_head;
    const size_t layer = (size_t)n_qkv(c) * C + C * attn + 3 * C * ff;
    memset(w, 0, sizeof *w);
    w->model = m;
    w->threads = threads;
    w->held_qkv = w->held_rest = -1;
    w->resident = (layer * (size_t)c->n_layer + V * C) * sizeof(float) <= memory;
    int status = check_present(m, err);
    if (status != KEN_OK) return status;

    /* The embedding is read row by row later; its check comes with the head's when they are one tensor. */
    const ken_tensor *embd = ken_model_weights(m)->tok_embd, *head = ken_model_weights(m)->output;
    w->scratch = ken_alloc_aligned(max_size(max_size(V * C, 2 * ff * C), max_size((size_t)n_qkv(c) * C, attn * C)) *
                                   sizeof(float));
    w->layers = ken_calloc((size_t)c->n_layer, sizeof *w->layers);
    w->output_norm = ken_alloc_aligned(C * sizeof(float));
    if (w->scratch == NULL || w->layers == NULL || w->output_norm == NULL) return ken_fail_nomem(err, "weights");
    status = unpack_vector(ken_model_weights(m)->output_norm, w->output_norm, w->scratch, c->n_embd, 0, 0, err);
    if (status == KEN_OK && embd != head) status = unpack(embd, w->scratch, c->n_vocab, c->n_embd, 0, 0, threads, err);
    if (status == KEN_OK) status = ken_matrix_new(&w->head, g, c->n_vocab, c->n_embd, err);
    if (status == KEN_OK) status = unpack(head, w->scratch, c->n_vocab, c->n_embd, 0, 0, threads, err);
    if (status == KEN_OK) status = ken_matrix_pack(w->head, w->scratch, err);
    for (int l = 0; l < c->n_layer && status == KEN_OK; l++) {
        ken_net_layer *y = &w->layers[l];
        if (w->resident || l == 0) status = new_matrices(y, g, c, err);
        else {
            y->qkv = w->layers[0].qkv;
            y->o = w->layers[0].o;
            y->gate_up = w->layers[0].gate_up;
            y->down = w->layers[0].down;
        }
        if (status == KEN_OK) status = fill_vectors(w, l, err);
        if (status == KEN_OK) status = fill_qkv(w, l, err);
        if (status == KEN_OK) status = fill_rest(w, l, err);
    }
    if (status == KEN_OK) w->held_qkv = w->held_rest = c->n_layer - 1;
    if (w->resident) {
        ken_free(w->scratch);
        w->scratch = NULL;
    }
    return status;
}

void ken_weights_free(ken_net_weights *w)
{
    const int n = w->layers == NULL ? 0 : ken_model_config(w->model)->n_layer;
    for (int l = 0; l < n; l++) {
        ken_net_layer *y = &w->layers[l];
        if (w->resident || l == 0) {
            ken_matrix_free(y->qkv);
            ken_matrix_free(y->o);
            ken_matrix_free(y->gate_up);
            ken_matrix_free(y->down);
        }
        ken_free(y->attn_norm);
        ken_free(y->ffn_norm);
        ken_free(y->q_norm);
        ken_free(y->k_norm);
        ken_free(y->b_qkv);
        ken_free(y->b_o);
        ken_free(y->b_gate_up);
        ken_free(y->b_down);
    }
    ken_matrix_free(w->head);
    ken_free(w->layers);
    ken_free(w->output_norm);
    ken_free(w->scratch);
    memset(w, 0, sizeof *w);
}

int ken_weights_stage(ken_net_weights *w, int rest, int qkv, ken_err *err)
{
    if (w->resident) return KEN_OK;
    int status = KEN_OK;
    if (rest >= 0 && rest != w->held_rest) {
        w->held_rest = -1;
        status = fill_rest(w, rest, err);
        if (status == KEN_OK) w->held_rest = rest;
    }
    if (status == KEN_OK && qkv >= 0 && qkv != w->held_qkv) {
        w->held_qkv = -1;
        status = fill_qkv(w, qkv, err);
        if (status == KEN_OK) w->held_qkv = qkv;
    }
    return status;
}

void ken_weights_embed(const ken_net_weights *w, int32_t token, float *out)
{
    const ken_tensor *t = ken_model_weights(w->model)->tok_embd;
    ken_dequantize(t->type, row_data(t, token), out, t->ne[0]);
}
