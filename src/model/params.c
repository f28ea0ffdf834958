/* params.c - the weights of a network in one block of f32; see params.h. The layout is a table: which tensors make up which matrix. */
#include "model/lora.h"
#include "model/params.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "model/family.h"
#include <string.h>

/* ---- values of one tensor -------------------------------------------------------------------------------------------- */

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

void ken_unpack_row(const ken_tensor *t, int64_t row, float *out)
{
    const ken_dtype_info *type = ken_dtype_get((int)t->type);
    const size_t row_bytes = (size_t)(t->ne[0] / type->block) * (size_t)type->block_bytes;
    ken_dequantize(t->type, (const unsigned char *)t->data + (size_t)row * row_bytes, out, t->ne[0]);
}

/* GGUF's llama order keeps the rotated pair i of a head in rows 2i and 2i+1; in halves order it is i and i + d_rope/2. */
int64_t ken_halves_row(int64_t r, int d_head, int d_rope)
{
    if (d_head == 0 || r % d_head >= d_rope) return r;
    const int64_t in = r % d_head;
    return r - in + in / 2 + in % 2 * (d_rope / 2);
}

int ken_unpack_matrix(const ken_tensor *t, float *dst, int64_t rows, int64_t cols, int d_head, int d_rope, int threads,
                      ken_err *err)
{
    int rc = check_shape(t, rows, cols, err);
    if (rc != KEN_OK) return rc;
    int64_t bad = rows;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(min : bad)
    for (int64_t r = 0; r < rows; r++) {
        float *out = dst + ken_halves_row(r, d_head, d_rope) * cols;
        ken_unpack_row(t, r, out);
        if (r < bad && !all_finite(out, cols)) bad = r;
    }
    if (bad < rows)
        return ken_fail(err, KEN_EINPUT,
                        "tensor %s: row %lld holds a NaN or infinite weight; the file is damaged, get it again",
                        t->name, (long long)bad);
    return KEN_OK;
}

int ken_unpack_vector(const ken_tensor *t, float *out, float *raw, int n, int d_head, int d_rope, ken_err *err)
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
    for (int i = 0; i < n; i++) out[ken_halves_row(i, d_head, d_rope)] = raw[i];
    return KEN_OK;
}

/* ---- layout ---------------------------------------------------------------------------------------------------------- */

typedef struct group {
    size_t to; /* the pointer in ken_params_layer, or in ken_params outside the layers */
    ken_part part;
    size_t from[3]; /* fields of ken_layer or ken_weights that lie side by side */
    int n;
} group;

#define TO(name)   offsetof(ken_params_layer, name)
#define FROM(name) offsetof(ken_layer, name)
static const group layer_groups[] = {
    {TO(attn_norm), KEN_PART_ATTENTION, {FROM(attn_norm)}, 1},
    {TO(q_norm), KEN_PART_ATTENTION, {FROM(q_norm)}, 1},
    {TO(k_norm), KEN_PART_ATTENTION, {FROM(k_norm)}, 1},
    {TO(qkv), KEN_PART_ATTENTION, {FROM(wq), FROM(wk), FROM(wv)}, 3},
    {TO(b_qkv), KEN_PART_ATTENTION, {FROM(bq), FROM(bk), FROM(bv)}, 3},
    {TO(o), KEN_PART_ATTENTION, {FROM(wo)}, 1},
    {TO(b_o), KEN_PART_ATTENTION, {FROM(bo)}, 1},
    {TO(ffn_norm), KEN_PART_MLP, {FROM(ffn_norm)}, 1},
    {TO(gate_up), KEN_PART_MLP, {FROM(w_gate), FROM(w_up)}, 2},
    {TO(b_gate_up), KEN_PART_MLP, {FROM(b_gate), FROM(b_up)}, 2},
    {TO(down), KEN_PART_MLP, {FROM(w_down)}, 1},
    {TO(b_down), KEN_PART_MLP, {FROM(b_down)}, 1},
};
static const group whole_groups[] = {
    {offsetof(ken_params, tok_embd), KEN_PART_EMBEDDING, {offsetof(ken_weights, tok_embd)}, 1},
    {offsetof(ken_params, head), KEN_PART_HEAD, {offsetof(ken_weights, output)}, 1},
    {offsetof(ken_params, output_norm), KEN_PART_NORM, {offsetof(ken_weights, output_norm)}, 1},
};
enum { N_LAYER = sizeof layer_groups / sizeof *layer_groups, N_WHOLE = sizeof whole_groups / sizeof *whole_groups };

