/* figure_annotation.c - the figures of one annotation: how well each fact is known, how sure its label is, how the labels depend on
 * the budget, on popularity and on the relation. Numbers come from summary.h and from the run's counts. */
#include "base/alloc.h"
#include "base/stats.h"
#include "report/bars.h"
#include "report/figure_make.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const category_heads[KEN_N_CATEGORIES] = {"HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown",
                                                             "unlabelled"};

static double share_of(double part, double all) { return all > 0.0 ? part / all : NAN; }
static double percent(uint64_t part, uint64_t all) { return all > 0 ? 100.0 * (double)part / (double)all : 0.0; }

/* ---- stacked columns ------------------------------------------------------------------------------------------------- */

/* One column a bin, the best known at the bottom: a block of data for each category that occurs. width: of a column, of 1. Returns how
 * many blocks. */
static int stack_columns(ken_figure *g, const ken_tally *bins, int n, double width, bool shares)
{
    int block = 0;
    for (int c = 0; c < KEN_N_CATEGORIES; c++) {
        bool any = false;
        for (int i = 0; i < n; i++) {
            double below = 0.0, all = shares ? (double)bins[i].n : 1.0;
            for (int k = 0; k < c; k++) below += (double)bins[i].category[k];
            if (bins[i].category[c] == 0) continue;
            ken_figure_lines(g, 4, i + 0.5 - width / 2, i + 0.5 + width / 2, below / all,
                             (below + (double)bins[i].category[c]) / all);
            any = true;
        }
        if (!any) continue;
        ken_figure_block(g);
        ken_figure_plot(g, "D index %d using 1:3:1:2:3:4 with boxxyerror lc rgb '%s'", block++, ken_figure_colour(c));
    }
    return block;
}

/* Columns of counts: axis, key, data, table behind the columns that the caller has put there. choice: there are no categories. */
static void count_columns(ken_figure *g, const ken_tally *bins, int n, double width, bool choice)
{
    uint64_t most = 0, counts[KEN_N_CATEGORIES] = {0};
    for (int i = 0; i < n; i++) {
        if (bins[i].n > most) most = bins[i].n;
        for (int c = 0; c < KEN_N_CATEGORIES; c++) counts[c] += bins[i].category[c];
    }
    ken_figure_frame(g, 40, 8, choice ? 24 : 42, 40);
    ken_figure_count_tics(g, "y", most);
    ken_buf_printf(&g->script, "set xrange [%.3f:%.3f]\n", width < 0.9 ? -0.1 : 0.0, n + (width < 0.9 ? 0.1 : 0.0));
    if (!choice) ken_figure_category_key(g, 4, 9, counts[KEN_UNLABELLED] > 0 ? counts : NULL);
    ken_figure_label(g, 4, choice ? 9 : 27, "left", choice ? "questions" : "facts");
    (void)stack_columns(g, bins, n, width, false);
}

static void count_table_head(ken_figure *g)
{
    ken_figure_column(g, "facts", KEN_CELL_COUNT);
    for (int c = 0; c < KEN_N_CATEGORIES; c++) ken_figure_column(g, category_heads[c], KEN_CELL_COUNT);
}

static void count_table_row(ken_figure *g, const ken_tally *t)
{
    ken_figure_number(g, (double)t->n);
    for (int c = 0; c < KEN_N_CATEGORIES; c++) ken_figure_number(g, (double)t->category[c]);
}

