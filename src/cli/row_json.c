/* row_json.c - a row and the summary of a run as JSON: the keys and their order are those of docs/json.md. */
#include "cli/json.h"
#include "cli/cli.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *flags_json(uint32_t flags)
{
    json_t *a = json_array();
    for (int b = 0; ken_flag_name(b) != NULL; b++)
        if (flags & (1u << b)) json_array_append_new(a, json_string(ken_flag_name(b)));
    return a;
}

#define ROW(member) CLI_JSON_FIELD(ken_row, #member, member)

json_t *cli_json_row(const ken_row *r)
{
    cli_json_object x = {json_object(), false};
    bool labelled = r->category != KEN_UNLABELLED;
    CLI_JSON_PUT(&x, r, ROW(id), ROW(relation), ROW(split), ROW(question));
    cli_json_put(&x, "answers", cli_json_strings(r->answers, r->n_answers));
    if (r->n_aliases > 0) cli_json_put(&x, "aliases", cli_json_strings(r->aliases, r->n_aliases));
    cli_json_put(&x, "category", labelled ? json_string(ken_category_name(r->category)) : json_null());
    CLI_JSON_PUT(&x, r, ROW(p_t0), ROW(p_t), ROW(p_t_lo), ROW(p_t_hi), ROW(greedy_hits), ROW(prompts), ROW(sample_hits),
                 ROW(samples), ROW(p_unknown), ROW(p_flip), ROW(min_margin), ROW(abstain_hits));
    cli_json_put(&x, "flags", flags_json(r->flags));
    cli_json_put(&x, "method", cli_json_string(r->method));
    /* Only where there is one: the guess control and multiple choice. */
    if (!isnan(r->p_guess)) cli_json_put(&x, "p_guess", cli_json_real(r->p_guess));
    if (!isnan(r->lift)) cli_json_put(&x, "lift", cli_json_real(r->lift));
    if (!isnan(r->score)) cli_json_put(&x, "score", cli_json_real(r->score));
    return cli_json_finish(&x);
}

static void put_counts(cli_json_object *x, const ken_counts *c)
{
    cli_json_put(x, "examples", cli_json_count(c->n));
    for (int i = 0; i < KEN_N_CATEGORIES; i++) cli_json_put(x, ken_category_name(i), cli_json_count(c->category[i]));
}

#define COUNTS(member) CLI_JSON_FIELD(ken_counts, #member, member)

static void put_shares(cli_json_object *x, const ken_counts *c)
{
    CLI_JSON_PUT(x, c, COUNTS(expected_unknown), COUNTS(sd_unknown), COUNTS(mean_p_t0), COUNTS(mean_p_t),
                 COUNTS(majority_share), COUNTS(echo_share));
}

json_t *cli_json_counts(const ken_counts *c)
{
    cli_json_object x = {json_object(), false};
    put_counts(&x, c);
    put_shares(&x, c);
    return cli_json_finish(&x);
}

ken_counts cli_sum_counts(const ken_run *r, const char *relations)
{
    if (relations == NULL) return *ken_run_total(r);
    ken_counts sum = {.relation = ""};
    double var = 0;
    for (size_t i = 0; i < ken_run_n_relations(r); i++) {
        const ken_counts *c = ken_run_relation(r, i);
        if (!cli_in_list(relations, ',', c->relation)) continue;
        double n = (double)c->n;
        sum.n += c->n;
        for (int k = 0; k < KEN_N_CATEGORIES; k++) sum.category[k] += c->category[k];
        sum.expected_unknown += c->expected_unknown;
        var += c->sd_unknown * c->sd_unknown;
        sum.mean_p_t0 += n * c->mean_p_t0;
        sum.mean_p_t += n * c->mean_p_t;
        sum.majority_share += n * c->majority_share;
        sum.echo_share += n * c->echo_share;
    }
    double n = sum.n > 0 ? (double)sum.n : 1;
    sum.sd_unknown = sqrt(var);
    sum.mean_p_t0 /= n;
    sum.mean_p_t /= n;
    sum.majority_share /= n;
    sum.echo_share /= n;
    return sum;
}

/* A number that the run keeps as text. */
static json_t *setting_number(const ken_run *r, const char *key)
{
    const char *s = ken_run_setting(r, key);
    if (s == NULL) return json_null();
    char *end;
    errno = 0;
    if (strspn(s, "0123456789") == strlen(s)) {
        long long v = strtoll(s, &end, 10);
        return errno == 0 && *s != '\0' ? json_integer(v) : json_null();
    }
    double v = strtod(s, &end);
    return errno == 0 && *end == '\0' ? cli_json_real(v) : json_null();
}

json_t *cli_json_summary(const ken_run *r, const char *relations)
{
    cli_json_object x = {json_object(), false};
    ken_counts total = cli_sum_counts(r, relations);
    put_counts(&x, &total);
    json_t *by_relation = json_object();
    for (size_t i = 0; i < ken_run_n_relations(r); i++) {
        const ken_counts *c = ken_run_relation(r, i);
        if (relations != NULL && !cli_in_list(relations, ',', c->relation)) continue;
        json_object_set_new(by_relation, c->relation, cli_json_counts(c));
    }
    cli_json_put(&x, "relations", by_relation);
    put_shares(&x, &total);
    cli_json_put(&x, "complete", json_boolean(ken_run_complete(r)));
    cli_json_put(&x, "model", cli_json_string(ken_run_setting(r, "model")));
    cli_json_put(&x, "token_forwards", setting_number(r, "token_forwards"));
    cli_json_put(&x, "seconds", setting_number(r, "seconds"));
    json_t *notes = ken_run_note(r, 0) != NULL ? json_array() : NULL;
    for (size_t i = 0; ken_run_note(r, i) != NULL; i++)
        json_array_append_new(notes, cli_json_string(ken_run_note(r, i)));
    if (notes != NULL) cli_json_put(&x, "notes", notes);
    return cli_json_finish(&x);
}
