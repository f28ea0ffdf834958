/* progress.h - how far a long verb is, on stderr: a line that renews itself on a terminal, a plain line each 30 s elsewhere. */
#ifndef KEN_CLI_PROGRESS_H
#define KEN_CLI_PROGRESS_H
#include "ken.h"

typedef struct cli_progress {
    bool tty, shown;
    double last;         /* seconds at the last line */
    uint64_t first_done; /* examples that were there when the work began: a resumed run must not look fast */
    bool started;
    const char *stage;
    /* How fast it goes: what was done of late and in which time, both fading, so that a machine that others use too shows as slower. */
    double unit, changed; /* done of the stage at its last change (work where there is some, else examples), and when */
    double recent, recent_seconds;
    ken_progress now; /* the last report */
} cli_progress;

void cli_progress_start(cli_progress *p);
void cli_progress_show(void *p, const ken_progress *now); /* a ken_progress_fn */
void cli_progress_end(cli_progress *p);                   /* clears the line */
/* How long the stage will still take; below 0 where nothing is known yet. */
double cli_progress_left(const cli_progress *p, const ken_progress *now);
/* "2h05m", "3m07s" or "8.2s"; out (16 bytes) */
void cli_duration(double seconds, char out[16]);
#endif
