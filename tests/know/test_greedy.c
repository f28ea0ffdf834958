/* test_greedy.c - greedy answers on networks small enough to follow by hand, against a loop that knows nothing of waves. */
#include "base/alloc.h"
#include "base/rng.h"
#include "fake_net.h"
#include "know/greedy.h"
#include "text/accept.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Byte-level spelling: newline is U+010A, space U+0120. Token 9 is half of a character, 10 a control token without bytes. */
static const char *const pieces[] = {"\u010a", "a",          "b",      "\u0120a", "\u0120b", "ab", ".",
                                     "dont",   "\u0120know", "\u00c3", "<x>",     "</s>",    "I"};
static const char *const bytes_of[] = {"\n", "a", "b", " a", " b", "ab", ".", "dont", " know", "\xc3", "", "", "I"};
enum { V = 13, EOS = 11, CONTROL = 10, N = 60, MAX = 6 };

static ken_tokenizer *the_tokenizer(void)
{
    ken_str p[V];
    uint8_t types[V];
    for (int i = 0; i < V; i++) {
        p[i] = (ken_str){pieces[i], strlen(pieces[i])};
        types[i] = i == EOS || i == CONTROL ? KEN_TT_CONTROL : KEN_TT_NORMAL;
    }
    ken_tok_spec s = {.kind = KEN_TOK_BPE,
                      .pre = KEN_PRE_GPT2,
                      .n_vocab = V,
                      .pieces = p,
                      .types = types,
                      .bos = -1,
                      .eos = EOS,
                      .unk = -1};
    ken_tokenizer *t;
    ken_err err;
    if (ken_tokenizer_new(&t, &s, &err) != KEN_OK) fail_msg("%s", err.msg);
    return t;
}

static uint64_t net_seed;

/* Coarse values, so that ties are common: the lower id must win. */
static void coarse_logits(const int32_t *path, int32_t n, float *logits)
{
    for (int v = 0; v < V; v++)
        logits[v] =
            (float)(int)(4.0 * ken_uniform(net_seed, (const char *)path, (size_t)n * sizeof *path, (uint32_t)v, 0, 0));
}

typedef struct expected {
    char text[128];
    const char *finish;
    bool hit, raw, idk;
    int n_new; /* with `complete` */
} expected;

/* The definition: one question at a time, the whole path each step. */
static void follow(const int32_t *prompt, int n, const char *stop, const ken_accept *a, const ken_accept *raw,
                   const ken_accept *idk, expected *e)
{
    int32_t path[32];
    memcpy(path, prompt, (size_t)n * sizeof *path);
    *e = (expected){.finish = NULL};
    for (int d = 0; e->finish == NULL; d++) {
        float l[V];
        coarse_logits(path, n + d, l);
        int best = 0;
        for (int v = 1; v < V; v++)
            if (l[v] > l[best]) best = v;
        e->n_new = d;
        if (best == EOS) {
            e->finish = "eos";
            break;
        }
        strcat(e->text, bytes_of[best]);
        char *at = strstr(e->text, stop);
        if (at != NULL) {
            *at = '\0';
            e->finish = stop[0] == '\n' ? "newline" : "stop";
        } else if (d + 1 == MAX) e->finish = "length";
        path[n + d] = best;
    }
    size_t len = strlen(e->text);
    e->hit = ken_accept_matches(a, e->text, len);
    e->raw = ken_accept_matches(raw, e->text, len);
    e->idk = ken_accept_matches(idk, e->text, len);
}

