/* net.h - the network in this machine's memory: unpacked weights, key-value cache, and one forward pass over a batch of rows. It is one
 * kind of forwarder (forwarder.h, where rows and readings are explained); what stands above the engine takes it as one. All keys and values
 * of a layer are written before any attention reads them. */
#ifndef KEN_NN_NET_H
#define KEN_NN_NET_H
#include "nn/forwarder.h"

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
ken_forwarder *ken_net_forwarder(ken_net *net); /* the net itself; gives everything that can be read */
const ken_config *ken_net_config(const ken_net *net);
/* Rows that a batch must have to be about as fast as a larger one (docs/SPEED.md, "Waves of a job"); INT32_MAX where each batch unpacks the
 * weights again. */
int32_t ken_net_full_batch(const ken_net *net);
const char *
ken_net_gemm_name(const ken_net *net); /* "oneDNN 2.6.3 (avx512_core_bf16)" or "OpenBLAS ..."; recorded in a run */

/* Keys and values for n slots: per layer (n_kv, n_slots, d_head rounded up to 16) each. */
int ken_kv_new(ken_kv **out, const ken_net *net, int32_t n_slots, ken_err *err);
void ken_kv_free(ken_kv *kv);
size_t ken_kv_slot_bytes(const ken_config *c); /* bytes of one slot over all layers */

/* See ken_forward. */
int ken_net_forward(ken_net *net, ken_kv *kv, const ken_batch *b, ken_err *err);
#endif
