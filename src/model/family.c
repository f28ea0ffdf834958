/* family.c - the table of families, and the tables of tensors under their names in GGUF and in safetensors; see family.h. */
#include "model/family.h"
#include "base/alloc.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the families ----------------------------------------------------------------------------------------------------- */

static const ken_family families[] = {
    /* Llama 1 to 3, Mistral (a window), TinyLlama, SmolLM 1 and 2. Biases by attention_bias and mlp_bias. */
    {.arch = "llama",
     .model_type = {"llama", "mistral"},
     .qkv_bias = KEN_NEED_IF_PRESENT,
     .o_bias = KEN_NEED_IF_PRESENT,
     .mlp_bias = KEN_NEED_IF_PRESENT,
     .gguf_interleaved = true},
    {.arch = "qwen2", .model_type = {"qwen2"}, .qkv_bias = KEN_NEED_YES},
    /* Norms over each query and key head before the rotation; a head size of its own. */
    {.arch = "qwen3",
     .model_type = {"qwen3"},
     .qkv_bias = KEN_NEED_IF_PRESENT,
     .o_bias = KEN_NEED_IF_PRESENT,
     .qk_norm = KEN_NEED_YES},
};
enum { N_FAMILIES = sizeof families / sizeof *families };

const ken_family *ken_family_of(const char *arch)
{
    for (int i = 0; i < N_FAMILIES; i++)
        if (strcmp(families[i].arch, arch) == 0) return &families[i];
    return NULL;
}

int ken_family_find(const ken_family **out, const ken_source *s, ken_err *err)
{
    ken_value v = s->gguf != NULL ? ken_gguf_value(ken_gguf_find(s->gguf, "general.architecture"))
                                  : ken_source_get(s, NULL, "model_type");
    const char *key = s->gguf != NULL ? "general.architecture" : "model_type";
    if (v.kind != KEN_V_STRING)
        return ken_fail(err, KEN_EINPUT, "%s: %s is missing; this does not describe a language model", s->file, key);
    ken_buf known = {0};
    for (int i = 0; i < N_FAMILIES; i++) {
        *out = &families[i];
        const char *const *names = s->gguf != NULL ? &(*out)->arch : (*out)->model_type;
        for (size_t k = 0; k < (s->gguf != NULL ? 1 : 2) && names[k] != NULL; k++) {
            if (ken_value_is(&v, names[k])) return ken_buf_free(&known), KEN_OK;
            ken_buf_printf(&known, "%s%s", known.len > 0 ? ", " : "", names[k]);
        }
    }
    *out = NULL;
    int rc = ken_fail(err, KEN_EINPUT, "%s: %s \"%.*s\" is not supported; known: %s", s->file, key,
                      (int)(v.string.n > 60 ? 60 : v.string.n), v.string.p, ken_buf_str(&known));
    ken_buf_free(&known);
    return rc;
}

/* ---- the tensors ------------------------------------------------------------------------------------------------------ */

