/* sections.c - what an annotation says, one function a section of the page; see sections.h. Every text that comes from a run goes
 * through ken_html_text; everything else here is ours. */
#include "report/sections.h"
#include "base/alloc.h"
#include "base/stats.h"
#include "report/bars.h"
#include "report/html.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double ken_share(uint64_t part, uint64_t all) { return all > 0 ? (double)part / (double)all : NAN; }

void ken_share_put(ken_out *o, uint64_t part, uint64_t all)
{
    double lo, hi;
    ken_wilson(part, all, &lo, &hi);
    ken_interval_put(o, ken_share(part, all), lo, hi);
}

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
    ken_out_printf(o, "<p class=\"lead\">%s %s%s in %s %s%s", ken_html_count(a, s->n),
                   choice ? "multiple-choice question" : "fact", s->n == 1 ? "" : "s",
                   ken_html_count(b, s->n_relations), choice ? "subject" : "relation", s->n_relations == 1 ? "" : "s");
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
        ken_out_printf(o, ": %s of ", ken_html_count(a, s->n));
        ken_html_text(o, asked, 20);
        ken_out_puts(o, " facts are in it");
    }
    ken_out_puts(o, ". The same command again goes on where it stopped.</p>\n");
}

static void kpi(ken_out *o, const char *name, const char *value, const char *rest)
{
    ken_out_printf(o, "<div><dt>%s</dt><dd>%s <small>%s</small></dd></div>", name, value, rest);
}

static void categories(ken_out *o, const ken_counts *total, uint64_t labelled, const ken_report_summary *s)
{
    char a[32], b[32];
    static const char *const rule[] = {
        "All %d greedy answers are right, whatever the prompt shows.",
        "Some of the %d greedy answers are right, not all: it depends on the prompt.",
        "None of the %d greedy answers is right, but a sampled one is.",
        "Neither a greedy nor a sampled answer is right. Not found with this budget; that is not proof of absence.",
    };
    ken_out_puts(o, "<ul class=\"cats\">");
    for (int c = 0; c < 4; c++) {
        double lo, hi;
        ken_wilson(total->category[c], labelled, &lo, &hi);
        ken_out_printf(
            o,
            "<li class=\"card cat k%d\"><b>%s</b><div class=\"big\">%s</div><div class=\"of\">%s fact%s, 95%% interval "
            "%.1f\xE2\x80\x93%.1f%%</div><p>",
            c, ken_category_name(c), ken_html_percent(a, ken_share(total->category[c], labelled)),
            ken_html_count(b, total->category[c]), total->category[c] == 1 ? "" : "s", 100 * lo, 100 * hi);
        const char *d = strstr(rule[c], "%d");
        if (d == NULL) ken_out_puts(o, rule[c]);
        else ken_out_printf(o, "%.*s%d%s", (int)(d - rule[c]), rule[c], s->prompts, d + 2);
        ken_out_puts(o, "</p></li>");
    }
    ken_out_puts(o, "</ul>\n");
}

/* Questions, prompts, probabilities; each with its interval or what chance gives. */
static void choice_kpis(ken_out *o, const ken_report_summary *s)
{
    char a[32], b[160];
    double lo, hi, n = (double)s->n_score, guess = (double)s->n_guess_rows;
    ken_wilson(s->n_right, s->n_score, &lo, &hi);
    int at = snprintf(b, sizeof b, "in more than half of the prompts; 95%% interval %.1f\xE2\x80\x93%.1f%%", 100 * lo,
                      100 * hi);
    if (guess > 0) snprintf(b + at, sizeof b - (size_t)at, "; guessing: %.1f%%", 100 * s->guess_right / guess);
    kpi(o, "Questions right", ken_html_percent(a, ken_share(s->n_right, s->n_score)), b);
    at = snprintf(b, sizeof b, "mean over questions");
    if (guess > 0) snprintf(b + at, sizeof b - (size_t)at, "; guessing: %.1f%%", 100 * s->guess_p_t0 / guess);
    kpi(o, "Prompts right", ken_html_percent(a, s->sum_p_t0 / n), b);
}

