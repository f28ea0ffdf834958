/* schedule.h - the learning rate of each step: warm-up, then constant, linear or cosine decay. A pure function of the step, so
 * that a resumed training needs no state. Values as transformers' get_{constant_schedule_with,linear_schedule_with,
 * cosine_schedule_with}_warmup; the default is ours (docs/method/fine-tuning.md#settings: the paper states none). */
#ifndef KEN_TUNE_SCHEDULE_H
#define KEN_TUNE_SCHEDULE_H
#include "base/error.h"

typedef enum ken_schedule_kind { KEN_CONSTANT, KEN_LINEAR, KEN_COSINE } ken_schedule_kind;

typedef struct ken_schedule {
    ken_schedule_kind kind;
    double lr;             /* the peak */
    int64_t warmup, steps; /* steps of warm-up, of them all */
} ken_schedule;

/* kind "constant", "linear", "cosine"; warmup "3%" of the steps (rounded up, as transformers does) or a number of steps.
 * KEN_EUSAGE naming the option. */
int ken_schedule_parse(ken_schedule *s, const char *kind, double lr, const char *warmup, int64_t steps, ken_err *err);
/* step: 0 for the first update. With a warm-up the first update has a rate of 0, as transformers' has. */
double ken_schedule_lr(const ken_schedule *s, int64_t step);
#endif
