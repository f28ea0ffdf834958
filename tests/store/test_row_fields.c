/* The table of a row's numbers: its statements for older formats, what is absent there, and what a run cannot hold. */
#include "store/row_fields.h"
#include "base/alloc.h"
#include "store/schema.h"
#include "store/writer.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

typedef struct thing {
    double share, late;
    int count;
} thing;

static const ken_field fields[] = {
    {"share", KEN_FIELD_SHARE, offsetof(thing, share), KEN_JSON_ALWAYS, 1, ""},
    {"late", KEN_FIELD_REAL, offsetof(thing, late), KEN_JSON_ALWAYS, 3, ""},
    {"count", KEN_FIELD_COUNT, offsetof(thing, count), KEN_JSON_ALWAYS, 2, ""},
};
static const ken_fields table = {fields, 3};

static void assert_sql(int format, ken_fields_as as, const char *expected)
{
    char *sql = ken_fields_sql(&table, format, as, "a(id@) b");
    assert_string_equal(sql, expected);
    ken_free(sql);
}

static void statements_have_the_fields_of_a_format(void **state)
{
    (void)state;
    assert_sql(1, KEN_FIELDS_NAMED, "a(id,share) b");
    assert_sql(2, KEN_FIELDS_NAMED, "a(id,share,count) b");
    assert_sql(3, KEN_FIELDS_MARKED, "a(id,?,?,?) b");
    assert_sql(3, KEN_FIELDS_DEFINED, "a(id,\n  share REAL,\n  late REAL,\n  count INTEGER NOT NULL) b");
}

static void values_follow_the_columns(void **state)
{
    (void)state;
    const thing x = {.share = 0.25, .late = 7, .count = 3};
    ken_value v[KEN_FIELDS_MOST];
    assert_int_equal(ken_fields_values(&table, 2, &x, v), 2);
    assert_true(v[0].is == KEN_IS_REAL && v[0].r == 0.25);
    assert_true(v[1].is == KEN_IS_INT && v[1].i == 3);
    assert_int_equal(ken_fields_values(&table, 3, &x, v), 3);
    assert_true(v[1].is == KEN_IS_REAL && v[1].r == 7);
}

static void what_a_run_cannot_hold_is_named(void **state)
{
    (void)state;
    thing x = {.share = NAN, .late = 1e300, .count = 0};
    assert_null(ken_fields_fault(&table, &x));
    x.share = 1 + 1e-10; /* rounding of sums of products */
    assert_null(ken_fields_fault(&table, &x));
    x.count = -1;
    assert_string_equal(ken_fields_fault(&table, &x), "count");
    x.share = 1.001;
    assert_string_equal(ken_fields_fault(&table, &x), "share");
}

static void clear_gives_none(void **state)
{
    (void)state;
    ken_row row;
    memset(&row, 1, sizeof row);
    ken_fields_clear(&ken_row_fields, &row);
    assert_true(isnan(row.p_t) && isnan(row.min_margin) && isnan(row.score));
    assert_int_equal(row.category, KEN_UNLABELLED);
    assert_int_equal(row.greedy_hits + row.samples, 0);
    assert_int_equal(row.flags, 0);
    assert_string_equal(row.method, "");
}

/* A number that older runs do not have must be able to say so: 0 would be taken for a measurement. */
static void later_fields_have_a_none(void **state)
{
    (void)state;
    const ken_fields *all[] = {&ken_row_fields, &ken_prompt_fields};
    for (size_t k = 0; k < 2; k++)
        for (int i = 0; i < all[k]->n; i++) {
            const ken_field *f = &all[k]->f[i];
            assert_in_range(f->since, 1, KEN_SCHEMA_VERSION);
            assert_true(f->meaning[0] != '\0');
            if (f->since > 1) assert_string_equal(strchr(ken_field_sql_type(f), ' ') == NULL ? "" : f->name, "");
            for (int j = 0; j < i; j++) assert_string_not_equal(f->name, all[k]->f[j].name);
        }
}

static void matchers_and_methods_are_listed(void **state)
{
    (void)state;
    bool exact;
    const char *about;
    assert_string_equal(ken_method_name(0, &about), "exact");
    assert_non_null(about);
    assert_null(ken_method_name(-1, &about));
    assert_null(about);
    for (int i = 0; ken_method_name(i, &about) != NULL; i++) assert_non_null(about);
    assert_string_equal(ken_matcher_form(1, &exact), "em-squad");
    assert_true(exact);
    int n = 0, others = 0;
    for (; ken_matcher_form(n, &exact) != NULL; n++) others += !exact;
    assert_true(n >= 5 && others >= 2 && others < n);
    assert_false(exact);
    assert_null(ken_matcher_form(-1, &exact));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_have_the_fields_of_a_format),
        cmocka_unit_test(values_follow_the_columns),
        cmocka_unit_test(what_a_run_cannot_hold_is_named),
        cmocka_unit_test(clear_gives_none),
        cmocka_unit_test(later_fields_have_a_none),
        cmocka_unit_test(matchers_and_methods_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
