/* changes.c - what moved between two runs: the sentence, the accuracies with their intervals, the transition diagram, lost and gained
 * facts, and the same by relation, popularity and distance to what was trained. All numbers are ken_diff's; here they get words. */
#include "base/alloc.h"
#include "report/bars.h"
#include "report/html.h"
#include "report/sections.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LISTED = 12, MOST_GROUPS = 60, MOST_OPEN = 12 };

static const ken_diff_group *all_of(const ken_page_diff *d) { return ken_diff_find(d->diff, "all", ""); }

/* Labelled rows that A did not know: what gained is a share of. */
static uint64_t not_known(const ken_page_diff *d, const ken_diff_group *g)
{
    uint64_t n = 0;
    if (!ken_diff_annotated(d->diff)) return g->n - g->known_a;
    for (int a = KEN_WEAKLY_KNOWN; a <= KEN_UNKNOWN; a++)
        for (int b = 0; b < KEN_UNLABELLED; b++) n += g->moved[a][b];
    return n;
}

/* ---- in one sentence ------------------------------------------------------------------------------------------------- */

void ken_section_change_finding(ken_out *o, const ken_page_diff *d, bool trained)
{
    char a[32], b[32];
    const ken_diff_group *g = all_of(d);
    if (g == NULL || g->n == 0) {
        ken_out_puts(o, "<p class=\"finding\">The two runs have no fact in common.</p>\n");
        return;
    }
    ken_out_printf(o, "<p class=\"finding\">%s<b>%s of %s</b> fact%s the model could answer ",
                   trained ? "After fine-tuning, " : "From the first to the second, ", ken_html_count(a, g->lost),
                   ken_html_count(b, g->known_a), g->known_a == 1 ? "" : "s");
    ken_out_printf(o, "%s <b class=\"lost\">lost</b>, ", g->lost == 1 ? "is" : "are");
    ken_out_printf(o, "<b>%s of %s</b> it could not %s <b class=\"gained\">gained</b>.</p>\n",
                   ken_html_count(a, g->gained), ken_html_count(b, not_known(d, g)), g->gained == 1 ? "is" : "are");
}

static void put_name(ken_out *o, const char *name)
{
    ken_out_puts(o, "<b>");
    ken_html_text(o, name, 100);
    ken_out_puts(o, "</b>");
}

/* "62.3% -> 60.1% -2.2 (-4.0 to -0.4)"; in a tile the change is what stands out. */
static void put_change(ken_out *o, double a, double b, double change, double lo, double hi, bool tile)
{
    char x[32], y[32];
    if (tile) ken_out_printf(o, "%s points <small>", ken_html_points(x, change));
    ken_out_printf(o, "%s \xE2\x86\x92 %s", ken_html_percent(x, a), ken_html_percent(y, b));
    if (!tile) ken_out_printf(o, " <b>%s</b>", ken_html_points(x, change));
    if (isfinite(lo))
        ken_out_printf(o, tile ? "<br>95%% interval %s to %s" : " <small class=\"ci\">%s to %s</small>",
                       ken_html_points(x, lo), ken_html_points(y, hi));
    if (tile) ken_out_puts(o, "</small>");
}

static void shares_bar(ken_out *o, const ken_diff_group *g, bool of_b, const char *name)
{
    ken_tally t = {0};
    for (int a = 0; a < KEN_N_CATEGORIES; a++)
        for (int b = 0; b < KEN_N_CATEGORIES; b++) {
            t.category[of_b ? b : a] += g->moved[a][b];
            t.n += g->moved[a][b];
        }
    ken_out_printf(o, "<tr><th scope=\"row\">%s<small>", of_b ? "After" : "Before");
    ken_html_text(o, name, 60);
    ken_out_puts(o, "</small></th><td class=\"wide\">");
    ken_bar_put(o, &t, " tall", 0.05);
    ken_out_puts(o, "</td></tr>\n");
}

static void tile_share(ken_out *o, uint64_t part, uint64_t all, double lo, double hi)
{
    char a[32];
    ken_out_puts(o, ken_html_percent(a, ken_share(part, all)));
    if (all > 0) ken_out_printf(o, " <small>95%% interval %.1f\xE2\x80\x93%.1f%%</small>", 100 * lo, 100 * hi);
}

