/* diff_rows.c - the rows of two runs, read and joined by id; see diff.h.
 *
 * An evaluation may hold several sets of rows (dev, test, ...), in which the same id may occur; then the set belongs to the key. Sets are
 * named by who wrote them ("eval" of ken eval, "test" of a training), so where the two runs have no set in common, ids alone count.
 * Of a training the last point that has rows is read, or the best one. Rows whose question was not kept are taken for the same question. */
#include "study/diff.h"
#include "base/alloc.h"
#include "data/identity.h"
#include "know/tally.h"
#include "know/verdict.h"
#include "store/run.h"
#include "store/store.h"
#include "text/accept.h"
#include <math.h>
#include <string.h>

/* ---- texts ---------------------------------------------------------------------------------------------------------- */

static const char *copy(ken_diff *d, const char *s) { return ken_arena_strndup(&d->arena, s, strlen(s)); }

/* One copy of each name. NULL when out of memory. */
static const char *name(ken_diff *d, const char *s)
{
    size_t n = strlen(s);
    if (n == 0) return "";
    int32_t at = ken_strmap_get(d->names, s, n, -1);
    if (at >= 0) return d->name[at];
    if (d->n_names >= INT32_MAX || ken_grow((void **)&d->name, &d->cap_names, d->n_names + 1, sizeof *d->name) != 0)
        return NULL;
    const char *own = copy(d, s);
    if (own == NULL || ken_strmap_add(d->names, own, n, (int32_t)d->n_names) < 0) return NULL;
    return d->name[d->n_names++] = own;
}

const char *ken_diff_key(ken_arena *a, const char *of, const char *text, size_t *n)
{
    size_t s = of != NULL ? strlen(of) + 1 : 0, i = strlen(text);
    char *key = ken_arena_alloc(a, s + i + 1, 1);
    *n = s + i;
    if (key == NULL) return NULL;
    if (s > 0) memcpy(key, of, s);
    memcpy(key + s, text, i + 1);
    return key;
}

static uint64_t hash_answers(const char *const *answers, int n)
{
    uint64_t h = 0;
    for (int i = 0; i < n; i++) h = h * 0x9E3779B97F4A7C15u + ken_hash64(answers[i], strlen(answers[i]));
    return h;
}

/* ---- one side of a row ---------------------------------------------------------------------------------------------- */

static int find_says(ken_diff *d, const ken_row *r, ken_diff_side *s, ken_arena *scratch, ken_err *err)
{
    ken_says says;
    int rc = ken_row_says(&says, r, scratch, err);
    if (rc != KEN_OK) return rc;
    s->says_right = says.right;
    s->says_prompts = says.prompts;
    if (says.text == NULL) return KEN_OK;
    s->says = copy(d, says.text);
    return s->says != NULL ? KEN_OK : ken_fail_nomem(err, "answers");
}

static int annotated_side(ken_diff *d, const ken_row *r, ken_diff_side *s, ken_arena *scratch, ken_err *err)
{
    *s = (ken_diff_side){.category = d->mode ? r->category_mode : r->category,
                         .greedy_hits = r->greedy_hits,
                         .prompts = r->prompts,
                         .p_t0 = r->p_t0,
                         .p_t = r->p_t,
                         .p_unknown = r->p_unknown};
    ken_arena_reset(scratch);
    return find_says(d, r, s, scratch, err);
}

static int evaluated_side(ken_diff *d, const ken_evaluated *r, ken_diff_side *s, ken_err *err)
{
    *s = (ken_diff_side){.category = KEN_N_CATEGORIES,
                         .greedy_hits = r->hit,
                         .prompts = 1,
                         .p_t0 = r->too_long ? NAN : r->hit,
                         .p_t = r->p, /* of multiple choice; else NaN */
                         .p_unknown = NAN,
                         .says_prompts = r->text != NULL,
                         .says_right = r->text != NULL && r->hit};
    if (r->text == NULL) return KEN_OK;
    s->says = copy(d, r->text);
    return s->says != NULL ? KEN_OK : ken_fail_nomem(err, "answers");
}

/* ---- rows of A ------------------------------------------------------------------------------------------------------ */

