/* from_data.c - drafts from a data set as `ken annotate` reads it; see draft.h. */
#include "tune/draft.h"
#include <math.h>
#include <string.h>

static const char *copy(ken_drafts *d, const char *s) { return ken_arena_strndup(&d->arena, s, strlen(s)); }

static int add(ken_drafts *d, const ken_example *e, size_t place, ken_err *err)
{
    ken_draft x = {.id = copy(d, e->id),
                   .relation = ken_drafts_name(d, e->relation, strlen(e->relation)),
                   .split = ken_drafts_name(d, e->split, strlen(e->split)),
                   .task = "",
                   .question = copy(d, e->question),
                   .n_answers = e->n_answers,
                   .popularity = e->popularity,
                   .category = KEN_N_CATEGORIES,
                   .p = NAN,
                   .p_t0 = NAN,
                   .p_unknown = NAN,
                   .weight = NAN,
                   .choice = e->n_choices > 0,
                   .file = ken_drafts_name(d, e->file, strlen(e->file)),
                   .line = e->line,
                   .place = place};
    x.answers = ken_drafts_texts(d, e->answers, e->n_answers);
    x.aliases = ken_drafts_texts(d, e->aliases, e->n_aliases);
    x.n_aliases = e->n_aliases;
    bool good = x.id != NULL && x.relation != NULL && x.split != NULL && x.question != NULL && x.file != NULL &&
                x.answers != NULL && x.aliases != NULL;
    if (good && e->subject != NULL) good = (x.subject = copy(d, e->subject)) != NULL;
    return good ? ken_drafts_add(d, &x, err) : ken_fail_nomem(err, "rows");
}

int ken_drafts_from_data(ken_drafts *d, const ken_data *data, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_data_count(data) && rc == KEN_OK; i++) rc = add(d, ken_data_get(data, i), i, err);
    return rc;
}
