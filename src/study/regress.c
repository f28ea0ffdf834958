/* regress.c - the linear model of harm: accuracy against the share of fitted Known and Unknown training rows, by least squares
 * over the epochs of one or several trainings (Gekhman et al. 2024, Eq. 1; docs/method/fine-tuning.md#linear-model).
 *
 * Only the arithmetic of a plane: no bootstrap, no further terms. What is hard is not the fit
 * but its errors: the points of one training follow each other, so that classical errors are far too small. With several trainings
 * the errors are clustered by training; they still are optimistic with two or three. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/stats.h"
#include "store/run.h"
#include "store/tuning.h"
#include <math.h>
#include <string.h>

enum { B = 3 }; /* coefficients: of 1, known, unknown */

typedef struct fit {
    ken_regression r; /* first: what the caller gets */
    ken_regression_point *points;
    size_t n, cap;
    ken_residuals *by_run;
    double *unknown_share;
    double mean[B];       /* of 1 (unused), known, unknown */
    double sxx, syy, sxy; /* sums over centred known (x) and unknown (y) */
} fit;

/* ---- points ---------------------------------------------------------------------------------------------------------- */

typedef struct which { /* whose accuracy */
    const char *set, *grouping, *key;
} which;

static int choose(which *w, const char *set, int category, ken_err *err)
{
    if (set == NULL || set[0] == '\0')
        return ken_fail(err, KEN_EUSAGE, "no set of rows is named; expected dev, test or ood");
    if (category < -1 || category >= KEN_N_CATEGORIES)
        return ken_fail(err, KEN_EUSAGE, "%d is no category, nor -1 for all rows", category);
    *w = category < 0 ? (which){set, "all", ""} : (which){set, "category", ken_category_name(category)};
    return KEN_OK;
}

static uint64_t hits_of(const ken_measure *m, size_t n, int category, uint64_t *rows)
{
    const ken_measure *x = ken_measure_find(m, n, "train", "category", ken_category_name(category));
    if (x == NULL) return 0;
    *rows += x->n;
    return x->hits;
}

/* Adds the point of one moment, or nothing where the fit or the set was not measured. */
static int add_point(fit *f, ken_run *run, size_t at, const ken_point *p, const which *w, bool *unlabelled,
                     ken_err *err)
{
    const ken_measure *m;
    size_t n;
    uint64_t known = 0, unknown = 0, unknown_rows = 0, known_rows = 0;
    int rc = ken_run_measures(run, p->step, &m, &n, err);
    if (rc != KEN_OK) return rc;
    const ken_measure *all = ken_measure_find(m, n, "train", "all", "");
    const ken_measure *asked = ken_measure_find(m, n, w->set, w->grouping, w->key);
    if (all == NULL || all->n == 0) return KEN_OK;
    for (int k = 0; k < KEN_UNKNOWN; k++) known += hits_of(m, n, k, &known_rows);
    unknown = hits_of(m, n, KEN_UNKNOWN, &unknown_rows);
    *unlabelled |= known_rows + unknown_rows == 0;
    if (asked == NULL || asked->n == 0 || known_rows + unknown_rows == 0) return KEN_OK;
    if (ken_grow((void **)&f->points, &f->cap, f->n + 1, sizeof *f->points) != 0)
        return ken_fail_nomem(err, "points of the regression");
    f->points[f->n++] = (ken_regression_point){.run = at,
                                               .step = p->step,
                                               .epoch = p->epoch,
                                               .known = (double)known / (double)all->n,
                                               .unknown = (double)unknown / (double)all->n,
                                               .accuracy = 100.0 * (double)asked->hits / (double)asked->n};
    f->unknown_share[at] = (double)unknown_rows / (double)all->n;
    return KEN_OK;
}

static int add_run(fit *f, ken_run *run, size_t at, const which *w, const char *set, ken_err *err)
{
    if (strcmp(ken_run_kind(run), KEN_KIND_TRAIN) != 0)
        return ken_fail(err, KEN_EINPUT,
                        "\"%s\" is of kind \"%s\"; the linear model needs trainings (train.ken of `ken_train`)",
                        run->path, ken_run_kind(run));
    size_t before = f->n;
    bool unlabelled = false;
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_run_n_points(run) && rc == KEN_OK; i++) {
        const ken_point *p = ken_run_point(run, i);
        if (p != NULL && p->step > 0) rc = add_point(f, run, at, p, w, &unlabelled, err);
    }
    if (rc != KEN_OK || f->n > before) return rc;
    if (unlabelled)
        return ken_fail(err, KEN_EUSAGE,
                        "\"%s\": none of its training rows that were asked has a category; train on an annotation, or "
                        "with `labels` RUN, and measure the fit",
                        run->path);
    return ken_fail(err, KEN_EUSAGE,
                    "\"%s\": \"%s\" was not measured after any epoch; train with `dev`, `test` or `ood`", run->path,
                    set);
}

/* ---- the plane ------------------------------------------------------------------------------------------------------- */

