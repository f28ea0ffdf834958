/* test_match.c - N and the matchers against Python (fixtures/text/match.tsv), Unicode properties that normalize.c rests on,
 * and each rule of docs/method/knowledge.md#matchers by hand. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "text/accept.h"
#include "text/normalize.h"
#include "text/unicode.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <cmocka.h>

static size_t unhex(const char *hex, char *out)
{
    size_t n = 0;
    unsigned byte;
    for (; strcmp(hex, "-") != 0 && sscanf(hex, "%2x", &byte) == 1; hex += 2) out[n++] = (char)byte;
    out[n] = '\0';
    return n;
}

static bool accepts(const char *matcher, const char *y, size_t n, const char *const *golds, int n_golds)
{
    ken_matcher m;
    ken_accept *a = NULL;
    ken_err err = {0};
    if (ken_matcher_parse(&m, matcher, &err) != KEN_OK || ken_accept_new(&a, &m, golds, n_golds, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    bool yes = ken_accept_matches(a, y, n);
    ken_accept_free(a);
    return yes;
}

static void against_python(void **state)
{
    (void)state;
    FILE *f = fopen(KEN_FIXTURES "/text/match.tsv", "r");
    assert_non_null(f);
    static char line[4096], a[4096], b[4096], s[2048], t[2048], name[32];
    int counts[3] = {0};
    while (fgets(line, sizeof line, f) != NULL) {
        int want;
        double score;
        if (sscanf(line, "N %4095s %4095s", a, b) == 2) {
            size_t n = unhex(a, s);
            unhex(b, t);
            char *got = ken_normalize(s, n);
            assert_non_null(got);
            if (strcmp(got, t) != 0) fail_msg("N(%s) is \"%s\", expected \"%s\"", a, got, t);
            ken_free(got);
            counts[0]++;
        } else if (sscanf(line, "M %31s %4095s %4095s %d", name, a, b, &want) == 4) {
            size_t n = unhex(a, s);
            unhex(b, t);
            const char *gold = t;
            if (accepts(name, s, n, &gold, 1) != (want == 1)) fail_msg("%s", line);
            counts[1]++;
        } else if (sscanf(line, "F %4095s %4095s %lf", a, b, &score) == 3) {
            size_t n = unhex(a, s);
            unhex(b, t);
            const char *gold = t;
            if (fabs(ken_f1(s, n, &gold, 1) - score) > 1e-15) fail_msg("%s", line);
            counts[2]++;
        }
    }
    fclose(f);
    assert_true(counts[0] >= 1000 && counts[1] >= 2000 && counts[2] >= 600);
}

/* N of every EntityQuestions answer, by a hash per file: no text of the data is kept here. */
static void entityquestions(void **state)
{
    (void)state;
    const char *data = getenv("KEN_TEST_DATA");
    if (data == NULL) {
        fprintf(stderr, "KEN_TEST_DATA is not set: skipped\n");
        skip();
        return;
    }
    FILE *f = fopen(KEN_FIXTURES "/text/match.tsv", "r");
    assert_non_null(f);
    static char line[4096], file[128], want[80];
    int n_files = 0, n_want;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "H %127s %d %79s", file, &n_want, want) != 3) continue;
        char path[4096], got[65];
        snprintf(path, sizeof path, "%s/entityquestions/dataset/%s", data, file);
        json_error_t why;
        json_t *rows = json_load_file(path, 0, &why), *row, *answer;
        if (rows == NULL) fail_msg("%s: %s", path, why.text);
        ken_sha256 *h = ken_sha256_new();
        size_t i, j;
        int n = 0;
        json_array_foreach(rows, i, row)
        {
            json_array_foreach(json_object_get(row, "answers"), j, answer)
            {
                char *w = ken_normalize(json_string_value(answer), json_string_length(answer));
                ken_sha256_add(h, w, strlen(w));
                ken_sha256_add(h, "\n", 1);
                ken_free(w);
                n++;
            }
        }
        ken_sha256_hex(h, got);
        assert_int_equal(n, n_want);
        if (strcmp(got, want) != 0) fail_msg("%s: N differs from Python's", file);
        json_decref(rows);
        n_files++;
    }
    fclose(f);
    assert_int_equal(n_files, 72);
}

