/* identity.h - which rows of a run are the same: what each was computed from, spelled canonically (base/canon.h).
 *
 * A run's settings bind the whole of it (settings.h); what may differ from row to row is described here. Rows that repeat are computed once,
 * a run whose data changed keeps what is still true of it, and runs are compared by what they asked: all three ask this. */
#ifndef KEN_KNOW_IDENTITY_H
#define KEN_KNOW_IDENTITY_H
#include "data/data.h"
#include "know/settings.h"

typedef struct ken_identity {
    char asked[65];    /* what the prompt shows of the row; the same in runs that show the same fields */
    char computed[65]; /* that, what is accepted and the exemplars: rows that share it have the same probabilities */
    char row[65];      /* everything: with it the row may be kept */
} ken_identity;

typedef struct ken_identifier ken_identifier;
/* Everything is borrowed. stored (n_stored): sets that a run has, for relations that are not asked for; other: --exemplars or NULL. */
int ken_identifier_new(ken_identifier **out, const ken_setup *setup, const ken_data *data, const ken_data *other,
                       ken_err *err);
void ken_identifier_free(ken_identifier *f);
/* From now on exemplars are those of sets, and of relations that it does not have those of stored (n). */
void ken_identifier_exemplars(ken_identifier *f, const ken_exemplar_sets *sets, const ken_exemplars *stored, size_t n);
/* Of row number `index` of the data. KEN_ENOMEM. */
int ken_identify(ken_identifier *f, size_t index, ken_identity *out, ken_err *err);
#endif
