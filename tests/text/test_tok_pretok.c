/* test_tok_pretok.c - where the pre-tokenizers cut, rule by rule. The cuts are the regular expressions' (pretok.c), checked with
 * Hugging Face's pre_tokenizers.Split when this table was made; the mass comparison is test_tok_oracle.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/buf.h"
#include "text/pretok.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cuts), cmocka_unit_test(every_prefix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
