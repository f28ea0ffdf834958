/* match.c - Known rows that are as popular as the Unknown ones (docs/method/fine-tuning.md#popularity-control): what a model does not
 * know is also what few people ask about, and the control tells the two apart.
 *
 * Rows are matched within cells: one relation, one decile of popularity over the rows that are matched. Where data have no
 * popularity, how often the row's answer occurs in the data takes its place. */
#include "base/alloc.h"
#include "base/stats.h"
#include "tune/pool.h"
#include <math.h>
#include <string.h>

enum { DECILES = 10 };

/* ---- cells ---------------------------------------------------------------------------------------------------------- */

static const char *answer_of(const ken_draft *r) { return r->n_answers > 0 ? r->answers[0] : r->target; }

/* How often the answer of each row of p is that of a row of all. key (p->n). */
static int count_answers(const ken_pool *p, const ken_pool *all, const ken_drafts *d, double *key, ken_err *err)
{
    ken_strmap *at = ken_strmap_new(all->n);
    double *count = ken_calloc(all->n + 1, sizeof *count);
    int rc = at == NULL || count == NULL ? ken_fail_nomem(err, "answers") : KEN_OK;
    for (size_t i = 0; i < all->n && rc == KEN_OK; i++) {
        const char *s = answer_of(&d->rows[all->item[i]]);
        if (s == NULL) continue;
        if (ken_strmap_add(at, s, strlen(s), (int32_t)i) < 0) rc = ken_fail_nomem(err, "answers");
        else count[ken_strmap_get(at, s, strlen(s), 0)]++;
    }
    for (size_t i = 0; i < p->n && rc == KEN_OK; i++) {
        const char *s = answer_of(&d->rows[p->item[i]]);
        int32_t k = s != NULL ? ken_strmap_get(at, s, strlen(s), -1) : -1;
        key[i] = k >= 0 ? count[k] : NAN;
    }
    ken_strmap_free(at);
    ken_free(count);
    return rc;
}

static bool is_labelled(const ken_draft *r) { return r->category <= KEN_UNKNOWN; }

/* cell (p->n, the caller's, also after a failure): relation and decile of each labelled row as one number below *n; -1 for rows that cannot
 * be matched. */
static int cells_of(const ken_pool *p, const ken_pool *all, const ken_drafts *d, int32_t **cell, size_t *n,
                    ken_train_data_stats *stats, ken_err *err)
{
    double *key = ken_alloc(p->n, sizeof *key);
    uint8_t *decile = ken_alloc(p->n, sizeof *decile); /* 1 the least popular, 0 = not known */
    bool popular = false;
    int rc = key == NULL || decile == NULL ? ken_fail_nomem(err, "popularity") : KEN_OK;
    *cell = NULL;
    for (size_t i = 0; i < p->n && rc == KEN_OK; i++) {
        key[i] = d->rows[p->item[i]].popularity;
        popular |= is_labelled(&d->rows[p->item[i]]) && !isnan(key[i]);
    }
    stats->matched_by = popular ? "popularity" : "answer";
    if (rc == KEN_OK && !popular) rc = count_answers(p, all, d, key, err);
    for (size_t i = 0; i < p->n && rc == KEN_OK; i++)
        if (!is_labelled(&d->rows[p->item[i]])) key[i] = NAN;
    if (rc == KEN_OK && ken_quantiles(key, p->n, DECILES, decile) != 0) rc = ken_fail_nomem(err, "popularity");
    if (rc == KEN_OK) rc = ken_pool_relations(p, d, cell, n, err);
    if (rc == KEN_OK && *n > INT32_MAX / (2 * DECILES))
        rc = ken_fail(err, KEN_EUSAGE, "too many relations to match in");
    for (size_t i = 0; i < p->n && rc == KEN_OK; i++)
        (*cell)[i] = decile[i] == 0 ? -1 : (*cell)[i] * DECILES + decile[i] - 1;
    *n *= DECILES;
    ken_free(key);
    ken_free(decile);
    return rc;
}

/* ---- pairs ---------------------------------------------------------------------------------------------------------- */

