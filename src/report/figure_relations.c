/* figure_relations.c - the figures of an annotation by relation: what was drawn against what was to be expected, and the categories of
 * each. Numbers come from the run's counts. */
#include "base/alloc.h"
#include "base/stats.h"
#include "report/bars.h"
#include "report/figure_axis.h"
#include "report/html.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t labelled_of(const ken_counts *c) { return c->n - c->category[KEN_UNLABELLED]; }

/* ---- Unknown, drawn and expected --------------------------------------------------------------------------------------- */

/* The dots of the relations (or the one of all), with the interval that 95% of all draws are in. */
static void draw_expected(const ken_plot *p, const ken_counts *const *list, size_t n, ken_paint paint, double width,
                          double diameter)
{
    for (int dots = 0; dots < 2; dots++)
        for (size_t i = 0; i < n; i++) {
            const ken_counts *c = list[i];
            double of = (double)labelled_of(c), half = 1.96 * c->sd_unknown;
            if (of == 0.0) continue;
            double y = ken_plot_y(p, (double)c->category[KEN_UNKNOWN] / of);
            if (dots) ken_draw_dot(&p->g->drawing, paint, diameter, ken_plot_x(p, c->expected_unknown / of), y);
            else
                ken_draw_line(&p->g->drawing, (ken_pen){paint, width, NULL},
                              ken_plot_x(p, fmax(0.0, c->expected_unknown - half) / of), y,
                              ken_plot_x(p, fmin(of, c->expected_unknown + half) / of), y);
        }
}

static void draw_unknown(ken_figure *g, const ken_counts *const *list, size_t n, double most)
{
    ken_plot p = ken_plot_in(g, 46, 14, 28, 44);
    ken_axis_percents(&p.x, 0.0, most);
    ken_axis_percents(&p.y, 0.0, most);
    ken_plot_grid(&p, KEN_LEVELS | KEN_UPRIGHTS);
    ken_draw_line(&g->drawing, (ken_pen){KEN_PAINT_MUTED, 1.0, "4 3"}, p.left, p.bottom, p.right, p.top);
    ken_plot_edges(&p, KEN_BASE);
    draw_expected(&p, list, n - 1, ken_paint_of(KEN_UNKNOWN), 1.2, 5.4);
    draw_expected(&p, list + n - 1, 1, KEN_PAINT_INK, 1.5, 7.2);
    ken_plot_title_y(&p, "Unknown as drawn, share of the relation's facts");
    ken_plot_title_x(&p, "expected share, with 95% interval of a draw");
}

/* A dot a relation: the draw is one of many possible ones, and this is how far it went. list: the relations (n - 1), then all. */
static int unknown(ken_figures *f, const ken_counts *const *list, size_t n, const ken_report_summary *s, size_t k,
                   ken_err *err)
{
    size_t inside = 0, shown = 0;
    double most = 0.0;
    char a[32];
    ken_figure *g = ken_figure_add(f, "Unknown, drawn and expected", 300, err, "unknown-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    ken_figure_column(g, "relation", KEN_CELL_TEXT);
    ken_figure_columns(g, KEN_CELL_COUNT, "labelled facts", "Unknown drawn");
    ken_figure_columns(g, KEN_CELL_NUMBER, "Unknown expected", "standard deviation");
    for (size_t i = 0; i < n; i++) {
        const ken_counts *c = list[i];
        double of = (double)labelled_of(c), drawn = (double)c->category[KEN_UNKNOWN], half = 1.96 * c->sd_unknown;
        if (of == 0.0) continue;
        ken_figure_text(g, i + 1 < n ? c->relation : "all");
        ken_figure_numbers(g, 4, of, drawn, c->expected_unknown, c->sd_unknown);
        most = fmax(most, fmax(drawn, c->expected_unknown + half) / of);
        if (i + 1 < n) inside += fabs(drawn - c->expected_unknown) <= half + 1e-9, shown++;
    }
    draw_unknown(g, list, n, fmin(1.0, fmax(most * 1.04, 0.01)));
    ken_buf_puts(&g->caption,
                 "One dot a relation, the dark one for all: facts labelled Unknown in this draw against their "
                 "expected number, the sum of exact probabilities. Bars hold 95% of all draws.");
    ken_buf_printf(
        &g->description,
        "Dots along a diagonal: for each of %zu relations the share of Unknown facts as drawn and as expected. "
        "Over all, %s were drawn and %.1f ± %.1f expected (%.1f%% of the labelled facts). %zu relations lie "
        "inside their 95%% interval.",
        shown, ken_count_text(a, list[n - 1]->category[KEN_UNKNOWN]), s->sum_unknown, sqrt(s->var_unknown),
        100.0 * s->sum_unknown / (double)s->n_labelled, inside);
    return ken_figure_done(g, err);
}

int ken_figure_unknown(ken_figures *f, const ken_run *run, const ken_report_summary *s, size_t k, ken_err *err)
{
    size_t n = ken_run_n_relations(run) + 1;
    if (s->n_no_greedy == 0 || s->n_labelled == 0) return KEN_OK;
    const ken_counts **list = ken_alloc(n, sizeof(ken_counts *));
    if (list == NULL) return ken_fail_nomem(err, "figures");
    for (size_t i = 0; i + 1 < n; i++) list[i] = ken_run_relation(run, i);
    list[n - 1] = ken_run_total(run);
    int rc = unknown(f, list, n, s, k, err);
    ken_free(list);
    return rc;
}

/* ---- categories -------------------------------------------------------------------------------------------------------- */

enum { MOST = 60, ROW = 15 };

typedef struct ranked {
    const ken_counts *c;
    size_t i;
    double known;
} ranked;

static int by_facts(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->c->n != y->c->n) return x->c->n > y->c->n ? -1 : 1;
    return x->i < y->i ? -1 : 1;
}