/* The ticks and the table of columns that are twenty steps from 0 to 1; what: of what. */
static void twenty_steps(ken_figure *g, const ken_tally bins[KEN_HIST_BINS], const char *what)
{
    ken_buf_puts(&g->script, "set xtics (");
    for (int i = 0; i <= KEN_HIST_BINS; i += 4)
        ken_buf_printf(&g->script, "%s'%.1f' %d", i > 0 ? ", " : "", (double)i / KEN_HIST_BINS, i);
    ken_buf_puts(&g->script, ")\n");
    ken_figure_label(g, 208, 230, "center", what);
    ken_figure_columns(g, KEN_CELL_NUMBER, "p from", "p to");
    count_table_head(g);
    for (int i = 0; i < KEN_HIST_BINS; i++) {
        ken_figure_numbers(g, 2, (double)i / KEN_HIST_BINS, (double)(i + 1) / KEN_HIST_BINS);
        count_table_row(g, &bins[i]);
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
    count_columns(g, s->hist, KEN_HIST_BINS, 0.84, choice);
    if (choice && s->n_guess_rows > 0) {
        double at = KEN_HIST_BINS * s->guess_p_t0 / (double)s->n_guess_rows;
        ken_buf_printf(&g->script,
                       "set arrow from first %.3f, graph 0 to first %.3f, graph 1 nohead dt (4,3) lw 1 lc rgb '" KEN_INK
                       "' front\n",
                       at, at);
    }
    twenty_steps(g, s->hist,
                 choice ? "P(correct): probability of the right option"
                        : "P(correct): probability that a sampled answer is right");
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
        ken_html_count(a, n), ken_html_count(b, s->hist[0].n), percent(s->hist[0].n, n), ken_html_count(e, upper),
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
    count_columns(g, s->hits, s->n_hits, 0.84, false);
    ken_buf_puts(&g->script, "set xtics scale 0 (");
    for (int i = 0; i < s->n_hits; i++) {
        bool all = i == s->n_hits - 1;
        if (each) ken_buf_printf(&g->script, "%s'%d' %.1f", i > 0 ? ", " : "", i, i + 0.5);
        else if (i == 0 || all)
            ken_buf_printf(&g->script, "%s'%s' %.1f", all ? ", " : "", all ? "all" : "none", i + 0.5);
    }
    ken_buf_puts(&g->script, ")\n");
    char buf[80], a[32], b[32], e[32];
    snprintf(buf, sizeof buf, "right greedy answers, of %d prompts", s->prompts);
    ken_figure_label(g, 208, 230, "center", buf);
    ken_figure_column(g, each ? "right greedy answers" : "from right greedy answers", KEN_CELL_NUMBER);
    count_table_head(g);
    for (int i = 0; i < s->n_hits; i++) { /* in groups, the first number of hits of a group */
        int first = i;
        if (!each && i == s->n_hits - 1) first = s->prompts;
        else if (!each && i > 0) first = 1 + ((i - 1) * (s->prompts - 1) + s->n_hits - 3) / (s->n_hits - 2);
        ken_figure_number(g, first);
        count_table_row(g, &s->hits[i]);
    }
    ken_buf_puts(&g->caption,
                 "Facts by the number of prompts whose greedy answer is right. None: WeaklyKnown or Unknown; "
                 "all: HighlyKnown; in between: MaybeKnown.");
    uint64_t none = s->hits[0].n, all = s->hits[s->n_hits - 1].n;
    ken_buf_printf(&g->description,
                   "Stacked columns: %s labelled facts by right greedy answers of %d. %s (%.1f%%) have none, %s (%.1f "
                   "%%) have all, the other %.1f%% lie between.",
                   ken_html_count(a, n), s->prompts, ken_html_count(b, none), percent(none, n), ken_html_count(e, all),
                   percent(all, n), percent(n - none - all, n));
    return ken_figure_done(g, err);
}

/* ---- budgets --------------------------------------------------------------------------------------------------------- */

/* Shares of the categories over x as stacked areas, from the bottom up the best known first. */
static int areas(ken_figures *f, const double (*share)[4], const int *x, int n, bool log_scale, const char *title,
                 const char *x_title, const char *head, const char *name, size_t k, ken_err *err)
{
    ken_figure *g = ken_figure_add(f, title, 240, err, "%s-%zu", name, k);
    if (g == NULL) return KEN_ENOMEM;
    ken_figure_frame(g, 40, 16, 42, 40);
    ken_figure_percent_tics(g, "y", 0.0, 1.0);
    ken_figure_category_key(g, 4, 9, NULL);
    ken_figure_label(g, 4, 27, "left", "share of the facts");
    ken_figure_label(g, 204, 230, "center", x_title);
    if (log_scale) ken_buf_puts(&g->script, "set logscale x\n");
    ken_buf_printf(&g->script, "set xrange [%d:%d]\nset xtics (", x[0], x[n - 1]);
    for (int i = 0; i < n; i++) ken_buf_printf(&g->script, "%s'%d' %d", i > 0 ? ", " : "", x[i], x[i]);
    ken_buf_puts(&g->script, ")\n");
    ken_figure_column(g, head, KEN_CELL_COUNT);
    for (int c = 0; c < 4; c++) {
        ken_figure_column(g, category_heads[c], KEN_CELL_SHARE);
        for (int i = 0; i < n; i++) {
            double below = 0.0;
            for (int j = 0; j < c; j++) below += share[i][j];
            ken_figure_lines(g, 3, (double)x[i], below, fmin(1.0, below + share[i][c]));
        }
        ken_figure_block(g);
        ken_figure_plot(g, "D index %d using 1:2:3 with filledcurves lc rgb '%s'", c, ken_figure_colour(c));
    }
    for (int c = 0; c < 3; c++) ken_figure_plot(g, "D index %d using 1:3 with lines lw 1.5 lc rgb '" KEN_CARD "'", c);
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
        "Unknown depends on it: whatever has a chance above zero is found in the end.",
        s->prompts);
    return ken_figure_done(&f->list[f->n - 1], err);
}

