/* cross_fit.h - exemplars for data that have none to spare: each row's come from other rows (docs/method/knowledge.md#cross-fit).
 *
 * The rows of a relation share their sets. A row that stands in one of them, or shares its question or subject with an exemplar there, gets sets of its own
 * in which other rows stand in these places, so that prompts still share their beginnings. Where a row has too few others in its relation,
 * they come from all relations, and where the data have too few, from other facts. */
#ifndef KEN_DATA_CROSS_FIT_H
#define KEN_DATA_CROSS_FIT_H
#include "data/exemplars.h"

typedef struct ken_cross_fit ken_cross_fit;

/* d, the fallback and what is stored (o->exemplars is not used) must outlive it. need: rows for disjoint sets; least: for sets that differ. choice:
 * one set of `need` rows. wanted (d->n): rows that get sets. KEN_EINPUT naming `exemplars` when even the fallback has too few. */
int ken_cross_fit_new(ken_cross_fit **out, const ken_data *d, const ken_exemplar_options *o, size_t need, size_t least,
                      bool choice, const bool *wanted, ken_err *err);
void ken_cross_fit_free(ken_cross_fit *f);
/* Of row i of d; of the rows of a relation that have none of their own. Borrowed; NULL when nothing of it was wanted. */
const ken_exemplars *ken_cross_fit_row(const ken_cross_fit *f, size_t i);
const ken_exemplars *ken_cross_fit_relation(const ken_cross_fit *f, const char *relation);
/* For a question of one's own, x, of a relation of d: the relation's sets, or where x is related to one of their exemplars, sets without those.
 * KEN_ENOMEM. */
int ken_cross_fit_question(ken_cross_fit *f, const ken_example *x, const ken_exemplars **out);
#endif
