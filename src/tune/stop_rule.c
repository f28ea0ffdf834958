/* stop_rule.c - see stop_rule.h.
 *
 * min-regret: the measurement whose worst task has lost least against that task's own best measurement. The best of each task is known for certain only in
 * the end, and weights are kept of one measurement alone, so that each new one is compared with the one that is kept, by what is
 * known then. */
#include "tune/stop_rule.h"
#include "base/buf.h"
#include <string.h>

#define ROUNDING 1e-12 /* of a sum of shares; less than any difference of two means that rows can make */

int ken_stop_rule_parse(ken_stop_rule *r, const char *text, ken_err *err)
{
    static const char task[] = "task:";
    *r = (ken_stop_rule){KEN_STOP_DEV, NULL};
    if (text == NULL || strcmp(text, "dev") == 0) return KEN_OK;
    if (strcmp(text, "mean") == 0) r->kind = KEN_STOP_MEAN;
    else if (strcmp(text, "min-regret") == 0) r->kind = KEN_STOP_MIN_REGRET;
    else if (strncmp(text, task, sizeof task - 1) == 0 && text[sizeof task - 1] != '\0')
        *r = (ken_stop_rule){KEN_STOP_TASK, text + sizeof task - 1};
    else
        return ken_fail(err, KEN_EUSAGE,
                        "unknown `stop_rule` \"%.60s\"; known: dev (all dev rows), task:NAME, mean (of the tasks), "
                        "min-regret",
                        text);
    return KEN_OK;
}

int ken_stop_scores(ken_task_score *score, const ken_measure *m, size_t n)
{
    const ken_measure *all = ken_measure_find(m, n, "dev", "all", "");
    ken_task_score rest = {KEN_MAIN_TASK, all != NULL ? all->hits : 0, all != NULL ? all->n : 0};
    int count = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(m[i].set, "dev") != 0 || strcmp(m[i].grouping, "task") != 0 || m[i].n == 0) continue;
        if (count == KEN_STOP_TASKS) return -1;
        for (at = count++; at > 0 && strcmp(score[at - 1].task, m[i].key) > 0; at--) score[at] = score[at - 1];
        score[at] = (ken_task_score){m[i].key, m[i].hits, m[i].n};
        rest.hits -= m[i].hits;
        rest.n -= m[i].n;
    }
    if (rest.n == 0) return count;
    for (at = 0; at < count && strcmp(score[at].task, rest.task) != 0; at++) continue;
    if (at < count) { /* rows of a task that is called so, too */
        score[at].hits += rest.hits;
        score[at].n += rest.n;
        return count;
    }
    if (count == KEN_STOP_TASKS) return -1;
    for (at = count++; at > 0 && strcmp(score[at - 1].task, rest.task) > 0; at--) score[at] = score[at - 1];
    score[at] = rest;
    return count;
}

static int find_task(const ken_stop_rule *r, const ken_task_score *score, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(score[i].task, r->task) == 0) return i;
    return -1;
}

int ken_stop_rule_check(const ken_stop_rule *r, const ken_task_score *score, int n, ken_err *err)
{
    if (r->kind == KEN_STOP_DEV) return KEN_OK;
    ken_buf has = {0};
    int rc = KEN_OK;
    for (int i = 0; i < n; i++) ken_buf_printf(&has, "%s%.60s", i > 0 ? ", " : "", score[i].task);
    if (n == 0)
        rc = ken_fail(err, KEN_EUSAGE, "`stop_rule` goes by dev rows, and there are none; name them with `dev`");
    else if (r->kind == KEN_STOP_TASK && find_task(r, score, n) < 0)
        rc =
            ken_fail(err, KEN_EUSAGE,
                     "`stop_rule` task:%.60s: no dev row is of that task; they are of %s (the field \"task\" of a row)",
                     r->task, ken_buf_str(&has));
    else if (r->kind != KEN_STOP_TASK && n < 2)
        rc = ken_fail(err, KEN_EUSAGE,
                      "`stop_rule` weighs tasks against each other, and all dev rows are of one (%s); give rows of "
                      "other tasks a field \"task\"",
                      ken_buf_str(&has));
    ken_buf_free(&has);
    return rc;
}

/* hits of n; compared exactly: 1 - 2/3 is no more than 1/3. */
typedef struct share {
    uint64_t hits, n;
} share;

static bool less(share a, share b) { return (unsigned __int128)a.hits * b.n < (unsigned __int128)b.hits * a.n; }

/* The greatest loss of a task against its own best measurement. */
static share regret_of(const ken_task_score *score, int n, const uint64_t *most, const uint64_t *at)
{
    share regret = {0, 1};
    for (int i = 0; i < n; i++) {
        const share s = {most[i] - at[i], score[i].n};
        if (less(regret, s)) regret = s;
    }
    return regret;
}

static bool less_regret(const ken_task_score *score, int n, ken_stop_best *b)
{
    uint64_t now[KEN_STOP_TASKS];
    for (int i = 0; i < n; i++) {
        now[i] = score[i].hits;
        if (!b->any || now[i] > b->most[i]) b->most[i] = now[i];
    }
    const bool better = !b->any || less(regret_of(score, n, b->most, now), regret_of(score, n, b->most, b->at_best));
    for (int i = 0; i < n && better; i++) b->at_best[i] = now[i];
    return better;
}

static bool more_hits(uint64_t hits, ken_stop_best *b)
{
    const bool better = !b->any || hits > b->hits;
    if (better) b->hits = hits;
    return better;
}

bool ken_stop_rule_better(const ken_stop_rule *r, const ken_task_score *score, int n, ken_stop_best *b)
{
    bool better;
    uint64_t hits = 0;
    double mean = 0;
    for (int i = 0; i < n; i++) {
        hits += score[i].hits;
        mean += (double)score[i].hits / (double)score[i].n / n;
    }
    switch (r->kind) {
    case KEN_STOP_TASK: better = more_hits(score[find_task(r, score, n)].hits, b); break;
    case KEN_STOP_MIN_REGRET: better = less_regret(score, n, b); break;
    case KEN_STOP_MEAN:
        better = !b->any || mean > b->mean + ROUNDING;
        if (better) b->mean = mean;
        break;
    default: better = more_hits(hits, b);
    }
    b->any = true;
    return better;
}
