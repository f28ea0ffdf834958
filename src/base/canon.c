/* canon.c - see canon.h. */
#include "base/canon.h"
#include "base/hash.h"
#include <math.h>
#include <string.h>

void ken_canon_number(ken_buf *b, uint64_t v)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(v >> 8 * i);
    ken_buf_add(b, bytes, sizeof bytes);
}

void ken_canon_real(ken_buf *b, double x)
{
    uint64_t bits;
    if (isnan(x)) x = NAN;
    memcpy(&bits, &x, sizeof bits);
    ken_canon_number(b, bits);
}

void ken_canon_bytes(ken_buf *b, const char *s, size_t n)
{
    ken_canon_number(b, n);
    ken_buf_add(b, s, n);
}

void ken_canon_text(ken_buf *b, const char *s)
{
    if (s != NULL) ken_canon_bytes(b, s, strlen(s));
    else ken_canon_number(b, UINT64_MAX);
}

void ken_canon_list(ken_buf *b, const char *const *s, int n)
{
    ken_canon_number(b, (uint64_t)n);
    for (int i = 0; i < n; i++) ken_canon_text(b, s[i]);
}

int ken_canon_hash(const ken_buf *b, char hex[65]) { return b->failed ? -1 : ken_sha256_of(b->data, b->len, hex); }
