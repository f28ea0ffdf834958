/* test_set_models.c - the project's facts and EntityQuestions as training sets of the default model: no row is refused, and each prompt is
 * what `ken eval` would ask. Needs the model: $KEN_MODEL, or where `make model` puts it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "data/data.h"
#include "know/prompt.h"
#include "tune/set.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ken_model *model;

static int open_model(void **state)
{
    (void)state;
    char path[600];
    const char *name = getenv("KEN_MODEL"), *home = getenv("HOME");
    if (name != NULL && *name != '\0') snprintf(path, sizeof path, "%s", name);
    else snprintf(path, sizeof path, "%s/.cache/ken/SmolLM2-135M-Instruct.Q4_1.gguf", home != NULL ? home : "");
    ken_err err;
    if (ken_model_open(&model, path, &err) != KEN_OK) fail_msg("%s (get it with: make model)", err.msg);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    ken_model_free(model);
    return 0;
}

/* Every train row of the data is in the set, behind the tokens of its question's prompt, and its target decodes to its answer. */
static void check(const char *path, bool chat)
{
    ken_err err = {0};
    ken_data *d;
    ken_tune_set *s = NULL;
    ken_train_data from = ken_train_data_defaults();
    from.path = path;
    from.chat_template = chat;
    if (ken_data_open(&d, path, NULL, &err) != KEN_OK || ken_tune_set_open(&s, model, &from, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    const ken_tokenizer *t = ken_model_tokenizer(model);
    ken_prompt_style style;
    int32_t *ids = NULL;
    size_t n, cap = 0, row = 0;
    assert_int_equal(ken_zero_shot_style(&style, NULL, chat, t, &err), KEN_OK);
    for (size_t i = 0; i < ken_data_count(d); i++) {
        const ken_example *e = ken_data_get(d, i);
        if (strcmp(e->split, "train") != 0) continue;
        const ken_tune_row *r = ken_tune_set_row(s, row++);
        assert_non_null(r);
        assert_string_equal(r->id, e->id);
        assert_string_equal(r->question, e->question);
        assert_int_equal(r->n_answers, e->n_answers);
        assert_int_equal(ken_zero_shot_encode(&style, t, e, &ids, &n, &cap, &err), KEN_OK);
        assert_int_equal(n, r->n_prompt);
        assert_memory_equal(ids, r->ids, n * sizeof *ids);
        assert_int_equal(r->ids[r->n_ids - 1], ken_tokenizer_eos(t));
        const char *answer = e->answers[0];
        for (int32_t k = r->n_prompt; k < r->n_ids - 1; k++) {
            ken_str b = ken_tokenizer_bytes(t, r->ids[k]);
            assert_memory_equal(answer, b.p, b.n);
            answer += b.n;
        }
        assert_string_equal(answer, "");
    }
    assert_int_equal(row, ken_tune_set_count(s));
    ken_free(ids);
    ken_tune_set_free(s);
    ken_data_free(d);
}

static void test_world(void **state)
{
    (void)state;
    check(KEN_WORLD, false);
    check(KEN_WORLD, true); /* this model's conversations end in its EOS, too */
}

static void test_entityquestions(void **state)
{
    (void)state;
    static char path[4096];
    const char *base = getenv("KEN_TEST_DATA");
    if (base == NULL || base[0] == '\0') {
        print_message("KEN_TEST_DATA is not set: the published data sets are not at hand\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/entityquestions/dataset/train/P800.train.json", base);
    if (access(path, R_OK) != 0) fail_msg("KEN_TEST_DATA is set, but %s is missing", path);
    check(path, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_world), cmocka_unit_test(test_entityquestions)};
    return cmocka_run_group_tests(tests, open_model, close_model);
}
