/* html.c - see html.h. */
#include "report/html.h"
#include "text/unicode.h"
#include "view/build.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char ken_base64_digits[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The code point at *s, which moves on; U+FFFD for what is no character of a document. */
static int32_t next_cp(const char **s, size_t *n)
{
    int32_t cp;
    int len = ken_utf8_decode(*s, *n, &cp);
    if (len <= 0) cp = KEN_REPLACEMENT, len = ken_utf8_bad(*s, *n);
    *s += len;
    *n -= (size_t)len;
    bool control = (cp < 0x20 && cp != '\t' && cp != '\n') || (cp >= 0x7F && cp < 0xA0);
    bool turns = (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
    return control || turns || (cp & 0xFFFE) == 0xFFFE || (cp >= 0xFDD0 && cp <= 0xFDEF) ? KEN_REPLACEMENT : cp;
}

static void put_cp(ken_out *o, int32_t cp)
{
    char bytes[4];
    ken_out_add(o, bytes, (size_t)ken_utf8_encode(cp, bytes));
}

void ken_html_text(ken_out *o, const char *s, size_t most)
{
    size_t n = strlen(s), k = 0;
    while (n > 0) {
        if (most > 0 && k++ == most) {
            ken_out_puts(o, "\xE2\x80\xA6");
            return;
        }
        int32_t cp = next_cp(&s, &n);
        switch (cp) {
        case '&': ken_out_puts(o, "&amp;"); break;
        case '<': ken_out_puts(o, "&lt;"); break;
        case '>': ken_out_puts(o, "&gt;"); break;
        case '"': ken_out_puts(o, "&quot;"); break;
        case '\'': ken_out_puts(o, "&#39;"); break;
        default: put_cp(o, cp);
        }
    }
}

void ken_html_json(ken_out *o, const char *s, size_t most)
{
    size_t n = strlen(s), k = 0;
    ken_out_puts(o, "\"");
    while (n > 0) {
        if (most > 0 && k++ == most) {
            ken_out_puts(o, "\xE2\x80\xA6");
            break;
        }
        int32_t cp = next_cp(&s, &n);
        if (cp == '"' || cp == '\\') ken_out_printf(o, "\\%c", (char)cp);
        else if (cp == '<' || cp == '>' || cp == '&' || cp < 0x20 || cp == 0x2028 || cp == 0x2029)
            ken_out_printf(o, "\\u%04x", (unsigned)cp);
        else put_cp(o, cp);
    }
    ken_out_puts(o, "\"");
}

void ken_html_clean(ken_buf *b, const char *s, size_t n, size_t most)
{
    for (size_t k = 0; n > 0; k++) {
        if (most > 0 && k == most) {
            ken_buf_puts(b, "\xE2\x80\xA6");
            return;
        }
        char bytes[4];
        ken_buf_add(b, bytes, (size_t)ken_utf8_encode(next_cp(&s, &n), bytes));
    }
}

const char *ken_html_percent(char buf[32], double share)
{
    double p = 100.0 * share;
    if (!isfinite(p)) snprintf(buf, 32, "\xE2\x80\x93");
    else if (p > 0.0 && p < 0.05) snprintf(buf, 32, "&lt;0.1%%");
    else if (p > 99.95 && p < 100.0) snprintf(buf, 32, "&gt;99.9%%");
    else if (p == 0.0 || p >= 100.0) snprintf(buf, 32, "%.0f%%", p);
    else snprintf(buf, 32, "%.1f%%", p);
    return buf;
}

const char *ken_html_points(char buf[32], double change)
{
    double p = 100.0 * change;
    if (!isfinite(p)) snprintf(buf, 32, "\xE2\x80\x93");
    else if (fabs(p) < 0.05) snprintf(buf, 32, "0.0");
    else snprintf(buf, 32, "%s%.1f", p < 0 ? "\xE2\x88\x92" : "+", fabs(p));
    return buf;
}
