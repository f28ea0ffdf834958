/* asking.c - see asking.h. */
#include "know/asking.h"
#include "base/alloc.h"
#include <math.h>

#define CACHE_SHARE                                                                                                    \
    0.9 /* of the slots: more open questions would push each other's prompts out, which costs forwards, not results */

#define PRIOR 2.0 /* questions: the weight of what a kind says of itself beside what was seen */

typedef struct open {
    ken_question *q;
    size_t at;
    double slots;       /* that it is expected to use when done */
    double first, more; /* positions that it has asked for: when it began, and since */
} open;

typedef struct loop {
    const ken_asking *a;
    open *open; /* (n_open) in the order of their start */
    size_t n_open, cap_open, next;
    double slots; /* of all that are open */
    /* Of all that have started and ask for something: how many, and positions as in open. */
    size_t started;
    double first, more, growth;
    ken_work work;
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
        x->first = backlog(l->a) - before;
        x->slots = x->q->kind->growth * x->first;
        l->slots += x->slots;
        l->first += x->first;
        l->growth = x->q->kind->growth;
        l->started++;
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
        open *x = &l->open[i];
        ken_question *q = x->q;
        int32_t before = backlog(l->a);
        if (rc == KEN_OK && !q->done && ken_question_waiting(q) == 0) rc = q->kind->advance(q, err);
        x->more += backlog(l->a) - before;
        l->more += backlog(l->a) - before;
        if (rc == KEN_OK && q->done) {
            l->work.finished++;
            l->work.more += x->more;
            l->work.more_squared += x->more * x->more;
            l->slots -= x->slots;
            rc = l->a->result(l->a->ctx, x->at, q, err);
        } else l->open[n_left++] = l->open[i];
    }
    l->n_open = n_left;
    return rc;
}

/* What is asked for, and what is expected of the rest. A question needs at its end what those needed that are done; until there are some, what
 * its kind says. Those that are done first were the short ones, so an open one that needs more already counts as it is. */
static void count_work(loop *l)
{
    ken_work *w = l->a->work;
    if (w == NULL) return;
    const size_t left = l->a->n - l->next;
    const double asking = l->next > 0 ? (double)l->started / (double)l->next : 1.0; /* a share: others need nothing */
    const double all = (double)l->started + asking * (double)left;
    double first = w->first;
    if (first <= 0.0 && l->started > 0) first = l->first / (double)l->started * all;
    const double guess = all > 0.0 ? (l->growth - 1.0) * first / all : 0.0;
    const double more = (PRIOR * guess + l->work.more) / (PRIOR + (double)l->work.finished);
    double rest = fmax(0.0, first - l->first) + more * asking * (double)left;
    for (size_t i = 0; i < l->n_open; i++) rest += fmax(0.0, more - l->open[i].more);
    const double given = w->first;
    *w = l->work;
    w->first = given;
    w->done = fmax(0.0, l->first + l->more - backlog(l->a));
    w->total = l->first + l->more + rest;
}

int ken_ask_all(const ken_asking *a, ken_err *err)
{
    loop l = {.a = a};
    int rc = KEN_OK;
    while (rc == KEN_OK && (l.next < a->n || l.n_open > 0)) {
        rc = admit(&l, err);
        if (rc == KEN_OK) rc = a->texter != NULL ? ken_texter_wave(a->texter, err) : ken_engine_wave(a->engine, err);
        if (rc == KEN_OK) rc = advance(&l, err);
        if (rc == KEN_OK) count_work(&l);
        if (rc == KEN_OK && a->between != NULL) rc = a->between(a->ctx, err);
    }
    if (rc != KEN_OK && a->texter != NULL) ken_texter_drop_queue(a->texter);
    for (size_t i = 0; i < l.n_open; i++) ken_question_free(l.open[i].q);
    ken_free(l.open);
    return rc;
}
