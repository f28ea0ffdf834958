/* ken_study.h - what runs say together: differences, labels scored again, the linear model, reports; a part of ken.h, which includes it. */
#ifndef KEN_H
#include "ken.h" /* which includes this file at its place */
#elif !defined KEN_STUDY_H
#define KEN_STUDY_H

/* ---- diff ----------------------------------------------------------------------------------------------------------- */

/* What moved between two runs over the same facts: before and after a fine-tuning, two models, two checkpoints, two quantisations. Both
 * are annotations, or both evaluations (then right and wrong take the place of categories).
 *
 * Multiple choice has no categories (docs/method/knowledge.md#multiple-choice), but each of its prompts has a right or a wrong option
 * chosen. Ours: a question counts as right when more than half of its prompts have it right; a tie is wrong, and so are fewer, even if no
 * other option has more. Guessing again with each of ten prompts and four options then has 2 % of the questions right, and 25 % of the
 * prompts. Multiple choice rows and others are never added up: each group is of one kind. */
typedef struct ken_diff ken_diff;

enum { KEN_MOVE_NONE, KEN_MOVE_LOST, KEN_MOVE_GAINED, KEN_MOVE_UNLABELLED };
/* Distance of a fact to the training set: the least of these that holds. */
enum {
    KEN_NEAR_TRAINED, /* the question itself was trained */
    KEN_NEAR_SUBJECT, /* another fact about the same subject */
    KEN_NEAR_ANSWER,  /* another fact with the same answer, in the same relation */
    KEN_NEAR_RELATION,
    KEN_NEAR_ANSWER_ELSEWHERE, /* the same answer in another relation */
    KEN_NEAR_NOTHING,
    KEN_NEAR_UNKNOWN, /* no training set was given */
    KEN_N_NEAR
};
KEN_API const char *ken_near_name(int near); /* "trained", "same subject", ... */

typedef struct ken_diff_side {
    int category;                /* KEN_N_CATEGORIES in evaluations */
    bool known;                  /* HighlyKnown or MaybeKnown; in evaluations and multiple choice: right */
    int greedy_hits, prompts;    /* evaluations: 0 or 1 of 1 */
    double p_t0, p_t, p_unknown; /* NaN in evaluations, but for p_t0, and p_t of multiple choice */
    const char *says;            /* the commonest greedy answer, the option chosen most often; NULL = not stored */
    int says_prompts;            /* of how many prompts */
    bool says_right;
} ken_diff_side;

typedef struct ken_diff_row {
    const char *id, *relation, *split, *question, *subject;
    const char *answer; /* the first accepted one */
    double popularity;
    int quartile; /* of popularity among the rows both have, 1 = least popular; 0 = none */
    int move;     /* KEN_MOVE_* */
    int near;     /* KEN_NEAR_* */
    bool choice;  /* multiple choice, in both */
    ken_diff_side a, b;
} ken_diff_row;

enum { KEN_RIGHT, KEN_WRONG, KEN_NOT_ASKED /* too long for the context */, KEN_N_VERDICTS };
KEN_API const char *ken_verdict_name(int verdict); /* "right", "wrong", "not asked" */

