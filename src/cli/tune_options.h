/* tune_options.h - the options about what is trained on, shared by the verbs that train and select. */
#ifndef KEN_CLI_TUNE_OPTIONS_H
#define KEN_CLI_TUNE_OPTIONS_H
#include "cli/options.h"

typedef struct cli_tune_settings {
    ken_train_data o;
    ken_data_options read; /* its read: data_options.h says how */
    cli_list splits, relations;
    const char *subjects;    /* "A-B" or NULL */
    const char *half_within; /* "all", "relation" */
    cli_list idk;
    cli_list mix; /* "FILE:weight" */
    ken_mix part[CLI_LIST_MAX];
} cli_tune_settings;

extern cli_tune_settings cli_tune;
extern const cli_option cli_tune_options[];       /* which rows, with which targets and weights */
extern const cli_option cli_tune_model_options[]; /* what needs a model besides */

void cli_tune_init(void); /* after cli_data_init, whose options say how data are read */
/* The whole of what was asked for, for data at path (borrowed): with the settings of data_options.h and the mixtures.
 * KEN_EUSAGE for a mixture that is not FILE:weight, and for a part of the subjects that is none. */
int cli_tune_data(ken_train_data *out, const char *path, ken_err *err);
/* Notes on stderr about counts that the user may not expect. */
void cli_tune_notes(const ken_train_data_stats *d);
#endif
