/* test_tok_unicode.c - UTF-8 decoding: every code point there and back, every kind of bad sequence with its length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "text/unicode.h"

static void every_code_point(void **state)
{
    (void)state;
    for (int32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char s[4];
        int32_t back;
        int n = ken_utf8_encode(cp, s);
        assert_int_equal(ken_utf8_decode(s, (size_t)n, &back), n);
        assert_int_equal(back, cp >= 0xD800 && cp <= 0xDFFF ? KEN_REPLACEMENT : cp);
        for (int cut = 0; cut < n; cut++) /* every proper prefix can still become valid, and counts as one mistake */
            assert_int_equal(ken_utf8_decode(s, (size_t)cut, &back), KEN_UTF8_INCOMPLETE);
        for (int cut = 1; cut < n; cut++) assert_int_equal(ken_utf8_bad(s, (size_t)cut), cut);
    }
    char s[4];
    assert_int_equal(ken_utf8_encode(-1, s), 3);
    assert_int_equal(ken_utf8_encode(0x110000, s), 3);
    assert_memory_equal(s, "\xEF\xBF\xBD", 3);
}

static void bad_sequences(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        int got, bad; /* what decode returns, and the length of the maximal subpart */
    } t[] = {
        {"\x80", -1, 1},
        {"\xBFz", -1, 1},
        {"\xC0\x80", -1, 1},
        {"\xC1\xBF", -1, 1},
        {"\xC2z", -1, 1},
        {"\xE0\x9F\xBF", -1, 1},
        {"\xE0\xA0z", -1, 2},
        {"\xED\xA0\x80", -1, 1},
        {"\xF0\x8F\xBF", -1, 1},
        {"\xF0\x90\x80z", -1, 3},
        {"\xF4\x90\x80\x80", -1, 1},
        {"\xF5\x80\x80\x80", -1, 1},
        {"\xFE", -1, 1},
        {"\xFF\xFF", -1, 1},
        {"\xE2\x82", 0, 2},
        {"\xF0", 0, 1},
        {"\xF4\x8F\xBF\xBF", 4, 0},
        {"\xED\x9F\xBF", 3, 0},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int32_t cp;
        size_t n = strlen(t[i].s);
        int got = ken_utf8_decode(t[i].s, n, &cp);
        if (got != t[i].got) print_error("case %zu\n", i);
        assert_int_equal(got, t[i].got);
        if (got <= 0) {
            assert_int_equal(cp, KEN_REPLACEMENT);
            assert_int_equal(ken_utf8_bad(t[i].s, n), t[i].bad);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_code_point), cmocka_unit_test(bad_sequences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
