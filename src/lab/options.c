/* options.c - what a theory is asked to be: its defaults, and what is refused. */
#include "base/alloc.h"
#include "lab/theory.h"
#include "base/parallel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_LIST = 64,
    MAX_SEEDS = 10000,
    MAX_SUBJECTS = 1000000,
    MAX_RELATIONS = 1000,
    MAX_ANSWERS = 100000,
    MAX_EPOCHS = 10000
};
static const int64_t max_steps = 1000000000;

static const double default_alphas[] = {0.6, 1.0, 1.4}, default_values[] = {0.03, 0.1, 0.3},
                    default_attentions[] = {0.02, 0.1, 0.3};
static const int64_t default_steps[] = {15000, 30000, 60000, 120000, 300000};
#define N(x) ((int)(sizeof(x) / sizeof *(x)))

static const ken_theory_options defaults = {.size = sizeof defaults,
                                            .alphas = default_alphas,
                                            .n_alphas = N(default_alphas),
                                            .steps = default_steps,
                                            .n_steps = N(default_steps),
                                            .seeds = 5,
                                            .seed = 1,
                                            .subjects = 1000,
                                            .relations = 5,
                                            .answers = 20,
                                            .lr_pretrain = 0.5,
                                            .lr = 0.3,
                                            .epochs = 5,
                                            .joint = true,
                                            .joint_alpha = 1.0,
                                            .joint_steps = 60000,
                                            .joint_seeds = 5,
                                            .joint_epochs = 20,
                                            .joint_lr_values = default_values,
                                            .joint_lr_attentions = default_attentions,
                                            .n_joint_lr_values = N(default_values),
                                            .n_joint_lr_attentions = N(default_attentions)};

void ken_theory_defaults_fill(ken_theory_options *o, size_t size)
{
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

const char *ken_arm_name(int arm)
{
    static const char *const names[] = {"Bottom", "Whole", "Top", "Random50", "WholeMatched"};
    return arm >= 0 && arm < KEN_N_ARMS ? names[arm] : NULL;
}

const char *ken_cell_zone_name(int zone)
{
    static const char *const names[] = {"early", "border", "learning", "saturated", "unknown"};
    return zone >= 0 && zone <= KEN_CELL_UNKNOWN ? names[zone] : NULL;
}

bool ken_theory_published(const ken_theory_options *o)
{
    return o->subjects == defaults.subjects && o->relations == defaults.relations && o->answers == defaults.answers &&
           o->lr_pretrain == defaults.lr_pretrain && o->lr == defaults.lr && o->epochs == defaults.epochs &&
           o->full_batch == 0 && o->shared == 0;
}

bool ken_theory_in_grid(const ken_theory_cell *c)
{
    bool alpha = false, steps = false;
    for (int i = 0; i < defaults.n_alphas; i++) alpha |= default_alphas[i] == c->alpha;
    for (int i = 0; i < defaults.n_steps; i++) steps |= default_steps[i] == c->steps;
    return alpha && steps;
}

bool ken_theory_is_reference(const ken_theory_cell *c) { return c->alpha == 1.0 && c->steps == 30000; }

/* ---- checked ------------------------------------------------------------------------------------------------------------ */

static int check_whole(ken_err *err, const char *field, int64_t x, int64_t min, int64_t max)
{
    if (x >= min && x <= max) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "`%s` is %lld; it can be from %lld to %lld", field, (long long)x, (long long)min,
                    (long long)max);
}

static int check_real(ken_err *err, const char *field, double x, double min, double max)
{
    if (x >= min && x <= max) return KEN_OK; /* no NaN is */
    return ken_fail(err, KEN_EUSAGE, "`%s` is %g; it can be from %g to %g", field, x, min, max);
}

