/* explain_print.h - an explanation for people, or as JSON. */
#ifndef KEN_CLI_EXPLAIN_PRINT_H
#define KEN_CLI_EXPLAIN_PRINT_H
#include "ken.h"

/* Shows at most `top` paths and answers for each prompt (JSON: all). */
int cli_print_explanation(const ken_explanation *x, int top, ken_err *err);
#endif
