/* cost.h - what asking rows will cost, before they are asked. */
#ifndef KEN_KNOW_COST_H
#define KEN_KNOW_COST_H
#include "know/task.h"
#include "know/watch.h"

/* Positions that the prompts of these rows (n, data order) are, what they share counted once. The tokens are real: of all rows when they are few,
 * else of evenly spaced ones. c needs neither engine nor texter. Rows that do not fit the context count like others. */
int ken_cost_prompts(const ken_task_context *c, const size_t *row, size_t n, double *positions, ken_err *err);

/* What an annotation asks with, and a trial of one (annotate.c). */
int ken_annotate_net(ken_net **out, ken_model *m, const ken_annotate_options *o, const ken_setup *p, ken_watch *w,
                     ken_err *err);
int ken_annotate_engine(ken_engine **out, ken_net *net, const ken_annotate_options *o, const ken_model *m,
                        ken_err *err);
#endif
