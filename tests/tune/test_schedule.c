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
    char line[200], kind[16], hex[40], warmup[24];
    int rates = 0, shares = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        long steps, warm, step, percent;
        ken_schedule s;
        if (sscanf(line, "rate %15s %ld %ld %ld %39s", kind, &steps, &warm, &step, hex) == 5) {
            snprintf(warmup, sizeof warmup, "%ld", warm);
            assert_int_equal(ken_schedule_parse(&s, kind, 1.0, warmup, steps, NULL), KEN_OK);
            double want = strtod(hex, NULL), got = ken_schedule_lr(&s, step);
            if (fabs(got - want) > 1e-15) fail_msg("%s: %.17g, expected %.17g", line, got, want);
            rates++;
        } else if (sscanf(line, "share %ld %ld %ld", &percent, &steps, &warm) == 3) {
            snprintf(warmup, sizeof warmup, "%ld%%", percent);
            assert_int_equal(ken_schedule_parse(&s, "constant", 1.0, warmup, steps, NULL), KEN_OK);
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
    assert_int_equal(ken_schedule_parse(&s, "linear", 2e-5, "0", 4, NULL), KEN_OK);
    assert_true(ken_schedule_lr(&s, 2) == 2e-5 * 0.5);
    assert_true(ken_schedule_lr(&s, 99) == 0.0); /* past the end: never below 0 */
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *warmup, *says;
        double lr;
    } bad[] = {
        {"sine", "3%", "`schedule`", 1},    {"constant", "", "`warmup`", 1},     {"constant", "3%%", "`warmup`", 1},
        {"constant", "-1", "`warmup`", 1},  {"constant", "101%", "`warmup`", 1}, {"constant", "1.5", "`warmup`", 1},
        {"constant", "nan", "`warmup`", 1}, {"constant", "1e30", "`warmup`", 1}, {"constant", "3%", "`lr`", 0},
        {"constant", "3%", "`lr`", -1},     {"constant", "3%", "`lr`", NAN},     {"constant", "3%", "`lr`", INFINITY},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ken_schedule s;
        ken_err err = {0};
        assert_int_equal(ken_schedule_parse(&s, bad[i].kind, bad[i].lr, bad[i].warmup, 10, &err), KEN_EUSAGE);
        assert_non_null(strstr(err.msg, bad[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_transformers), cmocka_unit_test(the_peak_scales),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
