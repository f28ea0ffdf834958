/* choice.h - multiple choice rows (MMLU; docs/method/knowledge.md#multiple-choice, ours): no texts, only the letters' logits.
 *
 * Ten prompts, each with a seeded choice and order of exemplars from the subject's dev rows and a seeded order of the question's
 * options. G_i: the gold's letter has the largest logit of the options; p_i: its softmax share among them at the run's temperature. */
#ifndef KEN_KNOW_CHOICE_H
#define KEN_KNOW_CHOICE_H
#include "base/buf.h"
#include "data/data.h"
#include "know/method.h"

typedef struct ken_choice ken_choice;

/* Where exemplars come from: those of a row (cross-fit), or where that is NULL rows of its subject in data, of the dev split only unless any_split. */
typedef struct ken_choice_from {
    const ken_exemplars *own;
    const ken_data *data;
    bool any_split;
} ken_choice_from;
/* Of row i of d, which is asked about, with the data that `exemplars` names or NULL. */
ken_choice_from ken_choice_exemplars(const ken_exemplar_sets *sets, const ken_data *d, const ken_data *other, size_t i);
/* Rows of a subject that can be exemplars, in data order: *pool (n), which grows from NULL and is freed by the caller with ken_free; not those
 * with the question `except` (NULL = all). */
int ken_choice_pool(const ken_example ***pool, size_t *n, const ken_choice_from *from, const char *subject,
                    const char *except, ken_err *err);
/* KEN_EINPUT when there are fewer exemplars than `shots`. Without an engine nothing is asked: then it is there for its prompts. */
int ken_choice_new(ken_choice **out, ken_engine *e, const ken_setup *setup, const ken_choice_from *from,
                   const ken_example *x, ken_err *err);
void ken_choice_free(ken_choice *c);
/* Prompt number i as the model gets it: appended to text, and its tokens (n) in ids, which grows. */
int ken_choice_prompt(const ken_choice *c, int i, ken_buf *text, int32_t **ids, size_t *n, size_t *cap, ken_err *err);
ken_question *ken_choice_question(ken_choice *c); /* the same, for the loop that asks; none without an engine */
const ken_choice *ken_choice_of_question(const ken_question *q);
/* When it is done: hit (n_prompts), p (n_prompts), margin (n_prompts) between the two best letters, and the letter's place
 * among the shown options -> which choice the model took (n_prompts). */
int ken_choice_result(const ken_choice *c, bool *hit, double *p, double *margin, int *taken, ken_err *err);
#endif
