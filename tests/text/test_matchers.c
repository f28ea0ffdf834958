/* test_matchers.c - the table of matchers, whatever is in it: names that can be read back, what messages say of them, and that a
 * matcher which claims to lie within another one accepts nothing that the other does not. */
#include "base/alloc.h"
#include "text/accept.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 64, TEXT = 256 };

static uint32_t dice(uint32_t *s, uint32_t n)
{
    *s ^= *s << 13, *s ^= *s >> 17, *s ^= *s << 5;
    return *s % n;
}

/* Every kind of the table, those with a threshold with several. Returns how many. */
static size_t all_matchers(ken_matcher *m)
{
    static const char *const thresholds[] = {"", "@0.3", "@0.5", "@0.8", "@1"};
    size_t n = 0;
    for (const ken_matcher_kind *const *k = ken_matcher_kinds; *k != NULL; k++)
        for (int t = (*k)->takes_threshold ? 1 : 0; t < ((*k)->takes_threshold ? 5 : 1); t++) {
            char name[64];
            snprintf(name, sizeof name, "%s%s/%s", (*k)->name, thresholds[t], (*k)->version);
            assert_true(n < MOST);
            assert_int_equal(ken_matcher_parse(&m[n], name, NULL), KEN_OK);
            assert_ptr_equal(m[n].kind, *k);
            n++;
        }
    return n;
}

static void every_name_round_trips(void **state)
{
    (void)state;
    ken_matcher m[MOST], again;
    size_t n = all_matchers(m);
    assert_true(n > 5);
    for (size_t i = 0; i < n; i++) {
        const ken_matcher_kind *k = m[i].kind;
        assert_int_equal(ken_matcher_parse(&again, m[i].name, NULL), KEN_OK);
        assert_ptr_equal(again.kind, k);
        assert_true(again.threshold == m[i].threshold);
        assert_string_equal(again.name, m[i].name);
        assert_true(m[i].threshold > 0 ? k->takes_threshold : !k->takes_threshold);
        assert_int_equal(strncmp(k->form, k->name, strlen(k->name)), 0);
        assert_int_equal(ken_matcher_is_exact(&m[i]), k->viable != NULL);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(m[i].name, m[j].name);
        char other[64];
        snprintf(other, sizeof other, "%s9", m[i].name);
        assert_int_equal(ken_matcher_parse(&again, other, NULL), KEN_EUSAGE); /* another version */
        snprintf(other, sizeof other, "%s%s", k->name, k->takes_threshold ? "" : "@0.5");
        assert_int_equal(ken_matcher_parse(&again, other, NULL), KEN_EUSAGE);
    }
    const ken_matcher *constants[] = {&ken_em_raw, &ken_em_squad, &ken_em_alias, &ken_contains};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        assert_int_equal(ken_matcher_parse(&again, constants[i]->name, NULL), KEN_OK);
        assert_ptr_equal(again.kind, constants[i]->kind);
        assert_string_equal(again.name, constants[i]->name);
    }
}