/* N in one go, as it is defined; segments must come to the same for every text. */
static char *normalize_by_definition(const char *s, size_t n)
{
    utf8proc_uint8_t *nfkc = NULL;
    ken_buf b = {0};
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &nfkc,
                                        (utf8proc_option_t)(UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    assert_true(len >= 0);
    char word[4096];
    size_t w = 0;
    for (utf8proc_ssize_t i = 0; i <= len;) {
        int32_t cp = ' ';
        i += i == len ? 1 : utf8proc_iterate(nfkc + i, len - i, &cp);
        if (ken_is_space(cp)) {
            word[w] = '\0';
            if (w > 0 && strcmp(word, "a") != 0 && strcmp(word, "an") != 0 && strcmp(word, "the") != 0)
                ken_buf_printf(&b, b.len > 0 ? " %s" : "%s", word);
            w = 0;
        } else if (cp == 0x130) memcpy(word + w, "i\xCC\x87", 3), w += 3;
        else if (cp >= 0x80 || strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", cp) == NULL)
            w += (size_t)ken_utf8_encode(utf8proc_tolower(cp), word + w);
    }
    free(nfkc);
    return ken_buf_take(&b);
}

static uint32_t dice(uint32_t *s, uint32_t n) /* xorshift: tests want speed, not quality */
{
    *s ^= *s << 13, *s ^= *s >> 17, *s ^= *s << 5;
    return *s % n;
}

static void segments_are_nfkc(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    static const int32_t nasty[] = {0x300,   0x301,   0x323,  0x338,  0x345,  0x3099, 0xFF9E, 0x1161,  0x11A8,
                                    0x1100,  0x9BE,   0x9C7,  0x102E, 0x1025, 0x130,  0xFB03, 0xFDFA,  0xB4,
                                    0x2028,  '=',     ' ',    'a',    'E',    '.',    0xAC00, 0x1D157, 0x1D165,
                                    0x11131, 0x11127, 0x3131, 0x314F, 0xFFC2, 0x212B, 0x94D,  0xE9,    0x1EC7};
    for (int t = 0; t < 60000; t++) {
        char s[128];
        size_t n = 0;
        for (uint32_t k = dice(&seed, 12); k > 0; k--) {
            int32_t cp = dice(&seed, 3) > 0 ? nasty[dice(&seed, sizeof nasty / sizeof nasty[0])]
                                            : (int32_t)(1 + dice(&seed, dice(&seed, 2) ? 0x3400 : 0x10FFFF));
            n += (size_t)ken_utf8_encode(cp, s + n);
        }
        char *got = ken_normalize(s, n), *want = normalize_by_definition(s, n);
        if (strcmp(got, want) != 0) {
            fprintf(stderr, "of");
            for (size_t i = 0; i < n; i++) fprintf(stderr, " %02x", (unsigned char)s[i]);
            fail_msg(" N is \"%s\", expected \"%s\"", got, want);
        }
        ken_free(got);
        ken_free(want);
    }
}

static int nfd(int32_t cp, int32_t *out)
{
    int boundclass = 0;
    return (int)utf8proc_decompose_char(cp, out, 32, (utf8proc_option_t)(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE),
                                        &boundclass);
}

/* What em.c says about segments, for every code point there is. A newer Unicode that breaks it must fail here. */
static void unicode_keeps_its_promises(void **state)
{
    (void)state;
    for (int32_t cp = 1; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF) continue;
        int32_t d[32], low[2], composed[32];
        int n = nfd(cp, d);
        assert_in_range(n, 1, 4);
        /* only what begins no segment composes with what stands before it */
        memcpy(composed, d, sizeof d);
        if (n > 1 &&
            utf8proc_normalize_utf32(composed, n, (utf8proc_option_t)(UTF8PROC_COMPOSE | UTF8PROC_STABLE)) == 1)
            for (int i = 1; i < n; i++)
                if (ken_begins_segment(d[i])) fail_msg("U+%04X composes with what follows, U+%04X", cp, d[i]);
        if (utf8proc_get_property(cp)->combining_class != 0) assert_false(ken_begins_segment(cp));
        /* the base survives composing and lower-casing, in any order */
        int k = ken_lower(cp, low);
        assert_int_equal(ken_lower_base(cp), ken_lower_base(d[0]));
        assert_int_equal(ken_lower_base(low[0]), ken_lower_base(cp));
        assert_int_equal(k, cp == 0x130 ? 2 : 1);
        /* nothing that composes is white space or becomes ASCII punctuation but by falling apart */
        if (n > 1) assert_false(ken_is_space(d[0]) || ken_is_space(cp));
        if (cp >= 0x80 && low[0] < 0x80) assert_true(cp == 0x212A || cp == 0x130 || nfd(cp, d) == 1);
        if (ken_is_space(cp) || (cp < 0x80 && ken_ascii_fold[cp] == KEN_DELETED)) assert_int_equal(low[0], cp);
    }
    const char *marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    for (int c = 1; c < 128; c++) {
        assert_int_equal(ken_ascii_fold[c] == KEN_DELETED, strchr(marks, c) != NULL);
        assert_int_equal(ken_ascii_fold[c] == ' ', c == ' ' || (c >= 9 && c <= 13));
    }
}

static void n_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *s, *want;
    } cases[] = {
        {"", ""},
        {"Paris", "paris"},
        {" St. Louis ", "st louis"},
        {"The  Beatles\t(band)", "beatles band"},
        {"J.R.R. Tolkien", "jrr tolkien"},
        {"t-h.e end", "end"}, /* deletion comes before the words are looked at */
        {"a an the", ""},
        {"theory", "theory"},
        {"Ｔｏｋｙｏ　ｔｏｗｅｒ", "tokyo tower"}, /* full-width letters and space */
        {"ﬁnland", "finland"},
        {"S\xC3\xA3o", "s\xC3\xA3o"},
        {"Sa\xCC\x83o", "s\xC3\xA3o"},
        {"\xC4\xB0stanbul", "i\xCC\x87stanbul"},  /* U+0130 */
        {"\xCE\xA3\xCE\xA3", "\xCF\x83\xCF\x83"}, /* no final sigma */
        {"a\xC2\xA0z", "z"},                      /* no-break space is white space, a is an article */
        {"a\xE2\x80\xA8z", "z"},                  /* U+2028 */
        {"=\xCC\xB8", "\xE2\x89\xA0"},            /* composes to a symbol that is not ASCII punctuation */
        {"x\xC2\xB4y", "x \xCC\x81y"},            /* a lone acute accent is a space with a mark */
        {"x\xFFy", "x\xEF\xBF\xBDy"},
        {"x\xE2\x82", "x\xEF\xBF\xBD"}, /* cut off */
        {"\xE2\x82", "\xEF\xBF\xBD"},
        {"\xED\x95\x9C\xEA\xB5\xAD", "\xED\x95\x9C\xEA\xB5\xAD"},
        {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C"}, /* jamo compose */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = ken_normalize(cases[i].s, strlen(cases[i].s));
        assert_string_equal(got, cases[i].want);
        ken_free(got);
    }
    char *got = ken_normalize("x\0y", 3);
    assert_string_equal(got, "x\xEF\xBF\xBDy");
    ken_free(got);
}

