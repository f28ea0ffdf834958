/* test_identity.c - what identifies a row: each field does, where it was read does not. */
#include "util.h"
#include "base/alloc.h"
#include "data/identity.h"
#include <math.h>
#include <string.h>

static ken_err err;

static const char *const answers[] = {"Brasília", "Brasilia"}, *const aliases[] = {"BSB"},
                         *const choices[] = {"a", "b\nc"};

static ken_example example(void)
{
    return (ken_example){.id = "P36/test/1",
                         .relation = "P36",
                         .split = "test",
                         .question = "What is the capital of Brazil?",
                         .subject = "Brazil",
                         .answers = answers,
                         .n_answers = 2,
                         .aliases = aliases,
                         .n_aliases = 1,
                         .popularity = 5,
                         .choices = choices,
                         .n_choices = 2,
                         .choice = 0,
                         .flags = KEN_FLAG_MULTI_ANSWER,
                         .file = "facts.jsonl",
                         .line = 7};
}

typedef void (*spelling)(ken_buf *b, const ken_example *x);

static void hash_of(spelling spell, const ken_example *x, char hex[65])
{
    ken_buf b = {0};
    spell(&b, x);
    assert_int_equal(ken_canon_hash(&b, hex), 0);
    ken_buf_free(&b);
}

static bool changes(spelling spell, const ken_example *x)
{
    char before[65], after[65];
    ken_example plain = example();
    hash_of(spell, &plain, before);
    hash_of(spell, x, after);
    return strcmp(before, after) != 0;
}

/* A field that is added has a line below before this is changed: does it identify the row, is it shown, is it accepted? */
_Static_assert(sizeof(void *) != 8 || sizeof(ken_example) == 104, "every field of an example is in the test");

