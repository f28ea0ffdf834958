/* evaluation.c - the result of an evaluation: its settings, and the run that stores it. See evaluation.h.
 *
 * A run is written under a temporary name and renamed when it is whole: an evaluation is not resumed, so half of one is useless. */
#include "know/evaluation.h"
#include "base/alloc.h"
#include "store/tuning.h"
#include "store/whole.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- parts ---------------------------------------------------------------------------------------------------------- */

int ken_evaluation_add(ken_evaluation *e, const ken_measure *m, ken_err *err)
{
    if (ken_grow((void **)&e->measure, &e->cap_measures, e->n_measures + 1, sizeof *e->measure) != 0)
        return ken_fail_nomem(err, "measurements");
    e->measure[e->n_measures++] = *m;
    return KEN_OK;
}

static int by_key(const void *a, const void *b)
{
    const ken_measure *x = a, *y = b;
    int c = strcmp(x->set, y->set);
    if (c == 0) c = strcmp(x->grouping, y->grouping);
    return c != 0 ? c : strcmp(x->key, y->key);
}

void ken_evaluation_sort(ken_evaluation *e)
{
    if (e->n_measures > 1) qsort(e->measure, e->n_measures, sizeof *e->measure, by_key);
}

void ken_evaluation_free(ken_evaluation *e)
{
    if (e == NULL) return;
    ken_free(e->row);
    ken_free(e->measure);
    ken_free(e->change);
    ken_arena_free(&e->arena);
    ken_free(e);
}

const ken_measure *ken_evaluation_measures(const ken_evaluation *e, size_t *n)
{
    *n = e->n_measures;
    return e->measure;
}

const ken_evaluated *ken_evaluation_rows(const ken_evaluation *e, size_t *n)
{
    *n = e->n_rows;
    return e->row;
}

const char *ken_evaluation_setting(const ken_evaluation *e, const char *key)
{
    return ken_setting_get(&e->settings, key);
}

/* ---- the run -------------------------------------------------------------------------------------------------------- */

int ken_evaluation_probe(const char *path, ken_err *err)
{
    int rc = ken_store_probe(path, err);
    if (rc != KEN_OK || access(path, F_OK) != 0) return rc;
    ken_run *r;
    rc = ken_run_open(&r, path, err);
    if (rc == KEN_OK && strcmp(ken_run_kind(r), KEN_KIND_EVAL) != 0)
        rc = ken_fail(err, KEN_EINPUT, "%s: exists and is not an evaluation; name another file with -o", path);
    ken_run_free(r); /* NULL when it could not be opened */
    return rc;
}

static int fill(ken_store *s, void *ctx, ken_err *err)
{
    const ken_evaluation *e = ctx;
    const char *forwards = ken_evaluation_setting(e, "token_forwards"), *seconds = ken_evaluation_setting(e, "seconds");
    ken_point p = {.lr = NAN, .loss = NAN, .kl = NAN, .grad_norm = NAN, .last = true};
    if (seconds != NULL) p.seconds = strtod(seconds, NULL);
    int rc = ken_tuning_put_point(s, &p, err);
    for (size_t i = 0; i < e->n_measures && rc == KEN_OK; i++) rc = ken_tuning_put_measure(s, 0, &e->measure[i], err);
    for (size_t i = 0; i < e->n_rows && rc == KEN_OK; i++) rc = ken_tuning_put_evaluated(s, 0, i, &e->row[i], err);
    if (rc == KEN_OK && forwards != NULL && seconds != NULL)
        rc = ken_store_add_cost(s, strtoull(forwards, NULL, 10), strtod(seconds, NULL), err);
    return rc;
}

int ken_evaluation_save(const ken_evaluation *e, const char *path, ken_err *err)
{
    size_t n = 0;
    ken_setting *stored = ken_alloc(e->settings.n, sizeof *stored);
    int rc = stored == NULL ? ken_fail_nomem(err, "settings") : ken_evaluation_probe(path, err);
    for (size_t i = 0; i < e->settings.n && rc == KEN_OK; i++)
        if (!ken_setting_is_cost(e->settings.s[i].key)) stored[n++] = e->settings.s[i];
    if (rc == KEN_OK) rc = ken_store_write_whole(path, stored, n, fill, (void *)(uintptr_t)e, err);
    ken_free(stored);
    return rc;
}
