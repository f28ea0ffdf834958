/* tokenizer.h - text to token ids and back, for byte-level BPE and SentencePiece BPE.
 *
 * The model layer reads a vocabulary from GGUF metadata or tokenizer.json and fills a ken_tok_spec; nothing here knows files.
 * A token's bytes are what it appends to generated text: byte-level BPE is decoded to raw bytes, SentencePiece's U+2581 is a
 * space and <0xNN> its byte; control tokens have none (docs/method/knowledge.md#edge-cases: no detokeniser clean-up). */
#ifndef KEN_TEXT_TOKENIZER_H
#define KEN_TEXT_TOKENIZER_H
#include "base/error.h"

typedef enum ken_tok_kind { KEN_TOK_BPE, KEN_TOK_SPM } ken_tok_kind;

/* Pre-tokenizers, by what they split; names as in GGUF's tokenizer.ggml.pre. */
typedef enum ken_pretok {
    KEN_PRE_UNNAMED, /* the file names none: GPT-2's is used and a warning given */
    KEN_PRE_GPT2,
    KEN_PRE_LLAMA3, /* "llama-bpe" */
    KEN_PRE_QWEN2,
    KEN_PRE_SMOLLM,
    KEN_PRE_NONE /* SentencePiece: no splitting */
} ken_pretok;

typedef enum ken_tok_type { /* the values of tokenizer.ggml.token_type */
                            KEN_TT_NORMAL = 1,
                            KEN_TT_UNKNOWN = 2,
                            KEN_TT_CONTROL = 3,
                            KEN_TT_USER = 4,
                            KEN_TT_UNUSED = 5,
                            KEN_TT_BYTE = 6
} ken_tok_type;

typedef struct ken_str {
    const char *p;
    size_t n;
} ken_str; /* borrowed bytes, not NUL-terminated */

typedef struct ken_tok_spec {
    ken_tok_kind kind;
    ken_pretok pre;
    int32_t n_vocab, n_merges;
    const ken_str *pieces;      /* (n_vocab) as the vocabulary spells them; byte-level alphabet for BPE */
    const uint8_t *types;       /* (n_vocab) ken_tok_type, or NULL = all normal */
    const float *scores;        /* (n_vocab) SentencePiece; NULL for BPE */
    const ken_str *merge_left;  /* (n_merges) BPE, best first */
    const ken_str *merge_right; /* (n_merges) */
    int32_t bos, eos, unk;      /* -1 = none */
    int32_t n_ends;
    const int32_t *ends; /* (n_ends) further tokens that end a generation: end of turn, end of message */
    bool add_bos, add_eos;
    bool add_space_prefix; /* SentencePiece: a space before the text, and again after each special token in it */
    bool ignore_merges;    /* Llama-3: a pre-token that is itself a token is taken whole */
    bool nfc;              /* Qwen2: text is converted to NFC first, between special tokens */
} ken_tok_spec;

/* How GPT-2's byte-level alphabet spells a byte, NUL-terminated: a space is U+0120. */
void ken_byte_spelling(int byte, char out[3]);

typedef struct ken_tokenizer ken_tokenizer;

/* Copies what it needs from spec. A merge without its parts or result is skipped; of tokens spelled alike the last counts, of
 * equal merges the first, as in llama.cpp. KEN_EINPUT when the vocabulary is inconsistent: ids out of range, no token or more
 * than 2^24, unknown types, a score that is not a number. */
int ken_tokenizer_new(ken_tokenizer **out, const ken_tok_spec *spec, ken_err *err);
void ken_tokenizer_free(ken_tokenizer *t);

enum {
    KEN_ENC_SPECIAL = 1, /* add BOS / EOS as the file says */
    KEN_ENC_PARSE = 2
}; /* text that spells a control token becomes that token (user-defined tokens always do) */

/* Appends ids to *ids (grown with ken_realloc; *cap elements; start with NULL, 0, 0). Any bytes are accepted, up to 1 GiB:
 * invalid UTF-8 is encoded byte by byte. What the vocabulary has no token for is dropped by byte-level BPE, and becomes unk (one
 * for a run) in SentencePiece. On failure *n_ids is what it was. Threads may share t. */
int ken_tokenizer_encode(const ken_tokenizer *t, const char *text, size_t n, unsigned flags, int32_t **ids,
                         size_t *n_ids, size_t *cap, ken_err *err);

int32_t ken_tokenizer_n_vocab(const ken_tokenizer *t);
ken_str ken_tokenizer_bytes(const ken_tokenizer *t,
                            int32_t id); /* borrowed; {NULL,0} for control tokens and ids out of range */
ken_str ken_tokenizer_piece(const ken_tokenizer *t, int32_t id); /* as spelled */
bool ken_tokenizer_is_end(const ken_tokenizer *t,
                          int32_t id); /* EOS or one of the ends: class E of docs/method/knowledge.md#random-process */
bool ken_tokenizer_is_control(const ken_tokenizer *t, int32_t id);
/* The control, unknown or user-defined token that is spelled so, -1 when there is none. */
int32_t ken_tokenizer_special(const ken_tokenizer *t, const char *name, size_t n);
int32_t ken_tokenizer_bos(const ken_tokenizer *t);
int32_t ken_tokenizer_eos(const ken_tokenizer *t);
bool ken_tokenizer_adds_bos(const ken_tokenizer *t);
bool ken_tokenizer_adds_eos(const ken_tokenizer *t);
bool ken_tokenizer_uses_nfc(const ken_tokenizer *t);           /* text comes back in NFC */
const char *ken_tokenizer_describe(const ken_tokenizer *t);    /* "byte-level BPE (smollm)"; borrowed */
void ken_tokenizer_hash(const ken_tokenizer *t, char hex[65]); /* SHA-256 over everything that decides ids */
#endif
