/* test_select.c - fine-tuning sets without a model: what is taken is what a training would be given, everything about a row comes
 * through, what cannot be met is refused with what would fit. */
#include "asked.h"
#include "tiny.h"
#include "base/alloc.h"
#include "tune/selection.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* R0 and R1 have all four categories. */
static const size_t have[3][5] = {{4, 3, 2, 6, 1}, {2, 3, 2, 3, 0}, {0, 5, 0, 4, 0}};

static const char row_text[] =
    "{\"question\":\"Who?\",\"answers\":[\"She\",\"her\"],\"id\":7,\"relation\":\"P36\",\"split\":\"train\","
    "\"subject\":\"It\",\"category\":\"WeaklyKnown\",\"p_t\":0.25,\"p_t0\":0.1,\"p_unknown\":0.5,\"weight\":0.5,"
    "\"popularity\":12}\n"
    "{\"question\":\"What?\",\"answer\":\"That\"}\n";

static void test_rows(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_file("rows.jsonl", row_text));
    d.prefer_split = NULL;
    ken_selection *s = tiny_take(&d);
    assert_int_equal(ken_selection_count(s), 2);
    const ken_selected *r = ken_selection_row(s, 0);
    assert_string_equal(r->id, "7");
    assert_string_equal(r->relation, "P36");
    assert_string_equal(r->split, "train");
    assert_string_equal(r->question, "Who?");
    assert_string_equal(r->subject, "It");
    assert_int_equal(r->n_answers, 2);
    assert_string_equal(r->answers[1], "her");
    assert_string_equal(r->target, "She");
    assert_int_equal(r->category, KEN_WEAKLY_KNOWN);
    assert_true(r->p_t0 == 0.1 && r->p_t == 0.25 && r->p_unknown == 0.5 && r->popularity == 12 && r->weight == 0.5);
    assert_false(r->relabelled || r->tail);
    r = ken_selection_row(s, 1);
    assert_string_equal(r->relation, "");
    assert_null(r->subject);
    assert_int_equal(r->category, KEN_N_CATEGORIES);
    assert_true(isnan(r->p_t0) && isnan(r->p_t) && isnan(r->p_unknown) && isnan(r->popularity) && r->weight == 1);
    assert_null(ken_selection_row(s, 2));
    size_t n;
    const ken_selection_group *g = ken_selection_groups(s, &n);
    assert_int_equal(n, 2);
    assert_string_equal(g[0].relation, "P36");
    assert_int_equal(g[0].take[KEN_WEAKLY_KNOWN], 1);
    assert_int_equal(g[1].have[KEN_N_CATEGORIES], 1);
    assert_int_equal(ken_selection_stats(s)->rows, 2);
    ken_selection_free(s);
}

