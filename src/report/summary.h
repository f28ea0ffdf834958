/* summary.h - what the report's plots show of one run, added up in one pass over its rows. Memory does not grow with the rows,
 * but for 16 bytes each where the data has popularity. */
#ifndef KEN_REPORT_SUMMARY_H
#define KEN_REPORT_SUMMARY_H
#include "base/error.h"
#include "base/hash.h"
#include "view/views.h"

enum {
    KEN_HIST_BINS = 20,
    KEN_HITS_MAX = 21,
    KEN_CURVE_MAX = 12,
    KEN_SAMPLES_POINTS = 6,
    KEN_DECILES = 10,
    KEN_FLAGS_MAX = 32
};

typedef struct ken_tally {
    uint64_t n, category[KEN_N_CATEGORIES];
} ken_tally;

typedef struct ken_decile {
    ken_tally tally;
    double lo, hi; /* popularity of its first and last row */
} ken_decile;

typedef struct ken_popular {
    double popularity;
    int category;
} ken_popular;

typedef struct ken_report_summary {
    uint64_t n;                    /* rows */
    ken_tally hist[KEN_HIST_BINS]; /* P_Correct at the run's temperature, in twentieths; 1 is in the last */
    int prompts, n_hits;           /* prompts a row; bins of the greedy hits: 0, ..., prompts (in groups above 20) */
    ken_tally hits[KEN_HITS_MAX];
    int n_curve, curve_n[KEN_CURVE_MAX]; /* numbers of prompts at which the saturation curve stands */
    double curve[KEN_CURVE_MAX][4];      /* expected shares there, by category */
    int samples, by_samples_c[KEN_SAMPLES_POINTS];
    double by_samples[KEN_SAMPLES_POINTS][4]; /* expected shares with all prompts and other numbers of samples */
    uint64_t n_curve_rows;
    uint64_t mode[KEN_N_CATEGORIES]; /* by the more probable label */
    uint64_t n_no_greedy;            /* labelled rows without a greedy hit */
    double sum_unknown, var_unknown; /* of P_U over them */
    double sum_flip, sum_hk_again;   /* over labelled rows; over HighlyKnown rows */
    ken_tally flip[KEN_HIST_BINS];   /* p_flip of labelled rows without a greedy hit, in twentieths */
    uint64_t n_labelled;
    uint64_t flags[KEN_FLAGS_MAX];      /* rows by bit */
    uint64_t n_score, n_texts, n_guess; /* rows with a knowledge score, with greedy texts, with the guess control */
    double sum_score;
    uint64_t n_right,
        n_guess_rows; /* of multiple choice: questions right; rows of which guessing is known, and its sums */
    double sum_p_t0, guess_p_t0, guess_right;
    ken_popular *popular; /* (n_popular) while adding */
    size_t n_popular, cap_popular;
    ken_decile deciles[KEN_DECILES]; /* least popular first; n_deciles is 0 or 10 */
    int n_deciles;
    ken_view_relation *relations; /* (ken_run_n_relations) */
    size_t n_relations;
    ken_strmap *index; /* relation name -> its number in the run */
} ken_report_summary;

bool ken_report_choice(const ken_report_summary *s); /* all rows are multiple choice: no categories */
int ken_report_summarize(ken_report_summary *s, ken_run *run,
                         ken_err *err); /* free with ken_report_summary_free, also on failure */
void ken_report_summary_free(ken_report_summary *s);
int ken_report_relation_index(const ken_report_summary *s, const char *name); /* -1 when there is none */
#endif
