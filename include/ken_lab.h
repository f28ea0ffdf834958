/* ken_lab.h - the laboratory: a model small enough to see through; a part of ken.h, which includes it.
 *
 *     ken_theory_options o = ken_theory_defaults();
 *     ken_theory *t;
 *     if (ken_theory_run(&t, &o, &err) == KEN_OK) { const ken_theory_cell *c = ken_theory_cells(t, &n); ... }
 *
 * The question is that of Ghosal, Hashimoto and Raghunathan (ICML 2024, arXiv 2406.14785); the model's form, the protocol and all numbers are
 * ours or second-hand: docs/method/salience.md says which. */
#ifndef KEN_H
#include "ken.h" /* which includes this file at its place */
#elif !defined KEN_LAB_H
#define KEN_LAB_H

/* ---- one-layer theory ----------------------------------------------------------------------------------------------- */

/* What is fine-tuned on. Subjects are numbered by popularity; those with an even number are for training, the others held out. */
enum {
    KEN_ARM_BOTTOM, /* the less popular half of the train subjects */
    KEN_ARM_WHOLE,
    KEN_ARM_TOP,           /* the more popular half */
    KEN_ARM_RANDOM,        /* half of them at random */
    KEN_ARM_WHOLE_MATCHED, /* Whole, with as many updates as the halves have */
    KEN_N_ARMS
};
KEN_API const char *
ken_arm_name(int arm); /* "Bottom", "Whole", "Top", "Random50", "WholeMatched"; NULL past the last */

typedef struct ken_theory_options {
    size_t size;
    const double *alphas; /* (n_alphas) Zipf exponents: 0.6, 1, 1.4 */
    int n_alphas;
    const int64_t *steps; /* (n_steps) of pretraining, rising: 15000, 30000, 60000, 120000, 300000 */
    int n_steps;
    int seeds;                        /* 5 */
    uint64_t seed;                    /* the first of them: 1 */
    int subjects, relations, answers; /* 1000, 5, 20 of a relation; subjects in fours */
    double lr_pretrain, lr;           /* of W_V in pretraining: 0.5; of W_KQ in fine-tuning: 0.3 */
    int epochs;                       /* of fine-tuning; one has as many updates as the arm has facts: 5 */
    int full_batch; /* steps an epoch in place of single examples, each the mean over all facts of the arm; 0 = none */
    double shared;  /* c^2: the weight of a direction that all subjects share, from 0 to below 1: 0 */
    unsigned arms;  /* bits 1 << KEN_ARM_*; 0 = all */
    /* Training of W_V and W_KQ together, in the same format: all pairs of these learning rates, each arm with the updates of a half */
    bool joint; /* true */
    double joint_alpha;
    int64_t joint_steps;                                 /* 1, 60000 */
    int joint_seeds, joint_epochs;                       /* 5 (at most as many as seeds), 20 */
    const double *joint_lr_values, *joint_lr_attentions; /* 0.03, 0.1, 0.3; 0.02, 0.1, 0.3 */
    int n_joint_lr_values, n_joint_lr_attentions;
    int threads; /* 0 = all cores; no result depends on it */
    ken_poll_fn poll;
    ken_progress_fn progress;
    void *ctx; /* for poll and progress */
} ken_theory_options;

typedef struct ken_theory_mean { /* over seeds */
    int n;
    double mean, sd; /* sd of the seeds themselves (population) */
    double lo, hi;   /* 95 % t interval of the mean; NaN with one seed */
} ken_theory_mean;

typedef struct ken_theory_arm {
    bool there;
    ken_theory_mean accuracy;    /* held out: share of facts answered right by argmax */
    ken_theory_mean quartile[4]; /* of the most popular quarter of subjects, ..., the least popular one */
    ken_theory_mean attention;   /* to a held-out subject, mean over relations */
    const double *curve;         /* (n_curve) mean accuracy after each epoch; borrowed */
    int n_curve;
} ken_theory_arm;

