/* figure_diff.c - the figures of a comparison: where the facts of each category went (bands from left to right), what was lost and gained in
 * each relation, popularity band and distance to the training set, and P(correct) before against after. */
#include "base/alloc.h"
#include "base/stats.h"
#include "report/figure_make.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- transitions ----------------------------------------------------------------------------------------------------- */

enum { KINDS = KEN_N_CATEGORIES };

typedef struct flows {
    int n;
    const char *names[KINDS], *colours[KINDS];
    uint64_t moved[KINDS][KINDS], before[KINDS], after[KINDS], all;
} flows;

/* Categories; in evaluations and multiple choice right and wrong. Kinds that occur on neither side are left out. */
static void read_flows(flows *x, const ken_diff *d, const ken_diff_group *all)
{
    uint64_t moved[KINDS][KINDS] = {{0}};
    bool annotated = ken_diff_annotated(d) && !all->choice;
    static const int verdict_colours[KINDS] = {KEN_HIGHLY_KNOWN, KEN_UNKNOWN, KEN_UNLABELLED};
    if (all->choice) {
        for (int i = 0; i < KEN_N_VERDICTS; i++)
            for (int k = 0; k < KEN_N_VERDICTS; k++) moved[i][k] = all->verdict[i][k];
    } else if (annotated) memcpy(moved, all->moved, sizeof moved);
    else if (all->known_a >= all->lost && all->n >= all->known_a + all->gained) {
        moved[0][0] = all->known_a - all->lost;
        moved[0][1] = all->lost;
        moved[1][0] = all->gained;
        moved[1][1] = all->n - all->known_a - all->gained;
    }
    int at[KINDS];
    *x = (flows){0};
    for (int i = 0; i < KINDS; i++) {
        uint64_t both = 0;
        for (int j = 0; j < KINDS; j++) both += moved[i][j] + moved[j][i];
        if (both == 0) continue;
        x->names[x->n] = annotated ? ken_category_name(i) : ken_verdict_name(i);
        x->colours[x->n] = ken_figure_colour(annotated ? i : verdict_colours[i]);
        at[x->n++] = i;
    }
    for (int i = 0; i < x->n; i++)
        for (int j = 0; j < x->n; j++) {
            uint64_t m = moved[at[i]][at[j]];
            x->moved[i][j] = m;
            x->before[i] += m;
            x->after[j] += m;
            x->all += m;
        }
}

/* Names beside their boxes, moved apart where boxes are thin; y (n) in: middles of the boxes, out: of the names. */
static void spread(double *y, int n, double least, double top, double bottom)
{
    for (int i = 0; i < n; i++) y[i] = fmax(y[i], i > 0 ? y[i - 1] + least : top);
    for (int i = n - 1; i >= 0; i--) y[i] = fmin(y[i], i + 1 < n ? y[i + 1] - least : bottom);
}

/* "3 of 40 (7.5%, 95% interval 2.6 to 19.9)"; of none there is no share. */
static void put_part(ken_buf *b, uint64_t part, uint64_t all, double share, double lo, double hi)
{
    char x[32], y[32];
    ken_buf_printf(b, "%s of %s", ken_html_count(x, part), ken_html_count(y, all));
    if (all > 0) ken_buf_printf(b, " (%.1f%%, 95%% interval %.1f to %.1f)", 100.0 * share, 100.0 * lo, 100.0 * hi);
}

