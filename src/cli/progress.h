/* progress.h - how far a long verb is, on stderr: a line that renews itself on a terminal, a plain line each 30 s elsewhere. */
#ifndef KEN_CLI_PROGRESS_H
#define KEN_CLI_PROGRESS_H
#include "ken.h"

typedef struct cli_progress {
    bool tty, shown;
    double last;         /* seconds at the last line */
    uint64_t first_done; /* examples that were there when the work began: a resumed run must not look fast */
    bool started;
    double began; /* seconds when the stage began */
    const char *stage;
    ken_progress now; /* the last report */
} cli_progress;

void cli_progress_start(cli_progress *p);
void cli_progress_show(void *p, const ken_progress *now); /* a ken_progress_fn */
void cli_progress_end(cli_progress *p);                   /* clears the line */
/* "2h05m", "3m07s" or "8.2s"; out (16 bytes) */
void cli_duration(double seconds, char out[16]);
#endif