void ken_section_shares(ken_out *o, const ken_report *r, size_t k)
{
    char a[32], b[64];
    const ken_report_summary *s = &r->run[k].s;
    const ken_counts *total = ken_run_total(r->run[k].run);
    uint64_t labelled = s->n_labelled, unlabelled = total->category[KEN_UNLABELLED];
    if (labelled > 0) {
        ken_tally t = ken_tally_of(total);
        t.n = labelled;
        t.category[KEN_UNLABELLED] = 0;
        ken_bar_put(o, &t, " big", 0.04);
        categories(o, total, labelled, s);
    }
    ken_out_puts(o, "<dl class=\"kpis\">");
    if (labelled > 0)
        kpi(o, "Known to some degree",
            ken_html_percent(a, ken_share(labelled - total->category[KEN_UNKNOWN], labelled)),
            "the first three together");
    if (ken_report_choice(s)) choice_kpis(o, s);
    if (isfinite(total->mean_p_t0) && !ken_report_choice(s))
        kpi(o, "A greedy answer is right", ken_html_percent(a, total->mean_p_t0), "mean over facts and prompts");
    if (isfinite(total->mean_p_t) && !ken_report_choice(s))
        kpi(o, "A sampled answer is right", ken_html_percent(a, total->mean_p_t), "mean P<sub>Correct</sub>");
    if (labelled > 0)
        kpi(o, "Labels that a repeat would change", ken_html_percent(a, s->sum_flip / (double)labelled),
            "same prompts, fresh samples");
    if (s->n_score > 0) {
        snprintf(b, sizeof b, "%.3f", s->sum_score / (double)s->n_score);
        kpi(o, "Knowledge score, multiple choice", b, "0 = guessing, 1 = certain");
    }
    ken_out_puts(o, "</dl>\n");
    if (unlabelled > 0 && s->n_score < unlabelled)
        ken_out_printf(o,
                       "<p class=\"note\">%s fact%s without a label %s left out of these shares; the flags in the "
                       "table say why.</p>\n",
                       ken_html_count(a, unlabelled), unlabelled == 1 ? "" : "s", unlabelled == 1 ? "is" : "are");
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
                   "between WeaklyKnown and Unknown depends on the number of samples: every fact with a chance above "
                   "zero is found in the end.</p>\n<div class=\"plots\">",
                   s->prompts, ken_html_percent(a, s->curve[0][KEN_UNKNOWN]), s->prompts,
                   ken_html_percent(b, s->curve[s->n_curve - 1][KEN_UNKNOWN]));
    ken_section_figure(o, r, "saturation-%zu", k);
    ken_section_figure(o, r, "samples-%zu", k);
    ken_out_puts(o, "</div>\n</section>\n");
}

/* ---- relations ------------------------------------------------------------------------------------------------------- */

typedef struct ranked {
    const ken_counts *c;
    size_t i;
    double known; /* HighlyKnown and MaybeKnown, the share that decides the order */
} ranked;

static int by_known(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->known != y->known) return x->known > y->known ? -1 : 1;
    return x->i < y->i ? -1 : 1;
}

