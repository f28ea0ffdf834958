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
    double at;
    size_t row; /* index into the data */
} place;

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

int ken_sample_rows(const ken_data *d, size_t *rows, size_t *n, size_t want, uint64_t seed, ken_err *err)
{
    if (want >= *n) return KEN_OK;
    place *p = ken_alloc(*n, sizeof *p);
    if (p == NULL) return ken_fail_nomem(err, "sample");
    for (size_t i = 0; i < *n; i++) {
        const char *id = d->rows[rows[i]].id;
        p[i] = (place){ken_uniform(seed, id, strlen(id), RANK, 0, 0), rows[i]};
    }
    for (size_t i = 0, end; i < *n; i = end) { /* rows of a relation are next to each other */
        const char *relation = d->rows[p[i].row].relation;
        for (end = i; end < *n && strcmp(d->rows[p[end].row].relation, relation) == 0;) end++;
        qsort(p + i, end - i, sizeof *p, by_place);
        const double u = ken_uniform(seed, relation, strlen(relation), RELATION, 0, 0);
        for (size_t k = i; k < end; k++) p[k].at = ((double)(k - i) + u) / (double)(end - i);
    }
    qsort(p, *n, sizeof *p, by_place);
    *n = want;
    for (size_t i = 0; i < want; i++) rows[i] = p[i].row;
    qsort(rows, want, sizeof *rows, by_row);
    ken_free(p);
    return KEN_OK;
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
