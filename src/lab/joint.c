/* joint.c - W_V and W_KQ trained together, in the format of pretraining: extraction improves first, then what is not trained on is forgotten. Each (pair of
 * learning rates, seed) is one task; the pretrained states of the seeds are made first. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "lab/theory.h"
#include <math.h>
#include <string.h>

typedef struct start { /* a seed's world, pretrained */
    ken_one_world w;
    ken_values v;
} start;

typedef struct task {
    const start *from;
    ken_values v;
    ken_scores k;
    float *scratch;     /* (row) */
    double *top, *half; /* (relations) Top's attention in the end; 1/2 */
} task;

static int make_start(start *x, const ken_theory_options *o, int seed, ken_lab_watch *watch, ken_err *err)
{
    ken_zipf z = {0};
    int rc = ken_one_world_make(&x->w, o->subjects, o->relations, o->answers, o->shared, o->seed + (uint64_t)seed, err);
    if (rc == KEN_OK) rc = ken_values_make(&x->v, &x->w, err);
    if (rc == KEN_OK && ken_zipf_make(&z, o->subjects, o->joint_alpha) != 0)
        rc = ken_fail_nomem(err, "Zipf's distribution");
    uint32_t *exposures = ken_calloc((size_t)o->subjects * (size_t)o->relations, sizeof *exposures);
    float *scratch = ken_calloc(rc == KEN_OK ? x->v.row : 1, sizeof *scratch);
    if (rc == KEN_OK && (exposures == NULL || scratch == NULL)) rc = ken_fail_nomem(err, "exposures");
    if (rc == KEN_OK)
        rc = ken_one_pretrain(&x->v, exposures, &x->w, &z, o->lr_pretrain, 0, o->joint_steps, scratch, watch);
    ken_zipf_free(&z);
    ken_free(exposures);
    ken_free(scratch);
    return rc;
}

static void free_start(start *x)
{
    ken_values_free(&x->v);
    ken_one_world_free(&x->w);
}

static int make_task(task *x, const start *from, ken_err *err)
{
    const size_t relations = (size_t)from->w.relations;
    *x = (task){.from = from};
    int rc = ken_values_make(&x->v, &from->w, err);
    if (rc == KEN_OK) rc = ken_scores_make(&x->k, &from->w, err);
    if (rc != KEN_OK) return rc;
    x->scratch = ken_calloc(x->v.row, sizeof *x->scratch);
    x->top = ken_alloc(relations, sizeof *x->top);
    x->half = ken_alloc(relations, sizeof *x->half);
    if (x->scratch == NULL || x->top == NULL || x->half == NULL) return ken_fail_nomem(err, "joint training");
    for (size_t r = 0; r < relations; r++) x->top[r] = x->half[r] = 0.5;
    return KEN_OK;
}

static void free_task(task *x)
{
    ken_values_free(&x->v);
    ken_scores_free(&x->k);
    ken_free(x->scratch);
    ken_free(x->top);
    ken_free(x->half);
}

/* Accuracy of the held-out facts with attention lambda (relations). */
static double accuracy(const ken_one_world *w, const ken_values *v, const double *lambda)
{
    uint32_t right = 0;
    for (int s = 1; s < w->subjects; s += 2)
        for (int r = 0; r < w->relations; r++)
            right += (uint32_t)ken_lab_right(ken_value_of(v, s), ken_value_of_relation(v, r), (float)lambda[r],
                                             ken_one_answer(w, s, r), w->k);
    const int held = w->subjects / 2;
    return right / ((double)held * w->relations);
}

static double attend(const task *x, double *lambda)
{
    const ken_one_world *w = &x->from->w;
    double sum = 0;
    for (int r = 0; r < w->relations; r++) sum += lambda[r] = ken_one_attention_unseen(w, &x->k, r);
    return sum / w->relations;
}

/* Names the draws of a pair by its learning rates. */
static uint32_t about(double lr_value, double lr_attention)
{
    uint64_t value, attention;
    memcpy(&value, &lr_value, sizeof value);
    memcpy(&attention, &lr_attention, sizeof attention);
    return (uint32_t)(ken_mix64(ken_mix64(value) + attention) >> 32);
}