void ken_section_change_numbers(ken_out *o, const ken_page_diff *d)
{
    char a[32];
    const ken_diff_group *g = all_of(d);
    ken_out_puts(o, "<p class=\"lead\">");
    put_name(o, d->a->name);
    ken_out_puts(o, " before, ");
    put_name(o, d->b->name);
    ken_out_printf(o, " after, on the %s facts that both were asked.</p>\n",
                   ken_html_count(a, ken_diff_count(d->diff)));
    if (g == NULL || g->n == 0) return;
    if (ken_diff_annotated(d->diff)) {
        ken_out_puts(o,
                     "<table class=\"rel two\"><caption class=\"hide\">Categories before and after</caption><tbody>\n");
        shares_bar(o, g, false, d->a->name);
        shares_bar(o, g, true, d->b->name);
        ken_out_puts(o, "</tbody></table>\n");
        ken_bar_key(o, false);
    }
    ken_out_puts(o, "<dl class=\"kpis\"><div><dt>Lost, of what it knew</dt><dd>");
    tile_share(o, g->lost, g->known_a, g->lost_lo, g->lost_hi);
    ken_out_puts(o, "</dd></div><div><dt>Gained, of the rest</dt><dd>");
    tile_share(o, g->gained, not_known(d, g), g->gained_lo, g->gained_hi);
    ken_out_printf(o, "</dd></div><div><dt>%s</dt><dd>",
                   ken_diff_annotated(d->diff) ? "Right greedy answers" : "Right answers");
    put_change(o, g->p_t0_a, g->p_t0_b, g->p_t0_change, g->p_t0_lo, g->p_t0_hi, true);
    if (isfinite(g->p_t_change)) {
        ken_out_puts(o, "</dd></div><div><dt>Mean P<sub>Correct</sub></dt><dd>");
        put_change(o, g->p_t_a, g->p_t_b, g->p_t_change, g->p_t_lo, g->p_t_hi, true);
    }
    ken_out_printf(
        o,
        "</dd></div><div><dt>Lost against gained</dt><dd>%s <small>McNemar\xE2\x80\x99s exact test: %s</small>"
        "</dd></div></dl>\n",
        ken_html_p(a, g->mcnemar),
        g->lost + g->gained == 0 ? "nothing moved"
        : g->mcnemar < 0.05      ? "more than chance"
                                 : "no more than chance would do");
}

/* ---- from where to where --------------------------------------------------------------------------------------------- */

/* May be broken where the parts of the name meet. */
static const char *short_name(int category)
{
    static const char *const names[] = {"Highly&shy;Known", "Maybe&shy;Known", "Weakly&shy;Known", "Unknown",
                                        "un&shy;labelled"};
    return names[category];
}

static void transitions(ken_out *o, const ken_report *r, size_t k, int h)
{
    char name[48], number[32];
    const ken_page_diff *d = &r->diff[k];
    const ken_diff_group *g = all_of(d);
    bool unlabelled = false;
    for (int i = 0; i < KEN_N_CATEGORIES; i++)
        unlabelled |= g->moved[i][KEN_UNLABELLED] > 0 || g->moved[KEN_UNLABELLED][i] > 0;
    int n = unlabelled ? KEN_N_CATEGORIES : KEN_UNLABELLED;
    ken_out_printf(o, "<section id=\"moved-%zu\">\n<h%d>From category to category</h%d>\n", k, h, h);
    ken_out_puts(
        o,
        "<p class=\"note\">A fact is <b>lost</b> when it was HighlyKnown or MaybeKnown and is WeaklyKnown or Unknown "
        "now, and <b>gained</b> the other way round.</p>\n<div class=\"plots\"><div class=\"card\">");
    snprintf(name, sizeof name, "transitions-%zu", k);
    ken_figure_put(o, r->figures, name);
    ken_out_puts(o,
                 "</div><div class=\"card\"><table class=\"matrix\"><caption>Facts by category before (rows) and after "
                 "(columns)</caption><thead><tr><th scope=\"col\">Before \\ after</th>");
    for (int b = 0; b < n; b++)
        ken_out_printf(o, "<th class=\"n\" scope=\"col\"><i class=\"c%d\"></i>%s</th>", b, short_name(b));
    ken_out_puts(o, "<th class=\"n\" scope=\"col\">All</th></tr></thead><tbody>\n");
    for (int a = 0; a < n; a++) {
        uint64_t sum = 0;
        ken_out_printf(o, "<tr><th scope=\"row\"><i class=\"c%d\"></i>%s</th>", a, short_name(a));
        for (int b = 0; b < n; b++) {
            bool known_a = a <= KEN_MAYBE_KNOWN, known_b = b <= KEN_MAYBE_KNOWN;
            const char *how = g->moved[a][b] == 0                                                ? " zero"
                              : a == b                                                           ? " same"
                              : a == KEN_UNLABELLED || b == KEN_UNLABELLED || known_a == known_b ? ""
                              : known_a                                                          ? " lost"
                                                                                                 : " gained";
            ken_out_printf(o, "<td class=\"n%s\">%s</td>", how, ken_html_count(number, g->moved[a][b]));
            sum += g->moved[a][b];
        }
        ken_out_printf(o, "<td class=\"n\">%s</td></tr>\n", ken_html_count(number, sum));
    }
    ken_out_puts(o, "</tbody></table></div></div>\n</section>\n");
}

