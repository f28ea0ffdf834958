/* unicode.h - UTF-8, one code point at a time, strict: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * The one thing that needs care is bytes that are no UTF-8: texts are cut anywhere (a token is a run of bytes, not of
 * characters), so "cut off but fine so far" and "can never become valid" are distinguished. */
#ifndef KEN_TEXT_UNICODE_H
#define KEN_TEXT_UNICODE_H
#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEN_UTF8_INCOMPLETE = 0, /* the n bytes are a proper prefix of a valid sequence (n == 0 included) */
    KEN_UTF8_INVALID = -1,   /* no continuation can make them valid */
    KEN_REPLACEMENT = 0xFFFD
};

/* Decodes the code point at s (n bytes left): its length 1..4 and *cp, or one of the two above, *cp then KEN_REPLACEMENT. */
int ken_utf8_decode(const char *s, size_t n, int32_t *cp);

bool ken_utf8_is_valid(const char *s, size_t n); /* all of it */

/* Where ken_utf8_decode did not return a length and n > 0: how many bytes one U+FFFD stands for, 1..3. The longest prefix of
 * a valid sequence, at least one byte (Unicode 15, 3.9, "substitution of maximal subparts"), like Python and the WHATWG. */
int ken_utf8_bad(const char *s, size_t n);

/* Writes cp (0..0x10FFFF, no surrogate; anything else gives U+FFFD) to out and returns its length 1..4. */
int ken_utf8_encode(int32_t cp, char out[4]);

/* Normalization form C of the valid stretches of s (n bytes, at most 2^30); bytes that are no UTF-8 stay and part the
 * stretches. Caller frees with ken_free; *out_n bytes, no NUL. NULL when out of memory. */
char *ken_utf8_nfc(const char *s, size_t n, size_t *out_n);
bool ken_utf8_is_plain(const char *s, size_t n); /* nothing above U+02FF: NFC whatever it is */

/* Appends s (n bytes) as valid UTF-8 without NUL: whatever is neither becomes U+FFFD (docs/method/knowledge.md#edge-cases). */
void ken_utf8_clean(ken_buf *out, const char *s, size_t n);
#endif
