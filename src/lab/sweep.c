/* sweep.c - the grid: each (Zipf exponent, seed) is one task for one thread, which pretrains once and fine-tunes all arms wherever the sweep stops
 * (pretraining for N steps is the beginning of every longer one: E5). */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "lab/theory.h"
#include <math.h>
#include <string.h>

typedef struct task { /* and what it works with */
    ken_theory *t;
    ken_lab_watch *watch;
    ken_one_world w;
    ken_zipf zipf;
    ken_values v;
    ken_scores k[KEN_N_ARMS];
    ken_held held;
    uint32_t *exposures; /* (subjects, relations) */
    float *scratch;      /* (row) */
    double *lambda;      /* (relations) */
    double *steps;       /* (subjects / 2) of full-batch updates */
} task;

static void free_task(task *x)
{
    ken_one_world_free(&x->w);
    ken_zipf_free(&x->zipf);
    ken_values_free(&x->v);
    for (int arm = 0; arm < KEN_N_ARMS; arm++) ken_scores_free(&x->k[arm]);
    ken_held_free(&x->held);
    ken_free(x->exposures);
    ken_free(x->scratch);
    ken_free(x->lambda);
    ken_free(x->steps);
}

static int make_task(task *x, ken_theory *t, int alpha, int seed, ken_err *err)
{
    const ken_theory_options *o = &t->o;
    const size_t facts = (size_t)o->subjects * (size_t)o->relations;
    int rc = ken_one_world_make(&x->w, o->subjects, o->relations, o->answers, o->shared, o->seed + (uint64_t)seed, err);
    if (rc == KEN_OK && ken_zipf_make(&x->zipf, o->subjects, o->alphas[alpha]) != 0)
        rc = ken_fail_nomem(err, "Zipf's distribution");
    if (rc == KEN_OK) rc = ken_values_make(&x->v, &x->w, err);
    for (int arm = 0; arm < KEN_N_ARMS && rc == KEN_OK; arm++) rc = ken_scores_make(&x->k[arm], &x->w, err);
    if (rc == KEN_OK) rc = ken_held_make(&x->held, &x->w, err);
    if (rc != KEN_OK) return rc;
    x->exposures = ken_calloc(facts, sizeof *x->exposures);
    x->scratch = ken_calloc(x->v.row, sizeof *x->scratch);
    x->lambda = ken_alloc((size_t)o->relations, sizeof *x->lambda);
    x->steps = ken_alloc((size_t)o->subjects / 2, sizeof *x->steps);
    if (x->exposures == NULL || x->scratch == NULL || x->lambda == NULL || x->steps == NULL)
        return ken_fail_nomem(err, "a cell");
    return KEN_OK;
}

/* ---- one arm ------------------------------------------------------------------------------------------------------------ */

static double shares(const task *x, const uint32_t right[4], double quartile[4])
{
    const double each = (double)x->w.subjects / 8 * x->w.relations;
    double sum = 0;
    for (int q = 0; q < 4; q++) {
        sum += right[q];
        if (quartile != NULL) quartile[q] = right[q] / each;
    }
    return sum / (4 * each);
}

/* Accuracy of held-out facts; *attention, quartile may be NULL. */
static double evaluate(task *x, const ken_scores *k, double *attention, double quartile[4])
{
    uint32_t right[4];
    double sum = 0;
    for (int r = 0; r < x->w.relations; r++) sum += x->lambda[r] = ken_one_attention_unseen(&x->w, k, r);
    ken_held_right(&x->held, x->lambda, right);
    if (attention != NULL) *attention = sum / x->w.relations;
    return shares(x, right, quartile);
}

static int64_t facts_of(const ken_one_world *w, int arm) { return (int64_t)ken_arm_subjects(w, arm) * w->relations; }

/* Names the draws of a cell by what it is, so that no number depends on what else is swept. */
static uint32_t about(double alpha, int64_t steps)
{
    uint64_t bits;
    memcpy(&bits, &alpha, sizeof bits);
    return (uint32_t)(ken_mix64(ken_mix64(bits) + (uint64_t)steps) >> 32);
}

/* The updates of an arm end with its last epoch; the matched Whole is Whole, stopped where a half is. Draws of all
 * cells differ. */
