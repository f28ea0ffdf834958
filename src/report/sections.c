/* sections.c - what an annotation says, one function a section of the page; see sections.h. Every text that comes from a run goes
 * through ken_html_text; everything else here is ours. */
#include "base/file.h"
#include "report/sections.h"
#include "report/bars.h"
#include "report/html.h"
#include "report/view_html.h"
#include "store/run.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double ken_share(uint64_t part, uint64_t all) { return all > 0 ? (double)part / (double)all : NAN; }

void ken_interval_put(ken_out *o, double share, double lo, double hi)
{
    char a[32];
    ken_out_puts(o, ken_html_percent(a, share));
    if (isfinite(share)) ken_out_printf(o, " <small class=\"ci\">%.1f\xE2\x80\x93%.1f</small>", 100 * lo, 100 * hi);
}

static void heading(ken_out *o, int h, const char *anchor, size_t k, const char *text)
{
    ken_out_printf(o, "<section id=\"%s-%zu\">\n<h%d>%s</h%d>\n", anchor, k, h, text, h);
}

/* Finishes, puts and frees v. */
static int put_views(ken_out *o, ken_views *v, int h, ken_err *err)
{
    int rc = ken_views_finish(&v, v, err);
    if (rc == KEN_OK) ken_html_views(o, v, h);
    ken_views_free(v);
    return rc;
}

void ken_section_figure(ken_out *o, const ken_report *r, const char *fmt, ...)
{
    char name[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    bool there = false;
    for (size_t i = 0; i < ken_figures_count(r->figures); i++)
        there |= strcmp(ken_figures_name(r->figures, i), name) == 0;
    if (!there) return;
    ken_out_puts(o, "<div class=\"card\">");
    ken_figure_put(o, r->figures, name);
    ken_out_puts(o, "</div>\n");
}

/* ---- what it is ------------------------------------------------------------------------------------------------------ */

void ken_section_lead(ken_out *o, const ken_report *r, size_t k)
{
    char a[32], b[32];
    const ken_run *run = r->run[k].run;
    const ken_report_summary *s = &r->run[k].s;
    const char *data = ken_run_setting(run, "data"), *t = ken_run_setting(run, "temperature"),
               *top_k = ken_run_setting(run, "top_k"), *method = ken_run_setting(run, "method");
    bool choice = ken_report_choice(s);
    ken_out_printf(o, "<p class=\"lead\">%s %s%s in %s %s%s", ken_count_text(a, s->n),
                   choice ? "multiple-choice question" : "fact", s->n == 1 ? "" : "s",
                   ken_count_text(b, s->n_relations), choice ? "subject" : "relation", s->n_relations == 1 ? "" : "s");
    if (data != NULL && data[0] != '\0') {
        ken_out_puts(o, " of <b>");
        ken_html_text(o, data, 80);
        ken_out_puts(o, "</b>");
    }
    if (choice)
        ken_out_printf(
            o,
            ", each asked with %d prompt%s, with other examples and the options in another order: the option "
            "whose letter is likeliest is the answer",
            s->prompts, s->prompts == 1 ? "" : "s");
    else if (method != NULL && s->prompts > 0) {
        ken_out_printf(o, ", each asked with %d prompt%s: ", s->prompts, s->prompts == 1 ? "" : "s");
        ken_out_puts(o, strcmp(method, "sample") == 0
                            ? "greedy and sampled answers"
                            : "greedy answers, and the exact probability of a right sampled one");
        if (t != NULL && top_k != NULL) {
            ken_out_printf(o, " (T\xE2\x80\x89=\xE2\x80\x89%.3g, top-k ", strtod(t, NULL));
            ken_html_text(o, top_k, 12);
            ken_out_puts(o, ")");
        }
    }
    ken_out_puts(o, ".</p>\n");
    if (ken_run_complete(run)) return;
    const char *asked = ken_run_setting(run, "rows");
    ken_out_puts(o, "<p class=\"warn\">This run is not finished");
    if (asked != NULL) {
        ken_out_printf(o, ": %s of ", ken_count_text(a, s->n));
        ken_html_text(o, asked, 20);
        ken_out_puts(o, " facts are in it");
    }
    ken_out_puts(o, ". The same command resumes it.</p>\n");
}

/* A number with its name and what to know of it: a share, or where that is NaN a real. */
static void kpi(ken_views *v, const char *name, double share, double real, const char *rest)
{
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    if (isnan(share)) ken_put_nothing(v);
    else ken_put_number(v, share);
    if (isnan(real)) ken_put_nothing(v);
    else ken_put_number(v, real);
    ken_put_text(v, KEN_STYLE_PLAIN, rest);
}

/* Questions, prompts; each with its interval or what chance gives. */
static void choice_kpis(ken_views *v, const ken_report_summary *s)
{
    const double n = (double)s->n_score, rows = (double)s->n_guess_rows;
    const bool guess = s->n_guess_rows > 0;
    const char *by_guess = guess ? ken_views_keep(v, "; guessing: %.1f%%", 100 * s->guess_right / rows) : "";
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, "Questions right");
    ken_put_share(v, s->n_right, s->n_score);
    ken_put_nothing(v);
    ken_put_text(v, KEN_STYLE_PLAIN,
                 ken_views_keep(v, "in more than half of the prompts, with 95%% interval%s", by_guess));
    by_guess = guess ? ken_views_keep(v, "; guessing: %.1f%%", 100 * s->guess_p_t0 / rows) : "";
    kpi(v, "Prompts right", s->sum_p_t0 / n, NAN, ken_views_keep(v, "mean over questions%s", by_guess));
}

