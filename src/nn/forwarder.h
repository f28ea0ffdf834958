/* forwarder.h - what computes logits: the CPU network (net.h), a GPU, another program, a network that a test makes up.
 *
 *     ken_kv *kv;                                                   keys and values of n slots, in the forwarder's own form
 *     ken_cache_new(&kv, f, n_slots, &err);
 *     ken_reading r = {.row = 3, .k = 41, .id = id, .logit = logit};
 *     ken_batch b = {.n_rows = 4, ..., .n_readings = 1, .reading = &r};     batch_build.h makes the arrays
 *     ken_forward(f, kv, &b, &err);                                 r.n, id and logit are there
 *     ken_cache_free(f, kv);
 *
 * A row is one token at one position with the cache slots of everything before it. Rows of one batch may be ancestors of
 * one another (a prompt is forwarded in one batch): a row sees the keys and values of its ancestors wherever in the batch they are.
 * Invariant: what is read from a row depends on the row's tokens alone - not on the batch, the other rows, the slots, or threads.
 *
 * A reading says what is to be read from a row before the batch is forwarded, so that it is computed where the logits are: the caller gets a few
 * numbers, never a row of V logits. What not every forwarder can compute is a flag; a reading that it cannot compute is KEN_EUSAGE. */
#ifndef KEN_NN_FORWARDER_H
#define KEN_NN_FORWARDER_H
#include "model/model.h"

/* One row's results. NULL or zero: not wanted. Outputs are the caller's memory, filled by the time ken_forward returns KEN_OK. */
typedef struct ken_reading {
    int32_t row;         /* of the batch */
    int32_t k;           /* how many of the largest logits */
    int32_t *id;         /* (k) out, largest first, ties by lower id */
    float *logit;        /* (k) out */
    int32_t n;           /* out: how many there are, min(k, V); -1: one of the V logits is NaN or infinite */
    int32_t n_want;      /* named tokens, whose logits are read */
    const int32_t *want; /* (n_want) */
    float *want_logit;   /* (n_want) out */
    double *log_sum;     /* out: ln sum exp(z) over the V logits z; -ln p(v) = *log_sum - z_v */
    float tau;           /* > 0, with sum */
    double *sum;         /* out, k >= 1 and n > 0: sum exp((z - largest) / tau), each term in f32 */
    float *hidden;       /* (n_embd) out: what the head multiplies, after the last norm */
    float *attention;    /* (n_layer, n_head, pos + 1) out: weights from the row; zero outside a window */
} ken_reading;

/* What not every forwarder can compute; every one can find the largest logits. */
typedef enum ken_can {
    KEN_CAN_WANT = 1,
    KEN_CAN_LOG_SUM = 2,
    KEN_CAN_SUM = 4,
    KEN_CAN_HIDDEN = 8,
    KEN_CAN_ATTENTION = 16
} ken_can;

typedef struct ken_batch {
    int32_t n_rows;
    const int32_t *token; /* (n_rows) */
    const int32_t *pos;   /* (n_rows) position in the sequence, 0-based */
    const int32_t *slot;  /* (n_rows) where the row's keys and values go; distinct */
    const int64_t
        *path; /* (n_rows) offset into path_slots of the row's pos[r] ancestors' slots, first position first */
    const int32_t *path_slots;
    int32_t n_readings;
    ken_reading *reading; /* (n_readings) by ascending row; several may read the same row, which is computed once */
} ken_batch;

typedef struct ken_kv ken_kv; /* each kind of forwarder has its own */
typedef struct ken_forwarder ken_forwarder;

typedef struct ken_forwarder_kind {
    const char *name; /* in messages: "the CPU network" */
    int (*cache_new)(ken_kv **out, ken_forwarder *f, int32_t n_slots, ken_err *err);
    void (*cache_free)(ken_kv *kv); /* NULL is nothing */
    int (*forward)(ken_forwarder *f, ken_kv *kv, const ken_batch *b, ken_err *err);
} ken_forwarder_kind;

struct ken_forwarder { /* the first member of an instance's own struct */
    const ken_forwarder_kind *kind;
    const ken_config *config; /* of the network; lives as long as the instance */
    unsigned can;             /* ken_can */
};

int ken_cache_new(ken_kv **out, ken_forwarder *f, int32_t n_slots, ken_err *err);
void ken_cache_free(const ken_forwarder *f, ken_kv *kv);

/* KEN_EUSAGE when f cannot compute what r asks for; the message names it. */
int ken_forwarder_check(const ken_forwarder *f, const ken_reading *r, ken_err *err);
/* KEN_ESTOP when poll asked to stop: the slots written are then undefined, as are the outputs after any error. KEN_EUSAGE for a token
 * outside the vocabulary, a position outside the context, a reading that f cannot compute; KEN_ESTATE for slots and rows that do not exist. */
int ken_forward(ken_forwarder *f, ken_kv *kv, const ken_batch *b, ken_err *err);
#endif
