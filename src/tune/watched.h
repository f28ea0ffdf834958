/* watched.h - the rows that a training watches: where they come from, and what they have in common with those that it trains on.
 *
 *     ken_watched_plan(t, &err);            before the rows are read: t->from
 *     ken_watched_compare(t, &err);         once they are
 *
 * Both say what people should know in t->notes, one sentence a line (docs/method/fine-tuning.md#watched). */
#ifndef KEN_TUNE_WATCHED_H
#define KEN_TUNE_WATCHED_H
#include "tune/training.h"

/* Fills t->from and t->read of every set. Under the slick protocol EntityQuestions has another split and other relations in each role, and is what
 * is watched where it is trained on and nothing else was named; rows from elsewhere are taken as they are. KEN_EUSAGE when nothing is
 * EntityQuestions. */
int ken_watched_plan(ken_training *t, ken_err *err);

/* Refuses rows that would say nothing (trained on, or test and ood the same), notes what else two sets share. KEN_EINPUT. */
int ken_watched_compare(ken_training *t, ken_err *err);
#endif
