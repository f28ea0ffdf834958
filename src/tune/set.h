/* set.h - the rows that a model is trained on, as text and as tokens, whatever they were read from.
 *
 *     ken_tune_set *s;
 *     ken_tune_set_open(&s, model, options->data, &err);            what is trained on
 *     ken_train_data dev = ken_tune_data_like(options->data, "facts/", "dev", &read);
 *     ken_tune_set_open(&t, model, &dev, &err);                     what it is measured on: the same prompts
 *
 * Sources: a data set or a plain file of rows (data/open.c), a run with its categories, prompt/completion, messages or alpaca
 * JSONL. Format by default (docs/method/fine-tuning.md#format): "Answer the following question.\n{question}\n", target "{answer}" and the end
 * token; loss on the target alone. */
#ifndef KEN_TUNE_SET_H
#define KEN_TUNE_SET_H
#include "base/error.h"
#include "model/model.h"
#include "tune/order.h"

typedef struct ken_tune_row {
    const char *id, *relation,
        *task;            /* "" when there is none; task: the name of the mixture's part, "" for the main data */
    int category;         /* KEN_HIGHLY_KNOWN ... KEN_UNLABELLED; KEN_N_CATEGORIES when not annotated */
    const char *question; /* NULL for rows of instruction data */
    const char *subject;  /* NULL = not known */
    const char *const
        *answers; /* (n_answers) accepted; the first is trained unless the target was replaced (IDK). None: the row
                                   cannot be judged by its answer */
    int n_answers;
    const char *const *aliases; /* (n_aliases) other names that count as right, for a matcher that uses them */
    int n_aliases;
    double popularity;       /* NaN = none */
    float weight;            /* of its loss; 1 */
    const int32_t *ids;      /* (n_ids) prompt, then target with the end token */
    int32_t n_ids, n_prompt; /* loss on ids[n_prompt .. n_ids); n_prompt >= 1 */
} ken_tune_row;

typedef struct ken_tune_set ken_tune_set;

/* Reads, selects and tokenises what `from` describes; see ken.h. Borrows nothing. KEN_EINPUT with file, line and what is wrong;
 * KEN_EUSAGE for a request that the data cannot meet, saying what is short. */
int ken_tune_set_open(ken_tune_set **out, const ken_model *m, const ken_train_data *from, ken_err *err);
void ken_tune_set_free(ken_tune_set *s);
/* The rows of another place, with the prompts and the reading of `main`, for measuring: no selection but the split `prefer` where there
 * is one ("dev", "test"), targets and weights as they are, no mixture. path borrowed; NULL = main's own. *read: room for how they are read. */
ken_train_data ken_tune_data_like(const ken_train_data *main, const char *path, const char *prefer,
                                  ken_data_options *read);
/* What a caller gave, as this library has it; to->read is *read. KEN_EUSAGE: base/options.h. */
int ken_train_data_take(ken_train_data *to, ken_data_options *read, const ken_train_data *from, ken_err *err);

bool ken_tune_set_certainty(const ken_tune_set *s); /* some target says how sure to be of it (know/certainty.h) */
size_t ken_tune_set_count(const ken_tune_set *s);
const ken_tune_row *ken_tune_set_row(const ken_tune_set *s, size_t i); /* borrowed */
/* The main data, then each mixture in the order given; their rows come one part after the other. Borrowed. */
const ken_order_part *ken_tune_set_parts(const ken_tune_set *s, int *n);
const bool *ken_tune_set_tail(const ken_tune_set *s); /* (rows of part 0) the known tail; NULL = none. Borrowed */
const ken_train_data_stats *ken_tune_set_stats(const ken_tune_set *s);
const char *
ken_tune_set_hash(const ken_tune_set *s); /* SHA-256 over everything above in order; 64 hex digits; borrowed */
#endif
