/* changes.c - what moved between two runs: the sentence, the accuracies with their intervals, the transition diagram, lost and gained
 * facts, and the same by relation, popularity and distance to what was trained. Tables are the comparison's views (view/diff.h), all other
 * numbers ken_diff's; here they are put into sentences. */
#include "base/alloc.h"
#include "report/bars.h"
#include "report/html.h"
#include "report/sections.h"
#include "report/view_html.h"
#include "view/diff.h"
#include "view/views.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LISTED = 12, MOST_OPEN = 12 };

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

static ken_diff_view views_of(const diff_part *p)
{
    return (ken_diff_view){
        .v = ken_views_new(), .d = p->d->diff, .all = p->all, .path = "", .a = "before", .b = "after"};
}

/* Puts and frees v. */
static int put_views(ken_out *o, ken_views *v, int h, ken_err *err)
{
    int rc = ken_views_finish(&v, v, err);
    if (rc == KEN_OK) ken_html_views(o, v, h);
    ken_views_free(v);
    return rc;
}

/* ---- in one sentence ------------------------------------------------------------------------------------------------- */

static void finding(ken_out *o, const ken_diff_group *g, bool trained)
{
    char a[32], b[32];
    ken_out_printf(o, "<p class=\"finding\">%s<b>%s of %s</b> %s%s the model %s ",
                   trained ? "After fine-tuning, " : "From the first to the second, ", ken_count_text(a, g->lost),
                   ken_count_text(b, g->known_a), g->choice ? "multiple-choice question" : "fact",
                   g->known_a == 1 ? "" : "s", g->choice ? "had right" : "could answer");
    ken_out_printf(o, "%s <b class=\"lost\">lost</b>, ", g->lost == 1 ? "is" : "are");
    ken_out_printf(o, "<b>%s of %s</b> it %s %s <b class=\"gained\">gained</b>.</p>\n", ken_count_text(a, g->gained),
                   ken_count_text(b, g->rest_a), g->choice ? "had wrong" : "could not", g->gained == 1 ? "is" : "are");
}

static void put_name(ken_out *o, const char *name)
{
    ken_out_puts(o, "<b>");
    ken_html_text(o, name, 100);
    ken_out_puts(o, "</b>");
}

