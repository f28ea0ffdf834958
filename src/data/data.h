/* data.h - what the layers above need of data beyond the public header: exemplar sets. */
#ifndef KEN_DATA_DATA_H
#define KEN_DATA_DATA_H
#include "base/arena.h"
#include "base/error.h"
#include <string.h>

/* A table of --aliases alone, without rows, for runs that are scored again. Free with ken_data_free. */
int ken_aliases_open(ken_data **out, const char *path, ken_err *err);
/* Other names of answers (n_answers) from d's table: *out (n) in the arena, the names borrowed from d; NULL and 0 when there are none.
 * KEN_ENOMEM. */
int ken_alias_list(const ken_data *d, ken_arena *arena, const char *const *answers, int n_answers,
                   const char *const **out, int *n);
bool ken_data_has_aliases(const ken_data *d); /* it was opened with a table */
/* SHA-256 of the table, "" without one: which table it is, however it is laid out. Borrowed. */
const char *ken_aliases_hash(const ken_data *d);

/* The exemplar sets of a relation, or of one row (docs/method/knowledge.md#exemplars). For multiple choice one set of all the rows that may serve
 * (five dev rows a subject in MMLU), in data order: each prompt's choice and order is made from it. */
typedef struct ken_exemplars {
    const char *relation; /* borrowed */
    int n_sets, shots;
    const ken_example *const *shot; /* (n_sets, shots) borrowed */
    uint32_t flags;                 /* KEN_FLAG_EXEMPLARS_* for every row that has them */
} ken_exemplars;

typedef struct ken_own_set { /* a set that a run has for one row alone */
    const char *id;
    int set;
    const ken_example *const *shot; /* (shots) */
} ken_own_set;

static inline bool ken_same_subject(const ken_example *a, const ken_example *b)
{
    return a->subject != NULL && b->subject != NULL && strcmp(a->subject, b->subject) == 0;
}
/* Would e as an exemplar give x away? Its question, or another fact about its subject. */
static inline bool ken_is_related(const ken_example *x, const ken_example *e)
{
    return strcmp(x->question, e->question) == 0 || ken_same_subject(x, e);
}

enum { KEN_MAX_SHOTS = 64 };
/* The exemplars of one set in their order; returns how many: x->shots, 0 when x is NULL. */
int ken_exemplars_get(const ken_exemplars *x, int set, const ken_example *shot[KEN_MAX_SHOTS]);

/* Keeps `want` of rows (*n indices into d, ascending): drawn by the seed, in proportion to the relations; see sample.c. */
int ken_sample_rows(const ken_data *d, size_t *rows, size_t *n, size_t want, uint64_t seed, ken_err *err);
typedef struct ken_sampled {
    const char *id, *relation; /* "" = none */
} ken_sampled;
/* The same draw over rows of any kind (n > want): taken (want), indices into row, ascending. */
int ken_sample_draw(const ken_sampled *row, size_t n, size_t want, uint64_t seed, size_t *taken, ken_err *err);

/* A data set of these rows (n), whose strings are borrowed: no groups, no statistics. Free with ken_data_free. */
int ken_data_of_rows(ken_data **out, const ken_example *rows, size_t n, ken_err *err);

typedef struct ken_exemplar_sets ken_exemplar_sets;

typedef struct ken_exemplar_options {
    int n_sets, shots; /* 10, 4; at most 1000, 64 */
    uint64_t seed;
    const ken_data *exemplars;          /* of ken_annotate_options, or NULL */
    const ken_data *fallback;           /* likewise */
    ken_names splits, relations;        /* as in ken_annotate_options */
    size_t per_relation, limit, sample; /* sample: of what `per_relation` leaves, by sample_seed; not with limit */
    uint64_t sample_seed;
    /* (n_stored) sets that a run has already, by relation (single rows: sorted by id and set): used in place of a draw. Unless rows are cross-fitted, rows of the relation that
     * ask about one of them are held out. (n_stored_own) those of single rows. Both must outlive the plan. */
    const ken_exemplars *stored;
    size_t n_stored;
    const ken_own_set *stored_own;
    size_t n_stored_own;
} ken_exemplar_options;

/* Where exemplars come from. */
typedef enum ken_exemplar_source {
    KEN_FROM_DATA /* another data set */,
    KEN_FROM_DEV,
    KEN_CROSS_FITTED
} ken_exemplar_source;
const char *ken_exemplar_source_name(ken_exemplar_source s); /* "data", "dev split", "cross-fit" */

/* Decides, for data d, which rows are exemplars of which, and which are annotated, in data order. d, o->exemplars and o->fallback
 * must outlive the plan; o is copied but for its strings, which are not kept. The sets depend on the data, the seed and the shape
 * of the sets only, never on splits, relations or limits; a question is never its own exemplar.
 * KEN_EINPUT naming `exemplars` when the data are too small, KEN_EUSAGE for a split or relation that the data do not have. */
int ken_exemplar_sets_new(ken_exemplar_sets **out, const ken_data *d, const ken_exemplar_options *o, ken_err *err);
void ken_exemplar_sets_free(ken_exemplar_sets *p);
/* Of row i of d; of the rows of a relation that have none of their own. Borrowed; NULL = not asked for. */
const ken_exemplars *ken_exemplar_sets_row(const ken_exemplar_sets *p, size_t i);
const ken_exemplars *ken_exemplar_sets_for(const ken_exemplar_sets *p, const char *relation);
/* For a question of one's own in x->relation; *out NULL when there is no such relation. An exemplar that is the question itself or about its subject stands in
 * none of them where rows are cross-fitted; elsewhere it may. KEN_ENOMEM. */
int ken_exemplar_sets_question(ken_exemplar_sets *p, const ken_example *x, const ken_exemplars **out);
ken_exemplar_source ken_exemplar_sets_source(const ken_exemplar_sets *p);
/* Indices into d of the rows to annotate, data order; borrowed. */
size_t ken_exemplar_sets_rows(const ken_exemplar_sets *p, const size_t **rows);
size_t ken_exemplar_sets_held_out(const ken_exemplar_sets *p); /* rows asked for that serve as exemplars instead */
#endif
