/* test_set.c - training sets: every format, prompts and targets as tokens, selection, relabelling, weights, tails, mixtures, and
 * what is refused. */
#include "asked.h"
#include "tiny.h"
#include "base/alloc.h"
#include "know/prompt.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What row i says, prompt and target apart. */
static void check_row(const ken_tune_set *s, size_t i, const char *prompt, const char *target)
{
    const ken_tune_row *r = ken_tune_set_row(s, i);
    assert_non_null(r);
    assert_string_equal(tiny_text(&tiny_model, r->ids, r->n_prompt), prompt);
    assert_string_equal(tiny_text(&tiny_model, r->ids + r->n_prompt, r->n_ids - r->n_prompt), target);
}

/* ---- formats -------------------------------------------------------------------------------------------------------- */

#define ASKED  "Answer the following question.\\nWho?\\n"
#define PROMPT "<bos>Answer the following question.\nWho?\n"

/* The same question and answer in every format that can be written (docs/exports.md): same tokens, question and answer. */
static void test_formats(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"question\":\"Who?\",\"answer\":\"She\"}",
        "{\"question\":\"Who?\",\"answers\":[\"She\",\"her\"]}",
        "{\"prompt\":\"" ASKED "\",\"completion\":\"She\"}",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"" ASKED "\"},{\"role\":\"assistant\",\"content\":\"She\"}]}",
        "{\"prompt\":[{\"role\":\"user\",\"content\":\"" ASKED
        "\"}],\"completion\":[{\"role\":\"assistant\",\"content\":\"She\"}]}",
        "{\"instruction\":\"Answer the following question.\",\"input\":\"Who?\",\"output\":\"She\"}",
        "[{\"instruction\":\"Answer the following question.\",\"input\":\"Who?\",\"output\":\"She\"}]",
        "{\"conversations\":[{\"from\":\"human\",\"value\":\"" ASKED "\"},{\"from\":\"gpt\",\"value\":\"She\"}]}",
        "{\"segments\":[{\"label\":false,\"text\":\"<bos>" ASKED "\"},{\"label\":true,\"text\":\"She<eos>\"}]}",
        ("{\"segments\":[{\"label\":false,\"text\":\"Answer the following question.\\n\"},{\"label\":false,\"text\":"
         "\"Who?\\n\"},{\"label\":true,\"text\":\"Sh\"},{\"label\":true,\"text\":\"e\"}]}"),
        "question,answer\nWho?,She\n",
        "prompt\tcompletion\n\"Answer the following question.\nWho?\n\"\tShe\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ken_train_data d = tiny_data(tiny_file("rows.jsonl", rows[i]));
        ken_tune_set *s = tiny_set(&tiny_model, &d);
        assert_int_equal(ken_tune_set_count(s), 1);
        check_row(s, 0, PROMPT, "She<eos>");
        const ken_tune_row *r = ken_tune_set_row(s, 0);
        assert_string_equal(r->question, "Who?");
        assert_true(r->n_answers >= 1);
        assert_string_equal(r->answers[0], "She");
        assert_string_equal(r->id, "0");
        assert_string_equal(r->task, "");
        assert_int_equal(r->category, KEN_N_CATEGORIES);
        assert_true(r->weight == 1);
        assert_true(isnan(r->popularity));
        ken_tune_set_free(s);
    }
}

static void test_text_rows(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_file("text.jsonl", "{\"text\":\"One line\\nand another\"}\n{\"text\":\"x\"}\n"));
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    check_row(s, 0, "<bos>", "One line\nand another<eos>");
    check_row(s, 1, "<bos>", "x<eos>");
    assert_null(ken_tune_set_row(s, 0)->question);
    assert_int_equal(ken_tune_set_row(s, 0)->n_answers, 0);
    assert_int_equal(ken_tune_set_stats(s)->newline, 0);
    assert_int_equal(ken_tune_set_stats(s)->conflicts, 0); /* no prompt: nothing to contradict */
    ken_tune_set_free(s);
}

static void test_extra_keys(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_file(
        "extra.jsonl",
        "{\"prompt\":\"Say\\n\",\"completion\":\" Yes \",\"id\":7,\"relation\":\"P36\",\"split\":\"train\","
        "\"category\":\"Unknown\",\"p_t\":0.25,\"p_t0\":0,\"weight\":0.5,\"task\":\"chat\",\"popularity\":12}\n"
        "{\"prompt\":\"Tell\\n\",\"completion\":\"No\\nMore\",\"category\":\"closed_qa\"}\n"
        "{\"prompt\":\"Cry\\n\",\"completion\":\"No\",\"category\":null,\"answers\":[\"No\",\"Nope\"]}\n"));
    d.splits = (ken_names){0};
    d.prefer_split = NULL;
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    const ken_tune_row *r = ken_tune_set_row(s, 0);
    assert_string_equal(r->id, "7");
    assert_string_equal(r->relation, "P36");
    assert_string_equal(r->task, "chat");
    assert_int_equal(r->category, KEN_UNKNOWN);
    assert_true(r->weight == 0.5F);
    assert_true(r->popularity == 12);
    assert_null(r->question); /* not a prompt of the template */
    assert_string_equal(r->answers[0], "Yes");
    check_row(s, 0, "<bos>Say\n", " Yes <eos>");
    assert_int_equal(ken_tune_set_row(s, 1)->category, KEN_N_CATEGORIES); /* somebody else's field */
    assert_int_equal(ken_tune_set_row(s, 1)->n_answers, 0);               /* two lines are no answer */
    assert_int_equal(ken_tune_set_row(s, 2)->category, KEN_UNLABELLED);
    assert_int_equal(ken_tune_set_row(s, 2)->n_answers, 2);
    const ken_train_data_stats *st = ken_tune_set_stats(s);
    assert_int_equal(st->newline, 1);
    assert_int_equal(st->category[KEN_UNKNOWN], 1);
    assert_int_equal(st->category[KEN_N_CATEGORIES], 1);
    assert_int_equal(st->rows, 3);
    ken_tune_set_free(s);
}