typedef struct ken_diff_group { /* rows that both runs have, of one kind */
    const char *grouping, *key; /* "all" and "", "relation", "popularity", "category" (that of A), "near", "split" */
    bool choice;                /* multiple choice */
    uint64_t n;
    uint64_t moved[KEN_N_CATEGORIES][KEN_N_CATEGORIES]; /* from A's category to B's; else zero */
    uint64_t verdict[KEN_N_VERDICTS]
                    [KEN_N_VERDICTS];    /* the same of evaluations and multiple choice, which have no categories */
    uint64_t known_a, known_b;           /* HighlyKnown or MaybeKnown; or right */
    uint64_t rest_a, rest_b;             /* the other rows that have a label; or wrong */
    uint64_t lost, gained;               /* docs/method/knowledge.md#lost-gained */
    double lost_share, lost_lo, lost_hi; /* of known_a, with the Wilson interval */
    double gained_share, gained_lo, gained_hi; /* of rest_a */
    double mcnemar;                            /* exact, of lost against gained */
    double p_t0_a, p_t0_b, p_t0_change, p_t0_lo,
        p_t0_hi; /* mean greedy accuracy; of the change: 95 % t interval of paired rows */
    double p_t_a, p_t_b, p_t_change, p_t_lo, p_t_hi;   /* mean P_Correct; NaN in evaluations */
    double p_t_test;                                   /* paired t test of p_t (evaluations: of p_t0), two-sided */
    double p_t0_a_lo, p_t0_a_hi, p_t0_b_lo, p_t0_b_hi; /* 95 % t intervals of the means, over rows */
    double p_t0_test;                                  /* paired t test of p_t0 */
    double known_change, known_lo, known_hi; /* of the share known, of rows that both label: 95 % t interval of pairs */
    double guess_p_t0,
        guess_known; /* multiple choice: what guessing has of p_t0 and of known; NaN = not known, or other rows */
} ken_diff_group;

enum {                   /* points of a training */
       KEN_ANSWERS_LAST, /* its last measurement: the paper's CONVERGENCE, where it has converged */
       KEN_ANSWERS_BEST  /* the one with the best dev: EARLY_STOP */
};

typedef struct ken_diff_options {
    size_t size;
    int label; /* KEN_LABEL_* */
    const char *const *
        trained; /* (n_trained) what was trained on: train.ken, a training's folder, or rows as `ken train` reads them */
    int n_trained;
    bool allow_different; /* other questions under the same id, other settings: compare what is the same, and say so */
    int answers_a,
        answers_b; /* KEN_ANSWERS_*: which of the answers that a training keeps; of other runs nothing to choose */
} ken_diff_options;

KEN_DEFAULTS(ken_diff_options, ken_diff_defaults)
/* Rows are joined by id and must ask the same question. KEN_EINPUT when the runs were asked about other data, saying what they have in
 * common. Reads both runs; keeps neither. Free with ken_diff_free. */
KEN_API int ken_diff_runs(ken_diff **out, ken_run *a, ken_run *b, const ken_diff_options *o, ken_err *err);
KEN_API void ken_diff_free(ken_diff *d);
KEN_API size_t ken_diff_count(const ken_diff *d);
KEN_API const ken_diff_row *ken_diff_get(const ken_diff *d, size_t i); /* data order of A; borrowed */
/* By grouping, "all" first; those of multiple choice after all others. Borrowed. */
KEN_API const ken_diff_group *ken_diff_groups(const ken_diff *d, size_t *n);
KEN_API const ken_diff_group *ken_diff_find(const ken_diff *d, const char *grouping,
                                            const char *key); /* the first, or NULL */
KEN_API const ken_diff_group *ken_diff_part(const ken_diff *d,
                                            bool choice); /* "all" of one kind; NULL = no such rows */
KEN_API bool ken_diff_annotated(const ken_diff *d);       /* categories, not verdicts alone */
/* Rows that only A has, that only B has, and those with one id and two questions. */
KEN_API void ken_diff_unmatched(const ken_diff *d, size_t *only_a, size_t *only_b, size_t *other_question);
/* In what else the runs differ that makes a comparison doubtful: "matcher: em-squad/1 and em-raw/1"; NULL past the last. Borrowed. */
KEN_API const char *ken_diff_caution(const ken_diff *d, size_t i);

/* ---- score ---------------------------------------------------------------------------------------------------------- */

/* Labels again from what an annotation holds, without a model: under another matcher, with fewer prompts, other numbers of samples, another
 * draw, other thresholds.
 *
 * A run of --method sample holds every text that was drawn, so that any matcher can be applied. An exact run holds the probability that an
 * answer is accepted by its own matcher and by em-raw, and the greedy answers: under another matcher the greedy verdicts are exact, but a
 * probability is known between two bounds only. A row whose label depends on where in between it lies has several possible labels; it
 * is given the least knowing of them ("at least"). */
