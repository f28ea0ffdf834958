/* builder.c - rows in the order of the files become a data set in data order, with an id for each; see dataset.h.
 *
 * Data order is relation, split, place. Relations are in natural order (P17, P19, P131), splits as train, dev, val, test and then
 * by name. An id is relation/split/place, empty parts left out; place counts every row of the file, bad ones too, so that an id
 * does not change when a row is repaired or a filter applied. */
#include "base/alloc.h"
#include "data/answers.h"
#include "data/clean.h"
#include "data/dataset.h"
#include "data/identity.h"
#include "text/accept.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ken_builder_begin(ken_builder *b, const ken_data_options *o, ken_err *err)
{
    *b = (ken_builder){.o = o, .d = ken_calloc(1, sizeof *b->d), .name_of = ken_strmap_new(64)};
    if (b->d == NULL || b->name_of == NULL) return ken_fail_nomem(err, "data");
    return KEN_OK;
}

void ken_builder_abandon(ken_builder *b)
{
    ken_data_free(b->d);
    ken_free(b->places);
    ken_strmap_free(b->name_of);
    ken_free(b->names);
    *b = (ken_builder){0};
}

const char *ken_builder_intern(ken_builder *b, const char *s, size_t n)
{
    size_t had = ken_strmap_count(b->name_of);
    if (ken_grow((void **)&b->names, &b->names_cap, had + 1, sizeof *b->names) != 0) return NULL;
    const char *name = ken_strmap_intern(b->name_of, &b->d->arena, s, n);
    if (name != NULL && ken_strmap_count(b->name_of) > had) b->names[b->n_names++] = name;
    return name;
}

/* What pads a row's names and answers is cut off and counted. Published data sets stay as they were published. */
static bool clean(ken_builder *b, ken_example *e)
{
    ken_arena *a = &b->d->arena;
    bool changed = false;
    const ken_format format = b->d->format;
    if (format == KEN_FMT_MMLU || format == KEN_FMT_ENTITYQUESTIONS || format == KEN_FMT_POPQA) return true;
    const char *relation = e->relation;
    bool good = ken_clean_text(a, &relation, &changed);
    if (good && relation != e->relation) e->relation = relation = ken_builder_intern(b, relation, strlen(relation));
    if (good && e->subject != NULL) good = ken_clean_text(a, &e->subject, &changed);
    if (e->n_choices == 0) good = good && ken_clean_list(a, &e->answers, e->n_answers, &changed);
    else {
        good = good && ken_clean_list(a, &e->choices, e->n_choices, &changed);
        if (e->choice >= 0) e->answers = &e->choices[e->choice];
    }
    b->d->stats.cleaned += changed;
    return good && relation != NULL;
}

int ken_builder_add(ken_builder *b, const ken_example *e, size_t place, ken_err *err)
{
    ken_data *d = b->d;
    if (d->n >= INT32_MAX) return ken_fail(err, KEN_EINPUT, "%s:%d: more than 2^31 rows", e->file, e->line);
    if (d->n > 0 && (d->rows[0].n_choices > 0) != (e->n_choices > 0))
        return ken_fail(err, KEN_EINPUT, "%s:%d: rows with and without choices are mixed; keep them in separate files",
                        e->file, e->line);
    if (ken_grow((void **)&d->rows, &b->cap, d->n + 1, sizeof *d->rows) != 0 ||
        ken_grow((void **)&b->places, &b->places_cap, d->n + 1, sizeof *b->places) != 0)
        return ken_fail_nomem(err, "rows");
    if (e->id != NULL) b->own_ids = true;
    b->places[d->n] = b->first_place + place;
    b->next_place = b->places[d->n] + 1;
    d->rows[d->n] = *e;
    if (!clean(b, &d->rows[d->n])) return ken_fail_nomem(err, "rows");
    d->n++;
    return KEN_OK;
}

