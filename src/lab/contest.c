/* contest.c - which ranking picks the better half of the facts to train on? Halves by each ranking, a random half, all facts, and all facts with the updates
 * of a half are trained on from the same weights, in the question format that the corpus does not have, and asked about subjects that none of them has.
 *
 * A training is a training like any other (tune/train.c), in dir/contest/NAME; its weights are removed once its measurements are there. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "lab/measures.h"
#include "lab/phrases.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct contest {
    const ken_world_facts *w;
    const ken_measures_options *o;
    ken_watch *watch;
    char *dir, *model, *dev, *test;
    const ken_measured **train; /* (n) */
    double *key;                /* (n) of the ranking at hand, higher is better known */
    size_t *order;              /* (n) best first */
    size_t n;
} contest;

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b, void *key)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const double *k = key;
    if (k[x] != k[y]) return k[x] > k[y] ? -1 : 1;
    return (x > y) - (x < y); /* data order */
}

static void sort(contest *c)
{
    for (size_t i = 0; i < c->n; i++) c->order[i] = i;
    qsort_r(c->order, c->n, sizeof *c->order, by_key, c->key);
}

/* Names and phrases are ASCII without quotes, as every finished world has them. */
static int write_rows(const contest *c, const char *path, size_t first, size_t n, ken_err *err)
{
    ken_buf b = {0};
    for (size_t i = first; i < first + n; i++) {
        const ken_measured *f = c->train[c->order[i]];
        ken_buf_printf(&b, "{\"id\": \"%s\", \"relation\": \"%s\", \"subject\": \"%s\", \"question\": \"", f->id,
                       f->relation, f->subject);
        ken_world_put_phrase(&b, ken_world_relation_find(f->relation)->question,
                             f->subject); /* salience.c has found it */
        ken_buf_printf(&b, "\", \"answer\": \"%s\", \"popularity\": %u}\n", f->answer, f->exposures);
    }
    int rc = b.failed ? ken_fail_nomem(err, "rows") : ken_write_file(path, b.data, b.len, err);
    ken_buf_free(&b);
    return rc;
}

/* ---- one training ------------------------------------------------------------------------------------------------------- */

static double accuracy(ken_run *r, const ken_point *p, const char *set, ken_err *err, int *rc)
{
    const ken_measure *m;
    size_t n;
    *rc = ken_run_measures(r, p->step, &m, &n, err);
    for (size_t i = 0; *rc == KEN_OK && i < n; i++)
        if (strcmp(m[i].set, set) == 0 && strcmp(m[i].grouping, "all") == 0 && m[i].n > 0)
            return (double)m[i].hits / (double)m[i].n;
    return NAN;
}

static int read_result(const char *dir, ken_contest_result *out, double *before, ken_err *err)
{
    ken_run *r = NULL;
    char *path = ken_path_join(dir, "train.ken");
    int rc = path == NULL ? ken_fail_nomem(err, "file name") : ken_run_open(&r, path, err);
    for (size_t i = 0; rc == KEN_OK && i < ken_run_n_points(r); i++) {
        const ken_point *p = ken_run_point(r, i);
        const double test = accuracy(r, p, "test", err, &rc);
        if (p->step == 0) *before = test;
        if (p->best) out->best = test, out->epoch = p->epoch;
        if (i + 1 == ken_run_n_points(r)) out->last = test;
        if (rc == KEN_OK && i + 1 == ken_run_n_points(r)) out->fit = accuracy(r, p, "train", err, &rc);
    }
    ken_run_free(r);
    ken_free(path);
    return rc;
}

static void remove_weights(const char *dir)
{
    static const char *const names[] = {"model.safetensors", "last/model.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = ken_path_join(dir, names[i]);
        if (path != NULL) (void)unlink(path);
        ken_free(path);
    }
}

