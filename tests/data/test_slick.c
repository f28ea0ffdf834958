/* test_slick.c - EntityQuestions as published and under --protocol slick: every number of docs/method/knowledge.md#data that the
 * files decide. Needs KEN_TEST_DATA. */
#include "util.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static ken_data *raw, *slick; /* read once: a second for each would be wasted in every test */

static const ken_data *whole(void)
{
    const char *path = test_data("entityquestions/dataset");
    if (raw == NULL) raw = data_at(path, NULL);
    return raw;
}

static const ken_data *filtered(void)
{
    const char *path = test_data("entityquestions/dataset");
    ken_data_options o = ken_data_defaults();
    o.slick = true;
    if (slick == NULL) slick = data_at(path, &o);
    return slick;
}

static int forget(void **state)
{
    (void)state;
    ken_data_free(raw);
    ken_data_free(slick);
    return 0;
}

/* docs/method/knowledge.md#relations */
static const struct {
    const char *relation;
    size_t train, test;
} kept[] = {{"P131", 7646, 965}, {"P136", 7516, 967}, {"P17", 7890, 996}, {"P19", 7921, 999},  {"P26", 7456, 951},
            {"P264", 7324, 958}, {"P36", 6815, 880},  {"P40", 6110, 801}, {"P495", 7674, 993}, {"P69", 6721, 840},
            {"P740", 7271, 942}, {"P800", 1356, 189}, {"P127", 0, 990},   {"P50", 0, 967},     {"P407", 0, 623},
            {"P176", 0, 972},    {"P170", 0, 850},    {"P175", 0, 980},   {"P112", 0, 466}};
enum { N_KEPT = sizeof kept / sizeof *kept, N_ID = 12 };

static void test_totals(void **state)
{
    (void)state;
    const ken_data_stats *s = ken_data_get_stats(filtered());
    assert_int_equal(s->slick_train, 81700);
    assert_int_equal(s->slick_id_test, 10481);
    assert_int_equal(s->slick_ood_test, 5848);
    assert_int_equal(s->slick_dev, 10461);
    assert_int_equal(s->multi_answer, 0);
}

static void test_each_relation(void **state)
{
    (void)state;
    const ken_data *d = filtered();
    size_t groups = 0;
    for (size_t i = 0; i < N_KEPT; i++) {
        const ken_data_group *train = group_of(d, kept[i].relation, "train"),
                             *test = group_of(d, kept[i].relation, "test");
        if (i < N_ID) assert_int_equal(train->rows, kept[i].train);
        else assert_null(train);
        assert_int_equal(test->rows, kept[i].test);
        assert_non_null(group_of(d, kept[i].relation, "dev"));
        groups += i < N_ID ? 3 : 2;
    }
    assert_int_equal(ken_data_n_groups(d), groups); /* and nothing else is left */
}

/* 2.4: 885 kept train rows (407 in P36, 197 in P264), 36 ID test rows (28 in P36). */
static void test_ambiguous(void **state)
{
    (void)state;
    const ken_data *d = filtered();
    size_t train = 0, test = 0;
    for (size_t i = 0; i < N_ID; i++) {
        train += group_of(d, kept[i].relation, "train")->ambiguous;
        test += group_of(d, kept[i].relation, "test")->ambiguous;
    }
    assert_int_equal(train, 885);
    assert_int_equal(test, 36);
    assert_int_equal(group_of(d, "P36", "train")->ambiguous, 407);
    assert_int_equal(group_of(d, "P264", "train")->ambiguous, 197);
    assert_int_equal(group_of(d, "P36", "test")->ambiguous, 28);
}

static void near(double x, double want, double tolerance, const char *what)
{
    if (fabs(x - want) > tolerance) fail_msg("%s: %.5f, expected %.5f +- %g", what, x, want, tolerance);
}

/* 2.4: the gold stands in the question. */
static void test_echo(void **state)
{
    (void)state;
    static const struct {
        const char *relation;
        double share;
    } echo[] = {{"P36", 0.418}, {"P176", 0.300}, {"P131", 0.097}, {"P175", 0.085}, {"P127", 0.070}};
    const ken_data *d = filtered();
    for (size_t i = 0; i < N_KEPT; i++) {
        const ken_data_group *g = group_of(d, kept[i].relation, "test");
        double share = (double)g->echo / (double)g->rows, want = -1;
        for (size_t j = 0; j < sizeof echo / sizeof *echo; j++)
            if (strcmp(g->relation, echo[j].relation) == 0) want = echo[j].share;
        if (want >= 0) near(share, want, 5e-4, g->relation);
        else assert_true(share <= 0.05); /* "others at most 5 %" */
    }
}