static ken_accept *accept_for(const char *name, const char *const *golds, int n)
{
    ken_matcher m;
    ken_accept *a = NULL;
    ken_err err;
    if (ken_matcher_parse(&m, name, &err) != KEN_OK || ken_accept_new(&a, &m, golds, n, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    return a;
}

static int32_t prompts[N][4];
static ken_greedy_item items[N];
static const char *const golds[][2] = {{"a", "b"}, {"ab", "a b"}, {"the b", "I"}, {"a.", "bb"}};
static const char *const idk[] = {"don't know", "b a"};

static void make_items(void)
{
    for (int i = 0; i < N; i++) {
        int32_t p[] = {1, i % 3, i % 7, i};
        p[3] %= V;
        memcpy(prompts[i], p, sizeof p);
        items[i] =
            (ken_greedy_item){.prompt = prompts[i], .n_prompt = 3 + i % 2, .answers = golds[i % 4], .n_answers = 2};
    }
}

static uint64_t seen; /* answers that the watch had counted when it was last looked at */
static int look(void *ctx)
{
    const ken_watch *w = ctx;
    assert_true(w->now.done >= seen);
    seen = w->now.done;
    if (seen > 0) assert_int_equal(w->now.total, N + 5);
    return 0;
}

static void check_all(const char *matcher, const char *stop, bool complete, int32_t wave, int32_t slots, int *hits,
                      int *abstained, int *stopped_early)
{
    ken_tokenizer *t = the_tokenizer();
    ken_watch watch = {.poll = look};
    ken_gold_rules rules;
    watch.ctx = &watch;
    assert_int_equal(ken_gold_rules_new(&rules, matcher, stop != NULL ? stop : "\n", idk, 2, NULL), KEN_OK);
    ken_greedy_options o = {.golds = &rules,
                            .max_new = MAX,
                            .complete = complete,
                            .wave_positions = wave,
                            .slots = slots,
                            .watch = &watch,
                            .done_before = 3,
                            .total = N + 5};
    ken_greedy_answer out[N];
    ken_err err;
    uint64_t forwards = 7;
    long before = fake_rows;
    seen = 0;
    if (ken_greedy(fake_net(), t, items, N, &o, out, &forwards, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(forwards - 7, fake_rows - before);
    assert_int_equal(seen, 3 + N);
    assert_int_equal(watch.now.done, 3 + N);
    ken_accept *no = accept_for("em-squad", idk, 2);
    bool texts = complete || matcher[0] != 'e';
    for (int i = 0; i < N; i++) {
        ken_accept *a = accept_for(matcher, items[i].answers, 2), *raw = accept_for("em-raw", items[i].answers, 2);
        expected e;
        follow(items[i].prompt, items[i].n_prompt, stop == NULL ? "\n" : stop, a, raw, no, &e);
        assert_int_equal(out[i].hit, e.hit);
        assert_int_equal(out[i].hit_raw, e.raw);
        assert_int_equal(out[i].abstained, e.idk);
        assert_false(out[i].too_long);
        if (texts || e.hit || e.idk) assert_non_null(out[i].text);
        if (out[i].text != NULL) {
            assert_string_equal(out[i].finish, e.finish);
            assert_int_equal(out[i].n_new, e.n_new);
            if (strchr(e.text, '\xc3') == NULL) assert_string_equal(out[i].text, e.text);
            else assert_non_null(strstr(out[i].text, "\xEF\xBF\xBD")); /* valid UTF-8 whatever the tokens were */
        } else {
            assert_string_equal(out[i].finish, "");
            assert_true(out[i].n_new <= e.n_new);
            ++*stopped_early;
        }
        *hits += e.hit;
        *abstained += e.idk;
        ken_accept_free(a);
        ken_accept_free(raw);
    }
    ken_accept_free(no);
    ken_greedy_free(out, N);
    ken_greedy_free(out, N); /* twice is fine */
    ken_gold_rules_free(&rules);
    ken_tokenizer_free(t);
}

static void test_against_the_definition(void **state)
{
    (void)state;
    fake_net_set(V, 64, coarse_logits);
    make_items();
    static const char *const matchers[] = {"em-squad", "em-raw", "contains", "f1@0.5"};
    int hits = 0, abstained = 0, early = 0;
    for (net_seed = 1; net_seed <= 6; net_seed++)
        for (size_t m = 0; m < 4; m++)
            for (int complete = 0; complete < 2; complete++) {
                check_all(matchers[m], NULL, complete, 0, 0, &hits, &abstained, &early);
                check_all(matchers[m], "b.", complete, 0, 0, &hits, &abstained,
                          &early); /* a stop string of two bytes */
            }
    assert_true(hits > 50 && abstained > 5 && early > 50); /* the cases above say something */
}

static void test_same_whatever_the_wave(void **state)
{
    (void)state;
    fake_net_set(V, 64, coarse_logits);
    make_items();
    net_seed = 3;
    int first[3] = {0};
    for (int32_t wave = 1; wave < 200; wave = wave * 3 + 1) {
        int now[3] = {0};
        check_all("em-squad", NULL, false, wave, 256, &now[0], &now[1], &now[2]);
        if (wave == 1) memcpy(first, now, sizeof now);
        assert_memory_equal(first, now, sizeof now);
    }
}

/* A question that ends with the answer, and one whose first token rules everything out. */
static void script_logits(const int32_t *path, int32_t n, float *logits)
{
    for (int v = 0; v < V; v++) logits[v] = 0;
    int next = EOS;
    if (path[0] == 1) next = n == 1 ? 7 : n == 2 ? 8 : 0; /* "dont know\n" */
    else if (path[0] == 2) next = 2;                      /* "bbbbbb..." */
    else if (path[0] == 3) next = n == 1 ? 3 : EOS;       /* " a" and the end */
    else if (path[0] == 4) next = n == 1 ? CONTROL : EOS; /* no bytes at all */
    logits[next] = 1;
}

static void test_endings(void **state)
{
    (void)state;
    fake_net_set(V, 64, script_logits);
    ken_tokenizer *t = the_tokenizer();
    static const int32_t p[] = {1, 2, 3, 4};
    static const char *const gold[] = {"a"};
    ken_greedy_item x[5];
    for (int i = 0; i < 4; i++)
        x[i] = (ken_greedy_item){.prompt = &p[i], .n_prompt = 1, .answers = gold, .n_answers = 1};
    int32_t long_prompt[40] = {0};
    x[4] = (ken_greedy_item){.prompt = long_prompt, .n_prompt = 40, .answers = gold, .n_answers = 1};
    ken_greedy_answer a[5];
    ken_err err;
    ken_gold_rules rules;
    assert_int_equal(ken_gold_rules_new(&rules, NULL, "\n", idk, 1, &err), KEN_OK);
    ken_greedy_options o = {.golds = &rules};
    uint64_t forwards = 0;
    assert_int_equal(ken_greedy(fake_net(), t, x, 5, &o, a, &forwards, &err), KEN_OK);
    assert_true(a[0].abstained && !a[0].hit);
    assert_string_equal(a[0].text, "dont know");
    assert_string_equal(a[0].finish, "newline");
    assert_int_equal(a[0].n_new, 2);
    assert_null(a[1].text);
    assert_int_equal(a[1].n_new, 0);
    assert_true(a[2].hit && !a[2].abstained);
    assert_true(a[2].hit_raw); /* em-raw trims */
    assert_string_equal(a[2].finish, "eos");
    assert_string_equal(a[3].text, "");
    assert_false(a[3].hit);
    assert_true(a[4].too_long); /* 40 + 32 > 64 */
    assert_null(a[4].text);
    assert_int_equal(forwards, 4 + 2 + 1 + 1);
    ken_greedy_free(a, 5);

    o.complete = true;
    assert_int_equal(ken_greedy(fake_net(), t, x, 5, &o, a, NULL, &err), KEN_OK);
    assert_string_equal(a[1].finish, "length");
    assert_int_equal(strlen(a[1].text), 32);
    assert_int_equal(a[1].n_new, 31); /* nothing reads what would follow the last token */
    ken_greedy_free(a, 5);
    assert_int_equal(ken_greedy(fake_net(), t, NULL, 0, &o, NULL, NULL, &err), KEN_OK);
    ken_gold_rules_free(&rules);
    ken_tokenizer_free(t);
}

static int stop_now(void *ctx)
{
    int *left = ctx;
    return --*left < 0;
}

static void nan_logits(const int32_t *path, int32_t n, float *logits)
{
    coarse_logits(path, n, logits);
    logits[2] = NAN;
}

static void test_refusals(void **state)
{
    (void)state;
    make_items();
    fake_net_set(V, 64, coarse_logits);
    ken_tokenizer *t = the_tokenizer();
    static const char *const nothing[] = {""};
    ken_greedy_item no_prompt = items[0];
    no_prompt.n_prompt = 0;
    int polls = 2;
    ken_watch watch = {.poll = stop_now, .ctx = &polls};
    ken_err err;
    ken_gold_rules rules;
    assert_int_equal(ken_gold_rules_new(&rules, NULL, "\n", NULL, 0, &err), KEN_OK);
    const struct {
        const ken_greedy_item *item;
        ken_greedy_options o;
        int status;
        const char *says;
    } c[] = {
        {items, {.golds = &rules, .max_new = -1}, KEN_EUSAGE, "new tokens"},
        {items, {.golds = &rules, .max_new = 100000}, KEN_EUSAGE, "new tokens"},
        {&no_prompt, {.golds = &rules}, KEN_EUSAGE, "question 1 has an empty prompt"},
        {items, {.golds = &rules, .watch = &watch, .complete = true, .wave_positions = 1}, KEN_ESTOP, "stopped"},
    };
    ken_greedy_answer out[N];
    ken_gold_rules other;
    assert_int_equal(ken_gold_rules_new(&other, "bleu", "\n", NULL, 0, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "bleu"));
    assert_int_equal(ken_gold_rules_new(&other, NULL, "", NULL, 0, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "stop"));
    assert_int_equal(ken_gold_rules_new(&other, NULL, "\n", nothing, 1, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "phrase"));
    ken_gold_rules_free(&other);
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        size_t n = c[i].item == items ? N : 1;
        assert_int_equal(ken_greedy(fake_net(), t, c[i].item, n, &c[i].o, out, NULL, &err), c[i].status);
        assert_non_null(strstr(err.msg, c[i].says));
        for (size_t k = 0; k < n; k++) assert_null(out[k].text);
    }
    fake_net_set(V, 64, nan_logits);
    ken_greedy_options o = {.golds = &rules};
    assert_int_equal(ken_greedy(fake_net(), t, items, N, &o, out, NULL, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "not finite"));
    ken_gold_rules_free(&rules);
    ken_tokenizer_free(t);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    make_items();
    fake_net_set(V, 64, coarse_logits);
    net_seed = 2;
    ken_tokenizer *t = the_tokenizer();
    ken_gold_rules rules;
    assert_int_equal(ken_gold_rules_new(&rules, NULL, "\n", idk, 2, NULL), KEN_OK);
    ken_greedy_options o = {.golds = &rules, .max_new = MAX, .complete = true, .wave_positions = 16, .slots = 256};
    ken_greedy_answer out[8];
    int rc = KEN_ENOMEM;
    long n = 0;
    for (n = 1; rc == KEN_ENOMEM && n < 3000; n++) {
        ken_alloc_fail_after(n);
        rc = ken_greedy(fake_net(), t, items, 8, &o, out, NULL, NULL);
        ken_alloc_fail_after(0);
        if (rc != KEN_OK) assert_int_equal(rc, KEN_ENOMEM);
    }
    assert_int_equal(rc, KEN_OK);
    assert_true(n > 30);
    ken_greedy_free(out, 8);
    ken_gold_rules_free(&rules);
    ken_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_definition),
        cmocka_unit_test(test_same_whatever_the_wave),
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
