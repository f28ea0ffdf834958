/* choose.h - which drafts are trained, in which order, with which target and weight: --split to --weights of ken_train_data. */
#ifndef KEN_TUNE_CHOOSE_H
#define KEN_TUNE_CHOOSE_H
#include "tune/pool.h"

typedef struct ken_pick {
    size_t draft;
    bool tail; /* of the known tail: after all others, in this order */
    int nth;   /* how often the draft occurs before: 0, but for rows of a tail that repeats them */
    int idk;   /* its target is from->idk[idk]; -1 = an answer */
    const char *
        target; /* in place of the draft's: from->idk[idk], the model's own answer, with a certainty; NULL = the draft's. In the
                           drafts' arena, or from's */
    float weight;
} ken_pick;

typedef struct ken_chosen {
    ken_pick *pick; /* (n) main rows in the drafts' order, then the tail */
    size_t n;
    size_t *candidate; /* (n_candidates) drafts that passed every filter, before any was limited or drawn; ascending */
    size_t n_candidates;
} ken_chosen;

/* Fills of *stats: category, tail, tail_repeated, relabelled, relations_left_out, spread. KEN_EUSAGE for a request that the rows cannot
 * meet. Free with ken_chosen_free. */
int ken_choose(ken_chosen *out, ken_drafts *d, const ken_train_data *from, ken_usable_fn usable, void *ctx,
               ken_train_data_stats *stats, ken_err *err);
void ken_chosen_free(ken_chosen *c);
/* What the row is called in the set: the draft's id, and "#2" after it where the draft occurs a second time. Dropout's masks are drawn
 * by it, so that a copy must have the name that it has in a file. In the drafts' arena; NULL when out of memory. */
const char *ken_pick_id(ken_drafts *d, const ken_pick *p);
#endif
