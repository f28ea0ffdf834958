/* row_json.c - a row and the summary of a run as JSON: the keys and their order are those of interfaces.md section 4. */
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

json_t *cli_json_row(const ken_row *r)
{
    cli_json_object x = {json_object(), false};
    bool labelled = r->category != KEN_UNLABELLED;
    cli_json_put(&x, "id", cli_json_string(r->id));
    cli_json_put(&x, "relation", cli_json_string(r->relation));
    cli_json_put(&x, "split", cli_json_string(r->split));
    cli_json_put(&x, "question", cli_json_string(r->question));
    cli_json_put(&x, "answers", cli_json_strings(r->answers, r->n_answers));
    if (r->n_aliases > 0) cli_json_put(&x, "aliases", cli_json_strings(r->aliases, r->n_aliases));
    cli_json_put(&x, "category", labelled ? json_string(ken_category_name(r->category)) : json_null());
    cli_json_put(&x, "p_t0", cli_json_real(r->p_t0));
    cli_json_put(&x, "p_t", cli_json_real(r->p_t));
    cli_json_put(&x, "p_t_lo", cli_json_real(r->p_t_lo));
    cli_json_put(&x, "p_t_hi", cli_json_real(r->p_t_hi));
    cli_json_put(&x, "greedy_hits", json_integer(r->greedy_hits));
    cli_json_put(&x, "prompts", json_integer(r->prompts));
    cli_json_put(&x, "sample_hits", json_integer(r->sample_hits));
    cli_json_put(&x, "samples", json_integer(r->samples));
    cli_json_put(&x, "p_unknown", cli_json_real(r->p_unknown));
    cli_json_put(&x, "p_flip", cli_json_real(r->p_flip));
    cli_json_put(&x, "min_margin", cli_json_real(r->min_margin));
    cli_json_put(&x, "abstain_hits", json_integer(r->abstain_hits));
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
    for (int i = 0; i < KEN_N_CATEGORIES; i++)
        cli_json_put(x, ken_category_name(i), json_integer((json_int_t)c->category[i]));
}

json_t *cli_json_counts(const ken_counts *c)
{
    cli_json_object x = {json_object(), false};
    cli_json_put(&x, "examples", json_integer((json_int_t)c->n));
    put_counts(&x, c);
    cli_json_put(&x, "expected_unknown", cli_json_real(c->expected_unknown));
    cli_json_put(&x, "sd_unknown", cli_json_real(c->sd_unknown));
    cli_json_put(&x, "mean_p_t0", cli_json_real(c->mean_p_t0));
    cli_json_put(&x, "mean_p_t", cli_json_real(c->mean_p_t));
    cli_json_put(&x, "majority_share", cli_json_real(c->majority_share));
    cli_json_put(&x, "echo_share", cli_json_real(c->echo_share));
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
    cli_json_put(&x, "examples", json_integer((json_int_t)total.n));
    put_counts(&x, &total);
    json_t *by_relation = json_object();
    for (size_t i = 0; i < ken_run_n_relations(r); i++) {
        const ken_counts *c = ken_run_relation(r, i);
        if (relations != NULL && !cli_in_list(relations, ',', c->relation)) continue;
        json_object_set_new(by_relation, c->relation, cli_json_counts(c));
    }
    cli_json_put(&x, "relations", by_relation);
    cli_json_put(&x, "expected_unknown", cli_json_real(total.expected_unknown));
    cli_json_put(&x, "sd_unknown", cli_json_real(total.sd_unknown));
    cli_json_put(&x, "mean_p_t0", cli_json_real(total.mean_p_t0));
    cli_json_put(&x, "mean_p_t", cli_json_real(total.mean_p_t));
    cli_json_put(&x, "majority_share", cli_json_real(total.majority_share));
    cli_json_put(&x, "echo_share", cli_json_real(total.echo_share));
    cli_json_put(&x, "complete", json_boolean(ken_run_complete(r)));
    const char *name = ken_run_setting(r, "model");
    cli_json_put(&x, "model", cli_json_string(name));
    cli_json_put(&x, "token_forwards", setting_number(r, "token_forwards"));
    cli_json_put(&x, "seconds", setting_number(r, "seconds"));
    json_t *notes = ken_run_note(r, 0) != NULL ? json_array() : NULL;
    for (size_t i = 0; ken_run_note(r, i) != NULL; i++)
        json_array_append_new(notes, cli_json_string(ken_run_note(r, i)));
    if (notes != NULL) cli_json_put(&x, "notes", notes);
    return cli_json_finish(&x);
}
