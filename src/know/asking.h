/* asking.h - the one loop in which a model is asked.
 *
 * Questions are admitted until the next wave is full, the wave is forwarded, every question whose requests are answered advances, finished
 * ones are handed on and leave. Which questions share a wave changes nothing but the time, since a node's logits depend on its path alone
 * (docs/architecture.md#repeatable). To the loop a question is a struct that begins with its kind, a table of functions. A row of an
 * annotation (task.h), the exact walk (walk.h), the tree sampler (sample.h), multiple choice (choice.h) and a greedy answer (greedy.h) are
 * kinds. */
#ifndef KEN_KNOW_ASKING_H
#define KEN_KNOW_ASKING_H
#include "engine/engine.h"
#include "engine/texter.h"

typedef struct ken_question ken_question;

typedef struct ken_question_kind {
    const char *name;
    double growth; /* positions when done, as a multiple of those at the start: answers come after prompts */
    /* To be called when it is not done and nothing is waited for: takes in the answers and asks for more, or is done. */
    int (*advance)(ken_question *q, ken_err *err);
    void (*free)(ken_question *q); /* NULL is fine */
} ken_question_kind;

struct ken_question { /* the first member of whatever is asked */
    const ken_question_kind *kind;
    int32_t waiting;         /* requests not answered yet */
    ken_question *waits_for; /* another question that it has started and whose requests it waits for; or NULL */
    bool done;
};

static inline int32_t ken_question_waiting(const ken_question *q)
{
    return q->waits_for != NULL ? q->waits_for->waiting : q->waiting;
}

static inline void ken_question_free(ken_question *q)
{
    if (q != NULL) q->kind->free(q);
}

/* How far the loop is, in positions (requests of a texter): what the questions still need is expected from those that have started. */
typedef struct ken_work {
    double first; /* in: what all questions need at their start, where somebody knows; 0 = as those that have started */
    double done, total; /* out: total is expected, and done when all are */
    size_t finished;    /* out: questions that were asked to their end, and what these needed beyond their start */
    double more, more_squared;
} ken_work;

typedef struct ken_asking {
    ken_engine *engine;
    ken_texter *texter; /* used instead of the engine, or NULL */
    size_t n;           /* questions, started in order */
    /* *q NULL with KEN_OK: nothing is to be asked for number i. */
    int (*start)(void *ctx, size_t i, ken_question **q, ken_err *err);
    int (*result)(void *ctx, size_t i, ken_question *q,
                  ken_err *err);             /* of a finished question, which it owns from then on, also on failure */
    int (*between)(void *ctx, ken_err *err); /* between waves: progress, commits, a request to stop */
    void *ctx;
    ken_work *work; /* kept up to date between waves; or NULL */
} ken_asking;

/* Asks all of them. On failure the status is that of the engine or of one of the functions. */
int ken_ask_all(const ken_asking *a, ken_err *err);
#endif
