/* figure_diff.c - the figures of a comparison: where the facts of each category went (bands from left to right), what was lost and gained in
 * each relation, popularity band and distance to the training set, and P(correct) before against after. */
#include "base/alloc.h"
#include "base/stats.h"
#include "report/figure_axis.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- transitions ----------------------------------------------------------------------------------------------------- */

enum { KINDS = KEN_N_CATEGORIES };

typedef struct flows {
    int n;
    const char *names[KINDS];
    ken_paint paints[KINDS];
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
        x->paints[x->n] = ken_paint_of(annotated ? i : verdict_colours[i]);
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
    ken_buf_printf(b, "%s of %s", ken_count_text(x, part), ken_count_text(y, all));
    if (all > 0) ken_buf_printf(b, " (%.1f%%, 95%% interval %.1f to %.1f)", 100.0 * share, 100.0 * lo, 100.0 * hi);
}

/* Boxes of the kinds before, at the left, and after; bands between them, in the colour of where they come from. */
static void draw_flows(ken_figure *g, const flows *x)
{
    enum { TOP = 34, BOTTOM = 296, GAP = 7, LEFT = 104, RIGHT = 280, BOX = 10, WORDS = 5 };
    ken_drawing *d = &g->drawing;
    char a[32];
    double unit = (BOTTOM - TOP - GAP * (x->n - 1)) / (double)x->all;
    double box[2][KINDS], next[2][KINDS], middle[2][KINDS]; /* by side: its top; where the next band begins; its name */
    for (int side = 0; side < 2; side++) {
        double y = TOP;
        for (int i = 0; i < x->n; i++) {
            double size = unit * (double)(side == 0 ? x->before : x->after)[i];
            box[side][i] = next[side][i] = y;
            middle[side][i] = y + size / 2;
            y += size + GAP;
        }
    }
    for (int i = 0; i < x->n; i++)
        for (int j = 0; j < x->n; j++) {
            double size = unit * (double)x->moved[i][j];
            if (x->moved[i][j] == 0) continue;
            ken_draw_band(d, x->paints[i], i == j ? 0.3 : 0.6, LEFT, next[0][i], RIGHT, next[1][j], size);
            next[0][i] += size;
            next[1][j] += size;
        }
    spread(middle[0], x->n, 30, TOP + 6, BOTTOM - 12); /* two lines each: name and number */
    spread(middle[1], x->n, 30, TOP + 6, BOTTOM - 12);
    for (int side = 0; side < 2; side++) {
        double from = side == 0 ? LEFT - BOX : RIGHT, words = side == 0 ? from - WORDS : from + BOX + WORDS;
        ken_anchor anchor = side == 0 ? KEN_END : KEN_START;
        for (int i = 0; i < x->n; i++) {
            uint64_t n = (side == 0 ? x->before : x->after)[i];
            if (n > 0)
                ken_draw_box(d, x->paints[i], 1.0, from, box[side][i], from + BOX, box[side][i] + unit * (double)n);
            ken_draw_text(d, words, middle[side][i] - 7, anchor, x->names[i]);
            ken_draw_text(d, words, middle[side][i] + 7, anchor, ken_count_text(a, n));
        }
    }
    ken_draw_text(d, LEFT, 12, KEN_END, "before");
    ken_draw_text(d, RIGHT, 12, KEN_START, "after");
}

static void flow_table(ken_figure *g, const flows *x)
{
    ken_figure_columns(g, KEN_CELL_TEXT, "before", "after");
    ken_figure_column(g, "facts", KEN_CELL_COUNT);
    ken_figure_column(g, "share of before", KEN_CELL_SHARE);
    for (int i = 0; i < x->n; i++)
        for (int j = 0; j < x->n; j++) {
            ken_figure_text(g, x->names[i]);
            ken_figure_text(g, x->names[j]);
            ken_figure_numbers(g, 2, (double)x->moved[i][j],
                               x->before[i] > 0 ? (double)x->moved[i][j] / (double)x->before[i] : NAN);
        }
}

