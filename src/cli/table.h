/* table.h - the category table of a run, for reading in a terminal. */
#ifndef KEN_CLI_TABLE_H
#define KEN_CLI_TABLE_H
#include "ken.h"

/* 95 % interval of a share k/n after Wilson (1927); n = 0 gives [0, 1]. */
void cli_wilson(uint64_t k, uint64_t n, double *lo, double *hi);
/* Prints the last part of a path, without the extension of a model file. */
void cli_print_base_name(const char *path);
/* Prints title, relations in the order of index (n), totals and one line of conclusion. choice: multiple-choice rows, which have a
 * score and no categories. verbose adds an interval to each share. */
void cli_print_table(const ken_run *r, const size_t *index, size_t n, const ken_counts *total, bool choice,
                     bool verbose);
#endif
