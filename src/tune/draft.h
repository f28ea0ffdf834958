/* draft.h - rows as they were read, before any is chosen or tokenised; for the files of this folder that make a set (set.h).
 *
 * A draft is text and what is known about it. Readers add drafts (from_run.c, from_data.c, from_rows.c), ken_drafts_label joins categories,
 * choose.c decides which of them are trained and how, set.c makes tokens. */
#ifndef KEN_TUNE_DRAFT_H
#define KEN_TUNE_DRAFT_H
#include "base/arena.h"
#include "base/hash.h"
#include "data/turns.h"
#include "know/prompt.h"
#include "tune/set.h"

typedef struct ken_draft {
    const char *id, *relation, *split, *task; /* "" = none; id NULL = given by ken_drafts_add */
    const char *question, *subject;           /* NULL = none */
    const char *const *answers;               /* (n_answers) */
    int n_answers;
    const char *const *aliases; /* (n_aliases) */
    int n_aliases;
    double popularity;
    const ken_turn *turns; /* (n_turns) the prompt as the row gives it; NULL = the template with the question */
    int n_turns;
    const char *target;     /* NULL = answers[0] */
    const char *own;        /* what the model said of its own, when that was asked for; NULL = not known */
    bool own_right;         /* it is accepted */
    bool raw;               /* its prompt is taken as it is, also where others become conversations */
    bool bare;              /* raw, and without the begin and end tokens that segments spell out */
    bool text;              /* no prompt: loss on the whole target */
    bool choice;            /* multiple choice, without its options */
    bool tail;              /* the row says that it is of a known tail */
    int category;           /* KEN_N_CATEGORIES = not annotated */
    double p, weight;       /* P_Correct; NaN = not known */
    double p_t0, p_unknown; /* greedy accuracy; probability that all samples miss; NaN = not known */
    const char *file;       /* where it was read */
    int line;               /* 0 = the file has no lines: a run */
    size_t place;           /* in the file, bad rows counted */
} ken_draft;

typedef struct ken_drafts {
    ken_arena arena; /* every string and list of the rows */
    ken_draft *rows; /* (n) in the order of reading */
    size_t n, cap;
    const char *split;              /* of rows that do not say, interned; NULL = none */
    size_t first_place, next_place; /* added to places: files that continue others; behind the last row */
    size_t cleaned;                 /* rows whose padding was cut off */
    const char *notes;              /* what was decided while reading, one sentence a line; NULL = nothing */
    size_t bad, unmatched;          /* rows dropped by skip_bad; rows that the run of labels does not have */
    ken_strmap *names;              /* interned */
} ken_drafts;

void ken_drafts_free(ken_drafts *d);
void ken_drafts_shrink(ken_drafts *d); /* keeps the arena alone: what finished rows point to */
/* One copy of each name, so that equal names are equal pointers. NULL when out of memory. */
const char *ken_drafts_name(ken_drafts *d, const char *s, size_t n);
/* Takes a copy of *r, whose strings must live in the arena (or be interned). */
int ken_drafts_add(ken_drafts *d, const ken_draft *r, ken_err *err);
/* The same for a row of a data set or a run, whose strings are copied. */
int ken_drafts_add_copy(ken_drafts *d, const ken_draft *r, ken_err *err);
/* One more sentence for notes; of: the file's name before it, or NULL. */
int ken_drafts_note(ken_drafts *d, const char *of, const char *said, ken_err *err);
/* Puts "file:line: " or "file: row ID: " before the message; returns err's status. */
int ken_draft_fail(const ken_draft *r, ken_err *err);

/* How its data are read: from->read, or the defaults. */
const ken_data_options *ken_reading(const ken_train_data *from);

/* All rows of from->path, whatever it is; nothing is selected yet. Ids are checked to differ. */
int ken_drafts_read(ken_drafts *d, const ken_train_data *from, ken_err *err);
/* The same for text in memory, as if it were a file called name: what the fuzzer calls. */
int ken_drafts_parse(ken_drafts *d, const ken_train_data *from, const char *name, const char *text, size_t n,
                     ken_err *err);

/* The file is a SQLite database. Of a place that cannot be read it is for the readers to say so. */
bool ken_drafts_is_run(const char *path);

/* Fills in a missing question and answer: the question from a prompt of this style, the accepted answer from a target of one line; from plain text
 * both, where it is of that style. */
int ken_draft_infer(ken_drafts *d, ken_draft *r, const ken_prompt_style *style, ken_err *err);

/* ---- readers -------------------------------------------------------------------------------------------------------- */

int ken_drafts_from_run(ken_drafts *d, const ken_train_data *from, ken_err *err);
int ken_drafts_from_data(ken_drafts *d, const ken_data *data, ken_err *err);
/* Categories and P_Correct from the run from->labels, joined by id. Unless they are optional, KEN_EINPUT when it has none of the rows, or
 * another question under the same id. */
int ken_drafts_label(ken_drafts *d, const ken_train_data *from, ken_err *err);

/* What a text's rows are, by the keys of the first one. */
/* delimiter as from ken_find_delimiter: 0 = JSON. */
int ken_rows_kind(ken_row_kind *kind, const ken_source *s, char delimiter, ken_err *err);
int ken_drafts_from_rows(ken_drafts *d, ken_source *s, char delimiter, ken_row_kind kind, ken_err *err);

#endif