int ken_pool_pair(ken_pool *p, const ken_pool *all, const ken_drafts *d, const ken_train_data *from,
                  ken_train_data_stats *stats, ken_err *err)
{
    int32_t *cell = NULL;
    size_t n = 0, pairs = 0, unknown = 0;
    int rc = cells_of(p, all, d, &cell, &n, stats, err);
    size_t *share = rc == KEN_OK ? ken_calloc(2 * n + 1, sizeof *share) : NULL;
    if (rc == KEN_OK && share == NULL) rc = ken_fail_nomem(err, "pairs");
    if (rc == KEN_OK) {
        for (size_t i = 0; i < p->n; i++) { /* a cell's Known and Unknown rows are two groups */
            bool is = d->rows[p->item[i]].category == KEN_UNKNOWN;
            unknown += is;
            if (cell[i] < 0) continue;
            cell[i] = 2 * cell[i] + is;
            share[cell[i]]++;
        }
        for (size_t c = 0; c < n; c++) {
            size_t least = share[2 * c] < share[2 * c + 1] ? share[2 * c] : share[2 * c + 1];
            share[2 * c] = share[2 * c + 1] = least;
            pairs += least;
        }
        stats->matched = pairs;
        stats->partnerless = unknown - pairs;
        rc = pairs == 0 ? ken_fail(err, KEN_EUSAGE,
                                   "%s: none of the %zu Unknown rows has a Known one of its relation and decile of "
                                   "popularity",
                                   from->path, unknown)
                        : ken_pool_draw(p, d, from->seed, KEN_DRAW_PAIRS, cell, share, 2 * n, err);
    }
    ken_free(cell);
    ken_free(share);
    return rc;
}

/* ---- the control ---------------------------------------------------------------------------------------------------- */

/* cell becomes that of Known rows which p does not have, -1 elsewhere; want[c]: p's Unknown rows of cell c, *unknown: all of them. */
static void ask_partners(const ken_pool *p, const ken_pool *others, const ken_drafts *d, int32_t *cell, size_t *want,
                         size_t *unknown)
{
    size_t next = 0;
    for (size_t i = 0; i < others->n; i++) {
        const ken_draft *r = &d->rows[others->item[i]];
        bool mine = next < p->n && p->item[next] == others->item[i];
        next += mine;
        *unknown += mine && r->category == KEN_UNKNOWN;
        if (mine && r->category == KEN_UNKNOWN && cell[i] >= 0) want[cell[i]]++;
        if (mine || !ken_draft_is_known(r)) cell[i] = -1;
    }
}

/* p's Known rows and the partners, ascending. */
static int put_in_place(ken_pool *p, const ken_pool *partners, const ken_drafts *d, ken_err *err)
{
    ken_pool out = {0};
    int rc = KEN_OK;
    for (size_t i = 0, k = 0; (i < p->n || k < partners->n) && rc == KEN_OK;) {
        if (k == partners->n || (i < p->n && p->item[i] < partners->item[k])) {
            size_t row = p->item[i++];
            if (d->rows[row].category != KEN_UNKNOWN) rc = ken_pool_add(&out, row, err);
        } else rc = ken_pool_add(&out, partners->item[k++], err);
    }
    if (rc != KEN_OK) {
        ken_free(out.item);
        return rc;
    }
    ken_free(p->item);
    *p = out;
    return KEN_OK;
}

int ken_pool_control(ken_pool *p, const ken_pool *others, const ken_pool *all, const ken_drafts *d,
                     const ken_train_data *from, ken_train_data_stats *stats, ken_err *err)
{
    int32_t *cell = NULL;
    size_t n = 0, unknown = 0;
    ken_pool partners = {0};
    int rc = cells_of(others, all, d, &cell, &n, stats, err);
    size_t *want = rc == KEN_OK ? ken_calloc(n + 1, sizeof *want) : NULL;
    if (rc == KEN_OK && want == NULL) rc = ken_fail_nomem(err, "control");
    if (rc == KEN_OK) ask_partners(p, others, d, cell, want, &unknown);
    for (size_t i = 0; i < others->n && rc == KEN_OK; i++) rc = ken_pool_add(&partners, others->item[i], err);
    if (rc == KEN_OK) rc = ken_pool_draw(&partners, d, from->seed, KEN_DRAW_CONTROL, cell, want, n, err);
    if (rc == KEN_OK) {
        stats->matched = partners.n;
        stats->partnerless = unknown - partners.n;
        if (partners.n == 0)
            rc = ken_fail(
                err, KEN_EUSAGE,
                "%s: none of the %zu Unknown rows of the variant has a Known one of its relation and decile of "
                "popularity to replace it",
                from->path, unknown);
    }
    if (rc == KEN_OK) rc = put_in_place(p, &partners, d, err);
    ken_free(partners.item);
    ken_free(cell);
    ken_free(want);
    return rc;
}