/* Subjects of multiple choice: the share of prompts right decides the order. */
static void choice_relations(ken_out *o, const ken_report *r, size_t k, const ranked *rank, size_t n)
{
    const ken_report_summary *s = &r->run[k].s;
    char a[32];
    ken_out_puts(o,
                 "<p class=\"note\">Most prompts right first. A question counts as right when more than half of its "
                 "prompts choose the right option. The <b>score</b> is 0 for guessing and 1 when certain. "
                 "<b>Majority</b> is the share of the commonest answer.</p>\n<div class=\"card wide\"><table "
                 "class=\"rel\"><thead><tr><th scope=\"col\">Subject</th><th class=\"n\" scope=\"col\">Questions</th>"
                 "<th class=\"n\" scope=\"col\">Questions right</th><th class=\"n\" scope=\"col\">Prompts right</th>"
                 "<th class=\"n\" scope=\"col\">P of the right option</th><th class=\"n\" scope=\"col\">Score</th>"
                 "<th class=\"n\" scope=\"col\">Majority</th></tr></thead><tbody>\n");
    for (size_t j = 0; j < n + (n > 1); j++) {
        bool all = j == n;
        const ken_counts *c = all ? ken_run_total(r->run[k].run) : rank[j].c;
        const ken_report_relation *x = all ? NULL : &s->relations[rank[j].i];
        uint64_t m = all ? s->n_score : x->n_score;
        ken_out_puts(o, all ? "<tr class=\"total\"><th scope=\"row\">All" : "<tr><th scope=\"row\">");
        if (!all) ken_html_text(o, c->relation[0] != '\0' ? c->relation : "(no subject)", 80);
        ken_out_printf(
            o, "</th><td class=\"n\" data-label=\"Questions\">%s</td><td class=\"n\" data-label=\"Questions right\">",
            ken_html_count(a, m));
        ken_share_put(o, all ? s->n_right : x->n_right, m);
        ken_out_printf(o, "</td><td class=\"n\" data-label=\"Prompts right\">%s</td>",
                       ken_html_percent(a, (all ? s->sum_p_t0 : x->p_t0) / (double)m));
        ken_out_printf(o, "<td class=\"n\" data-label=\"P of the right option\">%s</td>",
                       ken_html_percent(a, c->mean_p_t));
        ken_out_printf(o, "<td class=\"n\" data-label=\"Score\">%.3f</td>",
                       (all ? s->sum_score : x->score) / (double)m);
        ken_out_printf(o, "<td class=\"n\" data-label=\"Majority\">%s</td></tr>\n",
                       ken_html_percent(a, c->majority_share));
    }
    ken_out_puts(o, "</tbody></table></div>\n</section>\n");
}

static void relation_numbers(ken_out *o, const ken_counts *c, uint64_t n_score, double score, bool scores)
{
    char a[32], b[32];
    uint64_t labelled = c->n - c->category[KEN_UNLABELLED];
    ken_out_puts(o, "<td class=\"n\" data-label=\"Answered\">");
    ken_share_put(o, c->category[KEN_HIGHLY_KNOWN] + c->category[KEN_MAYBE_KNOWN], labelled);
    ken_out_printf(o, "</td><td class=\"n\" data-label=\"P correct\">%s</td>", ken_html_percent(a, c->mean_p_t));
    if (scores) {
        ken_out_puts(o, "<td class=\"n\" data-label=\"Score\">");
        if (n_score > 0) ken_out_printf(o, "%.3f", score / (double)n_score);
        ken_out_puts(o, "</td>");
    }
    ken_out_printf(o,
                   "<td class=\"n\" data-label=\"Unknown on a repeat\">%.0f\xE2\x80\x89\xC2\xB1\xE2\x80\x89%.1f</td>",
                   c->expected_unknown, c->sd_unknown);
    /* docs/method/knowledge.md#marks: where one answer is most of the golds, a prior cannot be told from knowledge */
    ken_out_printf(o, "<td class=\"n\" data-label=\"Majority\"><span%s>%s</span></td>",
                   c->majority_share >= 0.2 && c->n >= 30
                       ? " class=\"strong\" title=\"always giving this one answer scores as much\""
                       : "",
                   ken_html_percent(a, c->majority_share));
    ken_out_printf(o, "<td class=\"n\" data-label=\"Echo\">%s</td></tr>\n", ken_html_percent(b, c->echo_share));
}

