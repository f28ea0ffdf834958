/* unicode.c - strict UTF-8 decoding and encoding (unicode.h). Nothing here knows about categories or normal forms: that is
 * utf8proc's business. The hard thing is the second byte: its allowed range depends on the first (no overlong forms, no
 * surrogates, nothing above U+10FFFF), and all further ones are plain 80..BF. */
#include "text/unicode.h"

/* Length of the sequence that first byte c opens, 0 when none; the range of its second byte. Unicode 15, table 3-7. */
static int opens(unsigned char c, unsigned char *lo, unsigned char *hi)
{
    *lo = 0x80, *hi = 0xBF;
    if (c < 0x80) return 1;
    if (c < 0xC2) return 0; /* a continuation byte, or overlong */
    if (c < 0xE0) return 2;
    if (c < 0xF0) {
        if (c == 0xE0) *lo = 0xA0; /* overlong below */
        if (c == 0xED) *hi = 0x9F; /* surrogates above */
        return 3;
    }
    if (c > 0xF4) return 0;
    if (c == 0xF0) *lo = 0x90;
    if (c == 0xF4) *hi = 0x8F; /* above U+10FFFF */
    return 4;
}

/* How many bytes at s agree with the sequence that s[0] opens; *len is its full length. 0 when s[0] opens none. */
static int agree(const char *s, size_t n, int *len)
{
    unsigned char lo, hi;
    *len = opens((unsigned char)s[0], &lo, &hi);
    if (!*len) return 0;
    int k = 1;
    while (k < *len && (size_t)k < n) {
        unsigned char c = (unsigned char)s[k];
        if (c < lo || c > hi) break;
        lo = 0x80, hi = 0xBF, k++;
    }
    return k;
}

int ken_utf8_decode(const char *s, size_t n, int32_t *cp)
{
    *cp = KEN_REPLACEMENT;
    if (!n) return KEN_UTF8_INCOMPLETE;
    unsigned char c = (unsigned char)s[0];
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    int len, k = agree(s, n, &len);
    if (!k) return KEN_UTF8_INVALID;
    if (k < len) return (size_t)k == n ? KEN_UTF8_INCOMPLETE : KEN_UTF8_INVALID;
    int32_t v = c & (0x7F >> len);
    for (int i = 1; i < len; i++) v = v << 6 | (s[i] & 0x3F);
    *cp = v;
    return len;
}

bool ken_utf8_is_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        int32_t cp;
        int len = (unsigned char)s[i] < 0x80 ? 1 : ken_utf8_decode(s + i, n - i, &cp);
        if (len <= 0) return false;
        i += (size_t)len;
    }
    return true;
}

int ken_utf8_bad(const char *s, size_t n)
{
    int len, k = agree(s, n, &len);
    return k ? k : 1;
}

int ken_utf8_encode(int32_t cp, char out[4])
{
    if (cp < 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) cp = KEN_REPLACEMENT;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    int len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (int i = len - 1; i; i--, cp >>= 6) out[i] = (char)(0x80 | (cp & 0x3F));
    out[0] = (char)((0xF00 >> len & 0xFF) | cp);
    return len;
}

void ken_utf8_clean(ken_buf *out, const char *s, size_t n)
{
    while (n > 0) {
        int32_t cp;
        int len = ken_utf8_decode(s, n, &cp);
        if (len > 0 && cp != 0) ken_buf_add(out, s, (size_t)len);
        else {
            ken_buf_puts(out, "\xEF\xBF\xBD");
            if (len <= 0) len = ken_utf8_bad(s, n);
        }
        s += len;
        n -= (size_t)len;
    }
}
