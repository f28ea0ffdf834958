/* test_results.c - the views of results say in JSON what was measured, whatever names it has, and memory may end at any moment. */
#include "../store/rows.h"
#include "base/alloc.h"
#include "store/tuning.h"
#include "view/views.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static ken_err err;

typedef int (*make_fn)(ken_views **out);

/* Its JSON, when the first so many allocations succeed; NULL when memory ended. */
static char *json_of(make_fn make, long allocations)
{
    ken_views *v = NULL;
    char *text = NULL, *other = NULL;
    ken_alloc_fail_after(allocations);
    int rc = make(&v);
    if (rc == KEN_OK) rc = ken_views_json(v, &text, &err);
    if (rc == KEN_OK) rc = ken_views_csv(v, &other, &err);
    ken_alloc_fail_after(0);
    if (rc != KEN_OK) assert_int_equal(rc, KEN_ENOMEM);
    ken_text_free(other);
    ken_views_free(v);
    if (rc == KEN_OK) return text;
    ken_text_free(text);
    return NULL;
}

static void check(make_fn make, const char *expected)
{
    char *text = json_of(make, 0);
    assert_non_null(text);
    assert_string_equal(text, expected);
    ken_text_free(text);
    for (long k = 1; (text = json_of(make, k)) == NULL;) k++;
    assert_string_equal(text, expected);
    ken_text_free(text);
}

/* ---- a measurement of a training -------------------------------------------------------------------------------------- */

static int make_point(ken_views **out)
{
    static const ken_point p = {.step = 10,
                                .epoch = 0.5,
                                .lr = NAN,
                                .loss = 1.5,
                                .kl = NAN,
                                .grad_norm = 0.25,
                                .seconds = 99,
                                .examples = 80,
                                .tokens = 320,
                                .forwards = 1600,
                                .best = true,
                                .kl_base = 0.125,
                                .kl_positions = 8};
    static const ken_measure m[] = {
        {.set = "dev", .grouping = "all", .key = "", .n = 2, .hits = 2, .hits_raw = 1, .answered = 2, .p = NAN},
        {.set = "mix:a.b[0]\\\xff", .grouping = "all", .key = "", .tokens = 4, .loss = 2, .p = NAN},
        {.set = "mix:a.b[0]\\\xff", .grouping = "relation", .key = "P.1", .tokens = 1, .bytes = 8, .p = NAN}};
    return ken_views_of_point(out, &p, m, 3, 7.5, &err);
}

static void point(void **state)
{
    (void)state;
    check(make_point, "{\"event\":\"measurement\",\"epoch\":0.5,\"step\":10,\"lr\":null,\"loss\":1.5,\"kl\":null,"
                      "\"grad_norm\":0.25,\"examples\":"
                      "80,\"tokens\":320,\"token_forwards\":1600,\"best\":true,\"last\":false,\"kl_base\":0.125,\"kl_"
                      "positions\":8,\"dev\":{\"examples\":2,"
                      "\"hits\":2,\"accuracy\":1.0,\"accuracy_lo\":0.342380228,\"accuracy_hi\":1.0,\"hits_raw\":1,"
                      "\"abstained\":0,\"answered\":2,\"accuracy_answered\":1.0},\"mix:a.b[0]\\\\\xEF\xBF\xBD\":{"
                      "\"tokens\":4,\"nll\":0.5,\"perplexity\":1.64872127,\"relation\":{\"P.1\":{\"tokens\":1,\"nll\":"
                      "0.0,\"perplexity\":1.0,\"bytes\":8,\"bits_per_byte\":0.0}}},\"training_seconds\":7.5}");
}

/* ---- data, and what is selected of them --------------------------------------------------------------------------------- */

