/* report.c - ken_report: one self-contained HTML page about runs, written as it is made (ken.h; spec/slick.md 12).
 *
 * Two passes over each run: the first adds up what the plots show (summary.h), the second streams the rows, as JSON, for the
 * table of facts. So memory stays flat, whatever the number of rows.
 *
 * The hard thing is that questions, answers and generated texts are anybody's words. They enter the page in two ways only,
 * ken_html_text and ken_html_json, and the script puts them into the document as text. Besides, a policy in the page allows no
 * script but ours, named by its hash, and no loading of anything. */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/out.h"
#include "report/assets.h"
#include "report/html.h"
#include "report/plots.h"
#include "report/sections.h"
#include "report/summary.h"
#include "store/store.h"
#include "text/normalize.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- head ------------------------------------------------------------------------------------------------------------ */

/* SHA-256 of the script in base64, as Content-Security-Policy wants it. */
static int script_hash(char out[48], ken_err *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[65];
    unsigned char b[33] = {0};
    ken_sha256 *h = ken_sha256_new();
    if (h == NULL) return ken_fail_nomem(err, "report");
    ken_sha256_add(h, ken_page_js, ken_page_js_size);
    ken_sha256_hex(h, hex);
    for (int i = 0; i < 32; i++) {
        unsigned byte = 0;
        (void)sscanf(hex + 2 * i, "%2x", &byte);
        b[i] = (unsigned char)byte;
    }
    for (int i = 0, j = 0; i < 33; i += 3) { /* 32 bytes: ten triples and one of two bytes */
        uint32_t v = (uint32_t)b[i] << 16 | (uint32_t)b[i + 1] << 8 | b[i + 2];
        for (int s = 18; s >= 0; s -= 6) out[j++] = digits[v >> s & 63];
    }
    out[43] = '=';
    out[44] = '\0';
    return KEN_OK;
}

