/* watched.c - which rows are dev, test and ood; see watched.h. */
#include "tune/watched.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/options.h"
#include "data/dataset.h"
#include "data/identity.h"
#include <string.h>

static int is_entityquestions(const char *path, bool *is, ken_err *err)
{
    ken_format format;
    char *where = NULL;
    *is = false;
    if (!ken_is_dir(path)) return KEN_OK;
    int rc = ken_find_folder(path, &format, &where, err);
    *is = rc == KEN_OK && where != NULL && format == KEN_FMT_ENTITYQUESTIONS;
    ken_free(where);
    return rc;
}

static const char *role_name(int which) { return which == KEN_SET_DEV ? "dev" : "test"; }

/* The names that stand in both lists. *out: its names are in the training's arena. */
static int common_names(ken_training *t, const ken_names *a, const ken_names *b, ken_names *out, ken_err *err)
{
    const char **name = ken_arena_alloc(&t->arena, (size_t)a->n + 1, sizeof *name);
    if (name == NULL) return ken_fail_nomem(err, "relations");
    *out = (ken_names){name, 0};
    for (int i = 0; i < a->n; i++)
        if (ken_names_has(b, a->name[i])) name[out->n++] = a->name[i];
    return KEN_OK;
}

/* A watched set of EntityQuestions under the protocol: its split, and its relations, of those that were named. */
static int follow_protocol(ken_training *t, int which, ken_err *err)
{
    static const char *const splits[KEN_N_SETS] = {"train", "dev", "test", "test"};
    const ken_names role = ken_slick_relations(which == KEN_SET_OOD), *named = &t->data.relations;
    ken_train_data *from = &t->from[which];
    from->splits = (ken_names){&splits[which], 1};
    from->relations = role;
    if (named->n == 0) return KEN_OK;
    int rc = common_names(t, &role, named, &from->relations, err);
    if (rc != KEN_OK || from->relations.n > 0) return rc;
    if (which != KEN_SET_OOD)
        return ken_fail(err, KEN_EUSAGE,
                        "%s: none of the `relations` is one of the 12 whose rows are dev and test rows of the slick "
                        "protocol",
                        from->path);
    from->relations = role; /* those that are trained on cannot be held out */
    ken_buf_puts(&t->notes, "ood: the relations that were named are trained on; all 7 that the protocol holds out are "
                            "watched\n");
    return KEN_OK;
}

/* Where the rows are read that were named, or that the protocol implies. */
static int find_places(ken_training *t, const char *path[KEN_N_SETS], bool eq[KEN_N_SETS], ken_err *err)
{
    const ken_train_options *o = t->o;
    const char *const named[KEN_N_SETS] = {t->data.path, o->dev, o->test, o->ood};
    bool any = false;
    int rc = KEN_OK;
    for (int i = 0; i < KEN_N_SETS && rc == KEN_OK; i++) {
        path[i] = named[i];
        if (path[i] != NULL && t->read.slick) rc = is_entityquestions(path[i], &eq[i], err);
        any |= eq[i];
    }
    if (rc != KEN_OK || !t->read.slick) return rc;
    if (!any)
        return ken_fail(err, KEN_EUSAGE,
                        "%s: the slick protocol is for EntityQuestions, its folder of train, dev and test; name it as "
                        "what is trained on, or with `dev`, `test` and `ood`",
                        t->data.path);
    if (eq[KEN_SET_TRAIN] && o->dev == NULL && o->test == NULL && o->ood == NULL)
        for (int i = 1; i < KEN_N_SETS; i++) {
            path[i] = t->data.path;
            eq[i] = true;
        }
    return KEN_OK;
}

int ken_watched_plan(ken_training *t, ken_err *err)
{
    const char *path[KEN_N_SETS];
    bool eq[KEN_N_SETS] = {false};
    const bool slick = t->read.slick;
    int rc = find_places(t, path, eq, err);
    for (int i = 0; i < KEN_N_SETS && rc == KEN_OK; i++) {
        if (path[i] == NULL) continue;
        ken_data_options *read = i == KEN_SET_TRAIN ? &t->read : &t->read_like[i];
        if (i == KEN_SET_TRAIN) t->from[i] = t->data;
        else t->from[i] = ken_tune_data_like(&t->data, path[i], role_name(i), read);
        t->from[i].seed = t->o->seed;
        read->slick = eq[i];
        if (slick && !eq[i])
            ken_buf_printf(&t->notes,
                           "%s: the slick protocol is for EntityQuestions; the rows of %s are taken as they are\n",
                           ken_set_names[i], path[i]);
        if (i == KEN_SET_TRAIN) continue;
        if (eq[i]) rc = follow_protocol(t, i, err);
        else if (i != KEN_SET_OOD) { /* ood has relations of its own */ t->from[i].relations = t->data.relations;
            t->from[i].relations_optional = true;
        } else if (t->data.relations.n > 0)
            ken_buf_puts(&t->notes, "ood: all its relations are watched; those that were named are of the training, "
                                    "dev and test rows\n");
    }
    return rc == KEN_OK && t->notes.failed ? ken_fail_nomem(err, "notes") : rc;
}

