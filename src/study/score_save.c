/* score_save.c - the labels of a scoring as a run of their own (ken_scoring_save). The prompts' texts go with it, so that `ken explain`
 * still finds them; the ids of the exemplars stay in the run that it was scored from. */
#include "base/alloc.h"
#include "base/file.h"
#include "store/run.h"
#include "store/whole.h"
#include "study/scoring.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCORED_FROM "scored_from"

/* Ours, and the run's in so far as we have none in their place. All are binding, so that no annotation resumes such a run. */
static int list_settings(const ken_scoring *s, ken_setting_list *l, ken_err *err)
{
    const ken_run *run = s->run;
    ken_setting_text(l, "matcher", true, s->r.to.matcher.name);
    ken_setting_text(l, "aliases_hash", true, s->aliases != NULL ? ken_aliases_hash(s->aliases) : NULL);
    ken_setting_text(l, "scored_label", true, s->r.mode ? "mode" : NULL);
    if (s->r.by_rules) {
        ken_buf rules = {0};
        ken_label_rules_text(&rules, &s->r.rules);
        ken_setting_text(l, "scored_threshold", true, ken_buf_str(&rules));
        l->failed |= rules.failed;
        ken_buf_free(&rules);
    }
    ken_setting_text(l, SCORED_FROM, true, ken_file_name(run->path));
    ken_setting_put(l, "scored_open", true, "%llu", (unsigned long long)s->counts.open);
    ken_setting_put(l, KEN_SCORED_BOUNDED_ROWS, true, "%llu", (unsigned long long)s->counts.bounded + s->counts.open);
    ken_setting_put(l, KEN_SETTING_ROWS, true, "%zu", ken_run_count(run));
    if (s->o.other_seed) ken_setting_put(l, "seed", true, "%llu", (unsigned long long)s->o.seed);
    if (s->prompts > 0) { /* else no row has a label */
        ken_setting_put(l, "prompts", true, "%d", s->prompts);
        ken_setting_put(l, "samples", true, "%d", s->samples);
    }
    for (size_t i = 0; i < run->settings.n; i++) {
        const ken_setting *x = &run->settings.s[i];
        if (!ken_setting_is_cost(x->key) && ken_setting_get(l, x->key) == NULL)
            ken_setting_text(l, x->key, true, x->value);
    }
    return l->failed ? ken_fail_nomem(err, "settings") : KEN_OK;
}

static int copy_exemplars(ken_scoring *s, ken_store *to, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_run_n_relations(s->run) && rc == KEN_OK; i++)
        for (int set = 0; set < s->prompts && rc == KEN_OK; set++) {
            char *text;
            ken_err none = {0};
            const char *relation = ken_run_relation(s->run, i)->relation;
            rc = ken_run_exemplars(s->run, relation, set, &text, &none);
            if (rc == KEN_EINPUT) { /* a relation without */
                rc = KEN_OK;
                break;
            }
            if (rc != KEN_OK) return ken_fail(err, rc, "%s", none.msg);
            rc = ken_store_put_exemplars(to, relation, set, NULL, 0, text, err);
            ken_free(text);
        }
    return rc;
}

static int fill(ken_store *to, void *ctx, ken_err *err)
{
    ken_scoring *s = ctx;
    const char *forwards = ken_run_setting(s->run, "token_forwards"), *seconds = ken_run_setting(s->run, "seconds");
    int rc = copy_exemplars(s, to, err);
    for (size_t i = 0; i < ken_run_count(s->run) && rc == KEN_OK; i++) {
        const ken_row *row = ken_scoring_row(s, i, NULL, err);
        if (row == NULL) return err->status;
        rc = ken_store_put_row(to, (uint64_t)s->run->places[i], row, err);
    }
    if (rc == KEN_OK && forwards != NULL && seconds != NULL)
        rc = ken_store_add_cost(to, strtoull(forwards, NULL, 10), strtod(seconds, NULL), err);
    return rc;
}

/* May what is at path be replaced? */
static int probe(const char *path, ken_err *err)
{
    int rc = ken_store_probe(path, err);
    if (rc != KEN_OK || access(path, F_OK) != 0) return rc;
    ken_run *there;
    rc = ken_run_open(&there, path, err);
    if (rc == KEN_OK && ken_run_setting(there, SCORED_FROM) == NULL)
        rc = ken_fail(err, KEN_EINPUT, "%s: exists and was not made by `ken_score`; name another file", path);
    ken_run_free(there); /* NULL when it could not be opened */
    return rc;
}

int ken_scoring_save(ken_scoring *s, const char *path, ken_err *err)
{
    ken_err own = {0};
    ken_arena arena = {0};
    ken_setting_list l = {.arena = &arena};
    if (err == NULL) err = &own;
    int rc = probe(path, err);
    if (rc == KEN_OK) rc = list_settings(s, &l, err);
    if (rc == KEN_OK) rc = ken_store_write_whole(path, l.s, l.n, fill, s, err);
    ken_arena_free(&arena);
    return rc;
}
