/* test_prompt.c - prompts as text and as tokens: the published form, other templates, conversations, stop strings. */
#include "base/alloc.h"
#include "know/prompt.h"
#include "know/rules.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A byte-level vocabulary of single bytes (printable ones as they are), a few control tokens behind. */
static const char *const controls[] = {"<bos>", "<eos>", "<|im_start|>", "<|im_end|>"};
enum { BOS = 256, EOS, IM_START, IM_END, N = 260 };

static ken_tokenizer *tokenizer_of(const char *const *names, bool chat)
{
    static char spelled[256][3];
    ken_str p[N];
    uint8_t types[N];
    int extra = 0;
    for (int b = 0; b < 256;
         b++) { /* GPT-2's alphabet: bytes that print stand for themselves, the others follow from U+0100 */
        int cp = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : 256 + extra++;
        if (cp < 128) spelled[b][0] = (char)cp;
        else {
            spelled[b][0] = (char)(0xC0 | cp >> 6);
            spelled[b][1] = (char)(0x80 | (cp & 63));
        }
        p[b] = (ken_str){spelled[b], strlen(spelled[b])};
        types[b] = KEN_TT_NORMAL;
    }
    for (int i = 0; i < 4; i++) {
        p[256 + i] = (ken_str){names[i], strlen(names[i])};
        types[256 + i] = KEN_TT_CONTROL;
    }
    ken_tok_spec s = {.kind = KEN_TOK_BPE,
                      .pre = KEN_PRE_GPT2,
                      .n_vocab = chat ? N : 258,
                      .pieces = p,
                      .types = types,
                      .bos = BOS,
                      .eos = EOS,
                      .unk = -1,
                      .add_bos = true,
                      .add_eos = true};
    ken_tokenizer *t;
    ken_err err;
    if (ken_tokenizer_new(&t, &s, &err) != KEN_OK) fail_msg("%s", err.msg);
    return t;
}

static ken_tokenizer *tokenizer(bool chat) { return tokenizer_of(controls, chat); }

static const char *const film[] = {"film director"}, *const actor[] = {"actor"};
static const ken_example shot1 = {
    .question = "What kind of work does Nicolas Roeg do?", .relation = "P106", .answers = film, .n_answers = 1};
static const ken_example shot2 = {
    .question = "What kind of work does Crystal do?", .relation = "P106", .answers = actor, .n_answers = 1};
static const ken_example asked = {
    .question = "Who is <|im_end|>?", .relation = "P106", .subject = "Ron", .answers = actor, .n_answers = 1};
static const ken_example *const shots[] = {&shot1, &shot2};

static void check_text(ken_prompt_style s, int n, const ken_example *x, const char *want)
{
    ken_buf b = {0};
    ken_prompt_text(&s, shots, n, x, &b);
    assert_string_equal(ken_buf_str(&b), want);
    ken_buf_free(&b);
}

static void test_text(void **state)
{
    (void)state;
    ken_prompt_style s = {.template_text = KEN_DEFAULT_TEMPLATE, .after = "\n"};
    check_text(s, 2, &asked,
               "Q: What kind of work does Nicolas Roeg do?\nA: film director\nQ: What kind of work does Crystal "
               "do?\nA: actor\nQ: Who is "
               "<|im_end|>?\nA:");
    check_text(s, 0, &asked, "Q: Who is <|im_end|>?\nA:");
    check_text(s, 1, NULL, "Q: What kind of work does Nicolas Roeg do?\nA: film director\n");
    s.template_text = "[{relation}/{subject}] {question} {x ->\n";
    s.after = " ##";
    check_text(
        s, 1, &asked,
        "[P106/] What kind of work does Nicolas Roeg do? {x ->\nfilm director ##[P106/Ron] Who is <|im_end|>? {x ->\n");
    s.chat = KEN_CHAT_CHATML;
    check_text(s, 1, &asked,
               "<|im_start|>user\nWhat kind of work does Nicolas Roeg do?<|im_end|>\n<|im_start|>assistant\nfilm "
               "director<|im_end|>\n"
               "<|im_start|>user\nWho is <|im_end|>?<|im_end|>\n<|im_start|>assistant\n");
}

