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
/* "Bottom", "Whole", "Top", "Random50", "WholeMatched"; NULL past the last */
KEN_API const char *ken_arm_name(int arm);

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

/* ---- a synthetic world ---------------------------------------------------------------------------------------------- */

/* Facts whose every exposure is known, and a transformer that is pretrained on them from scratch: docs/method/salience.md#world. */
typedef struct ken_world_options {
    size_t size;
    int subjects, relations, answers; /* 1000, 5 (of 10 that there are), 20 of a relation */
    int wide_answers;                 /* of the first relation; 0 = answers */
    double alpha;                     /* Zipf's exponent of how often a subject is spoken of: 1 */
    int64_t sentences;                /* of the corpus, each telling one fact: 200000 */
    bool floor;                       /* each fact is told at least once: true */
    int paraphrases;                  /* ways to tell a fact, of 8; fewer: each fact has its own ones. 8 */
    bool unique_names;                /* no name is shared by two subjects: false, names are pairs from two pools */
    int per_document;                 /* consecutive sentences that make a document, between begin and end token: 5 */
    double asked; /* share of subjects whose questions are in the corpus, with answers: 0, the format is not known */
    int asked_repeats;               /* how often each: 4 */
    int unasked_relations;           /* the last ones, of which there are no questions but in ood.jsonl: 0 */
    int layers, width, heads, inner; /* of the network: 4, 128, 4, 384 */
    int epochs;                      /* passes over the corpus: 1 */
    size_t batch;                    /* documents an update: 64 */
    double lr, weight_decay;         /* 3e-3 at its peak, then down a cosine; 0.01 */
    uint64_t seed;                   /* of everything: 1 */
    const char *compute;             /* as for training */
    int threads;
    const char *isa;
    ken_poll_fn poll;
    ken_progress_fn progress;
    void *ctx;
} ken_world_options;

typedef struct ken_world_made {
    size_t subjects, facts, sentences, documents, words; /* words: of the vocabulary */
    size_t split[3];                                     /* facts for train, dev and test */
    uint64_t parameters;
    int64_t updates;
    double loss, seconds; /* nats a token over the last epoch's updates; of the pretraining */
} ken_world_made;

KEN_DEFAULTS(ken_world_options, ken_world_defaults)
/* Makes DIR: world.json (the options), corpus.jsonl, init (a model folder with random weights), model (the pretrained one), data (train, dev and
 * test questions, with exposures as popularity and, under `sentence`, the beginning of a sentence of the corpus), truth.jsonl (exposures, paraphrases,
 * first and last update of every fact), asked.jsonl and ood.jsonl where there are such facts; DONE last of all. Continues where an interrupted call
 * has stopped and ends in the same bits. KEN_EUSAGE naming an option; KEN_EINPUT when dir holds something else, or a world with other options;
 * KEN_ESTOP after a clean stop. */
KEN_API int ken_world_run(const ken_world_options *o, const char *dir, ken_world_made *out, ken_err *err);

/* ---- a model with random weights ------------------------------------------------------------------------------------- */

typedef struct ken_new_model_options {
    size_t size;
    const char *family;                                   /* "llama", "qwen2", "qwen3": llama */
    int layers, width, heads, kv_heads, head_size, inner; /* 2, 64, 4, 0 = heads, 0 = width / heads, 0 = 3 x width */
    int context;                                          /* tokens: 512 */
    bool tied;                                            /* the head is the token embedding: true */
    double rope_theta, norm_eps;                          /* 10000, 1e-5 */
    const char *
        words; /* a text whose words are tokens; NULL = bytes alone. A word behind a space is another token than at a line's start */
    uint64_t seed; /* 1 */
} ken_new_model_options;

KEN_DEFAULTS(ken_new_model_options, ken_new_model_defaults)
/* Writes a model folder into dir, which must be empty or not there; with a byte-level tokenizer. KEN_EUSAGE naming an option. */
KEN_API int ken_new_model(const ken_new_model_options *o, const char *dir, ken_err *err);
/* ---- what the truth says of the measures ------------------------------------------------------------------------------ */

