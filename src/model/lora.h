/* lora.h - a low-rank adapter: for each of a layer's seven projections, W + scale B A (Hu et al. 2021, arXiv 2106.09685).
 *
 * Values are f32 in one block, rows of B in Hugging Face's order (halves order for q and k, params.h). An adapter is trained as
 * this (nn/learn.h), read from a PEFT folder and attached to a model, and written by write_folder.c and write_gguf.c. */
#ifndef KEN_MODEL_LORA_H
#define KEN_MODEL_LORA_H
#include "model/model.h"

typedef enum ken_module {
    KEN_MOD_Q,
    KEN_MOD_K,
    KEN_MOD_V,
    KEN_MOD_O,
    KEN_MOD_GATE,
    KEN_MOD_UP,
    KEN_MOD_DOWN,
    KEN_N_MODULES
} ken_module;

typedef struct ken_lora_pair {
    float *a, *b; /* (rank, in), (out, rank); NULL = this projection has no adapter */
    int in, out;
} ken_lora_pair;

typedef struct ken_lora {
    int n_layer, rank;
    float scale;         /* alpha / rank (alpha / sqrt(rank) for PEFT's rslora) */
    float alpha;         /* as written to files */
    float dropout;       /* on the input of A while training */
    unsigned targets;    /* bit m: some layer's module m has a pair */
    ken_lora_pair *pair; /* (n_layer * KEN_N_MODULES): [layer * KEN_N_MODULES + module] */
    float *data;         /* (n) all values: a then b of each pair, layer by layer */
    size_t n;
} ken_lora;

/* "q_proj", ... as PEFT's target_modules spell them; "attn_q", ... as GGUF does (after blk.N.). */
const char *ken_module_hf(ken_module m);   /* "self_attn.q_proj": after model.layers.N. */
const char *ken_module_name(ken_module m); /* "q_proj" */
const char *ken_module_gguf(ken_module m); /* "attn_q" */

/* Zeros, shaped for the network; targets: bits 1 << KEN_MOD_*. KEN_EUSAGE when rank < 1 or larger than a matrix. */
int ken_lora_new(ken_lora **out, const ken_config *c, int rank, float alpha, unsigned targets, ken_err *err);
/* As PEFT starts: A uniform in +-1/sqrt(in) (kaiming_uniform with a = sqrt 5), from seed; B zero. */
void ken_lora_init(ken_lora *l, uint64_t seed);
void ken_lora_free(ken_lora *l);

/* A PEFT folder (adapter_config.json, adapter_model.safetensors). KEN_EINPUT when it is damaged, or made for a network of other
 * shape than c, naming the tensor; or uses what we do not (DoRA, rank patterns, biases, modules_to_save, ...), naming that. */
int ken_lora_read(ken_lora **out, const char *dir, const ken_config *c, ken_err *err);

/* The same from bytes in memory; the names are for messages. */
typedef struct ken_lora_bytes {
    const void *config, *weights;
    size_t n_config, n_weights;
    const char *config_file, *weights_file;
} ken_lora_bytes;
int ken_lora_from_bytes(ken_lora **out, const ken_lora_bytes *in, const ken_config *c, ken_err *err);

/* DIR/adapter_model.safetensors or DIR/adapter_config.json; the caller's, ken_free; NULL when out of memory. */
char *ken_lora_file(const char *dir, bool weights);

/* w (rows of `out`, in) += scale B A of one pair; sums in f32 from the first to the last rank. NULL pair->a: nothing. */
void ken_lora_add(const ken_lora *l, int layer, ken_module m, float *w, int threads);

/* The adapter attached to a model by ken_model_attach (ken.h), or NULL. nn/weights.c adds it to the weights it unpacks. */
enum { KEN_MODEL_ADAPTERS = 4 };
const ken_lora *ken_model_adapter(const ken_model *m,
                                  int i); /* in the order in which they were attached; NULL past the last */
#endif
