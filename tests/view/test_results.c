/* test_results.c - the views of results say in JSON what was measured, whatever names it has, and memory may end at any moment. */
#include "../store/rows.h"
#include "base/alloc.h"
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
                                .best = true};
    static const ken_measure m[] = {
        {.set = "dev", .grouping = "all", .key = "", .n = 2, .hits = 2, .hits_raw = 1, .answered = 2, .p = NAN},
        {.set = "mix:a.b[0]\\\xff", .grouping = "all", .key = "", .tokens = 4, .loss = 2, .p = NAN},
        {.set = "mix:a.b[0]\\\xff", .grouping = "relation", .key = "P.1", .tokens = 1, .bytes = 8, .p = NAN}};
    return ken_views_of_point(out, &p, m, 3, 7.5, &err);
}

static void point(void **state)
{
    (void)state;
    check(
        make_point,
        "{\"epoch\":0.5,\"step\":10,\"lr\":null,\"loss\":1.5,\"kl\":null,\"grad_norm\":0.25,\"examples\":80,\"tokens\":"
        "320,\"token_forwards\":1600,\"best\":true,\"last\":false,\"training_seconds\":7.5,\"dev\":{\"examples\":2,"
        "\"hits\":2,\"accuracy\":1.0,\"accuracy_lo\":0.342380228,\"accuracy_hi\":1.0,\"hits_raw\":1,\"abstained\":0,"
        "\"answered\":2,\"accuracy_answered\":1.0},\"mix:a.b[0]\\\\\xEF\xBF\xBD\":{\"tokens\":4,\"nll\":0.5,"
        "\"perplexity\":1.64872127,\"relation\":{\"P.1\":{\"tokens\":1,\"nll\":0.0,\"perplexity\":1.0,\"bytes\":8,"
        "\"bits_per_byte\":0.0}}}}");
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
          "{\"format\":\"jsonl\",\"examples\":3,\"rows\":3,\"bad\":1,\"multi_answer\":0,\"duplicates\":0,"
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
    from.read.skip_bad = true;
    from.splits = "train,dev";
    assert_ok(ken_select(&selected, &from, &err));
    char *text = json_of(make_selection, 0);
    assert_non_null(text);
    const char *path = strstr(text, "\"output\""); /* what is before it names the file */
    assert_non_null(path);
    assert_string_equal(
        path,
        "\"output\":null,\"format\":\"trl\",\"seed\":0,\"ranked_by\":null,\"matched_by\":null,\"rows\":2,\"tail\":0,"
        "\"tail_repeated\":0,\"relabelled\":0,\"bad\":1,\"unmatched\":0,\"newline\":0,\"duplicates\":0,\"conflicts\":0,"
        "\"relations_left_out\":0,\"spread\":0,\"unranked\":0,\"middle\":0,\"matched\":0,\"partnerless\":0,"
        "\"categories\":{\"HighlyKnown\":0,\"MaybeKnown\":0,\"WeaklyKnown\":0,\"Unknown\":0,\"not_annotated\":2},"
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(point), cmocka_unit_test(data), cmocka_unit_test(selection),
                                       cmocka_unit_test(of_model)};
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
