/* tokenizer_parts.h - what a tokenizer is made of; for tokenizer.c, bpe.c and spm.c alone. */
#ifndef KEN_TEXT_TOKENIZER_PARTS_H
#define KEN_TEXT_TOKENIZER_PARTS_H
#include "base/alloc.h"
#include "base/hash.h"
#include "text/bpe_merge.h"
#include "text/tokenizer.h"

/* Longer tokens than this, in bytes, are neither made by SentencePiece's merging nor found spelled out in text. Real ones have
 * less than 100; the work at each place of a text, or cut of a token, grows with it. */
enum { KEN_LONGEST_PIECE = 256 };

struct ken_tokenizer {
    ken_tok_kind kind;
    ken_pretok pre;
    int32_t n_vocab, bos, eos, unk;
    bool add_bos, add_eos, add_space_prefix, nfc;
    ken_str *piece;    /* (n_vocab) as spelled; into arena */
    ken_str *bytes;    /* (n_vocab) what a token appends to the text; into arena */
    uint8_t *type;     /* (n_vocab) ken_tok_type */
    uint8_t *end;      /* (n_vocab) 1 = ends a generation */
    char *arena;       /* all pieces, then all bytes */
    size_t arena_len;  /* used so far */
    int32_t byte[256]; /* the token of a single byte, -1 = none */
    ken_strmap
        *whole; /* bytes -> token. BPE: pre-tokens that become one token, which spares the merging. SentencePiece: all
                          ordinary tokens, where the characters are looked up */
    size_t longest;  /* key of `whole`, bytes */
    ken_pairs pairs; /* the merges */
    int32_t
        *special; /* (n_special) control, unknown and user-defined tokens, sorted by their bytes as text spells them */
    int32_t n_special;
    bool special_first[256]; /* a special token starts with this byte */
    char describe[64], hash[65];
};

/* One call's output and scratch. */
typedef struct ken_ids {
    int32_t **ids;
    size_t *n, *cap;
    ken_symbols sym;
    char *text; /* a segment in NFC, NULL until needed */
} ken_ids;

int ken_ids_add(ken_ids *out, int32_t id); /* 0, or -1 when out of memory */

/* What each kind does at load: fill t->bytes, t->byte, t->whole, t->pairs. Pieces and types are there already. */
int ken_bpe_load(ken_tokenizer *t, const ken_tok_spec *spec, ken_err *err);
int ken_spm_load(ken_tokenizer *t, const ken_tok_spec *spec, ken_err *err);

/* Encode text without special tokens, n > 0. 0, or -1 when out of memory. */
int ken_bpe_encode(const ken_tokenizer *t, const char *text, size_t n, ken_ids *out);
/* `prefix`: a space before the text. */
int ken_spm_encode(const ken_tokenizer *t, const char *text, size_t n, bool prefix, ken_ids *out);

/* Appends n bytes to the arena (whose size was computed before) and returns where they went. */
char *ken_arena_add(ken_tokenizer *t, const char *p, size_t n);
#endif
