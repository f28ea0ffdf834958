/* diff.h - inside of a comparison of two runs: what diff.c (the face), diff_rows.c (reading and joining), diff_groups.c (sums and tests),
 * diff_near.c (distance to a training set) and diff_cautions.c (other settings) share. The public interface is ken.h, section "diff". */
#ifndef KEN_STUDY_DIFF_H
#define KEN_STUDY_DIFF_H
#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

/* What is known of a row besides what the caller sees. */
typedef struct diff_extra {
    int category; /* by which it is grouped: A's, in evaluations that of their labels; KEN_N_CATEGORIES = none */
    bool in_b, other_question;   /* while joining */
    bool choice_a;               /* multiple choice in A */
    int options;                 /* of multiple choice in A; 0 = not known */
    uint64_t asked;              /* in A; 0 = not known: hash of the question with its options */
    bool a_formless, b_formless; /* evaluations: the answer is empty, or ran into the limit of its length */
    bool a_label, b_label;       /* it has a category, or a verdict */
    uint64_t answers;            /* hash of the accepted answers in A */
    const char *const *accepted; /* (n_accepted) the answers themselves; NULL without a training set */
    int n_accepted;
} diff_extra;

struct ken_diff {
    ken_arena arena;   /* every text of the rows, keys and cautions */
    ken_diff_row *row; /* (n) */
    diff_extra *extra; /* (n), freed when all is computed */
    size_t n, cap, cap_extra;
    bool annotated;
    bool mode;         /* --label mode */
    bool save_answers; /* for the distance to a training set */
    size_t only_a, only_b, other_question, other_answers;

    ken_strmap *at;    /* id -> row, while joining */
    ken_strmap *names; /* relations and splits, interned, while reading */
    const char **name;
    size_t n_names, cap_names;

    ken_diff_group *group; /* (n_groups) */
    size_t n_groups, cap_groups;
    const char **caution; /* (n_cautions) */
    size_t n_cautions, cap_cautions;
};

/* Rows of both, joined; only common rows are left. KEN_EINPUT when nothing can be compared. */
int ken_diff_read(ken_diff *d, ken_run *a, ken_run *b, const ken_diff_options *o, ken_err *err);
/* A key of two texts (of NUL text), or of one (of NULL); *n bytes. NULL when out of memory. */
const char *ken_diff_key(ken_arena *a, const char *of, const char *text, size_t *n);
/* near of each row. */
int ken_diff_find_near(ken_diff *d, const char *const *trained, int n, ken_err *err);
int ken_diff_make_groups(ken_diff *d, ken_err *err);
int ken_diff_find_cautions(ken_diff *d, ken_run *a, ken_run *b, ken_err *err);
#endif
