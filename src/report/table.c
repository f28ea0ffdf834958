/* table.c - the table of facts: the controls around it, and its first rows for readers without script and for print. The rows themselves
 * come from facts.c, and page.js makes of them whatever is searched, sorted and filtered. */
#include "know/verdict.h"
#include "report/facts.h"
#include "report/html.h"
#include "report/sections.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STATIC_ROWS = 20 };

static int add_all(ken_facts *f, const ken_report *r, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t k = 0; k < r->n_runs && rc == KEN_OK; k++)
        rc = ken_facts_add_run(f, r->run[k].run, r->run[k].name, err);
    for (size_t k = 0; k < r->n_diffs && rc == KEN_OK; k++)
        rc = ken_facts_add_diff(f, r->diff[k].diff, r->diff[k].at_a, r->diff[k].at_b, err);
    return rc;
}

static void put_select(ken_out *o, const char *id, const char *label, const char *first)
{
    ken_out_printf(o, "<label class=\"field\" id=\"%s-field\" hidden><span>%s</span><select id=\"%s\">", id, label, id);
    if (first != NULL) ken_out_printf(o, "<option value=\"\">%s</option>", first);
    ken_out_puts(o, "</select></label>\n");
}

/* Hidden until the script has read the rows: without it they would do nothing. */
static void put_controls(ken_out *o)
{
    ken_out_puts(
        o, "<div class=\"tools\" id=\"tools\" role=\"search\" hidden>\n<label class=\"field grow\"><span>Search</span>"
           "<input type=\"search\" id=\"search\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"question, "
           "answer, id, what the model says\"></label>\n");
    put_select(o, "view", "Show", NULL);
    put_select(o, "move", "Moved", "any");
    put_select(o, "from", "Before", "any category");
    put_select(o, "to", "After", "any category");
    put_select(o, "near", "Nearest trained", "any");
    put_select(o, "relation", "Relation", "all");
    put_select(o, "flag", "Flag", "any");
    put_select(o, "sort", "Sort by", "order of the data");
    ken_out_puts(o, "<div class=\"chips\" id=\"chips\" role=\"group\" aria-label=\"Categories\"></div>\n</div>\n");
}

static void put_pager(ken_out *o, bool first)
{
    ken_out_printf(o,
                   "<div class=\"pager\" hidden><span class=\"where\"%s></span><div>"
                   "<button type=\"button\" aria-label=\"First page\">\xC2\xAB</button>"
                   "<button type=\"button\" aria-label=\"Previous page\">\xE2\x80\xB9</button>"
                   "<span class=\"page\"></span><button type=\"button\" aria-label=\"Next page\">\xE2\x80\xBA"
                   "</button><button type=\"button\" aria-label=\"Last page\">\xC2\xBB</button></div></div>\n",
                   first ? " role=\"status\" aria-live=\"polite\"" : "");
}

static int static_rows(ken_out *o, ken_run *run, ken_err *err)
{
    char a[32];
    size_t n = ken_run_count(run);
    ken_out_puts(
        o, "<thead><tr><th scope=\"col\">Category</th><th scope=\"col\">Question</th><th scope=\"col\">Answer</th><th "
           "class=\"n\" scope=\"col\">P correct</th><th class=\"n\" scope=\"col\">Greedy</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n && i < STATIC_ROWS; i++) {
        const ken_row *row = ken_run_row(run, i, err);
        if (row == NULL) return err->status != KEN_OK ? err->status : KEN_EINPUT;
        int c = row->category >= 0 && row->category < KEN_UNLABELLED ? row->category : KEN_UNLABELLED;
        const char *name = ken_category_name(c);
        if ((row->flags & KEN_FLAG_CHOICE) != 0 && isfinite(row->p_t0)) {
            c = ken_choice_right(row->greedy_hits, row->prompts) ? KEN_HIGHLY_KNOWN : KEN_UNKNOWN;
            name = ken_verdict_name(c == KEN_UNKNOWN ? KEN_WRONG : KEN_RIGHT);
        }
        ken_out_printf(o, "<tr class=\"row\"><td><span class=\"tag c%d\">%s</span></td><td class=\"q\">", c, name);
        ken_html_text(o, row->question, 200);
        ken_out_puts(o, "</td><td>");
        if (row->n_answers > 0) ken_html_text(o, row->answers[0], 80);
        ken_out_printf(o, "</td><td class=\"n\">%s</td><td class=\"n\">%d of %d</td></tr>\n",
                       ken_html_percent(a, row->p_t), row->greedy_hits, row->prompts);
    }
    ken_out_puts(o, "</tbody>");
    return KEN_OK;
}

int ken_section_facts(ken_out *o, ken_report *r, ken_err *err)
{
    char a[32];
    enum { TAIL = 40000 }; /* settings, method, script: what the page still needs besides */
    ken_facts *f;
    if (r->n_runs == 0) return KEN_OK;
    int rc = ken_facts_new(&f, err);
    if (rc == KEN_OK) rc = add_all(f, r, err);
    size_t used = ken_out_size(o) + TAIL;
    if (rc == KEN_OK) rc = ken_facts_pack(f, r->room > used ? r->room - used : 0, err);
    if (rc != KEN_OK) {
        ken_facts_free(f);
        return rc;
    }
    ken_out_printf(o, "<section id=\"facts\" class=\"long\">\n<h2>The facts</h2>\n<p class=\"note\">%s fact%s. ",
                   ken_count_text(a, ken_facts_count(f)), ken_facts_count(f) == 1 ? "" : "s");
    ken_out_puts(
        o, "<span class=\"with-script\" hidden>Open one to see what the model says under each prompt. A click on a "
           "heading "
           "sorts; <kbd>/</kbd> goes to the search, <kbd>\xE2\x86\x91</kbd> <kbd>\xE2\x86\x93</kbd> move from fact to "
           "fact, <kbd>Enter</kbd> opens.</span></p>\n");
    if (ken_facts_left_out(f) != NULL) {
        ken_out_printf(
            o,
            "<p class=\"note\">To keep this page small, %s are left out of the details: <code>ken explain RUN "
            "ID</code> shows them.</p>\n",
            ken_facts_left_out(f));
        rc = ken_report_add_note(r, err, "to keep the page small, %s are left out of the details",
                                 ken_facts_left_out(f));
    }
    ken_out_puts(
        o,
        "<noscript><p class=\"warn\">Without JavaScript only the first rows are here; the script is part of this page "
        "and loads nothing.</p></noscript>\n");
    put_controls(o);
    put_pager(o, true);
    ken_out_puts(
        o,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of facts\"><table id=\"facts-table\">"
        "<caption class=\"hide\">Facts</caption>");
    if (rc == KEN_OK && r->run[0].annotated) rc = static_rows(o, r->run[0].run, err);
    else ken_out_puts(o, "<thead></thead><tbody></tbody>");
    ken_out_puts(o, "</table></div>\n");
    put_pager(o, false);
    ken_out_puts(o, "<p class=\"print-note\" id=\"print-note\"></p>\n");
    ken_facts_put(o, f);
    ken_out_puts(o, "</section>\n");
    ken_facts_free(f);
    return rc;
}
