/* make.c - see make.h. The weights are drawn in place; the files are those of a fine-tuning whose base is this configuration. */
#include "model/make.h"
#include "base/rng.h"
#include "model/family.h"
#include "model/write.h"
#include "model/write_parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_LAYERS = 512, MOST_WIDTH = 1 << 16, MOST_CONTEXT = 1 << 22 };

int ken_make_check(ken_config *c, ken_err *err)
{
    const ken_family *f = ken_family_of(c->arch);
    const struct {
        const char *what;
        int value, most;
    } sizes[] = {{"layers", c->n_layer, MOST_LAYERS},  {"width", c->n_embd, MOST_WIDTH},
                 {"heads", c->n_head, MOST_WIDTH},     {"kv_heads", c->n_kv, MOST_WIDTH},
                 {"head_size", c->d_head, MOST_WIDTH}, {"inner", c->n_ff, 8 * MOST_WIDTH},
                 {"context", c->n_ctx, MOST_CONTEXT}};
    if (f == NULL) return ken_fail(err, KEN_EUSAGE, "`family` %.16s is not known; known: llama, qwen2, qwen3", c->arch);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < 1 || sizes[i].value > sizes[i].most)
            return ken_fail(err, KEN_EUSAGE, "`%s` %d is not from 1 to %d", sizes[i].what, sizes[i].value,
                            sizes[i].most);
    if (c->n_head % c->n_kv != 0)
        return ken_fail(err, KEN_EUSAGE, "`heads` %d is no multiple of `kv_heads` %d", c->n_head, c->n_kv);
    if (c->d_head % 2 != 0)
        return ken_fail(err, KEN_EUSAGE, "`head_size` %d is odd; its values are rotated in pairs", c->d_head);
    c->d_rope = c->d_head;
    c->qkv_bias = f->qkv_bias == KEN_NEED_YES;
    c->o_bias = f->o_bias == KEN_NEED_YES;
    c->mlp_bias = f->mlp_bias == KEN_NEED_YES;
    c->qk_norm = f->qk_norm == KEN_NEED_YES;
    c->qk_interleaved = false;
    return KEN_OK;
}

/* Four values of [-1, 1) from the generator's block `i` of this tensor; only exact operations, so that any machine has the same bits. */
static void draw(uint64_t seed, uint32_t tensor, uint64_t i, float out[4])
{
    const uint32_t counter[4] = {(uint32_t)i, (uint32_t)(i >> 32), tensor, 0x6d616b65U};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t bits[4];
    ken_philox4x32(counter, key, bits);
    for (int k = 0; k < 4; k++) out[k] = (float)(bits[k] >> 8) * 0x1p-23F - 1.0F;
}

static void fill(ken_params *p, uint64_t seed)
{
    const double sd = 0.02, back = sd / sqrt(2.0 * p->config->n_layer);
    for (int t = 0; t < p->n_list; t++) {
        const ken_param *x = &p->list[t];
        float *w = p->data + x->at, block[4];
        const size_t n = (size_t)x->rows * (size_t)(x->cols == 0 ? 1 : x->cols);
        const bool to_residual = strstr(x->hf, "o_proj") != NULL || strstr(x->hf, "down_proj") != NULL;
        const float half = (float)(sqrt(3.0) * (to_residual ? back : sd)); /* of a uniform range with that deviation */
        const float same = strstr(x->hf, "norm") != NULL ? 1.0F : 0.0F;
        for (size_t i = 0; i < n; i++) {
            if (x->cols > 0 && i % 4 == 0) draw(seed, (uint32_t)t, i / 4, block);
            w[i] = x->cols > 0 ? half * block[i % 4] : same;
        }
    }
}

int ken_make_model_folder(const ken_config *c, const ken_tok_spec *v, uint64_t seed, const char *dir, ken_err *err)
{
    /* What is written is written for a model whose files hold nothing more than this. */
    struct ken_model made = {.config = *c, .path = (char *)dir, .weights = {0}};
    ken_params *p = NULL;
    made.config.n_vocab = v->n_vocab;
    int rc = ken_params_new(&p, &made, err);
    if (rc != KEN_OK) return rc;
    fill(p, seed);
    rc = ken_write_new_folder(&made, v, p, dir, err);
    ken_params_free(p);
    return rc;
}
