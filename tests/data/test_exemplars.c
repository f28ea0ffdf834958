/* test_exemplars.c - which rows are exemplars and which are annotated (docs/method/knowledge.md#exemplars), on made-up data of every awkward
 * shape, on the project's own world facts, and on the published sets. */
#include "../tune/asked.h"
#include "util.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "data/exemplars.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ken_exemplar_options usual(void) { return (ken_exemplar_options){.n_sets = 10, .shots = 4}; }

static ken_exemplar_sets *plan(const ken_data *d, const ken_exemplar_options *o)
{
    ken_err err = {0};
    ken_exemplar_sets *p;
    if (ken_exemplar_sets_new(&p, d, o, &err) != KEN_OK) fail_msg("%s", err.msg);
    return p;
}

static void no_plan(const ken_data *d, const ken_exemplar_options *o, int status, const char *part)
{
    ken_err err = {0};
    ken_exemplar_sets *p = NULL;
    int rc = ken_exemplar_sets_new(&p, d, o, &err);
    if (rc != status || strstr(err.msg, part) == NULL)
        fail_msg("status %d, expected %d; message \"%s\" should hold \"%s\"", rc, status, err.msg, part);
    assert_null(p);
}

/* JSON lines of n rows for one relation and split, numbered from `from`. */
static void add_rows(ken_buf *b, const char *relation, const char *split, int from, int n)
{
    for (int i = from; i < from + n; i++)
        ken_buf_printf(b,
                       "{\"relation\":\"%s\",\"split\":\"%s\",\"subject\":\"s%d\",\"question\":\"%s of "
                       "s%d?\",\"answer\":\"a%d\"}\n",
                       relation, split, i, relation, i, i % 7);
}

static ken_data *made(ken_buf *b)
{
    ken_data *d = data_of("made.jsonl", ken_buf_str(b), NULL);
    ken_buf_free(b);
    return d;
}

static int by_place(const void *a, const void *b)
{
    const ken_example *x = *(const ken_example *const *)a, *y = *(const ken_example *const *)b;
    return x < y ? -1 : x > y;
}

/* What must hold of the sets of a relation or a row, whatever the data: sets differ, rows within one differ; disjoint unless flagged; of the relation
 * unless flagged. */
static void check_deal(const ken_exemplars *x)
{
    const size_t n = (size_t)x->n_sets * (size_t)x->shots;
    const ken_example **all = malloc((n + 1) * sizeof *all);
    assert_non_null(all);
    if (n > 0) memcpy(all, x->shot, n * sizeof *all);
    for (int i = 0; i < x->n_sets; i++) {
        const ken_example **set = all + (size_t)i * (size_t)x->shots;
        qsort(set, (size_t)x->shots, sizeof *set, by_place);
        for (int j = 1; j < x->shots; j++) assert_ptr_not_equal(set[j], set[j - 1]);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(all + (size_t)k * (size_t)x->shots, set, (size_t)x->shots * sizeof *set);
    }
    qsort(all, n, sizeof *all, by_place);
    size_t repeats = 0, foreign = 0;
    for (size_t i = 1; i < n; i++) repeats += all[i] == all[i - 1];
    for (size_t i = 0; i < n; i++) foreign += strcmp(all[i]->relation, x->relation) != 0;
    if ((x->flags & KEN_FLAG_EXEMPLARS_SHARED) == 0) assert_int_equal(repeats, 0);
    if ((x->flags & KEN_FLAG_EXEMPLARS_FOREIGN) == 0) assert_int_equal(foreign, 0);
    free(all);
}

static bool is_related(const ken_example *a, const ken_example *b)
{
    return strcmp(a->question, b->question) == 0 ||
           (a->subject != NULL && b->subject != NULL && strcmp(a->subject, b->subject) == 0);
}