static int transitions(ken_figures *f, const ken_diff *d, const ken_diff_group *all, const char *tag, size_t k,
                       ken_err *err)
{
    enum { TOP = 34, BOTTOM = 296, GAP = 7, LEFT = 104, RIGHT = 280, BOX = 10, STEPS = 20 };
    flows x;
    char a[32], b[32];
    read_flows(&x, d, all);
    if (x.all == 0) return KEN_OK;
    ken_figure *g = ken_figure_add(f, all->choice ? "Where the questions went" : "Where the facts went", 306, err,
                                   "transitions-%s%zu", tag, k);
    if (g == NULL) return KEN_ENOMEM;
    double unit = (BOTTOM - TOP - GAP * (x.n - 1)) / (double)x.all;
    double next[2][KINDS] = {{0}}, middle[2][KINDS] = {{0}}; /* by side: where the next band begins; of the box */
    for (int side = 0; side < 2; side++) {
        double y = TOP, from = side == 0 ? LEFT - BOX : RIGHT;
        for (int i = 0; i < x.n; i++) {
            double size = unit * (double)(side == 0 ? x.before : x.after)[i];
            next[side][i] = y;
            middle[side][i] = y + size / 2;
            ken_figure_lines(g, 4, from, from + BOX, y, y + size); /* of no height: a line that is not plotted */
            y += size + GAP;
        }
    }
    ken_figure_block(g);
    ken_figure_frame(g, 0, 0, 0, 0);
    ken_buf_printf(ken_figure_settings(g),
                   "set border 0\nunset tics\nunset grid\nset xrange [0:%d]\nset yrange [%d:0]\n",
                   (int)KEN_FIGURE_WIDTH, g->height);
    ken_figure_label(g, LEFT, 12, "right", "before");
    ken_figure_label(g, RIGHT, 12, "left", "after");
    ken_figure_columns(g, KEN_CELL_TEXT, "before", "after");
    ken_figure_column(g, "facts", KEN_CELL_COUNT);
    ken_figure_column(g, "share of before", KEN_CELL_SHARE);
    int block = 1;
    for (int i = 0; i < x.n; i++)
        for (int j = 0; j < x.n; j++) {
            double size = unit * (double)x.moved[i][j];
            ken_figure_text(g, x.names[i]);
            ken_figure_text(g, x.names[j]);
            ken_figure_numbers(g, 2, (double)x.moved[i][j],
                               x.before[i] > 0 ? (double)x.moved[i][j] / (double)x.before[i] : NAN);
            if (x.moved[i][j] == 0) continue;
            for (int s = 0; s <= STEPS; s++) { /* a smooth step from one height to the other */
                double t = (double)s / STEPS, w = t * t * (3.0 - 2.0 * t),
                       y = next[0][i] + (next[1][j] - next[0][i]) * w;
                ken_figure_lines(g, 3, LEFT + (RIGHT - LEFT) * t, y, y + size);
            }
            ken_figure_block(g);
            ken_figure_plot(g, "D index %d using 1:2:3 with filledcurves fs transparent solid %s noborder lc rgb '%s'",
                            block++, i == j ? "0.3" : "0.6", x.colours[i]);
            next[0][i] += size;
            next[1][j] += size;
        }
    for (int i = 0; i < 2 * x.n; i++)
        if ((i < x.n ? x.before[i] : x.after[i - x.n]) > 0)
            ken_figure_plot(g, "D index 0 every ::%d::%d using 1:3:1:2:3:4 with boxxyerror lc rgb '%s'", i, i,
                            x.colours[i % x.n]);
    spread(middle[0], x.n, 30, TOP + 6, BOTTOM - 12); /* two lines each: name and number */
    spread(middle[1], x.n, 30, TOP + 6, BOTTOM - 12);
    for (int i = 0; i < x.n; i++) {
        ken_figure_label(g, LEFT - BOX - 5, middle[0][i] - 7, "right", x.names[i]);
        ken_figure_label(g, LEFT - BOX - 5, middle[0][i] + 7, "right", ken_html_count(a, x.before[i]));
        ken_figure_label(g, RIGHT + BOX + 5, middle[1][i] - 7, "left", x.names[i]);
        ken_figure_label(g, RIGHT + BOX + 5, middle[1][i] + 7, "left", ken_html_count(a, x.after[i]));
    }
    ken_buf_printf(&g->caption, "%s %s that both runs have, each in the colour of where it came from.",
                   ken_html_count(a, x.all), all->choice ? "questions" : "facts");
    ken_buf_puts(&g->caption, " Lost: ");
    put_part(&g->caption, all->lost, all->known_a, all->lost_share, all->lost_lo, all->lost_hi);
    ken_buf_puts(&g->caption, "; gained: ");
    put_part(&g->caption, all->gained, all->rest_a, all->gained_share, all->gained_lo, all->gained_hi);
    ken_buf_puts(&g->caption, ".");
    ken_buf_printf(&g->description, "Bands from the %s before, on the left, to those after, on the right.",
                   all->choice ? "verdicts" : "categories");
    for (int i = 0; i < x.n; i++) {
        if (x.before[i] == 0) continue;
        ken_buf_printf(&g->description, " Of %s %s:", ken_html_count(a, x.before[i]), x.names[i]);
        const char *comma = "";
        for (int j = 0; j < x.n; j++) {
            if (x.moved[i][j] == 0) continue;
            ken_buf_printf(&g->description, "%s %s %s %s", comma, ken_html_count(b, x.moved[i][j]),
                           i == j ? "stay" : "become", x.names[j]);
            comma = ",";
        }
        ken_buf_putc(&g->description, '.');
    }
    return ken_figure_done(g, err);
}

