/* test_setting_list.c - the settings of a run as they are collected. */
#include "rows.h"
#include "base/alloc.h"
#include "store/setting_list.h"
#include <stdio.h>
#include <string.h>

static ken_err err;

static void collected(void **state)
{
    (void)state;
    ken_arena arena = {0};
    ken_setting_list l = {.arena = &arena};
    char value[] = "em-squad/1";
    assert_null(ken_setting_get(&l, "matcher"));
    ken_setting_text(&l, "matcher", true, value);
    ken_setting_text(&l, "adapter", true, NULL); /* left out */
    ken_setting_text(&l, "stop", true, "");
    ken_setting_put(&l, "shots", true, "%d", 4);
    ken_setting_put(&l, "temperature", true, "%.17g", 0.1);
    ken_setting_put(&l, "rows", false, "%zu", (size_t)-1);
    memset(value, 'x', sizeof value - 1); /* values are copied */
    static const ken_setting expected[] = {{"matcher", "em-squad/1", true},
                                           {"stop", "", true},
                                           {"shots", "4", true},
                                           {"temperature", "0.10000000000000001", true},
                                           {"rows", "18446744073709551615", false}};
    assert_false(l.failed);
    assert_int_equal(l.n, 5);
    for (size_t i = 0; i < l.n; i++) {
        assert_string_equal(l.s[i].key, expected[i].key);
        assert_string_equal(l.s[i].value, expected[i].value);
        assert_int_equal(l.s[i].binding, expected[i].binding);
        assert_string_equal(ken_setting_get(&l, expected[i].key), expected[i].value);
    }
    assert_null(ken_setting_get(&l, "adapter"));
    assert_null(ken_setting_get(&l, "shot"));
    ken_arena_free(&arena);
}

/* More than it has room for at first: all are there, in their order. */
static void many(void **state)
{
    (void)state;
    static char key[500][8];
    ken_arena arena = {0};
    ken_setting_list l = {.arena = &arena};
    for (int i = 0; i < 500; i++) {
        snprintf(key[i], sizeof key[i], "k%d", i);
        ken_setting_put(&l, key[i], i % 2 == 0, "%d", 7 * i);
    }
    assert_int_equal(l.n, 500);
    for (int i = 0; i < 500; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", 7 * i);
        assert_string_equal(l.s[i].key, key[i]);
        assert_string_equal(l.s[i].value, value);
        assert_int_equal(l.s[i].binding, i % 2 == 0);
    }
    ken_arena_free(&arena);
}

/* One that is missing is reported, whatever is put after it: a run must not be bound by half of its settings. */
static void no_memory(void **state)
{
    (void)state;
    static char long_value[1 << 15];
    memset(long_value, 'v', sizeof long_value - 1);
    int failures = 0;
    for (long k = 1, good = 0; !good; k++) {
        ken_arena arena = {0};
        ken_setting_list l = {.arena = &arena};
        ken_alloc_fail_after(k);
        for (int i = 0; i < 100; i++) ken_setting_text(&l, "key", true, i % 40 == 39 ? long_value : "v");
        ken_alloc_fail_after(0);
        size_t n = l.n;
        good = !l.failed;
        if (good) assert_int_equal(n, 100);
        else {
            failures++;
            assert_true(n < 100);
            ken_setting_text(&l, "late", true, "v"); /* with memory again */
            assert_true(l.failed);
            assert_int_equal(l.n, n);
            assert_null(ken_setting_get(&l, "late"));
        }
        for (size_t i = 0; i < n; i++) assert_int_equal(l.s[i].value[0], 'v');
        ken_arena_free(&arena);
    }
    assert_true(failures >= 2);
}

/* The store refuses a list that holds a setting twice, and one without a key. */
static void as_a_run_takes_it(void **state)
{
    (void)state;
    ken_arena arena = {0};
    ken_setting_list l = {.arena = &arena};
    ken_store *s;
    ken_run *r;
    ken_setting_text(&l, "matcher", true, "em-squad/1");
    ken_setting_put(&l, KEN_SETTING_ROWS, false, "%d", 3);
    assert_ok(ken_store_open(&s, in_folder("list.ken"), l.s, l.n, &err));
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&r, in_folder("list.ken"), &err));
    assert_string_equal(ken_run_setting(r, "matcher"), "em-squad/1");
    assert_string_equal(ken_run_setting(r, KEN_SETTING_ROWS), "3");
    ken_run_free(r);
    ken_setting_text(&l, "matcher", true, "em-raw/1");
    assert_int_equal(ken_store_open(&s, in_folder("twice.ken"), l.s, l.n, &err), KEN_ESTATE);
    ken_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collected),
        cmocka_unit_test(many),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(as_a_run_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
