/* views.h - inside of a list of views: what building it, reading it and writing it in each form share. */
#ifndef KEN_VIEW_VIEWS_H
#define KEN_VIEW_VIEWS_H
#include "base/buf.h"
#include "store/row_fields.h"
#include "view/build.h"

typedef struct ken_view_grown {
    ken_view view;
    ken_span *span;      /* the view's own, while it grows */
    ken_view_row *row;   /* likewise */
    ken_view_cell *cell; /* of the row that is being filled */
    size_t cap_spans, cap_rows, at;
} ken_view_grown;

struct ken_views {
    ken_arena arena;
    ken_view_grown *view; /* (n) */
    size_t n, cap;
    bool failed; /* out of memory */
};

static inline bool ken_view_column_is(const ken_view_column *c, unsigned where) { return (c->where & where) != 0; }
/* Its name in CSV: its key, else its head. */
const char *ken_view_column_name(const ken_view_column *c, char buf[128]);

void ken_view_evaluation(ken_views *v, const ken_measure *m, size_t n, const ken_change *c, size_t n_changes,
                         const char *(*setting)(const void *of, const char *key), const void *of); /* evaluation.c */
/* Answers of a set that have not the form of one: empty, or at the limit of their length. */
typedef struct ken_formless {
    uint64_t empty, cut;
    bool most; /* more than half of all */
} ken_formless;
ken_formless ken_view_formless(const ken_measure *m, size_t n, const char *set);
/* What categories say that the model knew when it was asked with examples; nothing where the rows have none. */
void ken_view_known_before(ken_views *v, const ken_measure *m, size_t n, const char *set);
int ken_view_training(ken_views *v, ken_run *r, ken_err *err);                              /* training.c */
int ken_view_annotation(ken_views *v, ken_run *r, const ken_show_options *o, ken_err *err); /* annotation.c */
/* advice.c: what the labels may hide, in sentences of their own; t: the sums that are shown. */
void ken_view_advice(ken_views *v, const ken_run *r, const ken_counts *t);
bool ken_view_of_sentences(const ken_run *r,
                           const ken_counts *t); /* most accepted answers are, and the matcher is exact */
/* next.c: the commands that come after this result, which they call `name`. */
void ken_view_next(ken_views *v, const ken_run *r, const char *name);
void ken_view_next_begin(ken_views *v); /* of a list of commands that may come next */
void ken_view_next_put(ken_views *v, const char *command, const char *why);
/* What reading the rows says of a relation, besides its counts in the run. */
typedef struct ken_view_relation {
    char *example;             /* a question with its subject replaced by an ellipsis, or NULL */
    double score;              /* sum of the knowledge scores of multiple-choice rows */
    uint64_t n_score, n_right; /* of these, questions right with most prompts (know/verdict.h) */
} ken_view_relation;
/* For a page: the relations, best known first, and what their columns mean. more: by their number in the run. */
int ken_view_relations(ken_views *v, const ken_run *r, const ken_view_relation *more, bool choice,
                       ken_err *err); /* annotation.c */
/* The four categories in all; prompts: how many decide them, 0 = what they mean in short. */
void ken_view_totals(ken_views *v, const ken_counts *t, int prompts); /* annotation.c */
/* For a page: accuracy by category before a training, at its best and its last point. At least one point is there. */
int ken_view_accuracy(ken_views *v, ken_run *r, ken_err *err); /* training.c */
/* Likewise in sentences: how well it went, and what was trained on (how many rows of each category, the last: not annotated). */
int ken_view_finding(ken_views *v, ken_run *r, ken_err *err); /* training.c */
/* outcome.c: whether it converged, what it never fitted, what is to be known of the rows it watched; and such notes, one a line, by themselves. */
int ken_view_outcome(ken_views *v, ken_run *r, ken_err *err);
void ken_view_note_lines(ken_views *v, const char *notes);
typedef struct ken_view_trained_run {
    ken_run *run;
    const char *name;
    size_t rows, unknown; /* trained on; of these Unknown, where they are labelled */
    bool labelled;
} ken_view_trained_run;
/* For a page: several trainings beside each other, and how to come by another one. training.c */
int ken_view_trainings(ken_views *v, const ken_view_trained_run *t, size_t n, ken_err *err);
void ken_view_trained(ken_views *v, const ken_run *r, const size_t category[KEN_N_CATEGORIES + 1]);
/* diff.c: "right in 0, now in 1 of 10 prompts", behind `before`: what the commonest answer of a fact does not say. "" where there is one prompt. */
const char *ken_view_hits_moved(ken_views *v, const ken_diff_row *r, const char *before);
void ken_view_settings(ken_views *v, const ken_run *r); /* settings.c: what decides the numbers of a run */
void ken_view_curve(ken_views *v, const ken_scoring *s, const ken_curve *c);           /* curve.c */
void ken_view_agreement(ken_views *v, const ken_scoring *s, const ken_compared *that); /* agreement.c */
/* row.c: the numbers that a table of them gives to JSON (store/row_fields.h), at a path. */
void ken_view_fields(ken_views *v, const char *path, const ken_fields *t, const void *of);
void ken_view_row_data(ken_views *v, const ken_row *r); /* row.c: in JSON alone, outermost */
/* categories.c: an object of counts (n) by category. */
void ken_view_by_category(ken_views *v, const char *path, const uint64_t *count, int n);
typedef struct ken_view_matrix { /* what moved, from the row's category (or verdict) to the column's */
    const uint64_t *moved;       /* (n, n) */
    int n, shown;                /* the first so many are on a terminal and a page, too */
    const char *(*name)(int kind);
    const int *colour;       /* (n) the categories whose colours they have; NULL: they are categories */
    const char *head, *path; /* over the names; of JSON's object of objects */
    const char *against;     /* told in CSV; NULL: not */
    bool judged;             /* a later kind is worse, and coloured so; sums below */
} ken_view_matrix;
void ken_view_moved(ken_views *v, const ken_view_matrix *m);
/* The columns of a measure, which evaluations and trainings share, and a row of it. */
void ken_view_measures(ken_views *v, const ken_measure *all, const char *title);
void ken_view_measure(ken_views *v, const ken_measure *m, const ken_measure *all, const char *path, const char *key);
/* "gpt.gguf with adapter on data": what was asked. data NULL: left out. */
void ken_view_subject(ken_views *v, const char *model, const char *adapter, const char *data);
const char *ken_view_group(const char *grouping,
                           const char *key); /* "least popular quarter" for quartile 1; else the key; borrowed */
#endif
