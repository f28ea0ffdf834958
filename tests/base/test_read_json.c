/* JSON as other programs write it: numbers that jansson does not hold, and what must stay an error. */
#include "base/read_json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static json_t *read_text(const char *text)
{
    json_error_t e;
    size_t n = strlen(text);
    char *bytes = malloc(n > 0 ? n : 1); /* nothing behind the last byte may be looked at */
    memcpy(bytes, text, n);
    json_t *j = ken_read_json(bytes, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    free(bytes);
    return j;
}

/* What is read, written again by jansson. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *read;
    } same[] = {
        {"{\"model_max_length\": 1000000000000000019884624838656}",
         "{\"model_max_length\":\"1000000000000000019884624838656\"}"},
        {"[9223372036854775807,9223372036854775808,-9223372036854775809]",
         "[9223372036854775807,\"9223372036854775808\",\"-9223372036854775809\"]"},
        {"{\"hash\":17293822569102704640,\"p\":NaN}", "{\"hash\":\"17293822569102704640\",\"p\":null}"},
        {"[NaN, Infinity ,-Infinity]", "[null,\"Infinity\",\"-Infinity\"]"},
        {"[1e400,-2.5E+999,1e-400,0.5]", "[\"1e400\",\"-2.5E+999\",0.0,0.5]"},
        {"[\"NaN\",\"\\\"1e400\",\"9223372036854775808\",NaN]", "[\"NaN\",\"\\\"1e400\",\"9223372036854775808\",null]"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        json_t *j = read_text(same[i].text);
        if (j == NULL) fail_msg("%s is refused", same[i].text);
        char *text = json_dumps(j, JSON_COMPACT);
        assert_string_equal(text, same[i].read);
        free(text);
        json_decref(j);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "nan",
                                      "-NaN",
                                      "1NaN",
                                      "[NaN",
                                      "[01e400]",
                                      "[00000000000000000000000]",
                                      "[09999999999999999999999]",
                                      "[--99999999999999999999]",
                                      "[99999999999999999999a]",
                                      "[1e400-1]",
                                      "{NaN:1}",
                                      "{\"a\":NaN,\"a\":1}",
                                      "[Infinit]",
                                      "x2",
                                      "x-",
                                      "[\"NaN]",
                                      "[\"\\",
                                      "[NaN,\"\\\"]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_text(bad[i]) != NULL) fail_msg("%s is read", bad[i]);
}

/* The line of a mistake is that of the file. */
static void test_lines(void **state)
{
    (void)state;
    const char *text = "{\"a\": NaN,\n \"b\": 1000000000000000019884624838656,\n \"c\": }";
    json_error_t e;
    assert_null(ken_read_json(text, strlen(text), 0, &e));
    assert_int_equal(e.line, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