/* Makes room for one more row of this key; NULL when out of memory, *twice when the key is there already. */
static ken_diff_row *add_row(ken_diff *d, const char *set, const char *id, bool *twice, ken_err *err)
{
    size_t n;
    const char *key = ken_diff_key(&d->arena, set, id, &n);
    int added = key == NULL || d->n >= INT32_MAX ? -1 : ken_strmap_add(d->at, key, n, (int32_t)d->n);
    *twice = added == 0;
    if (added == 0) return NULL;
    if (added < 0 || ken_grow((void **)&d->row, &d->cap, d->n + 1, sizeof *d->row) != 0 ||
        ken_grow((void **)&d->extra, &d->cap_extra, d->n + 1, sizeof *d->extra) != 0) {
        ken_fail_nomem(err, "rows");
        return NULL;
    }
    d->extra[d->n] = (diff_extra){.category = KEN_N_CATEGORIES};
    d->row[d->n] = (ken_diff_row){.id = key + (set != NULL ? strlen(set) + 1 : 0), .popularity = NAN};
    return &d->row[d->n++];
}

/* Relation, split, question and answer; the texts are copied. */
static int fill_row(ken_diff *d, ken_diff_row *to, const char *relation, const char *split, const char *question,
                    const char *const *answers, int n_answers, ken_err *err)
{
    diff_extra *x = &d->extra[d->n - 1];
    to->relation = name(d, relation);
    to->split = name(d, split);
    to->question = copy(d, question != NULL ? question : "");
    to->answer = copy(d, n_answers > 0 ? answers[0] : "");
    x->answers = hash_answers(answers, n_answers);
    bool good = to->relation != NULL && to->split != NULL && to->question != NULL && to->answer != NULL;
    if (good && d->save_answers) {
        const char **own = ken_arena_calloc(&d->arena, (size_t)n_answers + 1, sizeof *own);
        good = own != NULL;
        for (int i = 0; i < n_answers && good; i++) good = (own[i] = copy(d, answers[i])) != NULL;
        x->accepted = own;
        x->n_accepted = n_answers;
    }
    return good ? KEN_OK : ken_fail_nomem(err, "rows");
}

/* Multiple choice has none, but a verdict unless it could not be asked. */
static bool has_label(const ken_row *r, const ken_diff_side *s)
{
    return r->flags & KEN_FLAG_CHOICE ? s->prompts > 0 && !isnan(s->p_t0) : s->category != KEN_UNLABELLED;
}

/* Of multiple choice: its options too. 0 = the run does not say. */
static uint64_t asked_hash(const ken_row *r)
{
    return (r->flags & KEN_FLAG_CHOICE) && r->asked != NULL ? ken_hash64(r->asked, strlen(r->asked)) | 1 : 0;
}

static int add_annotated(ken_diff *d, const ken_row *r, ken_arena *scratch, ken_err *err)
{
    bool twice;
    ken_diff_row *to = add_row(d, NULL, r->id, &twice, err);
    if (to == NULL) return twice ? KEN_OK : KEN_ENOMEM; /* ids of an annotation differ: the store sees to it */
    int rc = fill_row(d, to, r->relation, r->split, r->question, r->answers, r->n_answers, err);
    if (rc == KEN_OK && r->subject != NULL && (to->subject = copy(d, r->subject)) == NULL)
        rc = ken_fail_nomem(err, "rows");
    if (rc == KEN_OK) rc = annotated_side(d, r, &to->a, scratch, err);
    diff_extra *x = &d->extra[d->n - 1];
    to->popularity = r->popularity;
    x->choice_a = (r->flags & KEN_FLAG_CHOICE) != 0;
    x->options = ken_choice_options(r);
    x->asked = asked_hash(r);
    x->category = to->a.category;
    x->a_label = has_label(r, &to->a);
    return rc;
}

