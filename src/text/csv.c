/* csv.c - see csv.h. */
#include "text/csv.h"
#include "text/unicode.h"
#include <string.h>

void ken_csv_field(ken_buf *out, const char *s, bool for_people)
{
    ken_buf clean = {0};
    ken_utf8_clean(&clean, s, strlen(s));
    const char *p = ken_buf_str(&clean);
    const bool formula = for_people && p[0] != '\0' && strchr("=+-@\t\r", p[0]) != NULL;
    bool quote =
        formula || strpbrk(p, ",\"\r\n\t") != NULL || (clean.len > 0 && (p[0] == ' ' || p[clean.len - 1] == ' '));
    if (quote) ken_buf_putc(out, '"');
    if (formula) ken_buf_putc(out, '\'');
    for (size_t i = 0; i < clean.len; i++) {
        if (p[i] == '"') ken_buf_putc(out, '"');
        ken_buf_putc(out, p[i]);
    }
    if (quote) ken_buf_putc(out, '"');
    out->failed |= clean.failed;
    ken_buf_free(&clean);
}
