/* answers.h - a row's accepted answers, whatever way the file writes them: one, a list, a list as text ("a; b; c"), and other names beside them. */
#ifndef KEN_DATA_ANSWERS_H
#define KEN_DATA_ANSWERS_H
#include "data/data.h"
#include "data/fields.h"

enum { KEN_SHORT_ANSWER = 8 }; /* words: what an entry of a list written as text has at most */

/* How a file writes lists, found by looking at all its rows. */
typedef struct ken_answer_column {
    size_t rows;           /* whose answer is one text */
    size_t bars, odd_bars; /* of these: with |, that parts it into short texts; that does not */
    size_t semicolons;     /* with ; likewise */
    size_t aliased;        /* rows read whose field `aliases` added answers */
} ken_answer_column;

/* answer_field: as the user named it, or NULL. Rows that cannot be read say nothing here. KEN_OK or KEN_ENOMEM. */
int ken_answers_scan(ken_answer_column *c, const ken_source *s, char delimiter, const char *answer_field, ken_err *err);
/* The answers that the field holds, then what the row's own field `aliases` adds. "a|b" is a list where every | of the file parts short texts, and
 * refused where not; "a; b" is a list where most rows are so. A column of zeros: no text is parted. */
int ken_answers_read(ken_answer_column *c, const ken_field *answer, ken_arena *a, const char *const **list, int *n,
                     ken_err *err);
/* Sentences for those who use the rows: i = 0, 1, ... into out (size); false past the last. */
bool ken_answers_note(const ken_answer_column *c, int i, const char *path, char *out, size_t size);
/* The field that holds a row's answers: the one that is named, else the usual one that is there. */
const char *ken_answer_field(const json_t *row, const char *named);
/* Have most rows answers that are sentences (ken_answers_are_sentences)? *with_sentences: how many. */
bool ken_rows_have_sentences(const ken_example *rows, size_t n, size_t *with_sentences);
#endif