/* By the held-out accuracy of Whole, mean over seeds: docs/method/salience.md#learning-cells */
enum {
    KEN_CELL_EARLY,
    KEN_CELL_BORDER,
    KEN_CELL_LEARNING,
    KEN_CELL_SATURATED,
    KEN_CELL_UNKNOWN /* Whole was not trained */
};
KEN_API const char *ken_cell_zone_name(int zone); /* "early", "border", "learning", "saturated", "unknown" */

typedef struct ken_theory_cell { /* one Zipf exponent, one length of pretraining */
    double alpha;
    int64_t steps;
    int seeds, zone; /* KEN_CELL_* */
    ken_theory_arm arm[KEN_N_ARMS];
    ken_theory_mean before, before_quartile[4];    /* accuracy before fine-tuning, attention 1/2 */
    ken_theory_mean best_accuracy, best_attention; /* of the best attention that all relations have in common */
    ken_theory_mean top_bottom, top_whole; /* paired differences of accuracy; n 0 where an arm was not trained */
    ken_theory_mean whole_matched;         /* WholeMatched - Whole */
    ken_theory_mean bottom_before, gap_quartile[4]; /* Bottom - before; Top - Bottom by quartile */
    ken_theory_mean salience;                       /* Spearman's rho of S and exposures, all facts */
} ken_theory_cell;

typedef struct ken_theory_joint { /* one pair of learning rates, after one epoch */
    double alpha, lr_value, lr_attention;
    int64_t steps;
    int epoch, seeds;
    ken_theory_mean accuracy[KEN_N_ARMS], attention[KEN_N_ARMS]; /* Bottom, Whole, Top; n 0 for others */
    ken_theory_mean before;
    bool best[KEN_N_ARMS]; /* the arm's best epoch with this pair, by mean accuracy */
    bool last;
    /* After the last epoch: Bottom's accuracy with the attention before fine-tuning, and with Top's; else n is 0 */
    ken_theory_mean bottom_patched_before, bottom_patched_top;
} ken_theory_joint;

typedef struct ken_theory_part { /* a check says several things */
    const char *what, *want, *where;
    int holds; /* 1, 0, -1: cannot be told here, and `where` says why */
    double value;
} ken_theory_part;

typedef struct ken_theory_check {
    const char *id;    /* "C1" ... "C8": docs/method/salience.md#checks */
    const char *claim; /* in words */
    const char
        *origin;  /* "paper", "secondary", "derived" or "ours": where the claim comes from; its numbers are ours */
    int holds;    /* of all parts that can be told; -1: none can */
    double value; /* of its first part, and what was wanted of it */
    const char *want;
    const char *where; /* where it does not hold; "" */
    const ken_theory_part *part;
    int n_parts;
} ken_theory_check;

typedef struct ken_theory ken_theory;

KEN_DEFAULTS(ken_theory_options, ken_theory_defaults)
/* KEN_EUSAGE for what makes no sense or fits no memory, naming the field; KEN_ESTOP. Free with ken_theory_free. */
KEN_API int ken_theory_run(ken_theory **out, const ken_theory_options *o, ken_err *err);
KEN_API void ken_theory_free(ken_theory *t);
KEN_API const ken_theory_cell *ken_theory_cells(const ken_theory *t, size_t *n);   /* by alpha, then steps; borrowed */
KEN_API const ken_theory_joint *ken_theory_joints(const ken_theory *t, size_t *n); /* by pair, then epoch; borrowed */
KEN_API const ken_theory_check *ken_theory_checks(const ken_theory *t, size_t *n); /* borrowed */
KEN_API const ken_theory_options *ken_theory_settings(const ken_theory *t);        /* as they were taken; borrowed */
KEN_API double ken_theory_seconds(const ken_theory *t);
/* A self-contained page with plots when path ends in .html; else a folder, which is made: theory.html, each plot as SVG and its numbers as CSV.
 * Each file is whole or not there; KEN_EUSAGE rather than replacing a run or a model. */
KEN_API int ken_theory_write(ken_theory *t, const char *path, ken_err *err);
/* Can it be written there? To be called before long work; a folder is made. */
KEN_API int ken_theory_probe(const char *path, ken_err *err);
#endif
