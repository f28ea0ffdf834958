/* test_scoring.c - the views of scorings, curves, agreements, judged sheets, explanations and rows: what JSON, CSV and LaTeX say of made results, whatever
 * their texts hold, and memory that ends at any moment. */
#include "../study/scored_run.h"
#include "base/alloc.h"
#include "view/views.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define HOSTILE "a\x1b[31m\"b\"\n=1+1 \\ {x}_%&\xff"

typedef int (*form_fn)(const ken_views *v, char **text, ken_err *err);
typedef int (*views_fn)(ken_views **out, ken_err *err);

/* ---- made results ------------------------------------------------------------------------------------------------------ */

static ken_run *run, *other;
static ken_scoring *scored, *likewise, *unsure;

static int set_up(void **state)
{
    (void)state;
    make_facts();
    run = make_run("a.ken", facts, N_FACTS, "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
    other = make_run("b.ken", facts + 1, N_FACTS - 1, "sample", "em-squad/1", PROMPTS, SAMPLES, 7);
    scored = score(run, NULL);
    likewise = score(other, NULL);
    unsure = score(run, &(ken_score_options){.size = sizeof(ken_score_options), .matcher = "contains"});
    return 0;
}

static int tear_down(void **state)
{
    ken_scoring_free(scored);
    ken_scoring_free(likewise);
    ken_scoring_free(unsure);
    ken_run_free(run);
    ken_run_free(other);
    return remove_folder(state);
}

static const int prompts[] = {1, 4}, samples[] = {1, 9, 64};
static const double shares[2 * 3 * KEN_UNLABELLED] = {0.5, 0.25, 0.125, 0.125, 0.5, 0.25, 0.2, 0.05,
                                                      0.5, 0.25, NAN,   NAN,   1,   0,    0,   0};
static const ken_curve curve = {
    .prompts = prompts, .samples = samples, .n_prompts = 2, .n_samples = 3, .share = shares};

static int of_labels(ken_views **out, ken_err *e) { return ken_views_of_scoring(out, scored, NULL, NULL, 0, e); }
static int of_open_labels(ken_views **out, ken_err *e) { return ken_views_of_scoring(out, unsure, NULL, NULL, 0, e); }
static int of_curve(ken_views **out, ken_err *e) { return ken_views_of_scoring(out, unsure, &curve, NULL, 0, e); }

static ken_agreement agreement(void)
{
    ken_agreement x = {.only_a = 1,
                       .only_b = 2,
                       .other_question = 3,
                       .unlabelled = 4,
                       .open = 5,
                       .all = {10, 9, 0.6, 0.98, 0.8, -0.123, 0.95},
                       .known = {0, 0, 0, 1, NAN, NAN, NAN},
                       .greedy = {4, 3, 0.3, 0.95, 0.5, 0.1, 0.9},
                       .predicted = 0.875,
                       .hk = 4,
                       .hk_again = 3,
                       .hk_again_predicted = 0.7};
    x.moved[KEN_HIGHLY_KNOWN][KEN_UNKNOWN] = 1234;
    return x;
}

static int of_agreement(ken_views **out, ken_err *e)
{
    const ken_compared x[] = {{.name = HOSTILE, .run = other, .agreement = agreement()},
                              {.name = "same.ken", .run = run, .agreement = agreement()}};
    return ken_views_of_scoring(out, scored, NULL, x, 2, e);
}

static int of_audit(ken_views **out, ken_err *e)
{
    const ken_audit_share right = {0.25, 0.125, 0.5};
    ken_audited x = {.all = {.answers = 5, .judged = 4, .verdict = {3, 1, 0, 0}, .lo = {0.3}, .hi = {0.95}},
                     .missed[KEN_AUDIT_GREEDY] = {.answers = 40,
                                                  .rejected = 20,
                                                  .stored = 18,
                                                  .accuracy = 0.5,
                                                  .effective = 3.5,
                                                  .right = right,
                                                  .missed = right,
                                                  .right_paraphrase = right,
                                                  .missed_paraphrase = {NAN, NAN, NAN}}};
    x.kind[KEN_AUDIT_GREEDY] = x.all;
    return ken_views_of_audit(out, scored, HOSTILE, &x, e);
}

/* Of two prompts, the second without greedy answers: what a question of one's own may have. */
static int of_explanation(ken_views **out, ken_err *e)
{
    static const char *const answers[] = {"Paris", HOSTILE}, *const aliases[] = {"Lutetia"};
    static const ken_path instead[] = {{"x|y", " " HOSTILE, 0.5, false},
                                       {"Paris", " Paris", 0.25, true},
                                       {"", "", 1e-9, false}},
                          accepted[] = {{"Pa|ris", "Paris", 0.25, true}, {"P|aris", "Paris", 0.125, true}};
    static const ken_prompt_row greedy[] = {
        {.greedy_hit = true, .text = NULL, .text_p = 0.5, .margin = NAN, .p_lo = 0.25, .p_hi = 0.5}};
    static const ken_explained_prompt explained[] = {
        {.prompt = "Q: " HOSTILE "\n\nA:", .accepted = accepted, .n_accepted = 2, .instead = instead, .n_instead = 3},
        {.prompt = ""}};
    ken_explanation x = {.row = {.id = "P1/test/0",
                                 .relation = NULL,
                                 .question = HOSTILE,
                                 .answers = answers,
                                 .n_answers = 2,
                                 .aliases = aliases,
                                 .n_aliases = 1,
                                 .category = KEN_UNKNOWN,
                                 .prompts = 2,
                                 .samples = 32,
                                 .p_t = 0.25,
                                 .p_t_hi = 0.5,
                                 .p_unknown = 0.75,
                                 .p_flip = NAN,
                                 .p_guess = NAN,
                                 .lift = NAN,
                                 .score = NAN,
                                 .flags = 5,
                                 .method = "exact",
                                 .n_prompt_rows = 1,
                                 .prompt_rows = greedy},
                         .n_prompts = 2,
                         .prompts = explained};
    return ken_views_of_explanation(out, &x, 1, e);
}

static int of_row(ken_views **out, ken_err *e)
{
    const ken_row *row = ken_run_row(run, 0, e);
    const ken_scored how = {
        .was = KEN_UNLABELLED, .possible = 12, .how = KEN_SCORED_BOUNDED, .greedy_lo = 1, .greedy_hi = 3};
    return row != NULL ? ken_views_of_row(out, row, &how, e) : e->status;
}

/* ---- their forms ------------------------------------------------------------------------------------------------------- */

static char *text_of(views_fn of, form_fn form)
{
    ken_views *v;
    char *text;
    assert_ok(of(&v, &err));
    assert_ok(form(v, &text, &err));
    ken_views_free(v);
    return text;
}

static json_t *json_of(views_fn of)
{
    char *text = text_of(of, ken_views_json);
    json_t *x = json_loads(text, 0, NULL);
    assert_non_null(x);
    ken_text_free(text);
    return x;
}

static void contains(views_fn of, form_fn form, const char *part)
{
    char *text = text_of(of, form);
    if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in:\n%s", part, text);
    ken_text_free(text);
}

static void lacks(views_fn of, form_fn form, const char *part)
{
    char *text = text_of(of, form);
    if (strstr(text, part) != NULL) fail_msg("\"%s\" is in:\n%s", part, text);
    ken_text_free(text);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------- */

static uint64_t count_at(const json_t *x, const char *a, const char *b, const char *c)
{
    x = json_object_get(x, a);
    if (b != NULL) x = json_object_get(x, b);
    if (c != NULL) x = json_object_get(x, c);
    assert_true(json_is_integer(x));
    return (uint64_t)json_integer_value(x);
}

static void labels_in_json(void **state)
{
    (void)state;
    const ken_score_counts *c = ken_scoring_counts(unsure);
    json_t *x = json_of(of_open_labels);
    assert_int_equal(count_at(x, "examples", NULL, NULL), c->n);
    assert_int_equal(count_at(x, "open", NULL, NULL), c->open);
    assert_true(c->open > 0);
    for (int i = 0; i < KEN_N_CATEGORIES; i++) {
        assert_int_equal(count_at(x, "certain", ken_category_name(i), NULL), c->sure[i]);
        assert_int_equal(count_at(x, "possible", ken_category_name(i), NULL), c->may[i]);
        for (int j = 0; j < KEN_N_CATEGORIES; j++)
            assert_int_equal(count_at(x, "transitions", ken_category_name(i), ken_category_name(j)), c->moved[i][j]);
    }
    assert_string_equal(json_string_value(json_object_get(x, "matcher")), "contains/1");
    assert_string_equal(json_string_value(json_object_get(x, "matcher_was")), "em-squad/1");
    assert_null(json_object_get(x, "curve"));
    json_decref(x);
}

/* What is possible at most stands beside what is certain, in CSV always and as it is shown where labels are open. */
static void labels_as_tables(void **state)
{
    (void)state;
    contains(of_labels, ken_views_csv,
             "category,was,certain,share,share_lo,share_hi,at_most,share_at_most\nHighlyKnown,");
    contains(of_labels, ken_views_latex, "category &  & in the run &  & now \\\\\n");
    contains(of_open_labels, ken_views_latex, "category &  & in the run &  & at least &  & at most \\\\\n");
    contains(of_open_labels, ken_views_csv, "from,HighlyKnown,MaybeKnown,WeaklyKnown,Unknown,unlabelled,all\n");
}

static void curve_as_data(void **state)
{
    (void)state;
    char *text = text_of(of_curve, ken_views_csv);
    assert_string_equal(text, "prompts,samples,HighlyKnown,MaybeKnown,WeaklyKnown,Unknown\n1,1,0.5,0.25,0.125,0.125\n"
                              "1,9,0.5,0.25,0.2,0.05\n1,64,0.5,0.25,,\n4,1,1,0,0,0\n4,9,0,0,0,0\n4,64,0,0,0,0\n");
    ken_text_free(text);
    contains(of_curve, ken_views_json, "\"curve\":[{\"prompts\":1,\"samples\":1,\"HighlyKnown\":0.5,");
    contains(of_curve, ken_views_json, "\"WeaklyKnown\":null,\"Unknown\":null}");
    contains(of_curve, ken_views_json, "\"transitions\":{"); /* the labels too */
    contains(of_curve, ken_views_latex, "prompts & HighlyKnown & MaybeKnown & 1 & 9 & 64 \\\\\n");
    lacks(of_curve, ken_views_latex, "at most");
}

static void agreements(void **state)
{
    (void)state;
    json_t *x = json_of(of_agreement), *all = json_object_get(x, "against"), *a = json_array_get(all, 0);
    assert_int_equal(json_array_size(all), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 1), "run")), "same.ken");
    assert_int_equal(count_at(a, "transitions", "HighlyKnown", "Unknown"), 1234);
    assert_int_equal(json_object_size(json_object_get(json_object_get(a, "transitions"), "HighlyKnown")), 4);
    assert_int_equal(count_at(a, "all", "same", NULL), 9);
    assert_int_equal(count_at(a, "highly_maybe", "examples", NULL), 4);
    assert_true(json_is_null(json_object_get(json_object_get(a, "known_unknown"), "kappa")));
    assert_int_equal(count_at(a, "only_there", NULL, NULL), 2);
    json_decref(x);
    contains(of_agreement, ken_views_csv, "setting,this,that,against\nmethod,exact,sample,");
    contains(of_agreement, ken_views_csv,
             "four categories,9,10,0.9,0.6,0.98,0.8,-0.123,0.95,same.ken\nKnown | Unknown,0,0,,0,1,,,,same.ken\n");
    contains(of_agreement, ken_views_latex,
             "Highly | MaybeKnown & 3 & 4 & 75.0\\% [ 30.0,  95.0] & 0.500 [0.100, 0.900] \\\\\n");
    lacks(of_agreement, ken_views_latex, "in the run");
}

