/* stats.c - see stats.h.
 *
 * The one function with something hard in it is Student's t, whose tail is a regularised incomplete beta function: a series near zero, a
 * continued fraction further out. The factor before them is a ratio of gamma functions; as a difference of lgamma it would lose a digit
 * for every tenfold df, so that for larger df it comes from its own series. */
#include "base/stats.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>

#define Z95 1.959963984540054 /* the normal distribution's 97.5 % point */

void ken_wilson_effective(double k, double n, double *lo, double *hi)
{
    *lo = 0.0;
    *hi = 1.0;
    if (!(n > 0.0)) return;
    const double z = Z95;
    double p = k / n;
    double middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    double half = z * sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n)) / (1.0 + z * z / n);
    *lo = k <= 0.0 ? 0.0 : fmax(0.0, middle - half);
    *hi = k >= n ? 1.0 : fmin(1.0, middle + half);
}

void ken_wilson(uint64_t k, uint64_t n, double *lo, double *hi) { ken_wilson_effective((double)k, (double)n, lo, hi); }

/* Twice the smaller tail of a binomial with one half, at most 1. Terms are added from the largest down; only the first is a logarithm, so
 * that nothing overflows. */
double ken_mcnemar(uint64_t lost, uint64_t gained)
{
    uint64_t n = lost + gained, k = lost < gained ? lost : gained;
    if (lost == gained) return 1.0;
    double log_term =
        lgamma((double)n + 1.0) - lgamma((double)k + 1.0) - lgamma((double)(n - k) + 1.0) - (double)n * log(2.0);
    double sum = 1.0, term = 1.0; /* relative to the term of k */
    for (uint64_t i = k; i > 0 && term > 1e-18; i--) {
        term *= (double)i / (double)(n - i + 1);
        sum += term;
    }
    return fmin(1.0, 2.0 * exp(log_term) * sum);
}

/* ---- Student's t ---------------------------------------------------------------------------------------------------- */

/* log(Gamma(a + 1/2) / Gamma(a)) */
static double log_gamma_half(double a)
{
    if (a < 20.0) return lgamma(a + 0.5) - lgamma(a);
    double r = 1.0 / a, r2 = r * r; /* the next term, 31/18432 r^9, is below 4e-15 */
    return 0.5 * log(a) + r * (-1.0 / 8 + r2 * (1.0 / 192 + r2 * (-1.0 / 640 + r2 * 17.0 / 14336)));
}

/* sum over n of (a + 1/2)_n / (3/2)_n y^n (NIST DLMF 8.17.8): all terms positive, few of them while a y is small */
static double near_zero(double a, double y)
{
    double sum = 1.0, term = 1.0;
    for (int n = 0; n < 10000 && term > 1e-17 * sum; n++) sum += term *= (a + 0.5 + n) / (1.5 + n) * y;
    return sum;
}

/* The continued fraction 1/(1 + d1/(1 + d2/(1 + ...))) of I_x(a, 1/2) (DLMF 8.17.22), two of its terms at a time:
 * 1/(t0 - d1 d2/(t1 - d3 d4/(t2 - ...))) with t_m = 1 + d_2m + d_2m+1. For large a that 1 and d_2m+1 nearly cancel, so their sum is
 * worked out from y = 1 - x, which has all its digits. Evaluated by the modified Lentz method. */
static double tail_fraction(double a, double x, double y)
{
    const double b = 0.5, tiny = 1e-300;
    double c = tiny, d = 0.0, f = tiny, odd = 0.0;
    for (int m = 0; m < 100000; m++) {
        double below = (a + 2 * m) * (a + 2 * m + 1);
        double even = m == 0 ? 0.0 : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double t = even + (a * (2 * m + 1 - b) + m * (3 * m + 2 - b) + y * (a + m) * (a + b + m)) / below;
        double top = m == 0 ? 1.0 : -odd * even;
        d = t + top * d;
        c = t + top / c;
        d = 1.0 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        f = f * c * d; /* in this order: c begins at 1/tiny */
        odd = -(a + m) * (a + b + m) * x / below;
        if (m > 0 && fabs(c * d - 1.0) < 1e-15) break;
    }
    return f;
}

