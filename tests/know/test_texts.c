/* test_texts.c - sampling through the text seam: an engine that is given a prompt and gives texts. Judged, counted and labelled as the tree
 * sampler's; what only logits show is missing; what fails is forgotten. */
#include "base/alloc.h"
#include "know/task.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PROMPTS = 2, SAMPLES = 4, ROWS = 5 };

static ken_tokenizer *tokenizer(void) /* one that knows the letters of the answer */
{
    static const char letters[] = "PRaeimors.?";
    ken_str p[16] = {{"\u0120", 2}};
    uint8_t types[16] = {KEN_TT_NORMAL};
    int n = 1;
    for (; letters[n - 1] != '\0'; n++) {
        p[n] = (ken_str){&letters[n - 1], 1};
        types[n] = KEN_TT_NORMAL;
    }
    const ken_tok_spec s = {.kind = KEN_TOK_BPE,
                            .pre = KEN_PRE_GPT2,
                            .n_vocab = n,
                            .pieces = p,
                            .types = types,
                            .bos = -1,
                            .eos = -1,
                            .unk = -1};
    ken_tokenizer *t;
    assert_int_equal(ken_tokenizer_new(&t, &s, NULL), KEN_OK);
    return t;
}

/* Answers from a script by row and prompt; notes what it was asked. */
typedef struct script {
    ken_texter t;
    int calls, requests, most, fail_at;
    uint64_t seeds[64];
    int n_seeds;
} script;

static const char *greedy_of(const char *prompt) { return strstr(prompt, "odd") != NULL ? " Rome" : " Paris"; }

static int answer(ken_texter *t, ken_texts *list, ken_err *err)
{
    static const char *const samples[SAMPLES] = {" Paris", " Rome", " Paris.", " Rome"};
    script *s = (script *)t;
    int n = 0;
    if (++s->calls == s->fail_at) return ken_fail(err, KEN_EFAIL, "the server is gone");
    for (ken_texts *r = list; r != NULL; r = r->next) {
        s->requests++;
        n += r->n;
        assert_string_equal(r->stop, "\n");
        assert_int_equal(r->max_new, 8);
        assert_true((r->temperature == 0) == (r->n == 1));
        if (r->n > 1) s->seeds[s->n_seeds++ % 64] = r->seed;
        for (int i = 0; i < r->n; i++) {
            r->text[i] = ken_strdup(r->n == 1 ? greedy_of(r->prompt) : samples[i]);
            r->cut[i] = r->n == 1 && strstr(r->prompt, "cut") != NULL;
            if (r->text[i] == NULL) return ken_fail_nomem(err, "text");
        }
    }
    if (n > s->most) s->most = n;
    return KEN_OK;
}

static const ken_texter_kind kind = {"the script", 12, answer};

typedef struct fixture {
    ken_tokenizer *tokenizer;
    ken_setup setup;
    ken_example x[ROWS];
    script s;
    ken_task_context context;
    ken_row row[ROWS];
    ken_prompt_row prompt[ROWS][PROMPTS];
    int done;
} fixture;

static int start(void *ctx, size_t i, ken_question **q, ken_err *err)
{
    fixture *f = ctx;
    return ken_task_new(q, &f->context, &f->x[i], i, err);
}

static int result(void *ctx, size_t i, ken_question *q, ken_err *err)
{
    fixture *f = ctx;
    int rc = ken_task_row(q, &f->x[i], &f->row[i], err);
    if (rc == KEN_OK) {
        memcpy(f->prompt[i], f->row[i].prompt_rows, sizeof f->prompt[i]);
        assert_int_equal(f->row[i].prompt_rows[0].n_drawn, 3);
        assert_int_equal(f->row[i].prompt_rows[0].drawn[0].count, 2); /* most frequent first */
        assert_string_equal(f->row[i].prompt_rows[0].drawn[0].text, " Rome");
        assert_string_equal(f->row[i].prompt_rows[0].drawn[1].text, " Paris");
        assert_string_equal(f->row[i].prompt_rows[0].finish, i == 4 ? "length" : "newline");
    }
    f->done++;
    ken_question_free(q);
    return rc;
}

