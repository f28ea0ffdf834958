/* stats_samples.c - ranks, means over seeds, and what resampling says; see stats.h. */
#include "base/alloc.h"
#include "base/rng.h"
#include "base/stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void ken_mean_interval(const double *x, size_t n, double *mean, double *sd, double *lo, double *hi)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *sd = sqrt(squares / (double)n);
    *lo = *hi = NAN;
    if (n < 2 || isnan(*mean)) return;
    const double half = squares > 0 ? ken_t_95((double)n - 1) * sqrt(squares / ((double)n - 1) / (double)n) : 0;
    *lo = *mean - half;
    *hi = *mean + half;
}

/* ---- ranks ---------------------------------------------------------------------------------------------------------- */

typedef struct placed {
    double x;
    size_t at;
} placed;

static int by_x(const void *a, const void *b)
{
    const double x = ((const placed *)a)->x, y = ((const placed *)b)->x;
    return (x > y) - (x < y);
}

/* Ranks from 1 on into rank (n); false with a NaN. sorted (n) is scratch. */
static bool ranks(const double *x, size_t n, placed *sorted, double *rank)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) return false;
        sorted[i] = (placed){x[i], i};
    }
    qsort(sorted, n, sizeof *sorted, by_x);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && sorted[j].x == sorted[i].x; j++) continue;
        for (size_t k = i; k < j; k++) rank[sorted[k].at] = (double)(i + 1 + j) / 2;
    }
    return true;
}

/* Ranks are whole or halves around (n + 1) / 2, so that the sums are exact for any n in reach. */
static double correlation(const double *a, const double *b, size_t n)
{
    const double middle = ((double)n + 1) / 2;
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = a[i] - middle, y = b[i] - middle;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa) / sqrt(bb) : NAN;
}

int ken_spearman(const double *x, const double *y, size_t n, double *rho)
{
    placed *sorted = ken_alloc(n, sizeof *sorted);
    double *a = ken_alloc(n, sizeof *a), *b = ken_alloc(n, sizeof *b);
    const bool there = sorted != NULL && a != NULL && b != NULL;
    *rho = NAN;
    if (there && ranks(x, n, sorted, a) && ranks(y, n, sorted, b)) *rho = correlation(a, b, n);
    ken_free(sorted);
    ken_free(a);
    ken_free(b);
    return there ? 0 : -1;
}

/* The Mann-Whitney statistic of the positives' ranks. */
int ken_auroc(const double *score, const bool *positive, size_t n, double *auroc)
{
    placed *sorted = ken_alloc(n, sizeof *sorted);
    double *rank = ken_alloc(n, sizeof *rank), sum = 0, count = 0;
    const bool there = sorted != NULL && rank != NULL;
    *auroc = NAN;
    if (there && ranks(score, n, sorted, rank)) {
        for (size_t i = 0; i < n; i++)
            if (positive[i]) sum += rank[i], count++;
        const double others = (double)n - count;
        if (count > 0 && others > 0) *auroc = (sum - count * (count + 1) / 2) / (count * others);
    }
    ken_free(sorted);
    ken_free(rank);
    return there ? 0 : -1;
}

/* ---- resampling ------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two nearest of sorted (n), as numpy.percentile does it. */
static double percentile(const double *sorted, size_t n, double share)
{
    if (n == 0) return NAN;
    const double at = share * (double)(n - 1);
    const size_t below = (size_t)at;
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* Rows by group: those of group i are of[first[i]] .. of[first[i + 1] - 1]. first (groups + 2) is zero. */
static void sort_by_group(const int32_t *group, size_t n, int32_t groups, size_t *first, size_t *of)
{
    for (size_t i = 0; i < n; i++) first[group[i] + 2]++;
    for (int32_t i = 0; i < groups; i++) first[i + 2] += first[i + 1];
    for (size_t i = 0; i < n; i++) of[first[group[i] + 1]++] = i;
}

/* Appends the rows of a group; false when out of memory. */
static bool take_group(size_t **row, size_t *cap, size_t *n, const size_t *of, size_t n_of)
{
    if (n_of == 0) return true;
    if (ken_grow((void **)row, cap, *n + n_of, sizeof **row) != 0) return false;
    memcpy(*row + *n, of, n_of * sizeof *of);
    *n += n_of;
    return true;
}

int ken_bootstrap(const int32_t *group, size_t n, int32_t groups, int rounds, uint64_t seed, ken_statistic_fn f,
                  void *ctx, double *lo, double *hi)
{
    static const char name[] = "bootstrap";
    size_t *first = ken_calloc((size_t)groups + 2, sizeof *first), *of = ken_alloc(n, sizeof *of), *row = NULL, cap = 0;
    double *value = ken_alloc((size_t)rounds, sizeof *value);
    size_t known = 0;
    bool there = first != NULL && of != NULL && value != NULL;
    *lo = *hi = NAN;
    if (there) sort_by_group(group, n, groups, first, of);
    for (int i = 0; i < rounds && there; i++) {
        size_t taken = 0;
        for (int32_t j = 0; j < groups && there; j++) {
            const double u = ken_uniform(seed, name, sizeof name - 1, (uint32_t)i, (uint32_t)j, 0);
            const int32_t g = (int32_t)(u * groups);
            there = take_group(&row, &cap, &taken, of + first[g], first[g + 1] - first[g]);
        }
        const double x = there ? f(ctx, row, taken) : NAN;
        if (!isnan(x)) value[known++] = x;
    }
    if (there) {
        qsort(value, known, sizeof *value, by_value);
        *lo = percentile(value, known, 0.025);
        *hi = percentile(value, known, 0.975);
    }
    ken_free(first);
    ken_free(of);
    ken_free(row);
    ken_free(value);
    return there ? 0 : -1;
}
