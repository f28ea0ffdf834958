/* page_frame.c - see page_frame.h. */
#include "report/page_frame.h"
#include "base/hash.h"
#include "report/assets.h"
#include "report/html.h"
#include <stdio.h>

int ken_page_hash(char out[KEN_PAGE_HASH], ken_err *err)
{
    char hex[65];
    unsigned char b[33] = {0};
    ken_sha256 *h = ken_sha256_new();
    if (h == NULL) return ken_fail_nomem(err, "report");
    ken_sha256_add(h, ken_page_js, ken_page_js_size);
    ken_sha256_hex(h, hex);
    for (int i = 0; i < 32; i++) {
        unsigned byte = 0;
        (void)sscanf(hex + 2 * i, "%2x", &byte);
        b[i] = (unsigned char)byte;
    }
    for (int i = 0, j = 0; i < 33; i += 3) { /* 32 bytes: ten triples and one of two bytes */
        uint32_t v = (uint32_t)b[i] << 16 | (uint32_t)b[i + 1] << 8 | b[i + 2];
        for (int s = 18; s >= 0; s -= 6) out[j++] = ken_base64_digits[v >> s & 63];
    }
    out[43] = '=';
    out[44] = '\0';
    return KEN_OK;
}

void ken_page_begin(ken_out *o, const char *hash)
{
    ken_out_puts(o, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"color-scheme\" content=\"light dark\">\n");
    ken_out_printf(o,
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                   "'unsafe-inline'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n<title>",
                   hash);
}

void ken_page_bar(ken_out *o, const char *skip_to, const char *skip_name)
{
    ken_out_puts(o, " \xC2\xB7 ken</title>\n<style>\n");
    ken_out_add(o, ken_page_css, ken_page_css_size);
    ken_out_printf(o,
                   "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#%s\">%s</a>\n<header class=\"top\"><b>ken</b>"
                   "<nav aria-label=\"Sections\">",
                   skip_to, skip_name);
}

void ken_page_link(ken_out *o, const char *anchor, const char *number, const char *name)
{
    ken_out_printf(o, "<a href=\"#%s%s\">%s</a>", anchor, number, name);
}

void ken_page_content(ken_out *o)
{
    ken_out_puts(o, "</nav><button type=\"button\" id=\"theme\" aria-label=\"Switch between light and dark\" hidden>"
                    "\xE2\x97\x90</button></header>\n<main id=\"content\">\n");
}

void ken_page_end(ken_out *o, const char *made_from)
{
    ken_out_printf(o,
                   "</main>\n<footer>Made by ken " KEN_VERSION
                   " %s. This page is complete: it loads nothing.</footer>\n<script>",
                   made_from);
    ken_out_add(o, ken_page_js, ken_page_js_size);
    ken_out_puts(o, "</script>\n</body>\n</html>\n");
}