static int transitions(ken_figures *f, const ken_diff *d, const ken_diff_group *all, const char *tag, size_t k,
                       ken_err *err)
{
    flows x;
    char a[32], b[32];
    read_flows(&x, d, all);
    if (x.all == 0) return KEN_OK;
    ken_figure *g = ken_figure_add(f, all->choice ? "Where the questions went" : "Where the facts went", 306, err,
                                   "transitions-%s%zu", tag, k);
    if (g == NULL) return KEN_ENOMEM;
    draw_flows(g, &x);
    flow_table(g, &x);
    ken_buf_printf(&g->caption, "%s %s that both runs have, each in the colour of where it came from.",
                   ken_count_text(a, x.all), all->choice ? "questions" : "facts");
    ken_buf_puts(&g->caption, " Lost: ");
    put_part(&g->caption, all->lost, all->known_a, all->lost_share, all->lost_lo, all->lost_hi);
    ken_buf_puts(&g->caption, "; gained: ");
    put_part(&g->caption, all->gained, all->rest_a, all->gained_share, all->gained_lo, all->gained_hi);
    ken_buf_puts(&g->caption, ".");
    ken_buf_printf(&g->description, "Bands from the %s before, on the left, to those after, on the right.",
                   all->choice ? "verdicts" : "categories");
    for (int i = 0; i < x.n; i++) {
        if (x.before[i] == 0) continue;
        ken_buf_printf(&g->description, " Of %s %s:", ken_count_text(a, x.before[i]), x.names[i]);
        const char *comma = "";
        for (int j = 0; j < x.n; j++) {
            if (x.moved[i][j] == 0) continue;
            ken_buf_printf(&g->description, "%s %s %s %s", comma, ken_count_text(b, x.moved[i][j]),
                           i == j ? "stay" : "become", x.names[j]);
            comma = ",";
        }
        ken_buf_putc(&g->description, '.');
    }
    return ken_figure_done(g, err);
}

/* ---- lost and gained by group ---------------------------------------------------------------------------------------- */

enum { MOST = 45, ROW = 16 };

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

/* Shares of groups to both sides of 0: lost ones at the left. */
static void put_shares(ken_plot *p, const ranked *r, size_t n)
{
    ken_interval interval[2 * MOST];
    size_t m = 0;
    for (int gained = 0; gained < 2; gained++)
        for (size_t j = 0; j < n; j++) {
            const ken_diff_group *c = r[j].g;
            double y = p->top + ROW * ((double)j + 0.5), sign = gained ? 1.0 : -1.0;
            double share = gained ? c->gained_share : c->lost_share;
            if (!isfinite(share) || (!gained && c->known_a == 0)) continue;
            ken_draw_box(&p->g->drawing, ken_paint_of(gained ? KEN_HIGHLY_KNOWN : KEN_UNKNOWN), 1.0, ken_plot_x(p, 0.0),
                         y - 5.4, ken_plot_x(p, sign * share), y + 5.4);
            interval[m++] = (ken_interval){ken_plot_x(p, sign * (gained ? c->gained_lo : c->lost_lo)),
                                           y,
                                           ken_plot_x(p, sign * (gained ? c->gained_hi : c->lost_hi)),
                                           y,
                                           NAN,
                                           NAN};
        }
    ken_draw_intervals(&p->g->drawing, interval, m);
}

static void choose_shares(ken_axis *a, const ranked *r, size_t n)
{
    double lost = 0.0, gained = 0.0;
    for (size_t j = 0; j < n; j++) {
        if (r[j].g->known_a > 0) lost = fmax(lost, end_of(r[j].g->lost_share, r[j].g->lost_hi));
        if (r[j].g->n > r[j].g->known_a) gained = fmax(gained, end_of(r[j].g->gained_share, r[j].g->gained_hi));
    }
    lost = fmax(0.02, fmin(1.0, lost)), gained = fmax(0.02, fmin(1.0, gained));
    lost = fmax(lost, gained / 3.0), gained = fmax(gained, lost / 3.0);
    ken_axis_percents(a, -lost, gained);
}

static const char *change_of(char buf[80], const ken_diff_group *g)
{
    char lost[32], gained[32];
    ken_count_text(lost, g->lost);
    ken_count_text(gained, g->gained);
    if (g->lost == 0) snprintf(buf, 80, "%s%s", g->gained > 0 ? "+" : "", gained); /* nothing has no sign */
    else if (g->gained == 0) snprintf(buf, 80, "\xE2\x88\x92%s", lost);
    else snprintf(buf, 80, "\xE2\x88\x92%s +%s", lost, gained);
    return buf;
}