/* And where one draw serves a whole relation: nothing that is asked in it is shown. */
static void check_sets(const ken_exemplars *x, const ken_data *d, const ken_exemplar_sets *p)
{
    const size_t n = (size_t)x->n_sets * (size_t)x->shots, *rows;
    size_t n_rows = ken_exemplar_sets_rows(p, &rows);
    check_deal(x);
    ken_strmap *questions = ken_strmap_new(n), *subjects = ken_strmap_new(n);
    for (size_t i = 0; i < n; i++) {
        const ken_example *e = x->shot[i];
        ken_strmap_add(questions, e->question, strlen(e->question), 1);
        if (e->subject != NULL) ken_strmap_add(subjects, e->subject, strlen(e->subject), 1);
    }
    for (size_t i = 0; i < n_rows; i++) {
        const ken_example *e = ken_data_get(d, rows[i]);
        if (strcmp(e->relation, x->relation) != 0) continue;
        assert_int_equal(ken_strmap_get(questions, e->question, strlen(e->question), 0), 0);
        if (e->subject != NULL) assert_int_equal(ken_strmap_get(subjects, e->subject, strlen(e->subject), 0), 0);
    }
    ken_strmap_free(questions);
    ken_strmap_free(subjects);
}

/* Cross-fitted: every row is asked, behind sets in which nothing is related to it; a row with sets of its own shares all that it can with its
 * relation. Returns how many rows have sets of their own. */
static size_t check_fit(const ken_data *d, const ken_exemplar_sets *p)
{
    const size_t *rows;
    size_t n = ken_exemplar_sets_rows(p, &rows), own = 0;
    assert_int_equal(ken_exemplar_sets_source(p), KEN_CROSS_FITTED);
    assert_int_equal(ken_exemplar_sets_held_out(p), 0);
    for (size_t i = 0; i < n; i++) {
        const ken_example *e = ken_data_get(d, rows[i]);
        const ken_exemplars *x = ken_exemplar_sets_row(p, rows[i]), *shared = ken_exemplar_sets_for(p, e->relation);
        const size_t shots = (size_t)x->shots;
        check_deal(x);
        for (size_t k = 0; k < (size_t)x->n_sets * shots; k++) assert_false(is_related(e, x->shot[k]));
        if (x == shared) continue;
        own++;
        if (x->flags != shared->flags) continue; /* drawn elsewhere */
        for (size_t k = 0; k < (size_t)x->n_sets * shots; k++)
            if (x->shot[k] != shared->shot[k] && !is_related(e, shared->shot[k])) {
                bool moved = false; /* a set that another one became is made another again */
                for (size_t m = k / shots * shots; m < (k / shots + 1) * shots; m++)
                    moved = moved || is_related(e, shared->shot[m]);
                assert_true(moved || (x->flags & KEN_FLAG_EXEMPLARS_SHARED) != 0);
            }
    }
    return own;
}

static void same_sets(const ken_exemplars *a, const ken_exemplars *b)
{
    assert_int_equal(a->n_sets, b->n_sets);
    assert_int_equal(a->shots, b->shots);
    assert_int_equal(a->flags, b->flags);
    assert_memory_equal(a->shot, b->shot, (size_t)a->n_sets * (size_t)a->shots * sizeof *a->shot);
}

/* ---- the dev split ---------------------------------------------------------------------------------------------------------- */

