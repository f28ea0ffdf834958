/* figure_training.c - the figures of a training: which categories are fitted when, beside the accuracy on rows that are not trained
 * on (the first figure of Gekhman et al. 2024); accuracy of each set over the epochs; accuracy by category before, at the best and at
 * the last weights; the loss. Everything is read from the measures of the run's points. */
#include "base/alloc.h"
#include "base/stats.h"
#include "report/figure_make.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_SETS = 3, MOST_DRAWN = 150 };
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

static bool measured(const course *c, size_t offset, int k)
{
    size_t points = 0;
    for (size_t i = 0; i < c->n; i++) points += ((const tried *)((const char *)&c->m[i] + offset))[k].n > 0;
    return points > 1;
}

/* A block of lines (epoch, share, its interval). */
static void put_curve(ken_figure *g, const course *c, size_t offset, int k)
{
    for (size_t i = 0; i < c->n; i++) {
        tried t = ((const tried *)((const char *)&c->m[i] + offset))[k];
        double lo, hi;
        if (t.n == 0 || !drawn(c, i)) continue;
        ken_wilson(t.hits, t.n, &lo, &hi);
        ken_figure_lines(g, 4, c->m[i].epoch, share(t), lo, hi);
    }
    ken_figure_block(g);
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

/* Epochs along the x axis, and a line where the best weights are. */
static void put_epochs(ken_figure *g, const course *c, bool labelled)
{
    ken_buf *script = ken_figure_settings(g);
    double last = c->m[c->n - 1].epoch, step = 1.0;
    static const double steps[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000, 1e5, 1e6};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        step = steps[i];
        if (last / step <= 8.0) break;
    }
    ken_buf_printf(script, "set xrange [0:%.6g]\nset xtics %.6g\nset format x '%s'\n", last, step,
                   labelled ? "%g" : "");
    if (c->best != NULL)
        ken_buf_printf(
            script,
            "set arrow from first %.6g, graph 0 to first %.6g, graph 1 nohead dt (2,3) lw 1.2 lc rgb '" KEN_INK
            "' front\n",
            c->best->epoch, c->best->epoch);
}

static const char *colour_of_set(int set)
{
    return set == 0 ? KEN_MUTED : set == 1 ? ken_figure_colour(KEN_HIGHLY_KNOWN) : ken_figure_colour(KEN_UNKNOWN);
}

static void put_moment_heads(ken_figure *g)
{
    ken_figure_column(g, "epoch", KEN_CELL_NUMBER);
    ken_figure_column(g, "step", KEN_CELL_COUNT);
}

static void put_moment(ken_figure *g, const moment *m) { ken_figure_numbers(g, 2, m->epoch, (double)m->step); }

/* ---- fit ------------------------------------------------------------------------------------------------------------- */

