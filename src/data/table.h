/* table.h - the row shape {question, answer(s), id, relation, subject, split, popularity, choices} and the question templates
 * that give a subject back. */
#ifndef KEN_DATA_TABLE_H
#define KEN_DATA_TABLE_H
#include "data/answers.h"
#include "data/choices.h"
#include "data/dataset.h"
#include "base/buf.h"
#include "data/fields.h"

/* Question templates of a data set: a JSON object, relation -> "What is the capital of [X]?" or a list of such phrasings. */
typedef struct ken_templates ken_templates;

int ken_templates_read(ken_templates **out, const char *path, ken_err *err); /* free with ken_templates_free */
void ken_templates_free(ken_templates *t);
/* What [X] is in the question under the first phrasing of the relation that fits; NULL when none does. Borrowed from
 * the question, *n bytes. */
const char *ken_templates_subject(const ken_templates *t, const char *relation, const char *question, size_t *n);

/* The question about a subject that the relation's first phrasing asks, appended to out; what stands before [Y] in those of ParaRel. False when
 * there is none. */
bool ken_templates_ask(const ken_templates *t, const char *relation, const char *subject, ken_buf *out);
bool ken_template_ask(const char *template_text, const char *subject, ken_buf *out); /* the same for one */
/* Finds them for the data at place: the file that is named, else the usual ones in the folder or above; *out NULL without. */
int ken_templates_find(ken_templates **out, const char *named, const char *place, bool is_file, ken_err *err);

/* What a file's rows have in common; ctx of ken_table_row. */
typedef struct ken_table {
    ken_builder *b;
    const ken_source *s;
    const char *relation, *split;   /* interned; NULL = the row says */
    const ken_templates *templates; /* or NULL */
    ken_choice_column choices;
    ken_answer_column answers;
    bool by_subject; /* the field "subject" is the relation */
} ken_table;

/* "validation" and the like are the dev split under another name. *n bytes; borrowed. */
const char *ken_split_name(const char *s, size_t *n);
int ken_table_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err); /* a ken_row_fn */
#endif
