/* train_table.h - a training as it goes: one line for each measurement, and curves at the end. */
#ifndef KEN_CLI_TRAIN_TABLE_H
#define KEN_CLI_TRAIN_TABLE_H
#include "ken.h"

/* The table grows on stderr while the training runs. */
typedef struct cli_train_table {
    bool kl; /* there is a teacher; set by the caller */
    bool begun, categories, dev, test, ood, divergence;
    double spent;      /* seconds spent on updates so far, measuring left out; the caller's to keep */
    double at_line;    /* of these, at the line before */
    uint64_t examples; /* then */
} cli_train_table;

/* Prints the line of a point, before the first one the head. */
void cli_train_line(cli_train_table *t, const ken_point *p, const ken_measure *m, size_t n);
/* Curves of what was measured so far, on a terminal that can show them. */
int cli_train_curves(ken_run *r, ken_err *err);
#endif
