/* held.c - see held.h. */
#include "lab/held.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int ken_held_make(ken_held *h, const ken_one_world *w, ken_err *err)
{
    const size_t n = (size_t)w->relations * (size_t)(w->subjects / 2);
    *h = (ken_held){.relations = w->relations,
                    .subjects = w->subjects / 2,
                    .lo = ken_alloc(n, sizeof *h->lo),
                    .hi = ken_alloc(n, sizeof *h->hi),
                    .closed = ken_alloc(n, sizeof *h->closed),
                    .sorted = ken_alloc(2 * n, sizeof *h->sorted)};
    if (h->lo != NULL && h->hi != NULL && h->closed != NULL && h->sorted != NULL) return KEN_OK;
    ken_held_free(h);
    return ken_fail_nomem(err, "held-out facts");
}

void ken_held_free(ken_held *h)
{
    ken_free(h->lo);
    ken_free(h->hi);
    ken_free(h->closed);
    ken_free(h->sorted);
    memset(h, 0, sizeof *h);
}

/* Against each rival k the margin is b + lambda d, which must be above 0, or at it where the rival comes later. */
static void interval(const float *s, const float *r, int a, int n, double *low, double *high, uint8_t *closed)
{
    double lo = -INFINITY, hi = INFINITY;
    bool lo_closed = false, hi_closed = false;
    for (int k = 0; k < n; k++) {
        if (k == a) continue;
        const double b = (double)r[a] - (double)r[k], d = (double)s[a] - (double)s[k] - b, at = -b / d;
        const bool later = k > a;
        if (d > 0) {
            if (at > lo) lo = at, lo_closed = later;
            else if (at == lo) lo_closed &= later;
        } else if (d < 0) {
            if (at < hi) hi = at, hi_closed = later;
            else if (at == hi) hi_closed &= later;
        } else if (b < 0 || (b == 0 && !later)) {
            lo = INFINITY, hi = -INFINITY;
            break;
        }
    }
    *low = lo;
    *high = hi;
    *closed = (uint8_t)((lo_closed ? 1 : 0) | (hi_closed ? 2 : 0));
}

void ken_held_fill(ken_held *h, const ken_one_world *w, const ken_values *v)
{
    for (int r = 0; r < h->relations; r++)
        for (int i = 0; i < h->subjects; i++) {
            const int at = r * h->subjects + i, s = 2 * i + 1;
            interval(ken_value_of(v, s), ken_value_of_relation(v, r), ken_one_answer(w, s, r), w->k, &h->lo[at],
                     &h->hi[at], &h->closed[at]);
        }
}

void ken_held_right(const ken_held *h, const double *lambda, uint32_t right[4])
{
    memset(right, 0, 4 * sizeof *right);
    for (int r = 0; r < h->relations; r++)
        for (int i = 0; i < h->subjects; i++) {
            const int at = r * h->subjects + i;
            const double x = lambda[r];
            const bool above = x > h->lo[at] || (x == h->lo[at] && (h->closed[at] & 1));
            const bool below = x < h->hi[at] || (x == h->hi[at] && (h->closed[at] & 2));
            right[(int64_t)i * 4 / h->subjects] += above && below;
        }
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ken_held_best(ken_held *h, uint32_t *right)
{
    const size_t all = (size_t)h->relations * (size_t)h->subjects;
    double *begin = h->sorted, *end = h->sorted + all, best = 0.5;
    size_t n = 0, open = 0, closed = 0;
    for (size_t i = 0; i < all; i++)
        if (h->lo[i] < h->hi[i] && h->lo[i] < 1 && h->hi[i] > 0) {
            begin[n] = fmax(h->lo[i], 0);
            end[n++] = fmin(h->hi[i], 1);
        }
    qsort(begin, n, sizeof *begin, by_value);
    qsort(end, n, sizeof *end, by_value);
    *right = 0;
    while (open < n) { /* a stretch begins where a fact's does, and lasts to the next change */
        if (begin[open] >= end[closed]) {
            closed++;
            continue;
        }
        const double from = begin[open++], to = open < n && begin[open] < end[closed] ? begin[open] : end[closed];
        if (to > from && open - closed > *right) {
            *right = (uint32_t)(open - closed);
            best = (from + to) / 2;
        }
    }
    return best;
}

int ken_held_direct(const ken_one_world *w, const ken_values *v, int s, int r, double lambda)
{
    const float *of_s = ken_value_of(v, s), *of_r = ken_value_of_relation(v, r);
    int best = 0;
    double most = -INFINITY;
    for (int k = 0; k < w->k; k++) {
        const double z = lambda * (double)of_s[k] + (1 - lambda) * (double)of_r[k];
        if (z > most) most = z, best = k;
    }
    return best;
}
