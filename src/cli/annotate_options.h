/* annotate_options.h - the options that decide a label or how the work is done, shared by the verbs that ask a model. */
#ifndef KEN_CLI_ANNOTATE_OPTIONS_H
#define KEN_CLI_ANNOTATE_OPTIONS_H
#include "cli/options.h"
#include "cli/progress.h"

typedef struct cli_annotate_settings {
    ken_annotate_options o;
    cli_list splits, relations;
    const char *exemplars; /* path of --exemplars, or NULL */
} cli_annotate_settings;

extern cli_annotate_settings cli_annotate;
extern const cli_option cli_label_options[];   /* what decides a label: prompts, samples, matcher, ... */
extern const cli_option cli_which_options[];   /* which rows are asked, with which exemplars */
extern const cli_option cli_compute_options[]; /* how it is computed: threads, compute, isa, memory */

/* How much was done and how fast, as a note. */
void cli_annotate_note_done(const char *path, const cli_progress *p);
/* The message of a job that was stopped: what is kept, and how to go on. */
void cli_annotate_stopped(const char *path, const cli_progress *p, ken_err *err);
void cli_annotate_init(void); /* the library's defaults */
/* What was set, to be stopped by a signal and to show how far it is. */
ken_annotate_options cli_annotate_options(cli_progress *p);
#endif