/* A target that spells the end token: it gets one, not two. */
static void test_spelled_end(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_file("ends.jsonl", "{\"prompt\":\"Say\\n\",\"completion\":\"Yes<eos>\"}\n"
                                                         "{\"prompt\":\"Tell\\n\",\"completion\":\"No\"}\n"));
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    check_row(s, 0, "<bos>Say\n", "Yes<eos>");
    check_row(s, 1, "<bos>Tell\n", "No<eos>");
    assert_non_null(strstr(ken_tune_set_stats(s)->notes, "1 target ends with the end token spelled out (<eos>)"));
    ken_tune_set_free(s);
}

/* ---- prompts -------------------------------------------------------------------------------------------------------- */

static void test_template(void **state)
{
    (void)state;
    ken_train_data d =
        tiny_data(tiny_file("t.jsonl", "{\"question\":\"Who?\",\"answer\":\" She\",\"relation\":\"P1\"}\n"));
    d.prompt_template = "[{relation}] Q: {question}\nA:";
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    check_row(s, 0, "<bos>[P1] Q: Who?\nA:", " She<eos>");
    ken_tune_set_free(s);
    d.prompt_template = "no place";
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "has no {question}");
}

static void test_chat(void **state)
{
    (void)state;
    ken_train_data d =
        tiny_data(tiny_file("c.jsonl", "{\"messages\":[{\"role\":\"system\",\"content\":\"Be "
                                       "brief.\"},{\"role\":\"user\",\"content\":\"Hi <|im_end|>\\n\"},"
                                       "{\"role\":\"assistant\",\"content\":\"Yes?\"},{\"role\":\"user\",\"content\":"
                                       "\"Who?\"},{\"role\":\"assistant\","
                                       "\"content\":\"She\"},{\"role\":\"user\",\"content\":\"left out\"}]}\n"));
    tiny_refuse(&tiny_model, &d, KEN_EINPUT, "c.jsonl:1: a conversation of 4 turns");
    d.chat_template = true;
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    check_row(s, 0,
              "<bos><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi "
              "<|im_end|><|im_end|>\n<|im_start|>assistant\n"
              "Yes?<|im_end|>\n<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\n",
              "She<|im_end|>");
    const ken_tune_row *r = ken_tune_set_row(s, 0);
    int ends = 0;
    for (int32_t i = 0; i < r->n_ids; i++) ends += r->ids[i] == TINY_IM_END;
    assert_int_equal(ends, 5); /* the user's text that spells one is text */
    ken_tune_set_free(s);
    /* A question and its exported messages are asked alike. */
    static const char *const rows[] = {"{\"question\":\"Who?\",\"answer\":\"She\"}",
                                       "{\"messages\":[{\"role\":\"user\",\"content\":\"" ASKED
                                       "\"},{\"role\":\"assistant\",\"content\":\"She\"}]}"};
    for (int i = 0; i < 2; i++) {
        d.path = tiny_file("c.jsonl", rows[i]);
        s = tiny_set(&tiny_model, &d);
        check_row(s, 0,
                  "<bos><|im_start|>user\nAnswer the following question.\nWho?<|im_end|>\n<|im_start|>assistant\n",
                  "She<|im_end|>");
        assert_string_equal(ken_tune_set_row(s, 0)->question, "Who?");
        ken_tune_set_free(s);
    }
    d.path = tiny_file("c.jsonl", "{\"text\":\"as it is\"}");
    s = tiny_set(&tiny_model, &d);
    check_row(s, 0, "<bos>", "as it is<eos>");
    ken_tune_set_free(s);
}

/* What is trained behind is what is asked. */
static void test_same_prompt_as_eval(void **state)
{
    (void)state;
    for (int chat = 0; chat < 2; chat++) {
        ken_train_data d = tiny_data(tiny_file("e.jsonl", "{\"question\":\"Who \\u00e9?\",\"answer\":\"She\"}"));
        d.chat_template = chat == 1;
        ken_tune_set *s = tiny_set(&tiny_model, &d);
        const ken_tune_row *r = ken_tune_set_row(s, 0);
        ken_prompt_style style;
        ken_err err;
        int32_t *ids = NULL;
        size_t n = 0, cap = 0;
        ken_example x = {.question = "Who \xc3\xa9?"};
        assert_int_equal(ken_zero_shot_style(&style, NULL, chat == 1, tiny_model.tokenizer, &err), KEN_OK);
        assert_int_equal(ken_zero_shot_encode(&style, tiny_model.tokenizer, &x, &ids, &n, &cap, &err), KEN_OK);
        assert_int_equal(n, r->n_prompt);
        assert_memory_equal(ids, r->ids, n * sizeof *ids);
        ken_free(ids);
        ken_tune_set_free(s);
    }
}