static void long_runs_of_marks_are_cut_not_feared(void **state)
{
    (void)state;
    enum { RUN = 200000 };
    char *s = ken_alloc(2 * RUN + 2, 1);
    s[0] = 'e';
    for (int i = 0; i < RUN; i++) memcpy(s + 1 + 2 * i, i % 2 ? "\xCC\x81" : "\xCC\xA3", 2);
    char *got = ken_normalize(s, 2 * RUN + 1); /* must not take the square of the length */
    assert_true(strlen(got) > RUN);
    const char *gold[] = {got};
    assert_true(accepts("em-squad", got, strlen(got), gold, 1));
    ken_free(got);
    ken_free(s);
}

static void matchers_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *matcher, *gold, *y;
        bool want;
    } cases[] = {
        {"em-raw", "Paris", " Paris ", true},
        {"em-raw", "Paris", "\xE3\x80\x80Paris\xC2\xA0", true},
        {"em-raw", "Paris", "paris", false},
        {"em-raw", "Paris", "Paris.", false},
        {"em-raw", " Paris", "Paris", true},
        {"em-raw", "Paris", "", false},
        {"em-raw", "Paris", "Paris\xC2", false},
        {"em-squad", "Paris", "", false},
        {"em-squad", "Paris", "the", false},
        {"em-squad", "Paris", "The Paris.", true},
        {"em-squad", "Paris", "\"paris\"", true},
        {"em-squad", "Paris", "Par is", false},
        {"em-squad", "Paris", "Paris\xC2", false},
        {"em-squad", "Paris", "Paris \xFF", false},
        {"em-squad", "New York", "NEW   YORK!", true},
        {"em-squad", "New York", "NewYork", false},
        {"em-squad", "New York", "New", false},
        {"em-squad", "New York", "New York City", false},
        {"em-squad", "The The", "the the", true},
        {"em-squad", "The The", "The The.", true},
        {"em-squad", "The The", "The", false},
        {"em-squad", "The The", "", false},
        {"em-squad", "A", "a", true},
        {"em-squad", "A", "the a", false},
        {"em-squad", "!!!", " !!! ", true},
        {"em-squad", "!!!", "!!", false},
        {"em-squad", "!!!", "", false},
        {"em-squad", "!!!", "...", false},
        {"em-alias", "U.S.", "us", true},
        {"contains", "Iran", "It is Iran.", true},
        {"contains", "Iran", "Tirana", false},
        {"contains", "New York", "in the New a York now", true}, /* articles are no words */
        {"contains", "New York", "new jersey york", false},
        {"contains", "The The", "by the the, live", true},
        {"contains", "!!!", "say !!!", false},
        {"contains", "!!!", " !!!", true},
        {"contains", "Iran", "", false},
        {"contains", "Iran", "Iran \xFF", false},
        {"f1@0.5", "New York City", "york", true}, /* 2*1/(1+3) */
        {"f1@0.51", "New York City", "york", false},
        {"f1@0.8", "a b c", "b c d", true}, /* article dropped: 2*2/(2+3) */
        {"f1@1", "York New", "new york", true},
        {"f1@0.0001", "York", "", false},
        {"f1@0.5", "b b c", "b c c", true},
        {"f1@0.7", "b b c", "b c c", false}, /* 2*2/6: multisets */
        {"f1@0.5", "!!!", "!!!", true},
        {"f1@0.5", "!!!", "!", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (accepts(cases[i].matcher, cases[i].y, strlen(cases[i].y), &cases[i].gold, 1) != cases[i].want)
            fail_msg("%s: gold \"%s\", answer \"%s\": expected %d", cases[i].matcher, cases[i].gold, cases[i].y,
                     cases[i].want);
    /* several golds, each on its own level; any one is enough */
    static const char *const many[] = {"The The", "!!!", "New York", "NYC", "N.Y.C."};
    static const char *const yes[] = {"the the", "!!!", "the new york", "nyc"}, *const no[] = {"the", "!", "", "york",
                                                                                               "the nyc the new york"};
    for (int i = 0; i < 4; i++) assert_true(accepts("em-squad", yes[i], strlen(yes[i]), many, 5));
    for (int i = 0; i < 5; i++) assert_false(accepts("em-squad", no[i], strlen(no[i]), many, 5));
    assert_true(fabs(ken_f1("york city", 9, many, 5) - 0.5) < 1e-15);
    assert_true(ken_contains_words("where is new york?", 18, "New York"));
    assert_false(ken_contains_words("where is Tirana?", 16, "Iran"));
    assert_false(ken_contains_words("anything", 8, ""));
}

static void names_of_matchers(void **state)
{
    (void)state;
    static const struct {
        const char *given, *name, *kind;
    } good[] = {
        {"em-raw", "em-raw/1", "em-raw"},         {"em-squad", "em-squad/1", "em-squad"},
        {"em-squad/1", "em-squad/1", "em-squad"}, {"em-alias", "em-alias/1", "em-alias"},
        {"contains/1", "contains/1", "contains"}, {"f1@0.5", "f1@0.5/1", "f1"},
        {"f1@.50/1", "f1@0.5/1", "f1"},           {"f1@1", "f1@1/1", "f1"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ken_matcher m, again;
        assert_int_equal(ken_matcher_parse(&m, good[i].given, NULL), KEN_OK);
        assert_string_equal(m.name, good[i].name);
        assert_string_equal(m.kind->name, good[i].kind);
        assert_int_equal(ken_matcher_parse(&again, m.name, NULL), KEN_OK); /* what a run stores can be read back */
        assert_true(again.threshold == m.threshold);
        assert_int_equal(ken_matcher_is_exact(&m), i < 4);
    }
    static const char *const bad[] = {
        "",         "em",      "em-squad/2", "em-squad/", "em-squad/1/1",
        "f1",       "f1@",     "f1@0",       "f1@1.5",    "f1@-1",
        "f1@nan",   "f1@0.5x", "f1@inf",     "f1@ 0.5",   "f1@0.5000000000000000000000000000",
        "EM-SQUAD", "/1",      "f1@1e-999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ken_matcher m;
        ken_err err = {0};
        if (ken_matcher_parse(&m, bad[i], &err) != KEN_EUSAGE) fail_msg("\"%s\" was taken for a matcher", bad[i]);
        assert_non_null(strstr(err.msg, "known: em-raw"));
    }
}

static void bad_golds(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " ", "\t\xC2\xA0", "Par\xFFis", "Paris\xC3", "\xED\xA0\x80"};
    static const char *const matchers[] = {"em-raw", "em-squad", "contains", "f1@0.5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t j = 0; j < 4; j++) {
            const char *golds[] = {"good", bad[i]};
            ken_matcher m;
            ken_accept *a;
            ken_err err = {0};
            assert_int_equal(ken_matcher_parse(&m, matchers[j], NULL), KEN_OK);
            assert_int_equal(ken_accept_new(&a, &m, golds, 2, &err), KEN_EINPUT);
            assert_null(a);
            assert_non_null(strstr(err.msg, i < 3 ? "empty" : "UTF-8"));
        }
    }
    ken_matcher m;
    ken_accept *a;
    assert_int_equal(ken_matcher_parse(&m, "em-squad", NULL), KEN_OK);
    assert_int_equal(ken_accept_new(&a, &m, NULL, 0, NULL), KEN_EINPUT);
    ken_accept_free(NULL);
}

