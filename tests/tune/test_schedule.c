/* test_schedule.c - learning rates against transformers (tests/oracles/tune_schedules.py), and what is refused. */
#include "tune/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void as_transformers(void **state)
{
    (void)state;
    FILE *f = fopen(KEN_FIXTURES "/tune/schedules.tsv", "r");
    assert_non_null(f);
    char line[200], kind[16], hex[40];
    ken_train_options o = ken_train_defaults();
    o.lr = 1;
    int rates = 0, shares = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        long steps, warm, step, percent;
        ken_schedule s;
        if (sscanf(line, "rate %15s %ld %ld %ld %39s", kind, &steps, &warm, &step, hex) == 5) {
            o.schedule = ken_word_value(KEN_WORDS_SCHEDULE, kind);
            o.warmup_steps = warm;
            assert_int_equal(ken_schedule_set(&s, &o, steps, NULL), KEN_OK);
            double want = strtod(hex, NULL), got = ken_schedule_lr(&s, step);
            if (fabs(got - want) > 1e-15) fail_msg("%s: %.17g, expected %.17g", line, got, want);
            rates++;
        } else if (sscanf(line, "share %ld %ld %ld", &percent, &steps, &warm) == 3) {
            o.schedule = KEN_SCHEDULE_CONSTANT;
            o.warmup_steps = -1;
            o.warmup_share = (double)percent / 100;
            assert_int_equal(ken_schedule_set(&s, &o, steps, NULL), KEN_OK);
            assert_int_equal(s.warmup, warm);
            shares++;
        }
    }
    fclose(f);
    assert_int_equal(rates, 3 * (1 + 1 + 7 + 7 + 10 + 48 + 5));
    assert_int_equal(shares, 20);
}

static void the_peak_scales(void **state)
{
    (void)state;
    ken_schedule s;
    ken_train_options o = ken_train_defaults();
    o.schedule = KEN_SCHEDULE_LINEAR;
    o.lr = 2e-5;
    o.warmup_steps = 0;
    assert_int_equal(ken_schedule_set(&s, &o, 4, NULL), KEN_OK);
    assert_true(ken_schedule_lr(&s, 2) == 2e-5 * 0.5);
    assert_true(ken_schedule_lr(&s, 99) == 0.0); /* past the end: never below 0 */
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        int kind;
        int64_t steps;
        double share, lr;
        const char *says;
    } bad[] = {
        {3, -1, 0, 1, "`schedule`"},
        {-1, 0, 0, 1, "`schedule`"},
        {0, -2, 0, 1, "`warmup_steps`"},
        {0, INT64_MAX, 0, 1, "`warmup_steps`"},
        {0, -1, 1.01, 1, "warmup_share"},
        {0, -1, -0.1, 1, "warmup_share"},
        {0, -1, NAN, 1, "warmup_share"},
        {0, 0, 0, 0, "`lr`"},
        {0, 0, 0, -1, "`lr`"},
        {0, 0, 0, NAN, "`lr`"},
        {0, 0, 0, INFINITY, "`lr`"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ken_schedule s;
        ken_err err = {0};
        ken_train_options o = ken_train_defaults();
        o.schedule = bad[i].kind;
        o.warmup_steps = bad[i].steps;
        o.warmup_share = bad[i].share;
        o.lr = bad[i].lr;
        assert_int_equal(ken_schedule_set(&s, &o, 10, &err), KEN_EUSAGE);
        if (strstr(err.msg, bad[i].says) == NULL) fail_msg("%zu: %s", i, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_transformers), cmocka_unit_test(the_peak_scales),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