/* A category by thresholds in place of the protocol: a row whose value stands in this relation to the bound is of this category. */
enum { KEN_RULE_ALWAYS, KEN_RULE_P_T0, KEN_RULE_P_T, KEN_RULE_P_UNKNOWN };
enum { KEN_AT_LEAST, KEN_ABOVE, KEN_AT_MOST, KEN_BELOW };
typedef struct ken_score_rule {
    int category; /* KEN_HIGHLY_KNOWN ... KEN_UNKNOWN */
    int value;    /* KEN_RULE_* */
    int relation; /* KEN_AT_LEAST, ... */
    double bound;
} ken_score_rule;

typedef struct ken_score_options {
    size_t size;
    const char *matcher; /* NULL = the run's */
    const char
        *aliases; /* for em-alias: JSON file, answer -> list of other names; NULL = none, or the run's own verdicts */
    int prompts;  /* the first so many; 0 = all */
    int samples;  /* of a prompt; 0 = as in the run. Runs of --method sample: at most as many, drawn from those */
    bool other_seed; /* draw with `seed` in place of the run's */
    uint64_t seed;
    int label; /* KEN_LABEL_* */
    const ken_score_rule
        *rules;  /* (n_rules) the first that holds gives the category; where none holds, the protocol does */
    int n_rules; /* 0 = the protocol */
    ken_poll_fn poll;
    void *ctx;
} ken_score_options;

enum {
    KEN_SCORED_NOT, /* no label: the row was never asked, or the matcher can accept none of its answers; its flags say why */
    KEN_SCORED_EXACT,  /* as an annotation with these settings would have it */
    KEN_SCORED_BOUNDED /* from the stored texts: certain when one bit of `possible` is set */
};

typedef struct ken_scored {
    int was, category;        /* the draw's category in the run, and the category now */
    unsigned possible;        /* bit 1 << k: category k is possible */
    int how;                  /* KEN_SCORED_* */
    int greedy_lo, greedy_hi; /* bounds of the greedy hits: they differ only when texts were not stored */
} ken_scored;

typedef struct ken_score_counts {
    uint64_t n, moved[KEN_N_CATEGORIES][KEN_N_CATEGORIES]; /* from the category in the run to that now */
    uint64_t sure[KEN_N_CATEGORIES];                       /* rows that are certainly of this category now */
    uint64_t may[KEN_N_CATEGORIES];                        /* rows that may be of it or of another one */
    uint64_t exact, bounded, open;    /* labelled rows: exact; certain although bounded; not certain */
    uint64_t changed, may_change;     /* certainly another label than in the run; perhaps */
    uint64_t greedy_changed;          /* rows with another number of greedy hits among the same prompts */
    double kappa, kappa_lo, kappa_hi; /* between the run's labels and these, of rows that have both */
    /* With as many prompts and samples, averaged over all choices of the prompts and all draws: expected rows of each category, in all
     * labelled rows; open rows with the lower bound of p. NaN when there are more than 256 prompts. */
    double expected[KEN_UNLABELLED];
    double expected_unknown, sd_unknown; /* with these very prompts, over draws */
} ken_score_counts;

typedef struct ken_scoring ken_scoring;

KEN_DEFAULTS(ken_score_options, ken_score_defaults)
/* Reads all rows once. KEN_EUSAGE for what the run cannot say, saying why; KEN_EINPUT when it is no annotation. The run is borrowed for as
 * long as the scoring lives. Free with ken_scoring_free. */
