/* plots.c - see plots.h. Coordinates are of a fixed view box, which the browser scales; text stays legible at phone width because
 * the box is small. Numbers are printed with one decimal, so that the same run gives the same bytes everywhere. */
#include "report/plots.h"
#include "report/html.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { WIDTH = 480, HEIGHT = 262, LEFT = 44, RIGHT = 8, TOP = 10, BOTTOM = 46 };

static double plot_width(void) { return WIDTH - LEFT - RIGHT; }
static double plot_height(void) { return HEIGHT - TOP - BOTTOM; }

void ken_plot_bar(ken_out *o, const ken_tally *t, const char *extra_class, double least)
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
                       ken_category_name(c), ken_html_count(number, t->category[c]), ken_html_percent(percent, share));
        if (share >= least) ken_out_printf(o, "%.0f%%", 100.0 * share);
        ken_out_puts(o, "</i>");
    }
    ken_out_puts(o, "</div>");
}

static void begin(ken_out *o, const char *title)
{
    ken_out_printf(o, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">", WIDTH, HEIGHT, title);
}

static void end(ken_out *o, const char *x_title)
{
    ken_out_printf(o, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", LEFT, WIDTH - RIGHT,
                   HEIGHT - BOTTOM, HEIGHT - BOTTOM);
    ken_out_printf(o, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text></svg>", LEFT + plot_width() / 2,
                   HEIGHT - 8, x_title);
}

static void grid_line(ken_out *o, double share_of_height, const char *label)
{
    double y = TOP + plot_height() * (1.0 - share_of_height);
    ken_out_printf(o, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, y, y);
    ken_out_printf(o, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 7, y + 4, label);
}

/* A step of 1, 2 or 5 times a power of ten that divides `most` into three to six parts. */
static uint64_t nice_step(uint64_t most)
{
    uint64_t ten = 1;
    while (most / ten >= 60) ten *= 10; /* then most/ten is below 60 */
    const uint64_t m[] = {1, 2, 5, 10, 20};
    for (int i = 0; i < 5; i++)
        if (most / (m[i] * ten) <= 5) return m[i] * ten;
    return 20 * ten;
}

void ken_plot_columns(ken_out *o, const ken_tally *bins, int n, ken_plot_name name, ken_plot_name span, const void *ctx,
                      bool edges, const char *title, const char *x_title)
{
    uint64_t most = 1;
    char label[32], number[32];
    for (int i = 0; i < n; i++)
        if (bins[i].n > most) most = bins[i].n;
    uint64_t step = nice_step(most), top = (most + step - 1) / step * step;
    double slot = plot_width() / n, width = slot * 0.84;
    begin(o, title);
    for (uint64_t at = step; at <= top; at += step) grid_line(o, (double)at / (double)top, ken_html_count(number, at));
    for (int i = 0; i < n; i++) {
        double x = LEFT + slot * i + (slot - width) / 2, y = HEIGHT - BOTTOM;
        if (bins[i].n > 0) {
            span(label, i, ctx);
            ken_out_printf(o, "<g class=\"hit\"><title>%s: %s", label, ken_html_count(number, bins[i].n));
            for (int c = 0; c < KEN_N_CATEGORIES; c++)
                if (bins[i].category[c] > 0)
                    ken_out_printf(o, "\n%s %s", ken_category_name(c), ken_html_count(number, bins[i].category[c]));
            ken_out_puts(o, "</title>");
            for (int c = 0; c < KEN_N_CATEGORIES; c++) { /* the best known at the bottom, as in the areas */
                double h = plot_height() * (double)bins[i].category[c] / (double)top;
                if (h <= 0.0) continue;
                y -= h;
                ken_out_printf(o, "<rect class=\"c%d\" x=\"%.1f\" y=\"%.2f\" width=\"%.1f\" height=\"%.2f\"/>", c, x, y,
                               width, h);
            }
            ken_out_puts(o, "</g>");
        }
    }
    for (int i = 0; i < n + (edges ? 1 : 0); i++) {
        name(label, i, ctx);
        if (label[0] != '\0')
            ken_out_printf(o, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                           LEFT + slot * (i + (edges ? 0.0 : 0.5)), HEIGHT - BOTTOM + 17, label);
    }
    end(o, x_title);
}

void ken_plot_areas(ken_out *o, const double (*share)[4], const int *x, int n, const char *title, const char *x_title)
{
    /* from the bottom up: HighlyKnown, MaybeKnown, WeaklyKnown, Unknown */
    static const char *const quarters[] = {"25%", "50%", "75%", "100%"};
    double step = n > 1 ? plot_width() / (n - 1) : 0.0;
    begin(o, title);
    for (int q = 0; q < 4; q++) grid_line(o, 0.25 * (q + 1), quarters[q]);
    double below[KEN_CURVE_MAX] = {0};
    for (int c = 0; c < 4; c++) {
        ken_out_printf(o, "<polygon class=\"c%d\" points=\"", c);
        for (int i = 0; i < n; i++)
            ken_out_printf(o, "%.1f,%.2f ", LEFT + step * i,
                           TOP + plot_height() * (1.0 - fmin(1.0, below[i] + share[i][c])));
        for (int i = n - 1; i >= 0; i--)
            ken_out_printf(o, "%.1f,%.2f ", LEFT + step * i, TOP + plot_height() * (1.0 - below[i]));
        ken_out_printf(o, "\"><title>%s</title></polygon>", ken_category_name(c));
        for (int i = 0; i < n; i++) below[i] = fmin(1.0, below[i] + share[i][c]);
        if (c == 3) continue;
        ken_out_puts(o, "<polyline class=\"edge\" points=\"");
        for (int i = 0; i < n; i++)
            ken_out_printf(o, "%.1f,%.2f ", LEFT + step * i, TOP + plot_height() * (1.0 - below[i]));
        ken_out_puts(o, "\"/>");
    }
    for (int i = 0; i < n; i++)
        ken_out_printf(o, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%d</text>", LEFT + step * i,
                       HEIGHT - BOTTOM + 17, n > 1 && i == n - 1 ? "end" : "middle", x[i]);
    end(o, x_title);
}