/* ---- lost and gained by group ---------------------------------------------------------------------------------------- */

typedef struct ranked {
    const ken_diff_group *g;
    size_t i;
    double net; /* gained less lost, of all of the group */
} ranked;

static int by_changes(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    uint64_t p = x->g->lost + x->g->gained, q = y->g->lost + y->g->gained;
    if (p != q) return p > q ? -1 : 1;
    return x->i < y->i ? -1 : 1;
}

static int by_net(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->net != y->net) return x->net < y->net ? -1 : 1;
    return x->i < y->i ? -1 : 1;
}

/* Quarters of popularity are numbered in a run. */
static const char *name_of(const ken_diff_group *g)
{
    static const char *const quarters[4] = {"least popular", "second quarter", "third quarter", "most popular"};
    bool quarter = strcmp(g->grouping, "popularity") == 0 && g->key[0] >= '1' && g->key[0] <= '4' && g->key[1] == '\0';
    return quarter ? quarters[g->key[0] - '1'] : g->key;
}

static double end_of(double share, double hi) { return isfinite(hi) ? hi : isfinite(share) ? share : 0.0; }

static void draw_groups(ken_figure *g, const ranked *r, size_t n)
{
    double top = 40, left = 60, lost = 0.0, gained = 0.0;
    char buf[80];
    for (size_t j = 0; j < n; j++) {
        left = fmax(left, fmin(180, 12 + 6.6 * (double)strlen(name_of(r[j].g)))); /* room for the words on that side */
        if (r[j].g->known_a > 0) lost = fmax(lost, end_of(r[j].g->lost_share, r[j].g->lost_hi));
        if (r[j].g->n > r[j].g->known_a) gained = fmax(gained, end_of(r[j].g->gained_share, r[j].g->gained_hi));
    }
    lost = fmax(0.02, fmin(1.0, lost)), gained = fmax(0.02, fmin(1.0, gained));
    lost = fmax(lost, gained / 3.0), gained = fmax(gained, lost / 3.0);
    ken_figure_frame(g, (int)left, 70, (int)top, 40);
    ken_figure_percent_tics(g, "x", -lost, gained);
    ken_buf_printf(
        ken_figure_settings(g),
        "set border 0\nunset ytics\nset yrange [%.2f:-0.55]\nset grid noytics xtics lt 1 lc rgb '" KEN_LINE
        "' lw 1\nset xtics scale 0\nset arrow from first 0, graph 0 to first 0, graph 1 nohead lw 1 lc rgb '" KEN_MUTED
        "' front\n",
        (double)n - 0.45);
    double x = ken_figure_key(g, 4, 9, 'b', ken_figure_colour(KEN_UNKNOWN),
                              r[0].g->choice ? "lost, of those right before" : "lost, of those answered before");
    (void)ken_figure_key(g, x, 9, 'b', ken_figure_colour(KEN_HIGHLY_KNOWN), "gained, of the others");
    ken_figure_label(g, KEN_FIGURE_WIDTH - 4, 28, "right", r[0].g->choice ? "questions" : "facts");
    double height = g->height - top - 40.0;
    for (size_t j = 0; j < n; j++) {
        const ken_diff_group *c = r[j].g;
        bool has_lost = c->known_a > 0 && isfinite(c->lost_share), has_gained = isfinite(c->gained_share);
        ken_figure_datum(g, has_lost ? -c->lost_share : 0.0);
        ken_figure_datum(g, has_gained ? c->gained_share : 0.0);
        ken_figure_datum(g, has_lost ? -c->lost_hi : 0.0);
        ken_figure_datum(g, has_lost ? -c->lost_lo : 0.0);
        ken_figure_datum(g, has_gained ? c->gained_lo : 0.0);
        ken_figure_datum(g, has_gained ? c->gained_hi : 0.0);
        ken_figure_datum(g, (double)j);
        ken_figure_datum(g, -lost);
        ken_figure_word(g, name_of(c));
        ken_figure_line(g);
        snprintf(buf, sizeof buf, "\xE2\x88\x92%.0f +%.0f", (double)c->lost, (double)c->gained);
        ken_figure_label(g, KEN_FIGURE_WIDTH - 4, top + height * ((double)j + 0.55) / ((double)n + 0.1), "right", buf);
    }
    ken_figure_plot(g, "D using 1:7:1:(0):($7-0.34):($7+0.34) with boxxyerror lc rgb '%s'",
                    ken_figure_colour(KEN_UNKNOWN));
    ken_figure_plot(g, "D using 2:7:(0):2:($7-0.34):($7+0.34) with boxxyerror lc rgb '%s'",
                    ken_figure_colour(KEN_HIGHLY_KNOWN));
    ken_figure_interval(g, 0, "3:7:($4-$3):(0)", NULL);
    ken_figure_interval(g, 0, "5:7:($6-$5):(0)", NULL);
    ken_figure_plot(g, "D using 8:7:9 with labels right offset character -0.6,0 textcolor rgb '" KEN_MUTED "'");
}

