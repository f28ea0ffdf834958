/* weights.h - the model's tensors as the forward pass reads them: f32, checked, joined, packed for the matrix library.
 *
 * Wq, Wk, Wv become one matrix (and gate, up another), so that a row block needs four products a layer. Wq and Wk rows in GGUF's
 * order for llama (rotated pairs 2i, 2i+1) are put into halves order, so that one rotary kernel serves all families. When all
 * layers do not fit the memory given, one set of matrices is filled layer by layer, once a batch: the same values, the same bits. */
#ifndef KEN_NN_WEIGHTS_H
#define KEN_NN_WEIGHTS_H
#include "model/lora.h"
#include "model/params.h"
#include "nn/gemm.h"

typedef struct ken_net_layer {
    float *attn_norm, *ffn_norm; /* (C) */
    float *q_norm, *k_norm;      /* (d) or NULL */
    float *b_qkv;                /* (n_qkv) or NULL; zeros where only some of q, k, v have one */
    float *b_o, *b_down;         /* (C) or NULL */
    float *b_gate_up;            /* (2 n_ff) or NULL */
    ken_matrix *qkv;             /* (n_qkv, C), n_qkv = (n_head + 2 n_kv) d: rows of q, k, v */
    ken_matrix *o;               /* (C, n_head d) */
    ken_matrix *gate_up;         /* (2 n_ff, C): rows of gate, then of up */
    ken_matrix *down;            /* (C, n_ff) */
} ken_net_layer;

typedef struct ken_net_weights {
    const ken_model *model;
    const ken_params *params; /* the values instead of the model's, or NULL; vectors are then borrowed from it */
    const ken_lora *lora;     /* added to them, or NULL; so is the model's own adapter when params is NULL */
    int threads;
    bool resident; /* every layer has its own matrices; else all point to one set, filled by ken_weights_stage */
    int held_qkv, held_attend; /* not resident: layers in the set, -1 = none */
    ken_net_layer *layers;     /* (n_layer) */
    float *output_norm;        /* (C) */
    ken_matrix *head;          /* (V, C) */
    float *scratch;            /* one unpacked matrix */
} ken_net_weights;

/* Where the values come from; see ken_net_options. */
typedef struct ken_weights_source {
    const ken_model *model;
    const ken_params *params;
    const ken_lora *lora;
} ken_weights_source;

/* Unpacks everything once, also when it is not resident: a NaN or infinite weight is found here (KEN_EINPUT, naming the tensor). */
int ken_weights_init(ken_net_weights *w, const ken_weights_source *from, ken_gemm *g, int threads, size_t memory,
                     ken_err *err);
void ken_weights_free(ken_net_weights *w);

/* Fills the matrices that a stage reads, where they are not filled: o, gate_up, down of attend_layer and qkv of project_layer; -1 = none. */
int ken_weights_stage(ken_net_weights *w, int attend_layer, int project_layer, ken_err *err);

/* The values of params have changed: packs the head again, and each layer when it is next needed (KEN_ESTATE when resident). */
int ken_weights_changed(ken_net_weights *w, ken_err *err);

/* The unpacked values of a layer's matrix, adapters added: the model's own are unpacked into scratch, and valid until the next call. */
typedef enum ken_which_matrix { KEN_MATRIX_QKV, KEN_MATRIX_O, KEN_MATRIX_GATE_UP, KEN_MATRIX_DOWN } ken_which_matrix;
int ken_weights_values(ken_net_weights *w, int layer, ken_which_matrix which, const float **out, ken_err *err);
int ken_weights_head_values(ken_net_weights *w, const float **out, ken_err *err); /* (V, C) */

/* The embedding of one token, read from the mapped tensor; out (C). */
void ken_weights_embed(const ken_net_weights *w, int32_t token, float *out);
#endif