static void test_join(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_file("j.jsonl", "{\"prompt\":\"fine\\n\",\"completion\":\"b\"}\n"
                                                      "{\"prompt\":\"xa\",\"completion\":\"b\"}\n"));
    tiny_refuse(&tiny_model, &d, KEN_EINPUT, "j.jsonl:2: the prompt's tokens change when the target \"b\" follows");
    ken_data_options read = ken_data_defaults();
    read.skip_bad = true;
    d.read = &read;
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 1);
    assert_int_equal(ken_tune_set_stats(s)->bad, 1);
    ken_tune_set_free(s);
}

/* ---- lengths, repeats ----------------------------------------------------------------------------------------------- */

static void test_too_long(void **state)
{
    (void)state;
    char text[2048], word[400];
    memset(word, 'x', sizeof word);
    word[300] = '\0';
    snprintf(text, sizeof text,
             "{\"prompt\":\"p\\n\",\"completion\":\"short\"}\n{\"prompt\":\"p\\n\",\"completion\":\"%s\"}\n", word);
    ken_train_data d = tiny_data(tiny_file("l.jsonl", text));
    tiny_refuse(&tiny_model, &d, KEN_EINPUT, "l.jsonl:2: the row has 47 tokens more than the model's context of 256");
    d.max_length = 1000; /* beyond the context no row can be */
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 1);
    assert_int_equal(ken_tune_set_stats(s)->too_long, 1);
    ken_tune_set_free(s);
    d.max_length = 9; /* <bos>p\nshort<eos> */
    s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 1);
    assert_int_equal(ken_tune_set_row(s, 0)->n_ids, 9);
    ken_tune_set_free(s);
    d.max_length = 8;
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "no row is left");
}

static void test_repeats(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_file("r.jsonl", "{\"question\":\"Who?\",\"answer\":\"She\"}\n"
                                                      "{\"question\":\"Who?\",\"answer\":\"He\"}\n"
                                                      "{\"question\":\"Who?\",\"answer\":\"She\"}\n"
                                                      "{\"question\":\"Who?\",\"answer\":\"He\"}\n"));
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_stats(s)->duplicates, 2);
    assert_int_equal(ken_tune_set_stats(s)->conflicts, 1);
    ken_tune_set_free(s);
}

/* ---- runs and labels ------------------------------------------------------------------------------------------------ */

static const size_t have[][5] = {{4, 3, 2, 6, 1}, {2, 2, 2, 2, 0}, {3, 0, 0, 5, 0}};

static void test_run(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_run("a.ken", have, 3));
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    const ken_train_data_stats *st = ken_tune_set_stats(s);
    assert_int_equal(st->rows, 32);
    assert_int_equal(st->category[KEN_HIGHLY_KNOWN], 9);
    assert_int_equal(st->category[KEN_UNKNOWN], 13);
    assert_int_equal(st->category[KEN_UNLABELLED], 1);
    check_row(s, 0, "<bos>Answer the following question.\nQuestion R0 0?\n", "Answer 0<eos>");
    assert_int_equal(ken_tune_set_row(s, 0)->n_answers, 2);
    uint64_t tokens = 0;
    for (size_t i = 0; i < 32; i++) tokens += (uint64_t)ken_tune_set_row(s, i)->n_ids;
    assert_int_equal(st->tokens, tokens);
    ken_tune_set_free(s);

    const struct {
        unsigned categories;
        ken_names relations;
        int label;
        double p_min;
        size_t per_relation, limit, rows;
    } cases[] = {{.categories = OF(KEN_HIGHLY_KNOWN) | OF(KEN_UNKNOWN), .p_min = 0, .rows = 22},
                 {.categories = OF_KNOWN, .rows = 18},
                 {.categories = OF(KEN_UNLABELLED), .rows = 1},
                 {.relations = LIST("R2"), .rows = 8},
                 {.relations = LIST("R0", "R1"), .categories = OF(KEN_MAYBE_KNOWN), .rows = 5},
                 {.p_min = 0.1, .rows = 10},
                 {.per_relation = 3, .rows = 9},
                 {.per_relation = 3, .categories = OF(KEN_MAYBE_KNOWN), .rows = 5},
                 {.limit = 5, .rows = 5},
                 {.label = KEN_LABEL_MODE, .categories = OF(KEN_WEAKLY_KNOWN), .rows = 17}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        d = tiny_data(tiny_path("a.ken"));
        d.categories = cases[i].categories;
        d.relations = cases[i].relations;
        d.label = cases[i].label;
        d.p_min = cases[i].p_min;
        d.per_relation = cases[i].per_relation;
        d.limit = cases[i].limit;
        s = tiny_set(&tiny_model, &d);
        assert_int_equal(ken_tune_set_count(s), cases[i].rows);
        ken_tune_set_free(s);
    }
    d = tiny_data(tiny_path("a.ken"));
    d.relations = LIST("R9");
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "has no relation \"R9\"; it has R0, R1, R2");
    d.relations = (ken_names){0};
    d.categories = 1u << 9;
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "has bits that are no category");
    d.categories = 0;
    d.splits = LIST("test");
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "has no split \"test\"; it has train");
}

