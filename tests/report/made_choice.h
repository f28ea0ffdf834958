/* made_choice.h - a multiple choice run made up for the report's tests: how well each question is known is seeded, and `shift` changes it. Every
 * seventh question is long, as those about a passage are. */
#ifndef KEN_TESTS_MADE_CHOICE_H
#define KEN_TESTS_MADE_CHOICE_H
#include "ken.h"

/* `others` facts and, behind them, n questions. */
int make_choice_run(const char *path, size_t others, size_t n, double shift, ken_err *err);
#endif