static void group_table(ken_figure *g, const char *head, const ranked *r, size_t n)
{
    ken_figure_column(g, head, KEN_CELL_TEXT);
    ken_figure_columns(g, KEN_CELL_COUNT, "facts", "answered before", "answered after", "lost");
    ken_figure_columns(g, KEN_CELL_SHARE, "lost share", "95% from", "95% to");
    ken_figure_column(g, "gained", KEN_CELL_COUNT);
    ken_figure_columns(g, KEN_CELL_SHARE, "gained share", "95% from", "95% to");
    ken_figure_column(g, "McNemar p", KEN_CELL_NUMBER);
    for (size_t j = 0; j < n; j++) {
        const ken_diff_group *c = r[j].g;
        const double x[] = {(double)c->n,    (double)c->known_a, (double)c->known_b, (double)c->lost,
                            c->lost_share,   c->lost_lo,         c->lost_hi,         (double)c->gained,
                            c->gained_share, c->gained_lo,       c->gained_hi,       c->mcnemar};
        ken_figure_text(g, name_of(c));
        for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) ken_figure_number(g, x[i]);
    }
}

/* sorted: the greatest loss on top; else in the order of the groups. */
static int by_group(ken_figures *f, const ken_diff *d, bool choice, const char *grouping, bool sorted,
                    const char *title, const char *head, const char *name, const char *tag, size_t k, ken_err *err)
{
    enum { MOST = 45 };
    size_t n_groups, n = 0;
    const ken_diff_group *groups = ken_diff_groups(d, &n_groups);
    ranked *r = ken_alloc(n_groups, sizeof *r);
    if (r == NULL) return ken_fail_nomem(err, "figures");
    for (size_t i = 0; i < n_groups; i++)
        if (groups[i].choice == choice && strcmp(groups[i].grouping, grouping) == 0 && groups[i].n > 0)
            r[n++] = (ranked){&groups[i], i, ((double)groups[i].gained - (double)groups[i].lost) / (double)groups[i].n};
    int rc = KEN_OK;
    if (n > 1) {
        size_t shown = n < MOST ? n : MOST;
        if (n > MOST) qsort(r, n, sizeof *r, by_changes);
        if (sorted) qsort(r, shown, sizeof *r, by_net);
        ken_figure *g = ken_figure_add(f, title, 80 + 16 * (int)shown, err, "%s-%s%zu", name, tag, k);
        if (g == NULL) rc = KEN_ENOMEM;
        else {
            draw_groups(g, r, shown);
            group_table(g, head, r, n);
            const ken_diff_group *worst = r[0].g, *best = r[0].g;
            for (size_t j = 1; j < shown; j++) {
                if (r[j].g->lost > worst->lost) worst = r[j].g;
                if (r[j].g->gained > best->gained) best = r[j].g;
            }
            ken_buf_puts(&g->caption, choice
                                          ? "Lost: right before and wrong after"
                                          : "Lost: answered before (HighlyKnown, MaybeKnown, or right) and not after");
            ken_buf_puts(&g->caption, "; gained: the reverse. Lines are 95% Wilson intervals.");
            if (shown < n) ken_buf_printf(&g->caption, " The %zu of %zu with most changes; the CSV has all.", shown, n);
            ken_buf_printf(
                &g->description,
                "Bars to the left for lost and to the right for gained facts, in %zu groups. Most are lost in %.60s "
                "(%.0f of %.0f), most gained in %.60s (%.0f).",
                shown, name_of(worst), (double)worst->lost, (double)worst->known_a, name_of(best),
                (double)best->gained);
            rc = ken_figure_done(g, err);
        }
    }
    ken_free(r);
    return rc;
}

