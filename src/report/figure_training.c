/* figure_training.c - the figures of a training: which categories are fitted when, beside the accuracy on rows that are not trained
 * on (the first figure of Gekhman et al. 2024); accuracy of each set over the epochs; accuracy by category before, at the best and at
 * the last weights; the loss. Everything is read from the measures of the run's points. */
#include "base/alloc.h"
#include "base/stats.h"
#include "report/figure_axis.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_SETS = 3, MOST_DRAWN = 150, MOST_SPOTS = MOST_DRAWN + 4 };
static const char *const set_names[N_SETS] = {"dev", "test", "ood"};

typedef struct tried {
    uint64_t n, hits;
} tried;

typedef struct moment {
    double epoch, loss, kl;
    int64_t step;
    bool best, last;
    tried fit[KEN_UNLABELLED], set[N_SETS], category[N_SETS][KEN_UNLABELLED];
} moment;

typedef struct course {
    moment *m; /* (n) by step */
    size_t n;
    const moment *first, *best, *last; /* before training, the weights kept as best and as last; or NULL */
} course;

static double share(tried t) { return t.n > 0 ? (double)t.hits / (double)t.n : NAN; }

static int read_course(course *c, ken_run *run, ken_err *err)
{
    c->n = ken_run_n_points(run);
    c->m = ken_calloc(c->n, sizeof *c->m);
    if (c->m == NULL) return ken_fail_nomem(err, "figures");
    for (size_t i = 0; i < c->n; i++) {
        const ken_point *p = ken_run_point(run, i);
        const ken_measure *list;
        size_t n;
        moment *m = &c->m[i];
        *m = (moment){
            .epoch = p->epoch, .loss = p->loss, .kl = p->kl, .step = p->step, .best = p->best, .last = p->last};
        int rc = ken_run_measures(run, m->step, &list, &n, err);
        if (rc != KEN_OK) return rc;
        for (size_t j = 0; j < n; j++) {
            const ken_measure *x = &list[j];
            tried t = {x->n, x->hits};
            bool all = strcmp(x->grouping, "all") == 0;
            int category = -1, set = -1;
            for (int k = 0; k < KEN_UNLABELLED && strcmp(x->grouping, "category") == 0; k++)
                if (strcmp(x->key, ken_category_name(k)) == 0) category = k;
            for (int k = 0; k < N_SETS; k++)
                if (strcmp(x->set, set_names[k]) == 0) set = k;
            if (strcmp(x->set, "train") == 0 && category >= 0) m->fit[category] = t;
            if (set >= 0 && all) m->set[set] = t;
            if (set >= 0 && category >= 0) m->category[set][category] = t;
        }
        if (m->step == 0) c->first = m;
        if (m->best) c->best = m;
        if (m->last) c->last = m;
    }
    return KEN_OK;
}

/* Is the point drawn? Of many, evenly spaced ones, and those that matter. */
static bool drawn(const course *c, size_t i)
{
    size_t stride = (c->n + MOST_DRAWN - 1) / MOST_DRAWN;
    return stride < 2 || i % stride == 0 || i + 1 == c->n || c->m[i].best || c->m[i].last;
}

/* Entry k of the array of a moment that begins at offset. */
static tried value_of(const moment *m, size_t offset, int k) { return ((const tried *)((const char *)m + offset))[k]; }

static bool measured(const course *c, size_t offset, int k)
{
    size_t points = 0;
    for (size_t i = 0; i < c->n; i++) points += value_of(&c->m[i], offset, k).n > 0;
    return points > 1;
}

