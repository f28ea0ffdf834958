/* identity.h - the canonical description of an example (base/canon.h): what decides whether two rows are the same. */
#ifndef KEN_DATA_IDENTITY_H
#define KEN_DATA_IDENTITY_H
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
/* SHA-256 of all rows in order. KEN_ENOMEM. */
int ken_data_hash(const ken_data *d, char hex[65], ken_err *err);
#endif