static void put_head(ken_out *o, ken_run *const *runs, size_t n, const char *hash)
{
    char model[KEN_MODEL_NAME];
    ken_out_puts(o, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    ken_out_printf(o,
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                   "'unsafe-inline'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
                   "<title>What ",
                   hash);
    for (size_t k = 0; k < n && k < 3; k++) {
        if (k > 0) ken_out_puts(o, k + 1 == n ? " and " : ", ");
        ken_html_text(o, ken_report_model_name(model, runs[k]), 80);
    }
    ken_out_printf(o, " %s \xC2\xB7 ken</title>\n<style>\n", n > 1 ? "know" : "knows");
    ken_out_add(o, ken_page_css, ken_page_css_size);
    ken_out_puts(o, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#facts\">To the table of facts</a>\n"
                    "<header class=\"top\"><b>ken</b><nav aria-label=\"Sections\">");
    if (n == 1)
        ken_out_puts(o, "<a href=\"#relations-0\">Relations</a><a href=\"#certainty-0\">Certainty</a>"
                        "<a href=\"#facts\">Facts</a><a href=\"#settings-0\">Settings</a>");
    else ken_out_puts(o, "<a href=\"#runs\">Runs</a><a href=\"#facts\">Facts</a>");
    ken_out_puts(o, "<a href=\"#method\">Method</a><button type=\"button\" id=\"theme\" aria-label=\"Switch "
                    "between light and dark\">\xE2\x97\x90</button></nav></header>\n<main>\n");
}

/* Several runs: one bar each, before the first run's own part. */
static void put_overview(ken_out *o, ken_run *const *runs, size_t n)
{
    char a[32], model[KEN_MODEL_NAME];
    ken_out_printf(o,
                   "<section class=\"hero\" id=\"runs\">\n<h1>%zu runs side by side</h1>\n"
                   "<p class=\"note\">Each on its own facts; compare shares only where these are the same.</p>\n"
                   "<div class=\"card\"><table class=\"rel\"><thead><tr><th scope=\"col\">Run</th>"
                   "<th scope=\"col\">Categories</th><th class=\"n\" scope=\"col\">Facts</th>"
                   "<th class=\"n\" scope=\"col\">Greedy right</th><th class=\"n\" scope=\"col\">P correct</th>"
                   "</tr></thead><tbody>\n",
                   n);
    for (size_t k = 0; k < n; k++) {
        const ken_counts *c = ken_run_total(runs[k]);
        ken_tally t = {.n = c->n};
        memcpy(t.category, c->category, sizeof t.category);
        ken_out_printf(o, "<tr><th scope=\"row\"><a href=\"#run-%zu\">", k);
        ken_html_text(o, ken_report_model_name(model, runs[k]), 100);
        ken_out_puts(o, "</a></th><td class=\"wide\">");
        ken_plot_bar(o, &t, "", 0.125);
        ken_out_printf(o, "</td><td class=\"n\" data-label=\"Facts\">%s</td>", ken_html_count(a, c->n));
        ken_out_printf(o, "<td class=\"n\" data-label=\"Greedy right\">%s</td>", ken_html_percent(a, c->mean_p_t0));
        ken_out_printf(o, "<td class=\"n\" data-label=\"P correct\">%s</td></tr>\n", ken_html_percent(a, c->mean_p_t));
    }
    ken_out_puts(o, "</tbody></table></div>\n</section>\n");
}

/* ---- the table of facts ---------------------------------------------------------------------------------------------- */

static void put_facts(ken_out *o, ken_run *const *runs, const ken_report_summary *s, size_t n)
{
    static const char pager[] =
        "<div class=\"pager\"><span class=\"where\"></span><div>"
        "<button type=\"button\" aria-label=\"First page\">\xC2\xAB</button>"
        "<button type=\"button\" aria-label=\"Previous page\">\xE2\x80\xB9</button>"
        "<span class=\"page\"></span><button type=\"button\" aria-label=\"Next page\">\xE2\x80\xBA"
        "</button><button type=\"button\" aria-label=\"Last page\">\xC2\xBB</button></div></div>\n";
    static const struct {
        const char *key, *name;
        bool number;
    } columns[] = {{"cat", "Category", false}, {"q", "Question", false}, {"a", "Answer", false},
                   {"p", "P correct", true},   {"g", "Greedy", true},    {"says", "Says instead", false},
                   {"pu", "P unknown", true},  {"score", "Score", true}, {"rel", "Relation", false},
                   {"flags", "Flags", false}};
    uint64_t category[KEN_N_CATEGORIES] = {0}, texts = 0, scores = 0;
    char a[32];
    for (size_t k = 0; k < n; k++) {
        for (int c = 0; c < KEN_N_CATEGORIES; c++) category[c] += ken_run_total(runs[k])->category[c];
        texts += s[k].n_texts;
        scores += s[k].n_score;
    }
    ken_out_puts(o, "<section id=\"facts\">\n<h2>The facts</h2>\n<p class=\"note\">Search looks through "
                    "questions, answers, ids and what the model says. A click on a heading sorts, a click on a "
                    "fact opens it.</p>\n<noscript><p class=\"warn\">The table needs JavaScript; it is part of "
                    "this page and loads nothing.</p></noscript>\n"
                    "<div class=\"tools\"><input type=\"search\" id=\"search\" placeholder=\"Search\" "
                    "aria-label=\"Search the facts\"><select id=\"relation\" aria-label=\"Relation\">"
                    "<option value=\"\">all relations</option></select><select id=\"flag\" aria-label=\"Flag\">"
                    "<option value=\"\">any flags</option></select>"
                    "<div class=\"chips\" role=\"group\" aria-label=\"Categories\">");
    for (int c = 0; c < KEN_N_CATEGORIES; c++)
        if (category[c] > 0)
            ken_out_printf(o,
                           "<button type=\"button\" class=\"chip\" data-category=\"%d\" aria-pressed=\"true\">"
                           "<i class=\"c%d\"></i>%s %s</button>",
                           c, c, ken_category_name(c), ken_html_count(a, category[c]));
    ken_out_puts(o, "</div></div>\n");
    ken_out_puts(o, pager);
    ken_out_puts(o, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Facts\">"
                    "<table id=\"facts-table\"><thead><tr>");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if ((strcmp(columns[i].key, "says") == 0 && texts == 0) ||
            (strcmp(columns[i].key, "score") == 0 && scores == 0))
            continue;
        ken_out_printf(o, "<th scope=\"col\"%s><button type=\"button\" data-key=\"%s\">%s</button></th>",
                       columns[i].number ? " class=\"n\"" : "", columns[i].key, columns[i].name);
    }
    ken_out_puts(o, "</tr></thead><tbody></tbody></table></div>\n");
    ken_out_puts(o, pager);
    ken_out_puts(o, "</section>\n");
}