static const char *data_file(void)
{
    static char path[4096];
    const char rows[] = "{\"question\":\"What?\",\"answer\":\"zz\",\"relation\":\"x.y[0]\\\\\"}\n"
                        "{\"question\":\"Which?\",\"answer\":\"zz\",\"relation\":\"x.y[0]\\\\\",\"split\":\"dev\"}\n"
                        "{\"question\":\"Who?\",\"answer\":\"b\",\"split\":\"train\"}\n{}\n";
    snprintf(path, sizeof path, "%s", in_folder("facts.jsonl"));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(rows, 1, sizeof rows - 1, f), sizeof rows - 1);
    assert_int_equal(fclose(f), 0);
    return path;
}

static ken_data *opened;

static int make_data(ken_views **out) { return ken_views_of_data(out, opened, &err); }

static void data(void **state)
{
    (void)state;
    ken_data_options o = ken_data_defaults();
    o.skip_bad = true;
    assert_ok(ken_data_open(&opened, data_file(), &o, &err));
    check(make_data,
          "{\"format\":\"jsonl\",\"examples\":3,\"rows\":3,\"bad\":1,\"cleaned\":0,\"multi_answer\":0,\"duplicates\":0,"
          "\"ambiguous\":0,\"echo\":0,\"relations\":{\"\":{\"train\":1},\"x.y[0]\\\\\":{\"dev\":1,\"other\":1}},"
          "\"train\":1,\"dev\":1,\"other\":1}");
    ken_data_free(opened);
}

static ken_selection *selected;

static int make_selection(ken_views **out) { return ken_views_of_selection(out, selected, NULL, "trl", &err); }

static void selection(void **state)
{
    (void)state;
    ken_train_data from = ken_train_data_defaults();
    from.path = data_file();
    ken_data_options read = ken_data_defaults();
    read.skip_bad = true;
    from.read = &read;
    const char *const splits[] = {"train", "dev"};
    from.splits = (ken_names){splits, 2};
    assert_ok(ken_select(&selected, &from, &err));
    char *text = json_of(make_selection, 0);
    assert_non_null(text);
    const char *path = strstr(text, "\"output\""); /* what is before it names the file */
    assert_non_null(path);
    assert_string_equal(
        path,
        "\"output\":null,\"format\":\"trl\",\"seed\":0,\"rows\":2,\"categories\":{\"HighlyKnown\":0,\"MaybeKnown\":0,"
        "\"WeaklyKnown\":0,\"Unknown\":0,\"not_annotated\":2},\"tail\":0,\"tail_repeated\":0,\"relabelled\":0,\"bad\":"
        "1,\"cleaned\":0,\"unmatched\":0,\"newline\":0,\"duplicates\":0,\"conflicts\":0,\"relations_left_out\":0,"
        "\"spread\":0,"
        "\"unranked\":0,\"middle\":0,\"matched\":0,\"partnerless\":0,\"ranked_by\":null,\"matched_by\":null,"
        "\"relations\":{\"x.y[0]\\\\\":{\"rows\":1,\"take\":{\"HighlyKnown\":0,\"MaybeKnown\":0,\"WeaklyKnown\":0,"
        "\"Unknown\":0,\"not_annotated\":1},\"have\":{\"HighlyKnown\":0,\"MaybeKnown\":0,\"WeaklyKnown\":0,\"Unknown\":"
        "0,\"not_annotated\":1},\"unknown_share\":0.0,\"relabelled\":0,\"tail\":0},\"\":{\"rows\":1,\"take\":{"
        "\"HighlyKnown\":0,\"MaybeKnown\":0,\"WeaklyKnown\":0,\"Unknown\":0,\"not_annotated\":1},\"have\":{"
        "\"HighlyKnown\":0,\"MaybeKnown\":0,\"WeaklyKnown\":0,\"Unknown\":0,\"not_annotated\":1},\"unknown_share\":0.0,"
        "\"relabelled\":0,\"tail\":0}}}");
    ken_text_free(text);
    for (long k = 1; (text = json_of(make_selection, k)) == NULL;) k++;
    ken_text_free(text);
    ken_selection_free(selected);
}