static void what_messages_say(void **state)
{
    (void)state;
    static const char known[] =
        "known: em-raw, em-squad, em-alias, contains, f1@T with 0 < T <= 1 (as f1@0.5), each also with "
        "its version, as in em-squad/1";
    static const struct {
        const char *name, *what;
    } cases[] = {
        {"exact", "unknown matcher \"exact\"; "},
        {"f1@-1", "unknown matcher \"f1@-1\"; "},
        {"em-squad@0.5", "unknown matcher \"em-squad@0.5\"; "},
        {"em-squad/2", "matcher \"em-squad/2\" has a version that this program does not know; "},
        {"exact/2", "matcher \"exact/2\" has a version that this program does not know; "},
        {"f1@0/2", "matcher \"f1@0/2\" has a version that this program does not know; "},
        {"f1@0/1", "matcher \"f1@0/1\": the threshold must be a number above 0 and at most 1; "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_matcher m;
        ken_err err = {0};
        char want[1000];
        snprintf(want, sizeof want, "%s%s", cases[i].what, known);
        assert_int_equal(ken_matcher_parse(&m, cases[i].name, &err), KEN_EUSAGE);
        assert_string_equal(err.msg, want);
    }
}

/* ---- within ---------------------------------------------------------------------------------------------------------- */

/* What each matcher accepts of these texts must agree with what is claimed. n_yes (n): how many each accepted. */
static void check_texts(const ken_matcher *m, size_t n, const char *const *golds, int n_golds, const char *const *texts,
                        size_t n_texts, long *n_yes)
{
    ken_accept *a[MOST];
    for (size_t i = 0; i < n; i++) assert_int_equal(ken_accept_new(&a[i], &m[i], golds, n_golds, NULL), KEN_OK);
    for (size_t k = 0; k < n_texts; k++) {
        bool yes[MOST];
        for (size_t i = 0; i < n; i++) n_yes[i] += yes[i] = ken_accept_matches(a[i], texts[k], strlen(texts[k]));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (yes[i] && !yes[j] && ken_matcher_within(&m[i], &m[j]))
                    fail_msg("\"%s\" for \"%s\" and %d more: accepted by %s, not by %s", texts[k], golds[0],
                             n_golds - 1, m[i].name, m[j].name);
    }
    for (size_t i = 0; i < n; i++) ken_accept_free(a[i]);
}

static void which_matcher_is_within_which(void **state)
{
    (void)state;
    static const char *const golds[] = {"The The", "Paris", "!!!", "the City of Paris", "New New York"};
    static const char *const texts[] = {"The The",
                                        "the",
                                        " paris",
                                        "Paris Paris",
                                        "!!!",
                                        "city of paris",
                                        "Paris, city of",
                                        "york new new",
                                        "",
                                        "New York",
                                        "the city of Paris, France",
                                        " Paris "};
    ken_matcher m[MOST];
    long n_yes[MOST] = {0};
    size_t n = all_matchers(m);
    for (size_t g = 0; g < 5; g++) check_texts(m, n, &golds[g], 1, texts, sizeof texts / sizeof *texts, n_yes);
    for (size_t i = 0; i < n; i++) {
        assert_true(n_yes[i] > 0);
        assert_true(ken_matcher_within(&ken_em_raw, &m[i]));
        assert_int_equal(ken_matcher_within(&ken_em_squad, &m[i]), m[i].kind->by_words);
        for (size_t j = 0; j < n; j++)
            assert_int_equal(ken_matcher_within(&m[i], &m[j]) && ken_matcher_within(&m[j], &m[i]), i == j);
    }
    ken_matcher low, high;
    assert_int_equal(ken_matcher_parse(&low, "f1@0.5", NULL), KEN_OK);
    assert_int_equal(ken_matcher_parse(&high, "f1@0.8", NULL), KEN_OK);
    assert_true(ken_matcher_within(&high, &low));
    assert_false(ken_matcher_within(&ken_em_alias, &ken_em_squad));
    assert_false(ken_matcher_within(&ken_em_alias, &low));
}

static const char *const words[] = {
    "the",          "The", "a", "An",   "Paris", "paris", "New", "York",         "of", "S\xC3\xA3o", "Sao",
    "\xC4\xB0zmir", "!!!", ".", "U.S.", "us",    "x",     "X",   "\xEF\xAC\x81", "fi", "\xC2\xB4",   "12,000"};
enum { N_WORDS = sizeof words / sizeof *words };
static const char *const gaps[] = {" ", " ", " ", " ", "  ", "\t", "\n", ", ", "\xC2\xA0", "\xE3\x80\x80"};
enum { N_GAPS = sizeof gaps / sizeof *gaps };

static void add(char *s, const char *what)
{
    size_t n = strlen(s);
    snprintf(s + n, TEXT - n, "%s", what);
}

static void random_words(uint32_t *seed, char *s, uint32_t most)
{
    s[0] = '\0';
    for (uint32_t i = 1 + dice(seed, most); i > 0; i--) {
        add(s, words[dice(seed, N_WORDS)]);
        if (i > 1) add(s, gaps[dice(seed, N_GAPS)]);
    }
}

/* A gold, forgiven this and that by chance, so that it is often accepted by some matchers and not by others. */
static void random_text(uint32_t *seed, const char *gold, char *s)
{
    char more[TEXT];
    s[0] = '\0';
    if (dice(seed, 4) == 0) add(s, gaps[dice(seed, N_GAPS)]);
    if (dice(seed, 4) == 0) add(s, "the ");
    if (dice(seed, 5) == 0) {
        random_words(seed, more, 2);
        add(s, more);
        add(s, " ");
    }
    if (dice(seed, 8) > 0) add(s, gold);
    for (char *c = s; *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z' && dice(seed, 30) == 0) *c = (char)(*c - 'a' + 'A');
        if (*c == ' ' && dice(seed, 30) == 0) *c = dice(seed, 2) ? '.' : '\n';
    }
    if (dice(seed, 4) == 0) add(s, gaps[dice(seed, N_GAPS)]);
    if (dice(seed, 4) == 0) {
        random_words(seed, more, 2);
        add(s, " ");
        add(s, more);
    }
    if (dice(seed, 6) == 0) add(s, ".");
    if (dice(seed, 60) == 0) add(s, dice(seed, 2) ? "\xFF" : "\xC3"); /* no UTF-8, cut off */
}

static void no_text_breaks_a_claim(void **state)
{
    (void)state;
    enum { ROWS = 2500, TEXTS = 12 };
    ken_matcher m[MOST];
    long n_yes[MOST] = {0};
    uint32_t seed = 20240509;
    size_t n = all_matchers(m);
    for (int row = 0; row < ROWS; row++) {
        static char gold[3][TEXT], text[TEXTS][TEXT];
        const char *golds[3], *texts[TEXTS];
        int n_golds = 1 + (int)dice(&seed, 3);
        for (int i = 0; i < n_golds; i++) {
            random_words(&seed, gold[i], 4);
            golds[i] = gold[i];
        }
        for (int i = 0; i < TEXTS; i++) {
            random_text(&seed, golds[dice(&seed, (uint32_t)n_golds)], text[i]);
            texts[i] = text[i];
        }
        check_texts(m, n, golds, n_golds, texts, TEXTS, n_yes);
    }
    for (size_t i = 0; i < n; i++) /* often enough that a false claim would show */
        if (n_yes[i] < ROWS) fail_msg("%s accepted only %ld texts", m[i].name, n_yes[i]);
}

/* Names and titles are short, lists of statements are long, though one of them may be "Nothing". */
static void which_answers_are_sentences(void **state)
{
    (void)state;
    const char *const name[] = {"The Lord of the Rings", "LOTR"}, *const title[] = {"  University of  California "},
                      *const statements[] = {"Nothing happens to you", "The seeds pass through the body",
                                             "You digest the seeds of it"},
                      *const five[] = {"It is known as that"};
    assert_false(ken_answers_are_sentences(name, 2));
    assert_false(ken_answers_are_sentences(title, 1));
    assert_true(ken_answers_are_sentences(statements, 3));
    assert_true(ken_answers_are_sentences(five, 1));
    assert_false(ken_answers_are_sentences(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_round_trips),        cmocka_unit_test(what_messages_say),
        cmocka_unit_test(which_matcher_is_within_which), cmocka_unit_test(no_text_breaks_a_claim),
        cmocka_unit_test(which_answers_are_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
