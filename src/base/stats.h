/* stats.h - the few statistics that the reports rest on. Pure arithmetic, double precision; checked against scipy. */
#ifndef KEN_BASE_STATS_H
#define KEN_BASE_STATS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Wilson score interval of k of n at 95 %; n = 0 gives [0, 1]. */
void ken_wilson(uint64_t k, uint64_t n, double *lo, double *hi);
/* The same where n is an effective number, and neither need be whole: 0 <= k <= n. */
void ken_wilson_effective(double k, double n, double *lo, double *hi);
/* Exact McNemar test: of lost + gained changes each was as likely one as the other. Two-sided p. */
double ken_mcnemar(uint64_t lost, uint64_t gained);
/* Student's t: P(|T| > t) with df degrees of freedom, and the t with P(|T| > t) = 0.05. df > 0, need not be whole. */
double ken_t_two_sided(double t, double df);
double ken_t_95(double df);

/* Mean of paired differences, added one at a time (Welford). */
typedef struct ken_paired {
    uint64_t n;
    double mean, m2;
} ken_paired;
void ken_paired_add(ken_paired *p, double before, double after);
/* 95 % interval of the mean change, and the two-sided p of "no change"; NaN with fewer than two rows. */
void ken_paired_test(const ken_paired *p, double *lo, double *hi, double *p_value);

/* x in so many parts by rank: 1 (the smallest) to `parts`; equal values stay together, NaN is 0. part (n). 0, or -1 when out of memory. */
int ken_quantiles(const double *x, size_t n, uint8_t parts, uint8_t *part);
static inline int ken_quartiles(const double *x, size_t n, uint8_t *quartile)
{
    return ken_quantiles(x, n, 4, quartile);
}

/* ---- of samples (stats_samples.c); those that return an int: 0, or -1 when out of memory ---- */

/* Mean of x (n), its population standard deviation, and the 95 % t interval of the mean; NaN with fewer than two (of none, all are). */
void ken_mean_interval(const double *x, size_t n, double *mean, double *sd, double *lo, double *hi);
/* Spearman's rank correlation of x and y (n), equal values having the mean of their ranks. NaN when one of them is constant or holds a NaN. */
int ken_spearman(const double *x, const double *y, size_t n, double *rho);
/* The probability that a positive has a higher score than another one, ties counting half. NaN without either kind, or with a NaN. */
int ken_auroc(const double *score, const bool *positive, size_t n, double *auroc);

/* A statistic of the rows row (n), where a row may come several times. */
typedef double (*ken_statistic_fn)(void *ctx, const size_t *row, size_t n);
/* 95 % percentile interval of a statistic, by drawing whole groups with replacement: rows of one group (a subject) depend on each other. group
 * (n): 0..groups-1. Draw j of round i is a function of seed, i and j. Rounds whose statistic is NaN are left out; all of them: NaN. */
int ken_bootstrap(const int32_t *group, size_t n, int32_t groups, int rounds, uint64_t seed, ken_statistic_fn f,
                  void *ctx, double *lo, double *hi);

/* Cohen's kappa of a table counts (n x n, row = first rater), with its 95 % interval (Fleiss, Cohen & Everitt 1969). NaN when it is
 * not defined. */
double ken_kappa(const uint64_t *counts, size_t n, double *lo, double *hi);
#endif
