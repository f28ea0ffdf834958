/* schedule.h - the learning rate of each step: warm-up, then constant, linear or cosine decay. A pure function of the step, so
 * that a resumed training needs no state. Values as transformers' get_{constant_schedule_with,linear_schedule_with,
 * cosine_schedule_with}_warmup; the default is ours (docs/method/fine-tuning.md#settings: the paper states none). */
#ifndef KEN_TUNE_SCHEDULE_H
#define KEN_TUNE_SCHEDULE_H
#include "base/error.h"

typedef struct ken_schedule {
    int kind;              /* KEN_SCHEDULE_* */
    double lr;             /* the peak */
    int64_t warmup, steps; /* steps of warm-up, of them all */
} ken_schedule;

/* As the options say (schedule, lr, warmup_*), for so many steps; a share of them is rounded up, as transformers does. KEN_EUSAGE naming the
 * field. */
int ken_schedule_set(ken_schedule *s, const ken_train_options *o, int64_t steps, ken_err *err);
/* step: 0 for the first update. With a warm-up the first update has a rate of 0, as transformers' has. */
double ken_schedule_lr(const ken_schedule *s, int64_t step);
#endif
