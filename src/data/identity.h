/* identity.h - the canonical description of an example (base/canon.h): what decides whether two rows are the same. */
#ifndef KEN_DATA_IDENTITY_H
#define KEN_DATA_IDENTITY_H
#include "base/arena.h"
#include "base/canon.h"
#include "data/data.h"

void ken_canon_asked(ken_buf *b,
                     const ken_example *x); /* what a model can be shown: relation, question, subject, options */
void ken_canon_right(ken_buf *b,
                     const ken_example *x); /* what is accepted: answers, their other names, the right option */
/* Both, and what goes into a run or draws a sample beside them: id, split, popularity, what the data say of the row. */
void ken_canon_example(ken_buf *b, const ken_example *x);
/* Do two rows ask the same? The same question, and of the same subject where it does not name it ("What is its capital?"); NULL = the subject
 * is not known. The one rule by which rows of two places are joined, besides their ids. */
bool ken_asks_same(const char *question, const char *subject, const char *other_question, const char *other_subject);
bool ken_names_subject(const char *question, const char *subject);
/* The id of a row that brings none: relation/split/place, empty parts left out. NULL when out of memory. */
const char *ken_default_id(ken_arena *a, const char *relation, const char *split, size_t place);
/* Ids must differ: they are what a run, a shard, an evaluation and a comparison know a row by. at: the i-th of the rows (n). KEN_EINPUT. */
typedef struct ken_row_place {
    const char *id, *file;
    int line;
} ken_row_place;
int ken_check_ids(const void *rows, size_t n, ken_row_place (*at)(const void *rows, size_t i), ken_err *err);
/* SHA-256 of all rows in order. KEN_ENOMEM. */
int ken_data_hash(const ken_data *d, char hex[65], ken_err *err);
#endif
