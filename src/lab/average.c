/* average.c - means over seeds of what each measured: levels, and differences of two arms within a seed. */
#include "base/alloc.h"
#include "base/stats.h"
#include "lab/theory.h"
#include <math.h>
#include <stddef.h>

typedef struct series { /* one number of every seed */
    double *x;          /* (n) */
    size_t n;
} series;

static ken_theory_mean mean_of(const double *x, size_t n)
{
    ken_theory_mean m = {.n = (int)n, .mean = NAN, .sd = NAN, .lo = NAN, .hi = NAN};
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i])) m.n = 0; /* not trained */
    if (m.n > 0) ken_mean_interval(x, n, &m.mean, &m.sd, &m.lo, &m.hi);
    return m;
}

/* Of the member at this offset in each seed's struct; less the one at `less` when that is not 0, which no double of it is at. */
static ken_theory_mean over(const series *s, const void *first, size_t size, size_t at, ptrdiff_t less)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *of = (const char *)first + i * size;
        s->x[i] = *(const double *)(const void *)(of + at);
        if (less >= 0) s->x[i] -= *(const double *)(const void *)(of + less);
    }
    return mean_of(s->x, s->n);
}

#define OVER(member)    over(s, of, sizeof *of, offsetof(ken_seed_cell, member), -1)
#define OVER_LESS(a, b) over(s, of, sizeof *of, offsetof(ken_seed_cell, a), (ptrdiff_t)offsetof(ken_seed_cell, b))
#define WHOLE_LOW       0.15
#define WHOLE_HIGH      0.95
#define BORDER          0.01

static int zone_of(const ken_theory_cell *c)
{
    const ken_theory_mean *w = &c->arm[KEN_ARM_WHOLE].accuracy;
    if (w->n == 0) return KEN_CELL_UNKNOWN;
    if (fabs(w->mean - WHOLE_LOW) < BORDER) return KEN_CELL_BORDER;
    if (w->mean > WHOLE_HIGH) return KEN_CELL_SATURATED;
    return w->mean < WHOLE_LOW ? KEN_CELL_EARLY : KEN_CELL_LEARNING;
}

static int average_curves(ken_theory *t, ken_theory_cell *c, const ken_seed_cell *of, ken_err *err)
{
    const int epochs = t->o.epochs;
    for (int arm = 0; arm < KEN_N_ARMS; arm++) {
        if (!c->arm[arm].there) continue;
        double *curve = ken_arena_alloc(&t->arena, (size_t)epochs, sizeof *curve);
        if (curve == NULL) return ken_fail_nomem(err, "curves");
        for (int e = 0; e < epochs; e++) {
            double sum = 0;
            for (int i = 0; i < c->seeds; i++) sum += of[i].curve[arm * epochs + e];
            curve[e] = sum / c->seeds;
        }
        c->arm[arm].curve = curve;
        c->arm[arm].n_curve = epochs;
    }
    return KEN_OK;
}

static void average_cell(ken_theory_cell *c, const ken_seed_cell *of, const series *s)
{
    for (int arm = 0; arm < KEN_N_ARMS; arm++) {
        ken_theory_arm *a = &c->arm[arm];
        a->accuracy = OVER(accuracy[arm]);
        a->attention = OVER(attention[arm]);
        for (int q = 0; q < 4; q++) a->quartile[q] = OVER(quartile[arm][q]);
        a->there = a->accuracy.n > 0;
    }
    c->before = OVER(before);
    c->best_accuracy = OVER(best_accuracy);
    c->best_attention = OVER(best_attention);
    c->salience = OVER(rho);
    c->top_bottom = OVER_LESS(accuracy[KEN_ARM_TOP], accuracy[KEN_ARM_BOTTOM]);
    c->top_whole = OVER_LESS(accuracy[KEN_ARM_TOP], accuracy[KEN_ARM_WHOLE]);
    c->whole_matched = OVER_LESS(accuracy[KEN_ARM_WHOLE_MATCHED], accuracy[KEN_ARM_WHOLE]);
    c->bottom_before = OVER_LESS(accuracy[KEN_ARM_BOTTOM], before);
    for (int q = 0; q < 4; q++) {
        c->before_quartile[q] = OVER(before_quartile[q]);
        c->gap_quartile[q] = OVER_LESS(quartile[KEN_ARM_TOP][q], quartile[KEN_ARM_BOTTOM][q]);
    }
    c->zone = zone_of(c);
}

