/* evaluation_json.c - an evaluation as JSON; see evaluation.h. */
#include "cli/cli.h"
#include "cli/evaluation.h"
#include "cli/json.h"
#include "cli/table.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *ratio(uint64_t k, uint64_t n) { return n > 0 ? json_real((double)k / (double)n) : json_null(); }

json_t *cli_json_measure(const ken_measure *m)
{
    cli_json_object x = {json_object(), false};
    if (m->n > 0) {
        double lo, hi;
        cli_wilson(m->hits, m->n, &lo, &hi);
        cli_json_put(&x, "examples", cli_json_count(m->n));
        cli_json_put(&x, "hits", cli_json_count(m->hits));
        cli_json_put(&x, "accuracy", ratio(m->hits, m->n));
        cli_json_put(&x, "accuracy_lo", cli_json_real(lo));
        cli_json_put(&x, "accuracy_hi", cli_json_real(hi));
        cli_json_put(&x, "hits_raw", cli_json_count(m->hits_raw));
        cli_json_put(&x, "abstained", cli_json_count(m->abstained));
        cli_json_put(&x, "answered", cli_json_count(m->answered));
        cli_json_put(&x, "accuracy_answered", ratio(m->hits, m->answered));
        if (!isnan(m->p)) cli_json_put(&x, "p_right", cli_json_real(m->p / (double)m->n));
        for (int i = 0; i < m->n_more; i++) {
            json_t *more = json_object_get(x.o, "matchers");
            if (more == NULL) cli_json_put(&x, "matchers", more = json_object());
            if (json_object_set_new(more, m->more[i].matcher, cli_json_count(m->more[i].hits)) != 0) x.failed = true;
        }
    }
    if (m->tokens > 0) {
        cli_json_put(&x, "tokens", cli_json_count(m->tokens));
        cli_json_put(&x, "nll", cli_json_real(cli_loss_per_token(m)));
        cli_json_put(&x, "perplexity", cli_json_real(exp(cli_loss_per_token(m))));
        if (m->bytes > 0) {
            cli_json_put(&x, "bytes", cli_json_count(m->bytes));
            cli_json_put(&x, "bits_per_byte", cli_json_real(cli_bits_per_byte(m)));
        }
    }
    return cli_json_finish(&x);
}

#define CHANGE(name, member) CLI_JSON_FIELD(ken_change, name, member)

static json_t *change_json(const ken_change *c)
{
    cli_json_object x = {json_object(), false};
    CLI_JSON_PUT(&x, c, CHANGE("examples", n), CHANGE("before", before), CHANGE("after", after), CHANGE("lost", lost),
                 CHANGE("gained", gained), CHANGE("p", p));
    return cli_json_finish(&x);
}

/* {"category":{"HighlyKnown":{...},...},"relation":{...},...} */
static json_t *groups_json(const cli_evaluation *v, const char *set)
{
    static const char *const groupings[] = {"category", "relation", "split", "popularity"};
    cli_json_object x = {json_object(), false};
    for (size_t g = 0; g < sizeof groupings / sizeof *groupings; g++) {
        size_t n;
        const ken_measure **m = cli_measure_groups(v->m, v->n, set, groupings[g], &n);
        cli_json_object of = {json_object(), m == NULL};
        for (size_t i = 0; m != NULL && i < n; i++) cli_json_put(&of, m[i]->key, cli_json_measure(m[i]));
        if (n > 0 || of.failed) cli_json_put(&x, groupings[g], cli_json_finish(&of));
        else json_decref(of.o);
        free(m);
    }
    return cli_json_finish(&x);
}

static json_t *changes_json(const cli_evaluation *v)
{
    cli_json_object x = {json_object(), false};
    for (size_t i = 0; i < v->n_changes; i++) {
        const ken_change *c = &v->c[i];
        if (strcmp(c->grouping, "all") == 0) {
            cli_json_put(&x, "all", change_json(c));
            continue;
        }
        json_t *of = json_object_get(x.o, c->grouping);
        if (of == NULL) cli_json_put(&x, c->grouping, of = json_object());
        if (json_object_set_new(of, c->key, change_json(c)) != 0) x.failed = true;
    }
    return cli_json_finish(&x);
}

static json_t *number(const char *s)
{
    if (s == NULL) return json_null();
    return strchr(s, '.') == NULL ? json_integer(strtoll(s, NULL, 10)) : cli_json_real(strtod(s, NULL));
}

json_t *cli_json_evaluation(const cli_evaluation *v)
{
    static const char *const texts[] = {"model",    "adapter_path",  "data",   "prompt",
                                        "template", "chat_template", "matcher"};
    static const char *const numbers[] = {"token_forwards", "seconds"};
    const ken_measure *all = cli_evaluation_all(v);
    cli_json_object x = {all != NULL ? cli_json_measure(all) : json_object(), false};
    if (x.o == NULL) return NULL;
    if (all != NULL) cli_json_put(&x, "groups", groups_json(v, all->set));
    cli_json_object of = {json_object(), false};
    for (size_t i = 0; i < v->n; i++)
        if (strncmp(v->m[i].set, "text:", 5) == 0) cli_json_put(&of, v->m[i].set + 5, cli_json_measure(&v->m[i]));
    if (json_object_size(of.o) > 0 || of.failed) cli_json_put(&x, "texts", cli_json_finish(&of));
    else json_decref(of.o);
    const char *commonest = cli_evaluation_setting(v, "commonest_answer");
    if (commonest != NULL) {
        cli_json_object c = {json_object(), false};
        const char *k = cli_evaluation_setting(v, "commonest_count");
        cli_json_put(&c, "answer", cli_json_string(commonest));
        cli_json_put(&c, "count", number(k));
        if (k != NULL && all != NULL) cli_json_put(&c, "share", ratio(strtoull(k, NULL, 10), all->n));
        cli_json_put(&x, "commonest", cli_json_finish(&c));
    }
    if (v->n_changes > 0) cli_json_put(&x, "changes", changes_json(v));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *s = cli_evaluation_setting(v, texts[i]);
        if (s != NULL) cli_json_put(&x, texts[i], cli_json_string(s));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cli_json_put(&x, numbers[i], number(cli_evaluation_setting(v, numbers[i])));
    return cli_json_finish(&x);
}

#define ROW(member) CLI_JSON_FIELD(ken_evaluated, #member, member)

json_t *cli_json_evaluated(const ken_evaluated *r, const ken_measure *of)
{
    cli_json_object x = {json_object(), false};
    CLI_JSON_PUT(&x, r, ROW(id), ROW(relation), ROW(split), ROW(question), ROW(answer));
    cli_json_put(&x, "category",
                 r->category < KEN_UNLABELLED ? json_string(ken_category_name(r->category)) : json_null());
    CLI_JSON_PUT(&x, r, ROW(text), ROW(finish), ROW(hit), ROW(hit_raw), ROW(abstained));
    if (r->too_long) cli_json_put(&x, "too_long", json_true());
    if (!isnan(r->popularity)) cli_json_put(&x, "popularity", cli_json_real(r->popularity));
    if (!isnan(r->p)) cli_json_put(&x, "p_right", cli_json_real(r->p));
    for (int i = 0; of != NULL && i < of->n_more; i++) {
        json_t *more = json_object_get(x.o, "matchers");
        if (more == NULL) cli_json_put(&x, "matchers", more = json_object());
        if (json_object_set_new(more, of->more[i].matcher, json_boolean(r->more >> i & 1)) != 0) x.failed = true;
    }
    return cli_json_finish(&x);
}