static void relation_row(ken_out *o, const ken_report *r, size_t k, const ken_counts *c, const ken_report_relation *x)
{
    char a[32];
    const ken_report_summary *s = &r->run[k].s;
    ken_tally t = ken_tally_of(c);
    ken_out_puts(o, x == NULL ? "<tr class=\"total\"><th scope=\"row\">All" : "<tr><th scope=\"row\">");
    if (x != NULL) ken_html_text(o, c->relation[0] != '\0' ? c->relation : "(no relation)", 80);
    if (x != NULL && x->example != NULL) {
        ken_out_puts(o, " <small>");
        ken_html_text(o, x->example, 90);
        ken_out_puts(o, "</small>");
    }
    ken_out_puts(o, "</th><td class=\"wide\">");
    ken_bar_put(o, &t, "", 0.125);
    ken_out_printf(o, "</td><td class=\"n\" data-label=\"Facts\">%s</td>", ken_html_count(a, c->n));
    relation_numbers(o, c, x == NULL ? s->n_score : x->n_score, x == NULL ? s->sum_score : x->score, s->n_score > 0);
}

int ken_section_relations(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err)
{
    const ken_run *run = r->run[k].run;
    const ken_report_summary *s = &r->run[k].s;
    size_t n = ken_run_n_relations(run);
    if (n == 0) return KEN_OK;
    ranked *rank = ken_alloc(n, sizeof *rank);
    if (rank == NULL) return ken_fail_nomem(err, "report");
    for (size_t i = 0; i < n; i++) {
        const ken_counts *c = ken_run_relation(run, i);
        uint64_t labelled = c->n - c->category[KEN_UNLABELLED];
        double known = ken_share(c->category[KEN_HIGHLY_KNOWN] + c->category[KEN_MAYBE_KNOWN], labelled);
        if (ken_report_choice(s)) known = s->relations[i].p_t0 / (double)s->relations[i].n_score;
        rank[i] = (ranked){c, i, isfinite(known) ? known : -1.0};
    }
    qsort(rank, n, sizeof *rank, by_known);
    heading(o, h, "by-relation", k, ken_report_choice(s) ? "By subject" : "By relation");
    if (ken_report_choice(s)) {
        choice_relations(o, r, k, rank, n);
        ken_free(rank);
        return KEN_OK;
    }
    ken_out_puts(
        o, "<p class=\"note\">Best known first. <b>Answered</b> is HighlyKnown and MaybeKnown together, with its 95% "
           "interval. <b>Majority</b> is the share of the commonest answer: where it is large, a good score may be a "
           "habit and not knowledge. <b>Echo</b> is the share of questions that contain their answer. "
           "<b>Unknown on a repeat</b> is how many a fresh annotation would call Unknown, with its "
           "standard deviation.</p>\n");
    ken_bar_key(o, ken_run_total(run)->category[KEN_UNLABELLED] > 0);
    ken_out_puts(o, "<div class=\"card wide\"><table class=\"rel\"><thead><tr><th scope=\"col\">Relation</th>"
                    "<th scope=\"col\">Categories</th><th class=\"n\" scope=\"col\">Facts</th>"
                    "<th class=\"n\" scope=\"col\">Answered</th><th class=\"n\" scope=\"col\">P correct</th>");
    if (s->n_score > 0) ken_out_puts(o, "<th class=\"n\" scope=\"col\">Score</th>");
    ken_out_puts(o, "<th class=\"n\" scope=\"col\">Unknown<br>on a repeat</th><th class=\"n\" scope=\"col\">Majority"
                    "</th><th class=\"n\" scope=\"col\">Echo</th></tr></thead><tbody>\n");
    for (size_t j = 0; j < n; j++) relation_row(o, r, k, rank[j].c, &s->relations[rank[j].i]);
    if (n > 1) relation_row(o, r, k, ken_run_total(run), NULL);
    ken_out_puts(o, "</tbody></table></div>\n</section>\n");
    ken_free(rank);
    return KEN_OK;
}

/* ---- certainty ------------------------------------------------------------------------------------------------------- */