/* "-2.2 points" and, smaller, "62.3% -> 60.1%" and the interval of the change. */
static void tile_change(ken_out *o, double a, double b, double change, double lo, double hi)
{
    char x[32], y[32];
    ken_out_printf(o, "%s points <small>", ken_html_points(x, change));
    ken_out_printf(o, "%s \xE2\x86\x92 %s", ken_html_percent(x, a), ken_html_percent(y, b));
    if (isfinite(lo)) ken_out_printf(o, "<br>95%% interval %s to %s", ken_html_points(x, lo), ken_html_points(y, hi));
    ken_out_puts(o, "</small>");
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

static void tile_share(ken_out *o, double share, double lo, double hi)
{
    char a[32];
    ken_out_puts(o, ken_html_percent(a, share));
    if (isfinite(share)) ken_out_printf(o, " <small>95%% interval %.1f\xE2\x80\x93%.1f%%</small>", 100 * lo, 100 * hi);
}

/* The first tiles of a row; `knew`: what the model did with what can be lost. */
static void tiles_of_moves(ken_out *o, const ken_diff_group *g, const char *knew)
{
    ken_out_printf(o, "<dl class=\"kpis\"><div><dt>Lost, of what it %s</dt><dd>", knew);
    tile_share(o, g->lost_share, g->lost_lo, g->lost_hi);
    ken_out_puts(o, "</dd></div><div><dt>Gained, of the rest</dt><dd>");
    tile_share(o, g->gained_share, g->gained_lo, g->gained_hi);
    ken_out_puts(o, "</dd></div>");
}

static int choice_numbers(ken_out *o, const diff_part *p, ken_err *err)
{
    char a[32];
    const ken_diff_group *g = p->all;
    const bool annotated = ken_diff_annotated(p->d->diff);
    if (p->tag[0] != '\0')
        ken_out_printf(o, "<p class=\"lead\"><b>Multiple choice</b>, %s questions</p>\n", ken_count_text(a, g->n));
    tiles_of_moves(o, g, "had right");
    ken_out_printf(o, "<div><dt>%s right</dt><dd>", annotated ? "Prompts" : "Questions");
    tile_change(o, g->p_t0_a, g->p_t0_b, g->p_t0_change, g->p_t0_lo, g->p_t0_hi);
    ken_out_puts(o, "</dd></div></dl>\n<p class=\"note\">");
    if (annotated)
        ken_out_puts(o, "The options stand in another order in each prompt, so a letter means nothing here and "
                        "options are named by their text. ");
    ken_out_puts(o, "Intervals are 95%: Wilson for questions, t over questions for the others.</p>\n");
    const ken_diff_view x = views_of(p);
    ken_view_means(&x);
    return put_views(o, x.v, 3, err);
}

static void fact_numbers(ken_out *o, const diff_part *p)
{
    char a[32];
    const ken_diff_group *g = p->all;
    const bool annotated = ken_diff_annotated(p->d->diff);
    if (annotated) {
        ken_out_puts(o,
                     "<table class=\"rel two\"><caption class=\"hide\">Categories before and after</caption><tbody>\n");
        shares_bar(o, g, false, p->d->a->name);
        shares_bar(o, g, true, p->d->b->name);
        ken_out_puts(o, "</tbody></table>\n");
        ken_bar_key(o, false);
    }
    tiles_of_moves(o, g, "knew");
    ken_out_printf(o, "<div><dt>%s</dt><dd>", annotated ? "Right greedy answers" : "Right answers");
    tile_change(o, g->p_t0_a, g->p_t0_b, g->p_t0_change, g->p_t0_lo, g->p_t0_hi);
    if (isfinite(g->p_t_change)) {
        ken_out_puts(o, "</dd></div><div><dt>Mean P<sub>Correct</sub></dt><dd>");
        tile_change(o, g->p_t_a, g->p_t_b, g->p_t_change, g->p_t_lo, g->p_t_hi);
    }
    ken_out_puts(o, "</dd></div><div><dt>Lost against gained</dt><dd>");
    ken_html_text(o, ken_p_text(g->mcnemar, a), 0);
    ken_out_printf(o, " <small>McNemar\xE2\x80\x99s exact test: %s</small></dd></div></dl>\n",
                   g->lost + g->gained == 0 ? "nothing moved"
                   : g->mcnemar < 0.05      ? "more than chance"
                                            : "no more than chance would give");
}

int ken_section_change_hero(ken_out *o, const ken_page_diff *d, bool trained, ken_err *err)
{
    char a[32];
    diff_part p[2];
    int rc = KEN_OK, n = parts_of(p, d, 0);
    if (n == 0) ken_out_puts(o, "<p class=\"finding\">The two runs have no fact in common.</p>\n");
    for (int i = 0; i < n; i++) finding(o, p[i].all, trained);
    ken_out_puts(o, "<p class=\"lead\">");
    put_name(o, d->a->name);
    ken_out_puts(o, " before, ");
    put_name(o, d->b->name);
    ken_out_printf(o, " after, on the %s %s that both were asked.</p>\n", ken_count_text(a, ken_diff_count(d->diff)),
                   n == 1 && p[0].all->choice ? "questions" : "facts");
    for (int i = 0; i < n && rc == KEN_OK; i++) {
        if (p[i].all->choice) rc = choice_numbers(o, &p[i], err);
        else fact_numbers(o, &p[i]);
    }
    return rc;
}

/* ---- from where to where --------------------------------------------------------------------------------------------- */

/* The figure, and beside it its counts. */
static int transitions(ken_out *o, const ken_report *r, const diff_part *p, int h, ken_err *err)
{
    char name[48];
    const ken_diff_view x = views_of(p);
    const bool categories = ken_view_has_categories(&x);
    ken_out_printf(o,
                   "<section id=\"moved-%s%zu\">\n<h%d>%s%s</h%d>\n<p class=\"note\">A %s is <b>lost</b> when it was ",
                   p->tag, p->k, h, p->tag[0] != '\0' ? "Multiple choice: " : "",
                   categories ? "From category to category" : "Right before, right after", h,
                   p->all->choice ? "question" : "fact");
    ken_out_puts(o, categories ? "HighlyKnown or MaybeKnown and is WeaklyKnown or Unknown" : "right and is wrong");
    ken_out_puts(o, " now, and <b>gained</b> the other way round. Any move for the worse or the better is "
                    "coloured.</p>\n<div class=\"plots\"><div class=\"card\">");
    snprintf(name, sizeof name, "transitions-%s%zu", p->tag, p->k);
    ken_figure_put(o, r->figures, name);
    ken_out_puts(o, "</div>");
    ken_view_transitions(&x);
    int rc = put_views(o, x.v, h + 1, err);
    ken_out_puts(o, "</div>\n</section>\n");
    return rc;
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

/* What moved need not be what is said most often: a fact is gained with one prompt of ten. */
static void put_hits(ken_out *o, const ken_page_diff *d, const ken_diff_row *row)
{
    ken_views *v = ken_diff_annotated(d->diff) ? ken_views_new() : NULL;
    const char *text = v != NULL ? ken_view_hits_moved(v, row, "") : NULL;
    if (text != NULL && text[0] != '\0') {
        ken_out_puts(o, "<small>; ");
        ken_html_text(o, text, 0);
        ken_out_puts(o, "</small>");
    }
    ken_views_free(v);
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
    ken_out_printf(o, "<div class=\"card\"><h%d>%s: %s</h%d>", h, word, ken_count_text(number, n), h);
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
            put_hits(o, d, row);
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

/* A table of the groups of one kind; nothing when there is at most one. */
static int groups_of(ken_out *o, const diff_part *p, const char *grouping, const char *title, const char *note, int h,
                     ken_err *err)
{
    const ken_diff_view x = views_of(p);
    const ken_grouping_shown n = ken_view_diff_groups(&x, grouping, "");
    const bool fold = n.groups > MOST_OPEN; /* a figure shows the same, and the facts should not be screens away */
    if (n.groups < 2) {
        ken_views_free(x.v);
        return KEN_OK;
    }
    ken_out_printf(o, "<h%d>%s</h%d>\n<p class=\"note\">%s</p>\n", h, title, h, note);
    if (fold) ken_out_printf(o, "<details><summary>%zu groups</summary>\n", n.groups);
    int rc = put_views(o, x.v, h + 1, err);
    if (n.on_page < n.groups)
        ken_out_printf(o, "<p class=\"note\">%zu of %zu, from both ends; the CSV of the figure has all.</p>\n",
                       n.on_page, n.groups);
    if (fold) ken_out_puts(o, "</details>\n");
    return rc;
}

static int changes_of(ken_out *o, const ken_report *r, const diff_part *p, int h, ken_err *err)
{
    bool choice = p->all->choice;
    const char *tag = p->tag, *kind = tag[0] != '\0' ? "Multiple choice: " : "";
    int rc = choice || ken_diff_annotated(p->d->diff) ? transitions(o, r, p, h, err) : KEN_OK;
    if (rc != KEN_OK) return rc;
    ken_out_printf(o, "<section id=\"lost-%s%zu\">\n<h%d>%s%s</h%d>\n<div class=\"plots\">", tag, p->k, h, kind,
                   choice ? "Lost and gained questions" : "Lost and gained facts", h);
    rc = list_moved(o, p, KEN_MOVE_LOST, h + 1, err);
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
    if (rc == KEN_OK)
        rc = groups_of(
            o, p, "near", "By distance to the training set",
            "What a fact shares with what was trained: the question itself, its subject, its answer, its relation.",
            h + 1, err);
    if (rc == KEN_OK)
        rc = groups_of(o, p, "popularity", "By popularity", "Quarters of the facts by the popularity of their subject.",
                       h + 1, err);
    if (rc == KEN_OK)
        rc = groups_of(o, p, "relation", choice ? "By subject" : "By relation",
                       "Those that lost most, less what they gained, come first.", h + 1, err);
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
