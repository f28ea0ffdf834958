/* read_json.c - see read_json.h. Text that jansson takes is read once; only another one is looked through for such numbers, rewritten and read
 * again. */
#include "base/read_json.h"
#include "base/buf.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether a number of JSON (n bytes) is too large for jansson: strtoll and strtod are what it asks, too. */
static bool too_large(const char *number, size_t n)
{
    char s[512];
    size_t digits = number[0] == '-';
    bool whole = memchr(number, '.', n) == NULL && memchr(number, 'e', n) == NULL && memchr(number, 'E', n) == NULL;
    if (n - digits < 4 || number[digits] == '0') return false; /* 1e400 is the shortest; 01 is no number */
    if (n >= sizeof s) return whole;                           /* a fraction of so many digits: jansson decides */
    memcpy(s, number, n);
    s[n] = '\0';
    char *end;
    errno = 0;
    if (whole) (void)strtoll(s, &end, 10);
    else if (!isinf(strtod(s, &end))) return false;
    return errno == ERANGE && *end == '\0';
}

static size_t string_length(const char *s, size_t n)
{
    size_t i = 1;
    while (i < n && s[i] != '"') i += s[i] == '\\' ? 2 : 1;
    return i < n ? i + 1 : n;
}

/* The text with what jansson cannot read replaced; false when there is nothing of the kind (or no memory: out->failed). */
static bool rewrite(const char *text, size_t n, ken_buf *out)
{
    bool found = false;
    for (size_t i = 0; i < n;) {
        size_t len = 1;
        const char *as = NULL;
        bool quote = false;
        if (text[i] == '"') len = string_length(text + i, n - i);
        else if (n - i >= 3 && memcmp(text + i, "NaN", 3) == 0) {
            len = 3;
            as = "null";
        } else if (n - i >= 9 && memcmp(text + i, "-Infinity", 9) == 0) {
            len = 9;
            quote = true;
        } else if (n - i >= 8 && memcmp(text + i, "Infinity", 8) == 0) {
            len = 8;
            quote = true;
        } else if (strchr("-0123456789", text[i]) != NULL && text[i] != '\0') {
            while (i + len < n && text[i + len] != '\0' && strchr("+-.0123456789eE", text[i + len]) != NULL) len++;
            quote = too_large(text + i, len);
        }
        if (quote) ken_buf_putc(out, '"');
        if (as != NULL) ken_buf_puts(out, as);
        else ken_buf_add(out, text + i, len);
        if (quote) ken_buf_putc(out, '"');
        found |= quote || as != NULL;
        i += len;
    }
    return found;
}

bool ken_json_no_memory(const json_error_t *e)
{
    return e->text[0] == '\0' || json_error_code(e) == json_error_out_of_memory;
}

json_t *ken_read_json(const char *text, size_t n, size_t flags, json_error_t *e)
{
    json_t *j = json_loadb(text, n, flags, e);
    if (j != NULL || ken_json_no_memory(e)) return j;
    ken_buf other = {0};
    if (rewrite(text, n, &other) && !other.failed) j = json_loadb(other.data, other.len, flags, e);
    if (other.failed) *e = (json_error_t){0}; /* ken_json_no_memory */
    ken_buf_free(&other);
    return j;
}
