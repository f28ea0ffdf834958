/* rows.h - the rows of a run as lines: JSON, or a table for people. */
#ifndef KEN_CLI_ROWS_H
#define KEN_CLI_ROWS_H
#include "ken.h"

typedef struct cli_row_filter {
    ken_names relations; /* none = all */
    unsigned categories; /* bits 1 << KEN_HIGHLY_KNOWN ...; 0 = all */
    const char *sort;    /* NULL = data order; a key of cli_row_sort_keys, "-" in front for falling order */
    size_t limit;        /* 0 = all */
} cli_row_filter;

#define CLI_ROW_SORT_KEYS "order|id|p_t|p_t0|p_unknown|p_flip|margin|popularity"

/* Prints the rows that pass. KEN_EINPUT when the run cannot be read. */
int cli_print_rows(ken_run *r, const cli_row_filter *f, ken_err *err);
#endif
