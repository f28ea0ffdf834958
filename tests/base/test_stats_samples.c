/* test_stats_samples.c - ranks, means over seeds and resampling against scipy and numpy (fixtures/base/stats_samples.tsv), and where those say nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/stats.h"

enum { MAX_NUMBERS = 160 };

static void assert_near(double got, double want, const char *what, int line)
{
    if (isnan(got) && isnan(want)) return;
    if (fabs(got - want) <= 1e-10 * fabs(want) + 1e-13) return;
    fail_msg("stats_samples.tsv:%d: %s is %.17g; expected %.17g", line, what, got, want);
}

static double mean_of_rows(void *ctx, const size_t *row, size_t n)
{
    const double *x = ctx;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[row[i]];
    return n > 0 ? sum / (double)n : NAN;
}

static void bootstrap_line(double *x, int line)
{
    int32_t group[MAX_NUMBERS];
    const size_t n = (size_t)x[0];
    double lo, hi;
    for (size_t i = 0; i < n; i++) group[i] = (int32_t)x[6 + n + i];
    assert_int_equal(ken_bootstrap(group, n, (int32_t)x[1], (int)x[2], (uint64_t)x[3], mean_of_rows, x + 6, &lo, &hi),
                     0);
    assert_near(lo, x[4], "lo", line);
    assert_near(hi, x[5], "hi", line);
}

static void one_line(const char *kind, double *x, int line)
{
    const size_t n = (size_t)x[0];
    double mean, sd, lo, hi;
    if (strcmp(kind, "mean") == 0) {
        ken_mean_interval(x + 5, n, &mean, &sd, &lo, &hi);
        assert_near(mean, x[1], "mean", line);
        assert_near(sd, x[2], "sd", line);
        assert_near(lo, x[3], "lo", line);
        assert_near(hi, x[4], "hi", line);
    } else if (strcmp(kind, "spearman") == 0) {
        assert_int_equal(ken_spearman(x + 2, x + 2 + n, n, &mean), 0);
        assert_near(mean, x[1], "rho", line);
    } else if (strcmp(kind, "auroc") == 0) {
        bool positive[MAX_NUMBERS];
        for (size_t i = 0; i < n; i++) positive[i] = x[2 + n + i] != 0;
        assert_int_equal(ken_auroc(x + 2, positive, n, &mean), 0);
        assert_near(mean, x[1], "area", line);
    } else {
        assert_string_equal(kind, "bootstrap");
        bootstrap_line(x, line);
    }
}

static void as_the_reference_says(void **state)
{
    (void)state;
    FILE *f = fopen(KEN_FIXTURES "/base/stats_samples.tsv", "r");
    char line[8192];
    int number = 0, cases = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        number++;
        if (line[0] == '#') continue;
        double x[MAX_NUMBERS] = {0};
        int n = 0;
        char *end = strchr(line, '\t');
        assert_non_null(end);
        *end++ = '\0';
        for (char *at = end; n < MAX_NUMBERS && *at != '\n' && *at != '\0'; at = end) x[n++] = strtod(at, &end);
        one_line(line, x, number);
        cases++;
    }
    fclose(f);
    assert_true(cases == 18);
}

static void nothing_to_rank(void **state)
{
    (void)state;
    const double same[3] = {2, 2, 2}, other[3] = {1, 2, 3}, broken[3] = {1, NAN, 3};
    const bool all[3] = {true, true, true}, one[3] = {false, true, false};
    double x = 0, mean, sd, lo, hi;
    assert_int_equal(ken_spearman(same, other, 3, &x), 0);
    assert_true(isnan(x));
    assert_int_equal(ken_spearman(broken, other, 3, &x), 0);
    assert_true(isnan(x));
    assert_int_equal(ken_auroc(other, all, 3, &x), 0);
    assert_true(isnan(x));
    assert_int_equal(ken_auroc(broken, one, 3, &x), 0);
    assert_true(isnan(x));
    assert_int_equal(ken_auroc(same, one, 3, &x), 0);
    assert_true(x == 0.5);
    ken_mean_interval(other, 1, &mean, &sd, &lo, &hi);
    assert_true(mean == 1 && sd == 0 && isnan(lo) && isnan(hi));
    ken_mean_interval(same, 3, &mean, &sd, &lo, &hi);
    assert_true(mean == 2 && sd == 0 && lo == 2 && hi == 2);
    ken_mean_interval(other, 0, &mean, &sd, &lo, &hi);
    assert_true(isnan(mean) && isnan(lo));
}

static double never(void *ctx, const size_t *row, size_t n)
{
    (void)ctx, (void)row, (void)n;
    return NAN;
}

static void nothing_to_resample(void **state)
{
    (void)state;
    const int32_t group[2] = {0, 1};
    double x[2] = {1, 2}, lo, hi;
    assert_int_equal(ken_bootstrap(group, 2, 2, 20, 1, never, x, &lo, &hi), 0);
    assert_true(isnan(lo) && isnan(hi));
    for (long n = 1;; n++) { /* each allocation fails in turn */
        ken_alloc_fail_after(n);
        const int rc = ken_bootstrap(group, 2, 2, 20, 1, mean_of_rows, x, &lo, &hi);
        ken_alloc_fail_after(0);
        if (rc == 0) break;
        assert_true(n < 20);
    }
    assert_true(lo == 1 && hi == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_reference_says), cmocka_unit_test(nothing_to_rank),
                                       cmocka_unit_test(nothing_to_resample)};
    return cmocka_run_group_tests_name("stats of samples", tests, NULL, NULL);
}
