/* plots.h - the report's plots as inline SVG: no library, no script, colours by CSS class. */
#ifndef KEN_REPORT_PLOTS_H
#define KEN_REPORT_PLOTS_H
#include "base/out.h"
#include "report/summary.h"

/* One HTML bar of stacked categories; nothing visible when empty. Its label for screen readers says the
 * shares; those of at least `least` stand in the bar too. */
void ken_plot_bar(ken_out *o, const ken_tally *t, const char *extra_class, double least);

/* Stacked columns, one a bin. name(i) goes under column i where not empty, or with `edges` under the left edge of column i (n
 * being the right end); span(i) goes into the column's tooltip. Text is ours, never data. */
typedef void (*ken_plot_name)(char buf[32], int i, const void *ctx);
void ken_plot_columns(ken_out *o, const ken_tally *bins, int n, ken_plot_name name, ken_plot_name span, const void *ctx,
                      bool edges, const char *title, const char *x_title);

/* Shares of the four categories (rows of `share`) over x, as stacked areas. x is 1..n evenly. */
void ken_plot_areas(ken_out *o, const double (*share)[4], const int *x, int n, const char *title, const char *x_title);
#endif
