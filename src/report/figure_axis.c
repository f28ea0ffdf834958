/* figure_axis.c - see figure_axis.h. */
#include "report/figure_axis.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_GAP = 6, TICK = 4 };

static ken_pen thin(ken_paint paint) { return (ken_pen){paint, 1.0, NULL}; }

/* ---- places ---------------------------------------------------------------------------------------------------------- */

ken_plot ken_plot_in(ken_figure *g, double left, double right, double top, double bottom)
{
    return (ken_plot){.g = g,
                      .left = left,
                      .right = KEN_FIGURE_WIDTH - right,
                      .top = top,
                      .bottom = g->height - bottom,
                      .x = {.hi = 1.0},
                      .y = {.hi = 1.0}};
}

static double part_of(const ken_axis *a, double value)
{
    double lo = a->lo, hi = a->hi;
    if (a->logarithmic) lo = log10(lo), hi = log10(hi), value = log10(value);
    if (isnan(value)) return NAN;
    return hi > lo ? fmin(fmax((value - lo) / (hi - lo), 0.0), 1.0) : 0.0;
}

double ken_plot_x(const ken_plot *p, double value) { return p->left + part_of(&p->x, value) * (p->right - p->left); }
double ken_plot_y(const ken_plot *p, double value) { return p->bottom - part_of(&p->y, value) * (p->bottom - p->top); }

/* ---- ticks ----------------------------------------------------------------------------------------------------------- */

void ken_axis_range(ken_axis *a, double lo, double hi)
{
    a->lo = lo;
    a->hi = hi;
}

void ken_axis_tick(ken_axis *a, double at, const char *label)
{
    if (a->n == KEN_MOST_TICKS) return;
    a->tick[a->n].at = at;
    snprintf(a->tick[a->n++].label, sizeof a->tick[0].label, "%.23s", label);
}

/* A step of 1, 2 or 5 times a power of ten that divides `most` into three to six parts. */
static uint64_t nice_step(uint64_t most)
{
    uint64_t ten = 1;
    while (most / ten >= 60) ten *= 10; /* then most/ten is below 60 */
    static const uint64_t m[] = {1, 2, 5, 10, 20};
    for (int i = 0; i < 5; i++)
        if (most / (m[i] * ten) <= 5) return m[i] * ten;
    return 20 * ten;
}

void ken_axis_counts(ken_axis *a, uint64_t most)
{
    char number[32];
    if (most == 0) most = 1;
    uint64_t step = nice_step(most), top = (most + step - 1) / step * step;
    ken_axis_range(a, 0.0, (double)top);
    for (uint64_t at = 0; at <= top; at += step) ken_axis_tick(a, (double)at, ken_count_text(number, at));
}

void ken_axis_percents(ken_axis *a, double lo, double hi)
{
    static const double steps[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5};
    double step = 0.5;
    char number[32], label[40];
    for (int i = 9; i >= 0; i--)
        if ((hi - lo) / steps[i] <= 5.01) step = steps[i];
    ken_axis_range(a, lo, hi);
    long first = lround(ceil(lo / step - 1e-9)), last = lround(floor(hi / step + 1e-9));
    for (long i = first; i <= last; i++) {
        double at = (double)i * step;
        snprintf(label, sizeof label, "%s%%", ken_fixed(number, 100.0 * fabs(at), step < 0.0099 ? 1 : 0));
        ken_axis_tick(a, at, label);
    }
}

int ken_decimals_of(double step)
{
    int n = 0;
    while (n < 6 && fabs(step - round(step)) > 1e-6 * step) step *= 10.0, n++;
    return n;
}

/* 1, 2 or 5 times a power of ten, so that hi has at most so many parts. */
static double nice_part(double hi, int parts)
{
    static const double m[] = {1.0, 2.0, 5.0, 10.0};
    double ten = pow(10.0, floor(log10(hi / parts)));
    for (int i = 0; i < 3; i++)
        if (hi / (m[i] * ten) <= parts + 1e-9) return m[i] * ten;
    return 10.0 * ten;
}

void ken_axis_steps(ken_axis *a, double hi, int parts)
{
    char number[32];
    if (!(hi > 0.0) || !isfinite(hi)) hi = 1.0;
    double step = nice_part(hi, parts);
    ken_axis_range(a, 0.0, hi);
    for (int i = 0; i * step <= hi * (1.0 + 1e-9); i++)
        ken_axis_tick(a, i * step, ken_fixed(number, i * step, ken_decimals_of(step)));
}

void ken_axis_reals(ken_axis *a, double most)
{
    enum { PARTS = 5 };
    double step = nice_part(most, PARTS);
    ken_axis_steps(a, ceil(most / step - 1e-9) * step, PARTS);
}

void ken_axis_decades(ken_axis *a, double least, double most)
{
    char label[32], number[32];
    int lo = (int)floor(log10(least) + 1e-9), hi = (int)ceil(log10(most) - 1e-9), stride = 1 + (hi - lo) / 6;
    a->logarithmic = true;
    ken_axis_range(a, pow(10.0, lo), pow(10.0, hi));
    for (int i = lo; i <= hi; i += stride) {
        snprintf(label, sizeof label, "1e%d", i);
        ken_axis_tick(a, pow(10.0, i), i >= -4 && i < 6 ? ken_fixed(number, pow(10.0, i), i < 0 ? -i : 0) : label);
    }
}

