/* lora.c - the shape, the start and the effect of a low-rank adapter; see lora.h. Reading is in lora_read.c, writing in
 * write_folder.c and write_gguf.c. */
#include "model/lora.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "model/family.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the seven projections -------------------------------------------------------------------------------------------- */

static const struct {
    const char *hf, *gguf;
    ken_dim in, out;
} modules[KEN_N_MODULES] = {
    [KEN_MOD_Q] = {"self_attn.q_proj", "attn_q", KEN_DIM_EMBD, KEN_DIM_Q},
    [KEN_MOD_K] = {"self_attn.k_proj", "attn_k", KEN_DIM_EMBD, KEN_DIM_KV},
    [KEN_MOD_V] = {"self_attn.v_proj", "attn_v", KEN_DIM_EMBD, KEN_DIM_KV},
    [KEN_MOD_O] = {"self_attn.o_proj", "attn_output", KEN_DIM_Q, KEN_DIM_EMBD},
    [KEN_MOD_GATE] = {"mlp.gate_proj", "ffn_gate", KEN_DIM_EMBD, KEN_DIM_FF},
    [KEN_MOD_UP] = {"mlp.up_proj", "ffn_up", KEN_DIM_EMBD, KEN_DIM_FF},
    [KEN_MOD_DOWN] = {"mlp.down_proj", "ffn_down", KEN_DIM_FF, KEN_DIM_EMBD},
};

const char *ken_module_hf(ken_module m) { return modules[m].hf; }
const char *ken_module_name(ken_module m) { return strchr(modules[m].hf, '.') + 1; }
const char *ken_module_gguf(ken_module m) { return modules[m].gguf; }

/* ---- making and freeing ----------------------------------------------------------------------------------------------- */

/* Shapes of the wanted pairs, and how many values they have together. */
static int shape_pairs(ken_lora *l, const ken_config *c, ken_err *err)
{
    for (int i = 0; i < l->n_layer * KEN_N_MODULES; i++) {
        const int m = i % KEN_N_MODULES;
        ken_lora_pair *p = &l->pair[i];
        if ((l->targets >> m & 1) == 0) continue;
        p->in = (int)ken_dim_size(c, modules[m].in);
        p->out = (int)ken_dim_size(c, modules[m].out);
        if (l->rank > p->in || l->rank > p->out)
            return ken_fail(
                err, KEN_EUSAGE,
                "LoRA: rank %d is more than %s has (%d by %d); choose a smaller rank, or leave %s out of the "
                "targets",
                l->rank, ken_module_name((ken_module)m), p->out, p->in, ken_module_name((ken_module)m));
        l->n += (size_t)l->rank * ((size_t)p->in + (size_t)p->out);
    }
    return KEN_OK;
}

int ken_lora_new(ken_lora **out, const ken_config *c, int rank, float alpha, unsigned targets, ken_err *err)
{
    *out = NULL;
    if (rank < 1) return ken_fail(err, KEN_EUSAGE, "LoRA: rank %d; a rank is at least 1", rank);
    if (targets == 0 || targets >= 1U << KEN_N_MODULES || !isfinite(alpha))
        return ken_fail(err, KEN_EUSAGE, "LoRA: no target modules, or alpha is not a number");
    ken_lora *l = ken_calloc(1, sizeof *l);
    if (l == NULL) return ken_fail_nomem(err, "adapter");
    l->n_layer = c->n_layer;
    l->rank = rank;
    l->alpha = alpha;
    l->scale = alpha / (float)rank;
    l->targets = targets;
    l->pair = ken_calloc((size_t)c->n_layer * KEN_N_MODULES, sizeof *l->pair);
    int rc = l->pair == NULL ? ken_fail_nomem(err, "adapter") : shape_pairs(l, c, err);
    if (rc == KEN_OK && (l->data = ken_calloc(l->n, sizeof *l->data)) == NULL) rc = ken_fail_nomem(err, "adapter");
    if (rc != KEN_OK) {
        ken_lora_free(l);
        return rc;
    }
    float *at = l->data;
    for (int i = 0; i < l->n_layer * KEN_N_MODULES; i++) {
        ken_lora_pair *p = &l->pair[i];
        if (p->in == 0) continue;
        p->a = at;
        p->b = at + (size_t)rank * (size_t)p->in;
        at = p->b + (size_t)rank * (size_t)p->out;
    }
    *out = l;
    return KEN_OK;
}

void ken_lora_free(ken_lora *l)
{
    if (l == NULL) return;
    ken_free(l->data);
    ken_free(l->pair);
    ken_free(l);
}

/* Each pair draws from a stream of its own, named after it, so that other targets do not change its start. */
void ken_lora_init(ken_lora *l, uint64_t seed)
{
    char name[64];
    for (int i = 0; i < l->n_layer * KEN_N_MODULES; i++) {
        const ken_lora_pair *p = &l->pair[i];
        if (p->a == NULL) continue;
        const size_t n = (size_t)snprintf(name, sizeof name, "lora/%d/%s", i / KEN_N_MODULES,
                                          ken_module_name((ken_module)(i % KEN_N_MODULES)));
        const double bound = 1 / sqrt(p->in);
        for (int r = 0; r < l->rank; r++)
            for (int k = 0; k < p->in; k++)
                p->a[(size_t)r * (size_t)p->in + (size_t)k] =
                    (float)((2 * ken_uniform(seed, name, n, (uint32_t)r, (uint32_t)k, 0) - 1) * bound);
        memset(p->b, 0, (size_t)p->out * (size_t)l->rank * sizeof *p->b);
    }
}

/* ---- the effect ------------------------------------------------------------------------------------------------------- */

enum { TILE = 64 };

void ken_lora_add(const ken_lora *l, int layer, ken_module m, float *w, int threads)
{
    const ken_lora_pair *p = &l->pair[layer * KEN_N_MODULES + (int)m];
    if (p->a == NULL) return;
    const int in = p->in, rank = l->rank;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int o = 0; o < p->out; o++) {
        const float *b = p->b + (size_t)o * (size_t)rank;
        float *row = w + (size_t)o * (size_t)in;
        for (int k0 = 0; k0 < in; k0 += TILE) {
            const int n = in - k0 < TILE ? in - k0 : TILE;
            float sum[TILE] = {0};
            for (int r = 0; r < rank; r++) {
                const float *a = p->a + (size_t)r * (size_t)in + k0;
                for (int k = 0; k < n; k++) sum[k] += b[r] * a[k];
            }
            for (int k = 0; k < n; k++) row[k0 + k] += l->scale * sum[k];
        }
    }
}