static void test_dev(void **state)
{
    (void)state;
    ken_buf b = {0};
    add_rows(&b, "capital", "train", 0, 30);
    add_rows(&b, "capital", "dev", 20, 60); /* s20..s29 are asked in train: no exemplars */
    add_rows(&b, "capital", "test", 100, 30);
    add_rows(&b, "river", "test", 0, 5);
    add_rows(&b, "river", "dev", 50, 12);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    const size_t *rows;
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 65);
    assert_string_equal(ken_data_get(d, rows[0])->id, "capital/train/0");
    assert_string_equal(ken_data_get(d, rows[30])->id, "capital/test/90"); /* place 90 of the file */
    assert_string_equal(ken_data_get(d, rows[60])->id, "river/test/120");
    assert_int_equal(ken_exemplar_sets_held_out(p), 0);
    const ken_exemplars *x = ken_exemplar_sets_for(p, "capital"), *y = ken_exemplar_sets_for(p, "river");
    assert_int_equal(x->flags, 0);
    assert_int_equal(y->flags, KEN_FLAG_EXEMPLARS_SHARED);
    assert_null(ken_exemplar_sets_for(p, "sport"));
    check_sets(x, d, p);
    check_sets(y, d, p);
    for (int i = 0; i < 40; i++) assert_string_equal(x->shot[i]->split, "dev");

    /* One draw serves every selection; another seed draws others. */
    const ken_exemplar_options others[] = {
        {.n_sets = 10, .shots = 4, .limit = 7},
        {.n_sets = 10, .shots = 4, .per_relation = 3, .splits = LIST("test")},
        {.n_sets = 10, .shots = 4, .relations = LIST("capital"), .splits = LIST("train", "dev")},
        {.n_sets = 10, .shots = 4, .seed = 1}};
    static const size_t n_rows[] = {7, 6, 30 + 20, 65};
    for (int i = 0; i < 4; i++) {
        ken_exemplar_sets *q = plan(d, &others[i]);
        assert_int_equal(ken_exemplar_sets_rows(q, &rows), n_rows[i]);
        const ken_exemplars *z = ken_exemplar_sets_for(q, "capital");
        if (i < 3) same_sets(x, z);
        else assert_memory_not_equal(x->shot, z->shot, 40 * sizeof *x->shot);
        check_sets(z, d, q);
        if (i == 2) { /* dev rows that serve are passed over, and only they */
            assert_int_equal(ken_exemplar_sets_held_out(q), 40);
            assert_null(ken_exemplar_sets_for(q, "river"));
        }
        ken_exemplar_sets_free(q);
    }
    ken_exemplar_sets_free(p);
    ken_data_free(d);
}

/* Duplicate dev questions count once; fewer than six rows borrow from all relations. */
static void test_foreign(void **state)
{
    (void)state;
    ken_buf b = {0};
    add_rows(&b, "big", "dev", 0, 50);
    add_rows(&b, "big", "test", 100, 2);
    add_rows(&b, "small", "dev", 0, 5);
    add_rows(&b, "small", "dev", 0, 5);  /* the same five again */
    add_rows(&b, "small", "test", 3, 4); /* and two of them are asked */
    add_rows(&b, "none", "test", 0, 4);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    assert_int_equal(ken_exemplar_sets_for(p, "big")->flags, 0);
    assert_int_equal(ken_exemplar_sets_for(p, "small")->flags, KEN_FLAG_EXEMPLARS_FOREIGN);
    assert_int_equal(ken_exemplar_sets_for(p, "none")->flags, KEN_FLAG_EXEMPLARS_FOREIGN);
    check_sets(ken_exemplar_sets_for(p, "big"), d, p);
    check_sets(ken_exemplar_sets_for(p, "small"), d, p);
    check_sets(ken_exemplar_sets_for(p, "none"), d, p);
    ken_exemplar_sets_free(p);
    ken_data_free(d);
}

/* ---- cross-fit --------------------------------------------------------------------------------------------------------------- */