static ken_data_options reading; /* of rows that are watched */

static void test_labels(void **state)
{
    (void)state;
    static const char rows[] = "{\"question\":\"Question R0 0?\",\"answer\":\"Answer 0\",\"id\":\"R0/train/0\"}\n"
                               "{\"question\":\"Question R0 9?\",\"answer\":\"Answer 9\",\"id\":\"R0/train/9\"}\n"
                               "{\"question\":\"New?\",\"answer\":\"Yes\",\"id\":\"new\"}\n";
    (void)tiny_run("b.ken", have, 3);
    ken_train_data d = tiny_data(tiny_file("labelled.jsonl", rows));
    d.labels = tiny_path("b.ken");
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_row(s, 0)->category, KEN_HIGHLY_KNOWN);
    assert_int_equal(ken_tune_set_row(s, 1)->category, KEN_UNKNOWN);
    assert_int_equal(ken_tune_set_row(s, 2)->category, KEN_N_CATEGORIES);
    assert_int_equal(ken_tune_set_stats(s)->unmatched, 1);
    ken_tune_set_free(s);
    d.path = tiny_file("labelled.jsonl", "{\"question\":\"Other?\",\"answer\":\"Answer 0\",\"id\":\"R0/train/0\"}\n");
    tiny_refuse(&tiny_model, &d, KEN_EINPUT, "its row \"R0/train/0\" is another question");
    ken_train_data like =
        ken_tune_data_like(&d, d.path, "dev", &reading); /* what is only measured need not be annotated */
    s = tiny_set(&tiny_model, &like);
    assert_int_equal(ken_tune_set_row(s, 0)->category, KEN_N_CATEGORIES);
    assert_int_equal(ken_tune_set_stats(s)->unmatched, 1);
    ken_tune_set_free(s);
    d.path = tiny_file("labelled.jsonl", "{\"question\":\"Other?\",\"answer\":\"Answer 0\"}\n");
    tiny_refuse(&tiny_model, &d, KEN_EINPUT, "it has none of the rows of");
}

static void test_splits(void **state)
{
    (void)state;
    static const char rows[] = "{\"question\":\"a?\",\"answer\":\"1\",\"split\":\"train\"}\n"
                               "{\"question\":\"b?\",\"answer\":\"2\",\"split\":\"validation\"}\n"
                               "{\"question\":\"c?\",\"answer\":\"3\",\"split\":\"test\"}\n";
    ken_train_data d = tiny_data(tiny_file("splits.jsonl", rows));
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 1);
    assert_string_equal(ken_tune_set_row(s, 0)->id, "train/0");
    ken_tune_set_free(s);
    ken_train_data dev = ken_tune_data_like(&d, NULL, "dev", &reading);
    s = tiny_set(&tiny_model, &dev);
    assert_int_equal(ken_tune_set_count(s), 1);
    assert_string_equal(ken_tune_set_row(s, 0)->question, "b?");
    ken_tune_set_free(s);
    d.splits = LIST("train", "test");
    s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 2);
    ken_tune_set_free(s);
    ken_train_data other = ken_tune_data_like(&d, NULL, "ood", &reading);
    tiny_refuse(&tiny_model, &other, KEN_EUSAGE, "has no split ood, but train, dev, test; say which with `splits`");
}

/* ---- variants, targets, weights, tails ------------------------------------------------------------------------------ */

static void test_idk(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_run("i.ken", have, 3));
    static const char *const decline[] = {"I don't know"};
    d.idk = decline;
    d.n_idk = 1;
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_stats(s)->relabelled, 13);
    for (size_t i = 0; i < ken_tune_set_count(s); i++) {
        const ken_tune_row *r = ken_tune_set_row(s, i);
        bool idk =
            strcmp(tiny_text(&tiny_model, r->ids + r->n_prompt, r->n_ids - r->n_prompt), "I don't know<eos>") == 0;
        assert_int_equal(idk, r->category == KEN_UNKNOWN);
        assert_true(strncmp(r->answers[0], "Answer ", 7) == 0); /* what is right stays right */
    }
    ken_tune_set_free(s);
    d.idk_random = true;
    d.seed = 3;
    s = tiny_set(&tiny_model, &d);
    size_t idk = 0, of_unknown = 0;
    for (size_t i = 0; i < ken_tune_set_count(s); i++) {
        const ken_tune_row *r = ken_tune_set_row(s, i);
        bool is =
            strcmp(tiny_text(&tiny_model, r->ids + r->n_prompt, r->n_ids - r->n_prompt), "I don't know<eos>") == 0;
        idk += is;
        of_unknown += is && r->category == KEN_UNKNOWN;
    }
    assert_int_equal(idk, 13);
    assert_true(of_unknown < 13);
    ken_tune_set_free(s);
    d.n_idk = 0;
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "`idk_random` is the control of `idk`");
}

