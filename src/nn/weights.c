/* weights.c - from mapped tensors to packed f32 matrices; see weights.h. */
#include "nn/weights.h"
#include "base/alloc.h"
#include "model/params.h"
#include <string.h>

/* ---- vectors --------------------------------------------------------------------------------------------------------- */

/* Unpacks t (n) into memory of its own; *out stays NULL when the family has no such tensor. */
static int new_vector(ken_net_weights *w, const ken_tensor *t, float **out, int n, int d, int d_rope, ken_err *err)
{
    if (t == NULL) return KEN_OK;
    *out = ken_alloc_aligned((size_t)n * sizeof **out);
    if (*out == NULL) return ken_fail_nomem(err, "weights");
    return ken_unpack_vector(t, *out, w->scratch, n, d, d_rope, err);
}

/* ---- one layer ------------------------------------------------------------------------------------------------------- */

static int rope_rows(const ken_config *c) { return c->qk_interleaved ? c->d_head : 0; }
static int n_qkv(const ken_config *c) { return (c->n_head + 2 * c->n_kv) * c->d_head; }

/* The parts of each joined matrix: the model's tensor, its adapter, how many rows it has. */
typedef struct matrix_part {
    const ken_tensor *t;
    ken_module module;
    int64_t rows;
    int d; /* d_head when the rows are to be permuted, else 0 */
} matrix_part;

static int parts_of(const ken_net_weights *w, int l, ken_which_matrix which, matrix_part part[3], int64_t *cols,
                    const float **in_params)
{
    const ken_config *c = ken_model_config(w->model);
    const ken_layer *t = &ken_model_weights(w->model)->layers[l];
    const ken_params_layer *p = w->params == NULL ? NULL : &w->params->layers[l];
    const int64_t q = (int64_t)c->n_head * c->d_head, kv = (int64_t)c->n_kv * c->d_head, C = c->n_embd, ff = c->n_ff;
    *cols = C;
    *in_params = NULL;
    switch (which) {
    case KEN_MATRIX_QKV:
        part[0] = (matrix_part){t->wq, KEN_MOD_Q, q, rope_rows(c)};
        part[1] = (matrix_part){t->wk, KEN_MOD_K, kv, rope_rows(c)};
        part[2] = (matrix_part){t->wv, KEN_MOD_V, kv, 0};
        if (p != NULL) *in_params = p->qkv;
        return 3;
    case KEN_MATRIX_O:
        part[0] = (matrix_part){t->wo, KEN_MOD_O, C, 0};
        *cols = q;
        if (p != NULL) *in_params = p->o;
        return 1;
    case KEN_MATRIX_GATE_UP:
        part[0] = (matrix_part){t->w_gate, KEN_MOD_GATE, ff, 0};
        part[1] = (matrix_part){t->w_up, KEN_MOD_UP, ff, 0};
        if (p != NULL) *in_params = p->gate_up;
        return 2;
    default:
        part[0] = (matrix_part){t->w_down, KEN_MOD_DOWN, C, 0};
        *cols = ff;
        if (p != NULL) *in_params = p->down;
        return 1;
    }
}

int ken_weights_values(ken_net_weights *w, int l, ken_which_matrix which, const float **out, ken_err *err)
{
    const int d_rope = ken_model_config(w->model)->d_rope;
    const ken_lora *adapter[KEN_MODEL_ADAPTERS + 1]; /* (n_adapters) the model's own, then the one in training */
    int n_adapters = 0;
    while (w->params == NULL && (adapter[n_adapters] = ken_model_adapter(w->model, n_adapters)) != NULL) n_adapters++;
    if (w->lora != NULL) adapter[n_adapters++] = w->lora;
    matrix_part part[3];
    int64_t cols;
    const float *have;
    const int n = parts_of(w, l, which, part, &cols, &have);
    if (have != NULL && n_adapters == 0) {
        *out = have;
        return KEN_OK;
    }
    float *to = w->scratch;
    int rc = KEN_OK;
    for (int i = 0; i < n && rc == KEN_OK; i++) {
        if (have == NULL) rc = ken_unpack_matrix(part[i].t, to, part[i].rows, cols, part[i].d, d_rope, w->threads, err);
        else memcpy(to, have + (to - w->scratch), (size_t)(part[i].rows * cols) * sizeof *to);
        for (int k = 0; k < n_adapters && rc == KEN_OK; k++)
            ken_lora_add(adapter[k], l, part[i].module, to, w->threads);
        to += part[i].rows * cols;
    }
    *out = w->scratch;
    return rc;
}

