/* bars.c - see bars.h. */
#include "report/bars.h"
#include "report/html.h"
#include <inttypes.h>
#include <string.h>

ken_tally ken_tally_of(const ken_counts *c)
{
    ken_tally t = {.n = c->n};
    memcpy(t.category, c->category, sizeof t.category);
    return t;
}

void ken_bar_put(ken_out *o, const ken_tally *t, const char *extra_class, double least)
{
    char percent[32], number[32];
    ken_out_printf(o, "<div class=\"bar%s\" role=\"img\" aria-label=\"", extra_class);
    for (int c = 0, first = 1; c < KEN_N_CATEGORIES; c++) {
        if (t->category[c] == 0) continue;
        ken_out_printf(o, "%s%s %s", first ? "" : ", ", ken_category_name(c),
                       ken_html_percent(percent, (double)t->category[c] / (double)t->n));
        first = 0;
    }
    ken_out_puts(o, t->n == 0 ? "no facts\">" : "\">");
    for (int c = 0; c < KEN_N_CATEGORIES; c++) {
        if (t->category[c] == 0) continue;
        double share = (double)t->category[c] / (double)t->n;
        ken_out_printf(o, "<i class=\"c%d\" style=\"flex-grow:%" PRIu64 "\" title=\"%s: %s (%s)\">", c, t->category[c],
                       ken_category_name(c), ken_count_text(number, t->category[c]), ken_html_percent(percent, share));
        if (share >= least) ken_out_printf(o, "%.0f%%", 100.0 * share);
        ken_out_puts(o, "</i>");
    }
    ken_out_puts(o, "</div>");
}

void ken_bar_key(ken_out *o, bool unlabelled)
{
    ken_out_puts(o, "<ul class=\"key\">");
    for (int c = 0; c < (unlabelled ? 5 : 4); c++)
        ken_out_printf(o, "<li><i class=\"c%d\"></i>%s</li>", c, ken_category_name(c));
    ken_out_puts(o, "</ul>\n");
}
