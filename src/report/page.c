/* page.c - the page from top to bottom: head, the finding, then the sections in the order in which a reader wants them. One self-contained
 * file, written as it is made.
 *
 * The hard thing is that questions, answers, generated texts and names come from strangers. They enter the page in three ways only:
 * ken_html_text, ken_html_json and the packed columns, and the script puts them into the document as text. Besides, a policy in the
 * page allows no script but ours, named by its hash, and no loading of anything. */
#include "report/bars.h"
#include "report/html.h"
#include "report/page_frame.h"
#include "report/sections.h"
#include "view/views.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- head ------------------------------------------------------------------------------------------------------------ */

/* What the page is about decides its title and what comes first. */
typedef enum about { ABOUT_CHANGE, ABOUT_MODEL, ABOUT_RUNS, ABOUT_TRAINING, ABOUT_EVALUATION } about;

static about subject_of(const ken_report *r)
{
    if (r->n_diffs > 0) return ABOUT_CHANGE;
    if (r->n_annotated == 1) return ABOUT_MODEL;
    if (r->n_runs > 1) return ABOUT_RUNS;
    return r->n_runs == 1 ? ABOUT_EVALUATION : ABOUT_TRAINING;
}

static void put_title(ken_out *o, const ken_report *r)
{
    if (r->title != NULL) {
        ken_html_text(o, r->title, 200);
        return;
    }
    switch (subject_of(r)) {
    case ABOUT_CHANGE:
        if (r->n_trainings > 0) ken_out_puts(o, "What fine-tuning changed");
        else
            ken_out_puts(o, "What changed from "), ken_html_text(o, r->diff[0].a->name, 80), ken_out_puts(o, " to "),
                ken_html_text(o, r->diff[0].b->name, 80);
        break;
    case ABOUT_MODEL:
        ken_out_puts(o, "What ");
        ken_html_text(o, r->run[0].name, 120);
        ken_out_puts(o, " knows");
        break;
    case ABOUT_RUNS: ken_out_printf(o, "%zu runs side by side", r->n_runs); break;
    case ABOUT_EVALUATION:
        ken_out_puts(o, "How ");
        ken_html_text(o, r->run[0].name, 120);
        ken_out_puts(o, " answers");
        break;
    case ABOUT_TRAINING:
        if (r->n_trainings > 1) ken_out_printf(o, "%zu trainings side by side", r->n_trainings);
        else ken_out_puts(o, "What was learned in "), ken_html_text(o, r->training[0].name, 80);
        break;
    }
}

static void put_nav(ken_out *o, const ken_report *r)
{
    about what = subject_of(r);
    if (what == ABOUT_CHANGE && ken_diff_count(r->diff[0].diff) > 0) {
        if (ken_diff_annotated(r->diff[0].diff) || ken_diff_part(r->diff[0].diff, false) == NULL)
            ken_page_link(o, "moved-", "0", "Transitions");
        ken_page_link(o, "lost-", "0", "Lost and gained");
        ken_page_link(o, "where-", "0", "Where");
    }
    if (r->n_annotated == 1 && r->run[0].s.n > 0) {
        ken_page_link(o, "distributions-", "0", "Fact by fact");
        ken_page_link(o, "by-relation-", "0", "Relations");
        if (!ken_report_choice(&r->run[0].s)) ken_page_link(o, "certainty-", "0", "Certainty");
    } else if (r->n_annotated > 1) ken_page_link(o, "run-", "0", "Runs");
    if (r->n_trainings > 0) ken_page_link(o, "training-", "0", "Training");
    if (r->n_planes > 0) ken_page_link(o, "planes", "", "Linear model");
    if (r->n_runs > r->n_annotated) ken_page_link(o, "evaluation-", "0", "Evaluation");
    if (r->n_runs > 0) ken_page_link(o, "facts", "", "Facts");
    ken_page_link(o, "method", "", "Method");
}

static void put_head(ken_out *o, const ken_report *r, const char *hash)
{
    ken_page_begin(o, hash);
    put_title(o, r);
    ken_page_bar(o, r->n_runs > 0 ? "facts" : "content", r->n_runs > 0 ? "To the table of facts" : "To the content");
    put_nav(o, r);
    ken_page_content(o);
}

/* ---- the finding ----------------------------------------------------------------------------------------------------- */