/* P(|T| > t) = I_x(df/2, 1/2), x = df / (df + t^2) */
double ken_t_two_sided(double t, double df)
{
    if (isnan(t) || isnan(df) || df <= 0) return NAN;
    t = fabs(t);
    if (t == 0) return 1.0;
    if (isinf(df)) return erfc(t / sqrt(2.0));
    double a = df / 2, u = t / df * t;
    if (isinf(u)) return 0.0;
    double x = 1.0 / (1.0 + u), y = u / (1.0 + u);
    double front = exp(log_gamma_half(a) - a * log1p(u)) * sqrt(y / M_PI); /* x^a y^(1/2) / B(a, 1/2) */
    double p = t * t < 3 ? 1.0 - 2.0 * front * near_zero(a, y) : front / a * tail_fraction(a, x, y);
    return fmin(1.0, fmax(0.0, p));
}

double ken_t_95(double df)
{
    if (isnan(df) || df <= 0) return NAN;
    double lo = 0.0, hi = 345.0; /* of log t: from 1 to 1e150; the answer is never below 1.96 */
    for (int i = 0; i < 80; i++) {
        double middle = (lo + hi) / 2;
        if (ken_t_two_sided(exp(middle), df) > 0.05) lo = middle;
        else hi = middle;
    }
    return exp((lo + hi) / 2);
}

/* ---- pairs ---------------------------------------------------------------------------------------------------------- */

void ken_paired_add(ken_paired *p, double before, double after)
{
    double x = after - before, d = x - p->mean;
    p->n++;
    p->mean += d / (double)p->n;
    p->m2 += d * (x - p->mean);
}

void ken_paired_test(const ken_paired *p, double *lo, double *hi, double *p_value)
{
    *lo = *hi = *p_value = NAN;
    if (p->n < 2) return;
    double df = (double)p->n - 1, se = sqrt(fmax(0.0, p->m2) / df / (double)p->n);
    *lo = *hi = p->mean;
    if (se == 0) { /* all changed alike */
        *p_value = p->mean == 0 ? 1.0 : 0.0;
        return;
    }
    double half = ken_t_95(df) * se;
    *lo -= half;
    *hi += half;
    *p_value = ken_t_two_sided(p->mean / se, df);
}

/* ---- ranks ---------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How many of sorted (n) are smaller than x. */
static size_t smaller(const double *sorted, size_t n, double x)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (sorted[mid] < x) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

int ken_quantiles(const double *x, size_t n, uint8_t parts, uint8_t *part)
{
    double *sorted = ken_alloc(n, sizeof *sorted);
    size_t known = 0;
    if (sorted == NULL) return -1;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) sorted[known++] = x[i];
    qsort(sorted, known, sizeof *sorted, by_value);
    for (size_t i = 0; i < n; i++)
        part[i] = (uint8_t)(known == 0 || isnan(x[i]) ? 0 : 1 + parts * smaller(sorted, known, x[i]) / known);
    ken_free(sorted);
    return 0;
}

/* ---- agreement ------------------------------------------------------------------------------------------------------ */

/* Of a row (from its first count, by = 1) or a column (by = n). */
static double sum_of(const uint64_t *counts, size_t n, size_t by)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += counts[i * by];
    return (double)sum;
}

double ken_kappa(const uint64_t *counts, size_t n, double *lo, double *hi)
{
    double total = 0, agreed = 0, expected = 0; /* the latter two are shares in the end: p_o, p_e */
    *lo = *hi = NAN;
    for (size_t i = 0; i < n; i++) total += sum_of(counts + i * n, n, 1);
    if (total == 0) return NAN;
    for (size_t i = 0; i < n; i++) {
        agreed += (double)counts[i * n + i] / total;
        expected += sum_of(counts + i * n, n, 1) / total * (sum_of(counts + i, n, n) / total);
    }
    if (1.0 - expected < 1e-15) return NAN; /* both always say the same one thing */
    double kappa = (agreed - expected) / (1.0 - expected), off = 1.0 - kappa, a = 0, b = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double p = (double)counts[i * n + j] / total;
            double marginals = (sum_of(counts + i, n, n) + sum_of(counts + j * n, n, 1)) / total;
            if (i == j) a += p * (1.0 - marginals * off) * (1.0 - marginals * off);
            else b += p * marginals * marginals * off * off;
        }
    double c = kappa - expected * off;
    double variance = (a + b - c * c) / ((1.0 - expected) * (1.0 - expected) * total);
    double half = Z95 * sqrt(fmax(0.0, variance));
    *lo = fmax(-1.0, kappa - half);
    *hi = fmin(1.0, kappa + half);
    return kappa;
}