static void test_templates_are_checked(void **state)
{
    (void)state;
    ken_err err;
    assert_int_equal(ken_prompt_check_template("Q: {question}\nA:", NULL, &err), KEN_OK);
    assert_int_equal(ken_prompt_check_template("{ {} {question}{", NULL, &err),
                     KEN_OK); /* braces of other kinds are text */
    assert_int_equal(ken_prompt_check_template("Q:", NULL, &err), KEN_EUSAGE);
    assert_int_equal(ken_prompt_check_template("{question} {answer}", NULL, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "{answer}"));
    ken_tokenizer *chat = tokenizer(true), *plain = tokenizer(false);
    const char *control = "<|im_start|>user\n{question}<|im_end|>\n";
    assert_int_equal(ken_prompt_check_template(control, chat, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "<|im_start|>"));
    assert_int_equal(ken_prompt_check_template(control, plain, &err), KEN_OK); /* there it is text like any other */
    ken_prompt_style s;
    assert_int_equal(ken_zero_shot_style(&s, control, false, chat, &err), KEN_EUSAGE);
    ken_tokenizer_free(chat);
    ken_tokenizer_free(plain);
}

static void test_ids(void **state)
{
    (void)state;
    ken_tokenizer *t = tokenizer(true), *plain = tokenizer(false);
    ken_prompt_style s = {.template_text = KEN_DEFAULT_TEMPLATE, .after = "\n"};
    int32_t *ids = NULL;
    size_t n = 0, cap = 0;
    ken_err err;
    assert_int_equal(ken_prompt_encode(&s, t, shots, 2, &asked, &ids, &n, &cap, &err), KEN_OK);
    assert_int_equal(ids[0], BOS);                            /* as the file says */
    assert_int_equal(ids[n - 1], ':');                        /* and no EOS, though the file adds one to whole texts */
    for (size_t i = 1; i < n; i++) assert_true(ids[i] < 256); /* a question that spells a control token stays text */

    ken_chat chat;
    assert_int_equal(ken_chat_detect(&chat, plain, &err), KEN_EINPUT);
    assert_int_equal(ken_chat_detect(&s.chat, t, &err), KEN_OK);
    assert_int_equal(s.chat, KEN_CHAT_CHATML);
    assert_int_equal(ken_prompt_encode(&s, t, shots, 1, &asked, &ids, &n, &cap, &err), KEN_OK);
    int starts = 0, ends = 0;
    for (size_t i = 0; i < n; i++) {
        starts += ids[i] == IM_START;
        ends += ids[i] == IM_END;
    }
    assert_int_equal(starts, 4);
    assert_int_equal(ends, 3); /* not the one in the question */
    ken_free(ids);
    ken_tokenizer_free(t);
    ken_tokenizer_free(plain);
}

/* Ids as text, control tokens as they are spelled. */
static const char *spelled(const ken_tokenizer *t, const int32_t *ids, size_t n)
{
    static char out[2048];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        ken_str s = ids[i] >= 256 ? ken_tokenizer_piece(t, ids[i]) : ken_tokenizer_bytes(t, ids[i]);
        assert_true(len + s.n < sizeof out);
        memcpy(out + len, s.p, s.n);
        len += s.n;
    }
    out[len] = '\0';
    return out;
}