static void model_finding(ken_out *o, const ken_report *r)
{
    char a[32], b[32];
    const ken_report_summary *s = &r->run[0].s;
    const ken_counts *t = ken_run_total(r->run[0].run);
    if (s->n_labelled > 0) {
        ken_out_printf(o, "<p class=\"finding\"><b>%s of %s</b> facts it can answer under at least one of %d prompts; ",
                       ken_count_text(a, t->category[KEN_HIGHLY_KNOWN] + t->category[KEN_MAYBE_KNOWN]),
                       ken_count_text(b, s->n_labelled), s->prompts);
        const uint64_t unknown = t->category[KEN_UNKNOWN], said = t->said[KEN_UNKNOWN];
        if (ken_view_of_sentences(r->run[0].run, t))
            ken_out_printf(o, "whether it knows <b>%s</b> others cannot be told from these answers.</p>\n",
                           ken_count_text(a, unknown));
        else if (said == 0) ken_out_printf(o, "<b>%s</b> it does not know at all.</p>\n", ken_count_text(a, unknown));
        else
            ken_out_printf(
                o,
                "<b>%s</b> it does not know at all, and of <b>%s</b> called Unknown it says the accepted answer "
                "among other words.</p>\n",
                ken_count_text(a, unknown - said), ken_count_text(b, said));
    } else if (s->n_score > 0) {
        ken_out_printf(o,
                       "<p class=\"finding\"><b>%s of %s</b> multiple-choice questions it has right under most prompts",
                       ken_count_text(a, s->n_right), ken_count_text(b, s->n_score));
        if (s->n_guess_rows > 0)
            ken_out_printf(o, "; guessing has about <b>%.0f</b>",
                           s->guess_right / (double)s->n_guess_rows * (double)s->n_score);
        ken_out_puts(o, ".</p>\n");
    } else
        ken_out_puts(
            o, s->n == 0
                   ? "<p class=\"finding\">There is no fact in this run yet.</p>\n"
                   : "<p class=\"finding\">No fact in this run has a label; the flags in the table say why.</p>\n");
}

/* Several annotations: one line each. */
static void put_overview(ken_out *o, const ken_report *r)
{
    char a[32];
    ken_out_puts(
        o, "<div class=\"card wide\"><table class=\"rel\"><caption class=\"hide\">The runs</caption><thead><tr><th "
           "scope=\"col\">Run</th><th scope=\"col\">Categories</th><th class=\"n\" scope=\"col\">Facts</th>"
           "<th class=\"n\" scope=\"col\">Greedy right</th><th class=\"n\" scope=\"col\">P correct</th>"
           "<th class=\"n\" scope=\"col\">Lost</th><th class=\"n\" scope=\"col\">Gained</th></tr></thead><tbody>\n");
    for (size_t k = 0; k < r->n_annotated; k++) {
        const ken_counts *c = ken_run_total(r->run[k].run);
        const ken_diff_group *g = NULL;
        for (size_t d = 0; d < r->n_diffs; d++)
            if (r->diff[d].at_b == k) g = ken_diff_find(r->diff[d].diff, "all", "");
        ken_tally t = ken_tally_of(c);
        ken_out_printf(o, "<tr><th scope=\"row\"><a href=\"#run-%zu\">", k);
        ken_html_text(o, r->run[k].name, 100);
        ken_out_puts(o, "</a></th><td class=\"wide\">");
        ken_bar_put(o, &t, "", 0.125);
        ken_out_printf(o, "</td><td class=\"n\" data-label=\"Facts\">%s</td>", ken_count_text(a, c->n));
        ken_out_printf(o, "<td class=\"n\" data-label=\"Greedy right\">%s</td>", ken_html_percent(a, c->mean_p_t0));
        ken_out_printf(o, "<td class=\"n\" data-label=\"P correct\">%s</td>", ken_html_percent(a, c->mean_p_t));
        ken_out_puts(o, "<td class=\"n\" data-label=\"Lost\">");
        if (g != NULL) ken_interval_put(o, g->lost_share, g->lost_lo, g->lost_hi);
        ken_out_puts(o, "</td><td class=\"n\" data-label=\"Gained\">");
        if (g != NULL) ken_out_puts(o, ken_html_percent(a, g->gained_share));
        ken_out_puts(o, "</td></tr>\n");
    }
    ken_out_puts(o, "</tbody></table></div>\n");
    ken_bar_key(o, false);
}

