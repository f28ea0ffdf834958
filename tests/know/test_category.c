/* test_category.c - the arithmetic of labels against scipy (fixtures/know/category.tsv), brute force over subsets, and the
 * numbers that docs/method/knowledge.md#examples and #hk-again print. */
#include "base/rng.h"
#include "know/category.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 10, C = 16 };

static bool near(double a, double b, double tolerance)
{
    if (fabs(a - b) <= tolerance) return true;
    fprintf(stderr, "found %.17g, expected %.17g within %g\n", a, b, tolerance);
    return false;
}

static void against_scipy(void **state)
{
    (void)state;
    FILE *f = fopen(KEN_FIXTURES "/know/category.tsv", "r");
    assert_non_null(f);
    char line[256];
    int n_lines = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        int n, k, g;
        double p, u, want;
        n_lines++;
        if (sscanf(line, "draw %d %la %la %d", &n, &p, &u, &k) == 4) {
            if (ken_binomial_draw(n, p, u) != k) fail_msg("%s found %d", line, ken_binomial_draw(n, p, u));
        } else if (sscanf(line, "again %d %d %lf", &g, &n, &want) == 3) {
            assert_true(near(ken_prob_hk_again(g, n), want, 1e-12 * want + 1e-300));
        } else if (sscanf(line, "miss %la %d %d %lf", &p, &k, &n, &want) == 4) {
            ken_knowledge x;
            bool hit[N] = {false};
            double at[N];
            int hits[N];
            for (int i = 0; i < N; i++) at[i] = p;
            ken_categorize_exact(&x, hit, at, at, n, k, 0, "", hits);
            assert_true(near(x.p_unknown, want, 1e-12 * want));
        } else assert_int_equal(line[0], '#');
    }
    fclose(f);
    assert_true(n_lines > 900);
}

/* The defining property, and the order that "unsettled" rests on. */
static void draw_is_monotone(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < 40000; t++) {
        double u = ken_uniform(1, "u", 1, t, 0, 0), p = ken_uniform(1, "p", 1, t, 0, 0),
               r = ken_uniform(1, "r", 1, t, 0, 0);
        if (t % 3 == 0) p = pow(p, 8);
        if (t % 3 == 1) p = 1 - pow(p, 8);
        double p2 = p + (1 - p) * pow(r, 12), u2 = u + (1 - u) * pow(r, 12);
        if (t % 5 == 0) p2 = nextafter(p, 1), u2 = nextafter(u, 1);
        int n = (int)(t % 4 == 0 ? 100 : C), k = ken_binomial_draw(n, p, u);
        assert_in_range(k, 0, n);
        assert_true(k <= ken_binomial_draw(n, p2, u));
        assert_true(u2 >= 1 || k <= ken_binomial_draw(n, p, u2));
    }
    /* s = 0 iff u < (1-p)^16, one step to either side of the jump */
    for (double p = 1e-6; p < 0.9; p *= 1.7) {
        double jump = exp(C * log1p(-p));
        assert_int_equal(ken_binomial_draw(C, p, jump * (1 - 1e-14)), 0);
        assert_true(ken_binomial_draw(C, p, jump * (1 + 1e-14)) > 0);
    }
}

static void draw_at_the_edges(void **state)
{
    (void)state;
    double last = 1 - 0x1p-53;
    assert_int_equal(ken_binomial_draw(C, 0.0, last), 0);
    assert_int_equal(ken_binomial_draw(C, 1.0, 0.0), C);
    assert_int_equal(ken_binomial_draw(C, -1e-18, last), 0); /* rounding of a sum may pass the ends */
    assert_int_equal(ken_binomial_draw(C, 1 + 1e-15, 0.0), C);
    assert_int_equal(ken_binomial_draw(C, NAN, 0.5), 0);
    assert_int_equal(ken_binomial_draw(0, 0.5, 0.5), 0);
    assert_int_equal(ken_binomial_draw(C, 0.5, 0.0), 0);
    assert_int_equal(ken_binomial_draw(C, 5e-324, last), 0);
    /* sizes at which (1-p)^n is no number any more: the median still stands where it should */
    assert_int_equal(ken_binomial_draw(20000, 0.5, 0.5), 10000);
    assert_in_range(ken_binomial_draw(60000, 0.7, 0.5), 41990, 42010);
    assert_in_range(ken_binomial_draw(60000, 0.3, 0.5), 17990, 18010);
}

