/* weights.h - the model's tensors as the forward pass wants them: f32, checked, joined, packed for the matrix library.
 *
 * Wq, Wk, Wv become one matrix (and gate, up another), so that a row block needs four products a layer. Wq and Wk rows in GGUF's
 * order for llama (rotated pairs 2i, 2i+1) are put into halves order, so that one rotary kernel serves all families. When all
 * layers do not fit the memory given, one set of matrices is filled layer by layer, once a batch: the same values, the same bits. */
#ifndef KEN_NN_WEIGHTS_H
#define KEN_NN_WEIGHTS_H
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
    int threads;
    bool resident; /* every layer has its own matrices; else all point to one set, filled by ken_weights_stage */
    int held_qkv, held_rest; /* not resident: layers in the set, -1 = none */
    ken_net_layer *layers;   /* (n_layer) */
    float *output_norm;      /* (C) */
    ken_matrix *head;        /* (V, C) */
    float *scratch;          /* one unpacked matrix */
} ken_net_weights;

/* Unpacks everything once, also when it is not kept: a NaN or infinite weight is found here (KEN_EINPUT, naming the tensor). */
int ken_weights_init(ken_net_weights *w, const ken_model *m, ken_gemm *g, int threads, size_t memory, ken_err *err);
void ken_weights_free(ken_net_weights *w);

/* Makes sure of the matrices that a stage reads: o, gate_up, down of layer `rest` and qkv of layer `qkv`; -1 = not needed. */
int ken_weights_stage(ken_net_weights *w, int rest, int qkv, ken_err *err);

/* The embedding of one token, read from the mapped tensor; out (C). */
void ken_weights_embed(const ken_net_weights *w, int32_t token, float *out);
#endif
