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
    struct sigaction a = {.sa_handler = on_signal}, old;
    sigemptyset(&a.sa_mask);
    /* A program started with SIGINT ignored (nohup, a shell's background job) keeps ignoring it. */
    if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a write past `ulimit -f` then fails like one on a full disk, with a message */
}

int cli_interrupted(void *ctx)
{
    (void)ctx;
    return caught != 0;
}
