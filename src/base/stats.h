/* stats.h - the few statistics that the reports rest on. Pure arithmetic, double precision; checked against scipy. */
#ifndef KEN_BASE_STATS_H
#define KEN_BASE_STATS_H
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

/* Cohen's kappa of a table counts (n x n, row = first rater), with its 95 % interval (Fleiss, Cohen & Everitt 1969). NaN when it is
 * not defined. */
double ken_kappa(const uint64_t *counts, size_t n, double *lo, double *hi);
#endif
