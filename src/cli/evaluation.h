/* evaluation.h - a row that was asked, for people and as JSON; the same from ken eval and from a run that kept it. */
#ifndef KEN_CLI_EVALUATION_H
#define KEN_CLI_EVALUATION_H
#include <jansson.h>
#include "ken.h"

void cli_print_evaluated(const ken_evaluated *row); /* one line */
json_t *cli_json_evaluated(const ken_evaluated *row,
                           const ken_measure *of); /* of: has the names of the further matchers */
#endif