#define LAYER(name) offsetof(ken_layer, name)
static const ken_role layer_roles[] = {
    {"attn_norm.weight", "input_layernorm.weight", LAYER(attn_norm), KEN_DIM_EMBD, KEN_DIM_ONE, KEN_ALWAYS},
    {"attn_q.weight", "self_attn.q_proj.weight", LAYER(wq), KEN_DIM_Q, KEN_DIM_EMBD, KEN_ALWAYS},
    {"attn_k.weight", "self_attn.k_proj.weight", LAYER(wk), KEN_DIM_KV, KEN_DIM_EMBD, KEN_ALWAYS},
    {"attn_v.weight", "self_attn.v_proj.weight", LAYER(wv), KEN_DIM_KV, KEN_DIM_EMBD, KEN_ALWAYS},
    {"attn_output.weight", "self_attn.o_proj.weight", LAYER(wo), KEN_DIM_EMBD, KEN_DIM_Q, KEN_ALWAYS},
    {"attn_q.bias", "self_attn.q_proj.bias", LAYER(bq), KEN_DIM_Q, KEN_DIM_ONE, KEN_IF_QKV_BIAS},
    {"attn_k.bias", "self_attn.k_proj.bias", LAYER(bk), KEN_DIM_KV, KEN_DIM_ONE, KEN_IF_QKV_BIAS},
    {"attn_v.bias", "self_attn.v_proj.bias", LAYER(bv), KEN_DIM_KV, KEN_DIM_ONE, KEN_IF_QKV_BIAS},
    {"attn_output.bias", "self_attn.o_proj.bias", LAYER(bo), KEN_DIM_EMBD, KEN_DIM_ONE, KEN_IF_O_BIAS},
    {"attn_q_norm.weight", "self_attn.q_norm.weight", LAYER(q_norm), KEN_DIM_HEAD, KEN_DIM_ONE, KEN_IF_QK_NORM},
    {"attn_k_norm.weight", "self_attn.k_norm.weight", LAYER(k_norm), KEN_DIM_HEAD, KEN_DIM_ONE, KEN_IF_QK_NORM},
    {"ffn_norm.weight", "post_attention_layernorm.weight", LAYER(ffn_norm), KEN_DIM_EMBD, KEN_DIM_ONE, KEN_ALWAYS},
    {"ffn_gate.weight", "mlp.gate_proj.weight", LAYER(w_gate), KEN_DIM_FF, KEN_DIM_EMBD, KEN_ALWAYS},
    {"ffn_up.weight", "mlp.up_proj.weight", LAYER(w_up), KEN_DIM_FF, KEN_DIM_EMBD, KEN_ALWAYS},
    {"ffn_down.weight", "mlp.down_proj.weight", LAYER(w_down), KEN_DIM_EMBD, KEN_DIM_FF, KEN_ALWAYS},
    {"ffn_gate.bias", "mlp.gate_proj.bias", LAYER(b_gate), KEN_DIM_FF, KEN_DIM_ONE, KEN_IF_MLP_BIAS},
    {"ffn_up.bias", "mlp.up_proj.bias", LAYER(b_up), KEN_DIM_FF, KEN_DIM_ONE, KEN_IF_MLP_BIAS},
    {"ffn_down.bias", "mlp.down_proj.bias", LAYER(b_down), KEN_DIM_EMBD, KEN_DIM_ONE, KEN_IF_MLP_BIAS},
};
#define WHOLE(name) offsetof(ken_weights, name)
static const ken_role whole_roles[] = {
    {"token_embd.weight", "model.embed_tokens.weight", WHOLE(tok_embd), KEN_DIM_VOCAB, KEN_DIM_EMBD, KEN_ALWAYS},
    {"output_norm.weight", "model.norm.weight", WHOLE(output_norm), KEN_DIM_EMBD, KEN_DIM_ONE, KEN_ALWAYS},
    {"output.weight", "lm_head.weight", WHOLE(output), KEN_DIM_VOCAB, KEN_DIM_EMBD, KEN_IF_UNTIED},
};

const ken_role *ken_roles(bool layer, int *n)
{
    *n = (int)(layer ? sizeof layer_roles / sizeof *layer_roles : sizeof whole_roles / sizeof *whole_roles);
    return layer ? layer_roles : whole_roles;
}

bool ken_config_has(const ken_config *c, ken_feature f)
{
    switch (f) {
    case KEN_IF_QKV_BIAS: return c->qkv_bias;
    case KEN_IF_O_BIAS: return c->o_bias;
    case KEN_IF_MLP_BIAS: return c->mlp_bias;
    case KEN_IF_QK_NORM: return c->qk_norm;
    case KEN_IF_UNTIED: return !c->tied;
    default: return true;
    }
}

static const char *const rope_tensor = "rope_freqs.weight"; /* GGUF only */

int64_t ken_dim_size(const ken_config *c, ken_dim d)
{
    switch (d) {
    case KEN_DIM_EMBD: return c->n_embd;
    case KEN_DIM_Q: return (int64_t)c->n_head * c->d_head;
    case KEN_DIM_KV: return (int64_t)c->n_kv * c->d_head;
    case KEN_DIM_HEAD: return c->d_head;
    case KEN_DIM_FF: return c->n_ff;
    case KEN_DIM_VOCAB: return c->n_vocab;
    default: return 1;
    }
}

typedef struct binding {
    const ken_source *s;
    const ken_tensors *tensors;
    const ken_config *c;
    bool *used; /* (tensors->n) */
    bool wanted[KEN_N_FEATURES];
    ken_err *err;
} binding;

static const char *role_name(const binding *b, const ken_role *r, int layer, char buf[160])
{
    if (layer < 0) snprintf(buf, 160, "%s", b->s->gguf != NULL ? r->gguf : r->hf);
    else if (b->s->gguf != NULL) snprintf(buf, 160, "blk.%d.%s", layer, r->gguf);
    else snprintf(buf, 160, "model.layers.%d.%s", layer, r->hf);
    return buf;
}

