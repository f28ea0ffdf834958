/* score_json.c - `ken score` as JSON and as lines of rows; see score_print.h. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/score_print.h"
#include "cli/term.h"
#include <math.h>
#include <string.h>

static json_t *count(uint64_t n) { return json_integer((json_int_t)n); }

/* The first n categories by name. */
static json_t *by_category(const uint64_t *v, int n)
{
    cli_json_object x = {json_object(), false};
    for (int k = 0; k < n; k++) cli_json_put(&x, ken_category_name(k), count(v[k]));
    return cli_json_finish(&x);
}

static json_t *curve_json(const cli_curve *c)
{
    json_t *a = json_array();
    for (size_t i = 0; i < c->n_prompts * c->n_samples; i++) {
        cli_json_object x = {json_object(), false};
        cli_json_put(&x, "prompts", json_integer(c->prompts[i / c->n_samples]));
        cli_json_put(&x, "samples", json_integer(c->samples[i % c->n_samples]));
        for (int k = 0; k < KEN_UNLABELLED; k++)
            cli_json_put(&x, ken_category_name(k), cli_json_real(c->share[i * KEN_UNLABELLED + (size_t)k]));
        json_array_append_new(a, cli_json_finish(&x));
    }
    return a;
}

static json_t *part_json(const ken_agreement_part *p)
{
    cli_json_object x = {json_object(), false};
    cli_json_put(&x, "examples", count(p->n));
    cli_json_put(&x, "same", count(p->same));
    cli_json_put(&x, "share_lo", cli_json_real(p->share_lo));
    cli_json_put(&x, "share_hi", cli_json_real(p->share_hi));
    cli_json_put(&x, "kappa", cli_json_real(p->kappa));
    cli_json_put(&x, "kappa_lo", cli_json_real(p->kappa_lo));
    cli_json_put(&x, "kappa_hi", cli_json_real(p->kappa_hi));
    return cli_json_finish(&x);
}

static json_t *agreement_json(const char *name, const ken_agreement *a)
{
    cli_json_object x = {json_object(), false}, moved = {json_object(), false};
    cli_json_put(&x, "run", cli_json_string(name));
    for (int i = 0; i < KEN_UNLABELLED; i++)
        cli_json_put(&moved, ken_category_name(i), by_category(a->moved[i], KEN_UNLABELLED));
    cli_json_put(&x, "transitions", cli_json_finish(&moved));
    cli_json_put(&x, "all", part_json(&a->all));
    cli_json_put(&x, "known_unknown", part_json(&a->known));
    cli_json_put(&x, "highly_maybe", part_json(&a->greedy));
    cli_json_put(&x, "predicted", cli_json_real(a->predicted));
    cli_json_put(&x, "highly_known", count(a->hk));
    cli_json_put(&x, "highly_known_again", count(a->hk_again));
    cli_json_put(&x, "highly_known_again_predicted", cli_json_real(a->hk_again_predicted));
    cli_json_put(&x, "open", count(a->open));
    cli_json_put(&x, "only_here", count(a->only_a));
    cli_json_put(&x, "only_there", count(a->only_b));
    cli_json_put(&x, "other_question", count(a->other_question));
    cli_json_put(&x, "unlabelled", count(a->unlabelled));
    return cli_json_finish(&x);
}

static void put_labels(cli_json_object *x, const ken_score_counts *c)
{
    uint64_t now[KEN_N_CATEGORIES] = {0}, was[KEN_N_CATEGORIES] = {0};
    cli_json_object moved = {json_object(), false}, expected = {json_object(), false};
    for (int i = 0; i < KEN_N_CATEGORIES; i++) {
        for (int j = 0; j < KEN_N_CATEGORIES; j++) {
            was[i] += c->moved[i][j];
            now[j] += c->moved[i][j];
        }
        cli_json_put(&moved, ken_category_name(i), by_category(c->moved[i], KEN_N_CATEGORIES));
    }
    for (int k = 0; k < KEN_N_CATEGORIES; k++) cli_json_put(x, ken_category_name(k), count(now[k]));
    cli_json_put(x, "was", by_category(was, KEN_N_CATEGORIES));
    cli_json_put(x, "transitions", cli_json_finish(&moved));
    cli_json_put(x, "certain", by_category(c->sure, KEN_N_CATEGORIES));
    cli_json_put(x, "possible", by_category(c->may, KEN_N_CATEGORIES));
    cli_json_put(x, "changed", count(c->changed));
    cli_json_put(x, "may_change", count(c->may_change));
    cli_json_put(x, "greedy_changed", count(c->greedy_changed));
    cli_json_put(x, "exact", count(c->exact));
    cli_json_put(x, "bounded", count(c->bounded));
    cli_json_put(x, "open", count(c->open));
    cli_json_put(x, "kappa", cli_json_real(c->kappa));
    cli_json_put(x, "kappa_lo", cli_json_real(c->kappa_lo));
    cli_json_put(x, "kappa_hi", cli_json_real(c->kappa_hi));
    for (int k = 0; k < KEN_UNLABELLED; k++)
        cli_json_put(&expected, ken_category_name(k), cli_json_real(c->expected[k]));
    cli_json_put(x, "expected", cli_json_finish(&expected));
    cli_json_put(x, "expected_unknown", cli_json_real(c->expected_unknown));
    cli_json_put(x, "sd_unknown", cli_json_real(c->sd_unknown));
}