/* Of the measure k at offset, over the epochs: the share, and the band of its interval where opacity is above 0. */
static void draw_course(const ken_plot *p, const course *c, size_t offset, int k, ken_pen pen, double opacity)
{
    ken_spot line[MOST_SPOTS], band[2 * MOST_SPOTS];
    size_t n = 0, m = 0;
    for (size_t i = 0; i < c->n; i++)
        if (value_of(&c->m[i], offset, k).n > 0 && drawn(c, i) && n < MOST_SPOTS) n++;
    for (size_t i = 0; i < c->n && m < n; i++) {
        tried t = value_of(&c->m[i], offset, k);
        double lo, hi, x = ken_plot_x(p, c->m[i].epoch);
        if (t.n == 0 || !drawn(c, i)) continue;
        ken_wilson(t.hits, t.n, &lo, &hi);
        line[m] = (ken_spot){x, ken_plot_y(p, share(t))};
        band[m] = (ken_spot){x, ken_plot_y(p, hi)};
        band[2 * n - ++m] = (ken_spot){x, ken_plot_y(p, lo)};
    }
    if (opacity > 0.0) ken_draw_area(&p->g->drawing, pen.paint, opacity, band, 2 * n);
    else ken_draw_curve(&p->g->drawing, pen, line, n);
}

static double highest(const course *c, int set)
{
    double most = 0.0, lo, hi;
    for (size_t i = 0; i < c->n; i++) {
        if (c->m[i].set[set].n == 0) continue;
        ken_wilson(c->m[i].set[set].hits, c->m[i].set[set].n, &lo, &hi);
        most = fmax(most, hi);
    }
    return most;
}

/* Epochs along the x axis: whole ones where there are a few. */
static void choose_epochs(ken_plot *p, const course *c)
{
    enum { PARTS = 8 };
    double last = c->m[c->n - 1].epoch;
    ken_axis_steps(&p->x, last, last > 2.0 && last < PARTS ? (int)ceil(last) : PARTS);
}

/* A line where the best weights are, and the axes. */
static void put_epochs(const ken_plot *p, const course *c, bool labelled)
{
    double x = c->best != NULL ? ken_plot_x(p, c->best->epoch) : NAN;
    ken_draw_line(&p->g->drawing, (ken_pen){KEN_PAINT_INK, 1.2, "2 3"}, x, p->top, x, p->bottom);
    ken_plot_edges(p, KEN_BASE | KEN_TICKS | (labelled ? 0U : KEN_UNNAMED));
    if (labelled) ken_plot_title_x(p, c->best != NULL ? "epoch (dotted line: the best weights on dev)" : "epoch");
}

static ken_paint paint_of_set(int set)
{
    return set == 0 ? KEN_PAINT_MUTED : ken_paint_of(set == 1 ? KEN_HIGHLY_KNOWN : KEN_UNKNOWN);
}

static void put_moment_heads(ken_figure *g)
{
    ken_figure_column(g, "epoch", KEN_CELL_NUMBER);
    ken_figure_column(g, "step", KEN_CELL_COUNT);
}

static void put_moment(ken_figure *g, const moment *m) { ken_figure_numbers(g, 2, m->epoch, (double)m->step); }

/* ---- fit ------------------------------------------------------------------------------------------------------------- */

static void draw_fit(ken_figure *g, const course *c, const bool has[KEN_UNLABELLED], double below)
{
    ken_key key = {0};
    for (int i = 0; i < KEN_UNLABELLED; i++)
        if (has[i]) ken_key_add(&key, 'b', ken_paint_of(i), ken_category_name(i));
    ken_plot p = ken_plot_in(g, 44, 14, ken_key_draw(g, &key) + 28, below);
    ken_axis_percents(&p.y, 0.0, 1.0);
    choose_epochs(&p, c);
    ken_plot_grid(&p, KEN_LEVELS);
    ken_plot_title_y(&p, "training rows answered correctly");
    for (int i = 0; i < KEN_UNLABELLED; i++)
        if (has[i]) draw_course(&p, c, offsetof(moment, fit), i, (ken_pen){ken_paint_of(i), 2.0, NULL}, 0.0);
    put_epochs(&p, c, below < 100);
}

