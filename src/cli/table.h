/* table.h - the category table of a run, for reading in a terminal. */
#ifndef KEN_CLI_TABLE_H
#define KEN_CLI_TABLE_H
#include "ken.h"

/* 95 % interval of a share k/n after Wilson (1927); n = 0 gives [0, 1]. */
void cli_wilson(uint64_t k, uint64_t n, double *lo, double *hi);
/* Begins a title: "MODEL with ADAPTER on DATA", the model by the last part of its path; NULL is left out. */
void cli_print_subject(const char *model, const char *adapter, const char *data);
/* What a group of measures is called: quarters of popularity are numbered in a run. */
const char *cli_group_name(const char *grouping, const char *key);
/* Prints title, relations in the order of index (n), totals and one line of conclusion. choice: multiple-choice rows, which have a
 * score and no categories. verbose adds an interval to each share. */
void cli_print_table(const ken_run *r, const size_t *index, size_t n, const ken_counts *total, bool choice,
                     bool verbose);
#endif
