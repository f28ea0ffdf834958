/* data_options.h - the options about reading data, shared by data, annotate and explain. */
#ifndef KEN_CLI_DATA_OPTIONS_H
#define KEN_CLI_DATA_OPTIONS_H
#include "cli/options.h"

typedef struct cli_data_settings {
    ken_data_options o;
    const char *protocol; /* NULL or "slick" */
} cli_data_settings;

extern cli_data_settings cli_data;
extern const cli_option cli_data_options[];

void cli_data_init(void);
/* Opens with the settings above (--protocol included); KEN_EINPUT and the message of the library. */
/* Says that padding was cut off so many rows; nothing for 0. */
void cli_note_cleaned(size_t rows);
/* Says on stderr what was decided while reading. */
int cli_data_open(ken_data **out, const char *path, ken_err *err);
/* Opens exemplar data: the same fields and format rules, but neither filter nor --skip-bad. path NULL: there are none. */
/* The world facts, for data with too few rows to serve each other; *out stays NULL when `exemplars` names others, or the facts are not there. */
int cli_data_open_fallback(ken_data **out, const char *exemplars, ken_err *err);
int cli_data_open_exemplars(ken_data **out, const char *path, ken_err *err);
#endif
