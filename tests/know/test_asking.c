/* test_asking.c - the loop: questions that need many steps are done one after the other where waves are small, and none waits for the last one to
 * begin; how much work there is, expected while it goes on and exact at its end. */
#include "base/alloc.h"
#include "fake_net.h"
#include "know/asking.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { VOCAB = 64, N = 40, START = 12, STEPS = 20, SILENT = 7 /* every so many asks for nothing */ };

typedef struct chain { /* asks at the end of START tokens, then one token further each step */
    ken_question question;
    ken_engine *engine;
    ken_node node;
    ken_request request;
    int32_t id;
    float logit;
    int step, steps;
} chain;

static int ask(chain *c, ken_err *err)
{
    c->request =
        (ken_request){.node = c->node, .k = 1, .id = &c->id, .logit = &c->logit, .outstanding = &c->question.waiting};
    return ken_engine_ask(c->engine, &c->request, err);
}

static int advance(ken_question *q, ken_err *err)
{
    chain *c = (chain *)q;
    const int32_t token = 1;
    c->question.done = c->step++ == c->steps;
    if (c->question.done) return KEN_OK;
    ken_node next;
    int rc = ken_engine_extend(c->engine, c->node, &token, 1, &next, err);
    if (rc != KEN_OK) return rc;
    ken_engine_release(c->engine, c->node);
    c->node = next;
    return ask(c, err);
}

static void free_chain(ken_question *q)
{
    ken_engine_release(((chain *)q)->engine, ((chain *)q)->node);
    ken_free(q);
}

static const ken_question_kind kind = {"chain", 1.5, advance, free_chain};

typedef struct fixture {
    ken_engine *engine;
    ken_work work;
    size_t started, done, started_at_first, stop_after;
    double last;
    bool long_last; /* the last half needs twice the steps */
} fixture;

static int start(void *ctx, size_t i, ken_question **q, ken_err *err)
{
    fixture *f = ctx;
    int32_t token[START];
    *q = NULL;
    f->started++;
    if (i % SILENT == SILENT - 1) return KEN_OK;
    chain *c = ken_calloc(1, sizeof *c);
    assert_non_null(c);
    *c = (chain){.question = {&kind}, .engine = f->engine, .steps = f->long_last && i >= N / 2 ? 2 * STEPS : STEPS};
    for (int t = 0; t < START; t++) token[t] = t == 0 ? (int32_t)i : t;
    int rc = ken_engine_extend(f->engine, KEN_TRIE_ROOT, token, START, &c->node, err);
    *q = &c->question;
    return rc == KEN_OK ? ask(c, err) : rc;
}

static int result(void *ctx, size_t i, ken_question *q, ken_err *err)
{
    fixture *f = ctx;
    (void)i;
    (void)err;
    if (f->done++ == 0) f->started_at_first = f->started;
    ken_question_free(q);
    return KEN_OK;
}

static int between(void *ctx, ken_err *err)
{
    fixture *f = ctx;
    assert_true(f->work.done > f->last); /* each wave shows, long before the first is done */
    assert_true(f->work.done <= f->work.total);
    f->last = f->work.done;
    return f->stop_after > 0 && f->done >= f->stop_after ? ken_fail(err, KEN_ESTOP, "stopped") : KEN_OK;
}

static void logits(const int32_t *path, int32_t n, float *out)
{
    for (int v = 0; v < VOCAB; v++) out[v] = (float)((path[n - 1] + v) % VOCAB);
}

static void run(fixture *f, int32_t wave, int status)
{
    ken_err err;
    fake_net_set(VOCAB, 128, logits);
    const ken_engine_options o = {.wave_positions = wave, .slots = 4096};
    assert_int_equal(ken_engine_new(&f->engine, fake_net(), &o, &err), KEN_OK);
    const ken_asking a = {
        .engine = f->engine, .n = N, .start = start, .result = result, .between = between, .ctx = f, .work = &f->work};
    assert_int_equal(ken_ask_all(&a, &err), status);
    ken_engine_free(f->engine);
}

static const size_t asking = N - N / SILENT;

static void one_after_the_other(void **state)
{
    (void)state;
    fixture large = {0}, small = {0};
    run(&large, 2048, KEN_OK);
    run(&small, 16, KEN_OK);
    assert_int_equal(large.done, asking);
    assert_int_equal(small.done, asking);
    assert_int_equal(large.started_at_first, N); /* what small waves are for */
    assert_true(small.started_at_first < N / 2);
}

static void work_ends_exact(void **state)
{
    (void)state;
    for (int uneven = 0; uneven < 2; uneven++)
        for (int32_t wave = 8; wave <= 2048; wave *= 4) {
            fixture f = {.long_last = uneven != 0};
            run(&f, wave, KEN_OK);
            const double more = (uneven ? 1.5 : 1.0) * STEPS;
            assert_int_equal(f.work.finished, asking);
            assert_true(f.work.done == f.work.total);
            if (!uneven) assert_true(f.work.more == (double)asking * more);
            assert_true(f.work.done == (double)asking * START + f.work.more);
            assert_true(f.work.more_squared >= f.work.more * f.work.more / (double)asking);
        }
}

/* Half way, the expectation is near the truth, with the silent ones left out. */
static void work_is_expected(void **state)
{
    (void)state;
    for (int given = 0; given < 2; given++) {
        fixture f = {.stop_after = asking / 2};
        if (given) f.work.first = (double)(asking * START);
        run(&f, 16, KEN_ESTOP);
        const double truth = (double)asking * (START + STEPS);
        if (f.work.total < 0.9 * truth || f.work.total > 1.1 * truth)
            fail_msg("expected %g, truth %g", f.work.total, truth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_after_the_other), cmocka_unit_test(work_ends_exact),
                                       cmocka_unit_test(work_is_expected)};
    return cmocka_run_group_tests_name("asking", tests, NULL, NULL);
}