static void audits(void **state)
{
    (void)state;
    contains(of_audit, ken_views_json,
             "\"verdicts\":{\"wrong\":{\"n\":3,\"share\":0.75,\"share_lo\":0.3,\"share_hi\":0.95},");
    contains(of_audit, ken_views_json,
             "\"run\":{\"answers\":40,\"rejected\":20,\"stored\":18,\"accuracy\":0.5},\"effective\":3.5,"
             "\"right\":0.25,\"right_lo\":0.125,\"right_hi\":0.5,");
    contains(of_audit, ken_views_json, "\"missed_paraphrase\":null,\"missed_paraphrase_lo\":null");
    lacks(of_audit, ken_views_json, "\"sampled\"");
    contains(of_audit, ken_views_csv, "name,n,share,share_lo,share_hi\njudged,4,,,\nwrong,3,0.75,0.3,0.95\n");
    contains(of_audit, ken_views_csv, "P_T0 by these verdicts,,0.75,0.625,1\n");
    contains(of_audit, ken_views_latex, "of these right after all &  & 25.0\\% [ 12.5,  50.0] \\\\\n");
}

static void explanations(void **state)
{
    (void)state;
    json_t *x = json_of(of_explanation), *all = json_object_get(x, "explained"), *first = json_array_get(all, 0),
           *second = json_array_get(all, 1);
    assert_int_equal(json_array_size(all), 2);
    assert_true(json_is_null(json_object_get(x, "relation")));
    assert_true(json_is_null(json_object_get(first, "text")));
    assert_true(json_is_null(json_object_get(first, "margin")));
    assert_int_equal(json_array_size(json_object_get(first, "instead")), 3);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(first, "accepted"), 1), "tokens")), "P|aris");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(first, "instead"), 1), "text")),
        " Paris"); /* as it is, though shown without the space */
    assert_null(json_object_get(second, "greedy_hit"));
    assert_int_equal(json_array_size(json_object_get(second, "accepted")), 0);
    assert_true(json_is_array(json_object_get(second, "instead")));
    assert_int_equal(json_array_size(json_object_get(x, "flags")), 2);
    json_decref(x);
    lacks(of_explanation, ken_views_latex, "0.1250"); /* one of a prompt, the rest in the data */
    contains(of_explanation, ken_views_csv, "0.125,Paris,P|aris,true\n");
}