/* Top comes first, since its attention is what Bottom is patched with. */
static int train_arms(task *x, const ken_theory_options *o, size_t pair, ken_seed_joint *out, ken_lab_watch *watch)
{
    static const int order[] = {KEN_ARM_TOP, KEN_ARM_WHOLE, KEN_ARM_BOTTOM};
    const ken_one_world *w = &x->from->w;
    const int64_t epoch = (int64_t)ken_arm_subjects(w, KEN_ARM_TOP) * w->relations;
    const double lr_value = o->joint_lr_values[pair / (size_t)o->n_joint_lr_attentions];
    const double lr = o->joint_lr_attentions[pair % (size_t)o->n_joint_lr_attentions];
    double *lambda = ken_alloc((size_t)w->relations, sizeof *lambda);
    int rc = lambda == NULL ? KEN_ENOMEM : KEN_OK;
    out->before = accuracy(w, &x->from->v, x->half);
    for (size_t i = 0; i < sizeof order / sizeof *order && rc == KEN_OK; i++) {
        const int arm = order[i];
        const ken_tuning_plan p = {.arm = arm, .lr = lr, .about = about(lr_value, lr)};
        ken_values_copy(&x->v, &x->from->v, w);
        ken_scores_clear(&x->k, w);
        for (int e = 0; e < o->joint_epochs && rc == KEN_OK; e++) {
            rc = ken_one_tune_joint(&x->k, &x->v, w, &p, lr_value, e * epoch, (e + 1) * epoch, x->scratch, watch);
            out->attention[arm * o->joint_epochs + e] = attend(x, lambda);
            out->accuracy[arm * o->joint_epochs + e] = accuracy(w, &x->v, lambda);
        }
        if (arm == KEN_ARM_TOP)
            memcpy(x->top, lambda == NULL ? x->half : lambda, (size_t)w->relations * sizeof *x->top);
    }
    if (rc == KEN_OK) { /* Bottom's values, others' attention */
        out->patched_before = accuracy(w, &x->v, x->half);
        out->patched_top = accuracy(w, &x->v, x->top);
    }
    ken_free(lambda);
    return rc;
}

static int train_pairs(ken_theory *t, const start *from, ken_lab_watch *watch, ken_err *err)
{
    const ken_theory_options *o = &t->o;
    const int n = (int)t->n_pairs * o->joint_seeds;
    int status = KEN_OK;
#pragma omp parallel for num_threads(ken_threads(o->threads)) schedule(dynamic, 1)
    for (int i = 0; i < n; i++) {
        ken_err mine = {0};
        task x = {0};
        const int seed = i % o->joint_seeds, pair = i / o->joint_seeds;
        int rc = ken_lab_stopped(watch) ? KEN_ESTOP : make_task(&x, &from[seed], &mine);
        if (rc == KEN_OK) rc = train_arms(&x, o, (size_t)pair, &t->seed_joint[i], watch);
        if (rc == KEN_ENOMEM && mine.status == KEN_OK) ken_fail_nomem(&mine, "attention");
        free_task(&x);
        if (rc == KEN_OK) ken_lab_done(watch);
        else ken_lab_failed(watch, &status, rc, err, &mine);
    }
    return status;
}

static int make_starts(ken_theory *t, start *from, ken_lab_watch *watch, ken_err *err)
{
    int status = KEN_OK;
#pragma omp parallel for num_threads(ken_threads(t->o.threads)) schedule(dynamic, 1)
    for (int i = 0; i < t->o.joint_seeds; i++) {
        ken_err mine = {0};
        const int rc = ken_lab_stopped(watch) ? KEN_ESTOP : make_start(&from[i], &t->o, i, watch, &mine);
        if (rc != KEN_OK) ken_lab_failed(watch, &status, rc, err, &mine);
    }
    return status;
}

int ken_theory_train_joint(ken_theory *t, ken_lab_watch *watch, ken_err *err)
{
    const ken_theory_options *o = &t->o;
    const size_t n = t->n_pairs * (size_t)o->joint_seeds, numbers = KEN_N_ARMS * (size_t)o->joint_epochs;
    for (size_t i = 0; i < n; i++) {
        t->seed_joint[i].accuracy = ken_arena_alloc(&t->arena, 2 * numbers, sizeof(double));
        if (t->seed_joint[i].accuracy == NULL) return ken_fail_nomem(err, "joint training");
        t->seed_joint[i].attention = t->seed_joint[i].accuracy + numbers;
        for (size_t j = 0; j < 2 * numbers; j++) t->seed_joint[i].accuracy[j] = NAN;
    }
    start *from = ken_calloc((size_t)o->joint_seeds, sizeof *from);
    if (from == NULL) return ken_fail_nomem(err, "joint training");
    int rc = make_starts(t, from, watch, err);
    if (rc == KEN_OK) rc = train_pairs(t, from, watch, err);
    for (int i = 0; i < o->joint_seeds; i++) free_start(&from[i]);
    ken_free(from);
    return rc;
}
