/* test_stop_rule.c - which measurement is the best, by each rule, against a search over all of them. */
#include "ken.h"
#include "tune/stop_rule.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static ken_stop_rule rule(const char *text)
{
    ken_stop_rule r;
    ken_err err;
    if (ken_stop_rule_parse(&r, text, &err) != KEN_OK) fail_msg("%s", err.msg);
    return r;
}

/* Two tasks of ten rows over five measurements. a is best at 3 (the fourth), b at 1, both together at 2. */
static const uint64_t hits[5][2] = {{1, 2}, {3, 9}, {6, 8}, {8, 1}, {6, 8}};

static int best_of(const char *text)
{
    const ken_stop_rule r = rule(text);
    ken_stop_best b = {0};
    int best = -1;
    for (int i = 0; i < 5; i++) {
        const ken_task_score s[2] = {{"a", hits[i][0], 10}, {"b", hits[i][1], 10}};
        if (ken_stop_rule_better(&r, s, 2, &b)) best = i;
    }
    return best;
}

static void each_rule(void **state)
{
    (void)state;
    assert_int_equal(best_of(NULL), 2);
    assert_int_equal(best_of("dev"), 2);
    assert_int_equal(best_of("task:a"), 3);
    assert_int_equal(best_of("task:b"), 1);
    assert_int_equal(best_of("mean"), 2);
    assert_int_equal(best_of("min-regret"), 2);
}

/* Tasks of very different size: a share counts, not a row. */
static void sizes_do_not_weigh(void **state)
{
    (void)state;
    const ken_task_score first[2] = {{"large", 600, 1000}, {"small", 1, 10}},
                         second[2] = {{"large", 590, 1000}, {"small", 9, 10}};
    const char *const rules[] = {"dev", "mean", "min-regret"};
    for (size_t i = 0; i < 3; i++) {
        const ken_stop_rule r = rule(rules[i]);
        ken_stop_best b = {0};
        assert_true(ken_stop_rule_better(&r, first, 2, &b));
        assert_int_equal(ken_stop_rule_better(&r, second, 2, &b), i > 0);
        assert_false(ken_stop_rule_better(&r, second, 2, &b)); /* the first of equals */
    }
}

/* Against what is known at each moment, the regret of the kept one and of the new one. */
static void regret_of_random_curves(void **state)
{
    (void)state;
    const ken_stop_rule r = rule("min-regret");
    unsigned seed = 7;
    int switched = 0;
    for (int trial = 0; trial < 200; trial++) {
        ken_stop_best b = {0};
        double seen[12][3];
        int kept = 0;
        for (int i = 0; i < 12; i++) {
            ken_task_score s[3];
            static const char *const names[] = {"x", "y", "z"};
            for (int k = 0; k < 3; k++) {
                seed = seed * 1103515245u + 12345u;
                s[k] = (ken_task_score){names[k], seed >> 16 & 31, 31};
                seen[i][k] = (double)s[k].hits / 31;
            }
            double regret[2] = {0, 0};
            for (int k = 0; k < 3; k++) {
                double most = 0;
                for (int q = 0; q <= i; q++) most = fmax(most, seen[q][k]);
                regret[0] = fmax(regret[0], most - seen[kept][k]);
                regret[1] = fmax(regret[1], most - seen[i][k]);
            }
            const bool better = ken_stop_rule_better(&r, s, 3, &b);
            assert_int_equal(better, i == 0 || regret[1] < regret[0] - 1e-9);
            if (better) kept = i;
            switched += better && i > 0;
        }
    }
    assert_true(switched > 100);
}

/* 1 - 2/3 and 1/3 are the same regret, whatever doubles make of them: the first one stays. */
static void equals_are_equal(void **state)
{
    (void)state;
    const ken_stop_rule r = rule("min-regret");
    ken_stop_best b = {0};
    const ken_task_score s[3][2] = {{{"a", 3, 3}, {"b", 1, 3}}, {{"a", 2, 3}, {"b", 2, 3}}, {{"a", 3, 3}, {"b", 1, 3}}};
    assert_true(ken_stop_rule_better(&r, s[0], 2, &b));
    assert_false(ken_stop_rule_better(&r, s[1], 2, &b));
    assert_false(ken_stop_rule_better(&r, s[2], 2, &b));
    const ken_stop_rule mean = rule("mean");
    b = (ken_stop_best){0};
    assert_true(ken_stop_rule_better(&mean, s[0], 2, &b));
    assert_false(ken_stop_rule_better(&mean, s[1], 2, &b));
}

static void scores_of_measures(void **state)
{
    (void)state;
    const ken_measure m[] = {{.set = "dev", .grouping = "all", .key = "", .n = 10, .hits = 6},
                             {.set = "dev", .grouping = "task", .key = "zoo", .n = 3, .hits = 2},
                             {.set = "dev", .grouping = "task", .key = "art", .n = 4, .hits = 1},
                             {.set = "train", .grouping = "task", .key = "art", .n = 9, .hits = 9}};
    ken_task_score s[KEN_STOP_TASKS];
    assert_int_equal(ken_stop_scores(s, m, 4), 3);
    assert_string_equal(s[0].task, "art");
    assert_string_equal(s[1].task, "main");
    assert_true(s[1].hits == 3 && s[1].n == 3);
    assert_string_equal(s[2].task, "zoo");
    assert_int_equal(ken_stop_scores(s, m, 1), 1);
    assert_int_equal(ken_stop_scores(s, m, 0), 0);
    const ken_measure twice[] = {{.set = "dev", .grouping = "all", .key = "", .n = 5, .hits = 5},
                                 {.set = "dev", .grouping = "task", .key = "main", .n = 3, .hits = 3}};
    assert_int_equal(ken_stop_scores(s, twice, 2), 1);
    assert_true(s[0].n == 5 && s[0].hits == 5);
}

static void refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "task:", "worst", "Mean", "task"};
    ken_stop_rule r;
    ken_err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ken_stop_rule_parse(&r, bad[i], &err), KEN_EUSAGE);
        assert_non_null(strstr(err.msg, "`stop_rule`"));
    }
    const ken_task_score s[2] = {{"a", 1, 2}, {"main", 1, 2}};
    r = rule("task:b");
    assert_int_equal(ken_stop_rule_check(&r, s, 2, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "a, main"));
    r = rule("mean");
    assert_int_equal(ken_stop_rule_check(&r, s, 1, &err), KEN_EUSAGE);
    assert_int_equal(ken_stop_rule_check(&r, s, 0, &err), KEN_EUSAGE);
    assert_int_equal(ken_stop_rule_check(&r, s, 2, &err), KEN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),
        cmocka_unit_test(sizes_do_not_weigh),
        cmocka_unit_test(regret_of_random_curves),
        cmocka_unit_test(equals_are_equal),
        cmocka_unit_test(scores_of_measures),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