/* ---- popularity ------------------------------------------------------------------------------------------------------ */

static void short_number(char buf[32], double x)
{
    static const char unit[] = " kMG";
    int u = 0;
    while (fabs(x) >= 999.5 && u < 3) x /= 1000.0, u++;
    snprintf(buf, 32, fabs(x) >= 100.0 ? "%.0f" : "%.2g", x);
    size_t n = strlen(buf);
    if (u > 0 && n + 1 < 32) buf[n] = unit[u], buf[n + 1] = '\0';
}

static uint64_t known_of(const ken_tally *t) { return t->category[KEN_HIGHLY_KNOWN] + t->category[KEN_MAYBE_KNOWN]; }

/* Columns from 1 on: share with its interval, as the second half of a table's row. */
static void known_cells(ken_figure *g, uint64_t known, uint64_t labelled)
{
    double lo, hi;
    ken_wilson(known, labelled, &lo, &hi);
    ken_figure_numbers(g, 3, share_of((double)known, (double)labelled), labelled > 0 ? lo : NAN,
                       labelled > 0 ? hi : NAN);
}

static void known_heads(ken_figure *g)
{
    ken_figure_columns(g, KEN_CELL_SHARE, "known (Highly or Maybe)", "95% from", "95% to");
}

static int popularity(ken_figures *f, const ken_report_summary *s, size_t k, ken_err *err)
{
    ken_tally labelled[KEN_DECILES] = {{0}};
    char buf[32];
    if (s->n_deciles != KEN_DECILES) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "By popularity of the subject", 240, err, "popularity-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    for (int i = 0; i < KEN_DECILES; i++) {
        labelled[i] = s->deciles[i].tally;
        labelled[i].n -= labelled[i].category[KEN_UNLABELLED];
        labelled[i].category[KEN_UNLABELLED] = 0;
    }
    ken_figure_frame(g, 40, 16, 42, 40);
    ken_figure_percent_tics(g, "y", 0.0, 1.0);
    ken_figure_category_key(g, 4, 9, NULL);
    ken_figure_label(g, 4, 27, "left", "share of the facts");
    ken_figure_label(g, 204, 230, "center", "popularity, tenths of the facts");
    ken_buf_printf(&g->script, "set xrange [0:%d]\nset xtics (", (int)KEN_DECILES);
    for (int i = 0; i <= KEN_DECILES; i++) {
        short_number(buf, i < KEN_DECILES ? s->deciles[i].lo : s->deciles[i - 1].hi);
        ken_buf_printf(&g->script, "%s'%s' %d", i > 0 ? ", " : "", buf, i);
    }
    ken_buf_puts(&g->script, ")\n");
    int block = stack_columns(g, labelled, KEN_DECILES, 0.9, true);
    ken_figure_columns(g, KEN_CELL_NUMBER, "popularity from", "popularity to");
    count_table_head(g);
    known_heads(g);
    bool any = false;
    for (int i = 0; i < KEN_DECILES; i++) {
        double lo, hi;
        ken_figure_numbers(g, 2, s->deciles[i].lo, s->deciles[i].hi);
        count_table_row(g, &s->deciles[i].tally);
        known_cells(g, known_of(&labelled[i]), labelled[i].n);
        if (labelled[i].n == 0) continue;
        ken_wilson(known_of(&labelled[i]), labelled[i].n, &lo, &hi);
        ken_figure_lines(g, 4, i + 0.5, (double)known_of(&labelled[i]) / (double)labelled[i].n, lo, hi);
        any = true;
    }
    if (any) {
        ken_figure_block(g);
        ken_figure_interval(g, block, "1:3:(0):($4-$3)", "1:2");
    }
    const ken_tally *first = &labelled[0], *last = &labelled[KEN_DECILES - 1];
    ken_buf_puts(&g->caption,
                 "Tenths of the facts, the least popular on the left; below the ticks where each begins. Dots: "
                 "HighlyKnown and MaybeKnown together, with 95% Wilson intervals.");
    ken_buf_printf(
        &g->description,
        "Stacked columns of shares for ten groups from the least to the most popular subjects. HighlyKnown or "
        "MaybeKnown: %.1f%% of the least popular tenth, %.1f%% of the most popular; Unknown: %.1f%% and "
        "%.1f%%.",
        percent(known_of(first), first->n), percent(known_of(last), last->n),
        percent(first->category[KEN_UNKNOWN], first->n), percent(last->category[KEN_UNKNOWN], last->n));
    return ken_figure_done(g, err);
}

