/* order.c - the rows of any batch of any epoch, from the sizes and the seed alone; see order.h.
 *
 * Each part has its own endless stream of rows: cycle after cycle of all its rows, each cycle shuffled by (seed, part, cycle). An epoch
 * takes one cycle of the main data and, of every other part, as many rows as its weight says, continuing where the last epoch
 * ended. How many of each are in a batch follows the shares as nearly as whole rows allow, batch by batch. Asked for another epoch, the
 * order lays it out again, which costs a pass over its rows. */
#include "tune/order.h"
#include "base/alloc.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct part {
    size_t rows, first;  /* first: index of its row 0 over all parts */
    size_t of_epoch;     /* rows in an epoch, the known tail left out */
    const int32_t *rank; /* (rows) the row at each place of a cycle before shuffling; NULL = itself */
} part;

struct ken_order {
    part *part;
    int n_parts;
    uint64_t seed;
    size_t batch, n_mixed, n_total; /* rows of an epoch: before the tail, with it */
    int32_t *plain, *tail;          /* main rows outside (part[0].of_epoch) and in (n_total - n_mixed) the tail */
    int32_t *shuffled;              /* (most rows of a part) one cycle */
    int64_t epoch;                  /* laid out now; -1 = none */
    size_t *row;                    /* (n_total) */
    size_t *stream, *given, *take;  /* (n_mixed) parts' rows one after the other; (n_parts) scratch */
};

/* ---- sizes ---------------------------------------------------------------------------------------------------------- */

static int check(const ken_order_options *o, ken_err *err)
{
    if (o->n_parts < 1 || o->batch < 1)
        return ken_fail(err, KEN_ESTATE, "an order of %d parts in batches of %zu", o->n_parts, o->batch);
    for (int i = 0; i < o->n_parts; i++) {
        if (o->part[i].rows < 1 || o->part[i].rows > INT32_MAX)
            return ken_fail(err, KEN_EUSAGE, "part %d of the data has %zu rows; 1 to %d are possible", i + 1,
                            o->part[i].rows, INT32_MAX);
        if (!isfinite(o->part[i].weight) || o->part[i].weight <= 0)
            return ken_fail(err, KEN_EUSAGE, "part %d of the data has the weight %g; more than 0 is expected", i + 1,
                            o->part[i].weight);
    }
    return KEN_OK;
}

/* Rows of an epoch: every main row once, the others by weight. */
static int size_parts(ken_order *r, const ken_order_options *o, ken_err *err)
{
    size_t first = 0, n_tail = 0, most = 0;
    for (size_t i = 0; o->tail != NULL && i < o->part[0].rows; i++) n_tail += o->tail[i];
    size_t plain = o->part[0].rows - n_tail;
    for (int i = 0; i < o->n_parts; i++) {
        double of_epoch = round((double)plain * (o->part[i].weight / o->part[0].weight));
        if (!(of_epoch <= INT32_MAX))
            return ken_fail(err, KEN_EUSAGE,
                            "part %d of the mixture would give %g rows an epoch by its weight of %g; at most %d are "
                            "possible",
                            i + 1, of_epoch, o->part[i].weight, INT32_MAX);
        r->part[i] = (part){.rows = o->part[i].rows, .first = first, .of_epoch = i == 0 ? plain : (size_t)of_epoch};
        first += o->part[i].rows;
        r->n_mixed += r->part[i].of_epoch;
        if (o->part[i].rows > most) most = o->part[i].rows;
    }
    r->n_total = r->n_mixed + n_tail;
    r->plain = ken_alloc(plain, sizeof *r->plain);
    r->tail = ken_alloc(n_tail, sizeof *r->tail);
    r->shuffled = ken_alloc(most, sizeof *r->shuffled);
    r->row = ken_alloc(r->n_total, sizeof *r->row);
    r->stream = ken_alloc(r->n_mixed, sizeof *r->stream);
    r->given = ken_alloc(2 * (size_t)o->n_parts, sizeof *r->given);
    if (r->plain == NULL || r->tail == NULL || r->shuffled == NULL || r->row == NULL || r->stream == NULL ||
        r->given == NULL)
        return ken_fail_nomem(err, "order of the rows");
    r->take = r->given + o->n_parts;
    size_t at = 0, end = 0;
    for (size_t i = 0; i < o->part[0].rows; i++)
        if (o->tail != NULL && o->tail[i]) r->tail[end++] = (int32_t)i;
        else r->plain[at++] = (int32_t)i;
    r->part[0].rows = plain;
    r->part[0].rank = r->plain;
    return KEN_OK;
}

