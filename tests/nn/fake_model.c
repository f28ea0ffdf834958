#include "fake_model.h"
#include "model/lora.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = 256 };

struct ken_model {
    ken_config c;
    ken_weights w;
    ken_tensor t[MAX_TENSORS];
    char names[MAX_TENSORS][32];
    int n;
    uint64_t state;
    const ken_tokenizer *tokenizer;
};

const ken_config *ken_model_config(const ken_model *m) { return &m->c; }
const ken_weights *ken_model_weights(const ken_model *m) { return &m->w; }
const ken_lora *ken_model_adapter(const ken_model *m, int i)
{
    (void)m;
    (void)i;
    return NULL;
}
const ken_tokenizer *ken_model_tokenizer(const ken_model *m) { return m->tokenizer; }
void fake_model_tokenizer(ken_model *m, const ken_tokenizer *t) { m->tokenizer = t; }

static float uniform(uint64_t *s) /* [-1, 1) */
{
    *s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
    return (float)(int32_t)(*s >> 33) / 1073741824.0F - 1.0F;
}

static const ken_tensor *tensor(ken_model *m, const char *prefix, const char *name, int rows, int cols, float mean,
                                float scale)
{
    ken_tensor *t = &m->t[m->n];
    snprintf(m->names[m->n], sizeof m->names[0], "%s%s", prefix, name);
    float *data = malloc((size_t)rows * (size_t)cols * sizeof *data);
    for (int i = 0; i < rows * cols; i++) data[i] = mean + scale * uniform(&m->state);
    *t = (ken_tensor){m->names[m->n],     KEN_F32, rows > 1 ? 2 : 1,
                      {cols, rows, 1, 1}, data,    (uint64_t)rows * (uint64_t)cols * 4};
    m->n++;
    return t;
}

ken_model *fake_model_new(const ken_config *c, uint64_t seed)
{
    ken_model *m = calloc(1, sizeof *m);
    m->c = *c;
    m->state = seed;
    const int C = c->n_embd, q = c->n_head * c->d_head, kv = c->n_kv * c->d_head, ff = c->n_ff;
    const float a = 1.5F / __builtin_sqrtf((float)C);
    m->w.tok_embd = tensor(m, "", "token_embd", c->n_vocab, C, 0, 1);
    m->w.output_norm = tensor(m, "", "output_norm", 1, C, 1, 0.3F);
    m->w.output = c->tied ? m->w.tok_embd : tensor(m, "", "output", c->n_vocab, C, 0, a);
    m->w.layers = calloc((size_t)c->n_layer, sizeof *m->w.layers);
    for (int l = 0; l < c->n_layer; l++) {
        ken_layer *y = &m->w.layers[l];
        char p[16];
        snprintf(p, sizeof p, "blk.%d.", l);
        y->attn_norm = tensor(m, p, "attn_norm", 1, C, 1, 0.3F);
        y->wq = tensor(m, p, "attn_q", q, C, 0, 2 * a);
        y->wk = tensor(m, p, "attn_k", kv, C, 0, 2 * a);
        y->wv = tensor(m, p, "attn_v", kv, C, 0, a);
        y->wo = tensor(m, p, "attn_output", C, q, 0, a);
        if (c->qkv_bias) {
            y->bq = tensor(m, p, "attn_q.bias", 1, q, 0, 0.2F);
            y->bk = tensor(m, p, "attn_k.bias", 1, kv, 0, 0.2F);
            y->bv = tensor(m, p, "attn_v.bias", 1, kv, 0, 0.2F);
        }
        if (c->o_bias) y->bo = tensor(m, p, "attn_output.bias", 1, C, 0, 0.2F);
        if (c->mlp_bias) {
            y->b_gate = tensor(m, p, "ffn_gate.bias", 1, ff, 0, 0.2F);
            y->b_up = tensor(m, p, "ffn_up.bias", 1, ff, 0, 0.2F);
            y->b_down = tensor(m, p, "ffn_down.bias", 1, C, 0, 0.2F);
        }
        if (c->qk_norm) {
            y->q_norm = tensor(m, p, "attn_q_norm", 1, c->d_head, 1, 0.3F);
            y->k_norm = tensor(m, p, "attn_k_norm", 1, c->d_head, 1, 0.3F);
        }
        y->ffn_norm = tensor(m, p, "ffn_norm", 1, C, 1, 0.3F);
        y->w_gate = tensor(m, p, "ffn_gate", ff, C, 0, 2 * a);
        y->w_up = tensor(m, p, "ffn_up", ff, C, 0, a);
        y->w_down = tensor(m, p, "ffn_down", C, ff, 0, a);
    }
    return m;
}

void fake_model_free(ken_model *m)
{
    for (int i = 0; i < m->n; i++) free((void *)(uintptr_t)m->t[i].data);
    free(m->w.layers);
    free(m);
}

ken_tensor *fake_model_tensor(ken_model *m, const char *name)
{
    for (int i = 0; i < m->n; i++)
        if (strcmp(m->names[i], name) == 0) return &m->t[i];
    return NULL;
}

float *fake_model_data(ken_model *m, const char *name) { return (float *)(uintptr_t)fake_model_tensor(m, name)->data; }