/* What the script needs besides the rows. */
static void put_about(ken_out *o, ken_run *const *runs, const ken_report_summary *s, size_t n)
{
    char model[KEN_MODEL_NAME];
    uint32_t flagged = 0;
    uint64_t texts = 0, scores = 0;
    ken_out_puts(o, "<script type=\"application/json\" id=\"about\">{\"runs\":[");
    for (size_t k = 0; k < n; k++) {
        if (k > 0) ken_out_puts(o, ",");
        ken_html_json(o, ken_report_model_name(model, runs[k]), 100);
        for (int bit = 0; bit < KEN_FLAGS_MAX; bit++) flagged |= (uint32_t)(s[k].flags[bit] > 0) << bit;
        texts += s[k].n_texts;
        scores += s[k].n_score;
    }
    ken_out_puts(o, "],\"relations\":[");
    for (size_t k = 0; k < n; k++) {
        ken_out_puts(o, k > 0 ? ",[" : "[");
        for (size_t i = 0; i < ken_run_n_relations(runs[k]); i++) {
            if (i > 0) ken_out_puts(o, ",");
            ken_html_json(o, ken_run_relation(runs[k], i)->relation, 80);
        }
        ken_out_puts(o, "]");
    }
    ken_out_puts(o, "],\"categories\":[");
    for (int c = 0; c < KEN_N_CATEGORIES; c++) ken_out_printf(o, "%s\"%s\"", c > 0 ? "," : "", ken_category_name(c));
    ken_out_puts(o, "],\"flags\":[");
    for (int bit = 0; ken_flag_name(bit) != NULL; bit++)
        ken_out_printf(o, "%s\"%s\"", bit > 0 ? "," : "", ken_flag_name(bit));
    ken_out_printf(o, "],\"flagged\":%" PRIu32 ",\"texts\":%s,\"scores\":%s}</script>\n", flagged,
                   texts > 0 ? "true" : "false", scores > 0 ? "true" : "false");
}

enum { MOST_SAID = 6, MOST_ANSWERS = 12, SAID_LENGTH = 120, QUESTION_LENGTH = 600, ANSWER_LENGTH = 120 };

/* The row's distinct greedy answers, the most frequent first: [text, prompts, accepted]. */
static void put_said(ken_out *o, const ken_row *row)
{
    struct {
        const char *text;
        size_t n;
        int count;
        bool hit;
    } said[MOST_SAID];
    int n_said = 0;
    for (int i = 0; i < row->n_prompt_rows; i++) {
        const char *t = row->prompt_rows[i].text;
        if (t == NULL) continue;
        size_t len = ken_trim(&t, strlen(t));
        int j = 0;
        while (j < n_said && !(said[j].n == len && said[j].hit == row->prompt_rows[i].greedy_hit &&
                               memcmp(said[j].text, t, len) == 0))
            j++;
        if (j == MOST_SAID) continue;
        if (j == n_said)
            said[n_said].text = t, said[n_said].n = len, said[n_said].count = 0,
            said[n_said++].hit = row->prompt_rows[i].greedy_hit;
        said[j].count++;
    }
    ken_out_puts(o, "[");
    for (int k = 0; k < n_said; k++) { /* at most six: the largest one left, the earliest of equals */
        int best = -1;
        for (int j = 0; j < n_said; j++)
            if (said[j].count > 0 && (best < 0 || said[j].count > said[best].count)) best = j;
        ken_out_puts(o, k > 0 ? ",[" : "[");
        ken_html_json_bytes(o, said[best].text, said[best].n, SAID_LENGTH);
        ken_out_printf(o, ",%d,%d]", said[best].count, said[best].hit ? 1 : 0);
        said[best].count = 0;
    }
    ken_out_puts(o, "]");
}

