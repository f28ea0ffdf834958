/* evaluation.h - what an evaluation says, for people and as JSON; the same from ken eval and from a run that kept it. */
#ifndef KEN_CLI_EVALUATION_H
#define KEN_CLI_EVALUATION_H
#include <jansson.h>
#include "ken.h"

typedef struct cli_evaluation { /* one of e and r */
    const ken_evaluation *e;
    const ken_run *r;
    const ken_measure *m; /* (n) by set, grouping, key */
    size_t n;
    const ken_change *c; /* (n_changes) against an earlier one, or NULL */
    size_t n_changes;
} cli_evaluation;

const char *cli_evaluation_setting(const cli_evaluation *v, const char *key);
/* The measure of all questions ("eval") or multiple choice rows ("mmlu"); NULL when only texts were read. */
const ken_measure *cli_evaluation_all(const cli_evaluation *v);
/* The groups of a set and grouping (n_out), in the order in which they are shown: categories as everywhere, others by key. The
 * caller frees with free; NULL when out of memory. */
const ken_measure **cli_measure_groups(const ken_measure *m, size_t n, const char *set, const char *grouping,
                                       size_t *n_out);

void cli_print_evaluation(const cli_evaluation *v);
json_t *cli_json_evaluation(const cli_evaluation *v);
json_t *cli_json_measure(const ken_measure *m); /* counts, shares and intervals, without set and key */
/* One line for a row that was asked; more (n_more) are the names of the further matchers. */
void cli_print_evaluated(const ken_evaluated *row);
json_t *cli_json_evaluated(const ken_evaluated *row, const ken_measure *of);

/* nll a token, e to that, bits a byte */
double cli_loss_per_token(const ken_measure *m);
double cli_bits_per_byte(const ken_measure *m);
#endif
