/* pool.h - lists of drafts, from all rows of a place to those that are trained: the steps of choose.c.
 *
 * A pool holds indices of drafts, ascending, so in data order. Whatever is drawn is drawn by a random number of its own for each row, a
 * function of (seed, what is drawn, row id): a row's number does not depend on which other rows there are, so that a smaller draw
 * is part of a larger one, and another filter does not draw everything again. */
#ifndef KEN_TUNE_POOL_H
#define KEN_TUNE_POOL_H
#include "tune/draft.h"

typedef struct ken_pool {
    size_t *item; /* (n) drafts */
    size_t n, cap;
} ken_pool; /* {0} is empty; free item with ken_free */

/* Whether a draft can be trained at all (its tokens fit); asked only for drafts that might be taken. Failing ends the choice. */
typedef int (*ken_usable_fn)(void *ctx, size_t draft, bool *usable, ken_err *err);

typedef struct ken_usable {
    ken_usable_fn ask;
    void *ctx;
} ken_usable;

int ken_pool_add(ken_pool *p, size_t draft, ken_err *err);
static inline bool ken_draft_is_known(const ken_draft *r)
{
    return r->category >= KEN_HIGHLY_KNOWN && r->category <= KEN_WEAKLY_KNOWN;
}

/* ---- filter.c ------------------------------------------------------------------------------------------------------- */

/* Rows of the splits, relations and subjects asked for. */
int ken_pool_take(ken_pool *out, const ken_drafts *d, const ken_train_data *from, ken_err *err);
/* Of these, rows of the categories, probabilities and popularity asked for. KEN_EUSAGE when there is none, saying which filter left nothing
 * and what there is. */
int ken_pool_filter(ken_pool *out, const ken_pool *pool, const ken_drafts *d, const ken_train_data *from, ken_err *err);

/* Whether a set of categories (bits) has this one; rows that are not annotated have none. */
bool ken_takes_category(unsigned categories, int category);
/* "HighlyKnown,Unknown"; "Known" where it has the first three. */
void ken_categories_text(ken_buf *out, unsigned categories);

/* ---- cut.c ---------------------------------------------------------------------------------------------------------- */

/* Keeps share[g] rows of each group g, drawn; group (p->n): the group of each row, -1 = none is kept. what: 0, 1, ... tells draws apart. */
int ken_pool_draw(ken_pool *p, const ken_drafts *d, uint64_t seed, uint32_t what, const int32_t *group,
                  const size_t *share, size_t n_groups, ken_err *err);
/* What is drawn. */
enum {
    KEN_DRAW_LIMIT = 1,
    KEN_DRAW_RELATION,
    KEN_DRAW_HALF,
    KEN_DRAW_BALANCE,
    KEN_DRAW_PAIRS,
    KEN_DRAW_CONTROL,
    KEN_DRAW_PHRASE,
    KEN_DRAW_SUBJECT
};

/* Relations of the rows as numbers 0 to *n - 1 in their order: group (p->n), the caller's, also after a failure. */
int ken_pool_relations(const ken_pool *p, const ken_drafts *d, int32_t **group, size_t *n, ken_err *err);

/* --half: *p becomes one half of its rows. */
int ken_pool_halve(ken_pool *p, const ken_drafts *d, const ken_train_data *from, ken_train_data_stats *stats,
                   ken_err *err);
/* --per-relation and --limit: the first usable ones, or with --sample drawn ones (all must be usable then). */
int ken_pool_limit(ken_pool *p, const ken_drafts *d, const ken_train_data *from, ken_usable usable, ken_err *err);
/* --balance. */
int ken_pool_balance(ken_pool *p, const ken_drafts *d, const ken_train_data *from, ken_err *err);

/* ---- match.c -------------------------------------------------------------------------------------------------------- */

/* --match pairs: as many Known as Unknown rows of each relation and decile of popularity. all: what frequencies are counted in. */
int ken_pool_pair(ken_pool *p, const ken_pool *all, const ken_drafts *d, const ken_train_data *from,
                  ken_train_data_stats *stats, ken_err *err);
/* --match control: in place of each Unknown row of *p a Known one of its relation and decile, of `others`, which holds p's rows too. */
int ken_pool_control(ken_pool *p, const ken_pool *others, const ken_pool *all, const ken_drafts *d,
                     const ken_train_data *from, ken_train_data_stats *stats, ken_err *err);
#endif
