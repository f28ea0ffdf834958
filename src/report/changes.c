/* changes.c - what moved between two runs: the sentence, the accuracies with their intervals, the transition diagram, lost and gained
 * facts, and the same by relation, popularity and distance to what was trained. All numbers are ken_diff's; here they get words. */
#include "base/alloc.h"
#include "base/stats.h"
#include "report/bars.h"
#include "report/html.h"
#include "report/sections.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LISTED = 12, MOST_GROUPS = 60, MOST_OPEN = 12 };

/* Rows of one kind: multiple choice, or the others. */
typedef struct diff_part {
    const ken_page_diff *d;
    const ken_diff_group *all;
    size_t k;        /* the comparison's number */
    const char *tag; /* in names of sections and figures: "choice-" where there are others before it */
} diff_part;

/* The parts of a comparison, at most two; returns how many. */
static int parts_of(diff_part p[2], const ken_page_diff *d, size_t k)
{
    int n = 0;
    for (int choice = 0; choice < 2; choice++) {
        const ken_diff_group *all = ken_diff_part(d->diff, choice != 0);
        if (all != NULL && all->n > 0) p[n] = (diff_part){d, all, k, n > 0 ? "choice-" : ""}, n++;
    }
    return n;
}

/* Labelled rows that A did not know: what gained is a share of. */
static uint64_t not_known(const ken_page_diff *d, const ken_diff_group *g)
{
    uint64_t n = 0;
    if (g->choice) return g->rest_a;
    if (!ken_diff_annotated(d->diff)) return g->n - g->known_a;
    for (int a = KEN_WEAKLY_KNOWN; a <= KEN_UNKNOWN; a++)
        for (int b = 0; b < KEN_UNLABELLED; b++) n += g->moved[a][b];
    return n;
}

/* ---- in one sentence ------------------------------------------------------------------------------------------------- */

