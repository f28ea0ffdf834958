/* stop_rule.h - which measurement of a training is the best: the early stop, also of a mixture whose tasks have different optima
 * (docs/method/fine-tuning.md#mixtures).
 *
 *     ken_stop_rule r;
 *     ken_stop_rule_parse(&r, "min-regret", &err);
 *     ken_stop_rule_check(&r, score, n, path, &err);       the tasks of dev, before training
 *     if (ken_stop_rule_better(&r, score, n, &best)) ...   at each measurement after the first update, in their order */
#ifndef KEN_TUNE_STOP_RULE_H
#define KEN_TUNE_STOP_RULE_H
#include "base/error.h"

#define KEN_MAIN_TASK "main" /* rows that name no task */
enum { KEN_STOP_TASKS = 17 };

typedef enum ken_stop_kind { KEN_STOP_DEV, KEN_STOP_TASK, KEN_STOP_MEAN, KEN_STOP_MIN_REGRET } ken_stop_kind;

typedef struct ken_stop_rule {
    ken_stop_kind kind;
    const char *task; /* KEN_STOP_TASK: borrowed from the text that was parsed */
} ken_stop_rule;

typedef struct ken_task_score { /* of one task's rows of dev */
    const char *task;           /* borrowed */
    uint64_t hits, n;           /* n > 0 */
} ken_task_score;

/* What must be known of the measurements so far. */
typedef struct ken_stop_best {
    bool any;
    uint64_t hits;                    /* KEN_STOP_DEV, KEN_STOP_TASK: of the best */
    double mean;                      /* KEN_STOP_MEAN: of the best */
    uint64_t most[KEN_STOP_TASKS];    /* KEN_STOP_MIN_REGRET: hits of each task, at any measurement */
    uint64_t at_best[KEN_STOP_TASKS]; /* and at the best one */
} ken_stop_best;

/* "dev" (or NULL), "task:NAME", "mean", "min-regret". KEN_EUSAGE naming the field `stop_rule`. */
int ken_stop_rule_parse(ken_stop_rule *r, const char *text, ken_err *err);
/* What a measurement says of the tasks of dev, by name, into score (KEN_STOP_TASKS): how many, or -1 when there are more. Rows without a task are
 * the task KEN_MAIN_TASK. Names are borrowed from m. */
int ken_stop_scores(ken_task_score *score, const ken_measure *m, size_t n);
/* Does dev have the tasks that the rule asks for? */
int ken_stop_rule_check(const ken_stop_rule *r, const ken_task_score *score, int n, ken_err *err);
/* Is this measurement better than the best one before? Takes note of it either way; of equals the first one stays. The tasks (n) are the
 * same, in the same order, at each call. */
bool ken_stop_rule_better(const ken_stop_rule *r, const ken_task_score *score, int n, ken_stop_best *best);
#endif
