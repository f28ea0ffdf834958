/* tok_source.h - a vocabulary read from a file for a tokenizer: the arrays of a ken_tok_spec and who owns them.
 *
 * tok_gguf.c fills one from GGUF metadata, tok_json.c from tokenizer.json; ken_tokenizer_new copies it. */
#ifndef KEN_MODEL_TOK_SOURCE_H
#define KEN_MODEL_TOK_SOURCE_H
#include "base/buf.h"
#include "model/gguf.h"
#include <jansson.h>

typedef struct ken_tok_source {
    ken_tok_spec spec;     /* points into the arrays below */
    ken_str *pieces;       /* (n_vocab) bytes borrowed from the file, the JSON tree, or text */
    uint8_t *types;        /* (n_vocab) */
    float *scores;         /* (n_vocab) or NULL */
    ken_str *left, *right; /* (n_merges) */
    int32_t *ends;         /* (n_ends) */
    ken_buf text;          /* pieces that had to be made */
} ken_tok_source;

void ken_tok_source_free(ken_tok_source *t);
int ken_tok_source_finish(ken_tok_source *t,
                          int rc); /* points spec into the arrays, or frees all after a failure; rc */

/* From GGUF metadata. Pieces are borrowed from the mapped file. Warnings, one a line, are added to notes. */
int ken_tok_from_gguf(ken_tok_source *t, const ken_gguf *g, ken_buf *notes, ken_err *err);

/* The roots of a folder's files; borrowed; all but tokenizer may be NULL. */
typedef struct ken_tok_files {
    const json_t *tokenizer, *tokenizer_config, *generation_config, *config;
} ken_tok_files;

/* From tokenizer.json and the files beside it. Pieces are borrowed from the trees. n_rows is the number of rows of the embedding. */
int ken_tok_from_json(ken_tok_source *t, const ken_tok_files *f, int32_t n_rows, ken_buf *notes, ken_err *err);

/* Adds id to the ends of generation, once. Ids outside the vocabulary are ignored: files name tokens that they do not have. */
int ken_tok_add_end(ken_tok_source *t, int32_t id, ken_err *err);
/* Adds the control tokens that end a turn or a text by convention: <|im_end|>, <|eot_id|>, <|endoftext|>, </s>, ... */
int ken_tok_add_known_ends(ken_tok_source *t, ken_err *err);
/* The pre-tokenizer for a name as in tokenizer.ggml.pre; false when it is not known. */
bool ken_pretok_by_name(ken_pretok *pre, const ken_str *name);
/* Its name in tokenizer.ggml.pre. */
const char *ken_pretok_gguf_name(ken_pretok pre);
/* What tokenizer.json's Split splits by for it; NULL for those that need none. */
const char *ken_pretok_regex(ken_pretok pre);
extern const char *const ken_pretok_names; /* for messages: "gpt-2, llama-bpe, qwen2, smollm" */
#endif