/* Each within bounds, and rising, so that none comes twice. */
static int check_list(ken_err *err, const char *field, const double *x, int n, double min, double max)
{
    if (x == NULL || n < 1 || n > MAX_LIST)
        return ken_fail(err, KEN_EUSAGE, "`%s` has %d values; it can have 1 to %d", field, x == NULL ? 0 : n, MAX_LIST);
    for (int i = 0; i < n; i++) {
        if (check_real(err, field, x[i], min, max) != KEN_OK) return KEN_EUSAGE;
        if (i > 0 && x[i] <= x[i - 1])
            return ken_fail(err, KEN_EUSAGE, "`%s`: %g comes after %g; give each value once, rising", field, x[i],
                            x[i - 1]);
    }
    return KEN_OK;
}

static int check_steps(ken_err *err, const ken_theory_options *o)
{
    if (o->steps == NULL || o->n_steps < 1 || o->n_steps > MAX_LIST)
        return ken_fail(err, KEN_EUSAGE, "`steps` has %d values; it can have 1 to %d",
                        o->steps == NULL ? 0 : o->n_steps, MAX_LIST);
    for (int i = 0; i < o->n_steps; i++) {
        if (check_whole(err, "steps", o->steps[i], 1, max_steps) != KEN_OK) return KEN_EUSAGE;
        if (i > 0 && o->steps[i] <= o->steps[i - 1])
            return ken_fail(err, KEN_EUSAGE, "`steps`: %lld comes after %lld; give each value once, rising",
                            (long long)o->steps[i], (long long)o->steps[i - 1]);
    }
    return KEN_OK;
}

static int check_world(ken_err *err, const ken_theory_options *o)
{
    int rc = check_whole(err, "subjects", o->subjects, 8, MAX_SUBJECTS);
    if (rc == KEN_OK) rc = check_whole(err, "relations", o->relations, 1, MAX_RELATIONS);
    if (rc == KEN_OK) rc = check_whole(err, "answers", o->answers, 2, MAX_ANSWERS);
    if (rc == KEN_OK) rc = check_real(err, "shared", o->shared, 0, 0.999);
    if (rc != KEN_OK) return rc;
    if (o->subjects % 8 != 0)
        return ken_fail(err, KEN_EUSAGE,
                        "`subjects` is %d; it must be a multiple of 8: half are held out, in four quarters of "
                        "popularity, and the others make two halves. Use %d",
                        o->subjects, (o->subjects + 7) / 8 * 8);
    if ((int64_t)o->relations * o->answers > 1000000)
        return ken_fail(err, KEN_EUSAGE,
                        "`relations` x `answers` is %lld; at most 1,000,000 answers in all are possible",
                        (long long)o->relations * o->answers);
    return KEN_OK;
}

static int check_training(ken_err *err, const ken_theory_options *o)
{
    int rc = check_real(err, "lr_pretrain", o->lr_pretrain, 1e-9, 100);
    if (rc == KEN_OK) rc = check_real(err, "lr", o->lr, 1e-9, 100);
    if (rc == KEN_OK) rc = check_whole(err, "epochs", o->epochs, 1, MAX_EPOCHS);
    if (rc == KEN_OK) rc = check_whole(err, "full_batch", o->full_batch, 0, 100000);
    if (rc == KEN_OK && o->arms >> KEN_N_ARMS != 0)
        rc = ken_fail(err, KEN_EUSAGE, "`arms` names arms that do not exist");
    return rc;
}

static int check_joint(ken_err *err, const ken_theory_options *o)
{
    if (!o->joint) return KEN_OK;
    int rc = check_real(err, "joint_alpha", o->joint_alpha, 0, 10);
    if (rc == KEN_OK) rc = check_whole(err, "joint_steps", o->joint_steps, 1, max_steps);
    if (rc == KEN_OK) rc = check_whole(err, "joint_seeds", o->joint_seeds, 1, MAX_SEEDS);
    if (rc == KEN_OK) rc = check_whole(err, "joint_epochs", o->joint_epochs, 1, MAX_EPOCHS);
    if (rc == KEN_OK) rc = check_list(err, "joint_lr_values", o->joint_lr_values, o->n_joint_lr_values, 0, 100);
    if (rc == KEN_OK)
        rc = check_list(err, "joint_lr_attentions", o->joint_lr_attentions, o->n_joint_lr_attentions, 0, 100);
    return rc;
}