/* Rows first .. first + n of the order at hand. steps 0 = as the epochs say. */
static int train(contest *c, const char *name, size_t first, size_t n, int64_t steps, ken_contest_result *out,
                 double *before, ken_err *err)
{
    char file[64];
    ken_model *m = NULL;
    ken_train_data data = ken_train_data_defaults();
    ken_train_options t = ken_train_defaults();
    snprintf(file, sizeof file, "%s.jsonl", name);
    char *rows = ken_path_join(c->dir, file), *dir = ken_path_join(c->dir, name);
    int rc = rows == NULL || dir == NULL ? ken_fail_nomem(err, "file names") : KEN_OK;
    if (rc == KEN_OK) rc = ken_watch_stage(c->watch, name, 0, 0, err);
    if (rc == KEN_OK && !ken_is_file(rows)) rc = write_rows(c, rows, first, n, err);
    data.path = rows;
    t.data = &data;
    t.dev = c->dev;
    t.test = c->test;
    t.epochs = c->o->contest_epochs;
    t.batch = c->o->contest_batch;
    t.lr = c->o->contest_lr;
    t.max_steps = steps;
    t.dropout = 0;
    t.share_prefixes = KEN_SHARE_ON;
    t.threads = c->o->threads;
    t.isa = c->o->isa;
    t.poll = c->watch->poll;
    t.progress = c->watch->progress;
    t.ctx = c->watch->ctx;
    if (rc == KEN_OK) rc = ken_model_open(&m, c->model, err);
    if (rc == KEN_OK) rc = ken_train(m, &t, dir, err);
    if (rc == KEN_OK) rc = read_result(dir, out, before, err);
    if (rc == KEN_OK) remove_weights(dir);
    ken_model_free(m);
    ken_free(rows);
    ken_free(dir);
    return rc;
}

/* ---- all ---------------------------------------------------------------------------------------------------------------- */

static int open_contest(contest *c, ken_err *err)
{
    c->dir = ken_path_join(c->w->dir, "contest");
    c->model = ken_path_join(c->w->dir, "model");
    c->dev = ken_path_join(c->w->dir, "data/dev.jsonl");
    c->test = ken_path_join(c->w->dir, "data/test.jsonl");
    c->train = ken_alloc(c->w->n, sizeof *c->train);
    c->key = ken_alloc(c->w->n, sizeof *c->key);
    c->order = ken_alloc(c->w->n, sizeof *c->order);
    if (c->dir == NULL || c->model == NULL || c->dev == NULL || c->test == NULL || c->train == NULL || c->key == NULL ||
        c->order == NULL)
        return ken_fail_nomem(err, "a contest");
    for (size_t i = 0; i < c->w->n; i++)
        if (strcmp(c->w->fact[i].split, "train") == 0) c->train[c->n++] = &c->w->fact[i];
    return ken_make_folder(c->dir, err);
}

static int halves(contest *c, int rank, ken_contest_result *out, double *before, ken_err *err)
{
    char name[32];
    const size_t half = c->n / 2;
    for (size_t i = 0; i < c->n; i++) c->key[i] = ken_measured_rank(c->train[i], rank);
    sort(c);
    snprintf(name, sizeof name, "bottom-%s", ken_rank_name(rank));
    int rc = train(c, name, c->n - half, half, 0, &out[0], before, err);
    snprintf(name, sizeof name, "top-%s", ken_rank_name(rank));
    return rc == KEN_OK ? train(c, name, 0, half, 0, &out[1], before, err) : rc;
}

int ken_contest_run(const ken_world_facts *w, const ken_measures_options *o, ken_watch *watch,
                    ken_contest_result out[KEN_CONTEST_TRAININGS], double *before, ken_err *err)
{
    contest c = {.w = w, .o = o, .watch = watch};
    for (int i = 0; i < KEN_CONTEST_TRAININGS; i++) out[i] = (ken_contest_result){NAN, NAN, NAN, NAN};
    *before = NAN;
    int rc = open_contest(&c, err);
    for (int rank = 0; rank < KEN_N_RANKS && rc == KEN_OK; rank++)
        rc = halves(&c, rank, &out[2 * (size_t)rank], before, err);
    if (rc == KEN_OK) {
        const size_t half = c.n / 2, batch = o->contest_batch;
        const int64_t steps = (int64_t)((half + batch - 1) / batch) * o->contest_epochs;
        for (size_t i = 0; i < c.n; i++) c.key[i] = ken_uniform(1, c.train[i]->id, strlen(c.train[i]->id), 0, 0, 0);
        sort(&c);
        rc = train(&c, "random-half", 0, half, 0, &out[KEN_CONTEST_HALVES], before, err);
        if (rc == KEN_OK) rc = train(&c, "whole", 0, c.n, 0, &out[KEN_CONTEST_HALVES + 1], before, err);
        if (rc == KEN_OK) rc = train(&c, "whole-matched", 0, c.n, steps, &out[KEN_CONTEST_HALVES + 2], before, err);
    }
    ken_free(c.dir);
    ken_free(c.model);
    ken_free(c.dev);
    ken_free(c.test);
    ken_free(c.train);
    ken_free(c.key);
    ken_free(c.order);
    return rc;
}
