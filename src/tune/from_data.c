/* from_data.c - drafts from a data set as `ken annotate` reads it; see draft.h. */
#include "tune/draft.h"
#include <math.h>

static int add(ken_drafts *d, const ken_example *e, size_t place, ken_err *err)
{
    const ken_draft x = {.id = e->id,
                         .relation = e->relation,
                         .split = e->split,
                         .task = "",
                         .question = e->question,
                         .subject = e->subject,
                         .answers = e->answers,
                         .n_answers = e->n_answers,
                         .aliases = e->aliases,
                         .n_aliases = e->n_aliases,
                         .popularity = e->popularity,
                         .category = KEN_N_CATEGORIES,
                         .p = NAN,
                         .p_t0 = NAN,
                         .p_unknown = NAN,
                         .weight = NAN,
                         .choice = e->n_choices > 0,
                         .file = e->file,
                         .line = e->line,
                         .place = place};
    return ken_drafts_add_copy(d, &x, err);
}

int ken_drafts_from_data(ken_drafts *d, const ken_data *data, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_data_count(data) && rc == KEN_OK; i++) rc = add(d, ken_data_get(data, i), i, err);
    return rc;
}