static void centre(fit *f)
{
    double n = (double)f->n;
    for (size_t i = 0; i < f->n; i++) {
        f->mean[1] += f->points[i].known / n;
        f->mean[2] += f->points[i].unknown / n;
    }
    for (size_t i = 0; i < f->n; i++) {
        double x = f->points[i].known - f->mean[1], y = f->points[i].unknown - f->mean[2];
        f->sxx += x * x;
        f->syy += y * y;
        f->sxy += x * y;
    }
}

/* Can it be fitted? Shares are multiples of 1/|D|, so that sums of squares this small are rounding. */
static int check(const fit *f, ken_err *err)
{
    const double nothing = 1e-18;
    if (f->n < B + 1)
        return ken_fail(err, KEN_EUSAGE,
                        "%zu point%s; the linear model has %d coefficients and needs at least %d points, that "
                        "is measured epochs: train longer, or give more trainings",
                        f->n, f->n == 1 ? "" : "s", B, B + 1);
    double most_unknown = 0.0, most_known = 0.0;
    for (size_t i = 0; i < f->n; i++) {
        most_known = fmax(most_known, f->points[i].known);
        most_unknown = fmax(most_unknown, f->points[i].unknown);
    }
    bool flat_known = f->sxx <= nothing, flat_unknown = f->syy <= nothing;
    if (flat_known || flat_unknown)
        return ken_fail(
            err, KEN_EUSAGE,
            "the share of fitted %s rows %s at all %zu points, so that what %s cannot be told; give trainings "
            "on other shares of Unknown rows too",
            flat_known && flat_unknown ? "Known and of fitted Unknown"
            : flat_known               ? "Known"
                                       : "Unknown",
            (flat_known ? most_known : most_unknown) > 0.0 ? "is the same" : "is 0", f->n,
            flat_known && flat_unknown ? "they do" : "it does");
    if (f->sxx * f->syy - f->sxy * f->sxy <= 1e-10 * f->sxx * f->syy)
        return ken_fail(
            err, KEN_EUSAGE,
            "the shares of fitted Known and fitted Unknown rows lie on a line at the %zu points, so that what each "
            "of them does cannot be told apart; give trainings on other shares of Unknown rows too",
            f->n);
    return KEN_OK;
}

/* (A'A)^-1 with the columns centred: 1/n, and the inverse of the 2 x 2 block. */
static void inverse(const fit *f, double m[B][B])
{
    double det = f->sxx * f->syy - f->sxy * f->sxy;
    memset(m, 0, B * sizeof *m);
    m[0][0] = 1.0 / (double)f->n;
    m[1][1] = f->syy / det;
    m[2][2] = f->sxx / det;
    m[1][2] = m[2][1] = -f->sxy / det;
}

static void row_of(const fit *f, size_t i, double a[B])
{
    a[0] = 1.0;
    a[1] = f->points[i].known - f->mean[1];
    a[2] = f->points[i].unknown - f->mean[2];
}

static void product(double a[B][B], double b[B][B], double out[B][B])
{
    for (int i = 0; i < B; i++)
        for (int j = 0; j < B; j++) {
            out[i][j] = 0.0;
            for (int k = 0; k < B; k++) out[i][j] += a[i][k] * b[k][j];
        }
}

/* Coefficients and residuals; gives the sum of squared residuals. */
static double solve(fit *f, double m[B][B])
{
    double mean = 0.0, xz = 0.0, yz = 0.0, total = 0.0, rest = 0.0;
    for (size_t i = 0; i < f->n; i++) mean += f->points[i].accuracy / (double)f->n;
    for (size_t i = 0; i < f->n; i++) {
        double a[B], z = f->points[i].accuracy - mean;
        row_of(f, i, a);
        xz += a[1] * z;
        yz += a[2] * z;
        total += z * z;
    }
    f->r.b_kn = m[1][1] * xz + m[1][2] * yz;
    f->r.b_unk = m[2][1] * xz + m[2][2] * yz;
    f->r.b0 = mean - f->r.b_kn * f->mean[1] - f->r.b_unk * f->mean[2];
    for (size_t i = 0; i < f->n; i++) {
        ken_regression_point *p = &f->points[i];
        p->predicted = f->r.b0 + f->r.b_kn * p->known + f->r.b_unk * p->unknown;
        rest += (p->accuracy - p->predicted) * (p->accuracy - p->predicted);
    }
    f->r.r2 = total > 1e-18 ? 1.0 - rest / total : NAN;
    return rest;
}

/* sum_g A_g' e_g e_g' A_g: points of a run are next to each other. */
static void clusters(const fit *f, double out[B][B])
{
    memset(out, 0, B * sizeof *out);
    for (size_t i = 0; i < f->n;) {
        double score[B] = {0.0};
        size_t run = f->points[i].run;
        for (; i < f->n && f->points[i].run == run; i++) {
            double a[B];
            row_of(f, i, a);
            for (int k = 0; k < B; k++) score[k] += a[k] * (f->points[i].accuracy - f->points[i].predicted);
        }
        for (int j = 0; j < B; j++)
            for (int k = 0; k < B; k++) out[j][k] += score[j] * score[k];
    }
}

