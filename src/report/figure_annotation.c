/* figure_annotation.c - the figures of one annotation: how well each fact is known, how sure its label is, how the labels depend on
 * the budget and on popularity; by relation they are in figure_relations.c. Numbers come from summary.h. */
#include "base/stats.h"
#include "report/figure_axis.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double percent(uint64_t part, uint64_t all) { return all > 0 ? 100.0 * (double)part / (double)all : 0.0; }

/* ---- stacked columns ------------------------------------------------------------------------------------------------- */

/* One column a bin, the best known at the bottom. width: of a column, of 1. */
static void stack_columns(const ken_plot *p, const ken_tally *bins, int n, double width, bool shares)
{
    for (int c = 0; c < KEN_N_CATEGORIES; c++)
        for (int i = 0; i < n; i++) {
            double below = 0.0, all = shares ? (double)bins[i].n : 1.0;
            for (int k = 0; k < c; k++) below += (double)bins[i].category[k];
            if (bins[i].category[c] == 0) continue;
            ken_draw_box(&p->g->drawing, ken_paint_of(c), 1.0, ken_plot_x(p, i + 0.5 - width / 2),
                         ken_plot_y(p, below / all), ken_plot_x(p, i + 0.5 + width / 2),
                         ken_plot_y(p, (below + (double)bins[i].category[c]) / all));
        }
}

/* Columns of counts with their key; the ticks of x are the caller's, and ken_plot_edges. choice: there are no categories. */
static ken_plot count_columns(ken_figure *g, const ken_tally *bins, int n, bool choice)
{
    uint64_t most = 0, counts[KEN_N_CATEGORIES] = {0};
    ken_key key = {0};
    for (int i = 0; i < n; i++) {
        if (bins[i].n > most) most = bins[i].n;
        for (int c = 0; c < KEN_N_CATEGORIES; c++) counts[c] += bins[i].category[c];
    }
    if (!choice) ken_key_categories(&key, counts);
    ken_plot p = ken_plot_in(g, 40, 10, ken_key_draw(g, &key) + 28, 40);
    ken_axis_counts(&p.y, most);
    ken_axis_range(&p.x, -0.1, n + 0.1);
    ken_plot_grid(&p, KEN_LEVELS);
    ken_plot_title_y(&p, choice ? "questions" : "facts");
    stack_columns(&p, bins, n, 0.84, false);
    return p;
}

/* The ticks and the table of columns that are twenty steps from 0 to 1; what: of what. */
static void twenty_steps(ken_plot *p, const ken_tally bins[KEN_HIST_BINS], const char *what)
{
    char number[32];
    for (int i = 0; i <= KEN_HIST_BINS; i += 4)
        ken_axis_tick(&p->x, i, ken_fixed(number, (double)i / KEN_HIST_BINS, 1));
    ken_plot_edges(p, KEN_BASE | KEN_TICKS);
    ken_plot_title_x(p, what);
    ken_figure_columns(p->g, KEN_CELL_NUMBER, "p from", "p to");
    ken_figure_tally_heads(p->g);
    for (int i = 0; i < KEN_HIST_BINS; i++) {
        ken_figure_numbers(p->g, 2, (double)i / KEN_HIST_BINS, (double)(i + 1) / KEN_HIST_BINS);
        ken_figure_tally(p->g, &bins[i]);
    }
}

static uint64_t sum_of(const ken_tally *bins, int n)
{
    uint64_t sum = 0;
    for (int i = 0; i < n; i++) sum += bins[i].n;
    return sum;
}

/* ---- P_Correct and greedy answers ------------------------------------------------------------------------------------ */

