/* test_options.c - structs of options across versions: an older program's, a newer one's, one without a size; and the words of choices. */
#include "base/options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

typedef struct then_options { /* of version 1 */
    size_t size;
    int shots;
    const char *matcher;
} then_options;

typedef struct now_options { /* of this library */
    size_t size;
    int shots;
    const char *matcher;
    double temperature;
    int prompts;
} now_options;

typedef struct later_options { /* of a newer program */
    now_options now;
    int unheard_of;
} later_options;

static const now_options defaults = {.shots = 4, .matcher = "em-squad", .temperature = 0.5, .prompts = 10};

static now_options fresh(void)
{
    now_options o;
    ken_options_fill(&o, sizeof o, &defaults, sizeof defaults);
    return o;
}

static void an_older_program(void **state)
{
    (void)state;
    struct {
        then_options o;
        char behind[16];
    } then;
    memset(&then, 'x', sizeof then);
    ken_options_fill(&then.o, sizeof then.o, &defaults, sizeof defaults);
    assert_true(then.o.size == sizeof then.o && then.o.shots == 4);
    for (size_t i = 0; i < sizeof then.behind; i++) assert_true(then.behind[i] == 'x'); /* nothing is written there */
    then.o.shots = 2;
    now_options o = fresh();
    ken_err err = {0};
    assert_int_equal(KEN_TAKE_OPTIONS(&o, &then.o, now_options, &err), KEN_OK);
    assert_true(o.shots == 2 && o.prompts == 10 && o.temperature == 0.5 && o.size == sizeof o);
    assert_string_equal(o.matcher, "em-squad");
}

static void a_newer_program(void **state)
{
    (void)state;
    later_options later;
    memset(&later, 'x', sizeof later);
    ken_options_fill(&later, sizeof later, &defaults, sizeof defaults);
    assert_true(later.now.size == sizeof later && later.now.prompts == 10 && later.unheard_of == 0);
    later.now.prompts = 3;
    now_options o = fresh();
    ken_err err = {0};
    assert_int_equal(KEN_TAKE_OPTIONS(&o, &later, now_options, &err), KEN_OK); /* it sets nothing that is new */
    assert_int_equal(o.prompts, 3);
    later.unheard_of = 1;
    assert_int_equal(KEN_TAKE_OPTIONS(&o, &later, now_options, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "a member of now_options is set that this libken"));
}

static void without_a_size(void **state)
{
    (void)state;
    now_options o = fresh(), empty = {.shots = 1};
    ken_err err = {0};
    assert_int_equal(KEN_TAKE_OPTIONS(&o, &empty, now_options, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "size is 0"));
    assert_int_equal(o.shots, 4);
    empty.size = SIZE_MAX;
    assert_int_equal(KEN_TAKE_OPTIONS(&o, &empty, now_options, &err), KEN_EUSAGE);
    assert_int_equal(KEN_TAKE_OPTIONS(&o, NULL, now_options, &err), KEN_OK);
    assert_int_equal(o.shots, 4);
}

/* Through the library: an annotation's options of a program that knows their beginning alone. */
static void a_real_struct(void **state)
{
    (void)state;
    ken_data_options o = ken_data_defaults();
    assert_int_equal(o.size, sizeof o);
    char half[offsetof(ken_data_options, question_field)];
    ken_data_defaults_fill((ken_data_options *)(void *)half, sizeof half);
    ken_data *d = NULL;
    ken_err err = {0};
    assert_int_equal(ken_data_open(&d, "/none", (const ken_data_options *)(const void *)half, &err), KEN_EINPUT);
    memset(half, 0, sizeof half);
    assert_int_equal(ken_data_open(&d, "/none", (const ken_data_options *)(const void *)half, &err), KEN_EUSAGE);
}

static void words(void **state)
{
    (void)state;
    for (int of = 0; ken_word((ken_words)of, 0) != NULL; of++) {
        int n = 0;
        for (; ken_word((ken_words)of, n) != NULL; n++)
            assert_int_equal(ken_word_value((ken_words)of, ken_word((ken_words)of, n)), n);
        assert_true(n > 1);
        ken_err err = {0};
        assert_int_equal(ken_check_word((ken_words)of, n - 1, &err), KEN_OK);
        assert_int_equal(ken_check_word((ken_words)of, n, &err), KEN_EUSAGE);
        assert_int_equal(ken_check_word((ken_words)of, -1, &err), KEN_EUSAGE);
    }
    assert_string_equal(ken_word(KEN_WORDS_HALF, KEN_HALF_UNPOPULAR), "unpopular");
    assert_string_equal(ken_word(KEN_WORDS_LABEL, KEN_LABEL_MODE), "mode");
    assert_string_equal(ken_word(KEN_WORDS_HALF_BY, KEN_HALF_BY_P), "p");
    assert_string_equal(ken_word(KEN_WORDS_BALANCE, KEN_BALANCE_RELATION), "relation");
    assert_string_equal(ken_word(KEN_WORDS_KNOWN_MIX, KEN_MIX_WK), "WeaklyKnown");
    assert_string_equal(ken_word(KEN_WORDS_MATCH, KEN_MATCH_CONTROL), "control");
    assert_string_equal(ken_word(KEN_WORDS_WEIGHTS, KEN_WEIGHTS_NONE), "none");
    assert_string_equal(ken_word(KEN_WORDS_SCHEDULE, KEN_SCHEDULE_COSINE), "cosine");
    assert_string_equal(ken_word(KEN_WORDS_OPTIMIZER, KEN_OPTIMIZER_SGD), "sgd");
    assert_string_equal(ken_word(KEN_WORDS_SHARE_PREFIXES, KEN_SHARE_OFF), "off");
    assert_int_equal(ken_word_value(KEN_WORDS_HALF, "upper"), -1);
    assert_null(ken_word((ken_words)-1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_older_program), cmocka_unit_test(a_newer_program),
                                       cmocka_unit_test(without_a_size), cmocka_unit_test(a_real_struct),
                                       cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
