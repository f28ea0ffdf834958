/* test_rows.c - every row of the published data sets, byte for byte: the C readers against Python's json and csv through the
 * hashes of tests/oracles/data_rows.py. Also the speed that is promised. Needs KEN_TEST_DATA. */
#include "util.h"
#include "base/buf.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static void hash_group(const ken_data *d, const ken_data_group *g, char hex[65])
{
    ken_sha256 *h = ken_sha256_new();
    ken_buf b = {0};
    assert_non_null(h);
    for (size_t i = g->first; i < g->first + g->rows; i++) {
        const ken_example *e = ken_data_get(d, i);
        ken_buf_clear(&b);
        ken_buf_printf(&b, "%s\x1f%s\x1f%s\x1f", e->id, e->subject != NULL ? e->subject : "", e->question);
        for (int j = 0; j < e->n_choices; j++) ken_buf_printf(&b, "%s\x1e", e->choices[j]);
        for (int j = 0; j < e->n_answers; j++) ken_buf_printf(&b, "%s%s", j > 0 ? "\x1e" : "", e->answers[j]);
        ken_buf_putc(&b, '\n');
        ken_sha256_add(h, ken_buf_str(&b), b.len);
    }
    ken_buf_free(&b);
    ken_sha256_hex(h, hex);
}

/* The lines of one set, in order, are exactly the groups of the data. */
static void compare(const char *set, const ken_data *d)
{
    FILE *f = fopen(KEN_FIXTURES "/data/rows.tsv", "r");
    char line[512];
    size_t at = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        char *field[5], *p = line;
        for (int i = 0; i < 5; i++) field[i] = strsep(&p, "\t\n");
        if (field[4] == NULL || strcmp(field[0], set) != 0) continue;
        const ken_data_group *g = ken_data_get_group(d, at++);
        char hex[65], rows[32];
        if (g == NULL) fail_msg("%s: group %s/%s is missing", set, field[1], field[2]);
        snprintf(rows, sizeof rows, "%zu", g->rows);
        hash_group(d, g, hex);
        assert_string_equal(g->relation, field[1]);
        assert_string_equal(g->split, field[2]);
        assert_string_equal(rows, field[3]);
        if (strcmp(hex, field[4]) != 0) fail_msg("%s: rows of %s/%s differ from Python's", set, g->relation, g->split);
    }
    fclose(f);
    assert_true(at > 0);
    assert_int_equal(ken_data_n_groups(d), at);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void test_entityquestions(void **state)
{
    (void)state;
    const char *path = test_data("entityquestions/dataset");
    double start = seconds();
    ken_data *d = data_at(path, NULL);
    double took = seconds() - start;
    compare("eq", d);
    ken_data_free(d);
    print_message("220,703 rows in %.2f s\n", took);
#ifndef KEN_SLOW_BUILD
    assert_true(took < 2.0); /* observed: 0.57 s */
#endif
}

static void test_slick(void **state)
{
    (void)state;
    ken_data_options o = ken_data_defaults();
    o.slick = true;
    ken_data *d = data_at(test_data("entityquestions/dataset"), &o);
    compare("slick", d);
    ken_data_free(d);
}

static void test_popqa(void **state)
{
    (void)state;
    ken_data *d = data_at(test_data("popqa/popqa_union.jsonl"), NULL);
    assert_string_equal(ken_data_format(d), "popqa");
    assert_int_equal(ken_data_count(d), 2855);
    compare("popqa", d);
    const ken_example *e = row_of(d, "composer/0");
    assert_true(e->popularity == 1381);
    ken_data_free(d);
}

static void test_mmlu(void **state)
{
    (void)state;
    static const char *const doors[] = {"mmlu/data/mmlu", "mmlu/data", "mmlu"};
    for (int i = 0; i < 3; i++) {
        ken_data *d = data_at(test_data(doors[i]), NULL);
        assert_string_equal(ken_data_format(d), "mmlu");
        assert_int_equal(ken_data_count(d), 285 + 14042);
        compare("mmlu", d);
        size_t newlines[2] = {0};
        for (size_t r = 0; r < ken_data_count(d); r++) { /* quoted fields hold newlines */
            const ken_example *e = ken_data_get(d, r);
            newlines[strcmp(e->split, "test") == 0] += strchr(e->question, '\n') != NULL;
            assert_true(e->flags & KEN_FLAG_CHOICE);
        }
        assert_int_equal(newlines[0], 32);
        assert_int_equal(newlines[1], 1127);
        assert_int_equal(group_of(d, "high_school_us_history", "test")->rows, 204);
        ken_data_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_entityquestions), cmocka_unit_test(test_slick),
                                       cmocka_unit_test(test_popqa), cmocka_unit_test(test_mmlu)};
    return cmocka_run_group_tests_name("data rows", tests, NULL, NULL);
}