static void test_weights(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_run("w.ken", have, 3));
    d.weights = KEN_WEIGHTS_P;
    tiny_refuse(&tiny_model, &d, KEN_EINPUT, "row \"R0/train/15\": the row has no P_Correct");
    d.relations = LIST("R1");
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    double sum = 0;
    for (size_t i = 0; i < 8; i++) {
        sum += (double)ken_tune_set_row(s, i)->weight;
        if (i > 0) /* P = 1 / (place + 1), the relation's rows begin at place 16 */
            assert_true(fabs((double)ken_tune_set_row(s, i)->weight / (double)ken_tune_set_row(s, 0)->weight -
                             17.0 / (17.0 + (double)i)) < 1e-6);
    }
    assert_true(fabs(sum - 8) < 1e-5);
    ken_tune_set_free(s);
    d.weight_min = 1;
    s = tiny_set(&tiny_model, &d);
    assert_true(ken_tune_set_row(s, 0)->weight == 1 && ken_tune_set_row(s, 7)->weight == 1);
    ken_tune_set_free(s);
    d.weight_min = 0;
    d.weight_gamma = 2;
    s = tiny_set(&tiny_model, &d);
    assert_true(fabs((double)ken_tune_set_row(s, 1)->weight / (double)ken_tune_set_row(s, 0)->weight -
                     pow(17.0 / 18.0, 2)) < 1e-6);
    ken_tune_set_free(s);
    static const char *const idk[] = {"no"}; /* what is to decline counts by 1 - P */
    d.weight_gamma = 1;
    d.idk = idk;
    d.n_idk = 1;
    s = tiny_set(&tiny_model, &d);
    size_t unknown = 0;
    for (size_t i = 1; i < 8; i++) {
        const ken_tune_row *first = ken_tune_set_row(s, 0), *row = ken_tune_set_row(s, i);
        double p0 = 1.0 / 17.0, p = 1.0 / (17.0 + (double)i);
        assert_int_not_equal(first->category, KEN_UNKNOWN);
        if (row->category == KEN_UNKNOWN) p = 1 - p;
        unknown += row->category == KEN_UNKNOWN;
        assert_true(fabs((double)row->weight / (double)first->weight / (p / p0) - 1) < 1e-6);
    }
    assert_true(unknown > 0);
    ken_tune_set_free(s);
    d.n_idk = 0;
    d.weights = 3;
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "`weights` 3 is not one of its values");
    d = tiny_data(tiny_file("nolabel.jsonl", "{\"question\":\"a?\",\"answer\":\"1\"}"));
    d.weights = KEN_WEIGHTS_P;
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "no row has a P_Correct; give a run");
    d.weights = KEN_WEIGHTS_NONE;
    d.path = tiny_file("weighted.jsonl", "{\"question\":\"a?\",\"answer\":\"1\",\"weight\":3}");
    s = tiny_set(&tiny_model, &d);
    assert_true(ken_tune_set_row(s, 0)->weight == 1);
    ken_tune_set_free(s);
}

static void test_tail(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_run("t.ken", have, 3));
    d.categories = OF(KEN_UNKNOWN);
    d.known_tail = 0.5; /* of 13: 7 (away from zero), all from the Known rows that are not trained otherwise */
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    const ken_train_data_stats *st = ken_tune_set_stats(s);
    assert_int_equal(st->tail, 7);
    assert_int_equal(st->tail_repeated, 0);
    assert_int_equal(ken_tune_set_count(s), 20);
    const bool *tail = ken_tune_set_tail(s);
    assert_non_null(tail);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(tail[i], i >= 13);
        assert_int_equal(ken_tune_set_row(s, i)->category == KEN_UNKNOWN, i < 13);
        for (size_t j = 13; j < i; j++) assert_true(ken_tune_set_row(s, i)->ids != ken_tune_set_row(s, j)->ids);
    }
    ken_tune_set_free(s);
    d.known_tail_mixed = true;
    s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 20);
    assert_null(ken_tune_set_tail(s));
    ken_tune_set_free(s);
    d.known_tail_mixed = false;
    d.categories = 0; /* nothing is left over: rows of the set itself again */
    s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_stats(s)->tail, 16);
    assert_int_equal(ken_tune_set_stats(s)->tail_repeated, 16);
    assert_int_equal(ken_tune_set_stats(s)->duplicates, 0);
    ken_tune_set_free(s);
    d.known_tail = 1.5;
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "a share from 0 to 1");
}