static ken_views *key_numbers(const ken_counts *total, const ken_report_summary *s)
{
    static const ken_view_column columns[] = {{.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE},
                                              {.head = "", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE},
                                              {.head = "", .unit = KEN_UNIT_REAL, .digits = 3, .where = KEN_ON_PAGE},
                                              {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE}};
    const uint64_t labelled = s->n_labelled;
    ken_views *v = ken_views_new();
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    if (labelled > 0)
        kpi(v, "Known to some degree", ken_share(labelled - total->category[KEN_UNKNOWN], labelled), NAN,
            "the first three together");
    if (ken_report_choice(s)) choice_kpis(v, s);
    if (isfinite(total->mean_p_t0) && !ken_report_choice(s))
        kpi(v, "A greedy answer is right", total->mean_p_t0, NAN, "mean over facts and prompts");
    if (isfinite(total->mean_p_t) && !ken_report_choice(s))
        kpi(v, "A sampled answer is right", total->mean_p_t, NAN, "mean P_Correct");
    if (labelled > 0)
        kpi(v, "Labels that a repeat would change", s->sum_flip / (double)labelled, NAN, "same prompts, fresh samples");
    if (s->n_score > 0)
        kpi(v, "Knowledge score, multiple choice", NAN, s->sum_score / (double)s->n_score, "0 = guessing, 1 = certain");
    return v;
}

/* Finishes v, has it put, and frees it. */
static int put_as(ken_out *o, ken_views *v, void (*put)(ken_out *o, const ken_views *v), ken_err *err)
{
    int rc = ken_views_finish(&v, v, err);
    if (rc == KEN_OK) put(o, v);
    ken_views_free(v);
    return rc;
}

static void next(ken_out *o, const ken_views *v) { ken_html_views(o, v, 3); }
static void advice(ken_out *o, const ken_views *v) { ken_html_sentences(o, v, "note"); }

