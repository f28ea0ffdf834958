/* buf.c - growable byte buffer; see buf.h. */
#include "base/buf.h"
#include "base/alloc.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool room(ken_buf *b, size_t n)
{
    if (b->failed) return false;
    if (n > SIZE_MAX - b->len - 1 || ken_grow((void **)&b->data, &b->cap, b->len + n + 1, 1) != 0) b->failed = true;
    return !b->failed;
}

void ken_buf_add(ken_buf *b, const void *bytes, size_t n)
{
    if (!room(b, n)) return;
    if (n > 0) memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void ken_buf_puts(ken_buf *b, const char *s) { ken_buf_add(b, s, strlen(s)); }
void ken_buf_putc(ken_buf *b, char c) { ken_buf_add(b, &c, 1); }

void ken_buf_printf(ken_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) b->failed = true;
    if (n < 0 || !room(b, (size_t)n)) return;
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void ken_buf_clear(ken_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data != NULL) b->data[0] = '\0';
}

void ken_buf_free(ken_buf *b)
{
    ken_free(b->data);
    *b = (ken_buf){0};
}

char *ken_buf_take(ken_buf *b)
{
    char *s = NULL;
    if (!b->failed) s = b->data != NULL ? b->data : ken_strdup("");
    else ken_free(b->data);
    *b = (ken_buf){0};
    return s;
}

const char *ken_buf_str(const ken_buf *b) { return b->data != NULL ? b->data : ""; }