/* ---- a model ------------------------------------------------------------------------------------------------------------ */

static ken_model *model;

static int make_model(ken_views **out) { return ken_views_of_model(out, model, true, &err); }

static void of_model(void **state)
{
    (void)state;
    assert_ok(ken_model_open(&model, KEN_FIXTURES "/model/tiny-llama-tied/model.gguf", &err));
    char *text = json_of(make_model, 0);
    assert_non_null(text);
    assert_non_null(strstr(text, "\"hash\":null,"));
    assert_non_null(strstr(text, "\"params\":29088,\"bytes\":116352,\"layers\":2,"));
    assert_non_null(
        strstr(text, "\"warnings\":[],\"tensors\":[{\"type\":\"F32\",\"bytes\":54272,\"name\":\"token_embd.weight\","
                     "\"shape\":[424,32]},"));
    assert_non_null(strstr(text, "\"name\":\"output_norm.weight\",\"shape\":[32]}]}"));
    ken_text_free(text);
    for (long k = 1; (text = json_of(make_model, k)) == NULL;) k++;
    ken_text_free(text);
    ken_model_free(model);
}

/* ---- a run, for a page -------------------------------------------------------------------------------------------------- */

static const char *text_at(const ken_views *v, size_t view, size_t row, size_t column)
{
    static char buf[64];
    const ken_view *t = ken_views_get(v, view);
    assert_true(t != NULL && row < t->n_rows && column < t->n_columns);
    return ken_view_cell_text(&t->column[column], &t->row[row].cell[column], buf);
}

/* All spans of a sentence. */
static const char *sentence(const ken_views *v, size_t number)
{
    static char all[2000];
    size_t i = 0;
    const ken_view *t;
    while ((t = ken_views_get(v, i)) != NULL && (t->kind != KEN_VIEW_TEXT || number-- > 0)) i++;
    assert_non_null(t);
    all[0] = '\0';
    for (i = 0; i < t->n_spans; i++) strncat(all, t->span[i].text, sizeof all - strlen(all) - 1);
    return all;
}

typedef int (*fill_fn)(ken_views *v, ken_run *r);

/* The views, after every allocation has failed in turn. */
static ken_views *filled(fill_fn fill, ken_run *r)
{
    for (long k = 1;; k++) {
        ken_alloc_fail_after(k);
        ken_views *v = ken_views_new();
        int rc = fill(v, r);
        if (rc == KEN_OK) rc = ken_views_finish(&v, v, &err);
        else ken_views_free(v);
        ken_alloc_fail_after(0);
        if (rc == KEN_OK) return v;
        assert_int_equal(rc, KEN_ENOMEM);
    }
}

static ken_run *training_run(void)
{
    const ken_setting settings[] = {{KEN_SETTING_KIND, KEN_KIND_TRAIN, true},
                                    {"model_path", "/m/<b>.gguf", false},
                                    {"lr", "1e-05", false},
                                    {"lora", "r=2", false}};
    static const double epoch[] = {0, 1, 2};
    ken_store *s;
    ken_run *r;
    assert_ok(ken_store_open(&s, in_folder("t.ken"), settings, 4, &err));
    for (int i = 0; i < 3; i++) {
        const ken_point p = {.step = 10 * i, .epoch = epoch[i], .lr = NAN, .loss = NAN, .kl = NAN, .grad_norm = NAN};
        const uint64_t hits = (uint64_t)i;
        const ken_measure m[] = {
            {.set = "train", .grouping = "all", .key = "", .n = 4, .hits = 2 * hits, .answered = 4, .p = NAN},
            {.set = "train", .grouping = "category", .key = "Unknown", .n = 2, .hits = hits, .answered = 2, .p = NAN},
            {.set = "dev", .grouping = "all", .key = "", .n = 8, .hits = 4 - hits, .answered = 8, .p = NAN}};
        assert_ok(ken_tuning_put_point(s, &p, &err));
        for (int k = 0; k < 3; k++) assert_ok(ken_tuning_put_measure(s, p.step, &m[k], &err));
    }
    assert_ok(ken_tuning_mark(s, 10, 20, &err));
    assert_ok(ken_store_commit(s, &err));
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&r, in_folder("t.ken"), &err));
    return r;
}