int ken_order_new(ken_order **out, const ken_order_options *o, ken_err *err)
{
    *out = NULL;
    int rc = check(o, err);
    if (rc != KEN_OK) return rc;
    ken_order *r = ken_calloc(1, sizeof *r);
    if (r == NULL) return ken_fail_nomem(err, "order of the rows");
    r->n_parts = o->n_parts;
    r->batch = o->batch;
    r->seed = o->seed;
    r->epoch = -1;
    r->part = ken_calloc((size_t)o->n_parts, sizeof *r->part);
    rc = r->part == NULL ? ken_fail_nomem(err, "order of the rows") : size_parts(r, o, err);
    if (rc == KEN_OK) *out = r;
    else ken_order_free(r);
    return rc;
}

void ken_order_free(ken_order *o)
{
    if (o == NULL) return;
    ken_free(o->part);
    ken_free(o->plain);
    ken_free(o->tail);
    ken_free(o->shuffled);
    ken_free(o->row);
    ken_free(o->stream);
    ken_free(o->given);
    ken_free(o);
}

/* ---- one epoch ------------------------------------------------------------------------------------------------------ */

static void shuffle(const ken_order *o, int p, uint64_t cycle)
{
    char name[64];
    snprintf(name, sizeof name, "order/%d/%llu", p, (unsigned long long)cycle);
    ken_shuffle(o->seed, name, o->shuffled, (int32_t)o->part[p].rows);
}

/* The epoch's rows of part p, from its stream, to out (of_epoch). */
static void fill_stream(const ken_order *o, int p, int64_t epoch, size_t *out)
{
    const part *q = &o->part[p];
    unsigned __int128 from = (unsigned __int128)(uint64_t)epoch * q->of_epoch;
    for (size_t i = 0; i < q->of_epoch; i++) {
        size_t place = (size_t)((from + i) % q->rows);
        if (i == 0 || place == 0) shuffle(o, p, (uint64_t)((from + i) / q->rows));
        int32_t row = o->shuffled[place];
        out[i] = q->first + (size_t)(q->rank != NULL ? q->rank[row] : row);
    }
}

/* How far part p is behind its share after `n` rows of the epoch, in rows. */
static double deficit(const ken_order *o, int p, size_t n)
{
    return (double)o->part[p].of_epoch * ((double)n / (double)o->n_mixed) - (double)(o->given[p] + o->take[p]);
}

/* take[p] for the batch of `len` rows that ends with the n-th of the epoch: each part as near to its share as whole rows allow. given[p]
 * counts the rows up to now, and then with them. */
static void share_out(ken_order *o, size_t n, size_t len)
{
    size_t sum = 0;
    for (int p = 0; p < o->n_parts; p++) {
        o->take[p] = 0;
        size_t left = o->part[p].of_epoch - o->given[p];
        double want = floor(deficit(o, p, n));
        o->take[p] = want <= 0 ? 0 : want >= (double)left ? left : (size_t)want;
        sum += o->take[p];
    }
    while (sum != len) { /* at most as often as there are parts, give or take one */
        int best = -1;
        double most = 0;
        for (int p = 0; p < o->n_parts; p++) {
            double d = sum < len ? deficit(o, p, n) : -deficit(o, p, n);
            bool can = sum < len ? o->given[p] + o->take[p] < o->part[p].of_epoch : o->take[p] > 0;
            if (can && (best < 0 || d > most)) {
                best = p;
                most = d;
            }
        }
        if (sum < len) o->take[best]++, sum++;
        else o->take[best]--, sum--;
    }
    for (int p = 0; p < o->n_parts; p++) o->given[p] += o->take[p];
}

static void lay_out(ken_order *o, int64_t epoch)
{
    size_t at = 0;
    for (int p = 0; p < o->n_parts; p++) {
        fill_stream(o, p, epoch, o->stream + at);
        at += o->part[p].of_epoch;
        o->given[p] = 0;
    }
    size_t n = 0;
    while (n < o->n_mixed) {
        size_t len = o->n_mixed - n < o->batch ? o->n_mixed - n : o->batch, start = 0, to = n;
        size_t end = n + len;
        share_out(o, end, len);
        for (int p = 0; p < o->n_parts; p++) {
            const size_t *from = o->stream + start + (o->given[p] - o->take[p]);
            if (o->take[p] > 0) memcpy(o->row + to, from, o->take[p] * sizeof *from);
            to += o->take[p];
            start += o->part[p].of_epoch;
        }
        n = end;
    }
    for (size_t i = n; i < o->n_total; i++) o->row[i] = (size_t)o->tail[i - n];
    o->epoch = epoch;
}

size_t ken_order_batches(const ken_order *o) { return (o->n_total + o->batch - 1) / o->batch; }

size_t ken_order_batch(ken_order *o, int64_t epoch, size_t b, const size_t **row)
{
    *row = NULL;
    if (epoch < 0 || b >= ken_order_batches(o)) return 0;
    if (o->epoch != epoch) lay_out(o, epoch);
    size_t first = b * o->batch, left = o->n_total - first;
    *row = o->row + first;
    return left < o->batch ? left : o->batch;
}
