/* threshold.h - --fail-if 'accuracy<30%': a condition on what a verb measured, for scripts. */
#ifndef KEN_CLI_THRESHOLD_H
#define KEN_CLI_THRESHOLD_H
#include "ken.h"

typedef struct cli_threshold {
    int metric;   /* index into the names given */
    bool below;   /* < or <=; else > or >= */
    bool equal;   /* <= or >= */
    bool percent; /* the number was given in percent */
    double value; /* "30%" is 0.3 */
} cli_threshold;

/* KEN_EUSAGE when text is not METRIC<NUMBER or METRIC>NUMBER with a metric of names (n), a NUMBER perhaps in percent. */
int cli_threshold_parse(cli_threshold *t, const char *text, const char *const *names, size_t n, ken_err *err);
/* Whether the condition holds, that is: the verb fails. NaN never does. */
bool cli_threshold_holds(const cli_threshold *t, double value);
#endif
