/* train_table.h - a training as it goes: one line for each measurement, curves at the end, and the same as JSON. */
#ifndef KEN_CLI_TRAIN_TABLE_H
#define KEN_CLI_TRAIN_TABLE_H
#include <jansson.h>
#include "ken.h"

/* The table grows on stderr while the training runs. */
typedef struct cli_train_table {
    bool kl; /* there is a teacher: the caller says so */
    bool begun, categories, dev, test, ood;
    double spent;      /* seconds spent on updates so far, measuring left out; the caller's to keep */
    double at_line;    /* of these, at the line before */
    uint64_t examples; /* then */
} cli_train_table;

/* Prints the line of a point, before the first one the head. */
void cli_train_line(cli_train_table *t, const ken_point *p, const ken_measure *m, size_t n);
/* Curves of what was measured so far, on a terminal that can show them. */
int cli_train_curves(ken_run *r, ken_err *err);

/* A point with everything measured there. */
json_t *cli_json_point(const ken_point *p, const ken_measure *m, size_t n);
#endif
