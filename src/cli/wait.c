/* wait.c - threads that wait without spinning. libgomp reads OMP_WAIT_POLICY when it is loaded, before main: so the program starts itself once
 * more, with the policy set. Measured in docs/SPEED.md ("Several programs on the same cores"). */
#include "cli/cli.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STARTED "KEN_STARTED_AGAIN" /* so that a policy which does not stick is no loop */

void cli_wait_passively(char **argv)
{
    char self[PATH_MAX];
    const bool again = getenv(STARTED) != NULL;
    unsetenv(STARTED); /* programs that we start are not us */
    if (again || getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL) return;
    /* The file's own name, not /proc/self/exe: ps, top and pkill should still see "ken". */
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return;
    self[n] = '\0';
    if (setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
    if (setenv(STARTED, "1", 1) == 0) execv(self, argv);
    /* It cannot be started again (the file was replaced, say): then threads spin, and all else is the same. */
    unsetenv(STARTED);
    unsetenv("OMP_WAIT_POLICY");
}