int ken_section_shares(ken_out *o, const ken_report *r, size_t k, ken_err *err)
{
    char a[32];
    const ken_report_summary *s = &r->run[k].s;
    const ken_counts *total = ken_run_total(r->run[k].run);
    uint64_t labelled = s->n_labelled, unlabelled = total->category[KEN_UNLABELLED];
    int rc = KEN_OK;
    if (labelled > 0) {
        ken_tally t = ken_tally_of(total);
        t.n = labelled;
        t.category[KEN_UNLABELLED] = 0;
        ken_bar_put(o, &t, " big", 0.04);
        ken_views *v = ken_views_new();
        ken_view_totals(v, total, s->prompts);
        rc = put_as(o, v, ken_html_cards, err);
    }
    if (rc == KEN_OK) rc = put_as(o, key_numbers(total, s), ken_html_numbers, err);
    if (rc == KEN_OK && labelled > 0) {
        ken_views *v = ken_views_new();
        ken_view_advice(v, r->run[k].run, total);
        rc = put_as(o, v, advice, err);
    }
    if (unlabelled > 0 && s->n_score < unlabelled)
        ken_out_printf(o,
                       "<p class=\"note\">%s fact%s without a label %s left out of these shares; the flags in the "
                       "table say why.</p>\n",
                       ken_count_text(a, unlabelled), unlabelled == 1 ? "" : "s", unlabelled == 1 ? "is" : "are");
    if (rc == KEN_OK && r->n_runs == 1 && r->n_trainings == 0) {
        ken_views *v = ken_views_new();
        ken_view_next(v, r->run[k].run, ken_file_name(r->run[k].run->path));
        rc = put_as(o, v, next, err);
    }
    return rc;
}

/* ---- fact by fact ---------------------------------------------------------------------------------------------------- */

void ken_section_distributions(ken_out *o, const ken_report *r, size_t k, int h)
{
    if (r->run[k].s.n == 0) return;
    heading(o, h, "distributions", k, "How well, fact by fact");
    ken_out_puts(o, "<div class=\"plots\">");
    ken_section_figure(o, r, "p-correct-%zu", k);
    ken_section_figure(o, r, "greedy-%zu", k);
    ken_out_puts(o, "</div>\n</section>\n");
}

void ken_section_popularity(ken_out *o, const ken_report *r, size_t k, int h)
{
    if (r->run[k].s.n_deciles == 0) return;
    heading(o, h, "by-popularity", k, "By popularity of the subject");
    ken_out_puts(o, "<div class=\"plots\">");
    ken_section_figure(o, r, "popularity-%zu", k);
    ken_out_puts(o, "</div>\n</section>\n");
}

void ken_section_saturation(ken_out *o, const ken_report *r, size_t k, int h)
{
    char a[32], b[32];
    const ken_report_summary *s = &r->run[k].s;
    if (s->n_curve < 2) return;
    heading(o, h, "fewer-prompts", k, "Would fewer prompts do?");
    ken_out_printf(o,
                   "<p class=\"note\">Expected shares for every number of prompts, averaged over all choices "
                   "among the %d. With one prompt %s would be called Unknown, with %d prompts %s. Only the border "
                   "between WeaklyKnown and Unknown depends on the number of samples: with enough samples every fact "
                   "with a probability above zero is found.</p>\n<div class=\"plots\">",
                   s->prompts, ken_html_percent(a, s->curve[0][KEN_UNKNOWN]), s->prompts,
                   ken_html_percent(b, s->curve[s->n_curve - 1][KEN_UNKNOWN]));
    ken_section_figure(o, r, "saturation-%zu", k);
    ken_section_figure(o, r, "samples-%zu", k);
    ken_out_puts(o, "</div>\n</section>\n");
}

/* ---- relations ------------------------------------------------------------------------------------------------------- */

int ken_section_relations(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err)
{
    const ken_run *run = r->run[k].run;
    const ken_report_summary *s = &r->run[k].s;
    const bool choice = ken_report_choice(s);
    if (ken_run_n_relations(run) == 0) return KEN_OK;
    ken_views *v = ken_views_new();
    int rc = ken_view_relations(v, run, s->relations, choice, err);
    if (rc != KEN_OK) {
        ken_views_free(v);
        return rc;
    }
    heading(o, h, "by-relation", k, choice ? "By subject" : "By relation");
    if (!choice) ken_bar_key(o, ken_run_total(run)->category[KEN_UNLABELLED] > 0);
    rc = put_views(o, v, h + 1, err);
    ken_out_puts(o, "</section>\n");
    return rc;
}

