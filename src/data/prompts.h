/* prompts.h - the question in a prompt that a template made, and back again: for rows that say prompts (turns.h), and for whoever makes these
 * (know/prompt.h). */
#ifndef KEN_DATA_PROMPTS_H
#define KEN_DATA_PROMPTS_H
#include <stdbool.h>
#include <stddef.h>

/* What `ken train` and `ken select` put around a question (docs/method/fine-tuning.md#format). */
#define KEN_ZERO_SHOT_TEMPLATE "Answer the following question.\n{question}\n"

/* The question in a prompt of this template, *n bytes borrowed from text; NULL when it is another prompt. */
const char *ken_template_question(const char *template_text, const char *text, size_t *n);
/* The same for prompt and answer in one text: *question (*n bytes) and *answer, borrowed from text. False when it is another text, or could be parted
 * in several ways. */
bool ken_template_part(const char *template_text, const char *text, const char **question, size_t *n,
                       const char **answer);
#endif
