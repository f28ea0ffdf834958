/* test_diff.c - the views of a comparison that is made up: the same numbers as the comparison's in JSON and CSV, which lines a terminal and a
 * page have of many, and memory that ends at any moment. */
#include "../store/rows.h"
#include "base/alloc.h"
#include "study/diff.h"
#include "view/diff.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static ken_err err;

enum { RELATIONS = 80, MOST = 2 * RELATIONS };

#define HOSTILE "a.b[0],\"\n\033[2J\xff"

typedef struct made {
    ken_diff d;
    ken_diff_row row[MOST];
    diff_extra extra[MOST];
    char id[MOST][16], relation[RELATIONS][16];
    const char *caution[1];
} made;

static made m;

static ken_diff_side side(bool annotated, bool choice, bool known)
{
    return (ken_diff_side){.category = !annotated || choice ? KEN_N_CATEGORIES
                                       : known              ? KEN_HIGHLY_KNOWN
                                                            : KEN_UNKNOWN,
                           .known = known,
                           .greedy_hits = known ? 9 : 1,
                           .prompts = annotated ? 10 : 1,
                           .p_t0 = known ? 0.9 : 0.1,
                           .p_t = annotated ? (known ? 0.8 : 0.2) : NAN,
                           .says = known ? " right" : NULL,
                           .says_prompts = known ? 9 : 0,
                           .says_right = known};
}

/* Row i; what is known in A and in B. */
static void put(bool annotated, bool choice, const char *relation, bool a, bool b)
{
    size_t i = m.d.n++;
    snprintf(m.id[i], sizeof m.id[i], "f/%zu", i);
    m.row[i] = (ken_diff_row){.id = m.id[i],
                              .relation = relation,
                              .split = "test",
                              .question = HOSTILE "?",
                              .answer = HOSTILE,
                              .popularity = (double)i,
                              .quartile = (int)(i % 4) + 1,
                              .move = a == b ? KEN_MOVE_NONE
                                      : a    ? KEN_MOVE_LOST
                                             : KEN_MOVE_GAINED,
                              .near = KEN_NEAR_NOTHING,
                              .choice = choice,
                              .a = side(annotated, choice, a),
                              .b = side(annotated, choice, b)};
    m.extra[i] = (diff_extra){.category = annotated && !choice ? m.row[i].a.category : KEN_N_CATEGORIES,
                              .a_label = true,
                              .b_label = true,
                              .options = choice ? 4 : 0};
}

static ken_diff *start(bool annotated)
{
    memset(&m, 0, sizeof m);
    m.caution[0] = "matcher: " HOSTILE;
    m.d = (ken_diff){
        .row = m.row, .extra = m.extra, .annotated = annotated, .only_a = 2, .caution = m.caution, .n_cautions = 1};
    return &m.d;
}

static void end(void)
{
    ken_free(m.d.group);
    ken_arena_free(&m.d.arena);
}

/* Facts of two relations, one lost and two gained, and multiple choice beside them. */
static ken_diff *mixed(void)
{
    ken_diff *d = start(true);
    put(true, false, HOSTILE, true, false);
    put(true, false, HOSTILE, false, true);
    put(true, false, "P17", true, true);
    put(true, false, "P17", false, true);
    put(true, true, "anatomy", true, false);
    put(true, true, "anatomy", true, true);
    put(true, true, "virology", false, false);
    assert_ok(ken_diff_make_groups(d, &err));
    return d;
}

static json_t *json_of(const ken_diff *d)
{
    ken_views *v;
    char *text;
    json_error_t e;
    assert_ok(ken_views_of_diff(&v, d, NULL, &err));
    assert_ok(ken_views_json(v, &text, &err));
    json_t *x = json_loads(text, 0, &e);
    if (x == NULL) fail_msg("%s: %s", e.text, text);
    ken_text_free(text);
    ken_views_free(v);
    return x;
}

static json_t *get(json_t *of, const char *path)
{
    char part[64];
    while (of != NULL && *path != '\0') {
        const size_t n = strcspn(path, "/");
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        of = json_object_get(of, part);
        path += n + (path[n] == '/');
    }
    if (of == NULL) fail_msg("no %s", path);
    return of;
}

