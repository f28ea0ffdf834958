/* checks.c - the checks C1 to C8 (docs/method/salience.md#checks): each is a claim made of parts, and says where it does not hold. What asks for numbers of the
 * default parameters cannot be told with others. */
#include "base/alloc.h"
#include "base/buf.h"
#include "lab/expected.h"
#include "lab/theory.h"
#include <math.h>
#include <stdio.h>

enum { MAX_CHECKS = 8, MAX_PARTS = 8 };
static const char other_parameters[] = "other parameters than those the numbers are known for";
static const char few_seeds[] = "a mean of at least five seeds is needed";
enum { ENOUGH_SEEDS = 5 };
static const char no_learning_cell[] = "no learning cell in this sweep";

typedef struct judge {
    ken_theory *t;
    ken_buf where; /* of the part that is being made */
    ken_theory_part part[MAX_CHECKS][MAX_PARTS];
    bool failed;
} judge;

static ken_theory_check *begin(judge *j, const char *id, const char *origin, const char *claim)
{
    ken_theory_check *c = &j->t->check[j->t->n_checks++];
    *c = (ken_theory_check){
        .id = id, .claim = claim, .origin = origin, .holds = -1, .value = NAN, .want = "", .where = ""};
    return c;
}

static const char *keep(judge *j, const char *s)
{
    const char *kept = ken_arena_strdup(&j->t->arena, s);
    if (kept == NULL) j->failed = true;
    return kept != NULL ? kept : "";
}

static void fails_at(judge *j, const ken_theory_cell *c)
{
    ken_buf_printf(&j->where, "%salpha %g, %lld steps", j->where.len > 0 ? "; " : "", c->alpha, (long long)c->steps);
}

/* Ends a part with what was put into `where`; why: it cannot be told, for this reason. */
static void part(judge *j, const char *what, const char *want, bool holds, double value, const char *why)
{
    const size_t at = j->t->n_checks - 1;
    ken_theory_check *c = &j->t->check[at];
    ken_theory_part *p = &j->part[at][c->n_parts++];
    *p = (ken_theory_part){.what = what,
                           .want = want,
                           .where = why != NULL ? why : keep(j, ken_buf_str(&j->where)),
                           .holds = why != NULL ? -1 : holds,
                           .value = why != NULL ? NAN : value};
    if (j->where.failed) j->failed = true;
    ken_buf_clear(&j->where);
}

/* The check as a whole is what its parts are. */
static void finish(judge *j)
{
    ken_buf where = {0};
    for (size_t i = 0; i < j->t->n_checks; i++) {
        ken_theory_check *c = &j->t->check[i];
        ken_theory_part *p = ken_arena_alloc(&j->t->arena, (size_t)c->n_parts, sizeof *p);
        if (p == NULL) {
            j->failed = true;
            break;
        }
        for (int k = 0; k < c->n_parts; k++) {
            p[k] = j->part[i][k];
            if (p[k].holds == 0)
                ken_buf_printf(&where, "%s%s%s%s", where.len > 0 ? "; " : "", p[k].what,
                               p[k].where[0] != '\0' ? ": " : "", p[k].where);
            if (p[k].holds == 0 || (p[k].holds == 1 && c->holds < 0)) c->holds = p[k].holds;
            if (isnan(c->value) && p[k].holds >= 0) c->value = p[k].value, c->want = p[k].want;
        }
        if (c->want[0] == '\0') c->want = p[0].want;
        c->part = p;
        c->where = keep(j, c->holds < 0 ? p[0].where : ken_buf_str(&where));
        j->failed |= where.failed;
        ken_buf_clear(&where);
    }
    ken_buf_free(&where);
}

static const ken_seed_cell *seed_of(const ken_theory *t, size_t cell, int seed)
{
    return &t->seed_cell[cell * (size_t)t->o.seeds + (size_t)seed];
}

static bool has(const ken_theory *t, unsigned arms) { return (t->o.arms & arms) == arms; }
enum {
    THREE = 1 << KEN_ARM_BOTTOM | 1 << KEN_ARM_WHOLE | 1 << KEN_ARM_TOP,
    TWO = 1 << KEN_ARM_BOTTOM | 1 << KEN_ARM_TOP
};