/* ---- lost and gained ------------------------------------------------------------------------------------------------- */

typedef struct moved {
    const ken_diff_row *row;
    double fell; /* by how much the probability of a right answer changed: the order */
    size_t i;
} moved;

static int by_change(const void *x, const void *y)
{
    const moved *a = x, *b = y;
    if (a->fell != b->fell) return a->fell > b->fell ? -1 : 1;
    return a->i < b->i ? -1 : 1;
}

static double before_and_after(const ken_diff_row *row)
{
    double x = isfinite(row->a.p_t) && isfinite(row->b.p_t) ? row->b.p_t - row->a.p_t : row->b.p_t0 - row->a.p_t0;
    return isfinite(x) ? fabs(x) : 0.0;
}

static void put_says(ken_out *o, const ken_diff_side *s)
{
    if (s->says == NULL) {
        ken_out_puts(o, "<i>not stored</i>");
        return;
    }
    const char *says = s->says + strspn(s->says, " \n\t"); /* an answer begins with the space before it */
    ken_out_printf(o, "<q class=\"%s\">", s->says_right ? "right" : "wrong");
    ken_html_text(o, says[0] != '\0' ? says : "(nothing)", 60);
    ken_out_puts(o, "</q>");
    if (s->prompts > 1) ken_out_printf(o, " <small>%d of %d</small>", s->says_prompts, s->prompts);
}

static int list_moved(ken_out *o, const ken_page_diff *d, size_t k, int move, int h, ken_err *err)
{
    const char *word = move == KEN_MOVE_LOST ? "Lost" : "Gained";
    const ken_diff_group *g = all_of(d);
    size_t n = 0, most = (size_t)(move == KEN_MOVE_LOST ? g->lost : g->gained);
    char number[32];
    moved *list = ken_alloc(most, sizeof *list);
    if (list == NULL) return ken_fail_nomem(err, "report");
    for (size_t i = 0; i < ken_diff_count(d->diff) && n < most; i++) {
        const ken_diff_row *row = ken_diff_get(d->diff, i);
        if (row->move == move) list[n++] = (moved){row, before_and_after(row), i};
    }
    qsort(list, n, sizeof *list, by_change);
    ken_out_printf(o, "<div class=\"card\"><h%d>%s: %s</h%d>", h, word, ken_html_count(number, n), h);
    if (n == 0) ken_out_puts(o, "<p class=\"note\">None.</p>");
    else {
        ken_out_printf(
            o,
            "<p class=\"note\">%s<a class=\"to-table\" href=\"#facts\" data-diff=\"%zu\" data-move=\"%d\">All of "
            "them in the table</a>.</p><ol class=\"moves\">\n",
            n > MOST_LISTED ? "The largest changes first. " : "", k, move);
        for (size_t i = 0; i < n && i < MOST_LISTED; i++) {
            const ken_diff_row *row = list[i].row;
            ken_out_puts(o, "<li><span class=\"asked\">");
            ken_html_text(o, row->question, 160);
            ken_out_puts(o, "</span> <b>");
            ken_html_text(o, row->answer, 60);
            ken_out_puts(o, "</b><br>");
            put_says(o, &row->a);
            ken_out_puts(o, " <span aria-label=\"then\">\xE2\x86\x92</span> ");
            put_says(o, &row->b);
            if (row->near != KEN_NEAR_UNKNOWN && row->near != KEN_NEAR_NOTHING)
                ken_out_printf(o, " <span class=\"flag\">%s</span>", ken_near_name(row->near));
            ken_out_puts(o, "</li>\n");
        }
        ken_out_puts(o, "</ol>");
    }
    ken_out_puts(o, "</div>");
    ken_free(list);
    return KEN_OK;
}

/* ---- by group -------------------------------------------------------------------------------------------------------- */

static void group_row(ken_out *o, const ken_page_diff *d, const ken_diff_group *g, const char *name)
{
    char a[32];
    ken_out_puts(o, "<tr><th scope=\"row\">");
    ken_html_text(o, name, 80);
    ken_out_printf(o, "</th><td class=\"n\" data-label=\"Facts\">%s</td>", ken_html_count(a, g->n));
    ken_out_printf(o, "<td class=\"n\" data-label=\"Answered\">%s \xE2\x86\x92 ", ken_html_count(a, g->known_a));
    ken_out_printf(o, "%s</td><td class=\"n\" data-label=\"Lost\">", ken_html_count(a, g->known_b));
    if (g->known_a > 0) ken_out_printf(o, "%s: ", ken_html_count(a, g->lost)), ken_share_put(o, g->lost, g->known_a);
    else ken_out_puts(o, "\xE2\x80\x93");
    uint64_t rest = not_known(d, g);
    ken_out_puts(o, "</td><td class=\"n\" data-label=\"Gained\">");
    if (rest > 0) ken_out_printf(o, "%s: ", ken_html_count(a, g->gained)), ken_share_put(o, g->gained, rest);
    else ken_out_puts(o, "\xE2\x80\x93");
    ken_out_puts(o, "</td><td class=\"n\" data-label=\"Greedy right\">");
    put_change(o, g->p_t0_a, g->p_t0_b, g->p_t0_change, g->p_t0_lo, g->p_t0_hi, false);
    ken_out_puts(o, "</td></tr>\n");
}

