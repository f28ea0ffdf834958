/* vocabulary.h - a tokenizer made from words: byte-level BPE without merges, which takes a word whole when the vocabulary has it and else byte by
 * byte (`ignore_merges` of tokenizer.json, as Llama-3's). With GPT-2's way of cutting a text, a word behind a space is another token than at the
 * start of a line. */
#ifndef KEN_LAB_VOCABULARY_H
#define KEN_LAB_VOCABULARY_H
#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "text/tokenizer.h"

typedef struct ken_vocabulary {
    ken_tok_spec spec; /* of ken_vocabulary_spec */
    ken_arena arena;
    ken_strmap *number;
    ken_str *piece;
    uint8_t *type;
    size_t n, cap;
} ken_vocabulary;

/* 256 bytes, and the tokens <|begin|>, put before a text, and <|end|>. Free with ken_vocabulary_free, also after a failure. */
int ken_vocabulary_begin(ken_vocabulary *v, ken_err *err);
/* The words of a text that is made of lines with words between single spaces; a ? or . at a word's end is a byte of its own. */
int ken_vocabulary_add(ken_vocabulary *v, const char *text, ken_err *err);
const ken_tok_spec *ken_vocabulary_spec(ken_vocabulary *v); /* as it is now; borrowed */
void ken_vocabulary_free(ken_vocabulary *v);
#endif
