/* diff.c - two runs over the same facts, compared: what was lost, what was gained, and whether chance explains it.
 *
 * The order of work: rows of A are read, rows of B joined to them by id (diff_rows.c); too little in common is an error here; then what
 * moved, by popularity, distance to a training set (diff_near.c) and all other groups (diff_groups.c). Of a row only what ken_diff_row
 * shows is kept, so that memory depends on the number of rows and not on their prompts. */
#include "study/diff.h"
#include "base/alloc.h"
#include "base/options.h"
#include "base/stats.h"
#include "know/verdict.h"
#include "store/run.h"
#include <stdio.h>
#include <string.h>

/* Compared without being asked as long as at most one row in so many is not common to both. */
enum { TOLERATED = 20 };

void ken_diff_defaults_fill(ken_diff_options *o, size_t size)
{
    static const ken_diff_options defaults = {0};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

const char *ken_near_name(int near)
{
    static const char *const name[KEN_N_NEAR] = {
        [KEN_NEAR_TRAINED] = "trained",
        [KEN_NEAR_SUBJECT] = "same subject",
        [KEN_NEAR_ANSWER] = "same answer",
        [KEN_NEAR_RELATION] = "same relation",
        [KEN_NEAR_ANSWER_ELSEWHERE] = "same answer elsewhere",
        [KEN_NEAR_NOTHING] = "nothing",
        [KEN_NEAR_UNKNOWN] = "no training set",
    };
    return near >= 0 && near < KEN_N_NEAR ? name[near] : NULL;
}

const char *ken_verdict_name(int verdict)
{
    static const char *const name[KEN_N_VERDICTS] = {"right", "wrong", "not asked"};
    return verdict >= 0 && verdict < KEN_N_VERDICTS ? name[verdict] : NULL;
}

/* In evaluations there is one prompt; of multiple choice see ken.h. */
static bool known(const ken_diff *d, const ken_diff_row *r, const ken_diff_side *s)
{
    if (!d->annotated || r->choice) return ken_choice_right(s->greedy_hits, s->prompts);
    return s->category == KEN_HIGHLY_KNOWN || s->category == KEN_MAYBE_KNOWN;
}

/* Lost and gained as docs/method/knowledge.md#lost-gained has them. */
static void find_moves(ken_diff *d)
{
    for (size_t i = 0; i < d->n; i++) {
        ken_diff_row *r = &d->row[i];
        r->a.known = known(d, r, &r->a);
        r->b.known = known(d, r, &r->b);
        if (!d->extra[i].a_label || !d->extra[i].b_label) r->move = KEN_MOVE_UNLABELLED;
        else if (r->a.known != r->b.known) r->move = r->a.known ? KEN_MOVE_LOST : KEN_MOVE_GAINED;
        else r->move = KEN_MOVE_NONE;
    }
}

static int find_quartiles(ken_diff *d, ken_err *err)
{
    double *x = ken_alloc(d->n, sizeof *x);
    uint8_t *quartile = ken_alloc(d->n, sizeof *quartile);
    int rc = x == NULL || quartile == NULL ? ken_fail_nomem(err, "popularity") : KEN_OK;
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) x[i] = d->row[i].popularity;
    if (rc == KEN_OK) rc = ken_quartiles(x, d->n, quartile) == 0 ? KEN_OK : ken_fail_nomem(err, "popularity");
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) d->row[i].quartile = quartile[i];
    ken_free(x);
    ken_free(quartile);
    return rc;
}

/* ---- are these runs of the same data? ------------------------------------------------------------------------------- */

static int check_kinds(ken_diff *d, const ken_run *a, const ken_run *b, ken_err *err)
{
    bool annotated[2];
    const ken_run *run[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        const char *kind = ken_run_kind(run[i]);
        annotated[i] = strcmp(kind, "annotate") == 0;
        if (!annotated[i] && strcmp(kind, "train") != 0 && strcmp(kind, "eval") != 0)
            return ken_fail(err, KEN_EINPUT, "%s: a run of unknown kind; annotations and evaluations can be compared",
                            run[i]->path);
    }
    if (annotated[0] != annotated[1])
        return ken_fail(err, KEN_EINPUT,
                        "%s is an annotation and %s holds evaluated answers; two of one kind are compared: annotate or "
                        "evaluate with both models",
                        run[annotated[0] ? 0 : 1]->path, run[annotated[0] ? 1 : 0]->path);
    d->annotated = annotated[0];
    return KEN_OK;
}

/* "; 20 only in a.ken, 3 only in b.ken, 2 are other questions under the same id" */
static void describe_rest(const ken_diff *d, const ken_run *a, const ken_run *b, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    if (d->only_a > 0 && at < size)
        at += (size_t)snprintf(out + at, size - at, "; %zu only in %.200s", d->only_a, a->path);
    if (d->only_b > 0 && at < size)
        at += (size_t)snprintf(out + at, size - at, "; %zu only in %.200s", d->only_b, b->path);
    if (d->other_question > 0 && at < size)
        snprintf(out + at, size - at, "; %zu ids have another question in each", d->other_question);
}

