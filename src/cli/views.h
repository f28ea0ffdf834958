/* views.h - a result in each of the forms that the program has: on a terminal, and as JSON, CSV and LaTeX. */
#ifndef KEN_CLI_VIEWS_H
#define KEN_CLI_VIEWS_H
#include "ken.h"

/* Prints and frees v. With --json one object. */
int cli_print_views(ken_views *v, ken_err *err);
typedef int (*cli_form)(const ken_views *v, char **text, ken_err *err); /* ken_views_csv, ken_views_latex */
int cli_print_form(ken_views *v, cli_form form, ken_err *err);          /* prints and frees v */

/* Verbs whose tables may be wanted as files. */
typedef struct cli_tables {
    bool csv, latex;
} cli_tables;
/* clang-format off */
#define CLI_TABLE_OPTIONS(of)                                                                                          \
    {"csv", 0, NULL, CLI_FLAG, &(of).csv, "print the tables as CSV, with all their rows and columns"},                 \
    {"latex", 0, NULL, CLI_FLAG, &(of).latex, "print the tables as LaTeX, for a paper"}
/* clang-format on */
/* rows: they are asked for instead of tables. */
int cli_check_tables(const cli_tables *as, bool rows, ken_err *err);
/* Prints and frees v, in the form that was asked for. */
int cli_print_tables(ken_views *v, const cli_tables *as, ken_err *err);
#endif