static const ken_role *role_of(const ken_role *roles, int n, size_t at)
{
    for (int i = 0; i < n; i++)
        if (roles[i].at == at) return &roles[i];
    return NULL;
}

/* Adds a group's tensors after those in the list; with data NULL only counts. `to` is the structure that the pointer is in. */
static void lay_out(ken_params *p, const group *g, int layer, void *to)
{
    const ken_config *c = p->config;
    int n_roles;
    const ken_role *roles = ken_roles(layer >= 0, &n_roles);
    const size_t start = (p->n + 15) / 16 * 16;
    for (int i = 0; i < g->n; i++) {
        const ken_role *r = role_of(roles, n_roles, g->from[i]);
        if (!ken_config_has(c, r->feature)) return;
        if (i == 0) p->n = start;
        const int64_t rows = ken_dim_size(c, r->rows), cols = r->cols == KEN_DIM_ONE ? 0 : ken_dim_size(c, r->cols);
        const bool rotated =
            g->to == TO(qkv) || g->to == TO(b_qkv) ? i < 2 : g->to == TO(q_norm) || g->to == TO(k_norm);
        if (p->list != NULL)
            p->list[p->n_list] = (ken_param){.gguf = r->gguf,
                                             .hf = r->hf,
                                             .layer = layer,
                                             .part = g->part,
                                             .at = p->n,
                                             .matrix = start,
                                             .rows = rows,
                                             .cols = cols,
                                             .d_head = layer >= 0 && rotated ? c->d_head : 0,
                                             .d_rope = layer >= 0 && rotated ? c->d_rope : 0};
        p->n_list++;
        p->n += (size_t)rows * (size_t)(cols == 0 ? 1 : cols);
    }
    if (p->data != NULL) *(float **)(void *)((char *)to + g->to) = p->data + start;
}

static void lay_out_all(ken_params *p)
{
    p->n = 0;
    p->n_list = 0;
    for (int g = 0; g < N_WHOLE; g++) lay_out(p, &whole_groups[g], -1, p);
    for (int l = 0; l < p->config->n_layer; l++)
        for (int g = 0; g < N_LAYER; g++) lay_out(p, &layer_groups[g], l, p->layers == NULL ? NULL : &p->layers[l]);
    p->n = (p->n + 15) / 16 * 16;
    if (p->head == NULL) p->head = p->tok_embd; /* tied */
}

int ken_params_new(ken_params **out, const ken_model *m, ken_err *err)
{
    *out = NULL;
    ken_params *p = ken_calloc(1, sizeof *p);
    if (p == NULL) return ken_fail_nomem(err, "weights");
    p->config = ken_model_config(m);
    lay_out_all(p);
    p->layers = ken_calloc((size_t)p->config->n_layer, sizeof *p->layers);
    p->list = ken_calloc((size_t)p->n_list, sizeof *p->list);
    p->data = ken_alloc_aligned(p->n * sizeof *p->data);
    if (p->layers == NULL || p->list == NULL || p->data == NULL) {
        ken_params_free(p);
        return ken_fail_nomem(err, "weights");
    }
    lay_out_all(p);
    for (int i = 0; i < p->n_list; i++) { /* gaps alone: what is not used stays untouched memory */
        const ken_param *x = &p->list[i];
        const size_t end = x->at + (size_t)x->rows * (size_t)(x->cols == 0 ? 1 : x->cols);
        const size_t next = i + 1 < p->n_list ? p->list[i + 1].at : p->n;
        memset(p->data + end, 0, (next - end) * sizeof *p->data);
    }
    *out = p;
    return KEN_OK;
}

