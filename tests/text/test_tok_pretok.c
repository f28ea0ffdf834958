/* test_tok_pretok.c - where the pre-tokenizers cut, rule by rule. The cuts are the regular expressions' (pretok.c), checked with
 * Hugging Face's pre_tokenizers.Split when this table was made; the mass comparison is test_tok_oracle.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "base/buf.h"
#include "test_tok_vocab.h"
#include "text/pretok.h"
#include "text/unicode.h"

static const struct {
    ken_pretok pre;
    const char *text, *cuts; /* joined by | */
} cases[] = {
    {KEN_PRE_GPT2, "Hello world", "Hello| world"},
    {KEN_PRE_GPT2, "a  b", "a| | b"},
    {KEN_PRE_GPT2, "a  ", "a|  "},
    {KEN_PRE_GPT2, "a\n b", "a|\n| b"},
    {KEN_PRE_GPT2, "a \nb", "a| |\n|b"},
    {KEN_PRE_GPT2, "a\xC2\xA0 b", "a|\xC2\xA0| b"},
    {KEN_PRE_GPT2,
     "a \xC2\xA0"
     "b",
     "a| |\xC2\xA0|b"},
    {KEN_PRE_GPT2, "it's IT'S we'll we'l 'em", "it|'s| IT|'|S| we|'ll| we|'|l| '|em"},
    {KEN_PRE_GPT2, "x'tis", "x|'t|is"},
    {KEN_PRE_GPT2, "12345 67", "12345| 67"},
    {KEN_PRE_GPT2, "a1b2", "a|1|b|2"},
    {KEN_PRE_GPT2, "!?'s", "!?'|s"},
    {KEN_PRE_GPT2, " !! ?", " !!| ?"},
    {KEN_PRE_GPT2,
     "e\xCC\x81"
     "e",
     "e|\xCC\x81|e"},
    {KEN_PRE_GPT2, "\xE2\x85\xA7\xC2\xBD\xD9\xA1", "\xE2\x85\xA7\xC2\xBD\xD9\xA1"}, /* Nl, No, Nd are all numbers */
    {KEN_PRE_GPT2,
     "a\x1C"
     "b",
     "a|\x1C|b"}, /* Python's space, not Unicode's */
    {KEN_PRE_GPT2,
     "a\xC2\x85\xC2\x85"
     "b",
     "a|\xC2\x85|\xC2\x85|b"},
    {KEN_PRE_GPT2, "\xFF\x80!a\xC3", "\xFF\x80!|a|\xC3"}, /* bytes that are no UTF-8 are symbols */
    {KEN_PRE_GPT2, "\xF0\x90\xB5\x80\xF0\x90\xB5\x8A",
     "\xF0\x90\xB5\x80|\xF0\x90\xB5\x8A"}, /* Unicode 16: Garay digit, letter */
    {KEN_PRE_UNNAMED, "a1 'S", "a|1| '|S"},
    {KEN_PRE_SMOLLM, "12345 67", "1|2|3|4|5| |6|7"},
    {KEN_PRE_SMOLLM, "a  1", "a|  |1"}, /* white space sees the number as its end */
    {KEN_PRE_SMOLLM, "a  1  b", "a|  |1| | b"},
    {KEN_PRE_SMOLLM, "x\xC2\xB2\xE2\x85\xA7!", "x|\xC2\xB2|\xE2\x85\xA7|!"},
    {KEN_PRE_SMOLLM, " 1", " |1"},
    {KEN_PRE_SMOLLM, "'s1's", "'s|1|'s"},
    {KEN_PRE_LLAMA3, "12345678", "123|456|78"},
    {KEN_PRE_LLAMA3, " 123", " |123"},
    {KEN_PRE_LLAMA3, "IT'S 'lL 'Ve", "IT|'S| '|lL| '|Ve"},
    {KEN_PRE_LLAMA3,
     "x'\xC5\xBF"
     "y",
     "x|'\xC5\xBF|y"}, /* (?i:'s) folds to the long s */
    {KEN_PRE_LLAMA3, "!abc", "!abc"},
    {KEN_PRE_LLAMA3, "!!abc", "!!|abc"},
    {KEN_PRE_LLAMA3, "\tabc", "\tabc"},
    {KEN_PRE_LLAMA3, "\nabc", "\n|abc"},
    {KEN_PRE_LLAMA3,
     "\xC2\xA0"
     "abc",
     "\xC2\xA0"
     "abc"},
    {KEN_PRE_LLAMA3, "a  b", "a| | b"},
    {KEN_PRE_LLAMA3, " !\n\nx", " !\n\n|x"},
    {KEN_PRE_LLAMA3, "\t!", "\t|!"},
    {KEN_PRE_LLAMA3, "a \n  b", "a| \n| | b"},
    {KEN_PRE_LLAMA3, "a \n \r\n\t b", "a| \n \r\n|\t| b"},
    {KEN_PRE_LLAMA3, "a   ", "a|   "},
    {KEN_PRE_LLAMA3, "a \xE2\x80\xA8 b", "a| \xE2\x80\xA8| b"}, /* U+2028 is white space, but none of \r \n */
    {KEN_PRE_LLAMA3,
     "\xFF"
     "abc\xFF\n",
     "\xFF"
     "abc|\xFF\n"},
    {KEN_PRE_QWEN2, "123 4", "1|2|3| |4"},
    {KEN_PRE_QWEN2, "I'M !abc", "I|'M| !|abc"},
    {KEN_PRE_NONE, "a b 1", "a b 1"},
};

