/* tally.c - see tally.h. Groupings in which all rows have the same empty key (data without relations) are left out. */
#include "know/tally.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/stats.h"
#include "know/certainty.h"
#include "text/accept.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const ken_tally_grouping[KEN_TALLY_N] = {"all",        "category", "relation", "split",
                                                     "popularity", "answer",   "certainty"};

/* ---- the form of an answer ------------------------------------------------------------------------------------------- */

const char *ken_answer_form(const char *text, const char *finish, bool hit)
{
    if (text == NULL) return NULL;
    if (hit) return "whole";
    char *words = ken_normalize(text, strlen(text));
    const bool known = words != NULL, empty = known && words[0] == '\0';
    ken_free(words);
    if (!known) return NULL;
    if (empty) return "empty";
    return finish != NULL && strcmp(finish, "length") == 0 ? "cut off" : "whole";
}

bool ken_answer_is_formless(const char *text, const char *finish, bool hit)
{
    const char *form = ken_answer_form(text, finish, hit);
    return form != NULL && strcmp(form, "whole") != 0;
}

/* ---- keys ----------------------------------------------------------------------------------------------------------- */

int ken_tally_quartiles(const ken_evaluated *row, size_t n, uint8_t *quartile, ken_err *err)
{
    double *popularity = ken_alloc(n, sizeof *popularity);
    for (size_t i = 0; i < n && popularity != NULL; i++) popularity[i] = row[i].popularity;
    int rc = popularity != NULL ? ken_quartiles(popularity, n, quartile) : -1;
    ken_free(popularity);
    return rc == 0 ? KEN_OK : ken_fail_nomem(err, "popularity");
}

const char *ken_tally_key(const ken_evaluated *row, int grouping, uint8_t quartile, bool categories)
{
    static const char *const quarter[] = {NULL, "1", "2", "3", "4"};
    switch (grouping) {
    case KEN_TALLY_ALL: return "";
    case KEN_TALLY_CATEGORY:
        if (!categories) return NULL;
        return row->category < KEN_N_CATEGORIES ? ken_category_name(row->category) : "not annotated";
    case KEN_TALLY_RELATION: return row->relation[0] != '\0' ? row->relation : NULL;
    case KEN_TALLY_SPLIT: return row->split[0] != '\0' ? row->split : NULL;
    case KEN_TALLY_ANSWER: /* an option that was chosen is no text that was written */
        return strcmp(row->set, "mmlu") != 0 ? ken_answer_form(row->text, row->finish, row->hit) : NULL;
    case KEN_TALLY_CERTAINTY: {
        size_t unused;
        if (row->text == NULL) return NULL;
        return ken_certainty_name(ken_certainty_of(row->text, strlen(row->text), &unused));
    }
    default: return quarter[quartile];
    }
}

/* ---- counting ------------------------------------------------------------------------------------------------------- */

typedef struct tally {
    const ken_tally_options *o;
    ken_measure *m;
    size_t n, cap;
    ken_strmap *index; /* grouping and key -> place in m */
    ken_arena *arena;
} tally;

static ken_measure *group(tally *t, const ken_evaluated *row, int grouping, const char *key)
{
    size_t n = strlen(key);
    char *name = ken_arena_alloc(t->arena, n + 1, 1);
    if (name == NULL) return NULL;
    name[0] = (char)('0' + grouping);
    memcpy(name + 1, key, n);
    int32_t at = ken_strmap_get(t->index, name, n + 1, -1);
    if (at >= 0) return &t->m[at];
    if (t->n >= INT32_MAX || ken_grow((void **)&t->m, &t->cap, t->n + 1, sizeof *t->m) != 0 ||
        ken_strmap_add(t->index, name, n + 1, (int32_t)t->n) < 0)
        return NULL;
    ken_measure *m = &t->m[t->n++];
    *m = (ken_measure){.set = row->set, .grouping = ken_tally_grouping[grouping], .key = key, .loss = NAN, .p = NAN};
    m->n_more = t->o->n_more;
    for (int i = 0; i < m->n_more; i++) m->more[i].matcher = t->o->more[i];
    return m;
}

static void count(ken_measure *m, const ken_evaluated *row)
{
    m->n++;
    m->hits += row->hit;
    m->hits_raw += row->hit_raw;
    m->abstained += row->abstained;
    m->answered += !row->abstained && !row->too_long;
    for (int i = 0; i < m->n_more; i++) m->more[i].hits += row->more >> i & 1;
    if (!isnan(row->p)) m->p = isnan(m->p) ? row->p : m->p + row->p;
}

static int by_key(const void *a, const void *b)
{
    const ken_measure *x = a, *y = b;
    int c = strcmp(x->grouping, y->grouping);
    return c != 0 ? c : strcmp(x->key, y->key);
}

int ken_tally(const ken_evaluated *row, size_t n, const ken_tally_options *o, ken_arena *arena, ken_measure **out,
              size_t *n_out, ken_err *err)
{
    *out = NULL;
    *n_out = 0;
    tally t = {.o = o, .index = ken_strmap_new(64), .arena = arena};
    uint8_t *quartile = ken_alloc(n, sizeof *quartile);
    int rc = t.index == NULL || quartile == NULL ? ken_fail_nomem(err, "groups") : KEN_OK;
    if (rc == KEN_OK) rc = ken_tally_quartiles(row, n, quartile, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++)
        for (int g = 0; g < KEN_TALLY_N && rc == KEN_OK; g++) {
            if (g == KEN_TALLY_CERTAINTY && !o->certainty) continue;
            const char *key = ken_tally_key(&row[i], g, quartile[i], o->categories);
            ken_measure *m = key != NULL ? group(&t, &row[i], g, key) : NULL;
            if (m != NULL) count(m, &row[i]);
            else if (key != NULL) rc = ken_fail_nomem(err, "groups");
        }
    if (rc == KEN_OK && t.n > 0) {
        qsort(t.m, t.n, sizeof *t.m, by_key);
        *out = ken_arena_alloc(arena, t.n, sizeof **out);
        if (*out == NULL) rc = ken_fail_nomem(err, "groups");
        else {
            memcpy(*out, t.m, t.n * sizeof **out);
            *n_out = t.n;
        }
    }
    ken_strmap_free(t.index);
    ken_free(t.m);
    ken_free(quartile);
    return rc;
}
