/* show_train.h - `ken show` for runs that are no annotations: the curve of a training, an evaluation that was kept. */
#ifndef KEN_CLI_SHOW_TRAIN_H
#define KEN_CLI_SHOW_TRAIN_H
#include "ken.h"

/* rows: the rows instead of the table (trained rows with when they were first fitted; rows that were asked). */
int cli_show_train(ken_run *r, bool rows, ken_err *err);
int cli_show_evaluation(ken_run *r, bool rows, ken_err *err);
#endif
