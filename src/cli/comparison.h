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

/* Categories rather than right and wrong: annotated rows that are no multiple choice. */
bool cli_comparison_categories(const ken_diff *d, const ken_diff_group *g);

void cli_print_comparison(const cli_comparison *c);
/* One line for a row, under a head. */
void cli_print_comparison_head(const ken_diff *d);
void cli_print_compared(const ken_diff *d, const ken_diff_row *r);

json_t *cli_json_comparison(const cli_comparison *c);
json_t *cli_json_compared(const ken_diff *d, const ken_diff_row *r);
#endif