/* ---- certainty ------------------------------------------------------------------------------------------------------- */

/* Views among the plots: one of the fields of their grid. */
static int put_field(ken_out *o, ken_views *v, int h, ken_err *err)
{
    ken_out_puts(o, "<div class=\"card\">");
    int rc = put_views(o, v, h, err);
    ken_out_puts(o, "</div>");
    return rc;
}

static int flag_table(ken_out *o, const ken_report_summary *s, int h, ken_err *err)
{
    static const ken_view_column columns[] = {
        {.head = "flag", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE},
        {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE},
        {.head = "facts", .unit = KEN_UNIT_COUNT, .where = KEN_ON_PAGE},
        {.head = "share", .unit = KEN_UNIT_PART, .digits = 1, .where = KEN_ON_PAGE}};
    size_t any = 0;
    ken_views *v = ken_views_new();
    ken_views_table(v, columns, sizeof columns / sizeof *columns, "Flags");
    for (size_t bit = 0; ken_flag_name((int)bit) != NULL && bit < KEN_FLAGS_MAX; bit++) {
        if (s->flags[bit] == 0) continue;
        any++;
        ken_views_row(v, NULL, NULL);
        ken_put_text(v, KEN_STYLE_PLAIN, ken_flag_name((int)bit));
        ken_put_text(v, KEN_STYLE_QUIET, ken_flag_meaning((int)bit));
        ken_put_count(v, s->flags[bit]);
        ken_put_part(v, s->flags[bit], s->n);
    }
    if (any > 0) return put_field(o, v, h, err);
    ken_views_free(v);
    return KEN_OK;
}

static int repeat_table(ken_out *o, const ken_counts *total, const ken_report_summary *s, int h, ken_err *err)
{
    static const ken_view_column columns[] = {
        {.head = "category", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE},
        {.head = "here", .unit = KEN_UNIT_COUNT, .where = KEN_ON_PAGE},
        {.head = "expected", .unit = KEN_UNIT_REAL, .digits = 1, .where = KEN_ON_PAGE},
        {.head = "\u00b1", .unit = KEN_UNIT_REAL, .digits = 1, .where = KEN_ON_PAGE},
        {.head = "likelier label", .unit = KEN_UNIT_COUNT, .where = KEN_ON_PAGE}};
    const double expected[4] = {(double)total->category[KEN_HIGHLY_KNOWN], (double)total->category[KEN_MAYBE_KNOWN],
                                (double)s->n_no_greedy - s->sum_unknown, s->sum_unknown};
    ken_views *v = ken_views_new();
    ken_views_table(v, columns, sizeof columns / sizeof *columns, "This annotation and a repeat");
    for (int c = 0; c < KEN_UNLABELLED; c++) {
        ken_views_row(v, NULL, NULL);
        ken_put_text(v, (ken_style)((int)KEN_STYLE_CATEGORY + c), ken_category_name(c));
        ken_put_count(v, total->category[c]);
        ken_put_number(v, expected[c]);
        if (c >= KEN_WEAKLY_KNOWN) ken_put_number(v, sqrt(s->var_unknown));
        else ken_put_nothing(v);
        ken_put_count(v, s->mode[c]);
    }
    ken_views_text(v);
    if (total->category[KEN_HIGHLY_KNOWN] > 0)
        ken_views_say(v, KEN_STYLE_PLAIN,
                      "Under %d other prompts of the same kind a HighlyKnown fact would be HighlyKnown again with "
                      "probability about %.2f (Jeffreys prior; ignores that prompts of a relation are alike). ",
                      s->prompts, s->sum_hk_again / (double)total->category[KEN_HIGHLY_KNOWN]);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "Expected counts are sums of exact probabilities; \u00b1 is one standard deviation.");
    return put_field(o, v, h, err);
}

