/* view_html.h - views as a part of the page. */
#ifndef KEN_REPORT_VIEW_HTML_H
#define KEN_REPORT_VIEW_HTML_H
#include "base/out.h"
#include "ken.h"

/* Everything of v that stands on a page; headings and titles of tables begin at level h. */
void ken_html_views(ken_out *o, const ken_views *v, int h);
#endif
