/* learner.h - the inside of a learner: what learn.c (making one, the loss), backward.c (the backward pass through the layers) and
 * low_rank.c (adapters) share. R is the largest batch so far, rounded up to whole blocks; m the rows with targets. da is the gradient of the
 * batch's loss with respect to a; backward.c has the equations. */
#ifndef KEN_NN_LEARNER_H
#define KEN_NN_LEARNER_H
#include "nn/learn.h"
#include "nn/network.h"

enum { KEN_HEAD_ROWS = 256 }; /* rows whose logits are in memory at once */

/* The transposed weights of one layer and its weight-gradient products. */
typedef struct ken_layer_products {
    ken_matrix *qkv_t, *o_t, *gate_up_t, *down_t, *head_t; /* dX = dY W; one set, packed layer by layer */
    ken_outer *qkv, *o, *gate_up, *down, *head;            /* dW += dY^T X */
} ken_layer_products;

typedef struct ken_low_rank_back { /* of one module; shapes are the same in every layer */
    ken_outer *da, *db;            /* dA += du^T x, dB += dy^T (scale u) */
    float *du;                     /* (R, rank) scale dy B */
    float *x; /* (R, in) what A read: the projection's input after dropout; NULL without dropout: the input itself */
} ken_low_rank_back;

/* One product of weight gradients: c += a^T b, summed over rows. */
typedef struct ken_product {
    const ken_outer *o;
    const float *a, *b;
    float *c;
    int rows;
} ken_product;

struct ken_learner {
    const ken_model *model;
    const ken_config *c;
    const ken_kernels *k;
    const ken_back_kernels *kb;
    ken_net *net; /* its weights are packed layer by layer */
    ken_kv *kv;
    ken_params *params, *grads;  /* NULL under LoRA; a gradient's pointer is NULL when it is frozen */
    ken_lora *lora, *lora_grads; /* NULL in full fine-tuning */
    ken_tape tape;
    bool recompute; /* layers are computed again in the backward pass instead of saved */
    bool stale;     /* values have changed since they were packed */
    int lowest;     /* the first layer that has anything to train */
    bool embedding; /* the token embedding is trained (as embedding; a tied head shares its gradient) */
    int threads;
    ken_poll_fn poll;
    void *poll_ctx;
    ken_segment *segments; /* (n_segments) */
    char *names;           /* their names */
    int n_segments;
    ken_layer_products products;
    ken_low_rank_back low[KEN_N_MODULES];
    /* one batch */
    size_t cap_rows, cap_paths; /* R */
    ken_batch sorted;
    int32_t *pos, *slot, *end, *rows; /* (R) end: one after the last descendant; rows: those with targets, m of them */
    int32_t *first_target;    /* (m + 1) targets of rows[i]: from first_target[i] to before first_target[i + 1] */
    int64_t *path, *probs_at; /* (R), (R + 1) */
    int32_t *path_slots;
    int32_t m;
    float *dx;       /* (R, C) gradient of the residual stream */
    float *dlast;    /* (R, C) the same for the m rows in the last layer's second half */
    float *dy;       /* (R, C) of the output of Wo or Wdown with its bias */
    float *dgate_up; /* (R, 2 n_ff) */
    float *h;        /* (R, n_ff) what Wdown read, computed again */
    float *nx;       /* (R, C) what Wqkv or Wgate_up read: the norm's output, computed again */
    float *dattn;    /* (R, n_head d) of the attention's output */
    float *dq;       /* (R, n_head d) of the rotated queries */
    float *dqkv;     /* (R, n_qkv) */
    float *
        probs; /* attention probabilities, computed again, and the scores' gradients: `weights` of ken_attention_back */
    size_t cap_probs;
    ken_attention_back_scratch *scratch; /* (threads) */
    int scratch_pos;                     /* positions that it has room for */
    float *logits;                       /* (KEN_HEAD_ROWS, V), then their gradient */
    float *normed;                       /* (KEN_HEAD_ROWS, C) what the head read */
    float *partial; /* (blocks, partial_width) gradients of vectors, summed over the rows of a block */
    size_t partial_width;
};

/* Columns of `partial`: the gradients of a layer's vectors. */
typedef struct ken_partial_at {
    size_t attn_norm, ffn_norm, q_norm, k_norm, b_qkv, b_o, b_gate_up, b_down, width;
} ken_partial_at;
ken_partial_at ken_partial_columns(const ken_config *c);

/* learn.c: frees *p and allocates n floats, zeroed: rows that only fill up a block are multiplied too. -1 when there is no memory. */
int ken_learner_new_zeros(float **p, size_t n);
/* backward.c: dlast (m, C) holds the gradient of the last layer's output; adds to the gradients of everything before it. */
int ken_learner_back(ken_learner *t, ken_err *err);
/* Runs all tiles of the products, each by one thread. KEN_EFAIL when the library fails. */
int ken_learner_products(const ken_learner *t, const ken_product *p, int n);
/* to (n) += sum over blocks of partial columns [at, at + n), first block first */
void ken_learner_sum_partials(const ken_learner *t, float *to, size_t at, size_t n, int blocks);

/* low_rank.c */
int ken_low_rank_new(ken_learner *t, ken_err *err);
void ken_low_rank_free(ken_learner *t);
int ken_low_rank_reserve(ken_learner *t, size_t rows, ken_err *err);
int ken_low_rank_pack(ken_learner *t, ken_err *err);
/* The backward pass of an adapter for a block of n rows: dy (n, out), the gradient of the projection's output, is columns from col of rows `width`
 * wide; writes du, and din (n, in), the gradient of its input, += drop(du A). first: row of the block among the layer's; rows: their places in
 * the batch. Nothing without an adapter. */
int ken_low_rank_back_block(ken_learner *t, int l, ken_module m, const float *dy, int width, int col, float *din,
                            const int32_t *rows, int32_t first, int n, int thread);
/* x (n, in) is what the projection read: saves drop(x), which A read. Nothing without dropout. */
void ken_low_rank_save_input(ken_learner *t, int l, ken_module m, const float *x, const int32_t *rows, int32_t first,
                             int n);
/* Writes the products for dA and dB to list; returns how many. dy as above for the whole batch; x (R, in): the projection's input. */
int ken_low_rank_products(const ken_learner *t, int l, ken_module m, const float *dy, int col, const float *x, int rows,
                          ken_product *list);
#endif