/* ---- reliability ----------------------------------------------------------------------------------------------------- */

static int flip(ken_figures *f, const ken_report_summary *s, size_t k, ken_err *err)
{
    uint64_t n = sum_of(s->flip, KEN_HIST_BINS);
    char a[32], b[32];
    if (n == 0) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Would the label come out again?", 240, err, "flip-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    count_columns(g, s->flip, KEN_HIST_BINS, 0.84, false);
    twenty_steps(g, s->flip, "probability that a repeat gives another label");
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
        ken_html_count(a, n), ken_html_count(b, s->flip[0].n), percent(s->flip[0].n, n), percent(doubtful, n),
        s->n_labelled > 0 ? 100.0 * s->sum_flip / (double)s->n_labelled : 0.0);
    return ken_figure_done(g, err);
}

/* Unknown as drawn against as expected, a dot a relation: the draw is one of many possible ones, and this is how far it went. */
static int unknown(ken_figures *f, const ken_run *run, const ken_report_summary *s, size_t k, ken_err *err)
{
    size_t n = ken_run_n_relations(run), inside = 0, shown = 0;
    const ken_counts *all = ken_run_total(run);
    double labelled = (double)s->n_labelled, sd = sqrt(s->var_unknown);
    if (s->n_no_greedy == 0 || s->n_labelled == 0) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Unknown, drawn and expected", 300, err, "unknown-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    ken_figure_frame(g, 46, 14, 24, 44);
    double most = 0.0;
    ken_figure_column(g, "relation", KEN_CELL_TEXT);
    ken_figure_columns(g, KEN_CELL_COUNT, "labelled facts", "Unknown drawn");
    ken_figure_columns(g, KEN_CELL_NUMBER, "Unknown expected", "standard deviation");
    for (size_t i = 0; i <= n; i++) {
        const ken_counts *c = i < n ? ken_run_relation(run, i) : all;
        double of = (double)(c->n - c->category[KEN_UNLABELLED]), drawn = (double)c->category[KEN_UNKNOWN];
        if (i == n) ken_figure_block(g);
        if (of == 0.0) continue;
        ken_figure_text(g, i < n ? c->relation : "all");
        ken_figure_numbers(g, 4, of, drawn, c->expected_unknown, c->sd_unknown);
        double half = 1.96 * c->sd_unknown;
        most = fmax(most, fmax(drawn, c->expected_unknown + half) / of);
        ken_figure_lines(g, 4, c->expected_unknown / of, drawn / of, fmax(0.0, c->expected_unknown - half) / of,
                         fmin(of, c->expected_unknown + half) / of);
        if (i < n) inside += fabs(drawn - c->expected_unknown) <= half + 1e-9, shown++;
    }
    most = fmin(1.0, fmax(most * 1.04, 0.01));
    ken_figure_percent_tics(g, "x", 0.0, most);
    ken_figure_percent_tics(g, "y", 0.0, most);
    ken_buf_printf(
        &g->script,
        "set grid xtics\nset xtics scale 0\nset arrow from 0,0 to %.6g,%.6g nohead dt (4,3) lw 1 lc rgb '" KEN_MUTED
        "' back\n",
        most, most);
    ken_figure_label(g, 4, 10, "left", "Unknown as drawn, share of the relation's facts");
    ken_figure_label(g, 208, 290, "center", "expected share, with 95% interval of a draw");
    ken_figure_plot(g, "D index 0 using 3:2:($4-$3):(0) with vectors nohead lw 1.2 lc rgb '%s'",
                    ken_figure_colour(KEN_UNKNOWN));
    ken_figure_plot(g, "D index 0 using 1:2 with points pt 7 ps 0.6 lc rgb '%s'", ken_figure_colour(KEN_UNKNOWN));
    ken_figure_plot(g, "D index 1 using 3:2:($4-$3):(0) with vectors nohead lw 1.5 lc rgb '" KEN_INK "'");
    ken_figure_plot(g, "D index 1 using 1:2 with points pt 7 ps 0.8 lc rgb '" KEN_INK "'");
    ken_buf_puts(&g->caption,
                 "One dot a relation, the dark one for all: facts labelled Unknown in this draw against their "
                 "expected number, the sum of exact probabilities. Bars hold 95% of all draws.");
    char a[32];
    ken_buf_printf(
        &g->description,
        "Dots along a diagonal: for each of %zu relations the share of Unknown facts as drawn and as expected. "
        "Over all, %s were drawn and %.1f ± %.1f expected (%.1f%% of the labelled facts). %zu relations lie "
        "inside their 95%% interval.",
        shown, ken_html_count(a, all->category[KEN_UNKNOWN]), s->sum_unknown, sd, 100.0 * s->sum_unknown / labelled,
        inside);
    return ken_figure_done(g, err);
}