static void draw_dev(ken_figure *g, const course *c, double top)
{
    const size_t sets = offsetof(moment, set);
    ken_plot p = ken_plot_in(g, 44, 14, top, 40);
    ken_axis_percents(&p.y, 0.0, fmin(1.0, highest(c, 0) * 1.08 + 0.005));
    choose_epochs(&p, c);
    ken_plot_grid(&p, KEN_LEVELS);
    ken_plot_title_y(&p, "dev rows answered correctly, with 95% interval");
    draw_course(&p, c, sets, 0, (ken_pen){KEN_PAINT_MUTED, 2.0, NULL}, 0.2);
    draw_course(&p, c, sets, 0, (ken_pen){KEN_PAINT_INK, 2.0, NULL}, 0.0);
    put_epochs(&p, c, true);
}

static int fit(ken_figures *f, const course *c, size_t k, ken_err *err)
{
    bool has[KEN_UNLABELLED], any = false, dev = measured(c, offsetof(moment, set), 0);
    for (int i = 0; i < KEN_UNLABELLED; i++) any |= has[i] = measured(c, offsetof(moment, fit), i);
    if (!any) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "What is fitted when", dev ? 334 : 240, err, "fit-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    draw_fit(g, c, has, dev ? 136 : 40);
    if (dev) draw_dev(g, c, 230);
    put_moment_heads(g);
    for (int i = 0; i < KEN_UNLABELLED; i++)
        if (has[i]) ken_figure_column(g, ken_category_name(i), KEN_CELL_SHARE);
    if (dev) ken_figure_column(g, "dev", KEN_CELL_SHARE);
    for (size_t i = 0; i < c->n; i++) {
        put_moment(g, &c->m[i]);
        for (int j = 0; j < KEN_UNLABELLED; j++)
            if (has[j]) ken_figure_number(g, share(c->m[i].fit[j]));
        if (dev) ken_figure_number(g, share(c->m[i].set[0]));
    }
    ken_buf_puts(&g->caption,
                 "Training rows that the model answers correctly, by the category they had before training");
    ken_buf_puts(&g->caption,
                 dev ? ", and rows of dev, which it is not trained on. Compare Gekhman et al. 2024, figure 1."
                     : ". Compare Gekhman et al. 2024, figure 1.");
    ken_buf_printf(&g->description, "Lines over %.4g epochs: share of training rows answered correctly by category.",
                   c->m[c->n - 1].epoch);
    for (int i = 0; i < KEN_UNLABELLED; i++) { /* how fast: when half of a category is fitted */
        const moment *half = NULL;
        for (size_t j = 0; j < c->n && has[i] && half == NULL; j++)
            if (share(c->m[j].fit[i]) >= 0.5) half = &c->m[j];
        if (!has[i]) continue;
        if (half != NULL)
            ken_buf_printf(&g->description, " Half of %s is fitted at epoch %.4g.", ken_category_name(i), half->epoch);
        else ken_buf_printf(&g->description, " Half of %s is never fitted.", ken_category_name(i));
    }
    if (c->best != NULL && dev)
        ken_buf_printf(&g->description, " Dev is best at epoch %.4g with %.1f%%, and %.1f%% at the end.",
                       c->best->epoch, 100.0 * share(c->best->set[0]), 100.0 * share(c->m[c->n - 1].set[0]));
    return ken_figure_done(g, err);
}

/* ---- accuracy -------------------------------------------------------------------------------------------------------- */

static const char *const long_names[N_SETS] = {"dev", "test", "other relations (ood)"};

static void draw_accuracy(ken_figure *g, const course *c, const bool has[N_SETS])
{
    double top = 0.0;
    ken_key key = {0};
    for (int i = 0; i < N_SETS; i++) {
        if (!has[i]) continue;
        top = fmax(top, highest(c, i));
        ken_key_add(&key, i == 0 ? 'd' : 'l', paint_of_set(i), long_names[i]);
    }
    ken_plot p = ken_plot_in(g, 44, 14, ken_key_draw(g, &key) + 28, 40);
    ken_axis_percents(&p.y, 0.0, fmin(1.0, top * 1.05 + 0.005));
    choose_epochs(&p, c);
    ken_plot_grid(&p, KEN_LEVELS);
    ken_plot_title_y(&p, "answered correctly, with 95% interval");
    for (int lines = 0; lines < 2; lines++)
        for (int i = 0; i < N_SETS; i++)
            if (has[i])
                draw_course(&p, c, offsetof(moment, set), i, (ken_pen){paint_of_set(i), 2.0, i == 0 ? "4 3" : NULL},
                            lines ? 0.0 : 0.18);
    put_epochs(&p, c, true);
}

