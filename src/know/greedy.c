/* greedy.c - see greedy.h. Each question is one path (path.h) after its prompt; questions are asked together (asking.h). */
#include "know/greedy.h"
#include "base/alloc.h"
#include "know/path.h"
#include <string.h>

enum { MAX_NEW = 32, MOST_NEW = 4096 };

typedef struct job {
    const ken_greedy_options *o;
    const ken_greedy_item *item;
    size_t n, n_done;
    ken_greedy_answer *out;
    ken_engine *engine;
    ken_rules rules;
    ken_arena arena;
} job;

static void report_done(job *j)
{
    j->n_done++;
    ken_watch_done(j->o->watch, j->o->done_before + j->n_done, j->o->total > 0 ? j->o->total : j->n);
}

static int start(void *ctx, size_t i, ken_question **q, ken_err *err)
{
    job *j = ctx;
    ken_greedy_item made = {0};
    const ken_greedy_item *x = j->o->item != NULL ? &made : &j->item[i];
    int rc = j->o->item != NULL ? j->o->item(j->o->ctx, i, &made, err) : KEN_OK;
    *q = NULL;
    if (rc != KEN_OK) return rc;
    if (x->n_prompt < 1) return ken_fail(err, KEN_EUSAGE, "question %zu has an empty prompt", i + 1);
    if ((int64_t)x->n_prompt + j->rules.max_new > ken_engine_longest(j->engine)) {
        j->out[i].too_long = true;
        report_done(j);
        return KEN_OK;
    }
    ken_path_options o = {.rules = &j->rules, .first = -1, .number = i + 1};
    o.stop_early = !j->o->complete && !j->o->golds->certainty && ken_matcher_is_exact(&j->o->golds->matcher);
    rc = ken_golds_new(&o.golds, j->o->golds, x->answers, x->n_answers, x->aliases, x->n_aliases, err);
    if (rc == KEN_OK) rc = ken_path_new(q, j->engine, &o, KEN_TRIE_ROOT, x->prompt, (size_t)x->n_prompt, err);
    else ken_golds_free(&o.golds);
    if (rc != KEN_OK) ken_fail_prefix(err, "question %zu", i + 1);
    return rc;
}

static int take_answer(job *j, ken_greedy_answer *a, const ken_path_end *end, ken_err *err)
{
    a->n_new = end->forwarded;
    if (end->finish == KEN_RUNNING) return KEN_OK;
    a->hit = end->verdict.hit;
    a->hit_raw = end->verdict.raw;
    a->abstained = end->verdict.abstained;
    a->finish = ken_finish_name(&j->rules, end->finish);
    ken_arena_reset(&j->arena);
    const char *text = ken_answer_text(&j->arena, end->text, end->n);
    a->text = text != NULL ? ken_strdup(text) : NULL;
    return a->text != NULL ? KEN_OK : ken_fail_nomem(err, "answer");
}

static int result(void *ctx, size_t i, ken_question *q, ken_err *err)
{
    job *j = ctx;
    ken_path_end end = ken_path_get(q);
    int rc = take_answer(j, &j->out[i], &end, err);
    ken_question_free(q);
    report_done(j);
    return rc;
}

static int between(void *ctx, ken_err *err)
{
    const job *j = ctx;
    return ken_watch_check(j->o->watch, err);
}

int ken_greedy(ken_forwarder *f, const ken_tokenizer *t, const ken_greedy_item *item, size_t n,
               const ken_greedy_options *o, ken_greedy_answer *out, uint64_t *forwards, ken_err *err)
{
    int max_new = o->max_new == 0 ? MAX_NEW : o->max_new;
    job j = {.o = o, .item = item, .n = n, .out = out};
    for (size_t i = 0; i < n; i++) out[i] = (ken_greedy_answer){.finish = ""};
    if (n == 0) return KEN_OK;
    if (max_new < 1 || max_new > MOST_NEW)
        return ken_fail(err, KEN_EUSAGE, "%d new tokens are out of range: 1 to %d", max_new, MOST_NEW);
    j.rules = (ken_rules){.tokenizer = t, .max_new = max_new, .stop = o->golds->stop, .n_stop = o->golds->n_stop};
    ken_engine_options e = {.wave_positions = o->wave_positions, .slots = o->slots};
    int rc = ken_engine_new(&j.engine, f, &e, err);
    const ken_asking a = {.engine = j.engine, .n = n, .start = start, .result = result, .between = between, .ctx = &j};
    if (rc == KEN_OK) rc = ken_ask_all(&a, err);
    if (j.engine != NULL && forwards != NULL) *forwards += ken_engine_get_stats(j.engine).positions;
    ken_engine_free(j.engine);
    ken_arena_free(&j.arena);
    if (rc != KEN_OK) ken_greedy_free(out, n);
    return rc;
}

void ken_greedy_free(ken_greedy_answer *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ken_free(a[i].text);
        a[i].text = NULL;
    }
}
