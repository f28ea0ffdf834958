/* view_html.h - views as a part of the page. */
#ifndef KEN_REPORT_VIEW_HTML_H
#define KEN_REPORT_VIEW_HTML_H
#include "base/out.h"
#include "ken.h"

/* Everything of v that stands on a page; headings and titles of tables begin at level h. */
void ken_html_views(ken_out *o, const ken_views *v, int h);
/* Its sentences, each a paragraph of this class. */
void ken_html_sentences(ken_out *o, const ken_views *v, const char *paragraph);
/* The rows of its tables as cards, for a few that matter: a category, its count and its share, and a sentence. */
void ken_html_cards(ken_out *o, const ken_views *v);
/* Likewise as single numbers: a name, a number in one of the columns, and what to know of it in the last. */
void ken_html_numbers(ken_out *o, const ken_views *v);
#endif
