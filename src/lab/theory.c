/* theory.c - the run as a whole; see ken_lab.h. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "lab/theory.h"
#include <math.h>

/* Any thread asks; one at a time, as callers expect. */
bool ken_lab_stopped(ken_lab_watch *w)
{
    if (w == NULL) return false;
    if (w->poll != NULL && !atomic_load(&w->stopped)) {
        pthread_mutex_lock(&w->one);
        if (w->poll(w->ctx) != 0) atomic_store(&w->stopped, true);
        pthread_mutex_unlock(&w->one);
    }
    return atomic_load(&w->stopped);
}

void ken_lab_done(ken_lab_watch *w)
{
    pthread_mutex_lock(&w->one);
    w->done++;
    if (w->progress != NULL) {
        const ken_progress p = {
            .done = w->done, .total = w->total, .seconds = omp_get_wtime() - w->began, .stage = "one-layer theory"};
        w->progress(w->ctx, &p);
    }
    pthread_mutex_unlock(&w->one);
}

void ken_lab_failed(ken_lab_watch *w, int *status, int rc, ken_err *err, const ken_err *mine)
{
    pthread_mutex_lock(&w->one);
    if (*status == KEN_OK || *status == KEN_ESTOP) {
        *status = rc;
        if (err != NULL) *err = *mine;
    }
    atomic_store(&w->stopped, true);
    pthread_mutex_unlock(&w->one);
}

/* The cell that is looked at more closely: alpha 1, 30000 steps, or the middle of the sweep where that is not in it. */
static size_t reference_cell(const ken_theory_options *o)
{
    for (int i = 0; i < o->n_alphas; i++)
        for (int j = 0; j < o->n_steps; j++)
            if (o->alphas[i] == 1.0 && o->steps[j] == 30000) return (size_t)i * (size_t)o->n_steps + (size_t)j;
    return (size_t)o->n_alphas / 2 * (size_t)o->n_steps + (size_t)o->n_steps / 2;
}

static int make_room(ken_theory *t, ken_err *err)
{
    const ken_theory_options *o = &t->o;
    t->n_cells = (size_t)o->n_alphas * (size_t)o->n_steps;
    t->n_pairs = o->joint ? (size_t)o->n_joint_lr_values * (size_t)o->n_joint_lr_attentions : 0;
    t->n_joints = o->joint ? t->n_pairs * (size_t)o->joint_epochs : 0;
    t->reference = reference_cell(o);
    t->seed_cell = ken_calloc(t->n_cells * (size_t)o->seeds, sizeof *t->seed_cell);
    t->cell = ken_calloc(t->n_cells, sizeof *t->cell);
    t->seed_joint = ken_calloc(t->n_pairs * (size_t)o->joint_seeds, sizeof *t->seed_joint);
    t->joint = ken_calloc(t->n_joints, sizeof *t->joint);
    if (t->seed_cell == NULL || t->cell == NULL || t->seed_joint == NULL || t->joint == NULL)
        return ken_fail_nomem(err, "cells");
    return KEN_OK;
}

int ken_theory_run(ken_theory **out, const ken_theory_options *o, ken_err *err)
{
    const double began = omp_get_wtime();
    *out = NULL;
    ken_theory *t = ken_calloc(1, sizeof *t);
    if (t == NULL) return ken_fail_nomem(err, "theory");
    int rc = ken_theory_take(t, o, err);
    if (rc == KEN_OK) rc = make_room(t, err);
    ken_lab_watch watch = {.one = PTHREAD_MUTEX_INITIALIZER,
                           .poll = t->o.poll,
                           .progress = t->o.progress,
                           .ctx = t->o.ctx,
                           .began = began,
                           .total = (uint64_t)t->o.n_alphas * (uint64_t)t->o.seeds +
                                    t->n_pairs * (uint64_t)t->o.joint_seeds};
    if (rc == KEN_OK) rc = ken_theory_sweep(t, &watch, err);
    if (rc == KEN_OK && t->o.joint) rc = ken_theory_train_joint(t, &watch, err);
    if (rc == KEN_ESTOP) ken_fail(err, KEN_ESTOP, "stopped on request");
    if (rc == KEN_OK) rc = ken_reference_check(&t->gradient, t->o.seed, err);
    if (rc == KEN_OK) rc = ken_theory_average(t, err);
    if (rc == KEN_OK) rc = ken_theory_judge(t, err);
    if (rc != KEN_OK) {
        ken_theory_free(t);
        return rc;
    }
    t->seconds = omp_get_wtime() - began;
    *out = t;
    return KEN_OK;
}

void ken_theory_free(ken_theory *t)
{
    if (t == NULL) return;
    ken_free(t->seed_cell);
    ken_free(t->cell);
    ken_free(t->seed_joint);
    ken_free(t->joint);
    ken_free(t->check);
    ken_arena_free(&t->arena);
    ken_free(t);
}

const ken_theory_cell *ken_theory_cells(const ken_theory *t, size_t *n)
{
    *n = t->n_cells;
    return t->cell;
}

const ken_theory_joint *ken_theory_joints(const ken_theory *t, size_t *n)
{
    *n = t->n_joints;
    return t->joint;
}

const ken_theory_check *ken_theory_checks(const ken_theory *t, size_t *n)
{
    *n = t->n_checks;
    return t->check;
}

const ken_theory_options *ken_theory_settings(const ken_theory *t) { return &t->o; }
double ken_theory_seconds(const ken_theory *t) { return t->seconds; }
