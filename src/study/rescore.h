/* rescore.h - one row of an annotation labelled again (ken.h, section score). The counts over a run are score.c. */
#ifndef KEN_STUDY_RESCORE_H
#define KEN_STUDY_RESCORE_H
#include "base/arena.h"
#include "study/label_rules.h"
#include "know/golds.h"

typedef struct ken_rescorer {
    ken_matcher run;         /* of the run */
    ken_gold_rules to;       /* asked for; the stop string is the run's */
    const ken_data *aliases; /* a table for em-alias in place of the run's own names; NULL = none given */
    int prompts, samples;    /* asked for, not 0; samples a prompt */
    bool new_draw;           /* samples or seed are not the run's */
    uint64_t seed;
    bool mode; /* category_mode is the label */
    double mass_budget;
    bool by_rules;
    ken_label_rules rules;

    /* Of the row last scored; emptied by the next. */
    ken_arena arena;
    ken_row row;
    ken_scored how;
    int n_all;  /* prompts of the run; row has the first so many of them. 0 without a label */
    bool *hit;  /* (n_all) greedy verdicts, of an open row those that are certain */
    double *lo; /* (n_all) bounds of the probability that a sample is accepted */
    double *hi; /* (n_all) */
    int *drawn; /* (n_all) accepted ones of n_drawn samples; NULL in exact runs */
    int n_drawn;
    int greedy_was; /* hits of the run among the same prompts */
} ken_rescorer;

/* Scores one row into r->row and the fields after it. Texts are borrowed from `in`. */
int ken_rescore(ken_rescorer *r, const ken_row *in, ken_err *err);
/* The row's golds under the rules asked for; the caller's, free with ken_golds_free, also after a failure. Of the row last scored it changes
 * the aliases alone. */
int ken_rescore_golds(ken_rescorer *r, const ken_row *in, ken_golds *out, ken_err *err);
/* Hits among n of `total` samples taken without replacement, of which `hits` were right: inverse CDF at u in [0,1). */
int ken_hypergeometric_draw(int total, int hits, int n, double u);
/* Probability that none of them is. */
double ken_hypergeometric_miss(int total, int hits, int n);
#endif
