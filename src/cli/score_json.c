/* score_json.c - `ken score` as JSON and as lines of rows; see score_print.h. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/score_print.h"
#include "cli/term.h"
#include <math.h>
#include <string.h>

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

#define PART(member) CLI_JSON_FIELD(ken_agreement_part, #member, member)

static json_t *part_json(const ken_agreement_part *p)
{
    cli_json_object x = {json_object(), false};
    CLI_JSON_PUT(&x, p, CLI_JSON_FIELD(ken_agreement_part, "examples", n), PART(same), PART(share_lo), PART(share_hi),
                 PART(kappa), PART(kappa_lo), PART(kappa_hi));
    return cli_json_finish(&x);
}

#define BOTH(name, member) CLI_JSON_FIELD(ken_agreement, name, member)

static json_t *agreement_json(const char *name, const ken_agreement *a)
{
    cli_json_object x = {json_object(), false};
    cli_json_put(&x, "run", cli_json_string(name));
    cli_json_put(&x, "transitions", cli_json_matrix(a->moved[0], KEN_UNLABELLED, ken_category_name));
    cli_json_put(&x, "all", part_json(&a->all));
    cli_json_put(&x, "known_unknown", part_json(&a->known));
    cli_json_put(&x, "highly_maybe", part_json(&a->greedy));
    CLI_JSON_PUT(&x, a, BOTH("predicted", predicted), BOTH("highly_known", hk), BOTH("highly_known_again", hk_again),
                 BOTH("highly_known_again_predicted", hk_again_predicted), BOTH("open", open),
                 BOTH("only_here", only_a), BOTH("only_there", only_b), BOTH("other_question", other_question),
                 BOTH("unlabelled", unlabelled));
    return cli_json_finish(&x);
}

#define LABELS(member) CLI_JSON_FIELD(ken_score_counts, #member, member)

static void put_labels(cli_json_object *x, const ken_score_counts *c)
{
    uint64_t now[KEN_N_CATEGORIES] = {0}, was[KEN_N_CATEGORIES] = {0};
    cli_json_object expected = {json_object(), false};
    for (int i = 0; i < KEN_N_CATEGORIES; i++)
        for (int j = 0; j < KEN_N_CATEGORIES; j++) {
            was[i] += c->moved[i][j];
            now[j] += c->moved[i][j];
        }
    for (int k = 0; k < KEN_N_CATEGORIES; k++) cli_json_put(x, ken_category_name(k), cli_json_count(now[k]));
    cli_json_put(x, "was", cli_json_by_name(was, KEN_N_CATEGORIES, ken_category_name));
    cli_json_put(x, "transitions", cli_json_matrix(c->moved[0], KEN_N_CATEGORIES, ken_category_name));
    cli_json_put(x, "certain", cli_json_by_name(c->sure, KEN_N_CATEGORIES, ken_category_name));
    cli_json_put(x, "possible", cli_json_by_name(c->may, KEN_N_CATEGORIES, ken_category_name));
    CLI_JSON_PUT(x, c, LABELS(changed), LABELS(may_change), LABELS(greedy_changed), LABELS(exact), LABELS(bounded),
                 LABELS(open), LABELS(kappa), LABELS(kappa_lo), LABELS(kappa_hi));
    for (int k = 0; k < KEN_UNLABELLED; k++)
        cli_json_put(&expected, ken_category_name(k), cli_json_real(c->expected[k]));
    cli_json_put(x, "expected", cli_json_finish(&expected));
    CLI_JSON_PUT(x, c, LABELS(expected_unknown), LABELS(sd_unknown));
}

int cli_print_score_json(const ken_run *r, const ken_scoring *s, const cli_curve *c, const char *const *names,
                         const ken_agreement *a, int n, ken_err *err)
{
    cli_json_object x = {json_object(), false};
    const ken_score_counts *counts = ken_scoring_counts(s);
    cli_json_put(&x, "examples", cli_json_count(counts->n));
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
    term_styled(TERM_CATEGORY + how->was, ken_category_name(how->was), 11);
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
