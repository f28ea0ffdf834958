/* watch.c - see watch.h. */
#include "know/watch.h"
#include <time.h>

double ken_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int ken_watch_poll(void *watch)
{
    ken_watch *w = watch;
    if (w == NULL) return 0;
    w->now.seconds = ken_clock() - w->began;
    if (w->progress != NULL) w->progress(w->ctx, &w->now);
    return w->poll != NULL && w->poll(w->ctx);
}

void ken_watch_done(ken_watch *w, uint64_t done, uint64_t total)
{
    if (w == NULL) return;
    w->now.done = done;
    w->now.total = total;
}

int ken_watch_check(ken_watch *w, ken_err *err)
{
    return ken_watch_poll(w) ? ken_fail(err, KEN_ESTOP, "stopped") : KEN_OK;
}

int ken_watch_stage(ken_watch *w, const char *name, uint64_t done, uint64_t total, ken_err *err)
{
    if (w != NULL) {
        w->now.stage = name;
        w->now.work = w->now.work_total = 0;
    }
    ken_watch_done(w, done, total);
    return ken_watch_check(w, err);
}
