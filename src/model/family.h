/* family.h - the families of networks that we can run, and how each is spelled in either format.
 *
 * To add a family whose block is the usual one (pre-norm, rotary attention, gated MLP with SiLU): add a row to the table in
 * family.c. New tensors: a field of ken_layer in model.h and a row in the tensor tables there. */
#ifndef KEN_MODEL_FAMILY_H
#define KEN_MODEL_FAMILY_H
#include "base/buf.h"
#include "model/source.h"

typedef enum ken_need { KEN_NEED_NO, KEN_NEED_YES, KEN_NEED_IF_PRESENT /* the first layer decides for all */ } ken_need;

typedef struct ken_family {
    const char *arch;          /* general.architecture of GGUF, and our name */
    const char *model_type[2]; /* in config.json */
    ken_need qkv_bias, o_bias, mlp_bias, qk_norm;
    bool gguf_interleaved; /* the GGUF converter reorders the rows of Wq and Wk (rotated pairs side by side) */
} ken_family;

/* By architecture (GGUF) or model_type (config.json). KEN_EINPUT with the known names when there is none. */
int ken_family_find(const ken_family **out, const ken_source *s, ken_err *err);
/* Of a ken_config's arch; NULL when there is none. */
const ken_family *ken_family_of(const char *arch);

/* Fills c from the source: everything but what only the tensors tell (tied, biases, n_vocab of some GGUF files). */
int ken_config_read(ken_config *c, const ken_family *f, const ken_source *s, ken_err *err);

/* Finds every tensor that the family needs, checks its shape against c, and completes c (tied, biases, qk_norm, n_vocab,
 * rope_freqs). w->layers and *rope_freqs (NULL when there are none) are the caller's, ken_free. Unused tensors are an
 * error inside the layers, since the network would compute something else, and a line in `notes` outside them. */
int ken_family_bind(ken_weights *w, float **rope_freqs, ken_config *c, const ken_family *f, const ken_source *s,
                    const ken_tensors *tensors, ken_buf *notes, ken_err *err);

/* ---- the tensors of a network ------------------------------------------------------------------------------------------ */

typedef enum ken_dim { /* 1, C, n_head*d, n_kv*d, d, n_ff, V */
                       KEN_DIM_ONE,
                       KEN_DIM_EMBD,
                       KEN_DIM_Q,
                       KEN_DIM_KV,
                       KEN_DIM_HEAD,
                       KEN_DIM_FF,
                       KEN_DIM_VOCAB
} ken_dim;
typedef enum ken_feature {
    KEN_ALWAYS,
    KEN_IF_QKV_BIAS,
    KEN_IF_O_BIAS,
    KEN_IF_MLP_BIAS,
    KEN_IF_QK_NORM,
    KEN_IF_UNTIED,
    KEN_N_FEATURES
} ken_feature;

typedef struct ken_role {
    const char *gguf, *hf; /* after "blk.N." and "model.layers.N." for a layer's tensors */
    size_t at;             /* the field of ken_layer or ken_weights */
    ken_dim rows, cols;    /* (rows, cols), or (rows) when cols is ONE */
    ken_feature feature;   /* the network has it only then */
} ken_role;

const ken_role *ken_roles(bool layer, int *n); /* of each layer, or else embedding, output norm and head; static */
int64_t ken_dim_size(const ken_config *c, ken_dim d);
bool ken_config_has(const ken_config *c, ken_feature f);
#endif