/* Why nothing can be said of learning cells; NULL = it can. */
static const char *no_cells(const ken_theory *t)
{
    if (!has(t, THREE)) return "Bottom, Whole and Top must be among the arms";
    for (size_t i = 0; i < t->n_cells; i++)
        if (t->cell[i].zone == KEN_CELL_LEARNING) return NULL;
    return no_learning_cell;
}

/* Why numbers that are known cannot be held against these; NULL = they can. there: some of their cells are in the sweep; of_means: the tolerance is that of a mean of
 * five seeds. */
static const char *no_numbers(const ken_theory *t, bool there, bool of_means)
{
    if (!ken_theory_published(&t->o)) return other_parameters;
    if (!there) return "none of the cells that numbers are known for";
    return of_means && t->o.seeds < ENOUGH_SEEDS ? few_seeds : NULL;
}

/* ---- C1 ------------------------------------------------------------------------------------------------------------------ */

/* Over cells of the default sweep (known), of alpha 1 alone (one), or over all. */
static void least_rho(judge *j, bool known, bool one, double bound, const char *what, const char *want)
{
    const ken_theory *t = j->t;
    double least = INFINITY;
    for (size_t i = 0; i < t->n_cells; i++) {
        double here = INFINITY;
        if ((known && !ken_theory_in_grid(&t->cell[i])) || (one && t->cell[i].alpha != 1.0)) continue;
        for (int s = 0; s < t->o.seeds; s++) here = fmin(here, seed_of(t, i, s)->rho);
        if (!(here >= bound)) fails_at(j, &t->cell[i]);
        least = fmin(least, here);
    }
    part(j, what, want, least >= bound, least, isinf(least) ? "none of the cells that numbers are known for" : NULL);
}

static void salience_grows(judge *j)
{
    const ken_theory *t = j->t;
    const bool known = ken_theory_published(&t->o);
    double rise = -INFINITY, slope = NAN;
    begin(j, "C1", "secondary", "Salience after pretraining grows with a fact's exposures, ever more slowly");
    if (known) {
        least_rho(j, true, true, 0.94, "Spearman's rho, alpha 1, least of the seeds", ">= 0.94");
        least_rho(j, true, false, 0.75, "Spearman's rho, cells of the default sweep, least of the seeds", ">= 0.75");
    }
    least_rho(j, false, false, 0, "Spearman's rho, all cells, least of the seeds", ">= 0");
    for (size_t i = 0; i < t->n_cells; i++) {
        double here = -INFINITY;
        for (int s = 0; s < t->o.seeds; s++) here = fmax(here, seed_of(t, i, s)->rise); /* NaN is none */
        if (here > 0) fails_at(j, &t->cell[i]);
        rise = fmax(rise, here);
    }
    part(j, "largest rise of the slope between doubling bins of at least 20 facts", "<= 0", rise <= 0, rise,
         isinf(rise) ? "no seed has three such bins" : NULL);
    for (size_t i = 0; i < t->n_cells; i++) {
        bool wrong = false;
        for (int s = 0; s < t->o.seeds; s++) {
            const double x = seed_of(t, i, s)->first_slope;
            if (isnan(x)) continue;
            if (isnan(slope) || fabs(x - 0.2375) > fabs(slope - 0.2375)) slope = x;
            wrong |= fabs(x - 0.2375) > 0.01;
        }
        if (wrong) fails_at(j, &t->cell[i]);
    }
    part(j, "slope from no exposure to the first bin, farthest of the seeds", "0.2375 +- 0.01",
         fabs(slope - 0.2375) <= 0.01, slope,
         !known         ? other_parameters
         : isnan(slope) ? "no cell has 20 facts without an exposure"
                        : NULL);
}

/* ---- C2, C3 -------------------------------------------------------------------------------------------------------------- */

static void below(judge *j, const char *what, double x, const char *want, double bound)
{
    part(j, what, want, x <= bound, x, NULL);
}

static void gradients(judge *j)
{
    const ken_theory *t = j->t;
    double worst = 0;
    begin(j, "C2", "derived", "The gradients (2), (3) and the spill-over (4) are those of the loss");
    below(j, "(2) against central differences, double precision", t->gradient.attention, "<= 1e-7", 1e-7);
    below(j, "(3) against central differences, double precision", t->gradient.values, "<= 1e-7", 1e-7);
    below(j, "(4) against an applied step", t->gradient.spill, "<= 1e-12", 1e-12);
    below(j, "(4) with a shared direction of c^2 = 1/2", t->gradient.spill_shared, "<= 1e-12", 1e-12);
    for (int s = 0; s < t->o.seeds; s++) worst = fmax(worst, seed_of(t, t->reference, s)->difference);
    below(j, "(2), (3) at 200 facts of a pretrained state in single precision, h = 0.01", worst, "< 1e-4", 1e-4);
}