static int bind_role(binding *b, const ken_role *r, int layer, const ken_tensor **slot)
{
    char name[160], found[96], expected[96];
    *slot = NULL;
    if (!b->wanted[r->feature]) return KEN_OK;
    const ken_tensor *t = ken_tensors_find(b->tensors, role_name(b, r, layer, name));
    if (t == NULL)
        return ken_fail(b->err, KEN_EINPUT, "%s: tensor %s is missing; the model is incomplete, get it again",
                        b->s->file, name);
    int64_t ne[2] = {r->cols == KEN_DIM_ONE ? ken_dim_size(b->c, r->rows) : ken_dim_size(b->c, r->cols),
                     ken_dim_size(b->c, r->rows)};
    int n_dims = r->cols == KEN_DIM_ONE ? 1 : 2;
    if (t->n_dims != n_dims || t->ne[0] != ne[0] || (n_dims == 2 && t->ne[1] != ne[1]))
        return ken_fail(b->err, KEN_EINPUT, "%s: tensor %s has shape %s, but the configuration makes it %s", b->s->file,
                        name, ken_shape_text(found, t->n_dims, t->ne), ken_shape_text(expected, n_dims, ne));
    b->used[t - b->tensors->t] = true;
    *slot = t;
    return KEN_OK;
}

/* The first layer's tensor decides for a feature that the family leaves open. */
static bool present(const binding *b, ken_feature f)
{
    char name[160];
    for (size_t i = 0; i < sizeof layer_roles / sizeof *layer_roles; i++)
        if (layer_roles[i].feature == f && ken_tensors_find(b->tensors, role_name(b, &layer_roles[i], 0, name)) != NULL)
            return true;
    return false;
}

/* A bias that config.json announces or denies is not a matter of presence any more. */
static bool needs_tensor(const binding *b, ken_need need, ken_feature f, const char *json_key)
{
    ken_value v = ken_source_get(b->s, NULL, json_key);
    if (need == KEN_NEED_IF_PRESENT && v.kind == KEN_V_BOOL) return v.boolean;
    return need == KEN_NEED_YES || (need == KEN_NEED_IF_PRESENT && present(b, f));
}

/* Tied: config.json says so, or there is no head of its own (GGUF leaves it out; so may a config.json without the key). */
static bool is_tied(const binding *b)
{
    char name[160];
    ken_value v = ken_source_get(b->s, NULL, "tie_word_embeddings");
    if (v.kind == KEN_V_BOOL) return v.boolean;
    return ken_tensors_find(b->tensors, role_name(b, &whole_roles[2], -1, name)) == NULL;
}

static int bind_rope_freqs(binding *b, float **out)
{
    char shape[96];
    const ken_tensor *t = b->s->gguf == NULL ? NULL : ken_tensors_find(b->tensors, rope_tensor);
    if (t == NULL) return KEN_OK;
    int n = b->c->d_rope / 2;
    if (t->type != KEN_F32 || t->n_dims != 1 || t->ne[0] != n)
        return ken_fail(b->err, KEN_EINPUT, "%s: tensor %s is %s %s; expected F32 [%d]", b->s->file, t->name,
                        ken_dtype_get((int)t->type)->name, ken_shape_text(shape, t->n_dims, t->ne), n);
    float *f = ken_alloc((size_t)n, sizeof *f); /* a copy: the mapped values need not be aligned */
    if (f == NULL) return ken_fail_nomem(b->err, "rotary frequencies");
    memcpy(f, t->data, (size_t)n * sizeof *f);
    *out = f;
    b->used[t - b->tensors->t] = true;
    for (int i = 0; i < n; i++)
        if (!(isfinite(f[i]) && f[i] > 0))
            return ken_fail(b->err, KEN_EINPUT, "%s: tensor %s: value %d is %g; a positive number is expected",
                            b->s->file, t->name, i, (double)f[i]);
    return KEN_OK;
}

