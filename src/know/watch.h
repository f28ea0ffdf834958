/* watch.h - the progress of a long job, and whether it is asked to stop. */
#ifndef KEN_KNOW_WATCH_H
#define KEN_KNOW_WATCH_H
#include "base/error.h"

double ken_clock(void); /* seconds since an arbitrary moment: for differences */

typedef struct ken_watch {
    int (*poll)(void *ctx); /* nonzero = stop; NULL = never */
    ken_progress_fn progress;
    void *ctx;
    double began;     /* ken_clock() */
    ken_progress now; /* the seconds are filled in */
} ken_watch;

/* Watch NULL, here and below: no progress is reported and the job is never stopped. */
void ken_watch_done(ken_watch *w, uint64_t done, uint64_t total);
int ken_watch_poll(
    void *watch); /* for a network or learner, with the watch as its ctx: reports, returns what poll says */
/* The same between the steps of a job: KEN_OK or KEN_ESTOP. */
int ken_watch_check(ken_watch *w, ken_err *err);
int ken_watch_stage(ken_watch *w, const char *name, uint64_t done, uint64_t total, ken_err *err);
#endif