static void test_cross_fit(void **state)
{
    (void)state;
    static const struct {
        int rows;
        size_t own; /* rows with sets of their own: those that stand in one */
        uint32_t flags;
    } cases[] = {{100, 40, 0},
                 {41, 40, 0},
                 {40, 40, 0},
                 {39, 36, KEN_FLAG_EXEMPLARS_SHARED},
                 {12, 12, KEN_FLAG_EXEMPLARS_SHARED},
                 {7, 7, KEN_FLAG_EXEMPLARS_SHARED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_buf b = {0};
        add_rows(&b, "r", "", 0, cases[i].rows);
        ken_data *d = made(&b);
        ken_exemplar_options o = usual();
        ken_exemplar_sets *p = plan(d, &o);
        const size_t *rows;
        assert_int_equal(ken_exemplar_sets_rows(p, &rows), cases[i].rows);
        assert_int_equal(ken_exemplar_sets_for(p, "r")->flags, cases[i].flags);
        assert_int_equal(check_fit(d, p), cases[i].own);
        /* a limit changes neither the sets nor which rows come first */
        o.limit = 3;
        ken_exemplar_sets *q = plan(d, &o);
        const size_t *first;
        assert_int_equal(ken_exemplar_sets_rows(q, &first), 3);
        assert_memory_equal(first, rows, 3 * sizeof *rows);
        same_sets(ken_exemplar_sets_for(p, "r"), ken_exemplar_sets_for(q, "r"));
        for (int k = 0; k < 3; k++) same_sets(ken_exemplar_sets_row(p, rows[k]), ken_exemplar_sets_row(q, rows[k]));
        ken_exemplar_sets_free(q);
        for (int k = 0; k < cases[i].rows;
             k++) { /* asked as a question of one's own, it is no exemplar of itself either */
            const ken_example x = {.relation = "r", .question = ken_data_get(d, (size_t)k)->question};
            const ken_exemplars *sets;
            assert_int_equal(ken_exemplar_sets_question(p, &x, &sets), KEN_OK);
            check_deal(sets);
            for (int m = 0; m < 40; m++) assert_string_not_equal(sets->shot[m]->question, x.question);
        }
        const ken_example nowhere = {.relation = "s", .question = "q"};
        const ken_exemplars *none;
        assert_int_equal(ken_exemplar_sets_question(p, &nowhere, &none), KEN_OK);
        assert_null(none);
        o.limit = 0;
        o.seed = 1;
        q = plan(d, &o);
        (void)check_fit(d, q);
        assert_memory_not_equal(ken_exemplar_sets_for(p, "r")->shot, ken_exemplar_sets_for(q, "r")->shot,
                                40 * sizeof(ken_example *));
        ken_exemplar_sets_free(p);
        ken_exemplar_sets_free(q);
        ken_data_free(d);
    }
}

/* Rows that are added later come between the others and move few of them: at most the set in which one now stands. */
static void test_growth(void **state)
{
    (void)state;
    ken_buf b = {0};
    add_rows(&b, "r", "", 0, 200);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    add_rows(&b, "r", "", 0, 210);
    ken_data *more = made(&b);
    ken_exemplar_sets *q = plan(more, &o);
    const ken_exemplars *x = ken_exemplar_sets_for(p, "r"), *y = ken_exemplar_sets_for(q, "r");
    size_t stay = 0;
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 40; k++) stay += strcmp(x->shot[i]->question, y->shot[k]->question) == 0;
    assert_true(stay >= 34); /* 40 of 200, then 40 of 210: two leave, with luck fewer or more */
    ken_exemplar_sets_free(p);
    ken_exemplar_sets_free(q);
    ken_data_free(d);
    ken_data_free(more);
}

/* What a run has is used again: its shared sets and those of single rows, as long as they give nothing away. */
static void test_stored(void **state)
{
    (void)state;
    ken_buf b = {0};
    add_rows(&b, "r", "", 0, 60);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    const ken_exemplars *shared = ken_exemplar_sets_for(p, "r");
    size_t at = 0;
    while (ken_exemplar_sets_row(p, at) == shared) at++;
    const ken_exemplars *own = ken_exemplar_sets_row(p, at);
    int set = 0;
    while (memcmp(own->shot + 4 * set, shared->shot + 4 * set, 4 * sizeof *own->shot) == 0) set++;
    add_rows(&b, "r", "", 0, 90); /* thirty more: another draw would be another one */
    ken_data *more = made(&b);
    o.stored = shared;
    o.n_stored = 1;
    const ken_own_set one = {ken_data_get(d, at)->id, set, own->shot + 4 * set};
    o.stored_own = &one;
    o.n_stored_own = 1;
    ken_exemplar_sets *q = plan(more, &o);
    const size_t *rows;
    assert_int_equal(ken_exemplar_sets_rows(q, &rows), 90);
    (void)check_fit(more, q);
    same_sets(shared, ken_exemplar_sets_for(q, "r"));
    assert_memory_equal(ken_exemplar_sets_row(q, at)->shot + 4 * set, one.shot, 4 * sizeof *one.shot);
    ken_exemplar_sets_free(q);
    const ken_own_set wrong = {one.id, set, shared->shot + 4 * set}; /* the row itself stands in it */
    o.stored_own = &wrong;
    q = plan(more, &o);
    (void)check_fit(more, q);
    ken_exemplar_sets_free(q);
    ken_exemplar_sets_free(p);
    ken_data_free(d);
    ken_data_free(more);
}