static void every_allocation_fails_in_turn(void **state)
{
    (void)state;
    static const char *const golds[] = {"The The", "!!!", "New York", "S\xC3\xA3o Paulo"};
    static const char *const matchers[] = {"em-raw", "em-squad", "contains", "f1@0.5"};
    for (size_t j = 0; j < 4; j++) {
        ken_matcher m;
        assert_int_equal(ken_matcher_parse(&m, matchers[j], NULL), KEN_OK);
        for (long k = 1;; k++) {
            ken_accept *a;
            ken_err err = {0};
            ken_alloc_fail_after(k);
            int rc = ken_accept_new(&a, &m, golds, 4, &err);
            ken_alloc_fail_after(0);
            if (rc == KEN_OK) {
                assert_true(k > 4);
                ken_accept_free(a);
                break;
            }
            assert_int_equal(rc, KEN_ENOMEM);
            assert_null(a);
        }
    }
    ken_alloc_fail_after(1);
    assert_null(ken_normalize("x", 1));
    assert_true(ken_f1("x", 1, golds, 4) < 0);
    assert_false(ken_contains_words("new york", 8, "New York"));
    ken_alloc_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_python),    cmocka_unit_test(entityquestions),
        cmocka_unit_test(segments_are_nfkc), cmocka_unit_test(unicode_keeps_its_promises),
        cmocka_unit_test(n_by_hand),         cmocka_unit_test(long_runs_of_marks_are_cut_not_feared),
        cmocka_unit_test(matchers_by_hand),  cmocka_unit_test(names_of_matchers),
        cmocka_unit_test(bad_golds),         cmocka_unit_test(every_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
