/* change.c - an evaluation against an earlier one of the same rows: what was lost, what was gained, and whether chance explains it
 * (McNemar's exact test). */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/stats.h"
#include "know/evaluation.h"
#include "know/tally.h"
#include <stdlib.h>
#include <string.h>

enum { HIT = 1, FORMLESS = 2 };

typedef struct before { /* verdicts of the earlier evaluation: HIT, FORMLESS */
    ken_arena arena;
    ken_strmap *at;
} before;

static char *key_of(ken_arena *a, const char *set, const char *id, size_t *n)
{
    size_t s = strlen(set), i = strlen(id);
    char *key = ken_arena_alloc(a, s + i + 1, 1);
    if (key == NULL) return NULL;
    memcpy(key, set, s);
    key[s] = '\0';
    memcpy(key + s + 1, id, i);
    *n = s + i + 1;
    return key;
}

static int add_before(void *ctx, const ken_evaluated *row, ken_err *err)
{
    before *b = ctx;
    size_t n;
    char *key = key_of(&b->arena, row->set, row->id, &n);
    const int32_t verdict =
        (row->hit ? HIT : 0) | (ken_answer_is_formless(row->text, row->finish, row->hit) ? FORMLESS : 0);
    if (key == NULL || ken_strmap_add(b->at, key, n, verdict) < 0) return ken_fail_nomem(err, "earlier evaluation");
    return KEN_OK;
}

static ken_change *group(ken_evaluation *e, ken_strmap *index, const ken_evaluated *row, int grouping, const char *key)
{
    size_t set = strlen(row->set), k = strlen(key), n = set + 2 + k;
    char *name = ken_arena_alloc(&e->arena, n, 1);
    if (name == NULL) return NULL;
    memcpy(name, row->set, set + 1);
    name[set + 1] = (char)('0' + grouping);
    memcpy(name + set + 2, key, k);
    int32_t at = ken_strmap_get(index, name, n, -1);
    if (at >= 0) return &e->change[at];
    if (e->n_changes >= INT32_MAX ||
        ken_grow((void **)&e->change, &e->cap_changes, e->n_changes + 1, sizeof *e->change) != 0 ||
        ken_strmap_add(index, name, n, (int32_t)e->n_changes) < 0)
        return NULL;
    e->change[e->n_changes] = (ken_change){.set = row->set, .grouping = ken_tally_grouping[grouping], .key = key};
    return &e->change[e->n_changes++];
}

static int by_key(const void *a, const void *b)
{
    const ken_change *x = a, *y = b;
    int c = strcmp(x->set, y->set);
    if (c == 0) c = strcmp(x->grouping, y->grouping);
    return c != 0 ? c : strcmp(x->key, y->key);
}

/* Quartiles are those of the rows evaluated now, as in the measures; each set has its own. */
static int quartiles(const ken_evaluation *e, uint8_t *quartile, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0, end; i < e->n_rows && rc == KEN_OK; i = end) {
        for (end = i + 1; end < e->n_rows && strcmp(e->row[end].set, e->row[i].set) == 0;) end++;
        rc = ken_tally_quartiles(e->row + i, end - i, quartile + i, err);
    }
    return rc;
}

static int compare_rows(ken_evaluation *e, const before *b, ken_strmap *index, const uint8_t *quartile, ken_err *err)
{
    ken_arena scratch = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < e->n_rows && rc == KEN_OK; i++) {
        const ken_evaluated *row = &e->row[i];
        size_t n;
        ken_arena_reset(&scratch);
        char *key = key_of(&scratch, row->set, row->id, &n);
        const int32_t was = key != NULL ? ken_strmap_get(b->at, key, n, -1) : -1;
        if (key == NULL) rc = ken_fail_nomem(err, "changes");
        if (was < 0) continue;
        const bool hit = (was & HIT) != 0, formless = (was & FORMLESS) != 0;
        for (int g = 0; g < KEN_TALLY_ANSWER && rc == KEN_OK; g++) {
            const char *k = ken_tally_key(row, g, quartile[i], e->labelled);
            ken_change *c = k != NULL ? group(e, index, row, g, k) : NULL;
            if (k != NULL && c == NULL) rc = ken_fail_nomem(err, "changes");
            if (c == NULL) continue;
            c->n++;
            c->before += hit;
            c->after += row->hit;
            c->lost += hit && !row->hit;
            c->gained += !hit && row->hit;
            c->formless_before += formless;
            c->gained_form += formless && !hit && row->hit;
        }
    }
    ken_arena_free(&scratch);
    return rc;
}

int ken_evaluation_changes(ken_evaluation *e, ken_run *earlier, const ken_change **c, size_t *n, ken_err *err)
{
    *c = NULL;
    *n = e->n_changes = 0;
    before b = {.at = ken_strmap_new(1024)};
    ken_strmap *index = ken_strmap_new(64);
    uint8_t *quartile = ken_calloc(e->n_rows, sizeof *quartile);
    int rc = b.at == NULL || index == NULL || quartile == NULL ? ken_fail_nomem(err, "changes") : KEN_OK;
    size_t points = ken_run_n_points(earlier);
    if (rc == KEN_OK && points > 0)
        rc = ken_run_evaluated(earlier, ken_run_point(earlier, points - 1)->step, add_before, &b, err);
    if (rc == KEN_OK) rc = quartiles(e, quartile, err);
    if (rc == KEN_OK) rc = compare_rows(e, &b, index, quartile, err);
    if (rc == KEN_OK && e->n_changes == 0)
        rc = ken_fail(err, KEN_EINPUT,
                      "the earlier run has none of the rows evaluated now (it has %zu); compare evaluations of the "
                      "same data",
                      ken_strmap_count(b.at));
    if (rc == KEN_OK) {
        qsort(e->change, e->n_changes, sizeof *e->change, by_key);
        for (size_t i = 0; i < e->n_changes; i++) e->change[i].p = ken_mcnemar(e->change[i].lost, e->change[i].gained);
        *c = e->change;
        *n = e->n_changes;
    }
    ken_strmap_free(b.at);
    ken_strmap_free(index);
    ken_arena_free(&b.arena);
    ken_free(quartile);
    return rc;
}