static void cuts(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        ken_buf b = {0};
        const char *s = cases[c].text;
        for (size_t n = strlen(s), len; n; s += len, n -= len) {
            len = ken_pretok_next(cases[c].pre, s, n);
            assert_in_range(len, 1, n);
            if (b.len) ken_buf_putc(&b, '|');
            ken_buf_add(&b, s, len);
        }
        if (strcmp(ken_buf_str(&b), cases[c].cuts) != 0)
            print_error("%s: case %zu\n", ken_pretok_name(cases[c].pre), c);
        assert_string_equal(ken_buf_str(&b), cases[c].cuts);
        ken_buf_free(&b);
    }
}

/* Cutting a text never depends on what stands before the cut, and every prefix can be cut. */
static void every_prefix(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t n = strlen(cases[c].text); n; n--)
            for (size_t at = 0, len; at < n; at += len) {
                len = ken_pretok_next(cases[c].pre, cases[c].text + at, n - at);
                assert_in_range(len, 1, n - at);
            }
}

/* The class of cp, seen from outside: how GPT-2's machine cuts it before itself, a letter and a digit. */
static char class_of(int32_t cp)
{
    char s[16];
    size_t k = (size_t)ken_utf8_encode(cp, s);
    memcpy(s + k, s, k);
    s[2 * k] = 'a';
    size_t len = ken_pretok_next(KEN_PRE_GPT2, s, 2 * k + 1);
    if (len == k) return 'S'; /* of two spaces the first; the second is left to the word */
    if (len == 2 * k + 1) return 'L';
    s[k] = '1';
    return ken_pretok_next(KEN_PRE_GPT2, s, k + 1) == k + 1 ? 'N' : 'O';
}

/* Letters, numbers and white space are the reference's, for every code point (tests/oracles/tok_unicode.py). */
static void classes(void **state)
{
    (void)state;
    if (atoi(utf8proc_unicode_version()) > 16) {
        print_message("utf8proc knows Unicode %s, newer than the reference's 16\n", utf8proc_unicode_version());
        skip();
    }
    size_t n;
    char *file = test_read_fixture("tok_classes.txt", &n), *want = malloc(0x110000);
    assert_non_null(want);
    memset(want, 'O', 0x110000);
    for (const char *p = file; *p; p = strchr(p, '\n') + 1) {
        char k;
        unsigned first, last;
        if (sscanf(p, "%c %X %X", &k, &first, &last) != 3) continue;
        assert_true(first <= last && last < 0x110000);
        memset(want + first, k, last - first + 1);
    }
    int differ = 0;
    for (int32_t cp = 0; cp < 0x110000; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF) continue;
        char got = class_of(cp);
        if (got != want[cp] && differ++ < 5) print_error("U+%04X is %c, not %c\n", (unsigned)cp, got, want[cp]);
    }
    assert_int_equal(differ, 0);
    free(want);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cuts), cmocka_unit_test(every_prefix),
                                       cmocka_unit_test(classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
