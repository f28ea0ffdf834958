/* model.h - a loaded model: its shape, its tensors by role (mapped, as stored) and its tokenizer.
 *
 * A family is a row in a table in family.c: which tensors it has, under which names in either format, and how its
 * configuration is read. Nothing above this file knows formats or names. */
#ifndef KEN_MODEL_MODEL_H
#define KEN_MODEL_MODEL_H
#include "base/error.h"
#include "model/config.h"
#include "model/quant.h"
#include "text/tokenizer.h"

typedef struct ken_tensor {
    const char *name; /* borrowed from the model */
    ken_dtype type;
    int n_dims;
    int64_t ne[4];    /* fastest first, as in GGUF: a matrix W (N, K) has ne = {K, N}; unused = 1 */
    const void *data; /* mapped; any alignment; bytes checked to lie inside the file */
    uint64_t bytes;
} ken_tensor;

typedef struct ken_layer {                    /* NULL = the family has none */
    const ken_tensor *attn_norm;              /* (C) */
    const ken_tensor *wq, *wk, *wv, *wo;      /* (n_head*d, C), (n_kv*d, C), (n_kv*d, C), (C, n_head*d) */
    const ken_tensor *bq, *bk, *bv, *bo;      /* (n_head*d), (n_kv*d), (n_kv*d), (C) */
    const ken_tensor *q_norm, *k_norm;        /* (d): qwen3 */
    const ken_tensor *ffn_norm;               /* (C) */
    const ken_tensor *w_gate, *w_up, *w_down; /* (n_ff, C), (n_ff, C), (C, n_ff) */
    const ken_tensor *b_gate, *b_up, *b_down; /* (n_ff), (n_ff), (C): mlp_bias of llama */
} ken_layer;

typedef struct ken_weights {
    const ken_tensor *tok_embd;    /* (V, C) */
    const ken_tensor *output_norm; /* (C) */
    const ken_tensor *output;      /* (V, C); the embedding again when tied */
    ken_layer *layers;             /* (n_layer) */
} ken_weights;

const ken_config *ken_model_config(const ken_model *m);
const ken_weights *ken_model_weights(const ken_model *m);
const ken_tokenizer *ken_model_tokenizer(const ken_model *m);
const char *
ken_model_chat_template(const ken_model *m); /* Jinja, as the file has it; borrowed; NULL when it has none */
#endif