/* ---- lines and labels ------------------------------------------------------------------------------------------------ */

static double label_width(const ken_axis *a, int i)
{
    return ken_text_width(a->tick[i].label, strlen(a->tick[i].label));
}

void ken_plot_grid(ken_plot *p, unsigned lines)
{
    for (int i = 0; i < p->y.n; i++) p->left = fmax(p->left, label_width(&p->y, i) + LABEL_GAP + 2);
    for (int i = 0; i < p->y.n && (lines & KEN_LEVELS) != 0; i++) {
        double y = ken_plot_y(p, p->y.tick[i].at);
        ken_draw_line(&p->g->drawing, thin(KEN_PAINT_LINE), p->left, y, p->right, y);
    }
    for (int i = 0; i < p->x.n && (lines & KEN_UPRIGHTS) != 0; i++) {
        double x = ken_plot_x(p, p->x.tick[i].at);
        ken_draw_line(&p->g->drawing, thin(KEN_PAINT_LINE), x, p->top, x, p->bottom);
    }
}

static void name_x(const ken_plot *p)
{
    double behind = -INFINITY;
    for (int i = 0; i < p->x.n; i++) {
        double x = ken_plot_x(p, p->x.tick[i].at), half = label_width(&p->x, i) / 2.0;
        if (x - half < behind + 2.0) continue;
        ken_draw_text(&p->g->drawing, x, p->bottom + 13, KEN_MIDDLE, p->x.tick[i].label);
        behind = x + half;
    }
}

void ken_plot_edges(const ken_plot *p, unsigned what)
{
    ken_drawing *d = &p->g->drawing;
    if ((what & KEN_SIDE) != 0) ken_draw_line(d, thin(KEN_PAINT_MUTED), p->left, p->top, p->left, p->bottom);
    if ((what & KEN_BASE) != 0) ken_draw_line(d, thin(KEN_PAINT_MUTED), p->left, p->bottom, p->right, p->bottom);
    for (int i = 0; i < p->x.n && (what & KEN_TICKS) != 0; i++) {
        double x = ken_plot_x(p, p->x.tick[i].at);
        ken_draw_line(d, thin(KEN_PAINT_MUTED), x, p->bottom, x, p->bottom + TICK);
    }
    for (int i = 0; i < p->y.n; i++)
        ken_draw_text(d, p->left - LABEL_GAP, ken_plot_y(p, p->y.tick[i].at), KEN_END, p->y.tick[i].label);
    if ((what & KEN_UNNAMED) == 0) name_x(p);
}

void ken_plot_title_x(const ken_plot *p, const char *s)
{
    ken_draw_text(&p->g->drawing, (p->left + p->right) / 2.0, p->bottom + 31, KEN_MIDDLE, s);
}

void ken_plot_title_y(const ken_plot *p, const char *s) { ken_draw_text(&p->g->drawing, 4, p->top - 17, KEN_START, s); }

/* ---- the key --------------------------------------------------------------------------------------------------------- */

void ken_key_add(ken_key *k, char mark, ken_paint paint, const char *name)
{
    if (k->n == KEN_KEY_ITEMS) return;
    k->item[k->n].mark = mark;
    k->item[k->n].paint = paint;
    k->item[k->n++].name = name;
}

void ken_key_categories(ken_key *k, const uint64_t *counts)
{
    bool some = counts != NULL && counts[KEN_UNLABELLED] > 0;
    for (int c = 0; c < KEN_N_CATEGORIES; c++)
        if (some ? counts[c] > 0 : c < KEN_UNLABELLED) ken_key_add(k, 'b', ken_paint_of(c), ken_category_name(c));
}

static double mark_width(char mark) { return mark == 'b' ? 9.0 : 18.0; }

static void draw_item(ken_drawing *d, const ken_key *k, int i, double x, double y)
{
    ken_paint paint = k->item[i].paint;
    char mark = k->item[i].mark;
    if (mark == 'b') ken_draw_box(d, paint, 1.0, x, y - 4.5, x + mark_width(mark), y + 4.5);
    else ken_draw_line(d, (ken_pen){paint, 2.0, mark == 'd' ? "4 3" : NULL}, x, y, x + mark_width(mark), y);
    ken_draw_text(d, x + mark_width(mark) + 4, y, KEN_START, k->item[i].name);
}

double ken_key_draw(ken_figure *g, const ken_key *k)
{
    enum { LEFT = 4, LINE = 17, WIDE_GAP = 16, SLIM_GAP = 5 };
    double room = KEN_FIGURE_WIDTH - 2 * LEFT, height = 0.0;
    for (int i = 0, end; i < k->n; i = end) {
        double width = 0.0, x = LEFT;
        for (end = i; end < k->n; end++) { /* as many as fit */
            double own =
                mark_width(k->item[end].mark) + 4 + ken_text_width(k->item[end].name, strlen(k->item[end].name));
            if (end > i && width + SLIM_GAP * (end - i) + own > room) break;
            width += own;
        }
        double gap = end - i > 1 ? fmin(WIDE_GAP, (room - width) / (end - i - 1)) : 0.0;
        for (int j = i; j < end; j++) {
            draw_item(&g->drawing, k, j, x, height + 9);
            x += mark_width(k->item[j].mark) + 4 + ken_text_width(k->item[j].name, strlen(k->item[j].name)) + gap;
        }
        height += LINE;
        if (i > 0) g->height += LINE;
    }
    return height;
}