static void signs(judge *j)
{
    const ken_theory *t = j->t;
    const ken_theory_cell *c = &t->cell[t->reference];
    double mean[KEN_SALIENCE_BINS], off = 0;
    int last = -1, falls = 0;
    for (int b = 0; b < KEN_SALIENCE_BINS; b++) {
        double sum = 0, n = 0;
        for (int s = 0; s < t->o.seeds; s++) {
            sum += seed_of(t, t->reference, s)->bin[b].sum;
            n += seed_of(t, t->reference, s)->bin[b].n;
        }
        mean[b] = n >= 20 ? sum / n : NAN;
        off = fmax(off, fabs(mean[b] - ken_expected_gain[b]));
        if (isnan(mean[b]) || b == KEN_SALIENCE_BINS - 1) continue;
        if (last >= 0 && mean[b] <= mean[last]) {
            falls++;
            ken_buf_printf(&j->where, "%sbin from S = %g", j->where.len > 0 ? "; " : "", ken_salience_edge[b - 1]);
        }
        last = b;
    }
    const int top = KEN_SALIENCE_BINS - 1;
    const char *why = no_numbers(t, ken_theory_is_reference(c), true);
    begin(j, "C3", "derived",
          "Facts of low salience push attention away from the subject, salient ones towards it, until they are sure");
    ken_buf kept = j->where; /* of the second part */
    j->where = (ken_buf){0};
    part(j, "mean g of facts with S < 0", "< 0", mean[0] < 0, mean[0],
         isnan(mean[0]) && why == NULL ? "hardly any such fact" : why);
    ken_buf_free(&j->where);
    j->where = kept;
    part(j, "bins up to S = 6 in which mean g does not rise", "0", falls == 0, falls, why);
    part(j, "mean g of facts with S >= 6, less that of 4 to 6", "< 0", mean[top] < mean[top - 1],
         mean[top] - mean[top - 1], isnan(mean[top] - mean[top - 1]) && why == NULL ? "hardly any such fact" : why);
    part(j, "largest distance of a bin's mean from the numbers known", "<= 0.15", off <= KEN_GAIN_BY, off, why);
}

/* ---- C4, C5 -------------------------------------------------------------------------------------------------------------- */

static void spills(judge *j)
{
    const ken_theory *t = j->t;
    const ken_theory_cell *at = &t->cell[t->reference];
    double wrong = 0, top = 0, bottom = 0;
    begin(
        j, "C4", "derived",
        "The first step on the popular half raises the attention to unseen subjects more than that on the other half");
    for (size_t i = 0; i < t->n_cells; i++) {
        double here = 0;
        if (t->cell[i].zone != KEN_CELL_LEARNING) continue;
        for (int s = 0; s < t->o.seeds; s++) here += seed_of(t, i, s)->relations_unordered;
        if (here > 0) fails_at(j, &t->cell[i]);
        wrong += here;
    }
    part(j, "relations and seeds in which Top's is not above Bottom's, learning cells", "0", wrong == 0, wrong,
         no_cells(t));
    for (int s = 0; s < t->o.seeds; s++) {
        top += seed_of(t, t->reference, s)->top.mean / t->o.seeds;
        bottom += seed_of(t, t->reference, s)->bottom.mean / t->o.seeds;
    }
    const char *why = no_numbers(t, ken_theory_is_reference(at), false);
    part(j, "Top, alpha 1, 30000 steps, mean of relations and seeds", "0.174 to 0.233", top >= 0.174 && top <= 0.233,
         top, why);
    part(j, "Bottom, alpha 1, 30000 steps, mean of relations and seeds", "0.006 to 0.075",
         bottom >= 0.006 && bottom <= 0.075, bottom, why);
}