static void flag_table(ken_out *o, const ken_report_summary *s, int h)
{
    static const char *const meaning[] = {
        "the same question stands with other answers",
        "the same question and answers stand earlier",
        "several answers are accepted",
        "the question contains an accepted answer",
        "the relation's exemplar sets share rows",
        "exemplars come from all relations",
        "no answer can match: it holds the stop string",
        "the answer needs more tokens than allowed",
        "within the error bound the draw could give another category",
        "the walk left more open than its budget",
        "multiple choice: a score, no category",
        "the prompt does not fit the model",
        "about as likely for other subjects: perhaps a guess",
    };
    char a[32], b[32];
    bool any = false;
    for (int bit = 0; ken_flag_name(bit) != NULL && bit < KEN_FLAGS_MAX; bit++) any |= s->flags[bit] > 0;
    if (!any) return;
    ken_out_printf(o, "<div class=\"card\"><h%d>Flags</h%d>", h, h);
    ken_out_puts(o, "<table><thead><tr><th scope=\"col\">Flag</th>"
                    "<th class=\"n\" scope=\"col\">Facts</th><th class=\"n\" scope=\"col\">Share</th></tr>"
                    "</thead><tbody>");
    for (int bit = 0; ken_flag_name(bit) != NULL && bit < KEN_FLAGS_MAX; bit++) {
        if (s->flags[bit] == 0) continue;
        ken_out_printf(o,
                       "<tr><th scope=\"row\"><span class=\"flag\">%s</span> <span class=\"why\">%s"
                       "</span></th><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>",
                       ken_flag_name(bit), bit < (int)(sizeof meaning / sizeof meaning[0]) ? meaning[bit] : "",
                       ken_html_count(a, s->flags[bit]), ken_html_percent(b, ken_share(s->flags[bit], s->n)));
    }
    ken_out_puts(o, "</tbody></table></div>");
}

static void repeat_table(ken_out *o, const ken_counts *total, const ken_report_summary *s, int h)
{
    char a[32], b[32];
    double sd = sqrt(s->var_unknown);
    double expected[4] = {(double)total->category[KEN_HIGHLY_KNOWN], (double)total->category[KEN_MAYBE_KNOWN],
                          (double)s->n_no_greedy - s->sum_unknown, s->sum_unknown};
    ken_out_printf(o, "<div class=\"card\"><h%d>This annotation and a repeat</h%d>", h, h);
    ken_out_puts(o, "<table><thead><tr><th scope=\"col\">Category</th><th class=\"n\" scope=\"col\">Here</th>"
                    "<th class=\"n\" scope=\"col\">Expected</th><th class=\"n\" scope=\"col\">Likelier label</th>"
                    "</tr></thead><tbody>");
    for (int c = 0; c < 4; c++) {
        ken_out_printf(o,
                       "<tr><th scope=\"row\"><span class=\"tag c%d\">%s</span></th><td class=\"n\">%s</td>"
                       "<td class=\"n\">%.1f",
                       c, ken_category_name(c), ken_html_count(a, total->category[c]), expected[c]);
        if (c >= KEN_WEAKLY_KNOWN) ken_out_printf(o, "\xE2\x80\x89\xC2\xB1\xE2\x80\x89%.1f", sd);
        ken_out_printf(o, "</td><td class=\"n\">%s</td></tr>", ken_html_count(b, s->mode[c]));
    }
    ken_out_puts(o, "</tbody></table><p class=\"note\">");
    if (total->category[KEN_HIGHLY_KNOWN] > 0)
        ken_out_printf(o,
                       "Under %d other prompts of the same kind a HighlyKnown fact would be HighlyKnown again with "
                       "probability about %.2f (Jeffreys prior; ignores that prompts of a relation are alike). ",
                       s->prompts, s->sum_hk_again / (double)total->category[KEN_HIGHLY_KNOWN]);
    ken_out_puts(o, "Expected counts are sums of exact probabilities; \xC2\xB1 is one standard deviation.</p></div>");
}

