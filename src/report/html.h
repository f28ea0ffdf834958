/* html.h - text into HTML and JSON so that it stays text, whatever it holds; numbers as people read them. */
#ifndef KEN_REPORT_HTML_H
#define KEN_REPORT_HTML_H
#include "base/buf.h"
#include "base/out.h"
#include <stdint.h>

/* Escaped for element content and quoted attributes. Bytes that are no UTF-8, control characters that HTML forbids, and those that turn
 * the direction of all text behind them become U+FFFD. At most `most` code points, then an ellipsis; 0 = all. */
void ken_html_text(ken_out *o, const char *s, size_t most);

/* A JSON string for a <script> element: besides JSON's own escapes, none of < > & and the two line separators appears, so that
 * no text can end the element or begin a comment in it. Likewise valid UTF-8, and cut after `most` code points (0 = all). */
void ken_html_json(ken_out *o, const char *s, size_t most);

/* n bytes as they may be shown, not escaped: what the script will put into the document as text. */
void ken_html_clean(ken_buf *b, const char *s, size_t n, size_t most);

extern const char ken_base64_digits[65];
const char *ken_html_percent(char buf[32], double share); /* HTML: 4.1%, &lt;0.1%; a dash for NaN; returns buf */
/* A change of a share in points, with its sign: +2.1, a true minus; returns buf */
const char *ken_html_points(char buf[32], double change);
#endif
