/* score_print.h - what `ken score` says, as text and as JSON. */
#ifndef KEN_CLI_SCORE_PRINT_H
#define KEN_CLI_SCORE_PRINT_H
#include "ken.h"

/* The saturation curve: shares (n_prompts, n_samples, 4), NaN where there is none. */
typedef struct cli_curve {
    const int *prompts, *samples; /* (n_prompts), (n_samples) */
    size_t n_prompts, n_samples;
    const double *share;
} cli_curve;

/* o: as it was asked for, to say what else the labels rest on. */
void cli_print_score(const ken_run *r, const ken_scoring *s, const ken_score_options *o);
/* A run without a label says so, and false comes back: there is nothing to score. */
bool cli_print_unlabelled(const ken_run *r, const ken_scoring *s);
void cli_print_curve(const ken_scoring *s, const cli_curve *c);
void cli_print_curve_csv(const cli_curve *c);
/* name_b: the other run's file. */
void cli_print_agreement(const ken_run *a, const ken_run *b, const char *name_b, const ken_agreement *x);

/* What the verdicts of a sheet (its file) say; and as one object. */
void cli_print_audited(const ken_scoring *s, const char *sheet, const ken_audited *x);
int cli_print_audited_json(const ken_scoring *s, const char *sheet, const ken_audited *a, ken_err *err);

/* One object a call, on one line; curve NULL = none; agreements (n) with the files they are with. */
int cli_print_score_json(const ken_run *r, const ken_scoring *s, const cli_curve *c, const char *const *names,
                         const ken_agreement *x, int n, ken_err *err);
/* The rows now: as `ken show --rows --json`, with what they were; or as lines. */
int cli_print_scored_rows(ken_scoring *s, const char *categories, bool changed, size_t limit, ken_err *err);
#endif
