/* cut.c - fewer rows of those that passed: halves, limits, balance; see pool.h. */
#include "base/alloc.h"
#include "base/rng.h"
#include "tune/pool.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- drawing -------------------------------------------------------------------------------------------------------- */

/* A row among others of its group. */
typedef struct ticket {
    int32_t group;
    double first, second; /* what rows are ordered by, ascending */
    const char *id;       /* ties */
    size_t place;         /* in the pool */
} ticket;

static int by_order(const void *x, const void *y)
{
    const ticket *a = x, *b = y;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    if (a->second != b->second) return a->second < b->second ? -1 : 1;
    return strcmp(a->id, b->id);
}

/* Keeps the first share[g] rows of each group g in the order of their tickets (p->n), or the last ones; group -1 = none is kept. Frees the
 * tickets, which may be NULL. */
static int keep_share(ken_pool *p, ticket *t, bool last, const size_t *share, size_t n_groups, ken_err *err)
{
    bool *chosen = ken_calloc(p->n, sizeof *chosen);
    size_t *taken = ken_calloc(n_groups, sizeof *taken), n = 0;
    int rc = t == NULL || chosen == NULL || taken == NULL ? ken_fail_nomem(err, "rows") : KEN_OK;
    if (rc == KEN_OK) {
        qsort(t, p->n, sizeof *t, by_order);
        for (size_t i = 0; i < p->n; i++) {
            const ticket *x = &t[last ? p->n - 1 - i : i];
            if (x->group < 0 || taken[x->group] >= share[x->group]) continue;
            taken[x->group]++;
            chosen[x->place] = true;
        }
        for (size_t i = 0; i < p->n; i++)
            if (chosen[i]) p->item[n++] = p->item[i];
        p->n = n;
    }
    ken_free(t);
    ken_free(chosen);
    ken_free(taken);
    return rc;
}

int ken_pool_draw(ken_pool *p, const ken_drafts *d, uint64_t seed, uint32_t what, const int32_t *group,
                  const size_t *share, size_t n_groups, ken_err *err)
{
    ticket *t = ken_alloc(p->n, sizeof *t);
    for (size_t i = 0; i < p->n && t != NULL; i++) {
        const char *id = d->rows[p->item[i]].id;
        t[i] = (ticket){group[i], ken_uniform(seed, id, strlen(id), what, 0, 0), 0, id, i};
    }
    return keep_share(p, t, false, share, n_groups, err);
}

int ken_pool_relations(const ken_pool *p, const ken_drafts *d, int32_t **group, size_t *n, ken_err *err)
{
    ken_strmap *at = ken_strmap_new(64);
    *group = ken_alloc(p->n, sizeof **group);
    int rc = at == NULL || *group == NULL ? ken_fail_nomem(err, "relations") : KEN_OK;
    for (size_t i = 0; i < p->n && rc == KEN_OK; i++) {
        const char *relation = d->rows[p->item[i]].relation;
        (*group)[i] = ken_strmap_number(at, relation, strlen(relation));
        if ((*group)[i] < 0) rc = ken_fail_nomem(err, "relations");
    }
    *n = at != NULL ? ken_strmap_count(at) : 0;
    ken_strmap_free(at);
    return rc;
}

/* All rows as one group, or the relations. */
static int groups_of(const ken_pool *p, const ken_drafts *d, bool relations, int32_t **group, size_t *n, ken_err *err)
{
    if (relations) return ken_pool_relations(p, d, group, n, err);
    *n = 1;
    *group = ken_calloc(p->n, sizeof **group);
    return *group != NULL ? KEN_OK : ken_fail_nomem(err, "rows");
}

/* ---- halves --------------------------------------------------------------------------------------------------------- */

/* What rows are ranked by: popularity, else P_Correct with the greedy accuracy after it (docs/method/salience.md#halves). NaN = not ranked. */
static double rank_of(const ken_draft *r, bool by_p) { return by_p ? r->p : r->popularity; }

static bool has_popularity(const ken_pool *p, const ken_drafts *d)
{
    for (size_t i = 0; i < p->n; i++)
        if (!isnan(d->rows[p->item[i]].popularity)) return true;
    return false;
}

static void drop_unranked(ken_pool *p, const ken_drafts *d, bool by_p, ken_train_data_stats *stats)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        if (!isnan(rank_of(&d->rows[p->item[i]], by_p))) p->item[n++] = p->item[i];
    stats->unranked = p->n - n;
    p->n = n;
}

