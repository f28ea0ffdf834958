/* params.h - the weights of a network as training holds them: f32, in one block of memory, in the layout of the forward pass.
 *
 * Wq, Wk, Wv are one matrix and gate, up another, as in nn/weights.h; rows of Wq and Wk are in halves order (the rotated pair i of
 * a head is rows i and i + d_rope/2), which is also Hugging Face's order, whatever the file had. Gradients and the optimizer's
 * moments have the same shape. `list` says which values are which tensor of the model, for freezing, writing and messages. */
#ifndef KEN_MODEL_PARAMS_H
#define KEN_MODEL_PARAMS_H
#include "model/model.h"

typedef enum ken_part { KEN_PART_EMBEDDING, KEN_PART_HEAD, KEN_PART_NORM, KEN_PART_ATTENTION, KEN_PART_MLP } ken_part;

/* One tensor as files know it. Wq, Wk, Wv are three of these, side by side in memory. */
typedef struct ken_param {
    const char *gguf, *hf; /* names; after "blk.N." and "model.layers.N." when layer >= 0; static */
    int layer;             /* -1 = outside the layers */
    ken_part part;         /* which names freeze it: a layer's norms belong to the half that reads them */
    size_t at;             /* first value in data */
    size_t matrix;         /* first value of the joined matrix or vector that it is a part of */
    int64_t rows, cols;    /* a vector has cols = 0 */
    int d_head, d_rope;    /* rows of Wq, Wk and their biases: heads of d_head rows in halves order; else 0 */
} ken_param;

typedef struct ken_params_layer { /* into data; NULL where the family has none */
    float *attn_norm, *ffn_norm;  /* (C) */
    float *q_norm, *k_norm;       /* (d) */
    float *qkv, *b_qkv;           /* (n_qkv, C), (n_qkv): rows of q, k, v; n_qkv = (n_head + 2 n_kv) d */
    float *o, *b_o;               /* (C, n_head d), (C) */
    float *gate_up, *b_gate_up;   /* (2 n_ff, C), (2 n_ff): rows of gate, then of up */
    float *down, *b_down;         /* (C, n_ff), (C) */
} ken_params_layer;

typedef struct ken_params {
    const ken_config *config; /* borrowed from the model */
    float *tok_embd;          /* (V, C) */
    float *head;              /* (V, C); the same memory as tok_embd when tied */
    float *output_norm;       /* (C) */
    ken_params_layer *layers; /* (n_layer) */
    float *data;              /* (n) everything; tensors that start a matrix begin on 64 bytes, gaps are zero */
    size_t n;
    ken_param *list; /* (n_list) in the order of data, without gaps between the tensors of a joined matrix */
    int n_list;
} ken_params;

/* The shape alone: pointers and list as in a full one; values are undefined, gaps zero. */
int ken_params_new(ken_params **out, const ken_model *m, ken_err *err);
/* With the model's values (an attached adapter is not added). KEN_EINPUT when one is NaN or infinite, naming the tensor. */
int ken_params_load(ken_params **out, const ken_model *m, int threads, ken_err *err);
void ken_params_free(ken_params *p);

/* The parts of ken_params_load, for who unpacks a matrix at a time (nn/weights.c). dst (rows, cols) = the tensor's values; d_head > 0: rows
 * go from GGUF's llama order into halves order. KEN_EINPUT for another shape, or a NaN or infinite value. */
int ken_unpack_matrix(const ken_tensor *t, float *dst, int64_t rows, int64_t cols, int d_head, int d_rope, int threads,
                      ken_err *err);
/* The same for a vector, to out (n); raw (n) is working memory. */
int ken_unpack_vector(const ken_tensor *t, float *out, float *raw, int n, int d_head, int d_rope, ken_err *err);
/* One row of a matrix; out (cols). */
void ken_unpack_row(const ken_tensor *t, int64_t row, float *out);
/* Where row r of Wq or Wk in GGUF's llama order goes in halves order; d_head = 0: rows stay. */
int64_t ken_halves_row(int64_t r, int d_head, int d_rope);
#endif
