/* rescore.h - one row of an annotation labelled again (ken.h, section score). The counts over a run are score.c. */
#ifndef KEN_STUDY_RESCORE_H
#define KEN_STUDY_RESCORE_H
#include "base/arena.h"
#include "study/label_rules.h"
#include "text/accept.h"

typedef struct ken_rescorer {
    ken_matcher run, to;     /* of the run, and asked for */
    const ken_data *aliases; /* for em-alias; NULL = none given */
    int prompts, samples;    /* asked for, not 0; samples a prompt */
    bool new_draw;           /* samples or seed are not the run's */
    uint64_t seed;
    const char *stop; /* of the run */
    bool mode;        /* category_mode is the label */
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

/* Scores one row into r->row and what stands behind it. Texts are borrowed from `in`. */
int ken_rescore(ken_rescorer *r, const ken_row *in, ken_err *err);
/* The matcher asked for, compiled with the row's golds; the caller's, free with ken_accept_free. Leaves the row last scored alone. */
int ken_rescore_matcher(ken_rescorer *r, const ken_row *in, ken_accept **out, ken_err *err);
/* Hits among n of `total` samples taken without replacement, of which `hits` were right: inverse CDF at u in [0,1). */
int ken_thin(int total, int hits, int n, double u);
/* Probability that none of them is. */
double ken_thin_miss(int total, int hits, int n);
#endif