static int join_annotated(ken_diff *d, const ken_row *r, ken_arena *scratch, ken_err *err)
{
    int32_t at = ken_strmap_get(d->at, r->id, strlen(r->id), -1);
    if (at < 0) {
        d->only_b++;
        return KEN_OK;
    }
    ken_diff_row *to = &d->row[at];
    diff_extra *x = &d->extra[at];
    x->in_b = true;
    x->other_question = !ken_asks_same(to->question, to->subject, r->question, r->subject) ||
                        (x->choice_a && x->asked != 0 && asked_hash(r) != 0 && x->asked != asked_hash(r));
    if (x->other_question) return KEN_OK;
    int rc = annotated_side(d, r, &to->b, scratch, err);
    x->b_label = has_label(r, &to->b);
    to->choice = x->choice_a && (r->flags & KEN_FLAG_CHOICE) != 0;
    if (!to->choice) x->a_label = to->a.category != KEN_UNLABELLED, x->b_label = to->b.category != KEN_UNLABELLED;
    d->other_answers += x->answers != hash_answers(r->answers, r->n_answers);
    return rc;
}

static int read_annotations(ken_diff *d, ken_run *run, bool second, ken_err *err)
{
    ken_arena scratch = {0};
    int rc = KEN_OK;
    ken_err why = {0};
    for (size_t i = 0; i < ken_run_count(run) && rc == KEN_OK; i++) {
        const ken_row *r = ken_run_row(run, i, &why);
        if (r == NULL) rc = ken_fail(err, why.status, "%s", why.msg);
        else rc = second ? join_annotated(d, r, &scratch, err) : add_annotated(d, r, &scratch, err);
    }
    ken_arena_free(&scratch);
    return rc;
}

/* ---- evaluations ---------------------------------------------------------------------------------------------------- */

typedef struct reader {
    ken_diff *d;
    ken_strmap *sets;  /* of A: their names are interned */
    bool by_set, same; /* keys have the set; a set of A is in B too */
    uint64_t rows;
    ken_arena scratch;
} reader;

static int see_set(void *ctx, const ken_evaluated *row, ken_err *err)
{
    reader *x = ctx;
    const char *set = name(x->d, row->set);
    x->rows++;
    if (set == NULL || ken_strmap_add(x->sets, set, strlen(set), 0) < 0) return ken_fail_nomem(err, "sets");
    return KEN_OK;
}

static int look_for_set(void *ctx, const ken_evaluated *row, ken_err *err)
{
    (void)err;
    reader *x = ctx;
    x->rows++;
    x->same |= ken_strmap_get(x->sets, row->set, strlen(row->set), -1) >= 0;
    return KEN_OK;
}

static int add_evaluated(void *ctx, const ken_evaluated *row, ken_err *err)
{
    reader *x = ctx;
    ken_diff *d = x->d;
    bool twice;
    ken_diff_row *to = add_row(d, x->by_set ? row->set : NULL, row->id, &twice, err);
    if (to == NULL && !twice) return KEN_ENOMEM;
    if (to == NULL) { /* the same id again: it has no partner */
        d->only_a++;
        return KEN_OK;
    }
    const char *answers[1] = {row->answer};
    int rc = fill_row(d, to, row->relation, row->split[0] != '\0' ? row->split : row->set, row->question, answers,
                      row->answer != NULL, err);
    if (rc == KEN_OK) rc = evaluated_side(d, row, &to->a, err);
    to->popularity = row->popularity;
    d->extra[d->n - 1].choice_a = !isnan(row->p);
    d->extra[d->n - 1].category = row->category;
    d->extra[d->n - 1].a_label = !row->too_long;
    d->extra[d->n - 1].a_formless = isnan(row->p) && ken_answer_is_formless(row->text, row->finish, row->hit);
    return rc;
}

