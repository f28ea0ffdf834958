/* set.h - the rows that a model is trained on, as text and as tokens, whatever they were read from.
 *
 * Sources: a data set or a plain file of rows (data/open.c), a run with its categories, prompt/completion, messages or alpaca
 * JSONL. Format by default (spec/finetuning.md 1): "Answer the following question.\n{question}\n", target "{answer}" and the end
 * token; loss on the target alone. */
#ifndef KEN_TUNE_SET_H
#define KEN_TUNE_SET_H
#include "base/error.h"
#include "model/model.h"

typedef struct ken_tune_row {
    const char *id, *relation,
        *task;                  /* "" when there is none; task: the name of the mixture's part, "" for the main data */
    int category;               /* KEN_HIGHLY_KNOWN ... KEN_UNLABELLED; KEN_N_CATEGORIES when not annotated */
    const char *question;       /* NULL for rows of instruction data */
    const char *const *answers; /* (n_answers) accepted; the first is trained unless the target was replaced (IDK) */
    int n_answers;
    double popularity;       /* NaN = none */
    float weight;            /* of its loss; 1 */
    const int32_t *ids;      /* (n_ids) prompt, then target with the end token */
    int32_t n_ids, n_prompt; /* loss on ids[n_prompt .. n_ids) */
} ken_tune_row;

typedef struct ken_tune_set ken_tune_set;
size_t ken_tune_set_count(const ken_tune_set *s);
const ken_tune_row *ken_tune_set_row(const ken_tune_set *s, size_t i); /* borrowed */
void ken_tune_set_free(ken_tune_set *s);
const char *
ken_tune_set_hash(const ken_tune_set *s); /* SHA-256 over everything above in order; 64 hex digits; borrowed */
#endif