/* Rows of a file that say so are its tail. */
static void test_marked_tail(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        bool tail;
    } says[] = {{"true", true},     {"false", false}, {"null", false},     {"\"true\"", true},
                {"\"True\"", true}, {"\"\"", false},  {"\"FALSE\"", false}};
    enum { N = sizeof says / sizeof *says, TAIL = 3 };
    char text[2048], line[160];
    size_t n = 0;
    for (int i = 0; i <= N; i++) { /* the last one has no such field */
        line[0] = '\0';
        if (i < N) snprintf(line, sizeof line, ",\"known_tail\":%s", says[i].says);
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "{\"question\":\"Q%d?\",\"answer\":\"A\",\"category\":\"%s\"%s}\n", i,
                              i % 2 ? "Unknown" : "HighlyKnown", line);
        assert_true(n < sizeof text);
    }
    ken_train_data d = tiny_data(tiny_file("marked.jsonl", text));
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    const bool *tail = ken_tune_set_tail(s);
    assert_int_equal(ken_tune_set_count(s), N + 1);
    assert_int_equal(ken_tune_set_stats(s)->tail, TAIL);
    assert_non_null(tail);
    static const char *const order[N + 1] = {"Q1?", "Q2?", "Q5?", "Q6?", "Q7?", "Q0?", "Q3?", "Q4?"};
    for (size_t i = 0; i <= N; i++) {
        assert_string_equal(ken_tune_set_row(s, i)->question, order[i]);
        assert_int_equal(tail[i], i > N - TAIL);
    }
    ken_tune_set_free(s);
    d.categories = OF(KEN_UNKNOWN); /* what is chosen of them keeps its place; only the rest says something else */
    static const char *const no[] = {"No"};
    d.idk = no;
    d.n_idk = 1;
    s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_stats(s)->tail, 1);
    assert_int_equal(ken_tune_set_stats(s)->relabelled, 3);
    assert_true(ken_tune_set_tail(s)[3]);
    assert_string_equal(ken_tune_set_row(s, 3)->question, "Q3?");
    ken_tune_set_free(s);
    d.categories = OF(KEN_HIGHLY_KNOWN);
    d.n_idk = 0;
    d.known_tail_mixed = true; /* the control */
    s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 4);
    assert_null(ken_tune_set_tail(s));
    ken_tune_set_free(s);
    d.known_tail = 0.5;
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "3 of its rows are a known tail already");
    const ken_mix mix[] = {{d.path, 1}}; /* beside other rows there is no last place */
    ken_train_data other = tiny_data(tiny_file("other.jsonl", "{\"question\":\"Q?\",\"answer\":\"A\"}\n"));
    other.mix = mix;
    other.n_mix = 1;
    s = tiny_set(&tiny_model, &other);
    assert_null(ken_tune_set_tail(s));
    assert_int_equal(ken_tune_set_stats(s)->mixed, N + 1);
    ken_tune_set_free(s);
    static const char *const bad[] = {"1", "\"yes\"", "[]", "{}", "\"true \""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(line, sizeof line, "{\"question\":\"Q?\",\"answer\":\"A\",\"known_tail\":%s}\n", bad[i]);
        d = tiny_data(tiny_file("bad-mark.jsonl", line));
        tiny_refuse(&tiny_model, &d, KEN_EINPUT, "known_tail");
    }
    d = tiny_data(tiny_file("marked.csv", "question,answer,known_tail\nA?,b,False\nB?,c,True\nC?,d,\n"));
    s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_stats(s)->tail, 1);
    assert_string_equal(ken_tune_set_row(s, 2)->question, "B?");
    ken_tune_set_free(s);
}

static void test_variant(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_run("v.ken", have, 3));
    d.variant = VARIANT(UNKNOWN_OF(50));
    d.set_rows = 10;
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 10);
    assert_int_equal(ken_tune_set_stats(s)->category[KEN_UNKNOWN], 5);
    ken_tune_set_free(s);
    d.set_rows = 31; /* 16 Unknown (half to even), there are 13 */
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "there are 18 Known and 13 Unknown: `set_rows` 26 is the most");
    d.set_rows = 27; /* 13.5 goes to the even 14 */
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "`set_rows` 26 is the most");
    d.set_rows = 26;
    s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_stats(s)->category[KEN_UNKNOWN], 13);
    ken_tune_set_free(s);
    d.variant = VARIANT(NO_VARIANT);
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "a size is that of a variant");
}

/* ---- mixtures, identity --------------------------------------------------------------------------------------------- */

static void test_mix(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(tiny_file("main.jsonl", "{\"question\":\"a?\",\"answer\":\"1\"}"));
    const ken_mix mix[] = {
        {tiny_file("chat.v1.jsonl",
                   "{\"prompt\":\"p\\n\",\"completion\":\"q\"}\n{\"prompt\":\"r\\n\",\"completion\":\"s\"}\n"),
         0.25},
        {tiny_file("more.jsonl", "{\"text\":\"t\",\"task\":\"prose\"}"), 1}};
    d.mix = mix;
    d.n_mix = 2;
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    int n;
    const ken_order_part *p = ken_tune_set_parts(s, &n);
    assert_int_equal(n, 3);
    assert_true(p[0].rows == 1 && p[1].rows == 2 && p[2].rows == 1);
    assert_true(p[0].weight == 1 && p[1].weight == 0.25 && p[2].weight == 1);
    assert_string_equal(ken_tune_set_row(s, 0)->task, "");
    assert_string_equal(ken_tune_set_row(s, 1)->task, "chat.v1");
    assert_string_equal(ken_tune_set_row(s, 3)->task, "prose");
    assert_int_equal(ken_tune_set_stats(s)->rows, 1);
    assert_int_equal(ken_tune_set_stats(s)->mixed, 3);
    ken_tune_set_free(s);
    const ken_mix bad = {mix[0].path, 0};
    d.mix = &bad;
    d.n_mix = 1;
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "its weight in the mixture is 0");
}

