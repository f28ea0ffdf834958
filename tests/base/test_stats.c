/* test_stats.c - the statistics against scipy and statsmodels (fixtures/base/stats.tsv), and what they say where those say nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/stats.h"

enum { MAX_NUMBERS = 128 };

static void assert_near(double got, double want, double relative, const char *what, int line)
{
    if (fabs(got - want) <= relative * fabs(want) + 1e-15) return;
    fail_msg("stats.tsv:%d: %s is %.17g; expected %.17g", line, what, got, want);
}

static void paired_line(const double *x, int line)
{
    ken_paired p = {0};
    double lo, hi, test;
    for (int i = 0; i < (int)x[0]; i++) ken_paired_add(&p, x[5 + 2 * i], x[6 + 2 * i]);
    ken_paired_test(&p, &lo, &hi, &test);
    assert_near(p.mean, x[1], 1e-12, "mean", line);
    assert_near(lo, x[2], 1e-10, "lo", line);
    assert_near(hi, x[3], 1e-10, "hi", line);
    assert_near(test, x[4], 1e-10, "p", line);
}

static void kappa_line(const double *x, int n_numbers, int line)
{
    uint64_t counts[MAX_NUMBERS];
    double lo, hi;
    for (int i = 4; i < n_numbers; i++) counts[i - 4] = (uint64_t)x[i];
    assert_near(ken_kappa(counts, (size_t)x[0], &lo, &hi), x[1], 1e-12, "kappa", line);
    assert_near(lo, x[2], 1e-10, "lo", line);
    assert_near(hi, x[3], 1e-10, "hi", line);
}

static void as_the_reference_says(void **state)
{
    (void)state;
    FILE *f = fopen(KEN_FIXTURES "/base/stats.tsv", "r");
    char line[4096];
    int number = 0, cases = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        number++;
        if (line[0] == '#') continue;
        double x[MAX_NUMBERS] = {0}, lo, hi;
        int n = 0;
        char *end = strchr(line, '\t');
        assert_non_null(end);
        *end++ = '\0';
        for (char *at = end; n < MAX_NUMBERS && *at != '\n' && *at != '\0'; at = end) x[n++] = strtod(at, &end);
        cases++;
        if (strcmp(line, "wilson") == 0) {
            ken_wilson((uint64_t)x[0], (uint64_t)x[1], &lo, &hi);
            assert_near(lo, x[2], 1e-9, "lo", number); /* 1 of 100,000: the centre minus nearly itself */
            assert_near(hi, x[3], 1e-12, "hi", number);
        } else if (strcmp(line, "mcnemar") == 0) {
            assert_near(ken_mcnemar((uint64_t)x[0], (uint64_t)x[1]), x[2], 1e-10, "p", number);
        } else if (strcmp(line, "t") == 0) {
            assert_near(ken_t_two_sided(x[1], x[0]), x[2], 1e-11, "p", number);
            assert_near(ken_t_two_sided(-x[1], x[0]), x[2], 1e-11, "p", number);
        } else if (strcmp(line, "t95") == 0) {
            assert_near(ken_t_95(x[0]), x[1], 1e-10, "t", number);
        } else if (strcmp(line, "paired") == 0) {
            paired_line(x, number);
        } else {
            assert_string_equal(line, "kappa");
            kappa_line(x, n, number);
        }
    }
    fclose(f);
    assert_true(cases > 150);
}

/* Whole numbers give Wilson's interval; in between, the two equations that define it: (p - x)^2 = z^2 x (1 - x) / n at both ends. */
static void effective_numbers(void **state)
{
    (void)state;
    const double z = 1.959963984540054;
    for (int n = 1; n < 60; n += 7)
        for (int k = 0; k <= n; k++) {
            double lo, hi, lo_whole, hi_whole;
            ken_wilson_effective(k, n, &lo, &hi);
            ken_wilson((uint64_t)k, (uint64_t)n, &lo_whole, &hi_whole);
            assert_true(lo == lo_whole && hi == hi_whole);
            if (k == n) continue;
            double m = n + 0.37, p = (k + 0.21) / m;
            ken_wilson_effective(k + 0.21, m, &lo, &hi);
            assert_true(lo < p && p < hi);
            assert_true(fabs((p - lo) * (p - lo) - z * z * lo * (1 - lo) / m) < 1e-14);
            assert_true(fabs((p - hi) * (p - hi) - z * z * hi * (1 - hi) / m) < 1e-14);
        }
}

static void nothing_to_count(void **state)
{
    (void)state;
    double lo, hi, p;
    ken_wilson(0, 0, &lo, &hi);
    assert_true(lo == 0 && hi == 1);
    assert_true(ken_mcnemar(0, 0) == 1);
    assert_true(isnan(ken_t_two_sided(1, 0)) && isnan(ken_t_two_sided(NAN, 3)) && isnan(ken_t_95(-1)));
    assert_true(ken_t_two_sided(INFINITY, 3) == 0 && ken_t_two_sided(0, 3) == 1);
    assert_true(ken_t_two_sided(1e200, 3) < 1e-300);
    assert_true(fabs(ken_t_two_sided(1.959963984540054, INFINITY) - 0.05) < 1e-14);

    ken_wilson_effective(0, 0, &lo, &hi);
    assert_true(lo == 0 && hi == 1);
    ken_wilson_effective(NAN, NAN, &lo, &hi);
    assert_true(lo == 0 && hi == 1);

    ken_paired one = {0};
    ken_paired_test(&one, &lo, &hi, &p);
    assert_true(isnan(lo) && isnan(hi) && isnan(p));
    ken_paired_add(&one, 0.25, 0.5);
    ken_paired_test(&one, &lo, &hi, &p);
    assert_true(isnan(lo) && isnan(p) && one.mean == 0.25);
    ken_paired_add(&one, 0.5, 0.75); /* all changed alike: sure of the change */
    ken_paired_test(&one, &lo, &hi, &p);
    assert_true(lo == 0.25 && hi == 0.25 && p == 0);
    ken_paired same = {0};
    for (int i = 0; i < 3; i++) ken_paired_add(&same, 0.5, 0.5);
    ken_paired_test(&same, &lo, &hi, &p);
    assert_true(lo == 0 && hi == 0 && p == 1);

    static const uint64_t none[4] = {0}, one_category[4] = {9};
    assert_true(isnan(ken_kappa(none, 2, &lo, &hi)) && isnan(lo) && isnan(hi));
    assert_true(isnan(ken_kappa(one_category, 2, &lo, &hi)));
    assert_true(isnan(ken_kappa(none, 0, &lo, &hi)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_reference_says), cmocka_unit_test(effective_numbers),
                                       cmocka_unit_test(nothing_to_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