KEN_API int ken_score(ken_scoring **out, ken_run *run, const ken_score_options *o, ken_err *err);
KEN_API void ken_scoring_free(ken_scoring *s);
KEN_API const ken_score_counts *ken_scoring_counts(const ken_scoring *s); /* borrowed */
KEN_API const char *ken_scoring_matcher(const ken_scoring *s);            /* "em-raw/1"; borrowed */
KEN_API int ken_scoring_prompts(const ken_scoring *s);                    /* that the labels rest on */
KEN_API int ken_scoring_all_prompts(const ken_scoring *s);                /* that the run has */
KEN_API int ken_scoring_samples(const ken_scoring *s);                    /* of a prompt */
KEN_API size_t ken_scoring_count(const ken_scoring *s);
/* Row i of the run, in data order, as it is now; of an open row all but p_t and its bounds are those of the lower bound. Both are borrowed
 * until the next call, or the next row read from the run. how may be NULL. */
KEN_API const ken_row *ken_scoring_row(ken_scoring *s, size_t i, const ken_scored **how, ken_err *err);

/* The saturation curve: expected shares (n_prompts, n_samples, 4) of the categories for each number of prompts and of samples a prompt,
 * averaged over all choices of the prompts (docs/method/knowledge.md#curve), of all labelled rows. NaN where a run of --method sample has not so many
 * samples. The caller's array. */
KEN_API int ken_scoring_curve(ken_scoring *s, const int *prompts, size_t n_prompts, const int *samples,
                              size_t n_samples, double *share, ken_err *err);

/* Writes the rows as they are now as an annotation of its own, so that everything that reads runs can use these labels (`ken select`, `diff`,
 * `report`); its setting scored_from names the run. Whole or not at all; an older one is replaced, anything else is not: KEN_EINPUT. */
KEN_API int ken_scoring_save(ken_scoring *s, const char *path, ken_err *err);

/* A sheet to check the matcher by hand, as Gekhman et al. did with 100 answers (Table 6): up to n answers that it rejects, drawn by seed from
 * the greedy ones and, of runs of --method sample, for half of them from the samples; at most one of each kind a fact. CSV with the columns id,
 * relation, question, answers, prediction, decoding, prompt, category, matcher and verdict, the last one empty; *written = how many. A sheet
 * without verdicts is replaced, anything else is not: KEN_EUSAGE. */
KEN_API int ken_scoring_audit(ken_scoring *s, size_t n, uint64_t seed, const char *path, size_t *written, ken_err *err);

enum { KEN_AUDIT_GREEDY, KEN_AUDIT_SAMPLED, KEN_AUDIT_KINDS };
enum {
    KEN_AUDIT_WRONG,
    KEN_AUDIT_PARAPHRASE, /* the same in other words */
    KEN_AUDIT_HIGHER,     /* right, but less specific: France for Paris */
    KEN_AUDIT_LOWER,      /* right, and more specific */
    KEN_AUDIT_VERDICTS
};
/* "wrong", ..., "higher granularity", ...; NULL past the last */
KEN_API const char *ken_audit_verdict_name(int verdict);

typedef struct ken_audit_part {                            /* some of the answers of a sheet */
    uint64_t answers, judged;                              /* all of them, and those with a verdict */
    uint64_t verdict[KEN_AUDIT_VERDICTS];                  /* of judged */
    double lo[KEN_AUDIT_VERDICTS], hi[KEN_AUDIT_VERDICTS]; /* Wilson intervals of verdict[v] / judged at 95 % */
} ken_audit_part;

typedef struct ken_audit_share { /* NaN when nothing was judged */
    double share, lo, hi;
} ken_audit_share;

