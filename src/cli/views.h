/* views.h - a result in each of the forms that the program has: on a terminal, and as JSON, CSV and LaTeX. */
#ifndef KEN_CLI_VIEWS_H
#define KEN_CLI_VIEWS_H
#include "ken.h"

/* Prints and frees v. With --json one object. */
int cli_print_views(ken_views *v, ken_err *err);
typedef int (*cli_form)(const ken_views *v, char **text, ken_err *err); /* ken_views_csv, ken_views_latex */
int cli_print_form(ken_views *v, cli_form form, ken_err *err);          /* prints and frees v */
#endif