static int accuracy(ken_figures *f, const course *c, size_t k, ken_err *err)
{
    bool has[N_SETS], any = false;
    for (int i = 0; i < N_SETS; i++) any |= has[i] = measured(c, offsetof(moment, set), i);
    if (!any) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Accuracy on other rows", 250, err, "accuracy-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    draw_accuracy(g, c, has);
    put_moment_heads(g);
    for (int i = 0; i < N_SETS; i++)
        if (has[i]) ken_figure_column(g, set_names[i], KEN_CELL_SHARE);
    for (size_t i = 0; i < c->n; i++) {
        put_moment(g, &c->m[i]);
        for (int j = 0; j < N_SETS; j++)
            if (has[j]) ken_figure_number(g, share(c->m[i].set[j]));
    }
    ken_buf_puts(&g->caption, "Exact match of greedy answers on rows that are not trained on.");
    ken_buf_puts(&g->description, "Lines over the epochs with 95% bands.");
    for (int i = 0; i < N_SETS; i++) {
        if (!has[i]) continue;
        ken_buf_printf(&g->description, " %s:", long_names[i]);
        if (c->first != NULL && c->first->set[i].n > 0)
            ken_buf_printf(&g->description, " %.1f%% before,", 100.0 * share(c->first->set[i]));
        if (c->best != NULL && c->best->set[i].n > 0)
            ken_buf_printf(&g->description, " %.1f%% at the best epoch (%.4g),", 100.0 * share(c->best->set[i]),
                           c->best->epoch);
        ken_buf_printf(&g->description, " %.1f%% at the end.", 100.0 * share(c->m[c->n - 1].set[i]));
    }
    return ken_figure_done(g, err);
}

/* ---- by category ----------------------------------------------------------------------------------------------------- */

enum { N_TIMES = 3, ROW = 16, GROUP_GAP = 8 };
static const char *const when[N_TIMES] = {"before", "best", "last"};

/* The weights that are compared, each once; NULL: there are none of that time. */
static void choose_moments(const moment *at[N_TIMES], const course *c)
{
    at[0] = c->first;
    at[1] = c->best;
    at[2] = c->last != NULL ? c->last : &c->m[c->n - 1];
    if (at[1] == at[2] || at[1] == at[0]) at[1] = NULL;
    if (at[0] == at[2]) at[0] = NULL;
}

/* Test rows first: dev has chosen the best weights. -1: no set was asked by category. */
static int set_with_categories(const moment *m)
{
    static const int order[N_SETS] = {1, 0, 2};
    for (int j = 0; j < N_SETS; j++)
        for (int i = 0; i < KEN_UNLABELLED; i++)
            if (m->category[order[j]][i].n > 0) return order[j];
    return -1;
}

/* A bar with its interval and its words; y: its middle. */
static void draw_bar(const ken_plot *p, tried x, int category, int time, double y)
{
    static const double opacity[N_TIMES] = {0.4, 0.7, 1.0};
    char a[32], b[32], buf[80];
    double lo, hi;
    ken_wilson(x.hits, x.n, &lo, &hi);
    ken_interval interval = {ken_plot_x(p, lo), y, ken_plot_x(p, hi), y, NAN, NAN};
    ken_draw_box(&p->g->drawing, ken_paint_of(category), opacity[time], p->left, y - 6.5, ken_plot_x(p, share(x)),
                 y + 6.5);
    ken_draw_intervals(&p->g->drawing, &interval, 1);
    ken_draw_text(&p->g->drawing, p->left - 5, y, KEN_END, when[time]);
    snprintf(buf, sizeof buf, "%s of %s", ken_count_text(a, x.hits), ken_count_text(b, x.n));
    ken_draw_text(&p->g->drawing, KEN_FIGURE_WIDTH - 4, y, KEN_END, buf);
}

