/* monitor.h - what a model knows at a point of its training: greedy answers to the training rows and to the rows held out,
 * counted by category, relation and task, as ken_measure of ken.h.
 *
 *     ken_monitor *m;
 *     ken_monitor_new(&m, sets, n_sets, tokenizer, &err);
 *     ken_monitor_ask(m, f, tokenizer, &how, &err);        everything is asked again
 *     ken_monitor_measures(m, &state, &measure, &n);         counts and the losses of the state
 *     ken_monitor_store(m, store, step, best, &err);         with each answer
 *     ken_monitor_free(m); */
#ifndef KEN_TUNE_MONITOR_H
#define KEN_TUNE_MONITOR_H
#include "know/greedy.h"
#include "tune/checkpoint.h"
#include "tune/set.h"

typedef struct ken_monitor_set {
    const char *name; /* "train", "dev", "test", "ood"; static */
    const ken_tune_set *rows;
    size_t limit;  /* ask only so many, drawn in proportion to the relations; 0 = all */
    uint64_t seed; /* of that draw */
} ken_monitor_set;

typedef struct ken_monitor ken_monitor;

/* Borrows the sets. The first one is what is trained on: its rows are right when
 * they say their target. KEN_EUSAGE for more tasks than KEN_TRAIN_TASKS. */
int ken_monitor_new(ken_monitor **out, const ken_monitor_set *set, int n_sets, const ken_tokenizer *t, ken_err *err);
void ken_monitor_free(ken_monitor *m);

/* The class of a training row's loss: an index into ken_train_state.loss. */
int ken_monitor_class(const ken_monitor *m, const ken_tune_row *row);
const size_t *ken_monitor_rows(const ken_monitor *m, const char *set,
                               size_t *n);      /* which rows of a set are asked, ascending; borrowed; none: *n = 0 */
size_t ken_monitor_asked(const ken_monitor *m); /* rows that one measurement asks, over all sets */

/* how->watch counts rows over all sets. */
int ken_monitor_ask(ken_monitor *m, ken_forwarder *f, const ken_tokenizer *t, const ken_greedy_options *how,
                    ken_err *err);
/* Rows of a set that were answered correctly, and that were asked; 0 of 0 for a set that is not there. */
void ken_monitor_hits(const ken_monitor *m, const char *set, uint64_t *hits, uint64_t *n);
/* Borrowed until the next call. */
int ken_monitor_measures(ken_monitor *m, const ken_train_state *s, const ken_measure **out, size_t *n, ken_err *err);
/* Measures, the training rows that are fitted (when all were asked), and the answers to the other sets, in place of those of earlier points but
 * the one at step `best` (-1 = none). The point is there. */
int ken_monitor_store(ken_monitor *m, ken_store *store, int64_t step, int64_t best, ken_err *err);
/* The training rows themselves: once. */
int ken_monitor_store_rows(const ken_monitor *m, ken_store *store, const ken_tokenizer *t, ken_err *err);
#endif