static int fit(ken_figures *f, const course *c, size_t k, ken_err *err)
{
    bool has[KEN_UNLABELLED], any = false, dev = measured(c, offsetof(moment, set), 0);
    for (int i = 0; i < KEN_UNLABELLED; i++) any |= has[i] = measured(c, offsetof(moment, fit), i);
    if (!any) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "What is fitted when", dev ? 330 : 240, err, "fit-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    int below = dev ? 132 : 40, block = 0;
    ken_figure_frame(g, 40, 14, 42, below);
    ken_figure_percent_tics(g, "y", 0.0, 1.0);
    put_epochs(g, c, !dev);
    double x = 4;
    for (int i = 0; i < KEN_UNLABELLED; i++)
        if (has[i]) x = ken_figure_key(g, x, 9, 'b', ken_figure_colour(i), ken_category_name(i));
    ken_figure_label(g, 4, 27, "left", "training rows answered correctly");
    if (!dev) ken_figure_label(g, 205, 230, "center", "epoch");
    put_moment_heads(g);
    for (int i = 0; i < KEN_UNLABELLED; i++) {
        if (!has[i]) continue;
        put_curve(g, c, offsetof(moment, fit), i);
        ken_figure_plot(g, "D index %d using 1:2 with lines lw 2 lc rgb '%s'", block++, ken_figure_colour(i));
        ken_figure_column(g, ken_category_name(i), KEN_CELL_SHARE);
    }
    if (dev) {
        double top = fmin(1.0, highest(c, 0) * 1.08 + 0.005);
        put_curve(g, c, offsetof(moment, set), 0);
        ken_figure_panel(g, 40, 14, 226, 40);
        ken_figure_percent_tics(g, "y", 0.0, top);
        put_epochs(g, c, true);
        ken_figure_label(g, 4, 212, "left", "dev rows answered correctly, with 95% interval");
        ken_figure_label(g, 205, 320, "center",
                         c->best != NULL ? "epoch (dotted line: the best weights on dev)" : "epoch");
        ken_figure_plot(
            g, "D index %d using 1:3:4 with filledcurves fs transparent solid 0.2 noborder lc rgb '" KEN_MUTED "'",
            block);
        ken_figure_plot(g, "D index %d using 1:2 with lines lw 2 lc rgb '" KEN_INK "'", block);
        ken_figure_column(g, "dev", KEN_CELL_SHARE);
    }
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

static int accuracy(ken_figures *f, const course *c, size_t k, ken_err *err)
{
    bool has[N_SETS], any = false;
    double top = 0.0, x = 4;
    for (int i = 0; i < N_SETS; i++) {
        any |= has[i] = measured(c, offsetof(moment, set), i);
        if (has[i]) top = fmax(top, highest(c, i));
    }
    if (!any) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Accuracy on other rows", 250, err, "accuracy-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    static const char *const long_names[N_SETS] = {"dev", "test", "other relations (ood)"};
    ken_figure_frame(g, 40, 14, 42, 40);
    ken_figure_percent_tics(g, "y", 0.0, fmin(1.0, top * 1.05 + 0.005));
    put_epochs(g, c, true);
    ken_figure_label(g, 4, 27, "left", "answered correctly, with 95% interval");
    ken_figure_label(g, 205, 240, "center", c->best != NULL ? "epoch (dotted line: the best weights on dev)" : "epoch");
    put_moment_heads(g);
    int block = 0;
    for (int i = 0; i < N_SETS; i++) {
        if (!has[i]) continue;
        x = ken_figure_key(g, x, 9, i == 0 ? 'd' : 'l', colour_of_set(i), long_names[i]);
        put_curve(g, c, offsetof(moment, set), i);
        ken_figure_plot(g, "D index %d using 1:3:4 with filledcurves fs transparent solid 0.18 noborder lc rgb '%s'",
                        block++, colour_of_set(i));
        ken_figure_column(g, set_names[i], KEN_CELL_SHARE);
    }
    for (int i = 0, b = 0; i < N_SETS; i++)
        if (has[i])
            ken_figure_plot(g, "D index %d using 1:2 with lines lw 2 dt %s lc rgb '%s'", b++, i == 0 ? "(4,3)" : "1",
                            colour_of_set(i));
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

static int categories(ken_figures *f, const course *c, size_t k, ken_err *err)
{
    static const int order[N_SETS] = {1, 0, 2}; /* test rows first: dev has chosen the best weights */
    const moment *at[3] = {c->first, c->best, c->last != NULL ? c->last : &c->m[c->n - 1]};
    static const char *const when[3] = {"before", "best", "last"};
    int set = -1, rows = 0;
    if (at[1] == at[2] || at[1] == at[0]) at[1] = NULL;
    if (at[0] == at[2]) at[0] = NULL;
    for (int j = 0; j < N_SETS && set < 0; j++)
        for (int i = 0; i < KEN_UNLABELLED; i++)
            if (at[2]->category[order[j]][i].n > 0) set = order[j];
    if (set < 0) return KEN_OK;
    for (int i = 0; i < KEN_UNLABELLED; i++)
        for (int t = 0; t < 3; t++) rows += at[t] != NULL && at[t]->category[set][i].n > 0;
    int left = 136, top = 10, y = 0, block = 0;
    ken_figure *g = ken_figure_add(f, "Accuracy by category", top + 16 * rows + 8 * 4 + 40, err, "categories-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    char buf[80];
    double unit = g->height - top - 40.0, most = 16.0 * rows + 32.0;
    ken_figure_frame(g, left, 68, top, 40);
    ken_figure_percent_tics(g, "x", 0.0, 1.0);
    ken_buf_printf(&g->script,
                   "set border 0\nunset ytics\nset yrange [%.1f:0]\nset grid noytics xtics lt 1 lc rgb '" KEN_LINE
                   "' lw 1\nset xtics scale 0\n",
                   most);
    snprintf(buf, sizeof buf, "%s rows answered correctly", set_names[set]);
    ken_figure_label(g, left + (KEN_FIGURE_WIDTH - 68 - left) / 2.0, g->height - 8.0, "center", buf);
    ken_figure_columns(g, KEN_CELL_TEXT, "category", "weights");
    ken_figure_column(g, "epoch", KEN_CELL_NUMBER);
    ken_figure_columns(g, KEN_CELL_COUNT, "rows", "right");
    ken_figure_columns(g, KEN_CELL_SHARE, "share", "95% from", "95% to");
    ken_buf_printf(&g->description, "Bars: share of %s rows answered correctly, by category before training.",
                   set_names[set]);
    for (int i = 0; i < KEN_UNLABELLED; i++) {
        int from = y;
        for (int t = 0; t < 3; t++) {
            if (at[t] == NULL || at[t]->category[set][i].n == 0) continue;
            tried x = at[t]->category[set][i];
            double lo, hi, middle = y + 8.0;
            ken_wilson(x.hits, x.n, &lo, &hi);
            ken_figure_lines(g, 5, share(x), middle, lo, hi, (double)(t + 1) / 3.0);
            ken_figure_block(g);
            ken_figure_plot(g,
                            "D index %d using 1:2:(0):1:($2-6.5):($2+6.5) with boxxyerror fs transparent solid %.2f "
                            "noborder lc rgb '%s'",
                            block,
                            t == 0   ? 0.4
                            : t == 1 ? 0.7
                                     : 1.0,
                            ken_figure_colour(i));
            ken_figure_interval(g, block++, "3:2:($4-$3):(0)", NULL);
            double at_y = top + unit * middle / most;
            ken_figure_label(g, left - 5, at_y, "right", when[t]);
            snprintf(buf, sizeof buf, "%.0f of %.0f", (double)x.hits, (double)x.n);
            ken_figure_label(g, KEN_FIGURE_WIDTH - 4, at_y, "right", buf);
            ken_figure_text(g, ken_category_name(i));
            ken_figure_text(g, when[t]);
            ken_figure_numbers(g, 6, at[t]->epoch, (double)x.n, (double)x.hits, share(x), lo, hi);
            ken_buf_printf(&g->description, " %s, %s: %.1f%%.", ken_category_name(i), when[t], 100.0 * share(x));
            y += 16;
        }
        if (y == from) continue;
        ken_figure_label(g, 4, top + unit * (from + y) / 2.0 / most, "left", ken_category_name(i));
        y += 8;
    }
    ken_buf_printf(&g->caption, "Rows of %s by the category they had before training, with 95%% Wilson intervals",
                   set_names[set]);
    if (at[1] != NULL) ken_buf_printf(&g->caption, "; best: epoch %.4g, last: epoch %.4g", at[1]->epoch, at[2]->epoch);
    ken_buf_putc(&g->caption, '.');
    return ken_figure_done(g, err);
}

/* ---- loss ------------------------------------------------------------------------------------------------------------ */

static int loss(ken_figures *f, const course *c, size_t k, ken_err *err)
{
    double most = 0.0, least = INFINITY;
    size_t points = 0;
    bool kl = false;
    for (size_t i = 0; i < c->n; i++) {
        const double x[2] = {c->m[i].loss, c->m[i].kl};
        for (int j = 0; j < 2; j++) {
            if (!isfinite(x[j])) continue;
            most = fmax(most, x[j]);
            if (x[j] > 0.0) least = fmin(least, x[j]);
            kl |= j == 1;
        }
        points += isfinite(x[0]);
    }
    if (points < 2 || !(most > 0.0) || !isfinite(least)) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Training loss", 220, err, "loss-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    ken_figure_frame(g, 40, 14, 42, 40);
    put_epochs(g, c, true);
    if (most / least > 20.0) { /* over decades only a logarithm shows both ends */
        double lo = pow(10.0, floor(log10(least) + 1e-9)), hi = pow(10.0, ceil(log10(most) - 1e-9));
        ken_buf_printf(&g->script, "set logscale y\nset yrange [%.6g:%.6g]\nset ytics (", lo, hi);
        for (double t = lo; t < hi * 1.01 && t > 0.0; t *= 10.0)
            ken_buf_printf(&g->script, "%s'%.6g' %.6g", t > lo ? ", " : "", t, t);
        ken_buf_puts(&g->script, ")\n");
    } else ken_buf_puts(&g->script, "set yrange [0:*]\nset format y '%g'\n");
    ken_figure_label(g, 4, 27, "left", "nats a target token");
    ken_figure_label(g, 205, 210, "center", "epoch");
    double x = ken_figure_key(g, 4, 9, 'l', ken_figure_colour(KEN_HIGHLY_KNOWN), "loss");
    if (kl) (void)ken_figure_key(g, x, 9, 'd', ken_figure_colour(KEN_UNKNOWN), "divergence from the teacher");
    put_moment_heads(g);
    ken_figure_column(g, "loss", KEN_CELL_NUMBER);
    if (kl) ken_figure_column(g, "divergence", KEN_CELL_NUMBER);
    for (int j = 0; j < (kl ? 2 : 1); j++) {
        for (size_t i = 0; i < c->n; i++) {
            double y = j == 0 ? c->m[i].loss : c->m[i].kl;
            if (isfinite(y) && drawn(c, i)) ken_figure_lines(g, 2, c->m[i].epoch, y);
        }
        ken_figure_block(g);
        ken_figure_plot(g, "D index %d using 1:2 with lines lw 2 dt %s lc rgb '%s'", j, j == 0 ? "1" : "(4,3)",
                        ken_figure_colour(j == 0 ? KEN_HIGHLY_KNOWN : KEN_UNKNOWN));
    }
    double first = NAN, last = NAN;
    for (size_t i = 0; i < c->n; i++) {
        put_moment(g, &c->m[i]);
        ken_figure_number(g, c->m[i].loss);
        if (kl) ken_figure_number(g, c->m[i].kl);
        if (!isfinite(c->m[i].loss)) continue;
        if (isnan(first)) first = c->m[i].loss;
        last = c->m[i].loss;
    }
    ken_buf_puts(&g->caption, "Mean over the steps since the point before, with dropout where there is any.");
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