static int by_known(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->known != y->known) return x->known > y->known ? -1 : 1;
    return x->i < y->i ? -1 : 1;
}

static uint64_t known_of(const ken_counts *c)
{
    ken_tally t = ken_tally_of(c);
    return ken_tally_known(&t);
}

static void draw_relations(ken_figure *g, const ranked *r, size_t n)
{
    ken_key key = {0};
    ken_interval interval[MOST];
    double room = 60.0;
    for (size_t j = 0; j < n; j++)
        room = fmin(150.0, fmax(room, ken_text_width(r[j].c->relation, strlen(r[j].c->relation))));
    ken_key_categories(&key, NULL);
    ken_plot p = ken_plot_in(g, room + 12, 18, ken_key_draw(g, &key) + 9, 40);
    ken_axis_percents(&p.x, 0.0, 1.0);
    ken_plot_grid(&p, KEN_UPRIGHTS);
    for (int c = 0; c < 4; c++)
        for (size_t j = 0; j < n; j++) {
            double below = 0.0, own = (double)r[j].c->category[c], all = (double)labelled_of(r[j].c);
            double y = p.top + ROW * ((double)j + 0.5);
            for (int i = 0; i < c; i++) below += (double)r[j].c->category[i];
            if (own > 0.0)
                ken_draw_box(&g->drawing, ken_paint_of(c), 1.0, ken_plot_x(&p, below / all), y - 5.4,
                             ken_plot_x(&p, (below + own) / all), y + 5.4);
        }
    for (size_t j = 0; j < n; j++) {
        double lo, hi, y = p.top + ROW * ((double)j + 0.5);
        ken_wilson(known_of(r[j].c), labelled_of(r[j].c), &lo, &hi);
        interval[j] = (ken_interval){ken_plot_x(&p, lo), y, ken_plot_x(&p, hi), y, ken_plot_x(&p, r[j].known), y};
        ken_draw_words(&g->drawing, p.left - 7, y, KEN_END, room, r[j].c->relation);
    }
    ken_draw_intervals(&g->drawing, interval, n);
    ken_plot_edges(&p, 0);
    ken_plot_title_x(&p, "share of the relation's labelled facts");
}

/* r (n): ranked, those that are drawn first. */
static int relations(ken_figures *f, const ranked *r, size_t n, size_t shown, size_t k, ken_err *err)
{
    ken_figure *g = ken_figure_add(f, "Categories by relation", 66 + ROW * (int)shown, err, "relations-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    draw_relations(g, r, shown);
    ken_figure_column(g, "relation", KEN_CELL_TEXT);
    ken_figure_tally_heads(g);
    ken_figure_known_heads(g);
    for (size_t j = 0; j < n; j++) {
        ken_tally t = ken_tally_of(r[j].c);
        ken_figure_text(g, r[j].c->relation);
        ken_figure_tally(g, &t);
        ken_figure_known(g, ken_tally_known(&t), labelled_of(r[j].c));
    }
    ken_buf_puts(&g->caption, "Dots: HighlyKnown and MaybeKnown together, with 95% Wilson intervals; best known "
                              "first.");
    if (shown < n) ken_buf_printf(&g->caption, " The %zu largest of %zu relations; the CSV has all.", shown, n);
    ken_buf_printf(&g->description,
                   "Horizontal stacked bars, one for each of %zu relations. Best known is %.60s with %.1f%% "
                   "HighlyKnown or MaybeKnown, least known %.60s with %.1f%%.",
                   shown, r[0].c->relation, 100.0 * r[0].known, r[shown - 1].c->relation, 100.0 * r[shown - 1].known);
    return ken_figure_done(g, err);
}

int ken_figure_relations(ken_figures *f, const ken_run *run, size_t k, ken_err *err)
{
    size_t n = 0, all = ken_run_n_relations(run);
    ranked *r = ken_alloc(all, sizeof *r);
    if (r == NULL) return ken_fail_nomem(err, "figures");
    for (size_t i = 0; i < all; i++) {
        const ken_counts *c = ken_run_relation(run, i);
        if (labelled_of(c) > 0) r[n++] = (ranked){c, i, (double)known_of(c) / (double)labelled_of(c)};
    }
    size_t shown = n < MOST ? n : MOST;
    if (n > MOST) qsort(r, n, sizeof *r, by_facts);
    if (n > 1) qsort(r, shown, sizeof *r, by_known);
    int rc = n > 1 ? relations(f, r, n, shown, k, err) : KEN_OK;
    ken_free(r);
    return rc;
}