static int fill_accuracy(ken_views *v, ken_run *r) { return ken_view_accuracy(v, r, &err); }
static int fill_finding(ken_views *v, ken_run *r) { return ken_view_finding(v, r, &err); }

static int fill_trained(ken_views *v, ken_run *r)
{
    static const size_t category[KEN_N_CATEGORIES + 1] = {[KEN_UNKNOWN] = 2, [KEN_N_CATEGORIES] = 1002};
    ken_view_trained(v, r, category);
    return KEN_OK;
}

static void training(void **state)
{
    (void)state;
    ken_run *r = training_run();
    ken_views *v = filled(fill_accuracy, r);
    assert_string_equal(ken_views_get(v, 2)->column[3].head, "best (epoch 1)");
    assert_int_equal(ken_views_get(v, 2)->n_rows, 3);
    assert_string_equal(text_at(v, 2, 1, 0), "training rows, Unknown");
    static const char *const shown[3][4] = {
        {"4", "0.0%", "50.0%", "100.0%"}, {"2", "0.0%", "50.0%", "100.0%"}, {"8", "50.0%", "37.5%", "25.0%"}};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 4; k++) assert_string_equal(text_at(v, 2, i, 1 + k), shown[i][k]);
    ken_views_free(v);
    v = filled(fill_finding, r);
    assert_string_equal(sentence(v, 0),
                        "Best after epoch 1: 37.5% of the dev questions right; after epoch 2 25.0%, when "
                        "100.0% of the training rows are fitted in the end.");
    ken_views_free(v);
    v = filled(fill_trained, r);
    assert_string_equal(sentence(v, 0),
                        "<b>.gguf trained on 0 rows (2 Unknown, 1,002 not annotated), learning rate 1e-05, "
                        "LoRA r=2.");
    ken_views_free(v);
    ken_run_free(r);
}

static ken_view_relation known_of[4];

static int fill_relations(ken_views *v, ken_run *r) { return ken_view_relations(v, r, known_of, false, &err); }
static int fill_subjects(ken_views *v, ken_run *r) { return ken_view_relations(v, r, known_of, true, &err); }

static int fill_totals(ken_views *v, ken_run *r)
{
    ken_view_totals(v, ken_run_total(r), 10);
    ken_view_settings(v, r);
    return KEN_OK;
}

