/* tape.h - what a forward pass for training saves for the backward pass, and what it does besides inference: dropout and the low-rank
 * part of adapters that are being trained. A net with a tape (network.h) fills it; in inference there is none.
 *
 * Rows are in the batch's order, which the learner makes depth-first, so that row i of every array is row i of the batch. In the last
 * layer only the m rows with targets are computed after the keys and values: there attn, mid and gate_up have a row for each of these. */
#ifndef KEN_NN_TAPE_H
#define KEN_NN_TAPE_H
#include "model/lora.h"
#include "nn/gemm.h"
#include "nn/kernels_back.h"

typedef struct ken_tape_layer { /* room for whole blocks of KEN_GEMM_ROWS rows */
    float *q;                   /* (n, n_head d) rotated queries */
    float *qk;                  /* (n, (n_head + n_kv) d) queries and keys before their norms; NULL without qk_norm */
    float *attn;                /* (m, n_head d) what the output projection reads */
    float *mid;                 /* (m, C) the residual stream between attention and MLP */
    float *gate_up;             /* (m, 2 n_ff) with biases */
} ken_tape_layer;

/* One projection of an adapter in training. */
typedef struct ken_low_rank {
    ken_matrix *a, *b;     /* y += scale (x A^T) B^T: A (rank, in), B (out, rank); NULL = no adapter here */
    ken_matrix *a_t, *b_t; /* packed for du A and dy B */
    float *u;              /* (n, rank) drop(x) A^T; one for each saved layer */
} ken_low_rank;

typedef struct ken_tape {
    int n_saved;            /* layers that have buffers: all, or 1 when each is computed again in the backward pass */
    ken_tape_layer *layer;  /* (n_saved) */
    float **x;              /* (n_layer + 1): (n, C) residual stream before each layer; the last one (m, C) */
    float dropout;          /* 0 = none */
    const uint64_t *mask;   /* (n) keys of the rows' dropout masks */
    const ken_lora *lora;   /* NULL = none is trained */
    ken_low_rank *low_rank; /* (n_layer * KEN_N_MODULES) */
} ken_tape;

/* The places of the network that have dropout. A mask is a function of the row's key and the place, so that the backward pass, and a layer that is
 * computed again, draw the same one; rows that several examples share have one key and one mask. */
static inline uint32_t ken_site_embedding(void) { return 0; }
static inline uint32_t ken_site_attention(int layer) { return 1 + 16 * (uint32_t)layer; }
static inline uint32_t ken_site_mlp(int layer) { return 2 + 16 * (uint32_t)layer; }
static inline uint32_t ken_site_module(int layer, ken_module m) { return 3 + 16 * (uint32_t)layer + (uint32_t)m; }
#endif