static void test_conversations(void **state)
{
    (void)state;
    static const char *const chatml[] = {"<bos>", "<eos>", "<|im_start|>", "<|im_end|>"};
    static const char *const inst[] = {"<s>", "</s>", "[INST]", "[/INST]"};
    static const ken_turn turns[] = {{KEN_ROLE_SYSTEM, "Be brief. "},
                                     {KEN_ROLE_USER, "Hi\n"},
                                     {KEN_ROLE_ASSISTANT, "Yes?"},
                                     {KEN_ROLE_USER, "Who\1?\n\n"}};
    static const struct {
        const char *const *names;
        int from, n;
        const char *prompt, *target; /* NULL = refused */
    } cases[] = {{chatml, 0, 4,
                  "<bos><|im_start|>system\nBe "
                  "brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n"
                  "<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\n",
                  "She<|im_end|>"},
                 {chatml, 3, 1, "<bos><|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\n", "She<|im_end|>"},
                 {inst, 0, 4, "<s>[INST] Be brief.\n\nHi [/INST]Yes?</s>[INST] Who? [/INST]", "She</s>"},
                 {inst, 3, 1, "<s>[INST] Who? [/INST]", "She</s>"},
                 {inst, 0, 1, NULL, NULL},   /* no question */
                 {inst, 2, 1, NULL, NULL},   /* an answer is no question */
                 {chatml, 1, 2, NULL, NULL}, /* nor here */
                 {chatml, 0, 0, NULL, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_tokenizer *t = tokenizer_of(cases[i].names, true);
        ken_prompt_style s;
        int32_t *ids = NULL;
        size_t n = 0, cap = 0, n_prompt = 0;
        ken_err err;
        assert_int_equal(ken_zero_shot_style(&s, NULL, true, t, &err), KEN_OK);
        int rc = ken_prompt_join(&s, t, turns + cases[i].from, cases[i].n, "She", &ids, &n, &cap, &n_prompt, &err);
        assert_int_equal(rc, cases[i].prompt != NULL ? KEN_OK : KEN_EINPUT);
        if (rc == KEN_OK) {
            assert_string_equal(spelled(t, ids, n_prompt), cases[i].prompt);
            assert_string_equal(spelled(t, ids + n_prompt, n - n_prompt), cases[i].target);
        }
        ken_free(ids);
        ken_tokenizer_free(t);
    }
}

static void test_zero_shot(void **state)
{
    (void)state;
    ken_tokenizer *t = tokenizer(false); /* it adds an EOS to whole texts: there must be one, at the end */
    ken_prompt_style s;
    int32_t *ids = NULL, *alone = NULL;
    size_t n = 0, cap = 0, n_prompt = 0, n_alone = 0, cap_alone = 0;
    ken_err err;
    assert_int_equal(ken_zero_shot_style(&s, NULL, false, t, &err), KEN_OK);
    ken_buf text = {0};
    ken_zero_shot_text(&s, &asked, &text);
    assert_string_equal(ken_buf_str(&text), "Answer the following question.\nWho is <|im_end|>?\n");
    ken_turn turn = {KEN_ROLE_USER, ken_buf_str(&text)};
    assert_int_equal(ken_prompt_join(&s, t, &turn, 1, "She", &ids, &n, &cap, &n_prompt, &err), KEN_OK);
    assert_string_equal(spelled(t, ids, n), "<bos>Answer the following question.\nWho is <|im_end|>?\nShe<eos>");
    assert_int_equal(n - n_prompt, 4);
    assert_int_equal(ken_zero_shot_encode(&s, t, &asked, &alone, &n_alone, &cap_alone, &err), KEN_OK);
    assert_int_equal(n_alone, n_prompt);
    assert_memory_equal(alone, ids, n_alone * sizeof *ids);
    ken_turn two[] = {turn, turn};
    assert_int_equal(ken_prompt_join(&s, t, two, 2, "She", &ids, &n, &cap, &n_prompt, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "`chat_template`"));
    assert_int_equal(ken_zero_shot_style(&s, "none", false, t, &err), KEN_EUSAGE);
    assert_int_equal(ken_zero_shot_style(&s, NULL, true, t, &err), KEN_EINPUT); /* no conversation format */
    ken_buf_free(&text);
    ken_free(ids);
    ken_free(alone);
    ken_tokenizer_free(t);
}

static void test_question(void **state)
{
    (void)state;
    static const struct {
        const char *template_text, *text, *question;
    } cases[] = {{KEN_ZERO_SHOT_TEMPLATE, "Answer the following question.\nWho?\n", "Who?"},
                 {KEN_ZERO_SHOT_TEMPLATE, "Answer the following question.\nWho?", "Who?"},
                 {KEN_ZERO_SHOT_TEMPLATE, "Answer the following question.\nTwo\nlines?\n", "Two\nlines?"},
                 {KEN_ZERO_SHOT_TEMPLATE, "Answer the following question.\n\n", NULL},
                 {KEN_ZERO_SHOT_TEMPLATE, "Answer this question.\nWho?\n", NULL},
                 {KEN_ZERO_SHOT_TEMPLATE, "", NULL},
                 {"Q: {question}\nA:", "Q: Who?\nA:", "Who?"},
                 {"Q: {question}\nA:", "Q: Who?\nB:", NULL},
                 {"Q: {question}\nA:", "Q: A:", NULL},
                 {"{question}", "Who?", "Who?"},
                 {"{question} {question}", "Who? Who?", NULL},
                 {"{relation} {question}", "a Who?", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_prompt_style s = {.template_text = cases[i].template_text};
        size_t n = 99;
        const char *q = ken_zero_shot_question(&s, cases[i].text, &n);
        if (cases[i].question == NULL) {
            assert_null(q);
            continue;
        }
        assert_int_equal(n, strlen(cases[i].question));
        assert_memory_equal(q, cases[i].question, n);
    }
}

static void test_stop_strings(void **state)
{
    (void)state;
    ken_tokenizer *t = tokenizer(true);
    ken_rules r = {.tokenizer = t, .stop = "\n", .n_stop = 1};
    ken_str piece;
    size_t len;
    assert_int_equal(ken_rules_step(&r, "Par", 3, 'i', &piece, &len), KEN_RUNNING);
    assert_int_equal(len, 4);
    assert_int_equal(ken_rules_step(&r, "Par", 3, '\n', &piece, &len), KEN_FINISH_STOP);
    assert_int_equal(len, 3);
    assert_int_equal(ken_rules_step(&r, "", 0, '\n', &piece, &len), KEN_FINISH_STOP); /* an empty answer */
    assert_int_equal(len, 0);
    assert_int_equal(ken_rules_step(&r, "Par", 3, EOS, &piece, &len), KEN_FINISH_EOS);
    assert_int_equal(ken_rules_step(&r, "Par", 3, IM_START, &piece, &len), KEN_RUNNING); /* class O, with empty text */
    assert_int_equal(len, 3);
    r.stop = "##";
    r.n_stop = 2;
    assert_int_equal(ken_rules_step(&r, "Par#", 4, '#', &piece, &len), KEN_FINISH_STOP); /* it spans two tokens */
    assert_int_equal(len, 3);
    assert_int_equal(ken_rules_step(&r, "Par#", 4, 'x', &piece, &len), KEN_RUNNING);
    assert_string_equal(ken_finish_name(&r, KEN_FINISH_STOP), "stop");
    ken_tokenizer_free(t);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    ken_tokenizer *t = tokenizer(true);
    ken_prompt_style s = {.template_text = KEN_DEFAULT_TEMPLATE, .after = "\n", .chat = KEN_CHAT_CHATML};
    for (long i = 1; i < 200; i++) {
        int32_t *ids = NULL;
        size_t n = 0, cap = 0;
        ken_err err;
        ken_alloc_fail_after(i);
        int rc = ken_prompt_encode(&s, t, shots, 2, &asked, &ids, &n, &cap, &err);
        ken_alloc_fail_after(0);
        ken_free(ids);
        assert_true(rc == KEN_OK || rc == KEN_ENOMEM);
        if (rc == KEN_OK) {
            ken_tokenizer_free(t);
            return;
        }
    }
    fail_msg("never succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),         cmocka_unit_test(test_templates_are_checked),
        cmocka_unit_test(test_ids),          cmocka_unit_test(test_conversations),
        cmocka_unit_test(test_zero_shot),    cmocka_unit_test(test_question),
        cmocka_unit_test(test_stop_strings), cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests_name("prompt", tests, NULL, NULL);
}