static const char *key_name(const char *grouping, const char *key)
{
    static const char *const quarters[] = {"least popular quarter", "second quarter", "third quarter",
                                           "most popular quarter"};
    if (strcmp(grouping, "popularity") == 0 && key[0] >= '1' && key[0] <= '4' && key[1] == '\0')
        return quarters[key[0] - '1'];
    return key[0] != '\0' ? key : "(no relation)";
}

/* A table of the groups of one kind; nothing when there is at most one. */
static void groups_of(ken_out *o, const ken_page_diff *d, const char *grouping, const char *title, const char *note,
                      int h)
{
    size_t n, there = 0, put = 0;
    const ken_diff_group *g = ken_diff_groups(d->diff, &n);
    for (size_t i = 0; i < n; i++) there += strcmp(g[i].grouping, grouping) == 0;
    if (there < 2) return;
    bool fold = there > MOST_OPEN; /* a figure shows the same, and the facts should not be screens away */
    ken_out_printf(o, "<h%d>%s</h%d>\n<p class=\"note\">%s</p>\n", h, title, h, note);
    if (fold) ken_out_printf(o, "<details><summary>%zu groups</summary>\n", there);
    ken_out_puts(o, "<div class=\"card wide\"><table class=\"rel groups\">");
    ken_out_puts(
        o, "<thead><tr><th scope=\"col\">Group</th><th class=\"n\" scope=\"col\">Facts</th><th class=\"n\" "
           "scope=\"col\">Answered</th><th class=\"n\" scope=\"col\">Lost</th><th class=\"n\" scope=\"col\">Gained</th>"
           "<th class=\"n\" scope=\"col\">Greedy right</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n && put < MOST_GROUPS; i++)
        if (strcmp(g[i].grouping, grouping) == 0) {
            group_row(o, d, &g[i], key_name(grouping, g[i].key));
            put++;
        }
    ken_out_puts(o, "</tbody></table>");
    if (put < there)
        ken_out_printf(o, "<p class=\"note\">The first %zu of %zu; the CSV of the figure has all.</p>", put, there);
    ken_out_puts(o, fold ? "</div>\n</details>\n" : "</div>\n");
}

int ken_section_changes(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err)
{
    const ken_page_diff *d = &r->diff[k];
    const ken_diff_group *g = all_of(d);
    if (g == NULL || g->n == 0) return KEN_OK;
    if (ken_diff_annotated(d->diff)) transitions(o, r, k, h);
    ken_out_printf(o, "<section id=\"lost-%zu\">\n<h%d>Lost and gained facts</h%d>\n<div class=\"plots\">", k, h, h);
    int rc = list_moved(o, d, k, KEN_MOVE_LOST, h + 1, err);
    if (rc == KEN_OK) rc = list_moved(o, d, k, KEN_MOVE_GAINED, h + 1, err);
    ken_out_printf(o, "</div>\n</section>\n<section id=\"where-%zu\">\n<h%d>Where it changed</h%d>\n", k, h, h);
    ken_out_puts(o, "<p class=\"note\">Lost is a share of what was answered before (HighlyKnown or MaybeKnown), gained "
                    "of what was not; intervals are 95% "
                    "(Wilson for shares, t over pairs for the change of right greedy answers, in points).</p>\n<div "
                    "class=\"plots\">");
    /* The figure by relation may be as high as the others together: they stand on top of each other beside it. */
    static const char *const stacked[] = {"change-p", "change-near", "change-popularity"};
    ken_out_puts(o, "<div class=\"stack\">");
    for (size_t i = 0; i < sizeof stacked / sizeof stacked[0]; i++) ken_section_figure(o, r, "%s-%zu", stacked[i], k);
    ken_out_puts(o, "</div>");
    ken_section_figure(o, r, "change-relations-%zu", k);
    ken_out_puts(o, "</div>\n");
    groups_of(o, d, "near", "By distance to the training set",
              "What a fact shares with what was trained: the question itself, its subject, its answer, its relation.",
              h + 1);
    groups_of(o, d, "popularity", "By popularity", "Quarters of the facts by the popularity of their subject.", h + 1);
    groups_of(o, d, "relation", "By relation", "In the order of the data.", h + 1);
    ken_out_puts(o, "</section>\n");
    return rc;
}
