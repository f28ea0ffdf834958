/* batch.c - builds the token trie of a batch; see batch.h.
 *
 * Examples are sorted by their tokens; then the trie's rows in depth-first order are simply each example's tokens after what it
 * shares with the one before. The hard thing is to keep everything a function of the examples' content: equal examples are
 * ordered by their place, masks are drawn from the path (or the example), never from a row's number. */
#include "tune/batch.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include <stdlib.h>
#include <string.h>

typedef struct sorted {
    const ken_tune_row *row;
    int32_t place;
} sorted;

static int by_tokens(const void *x, const void *y)
{
    const sorted *a = x, *b = y;
    const int32_t n = a->row->n_ids < b->row->n_ids ? a->row->n_ids : b->row->n_ids;
    for (int32_t i = 0; i < n; i++)
        if (a->row->ids[i] != b->row->ids[i]) return a->row->ids[i] < b->row->ids[i] ? -1 : 1;
    if (a->row->n_ids != b->row->n_ids) return a->row->n_ids < b->row->n_ids ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static int32_t shared_prefix(const ken_tune_row *a, const ken_tune_row *b)
{
    int32_t n = 0; /* the last token of an example is only predicted, never forwarded */
    while (n < a->n_ids - 1 && n < b->n_ids - 1 && a->ids[n] == b->ids[n]) n++;
    return n;
}

static uint64_t mix(uint64_t a, uint64_t b) { return ken_mix64(a ^ (b + 0x9e3779b97f4a7c15U + (a << 6) + (a >> 2))); }

static int reserve(ken_batch_trie *t, size_t rows, size_t targets)
{
    return ken_grow((void **)&t->token, &t->cap_token, rows, sizeof *t->token) != 0 ||
           ken_grow((void **)&t->parent, &t->cap_parent, rows, sizeof *t->parent) != 0 ||
           ken_grow((void **)&t->mask, &t->cap_mask, rows, sizeof *t->mask) != 0 ||
           ken_grow((void **)&t->row, &t->cap_row, targets, sizeof *t->row) != 0 ||
           ken_grow((void **)&t->target, &t->cap_target, targets, sizeof *t->target) != 0 ||
           ken_grow((void **)&t->weight, &t->cap_weight, targets, sizeof *t->weight) != 0 ||
           ken_grow((void **)&t->example, &t->cap_example, targets, sizeof *t->example) != 0;
}

typedef struct target {
    int32_t row, token, example, order;
    float weight;
} target;

static int by_row(const void *x, const void *y)
{
    const target *a = x, *b = y;
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

int ken_batch_trie_build(ken_batch_trie *t, const ken_tune_row *const *example, size_t n, const ken_batch_options *how,
                         ken_err *err)
{
    size_t tokens = 0, targets = 0;
    int32_t longest = 1;
    for (size_t i = 0; i < n; i++) {
        const ken_tune_row *e = example[i];
        if (e->n_prompt < 1 || e->n_ids <= e->n_prompt)
            return ken_fail(err, KEN_ESTATE, "row %s: %d tokens of which %d are the prompt", e->id, e->n_ids,
                            e->n_prompt);
        tokens += (size_t)e->n_ids - 1;
        targets += (size_t)(e->n_ids - e->n_prompt);
        if (e->n_ids > longest) longest = e->n_ids;
    }
    if (tokens > INT32_MAX) return ken_fail(err, KEN_EUSAGE, "a batch of %zu tokens; use a smaller one", tokens);
    sorted *order = ken_alloc(n, sizeof *order);
    target *all = ken_alloc(targets, sizeof *all);
    int32_t *path = ken_alloc((size_t)longest, sizeof *path); /* rows of the current example, position by position */
    int rc = KEN_OK;
    if (order == NULL || all == NULL || path == NULL || reserve(t, tokens, targets) != 0) {
        rc = ken_fail_nomem(err, "a batch of examples");
        goto done;
    }
    for (size_t i = 0; i < n; i++) order[i] = (sorted){example[i], (int32_t)i};
    qsort(order, n, sizeof *order, by_tokens);

    int32_t rows = 0, k = 0;
    for (size_t i = 0; i < n; i++) {
        const ken_tune_row *e = order[i].row;
        const int32_t from = how->share && i > 0 ? shared_prefix(e, order[i - 1].row) : 0;
        const uint64_t own = how->share ? how->mask_key : mix(how->mask_key, ken_hash64(e->id, strlen(e->id)));
        for (int32_t p = from; p < e->n_ids - 1; p++) {
            path[p] = rows;
            t->token[rows] = e->ids[p];
            t->parent[rows] = p == 0 ? -1 : path[p - 1];
            t->mask[rows] = mix(p == 0 ? own : t->mask[path[p - 1]], (uint64_t)(uint32_t)e->ids[p] + 1);
            rows++;
        }
        for (int32_t p = e->n_prompt; p < e->n_ids; p++, k++)
            all[k] = (target){path[p - 1], e->ids[p], order[i].place, k, e->weight * how->scale};
    }
    qsort(all, targets, sizeof *all, by_row);
    for (size_t i = 0; i < targets; i++) {
        t->row[i] = all[i].row;
        t->target[i] = all[i].token;
        t->weight[i] = all[i].weight;
        t->example[i] = all[i].example;
    }
    t->batch = (ken_learn_batch){.n_rows = rows,
                                 .token = t->token,
                                 .parent = t->parent,
                                 .mask = t->mask,
                                 .n_targets = (int32_t)targets,
                                 .row = t->row,
                                 .target = t->target,
                                 .weight = t->weight};
done:
    ken_free(order);
    ken_free(all);
    ken_free(path);
    return rc;
}

/* Rows that the first n examples give. */
static size_t count_rows(const ken_tune_row *const *example, size_t n, bool share, sorted *order)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) order[i] = (sorted){example[i], (int32_t)i};
    if (share) qsort(order, n, sizeof *order, by_tokens);
    for (size_t i = 0; i < n; i++)
        rows +=
            (size_t)(order[i].row->n_ids - 1 - (share && i > 0 ? shared_prefix(order[i].row, order[i - 1].row) : 0));
    return rows;
}

int ken_batch_fit(size_t *fit, const ken_tune_row *const *example, size_t n, bool share, int32_t max_rows, ken_err *err)
{
    sorted *order = ken_alloc(n, sizeof *order);
    *fit = 0;
    if (order == NULL) return ken_fail_nomem(err, "a batch of examples");
    size_t lo = 1, hi = n; /* more examples never give fewer rows */
    while (lo < hi) {
        const size_t mid = hi - (hi - lo) / 2;
        if (count_rows(example, mid, share, order) <= (size_t)max_rows) lo = mid;
        else hi = mid - 1;
    }
    *fit = lo;
    ken_free(order);
    return KEN_OK;
}

void ken_batch_trie_free(ken_batch_trie *t)
{
    void *of[] = {t->token, t->parent, t->mask, t->row, t->target, t->weight, t->example};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) ken_free(of[i]);
    memset(t, 0, sizeof *t);
}