/* ---- relations ------------------------------------------------------------------------------------------------------- */

typedef struct ranked {
    const ken_counts *c;
    size_t i;
    double known;
} ranked;

static uint64_t labelled_of(const ken_counts *c) { return c->n - c->category[KEN_UNLABELLED]; }

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

static void draw_relations(ken_figure *g, const ranked *r, size_t n)
{
    int left = 110, block = 0;
    ken_figure_frame(g, left, 18, 26, 40);
    ken_figure_percent_tics(g, "x", 0.0, 1.0);
    ken_buf_printf(&g->script,
                   "set border 0\nunset ytics\nset yrange [%.2f:-0.55]\nset grid noytics xtics lt 1 lc rgb '" KEN_LINE
                   "' lw 1\nset xtics scale 0\n",
                   (double)n - 0.45);
    ken_figure_category_key(g, 4, 9, NULL);
    ken_figure_label(g, left + (KEN_FIGURE_WIDTH - 18 - left) / 2.0, g->height - 8.0, "center",
                     "share of the relation's labelled facts");
    for (int c = 0; c < 4; c++) {
        bool any = false;
        for (size_t j = 0; j < n; j++) {
            double below = 0.0, all = (double)labelled_of(r[j].c);
            for (int i = 0; i < c; i++) below += (double)r[j].c->category[i];
            if (r[j].c->category[c] == 0) continue;
            ken_figure_lines(g, 4, below / all, (below + (double)r[j].c->category[c]) / all, (double)j - 0.36,
                             (double)j + 0.36);
            any = true;
        }
        if (!any) continue;
        ken_figure_block(g);
        ken_figure_plot(g, "D index %d using 1:3:1:2:3:4 with boxxyerror lc rgb '%s'", block++, ken_figure_colour(c));
    }
    for (size_t j = 0; j < n; j++) {
        double lo, hi;
        uint64_t known = r[j].c->category[KEN_HIGHLY_KNOWN] + r[j].c->category[KEN_MAYBE_KNOWN];
        ken_wilson(known, labelled_of(r[j].c), &lo, &hi);
        ken_figure_datum(g, r[j].known);
        ken_figure_datum(g, (double)j);
        ken_figure_datum(g, lo);
        ken_figure_datum(g, hi);
        ken_figure_word(g, r[j].c->relation);
        ken_figure_line(g);
    }
    ken_figure_block(g);
    ken_figure_interval(g, block, "3:2:($4-$3):(0)", "1:2");
    ken_figure_plot(
        g, "D index %d using (0):2:5 with labels right offset character -0.6,0 textcolor rgb '" KEN_MUTED "'", block);
}