static void draw_categories(ken_figure *g, const moment *const at[N_TIMES], int set, double top)
{
    char buf[80];
    ken_plot p = ken_plot_in(g, 136, 76, top, 40);
    double y = top;
    ken_axis_percents(&p.x, 0.0, 1.0);
    ken_plot_grid(&p, KEN_UPRIGHTS);
    for (int i = 0; i < KEN_UNLABELLED; i++) {
        double from = y;
        for (int t = 0; t < N_TIMES; t++) {
            if (at[t] == NULL || at[t]->category[set][i].n == 0) continue;
            draw_bar(&p, at[t]->category[set][i], i, t, y + ROW / 2.0);
            y += ROW;
        }
        if (y == from) continue;
        ken_draw_text(&g->drawing, 4, (from + y) / 2.0, KEN_START, ken_category_name(i));
        y += GROUP_GAP;
    }
    ken_plot_edges(&p, 0);
    snprintf(buf, sizeof buf, "%s rows answered correctly", set_names[set]);
    ken_plot_title_x(&p, buf);
}

static int categories(ken_figures *f, const course *c, size_t k, ken_err *err)
{
    const moment *at[N_TIMES];
    int set, rows = 0, groups = 0, top = 10;
    choose_moments(at, c);
    if ((set = set_with_categories(at[2])) < 0) return KEN_OK;
    for (int i = 0; i < KEN_UNLABELLED; i++) {
        int own = 0;
        for (int t = 0; t < N_TIMES; t++) own += at[t] != NULL && at[t]->category[set][i].n > 0;
        rows += own;
        groups += own > 0;
    }
    ken_figure *g =
        ken_figure_add(f, "Accuracy by category", top + ROW * rows + GROUP_GAP * groups + 40, err, "categories-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    draw_categories(g, at, set, top);
    ken_figure_columns(g, KEN_CELL_TEXT, "category", "weights");
    ken_figure_column(g, "epoch", KEN_CELL_NUMBER);
    ken_figure_columns(g, KEN_CELL_COUNT, "rows", "right");
    ken_figure_columns(g, KEN_CELL_SHARE, "share", "95% from", "95% to");
    ken_buf_printf(&g->description, "Bars: share of %s rows answered correctly, by category before training.",
                   set_names[set]);
    for (int i = 0; i < KEN_UNLABELLED; i++)
        for (int t = 0; t < N_TIMES; t++) {
            if (at[t] == NULL || at[t]->category[set][i].n == 0) continue;
            tried x = at[t]->category[set][i];
            double lo, hi;
            ken_wilson(x.hits, x.n, &lo, &hi);
            ken_figure_text(g, ken_category_name(i));
            ken_figure_text(g, when[t]);
            ken_figure_numbers(g, 6, at[t]->epoch, (double)x.n, (double)x.hits, share(x), lo, hi);
            ken_buf_printf(&g->description, " %s, %s: %.1f%%.", ken_category_name(i), when[t], 100.0 * share(x));
        }
    ken_buf_printf(&g->caption, "Rows of %s by the category they had before training, with 95%% Wilson intervals",
                   set_names[set]);
    if (at[1] != NULL) ken_buf_printf(&g->caption, "; best: epoch %.4g, last: epoch %.4g", at[1]->epoch, at[2]->epoch);
    ken_buf_putc(&g->caption, '.');
    return ken_figure_done(g, err);
}

/* ---- loss ------------------------------------------------------------------------------------------------------------ */

static double loss_of(const moment *m, bool kl) { return kl ? m->kl : m->loss; }

typedef struct losses {
    double most, least; /* the greatest, the smallest above 0 */
    size_t points;      /* of the loss */
    bool kl;            /* the divergence from a teacher was measured */
} losses;

static losses read_losses(const course *c)
{
    losses x = {.least = INFINITY};
    for (size_t i = 0; i < c->n; i++) {
        for (int kl = 0; kl < 2; kl++) {
            double y = loss_of(&c->m[i], kl);
            if (!isfinite(y)) continue;
            x.most = fmax(x.most, y);
            if (y > 0.0) x.least = fmin(x.least, y);
            x.kl |= kl != 0;
        }
        x.points += isfinite(c->m[i].loss);
    }
    return x;
}

static void draw_losses(ken_figure *g, const course *c, const losses *x)
{
    ken_key key = {0};
    ken_key_add(&key, 'l', ken_paint_of(KEN_HIGHLY_KNOWN), "loss");
    if (x->kl) ken_key_add(&key, 'd', ken_paint_of(KEN_UNKNOWN), "divergence from the teacher");
    ken_plot p = ken_plot_in(g, 44, 14, ken_key_draw(g, &key) + 28, 40);
    choose_epochs(&p, c);
    if (x->most / x->least > 20.0) ken_axis_decades(&p.y, x->least, x->most); /* else one end would be flat */
    else ken_axis_reals(&p.y, x->most);
    ken_plot_grid(&p, KEN_LEVELS);
    ken_plot_title_y(&p, "nats a target token");
    for (int kl = 0; kl < (x->kl ? 2 : 1); kl++) {
        ken_spot line[MOST_SPOTS];
        size_t n = 0;
        for (size_t i = 0; i < c->n && n < MOST_SPOTS; i++) {
            double y = loss_of(&c->m[i], kl);
            if (!isfinite(y) || (p.y.logarithmic && y <= 0.0) || !drawn(c, i)) continue;
            line[n++] = (ken_spot){ken_plot_x(&p, c->m[i].epoch), ken_plot_y(&p, y)};
        }
        ken_pen pen = {ken_paint_of(kl ? KEN_UNKNOWN : KEN_HIGHLY_KNOWN), 2.0, kl ? "4 3" : NULL};
        ken_draw_curve(&g->drawing, pen, line, n);
    }
    put_epochs(&p, c, true);
}

static int loss(ken_figures *f, const course *c, size_t k, ken_err *err)
{
    losses x = read_losses(c);
    if (x.points < 2 || !(x.most > 0.0) || !isfinite(x.least)) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Training loss", 220, err, "loss-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    draw_losses(g, c, &x);
    put_moment_heads(g);
    ken_figure_column(g, "loss", KEN_CELL_NUMBER);
    if (x.kl) ken_figure_column(g, "divergence", KEN_CELL_NUMBER);
    double first = NAN, last = NAN;
    for (size_t i = 0; i < c->n; i++) {
        put_moment(g, &c->m[i]);
        ken_figure_number(g, c->m[i].loss);
        if (x.kl) ken_figure_number(g, c->m[i].kl);
        if (!isfinite(c->m[i].loss)) continue;
        if (isnan(first)) first = c->m[i].loss;
        last = c->m[i].loss;
    }
    ken_buf_puts(&g->caption, "Mean over the steps since the point before, with dropout where it is used.");
    ken_buf_printf(&g->description, "A line over the epochs: the loss a target token goes from %.3g to %.3g nats.",
                   first, last);
    return ken_figure_done(g, err);
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

int ken_figures_training(ken_figures *f, ken_run *run, size_t k, ken_err *err)
{
    course c = {0};
    int rc = read_course(&c, run, err);
    if (rc == KEN_OK && c.n > 0) {
        rc = fit(f, &c, k, err);
        if (rc == KEN_OK) rc = accuracy(f, &c, k, err);
        if (rc == KEN_OK) rc = categories(f, &c, k, err);
        if (rc == KEN_OK) rc = loss(f, &c, k, err);
    }
    ken_free(c.m);
    return rc;
}
