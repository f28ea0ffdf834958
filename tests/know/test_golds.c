/* test_golds.c - what is accepted as an answer, and what declines to: the verdict, what can still become one, and what binds it. */
#include "base/alloc.h"
#include "base/arena.h"
#include "know/golds.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static ken_err err;

#define N(list) ((int)(sizeof(list) / sizeof *(list)))

static ken_gold_rules rules_of(const char *matcher, const char *stop)
{
    ken_gold_rules r;
    if (ken_gold_rules_new(&r, matcher, stop, NULL, 0, &err) != KEN_OK) fail_msg("%s", err.msg);
    return r;
}

static bool is(ken_verdict v, bool hit, bool raw, bool abstained)
{
    return v.hit == hit && v.raw == raw && v.abstained == abstained;
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------- */

static void verdicts(void **state)
{
    (void)state;
    static const char *const answers[] = {"Rome", "The Hague"}, *const aliases[] = {"Roma", "Den Haag"};
    static const struct {
        const char *text;
        bool squad, raw, alias, contains, abstained;
    } cases[] = {
        {"Rome", true, true, true, true, false},
        {" Rome ", true, true, true, true, false},
        {"rome.", true, false, true, true, false},
        {"hague", true, false, true, true, false},
        {"The Hague", true, true, true, true, false},
        {"Roma", false, false, true, false, false},
        {"den haag!", false, false, true, false, false},
        {"in Rome", false, false, false, true, false},
        {"Romans", false, false, false, false, false},
        {"", false, false, false, false, false},
        {"I don't know", false, false, false, false, true},
        {"i do not know.", false, false, false, false, true},
        {"Unknown", false, false, false, false, true},
        {"I don't know, Rome", false, false, false, true, false},
    };
    static const char *const matchers[] = {"em-squad", "em-raw", "em-alias", "contains"};
    for (int m = 0; m < N(matchers); m++) {
        ken_gold_rules r = rules_of(matchers[m], "\n");
        ken_golds g;
        assert_int_equal(ken_golds_new(&g, &r, answers, 2, aliases, 2, &err), KEN_OK);
        for (int i = 0; i < N(cases); i++) {
            const bool hit[] = {cases[i].squad, cases[i].raw, cases[i].alias, cases[i].contains};
            size_t n = strlen(cases[i].text);
            if (!is(ken_golds_judge(&g, cases[i].text, n), hit[m], cases[i].raw, cases[i].abstained))
                fail_msg("%s: \"%s\"", matchers[m], cases[i].text);
            assert_int_equal(ken_abstains(&r, cases[i].text, n), cases[i].abstained);
        }
        ken_golds_free(&g);
        ken_gold_rules_free(&r);
    }
}

/* Texts are copied: the row may go. */
static void golds_keep_their_texts(void **state)
{
    (void)state;
    char answer[] = "Rome", alias[] = "Roma";
    const char *const a[] = {answer}, *const b[] = {alias};
    ken_gold_rules r = rules_of("em-alias", "\n");
    ken_golds g;
    assert_int_equal(ken_golds_new(&g, &r, a, 1, b, 1, &err), KEN_OK);
    memset(answer, 'x', 4);
    memset(alias, 'x', 4);
    assert_true(is(ken_golds_judge(&g, "Rome", 4), true, true, false));
    assert_true(is(ken_golds_judge(&g, "roma", 4), true, false, false));
    assert_true(is(ken_golds_judge(&g, "xxxx", 4), false, false, false));
    ken_golds_free(&g);
    ken_golds_free(&g); /* nothing is left to free */
    ken_gold_rules_free(&r);
}

/* A phrase of the user's is compared as the usual ones are, which stay. */
static void more_phrases(void **state)
{
    (void)state;
    static const char *const idk[] = {"No clue at all!", "pass"};
    ken_gold_rules r;
    assert_int_equal(ken_gold_rules_new(&r, "em-raw", "\n", idk, 2, &err), KEN_OK);
    assert_true(ken_abstains(&r, " no clue at all", 15));
    assert_true(ken_abstains(&r, "Pass.", 5));
    assert_true(ken_abstains(&r, "no idea", 7));
    assert_false(ken_abstains(&r, "no clue", 7));
    ken_gold_rules_free(&r);
}

static void refused(void **state)
{
    (void)state;
    static const char *const empty[] = {"pass", ""}, *const nothing[] = {"", "Rome"};
    ken_gold_rules r;
    ken_golds g;
    assert_int_equal(ken_gold_rules_new(&r, "em-squat", "\n", NULL, 0, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "em-squat"));
    ken_gold_rules_free(&r);
    assert_int_equal(ken_gold_rules_new(&r, "em-squad/99", "\n", NULL, 0, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "version"));
    ken_gold_rules_free(&r);
    assert_int_equal(ken_gold_rules_new(&r, NULL, "\n", empty, 2, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "`idk`"));
    ken_gold_rules_free(&r);
    assert_int_equal(ken_gold_rules_new(&r, NULL, "", NULL, 0, &err), KEN_EUSAGE);
    ken_gold_rules_free(&r);
    r = rules_of(NULL, "\n"); /* em-squad */
    assert_string_equal(r.matcher.name, "em-squad/1");
    assert_int_equal(ken_golds_new(&g, &r, nothing, 2, NULL, 0, &err), KEN_EINPUT);
    ken_golds_free(&g);
    assert_int_equal(ken_golds_new(&g, &r, nothing, 0, NULL, 0, &err), KEN_EINPUT);
    ken_golds_free(&g);
    ken_gold_rules_free(&r);
}

static void no_memory(void **state)
{
    (void)state;
    static const char *const answers[] = {"Rome", "The Hague"}, *const aliases[] = {"Roma"}, *const idk[] = {"pass"};
    int failed = 0;
    for (long k = 1;; k++) {
        ken_gold_rules r;
        ken_golds g = {0};
        ken_alloc_fail_after(k);
        int status = ken_gold_rules_new(&r, "em-alias", "\n", idk, 1, &err);
        if (status == KEN_OK) status = ken_golds_new(&g, &r, answers, 2, aliases, 1, &err);
        ken_alloc_fail_after(0);
        ken_golds_free(&g);
        ken_gold_rules_free(&r);
        if (status == KEN_OK) break;
        assert_int_equal(status, KEN_ENOMEM);
        failed++;
    }
    assert_true(failed > 5);
}

/* ---- what can still become an answer --------------------------------------------------------------------------------- */

enum { LETTERS = 4, LONGEST = 4, AHEAD = 5 };

/* The answer that a text gives: what stands before the stop string. */
static size_t cut(const char *text, const char *stop)
{
    const char *at = strstr(text, stop);
    return at != NULL ? (size_t)(at - text) : strlen(text);
}

/* The plain reference: is there a text that begins with x and gives an accepted answer (or, with or_abstain, one that declines)? All of up to
 * AHEAD letters more are tried. */
static bool can_become(const ken_golds *g, const char *letters, char *text, size_t n, int ahead, bool or_abstain)
{
    ken_verdict v = ken_golds_judge(g, text, cut(text, g->rules->stop));
    if (v.hit || (or_abstain && v.abstained)) return true;
    bool found = false;
    for (int i = 0; ahead > 0 && i < LETTERS && !found; i++) {
        text[n] = letters[i];
        text[n + 1] = '\0';
        found = can_become(g, letters, text, n + 1, ahead - 1, or_abstain);
    }
    text[n] = '\0';
    return found;
}

typedef struct tally {
    int yes, no; /* of ken_golds_viable */
} tally;

/* Every running text of up to LONGEST letters: what can become an answer is viable. */
static void try_all(const ken_golds *g, const char *letters, char *text, size_t n, bool or_abstain, tally *t)
{
    if (strstr(text, g->rules->stop) != NULL) return; /* ended */
    bool viable = ken_golds_viable(g, text, n, or_abstain);
    if (viable) t->yes++;
    else t->no++;
    if (!viable && can_become(g, letters, text, n, AHEAD, or_abstain))
        fail_msg("%s, stop \"%s\": \"%s\" can become an answer", g->rules->matcher.name, g->rules->stop, text);
    for (int i = 0; n < LONGEST && i < LETTERS; i++) {
        text[n] = letters[i];
        text[n + 1] = '\0';
        try_all(g, letters, text, n + 1, or_abstain, t);
        text[n] = '\0';
    }
}

static void viable_against_reference(void **state)
{
    (void)state;
    static const struct {
        const char *matcher, *stop, *letters, *golds[2];
        bool or_abstain;
    } cases[] = {
        {"em-raw", "\n", "ab \n", {"ab", "b a"}, false},     {"em-raw", "ba", "ab c", {"ab", "c"}, false},
        {"em-raw", "aab", "ab c", {"a", "aa"}, false},       {"em-raw", "abab", "ab c", {"ca", "ab"}, false},
        {"em-squad", "\n\n", "ab.\n", {"ab", "b b"}, false}, {"em-squad", "b.b", "ab. ", {"b", "bb"}, false},
        {"em-alias", "ba", "ab .", {"b", "bb"}, false},      {"em-squad", "s.", "pas.", {"s", "p"}, true},
        {"em-squad", "pas", "pas ", {"p", "sap"}, true},
    };
    static const char *const idk[] = {"pass"};
    char text[LONGEST + AHEAD + 1] = "";
    for (int i = 0; i < N(cases); i++) {
        ken_gold_rules r;
        ken_golds g;
        tally t = {0, 0};
        assert_int_equal(ken_gold_rules_new(&r, cases[i].matcher, cases[i].stop, idk, 1, &err), KEN_OK);
        assert_int_equal(ken_golds_new(&g, &r, cases[i].golds, 2, NULL, 0, &err), KEN_OK);
        try_all(&g, cases[i].letters, text, 0, cases[i].or_abstain, &t);
        if (t.no < 20 || t.yes < 5) fail_msg("case %d: %d viable, %d not: it rules little out", i, t.yes, t.no);
        ken_golds_free(&g);
        ken_gold_rules_free(&r);
    }
}

/* The end of a text that may be the beginning of the stop string does not spoil it; that of another text does. */
static void the_stop_may_have_begun(void **state)
{
    (void)state;
    static const char *const rome[] = {"Rome"};
    static const struct {
        const char *text;
        bool with_one, with_three; /* stop "\n", "\nQ:" */
    } cases[] = {
        {"", true, true},         {"Ro", true, true},        {"Rome", true, true},    {"Rome\n", true, true},
        {"Rome\nQ", false, true}, {"Rome\nR", false, false}, {"RomeQ", false, false}, {"Par\nQ", false, false},
    };
    ken_gold_rules one = rules_of("em-squad", "\n"), three = rules_of("em-squad", "\nQ:");
    ken_golds a, b;
    assert_int_equal(ken_golds_new(&a, &one, rome, 1, NULL, 0, &err), KEN_OK);
    assert_int_equal(ken_golds_new(&b, &three, rome, 1, NULL, 0, &err), KEN_OK);
    for (int i = 0; i < N(cases); i++) {
        size_t n = strlen(cases[i].text);
        if (ken_golds_viable(&a, cases[i].text, n, false) != cases[i].with_one ||
            ken_golds_viable(&b, cases[i].text, n, false) != cases[i].with_three)
            fail_msg("\"%s\"", cases[i].text);
    }
    assert_false(ken_golds_viable(&b, "no id", 5, false));
    assert_true(ken_golds_viable(&b, "no id", 5, true));
    assert_true(ken_golds_viable(&b, "no idea\nQ", 9, true));
    ken_golds_free(&a);
    ken_golds_free(&b);
    ken_gold_rules_free(&one);
    ken_gold_rules_free(&three);
}

static void aliases_only_where_they_count(void **state)
{
    (void)state;
    static const char *const answers[] = {"Rome"}, *const aliases[] = {"Urbe"};
    static const char *const matchers[] = {"em-raw", "em-squad", "contains", "f1@0.5", "em-alias"};
    for (int i = 0; i < N(matchers); i++) {
        bool uses = strcmp(matchers[i], "em-alias") == 0;
        ken_gold_rules r = rules_of(matchers[i], "\n");
        ken_golds g;
        assert_int_equal(r.matcher.kind->uses_aliases, uses);
        assert_int_equal(ken_golds_new(&g, &r, answers, 1, aliases, 1, &err), KEN_OK);
        assert_true(is(ken_golds_judge(&g, "Urbe", 4), uses, false, false));
        assert_true(is(ken_golds_judge(&g, "Rome", 4), true, true, false));
        if (r.matcher.kind->viable != NULL) assert_int_equal(ken_golds_viable(&g, "Ur", 2, false), uses);
        ken_golds_free(&g);
        assert_int_equal(ken_gold_rules_need_aliases(&r, 1, false, &err), KEN_OK);
        assert_int_equal(ken_gold_rules_need_aliases(&r, 1, true, &err), uses ? KEN_OK : KEN_EUSAGE);
        if (!uses) assert_non_null(strstr(err.msg, "`aliases`"));
        ken_gold_rules_free(&r);
    }
    ken_gold_rules both[] = {rules_of("em-squad", "\n"), rules_of("em-alias", "\n")};
    assert_int_equal(ken_gold_rules_need_aliases(both, 2, true, &err), KEN_OK); /* the second one uses them */
    assert_int_equal(ken_gold_rules_need_aliases(both, 1, true, &err), KEN_EUSAGE);
    for (int i = 0; i < 2; i++) ken_gold_rules_free(&both[i]);
}

/* ---- answers that hold the stop string ---------------------------------------------------------------------------------- */

static void hold_stop(void **state)
{
    (void)state;
    static const struct {
        const char *matcher, *stop, *golds[2];
        int n;
        bool expected;
        const char *names[1]; /* other names (n_names) */
        int n_names;
    } cases[] = {
        {"em-raw", "\n", {"a\nb"}, 1, true},
        {"em-raw", "\n", {"a\nb", "ab"}, 2, false},
        {"em-raw", "\n", {"a\nb", "c\n"}, 2, true},
        {"em-raw", "\n", {"a b"}, 1, false},
        {"em-squad", "\n", {"a\nb"}, 1, false}, /* by words a newline is a space */
        {"em-alias", "\n", {"a\nb"}, 1, false},
        {"em-squad", "\n\n", {"a\n\nb"}, 1, true},
        {"em-squad", ";", {"a;b"}, 1, true},
        {"em-squad", ";", {"a;b", "ab"}, 2, false},
        {"em-raw", "END", {"a END b"}, 1, true},
        {"em-raw", "END", {"a EN D b"}, 1, false},
        {"em-raw", "\n", {NULL}, 0, false},
        {"em-alias", ";", {"a;b"}, 1, false, {"ab"}, 1}, /* that one can be said */
        {"em-alias", ";", {"a;b"}, 1, true, {"c;d"}, 1},
        {"em-alias", ";", {"ab"}, 1, false, {"c;d"}, 1},
        {"em-squad", ";", {"a;b"}, 1, true, {"ab"}, 1}, /* and is not asked for */
        {"em-raw", "\n", {"a\nb"}, 1, true, {"ab"}, 1},
    };
    for (int i = 0; i < N(cases); i++) {
        ken_gold_rules r = rules_of(cases[i].matcher, cases[i].stop);
        if (ken_golds_hold_stop(&r, cases[i].golds, cases[i].n, cases[i].names, cases[i].n_names) != cases[i].expected)
            fail_msg("case %d", i);
        ken_gold_rules_free(&r);
    }
}

/* ---- settings ----------------------------------------------------------------------------------------------------------- */

static void settings_of(const char *matcher, const char *aliases_hash, const char *const *idk, int n, ken_arena *arena,
                        ken_setting_list *l)
{
    ken_gold_rules r;
    *l = (ken_setting_list){.arena = arena};
    assert_int_equal(ken_gold_rules_new(&r, matcher, "\n", idk, n, &err), KEN_OK);
    ken_gold_rules_settings(&r, aliases_hash, l);
    ken_gold_rules_free(&r);
    assert_false(l->failed);
    for (size_t i = 0; i < l->n; i++) assert_true(l->s[i].binding);
}

static void settings(void **state)
{
    (void)state;
    static const char *const ab[] = {"a", "b"}, *const joined[] = {"a\001b"}, *const line[] = {"a\nb"};
    ken_arena arena = {0};
    ken_setting_list plain, l;
    settings_of("em-squad", "", NULL, 0, &arena, &plain);
    assert_int_equal(plain.n, 3);
    assert_string_equal(ken_setting_get(&plain, "matcher"), "em-squad/1"); /* with its version */
    assert_string_equal(ken_setting_get(&plain, "aliases_hash"), "");
    assert_int_equal(strlen(ken_setting_get(&plain, "idk_hash")), 64);
    settings_of("em-squad", "", NULL, 0, &arena, &l);
    assert_string_equal(ken_setting_get(&l, "idk_hash"), ken_setting_get(&plain, "idk_hash"));
    settings_of("em-alias", "abc", NULL, 0, &arena, &l);
    assert_string_equal(ken_setting_get(&l, "matcher"), "em-alias/1");
    assert_string_equal(ken_setting_get(&l, "aliases_hash"), "abc");
    settings_of("em-alias", NULL, NULL, 0, &arena, &l); /* a training's table is in its rows */
    assert_null(ken_setting_get(&l, "aliases_hash"));
    /* Other phrases, another hash; how they are joined does not matter. */
    static const struct {
        const char *const *idk;
        int n;
    } phrases[] = {{NULL, 0}, {ab, 1}, {ab, 2}, {joined, 1}, {line, 1}};
    for (int i = 0; i < N(phrases); i++)
        for (int j = 0; j < i; j++) {
            settings_of(NULL, "", phrases[i].idk, phrases[i].n, &arena, &plain);
            settings_of(NULL, "", phrases[j].idk, phrases[j].n, &arena, &l);
            assert_string_not_equal(ken_setting_get(&plain, "idk_hash"), ken_setting_get(&l, "idk_hash"));
        }
    ken_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(golds_keep_their_texts),
        cmocka_unit_test(more_phrases),
        cmocka_unit_test(refused),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(viable_against_reference),
        cmocka_unit_test(the_stop_may_have_begun),
        cmocka_unit_test(aliases_only_where_they_count),
        cmocka_unit_test(hold_stop),
        cmocka_unit_test(settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
