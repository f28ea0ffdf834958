/* fields.h - typed access to the fields of a row, with messages that say where, what is there and what to do.
 *
 * Shared by the readers of all formats. In rows that come from CSV every value is a string: numbers and lists are then read
 * from their text. */
#ifndef KEN_DATA_FIELDS_H
#define KEN_DATA_FIELDS_H
#include "base/arena.h"
#include "data/rows.h"

/* Where a field is, for messages. */
typedef struct ken_field {
    const json_t *row;
    const char *path; /* file */
    int line;
    const char *name;    /* a key of the row, else a path of keys and places: "answer.aliases", "qas.0.question" */
    const char *setting; /* "`answer_field`", or NULL when no setting names this field */
    char part;           /* lists: what parts the entries of a text, 0 = nothing does */
} ken_field;

const json_t *ken_field_value(const ken_field *f); /* borrowed; NULL = missing */

/* KEN_EINPUT: field "answer" is missing (have: question, label); name it with `answer_field`. */
int ken_field_missing(const ken_field *f, ken_err *err);
/* KEN_EINPUT: field "answer" is a number; WANT is expected. */
int ken_field_wrong(const ken_field *f, const char *want, ken_err *err);

/* Text of a field that must be there and not blank. Borrowed from the row. */
int ken_field_text(const ken_field *f, const char **s, size_t *n, ken_err *err);
/* The same for a field that may be absent, null or empty: then *s is NULL. */
int ken_field_text_or_null(const ken_field *f, const char **s, size_t *n, ken_err *err);
/* Either, copied to the arena; what: for the message without memory. */
int ken_field_copy(const ken_field *f, bool must, ken_arena *a, const char **out, const char *what, ken_err *err);
/* An id: text or a whole number, copied to the arena; absent, null or empty gives NULL. */
int ken_field_id(const ken_field *f, ken_arena *a, const char **id, ken_err *err);
/* Number, or text of a number; absent, null or empty gives NaN. */
int ken_field_number(const ken_field *f, double *x, ken_err *err);
/* A string or a non-empty list of strings, none blank; numbers count as what they are written as. Text that is itself a list, as JSON or Python
 * write them, counts as one (`must_list`: has to be one); text that only looks so is refused. A path may lead through a list of objects ("answers.text"). Copied
 * to the arena. */
int ken_field_list(const ken_field *f, bool must_list, ken_arena *a, const char *const **list, int *n, ken_err *err);

bool ken_is_blank(const char *s, size_t n); /* nothing but white space and what nobody sees (clean.h) */
#endif
