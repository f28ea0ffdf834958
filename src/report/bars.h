/* bars.h - the stacked bars of categories in tables: HTML, with a label for those who do not see them. Plots are figure.h's. */
#ifndef KEN_REPORT_BARS_H
#define KEN_REPORT_BARS_H
#include "base/out.h"
#include "report/summary.h"

/* Nothing visible when empty. Shares of at least `least` stand in the bar too. */
void ken_bar_put(ken_out *o, const ken_tally *t, const char *extra_class, double least);
void ken_bar_key(ken_out *o, bool unlabelled); /* what the colours mean */
ken_tally ken_tally_of(const ken_counts *c);
#endif