void ken_params_free(ken_params *p)
{
    if (p == NULL) return;
    ken_free(p->layers);
    ken_free(p->list);
    ken_free(p->data);
    ken_free(p);
}

/* ---- loading --------------------------------------------------------------------------------------------------------- */

static int load_tensor(const ken_params *p, const ken_param *x, const ken_tensor *t, bool interleaved, int threads,
                       ken_err *err)
{
    float *to = p->data + x->at;
    const int d = interleaved ? x->d_head : 0;
    if (t == NULL) return ken_fail(err, KEN_EINPUT, "model: tensor %s is missing", x->gguf);
    if (x->cols > 0) return ken_unpack_matrix(t, to, x->rows, x->cols, d, x->d_rope, threads, err);
    float *raw = ken_alloc((size_t)x->rows, sizeof *raw);
    if (raw == NULL) return ken_fail_nomem(err, "weights");
    int rc = ken_unpack_vector(t, to, raw, (int)x->rows, d, x->d_rope, err);
    ken_free(raw);
    return rc;
}

/* The model's tensor that is p->list[i]. */
static const ken_tensor *tensor_of(const ken_model *m, const ken_param *x)
{
    const ken_weights *w = ken_model_weights(m);
    int n;
    const ken_role *roles = ken_roles(x->layer >= 0, &n);
    const char *in = x->layer < 0 ? (const char *)w : (const char *)&w->layers[x->layer];
    for (int i = 0; i < n; i++)
        if (roles[i].gguf == x->gguf) return *(const ken_tensor *const *)(const void *)(in + roles[i].at);
    return NULL;
}

/* Adapters that are on the model become part of its weights, as where they are unpacked (nn/weights.c). */
static void merge_adapters(ken_params *p, const ken_model *m, int threads)
{
    const ken_config *c = p->config;
    const size_t q = (size_t)c->n_head * (size_t)c->d_head, kv = (size_t)c->n_kv * (size_t)c->d_head,
                 width = (size_t)c->n_embd, ff = (size_t)c->n_ff;
    const ken_lora *a;
    for (int i = 0; (a = ken_model_adapter(m, i)) != NULL; i++)
        for (int l = 0; l < c->n_layer; l++) {
            const ken_params_layer *x = &p->layers[l];
            ken_lora_add(a, l, KEN_MOD_Q, x->qkv, threads);
            ken_lora_add(a, l, KEN_MOD_K, x->qkv + q * width, threads);
            ken_lora_add(a, l, KEN_MOD_V, x->qkv + (q + kv) * width, threads);
            ken_lora_add(a, l, KEN_MOD_O, x->o, threads);
            ken_lora_add(a, l, KEN_MOD_GATE, x->gate_up, threads);
            ken_lora_add(a, l, KEN_MOD_UP, x->gate_up + ff * width, threads);
            ken_lora_add(a, l, KEN_MOD_DOWN, x->down, threads);
        }
}

int ken_params_load(ken_params **out, const ken_model *m, int threads, ken_err *err)
{
    int rc = ken_params_new(out, m, err);
    for (int i = 0; rc == KEN_OK && i < (*out)->n_list; i++)
        rc = load_tensor(*out, &(*out)->list[i], tensor_of(m, &(*out)->list[i]), (*out)->config->qk_interleaved,
                         ken_threads(threads), err);
    if (rc == KEN_OK) merge_adapters(*out, m, ken_threads(threads));
    if (rc != KEN_OK) {
        ken_params_free(*out);
        *out = NULL;
    }
    return rc;
}