/* The most popular share[g] rows of each group, or the least popular. */
static int keep_extreme(ken_pool *p, const ken_drafts *d, bool by_p, bool top, const int32_t *group,
                        const size_t *share, size_t n_groups, ken_err *err)
{
    ticket *t = ken_alloc(p->n, sizeof *t);
    for (size_t i = 0; i < p->n && t != NULL; i++) { /* one order for both halves, read from either end */
        const ken_draft *r = &d->rows[p->item[i]];
        double second = by_p && !isnan(r->p_t0) ? r->p_t0 : 0;
        t[i] = (ticket){group[i], -rank_of(r, by_p), -second, r->id, i};
    }
    return keep_share(p, t, !top, share, n_groups, err);
}

int ken_pool_halve(ken_pool *p, const ken_drafts *d, const ken_train_data *from, ken_train_data_stats *stats,
                   ken_err *err)
{
    bool by_p = from->half_by == KEN_HALF_BY_AUTO ? !has_popularity(p, d) : from->half_by == KEN_HALF_BY_P;
    stats->ranked_by = by_p ? "p" : "popularity";
    drop_unranked(p, d, by_p, stats);
    int32_t *group = NULL;
    size_t n_groups = 0, total = 0, before = p->n;
    int rc = groups_of(p, d, from->half_within, &group, &n_groups, err);
    size_t *share = rc == KEN_OK ? ken_calloc(n_groups + 1, sizeof *share) : NULL;
    if (rc == KEN_OK && share == NULL) rc = ken_fail_nomem(err, "rows");
    if (rc == KEN_OK) {
        for (size_t i = 0; i < p->n; i++) share[group[i]]++;
        for (size_t g = 0; g < n_groups; g++) total += share[g] /= 2;
        rc = total == 0 ? ken_fail(err, KEN_EUSAGE, "%s: %zu row%s with a %s ha%s no halves%s; two are needed at least",
                                   from->path, before, before == 1 ? "" : "s", by_p ? "P_Correct" : "popularity",
                                   before == 1 ? "s" : "ve", from->half_within ? " within a relation" : "")
             : from->half == KEN_HALF_RANDOM
                 ? ken_pool_draw(p, d, from->seed, KEN_DRAW_HALF, group, share, n_groups, err)
                 : keep_extreme(p, d, by_p, from->half == KEN_HALF_POPULAR, group, share, n_groups, err);
    }
    if (rc == KEN_OK) stats->middle = before - 2 * p->n;
    ken_free(group);
    ken_free(share);
    return rc;
}

/* ---- limits --------------------------------------------------------------------------------------------------------- */

/* The first rows in data order; those after them need not be usable. */
static int take_first(ken_pool *p, const int32_t *group, size_t *taken, const ken_train_data *from, ken_usable usable,
                      ken_err *err)
{
    size_t n = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < p->n && rc == KEN_OK; i++) {
        bool good = true;
        if (from->limit > 0 && n >= from->limit) break;
        if (from->per_relation > 0 && taken[group[i]] >= from->per_relation) continue;
        rc = usable.ask(usable.ctx, p->item[i], &good, err);
        if (rc != KEN_OK || !good) continue;
        taken[group[i]]++;
        p->item[n++] = p->item[i];
    }
    p->n = n;
    return rc;
}

static int draw_limit(ken_pool *p, const ken_drafts *d, bool relations, size_t most, uint64_t seed, ken_err *err)
{
    int32_t *group = NULL;
    size_t n_groups = 0;
    int rc = groups_of(p, d, relations, &group, &n_groups, err);
    size_t *share = rc == KEN_OK ? ken_alloc(n_groups + 1, sizeof *share) : NULL;
    if (rc == KEN_OK && share == NULL) rc = ken_fail_nomem(err, "rows");
    if (rc == KEN_OK) {
        for (size_t g = 0; g < n_groups; g++) share[g] = most;
        rc = ken_pool_draw(p, d, seed, relations ? KEN_DRAW_RELATION : KEN_DRAW_LIMIT, group, share, n_groups, err);
    }
    ken_free(group);
    ken_free(share);
    return rc;
}