/* What a matcher misses of one kind of answer, by the verdicts. A sheet draws facts, then one rejected answer of each, so that a judged answer
 * stands for w answers: as many as are rejected of its fact. Of the rejected answers the share right = sum of w over the judged answers that
 * are not wrong / sum of w over all judged ones, is right after all. Its interval is Wilson's with an effective number of judged answers n
 * and right * n successes: n = (sum w)^2 / sum w^2 (Kish 1965), or less where the verdicts correlate with w so that the observed variance,
 * sum of w^2 (y - right)^2 / (sum w)^2 with y = 1 for a right one, is larger than right (1 - right) / n. With all w alike this is the plain
 * interval.
 *
 * missed = right * rejected / answers is what accuracy lacks: P_T0 of greedy answers, P_T of sampled ones. rejected / answers is
 * counted over the whole run, so the interval of missed is that of right, times this number. The interval does not know that two people may judge
 * otherwise, nor that accepted answers may be wrong, and takes the judged answers for a random part of the sheet. */
typedef struct ken_audit_missed {
    uint64_t answers;  /* of the run, of rows with a label: greedy ones, or samples */
    uint64_t rejected; /* those that the matcher rejects */
    uint64_t stored;   /* of these, with their text: a sheet is drawn from them, the others are taken to be alike */
    double accuracy;   /* by the matcher: 1 - rejected / answers; NaN when there are none */
    double effective;  /* n of the interval of right */
    ken_audit_share right, missed;                       /* paraphrases, higher and lower granularity */
    ken_audit_share right_paraphrase, missed_paraphrase; /* paraphrases alone */
} ken_audit_missed;

typedef struct ken_audited {
    ken_audit_part all, kind[KEN_AUDIT_KINDS];
    ken_audit_missed missed[KEN_AUDIT_KINDS];
} ken_audited;

/* Reads a sheet back whose column verdict a person has filled in: one of the four, in any case, or its beginning ("w", "para", "higher");
 * empty is not judged yet. Columns and lines may come in any order, with others beside them, separated by commas, semicolons or tabs; id,
 * prediction, decoding, prompt and verdict must be there. Every line must be an answer of this run that the scoring's matcher rejects,
 * written as the run has it. KEN_EINPUT with file and line, and what differs, for any other. */
KEN_API int ken_scoring_audited(ken_scoring *s, const char *path, ken_audited *out, ken_err *err);

/* Agreement of two annotations of the same facts, each as it was scored: two draws, two exemplar seeds, two matchers, two models. Rows are joined by
 * id and must ask the same question; an open row counts as the category it was given. */
typedef struct ken_agreement_part { /* of rows with a label in both: how many agree */
    uint64_t n, same;
    double share_lo, share_hi;        /* Wilson interval of same / n */
    double kappa, kappa_lo, kappa_hi; /* Cohen's; NaN when not defined */
} ken_agreement_part;

typedef struct ken_agreement {
    uint64_t only_a, only_b, other_question,
        unlabelled;                                 /* left out: not in both, another question, no label in either */
    uint64_t open;                                  /* not certain in one of them */
    uint64_t moved[KEN_UNLABELLED][KEN_UNLABELLED]; /* from A's category to B's */
    ken_agreement_part all, known,
        greedy; /* four categories; Known | Unknown; HighlyKnown | MaybeKnown, of rows that are one of these in
                                              both (the fragile boundary, docs/method/knowledge.md#label-noise) */
    double
        predicted; /* mean of 1 - p_flip in A: the share that a fresh annotation with A's own prompts would label alike; NaN = not known */
    uint64_t hk, hk_again;     /* A's HighlyKnown rows; those of them that are so in B */
    double hk_again_predicted; /* for fresh exemplars, from the greedy hits alone (docs/method/knowledge.md#hk-again) */
} ken_agreement;

/* KEN_EINPUT when the two have no row in common. */
KEN_API int ken_agree(ken_agreement *out, ken_scoring *a, ken_scoring *b, ken_err *err);

/* ---- the linear model of harm --------------------------------------------------------------------------------------- */

/* Accuracy = b0 + b_kn N_kn/|D| + b_unk N_unk/|D| (Gekhman et al. 2024, Eq. 1; docs/method/fine-tuning.md#linear-model): accuracy in percent, N the
 * fitted Known and Unknown training rows, one point an epoch of each training. */
