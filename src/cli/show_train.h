/* show_train.h - `ken show --rows` for runs that are no annotations. */
#ifndef KEN_CLI_SHOW_TRAIN_H
#define KEN_CLI_SHOW_TRAIN_H
#include "ken.h"

int cli_show_trained(ken_run *r, ken_err *err);   /* the rows of a training, with when each was first fitted */
int cli_show_evaluated(ken_run *r, ken_err *err); /* the rows that an evaluation asked */
#endif
