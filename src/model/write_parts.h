/* write_parts.h - what the writers of write.h share: tensors to be written, and the files of the base read again. */
#ifndef KEN_MODEL_WRITE_PARTS_H
#define KEN_MODEL_WRITE_PARTS_H
#include "base/out.h"
#include "model/json.h"
#include "model/loaded.h"
#include "model/params.h"
#include "model/tok_source.h"

/* ---- tensors ---------------------------------------------------------------------------------------------------------- */

typedef struct ken_out_tensor {
    char name[128];
    ken_dtype type;    /* in the file */
    int64_t rows;      /* a vector: its values */
    int64_t cols;      /* a vector: 0 */
    const float *data; /* (rows, cols), borrowed */
    int d_head;        /* > 0: rows are in halves order and go to the file in GGUF's llama order */
    int d_rope;
} ken_out_tensor;

typedef struct ken_out_tensors {
    ken_out_tensor *t; /* (n) */
    size_t n, cap;
} ken_out_tensors;

/* A place for one more, its type F32; NULL when out of memory. */
ken_out_tensor *ken_out_tensors_add(ken_out_tensors *s);
void ken_out_tensors_free(ken_out_tensors *s);
uint64_t ken_out_tensor_bytes(const ken_out_tensor *t);
/* A tensor for each of p, or of the halves of l's pairs (f32), under its name in a GGUF file or in a folder. */
int ken_out_tensors_params(ken_out_tensors *s, const ken_params *p, bool gguf, ken_dtype type, ken_err *err);
int ken_out_tensors_lora(ken_out_tensors *s, const ken_lora *l, const ken_config *c, bool gguf, ken_err *err);

/* A file: head, then the values of each tensor, padded to the alignment. KEN_EINPUT when one is NaN, infinite or too large for the type,
 * naming the tensor. */
int ken_out_tensors_write(const ken_out_tensors *s, const ken_buf *head, uint32_t alignment, const char *path,
                          ken_err *err);

/* A safetensors file; the tensors are sorted by name first. */
int ken_write_safetensors(ken_out_tensors *s, const char *path, ken_err *err);

/* ---- the base --------------------------------------------------------------------------------------------------------- */

/* What a ken_model does not keep of its files: all metadata, and the vocabulary with its merges. */
typedef struct ken_base {
    const ken_model *model;
    bool is_gguf;
    ken_gguf gguf;                                                     /* GGUF */
    json_t *config, *tokenizer, *tokenizer_config, *generation_config; /* a folder; all but the first two may be NULL */
    ken_tok_source vocab;
} ken_base;

/* vocabulary false: for who copies it; b->vocab, tokenizer, tokenizer_config and generation_config are then empty. */
int ken_base_open(ken_base *b, const ken_model *m, bool vocabulary, ken_err *err);
void ken_base_close(ken_base *b);
/* A model folder, F32, of a model that has no files yet: its configuration and this vocabulary. */
int ken_write_new_folder(const ken_model *m, const ken_tok_spec *v, const ken_params *p, const char *dir, ken_err *err);
/* A file of a folder base as it was mapped when the model was opened; KEN_ESTATE when it has none of that name. */
int ken_base_file(const ken_model *m, const char *name, ken_map *map, ken_err *err);

/* ---- text files of a model folder --------------------------------------------------------------------------------------- */

/* config.json of a folder base, byte for byte but for the weight type (and the tied head, where it does not say). */
int ken_config_patched(ken_buf *out, const ken_base *b, ken_dtype type, ken_err *err);
/* The files of a GGUF base. KEN_EINPUT for what they cannot express. */
int ken_config_json(ken_buf *out, const ken_base *b, ken_dtype type, ken_err *err);
int ken_generation_json(ken_buf *out, const ken_base *b, ken_err *err);
int ken_tokenizer_json(ken_buf *out, const ken_base *b, ken_err *err);
int ken_tokenizer_config_json(ken_buf *out, const ken_base *b, ken_err *err);

/* The divisors of Llama-3's rotary scaling as rope_freqs.weight holds them; out (d_rope / 2). */
void ken_llama3_divisors(const ken_config *c, float *out);
#endif