int ken_weights_head_values(ken_net_weights *w, const float **out, ken_err *err)
{
    const ken_config *c = ken_model_config(w->model);
    *out = w->params != NULL ? w->params->head : w->scratch;
    return w->params != NULL ? KEN_OK
                             : ken_unpack_matrix(ken_model_weights(w->model)->output, w->scratch, c->n_vocab, c->n_embd,
                                                 0, 0, w->threads, err);
}

static int fill(ken_net_weights *w, int l, ken_which_matrix which, ken_matrix *to, ken_err *err)
{
    const float *values;
    int rc = ken_weights_values(w, l, which, &values, err);
    return rc == KEN_OK ? ken_matrix_pack(to, values, err) : rc;
}

static int fill_qkv(ken_net_weights *w, int l, ken_err *err)
{
    return fill(w, l, KEN_MATRIX_QKV, w->layers[l].qkv, err);
}

static int fill_attend_layer(ken_net_weights *w, int l, ken_err *err)
{
    int rc = fill(w, l, KEN_MATRIX_O, w->layers[l].o, err);
    if (rc == KEN_OK) rc = fill(w, l, KEN_MATRIX_GATE_UP, w->layers[l].gate_up, err);
    return rc == KEN_OK ? fill(w, l, KEN_MATRIX_DOWN, w->layers[l].down, err) : rc;
}

/* Biases of joined matrices, one after the other: zeros where a part has none, NULL when no part has one. */
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
    int rc = KEN_OK;
    for (int i = 0; i < n_parts && rc == KEN_OK; to += part[i++].n)
        if (part[i].t != NULL)
            rc = ken_unpack_vector(part[i].t, to, w->scratch, part[i].n, part[i].d, ken_model_config(w->model)->d_rope,
                                   err);
    return rc;
}

static int fill_vectors(ken_net_weights *w, int l, ken_err *err)
{
    const ken_config *c = ken_model_config(w->model);
    const ken_layer *t = &ken_model_weights(w->model)->layers[l];
    ken_net_layer *y = &w->layers[l];
    if (w->params != NULL) {
        const ken_params_layer *p = &w->params->layers[l];
        y->attn_norm = p->attn_norm;
        y->ffn_norm = p->ffn_norm;
        y->q_norm = p->q_norm;
        y->k_norm = p->k_norm;
        y->b_qkv = p->b_qkv;
        y->b_o = p->b_o;
        y->b_gate_up = p->b_gate_up;
        y->b_down = p->b_down;
        return KEN_OK;
    }
    const int d = c->d_head, q = c->n_head * d, kv = c->n_kv * d;
    int rc = new_vector(w, t->attn_norm, &y->attn_norm, c->n_embd, 0, 0, err);
    if (rc == KEN_OK) rc = new_vector(w, t->ffn_norm, &y->ffn_norm, c->n_embd, 0, 0, err);
    if (rc == KEN_OK) rc = new_vector(w, t->q_norm, &y->q_norm, d, rope_rows(c), c->d_rope, err);
    if (rc == KEN_OK) rc = new_vector(w, t->k_norm, &y->k_norm, d, rope_rows(c), c->d_rope, err);
    if (rc == KEN_OK) rc = new_vector(w, t->bo, &y->b_o, c->n_embd, 0, 0, err);
    if (rc == KEN_OK) rc = new_vector(w, t->b_down, &y->b_down, c->n_embd, 0, 0, err);
    const joined qkv[] = {{t->bq, q, rope_rows(c)}, {t->bk, kv, rope_rows(c)}, {t->bv, kv, 0}};
    const joined gate_up[] = {{t->b_gate, c->n_ff, 0}, {t->b_up, c->n_ff, 0}};
    if (rc == KEN_OK) rc = new_joined(w, &y->b_qkv, qkv, 3, err);
    if (rc == KEN_OK) rc = new_joined(w, &y->b_gate_up, gate_up, 2, err);
    return rc;
}

