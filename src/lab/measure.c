/* measure.c - what a pretrained state shows, before any fine-tuning. */
#include "base/alloc.h"
#include "base/stats.h"
#include "lab/theory.h"
#include <math.h>

enum { LEAST = 20 /* facts of a bin that counts */, DOUBLINGS = 34 };
const double ken_salience_edge[KEN_SALIENCE_BINS - 1] = {0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6};

static double salience(const ken_one_world *w, const ken_values *v, int s, int r)
{
    return (double)ken_value_of(v, s)[ken_one_answer(w, s, r)];
}

static int bin_of(double x)
{
    int b = 0;
    while (b < KEN_SALIENCE_BINS - 1 && x >= ken_salience_edge[b]) b++;
    return b;
}

/* Bins of exposures: 0, 1, 2-3, 4-7, ...; the slope of mean S over mean n from one bin with enough facts to the next. */
static void slopes(ken_seed_cell *c, const double *s, const double *n, size_t facts)
{
    double sum_s[DOUBLINGS] = {0}, sum_n[DOUBLINGS] = {0}, count[DOUBLINGS] = {0};
    for (size_t i = 0; i < facts; i++) {
        const int b = n[i] > 0 ? 1 + ilogb(n[i]) : 0;
        sum_s[b] += s[i];
        sum_n[b] += n[i];
        count[b]++;
    }
    double last = NAN;
    int from = -1;
    c->rise = -INFINITY;
    c->first_slope = NAN;
    for (int b = 0; b < DOUBLINGS; b++) {
        if (count[b] < LEAST) continue;
        if (from >= 0) {
            const double slope =
                (sum_s[b] / count[b] - sum_s[from] / count[from]) / (sum_n[b] / count[b] - sum_n[from] / count[from]);
            if (from == 0 && b == 1) c->first_slope = slope;
            if (!isnan(last)) c->rise = fmax(c->rise, slope - last);
            last = slope;
        }
        from = b;
    }
    if (isinf(c->rise)) c->rise = NAN; /* fewer than three bins */
}

int ken_measure_salience(ken_seed_cell *c, const ken_one_world *w, const ken_values *v, const uint32_t *exposures)
{
    const size_t facts = (size_t)w->subjects * (size_t)w->relations;
    double *s = ken_alloc(2 * facts, sizeof *s);
    if (s == NULL) return -1;
    double *n = s + facts;
    for (size_t i = 0; i < facts; i++) {
        s[i] = salience(w, v, (int)(i / (size_t)w->relations), (int)(i % (size_t)w->relations));
        n[i] = exposures[i];
    }
    slopes(c, s, n, facts);
    const int rc = ken_spearman(s, n, facts, &c->rho);
    ken_free(s);
    return rc;
}

static double gain_before(const ken_one_world *w, const ken_values *v, int s, int r)
{
    return (double)ken_lab_gain(ken_value_of(v, s), ken_value_of_relation(v, r), 0.5F, ken_one_answer(w, s, r), w->k);
}

/* Of one arm and relation: mean of sig_s sig_r g, by what an unseen subject has in common with the keys. */
static double spilled(const ken_one_world *w, const ken_values *v, int arm, int r)
{
    const int n = ken_arm_subjects(w, arm);
    double sum = 0;
    for (int i = 0; i < n; i++) sum += 0.25 * gain_before(w, v, ken_arm_subject(w, arm, i), r);
    return sum / n * (w->common * w->common + 1);
}

void ken_measure_spill(ken_seed_cell *c, const ken_one_world *w, const ken_values *v)
{
    c->top = c->bottom = (ken_spilled){0, INFINITY, -INFINITY};
    c->relations_unordered = 0;
    for (int r = 0; r < w->relations; r++) {
        ken_spilled *const both[2] = {&c->top, &c->bottom};
        const double x[2] = {spilled(w, v, KEN_ARM_TOP, r), spilled(w, v, KEN_ARM_BOTTOM, r)};
        for (int i = 0; i < 2; i++) {
            both[i]->mean += x[i] / w->relations;
            both[i]->least = fmin(both[i]->least, x[i]);
            both[i]->most = fmax(both[i]->most, x[i]);
        }
        if (!(x[0] > x[1])) c->relations_unordered++;
    }
}

void ken_measure_gain(ken_seed_cell *c, const ken_one_world *w, const ken_values *v)
{
    for (int s = 0; s < w->subjects; s++)
        for (int r = 0; r < w->relations; r++) {
            const double g = gain_before(w, v, s, r);
            ken_bin *b = &c->bin[bin_of(salience(w, v, s, r))];
            b->sum += g;
            b->n++;
            b->negative += g < 0;
        }
}

/* ---- C2 on the state itself -------------------------------------------------------------------------------------------- */

static double logit_moved(const float *s, const float *r, double lambda, int k, int which, int at, double h)
{
    return lambda * ((double)s[k] + (which == 0 && k == at ? h : 0)) +
           (1 - lambda) * ((double)r[k] + (which == 1 && k == at ? h : 0));
}

/* The loss in double precision, one logit of one token moved by h; which 0: v(s)[at], 1: v(r)[at], 2: the gap of the scores. */
static double loss_moved(const ken_one_world *w, const float *s, const float *r, int a, int which, int at, double h)
{
    const double lambda = 1 / (1 + exp(which == 2 ? -h : 0)), own = logit_moved(s, r, lambda, a, which, at, h);
    double sum = 1; /* relative to the answer's own */
    for (int k = 0; k < w->k; k++)
        if (k != a) sum += exp(logit_moved(s, r, lambda, k, which, at, h) - own);
    return log(sum);
}

static double central(const ken_one_world *w, const float *s, const float *r, int a, int which, int at)
{
    const double h = 1e-2;
    return -(loss_moved(w, s, r, a, which, at, h) - loss_moved(w, s, r, a, which, at, -h)) / (2 * h);
}

/* What cannot be compared, since absurd learning rates have left no finite loss, is no small error. */
static double worse(double worst, double off) { return isfinite(off) ? fmax(worst, off) : INFINITY; }

/* 200 facts at random, attention 1/2: (2) for the gap of scores, (3) for the logits of both tokens at the answer and at one other place. */
double ken_measure_difference(const ken_one_world *w, const ken_values *v)
{
    const ken_stream draws = ken_stream_of(w->seed, KEN_STAGE_GRADIENT);
    double worst = 0;
    float *p = ken_alloc(v->row, sizeof *p);
    if (p == NULL) return NAN;
    for (uint64_t i = 0; i < 200; i++) {
        uint32_t x[4];
        ken_stream_at(&draws, i, 1, 0, x);
        const int s = (int)ken_below(x[0], (uint32_t)w->subjects), r = (int)ken_below(x[1], (uint32_t)w->relations);
        const int a = ken_one_answer(w, s, r), other = (int)ken_below(x[2], (uint32_t)w->k);
        const float *of_s = ken_value_of(v, s), *of_r = ken_value_of_relation(v, r);
        ken_lab_softmax(p, of_s, of_r, 0.5F, w->k);
        worst = worse(worst,
                      fabs(0.25 * (double)ken_lab_gain(of_s, of_r, 0.5F, a, w->k) - central(w, of_s, of_r, a, 2, 0)));
        for (int j = 0; j < 2; j++) {
            const int at = j == 0 ? a : other;
            const double g = 0.5 * ((at == a) - (double)p[at]);
            worst = worse(worst, fabs(g - central(w, of_s, of_r, a, 0, at)));
            worst = worse(worst, fabs(g - central(w, of_s, of_r, a, 1, at)));
        }
    }
    ken_free(p);
    return worst;
}