static int p_correct(ken_figures *f, const ken_run *run, const ken_report_summary *s, size_t k, ken_err *err)
{
    uint64_t n = sum_of(s->hist, KEN_HIST_BINS);
    const char *t = ken_run_setting(run, "temperature");
    if (n == 0) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Chance of a right answer", 240, err, "p-correct-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    bool choice = ken_report_choice(s);
    ken_plot p = count_columns(g, s->hist, KEN_HIST_BINS, choice);
    twenty_steps(&p, s->hist,
                 choice ? "P(correct): probability of the right option"
                        : "P(correct): probability that a sampled answer is right");
    if (choice && s->n_guess_rows > 0) {
        double at = ken_plot_x(&p, KEN_HIST_BINS * s->guess_p_t0 / (double)s->n_guess_rows);
        ken_draw_line(&g->drawing, (ken_pen){KEN_PAINT_INK, 1.0, "4 3"}, at, p.top, at, p.bottom);
    }
    uint64_t upper = sum_of(s->hist + KEN_HIST_BINS / 2, KEN_HIST_BINS - KEN_HIST_BINS / 2);
    char a[32], b[32], e[32];
    ken_buf_puts(&g->caption, choice ? "Questions by P(correct), the probability of the right option among all"
                                     : "Facts by P(correct), the probability that one answer drawn");
    if (t != NULL) ken_buf_printf(&g->caption, " at temperature %.3g", strtod(t, NULL));
    ken_buf_puts(&g->caption, choice && s->n_guess_rows > 0
                                  ? ", averaged over the prompts. The dashed line is what guessing has."
                              : choice ? ", averaged over the prompts."
                                       : " is right, averaged over the prompts.");
    ken_buf_printf(
        &g->description,
        "Stacked columns: %s facts in twenty steps of P(correct) from 0 to 1, coloured by category. %s of them "
        "(%.1f%%) are below 0.05, %s (%.1f%%) at 0.5 or above, %.1f%% at 0.95 or above.",
        ken_count_text(a, n), ken_count_text(b, s->hist[0].n), percent(s->hist[0].n, n), ken_count_text(e, upper),
        percent(upper, n), percent(s->hist[KEN_HIST_BINS - 1].n, n));
    return ken_figure_done(g, err);
}

static int greedy(ken_figures *f, const ken_report_summary *s, size_t k, ken_err *err)
{
    uint64_t n = sum_of(s->hits, s->n_hits);
    bool each = s->prompts + 1 == s->n_hits;
    if (n == 0 || s->n_hits < 2) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Prompts that get it right", 240, err, "greedy-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    ken_plot p = count_columns(g, s->hits, s->n_hits, false);
    char buf[80], a[32], b[32], e[32];
    for (int i = 0; i < s->n_hits; i++) {
        bool all = i == s->n_hits - 1;
        if (each) ken_axis_tick(&p.x, i + 0.5, ken_fixed(a, i, 0));
        else if (i == 0 || all) ken_axis_tick(&p.x, i + 0.5, all ? "all" : "none");
    }
    ken_plot_edges(&p, KEN_BASE);
    snprintf(buf, sizeof buf, "right greedy answers, of %d prompts", s->prompts);
    ken_plot_title_x(&p, buf);
    ken_figure_column(g, each ? "right greedy answers" : "from right greedy answers", KEN_CELL_NUMBER);
    ken_figure_tally_heads(g);
    for (int i = 0; i < s->n_hits; i++) { /* in groups, the first number of hits of a group */
        int first = i;
        if (!each && i == s->n_hits - 1) first = s->prompts;
        else if (!each && i > 0) first = 1 + ((i - 1) * (s->prompts - 1) + s->n_hits - 3) / (s->n_hits - 2);
        ken_figure_number(g, first);
        ken_figure_tally(g, &s->hits[i]);
    }
    ken_buf_puts(&g->caption,
                 "Facts by the number of prompts whose greedy answer is right. None: WeaklyKnown or Unknown; "
                 "all: HighlyKnown; in between: MaybeKnown.");
    uint64_t none = s->hits[0].n, all = s->hits[s->n_hits - 1].n;
    ken_buf_printf(&g->description,
                   "Stacked columns: %s labelled facts by right greedy answers of %d. %s (%.1f%%) have none, %s (%.1f "
                   "%%) have all, the other %.1f%% lie between.",
                   ken_count_text(a, n), s->prompts, ken_count_text(b, none), percent(none, n), ken_count_text(e, all),
                   percent(all, n), percent(n - none - all, n));
    return ken_figure_done(g, err);
}

/* ---- budgets --------------------------------------------------------------------------------------------------------- */

/* A plot of shares of the facts, with the key of the four categories and the grid. */
static ken_plot shares_plot(ken_figure *g)
{
    ken_key key = {0};
    ken_key_categories(&key, NULL);
    ken_plot p = ken_plot_in(g, 44, 16, ken_key_draw(g, &key) + 28, 40);
    ken_axis_percents(&p.y, 0.0, 1.0);
    ken_plot_grid(&p, KEN_LEVELS);
    ken_plot_title_y(&p, "share of the facts");
    return p;
}

/* Stacked from the bottom up, the best known first, with a seam between neighbours. */
static void draw_areas(const ken_plot *p, const double (*share)[4], const int *x, int n)
{
    enum { MOST = KEN_CURVE_MAX > KEN_SAMPLES_POINTS ? KEN_CURVE_MAX : KEN_SAMPLES_POINTS };
    ken_spot edge[5][MOST], area[2 * MOST]; /* edge c: above the first c categories */
    for (int i = 0; i < n; i++) {
        double below = 0.0;
        for (int c = 0; c <= 4; c++) {
            edge[c][i] = (ken_spot){ken_plot_x(p, x[i]), ken_plot_y(p, fmin(1.0, below))};
            if (c < 4) below += share[i][c];
        }
    }
    for (int c = 0; c < 4; c++) {
        for (int i = 0; i < n; i++) area[i] = edge[c + 1][i], area[n + i] = edge[c][n - 1 - i];
        ken_draw_area(&p->g->drawing, ken_paint_of(c), 1.0, area, 2 * (size_t)n);
    }
    for (int c = 1; c < 4; c++)
        ken_draw_curve(&p->g->drawing, (ken_pen){KEN_PAINT_CARD, 1.5, NULL}, edge[c], (size_t)n);
}