static int relations(ken_figures *f, const ken_run *run, size_t k, ken_err *err)
{
    enum { MOST = 60 };
    size_t n = 0, all = ken_run_n_relations(run);
    ranked *r = ken_alloc(all, sizeof *r);
    if (r == NULL) return ken_fail_nomem(err, "figures");
    for (size_t i = 0; i < all; i++) {
        const ken_counts *c = ken_run_relation(run, i);
        uint64_t labelled = labelled_of(c);
        if (labelled > 0)
            r[n++] = (ranked){
                c, i, (double)(c->category[KEN_HIGHLY_KNOWN] + c->category[KEN_MAYBE_KNOWN]) / (double)labelled};
    }
    ken_figure *g = NULL;
    int rc = KEN_OK;
    if (n > 1) {
        size_t shown = n < MOST ? n : MOST;
        if (n > MOST) qsort(r, n, sizeof *r, by_facts);
        qsort(r, shown, sizeof *r, by_known);
        g = ken_figure_add(f, "Categories by relation", 66 + 15 * (int)shown, err, "relations-%zu", k);
        if (g == NULL) rc = KEN_ENOMEM;
        else {
            draw_relations(g, r, shown);
            ken_figure_column(g, "relation", KEN_CELL_TEXT);
            count_table_head(g);
            known_heads(g);
            for (size_t j = 0; j < n; j++) { /* all of them, the drawn ones first */
                const ken_counts *c = r[j].c;
                ken_figure_text(g, c->relation);
                ken_tally t = ken_tally_of(c);
                count_table_row(g, &t);
                known_cells(g, known_of(&t), labelled_of(c));
            }
            ken_buf_puts(&g->caption,
                         "Dots: HighlyKnown and MaybeKnown together, with 95% Wilson intervals; best known "
                         "first.");
            if (shown < n) ken_buf_printf(&g->caption, " The %zu largest of %zu relations; the CSV has all.", shown, n);
            ken_buf_printf(&g->description,
                           "Horizontal stacked bars, one for each of %zu relations. Best known is %.60s with %.1f%% "
                           "HighlyKnown or MaybeKnown, least known %.60s with %.1f%%.",
                           shown, r[0].c->relation, 100.0 * r[0].known, r[shown - 1].c->relation,
                           100.0 * r[shown - 1].known);
            rc = ken_figure_done(g, err);
        }
    }
    ken_free(r);
    return rc;
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

int ken_figures_annotation(ken_figures *f, const ken_run *run, const ken_report_summary *s, size_t k, ken_err *err)
{
    int rc = p_correct(f, run, s, k, err);
    if (rc == KEN_OK) rc = greedy(f, s, k, err);
    if (rc == KEN_OK) rc = saturation(f, s, k, err);
    if (rc == KEN_OK) rc = popularity(f, s, k, err);
    if (rc == KEN_OK) rc = flip(f, s, k, err);
    if (rc == KEN_OK) rc = unknown(f, run, s, k, err);
    if (rc == KEN_OK) rc = relations(f, run, k, err);
    return rc;
}