static void draw_has_the_right_law(void **state)
{
    (void)state;
    double sum = 0, sq = 0;
    enum { DRAWS = 20000 };
    for (uint32_t t = 0; t < DRAWS; t++) {
        double s = ken_binomial_draw(C, 0.13, ken_uniform(3, "law", 3, t, 0, 0));
        sum += s;
        sq += s * s;
    }
    double mean = sum / DRAWS, var = sq / DRAWS - mean * mean;
    assert_true(near(mean, C * 0.13, 5 * sqrt(C * 0.13 * 0.87 / DRAWS)));
    assert_true(near(var, C * 0.13 * 0.87, 0.1));
}

static void fill(double *lo, double *hi, double a, double b)
{
    for (int i = 0; i < N; i++) lo[i] = a, hi[i] = b;
}

/* docs/method/knowledge.md#examples: p_i = 0.001 for ten prompts, g = 0: P_U = 0.852, flip 0.148 / 0.852, disagreement 0.252. */
static void numbers_worked_by_hand(void **state)
{
    (void)state;
    bool hit[N] = {false};
    double lo[N], hi[N];
    int hits[N], unknown = 0, weakly = 0;
    fill(lo, hi, 0.001, 0.001);
    for (int t = 0; t < 4000; t++) {
        char id[24];
        ken_knowledge k;
        snprintf(id, sizeof id, "P36/test/%d", t);
        ken_categorize_exact(&k, hit, lo, hi, N, C, 0, id, hits);
        assert_true(near(k.p_unknown, 0.852, 5e-4));
        assert_int_equal(k.category_mode, KEN_UNKNOWN);
        assert_false(k.unsettled);
        if (k.category == KEN_UNKNOWN) unknown++, assert_true(near(k.p_flip, 0.148, 5e-4));
        else weakly++, assert_int_equal(k.category, KEN_WEAKLY_KNOWN), assert_true(near(k.p_flip, 0.852, 5e-4));
        assert_true(near(2 * k.p_unknown * (1 - k.p_unknown), 0.252, 5e-4));
        assert_int_equal(k.category == KEN_UNKNOWN, k.sample_hits == 0);
    }
    assert_true(near(unknown / 4000.0, 0.852, 5 * sqrt(0.852 * 0.148 / 4000)));
    assert_int_equal(unknown + weakly, 4000);
    assert_true(near(ken_prob_hk_again(10, 10), 0.71, 0.005));
    /* 5.2: p = 0.5 % is called Unknown 45 % of the time, 1 % 20 %, 2 % 4 % */
    static const double at[][2] = {{0.005, 0.45}, {0.01, 0.20}, {0.02, 0.04}};
    for (int i = 0; i < 3; i++) {
        ken_knowledge k;
        fill(lo, hi, at[i][0], at[i][0]);
        ken_categorize_exact(&k, hit, lo, hi, N, C, 0, "", hits);
        assert_true(near(k.p_unknown, at[i][1], 0.006));
    }
}

static void labels_by_greedy_hits(void **state)
{
    (void)state;
    double lo[N], hi[N];
    int hits[N];
    fill(lo, hi, 0.2, 0.4);
    for (int g = 0; g <= N; g++) {
        bool hit[N];
        ken_knowledge k;
        for (int i = 0; i < N; i++) hit[i] = i < g;
        ken_categorize_exact(&k, hit, lo, hi, N, C, 0, "x", hits);
        int want = g == N ? KEN_HIGHLY_KNOWN : g > 0 ? KEN_MAYBE_KNOWN : KEN_WEAKLY_KNOWN;
        assert_int_equal(k.category, want);
        assert_int_equal(k.category_mode, want);
        assert_int_equal(k.greedy_hits, g);
        assert_int_equal(k.samples, 160);
        assert_true(near(k.p_t0, g / 10.0, 1e-15));
        assert_true(near(k.p_t, 0.3, 1e-15) && near(k.p_t_lo, 0.2, 1e-15) && near(k.p_t_hi, 0.4, 1e-15));
        assert_true(k.p_unknown_lo <= k.p_unknown && k.p_unknown <= k.p_unknown_hi);
        if (g > 0) assert_true(k.p_flip == 0.0);
    }
}