/* Tensors that are not read. Buffers that old exporters wrote are fine: they hold what the configuration says anyway. */
static int check_unused(const binding *b, ken_buf *notes)
{
    static const char *const harmless[] = {"rotary_emb.inv_freq", "attn_rot_embd", "masked_bias"};
    size_t n_unused = 0;
    const char *first = "";
    for (size_t i = 0; i < b->tensors->n; i++) {
        const char *name = b->tensors->t[i].name;
        bool fine = b->used[i];
        for (size_t k = 0; k < sizeof harmless / sizeof *harmless; k++)
            fine = fine || strstr(name, harmless[k]) != NULL;
        if (fine || (b->c->tied && strcmp(name, "lm_head.weight") == 0)) continue; /* a copy of the embedding */
        int layer = -1;
        bool in_layer = sscanf(name, b->s->gguf != NULL ? "blk.%d." : "model.layers.%d.", &layer) == 1;
        if ((in_layer && layer >= 0 && layer < b->c->n_layer) || strncmp(name, "rope_", 5) == 0)
            return ken_fail(b->err, KEN_EINPUT,
                            "%s: tensor %s is not part of a %s network as we know it; running without it would "
                            "give wrong numbers%s",
                            b->s->file, name, b->c->arch,
                            strstr(name, "exp") != NULL ? " (mixtures of experts are not supported)" : "");
        if (n_unused++ == 0) first = name;
    }
    if (n_unused > 0) ken_buf_printf(notes, "unused tensors: %zu, the first is %s\n", n_unused, first);
    return notes->failed ? ken_fail_nomem(b->err, "warnings") : KEN_OK;
}

int ken_family_bind(ken_weights *w, float **rope_freqs, ken_config *c, const ken_family *f, const ken_source *s,
                    const ken_tensors *tensors, ken_buf *notes, ken_err *err)
{
    *w = (ken_weights){0};
    *rope_freqs = NULL;
    binding b = {.s = s, .tensors = tensors, .c = c, .err = err};
    b.used = ken_calloc(tensors->n, sizeof *b.used);
    w->layers = ken_calloc((size_t)c->n_layer, sizeof *w->layers);
    int rc = b.used == NULL || w->layers == NULL ? ken_fail_nomem(err, "layers") : KEN_OK;
    if (rc != KEN_OK) goto done;

    b.wanted[KEN_ALWAYS] = true;
    c->qkv_bias = b.wanted[KEN_IF_QKV_BIAS] = needs_tensor(&b, f->qkv_bias, KEN_IF_QKV_BIAS, "attention_bias");
    c->o_bias = b.wanted[KEN_IF_O_BIAS] = needs_tensor(&b, f->o_bias, KEN_IF_O_BIAS, "attention_bias");
    c->mlp_bias = b.wanted[KEN_IF_MLP_BIAS] = needs_tensor(&b, f->mlp_bias, KEN_IF_MLP_BIAS, "mlp_bias");
    c->qk_norm = b.wanted[KEN_IF_QK_NORM] = needs_tensor(&b, f->qk_norm, KEN_IF_QK_NORM, NULL);
    c->tied = is_tied(&b);
    b.wanted[KEN_IF_UNTIED] = !c->tied;

    char name[160];
    const ken_tensor *embd = ken_tensors_find(tensors, role_name(&b, &whole_roles[0], -1, name));
    if (c->n_vocab == 0 && embd != NULL && embd->ne[1] <= 1 << 24)
        c->n_vocab = (int)embd->ne[1]; /* not every GGUF states it */

    for (size_t i = 0; i < sizeof whole_roles / sizeof *whole_roles && rc == KEN_OK; i++)
        rc = bind_role(&b, &whole_roles[i], -1, (const ken_tensor **)(void *)((char *)w + whole_roles[i].at));
    if (c->tied) w->output = w->tok_embd;
    for (int l = 0; l < c->n_layer && rc == KEN_OK; l++)
        for (size_t i = 0; i < sizeof layer_roles / sizeof *layer_roles && rc == KEN_OK; i++)
            rc = bind_role(&b, &layer_roles[i], l,
                           (const ken_tensor **)(void *)((char *)&w->layers[l] + layer_roles[i].at));
    if (rc == KEN_OK) rc = bind_rope_freqs(&b, rope_freqs);
    if (rc == KEN_OK) rc = check_unused(&b, notes);
    c->rope_freqs = *rope_freqs;
done:
    ken_free(b.used);
    if (rc != KEN_OK) {
        ken_free(w->layers);
        ken_free(*rope_freqs);
        *w = (ken_weights){0};
        *rope_freqs = NULL;
        c->rope_freqs = NULL;
    }
    return rc;
}
