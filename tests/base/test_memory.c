/* test_memory.c - heap, arena, buffer and error messages: what holds when memory runs out, sizes overflow, texts do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

static void products_that_overflow_are_refused(void **state)
{
    (void)state;
    assert_null(ken_alloc(SIZE_MAX, 2));
    assert_null(ken_calloc(SIZE_MAX / 2, 3));
    assert_null(ken_alloc(1, (size_t)PTRDIFF_MAX + 1)); /* no object may be larger */
    assert_null(ken_alloc_aligned(SIZE_MAX - 8));
    void *p = ken_alloc(4, 4);
    assert_non_null(p);
    assert_null(ken_realloc(p, SIZE_MAX, SIZE_MAX));
    ken_free(p); /* realloc's failure left it alone: freeing it twice or not at all is what the sanitizer would see */
}

static void nothing_is_something_that_can_be_freed(void **state)
{
    (void)state;
    void *p[] = {ken_alloc(0, 8), ken_calloc(8, 0), ken_alloc_aligned(0), ken_strndup("", 0)};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
        assert_non_null(p[i]);
        ken_free(p[i]);
    }
    ken_free(NULL);
}

static void aligned_memory_is_aligned(void **state)
{
    (void)state;
    for (size_t n = 1; n < 300; n += 37) {
        void *p = ken_alloc_aligned(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 1, n);
        ken_free(p);
    }
}

static void allocation_fails_on_demand(void **state)
{
    (void)state;
    ken_alloc_fail_after(2);
    void *first = ken_alloc(1, 1), *second = ken_alloc(1, 1), *third = ken_strdup("x");
    ken_alloc_fail_after(0);
    void *fourth = ken_alloc(1, 1);
    assert_non_null(first);
    assert_null(second);
    assert_null(third);
    assert_non_null(fourth);
    ken_free(first);
    ken_free(fourth);
}

static void growing_doubles_and_keeps_contents(void **state)
{
    (void)state;
    int *p = NULL;
    size_t cap = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(ken_grow((void **)&p, &cap, (size_t)i + 1, sizeof *p), 0);
        p[i] = i;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(p[i], i);
    assert_int_equal(cap, 1024);
    assert_int_equal(ken_grow((void **)&p, &cap, SIZE_MAX, sizeof *p), -1);
    assert_int_equal(cap, 1024);
    assert_int_equal(p[999], 999); /* a failure leaves the old memory */
    ken_free(p);
}

static void arena_hands_out_aligned_memory_and_reuses_it(void **state)
{
    (void)state;
    ken_arena a = {0};
    long after_first = 0;
    for (int round = 0; round < 3; round++) {
        for (size_t n = 1; n < 5000; n += 7) {
            unsigned char *p = ken_arena_calloc(&a, n, 1);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_int_equal(p[0] | p[n - 1], 0);
            memset(p, 0xAA, n); /* the next zeroed piece must not see this */
        }
        char *s = ken_arena_strndup(&a, "kenning", 3);
        assert_string_equal(s, "ken");
        if (round == 0) after_first = ken_alloc_count();
        ken_arena_reset(&a);
    }
    assert_int_equal(ken_alloc_count(), after_first); /* rounds after the first allocate nothing */
    assert_null(ken_arena_alloc(&a, SIZE_MAX, 16));
    assert_null(ken_arena_alloc(&a, SIZE_MAX - 4, 1));
    assert_null(ken_arena_strndup(&a, "x", SIZE_MAX));
    ken_arena_free(&a);
    ken_arena_free(&a);
}

static void arena_reports_exhaustion_and_stays_usable(void **state)
{
    (void)state;
    ken_arena a = {0};
    ken_alloc_fail_after(1);
    void *p = ken_arena_alloc(&a, 1, 100000);
    ken_alloc_fail_after(0);
    assert_null(p);
    assert_non_null(ken_arena_alloc(&a, 1, 100000));
    ken_arena_free(&a);
}

static void buffer_collects_text(void **state)
{
    (void)state;
    ken_buf b = {0};
    assert_string_equal(ken_buf_str(&b), "");
    ken_buf_puts(&b, "Q: ");
    ken_buf_printf(&b, "%s %d", "how many", 42);
    ken_buf_putc(&b, '?');
    ken_buf_add(&b, "\0x", 2);
    assert_int_equal(b.len, 17);
    assert_memory_equal(b.data, "Q: how many 42?\0x", 17);
    assert_int_equal(b.data[b.len], 0);
    ken_buf_clear(&b);
    assert_string_equal(ken_buf_str(&b), "");
    ken_buf_add(&b, NULL, 0);
    char *s = ken_buf_take(&b);
    assert_string_equal(s, "");
    ken_free(s);
    s = ken_buf_take(&b); /* never appended to */
    assert_string_equal(s, "");
    ken_free(s);
}