/* ---- P(correct) ------------------------------------------------------------------------------------------------------ */

enum { BINS = 20 };

static int bin_of(double p)
{
    int i = (int)(p * BINS);
    return i < 0 ? 0 : i < BINS ? i : BINS - 1;
}

/* 1, 2-3, 4-7, ...: each shade twice as many. */
static int shade_of(uint64_t n)
{
    int s = 0;
    for (; n > 0; n /= 2) s++;
    return s < KEN_SHADES ? s : KEN_SHADES - 1;
}

static int change_p(ken_figures *f, const ken_diff *d, const ken_diff_group *all, const char *tag, size_t k,
                    ken_err *err)
{
    uint64_t cells[BINS][BINS] = {{0}}, n = 0, up = 0, down = 0;
    int most = 1;
    if (!ken_diff_annotated(d) && !all->choice) return KEN_OK;
    for (size_t i = 0; i < ken_diff_count(d); i++) {
        const ken_diff_row *r = ken_diff_get(d, i);
        if (r == NULL || r->choice != all->choice || !isfinite(r->a.p_t) || !isfinite(r->b.p_t)) continue;
        uint64_t *cell = &cells[bin_of(r->a.p_t)][bin_of(r->b.p_t)];
        int s = shade_of(++*cell);
        if (s > most) most = s;
        up += r->b.p_t > r->a.p_t + 0.05;
        down += r->b.p_t < r->a.p_t - 0.05;
        n++;
    }
    if (n == 0) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "Chance of a right answer, before and after", 340, err, "change-p-%s%zu", tag, k);
    if (g == NULL) return KEN_ENOMEM;
    char buf[40], a[32];
    double left = 46, right = 66, top = 30, bottom = 44, w = KEN_FIGURE_WIDTH, h = g->height;
    ken_figure_frame(g, (int)left, (int)right, (int)top, (int)bottom);
    ken_buf_puts(ken_figure_settings(g),
                 "set border 3 lc rgb '" KEN_MUTED "' lw 1\nset grid xtics\nset xrange [0:1]\nset yrange "
                 "[0:1]\nset format '%.1f'\nset xtics 0.2 scale 0\nset ytics 0.2\n"
                 "set arrow from 0,0 to 1,1 nohead dt (4,3) lw 1 lc rgb '" KEN_INK "' front\n");
    ken_figure_label(g, 4, 9, "left", "P(correct) after");
    ken_figure_label(g, left + (w - left - right) / 2, h - 14, "center", "P(correct) before");
    ken_figure_columns(g, KEN_CELL_NUMBER, "before from", "after from");
    ken_figure_column(g, "facts", KEN_CELL_COUNT);
    int block = 0;
    for (int s = 1; s <= most; s++) {
        bool any = false;
        for (int i = 0; i < BINS; i++)
            for (int j = 0; j < BINS; j++) {
                if (cells[i][j] == 0 || shade_of(cells[i][j]) != s) continue;
                ken_figure_lines(g, 4, (double)i / BINS, (i + 1.0) / BINS, (double)j / BINS, (j + 1.0) / BINS);
                any = true;
            }
        if (any) {
            ken_figure_block(g);
            ken_figure_plot(g, "D index %d using 1:3:1:2:3:4 with boxxyerror lc rgb '%s'", block++,
                            ken_figure_shade(1 + (s - 1) * (KEN_SHADES - 2) / (most > 1 ? most - 1 : 1)));
        }
        double y = top + 18 + 16.0 * (most - s);
        ken_buf_printf(
            ken_figure_settings(g),
            "set object rectangle from screen %.5f,%.5f to screen %.5f,%.5f fs solid 1 noborder fc rgb '%s'\n",
            (w - right + 8) / w, 1.0 - (y + 8) / h, (w - right + 20) / w, 1.0 - (y - 8) / h,
            ken_figure_shade(1 + (s - 1) * (KEN_SHADES - 2) / (most > 1 ? most - 1 : 1)));
        snprintf(buf, sizeof buf, "%d%s", 1 << (s - 1), s == most && s > 1 ? " +" : "");
        ken_figure_label(g, w - right + 24, y, "left", buf);
    }
    ken_figure_label(g, w - right + 8, top, "left", all->choice ? "questions" : "facts");
    for (int i = 0; i < BINS; i++)
        for (int j = 0; j < BINS; j++) {
            if (cells[i][j] == 0) continue;
            ken_figure_numbers(g, 3, (double)i / BINS, (double)j / BINS, (double)cells[i][j]);
        }
    ken_buf_printf(&g->caption,
                   "%s by P(correct) in both runs: a shade for at least so many; above the dashed line it rose, below "
                   "it fell.",
                   all->choice ? "Questions" : "Facts");
    if (isfinite(all->p_t_change))
        ken_buf_printf(&g->caption, " Mean: %.3f before, %.3f after, change ", all->p_t_a, all->p_t_b);
    const double change[3] = {all->p_t_change, all->p_t_lo, all->p_t_hi};
    static const char *const before[3] = {"", " (95% interval ", " to "};
    for (int i = 0; i < 3 && isfinite(change[i]); i++) /* one fact has a change and no interval */
        ken_buf_printf(&g->caption, "%s%s%.3f", before[i], change[i] < 0.0 ? "\xE2\x88\x92" : "+", fabs(change[i]));
    if (isfinite(change[0])) ken_buf_puts(&g->caption, isfinite(change[1]) && isfinite(change[2]) ? ")." : ".");
    ken_buf_printf(
        &g->description,
        "A map of %s facts in steps of 0.05 of P(correct) before and after. It rose by more than 0.05 for %.1f%% of "
        "them and fell by more than that for %.1f%%.",
        ken_html_count(a, n), 100.0 * (double)up / (double)n, 100.0 * (double)down / (double)n);
    return ken_figure_done(g, err);
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