/* Shares of the categories over x. */
static int areas(ken_figures *f, const double (*share)[4], const int *x, int n, bool log_scale, const char *title,
                 const char *x_title, const char *head, const char *name, size_t k, ken_err *err)
{
    char number[32];
    ken_figure *g = ken_figure_add(f, title, 240, err, "%s-%zu", name, k);
    if (g == NULL) return KEN_ENOMEM;
    ken_plot p = shares_plot(g);
    p.x.logarithmic = log_scale;
    ken_axis_range(&p.x, x[0], x[n - 1]);
    for (int i = 0; i < n; i++) ken_axis_tick(&p.x, x[i], ken_fixed(number, x[i], 0));
    draw_areas(&p, share, x, n);
    ken_plot_edges(&p, KEN_BASE | KEN_TICKS);
    ken_plot_title_x(&p, x_title);
    ken_figure_column(g, head, KEN_CELL_COUNT);
    for (int c = 0; c < 4; c++) ken_figure_column(g, ken_category_name(c), KEN_CELL_SHARE);
    for (int i = 0; i < n; i++) {
        ken_figure_number(g, x[i]);
        for (int c = 0; c < 4; c++) ken_figure_number(g, share[i][c]);
    }
    ken_buf_printf(&g->description, "Stacked areas: expected shares of the categories by %s. ", x_title);
    for (int i = 0; i < n; i += n - 1) { /* the first and the last */
        const double *at = share[i];
        ken_buf_printf(&g->description,
                       "At %d: HighlyKnown %.1f%%, MaybeKnown %.1f%%, WeaklyKnown %.1f%%, Unknown %.1f%%. ", x[i],
                       100.0 * at[0], 100.0 * at[1], 100.0 * at[2], 100.0 * at[3]);
    }
    return ken_figure_done(g, err);
}

static int saturation(ken_figures *f, const ken_report_summary *s, size_t k, ken_err *err)
{
    if (s->n_curve < 2 || s->n_curve_rows == 0) return KEN_OK;
    int rc = areas(f, s->curve, s->curve_n, s->n_curve, false, "Would fewer prompts do?", "number of prompts",
                   "prompts", "saturation", k, err);
    if (rc != KEN_OK) return rc;
    ken_buf_printf(&f->list[f->n - 1].caption,
                   "Expected shares for every number of prompts, averaged over all choices among the %d.", s->prompts);
    rc = areas(f, s->by_samples, s->by_samples_c, KEN_SAMPLES_POINTS, true, "Would fewer samples do?",
               "samples a prompt (logarithmic)", "samples a prompt", "samples", k, err);
    if (rc != KEN_OK) return rc;
    ken_buf_printf(
        &f->list[f->n - 1].caption,
        "The same for other numbers of samples, with all %d prompts. Only the border between WeaklyKnown and "
        "Unknown depends on it: with enough samples every answer with a probability above zero is found.",
        s->prompts);
    return ken_figure_done(&f->list[f->n - 1], err);
}

/* ---- popularity ------------------------------------------------------------------------------------------------------ */

/* "870", "1.2k", "35M": two digits or three. */
static void short_number(char label[32], double x)
{
    static const char *const units[] = {"", "k", "M", "G"};
    char number[32];
    int u = 0;
    while (fabs(x) >= 999.5 && u < 3) x /= 1000.0, u++;
    snprintf(label, 32, "%.30s%s", ken_shortest(number, x, fabs(x) >= 9.95 ? 0 : fabs(x) >= 0.995 ? 1 : 3), units[u]);
}

