/* greedy.c - see greedy.h. Each question is one path that grows by its likeliest token until the rules end it (spec/slick.md 7.4).
 *
 * Questions are admitted until the next wave is full, as the annotator does it: their prompts and everybody's next tokens share
 * waves. Which questions share a wave changes nothing but the time, since a node's logits depend on its path alone. An answer is given
 * up as soon as its text can become neither an accepted answer nor an abstention, unless the caller wants texts or the matcher cannot
 * say so. */
#include "know/greedy.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "know/rules.h"
#include <string.h>

enum { MAX_NEW = 32, MOST_NEW = 4096 };
#define GROWTH                                                                                                         \
    1.5 /* positions of a question in the end, as a multiple of those of its prompt: the answer comes behind */
#define CACHE_SHARE 0.9 /* of the slots: more open questions would push each other's prompts out */

typedef struct question { /* one that is being answered */
    size_t at;            /* which item */
    ken_golds golds;
    ken_node node; /* held */
    int32_t depth; /* tokens of the answer so far */
    ken_buf text;
    int32_t claimed; /* positions its prompt added */
    int32_t waiting;
    ken_request ask;
    int32_t id;
    float logit;
} question;

typedef struct job {
    const ken_greedy_options *o;
    const ken_greedy_item *item;
    size_t n, n_done;
    ken_greedy_answer *out;
    ken_engine *engine;
    ken_rules rules;
    ken_arena arena;
    bool complete;
    question **open; /* (n_open), by item */
    size_t n_open, cap_open;
    double cached; /* slots that the open questions are expected to use in the end */
} job;

static void free_question(job *j, question *q)
{
    if (q == NULL) return;
    if (q->node >= 0) ken_engine_release(j->engine, q->node);
    ken_golds_free(&q->golds);
    ken_buf_free(&q->text);
    ken_free(q);
}

/* ---- one question --------------------------------------------------------------------------------------------------- */

static int finish(job *j, question *q, ken_finish f, ken_err *err)
{
    const char *x = ken_buf_str(&q->text);
    size_t n = q->text.len;
    ken_greedy_answer *a = &j->out[q->at];
    ken_verdict v = ken_golds_judge(&q->golds, x, n);
    a->hit = v.hit;
    a->hit_raw = v.raw;
    a->abstained = v.abstained;
    a->finish = ken_finish_name(&j->rules, f);
    ken_arena_reset(&j->arena);
    const char *text = ken_answer_text(&j->arena, x, n);
    a->text = text != NULL ? ken_strdup(text) : NULL;
    return a->text != NULL ? KEN_OK : ken_fail_nomem(err, "answer");
}

/* Takes the likeliest token. *done when the answer has ended or cannot be right any more. */
static int step(job *j, question *q, bool *done, ken_err *err)
{
    int rc = ken_rules_check(&q->ask, 0, q->depth, err);
    if (rc != KEN_OK) return rc;
    ken_str piece;
    size_t len;
    ken_finish f = ken_rules_step(&j->rules, ken_buf_str(&q->text), q->text.len, q->id, &piece, &len);
    *done = true;
    if (f != KEN_FINISH_EOS) {
        ken_buf_add(&q->text, piece.p, piece.n);
        if (q->text.failed) return ken_fail_nomem(err, "answer");
        q->text.len = len; /* what stands behind the stop string is no part of the answer */
        if (q->text.data != NULL) q->text.data[len] = '\0';
    }
    if (f == KEN_RUNNING && q->depth + 1 == j->rules.max_new) f = KEN_FINISH_LENGTH;
    if (f != KEN_RUNNING) return finish(j, q, f, err);
    if (!j->complete && !ken_golds_viable(&q->golds, ken_buf_str(&q->text), q->text.len, true))
        return KEN_OK; /* no text */
    *done = false;
    ken_node child;
    rc = ken_engine_extend(j->engine, q->node, &q->id, 1, &child, err);
    if (rc != KEN_OK) return rc;
    ken_engine_release(j->engine, q->node);
    q->node = q->ask.node = child;
    j->out[q->at].n_new = ++q->depth;
    return ken_engine_ask(j->engine, &q->ask, err);
}