/* Data that is all dev has no split to spare for exemplars. */
static void test_only_dev(void **state)
{
    (void)state;
    ken_buf b = {0};
    add_rows(&b, "r", "dev", 0, 90);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    const size_t *rows;
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 90);
    assert_int_equal(check_fit(d, p), 40);
    ken_exemplar_sets_free(p);

    /* As exemplars for others it gives its dev rows only, when it has more than those. */
    add_rows(&b, "r", "train", 200, 50);
    add_rows(&b, "r", "dev", 300, 50);
    ken_data *more = made(&b);
    o.exemplars = more;
    p = plan(d, &o);
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 90); /* the data's own dev rows are asked like any other */
    const ken_exemplars *x = ken_exemplar_sets_for(p, "r");
    for (int i = 0; i < 40; i++) assert_string_equal(x->shot[i]->split, "dev");
    check_sets(x, d, p);
    ken_exemplar_sets_free(p);
    ken_data_free(more);
    ken_data_free(d);
}

/* Rows about one subject, and rows that repeat, are no exemplars for each other. */
static void test_subjects(void **state)
{
    (void)state;
    ken_buf b = {0};
    for (int i = 0; i < 60; i++)
        ken_buf_printf(&b, "{\"relation\":\"r\",\"subject\":\"s%d\",\"question\":\"q%d?\",\"answer\":\"a%d\"}\n", i / 6,
                       i, i % 7);
    add_rows(&b, "t", "", 0, 30);
    add_rows(&b, "t", "", 0, 10);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    const size_t *rows;
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 100);
    assert_int_equal(check_fit(d, p), 100); /* six rows about each subject: four of them stand in a set, or more */
    ken_exemplar_sets_free(p);
    ken_data_free(d);
}

/* Too few others in the relation: rows of all relations; too few in the data: other facts; and then an error. */
static void test_too_small(void **state)
{
    (void)state;
    const size_t *rows;
    ken_buf b = {0};
    add_rows(&b, "small", "", 0, 6); /* five others, six are needed */
    add_rows(&b, "large", "", 100, 50);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 56);
    (void)check_fit(d, p);
    assert_int_equal(ken_exemplar_sets_for(p, "small")->flags, KEN_FLAG_EXEMPLARS_FOREIGN);
    assert_int_equal(ken_exemplar_sets_for(p, "large")->flags, 0);
    ken_exemplar_sets_free(p);
    ken_data_free(d);

    add_rows(&b, "r", "", 0, 6);
    d = made(&b);
    no_plan(d, &o, KEN_EINPUT,
            "too small for its exemplars: 5 other rows of relation \"r\" and 5 of the whole can serve r/0, and 6 are "
            "needed for 10 prompts of 4; give more with `exemplars` DATA");
    add_rows(&b, "world", "", 3, 50); /* s3, s4, s5 are asked */
    ken_data *world = made(&b);
    o.fallback = world;
    p = plan(d, &o);
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 6);
    (void)check_fit(d, p);
    assert_int_equal(ken_exemplar_sets_for(p, "r")->flags, KEN_FLAG_EXEMPLARS_FOREIGN);
    assert_string_equal(ken_exemplar_sets_for(p, "r")->shot[0]->relation, "world");
    ken_exemplar_sets_free(p);
    ken_data_free(world);
    ken_data_free(d);
    add_rows(&b, "r", "", 0, 11);
    d = made(&b);
    o = usual();
    o.shots = 0; /* no exemplars */
    p = plan(d, &o);
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 11);
    assert_int_equal(ken_exemplar_sets_for(p, "r")->flags, 0);
    assert_int_equal(ken_exemplar_sets_for(p, "r")->shots, 0);
    ken_exemplar_sets_free(p);

    /* Another data set helps, by relation or, when it has none of this one, by all of its rows. */
    static const char *const names[] = {"r", "other"};
    for (int i = 0; i < 2; i++) {
        add_rows(&b, names[i], "", 8, 60); /* s8..s10 are asked */
        ken_data *more = made(&b);
        o = usual();
        o.exemplars = more;
        p = plan(d, &o);
        assert_int_equal(ken_exemplar_sets_rows(p, &rows), 11);
        assert_int_equal(ken_exemplar_sets_held_out(p), 0);
        assert_int_equal(ken_exemplar_sets_for(p, "r")->flags, i == 0 ? 0 : KEN_FLAG_EXEMPLARS_FOREIGN);
        assert_ptr_equal(ken_exemplar_sets_row(p, rows[0]), ken_exemplar_sets_for(p, "r"));
        check_sets(ken_exemplar_sets_for(p, "r"), d, p);
        ken_exemplar_sets_free(p);
        ken_data_free(more);
    }
    o.exemplars = d; /* all of it is asked */
    no_plan(d, &o, KEN_EINPUT, "`exemplars`");
    ken_data_free(d);
}

