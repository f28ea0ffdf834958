/* signal.c - the two-stage interrupt: the first SIGINT or SIGTERM asks, the second one kills.
 *
 * The handler puts the default action back, so that the second signal does not depend on anything of ours still working. */
#include "cli/cli.h"
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
    (void)sig;
    caught = 1;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

void cli_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};
    sigemptyset(&a.sa_mask);
    /* Also where SIGINT came ignored, as in a script's background job: a clean stop loses nothing, and whoever sends the signal to
     * a job of an hour means it. */
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a write past `ulimit -f` then fails like one on a full disk, with a message */
}

int cli_interrupted(void *ctx)
{
    (void)ctx;
    return caught != 0;
}

int cli_open_run(ken_run **out, const char *path, ken_err *err)
{
    int rc = ken_run_open(out, path, err);
    if (rc == KEN_OK) ken_run_set_poll(*out, cli_interrupted, NULL);
    return rc;
}
