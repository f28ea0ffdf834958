/* test_world.c - the project's own world facts (data/world/): the form that its README promises. Whether the facts are true was
 * checked when they were written; here every question must come from its template, and no fact may leak from split to split. */
#include "util.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static ken_data *world;

static int open_world(void **state)
{
    (void)state;
    ken_err err = {0};
    if (ken_data_open(&world, KEN_ROOT "/data/world", NULL, &err) == KEN_OK) return 0;
    print_error("%s\n", err.msg);
    return 1;
}

static int close_world(void **state)
{
    (void)state;
    ken_data_free(world);
    return 0;
}

static size_t rows_in(const char *relation, const char *split)
{
    const ken_data_group *g = group_of(world, relation, split);
    return g == NULL ? 0 : g->rows;
}

static void test_size(void **state)
{
    (void)state;
    size_t relations = 0;
    assert_string_equal(ken_data_format(world), "entityquestions");
    assert_true(ken_data_count(world) >= 1500);
    for (size_t i = 0; i < ken_data_n_groups(world); i++) {
        const ken_data_group *g = ken_data_get_group(world, i);
        if (i > 0 && ken_data_get_group(world, i - 1)->relation == g->relation) continue;
        relations++;
        if (rows_in(g->relation, "dev") < 12)
            fail_msg("%s has %zu dev facts", g->relation, rows_in(g->relation, "dev"));
        if (rows_in(g->relation, "train") == 0 || rows_in(g->relation, "test") == 0)
            fail_msg("%s lacks train or test facts", g->relation);
    }
    assert_true(relations >= 20);
}

static void test_questions(void **state)
{
    (void)state;
    json_t *templates = json_load_file(KEN_ROOT "/data/world/templates.json", JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(templates);
    for (size_t i = 0; i < ken_data_count(world); i++) {
        const ken_example *e = ken_data_get(world, i);
        const char *template = json_string_value(json_object_get(templates, e->relation));
        char want[1000];
        if (template == NULL) fail_msg("%s: no template", e->relation);
        if (e->subject == NULL) fail_msg("%s:%d: the question does not fit the template", e->file, e->line);
        const char *at = strstr(template, "[X]");
        snprintf(want, sizeof want, "%.*s%s%s", (int)(at - template), template, e->subject, at + 3);
        assert_string_equal(e->question, want);
        if (e->subject[0] == ' ' || e->subject[strlen(e->subject) - 1] == ' ')
            fail_msg("%s: spaces around the subject", e->id);
    }
    size_t n = 0;
    const char *key;
    json_t *value;
    json_object_foreach(templates, key, value) n += rows_in(key, "test") > 0;
    assert_int_equal(n, json_object_size(templates)); /* and no template without facts */
    json_decref(templates);
}

/* A fact of one split is not asked again in another, in whatever words of the same relation. */
static void test_splits(void **state)
{
    (void)state;
    const ken_data_stats *s = ken_data_get_stats(world);
    assert_int_equal(s->bad, 0);
    assert_int_equal(s->duplicates, 0);
    assert_int_equal(s->ambiguous, 0);
    for (size_t from = 0, to; from < ken_data_count(world); from = to) {
        const char *relation = ken_data_get(world, from)->relation;
        for (to = from; to < ken_data_count(world) && ken_data_get(world, to)->relation == relation;) to++;
        ken_strmap *seen = ken_strmap_new(to - from);
        for (size_t i = from; i < to; i++) {
            const char *subject = ken_data_get(world, i)->subject;
            if (ken_strmap_add(seen, subject, strlen(subject), (int32_t)i) != 1)
                fail_msg("%s: subject \"%s\" stands twice", ken_data_get(world, i)->id, subject);
        }
        ken_strmap_free(seen);
    }
}

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ken_data_count(world); i++) {
        const ken_example *e = ken_data_get(world, i);
        for (int j = 0; j < e->n_answers; j++) {
            const char *a = e->answers[j];
            if (a[0] == '\0' || a[0] == ' ' || a[strlen(a) - 1] == ' ' || strchr(a, '\n') != NULL)
                fail_msg("%s: answer \"%s\" is empty or has white space at its edge", e->id, a);
            for (int k = 0; k < j; k++)
                if (strcmp(a, e->answers[k]) == 0) fail_msg("%s: answer \"%s\" stands twice", e->id, a);
        }
    }
}

/* Every relation has exemplars of its own. */
static void test_exemplars(void **state)
{
    (void)state;
    ken_exemplar_options o = {.n_sets = 10, .shots = 4};
    ken_exemplar_sets *p;
    ken_err err = {0};
    const size_t *rows;
    size_t dev = 0;
    if (ken_exemplar_sets_new(&p, world, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    for (size_t i = 0; i < ken_data_n_groups(world); i++) {
        const ken_data_group *g = ken_data_get_group(world, i);
        if (strcmp(g->split, "dev") == 0) dev += g->rows;
        assert_int_equal(ken_exemplar_sets_for(p, g->relation)->flags & KEN_FLAG_EXEMPLARS_FOREIGN, 0);
    }
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), ken_data_count(world) - dev);
    assert_int_equal(ken_exemplar_sets_held_out(p), 0);
    ken_exemplar_sets_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_size), cmocka_unit_test(test_questions),
                                       cmocka_unit_test(test_splits), cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_exemplars)};
    return cmocka_run_group_tests_name("world", tests, open_world, close_world);
}