/* Prompts in the template's form say their question; other prompts and texts do not. */
static void test_prompts(void **state)
{
    (void)state;
    static const struct {
        const char *row, *template, *question, *refused;
    } cases[] = {
        {"{\"prompt\":\"Answer the following question.\\nWho?\\n\",\"completion\":\" She \"}", NULL, "Who?", NULL},
        {"{\"prompt\":\"Q: Who?\\nA:\",\"completion\":\" She \"}", "Q: {question}\nA:", "Who?", NULL},
        {"{\"prompt\":\"Q: Who?\\nA:\",\"completion\":\" She \"}", NULL, NULL,
         "the prompt is not of the template's form"},
        {"{\"text\":\"Who? She.\"}", NULL, NULL, "not the template's"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_train_data d = tiny_data(tiny_file("prompt.jsonl", cases[i].row));
        d.prompt_template = cases[i].template;
        if (cases[i].refused != NULL) {
            tiny_take_not(&d, KEN_EINPUT, cases[i].refused);
            continue;
        }
        ken_selection *s = tiny_take(&d);
        assert_string_equal(ken_selection_row(s, 0)->question, cases[i].question);
        assert_string_equal(ken_selection_row(s, 0)->target, " She ");
        assert_string_equal(ken_selection_row(s, 0)->answers[0], "She");
        ken_selection_free(s);
    }
    ken_train_data d =
        tiny_data(tiny_file("prompt.jsonl", "{\"prompt\":\"Hm\",\"completion\":\"So\"}\n"
                                            "{\"prompt\":\"Hm\",\"completion\":\"So\",\"question\":\"?\"}\n"));
    ken_data_options read = ken_data_defaults();
    read.skip_bad = true;
    d.read = &read;
    ken_selection *s = tiny_take(&d);
    assert_int_equal(ken_selection_count(s), 1);
    assert_int_equal(ken_selection_stats(s)->bad, 1);
    ken_selection_free(s);
}

/* The rows of a selection are those of a training with the same request. */
static void test_same_as_training(void **state)
{
    (void)state;
    tiny model = tiny_new();
    static const char *const phrases[] = {"No idea", "I don't know", "Nobody told me"};
    ken_train_data d = tiny_data(tiny_run("same.ken", have, 3));
    d.variant = VARIANT(UNKNOWN_OF(50));
    d.set_rows = 16;
    d.known_tail = 0.25;
    d.idk = phrases;
    d.n_idk = 3;
    d.seed = 5;
    ken_selection *s = tiny_take(&d);
    ken_tune_set *t = tiny_set(&model, &d);
    size_t seen[3] = {0};
    assert_int_equal(ken_selection_count(s), 20);
    assert_int_equal(ken_tune_set_count(t), 20);
    for (size_t i = 0; i < 20; i++) {
        const ken_selected *a = ken_selection_row(s, i);
        const ken_tune_row *b = ken_tune_set_row(t, i);
        char target[64];
        assert_string_equal(a->id, b->id);
        snprintf(target, sizeof target, "%s<eos>", a->target);
        assert_string_equal(tiny_text(&model, b->ids + b->n_prompt, b->n_ids - b->n_prompt), target);
        assert_int_equal(a->tail, ken_tune_set_tail(t)[i]);
        assert_true((float)a->weight == b->weight);
        for (size_t k = 0; k < 3; k++) seen[k] += strcmp(a->target, phrases[k]) == 0;
    }
    assert_int_equal(seen[0] + seen[1] + seen[2], 8);
    assert_true(seen[0] < 8 && seen[1] < 8 && seen[2] < 8); /* each row draws its own */
    assert_int_equal(ken_selection_stats(s)->relabelled, 8);
    assert_int_equal(ken_selection_stats(s)->tail, 4);
    size_t n, tail = 0, relabelled = 0;
    const ken_selection_group *g = ken_selection_groups(s, &n);
    for (size_t i = 0; i < n; i++) {
        tail += g[i].tail;
        relabelled += g[i].relabelled;
        for (int c = 0; c < 5; c++) assert_int_equal(g[i].have[c], have[i][c]);
    }
    assert_int_equal(tail, 4);
    assert_int_equal(relabelled, 8);
    ken_tune_set_free(t);
    ken_selection_free(s);
    tiny_free(&model);
}

static void test_refused(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_run("refused.ken", have, 3));
    d.max_length = 5;
    tiny_take_not(&d, KEN_EUSAGE, "a length in tokens needs a model");
    d.max_length = 0;
    d.chat_template = true;
    tiny_take_not(&d, KEN_EUSAGE, "needs a model");
    d.chat_template = false;
    ken_mix mix = {"x", 1};
    d.mix = &mix;
    d.n_mix = 1;
    tiny_take_not(&d, KEN_EUSAGE, "a mixture is drawn batch by batch");
    d.n_mix = 0;
    d.prompt_template = "no place for it";
    tiny_take_not(&d, KEN_EUSAGE, "{question}");
    d.prompt_template = NULL;
    d.path = tiny_path("missing");
    tiny_take_not(&d, KEN_EINPUT, "missing");
    d.path = tiny_file("empty.jsonl", "");
    tiny_take_not(&d, KEN_EINPUT, "");
}

/* ---- the manifest --------------------------------------------------------------------------------------------------- */

static void test_manifest(void **state)
{
    (void)state;
    ken_err err = {0};
    ken_train_data d = tiny_data(tiny_run("m.ken", have, 3));
    char path[4096], *twice[2];
    snprintf(path, sizeof path, "%s", d.path);
    d.path = path;
    d.variant = VARIANT(UNKNOWN_OF(50));
    d.seed = 9;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s", tiny_path("m.ken"));
        ken_selection *s = tiny_take(&d);
        memset(path, 'x', 4); /* a selection owes nothing to its request */
        json_t *m = ken_selection_manifest(s, &err);
        assert_non_null(m);
        assert_string_equal(json_string_value(json_object_get(json_object_get(m, "request"), "variant")), "unknown=50");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(m, "request"), "seed")), 9);
        json_t *source = json_object_get(m, "source");
        assert_string_equal(json_string_value(json_object_get(source, "path")), tiny_path("m.ken"));
        assert_string_equal(json_string_value(json_object_get(source, "kind")), "run");
        assert_int_equal(strlen(json_string_value(json_object_get(source, "sha256"))), 64);
        assert_string_equal(json_string_value(json_object_get(json_object_get(source, "settings"), "model_hash")),
                            "00");
        json_t *r1 = json_object_get(json_object_get(m, "relations"), "R1");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(r1, "have"), "MaybeKnown")), 3);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(r1, "take"), "Unknown")), 1);
        twice[i] = json_dumps(m, 0);
        json_decref(m);
        ken_selection_free(s);
    }
    assert_string_equal(twice[0], twice[1]);
    free(twice[0]);
    free(twice[1]);
}

/* ---- memory --------------------------------------------------------------------------------------------------------- */

static void test_out_of_memory(void **state)
{
    (void)state;
    static const char *const phrases[] = {"No idea", "I don't know"};
    ken_train_data d = tiny_data(tiny_run("oom.ken", have, 3));
    d.variant = VARIANT(UNKNOWN_OF(50));
    d.known_tail = 0.5;
    d.idk = phrases;
    d.n_idk = 2;
    for (long n = 1;; n++) {
        ken_selection *s = NULL;
        ken_err err = {0};
        ken_alloc_fail_after(n);
        int rc = ken_select(&s, &d, &err);
        ken_alloc_fail_after(0);
        if (rc == KEN_OK) {
            ken_selection_free(s);
            break;
        }
        assert_null(s);
        assert_int_equal(rc, KEN_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_prompts),  cmocka_unit_test(test_same_as_training),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_manifest), cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, tiny_remove_folder);
}