/* ---- what two sets share --------------------------------------------------------------------------------------------- */

typedef struct shared {
    size_t rows;      /* of the later set: the same question and answer, as a row of the earlier one */
    size_t ids;       /* of these, with the same id */
    size_t questions; /* the same question, other answers */
    size_t subjects;  /* another question about the same subject */
    const char *first;
} shared;

/* The rows of a set by what they ask. */
typedef struct known_rows {
    const ken_tune_set *set;
    ken_strmap *asked, *subjects; /* asked: questions, numbered */
    int32_t *head, *next; /* (n questions) the first row of one; (n) the next row with its question; -1 = none */
} known_rows;

/* What a row asks: its question, or the prompt's tokens. */
static const char *asked_by(const ken_tune_row *r, size_t *n)
{
    *n = r->question != NULL ? strlen(r->question) : (size_t)r->n_prompt * sizeof *r->ids;
    return r->question != NULL ? r->question : (const char *)r->ids;
}

static int index_rows(known_rows *k, const ken_tune_set *set, ken_err *err)
{
    const size_t n = ken_tune_set_count(set);
    *k = (known_rows){set, ken_strmap_new(n), ken_strmap_new(n), ken_alloc(n, sizeof *k->head),
                      ken_alloc(n, sizeof *k->next)};
    if (k->asked == NULL || k->subjects == NULL || k->head == NULL || k->next == NULL || n > INT32_MAX)
        return ken_fail_nomem(err, "watched rows");
    for (size_t i = 0; i < n; i++) k->head[i] = -1;
    for (size_t i = n; i-- > 0;) { /* from the end: each chain is ascending */
        const ken_tune_row *r = ken_tune_set_row(set, i);
        size_t length;
        const char *key = asked_by(r, &length);
        const int32_t question = ken_strmap_number(k->asked, key, length);
        if (question < 0 || (r->subject != NULL && ken_strmap_add(k->subjects, r->subject, strlen(r->subject), 0) < 0))
            return ken_fail_nomem(err, "watched rows");
        k->next[i] = k->head[question];
        k->head[question] = (int32_t)i;
    }
    return KEN_OK;
}

static void free_index(known_rows *k)
{
    ken_strmap_free(k->asked);
    ken_strmap_free(k->subjects);
    ken_free(k->head);
    ken_free(k->next);
}

static bool same_answer(const ken_tune_row *a, const ken_tune_row *b)
{
    for (int i = 0; i < a->n_answers; i++)
        for (int k = 0; k < b->n_answers; k++)
            if (strcmp(a->answers[i], b->answers[k]) == 0) return true;
    return a->n_answers == 0 && b->n_answers == 0 && a->n_ids == b->n_ids &&
           memcmp(a->ids, b->ids, (size_t)a->n_ids * sizeof *a->ids) == 0;
}

static void count_row(shared *s, const known_rows *k, const ken_tune_row *r)
{
    size_t n;
    const char *key = asked_by(r, &n);
    bool fact = false, question = false, id = false;
    const int32_t number = ken_strmap_get(k->asked, key, n, -1);
    for (int32_t at = number >= 0 ? k->head[number] : -1; at >= 0 && !id; at = k->next[at]) {
        const ken_tune_row *x = ken_tune_set_row(k->set, (size_t)at);
        const bool both = x->question != NULL && r->question != NULL;
        if (both ? !ken_asks_same(x->question, x->subject, r->question, r->subject)
                 : x->question != NULL || r->question != NULL)
            continue;
        question = true;
        if (!same_answer(x, r)) continue;
        fact = true;
        id |= strcmp(x->id, r->id) == 0;
    }
    if (fact && s->rows == 0) s->first = r->id;
    s->rows += fact;
    s->ids += id;
    s->questions += question && !fact;
    s->subjects +=
        !question && r->subject != NULL && ken_strmap_get(k->subjects, r->subject, strlen(r->subject), -1) >= 0;
}

