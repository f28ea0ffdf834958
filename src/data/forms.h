/* forms.h - question sets in the forms that people have, made into rows of the usual names (table.h), one or several of each row of the file:
 *
 *     squad        articles with paragraphs, or rows of the Hub with answers.text
 *     triviaqa     Answer or answer with a value and aliases
 *     truthfulqa   best and correct answers, "a; b; c"
 *     lama         subjects and objects of a relation (LAMA, ParaRel, KAMEL); the question is made by the relation's template
 *     chat, sharegpt, alpaca, prompt, axolotl, text      what trainers read (turns.h): the prompt is the question, the reply the answer */
#ifndef KEN_DATA_FORMS_H
#define KEN_DATA_FORMS_H
#include "data/table.h"
#include "data/turns.h"

/* The form of a file by its first row, NULL = none: KEN_FMT_JSONL when it is none of these. */
ken_format ken_form_of_row(const json_t *row, const char *path);
ken_row_kind ken_kind_of_form(const char *name); /* "chat", ...: KEN_ROWS_NONE for other formats and NULL */
bool ken_is_form(ken_format format);
/* templates: for lama, or NULL. */
int ken_read_form(ken_builder *b, ken_source *s, char delimiter, ken_format format, const ken_templates *templates,
                  ken_err *err);
#endif
