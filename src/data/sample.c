/* sample.c - N rows drawn at random, in proportion to the relations.
 *
 * The rows of a relation are ranked by a random number of their id; a row's place is (rank + u) / n, with n the rows of its relation and u
 * a random number of the relation, and the N rows with the smallest places are taken. A place is uniform on [0, 1) for every row, so that
 * each is as likely to be taken; a relation with a tenth of the rows gives a tenth of the sample, to within one row; and a sample is
 * part of every larger one with the same seed, so that a run can be extended. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"
#include "data/data.h"
#include "data/dataset.h"
#include <stdlib.h>
#include <string.h>

enum { RANK = 0x73616d70, RELATION }; /* counters of the draws: "samp", which no prompt reaches */

typedef struct place {
    int32_t group;
    double at;
    size_t row; /* index among those drawn from */
} place;

static int by_rank(const void *x, const void *y)
{
    const place *a = x, *b = y;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    if (a->at != b->at) return a->at < b->at ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static int by_place(const void *x, const void *y)
{
    const place *a = x, *b = y;
    if (a->at != b->at) return a->at < b->at ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static int by_row(const void *x, const void *y)
{
    const size_t *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

/* Each row's group and rank. */
static int begin(place *p, const ken_sampled *row, size_t n, uint64_t seed, ken_err *err)
{
    ken_strmap *groups = ken_strmap_new(64);
    int rc = groups == NULL ? ken_fail_nomem(err, "sample") : KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const int32_t group = ken_strmap_number(groups, row[i].relation, strlen(row[i].relation));
        if (group < 0) rc = ken_fail_nomem(err, "sample");
        p[i] = (place){group, ken_uniform(seed, row[i].id, strlen(row[i].id), RANK, 0, 0), i};
    }
    ken_strmap_free(groups);
    return rc;
}

int ken_sample_draw(const ken_sampled *row, size_t n, size_t want, uint64_t seed, size_t *taken, ken_err *err)
{
    place *p = ken_alloc(n, sizeof *p);
    int rc = p == NULL ? ken_fail_nomem(err, "sample") : begin(p, row, n, seed, err);
    if (rc == KEN_OK) qsort(p, n, sizeof *p, by_rank);
    for (size_t i = 0, end; i < n && rc == KEN_OK; i = end) {
        const char *relation = row[p[i].row].relation;
        for (end = i; end < n && p[end].group == p[i].group;) end++;
        const double u = ken_uniform(seed, relation, strlen(relation), RELATION, 0, 0);
        for (size_t k = i; k < end; k++) p[k].at = ((double)(k - i) + u) / (double)(end - i);
    }
    if (rc == KEN_OK) {
        qsort(p, n, sizeof *p, by_place);
        for (size_t i = 0; i < want; i++) taken[i] = p[i].row;
        qsort(taken, want, sizeof *taken, by_row);
    }
    ken_free(p);
    return rc;
}

int ken_sample_rows(const ken_data *d, size_t *rows, size_t *n, size_t want, uint64_t seed, ken_err *err)
{
    if (want >= *n) return KEN_OK;
    ken_sampled *from = ken_alloc(*n, sizeof *from);
    size_t *taken = ken_alloc(want, sizeof *taken);
    int rc = from == NULL || taken == NULL ? ken_fail_nomem(err, "sample") : KEN_OK;
    for (size_t i = 0; i < *n && rc == KEN_OK; i++)
        from[i] = (ken_sampled){d->rows[rows[i]].id, d->rows[rows[i]].relation};
    if (rc == KEN_OK) rc = ken_sample_draw(from, *n, want, seed, taken, err);
    for (size_t i = 0; i < want && rc == KEN_OK; i++) rows[i] = rows[taken[i]]; /* ascending: none is read too late */
    if (rc == KEN_OK) *n = want;
    ken_free(from);
    ken_free(taken);
    return rc;
}

int ken_data_sample(const ken_data *d, size_t want, uint64_t seed, size_t **rows, size_t *n, ken_err *err)
{
    size_t *r = ken_alloc(d->n, sizeof *r);
    if (r == NULL) return ken_fail_nomem(err, "sample");
    for (size_t i = 0; i < d->n; i++) r[i] = i;
    *n = d->n;
    int rc = ken_sample_rows(d, r, n, want, seed, err);
    if (rc != KEN_OK) ken_free(r);
    else *rows = r;
    return rc;
}