static void finding(ken_out *o, const ken_page_diff *d, const ken_diff_group *g, bool trained)
{
    char a[32], b[32];
    ken_out_printf(o, "<p class=\"finding\">%s<b>%s of %s</b> %s%s the model %s ",
                   trained ? "After fine-tuning, " : "From the first to the second, ", ken_html_count(a, g->lost),
                   ken_html_count(b, g->known_a), g->choice ? "multiple-choice question" : "fact",
                   g->known_a == 1 ? "" : "s", g->choice ? "had right" : "could answer");
    ken_out_printf(o, "%s <b class=\"lost\">lost</b>, ", g->lost == 1 ? "is" : "are");
    ken_out_printf(o, "<b>%s of %s</b> it %s %s <b class=\"gained\">gained</b>.</p>\n", ken_html_count(a, g->gained),
                   ken_html_count(b, not_known(d, g)), g->choice ? "had wrong" : "could not",
                   g->gained == 1 ? "is" : "are");
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

/* "25.0%" and, smaller, its interval. */
static void cell(ken_out *o, const char *label, double x, double lo, double hi, bool points)
{
    char a[32], b[32];
    ken_out_printf(o, "<td class=\"n\" data-label=\"%s\">%s", label,
                   points ? ken_html_points(a, x) : ken_html_percent(a, x));
    if (isfinite(lo) && points)
        ken_out_printf(o, " <small class=\"ci\">%s to %s</small>", ken_html_points(a, lo), ken_html_points(b, hi));
    else if (isfinite(lo)) ken_out_printf(o, " <small class=\"ci\">%.1f\xE2\x80\x93%.1f</small>", 100 * lo, 100 * hi);
    ken_out_puts(o, "</td>");
}

/* Accuracy of multiple choice three ways: by questions, by prompts (of which an evaluation has one each), by probability. */
static void accuracies(ken_out *o, const ken_diff_group *g, bool annotated)
{
    char p[32];
    double lo[2], hi[2];
    uint64_t n_a = g->known_a + g->rest_a, n_b = g->known_b + g->rest_b;
    ken_wilson(g->known_a, n_a, &lo[0], &hi[0]);
    ken_wilson(g->known_b, n_b, &lo[1], &hi[1]);
    const struct {
        const char *name;
        double a[3], b[3], change[3], guess, test;
        const char *how;
    } row[] = {
        {"Questions right",
         {ken_share(g->known_a, n_a), lo[0], hi[0]},
         {ken_share(g->known_b, n_b), lo[1], hi[1]},
         {g->known_change, g->known_lo, g->known_hi},
         g->guess_known,
         g->mcnemar,
         "McNemar"},
        {"Prompts right",
         {g->p_t0_a, g->p_t0_a_lo, g->p_t0_a_hi},
         {g->p_t0_b, g->p_t0_b_lo, g->p_t0_b_hi},
         {g->p_t0_change, g->p_t0_lo, g->p_t0_hi},
         g->guess_p_t0,
         g->p_t0_test,
         "paired t"},
        {"P of the right option",
         {g->p_t_a, NAN, NAN},
         {g->p_t_b, NAN, NAN},
         {g->p_t_change, g->p_t_lo, g->p_t_hi},
         g->guess_p_t0,
         g->p_t_test,
         "paired t"},
    };
    ken_out_puts(o, "<p class=\"note\">");
    if (annotated)
        ken_out_puts(o,
                     "A question counts as right when more than half of its prompts choose the right option; a tie is "
                     "wrong (our rule). The options stand in another order in each prompt, so a letter means nothing "
                     "here and options are named by their text. ");
    ken_out_puts(
        o, "Intervals are 95%: Wilson for questions, t over questions for the others.</p>\n<div class=\"card "
           "wide\"><table "
           "class=\"rel groups\"><caption class=\"hide\">Accuracy before and after"
           "</caption><thead><tr><th scope=\"col\">Accuracy</th><th class=\"n\" scope=\"col\">Before</th><th "
           "class=\"n\" scope=\"col\">After</th><th class=\"n\" scope=\"col\">Change, points</th><th "
           "class=\"n\" scope=\"col\">Test</th><th class=\"n\" scope=\"col\">Guessing</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (!isfinite(row[i].a[0]) || (!annotated && i == 1)) continue;
        ken_out_printf(o, "<tr><th scope=\"row\">%s</th>", row[i].name);
        cell(o, "Before", row[i].a[0], row[i].a[1], row[i].a[2], false);
        cell(o, "After", row[i].b[0], row[i].b[1], row[i].b[2], false);
        cell(o, "Change", row[i].change[0], row[i].change[1], row[i].change[2], true);
        ken_out_puts(o, "<td class=\"n\" data-label=\"Test\">");
        if (isfinite(row[i].test)) ken_out_printf(o, "%s: %s", row[i].how, ken_html_p(p, row[i].test));
        ken_out_puts(o, "</td>");
        cell(o, "Guessing", row[i].guess, NAN, NAN, false);
        ken_out_puts(o, "</tr>\n");
    }
    ken_out_puts(o, "</tbody></table></div>\n");
}

static void numbers(ken_out *o, const diff_part *p)
{
    char a[32];
    const ken_page_diff *d = p->d;
    const ken_diff_group *g = p->all;
    if (g->choice) {
        if (p->tag[0] != '\0')
            ken_out_printf(o, "<p class=\"lead\"><b>Multiple choice</b>, %s questions</p>\n", ken_html_count(a, g->n));
        ken_out_puts(o, "<dl class=\"kpis\"><div><dt>Lost, of what it had right</dt><dd>");
        tile_share(o, g->lost, g->known_a, g->lost_lo, g->lost_hi);
        ken_out_puts(o, "</dd></div><div><dt>Gained, of the rest</dt><dd>");
        tile_share(o, g->gained, g->rest_a, g->gained_lo, g->gained_hi);
        ken_out_printf(o, "</dd></div><div><dt>%s right</dt><dd>",
                       ken_diff_annotated(d->diff) ? "Prompts" : "Questions");
        put_change(o, g->p_t0_a, g->p_t0_b, g->p_t0_change, g->p_t0_lo, g->p_t0_hi, true);
        ken_out_puts(o, "</dd></div></dl>\n");
        accuracies(o, g, ken_diff_annotated(d->diff));
        return;
    }
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

void ken_section_change_hero(ken_out *o, const ken_page_diff *d, bool trained)
{
    char a[32];
    diff_part p[2];
    int n = parts_of(p, d, 0);
    if (n == 0) ken_out_puts(o, "<p class=\"finding\">The two runs have no fact in common.</p>\n");
    for (int i = 0; i < n; i++) finding(o, d, p[i].all, trained);
    ken_out_puts(o, "<p class=\"lead\">");
    put_name(o, d->a->name);
    ken_out_puts(o, " before, ");
    put_name(o, d->b->name);
    ken_out_printf(o, " after, on the %s %s that both were asked.</p>\n", ken_html_count(a, ken_diff_count(d->diff)),
                   n == 1 && p[0].all->choice ? "questions" : "facts");
    for (int i = 0; i < n; i++) numbers(o, &p[i]);
}

/* ---- from where to where --------------------------------------------------------------------------------------------- */

/* A category or a verdict, as a row and a column of a matrix. */
typedef struct diff_kind {
    const char *name; /* HTML */
    int colour;
    enum { NOT_KNOWN, KNOWN, NEITHER } stands; /* lost and gained are between the first two */
} diff_kind;

/* May be broken where the parts of the name meet. */
static const diff_kind categories[KEN_N_CATEGORIES] = {{"Highly&shy;Known", KEN_HIGHLY_KNOWN, KNOWN},
                                                       {"Maybe&shy;Known", KEN_MAYBE_KNOWN, KNOWN},
                                                       {"Weakly&shy;Known", KEN_WEAKLY_KNOWN, NOT_KNOWN},
                                                       {"Unknown", KEN_UNKNOWN, NOT_KNOWN},
                                                       {"un&shy;labelled", KEN_UNLABELLED, NEITHER}};

/* The figure, and beside it its counts: moved (all, all), of which the last kind is left out where nothing is of it. */
static void matrix(ken_out *o, const ken_report *r, const diff_part *p, const diff_kind *kinds, int all,
                   const uint64_t *moved, const char *caption)
{
    char name[48], number[32];
    uint64_t last = 0;
    for (int i = 0; i < all; i++) last += moved[i * all + all - 1] + moved[(all - 1) * all + i];
    int n = last > 0 ? all : all - 1;
    snprintf(name, sizeof name, "transitions-%s%zu", p->tag, p->k);
    ken_figure_put(o, r->figures, name);
    ken_out_printf(o,
                   "</div><div class=\"card\"><table class=\"matrix\"><caption>%s before (rows) and after (columns)"
                   "</caption><thead><tr><th scope=\"col\">Before \\ after</th>",
                   caption);
    for (int b = 0; b < n; b++)
        ken_out_printf(o, "<th class=\"n\" scope=\"col\"><i class=\"c%d\"></i>%s</th>", kinds[b].colour, kinds[b].name);
    ken_out_puts(o, "<th class=\"n\" scope=\"col\">All</th></tr></thead><tbody>\n");
    for (int a = 0; a < n; a++) {
        uint64_t sum = 0;
        ken_out_printf(o, "<tr><th scope=\"row\"><i class=\"c%d\"></i>%s</th>", kinds[a].colour, kinds[a].name);
        for (int b = 0; b < n; b++) {
            uint64_t count = moved[a * all + b];
            bool crossed =
                kinds[a].stands != NEITHER && kinds[b].stands != NEITHER && kinds[a].stands != kinds[b].stands;
            const char *how = count == 0                 ? " zero"
                              : a == b                   ? " same"
                              : !crossed                 ? ""
                              : kinds[a].stands == KNOWN ? " lost"
                                                         : " gained";
            ken_out_printf(o, "<td class=\"n%s\">%s</td>", how, ken_html_count(number, count));
            sum += count;
        }
        ken_out_printf(o, "<td class=\"n\">%s</td></tr>\n", ken_html_count(number, sum));
    }
    ken_out_puts(o, "</tbody></table></div></div>\n</section>\n");
}

/* Right and wrong, and where a prompt was too long for a context, not asked. */
static void verdicts(ken_out *o, const ken_report *r, const diff_part *p, int h)
{
    const diff_kind kinds[KEN_N_VERDICTS] = {{ken_verdict_name(KEN_RIGHT), KEN_HIGHLY_KNOWN, KNOWN},
                                             {ken_verdict_name(KEN_WRONG), KEN_UNKNOWN, NOT_KNOWN},
                                             {ken_verdict_name(KEN_NOT_ASKED), KEN_UNLABELLED, NEITHER}};
    ken_out_printf(o, "<section id=\"moved-%s%zu\">\n<h%d>%sRight before, right after</h%d>\n", p->tag, p->k, h,
                   p->tag[0] != '\0' ? "Multiple choice: " : "", h);
    ken_out_puts(
        o, "<p class=\"note\">A question is <b>lost</b> when it was right and is wrong now, and <b>gained</b> the "
           "other way round.</p>\n<div class=\"plots\"><div class=\"card\">");
    matrix(o, r, p, kinds, KEN_N_VERDICTS, p->all->verdict[0], "Questions right and wrong");
}

static void transitions(ken_out *o, const ken_report *r, const diff_part *p, int h)
{
    ken_out_printf(o, "<section id=\"moved-%zu\">\n<h%d>From category to category</h%d>\n", p->k, h, h);
    ken_out_puts(
        o,
        "<p class=\"note\">A fact is <b>lost</b> when it was HighlyKnown or MaybeKnown and is WeaklyKnown or Unknown "
        "now, and <b>gained</b> the other way round.</p>\n<div class=\"plots\"><div class=\"card\">");
    matrix(o, r, p, categories, KEN_N_CATEGORIES, p->all->moved[0], "Facts by category");
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

static int list_moved(ken_out *o, const diff_part *p, int move, int h, ken_err *err)
{
    const ken_page_diff *d = p->d;
    const char *word = move == KEN_MOVE_LOST ? "Lost" : "Gained";
    const ken_diff_group *g = p->all;
    size_t n = 0, most = (size_t)(move == KEN_MOVE_LOST ? g->lost : g->gained);
    char number[32];
    moved *list = ken_alloc(most, sizeof *list);
    if (list == NULL) return ken_fail_nomem(err, "report");
    for (size_t i = 0; i < ken_diff_count(d->diff) && n < most; i++) {
        const ken_diff_row *row = ken_diff_get(d->diff, i);
        if (row->move == move && row->choice == g->choice) list[n++] = (moved){row, before_and_after(row), i};
    }
    qsort(list, n, sizeof *list, by_change);
    ken_out_printf(o, "<div class=\"card\"><h%d>%s: %s</h%d>", h, word, ken_html_count(number, n), h);
    if (n == 0) ken_out_puts(o, "<p class=\"note\">None.</p>");
    else {
        ken_out_printf(
            o,
            "<p class=\"note\">%s<a class=\"to-table\" href=\"#facts\" data-diff=\"%zu\" data-move=\"%d\">All of "
            "them in the table</a>.</p><ol class=\"moves\">\n",
            n > MOST_LISTED ? "The largest changes first. " : "", p->k, move);
        for (size_t i = 0; i < n && i < MOST_LISTED; i++) {
            const ken_diff_row *row = list[i].row;
            ken_out_puts(o, "<li><span class=\"asked\">");
            ken_html_text(o, row->choice ? ken_question_end(row->question) : row->question, row->choice ? 0 : 160);
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
    ken_out_printf(o, "</th><td class=\"n\" data-label=\"%s\">%s</td>", g->choice ? "Questions" : "Facts",
                   ken_html_count(a, g->n));
    ken_out_printf(o, "<td class=\"n\" data-label=\"%s\">%s \xE2\x86\x92 ", g->choice ? "Right" : "Answered",
                   ken_html_count(a, g->known_a));
    ken_out_printf(o, "%s</td><td class=\"n\" data-label=\"Lost\">", ken_html_count(a, g->known_b));
    if (g->known_a > 0) ken_out_printf(o, "%s: ", ken_html_count(a, g->lost)), ken_share_put(o, g->lost, g->known_a);
    else ken_out_puts(o, "\xE2\x80\x93");
    uint64_t rest = not_known(d, g);
    ken_out_puts(o, "</td><td class=\"n\" data-label=\"Gained\">");
    if (rest > 0) ken_out_printf(o, "%s: ", ken_html_count(a, g->gained)), ken_share_put(o, g->gained, rest);
    else ken_out_puts(o, "\xE2\x80\x93");
    ken_out_printf(o, "</td><td class=\"n\" data-label=\"%s\">", g->choice ? "Prompts right" : "Greedy right");
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
static void groups_of(ken_out *o, const diff_part *p, const char *grouping, const char *title, const char *note, int h)
{
    const ken_page_diff *d = p->d;
    bool choice = p->all->choice;
    size_t n, there = 0, put = 0;
    const ken_diff_group *g = ken_diff_groups(d->diff, &n);
    for (size_t i = 0; i < n; i++) there += g[i].choice == choice && strcmp(g[i].grouping, grouping) == 0;
    if (there < 2) return;
    bool fold = there > MOST_OPEN; /* a figure shows the same, and the facts should not be screens away */
    ken_out_printf(o, "<h%d>%s</h%d>\n<p class=\"note\">%s</p>\n", h, title, h, note);
    if (fold) ken_out_printf(o, "<details><summary>%zu groups</summary>\n", there);
    ken_out_puts(o, "<div class=\"card wide\"><table class=\"rel groups\">");
    ken_out_printf(
        o,
        "<thead><tr><th scope=\"col\">Group</th><th class=\"n\" scope=\"col\">%s</th><th class=\"n\" "
        "scope=\"col\">%s</th><th class=\"n\" scope=\"col\">Lost</th><th class=\"n\" scope=\"col\">Gained</th>"
        "<th class=\"n\" scope=\"col\">%s right</th></tr></thead><tbody>\n",
        choice ? "Questions" : "Facts", choice ? "Right" : "Answered", choice ? "Prompts" : "Greedy");
    for (size_t i = 0; i < n && put < MOST_GROUPS; i++)
        if (g[i].choice == choice && strcmp(g[i].grouping, grouping) == 0) {
            group_row(o, d, &g[i], key_name(grouping, g[i].key));
            put++;
        }
    ken_out_puts(o, "</tbody></table>");
    if (put < there)
        ken_out_printf(o, "<p class=\"note\">The first %zu of %zu; the CSV of the figure has all.</p>", put, there);
    ken_out_puts(o, fold ? "</div>\n</details>\n" : "</div>\n");
}

static int changes_of(ken_out *o, const ken_report *r, const diff_part *p, int h, ken_err *err)
{
    bool choice = p->all->choice;
    const char *tag = p->tag, *kind = tag[0] != '\0' ? "Multiple choice: " : "";
    if (choice) verdicts(o, r, p, h);
    else if (ken_diff_annotated(p->d->diff)) transitions(o, r, p, h);
    ken_out_printf(o, "<section id=\"lost-%s%zu\">\n<h%d>%s%s</h%d>\n<div class=\"plots\">", tag, p->k, h, kind,
                   choice ? "Lost and gained questions" : "Lost and gained facts", h);
    int rc = list_moved(o, p, KEN_MOVE_LOST, h + 1, err);
    if (rc == KEN_OK) rc = list_moved(o, p, KEN_MOVE_GAINED, h + 1, err);
    ken_out_printf(o, "</div>\n</section>\n<section id=\"where-%s%zu\">\n<h%d>%sWhere it changed</h%d>\n", tag, p->k, h,
                   kind, h);
    ken_out_puts(
        o, choice ? "<p class=\"note\">Lost is a share of what was right before, gained of what was wrong; "
                    "intervals are 95% (Wilson for shares, t over pairs for the change of right prompts, in "
                    "points).</p>\n<div class=\"plots\">"
                  : "<p class=\"note\">Lost is a share of what was answered before (HighlyKnown or MaybeKnown), "
                    "gained of what was not; intervals are 95% "
                    "(Wilson for shares, t over pairs for the change of right greedy answers, in points).</p>\n<div "
                    "class=\"plots\">");
    /* The figure by relation may be as high as the others together: they stand on top of each other beside it. */
    static const char *const stacked[] = {"change-p", "change-near", "change-popularity"};
    ken_out_puts(o, "<div class=\"stack\">");
    for (size_t i = 0; i < sizeof stacked / sizeof stacked[0]; i++)
        ken_section_figure(o, r, "%s-%s%zu", stacked[i], tag, p->k);
    ken_out_puts(o, "</div>");
    ken_section_figure(o, r, "change-relations-%s%zu", tag, p->k);
    ken_out_puts(o, "</div>\n");
    groups_of(o, p, "near", "By distance to the training set",
              "What a fact shares with what was trained: the question itself, its subject, its answer, its relation.",
              h + 1);
    groups_of(o, p, "popularity", "By popularity", "Quarters of the facts by the popularity of their subject.", h + 1);
    groups_of(o, p, "relation", choice ? "By subject" : "By relation", "In the order of the data.", h + 1);
    ken_out_puts(o, "</section>\n");
    return rc;
}

int ken_section_changes(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err)
{
    diff_part p[2];
    int rc = KEN_OK;
    for (int i = 0, n = parts_of(p, &r->diff[k], k); i < n && rc == KEN_OK; i++) rc = changes_of(o, r, &p[i], h, err);
    return rc;
}