static int put_hero(ken_out *o, const ken_report *r, ken_err *err)
{
    int rc = KEN_OK;
    ken_out_puts(o, "<section class=\"hero\" id=\"top\">\n<h1>");
    put_title(o, r);
    ken_out_puts(o, "</h1>\n");
    switch (subject_of(r)) {
    case ABOUT_CHANGE:
        rc = ken_section_change_hero(o, &r->diff[0], r->n_trainings > 0, err);
        if (r->n_annotated > 2) put_overview(o, r);
        break;
    case ABOUT_MODEL:
        model_finding(o, r);
        ken_section_lead(o, r, 0);
        rc = ken_section_shares(o, r, 0, err);
        break;
    case ABOUT_RUNS:
        ken_out_puts(
            o, "<p class=\"lead\">Each is described on its own: they share no facts that could be compared.</p>\n");
        if (r->n_annotated > 0) put_overview(o, r);
        break;
    case ABOUT_TRAINING:
        if (r->n_trainings == 1) rc = ken_section_training_finding(o, &r->training[0], err);
        break;
    case ABOUT_EVALUATION: break;
    }
    for (size_t i = 0; i < r->n_notes; i++) {
        ken_out_puts(o, "<p class=\"warn\">");
        ken_html_text(o, r->note[i], 600);
        ken_out_puts(o, ".</p>\n");
    }
    ken_out_puts(o, "</section>\n");
    return rc;
}

/* ---- one run --------------------------------------------------------------------------------------------------------- */

/* On a page about several runs each is folded behind its name; print and a jump to it unfold. */
static int put_run(ken_out *o, const ken_report *r, size_t k, ken_err *err)
{
    bool alone = subject_of(r) == ABOUT_MODEL;
    int h = alone ? 2 : 3, rc = KEN_OK;
    if (!alone) {
        bool folded = r->n_diffs > 0;
        ken_out_printf(o, "<details class=\"run\" id=\"run-%zu\"%s>\n<summary><h2>", k, folded ? "" : " open");
        if (r->n_annotated == 2 && r->n_diffs > 0 && r->diff[0].at_b == 1)
            ken_out_puts(o, k == 0 ? "Before: " : "After: ");
        ken_html_text(o, r->run[k].name, 120);
        ken_out_puts(o, "</h2></summary>\n");
        ken_section_lead(o, r, k);
        rc = ken_section_shares(o, r, k, err);
    }
    ken_section_distributions(o, r, k, h);
    if (rc == KEN_OK) rc = ken_section_relations(o, r, k, h, err);
    ken_section_popularity(o, r, k, h);
    ken_section_saturation(o, r, k, h);
    if (rc == KEN_OK) rc = ken_section_certainty(o, r, k, h, err);
    if (rc == KEN_OK) rc = ken_section_settings(o, r->run[k].run, "settings", k, h, err);
    if (!alone) ken_out_puts(o, "</details>\n");
    return rc;
}

int ken_page_put(ken_out *o, ken_report *r, ken_err *err)
{
    char hash[KEN_PAGE_HASH];
    int rc = ken_page_hash(hash, err);
    if (rc != KEN_OK) return rc;
    put_head(o, r, hash);
    rc = put_hero(o, r, err);
    for (size_t k = 0; k < r->n_diffs && rc == KEN_OK; k++) {
        int h = r->n_diffs > 1 ? 3 : 2;
        if (h == 3) {
            ken_out_printf(o, "<section class=\"run-title\" id=\"diff-%zu\">\n<h2>From ", k);
            ken_html_text(o, r->diff[k].a->name, 80);
            ken_out_puts(o, " to ");
            ken_html_text(o, r->diff[k].b->name, 80);
            ken_out_puts(o, "</h2>\n");
            if (k > 0) rc = ken_section_change_hero(o, &r->diff[k], r->n_trainings > 0, err);
            ken_out_puts(o, "</section>\n");
        }
        if (rc == KEN_OK) rc = ken_section_changes(o, r, k, h, err);
    }
    if (r->n_annotated == 1 && rc == KEN_OK) rc = put_run(o, r, 0, err);
    for (size_t k = 0; k < r->n_trainings && rc == KEN_OK; k++) rc = ken_section_training(o, r, k, 2, err);
    if (rc == KEN_OK) rc = ken_section_trainings(o, r, 2, err);
    if (rc == KEN_OK) rc = ken_section_planes(o, r, 2, err);
    for (size_t k = 0; k < r->n_annotated && r->n_annotated > 1 && rc == KEN_OK; k++) rc = put_run(o, r, k, err);
    for (size_t k = r->n_annotated; k < r->n_runs && rc == KEN_OK; k++)
        rc = ken_section_evaluation(o, &r->run[k], k - r->n_annotated, 2, err);
    if (rc == KEN_OK) rc = ken_section_facts(o, r, err);
    for (size_t k = 0; k < r->n_trainings && rc == KEN_OK; k++)
        rc = ken_section_settings(o, r->training[k].run, "settings-training", k, 2, err);
    if (rc != KEN_OK) return rc;
    ken_section_method(o, r);
    ken_page_end(o, "from the run files alone");
    return KEN_OK;
}