static void rows(void **state)
{
    (void)state;
    contains(of_row, ken_views_json,
             "\"was\":null,\"possible\":[\"WeaklyKnown\",\"Unknown\"],\"basis\":\"bounded\",\"greedy_hits_most\":3}");
    contains(of_row, ken_views_json, "\"flags\":[],");
    contains(of_row, ken_views_json, "{\"id\":\"");
}

/* At each allocation in turn: the failure is reported and nothing leaks (valgrind, ASan). */
static void no_memory(void **state)
{
    (void)state;
    static const views_fn of[] = {of_labels, of_open_labels, of_curve, of_agreement, of_audit, of_explanation, of_row};
    static const form_fn form[] = {ken_views_json, ken_views_csv, ken_views_latex};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        for (size_t f = 0; f < sizeof form / sizeof *form; f++) {
            bool good = false;
            for (long k = 1; !good; k += 1 + k / 40) { /* late ones are all alike */
                ken_views *v = NULL;
                char *text = NULL;
                ken_alloc_fail_after(k);
                int rc = of[i](&v, &err);
                if (rc == KEN_OK) rc = form[f](v, &text, &err);
                ken_alloc_fail_after(0);
                good = rc == KEN_OK;
                if (!good) assert_int_equal(rc, KEN_ENOMEM);
                ken_text_free(text);
                ken_views_free(v);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(labels_in_json), cmocka_unit_test(labels_as_tables),
                                       cmocka_unit_test(curve_as_data),  cmocka_unit_test(agreements),
                                       cmocka_unit_test(audits),         cmocka_unit_test(explanations),
                                       cmocka_unit_test(rows),           cmocka_unit_test(no_memory)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