int ken_section_certainty(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err)
{
    int rc = KEN_OK;
    const ken_report_summary *s = &r->run[k].s;
    if (s->n == 0 || ken_report_choice(s)) return KEN_OK;
    heading(o, h, "certainty", k, "How sure the labels are");
    ken_out_puts(o, "<p class=\"note\">A label comes from a finite number of samples, so a repeat with the same "
                    "prompts would move facts between WeaklyKnown and Unknown. HighlyKnown and MaybeKnown do not "
                    "move then; they depend on the choice of the prompts.</p>\n<div class=\"plots\">");
    ken_section_figure(o, r, "flip-%zu", k);
    if (s->n_labelled > 0) rc = repeat_table(o, ken_run_total(r->run[k].run), s, h + 1, err);
    ken_section_figure(o, r, "unknown-%zu", k);
    if (rc == KEN_OK) rc = flag_table(o, s, h + 1, err);
    ken_out_puts(o, "</div>\n</section>\n");
    return rc;
}

/* ---- settings and method --------------------------------------------------------------------------------------------- */

int ken_section_settings(ken_out *o, const ken_run *run, const char *anchor, size_t k, int h, ken_err *err)
{
    ken_views *v = ken_views_new();
    ken_view_settings(v, run);
    heading(o, h, anchor, k, "Settings");
    int rc = put_views(o, v, h + 1, err);
    ken_out_puts(o, "</section>\n");
    return rc;
}

void ken_section_method(ken_out *o, const ken_report *r)
{
    bool choice = false;
    for (size_t k = 0; k < r->n_annotated; k++) choice |= r->run[k].s.n_score > 0;
    ken_out_puts(o, "<section id=\"method\">\n<h2>What the four categories mean</h2>\n"
                    "<div class=\"card\"><p style=\"max-width:74ch\">A model is asked each question with several "
                    "few-shot prompts. A fact is <b>HighlyKnown</b> when the greedy answer is right under every "
                    "prompt, <b>MaybeKnown</b> when it is right under some, <b>WeaklyKnown"
                    "</b> when it never is but an answer drawn at temperature 0.5 is right at least once, and "
                    "<b>Unknown</b> otherwise. The scheme is SliCK, by Gekhman, Yona, Aharoni, Eyal, Feder, "
                    "Reichart and Herzig, <i>Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations?"
                    "</i>, EMNLP 2024, <a href=\"https://arxiv.org/abs/2405.05904\" rel=\"noreferrer\">"
                    "arXiv 2405.05904</a>.</p>\n<p style=\"max-width:74ch\">The paper estimates P<sub>Correct"
                    "</sub> from 16 samples a prompt. Here it is summed exactly over the token paths whose text "
                    "is an accepted answer, unless the settings say that answers were sampled; the hits that 16 "
                    "samples would have had are then drawn with it, from the run's seed. Likeness to the "
                    "accepted answer is decided by the matcher named in the settings.</p>\n"
                    "<p style=\"max-width:74ch\">The paper found that examples of Unknown facts are learned "
                    "slowly in fine-tuning and, once learned, make the model state more that is wrong; "
                    "MaybeKnown examples are the most useful ones. A label belongs to one model, prompt and "
                    "budget: Unknown means not elicited here.</p>");
    if (choice)
        ken_out_puts(
            o, "\n<p style=\"max-width:74ch\"><b>Multiple choice</b> has none of the four: with a chance of one in "
               "four a guess is right too often. Each question is asked with several prompts, whose examples and "
               "whose order of the options differ; the option whose letter has the largest logit is the answer. "
               "This page counts a question as right when more than half of its prompts are, which guessing "
               "seldom is, and ranks by the knowledge score, (P \xE2\x88\x92 chance) / (1 \xE2\x88\x92 chance). Both "
               "are our own and not the paper\xE2\x80\x99s.</p>");
    ken_out_puts(o, "</div>\n</section>\n");
}