int ken_pool_limit(ken_pool *p, const ken_drafts *d, const ken_train_data *from, ken_usable usable, ken_err *err)
{
    int rc = KEN_OK;
    if (from->sample) {
        if (from->per_relation > 0) rc = draw_limit(p, d, true, from->per_relation, from->seed, err);
        if (rc == KEN_OK && from->limit > 0) rc = draw_limit(p, d, false, from->limit, from->seed, err);
        return rc;
    }
    int32_t *group = NULL;
    size_t n_groups = 0;
    rc = groups_of(p, d, from->per_relation > 0, &group, &n_groups, err);
    size_t *taken = rc == KEN_OK ? ken_calloc(n_groups + 1, sizeof *taken) : NULL;
    if (rc == KEN_OK && taken == NULL) rc = ken_fail_nomem(err, "relations");
    if (rc == KEN_OK) rc = take_first(p, group, taken, from, usable, err);
    ken_free(group);
    ken_free(taken);
    return rc;
}

/* ---- balance -------------------------------------------------------------------------------------------------------- */

/* Whether a category takes part in a balance: the four, or those that --category names. */
static bool takes_part(const ken_train_data *from, int category)
{
    return from->categories == 0 ? category < KEN_UNLABELLED : ken_takes_category(from->categories, category);
}

/* Groups in the order of their numbers: categories, or relations in data order. name (n_groups): borrowed. */
static int balance_groups(const ken_pool *p, const ken_drafts *d, const ken_train_data *from, int32_t **group,
                          const char ***name, size_t *n, ken_err *err)
{
    bool relations = from->balance == KEN_BALANCE_RELATION;
    int32_t number[KEN_N_CATEGORIES + 1];
    int rc = groups_of(p, d, relations, group, n, err);
    if (rc != KEN_OK) return rc;
    *name = ken_calloc((relations ? *n : KEN_N_CATEGORIES) + 1, sizeof **name);
    if (*name == NULL) return ken_fail_nomem(err, "groups");
    if (relations) {
        for (size_t i = 0; i < p->n; i++) (*name)[(*group)[i]] = d->rows[p->item[i]].relation;
        return KEN_OK;
    }
    *n = 0;
    for (int c = 0; c <= KEN_N_CATEGORIES; c++) {
        number[c] = -1;
        if (c == KEN_N_CATEGORIES || !takes_part(from, c)) continue;
        number[c] = (int32_t)*n;
        (*name)[(*n)++] = ken_category_name(c);
    }
    for (size_t i = 0; i < p->n; i++) (*group)[i] = number[d->rows[p->item[i]].category];
    return KEN_OK;
}

/* share (n): equal, or with a size that does not divide by one more for the first of them. */
static int balance_shares(const ken_train_data *from, const size_t *has, const char *const *name, size_t n,
                          size_t *share, ken_err *err)
{
    size_t least = 0, most = 0;
    for (size_t g = 1; g < n; g++)
        if (has[g] < has[least]) least = g;
    if (has[least] == 0)
        return ken_fail(err, KEN_EUSAGE,
                        "%s: there is no %.80s row, so that no balanced set has one; leave it out with `categories`",
                        from->path, name[least]);
    size_t rest = 0; /* of the first groups, so many could give one more than all can */
    while (rest < n && has[rest] > has[least]) rest++;
    most = n * has[least] + rest;
    size_t size = from->set_rows > 0 ? from->set_rows : n * has[least];
    if (size > most)
        return ken_fail(err, KEN_EUSAGE,
                        "%s: %zu rows balanced over %zu %s take more than the %zu of %.80s: `set_rows` %zu is the most",
                        from->path, size, n, from->balance == KEN_BALANCE_RELATION ? "relations" : "categories",
                        has[least], name[least], most);
    for (size_t g = 0; g < n; g++) share[g] = size / n + (g < size % n);
    return KEN_OK;
}

int ken_pool_balance(ken_pool *p, const ken_drafts *d, const ken_train_data *from, ken_err *err)
{
    int32_t *group = NULL;
    const char **name = NULL;
    size_t n = 0;
    int rc = balance_groups(p, d, from, &group, &name, &n, err);
    size_t *has = rc == KEN_OK ? ken_calloc(2 * n + 1, sizeof *has) : NULL;
    if (rc == KEN_OK && has == NULL) rc = ken_fail_nomem(err, "groups");
    if (rc == KEN_OK) {
        for (size_t i = 0; i < p->n; i++)
            if (group[i] >= 0) has[group[i]]++;
        rc = balance_shares(from, has, name, n, has + n, err);
    }
    if (rc == KEN_OK) rc = ken_pool_draw(p, d, from->seed, KEN_DRAW_BALANCE, group, has + n, n, err);
    ken_free(group);
    ken_free(name);
    ken_free(has);
    return rc;
}