/* Of one kind of rows; tag: in the figures' names, "" for the first kind. */
static int figures_of(ken_figures *f, const ken_diff *d, const ken_diff_group *all, const char *tag, size_t k,
                      ken_err *err)
{
    bool choice = all->choice;
    int rc = transitions(f, d, all, tag, k, err);
    if (rc == KEN_OK)
        rc = by_group(f, d, choice, "relation", true,
                      choice ? "Lost and gained by subject" : "Lost and gained by relation",
                      choice ? "subject" : "relation", "change-relations", tag, k, err);
    if (rc == KEN_OK)
        rc = by_group(f, d, choice, "popularity", false, "Lost and gained by popularity", "popularity",
                      "change-popularity", tag, k, err);
    if (rc == KEN_OK)
        rc = by_group(f, d, choice, "near", false, "Lost and gained by nearness to the training set",
                      "nearest trained fact", "change-near", tag, k, err);
    if (rc == KEN_OK) rc = change_p(f, d, all, tag, k, err);
    return rc;
}

int ken_figures_diff(ken_figures *f, const ken_diff *d, size_t k, ken_err *err)
{
    int rc = KEN_OK;
    const char *tag = "";
    for (int choice = 0; choice < 2 && rc == KEN_OK; choice++) {
        const ken_diff_group *all = ken_diff_part(d, choice != 0);
        if (all == NULL || all->n == 0) continue;
        rc = figures_of(f, d, all, tag, k, err);
        tag = "choice-"; /* multiple choice, where there are other rows before it */
    }
    return rc;
}