/* One row of the array `rows`; page.js names the places. */
static void put_row(ken_out *o, const ken_row *row, size_t run, int relation)
{
    int category = row->category >= 0 && row->category < KEN_UNLABELLED ? row->category : KEN_UNLABELLED;
    ken_out_printf(o, "[%zu,%d,%d,", run, category, relation);
    ken_html_json(o, row->id, 200);
    ken_out_puts(o, ",");
    ken_html_json(o, row->question, QUESTION_LENGTH);
    ken_out_puts(o, ",[");
    for (int i = 0; i < row->n_answers && i < MOST_ANSWERS; i++) {
        if (i > 0) ken_out_puts(o, ",");
        ken_html_json(o, row->answers[i], ANSWER_LENGTH);
    }
    ken_out_puts(o, "]");
    const double before[] = {row->p_t, row->p_t_lo, row->p_t_hi};
    for (int i = 0; i < 3; i++) ken_out_puts(o, ","), ken_html_json_number(o, before[i]);
    ken_out_printf(o, ",%d,%d,%d,%d", row->greedy_hits, row->prompts, row->sample_hits, row->samples);
    const double after[] = {row->p_unknown, row->p_flip};
    for (int i = 0; i < 2; i++) ken_out_puts(o, ","), ken_html_json_number(o, after[i]);
    ken_out_printf(o, ",%" PRIu32 ",", row->flags);
    ken_html_json_number(o, row->popularity);
    ken_out_puts(o, ",");
    put_said(o, row);
    ken_out_puts(o, ",");
    ken_html_json_number(o, row->score);
    ken_out_puts(o, ",");
    ken_html_json_number(o, row->p_guess);
    ken_out_puts(o, "]");
}

static int put_rows(ken_out *o, ken_run *const *runs, const ken_report_summary *s, size_t n, ken_err *err)
{
    bool first = true;
    ken_out_puts(o, "<script type=\"application/json\" id=\"rows\">[");
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0, rows = ken_run_count(runs[k]); i < rows; i++) {
            const ken_row *row = ken_run_row(runs[k], i, err);
            if (row == NULL) return err->status;
            ken_out_puts(o, first ? "\n" : ",\n");
            put_row(o, row, k, ken_report_relation_index(&s[k], row->relation));
            first = false;
        }
    }
    ken_out_puts(o, "\n]</script>\n");
    return KEN_OK;
}

/* ---- the page -------------------------------------------------------------------------------------------------------- */

static int put_page(ken_out *o, ken_run *const *runs, const ken_report_summary *s, size_t n, ken_err *err)
{
    char hash[48];
    int rc = script_hash(hash, err);
    if (rc != KEN_OK) return rc;
    put_head(o, runs, n, hash);
    if (n > 1) put_overview(o, runs, n);
    for (size_t k = 0; k < n; k++) {
        ken_section_hero(o, runs[k], &s[k], k, n == 1);
        if ((rc = ken_section_relations(o, runs[k], &s[k], k, err)) != KEN_OK) return rc;
        ken_section_distributions(o, runs[k], &s[k], k);
        ken_section_popularity(o, &s[k], k);
        ken_section_saturation(o, runs[k], &s[k], k);
        ken_section_certainty(o, runs[k], &s[k], k);
        if (n > 1) ken_section_settings(o, runs[k], k);
    }
    put_facts(o, runs, s, n);
    if (n == 1) ken_section_settings(o, runs[0], 0);
    ken_section_method(o);
    ken_out_puts(o, "</main>\n<footer>Made by ken " KEN_VERSION
                    " from the run file alone. This page is complete: it loads nothing.</footer>\n");
    put_about(o, runs, s, n);
    if ((rc = put_rows(o, runs, s, n, err)) != KEN_OK) return rc;
    ken_out_puts(o, "<script>");
    ken_out_add(o, ken_page_js, ken_page_js_size);
    ken_out_puts(o, "</script>\n</body>\n</html>\n");
    return KEN_OK;
}

int ken_report(ken_run *const *runs, size_t n, const char *path, ken_err *err)
{
    ken_err own = {0};
    ken_out *o = NULL;
    int rc = KEN_OK, closed;
    if (err == NULL) err = &own;
    if (n == 0) return ken_fail(err, KEN_EUSAGE, "a report needs at least one run");
    err->status = KEN_OK;
    ken_report_summary *s = ken_calloc(n, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, "report");
    for (size_t k = 0; k < n && rc == KEN_OK; k++) rc = ken_run_need_annotation(runs[k], err);
    for (size_t k = 0; k < n && rc == KEN_OK; k++) rc = ken_report_summarize(&s[k], runs[k], err);
    if (rc == KEN_OK) rc = ken_out_open(&o, path, err);
    if (rc == KEN_OK) rc = put_page(o, runs, s, n, err);
    closed = ken_out_close(o, rc == KEN_OK, err);
    for (size_t k = 0; k < n; k++) ken_report_summary_free(&s[k]);
    ken_free(s);
    return rc != KEN_OK ? rc : closed;
}