static int check_common(const ken_diff *d, const ken_run *a, const ken_run *b, bool allowed, ken_err *err)
{
    size_t rest = d->only_a + d->only_b + d->other_question, all = d->n + rest;
    char why[600];
    describe_rest(d, a, b, why, sizeof why);
    if (all == 0) return ken_fail(err, KEN_EINPUT, "%s and %s hold no rows to compare", a->path, b->path);
    if (d->n == 0)
        return ken_fail(err, KEN_EINPUT, "%s and %s have no fact in common%s; compare runs over the same data", a->path,
                        b->path, why);
    if (allowed || rest * TOLERATED <= all) return KEN_OK;
    return ken_fail(
        err, KEN_EINPUT,
        "%s and %s are runs of different data: they have %zu of %zu facts in common%s; `allow_different` compares "
        "these",
        a->path, b->path, d->n, all, why);
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

static int compare(ken_diff *d, ken_run *a, ken_run *b, const ken_diff_options *o, ken_err *err)
{
    int rc = ken_diff_read(d, a, b, o, err);
    if (rc == KEN_OK) rc = check_common(d, a, b, o->allow_different, err);
    if (rc != KEN_OK) return rc;
    find_moves(d);
    rc = find_quartiles(d, err);
    for (size_t i = 0; i < d->n; i++) d->row[i].near = KEN_NEAR_UNKNOWN;
    if (rc == KEN_OK && o->n_trained > 0) rc = ken_diff_find_near(d, o->trained, o->n_trained, err);
    if (rc == KEN_OK) rc = ken_diff_make_groups(d, err);
    if (rc == KEN_OK) rc = ken_diff_find_cautions(d, a, b, err);
    return rc;
}

static void free_scratch(ken_diff *d)
{
    ken_strmap_free(d->at);
    ken_strmap_free(d->names);
    ken_free(d->name);
    ken_free(d->extra);
    d->at = d->names = NULL;
    d->name = NULL;
    d->extra = NULL;
}

int ken_diff_runs(ken_diff **out, ken_run *a, ken_run *b, const ken_diff_options *given, ken_err *err)
{
    ken_diff_options own = ken_diff_defaults();
    const ken_diff_options *o = &own;
    *out = NULL;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_diff_options, err);
    if (rc == KEN_OK) rc = ken_check_word(KEN_WORDS_LABEL, o->label, err);
    if (rc == KEN_OK) rc = ken_check_word(KEN_WORDS_ANSWERS, o->answers_a, err);
    if (rc == KEN_OK) rc = ken_check_word(KEN_WORDS_ANSWERS, o->answers_b, err);
    if (rc != KEN_OK) return rc;
    ken_diff *d = ken_calloc(1, sizeof *d);
    if (d == NULL) return ken_fail_nomem(err, "comparison");
    d->mode = o->label == KEN_LABEL_MODE;
    d->save_answers = o->n_trained > 0;
    rc = check_kinds(d, a, b, err);
    if (rc == KEN_OK) rc = compare(d, a, b, o, err);
    free_scratch(d);
    if (rc == KEN_OK) *out = d;
    else ken_diff_free(d);
    return rc;
}

void ken_diff_free(ken_diff *d)
{
    if (d == NULL) return;
    free_scratch(d);
    ken_free(d->row);
    ken_free(d->group);
    ken_free(d->caution);
    ken_arena_free(&d->arena);
    ken_free(d);
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

size_t ken_diff_count(const ken_diff *d) { return d->n; }
const ken_diff_row *ken_diff_get(const ken_diff *d, size_t i) { return i < d->n ? &d->row[i] : NULL; }
bool ken_diff_annotated(const ken_diff *d) { return d->annotated; }
const char *ken_diff_caution(const ken_diff *d, size_t i) { return i < d->n_cautions ? d->caution[i] : NULL; }

const ken_diff_group *ken_diff_groups(const ken_diff *d, size_t *n)
{
    *n = d->n_groups;
    return d->group;
}

const ken_diff_group *ken_diff_find(const ken_diff *d, const char *grouping, const char *key)
{
    for (size_t i = 0; i < d->n_groups; i++)
        if (strcmp(d->group[i].grouping, grouping) == 0 && strcmp(d->group[i].key, key) == 0) return &d->group[i];
    return NULL;
}

const ken_diff_group *ken_diff_part(const ken_diff *d, bool choice)
{
    for (size_t i = 0; i < d->n_groups; i++)
        if (d->group[i].choice == choice) return &d->group[i]; /* "all" is the first of its kind */
    return NULL;
}

void ken_diff_unmatched(const ken_diff *d, size_t *only_a, size_t *only_b, size_t *other_question)
{
    *only_a = d->only_a;
    *only_b = d->only_b;
    *other_question = d->other_question;
}
