/* comparison_json.c - two runs compared, as JSON; see comparison.h. */
#include "cli/cli.h"
#include "cli/comparison.h"
#include "cli/json.h"
#include "cli/table.h"
#include <math.h>
#include <string.h>

static json_t *interval(double lo, double hi) { return json_pack("[o,o]", cli_json_real(lo), cli_json_real(hi)); }

/* From -> to -> rows. */
static json_t *transitions(const ken_diff_group *g)
{
    return cli_json_matrix(g->moved[0], KEN_N_CATEGORIES, ken_category_name);
}

static json_t *verdicts(const ken_diff_group *g)
{
    return cli_json_matrix(g->verdict[0], KEN_N_VERDICTS, ken_verdict_name);
}

static json_t *share_json(uint64_t k, uint64_t rest)
{
    double lo, hi;
    cli_wilson(k, k + rest, &lo, &hi);
    return json_pack("{s:o,s:o}", "share", cli_json_real(k + rest > 0 ? (double)k / (double)(k + rest) : NAN),
                     "interval", interval(lo, hi));
}

/* What multiple choice has besides: questions and prompts answered right, and what guessing has of both. */
static void put_choice(cli_json_object *x, const ken_diff_group *g)
{
    cli_json_put(x, "right_a", share_json(g->known_a, g->rest_a));
    cli_json_put(x, "right_b", share_json(g->known_b, g->rest_b));
    cli_json_put(x, "right_change",
                 json_pack("{s:o,s:o}", "change", cli_json_real(g->known_change), "interval",
                           interval(g->known_lo, g->known_hi)));
    cli_json_put(x, "p_t0_interval_a", interval(g->p_t0_a_lo, g->p_t0_a_hi));
    cli_json_put(x, "p_t0_interval_b", interval(g->p_t0_b_lo, g->p_t0_b_hi));
    cli_json_put(x, "p_t0_test_p", cli_json_real(g->p_t0_test));
    cli_json_put(x, "guessing",
                 json_pack("{s:o,s:o}", "p_t0", cli_json_real(g->guess_p_t0), "right", cli_json_real(g->guess_known)));
}

static json_t *mean(double a, double b, double change, double lo, double hi)
{
    return json_pack("{s:o,s:o,s:o,s:o}", "a", cli_json_real(a), "b", cli_json_real(b), "change", cli_json_real(change),
                     "interval", interval(lo, hi));
}

#define GROUP(name, member) CLI_JSON_FIELD(ken_diff_group, name, member)

/* Everything about a group but its name and what moved. */
static void put_group(cli_json_object *x, const ken_diff *d, const ken_diff_group *g)
{
    CLI_JSON_PUT(x, g, GROUP("examples", n), GROUP("known_a", known_a), GROUP("known_b", known_b));
    if (strcmp(g->grouping, "all") != 0) /* at the top these two are lists of ids */
        CLI_JSON_PUT(x, g, GROUP("lost", lost), GROUP("gained", gained));
    cli_json_put(x, "lost_share", cli_json_real(g->lost_share));
    cli_json_put(x, "lost_interval", interval(g->lost_lo, g->lost_hi));
    cli_json_put(x, "gained_share", cli_json_real(g->gained_share));
    cli_json_put(x, "gained_interval", interval(g->gained_lo, g->gained_hi));
    cli_json_put(x, "mcnemar_p", cli_json_real(g->mcnemar));
    cli_json_put(x, "p_t0", mean(g->p_t0_a, g->p_t0_b, g->p_t0_change, g->p_t0_lo, g->p_t0_hi));
    if (ken_diff_annotated(d) || g->choice)
        cli_json_put(x, "p_t", mean(g->p_t_a, g->p_t_b, g->p_t_change, g->p_t_lo, g->p_t_hi));
    cli_json_put(x, "t_test_p", cli_json_real(g->p_t_test));
    if (g->choice) put_choice(x, g);
}

/* Of one kind of rows. */
static json_t *groups(const ken_diff *d, bool choice)
{
    static const char *const grouping[] = {"relation", "popularity", "category", "near", "split"};
    size_t n;
    const ken_diff_group *g = ken_diff_groups(d, &n);
    cli_json_object all = {json_object(), false};
    for (size_t k = 0; k < sizeof grouping / sizeof *grouping; k++) {
        cli_json_object x = {json_object(), false};
        bool any = false;
        for (size_t i = 0; i < n; i++) {
            if (g[i].choice != choice || strcmp(g[i].grouping, grouping[k]) != 0) continue;
            cli_json_object one = {json_object(), false};
            put_group(&one, d, &g[i]);
            if (cli_comparison_categories(d, &g[i])) cli_json_put(&one, "transitions", transitions(&g[i]));
            else if (choice) cli_json_put(&one, "transitions", verdicts(&g[i]));
            cli_json_put(&x, g[i].key, cli_json_finish(&one));
            any = true;
        }
        json_t *made = cli_json_finish(&x);
        if (any) cli_json_put(&all, grouping[k], made);
        else json_decref(made);
    }
    return cli_json_finish(&all);
}