static int tune_arm(task *x, ken_seed_cell *c, int arm, size_t cell)
{
    const ken_theory_options *o = &x->t->o;
    const ken_tuning_plan p = {.arm = arm == KEN_ARM_WHOLE_MATCHED ? KEN_ARM_WHOLE : arm,
                               .lr = o->lr,
                               .about =
                                   about(o->alphas[cell / (size_t)o->n_steps], o->steps[cell % (size_t)o->n_steps])};
    const int64_t epoch = arm == KEN_ARM_WHOLE_MATCHED ? facts_of(&x->w, KEN_ARM_TOP) : facts_of(&x->w, arm);
    ken_scores *k = &x->k[arm];
    int rc = KEN_OK;
    ken_scores_clear(k, &x->w);
    for (int e = 0; e < o->epochs && rc == KEN_OK; e++) {
        rc = o->full_batch > 0 ? ken_one_tune_full(k, &x->v, &x->w, &p, epoch, o->full_batch, x->steps, x->watch)
                               : ken_one_tune(k, &x->v, &x->w, &p, e * epoch, (e + 1) * epoch, x->watch);
        c->curve[arm * o->epochs + e] = evaluate(x, k, NULL, NULL);
    }
    c->accuracy[arm] = evaluate(x, k, &c->attention[arm], c->quartile[arm]);
    return rc;
}

/* ---- C8: attention of another state ------------------------------------------------------------------------------------ */

/* The plain way: is what the network with these scores answers what the lookup says is right, for all held-out facts? Returns how often it is not. */
static uint32_t lookups_wrong(task *x, const ken_scores *k)
{
    uint32_t wrong = 0;
    for (int r = 0; r < x->w.relations; r++) {
        const double lambda = ken_one_attention_unseen(&x->w, k, r);
        for (int s = 1; s < x->w.subjects; s += 2) {
            const int at = r * x->held.subjects + s / 2;
            const bool above = lambda > x->held.lo[at] || (lambda == x->held.lo[at] && (x->held.closed[at] & 1));
            const bool below = lambda < x->held.hi[at] || (lambda == x->held.hi[at] && (x->held.closed[at] & 2));
            const int says = ken_held_direct(&x->w, &x->v, s, r, ken_one_attention(&x->w, k, s, r));
            wrong += (says == ken_one_answer(&x->w, s, r)) != (above && below);
        }
    }
    return wrong;
}

/* The network of values v with these scores, into answers (relations, held-out subjects). */
static void predict(const task *x, const ken_scores *k, int32_t *answers)
{
    for (int r = 0; r < x->w.relations; r++)
        for (int s = 1; s < x->w.subjects; s += 2)
            answers[r * x->held.subjects + s / 2] =
                ken_held_direct(&x->w, &x->v, s, r, ken_one_attention(&x->w, k, s, r));
}

static uint64_t hash_values(const task *x)
{
    return ken_hash64(x->v.mixed, (size_t)x->w.subjects * x->v.row * sizeof(float)) ^
           ken_hash64(x->v.relation, (size_t)x->w.relations * x->v.row * sizeof(float));
}

/* Bottom's network with its scores taken out and those of another state put in must predict what that state did: before fine-tuning (answers
 * `before`), and Top. */
static int patch(task *x, ken_seed_cell *c, const int32_t *before, int32_t *top, int32_t *patched, ken_err *err)
{
    const size_t n = (size_t)x->w.relations * (size_t)x->held.subjects;
    const size_t bytes = (size_t)x->w.subjects * (size_t)x->w.relations * sizeof(double);
    const size_t of_relations = (size_t)x->w.relations * sizeof(double);
    ken_scores bottom;
    int rc = ken_scores_make(&bottom, &x->w, err); /* zero, as they were before */
    if (rc != KEN_OK) return rc;
    predict(x, &bottom, patched);
    c->patched = (uint32_t)(2 * n);
    for (size_t i = 0; i < n; i++) c->patched_wrong += patched[i] != before[i];
    predict(x, &x->k[KEN_ARM_TOP], top);
    memcpy(bottom.subject, x->k[KEN_ARM_TOP].subject, bytes);
    memcpy(bottom.theta, x->k[KEN_ARM_TOP].theta, of_relations);
    memcpy(bottom.own, x->k[KEN_ARM_TOP].own, of_relations);
    predict(x, &bottom, patched);
    for (size_t i = 0; i < n; i++) c->patched_wrong += patched[i] != top[i];
    ken_scores_free(&bottom);
    return KEN_OK;
}

/* ---- one cell ------------------------------------------------------------------------------------------------------------ */

static void nothing_measured(ken_seed_cell *c, int epochs)
{
    for (int arm = 0; arm < KEN_N_ARMS; arm++) {
        c->accuracy[arm] = c->attention[arm] = NAN;
        for (int q = 0; q < 4; q++) c->quartile[arm][q] = NAN;
        for (int e = 0; e < epochs; e++) c->curve[arm * epochs + e] = NAN;
    }
    c->difference = NAN;
}