static void attention(judge *j)
{
    const ken_theory *t = j->t;
    double least = INFINITY, off = -1, inverted = NAN;
    begin(j, "C5", "secondary", "Held-out attention after fine-tuning is ordered Bottom < Whole < Top");
    for (size_t i = 0; i < t->n_cells; i++) {
        const ken_theory_cell *c = &t->cell[i];
        if (c->zone != KEN_CELL_LEARNING) continue;
        const double b = c->arm[KEN_ARM_BOTTOM].attention.mean, w = c->arm[KEN_ARM_WHOLE].attention.mean;
        const double here = fmin(w - b, c->arm[KEN_ARM_TOP].attention.mean - w);
        if (!(here > 0)) fails_at(j, c);
        least = fmin(least, here);
    }
    part(j, "least step from arm to arm, learning cells", "> 0", least > 0, least, no_cells(t));
    for (size_t i = 0; i < t->n_cells && has(t, THREE); i++) {
        const ken_theory_cell *c = &t->cell[i];
        const ken_expected *e = ken_expected_of(c->alpha, c->steps);
        double here = -1;
        for (int arm = 0; arm < 3 && e != NULL; arm++)
            here = fmax(here, fabs(c->arm[arm].attention.mean - e->attention[arm]));
        if (here > KEN_ATTENTION_BY) fails_at(j, c);
        off = fmax(off, here);
        if (c->alpha == 1.0 && c->steps == 300000)
            inverted = c->arm[KEN_ARM_TOP].attention.mean - c->arm[KEN_ARM_BOTTOM].attention.mean;
    }
    part(j, "largest distance from the numbers known", "<= 0.03", off <= KEN_ATTENTION_BY, off,
         no_numbers(t, off >= 0, true));
    part(j, "Top - Bottom at alpha 1, 300000 steps, where the order inverts", "< 0", inverted < 0, inverted,
         no_numbers(t, !isnan(inverted), false));
}

/* ---- C6, C7 -------------------------------------------------------------------------------------------------------------- */

/* Of one cell: the largest distance from the numbers known, over its tolerance. */
static double distance(const ken_theory_cell *c, const ken_expected *e)
{
    double off = 0;
    for (int arm = 0; arm < 3; arm++)
        off = fmax(off, fabs(c->arm[arm].accuracy.mean - e->accuracy[arm]) /
                            ken_expected_tolerance(e->accuracy_sd, c->seeds));
    off = fmax(off, fabs(c->top_bottom.mean - e->top_bottom) / ken_expected_tolerance(e->top_bottom_sd, c->seeds));
    return fmax(off, fabs(c->top_whole.mean - e->top_whole) / ken_expected_tolerance(e->top_whole_sd, c->seeds));
}

/* The number known is of many seeds; a mean of few is held to it with its interval. */
static void matched(judge *j)
{
    const ken_theory *t = j->t;
    double off = -1;
    for (size_t i = 0; i < t->n_cells; i++) {
        const ken_theory_mean *m = &t->cell[i].whole_matched;
        if (t->cell[i].zone != KEN_CELL_LEARNING || m->n < 2) continue;
        const double here = m->lo > 0 ? m->lo : m->hi < 0 ? -m->hi : 0;
        if (here > KEN_MATCHED_BY) fails_at(j, &t->cell[i]);
        off = fmax(off, here);
    }
    part(j,
         "Whole with the updates of a half: the end of the interval of its difference from Whole that is nearer to 0",
         "<= 0.014", off <= KEN_MATCHED_BY, off,
         off < 0 && ken_theory_published(&t->o)
             ? "WholeMatched is not among the arms, or there is no learning cell, or one seed only"
             : no_numbers(t, true, false));
}

static void accuracy(judge *j)
{
    const ken_theory *t = j->t;
    double least = INFINITY, wrong = 0, off = -1;
    bool ordered = true;
    begin(j, "C6", "paper", "Held-out accuracy is ordered Top >= Whole > Bottom");
    for (size_t i = 0; i < t->n_cells; i++) {
        const ken_theory_cell *c = &t->cell[i];
        if (c->zone != KEN_CELL_LEARNING) continue;
        const double b = c->arm[KEN_ARM_BOTTOM].accuracy.mean, w = c->arm[KEN_ARM_WHOLE].accuracy.mean;
        const double to_top = c->arm[KEN_ARM_TOP].accuracy.mean - w;
        if (!(to_top >= 0 && w > b)) ordered = false, fails_at(j, c);
        least = fmin(least, fmin(to_top, w - b));
    }
    part(j, "least step from arm to arm, learning cells", "Top >= Whole > Bottom", ordered, least, no_cells(t));
    for (size_t i = 0; i < t->n_cells; i++) {
        double here = 0;
        if (t->cell[i].zone != KEN_CELL_LEARNING) continue;
        for (int s = 0; s < t->o.seeds; s++)
            here += !(seed_of(t, i, s)->accuracy[KEN_ARM_TOP] > seed_of(t, i, s)->accuracy[KEN_ARM_BOTTOM]);
        if (here > 0) fails_at(j, &t->cell[i]);
        wrong += here;
    }
    part(j, "seeds of learning cells in which Top is not above Bottom", "0", wrong == 0, wrong, no_cells(t));
    for (size_t i = 0; i < t->n_cells && has(t, THREE); i++) {
        const ken_expected *e = ken_expected_of(t->cell[i].alpha, t->cell[i].steps);
        if (e == NULL || !e->learning) continue;
        const double here = distance(&t->cell[i], e);
        if (here > 1) fails_at(j, &t->cell[i]);
        off = fmax(off, here);
    }
    part(j, "largest distance from the numbers known, over its tolerance", "<= 1", off <= 1, off,
         no_numbers(t, off >= 0, false));
    matched(j);
}