static void annotation(void **state)
{
    (void)state;
    ken_store *s;
    ken_run *r;
    char example[] = "What is the capital of \u2026?";
    made_row row;
    assert_ok(ken_store_open(&s, in_folder("r.ken"), test_settings, n_test_settings, &err));
    for (uint64_t i = 0; i < 48; i++) assert_ok(ken_store_put_row(s, i, make_row(&row, i), &err));
    assert_ok(ken_store_commit(s, &err));
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&r, in_folder("r.ken"), &err));
    assert_int_equal(ken_run_n_relations(r), 4);
    for (int i = 0; i < 4; i++)
        known_of[i] = (ken_view_relation){.example = i == 2 ? example : NULL, .score = 1, .n_score = 4, .n_right = 3};
    ken_views *v = filled(fill_relations, r);
    const ken_view *t = ken_views_get(v, 1);
    double last = 2;
    size_t examples = 0;
    assert_int_equal(t->n_rows, 6); /* the outermost object of JSON, the relations, the total */
    for (size_t i = 1; i < 5; i++) {
        const ken_counts *c = NULL;
        for (size_t k = 0; k < 4; k++)
            if (strcmp(ken_run_relation(r, k)->relation, text_at(v, 1, i, 0)) == 0) c = ken_run_relation(r, k);
        assert_non_null(c);
        const double known = (double)(c->category[0] + c->category[1]) / (double)(c->n - c->category[KEN_UNLABELLED]);
        assert_true(known <= last);
        last = known;
        examples += strcmp(text_at(v, 1, i, 1), example) == 0;
    }
    assert_int_equal(examples, 1);
    assert_true(t->row[5].total && (t->row[5].where & KEN_ON_PAGE) != 0 && (t->row[0].where & KEN_ON_PAGE) == 0);
    ken_views_free(v);
    v = filled(fill_subjects, r);
    assert_string_equal(text_at(v, 2, 0, 2), "75.0%");
    assert_string_equal(text_at(v, 2, 4, 5), "0.250");
    ken_views_free(v);
    v = filled(fill_totals, r);
    assert_string_equal(text_at(v, 0, 0, 5), "All 10 greedy answers are right, whatever the prompt shows.");
    /* of the settings those that the run has */
    assert_string_equal(ken_views_get(v, 2)->column[0].head, "Facts asked for");
    assert_string_equal(text_at(v, 2, 0, 0), "50");
    assert_string_equal(ken_views_get(v, 2)->column[2].head, "Model hash");
    assert_int_equal(ken_views_get(v, 2)->n_columns, 3);
    ken_views_free(v);
    ken_run_free(r);
}

static int make_plan(ken_views **out)
{
    static char prompt[] = "Answer.\nWho?\n", target[] = "x\xff", notes[] = "dev: one\ntest: two\n";
    static const ken_training_plan p = {.data = {.rows = 3, .mixed = 1, .category = {1, 2}},
                                        .steps = 4,
                                        .tokens = 9,
                                        .rows = 6,
                                        .example_prompt = prompt,
                                        .example_target = target,
                                        .notes = notes};
    return ken_views_of_plan(out, &p, &err);
}

static int make_step(ken_views **out)
{
    const ken_train_step s = {.step = 3,
                              .epoch = 0.75,
                              .lr = 0.5,
                              .loss = 2.5,
                              .kl = NAN,
                              .grad_norm = 1.25,
                              .examples = 24,
                              .tokens = 96,
                              .forwards = 480};
    return ken_views_of_step(out, &s, &err);
}

static void step(void **state)
{
    (void)state;
    check(make_step,
          "{\"event\":\"step\",\"step\":3,\"epoch\":0.75,\"lr\":0.5,\"loss\":2.5,\"kl\":null,\"grad_norm\":1.25,"
          "\"examples\":24,\"tokens\":96,\"token_forwards\":480}");
}

static void plan(void **state)
{
    (void)state;
    check(make_plan, "{\"rows\":4,\"dev\":0,\"test\":0,\"ood\":0,\"steps\":4,\"steps_per_epoch\":0,\"epoch_tokens\":9,"
                     "\"epoch_token_rows\":6,\"epoch_targets\":0,\"trained\":0,\"memory\":0,\"disk\":0,\"prompt\":"
                     "\"Answer.\\nWho?\\n\",\"target\":\"x\xEF\xBF\xBD\",\"notes\":[\"dev: one\",\"test: two\"]}");
    ken_views *v;
    assert_ok(make_plan(&v));
    assert_string_equal(sentence(v, 2), "Who?"); /* each line of a prompt is one */
    assert_string_equal(sentence(v, 6), "3 rows to train on and 1 of other tasks (1 HighlyKnown, 2 MaybeKnown)");
    ken_views_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(point),     cmocka_unit_test(data),
                                       cmocka_unit_test(selection), cmocka_unit_test(of_model),
                                       cmocka_unit_test(training),  cmocka_unit_test(annotation),
                                       cmocka_unit_test(plan),      cmocka_unit_test(step)};
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