static int popularity(ken_figures *f, const ken_report_summary *s, size_t k, ken_err *err)
{
    ken_tally labelled[KEN_DECILES] = {{0}};
    ken_interval interval[KEN_DECILES];
    char buf[32];
    if (s->n_deciles != KEN_DECILES) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "By popularity of the subject", 240, err, "popularity-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    for (int i = 0; i < KEN_DECILES; i++) {
        labelled[i] = s->deciles[i].tally;
        labelled[i].n -= labelled[i].category[KEN_UNLABELLED];
        labelled[i].category[KEN_UNLABELLED] = 0;
    }
    ken_plot p = shares_plot(g);
    ken_axis_range(&p.x, 0.0, KEN_DECILES);
    for (int i = 0; i <= KEN_DECILES; i++) {
        short_number(buf, i < KEN_DECILES ? s->deciles[i].lo : s->deciles[i - 1].hi);
        ken_axis_tick(&p.x, i, buf);
    }
    stack_columns(&p, labelled, KEN_DECILES, 0.9, true);
    ken_figure_columns(g, KEN_CELL_NUMBER, "popularity from", "popularity to");
    ken_figure_tally_heads(g);
    ken_figure_known_heads(g);
    size_t n = 0;
    for (int i = 0; i < KEN_DECILES; i++) {
        uint64_t known = ken_tally_known(&labelled[i]);
        double lo, hi, x = ken_plot_x(&p, i + 0.5);
        ken_figure_numbers(g, 2, s->deciles[i].lo, s->deciles[i].hi);
        ken_figure_tally(g, &s->deciles[i].tally);
        ken_figure_known(g, known, labelled[i].n);
        if (labelled[i].n == 0) continue;
        ken_wilson(known, labelled[i].n, &lo, &hi);
        interval[n++] = (ken_interval){
            x, ken_plot_y(&p, lo), x, ken_plot_y(&p, hi), x, ken_plot_y(&p, (double)known / (double)labelled[i].n)};
    }
    ken_plot_edges(&p, KEN_BASE | KEN_TICKS);
    ken_draw_intervals(&g->drawing, interval, n); /* a dot may stand on the base */
    ken_plot_title_x(&p, "popularity, tenths of the facts");
    const ken_tally *first = &labelled[0], *last = &labelled[KEN_DECILES - 1];
    ken_buf_puts(&g->caption,
                 "Tenths of the facts, the least popular on the left; below the ticks where each begins. Dots: "
                 "HighlyKnown and MaybeKnown together, with 95% Wilson intervals.");
    ken_buf_printf(
        &g->description,
        "Stacked columns of shares for ten groups from the least to the most popular subjects. HighlyKnown or "
        "MaybeKnown: %.1f%% of the least popular tenth, %.1f%% of the most popular; Unknown: %.1f%% and "
        "%.1f%%.",
        percent(ken_tally_known(first), first->n), percent(ken_tally_known(last), last->n),
        percent(first->category[KEN_UNKNOWN], first->n), percent(last->category[KEN_UNKNOWN], last->n));
    return ken_figure_done(g, err);
}

/* ---- reliability ----------------------------------------------------------------------------------------------------- */

static int flip(ken_figures *f, const ken_report_summary *s, size_t k, ken_err *err)
{
    uint64_t n = sum_of(s->flip, KEN_HIST_BINS);
    char a[32], b[32];
    if (n == 0) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Would a repeat give the same label?", 240, err, "flip-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    ken_plot p = count_columns(g, s->flip, KEN_HIST_BINS, false);
    twenty_steps(&p, s->flip, "probability that a repeat gives another label");
    uint64_t doubtful = sum_of(s->flip + KEN_HIST_BINS / 4, KEN_HIST_BINS - KEN_HIST_BINS / 4);
    ken_buf_puts(&g->caption,
                 "Facts without a right greedy answer by the probability that a fresh annotation with the same "
                 "prompts would move them between WeaklyKnown and Unknown; the other categories do not move "
                 "then.");
    ken_buf_printf(
        &g->description,
        "Columns: %s facts that are WeaklyKnown or Unknown, in twenty steps of the probability of another label. "
        "%s of them (%.1f%%) are below 0.05, %.1f%% at 0.25 or above. Over all labelled facts the mean is "
        "%.2f%%.",
        ken_count_text(a, n), ken_count_text(b, s->flip[0].n), percent(s->flip[0].n, n), percent(doubtful, n),
        s->n_labelled > 0 ? 100.0 * s->sum_flip / (double)s->n_labelled : 0.0);
    return ken_figure_done(g, err);
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

int ken_figures_annotation(ken_figures *f, const ken_run *run, const ken_report_summary *s, size_t k, ken_err *err)
{
    int rc = p_correct(f, run, s, k, err);
    if (rc == KEN_OK) rc = greedy(f, s, k, err);
    if (rc == KEN_OK) rc = saturation(f, s, k, err);
    if (rc == KEN_OK) rc = popularity(f, s, k, err);
    if (rc == KEN_OK) rc = flip(f, s, k, err);
    if (rc == KEN_OK) rc = ken_figure_unknown(f, run, s, k, err);
    if (rc == KEN_OK) rc = ken_figure_relations(f, run, k, err);
    return rc;
}