static void buffer_remembers_that_memory_ran_out(void **state)
{
    (void)state;
    for (long at = 1; at <= 3; at++) {
        ken_buf b = {0};
        ken_alloc_fail_after(at);
        for (int i = 0; i < 100; i++) ken_buf_printf(&b, "%d,", i);
        ken_alloc_fail_after(0);
        assert_true(b.failed);
        size_t len = b.len;
        ken_buf_puts(&b, "after a failure appends do nothing");
        assert_int_equal(b.len, len);
        assert_null(ken_buf_take(&b));
        assert_false(b.failed);
        ken_buf_puts(&b, "and the buffer may be used again");
        assert_false(b.failed);
        ken_buf_free(&b);
    }
    ken_buf b = {.data = NULL};
    ken_buf_add(&b, "x", SIZE_MAX - 1); /* a length that cannot be */
    assert_true(b.failed);
    ken_buf_free(&b);
}

static void failures_carry_status_and_sentence(void **state)
{
    (void)state;
    ken_err err;
    assert_int_equal(ken_fail(&err, KEN_EINPUT, "%s:%d: bad", "f", 3), KEN_EINPUT);
    assert_int_equal(err.status, KEN_EINPUT);
    assert_string_equal(err.msg, "f:3: bad");
    assert_int_equal(ken_fail_prefix(&err, "row %d", 7), KEN_EINPUT);
    assert_string_equal(err.msg, "row 7: f:3: bad");
    errno = ENOSPC;
    assert_int_equal(ken_fail_errno(&err, "cannot write", "x.ken"), KEN_EFAIL);
    assert_string_equal(err.msg, "cannot write x.ken: No space left on device");
    errno = ENOMEM;
    assert_int_equal(ken_fail_errno(&err, "cannot map", "x"), KEN_ENOMEM);
    assert_int_equal(ken_fail_nomem(&err, "cache"), KEN_ENOMEM);
    assert_non_null(strstr(err.msg, "cache"));
    assert_int_equal(ken_fail(NULL, KEN_EBUSY, "nobody listens"), KEN_EBUSY);
    ken_fail_prefix(NULL, "nobody");
}

static void long_messages_are_cut_not_overrun(void **state)
{
    (void)state;
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    struct {
        ken_err err;
        char guard[16];
    } e;
    memset(e.guard, 'g', sizeof e.guard);
    ken_fail(&e.err, KEN_EFAIL, "%s", longer);
    assert_int_equal(strlen(e.err.msg), sizeof e.err.msg - 1);
    ken_fail_prefix(&e.err, "where");
    assert_memory_equal(e.err.msg, "where: xxx", 10);
    assert_int_equal(strlen(e.err.msg), sizeof e.err.msg - 1);
    ken_fail_prefix(&e.err, "%s", longer);
    assert_int_equal(strlen(e.err.msg), sizeof e.err.msg - 1);
    for (size_t i = 0; i < sizeof e.guard; i++) assert_int_equal(e.guard[i], 'g');
}

static void statuses_map_to_exit_statuses(void **state)
{
    (void)state;
    static const struct {
        int status, exit;
    } t[] = {{KEN_OK, 0},         {KEN_EFAIL, 1},  {KEN_EUSAGE, 2}, {KEN_EINPUT, 3},
             {KEN_ETHRESHOLD, 4}, {KEN_ENOMEM, 1}, {KEN_EBUSY, 1},  {KEN_ESTATE, 1},
             {KEN_ESTOP, 130},    {-1, 1},         {99, 1}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) assert_int_equal(ken_exit_status(t[i].status), t[i].exit);
}

static void every_category_and_flag_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown", "unlabelled"};
    for (int i = 0; i < KEN_N_CATEGORIES; i++) assert_string_equal(ken_category_name(i), names[i]);
    assert_string_equal(ken_category_name(-1), "unlabelled");
    assert_string_equal(ken_category_name(99), "unlabelled");
    int bits = 0;
    while (ken_flag_name(bits) != NULL) {
        for (int other = 0; other < bits; other++) assert_string_not_equal(ken_flag_name(bits), ken_flag_name(other));
        bits++;
    }
    assert_int_equal(1 << (bits - 1), KEN_FLAG_GUESS); /* the last one */
    assert_null(ken_flag_name(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_that_overflow_are_refused),
        cmocka_unit_test(nothing_is_something_that_can_be_freed),
        cmocka_unit_test(aligned_memory_is_aligned),
        cmocka_unit_test(allocation_fails_on_demand),
        cmocka_unit_test(growing_doubles_and_keeps_contents),
        cmocka_unit_test(arena_hands_out_aligned_memory_and_reuses_it),
        cmocka_unit_test(arena_reports_exhaustion_and_stays_usable),
        cmocka_unit_test(buffer_collects_text),
        cmocka_unit_test(buffer_remembers_that_memory_ran_out),
        cmocka_unit_test(failures_carry_status_and_sentence),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
        cmocka_unit_test(statuses_map_to_exit_statuses),
        cmocka_unit_test(every_category_and_flag_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