void ken_section_certainty(ken_out *o, const ken_report *r, size_t k, int h)
{
    const ken_report_summary *s = &r->run[k].s;
    if (s->n == 0 || ken_report_choice(s)) return;
    heading(o, h, "certainty", k, "How sure the labels are");
    ken_out_puts(o, "<p class=\"note\">A label comes from a finite number of samples, so a repeat with the same "
                    "prompts would move facts between WeaklyKnown and Unknown. HighlyKnown and MaybeKnown do not "
                    "move then; they depend on the choice of the prompts.</p>\n<div class=\"plots\">");
    ken_section_figure(o, r, "flip-%zu", k);
    if (s->n_labelled > 0) repeat_table(o, ken_run_total(r->run[k].run), s, h + 1);
    ken_section_figure(o, r, "unknown-%zu", k);
    flag_table(o, s, h + 1);
    ken_out_puts(o, "</div>\n</section>\n");
}

/* ---- settings and method --------------------------------------------------------------------------------------------- */

void ken_section_settings(ken_out *o, const ken_run *run, const char *anchor, size_t k, int h)
{
    /* what decides a label, then what identifies the inputs */
    static const char *const keys[][2] = {
        {"model", "Model"},
        {"weight_type", "Weights"},
        {"n_params", "Parameters"},
        {"architecture", "Architecture"},
        {"compute", "Arithmetic"},
        {"isa", "Instruction set"},
        {"gemm", "Matrix library"},
        {"data", "Data"},
        {"data_format", "Data format"},
        {"splits", "Splits"},
        {"relations", "Relations"},
        {"rows", "Facts asked for"},
        {"method", "Method"},
        {"matcher", "Matcher"},
        {"prompts", "Prompts"},
        {"shots", "Shots"},
        {"samples", "Samples a prompt"},
        {"temperature", "Temperature"},
        {"top_k", "Top-k"},
        {"max_new", "Longest answer"},
        {"mass_budget", "Mass budget"},
        {"template", "Template"},
        {"chat_template", "Chat template"},
        {"stop", "Stop"},
        {"exemplar_seed", "Exemplar seed"},
        {"seed", "Seed"},
        {"control", "Guess control"},
        {"dev", "Dev"},
        {"test", "Test"},
        {"ood", "Out of distribution"},
        {"epochs", "Epochs"},
        {"batch", "Batch"},
        {"lr", "Learning rate"},
        {"schedule", "Schedule"},
        {"warmup_steps", "Warm-up steps"},
        {"optimizer", "Optimizer"},
        {"dropout", "Dropout"},
        {"clip", "Clip"},
        {"lora", "LoRA"},
        {"train", "Trained"},
        {"freeze", "Frozen"},
        {"kl", "Weight of the divergence"},
        {"kl_teacher", "Teacher"},
        {"version", "ken version"},
        {"adapter_path", "Adapter"},
        {"adapter", "Adapter hash"},
        {"model_hash", "Model hash"},
        {"tokenizer_hash", "Tokenizer hash"},
        {"data_hash", "Data hash"},
        {"exemplars_hash", "Exemplars hash"},
    };
    ken_out_printf(o,
                   "<section id=\"%s-%zu\">\n<h%d>Settings</h%d>\n"
                   "<p class=\"note\">Everything that decides the numbers above. They belong to these settings; runs "
                   "with others are not comparable row by row.</p>\n<dl class=\"settings card\">",
                   anchor, k, h, h);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *value = ken_run_setting(run, keys[i][0]);
        if (value == NULL || value[0] == '\0') continue;
        ken_out_printf(o, "<div><dt>%s</dt><dd>", keys[i][1]);
        if (strcmp(value, "\n") == 0) ken_out_puts(o, "newline");
        else ken_html_text(o, value, 400);
        ken_out_puts(o, "</dd></div>\n");
    }
    ken_out_puts(o, "</dl>\n</section>\n");
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