static void assert_real(json_t *of, const char *path, double want)
{
    const json_t *x = get(of, path);
    if (isnan(want)) assert_true(json_is_null(x));
    else assert_true(fabs(json_number_value(x) - want) < 1e-8);
}

static void assert_count(json_t *of, const char *path, uint64_t want)
{
    assert_int_equal(json_integer_value(get(of, path)), want);
}

static void assert_group(json_t *x, const ken_diff_group *g)
{
    assert_count(x, "examples", g->n);
    assert_count(x, "known_a", g->known_a);
    assert_count(x, "known_b", g->known_b);
    assert_real(x, "lost_share", g->lost_share);
    assert_real(json_array_get(get(x, "lost_interval"), 0), "", g->lost_lo);
    assert_real(json_array_get(get(x, "gained_interval"), 1), "", g->gained_hi);
    assert_real(x, "mcnemar_p", g->mcnemar);
    assert_real(x, "p_t0/a", g->p_t0_a);
    assert_real(x, "p_t0/change", g->p_t0_change);
    assert_real(json_array_get(get(x, "p_t0/interval"), 0), "", g->p_t0_lo);
    assert_real(x, "p_t/b", g->p_t_b);
    assert_real(json_array_get(get(x, "p_t/interval"), 1), "", g->p_t_hi);
    assert_real(x, "t_test_p", g->p_t_test);
    if (!g->choice) return;
    assert_real(x, "right_a/share", (double)g->known_a / (double)(g->known_a + g->rest_a));
    assert_real(x, "right_change/change", g->known_change);
    assert_real(json_array_get(get(x, "p_t0_interval_b"), 1), "", g->p_t0_b_hi);
    assert_real(x, "guessing/p_t0", 0.25);
}

/* What stands in JSON is what the comparison says, each kind of rows in its place. */
static void json_says_the_same(void **state)
{
    (void)state;
    const ken_diff *d = mixed();
    const ken_diff_group *all = ken_diff_part(d, false), *choice = ken_diff_part(d, true);
    json_t *x = json_of(d);
    assert_group(x, all);
    assert_group(get(x, "multiple_choice"), choice);
    assert_count(x, "only_a", 2);
    assert_int_equal(json_array_size(get(x, "cautions")), 1);
    assert_int_equal(json_array_size(get(x, "lost")), 1);
    assert_int_equal(json_array_size(get(x, "gained")), 2);
    assert_string_equal(json_string_value(json_array_get(get(x, "lost"), 0)), "f/0");
    assert_int_equal(json_array_size(get(x, "multiple_choice/lost")), 1);
    assert_int_equal(json_array_size(get(x, "multiple_choice/gained")), 0);
    assert_count(x, "transitions/HighlyKnown/Unknown", 1);
    assert_count(x, "transitions/unlabelled/unlabelled", 0);
    assert_count(x, "multiple_choice/transitions/right/wrong", 1);
    assert_int_equal(json_object_size(get(x, "groups/relation")), 2);
    assert_group(json_object_get(get(x, "groups/relation"), "P17"), ken_diff_find(d, "relation", "P17"));
    assert_count(x, "groups/relation/P17/gained", 1);
    assert_count(x, "groups/relation/P17/transitions/Unknown/HighlyKnown", 1);
    assert_count(x, "groups/near/nothing/lost", 1);
    assert_count(x, "multiple_choice/groups/relation/anatomy/transitions/right/wrong", 1);
    json_t *hostile = json_object_get(get(x, "groups/relation"), "a.b[0],\"\n\033[2J\xEF\xBF\xBD");
    assert_group(hostile, ken_diff_find(d, "relation", HOSTILE));
    json_decref(x);
    end();
}