/* 2.4: always answering the most frequent train answer. */
static void test_majority(void **state)
{
    (void)state;
    const ken_data *d = filtered();
    size_t hits = 0, rows = 0;
    for (size_t i = 0; i < N_ID; i++) {
        const ken_data_group *g = group_of(d, kept[i].relation, "test");
        double share = (double)g->majority / (double)g->rows;
        hits += g->majority;
        rows += g->rows;
        if (strcmp(g->relation, "P495") == 0) near(share, 0.719, 5e-4, "P495");
        else if (strcmp(g->relation, "P17") == 0) near(share, 0.219, 5e-4, "P17");
        else assert_true(share <= 0.0665);
    }
    assert_string_equal(group_of(d, "P495", "test")->majority_answer, "United States of America");
    assert_int_equal(group_of(d, "P495", "train")->majority, 5383); /* 5.1 */
    near((double)hits / (double)rows, 0.112, 5e-4, "all ID test");
    const ken_data_group *language = group_of(d, "P407", "test");
    near((double)language->majority / (double)language->rows, 0.252, 5e-4, "P407");
    assert_string_equal(language->majority_answer, "English");
}

/* 2.1, 2.3 and 2.4 on the files as they are. */
static void test_whole(void **state)
{
    (void)state;
    const ken_data *d = whole();
    size_t train = 0, dev = 0, test = 0, multi_train = 0, multi_test = 0;
    for (size_t i = 0; i < ken_data_n_groups(d); i++) {
        const ken_data_group *g = ken_data_get_group(d, i);
        if (strcmp(g->split, "train") == 0) train += g->rows, multi_train += g->multi_answer;
        else if (strcmp(g->split, "dev") == 0) dev += g->rows;
        else test += g->rows, multi_test += g->multi_answer;
    }
    assert_int_equal(train, 176560);
    assert_int_equal(dev, 22068);
    assert_int_equal(test, 22075);
    assert_int_equal(ken_data_n_groups(d), 24 * 3);
    assert_int_equal(ken_data_get_stats(d)->multi_answer, 9159);
    near((double)multi_train / (double)train, 0.0419, 5e-5, "train rows with several answers");
    near((double)multi_test / (double)test, 0.0394, 5e-5, "test rows with several answers");
    int most = 0;
    for (size_t i = 0; i < ken_data_count(d); i++) {
        const ken_example *e = ken_data_get(d, i);
        if (e->n_answers > most) most = e->n_answers;
        if (e->subject == NULL || e->subject[0] == '\0') fail_msg("%s has no subject", e->id);
    }
    assert_int_equal(most, 55);
}

static void test_ids_and_lines(void **state)
{
    (void)state;
    const ken_data *d = whole();
    const ken_example *e = row_of(d, "P36/test/3"), *f = row_of(filtered(), "P36/test/3");
    assert_string_equal(e->subject, f->subject); /* a filter changes no id */
    assert_int_equal(e->line, 20);               /* six lines a row, the list's bracket first */
    assert_string_equal(strrchr(e->file, '/'), "/P36.test.json");
    for (size_t i = 1; i < ken_data_n_groups(d); i++) {
        const ken_data_group *a = ken_data_get_group(d, i - 1), *b = ken_data_get_group(d, i);
        int c = ken_natural_cmp(a->relation, b->relation);
        assert_true(c < 0 || (c == 0 && ken_split_rank(a->split) < ken_split_rank(b->split)));
        assert_int_equal(b->first, a->first + a->rows);
    }
}

/* The parent folder and a single file of the same data. */
static void test_other_doors(void **state)
{
    (void)state;
    ken_data *d = data_at(test_data("entityquestions"), NULL);
    assert_int_equal(ken_data_count(d), 176560 + 22068 + 22075);
    ken_data_free(d);
    d = data_at(test_data("entityquestions/dataset/test/P36.test.json"), NULL);
    assert_string_equal(ken_data_format(d), "entityquestions");
    assert_string_equal(ken_data_get(d, 0)->id, "P36/test/0");
    assert_string_equal(ken_data_get(d, 0)->subject, row_of(whole(), "P36/test/0")->subject);
    ken_data_options o = ken_data_defaults();
    o.slick = true;
    ken_data_free(d);
    refuse_path(test_data("entityquestions/dataset/test/P36.test.json"), &o, KEN_EINPUT,
                "needs all of EntityQuestions");
    refuse_path(test_data("popqa/popqa_union.jsonl"), &o, KEN_EINPUT, "is for EntityQuestions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),        cmocka_unit_test(test_each_relation), cmocka_unit_test(test_ambiguous),
        cmocka_unit_test(test_echo),          cmocka_unit_test(test_majority),      cmocka_unit_test(test_whole),
        cmocka_unit_test(test_ids_and_lines), cmocka_unit_test(test_other_doors),
    };
    return cmocka_run_group_tests_name("slick", tests, NULL, forget);
}
