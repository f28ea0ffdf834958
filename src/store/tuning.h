/* tuning.h - writing what a training or an evaluation measured: the tables behind ken_run_point and its like in ken.h.
 *
 *     ken_setting s[] = {{KEN_SETTING_KIND, KEN_KIND_TRAIN, true}, ...};
 *     ken_store_open(&store, "train.ken", s, n, &err);            creates the run, or resumes it
 *     ken_tuning_drop_after(store, step of the checkpoint, &err); the steps that a resumed training will do again
 *     ken_tuning_put_row(store, i, &row, &err);                   once for each training row
 *     ken_tuning_put_point(store, &point, &err);                  then its measurements, fit, and evaluated rows, in any order
 *     ken_tuning_put_measure(store, point.step, &measure, &err);
 *     ken_store_commit(store, &err);                              a point and what belongs to it: on disk together or not at all
 *
 * Everything replaces what is there under the same key, so that doing a piece of work again changes nothing. Errors are those of
 * store.h: after KEN_EFAIL, KEN_ENOMEM and the like the store is broken, what was committed is kept. KEN_ESTATE for a value that
 * makes no sense, which leaves the store as it was. */
#ifndef KEN_STORE_TUNING_H
#define KEN_STORE_TUNING_H
#include "store/store.h"

/* The setting that tells the kinds of run apart; an annotation has none. */
#define KEN_SETTING_KIND "kind"
#define KEN_KIND_TRAIN   "train"
#define KEN_KIND_EVAL    "eval"

/* Row number `place` of what is trained on, as ken_tuning_put_fit counts them. */
int ken_tuning_put_row(ken_store *s, size_t place, const ken_trained *row, ken_err *err);

/* Replaces the point at p->step together with everything that was measured there. */
int ken_tuning_put_point(ken_store *s, const ken_point *p, ken_err *err);
int ken_tuning_put_measure(ken_store *s, int64_t step, const ken_measure *m,
                           ken_err *err); /* of a point that is there */
/* Which training rows the model answers correctly at this point: bit i % 8 (the lowest first) of bits[i / 8] (ceil(n / 8)) is row i. */
int ken_tuning_put_fit(ken_store *s, int64_t step, const uint8_t *bits, size_t n, ken_err *err);
/* place: position of the row in its set. */
int ken_tuning_put_evaluated(ken_store *s, int64_t step, size_t place, const ken_evaluated *row, ken_err *err);

/* Exactly these points are the best and the last; -1 = none. */
int ken_tuning_mark(ken_store *s, int64_t best, int64_t last, ken_err *err);
int ken_tuning_drop_after(ken_store *s, int64_t step,
                          ken_err *err); /* points of later steps and all that belongs to them */
/* Evaluated rows (with their texts) of all points before step but `best`: a training keeps those of its best and its last evaluation. */
int ken_tuning_drop_evaluated(ken_store *s, int64_t step, int64_t best, ken_err *err);
#endif