int cli_print_score_json(const ken_run *r, const ken_scoring *s, const cli_curve *c, const char *const *names,
                         const ken_agreement *a, int n, ken_err *err)
{
    cli_json_object x = {json_object(), false};
    const ken_score_counts *counts = ken_scoring_counts(s);
    cli_json_put(&x, "examples", count(counts->n));
    put_labels(&x, counts);
    cli_json_put(&x, "matcher", cli_json_string(ken_scoring_matcher(s)));
    cli_json_put(&x, "matcher_was", cli_json_string(ken_run_setting(r, "matcher")));
    cli_json_put(&x, "prompts", json_integer(ken_scoring_prompts(s)));
    cli_json_put(&x, "samples", json_integer(ken_scoring_samples(s)));
    cli_json_put(&x, "model", cli_json_string(ken_run_setting(r, "model")));
    if (c != NULL) cli_json_put(&x, "curve", curve_json(c));
    if (n > 0) {
        json_t *all = json_array();
        for (int i = 0; i < n; i++) json_array_append_new(all, agreement_json(names[i], &a[i]));
        cli_json_put(&x, "against", all);
    }
    return cli_json_print(cli_json_finish(&x), err);
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

static json_t *row_json(const ken_row *row, const ken_scored *how)
{
    static const char *const basis[] = {"none", "exact", "bounded"};
    cli_json_object x = {cli_json_row(row), false};
    if (x.o == NULL) return NULL;
    json_t *possible = json_array();
    for (int k = 0; k < KEN_UNLABELLED; k++)
        if (how->possible & (1u << k)) json_array_append_new(possible, json_string(ken_category_name(k)));
    cli_json_put(&x, "was", how->was == KEN_UNLABELLED ? json_null() : json_string(ken_category_name(how->was)));
    cli_json_put(&x, "possible", possible);
    cli_json_put(&x, "basis", json_string(basis[how->how]));
    if (how->greedy_lo != how->greedy_hi) cli_json_put(&x, "greedy_hits_most", json_integer(how->greedy_hi));
    return cli_json_finish(&x);
}

static void print_row(const ken_row *r, const ken_scored *how)
{
    char s[64];
    bool open = (how->possible & (how->possible - 1)) != 0;
    term_cell(r->id, 20);
    putchar(' ');
    fputs(term_on(TERM_CATEGORY + how->was), stdout);
    term_cell(ken_category_name(how->was), 11);
    fputs(term_off(), stdout);
    fputs(how->was != how->category ? " > " : "   ", stdout);
    fputs(term_on(TERM_CATEGORY + how->category), stdout);
    snprintf(s, sizeof s, "%s%s", ken_category_name(how->category), open ? "+" : "");
    term_cell(s, 12);
    fputs(term_off(), stdout);
    if (how->how == KEN_SCORED_NOT) snprintf(s, sizeof s, "%s", "");
    else if (how->greedy_lo != how->greedy_hi)
        snprintf(s, sizeof s, "%d-%d/%d", how->greedy_lo, how->greedy_hi, r->prompts);
    else snprintf(s, sizeof s, "%d/%d", r->greedy_hits, r->prompts);
    term_cell(s, -7);
    if (how->how == KEN_SCORED_NOT) s[0] = '\0';
    else if (r->p_t_hi - r->p_t_lo > 0.01) snprintf(s, sizeof s, "%.3f-%.3f", r->p_t_lo, r->p_t_hi);
    else snprintf(s, sizeof s, "%.3f", r->p_t);
    term_cell(s, -13);
    fputs("  ", stdout);
    term_text(r->question);
    if (r->n_answers > 0) {
        fputs(" = ", stdout);
        term_text(r->answers[0]);
    }
    putchar('\n');
}

static bool in_list(const char *list, const char *name) { return list == NULL || cli_in_list(list, ',', name); }

int cli_print_scored_rows(ken_scoring *s, const char *categories, bool changed, size_t limit, ken_err *err)
{
    size_t shown = 0;
    if (!cli.json) {
        fputs(term_on(TERM_BOLD), stdout);
        term_cell("id", 20);
        printf(" %-11s   %-12s%7s%13s  question = answer%s\n", "in the run", "now", "greedy", "P", term_off());
    }
    for (size_t i = 0; i < ken_scoring_count(s) && (limit == 0 || shown < limit); i++) {
        const ken_scored *how;
        const ken_row *row = ken_scoring_row(s, i, &how, err);
        if (row == NULL) return err->status;
        bool same = how->possible == 1u << how->was;
        if ((changed && same) || !in_list(categories, ken_category_name(how->category))) continue;
        shown++;
        if (!cli.json) print_row(row, how);
        else if (cli_json_print(row_json(row, how), err) != KEN_OK) return err->status;
    }
    return KEN_OK;
}