/* Errors and intervals: run-clustered (docs/method/fine-tuning.md#linear-model), or sigma^2 (A'A)^-1 for a single run. */
static void errors(fit *f, double m[B][B], double rest)
{
    double n = (double)f->n, g = (double)f->r.runs, v[B][B], half[B][B];
    f->r.clustered = f->r.runs > 1;
    if (f->r.clustered) {
        double meat[B][B], scale = g / (g - 1.0) * (n - 1.0) / (n - B);
        clusters(f, meat);
        product(m, meat, half);
        product(half, m, v);
        for (int i = 0; i < B; i++)
            for (int j = 0; j < B; j++) v[i][j] *= scale;
    } else {
        for (int i = 0; i < B; i++)
            for (int j = 0; j < B; j++) v[i][j] = rest / (n - B) * m[i][j];
    }
    /* b0 is the height at 0, not at the centre: b0 = centre - b_kn mean(known) - b_unk mean(unknown). */
    double to[B] = {1.0, -f->mean[1], -f->mean[2]}, var[B] = {0.0, v[1][1], v[2][2]};
    for (int i = 0; i < B; i++)
        for (int j = 0; j < B; j++) var[0] += to[i] * v[i][j] * to[j];
    double t = ken_t_95(f->r.clustered ? g - 1.0 : n - B);
    const double b[B] = {f->r.b0, f->r.b_kn, f->r.b_unk};
    for (int k = 0; k < B; k++) {
        f->r.se[k] = sqrt(fmax(0.0, var[k])); /* rounding may leave -1e-30 */
        f->r.lo[k] = b[k] - t * f->r.se[k];
        f->r.hi[k] = b[k] + t * f->r.se[k];
    }
}

/* ---- residuals ------------------------------------------------------------------------------------------------------- */

static void add_residual(ken_residuals *r, double x) /* sd holds the sum of squares until finish_residuals */
{
    double d = x - r->mean;
    r->n++;
    r->mean += d / (double)r->n;
    r->sd += d * (x - r->mean);
}

static void finish_residuals(ken_residuals *r)
{
    r->sd = r->n > 1 ? sqrt(r->sd / (double)(r->n - 1)) : NAN;
    if (r->n == 0) r->mean = NAN;
}

static void residuals(fit *f)
{
    double last = 0.0;
    for (size_t i = 0; i < f->n; i++) last = fmax(last, f->points[i].epoch);
    for (size_t i = 0; i < f->n; i++) {
        const ken_regression_point *p = &f->points[i];
        double at = last > 0.0 ? p->epoch / last : 0.0; /* epochs of a stranger's run may be anything */
        int band = 0;
        while (band < KEN_EPOCH_BANDS - 1 && at > (double)(band + 1) / KEN_EPOCH_BANDS) band++;
        add_residual(&f->by_run[p->run], p->accuracy - p->predicted);
        add_residual(&f->r.by_epoch[band], p->accuracy - p->predicted);
    }
    for (size_t g = 0; g < f->r.runs; g++) finish_residuals(&f->by_run[g]);
    for (int k = 0; k < KEN_EPOCH_BANDS; k++) finish_residuals(&f->r.by_epoch[k]);
}

/* ---- public ---------------------------------------------------------------------------------------------------------- */

int ken_regress(ken_regression **out, ken_run *const *runs, size_t n, const char *set, int category, ken_err *err)
{
    *out = NULL;
    which w;
    double m[B][B];
    int rc = choose(&w, set, category, err);
    if (rc != KEN_OK) return rc;
    if (n == 0)
        return ken_fail(err, KEN_EUSAGE, "no training was given; the linear model needs at least one train.ken");
    fit *f = ken_calloc(1, sizeof *f);
    if (f == NULL) return ken_fail_nomem(err, "the linear model");
    f->by_run = ken_calloc(n, sizeof *f->by_run);
    f->unknown_share = ken_calloc(n, sizeof *f->unknown_share);
    if (f->by_run == NULL || f->unknown_share == NULL) rc = ken_fail_nomem(err, "the linear model");
    for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = add_run(f, runs[i], i, &w, set, err);
    if (rc == KEN_OK) {
        centre(f);
        rc = check(f, err);
    }
    if (rc != KEN_OK) {
        ken_regression_free(&f->r);
        return rc;
    }
    f->r.n = f->n;
    f->r.runs = n;
    inverse(f, m);
    errors(f, m, solve(f, m));
    residuals(f);
    f->r.points = f->points;
    f->r.by_run = f->by_run;
    f->r.unknown_share = f->unknown_share;
    *out = &f->r;
    return KEN_OK;
}

void ken_regression_free(ken_regression *r)
{
    if (r == NULL) return;
    fit *f = (fit *)r;
    ken_free(f->points);
    ken_free(f->by_run);
    ken_free(f->unknown_share);
    ken_free(f);
}
