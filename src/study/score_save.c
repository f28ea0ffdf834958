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

enum { OURS = 10, NUMBER = 32 };

typedef struct listed {
    ken_setting *all; /* (n) */
    size_t n;
    char number[OURS][NUMBER];
    int numbers;
} listed;

static void put(listed *l, const char *key, const char *value)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->all[i].key, key) == 0) {
            l->all[i].value = value;
            return;
        }
    l->all[l->n++] = (ken_setting){key, value, true};
}

static void put_number(listed *l, const char *key, uint64_t value)
{
    snprintf(l->number[l->numbers], NUMBER, "%llu", (unsigned long long)value);
    put(l, key, l->number[l->numbers++]);
}

/* The run's settings with ours in place. All are binding, so that no annotation goes on with such a run. */
static int list_settings(const ken_scoring *s, listed *l, ken_err *err)
{
    const ken_run *run = s->run;
    *l = (listed){.all = ken_alloc(run->n_settings + OURS, sizeof *l->all)};
    if (l->all == NULL) return ken_fail_nomem(err, "settings");
    for (size_t i = 0; i < run->n_settings; i++)
        if (!ken_setting_is_cost(run->settings[i].key)) put(l, run->settings[i].key, run->settings[i].value);
    put(l, "matcher", s->r.to.matcher.name);
    if (s->aliases != NULL) put(l, "aliases_hash", ken_aliases_hash(s->aliases));
    if (s->r.mode) put(l, "scored_label", "mode");
    if (s->o.threshold != NULL) put(l, "scored_threshold", s->o.threshold);
    put(l, SCORED_FROM, ken_file_name(run->path));
    put_number(l, "scored_open", s->counts.open);
    put_number(l, KEN_SCORED_BOUNDED_ROWS, s->counts.bounded + s->counts.open);
    put_number(l, KEN_SETTING_ROWS, ken_run_count(run));
    if (s->o.other_seed) put_number(l, "seed", s->o.seed);
    if (s->prompts == 0) return KEN_OK; /* no row has a label */
    put_number(l, "prompts", (uint64_t)s->prompts);
    put_number(l, "samples", (uint64_t)s->samples);
    return KEN_OK;
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
        rc = ken_fail(err, KEN_EINPUT, "%s: is there and was not made by ken score; name another file with -o", path);
    ken_run_free(there); /* NULL when it could not be opened */
    return rc;
}

int ken_scoring_save(ken_scoring *s, const char *path, ken_err *err)
{
    ken_err own = {0};
    listed l = {0};
    if (err == NULL) err = &own;
    int rc = probe(path, err);
    if (rc == KEN_OK) rc = list_settings(s, &l, err);
    if (rc == KEN_OK) rc = ken_store_write_whole(path, l.all, l.n, fill, s, err);
    ken_free(l.all);
    return rc;
}
