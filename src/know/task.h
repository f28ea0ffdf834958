/* task.h - one row in the engine: its prompts, the method that answers them, the guess control, and the finished row.
 *
 *     ken_task_new(&t, ctx, example, index of it in the data, &err);
 *     ...                                   is run as any question (asking.h)
 *     ken_task_row(t, example, &row);       borrowed from the task; once for each duplicate of the row, with its own draw */
#ifndef KEN_KNOW_TASK_H
#define KEN_KNOW_TASK_H
#include "data/data.h"
#include "know/method.h"

typedef struct ken_task_context { /* what all rows of a run share; everything borrowed */
    ken_engine *engine;
    ken_texter *texter; /* in place of the engine, or NULL: asking.h */
    const ken_setup *setup;
    const ken_data *data;
    const ken_exemplar_sets *exemplars;
    const ken_data *other;      /* --exemplars, or NULL */
    const char *const *prompts; /* (setup->rules.prompts) whole prompts instead of exemplars: explain; or NULL */
    bool save_paths;            /* explain: the accepted token paths */
} ken_task_context;

/* Rows [*first, *first + *n) among which the guess control draws other subjects for row `index`: a block of data order, so that limits do not
 * change it and its prompts are in the cache at about the same time. */
void ken_control_block(const ken_data *d, size_t index, size_t *first, size_t *n);

int ken_task_new(ken_question **out, const ken_task_context *c, const ken_example *x, size_t index,
                 ken_err *err); /* errors name the row */
/* The question of the row's method, and its prompts' last nodes (n), held by the task; NULL when nothing is asked: the flags say why. */
const ken_question *ken_task_asked(const ken_question *t, const ken_node **root, int *n);
const ken_golds *ken_task_golds(const ken_question *t);
/* Valid when done. x: the row itself or a duplicate of it, whose id keys the draw. */
int ken_task_row(ken_question *t, const ken_example *x, ken_row *out, ken_err *err);
#endif