/* Values, of a thread at work and of the pretrained states that joint training keeps, and what each seed measures. */
static int check_memory(ken_err *err, const ken_theory_options *o)
{
    const double row = 4.0 * (double)ken_lab_row(o->relations * o->answers);
    const double facts = (double)o->subjects * o->relations;
    const double values = (o->shared > 0 ? 2.0 : 1.0) * o->subjects * row + (o->relations + 1.0) * row;
    const double one = values + facts * (4 + 4 + 8 + 8 * 5 + 48);
    const double cells = (double)o->n_alphas * o->n_steps * o->seeds;
    const double pairs = o->joint ? (double)o->n_joint_lr_values * o->n_joint_lr_attentions * o->joint_seeds : 0;
    const double kept = cells * ((double)sizeof(ken_seed_cell) + 8.0 * KEN_N_ARMS * o->epochs) +
                        pairs * 16.0 * KEN_N_ARMS * o->joint_epochs + (o->joint ? values * o->joint_seeds : 0);
    const double need = one * ken_threads(o->threads) + kept, have = (double)ken_available_memory();
    if (need <= have * 0.9) return KEN_OK;
    return ken_fail(
        err, KEN_EUSAGE,
        "this laboratory needs %.1f GB of memory and %.1f GB are free: `subjects` x `relations` x `answers` "
        "values for each of %d threads, and %g cells; make one of them smaller, or `threads`",
        need / 1e9, have / 1e9, ken_threads(o->threads), cells);
}

/* ---- copied ------------------------------------------------------------------------------------------------------------- */

static const void *copy(ken_theory *t, const void *x, int n, size_t size)
{
    void *y = ken_arena_alloc(&t->arena, (size_t)n, size);
    if (y != NULL) memcpy(y, x, (size_t)n * size);
    return y;
}

int ken_theory_take(ken_theory *t, const ken_theory_options *from, ken_err *err)
{
    t->o = defaults;
    ken_theory_options *o = &t->o;
    int rc = KEN_TAKE_OPTIONS(o, from, ken_theory_options, err);
    if (rc == KEN_OK) rc = check_list(err, "alphas", o->alphas, o->n_alphas, 0, 10);
    if (rc == KEN_OK) rc = check_steps(err, o);
    if (rc == KEN_OK) rc = check_whole(err, "seeds", o->seeds, 1, MAX_SEEDS);
    if (rc == KEN_OK) rc = check_whole(err, "threads", o->threads, 0, 4096);
    if (rc == KEN_OK) rc = check_world(err, o);
    if (rc == KEN_OK) rc = check_training(err, o);
    if (rc == KEN_OK) rc = check_joint(err, o);
    if (rc != KEN_OK) return rc;
    if (o->arms == 0) o->arms = (1U << KEN_N_ARMS) - 1;
    if (o->joint_seeds > o->seeds) o->joint_seeds = o->seeds;
    if (!o->joint) o->joint_seeds = 0;
    rc = check_memory(err, o);
    if (rc != KEN_OK) return rc;
    o->alphas = copy(t, o->alphas, o->n_alphas, sizeof *o->alphas);
    o->steps = copy(t, o->steps, o->n_steps, sizeof *o->steps);
    if (o->joint) {
        o->joint_lr_values = copy(t, o->joint_lr_values, o->n_joint_lr_values, sizeof(double));
        o->joint_lr_attentions = copy(t, o->joint_lr_attentions, o->n_joint_lr_attentions, sizeof(double));
    }
    if (o->alphas == NULL || o->steps == NULL ||
        (o->joint && (o->joint_lr_values == NULL || o->joint_lr_attentions == NULL)))
        return ken_fail_nomem(err, "settings");
    return KEN_OK;
}
