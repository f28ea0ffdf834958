/* comparison.h - two runs compared, as text and as JSON: what ken diff prints. */
#ifndef KEN_CLI_COMPARISON_H
#define KEN_CLI_COMPARISON_H
#include <jansson.h>
#include "ken.h"

typedef struct cli_comparison {
    const ken_diff *d;
    const ken_run *run[2];
    const char *path[2];
    size_t listed; /* lost facts shown, and as many gained ones */
} cli_comparison;

/* Which rows --rows names: "lost", "gained", "moved" (another category, or verdict), "all". */
bool cli_comparison_has(const ken_diff *d, const ken_diff_row *r, const char *which);

/* Of evaluations: from A's verdict to B's. A prompt that did not fit the context was not asked. */
enum { CLI_N_VERDICTS = 3 };
extern const char *const cli_verdict_name[CLI_N_VERDICTS];
void cli_verdicts(const ken_diff *d, uint64_t n[CLI_N_VERDICTS][CLI_N_VERDICTS]);

void cli_print_comparison(const cli_comparison *c);
/* One line for a row, under a head. */
void cli_print_comparison_head(const ken_diff *d);
void cli_print_compared(const ken_diff *d, const ken_diff_row *r);

json_t *cli_json_comparison(const cli_comparison *c);
json_t *cli_json_compared(const ken_diff *d, const ken_diff_row *r);
#endif
