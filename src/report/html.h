/* html.h - text into HTML and JSON so that it stays text, whatever it holds; numbers as people read them. */
#ifndef KEN_REPORT_HTML_H
#define KEN_REPORT_HTML_H
#include "base/out.h"
#include <stdint.h>

/* Escaped for element content and quoted attributes. Bytes that are no UTF-8, and control characters that HTML forbids, become
 * U+FFFD. At most `most` code points, then an ellipsis; 0 = all. */
void ken_html_text(ken_out *o, const char *s, size_t most);

/* A JSON string for a <script> element: besides JSON's own escapes, none of < > & and the two line separators appears, so that
 * no text can end the element or begin a comment in it. Likewise valid UTF-8, and cut after `most` code points (0 = all). */
void ken_html_json(ken_out *o, const char *s, size_t most);
void ken_html_json_bytes(ken_out *o, const char *s, size_t n, size_t most); /* the same for n bytes */
void ken_html_json_number(ken_out *o, double x);                            /* six digits; null for NaN and infinity */

const char *ken_html_count(char buf[32], uint64_t n);     /* 1,234,567; returns buf */
const char *ken_html_percent(char buf[32], double share); /* HTML: 4.1%, &lt;0.1%; a dash for NaN; returns buf */
#endif