static int tune_all(task *x, ken_seed_cell *c, size_t cell)
{
    int rc = KEN_OK;
    for (int arm = 0; arm < KEN_N_ARMS && rc == KEN_OK; arm++)
        if (x->t->o.arms >> arm & 1) rc = tune_arm(x, c, arm, cell);
    return rc;
}

/* With what only the reference cell shows. */
static int tune_watched(task *x, ken_seed_cell *c, size_t cell, ken_err *err)
{
    const size_t n = (size_t)x->w.relations * (size_t)x->held.subjects;
    const unsigned both = 1U << KEN_ARM_BOTTOM | 1U << KEN_ARM_TOP;
    int32_t *answers = ken_alloc(3 * n, sizeof *answers);
    if (answers == NULL) return ken_fail_nomem(err, "predictions");
    const uint64_t values = hash_values(x);
    ken_scores_clear(&x->k[KEN_ARM_BOTTOM], &x->w);
    predict(x, &x->k[KEN_ARM_BOTTOM], answers);
    ken_measure_gain(c, &x->w, &x->v);
    c->difference = ken_measure_difference(&x->w, &x->v); /* NaN: out of memory */
    int rc = isnan(c->difference) ? ken_fail_nomem(err, "gradients") : tune_all(x, c, cell);
    if (rc == KEN_OK && (x->t->o.arms & both) == both) rc = patch(x, c, answers, answers + n, answers + 2 * n, err);
    for (int arm = 0; arm < KEN_N_ARMS && rc == KEN_OK; arm++)
        if (x->t->o.arms >> arm & 1) c->lookups += lookups_wrong(x, &x->k[arm]);
    c->frozen = hash_values(x) == values;
    ken_free(answers);
    return rc;
}

static int do_cell(task *x, ken_seed_cell *c, size_t cell, ken_err *err)
{
    uint32_t right[4], best;
    nothing_measured(c, x->t->o.epochs);
    if (ken_measure_salience(c, &x->w, &x->v, x->exposures) != 0) return ken_fail_nomem(err, "ranks");
    ken_measure_spill(c, &x->w, &x->v);
    ken_held_fill(&x->held, &x->w, &x->v);
    for (int r = 0; r < x->w.relations; r++) x->lambda[r] = 0.5;
    ken_held_right(&x->held, x->lambda, right);
    c->before = shares(x, right, c->before_quartile);
    c->best_attention = ken_held_best(&x->held, &best);
    c->best_accuracy = best / ((double)x->held.subjects * x->w.relations);
    return cell == x->t->reference ? tune_watched(x, c, cell, err) : tune_all(x, c, cell);
}

static int do_task(ken_theory *t, ken_lab_watch *watch, int alpha, int seed, ken_err *err)
{
    const ken_theory_options *o = &t->o;
    task x = {.t = t, .watch = watch};
    int64_t at = 0;
    int rc = make_task(&x, t, alpha, seed, err);
    for (int i = 0; i < o->n_steps && rc == KEN_OK; i++) {
        const size_t cell = (size_t)alpha * (size_t)o->n_steps + (size_t)i;
        rc = ken_one_pretrain(&x.v, x.exposures, &x.w, &x.zipf, o->lr_pretrain, at, o->steps[i], x.scratch, watch);
        at = o->steps[i];
        if (rc == KEN_OK) rc = do_cell(&x, &t->seed_cell[cell * (size_t)o->seeds + (size_t)seed], cell, err);
        if (rc == KEN_OK && ken_lab_stopped(watch)) rc = KEN_ESTOP;
    }
    free_task(&x);
    return rc;
}

int ken_theory_sweep(ken_theory *t, ken_lab_watch *watch, ken_err *err)
{
    const ken_theory_options *o = &t->o;
    const int n = o->n_alphas * o->seeds;
    int status = KEN_OK;
    for (size_t i = 0; i < t->n_cells * (size_t)o->seeds; i++) {
        t->seed_cell[i].curve = ken_arena_alloc(&t->arena, KEN_N_ARMS * (size_t)o->epochs, sizeof(double));
        if (t->seed_cell[i].curve == NULL) return ken_fail_nomem(err, "curves");
    }
#pragma omp parallel for num_threads(ken_threads(o->threads)) schedule(dynamic, 1)
    for (int i = 0; i < n; i++) {
        ken_err mine = {0};
        const int rc = ken_lab_stopped(watch) ? KEN_ESTOP : do_task(t, watch, i % o->n_alphas, i / o->n_alphas, &mine);
        if (rc == KEN_OK) ken_lab_done(watch);
        else ken_lab_failed(watch, &status, rc, err, &mine);
    }
    return status;
}