static int start(job *j, size_t at, question *q, ken_err *err)
{
    const ken_greedy_item *x = &j->item[at];
    *q = (question){.at = at, .node = -1};
    int32_t before = ken_engine_backlog(j->engine);
    int rc = ken_golds_new(&q->golds, j->o->golds, x->answers, x->n_answers, x->aliases, x->n_aliases, err);
    if (rc == KEN_OK) rc = ken_engine_extend(j->engine, KEN_TRIE_ROOT, x->prompt, (size_t)x->n_prompt, &q->node, err);
    if (rc != KEN_OK) return rc;
    q->ask = (ken_request){.node = q->node, .k = 1, .id = &q->id, .logit = &q->logit, .outstanding = &q->waiting};
    rc = ken_engine_ask(j->engine, &q->ask, err);
    q->claimed = ken_engine_backlog(j->engine) - before;
    return rc;
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

static void one_done(job *j)
{
    j->n_done++;
    if (j->o->done != NULL) j->o->done(j->o->ctx, j->n_done, j->n);
}

static int admit(job *j, size_t *next, ken_err *err)
{
    while (*next < j->n && ken_engine_backlog(j->engine) < ken_engine_wave_rows(j->engine) &&
           (j->n_open == 0 || j->cached < CACHE_SHARE * ken_engine_slots(j->engine))) {
        size_t at = (*next)++;
        const ken_greedy_item *x = &j->item[at];
        if (x->n_prompt < 1) return ken_fail(err, KEN_EUSAGE, "question %zu has an empty prompt", at + 1);
        if ((int64_t)x->n_prompt + j->rules.max_new > ken_engine_longest(j->engine)) {
            j->out[at].too_long = true;
            one_done(j);
            continue;
        }
        question *q = ken_alloc(1, sizeof *q);
        if (q == NULL || ken_grow((void **)&j->open, &j->cap_open, j->n_open + 1, sizeof *j->open) != 0) {
            ken_free(q);
            return ken_fail_nomem(err, "questions");
        }
        j->open[j->n_open++] = q;
        int rc = start(j, at, q, err);
        if (rc != KEN_OK) {
            ken_fail_prefix(err, "question %zu", at + 1);
            return rc;
        }
        j->cached += GROWTH * q->claimed;
    }
    return KEN_OK;
}

static int advance(job *j, ken_err *err)
{
    size_t keep = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < j->n_open; i++) {
        question *q = j->open[i];
        bool done = false;
        if (rc == KEN_OK && q->waiting == 0) {
            rc = step(j, q, &done, err);
            if (rc != KEN_OK) ken_fail_prefix(err, "question %zu", q->at + 1);
        }
        if (rc == KEN_OK && done) {
            j->cached -= GROWTH * q->claimed;
            free_question(j, q);
            one_done(j);
        } else j->open[keep++] = q;
    }
    j->n_open = keep;
    return rc;
}

static int get_ready(job *j, ken_net *net, const ken_tokenizer *t, ken_err *err)
{
    const ken_greedy_options *o = j->o;
    int max_new = o->max_new == 0 ? MAX_NEW : o->max_new;
    if (max_new < 1 || max_new > MOST_NEW)
        return ken_fail(err, KEN_EUSAGE, "%d new tokens are out of range: 1 to %d", max_new, MOST_NEW);
    j->rules = (ken_rules){.tokenizer = t, .max_new = max_new, .stop = o->golds->stop, .n_stop = o->golds->n_stop};
    j->complete = o->complete || !ken_matcher_is_exact(&o->golds->matcher);
    ken_engine_options e = {.wave_rows = o->wave_rows, .slots = o->slots};
    return ken_engine_new(&j->engine, net, &e, err);
}

int ken_greedy(ken_net *net, const ken_tokenizer *t, const ken_greedy_item *item, size_t n, const ken_greedy_options *o,
               ken_greedy_answer *out, uint64_t *forwards, ken_err *err)
{
    job j = {.o = o, .item = item, .n = n, .out = out};
    for (size_t i = 0; i < n; i++) out[i] = (ken_greedy_answer){.finish = ""};
    if (n == 0) return KEN_OK;
    size_t next = 0;
    int rc = get_ready(&j, net, t, err);
    while (rc == KEN_OK && (next < n || j.n_open > 0)) {
        if (o->poll != NULL && o->poll(o->ctx)) rc = ken_fail(err, KEN_ESTOP, "stopped");
        if (rc == KEN_OK) rc = admit(&j, &next, err);
        if (rc == KEN_OK) rc = ken_engine_wave(j.engine, err);
        if (rc == KEN_OK) rc = advance(&j, err);
    }
    if (j.engine != NULL && forwards != NULL) *forwards += ken_engine_get_stats(j.engine).rows;
    for (size_t i = 0; i < j.n_open; i++) free_question(&j, j.open[i]);
    ken_free(j.open);
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
