/* learn.h - forward and backward over a batch of rows, for full and for low-rank fine-tuning.
 *
 *     ken_learner *l;
 *     ken_learner_new(&l, model, &options, &err);           full: options.params; LoRA: options.lora
 *     for each step { ken_learn(l, &batch, losses, &err);   gradients add up until
 *                     ken_optim_step(...);                   the optimizer has used them (optim.h)
 *                     ken_learner_changed(l); ken_learner_zero(l); }
 *     ken_learner_free(l);
 *
 * The forward pass is net.h's own, which saves on a tape (tape.h) what the backward pass reads; rows are trie nodes, so that a prefix that
 * examples share is computed once and its gradient is the sum over the branches. Same bits for any number of threads: every value is
 * computed by one thread in a fixed order (rows ascending), nothing depends on timing. */
#ifndef KEN_NN_LEARN_H
#define KEN_NN_LEARN_H
#include "model/lora.h"
#include "model/params.h"
#include "nn/net.h"

typedef struct ken_learner ken_learner;

typedef struct ken_learn_options {
    int threads; /* 0 = all cores */
    ken_isa isa;
    ken_compute compute; /* of matrix products; everything else is f32 */
    ken_params *params;  /* what is trained, or NULL: the model's own weights are not trained (LoRA) */
    const bool
        *trains;    /* (params->n_list) tensors to train; NULL = all. Joined tensors (q, k, v; gate, up) go together */
    ken_lora *lora; /* what is trained, or NULL */
    float dropout;  /* where docs/method/fine-tuning.md#dropout has it */
    bool recompute; /* save only the residual stream and compute each layer again in the backward pass */
    ken_poll_fn poll;
    void *ctx;
} ken_learn_options;

/* Borrows m, params and lora. */
int ken_learner_new(ken_learner **out, const ken_model *m, const ken_learn_options *o, ken_err *err);
void ken_learner_free(ken_learner *l);

/* A teacher's distribution at one target: KL(teacher || student) over its listed tokens and the rest as one more. */
typedef struct ken_teacher {
    int32_t n;         /* 0 = none here */
    const int32_t *id; /* (n) distinct */
    const float *p;    /* (n) probabilities at temperature tau; the rest has 1 - sum */
} ken_teacher;

typedef struct ken_learn_batch {
    int32_t n_rows;        /* in depth-first order: a row's descendants are the rows right after it */
    const int32_t *token;  /* (n_rows) */
    const int32_t *parent; /* (n_rows) an earlier row, or -1 for a first token */
    const uint64_t *mask;  /* (n_rows) what dropout masks are drawn from; may be NULL when dropout is 0 */
    int32_t n_targets;
    const int32_t *row;         /* (n_targets) ascending; several targets may share a row */
    const int32_t *target;      /* (n_targets) the token that should follow */
    const float *weight;        /* (n_targets) loss = sum of weight * -log p(target) ... */
    const ken_teacher *teacher; /* (n_targets) ... + kl_weight * weight * tau-softmax KL; or NULL */
    float kl_weight, tau;
} ken_learn_batch;

/* Forward and backward; adds to the gradients, so that several batches may share an optimizer step. loss (n_targets) = -log p(target),
 * unweighted; kl (n_targets), or NULL. KEN_EINPUT when a loss is NaN or infinite; KEN_ESTOP when poll said so: gradients are then undefined. */
int ken_learn(ken_learner *l, const ken_learn_batch *b, float *loss, float *kl, ken_err *err);
/* Forward alone, without dropout. */
int ken_learn_measure(ken_learner *l, const ken_learn_batch *b, float *loss, ken_err *err);

/* What is trained: values and their gradients, piece by piece, in a fixed order. Borrowed. */
typedef struct ken_segment {
    const char *name; /* for messages: "blk.3.attn_q.weight", "layer 3 q_proj A" */
    float *w, *g;     /* (n) */
    size_t n;
    bool decays; /* weight decay applies: matrices, not norms and biases */
} ken_segment;
const ken_segment *ken_learner_segments(const ken_learner *l, int *n);
void ken_learner_zero(ken_learner *l);    /* gradients to zero */
void ken_learner_changed(ken_learner *l); /* the values have changed: packs them again when next needed */
const char *ken_learner_gemm_name(const ken_learner *l);
#endif