/* The hash stands for every field of every row. */
static void test_hash(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"question\":\"a?\",\"answer\":\"1\"}",
        "{\"question\":\"a?\",\"answer\":\"2\"}",
        "{\"question\":\"b?\",\"answer\":\"1\"}",
        "{\"question\":\"a?\",\"answers\":[\"1\",\"2\"]}",
        "{\"question\":\"a?\",\"answer\":\"1\",\"id\":\"x\"}",
        "{\"question\":\"a?\",\"answer\":\"1\",\"relation\":\"x\",\"id\":\"0\"}",
        "{\"question\":\"a?\",\"answer\":\"1\",\"task\":\"x\"}",
        "{\"question\":\"a?\",\"answer\":\"1\",\"category\":\"Unknown\"}",
        "{\"question\":\"a?\",\"answer\":\"1\",\"weight\":2}",
        "{\"question\":\"a?\",\"answer\":\"1\",\"popularity\":2}",
        "{\"question\":\"a?\",\"answer\":\"1\"}\n{\"question\":\"b?\",\"answer\":\"1\"}",
    };
    enum { N = sizeof rows / sizeof *rows };
    char hash[N][65];
    for (size_t i = 0; i < N; i++) {
        ken_train_data d = tiny_data(tiny_file("h.jsonl", rows[i]));
        ken_tune_set *s = tiny_set(&tiny_model, &d);
        assert_int_equal(strlen(ken_tune_set_hash(s)), 64);
        memcpy(hash[i], ken_tune_set_hash(s), 65);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(hash[i], hash[j]);
        ken_tune_set_free(s);
        s = tiny_set(&tiny_model, &d);
        assert_string_equal(ken_tune_set_hash(s), hash[i]);
        ken_tune_set_free(s);
    }
}

/* ---- what is refused ------------------------------------------------------------------------------------------------ */

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"prompt\":\"p\"}",
         "f.jsonl:2: field \"completion\" is missing (have: prompt)"},
        {"{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"prompt\":\"p\",\"completion\":3}",
         "f.jsonl:2: field \"completion\" is a number"},
        {"{\"prompt\":\"p\",\"completion\":\" \"}", "f.jsonl:1: field \"completion\" is empty"},
        {"{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"prompt\":", "f.jsonl:2: the row does not end on its line"},
        {"{\"prompt\":\"p\",\"completion\":\"\xff\"}", "f.jsonl:1: not valid JSON"},
        {"{\"messages\":[]}", "f.jsonl:1: field \"messages\" has 0 entries"},
        {"{\"messages\":{}}", "f.jsonl:1: field \"messages\" is an object; a list is expected"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "has no turn of the assistant after another one"},
        {"{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]}",
         "has no turn of the assistant after another one"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[\"x\"]}]}",
         "place 1: an object with the strings \"role\" and \"content\""},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", "unknown role \"tool\""},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"\"}]}",
         "the target is empty"},
        {"{\"segments\":[{\"label\":true,\"text\":\"x\"},{\"label\":false,\"text\":\"y\"}]}",
         "a segment without loss after one with loss"},
        {"{\"segments\":[{\"label\":true,\"text\":\"x\"}]}", "has no prompt (label false)"},
        {"{\"segments\":[{\"label\":false,\"text\":\"x\"}]}", "has no target (label true)"},
        {"{\"segments\":[{\"label\":1,\"text\":\"x\"}]}", "place 1: an object with \"label\""},
        {"{\"question\":\"q\",\"answer\":\"a\",\"weight\":-1}", "field \"weight\" is -1; 0 to 1e+06 is expected"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"weight\":\"heavy\"}",
         "field \"weight\" is \"heavy\"; a number is expected"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"p_t\":1.5}", "field \"p_t\" is 1.5; 0 to 1 is expected"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"weight\":1e999}",
         "field \"weight\" is \"1e999\"; a number is expected"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"id\":\"x\"}\n{\"question\":\"r\",\"answer\":\"a\",\"id\":\"x\"}",
         "f.jsonl:2: id \"x\" occurs twice"},
        {"{\"question\":\"q\",\"answer\":[]}", "field \"answer\" is an empty list"},
        {"{\"question\":\"q\",\"answer\":\"a\\u0000b\"}", "not valid JSON"},
        {"{\"other\":\"q\"}", "field \"question\" is missing (have: other)"},
        {"  ", "the file is empty"},
        {"[]", "the data set is empty"},
        {"{\"text\":\"x\"}\n7", "f.jsonl:2: the row is not an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_train_data d = tiny_data(tiny_file("f.jsonl", cases[i].text));
        tiny_refuse(&tiny_model, &d, KEN_EINPUT, cases[i].part);
    }
    ken_train_data d = tiny_data(tiny_path("missing.jsonl"));
    tiny_refuse(&tiny_model, &d, KEN_EINPUT, "missing.jsonl");
    d.path = "";
    tiny_refuse(&tiny_model, &d, KEN_EUSAGE, "empty");
}