static void draw_groups(ken_figure *g, const ranked *r, size_t n)
{
    enum { EDGE = 4 };
    double left = 48.0, right = 58.0; /* room for the words at the left, for the numbers at the right */
    char buf[80];
    ken_key key = {0};
    for (size_t j = 0; j < n; j++) {
        const char *name = name_of(r[j].g), *change = change_of(buf, r[j].g);
        left = fmin(150.0, fmax(left, ken_text_width(name, strlen(name))));
        right = fmin(120.0, fmax(right, ken_text_width(change, strlen(change))));
    }
    ken_key_add(&key, 'b', ken_paint_of(KEN_UNKNOWN),
                r[0].g->choice ? "lost, of those right before" : "lost, of those answered before");
    ken_key_add(&key, 'b', ken_paint_of(KEN_HIGHLY_KNOWN), "gained, of the others");
    ken_plot p = ken_plot_in(g, left + 12, right + EDGE + 8, ken_key_draw(g, &key) + 21, 40);
    choose_shares(&p.x, r, n);
    ken_plot_grid(&p, KEN_UPRIGHTS);
    put_shares(&p, r, n);
    double zero = ken_plot_x(&p, 0.0);
    ken_draw_line(&g->drawing, (ken_pen){KEN_PAINT_MUTED, 1.0, NULL}, zero, p.top, zero, p.bottom);
    ken_plot_edges(&p, 0);
    ken_draw_text(&g->drawing, KEN_FIGURE_WIDTH - EDGE, p.top - 11, KEN_END, r[0].g->choice ? "questions" : "facts");
    for (size_t j = 0; j < n; j++) {
        double y = p.top + ROW * ((double)j + 0.5);
        ken_draw_words(&g->drawing, p.left - 7, y, KEN_END, left, name_of(r[j].g));
        ken_draw_text(&g->drawing, KEN_FIGURE_WIDTH - EDGE, y, KEN_END, change_of(buf, r[j].g));
    }
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
        ken_figure *g = ken_figure_add(f, title, 78 + ROW * (int)shown, err, "%s-%s%zu", name, tag, k);
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

/* Of the shades up to `most`; the palest is not the card's own colour. */
static ken_paint paint_of(int shade, int most)
{
    return ken_paint_shade(1 + (shade - 1) * (KEN_SHADES - 2) / (most > 1 ? most - 1 : 1));
}

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

/* most: the darkest shade that occurs; for every shade a rectangle and the least number that has it. */
static void put_scale(const ken_plot *p, int most, const char *what)
{
    enum { LEFT = 8, WIDTH = 12, STEP = 16 };
    char buf[40];
    for (int s = 1; s <= most; s++) {
        double y = p->top + 18 + STEP * (most - s), x = p->right + LEFT;
        ken_draw_box(&p->g->drawing, paint_of(s, most), 1.0, x, y - STEP / 2.0, x + WIDTH, y + STEP / 2.0);
        snprintf(buf, sizeof buf, "%d%s", 1 << (s - 1), s == most && s > 1 ? " +" : "");
        ken_draw_text(&p->g->drawing, x + WIDTH + 4, y, KEN_START, buf);
    }
    ken_draw_text(&p->g->drawing, p->right + LEFT, p->top, KEN_START, what);
}

static void draw_map(ken_figure *g, uint64_t cells[BINS][BINS], int most, const char *what)
{
    char number[32];
    ken_plot p = ken_plot_in(g, 46, 66, 30, 44);
    for (int i = 0; i <= 5; i++) {
        ken_axis_tick(&p.x, i / 5.0, ken_fixed(number, i / 5.0, 1));
        ken_axis_tick(&p.y, i / 5.0, ken_fixed(number, i / 5.0, 1));
    }
    ken_plot_grid(&p, KEN_LEVELS | KEN_UPRIGHTS);
    for (int s = 1; s <= most; s++)
        for (int i = 0; i < BINS; i++)
            for (int j = 0; j < BINS; j++)
                if (cells[i][j] > 0 && shade_of(cells[i][j]) == s)
                    ken_draw_box(&g->drawing, paint_of(s, most), 1.0, ken_plot_x(&p, (double)i / BINS),
                                 ken_plot_y(&p, (double)j / BINS), ken_plot_x(&p, (i + 1.0) / BINS),
                                 ken_plot_y(&p, (j + 1.0) / BINS));
    ken_draw_line(&g->drawing, (ken_pen){KEN_PAINT_INK, 1.0, "4 3"}, p.left, p.bottom, p.right, p.top);
    ken_plot_edges(&p, KEN_BASE | KEN_SIDE);
    ken_draw_text(&g->drawing, 4, 9, KEN_START, "P(correct) after");
    ken_plot_title_x(&p, "P(correct) before");
    put_scale(&p, most, what);
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
    char a[32];
    draw_map(g, cells, most, all->choice ? "questions" : "facts");
    ken_figure_columns(g, KEN_CELL_NUMBER, "before from", "after from");
    ken_figure_column(g, "facts", KEN_CELL_COUNT);
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
        ken_count_text(a, n), 100.0 * (double)up / (double)n, 100.0 * (double)down / (double)n);
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