int ken_builder_took(ken_builder *b, const ken_source *s, ken_err *err)
{
    b->d->stats.bad += s->bad;
    const char *said = ken_source_said(s);
    return said != NULL ? ken_builder_note(b, err, "%s: %s", s->path, said) : KEN_OK;
}

int ken_builder_note(ken_builder *b, ken_err *err, const char *fmt, ...)
{
    ken_data *d = b->d;
    char text[1000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *copy = ken_arena_strdup(&d->arena, text);
    for (size_t i = 0; copy != NULL && i < d->n_notes; i++)
        if (strcmp(d->notes[i], copy) == 0) return KEN_OK;
    if (copy == NULL || ken_grow((void **)&d->notes, &d->notes_cap, d->n_notes + 1, sizeof *d->notes) != 0)
        return ken_fail_nomem(err, "notes");
    d->notes[d->n_notes++] = copy;
    return KEN_OK;
}

/* ---- order ---------------------------------------------------------------------------------------------------------- */

int ken_natural_cmp(const char *a, const char *b)
{
    const char *a0 = a, *b0 = b;
    while (*a != '\0' && *b != '\0') {
        bool digits = *a >= '0' && *a <= '9' && *b >= '0' && *b <= '9';
        if (!digits) {
            if (*a != *b) return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++, b++;
            continue;
        }
        while (*a == '0') a++;
        while (*b == '0') b++;
        size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
        int c = na != nb ? (na < nb ? -1 : 1) : memcmp(a, b, na);
        if (c != 0) return c;
        a += na;
        b += nb;
    }
    if (*a != *b) return *a == '\0' ? -1 : 1;
    return strcmp(a0, b0); /* P07 and P7: equal as numbers, so the bytes decide */
}

int ken_split_rank(const char *split)
{
    static const char *const known[] = {"", "train", "dev", "val", "test"};
    for (int i = 0; i < 5; i++)
        if (strcmp(split, known[i]) == 0) return i;
    return 5;
}

static int split_cmp(const char *a, const char *b)
{
    int ra = ken_split_rank(a), rb = ken_split_rank(b);
    return ra != rb ? ra - rb : ken_natural_cmp(a, b);
}

static int by_relation(const void *x, const void *y)
{
    return ken_natural_cmp(*(const char *const *)x, *(const char *const *)y);
}
static int by_split(const void *x, const void *y)
{
    return split_cmp(*(const char *const *)x, *(const char *const *)y);
}

typedef struct key {
    int32_t relation, split; /* ranks */
    size_t row;              /* in reading order: keeps the sort stable */
} key;

static int by_key(const void *x, const void *y)
{
    const key *a = x, *b = y;
    if (a->relation != b->relation) return a->relation < b->relation ? -1 : 1;
    if (a->split != b->split) return a->split < b->split ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* rank[i] of names[i] (interned) under cmp; names is sorted in place, ranks go to the map's index of the name. */
static int rank_names(const ken_builder *b, int (*cmp)(const void *, const void *), int32_t *rank)
{
    const char **sorted = ken_alloc(b->n_names + 1, sizeof *sorted);
    if (sorted == NULL) return KEN_ENOMEM;
    if (b->n_names > 0) memcpy(sorted, b->names, b->n_names * sizeof *sorted);
    qsort(sorted, b->n_names, sizeof *sorted, cmp);
    for (size_t i = 0; i < b->n_names; i++)
        rank[ken_strmap_get(b->name_of, sorted[i], strlen(sorted[i]), 0)] = (int32_t)i;
    ken_free(sorted);
    return KEN_OK;
}

/* Row i becomes what row keys[i].row was, cycle by cycle: in place, for data sets may be large. */
static void permute(ken_builder *b, key *keys)
{
    ken_example *rows = b->d->rows;
    for (size_t i = 0; i < b->d->n; i++) {
        const ken_example first = rows[i];
        const size_t place = b->places[i];
        size_t to = i;
        for (size_t from; (from = keys[to].row) != i; to = from) {
            rows[to] = rows[from];
            b->places[to] = b->places[from];
            keys[to].row = to;
        }
        rows[to] = first;
        b->places[to] = place;
        keys[to].row = to;
    }
}

static int sort_rows(ken_builder *b, ken_err *err)
{
    const ken_data *d = b->d;
    int32_t *relation_rank = ken_alloc(b->n_names + 1, sizeof *relation_rank);
    int32_t *split_rank = ken_alloc(b->n_names + 1, sizeof *split_rank);
    key *keys = ken_alloc(d->n, sizeof *keys);
    int rc = relation_rank == NULL || split_rank == NULL || keys == NULL ? KEN_ENOMEM : KEN_OK;
    if (rc == KEN_OK) rc = rank_names(b, by_relation, relation_rank);
    if (rc == KEN_OK) rc = rank_names(b, by_split, split_rank);
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        const ken_example *e = &d->rows[i];
        keys[i] = (key){relation_rank[ken_strmap_get(b->name_of, e->relation, strlen(e->relation), 0)],
                        split_rank[ken_strmap_get(b->name_of, e->split, strlen(e->split), 0)], i};
    }
    if (rc == KEN_OK) {
        qsort(keys, d->n, sizeof *keys, by_key);
        permute(b, keys);
    }
    ken_free(relation_rank);
    ken_free(split_rank);
    ken_free(keys);
    return rc == KEN_ENOMEM ? ken_fail_nomem(err, "data order") : rc;
}

/* ---- ids ------------------------------------------------------------------------------------------------------------ */

static int give_ids(ken_builder *b, ken_err *err)
{
    ken_data *d = b->d;
    for (size_t i = 0; i < d->n; i++) {
        ken_example *e = &d->rows[i];
        if (e->id == NULL) e->id = ken_default_id(&d->arena, e->relation, e->split, b->places[i]);
        if (e->id == NULL) return ken_fail_nomem(err, "ids");
    }
    return KEN_OK;
}

static ken_row_place place_of(const void *rows, size_t i)
{
    const ken_example *e = (const ken_example *)rows + i;
    return (ken_row_place){e->id, e->file, e->line};
}

static int say_sentences(ken_builder *b, ken_err *err)
{
    size_t n;
    if (!ken_rows_have_sentences(b->d->rows, b->d->n, &n)) return KEN_OK;
    return ken_builder_note(
        b, err,
        "the answers of %zu of %zu rows are sentences (%d words or more on the average): exact match cannot judge "
        "them, for a model that knows the fact says it in other words and is called Unknown. Write the fact itself as "
        "the answer, or judge by the words in common: `matcher` f1@0.5, for which `ken_annotate` needs `method` sample",
        n, b->d->n, KEN_SENTENCE_WORDS);
}

int ken_builder_finish(ken_builder *b, ken_data **out, ken_err *err)
{
    ken_data *d = b->d;
    int rc = sort_rows(b, err);
    if (rc == KEN_OK) rc = give_ids(b, err);
    if (rc == KEN_OK && b->own_ids) rc = ken_check_ids(d->rows, d->n, place_of, err);
    if (rc == KEN_OK && b->o->slick) rc = ken_slick_filter(d, err);
    if (rc == KEN_OK && b->o->aliases != NULL) rc = ken_aliases_read(d, b->o->aliases, err);
    if (rc == KEN_OK) rc = ken_aliases_join(d, err);
    if (rc == KEN_OK) rc = ken_mark_rows(d, err);
    if (rc == KEN_OK) rc = say_sentences(b, err);
    if (rc != KEN_OK) return rc;
    /* They stay as long as the data: without room to grow. */
    ken_example *rows = ken_realloc(d->rows, d->n, sizeof *rows);
    if (rows != NULL) d->rows = rows;
    *out = d;
    b->d = NULL;
    return KEN_OK;
}
