/* salience.c - the salience estimate of a fact in a real network (docs/method/salience.md#measures): over the paraphrases of its relation, the mean of
 *
 *     logit(a) - mean over the answers a' of the relation of logit(a')
 *
 * at the place where the answer begins. In the one-layer model this is S(s, r, a) less the mean of S(s, r, .) over the relation's answers. */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/buf.h"
#include "engine/engine.h"
#include "lab/measures.h"
#include "lab/phrases.h"
#include "nn/net.h"
#include <math.h>
#include <string.h>

enum { AT_ONCE = 256 /* facts in the engine */ };

typedef struct answers { /* of a relation, each one token */
    const ken_world_relation *relation;
    ken_strmap *place;
    int32_t *token; /* (n) */
    size_t n, cap;
} answers;

typedef struct reader {
    ken_world_facts *w;
    const ken_tokenizer *t;
    answers of[KEN_WORLD_RELATIONS];
    ken_engine *engine;
    int32_t *ids;
    size_t cap;
} reader;

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

static answers *answers_of(reader *r, const char *relation)
{
    const ken_world_relation *x = ken_world_relation_find(relation);
    return x != NULL ? &r->of[x - ken_world_relations] : NULL;
}

static int add_answer(reader *r, const ken_measured *f, ken_err *err)
{
    answers *a = answers_of(r, f->relation);
    size_t n = 0;
    if (a == NULL)
        return ken_fail(err, KEN_EINPUT, "%s: relation \"%.40s\" is none of a world's", r->w->dir, f->relation);
    a->relation = &ken_world_relations[a - r->of];
    if (a->place == NULL && (a->place = ken_strmap_new(64)) == NULL) return ken_fail_nomem(err, "answers");
    if (ken_strmap_get(a->place, f->answer, strlen(f->answer), -1) >= 0) return KEN_OK;
    int rc = ken_tokenizer_encode(r->t, f->answer, strlen(f->answer), 0, &r->ids, &n, &r->cap, err);
    if (rc != KEN_OK) return rc;
    if (n != 1)
        return ken_fail(err, KEN_EINPUT, "%s: answer \"%.40s\" is %zu tokens of the model, not one", r->w->dir,
                        f->answer, n);
    if (ken_grow((void **)&a->token, &a->cap, a->n + 1, sizeof *a->token) != 0 ||
        ken_strmap_number(a->place, f->answer, strlen(f->answer)) < 0)
        return ken_fail_nomem(err, "answers");
    a->token[a->n++] = r->ids[0];
    return KEN_OK;
}

/* ---- facts -------------------------------------------------------------------------------------------------------------- */

typedef struct asked { /* one fact in the engine */
    ken_request request[KEN_WORLD_PHRASES];
    float *logit; /* (KEN_WORLD_PHRASES, n) of the relation's answers */
    int32_t outstanding;
} asked;

static int ask(reader *r, asked *q, const ken_measured *f, ken_err *err)
{
    const answers *a = answers_of(r, f->relation);
    ken_buf text = {0};
    int rc = KEN_OK;
    *q = (asked){.logit = ken_alloc(KEN_WORLD_PHRASES * a->n, sizeof *q->logit)};
    if (q->logit == NULL) return ken_fail_nomem(err, "logits");
    for (int k = 0; k < KEN_WORLD_PHRASES && rc == KEN_OK; k++) {
        size_t n = 0;
        ken_request *x = &q->request[k];
        ken_buf_clear(&text);
        ken_world_put_phrase(&text, a->relation->sentence[k], f->subject);
        ken_buf_putc(&text, '\n');
        if (text.failed) rc = ken_fail_nomem(err, "a sentence");
        if (rc == KEN_OK)
            rc = ken_tokenizer_encode(r->t, text.data, text.len, KEN_ENC_SPECIAL, &r->ids, &n, &r->cap, err);
        if (rc == KEN_OK) rc = ken_engine_extend(r->engine, KEN_TRIE_ROOT, r->ids, n, &x->node, err);
        if (rc != KEN_OK) break;
        x->want = a->token;
        x->n_want = (int32_t)a->n;
        x->want_logit = q->logit + (size_t)k * a->n;
        x->outstanding = &q->outstanding;
        rc = ken_engine_ask(r->engine, x, err);
    }
    ken_buf_free(&text);
    return rc;
}

static double conclude(const reader *r, const asked *q, const ken_measured *f)
{
    const answers *a = answers_of((reader *)r, f->relation);
    const size_t own = (size_t)ken_strmap_get(a->place, f->answer, strlen(f->answer), 0);
    double sum = 0.0;
    for (size_t k = 0; k < KEN_WORLD_PHRASES; k++) {
        double mean = 0.0;
        for (size_t i = 0; i < a->n; i++) mean += (double)q->logit[k * a->n + i];
        sum += (double)q->logit[k * a->n + own] - mean / (double)a->n;
    }
    return sum / KEN_WORLD_PHRASES;
}

static int read_some(reader *r, asked *q, size_t first, size_t n, ken_err *err)
{
    int rc = KEN_OK;
    size_t begun = 0;
    for (; begun < n && rc == KEN_OK; begun++) rc = ask(r, &q[begun], &r->w->fact[first + begun], err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        while (q[i].outstanding > 0 && rc == KEN_OK) rc = ken_engine_wave(r->engine, err);
        if (rc == KEN_OK) r->w->fact[first + i].salience = conclude(r, &q[i], &r->w->fact[first + i]);
    }
    for (size_t i = 0; i < begun; i++) {
        for (int k = 0; k < KEN_WORLD_PHRASES && rc == KEN_OK; k++) ken_engine_release(r->engine, q[i].request[k].node);
        ken_free(q[i].logit);
    }
    return rc;
}

int ken_salience_read(ken_world_facts *w, const ken_model *m, const ken_measures_options *o, ken_watch *watch,
                      ken_err *err)
{
    reader r = {.w = w, .t = ken_model_tokenizer(m)};
    ken_net_options no = {.threads = o->threads, .poll = ken_watch_poll, .ctx = watch};
    ken_net *net = NULL;
    asked *q = ken_calloc(AT_ONCE, sizeof *q);
    int rc = q == NULL ? ken_fail_nomem(err, "facts") : KEN_OK;
    for (size_t i = 0; i < w->n && rc == KEN_OK; i++) rc = add_answer(&r, &w->fact[i], err);
    if (rc == KEN_OK) rc = ken_isa_parse(&no.isa, o->isa, err);
    if (rc == KEN_OK) rc = ken_net_new(&net, m, &no, err);
    if (rc == KEN_OK) rc = ken_engine_new(&r.engine, ken_net_forwarder(net), NULL, err);
    for (size_t i = 0; i < w->n && rc == KEN_OK; i += AT_ONCE) {
        rc = ken_watch_stage(watch, "reading salience", i, w->n, err);
        if (rc == KEN_OK) rc = read_some(&r, q, i, w->n - i < AT_ONCE ? w->n - i : AT_ONCE, err);
    }
    ken_engine_free(r.engine);
    ken_net_free(net);
    for (int i = 0; i < KEN_WORLD_RELATIONS; i++) {
        ken_strmap_free(r.of[i].place);
        ken_free(r.of[i].token);
    }
    ken_free(r.ids);
    ken_free(q);
    return rc;
}
