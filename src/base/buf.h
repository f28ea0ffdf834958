/* buf.h - a growable byte buffer, always NUL-terminated after its contents.
 *
 *     ken_buf b = {0};
 *     ken_buf_printf(&b, "Q: %s\n", q);
 *     if (b.failed) return ken_fail_nomem(err, "prompt");        one check at the end is enough: appends after a failure do nothing
 *     ken_buf_free(&b); */
#ifndef KEN_BASE_BUF_H
#define KEN_BASE_BUF_H
#include <stdbool.h>
#include <stddef.h>

typedef struct ken_buf {
    char *data; /* NULL until the first append; NUL-terminated */
    size_t len, cap;
    bool failed; /* an append ran out of memory; the contents are what came before */
} ken_buf;

void ken_buf_add(ken_buf *b, const void *bytes, size_t n);
void ken_buf_puts(ken_buf *b, const char *s);
void ken_buf_putc(ken_buf *b, char c);
void ken_buf_printf(ken_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ken_buf_clear(ken_buf *b); /* keeps the memory */
void ken_buf_free(ken_buf *b);
char *
ken_buf_take(ken_buf *b); /* caller frees with ken_free; "" if empty; NULL if failed. The buffer is empty afterwards */
const char *ken_buf_str(const ken_buf *b); /* borrowed; "" if empty */
#endif