static int widest_of(const ken_theory_cell *c)
{
    int q = 0;
    for (int i = 1; i < 4; i++)
        if (c->gap_quartile[i].mean > c->gap_quartile[q].mean) q = i;
    return q;
}

static void quartiles(judge *j)
{
    const ken_theory *t = j->t;
    const bool both = has(t, THREE);
    double back = 0, off = -1;
    begin(j, "C7", "secondary",
          "With longer pretraining the largest gap between Top and Bottom moves to less popular facts");
    for (size_t i = 0; i < t->n_cells && both; i++) {
        const ken_theory_cell *c = &t->cell[i];
        if (i % (size_t)t->o.n_steps == 0 || c->zone == KEN_CELL_SATURATED) continue;
        if (widest_of(c) >= widest_of(&t->cell[i - 1])) continue;
        back++;
        fails_at(j, c);
    }
    part(j, "times that the quartile of the largest gap moves to more popular facts, until saturation", "0", back == 0,
         back,
         !both              ? "Bottom, Whole and Top must be among the arms"
         : t->o.n_steps < 2 ? "only one length of pretraining in this sweep"
                            : NULL);
    for (size_t i = 0; i < t->n_cells && both; i++) {
        const ken_expected *e = ken_expected_of(t->cell[i].alpha, t->cell[i].steps);
        double here = -1;
        for (int q = 0; q < 4 && e != NULL && e->learning; q++)
            here = fmax(here, fabs(t->cell[i].gap_quartile[q].mean - e->gap[q]));
        if (here > KEN_GAP_BY) fails_at(j, &t->cell[i]);
        off = fmax(off, here);
    }
    part(j, "largest distance of a gap from the numbers known", "<= 0.05", off <= KEN_GAP_BY, off,
         no_numbers(t, off >= 0, true));
}

/* ---- C8 ------------------------------------------------------------------------------------------------------------------ */

static void patches(judge *j)
{
    const ken_theory *t = j->t;
    double wrong = 0, lookups = 0, moved = 0;
    for (int s = 0; s < t->o.seeds; s++) {
        const ken_seed_cell *c = seed_of(t, t->reference, s);
        wrong += c->patched_wrong;
        lookups += c->lookups;
        moved += !c->frozen;
    }
    begin(j, "C8", "ours", "With another state's attention put in, an arm predicts what that state predicts");
    part(j, "predictions of Bottom that differ, with the attention of before and of Top", "0", wrong == 0, wrong,
         has(t, TWO) ? NULL : "Bottom and Top must be among the arms");
    part(j, "seeds in which fine-tuning changed a value", "0", moved == 0, moved, NULL);
    part(j, "lookups (E3) that differ from the argmax over all logits", "0", lookups == 0, lookups, NULL);
}

int ken_theory_judge(ken_theory *t, ken_err *err)
{
    t->check = ken_calloc(MAX_CHECKS, sizeof *t->check);
    judge *j = ken_calloc(1, sizeof *j);
    bool failed = t->check == NULL || j == NULL;
    if (!failed) {
        j->t = t;
        salience_grows(j);
        gradients(j);
        signs(j);
        spills(j);
        attention(j);
        accuracy(j);
        quartiles(j);
        patches(j);
        finish(j);
        failed = j->failed;
        ken_buf_free(&j->where);
    }
    ken_free(j);
    return failed ? ken_fail_nomem(err, "checks") : KEN_OK;
}