/* ---- the user's wishes ------------------------------------------------------------------------------------------------------ */

static void test_selection(void **state)
{
    (void)state;
    ken_buf b = {0};
    add_rows(&b, "capital", "dev", 0, 50);
    add_rows(&b, "capital", "test", 100, 9);
    add_rows(&b, "river mouth", "dev", 0, 50);
    add_rows(&b, "river mouth", "test", 100, 9);
    ken_data *d = made(&b);
    const ken_names none = {0};
    const struct {
        ken_names relations, splits;
        const char *part;
        size_t n, per_relation, limit;
    } cases[] = {
        {none, none, NULL, 18, 0, 0},
        {LIST("capital"), none, NULL, 9, 0, 0},
        {LIST("river mouth", "capital"), LIST("test"), NULL, 18, 0, 0},
        {none, LIST("test"), NULL, 4, 2, 0},
        {none, LIST("test"), NULL, 3, 2, 3},
        {none, none, NULL, 18, 100, 100},
        {LIST("captial"), none,
         "the data has no relation \"captial\"; did you mean capital?; it has capital, river mouth", 0, 0, 0},
        {LIST("zzz"), none, "no relation \"zzz\"; it has capital, river mouth", 0, 0, 0},
        {LIST("capital,river mouth"), none, "no relation \"capital,river mouth\"", 0, 0, 0}, /* one name */
        {none, LIST("tset"), "no split \"tset\"; did you mean test?; it has dev, test", 0, 0, 0},
        {none, LIST(""), "the data has no split \"\"", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_exemplar_options o = usual();
        o.relations = cases[i].relations;
        o.splits = cases[i].splits;
        o.per_relation = cases[i].per_relation;
        o.limit = cases[i].limit;
        if (cases[i].part != NULL) {
            no_plan(d, &o, KEN_EUSAGE, cases[i].part);
            continue;
        }
        ken_exemplar_sets *p = plan(d, &o);
        const size_t *rows;
        assert_int_equal(ken_exemplar_sets_rows(p, &rows), cases[i].n);
        ken_exemplar_sets_free(p);
    }
    const ken_exemplar_options wrong[] = {{.n_sets = 0, .shots = 4},
                                          {.n_sets = 10, .shots = -1},
                                          {.n_sets = 5000, .shots = 4},
                                          {.n_sets = 10, .shots = 65}};
    for (int i = 0; i < 4; i++) no_plan(d, &wrong[i], KEN_EUSAGE, "are possible");
    ken_data_free(d);
}

/* Data of one relation "" and without subjects works like any other. */
static void test_plain(void **state)
{
    (void)state;
    ken_buf b = {0};
    for (int i = 0; i < 90; i++) ken_buf_printf(&b, "{\"question\":\"q%d\",\"answer\":\"a\"}\n", i);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    const size_t *rows;
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 90);
    assert_int_equal(check_fit(d, p), 40);
    ken_exemplar_sets_free(p);
    ken_data_free(d);
}

/* ---- multiple choice ---------------------------------------------------------------------------------------------------------- */

static void add_choices(ken_buf *b, const char *split, int from, int n)
{
    for (int i = from; i < from + n; i++)
        ken_buf_printf(b,
                       "{\"relation\":\"law\",\"split\":\"%s\",\"question\":\"q%d\",\"choices\":[\"a\",\"b\",\"c\"],"
                       "\"answer\":%d}\n",
                       split, i, i % 3);
}

