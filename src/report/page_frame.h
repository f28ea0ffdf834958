/* page_frame.h - what every page has around its content: head, style, the bar on top, script. A page is
 *
 *     ken_page_begin(o, hash);                    ... the title follows, as HTML
 *     ken_page_bar(o, "content", "To the content");   ... links follow
 *     ken_page_content(o);                        ... sections follow
 *     ken_page_end(o, "from the run files alone"); */
#ifndef KEN_REPORT_PAGE_FRAME_H
#define KEN_REPORT_PAGE_FRAME_H
#include "base/out.h"

enum { KEN_PAGE_HASH = 48 };
/* SHA-256 of the script in base64, as Content-Security-Policy wants it: no script but ours runs in a page. */
int ken_page_hash(char out[KEN_PAGE_HASH], ken_err *err);
void ken_page_begin(ken_out *o, const char *hash);
void ken_page_bar(ken_out *o, const char *skip_to, const char *skip_name);
void ken_page_link(ken_out *o, const char *anchor, const char *number,
                   const char *name); /* in the bar: to #anchornumber */
void ken_page_content(ken_out *o);
void ken_page_end(ken_out *o, const char *made_from);
#endif