static void make(fixture *f, const ken_method *method)
{
    static const char *const gold[] = {"Paris"};
    static const char *const question[ROWS] = {"a?", "odd?", "b?", "odd too?", "cut?"}, *const id[ROWS] = {
                                                                                            "a", "b", "c", "d", "e"};
    *f = (fixture){.tokenizer = tokenizer(), .s = {.t = {&kind, NULL, NULL, 0}}};
    f->setup = (ken_setup){.rules = {.tokenizer = f->tokenizer,
                                     .top_k = 40,
                                     .temperature = 0.5,
                                     .max_new = 8,
                                     .stop = "\n",
                                     .n_stop = 1,
                                     .prompts = PROMPTS,
                                     .samples = SAMPLES,
                                     .texts = true,
                                     .seed = 7},
                           .style = {.template_text = "Q: {question}\nA:", .after = "\n"},
                           .method = method};
    assert_int_equal(ken_gold_rules_new(&f->setup.golds, NULL, "\n", NULL, 0, NULL), KEN_OK);
    for (int i = 0; i < ROWS; i++)
        f->x[i] = (ken_example){.id = id[i],
                                .relation = "",
                                .split = "",
                                .question = question[i],
                                .answers = gold,
                                .n_answers = 1,
                                .popularity = NAN,
                                .choice = -1};
    f->context = (ken_task_context){.texter = &f->s.t, .setup = &f->setup};
}

static int ask(fixture *f, ken_err *err)
{
    const ken_asking a = {.texter = &f->s.t, .n = ROWS, .start = start, .result = result, .ctx = f};
    return ken_ask_all(&a, err);
}

static void destroy(fixture *f)
{
    ken_settings_free(&f->setup);
    ken_tokenizer_free(f->tokenizer);
}

static void test_rows(void **state)
{
    (void)state;
    fixture f;
    ken_err err;
    make(&f, &ken_method_sample);
    assert_int_equal(ask(&f, &err), KEN_OK);
    assert_int_equal(f.done, ROWS);
    assert_int_equal(f.s.requests, ROWS * PROMPTS * 2);
    assert_true(f.s.most <= 12); /* as many texts as it takes at once */
    assert_true(f.s.calls >= ROWS * PROMPTS * (1 + SAMPLES) / 12);
    for (int i = 0; i < ROWS; i++) {
        const ken_row *r = &f.row[i];
        bool odd = i == 1 || i == 3;
        assert_string_equal(r->method, "sample");
        assert_int_equal(r->category, odd ? KEN_WEAKLY_KNOWN : KEN_HIGHLY_KNOWN);
        assert_int_equal(r->greedy_hits, odd ? 0 : PROMPTS);
        assert_int_equal(r->sample_hits, 2 * PROMPTS); /* " Paris" and " Paris.", which em-squad takes */
        assert_int_equal(r->samples, SAMPLES * PROMPTS);
        assert_true(r->p_t == 0.5);
        for (int k = 0; k < PROMPTS; k++) {
            assert_true(f.prompt[i][k].p_lo == 0.5 && f.prompt[i][k].raw_lo == 0.25); /* em-raw takes no full stop */
            assert_true(isnan(f.prompt[i][k].margin) && isnan(f.prompt[i][k].text_p));
            assert_int_equal(f.prompt[i][k].n_other, 0);
        }
    }
    for (int i = 0; i < f.s.n_seeds; i++) /* each request has a seed of its own, whatever the order */
        for (int k = 0; k < i; k++) assert_true(f.s.seeds[i] != f.s.seeds[k]);
    destroy(&f);
}

static void test_refused(void **state)
{
    (void)state;
    fixture f;
    ken_err err;
    make(&f, &ken_method_exact);
    assert_int_equal(ask(&f, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "the script gives texts and no probabilities; add `method` sample"));
    destroy(&f);
}

static void test_failure(void **state)
{
    (void)state;
    fixture f;
    ken_err err;
    make(&f, &ken_method_sample);
    f.s.fail_at = 2;
    assert_int_equal(ask(&f, &err), KEN_EFAIL);
    assert_string_equal(err.msg, "the server is gone");
    assert_null(f.s.t.head); /* nothing of the questions that are gone is left in the queue */
    assert_int_equal(f.s.t.backlog, 0);
    destroy(&f);
    int rc = KEN_ENOMEM;
    for (long n = 1; rc == KEN_ENOMEM && n < 3000; n++) {
        make(&f, &ken_method_sample);
        ken_alloc_fail_after(n);
        rc = ask(&f, NULL);
        ken_alloc_fail_after(0);
        if (rc != KEN_OK) assert_int_equal(rc, KEN_ENOMEM);
        destroy(&f);
    }
    assert_int_equal(rc, KEN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_failure)};
    return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
