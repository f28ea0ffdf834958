/* network.h - what net.c (making a net) and forward.c (running it) share. */
#ifndef KEN_NN_NETWORK_H
#define KEN_NN_NETWORK_H
#include "nn/kernels.h"
#include "nn/kernels_back.h"
#include "nn/rope.h"
#include "nn/tape.h"
#include "nn/weights.h"

/* One thread's memory: a block of rows between two products. B = KEN_GEMM_ROWS. */
typedef struct ken_worker {
    float *in;     /* (B, max(C, n_head d, n_ff)) what a product reads */
    float *wide;   /* (B, max(n_qkv, 2 n_ff)) what the joined products write */
    float *out;    /* (B, C) what the others write */
    float *x;      /* (B, C) rows of the last layer, gathered */
    float *logits; /* (B, V) from the first batch whose logits are read */
    ken_attention_scratch attention;
    float *low_in, *low_u, *low_out; /* (B, widest in), (B, rank), (B, widest out): an adapter in training */
    int n_pos;                       /* positions that `attention` has room for */
} ken_worker;

struct ken_net {
    ken_forwarder forwarder;
    const ken_model *model;
    const ken_config *c;
    const ken_kernels *k;
    const ken_back_kernels *kb;
    ken_tape *tape; /* the learner's, while it trains; else NULL */
    ken_gemm *gemm;
    ken_net_weights w;
    ken_rope rope;
    int threads;
    ken_poll_fn poll;
    void *poll_ctx;
    ken_worker *workers; /* (threads) */
    /* One batch: grown to the largest seen. */
    float *x;        /* (n_rows, C) the residual stream */
    float *q;        /* (n_rows, n_head d) rotated queries of the current layer */
    int32_t *rows;   /* (n_rows) 0, 1, 2, ... */
    int32_t *shared; /* (n_rows) see ken_attention */
    size_t cap_x, cap_q, cap_rows, cap_shared;
    /* The batch with its rows in the order of their paths (sort_batch in forward.c). */
    int32_t *order, *token, *pos, *slot; /* (n_rows) order: the caller's row */
    int64_t *path;                       /* (n_rows) */
    int32_t n_logits;                    /* rows that are computed after the last layer's keys and values */
    int32_t *logit_row, *logit_index;    /* (n_logits) ascending rows in the new order; which of the caller's each is */
    int32_t *read_row,
        *first_reading; /* (n_logits), (n_logits + 1) the caller's rows that are read, and their readings */
    size_t cap_order, cap_token, cap_pos, cap_slot, cap_path, cap_logit_row, cap_logit_index, cap_read_row,
        cap_first_reading;
};

struct ken_kv {
    int32_t n_slots;
    int n_kv, d_pad;
    size_t layer; /* floats of one layer's keys */
    float *k, *v; /* (n_layer, n_kv, n_slots, d_pad); dims d..d_pad-1 are zero once written */
};

/* The pass in parts, for training. Checks b, brings its rows into the order of their paths and makes room; *sorted lives in the net
 * until the next one. After the last layer's keys and values only the rows `row` (n, ascending, distinct) of b are computed. */
int ken_net_prepare(ken_net *net, const ken_kv *kv, const ken_batch *b, const int32_t *row, int32_t n,
                    ken_batch *sorted, ken_err *err);
int ken_net_run(ken_net *net, ken_kv *kv, const ken_batch *sorted, ken_err *err);
/* One layer again, from tape->x[l] (recomputation). */
int ken_net_run_layer(ken_net *net, ken_kv *kv, const ken_batch *sorted, int l, ken_err *err);
ken_attention ken_net_attention(const ken_net *net, const ken_kv *kv, const ken_batch *sorted, int l);

int ken_kv_pad(int d_head); /* floats from slot to slot */
int ken_net_reserve(ken_net *net, int32_t n_rows, int n_pos, int32_t n_logits, ken_err *err);
#endif