static int fill_head(ken_net_weights *w, ken_err *err)
{
    const float *values;
    int rc = ken_weights_head_values(w, &values, err);
    return rc == KEN_OK ? ken_matrix_pack(w->head, values, err) : rc;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------- */

static int new_matrices(ken_net_layer *y, ken_gemm *g, const ken_config *c, ken_err *err)
{
    int rc = ken_matrix_new(&y->qkv, g, n_qkv(c), c->n_embd, err);
    if (rc == KEN_OK) rc = ken_matrix_new(&y->o, g, c->n_embd, c->n_head * c->d_head, err);
    if (rc == KEN_OK) rc = ken_matrix_new(&y->gate_up, g, 2 * c->n_ff, c->n_embd, err);
    if (rc == KEN_OK) rc = ken_matrix_new(&y->down, g, c->n_embd, c->n_ff, err);
    return rc;
}

/* Every tensor that the forward pass reads must be there: the network does not rely on a family table. */
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

int ken_weights_init(ken_net_weights *w, const ken_weights_source *from, ken_gemm *g, int threads, size_t memory,
                     ken_err *err)
{
    const ken_model *m = from->model;
    const ken_config *c = ken_model_config(m);
    const size_t C = (size_t)c->n_embd, ff = (size_t)c->n_ff, V = (size_t)c->n_vocab,
                 attn = (size_t)c->n_head * (size_t)c->d_head;
    const size_t layer = (size_t)n_qkv(c) * C + C * attn + 3 * C * ff;
    memset(w, 0, sizeof *w);
    w->model = m;
    w->params = from->params;
    w->lora = from->lora;
    w->threads = threads;
    w->held_qkv = w->held_attend = -1;
    w->resident = (layer * (size_t)c->n_layer + V * C) * sizeof(float) <= memory;
    int rc = check_present(m, err);
    if (rc != KEN_OK) return rc;

    w->scratch = ken_alloc_aligned(
        max_size(max_size(w->params != NULL ? 0 : V * C, 2 * ff * C), max_size((size_t)n_qkv(c) * C, attn * C)) *
        sizeof(float));
    w->layers = ken_calloc((size_t)c->n_layer, sizeof *w->layers);
    if (w->params != NULL) w->output_norm = w->params->output_norm;
    else w->output_norm = ken_alloc_aligned(C * sizeof(float));
    if (w->scratch == NULL || w->layers == NULL || w->output_norm == NULL) return ken_fail_nomem(err, "weights");
    if (w->params ==
        NULL) { /* the embedding is read row by row later; its check comes with the head's when they are one tensor */
        const ken_tensor *embd = ken_model_weights(m)->tok_embd;
        rc = ken_unpack_vector(ken_model_weights(m)->output_norm, w->output_norm, w->scratch, c->n_embd, 0, 0, err);
        if (rc == KEN_OK && embd != ken_model_weights(m)->output)
            rc = ken_unpack_matrix(embd, w->scratch, c->n_vocab, c->n_embd, 0, 0, threads, err);
    }
    if (rc == KEN_OK) rc = ken_matrix_new(&w->head, g, c->n_vocab, c->n_embd, err);
    if (rc == KEN_OK) rc = fill_head(w, err);
    for (int l = 0; l < c->n_layer && rc == KEN_OK; l++) {
        ken_net_layer *y = &w->layers[l];
        if (w->resident || l == 0) rc = new_matrices(y, g, c, err);
        else {
            y->qkv = w->layers[0].qkv;
            y->o = w->layers[0].o;
            y->gate_up = w->layers[0].gate_up;
            y->down = w->layers[0].down;
        }
        if (rc == KEN_OK) rc = fill_vectors(w, l, err);
        if (rc == KEN_OK) rc = fill_qkv(w, l, err);
        if (rc == KEN_OK) rc = fill_attend_layer(w, l, err);
    }
    if (rc == KEN_OK) w->held_qkv = w->held_attend = c->n_layer - 1;
    if (w->resident) {
        ken_free(w->scratch);
        w->scratch = NULL;
    }
    return rc;
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
        if (w->params != NULL) continue;
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
    if (w->params == NULL) ken_free(w->output_norm);
    ken_free(w->scratch);
    memset(w, 0, sizeof *w);
}

int ken_weights_stage(ken_net_weights *w, int attend_layer, int project_layer, ken_err *err)
{
    if (w->resident) return KEN_OK;
    int rc = KEN_OK;
    if (attend_layer >= 0 && attend_layer != w->held_attend) {
        w->held_attend = -1;
        rc = fill_attend_layer(w, attend_layer, err);
        if (rc == KEN_OK) w->held_attend = attend_layer;
    }
    if (rc == KEN_OK && project_layer >= 0 && project_layer != w->held_qkv) {
        w->held_qkv = -1;
        rc = fill_qkv(w, project_layer, err);
        if (rc == KEN_OK) w->held_qkv = project_layer;
    }
    return rc;
}

int ken_weights_changed(ken_net_weights *w, ken_err *err)
{
    if (w->resident) return ken_fail(err, KEN_ESTATE, "weights that are kept packed cannot change");
    w->held_qkv = w->held_attend = -1;
    return fill_head(w, err);
}

void ken_weights_embed(const ken_net_weights *w, int32_t token, float *out)
{
    const size_t C = (size_t)ken_model_config(w->model)->n_embd;
    if (w->params != NULL) {
        memcpy(out, w->params->tok_embd + (size_t)token * C, C * sizeof *out);
        return;
    }
    ken_unpack_row(ken_model_weights(w->model)->tok_embd, token, out);
}
