/* row_json.c - a row as JSON: the keys and their order are those of docs/json.md#rows. */
#include "cli/json.h"
#include "cli/cli.h"
#include <math.h>

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
