/* net.h - the network in memory: unpacked weights, key-value cache, and one forward pass over a batch of rows.
 *
 * A row is one token at one position with the cache slots of everything before it. Rows of one batch may be ancestors of
 * one another (a prompt is forwarded in one batch): all keys and values of a layer are written before any attention reads them.
 * Invariant (design.md 3.1): a row's result depends on its tokens alone - not on the batch, the other rows, the slots, or threads.
 * This is the narrow interface under which other backends (bf16, CUDA) will sit: everything above sees rows and logits. */
#ifndef KEN_NN_NET_H
#define KEN_NN_NET_H
#include "model/model.h"

typedef enum ken_isa { KEN_ISA_GENERIC, KEN_ISA_AVX2, KEN_ISA_AVX512 } ken_isa;
const char *ken_isa_name(ken_isa isa); /* "generic", "avx2", "avx512" */
ken_isa ken_isa_best(void);            /* the best this CPU has */
int ken_isa_parse(ken_isa *isa, const char *name,
                  ken_err *err); /* NULL = best; KEN_EUSAGE when unknown or not on this CPU */

/* Of matrix products; everything else is f32. Inference is f32 always. */
typedef enum ken_compute { KEN_F32_COMPUTE, KEN_BF16_COMPUTE } ken_compute;

int ken_compute_parse(ken_compute *c, const char *name, ken_err *err); /* "f32" (NULL), "bf16"; KEN_EUSAGE */

typedef struct ken_net ken_net;
typedef struct ken_net_options {
    int threads; /* 0 = all cores */
    ken_isa isa;
    ken_compute compute; /* of matrix products; zero is f32 */
    size_t
        memory; /* bytes for unpacked weights; 0 = a share of what the machine has. Less than needed: layer by layer, each batch */
    const struct ken_params *params; /* values instead of the model's own (training), or NULL; borrowed */
    const struct ken_lora *lora; /* added to the weights, besides an adapter attached to the model; or NULL; borrowed */
    ken_poll_fn poll;            /* asked between layers; may be NULL */
    void *ctx;
} ken_net_options;

/* Borrows m, which must outlive the net. KEN_EINPUT when a weight is NaN or infinite, naming the tensor. The ISA of a process is
 * set by its first net (oneDNN fixes it at first use); a later net with another one is refused with KEN_EUSAGE. */
int ken_net_new(ken_net **out, const ken_model *m, const ken_net_options *o, ken_err *err);
void ken_net_free(ken_net *net);
const ken_config *ken_net_config(const ken_net *net);
const char *
ken_net_gemm_name(const ken_net *net); /* "oneDNN 2.6.3 (avx512_core_bf16)" or "OpenBLAS ..."; recorded in a run */

typedef struct ken_kv ken_kv; /* keys and values for n slots: per layer (n_kv, n_slots, d_head rounded up to 16) each */
int ken_kv_new(ken_kv **out, const ken_net *net, int32_t n_slots, ken_err *err);
void ken_kv_free(ken_kv *kv);
size_t ken_kv_slot_bytes(const ken_config *c); /* bytes of one slot over all layers */

typedef struct ken_batch {
    int32_t n_rows;
    const int32_t *token; /* (n_rows) */
    const int32_t *pos;   /* (n_rows) position in the sequence, 0-based */
    const int32_t *slot;  /* (n_rows) where the row's keys and values go; distinct */
    const int64_t
        *path; /* (n_rows) offset into path_slots of the row's pos[r] ancestors' slots, first position first */
    const int32_t *path_slots;
    int32_t n_logits;
    const int32_t *logit_row; /* (n_logits) ascending rows whose logits are read */
    /* Called once for each of them, on any thread, several at once: i indexes logit_row, logits (V) is valid during the call. */
    void (*on_logits)(void *ctx, int32_t i, const float *logits);
    void *ctx;
} ken_batch;

/* KEN_ESTOP when poll said so: the slots written are then undefined. KEN_EUSAGE when a position exceeds the context. */
int ken_net_forward(ken_net *net, ken_kv *kv, const ken_batch *b, ken_err *err);
#endif