/* Rows of one kind. */
static json_t *ids(const ken_diff *d, const char *which, bool choice)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ken_diff_count(d) && list != NULL; i++)
        if (cli_comparison_has(d, ken_diff_get(d, i), which) && ken_diff_get(d, i)->choice == choice &&
            json_array_append_new(list, cli_json_string(ken_diff_get(d, i)->id)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* Multiple choice rows beside others: all about them in an object of its own. */
static json_t *choice_json(const ken_diff *d, const ken_diff_group *g)
{
    cli_json_object x = {json_object(), false};
    put_group(&x, d, g);
    cli_json_put(&x, "transitions", verdicts(g));
    cli_json_put(&x, "lost", ids(d, "lost", true));
    cli_json_put(&x, "gained", ids(d, "gained", true));
    cli_json_put(&x, "groups", groups(d, true));
    return cli_json_finish(&x);
}

static json_t *run_json(const cli_comparison *c, int i)
{
    static const char *const keys[] = {"model", "model_path", "model_hash", "adapter_path", "data"};
    cli_json_object x = {json_object(), false};
    cli_json_put(&x, "run", cli_json_string(c->path[i]));
    cli_json_put(&x, "kind", cli_json_string(ken_run_kind(c->run[i])));
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (ken_run_setting(c->run[i], keys[k]) != NULL)
            cli_json_put(&x, keys[k], cli_json_string(ken_run_setting(c->run[i], keys[k])));
    return cli_json_finish(&x);
}

json_t *cli_json_comparison(const cli_comparison *c)
{
    size_t only_a, only_b, other;
    const ken_diff_group *choice = ken_diff_part(c->d, true), *others = ken_diff_part(c->d, false);
    const ken_diff_group *g = others != NULL ? others : choice;
    cli_json_object x = {json_object(), false};
    json_t *cautions = json_array();
    ken_diff_unmatched(c->d, &only_a, &only_b, &other);
    for (size_t i = 0; ken_diff_caution(c->d, i) != NULL && cautions != NULL; i++)
        if (json_array_append_new(cautions, cli_json_string(ken_diff_caution(c->d, i))) != 0) x.failed = true;
    if (g != NULL) {
        put_group(&x, c->d, g);
        cli_json_put(&x, "transitions", cli_comparison_categories(c->d, g) ? transitions(g) : verdicts(g));
    }
    cli_json_put(&x, "lost", ids(c->d, "lost", g != NULL && g->choice));
    cli_json_put(&x, "gained", ids(c->d, "gained", g != NULL && g->choice));
    cli_json_put(&x, "groups", groups(c->d, g != NULL && g->choice));
    if (choice != NULL && others == NULL) cli_json_put(&x, "choice", json_true());
    if (choice != NULL && others != NULL) cli_json_put(&x, "multiple_choice", choice_json(c->d, choice));
    cli_json_put(&x, "a", run_json(c, 0));
    cli_json_put(&x, "b", run_json(c, 1));
    cli_json_put(&x, "only_a", cli_json_count(only_a));
    cli_json_put(&x, "only_b", cli_json_count(only_b));
    cli_json_put(&x, "other_question", cli_json_count(other));
    cli_json_put(&x, "cautions", cautions);
    return cli_json_finish(&x);
}

#define SIDE(member) CLI_JSON_FIELD(ken_diff_side, #member, member)

static json_t *side_json(const ken_diff *d, const ken_diff_row *r, const ken_diff_side *s)
{
    cli_json_object x = {json_object(), false};
    if (r->choice) {
        cli_json_put(&x, "right", isnan(s->p_t0) ? json_null() : json_boolean(s->known));
        cli_json_put(&x, "p_t", cli_json_real(s->p_t));
    } else if (ken_diff_annotated(d)) {
        cli_json_put(&x, "category",
                     s->category < KEN_UNLABELLED ? cli_json_string(ken_category_name(s->category)) : json_null());
        cli_json_put(&x, "p_t", cli_json_real(s->p_t));
        cli_json_put(&x, "p_unknown", cli_json_real(s->p_unknown));
    }
    CLI_JSON_PUT(&x, s, SIDE(p_t0), SIDE(greedy_hits), SIDE(prompts), SIDE(says), SIDE(says_prompts), SIDE(says_right));
    return cli_json_finish(&x);
}

#define ROW(member) CLI_JSON_FIELD(ken_diff_row, #member, member)

json_t *cli_json_compared(const ken_diff *d, const ken_diff_row *r)
{
    static const char *const move[] = {[KEN_MOVE_NONE] = "none",
                                       [KEN_MOVE_LOST] = "lost",
                                       [KEN_MOVE_GAINED] = "gained",
                                       [KEN_MOVE_UNLABELLED] = "unlabelled"};
    cli_json_object x = {json_object(), false};
    CLI_JSON_PUT(&x, r, ROW(id), ROW(relation), ROW(split), ROW(question), ROW(subject), ROW(answer), ROW(popularity));
    cli_json_put(&x, "quartile", r->quartile > 0 ? json_integer(r->quartile) : json_null());
    if (r->choice) cli_json_put(&x, "choice", json_true());
    cli_json_put(&x, "move", json_string(move[r->move]));
    cli_json_put(&x, "near", r->near != KEN_NEAR_UNKNOWN ? json_string(ken_near_name(r->near)) : json_null());
    cli_json_put(&x, "a", side_json(d, r, &r->a));
    cli_json_put(&x, "b", side_json(d, r, &r->b));
    return cli_json_finish(&x);
}
