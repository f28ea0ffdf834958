/* score_rows.h - the facts of `ken score` one by one. */
#ifndef KEN_CLI_SCORE_ROWS_H
#define KEN_CLI_SCORE_ROWS_H
#include "ken.h"

/* The rows now: with --json as `ken show --rows --json`, with what they were; or as lines. categories: bits; 0 = all. limit 0: all. */
int cli_print_scored_rows(ken_scoring *s, unsigned categories, bool changed, size_t limit, ken_err *err);
#endif