static void every_field(void **state)
{
    (void)state;
    static const char *const turned[] = {"Brasilia", "Brasília"}, *const other[] = {"Brasília", "Rio"},
                             *const joined[] = {"Brasília\001Brasilia"}, *const bsb[] = {"B"},
                             *const swapped[] = {"b\nc", "a"}, *const shifted[] = {"a\nb", "c"}, *const none[] = {""};
    ken_example x;
    /* which of the three spellings the change shows in */
#define CHANGED(asked, right, change)                                                                                  \
    do {                                                                                                               \
        x = example();                                                                                                 \
        change;                                                                                                        \
        if (changes(ken_canon_asked, &x) != (asked)) fail_msg("asked: %s", #change);                                   \
        if (changes(ken_canon_right, &x) != (right)) fail_msg("right: %s", #change);                                   \
        if (!changes(ken_canon_example, &x)) fail_msg("not noticed: %s", #change);                                     \
    } while (0)
    CHANGED(false, false, x.id = "P36/test/2");
    CHANGED(true, false, x.relation = "P37");
    CHANGED(false, false, x.split = "train");
    CHANGED(true, false, x.question = "What is the capital of Brazil ?");
    CHANGED(true, false, x.subject = "France");
    CHANGED(true, false, x.subject = NULL);
    CHANGED(true, false, x.subject = "");
    CHANGED(false, true, x.answers = turned);
    CHANGED(false, true, x.answers = other);
    CHANGED(false, true, x.n_answers = 1);
    CHANGED(false, true, (x.answers = joined, x.n_answers = 1));
    CHANGED(false, true, x.aliases = bsb);
    CHANGED(false, true, x.n_aliases = 0);
    CHANGED(false, true, x.aliases = none);
    CHANGED(false, false, x.popularity = 6);
    CHANGED(false, false, x.popularity = NAN);
    CHANGED(true, false, x.choices = swapped);
    CHANGED(true, false, x.choices = shifted);
    CHANGED(true, false, x.n_choices = 1);
    CHANGED(false, true, x.choice = 1);
    CHANGED(false, true, x.choice = -1);
    CHANGED(false, false, x.flags = 0);
    CHANGED(false, false, x.flags |= KEN_FLAG_AMBIGUOUS);
    /* A text that moves over to the next field, or list. */
    CHANGED(true, false, (x.relation = "P36What", x.question = " is the capital of Brazil?"));
    CHANGED(true, false, (x.question = "What is the capital of Brazil?Brazil", x.subject = ""));
    CHANGED(false, true, (x.n_answers = 1, x.aliases = turned, x.n_aliases = 1));
#undef CHANGED
}

static void where_it_was_read(void **state)
{
    (void)state;
    ken_example x = example();
    x.file = "other.jsonl";
    x.line = 8;
    assert_false(changes(ken_canon_example, &x));
    /* Other memory, the same texts. */
    const char *copy[] = {ken_strdup(answers[0]), ken_strdup(answers[1])};
    x.answers = copy;
    assert_false(changes(ken_canon_example, &x));
    ken_free((char *)(uintptr_t)copy[0]);
    ken_free((char *)(uintptr_t)copy[1]);
}

/* Rows of two places: the same question, and of the same subject where it does not name it. */
static void asks_same(void **state)
{
    (void)state;
    static const char what[] = "What is its capital?", named[] = "What is the capital of Brazil?";
    static const struct {
        const char *question, *subject, *other_question, *other_subject;
        bool same;
    } cases[] = {
        {what, "Brazil", what, "Brazil", true},   {what, "Brazil", what, "France", false},
        {what, "Brazil", what, NULL, true}, /* not known there */
        {what, NULL, what, NULL, true},           {what, "Brazil", named, "Brazil", false},
        {named, "Brazil", named, "Brazil", true}, {named, "Brazil", named, "Brasil", true},
        {named, "Brasil", named, "Brazil", true}, {named, "Brazil", named, NULL, true},
        {named, "France", named, "Italy", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ken_asks_same(cases[i].question, cases[i].subject, cases[i].other_question, cases[i].other_subject) !=
            cases[i].same)
            fail_msg("case %zu", i);
}

/* ---- all rows ------------------------------------------------------------------------------------------------------- */

static const char plain[] = "{\"id\":\"a\",\"question\":\"x?\",\"answer\":\"1\",\"relation\":\"R\"}\n"
                            "{\"id\":\"b\",\"question\":\"y?\",\"answer\":\"2\",\"relation\":\"R\"}\n";

static void data_hash(const char *name, const char *text, char hex[65])
{
    ken_data *d = data_of(name, text, NULL);
    assert_int_equal(ken_data_hash(d, hex, &err), KEN_OK);
    ken_data_free(d);
}

static void all_rows(void **state)
{
    (void)state;
    static const char *const same[] = {
        "{\"relation\":\"R\",\"answer\":[\"1\"],  \"question\":\"x?\",\"id\":\"a\"}\n\n"
        "{\"answer\":\"2\",\"note\":\"not read\",\"id\":\"b\",\"question\":\"y?\",\"relation\":\"R\"}\n",
        "[{\"id\":\"a\",\"question\":\"x?\",\"answer\":\"1\",\"relation\":\"R\"},\n"
        "{\"id\":\"b\",\"question\":\"\\u0079?\",\"answer\":\"2\",\"relation\":\"R\"}]",
    };
    static const char *const other[] = {
        "", /* the first row alone, below */
        "{\"id\":\"b\",\"question\":\"y?\",\"answer\":\"2\",\"relation\":\"R\"}\n"
        "{\"id\":\"a\",\"question\":\"x?\",\"answer\":\"1\",\"relation\":\"R\"}\n",
        "{\"id\":\"a\",\"question\":\"x?\",\"answer\":\"1\",\"relation\":\"R\"}\n"
        "{\"id\":\"b\",\"question\":\"y?\",\"answer\":[\"2\",\"3\"],\"relation\":\"R\"}\n",
        "{\"id\":\"a\",\"question\":\"x?\",\"answer\":\"1\",\"relation\":\"R\"}\n"
        "{\"id\":\"b\",\"question\":\"y?\",\"answer\":\"2\",\"relation\":\"R\"}\n"
        "{\"id\":\"c\",\"question\":\"y?\",\"answer\":\"2\",\"relation\":\"R\"}\n",
    };
    char hex[65], again[65], first[sizeof plain];
    data_hash("rows.jsonl", plain, hex);
    data_hash("named-otherwise.jsonl", plain, again);
    assert_string_equal(again, hex);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        data_hash("rows.jsonl", same[i], again);
        assert_string_equal(again, hex);
    }
    memcpy(first, plain, sizeof first);
    *strchr(first, '\n') = '\0';
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        data_hash("rows.jsonl", i == 0 ? first : other[i], again);
        assert_string_not_equal(again, hex);
    }
}

static void no_memory(void **state)
{
    (void)state;
    ken_data *d = data_of("rows.jsonl", plain, NULL);
    char hex[65], hash[65];
    assert_int_equal(ken_data_hash(d, hash, &err), KEN_OK);
    int failed = 0;
    for (long k = 1, status = KEN_ENOMEM; status != KEN_OK; k++) {
        ken_alloc_fail_after(k);
        status = ken_data_hash(d, hex, &err);
        ken_alloc_fail_after(0);
        if (status == KEN_OK) break;
        assert_int_equal(status, KEN_ENOMEM);
        failed++;
    }
    assert_true(failed > 0);
    assert_string_equal(hex, hash);
    ken_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field), cmocka_unit_test(where_it_was_read), cmocka_unit_test(asks_same),
        cmocka_unit_test(all_rows),    cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