static void test_choice(void **state)
{
    (void)state;
    ken_buf b = {0};
    add_choices(&b, "dev", 0, 7);
    add_choices(&b, "test", 1, 8); /* q1..q6 are asked and shown: only q0 is left */
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    no_plan(d, &o, KEN_EINPUT, "`exemplars`");
    ken_data_free(d);

    add_choices(&b, "dev", 0, 7);
    add_choices(&b, "test", 10, 8);
    d = made(&b);
    ken_exemplar_sets *p = plan(d, &o);
    const ken_exemplars *x = ken_exemplar_sets_for(p, "law");
    assert_int_equal(x->n_sets, 1);
    assert_int_equal(x->shots, 5);
    for (size_t i = 0; i < 5; i++) assert_ptr_equal(x->shot[i], ken_data_get(d, i)); /* data order */
    assert_int_equal(x->flags, 0);
    ken_data *text = data_of("text.jsonl", "{\"question\":\"q\",\"answer\":\"a\"}", NULL);
    ken_exemplar_sets_free(p);
    o.exemplars = text;
    no_plan(d, &o, KEN_EINPUT, "multiple choice");
    ken_data_free(text);
    ken_data_free(d);

    o = usual();
    add_choices(&b, "", 0, 12); /* no dev split */
    d = made(&b);
    p = plan(d, &o);
    assert_int_equal(ken_exemplar_sets_for(p, "law")->shots, 5);
    assert_int_equal(check_fit(d, p), 5);
    ken_exemplar_sets_free(p);
    ken_data_free(d);
}

/* ---- sets ------------------------------------------------------------------------------------------------------------------- */

static void test_deal(void **state)
{
    (void)state;
    assert_int_equal(ken_sets_min_rows(10, 4), 6); /* C(5,4) = 5 < 10 <= C(6,4) = 15 */
    assert_int_equal(ken_sets_min_rows(1, 4), 4);
    assert_int_equal(ken_sets_min_rows(10, 1), 10);
    assert_int_equal(ken_sets_min_rows(10, 2), 5);
    assert_int_equal(ken_sets_min_rows(1000, 64), 66); /* C(65,64) = 65, C(66,64) = 2145 */
    size_t rows[64], out[40], uses[64] = {0};
    for (size_t i = 0; i < 64; i++) rows[i] = i;
    for (size_t m = 5; m < 21; m++) { /* all ten pairs of five rows; later twenty different rows */
        assert_int_equal(ken_sets_deal(rows, m, 10, 2, 0, "r", out), KEN_OK);
        for (int i = 0; i < 10; i++)
            for (int j = 0; j < i; j++) {
                size_t *a = out + 2 * (ptrdiff_t)i, *c = out + 2 * (ptrdiff_t)j;
                assert_false((a[0] == c[0] && a[1] == c[1]) || (a[0] == c[1] && a[1] == c[0]));
            }
    }
    assert_int_equal(ken_sets_deal(rows, 40, 10, 4, 0, "r", out), KEN_OK);
    assert_memory_equal(out, rows, sizeof out); /* rows 1-4, 5-8, ... */
    assert_int_equal(ken_sets_deal(rows, 20, 10, 4, 0, "r", out), KEN_OK);
    for (int i = 0; i < 40; i++) uses[out[i]]++;
    for (int i = 0; i < 20; i++) assert_int_equal(uses[i], 2); /* shared evenly */
}

static void test_allocation(void **state)
{
    (void)state;
    ken_buf b = {0};
    add_rows(&b, "a", "dev", 0, 20);
    add_rows(&b, "a", "test", 100, 20);
    add_rows(&b, "b", "test", 200, 20);
    ken_data *d = made(&b);
    ken_exemplar_options o = usual();
    o.relations = LIST("a", "b");
    for (long n = 1;; n++) {
        ken_exemplar_sets *p = NULL;
        ken_err err = {0};
        ken_alloc_fail_after(n);
        int rc = ken_exemplar_sets_new(&p, d, &o, &err);
        ken_alloc_fail_after(0);
        if (rc == KEN_OK) {
            ken_exemplar_sets_free(p);
            assert_true(n > 20);
            break;
        }
        if (rc != KEN_ENOMEM) fail_msg("allocation %ld: status %d, \"%s\"", n, rc, err.msg);
        assert_null(p);
    }
    ken_data_free(d);
}

/* ---- real data --------------------------------------------------------------------------------------------------------------- */

