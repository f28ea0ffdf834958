/* identity.c - see identity.h. What rows share (exemplars of a relation, a block of the guess control) is spelled once for those that follow
 * one another, as they do in data order. */
#include "know/identity.h"
#include "base/alloc.h"
#include "data/identity.h"
#include "know/choice.h"
#include "know/task.h"
#include <string.h>

struct ken_identifier {
    const ken_setup *setup;
    const ken_data *data, *other;
    const ken_exemplar_sets *exemplars;
    const ken_exemplars *stored; /* (n_stored) */
    size_t n_stored;
    const void *
        spelled; /* the exemplars in `shown`: those of a relation or a row, or the relation of multiple choice; NULL = none */
    size_t block; /* first row of the block spelled in `neighbours` */
    ken_buf shown, neighbours, asked, b;
};

int ken_identifier_new(ken_identifier **out, const ken_setup *setup, const ken_data *data, const ken_data *other,
                       ken_err *err)
{
    *out = ken_calloc(1, sizeof **out);
    if (*out == NULL) return ken_fail_nomem(err, "rows");
    **out = (ken_identifier){.setup = setup, .data = data, .other = other, .block = SIZE_MAX};
    return KEN_OK;
}

void ken_identifier_free(ken_identifier *f)
{
    if (f == NULL) return;
    ken_buf_free(&f->shown);
    ken_buf_free(&f->neighbours);
    ken_buf_free(&f->asked);
    ken_buf_free(&f->b);
    ken_free(f);
}

void ken_identifier_exemplars(ken_identifier *f, const ken_exemplar_sets *sets, const ken_exemplars *stored, size_t n)
{
    f->exemplars = sets;
    f->stored = stored;
    f->n_stored = n;
    f->spelled = NULL;
}

/* The sets of the row; where none are planned, those that the run has for its relation. */
static const ken_exemplars *sets_of(const ken_identifier *f, const ken_example *x, size_t index)
{
    const ken_exemplars *sets = f->setup->shots > 0 ? ken_exemplar_sets_row(f->exemplars, index) : NULL;
    for (size_t i = 0; i < f->n_stored && sets == NULL; i++)
        if (strcmp(f->stored[i].relation, x->relation) == 0) sets = &f->stored[i];
    return sets;
}

static void spell_sets(ken_identifier *f, const ken_exemplars *x)
{
    const ken_example *shot[KEN_MAX_SHOTS];
    for (int s = 0; x != NULL && s < x->n_sets; s++) {
        int n = ken_exemplars_get(x, s, shot);
        for (int i = 0; i < n; i++) {
            ken_canon_text(&f->shown, shot[i]->relation);
            ken_canon_text(&f->shown, shot[i]->question);
            ken_canon_text(&f->shown, shot[i]->subject);
            ken_canon_text(&f->shown, shot[i]->answers[0]);
        }
    }
}

/* Multiple choice draws its exemplars for each prompt from all these. */
static int spell_pool(ken_identifier *f, const ken_choice_from *from, const char *relation, ken_err *err)
{
    const ken_example **pool = NULL;
    size_t n = 0;
    int rc = ken_choice_pool(&pool, &n, from, relation, NULL, err);
    for (size_t i = 0; i < n; i++) {
        ken_canon_asked(&f->shown, pool[i]);
        ken_canon_number(&f->shown, (uint64_t)pool[i]->choice);
    }
    ken_free(pool);
    return rc;
}

static int spell_exemplars(ken_identifier *f, const ken_example *x, size_t index, ken_err *err)
{
    const ken_choice_from from = ken_choice_exemplars(f->exemplars, f->data, f->other, index);
    const ken_exemplars *sets = x->n_choices > 0 ? from.own : sets_of(f, x, index);
    const void *what = sets != NULL ? (const void *)sets : x->relation; /* interned: rows of a relation share it */
    if (f->spelled == what) return KEN_OK;
    int rc = KEN_OK;
    ken_buf_clear(&f->shown);
    if (x->n_choices > 0) rc = spell_pool(f, &from, x->relation, err);
    else spell_sets(f, sets);
    f->spelled = rc == KEN_OK ? what : NULL;
    return rc;
}

/* The guess control looks at other rows of a block and draws them by their places in it. */
static void spell_neighbours(ken_identifier *f, size_t index)
{
    size_t first, n;
    ken_control_block(f->data, index, &first, &n);
    ken_canon_number(&f->b, index - first);
    if (first != f->block) {
        ken_buf_clear(&f->neighbours);
        for (size_t i = first; i < first + n; i++) {
            ken_canon_asked(&f->neighbours, ken_data_get(f->data, i));
            ken_canon_right(&f->neighbours, ken_data_get(f->data, i));
        }
        f->block = first;
    }
    f->b.failed |= f->neighbours.failed;
    ken_buf_add(&f->b, ken_buf_str(&f->neighbours), f->neighbours.len);
}

int ken_identify(ken_identifier *f, size_t index, ken_identity *out, ken_err *err)
{
    const ken_example *x = ken_data_get(f->data, index);
    ken_example seen = *x; /* as the prompt shows it */
    if (x->n_choices > 0 || !ken_prompt_shows(&f->setup->style, "{subject}")) seen.subject = NULL;
    if (x->n_choices > 0 || !ken_prompt_shows(&f->setup->style, "{relation}")) seen.relation = "";
    int rc = spell_exemplars(f, x, index, err);
    if (rc != KEN_OK) return rc;
    ken_buf_clear(&f->asked);
    ken_canon_asked(&f->asked, &seen);
    bool failed = ken_canon_hash(&f->asked, out->asked) != 0 || f->shown.failed;

    ken_buf_clear(&f->b); /* the relation chose the exemplars; it is spelled where nothing else tells it */
    ken_buf_add(&f->b, ken_buf_str(&f->asked), f->asked.len);
    ken_canon_text(&f->b, x->relation);
    ken_canon_right(&f->b, x);
    ken_buf_add(&f->b, ken_buf_str(&f->shown), f->shown.len);
    failed = failed || ken_canon_hash(&f->b, out->computed) != 0;

    ken_canon_example(&f->b, x);
    if (f->setup->control) spell_neighbours(f, index);
    failed = failed || ken_canon_hash(&f->b, out->row) != 0;
    return failed ? ken_fail_nomem(err, "rows") : KEN_OK;
}