/* Evaluations have no P_Correct; multiple choice alone says so, and stands at the top. */
static void json_of_other_kinds(void **state)
{
    (void)state;
    ken_diff *d = start(false);
    put(false, false, "P17", true, true);
    put(false, false, "P17", true, true);
    assert_ok(ken_diff_make_groups(d, &err));
    json_t *x = json_of(d);
    assert_null(json_object_get(x, "p_t"));
    assert_null(json_object_get(x, "choice"));
    assert_null(json_object_get(json_object_get(get(x, "groups/relation"), "P17"), "transitions"));
    assert_count(x, "transitions/right/right", 2);
    assert_int_equal(json_array_size(get(x, "lost")), 0);
    assert_real(x, "gained_share", NAN);
    json_decref(x);
    end();

    d = start(true);
    put(true, true, "anatomy", true, false);
    assert_ok(ken_diff_make_groups(d, &err));
    x = json_of(d);
    assert_true(json_is_true(get(x, "choice")));
    assert_null(json_object_get(x, "multiple_choice"));
    assert_group(x, ken_diff_part(d, true));
    json_decref(x);
    end();
}

static size_t lines(const ken_view *t, unsigned where, unsigned but)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_rows; i++) n += (t->row[i].where & where) != 0 && (t->row[i].where & but) == 0;
    return n;
}

/* Of many relations a terminal shows the ends and a page more of them; data have them all. Where none changed a sentence says so. */
static void many_relations(void **state)
{
    (void)state;
    for (int changed = 0; changed < 2; changed++) {
        ken_diff *d = start(true);
        for (int i = 0; i < RELATIONS; i++) {
            snprintf(m.relation[i], sizeof m.relation[i], "P%d", i);
            for (int k = 0; k < 2; k++)
                put(true, false, m.relation[i], i % 2 == 0, changed == 0 || k > 0 ? i % 2 == 0 : i % 2 > 0);
        }
        assert_ok(ken_diff_make_groups(d, &err));
        const ken_diff_view x = {
            .v = ken_views_new(), .d = d, .all = ken_diff_part(d, false), .path = "", .a = "A", .b = "B"};
        const ken_grouping_shown n = ken_view_diff_groups(&x, "relation", "by relation");
        const ken_view *t = ken_views_last(x.v);
        assert_int_equal(n.groups, RELATIONS);
        assert_int_equal(n.shown, changed ? 15 : 0);
        assert_true(n.on_page > 55 && n.on_page < 65);
        assert_int_equal(lines(t, KEN_ON_TERMINAL, KEN_IF_VERBOSE), n.shown);
        assert_int_equal(lines(t, KEN_ON_PAGE, 0), n.on_page);
        assert_int_equal(lines(t, KEN_IN_JSON, 0), RELATIONS);
        if (changed) { /* the worst first */
            assert_string_equal(t->row[0].key, "P0");
            assert_string_equal(t->row[RELATIONS - 1].key, "P79");
        }
        ken_views_free(x.v);

        ken_views *v;
        bool none = false, more = false;
        assert_ok(ken_views_of_diff(&v, d, NULL, &err));
        for (size_t i = 0; (t = ken_views_get(v, i)) != NULL; i++)
            for (size_t k = 0; k < t->n_spans; k++) {
                if ((t->where & KEN_UNLESS_VERBOSE) == 0) continue;
                none |= strstr(t->span[k].text, "none of 80 changed") != NULL;
                more |= strcmp(t->span[k].text, "and 65 more (-v shows all)") == 0;
            }
        assert_int_equal(none, !changed);
        assert_int_equal(more, changed);
        ken_views_free(v);
        end();
    }
}

/* At each allocation in turn: the failure is reported and nothing leaks (valgrind, ASan). */
static void no_memory(void **state)
{
    (void)state;
    const ken_diff *d = mixed();
    const ken_diff_show_options o = {.size = sizeof o, .listed = 1};
    bool good = false;
    for (long k = 1; !good; k++) {
        ken_views *v;
        char *text = NULL;
        ken_alloc_fail_after(k);
        int rc = ken_views_of_diff(&v, d, &o, &err);
        if (rc == KEN_OK) rc = ken_views_csv(v, &text, &err);
        ken_alloc_fail_after(0);
        good = rc == KEN_OK;
        if (!good) assert_int_equal(rc, KEN_ENOMEM);
        if (good) assert_non_null(strstr(text, "\nlost,1,0.5,"));
        ken_text_free(text);
        ken_views_free(v);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(json_says_the_same), cmocka_unit_test(json_of_other_kinds),
                                       cmocka_unit_test(many_relations), cmocka_unit_test(no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