/* Of synthetic worlds the exposures of every fact are known: do the measures that need no such knowledge find them, and which of them picks the better
 * half of the facts to fine-tune on? docs/method/salience.md#measures. */
enum {                      /* what facts are ranked by */
       KEN_RANK_EXPOSURES,  /* sentences that told the fact: the truth */
       KEN_RANK_POPULARITY, /* sentences about its subject */
       KEN_RANK_P,          /* P_Correct, asked in the form of the corpus */
       KEN_RANK_SALIENCE, /* logit of the answer less the mean logit of its relation's answers, mean over the 8 paraphrases */
       KEN_N_RANKS
};
KEN_API const char *ken_rank_name(int rank); /* "exposures", "popularity", "p", "salience"; NULL past the last */

typedef struct ken_measures_options {
    size_t size;
    bool contest;         /* fine-tune on the halves that each ranking picks: true */
    int contest_epochs;   /* 6 */
    size_t contest_batch; /* 64 */
    double contest_lr;    /* 1e-3, constant */
    int threads;
    const char *isa;
    ken_poll_fn poll;
    ken_progress_fn progress;
    void *ctx;
} ken_measures_options;

typedef struct ken_measures_bin { /* facts by exposures, of all worlds together */
    uint32_t least, most;         /* exposures */
    uint64_t facts, category[4];
    double p, salience; /* means */
} ken_measures_bin;

enum { KEN_CONTEST_BOTTOM, KEN_CONTEST_TOP, KEN_CONTEST_RANDOM, KEN_CONTEST_WHOLE, KEN_CONTEST_MATCHED, KEN_N_CONTEST };
typedef struct ken_contest {           /* accuracy on test questions */
    int arm;                           /* KEN_CONTEST_*; the last three do not depend on a ranking */
    int rank;                          /* KEN_RANK_*; -1 */
    ken_theory_mean best, last, epoch; /* at the best epoch by dev, at the last one; which epoch is the best */
    ken_theory_mean fit;               /* of the training rows, at the last epoch */
} ken_contest;

typedef struct ken_measures ken_measures;

KEN_DEFAULTS(ken_measures_options, ken_measures_defaults)
/* dirs (n): worlds that ken_world_run has finished, of one kind and different seeds. What is computed is kept in each (known.ken, contest/), so that an
 * interrupted call goes on. Intervals: t over worlds; of one world alone, bootstrap over subjects where there is one. */
KEN_API int ken_worlds_measure(ken_measures **out, const char *const *dirs, int n, const ken_measures_options *o,
                               ken_err *err);
KEN_API void ken_measures_free(ken_measures *m);
KEN_API int ken_measures_worlds(const ken_measures *m, size_t *facts); /* how many, and facts that were asked, in all */
KEN_API const ken_measures_bin *ken_measures_bins(const ken_measures *m, size_t *n);
/* Spearman's correlation of two rankings. */
KEN_API const ken_theory_mean *ken_measures_correlation(const ken_measures *m, int a, int b);
/* Of thresholds i = 0, 1, ...: how well p_unknown tells facts with fewer exposures than *below from others (area under the ROC curve); NULL past the last. */
KEN_API const ken_theory_mean *ken_measures_auroc(const ken_measures *m, size_t i, uint32_t *below);
KEN_API const ken_contest *ken_measures_contest(const ken_measures *m, size_t *n);
/* Top less Bottom of a ranking, paired by world, at the best epoch. */
KEN_API const ken_theory_mean *ken_measures_gap(const ken_measures *m, int rank);
/* A self-contained page; path ends in .html. KEN_EUSAGE rather than replacing a run or a model. */
KEN_API int ken_measures_write(const ken_measures *m, const char *path, ken_err *err);
/* Accuracy on test questions before any fine-tuning. */
KEN_API const ken_theory_mean *ken_measures_before(const ken_measures *m);
#endif
