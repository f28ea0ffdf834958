/* figure_axis.h - a plot inside of a picture: two axes with ticks, the lines of a grid, titles, and the key above it.
 *
 *     ken_plot p = ken_plot_in(g, 40, 8, 42, 40);
 *     ken_axis_percents(&p.y, 0.0, 1.0);
 *     ken_axis_range(&p.x, 0.0, 10.0);
 *     ken_plot_grid(&p, KEN_LEVELS);                  behind the data, once the ticks are known
 *     ken_draw_dot(&g->drawing, paint, 5.0, ken_plot_x(&p, 3.0), ken_plot_y(&p, 0.25));
 *     ken_plot_edges(&p, KEN_BASE | KEN_TICKS);       on top of it
 */
#ifndef KEN_REPORT_FIGURE_AXIS_H
#define KEN_REPORT_FIGURE_AXIS_H
#include "report/figure_make.h"

enum { KEN_MOST_TICKS = 32, KEN_KEY_ITEMS = 8 };

typedef struct ken_axis {
    double lo, hi; /* values at its ends */
    bool logarithmic;
    int n;
    struct {
        double at;
        char label[24];
    } tick[KEN_MOST_TICKS];
} ken_axis;

typedef struct ken_plot {
    ken_figure *g;
    double left, right, top, bottom; /* its edges, in units */
    ken_axis x, y;
} ken_plot;

ken_plot ken_plot_in(ken_figure *g, double left, double right, double top, double bottom); /* margins */
double ken_plot_x(const ken_plot *p, double value); /* in units; a value beyond the range: the edge; NaN stays */
double ken_plot_y(const ken_plot *p, double value);

void ken_axis_range(ken_axis *a, double lo, double hi);
void ken_axis_tick(ken_axis *a, double at, const char *label);
void ken_axis_counts(ken_axis *a, uint64_t most); /* from 0 to the first step at or above `most`; 1,000 */
void ken_axis_percents(ken_axis *a, double lo,
                       double hi);                      /* values are shares; of lost ones, below 0, without a sign */
void ken_axis_steps(ken_axis *a, double hi, int parts); /* from 0 to hi, in at most so many steps */
void ken_axis_reals(ken_axis *a, double most);          /* from 0 to the first step at or above `most` */
void ken_axis_decades(ken_axis *a, double least, double most); /* logarithmic, whole powers of ten */
int ken_decimals_of(double step);                              /* as few as tell multiples of it apart, at most 6 */

enum { KEN_LEVELS = 1, KEN_UPRIGHTS = 2 };                           /* grid lines at the ticks of y, of x */
enum { KEN_BASE = 1, KEN_SIDE = 2, KEN_TICKS = 4, KEN_UNNAMED = 8 }; /* UNNAMED: x without labels */
/* Widens the left margin for labels that need more. */
void ken_plot_grid(ken_plot *p, unsigned lines);
/* The axes and their labels; of x only those that have room. */
void ken_plot_edges(const ken_plot *p, unsigned what);
void ken_plot_title_x(const ken_plot *p, const char *s); /* below the labels, in the middle */
void ken_plot_title_y(const ken_plot *p, const char *s); /* above the plot, at the left */

/* Names beside boxes ('b'), lines ('l') and dashed lines ('d'), in as many lines as they need. */
typedef struct ken_key {
    int n;
    struct {
        char mark;
        ken_paint paint;
        const char *name;
    } item[KEN_KEY_ITEMS];
} ken_key;
void ken_key_add(ken_key *k, char mark, ken_paint paint, const char *name);
void ken_key_categories(ken_key *k,
                        const uint64_t *counts); /* the four, or, of counts, those that occur if unlabelled does */
/* At the top of the picture; gives the height that it takes, 0 for an empty one. Lines past the first make the picture higher. */
double ken_key_draw(ken_figure *g, const ken_key *k);
#endif