static int join_evaluated(void *ctx, const ken_evaluated *row, ken_err *err)
{
    reader *x = ctx;
    ken_diff *d = x->d;
    size_t n;
    ken_arena_reset(&x->scratch);
    const char *key = ken_diff_key(&x->scratch, x->by_set ? row->set : NULL, row->id, &n);
    if (key == NULL) return ken_fail_nomem(err, "rows");
    int32_t at = ken_strmap_get(d->at, key, n, -1);
    if (at < 0 || d->extra[at].in_b) {
        d->only_b++;
        return KEN_OK;
    }
    ken_diff_row *to = &d->row[at];
    diff_extra *e = &d->extra[at];
    e->in_b = true;
    e->other_question = row->question != NULL && to->question[0] != '\0' && strcmp(row->question, to->question) != 0;
    if (e->other_question) return KEN_OK;
    to->choice = e->choice_a || !isnan(row->p); /* on the other side it may have been too long to be asked */
    e->b_label = !row->too_long;
    e->b_formless = isnan(row->p) && ken_answer_is_formless(row->text, row->finish, row->hit);
    d->other_answers += row->answer != NULL && e->answers != 0 && e->answers != hash_answers(&row->answer, 1);
    return evaluated_side(d, row, &to->b, err);
}

/* The last point that has rows, or the best one, all of which are shown to `see`; -1 = none. */
static int64_t find_step(ken_run *run, int at, reader *x, int (*see)(void *ctx, const ken_evaluated *row, ken_err *err),
                         int *rc, ken_err *err)
{
    x->rows = 0;
    for (size_t i = ken_run_n_points(run); i > 0 && *rc == KEN_OK; i--) {
        int64_t step = ken_run_point(run, i - 1)->step;
        if (at == KEN_ANSWERS_BEST && !ken_run_point(run, i - 1)->best) continue;
        *rc = ken_run_evaluated(run, step, see, x, err);
        if (*rc == KEN_OK && x->rows > 0) return step;
    }
    if (*rc == KEN_OK && at == KEN_ANSWERS_BEST)
        *rc =
            ken_fail(err, KEN_EINPUT,
                     "%s: it holds no answers of its best point: without a dev set there is none, and versions before "
                     "format 5 kept those of the last point alone",
                     run->path);
    return -1;
}

static int read_evaluations(ken_diff *d, ken_run *a, ken_run *b, const ken_diff_options *o, ken_err *err)
{
    reader x = {.d = d, .sets = ken_strmap_new(8)};
    int rc = x.sets == NULL ? ken_fail_nomem(err, "sets") : KEN_OK;
    int64_t step_a = -1, step_b = -1;
    if (rc == KEN_OK) step_a = find_step(a, o->answers_a, &x, see_set, &rc, err);
    if (rc == KEN_OK) step_b = find_step(b, o->answers_b, &x, look_for_set, &rc, err);
    if (rc == KEN_OK && step_a == step_b && strcmp(a->path, b->path) == 0 && o->answers_a != o->answers_b)
        rc = ken_fail(err, KEN_EINPUT, "%s: its best point is its last one (step %lld); there is nothing to compare",
                      a->path, (long long)step_a);
    x.by_set = x.same;
    if (rc == KEN_OK && step_a >= 0) rc = ken_run_evaluated(a, step_a, add_evaluated, &x, err);
    if (rc == KEN_OK && step_b >= 0) rc = ken_run_evaluated(b, step_b, join_evaluated, &x, err);
    ken_strmap_free(x.sets);
    ken_arena_free(&x.scratch);
    return rc;
}

/* ---- both ----------------------------------------------------------------------------------------------------------- */

/* Leaves the rows that both have, in A's order. */
static void keep_common(ken_diff *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        d->only_a += !d->extra[i].in_b;
        d->other_question += d->extra[i].other_question;
        if (!d->extra[i].in_b || d->extra[i].other_question) continue;
        d->row[n] = d->row[i];
        d->extra[n++] = d->extra[i];
    }
    d->n = n;
}

int ken_diff_read(ken_diff *d, ken_run *a, ken_run *b, const ken_diff_options *o, ken_err *err)
{
    d->at = ken_strmap_new(ken_run_count(a) + 1);
    d->names = ken_strmap_new(64);
    if (d->at == NULL || d->names == NULL) return ken_fail_nomem(err, "rows");
    int rc = KEN_OK;
    if (d->annotated) {
        rc = read_annotations(d, a, false, err);
        if (rc == KEN_OK) rc = read_annotations(d, b, true, err);
    } else rc = read_evaluations(d, a, b, o, err);
    if (rc == KEN_OK) keep_common(d);
    return rc;
}