/* One number of all seeds of a pair, at place `at` of the lists of each. */
static ken_theory_mean of_epoch(const ken_seed_joint *of, const series *s, bool attention, size_t at)
{
    for (size_t i = 0; i < s->n; i++) s->x[i] = attention ? of[i].attention[at] : of[i].accuracy[at];
    return mean_of(s->x, s->n);
}

static void average_pair(ken_theory *t, size_t pair, const series *s)
{
    const ken_theory_options *o = &t->o;
    const ken_seed_joint *of = t->seed_joint + pair * (size_t)o->joint_seeds;
    ken_theory_joint *all = t->joint + pair * (size_t)o->joint_epochs;
    for (int e = 0; e < o->joint_epochs; e++) {
        ken_theory_joint *j = &all[e];
        *j = (ken_theory_joint){.alpha = o->joint_alpha,
                                .steps = o->joint_steps,
                                .lr_value = o->joint_lr_values[pair / (size_t)o->n_joint_lr_attentions],
                                .lr_attention = o->joint_lr_attentions[pair % (size_t)o->n_joint_lr_attentions],
                                .epoch = e + 1,
                                .seeds = o->joint_seeds,
                                .last = e + 1 == o->joint_epochs};
        for (int arm = 0; arm < KEN_N_ARMS; arm++) {
            const size_t at = (size_t)arm * (size_t)o->joint_epochs + (size_t)e;
            j->accuracy[arm] = of_epoch(of, s, false, at);
            j->attention[arm] = of_epoch(of, s, true, at);
        }
        j->before = over(s, of, sizeof *of, offsetof(ken_seed_joint, before), -1);
        if (!j->last) continue;
        j->bottom_patched_before = over(s, of, sizeof *of, offsetof(ken_seed_joint, patched_before), -1);
        j->bottom_patched_top = over(s, of, sizeof *of, offsetof(ken_seed_joint, patched_top), -1);
    }
    for (int arm = 0; arm < KEN_N_ARMS; arm++) {
        int best = 0;
        if (all[0].accuracy[arm].n == 0) continue;
        for (int e = 1; e < o->joint_epochs; e++)
            if (all[e].accuracy[arm].mean > all[best].accuracy[arm].mean) best = e;
        all[best].best[arm] = true;
    }
}

int ken_theory_average(ken_theory *t, ken_err *err)
{
    const ken_theory_options *o = &t->o;
    int rc = KEN_OK;
    const series s = {ken_alloc((size_t)o->seeds, sizeof(double)), (size_t)o->seeds};
    if (s.x == NULL) return ken_fail_nomem(err, "means");
    for (size_t i = 0; i < t->n_cells && rc == KEN_OK; i++) {
        ken_theory_cell *c = &t->cell[i];
        const ken_seed_cell *of = t->seed_cell + i * (size_t)o->seeds;
        c->alpha = o->alphas[i / (size_t)o->n_steps];
        c->steps = o->steps[i % (size_t)o->n_steps];
        c->seeds = o->seeds;
        average_cell(c, of, &s);
        rc = average_curves(t, c, of, err);
    }
    const series joint = {s.x, (size_t)o->joint_seeds};
    for (size_t i = 0; i < t->n_pairs && rc == KEN_OK; i++) average_pair(t, i, &joint);
    ken_free(s.x);
    return rc;
}