typedef struct ken_regression_point {
    size_t run; /* index into the runs given */
    int64_t step;
    double epoch, known, unknown; /* N_kn/|D|, N_unk/|D| */
    double accuracy, predicted;   /* percent */
} ken_regression_point;

typedef struct ken_residuals { /* accuracy - predicted, percent, of some of the points */
    size_t n;
    double mean, sd; /* NaN without points; sd of fewer than two is NaN */
} ken_residuals;

enum { KEN_EPOCH_BANDS = 4 };

typedef struct ken_regression {
    double b0, b_kn, b_unk, r2; /* r2: NaN when the accuracy never changes */
    double se[3], lo[3],
        hi[3]; /* of b0, b_kn, b_unk; run-clustered with several runs, t on G - 1; else plain least squares */
    size_t n, runs;
    bool clustered;
    const ken_regression_point *points;      /* (n) by run and step */
    const ken_residuals *by_run;             /* (runs) */
    const double *unknown_share;             /* (runs) Unknown rows of the training set */
    ken_residuals by_epoch[KEN_EPOCH_BANDS]; /* quarters of the longest training */
} ken_regression;

/* set: "dev", "test", "ood"; category: of its rows those of one, or -1 for all. Runs of kind train; each point with a measured fit counts, but
 * not step 0. |D| is the rows whose fit was measured (all, or as many as fit_limit says). KEN_EUSAGE when there are fewer than four points
 * or they do not span a plane, saying why. Free with ken_regression_free. */
KEN_API int ken_regress(ken_regression **out, ken_run *const *runs, size_t n, const char *set, int category,
                        ken_err *err);
KEN_API void ken_regression_free(ken_regression *r);

/* ---- report --------------------------------------------------------------------------------------------------------- */

/* What is known about some runs, for people: a page and plots. Annotations, evaluations and trainings in any mix; of annotations (and
 * of evaluations) the first is compared with each of the others where they share facts; trainings enter the linear model together. */
typedef struct ken_report ken_report;

typedef struct ken_report_options {
    size_t size;
    const char *title;          /* of the page; NULL = what the runs say */
    int label;                  /* of the comparisons: KEN_LABEL_* */
    const char *const *trained; /* (n_trained) as in ken_diff_options; besides the trainings among the runs */
    int n_trained;
    size_t
        room; /* bytes that the page should not exceed: details of single rows are left out for it, and the page says so;
                  0 = 2,000,000, and 200 more for each fact above 10,000 */
    ken_poll_fn poll; /* asked while files are written (and see ken_run_set_poll); lives as long as the report */
    void *ctx;
} ken_report_options;

KEN_DEFAULTS(ken_report_options, ken_report_defaults)
/* Adds up and compares; o NULL = defaults. The runs (n) stay the caller's and must outlive the report. Free with ken_report_free. */
KEN_API int ken_report_new(ken_report **out, ken_run *const *runs, size_t n, const ken_report_options *o, ken_err *err);
KEN_API void ken_report_free(ken_report *r);
/* One self-contained HTML page. Written whole or not at all; KEN_ESTOP, KEN_EUSAGE rather than replacing a run or a model. */
KEN_API int ken_report_write(ken_report *r, const char *path, ken_err *err);
/* The plots as files: dir/NAME.FORMAT for each of them ("svg", "png", "pdf", "csv"), or for the one called `only`. dir is made when
 * missing. "png" and "pdf" are made by rsvg-convert: KEN_EFAIL when it is missing. */
KEN_API int ken_report_plots(ken_report *r, const char *dir, const char *format, const char *only, ken_err *err);
KEN_API size_t ken_report_n_plots(const ken_report *r);
KEN_API const char *ken_report_plot_name(const ken_report *r, size_t i); /* borrowed */
/* What the reader of the page should know and the caller may say: runs that cannot be compared, what was left out; NULL past the
 * last. Borrowed; writing may add some. */
KEN_API const char *ken_report_note(const ken_report *r, size_t i);
#endif
