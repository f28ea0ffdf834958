/* pretok.h - cutting text into pre-tokens, inside which byte-level BPE merges and across which it never does.
 *
 *     for (size_t i = 0; i < n; i += len) { len = ken_pretok_next(pre, s + i, n - i); ... s[i .. i+len) ... }
 *
 * Equal to the regular expressions of the tokenizers it is named after (pretok.c cites them), in linear time, on any bytes:
 * a byte that is no UTF-8 counts as a symbol, like U+FFFD. */
#ifndef KEN_TEXT_PRETOK_H
#define KEN_TEXT_PRETOK_H
#include "text/tokenizer.h"

/* Length in bytes, 1..n, of the first pre-token of s; n > 0. KEN_PRE_NONE: n. */
size_t ken_pretok_next(ken_pretok pre, const char *s, size_t n);
const char *ken_pretok_name(ken_pretok pre); /* "gpt2", "llama-bpe", ...; static */
#endif
