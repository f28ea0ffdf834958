/* asking.c - see asking.h. */
#include "know/asking.h"
#include "base/alloc.h"

#define CACHE_SHARE                                                                                                    \
    0.9 /* of the slots: more open questions would push each other's prompts out, which costs forwards, not results */

typedef struct open {
    ken_question *q;
    size_t at;
    double slots; /* that it is expected to use when done */
} open;

typedef struct loop {
    const ken_asking *a;
    open *open; /* (n_open) in the order of their start */
    size_t n_open, cap_open, next;
    double slots; /* of all that are open */
} loop;

static int32_t backlog(const ken_asking *a)
{
    return a->texter != NULL ? a->texter->backlog : ken_engine_backlog(a->engine);
}

static bool has_room(const loop *l)
{
    if (l->a->texter != NULL) return l->a->texter->backlog < l->a->texter->kind->at_once;
    return ken_engine_backlog(l->a->engine) < ken_engine_wave_positions(l->a->engine) &&
           (l->n_open == 0 || l->slots < CACHE_SHARE * ken_engine_slots(l->a->engine));
}

static int admit(loop *l, ken_err *err)
{
    while (l->next < l->a->n && has_room(l)) {
        if (ken_grow((void **)&l->open, &l->cap_open, l->n_open + 1, sizeof *l->open) != 0)
            return ken_fail_nomem(err, "questions");
        open *x = &l->open[l->n_open];
        int32_t before = backlog(l->a);
        *x = (open){.at = l->next++};
        int rc = l->a->start(l->a->ctx, x->at, &x->q, err);
        if (rc != KEN_OK) return rc;
        if (x->q == NULL) continue;
        x->slots = x->q->kind->growth * (backlog(l->a) - before);
        l->slots += x->slots;
        l->n_open++;
    }
    return KEN_OK;
}

/* Every question whose requests are answered advances; finished ones are removed. */
static int advance(loop *l, ken_err *err)
{
    size_t n_left = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < l->n_open; i++) {
        ken_question *q = l->open[i].q;
        if (rc == KEN_OK && !q->done && ken_question_waiting(q) == 0) rc = q->kind->advance(q, err);
        if (rc == KEN_OK && q->done) {
            rc = l->a->result(l->a->ctx, l->open[i].at, q, err);
            l->slots -= l->open[i].slots;
        } else l->open[n_left++] = l->open[i];
    }
    l->n_open = n_left;
    return rc;
}

int ken_ask_all(const ken_asking *a, ken_err *err)
{
    loop l = {.a = a};
    int rc = KEN_OK;
    while (rc == KEN_OK && (l.next < a->n || l.n_open > 0)) {
        rc = admit(&l, err);
        if (rc == KEN_OK) rc = a->texter != NULL ? ken_texter_wave(a->texter, err) : ken_engine_wave(a->engine, err);
        if (rc == KEN_OK) rc = advance(&l, err);
        if (rc == KEN_OK && a->between != NULL) rc = a->between(a->ctx, err);
    }
    if (rc != KEN_OK && a->texter != NULL) ken_texter_drop_queue(a->texter);
    for (size_t i = 0; i < l.n_open; i++) ken_question_free(l.open[i].q);
    ken_free(l.open);
    return rc;
}