/* As the published protocol has it, dev shares subjects with train: only its test rows were filtered. */
static void note_shared(ken_training *t, int a, int b, const shared *s)
{
    const size_t n = ken_tune_set_count(t->set[b]);
    const bool one = s->rows == 1, trained = a == KEN_SET_TRAIN;
    if (s->rows > 0)
        ken_buf_printf(
            &t->notes, "%s: %zu of its %zu rows %s%s%s too (the same question and answer), %.80s first: %s\n",
            ken_set_names[b], s->rows, n,
            one && trained ? "is "
            : one          ? "is a "
                           : "are ",
            trained ? "trained on" : ken_set_names[a],
            trained ? ""
            : one   ? " row"
                    : " rows",
            s->first,
            a == KEN_SET_TRAIN ? "what it measures there is no knowledge held out; take them out of one of the two"
            : a == KEN_SET_DEV ? "they choose the best weights as well"
                               : "the two sets measure the same there");
    if (a != KEN_SET_TRAIN) return;
    if (s->questions > 0)
        ken_buf_printf(&t->notes, "%s: %zu of its %zu questions %s trained on with another answer\n", ken_set_names[b],
                       s->questions, n, s->questions == 1 ? "is" : "are");
    if (s->subjects > 0)
        ken_buf_printf(&t->notes, "%s: %zu of its %zu rows ask something else about a subject that is trained on\n",
                       ken_set_names[b], s->subjects, n);
}

/* Rows to watch that are trained on as well say nothing, and two names for the same rows are a mistake. */
static int refuse_shared(const ken_training *t, int a, int b, const shared *s, ken_err *err)
{
    const size_t n = ken_tune_set_count(t->set[b]);
    if (a == KEN_SET_TRAIN && s->ids > 0)
        return ken_fail(err, KEN_EINPUT,
                        "--%s %s: %zu of its %zu rows are trained on, %s first; name rows that are not",
                        ken_set_names[b], t->from[b].path, s->ids, n, s->first);
    if (a == KEN_SET_TRAIN && s->rows == n)
        return ken_fail(err, KEN_EINPUT,
                        "--%s %s: all %zu of its rows are trained on (the same questions and answers, under other "
                        "ids); name rows that are not",
                        ken_set_names[b], t->from[b].path, n);
    if (a == KEN_SET_TEST && b == KEN_SET_OOD && s->rows == n)
        return ken_fail(err, KEN_EINPUT,
                        "`ood` %s: all %zu of its rows are test rows too; name rows of another distribution (with "
                        "EntityQuestions the slick protocol gives each its own relations), or leave one of the two out",
                        t->from[b].path, n);
    return KEN_OK;
}

static int compare(ken_training *t, const known_rows *k, int a, int b, ken_err *err)
{
    shared s = {0};
    for (size_t i = 0; i < ken_tune_set_count(t->set[b]); i++) count_row(&s, k, ken_tune_set_row(t->set[b], i));
    int rc = refuse_shared(t, a, b, &s, err);
    if (rc == KEN_OK) note_shared(t, a, b, &s);
    return rc;
}

/* What reading a watched set has left out, which is said for training rows elsewhere. */
static void note_reading(ken_training *t, int which)
{
    const ken_train_data_stats *s = ken_tune_set_stats(t->set[which]);
    const char *of = ken_set_names[which];
    if (s->bad > 0) ken_buf_printf(&t->notes, "%s: %zu bad rows were dropped\n", of, s->bad);
    if (s->too_long > 0)
        ken_buf_printf(&t->notes, "%s: %zu rows were dropped because they are too long\n", of, s->too_long);
}

int ken_watched_compare(ken_training *t, ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 1; i < KEN_N_SETS; i++)
        if (t->set[i] != NULL) note_reading(t, i);
    for (int a = 0; a < KEN_N_SETS && rc == KEN_OK; a++) {
        known_rows k = {0};
        if (t->set[a] == NULL) continue;
        rc = index_rows(&k, t->set[a], err);
        for (int b = a + 1; b < KEN_N_SETS && rc == KEN_OK; b++)
            if (t->set[b] != NULL) rc = compare(t, &k, a, b, err);
        free_index(&k);
    }
    return rc == KEN_OK && t->notes.failed ? ken_fail_nomem(err, "notes") : rc;
}