static void test_skip_bad(void **state)
{
    (void)state;
    ken_train_data d =
        tiny_data(tiny_file("s.jsonl", "{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"prompt\":7}\nnonsense\n"
                                       "{\"prompt\":\"p\\n\",\"completion\":\"d\"}\n"));
    ken_data_options read = ken_data_defaults();
    read.skip_bad = true;
    d.read = &read;
    ken_tune_set *s = tiny_set(&tiny_model, &d);
    assert_int_equal(ken_tune_set_count(s), 2);
    assert_int_equal(ken_tune_set_stats(s)->bad, 2);
    assert_string_equal(ken_tune_set_row(s, 1)->id, "3"); /* places count bad rows */
    ken_tune_set_free(s);
    d.path = tiny_file("s.jsonl", "{\"prompt\":\"p\",\"completion\":\"\"}\n{\"prompt\":7}\n");
    tiny_refuse(&tiny_model, &d, KEN_EINPUT, "no row is usable; all 2 are malformed");
}

/* Truncated at every length, every byte flipped: refused or read, never worse. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"prompt\":\"p\\n\",\"completion\":\"c\",\"weight\":0.5,\"category\":\"Unknown\",\"p_t\":1e-3,\"id\":1}\n",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"p\\n\"},{\"role\":\"assistant\",\"content\":\"c\"}]}\n",
        "{\"segments\":[{\"label\":false,\"text\":\"<bos>p\\n\"},{\"label\":true,\"text\":\"c<eos>\"}]}\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        size_t n = strlen(rows[i]);
        for (size_t k = 0; k < 2 * n; k++) {
            memcpy(text, rows[i], n + 1);
            if (k < n) text[k] = '\0';
            else text[k - n] = (char)(text[k - n] ^ (1 << k % 8));
            ken_train_data d = tiny_data(tiny_file("hostile.jsonl", text));
            ken_err err = {0};
            ken_tune_set *s = NULL;
            int rc = ken_tune_set_open(&s, tiny_model.model, &d, &err);
            assert_true(rc == KEN_OK ? s != NULL : rc == KEN_EINPUT && err.msg[0] != '\0' && s == NULL);
            ken_tune_set_free(s);
        }
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    (void)tiny_run("oom.ken", have, 2);
    const ken_mix mix[] = {
        {tiny_file("oom-mix.jsonl", "{\"conversations\":[{\"from\":\"human\",\"value\":\"p\\n\"},{\"from\":\"gpt\","
                                    "\"value\":\"q\"}]}\n"),
         0.5}};
    ken_train_data runs = tiny_data(tiny_path("oom.ken")), rows = tiny_data(NULL);
    runs.variant = VARIANT(UNKNOWN_OF(50));
    runs.set_rows = 8;
    static const char *const no[] = {"No"};
    runs.idk = no;
    runs.n_idk = 1;
    runs.idk_random = true;
    runs.known_tail = 0.5;
    runs.mix = mix;
    runs.n_mix = 1;
    rows.path =
        tiny_file("oom.jsonl", "{\"question\":\"Question R0 0?\",\"answer\":\"Answer 0\",\"id\":\"R0/train/0\"}\n"
                               "{\"question\":\"Question R1 0?\",\"answer\":\"Answer 0\",\"id\":\"R1/train/0\","
                               "\"known_tail\":true}\n");
    rows.labels = tiny_path("oom.ken");
    rows.chat_template = true;
    rows.per_relation = 1;
    const ken_train_data *cases[] = {&runs, &rows};
    for (size_t i = 0; i < 2; i++)
        for (long n = 1;; n++) {
            ken_err err = {0};
            ken_tune_set *s = NULL;
            ken_alloc_fail_after(n);
            int rc = ken_tune_set_open(&s, tiny_model.model, cases[i], &err);
            ken_alloc_fail_after(0);
            if (rc == KEN_OK) {
                ken_tune_set_free(s);
                break;
            }
            if (rc != KEN_ENOMEM) fail_msg("allocation %ld: status %d, %s", n, rc, err.msg);
            assert_null(s);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats),
                                       cmocka_unit_test(test_text_rows),
                                       cmocka_unit_test(test_extra_keys),
                                       cmocka_unit_test(test_spelled_end),
                                       cmocka_unit_test(test_template),
                                       cmocka_unit_test(test_chat),
                                       cmocka_unit_test(test_same_prompt_as_eval),
                                       cmocka_unit_test(test_join),
                                       cmocka_unit_test(test_too_long),
                                       cmocka_unit_test(test_repeats),
                                       cmocka_unit_test(test_run),
                                       cmocka_unit_test(test_labels),
                                       cmocka_unit_test(test_splits),
                                       cmocka_unit_test(test_idk),
                                       cmocka_unit_test(test_weights),
                                       cmocka_unit_test(test_tail),
                                       cmocka_unit_test(test_marked_tail),
                                       cmocka_unit_test(test_variant),
                                       cmocka_unit_test(test_mix),
                                       cmocka_unit_test(test_hash),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_skip_bad),
                                       cmocka_unit_test(test_hostile),
                                       cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, tiny_set_up, tiny_tear_down);
}
