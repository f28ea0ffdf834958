/* choices.h - which option an answer of multiple choice names, decided for the whole column of a file.
 *
 * "2" may be the option "2", or an index from 0 or from 1; "B" the option "B" or the second one. One row cannot say it, the column mostly does: what
 * fits in every row is what is meant. A row that can still be read in two ways is refused. */
#ifndef KEN_DATA_CHOICES_H
#define KEN_DATA_CHOICES_H
#include "base/arena.h"
#include "data/data.h"
#include "data/fields.h"

typedef struct ken_choice_column {
    unsigned strings,
        numbers; /* ways of naming an option (a bit each) that fit all answers that are strings, or JSON numbers; 0 = none */
    size_t rows, named; /* rows with choices; those of them whose question holds their subject */
    size_t
        read; /* of these rows, read since: where they are not all, memory failed once (jansson calls that broken JSON) */
    bool relation; /* some row has a field `relation` */
} ken_choice_column;

/* Looks at all rows of a text. Rows that cannot be read say nothing here: the real reading reports them. KEN_OK or KEN_ENOMEM. */
int ken_choices_scan(ken_choice_column *c, const ken_source *s, char delimiter, const ken_data_options *o,
                     ken_err *err);
/* The row's options, the right one and the answer that it is. A column of zeros decides by the row alone. */
int ken_choices_read(ken_choice_column *c, const ken_field *answer, ken_arena *a, ken_example *e, ken_err *err);
/* MMLU on the Hub calls the relation `subject`. Is it so here, where nobody named either field? A fact's subject stands in its question. */
bool ken_choices_by_subject(const ken_choice_column *c, const ken_data_options *o);
/* "counted from 1" and the like for a note; NULL when there is nothing to say. */
const char *ken_choices_said(const ken_choice_column *c);
#endif