static void certain_ends(void **state)
{
    (void)state;
    bool hit[N] = {false};
    double lo[N], hi[N];
    int hits[N];
    ken_knowledge k;
    fill(lo, hi, 0, 0);
    ken_categorize_exact(&k, hit, lo, hi, N, C, 0, "x", hits);
    assert_int_equal(k.category, KEN_UNKNOWN);
    assert_true(k.p_unknown == 1.0 && k.p_flip == 0.0 && k.p_t == 0.0);
    fill(lo, hi, 1, 1);
    ken_categorize_exact(&k, hit, lo, hi, N, C, 0, "x", hits);
    assert_int_equal(k.category, KEN_WEAKLY_KNOWN);
    assert_int_equal(k.sample_hits, 160);
    assert_true(k.p_unknown == 0.0 && k.p_flip == 0.0 && k.p_t == 1.0);
    ken_categorize_exact(&k, hit, lo, hi, N, 0, 0, "x", hits); /* greedy only: nothing can hit, nothing is NaN */
    assert_int_equal(k.category, KEN_UNKNOWN);
    assert_true(k.p_unknown == 1.0);
}

static void unsettled_means_the_ends_disagree(void **state)
{
    (void)state;
    bool hit[N] = {false};
    double lo[N], hi[N];
    int hits[N], n_unsettled = 0;
    for (int t = 0; t < 3000; t++) {
        char id[16];
        ken_knowledge k;
        int a = 0, b = 0;
        snprintf(id, sizeof id, "%d", t);
        fill(lo, hi, 0.0005, 0.003);
        ken_categorize_exact(&k, hit, lo, hi, N, C, 9, id, hits);
        for (int i = 0; i < N; i++) {
            double u = ken_uniform(9, id, strlen(id), (uint32_t)i, 0, 0);
            int s = ken_binomial_draw(C, 0.00175, u);
            a += ken_binomial_draw(C, lo[i], u);
            b += ken_binomial_draw(C, hi[i], u);
            assert_int_equal(hits[i], s);
            assert_in_range(s, ken_binomial_draw(C, lo[i], u), ken_binomial_draw(C, hi[i], u));
        }
        assert_int_equal(k.unsettled, (a > 0) != (b > 0));
        n_unsettled += k.unsettled;
        hit[3] = true; /* a greedy hit settles everything */
        ken_categorize_exact(&k, hit, lo, hi, N, C, 9, id, hits);
        assert_false(k.unsettled);
        hit[3] = false;
    }
    double p = exp(160 * log1p(-0.0005)) - exp(160 * log1p(-0.003)); /* miss at lo, hit at hi */
    assert_true(near(n_unsettled / 3000.0, p, 5 * sqrt(p * (1 - p) / 3000)));
}

static void draws_depend_on_seed_and_row_only(void **state)
{
    (void)state;
    bool hit[N] = {false};
    double lo[N], hi[N];
    int a[N], b[N], c[N], d[N];
    ken_knowledge k;
    fill(lo, hi, 0.5, 0.5);
    ken_categorize_exact(&k, hit, lo, hi, N, C, 1, "P36/test/12", a);
    ken_categorize_exact(&k, hit, lo, hi, N, C, 1, "P36/test/12", b);
    ken_categorize_exact(&k, hit, lo, hi, N, C, 2, "P36/test/12", c);
    ken_categorize_exact(&k, hit, lo, hi, N, C, 1, "P36/test/13", d);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    assert_memory_not_equal(a, d, sizeof a);
}

static void sampled_method(void **state)
{
    (void)state;
    static const struct {
        int g, hits[N], category;
        double p_t, p_unknown;
    } cases[] = {
        {0, {0}, KEN_UNKNOWN, 0, 1},
        {0, {1}, KEN_WEAKLY_KNOWN, 1 / 160.0, 0.35607412}, /* (15/16)^16 */
        {0, {16}, KEN_WEAKLY_KNOWN, 0.1, 0},
        {3, {0}, KEN_MAYBE_KNOWN, 0, 1}, /* greedy hits decide, however the samples fell */
        {10, {16, 16, 16, 16, 16, 16, 16, 16, 16, 16}, KEN_HIGHLY_KNOWN, 1, 0},
    };
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        bool hit[N];
        ken_knowledge k;
        for (int i = 0; i < N; i++) hit[i] = i < cases[t].g;
        ken_categorize_sampled(&k, hit, cases[t].hits, N, C);
        assert_int_equal(k.category, cases[t].category);
        assert_true(near(k.p_t, cases[t].p_t, 1e-15));
        assert_true(k.p_t_lo == k.p_t && k.p_t_hi == k.p_t);
        assert_true(near(k.p_unknown, cases[t].p_unknown, 1e-7));
        assert_false(k.unsettled);
    }
}

