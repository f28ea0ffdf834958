/* diff_rows.h - rows of a comparison one by one, as text and as JSON: what ken diff --rows prints. */
#ifndef KEN_CLI_DIFF_ROWS_H
#define KEN_CLI_DIFF_ROWS_H
#include <jansson.h>
#include "ken.h"

/* Which rows --rows names: "lost", "gained", "moved" (another category, or verdict), "all". */
bool cli_diff_has(const ken_diff *d, const ken_diff_row *r, const char *which);

/* One line for a row, under a head. */
void cli_print_compared_head(const ken_diff *d);
void cli_print_compared(const ken_diff *d, const ken_diff_row *r);
json_t *cli_json_compared(const ken_diff *d, const ken_diff_row *r);
#endif