/* docs/method/knowledge.md#exemplars: ten disjoint single-answer sets for each of the 19 relations; 98,029 questions. */
static void test_slick(void **state)
{
    (void)state;
    ken_data_options filter = ken_data_defaults();
    filter.slick = true;
    ken_data *d = data_at(test_data("entityquestions/dataset"), &filter);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    const size_t *rows;
    size_t relations = 0;
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 98029);
    for (size_t i = 0; i < ken_data_n_groups(d); i++) {
        const ken_data_group *g = ken_data_get_group(d, i);
        if (strcmp(g->split, "test") != 0) continue;
        const ken_exemplars *x = ken_exemplar_sets_for(p, g->relation);
        assert_int_equal(x->flags, 0);
        for (int j = 0; j < 40; j++) {
            assert_string_equal(x->shot[j]->split, "dev");
            assert_int_equal(x->shot[j]->n_answers, 1);
        }
        check_sets(x, d, p);
        relations++;
    }
    assert_int_equal(relations, 19);
    ken_exemplar_sets_free(p);
    ken_data_free(d);
}

/* `ken annotate -d dataset --relation P36 --limit 200`. */
static void test_unfiltered(void **state)
{
    (void)state;
    ken_data *d = data_at(test_data("entityquestions/dataset"), NULL);
    ken_exemplar_options o = usual();
    o.relations = LIST("P36");
    o.limit = 200;
    ken_exemplar_sets *p = plan(d, &o);
    const size_t *rows;
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 200);
    for (size_t i = 0; i < 200; i++) {
        char id[32];
        snprintf(id, sizeof id, "P36/train/%zu", i);
        assert_string_equal(ken_data_get(d, rows[i])->id, id);
    }
    const ken_exemplars *x = ken_exemplar_sets_for(p, "P36");
    for (int j = 0; j < 40; j++) assert_int_equal(x->shot[j]->n_answers, 1);
    o.limit = 0;
    ken_exemplar_sets *q = plan(d, &o);
    assert_int_equal(ken_exemplar_sets_rows(q, &rows),
                     group_of(d, "P36", "train")->rows + group_of(d, "P36", "test")->rows);
    same_sets(x, ken_exemplar_sets_for(q, "P36"));
    check_sets(x, d, q);
    ken_exemplar_sets_free(p);
    ken_exemplar_sets_free(q);
    ken_data_free(d);
}

static void test_popqa(void **state)
{
    (void)state;
    ken_data *d = data_at(test_data("popqa/popqa_union.jsonl"), NULL);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    const size_t *rows;
    (void)check_fit(d, p);
    for (size_t i = 0; i < ken_data_n_groups(d); i++) {
        const ken_data_group *g = ken_data_get_group(d, i);
        const ken_exemplars *x = ken_exemplar_sets_for(p, g->relation);
        uint32_t want = g->rows >= 40 ? 0 : KEN_FLAG_EXEMPLARS_SHARED; /* the smallest of the 16 has more than 6 rows */
        if (x->flags != want) fail_msg("%s: flags %x, expected %x", g->relation, x->flags, want);
    }
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 2855);
    ken_exemplar_sets_free(p);
    ken_data_free(d);
}

static void test_mmlu(void **state)
{
    (void)state;
    ken_data *d = data_at(test_data("mmlu"), NULL);
    ken_exemplar_options o = usual();
    ken_exemplar_sets *p = plan(d, &o);
    const size_t *rows;
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 14042);
    assert_int_equal(ken_exemplar_sets_for(p, "anatomy")->shots, 5);
    ken_exemplar_sets_free(p);
    ken_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dev),        cmocka_unit_test(test_foreign),   cmocka_unit_test(test_cross_fit),
        cmocka_unit_test(test_growth),     cmocka_unit_test(test_stored),    cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_only_dev),   cmocka_unit_test(test_too_small), cmocka_unit_test(test_selection),
        cmocka_unit_test(test_plain),      cmocka_unit_test(test_choice),    cmocka_unit_test(test_deal),
        cmocka_unit_test(test_allocation), cmocka_unit_test(test_slick),     cmocka_unit_test(test_unfiltered),
        cmocka_unit_test(test_popqa),      cmocka_unit_test(test_mmlu),
    };
    return cmocka_run_group_tests_name("exemplars", tests, NULL, NULL);
}