/* docs/method/knowledge.md#curve in closed form against the definition: all subsets of the ten prompts, one after another. */
static void saturation_against_all_subsets(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < 30; t++) {
        bool hit[N];
        double p[N];
        for (uint32_t i = 0; i < N; i++) {
            hit[i] = ken_uniform(4, "hit", 3, t, i, 0) < t / 30.0;
            p[i] = pow(ken_uniform(4, "p", 1, t, i, 0), 1 + t % 7);
            if (t % 11 == 3) p[i] = 1;
            if (t % 11 == 5) p[i] = 0;
        }
        for (int n = 1; n <= N; n++) {
            for (int c = 0; c <= 64; c = c * 4 + (c == 0)) {
                double sum[4] = {0}, subsets = 0, got[4];
                for (unsigned set = 0; set < 1u << N; set++) {
                    if (__builtin_popcount(set) != n) continue;
                    int g = 0;
                    double miss = 1;
                    for (int i = 0; i < N; i++) {
                        if (!(set >> i & 1)) continue;
                        g += hit[i];
                        miss *= pow(1 - p[i], c);
                    }
                    subsets++;
                    if (g == n) sum[KEN_HIGHLY_KNOWN]++;
                    else if (g > 0) sum[KEN_MAYBE_KNOWN]++;
                    else sum[KEN_UNKNOWN] += miss, sum[KEN_WEAKLY_KNOWN] += 1 - miss;
                }
                assert_int_equal(ken_saturation(hit, p, N, n, c, got, NULL), KEN_OK);
                for (int j = 0; j < 4; j++) assert_true(near(got[j], sum[j] / subsets, 1e-12) && got[j] >= 0);
            }
        }
    }
}

static void saturation_at_full_budget_is_the_label(void **state)
{
    (void)state;
    bool hit[N] = {false};
    double p[N], q[N], got[4];
    int hits[N];
    ken_knowledge k;
    fill(p, q, 0.01, 0.01);
    ken_categorize_exact(&k, hit, p, p, N, C, 0, "x", hits);
    assert_int_equal(ken_saturation(hit, p, N, N, C, got, NULL), KEN_OK);
    assert_true(near(got[KEN_UNKNOWN], k.p_unknown, 1e-14));
    hit[0] = true;
    assert_int_equal(ken_saturation(hit, p, N, N, C, got, NULL), KEN_OK);
    assert_true(got[KEN_MAYBE_KNOWN] == 1.0);
}

static void saturation_refuses_nonsense(void **state)
{
    (void)state;
    static const int bad[][3] = {{0, 1, 16}, {10, 0, 16}, {10, 11, 16}, {10, 5, -1}, {257, 5, 16}, {-1, -1, 16}};
    bool hit[N] = {false};
    double p[N] = {0}, got[4];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ken_err err = {0};
        assert_int_equal(ken_saturation(hit, p, bad[i][0], bad[i][1], bad[i][2], got, &err), KEN_EUSAGE);
        assert_non_null(strstr(err.msg, "expected 1 <= n <= prompts"));
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(ken_category_name(KEN_HIGHLY_KNOWN), "HighlyKnown");
    assert_string_equal(ken_category_name(KEN_UNKNOWN), "Unknown");
    assert_string_equal(ken_category_name(KEN_UNLABELLED), "unlabelled");
    assert_string_equal(ken_category_name(-1), "unlabelled");
    assert_string_equal(ken_category_name(5), "unlabelled");
    assert_string_equal(ken_flag_name(0), "ambiguous");
    assert_string_equal(ken_flag_name(6), "gold_has_stop");
    assert_string_equal(ken_flag_name(12), "guess");
    assert_null(ken_flag_name(13));
    assert_null(ken_flag_name(-1));
    for (int i = 0; ken_flag_name(i) != NULL; i++)
        for (int j = 0; j < i; j++) assert_string_not_equal(ken_flag_name(i), ken_flag_name(j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_scipy),
        cmocka_unit_test(draw_is_monotone),
        cmocka_unit_test(draw_at_the_edges),
        cmocka_unit_test(draw_has_the_right_law),
        cmocka_unit_test(numbers_worked_by_hand),
        cmocka_unit_test(labels_by_greedy_hits),
        cmocka_unit_test(certain_ends),
        cmocka_unit_test(unsettled_means_the_ends_disagree),
        cmocka_unit_test(draws_depend_on_seed_and_row_only),
        cmocka_unit_test(sampled_method),
        cmocka_unit_test(saturation_against_all_subsets),
        cmocka_unit_test(saturation_at_full_budget_is_the_label),
        cmocka_unit_test(saturation_refuses_nonsense),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
