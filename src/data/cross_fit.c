/* cross_fit.c - see cross_fit.h.
 *
 * The order of the draw is by a random number of each question, a function of the seed and the question alone: rows that are added later come somewhere in
 * between and move no other, and the three places to draw from (a relation, all of the data, other facts) agree where they have the same
 * rows. The first `need` of a place make its sets. */
#include "data/cross_fit.h"
#include "base/alloc.h"
#include "base/rng.h"
#include <stdlib.h>
#include <string.h>

/* Rows to draw from, one of each question, in the order of the draw, and the sets that all rows share that are related to none of their exemplars. */
typedef struct place {
    const ken_example **row; /* (n) */
    size_t n;
    ken_strmap *questions, *subjects; /* -> number, in the order of the data */
    int32_t *at, *rows_about;         /* of a question's number: its place in row; of a subject's: how many rows */
    bool foreign;
} place;

enum { DRAW = 0x78666974 }; /* tells this draw from others with the same seed */

typedef struct relation {
    const char *name;
    place own;
    ken_exemplars sets;
    const place *from; /* where its sets were drawn: own, everything, other facts */
    bool stored;
} relation;

struct ken_cross_fit {
    ken_arena arena;
    const ken_data *d;
    ken_exemplar_options o;
    size_t need, least;
    bool choice;
    place everything, others; /* all of d; the fallback. Filled when they are needed */
    bool has_everything, has_others;
    relation *relations; /* (n_relations) */
    size_t n_relations;
    ken_strmap *relation_at;      /* name -> index */
    const ken_exemplars **of_row; /* (d->n) */
};

/* ---- places --------------------------------------------------------------------------------------------------------- */

typedef struct ticket {
    double key;
    const ken_example *row;
    size_t at;
} ticket;

static int by_key(const void *a, const void *b)
{
    const ticket *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void place_free(place *p)
{
    ken_strmap_free(p->questions);
    ken_strmap_free(p->subjects);
    *p = (place){0};
}

static int count_subject(place *p, const char *subject)
{
    if (subject == NULL) return KEN_OK;
    int32_t number = ken_strmap_number(p->subjects, subject, strlen(subject));
    if (number < 0) return KEN_ENOMEM;
    p->rows_about[number]++;
    return KEN_OK;
}

/* Of rows [first, end) of `from`. */
static int fill_place(ken_cross_fit *f, place *p, const ken_data *from, size_t first, size_t end, bool foreign)
{
    ticket *t = ken_alloc(end - first, sizeof *t);
    *p = (place){.questions = ken_strmap_new(64), .subjects = ken_strmap_new(64), .foreign = foreign};
    p->at = ken_arena_calloc(&f->arena, end - first, sizeof *p->at);
    p->rows_about = ken_arena_calloc(&f->arena, end - first, sizeof *p->rows_about);
    bool failed = t == NULL || p->questions == NULL || p->subjects == NULL || p->at == NULL || p->rows_about == NULL;
    int rc = failed ? KEN_ENOMEM : KEN_OK;
    for (size_t i = first; i < end && rc == KEN_OK; i++) {
        const ken_example *e = ken_data_get(from, i);
        size_t n = strlen(e->question);
        int added = ken_strmap_add(p->questions, e->question, n, (int32_t)p->n);
        if (added < 0) rc = KEN_ENOMEM;
        if (added <= 0) continue;
        t[p->n] = (ticket){ken_uniform(f->o.seed, e->question, n, DRAW, 0, 0), e, p->n};
        p->n++;
        rc = count_subject(p, e->subject);
    }
    if (rc == KEN_OK && p->n > 0) qsort(t, p->n, sizeof *t, by_key);
    if (rc == KEN_OK) p->row = ken_arena_alloc(&f->arena, p->n, sizeof *p->row);
    if (rc == KEN_OK && p->row == NULL) rc = KEN_ENOMEM;
    for (size_t i = 0; i < p->n && rc == KEN_OK; i++) {
        p->row[i] = t[i].row;
        p->at[t[i].at] = (int32_t)i;
    }
    ken_free(t);
    return rc;
}

/* Rows of the place that may serve x. */
static size_t usable(const place *p, const ken_example *x)
{
    int32_t q = ken_strmap_get(p->questions, x->question, strlen(x->question), -1);
    int32_t s = x->subject != NULL ? ken_strmap_get(p->subjects, x->subject, strlen(x->subject), -1) : -1;
    size_t out = s >= 0 ? (size_t)p->rows_about[s] : 0;
    if (q >= 0 && !ken_same_subject(x, p->row[p->at[q]])) out++;
    return p->n - out;
}

/* ---- sets ----------------------------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sets out of rows of the place: list (n) are indices into it, in the order of the draw. */
static int deal(ken_cross_fit *f, const place *p, const char *name, size_t *list, size_t n, ken_exemplars *out)
{
    const size_t m = n < f->need ? n : f->need;
    const int n_sets = f->choice ? 1 : f->o.n_sets, shots = f->choice ? (int)m : f->o.shots;
    const size_t all = (size_t)n_sets * (size_t)shots;
    size_t *rows = ken_alloc(all, sizeof *rows);
    const ken_example **shot = ken_arena_alloc(&f->arena, all, sizeof *shot);
    int rc = rows == NULL || shot == NULL ? KEN_ENOMEM : KEN_OK;
    if (rc == KEN_OK && f->choice) qsort(list, m, sizeof *list, by_place);
    if (rc == KEN_OK) rc = ken_sets_deal(list, m, n_sets, shots, f->o.seed, name, rows);
    for (size_t i = 0; i < all && rc == KEN_OK; i++) shot[i] = p->row[rows[i]];
    *out = (ken_exemplars){.relation = name, .n_sets = n_sets, .shots = shots, .shot = shot};
    if (p->foreign) out->flags |= KEN_FLAG_EXEMPLARS_FOREIGN;
    if (!f->choice && m < f->need) out->flags |= KEN_FLAG_EXEMPLARS_SHARED;
    ken_free(rows);
    return rc;
}

/* Anew for one row, of the first of the place that may serve it. */
static int deal_for(ken_cross_fit *f, const place *p, const ken_example *x, ken_exemplars *out)
{
    size_t *list = ken_alloc(f->need + 1, sizeof *list), n = 0;
    if (list == NULL) return KEN_ENOMEM;
    for (size_t i = 0; i < p->n && n < f->need; i++)
        if (!ken_is_related(x, p->row[i])) list[n++] = i;
    int rc = deal(f, p, x->relation, list, n, out);
    ken_free(list);
    return rc;
}

static bool in_set(const ken_example *const *set, int shots, const ken_example *e)
{
    for (int i = 0; i < shots; i++)
        if (set[i] != NULL && (set[i] == e || strcmp(set[i]->question, e->question) == 0)) return true;
    return false;
}

/* The same exemplars, in whatever order. */
static bool same_set(const ken_example *const *a, const ken_example *const *b, int shots)
{
    for (int i = 0; i < shots; i++)
        if (!in_set(b, shots, a[i])) return false;
    return true;
}

/* No other set has these exemplars. (One that comes later and still holds a row related to x is another one in any case.) */
static bool set_is_new(const ken_example *const *shot, int set, int n_sets, int shots)
{
    const ken_example *const *mine = shot + (size_t)set * (size_t)shots;
    for (int s = 0; s < n_sets; s++)
        if (s != set && same_set(mine, shot + (size_t)s * (size_t)shots, shots)) return false;
    return true;
}

/* Another row for one place of a set: of those that no shared set has, then of all; one that stands in none of x's sets, if there is one (*again: there is
 * none). With the last place filled the set must be one that x does not have yet. */
static bool replace(const place *p, const ken_example *x, const ken_example **shot, const ken_exemplars *sets, int set,
                    int at, size_t need, bool *again)
{
    const int shots = sets->shots;
    const ken_example **mine = shot + (size_t)set * (size_t)shots;
    const size_t start = p->n > need ? need : ((size_t)set * (size_t)shots + (size_t)at) % p->n;
    bool last = true;
    for (int i = at + 1; i < shots; i++) last = last && !ken_is_related(x, mine[i]);
    mine[at] = NULL;
    for (int reuse = 0; reuse < 2; reuse++)
        for (size_t k = 0; k < p->n; k++) {
            const ken_example *e = p->row[(start + k) % p->n];
            if (ken_is_related(x, e) || in_set(reuse ? mine : shot, reuse ? shots : sets->n_sets * shots, e)) continue;
            mine[at] = e;
            *again = *again || reuse;
            if (!last || set_is_new(shot, set, sets->n_sets, shots)) return true;
            mine[at] = NULL;
        }
    return false;
}

static int by_id_and_set(const void *a, const void *b)
{
    const ken_own_set *x = a, *y = b;
    int c = strcmp(x->id, y->id);
    return c != 0 ? c : (x->set > y->set) - (x->set < y->set);
}

/* A set that the run has for this row, when nothing in it is related to x now. */
static bool take_stored(const ken_cross_fit *f, const ken_example *x, const ken_example **shot, int set)
{
    const int shots = f->o.shots;
    const ken_own_set key = {.id = x->id, .set = set};
    const ken_own_set *o =
        f->o.n_stored_own > 0 ? bsearch(&key, f->o.stored_own, f->o.n_stored_own, sizeof key, by_id_and_set) : NULL;
    for (int k = 0; o != NULL && k < shots; k++)
        if (ken_is_related(x, o->shot[k])) return false;
    if (o == NULL) return false;
    memcpy(shot + (size_t)set * (size_t)shots, o->shot, (size_t)shots * sizeof *shot);
    return set_is_new(shot, set, f->o.n_sets, shots);
}

/* Sets of its own for x: the shared ones, with other rows in the places of those that are related to it. */
static int adapt(ken_cross_fit *f, const relation *r, const ken_example *x, ken_exemplars *out)
{
    const int shots = r->sets.shots;
    const size_t all = (size_t)r->sets.n_sets * (size_t)shots;
    const ken_example **shot = ken_arena_alloc(&f->arena, all, sizeof *shot);
    if (shot == NULL) return KEN_ENOMEM;
    memcpy(shot, r->sets.shot, all * sizeof *shot);
    *out = r->sets;
    out->shot = shot;
    bool good = true, again = false;
    for (int s = 0; s < r->sets.n_sets && good; s++) {
        bool touched = false;
        for (int k = 0; k < shots; k++)
            touched = touched || ken_is_related(x, shot[(size_t)s * (size_t)shots + (size_t)k]);
        if (touched && take_stored(f, x, shot, s)) continue;
        for (int k = 0; k < shots && good; k++)
            if (ken_is_related(x, shot[(size_t)s * (size_t)shots + (size_t)k]))
                good = replace(r->from, x, shot, &r->sets, s, k, f->need, &again);
    }
    if (again) out->flags |= KEN_FLAG_EXEMPLARS_SHARED;
    return good ? KEN_OK : deal_for(f, r->from, x, out);
}

/* ---- relations ------------------------------------------------------------------------------------------------------ */

/* Where x finds enough exemplars: its relation, all of the data, other facts; NULL when nowhere. */
static int find_place(ken_cross_fit *f, relation *r, const ken_example *x, const place **out)
{
    int rc = KEN_OK;
    *out = &r->own;
    if (usable(&r->own, x) >= f->least) return KEN_OK;
    if (!f->has_everything) rc = fill_place(f, &f->everything, f->d, 0, ken_data_count(f->d), true);
    f->has_everything = true;
    *out = &f->everything;
    if (rc != KEN_OK || usable(&f->everything, x) >= f->least) return rc;
    *out = NULL;
    if (f->o.fallback == NULL) return rc;
    if (!f->has_others) rc = fill_place(f, &f->others, f->o.fallback, 0, ken_data_count(f->o.fallback), true);
    f->has_others = true;
    if (rc == KEN_OK && usable(&f->others, x) >= f->least) *out = &f->others;
    return rc;
}

static int too_small(const ken_cross_fit *f, const ken_example *x, size_t own, ken_err *err)
{
    char shown[80], which[160] = "";
    (void)ken_printable(shown, sizeof shown, x->relation, strlen(x->relation));
    if (x->relation[0] != '\0') snprintf(which, sizeof which, " of relation \"%s\"", shown);
    return ken_fail(err, KEN_EINPUT,
                    "the data is too small for its exemplars: %zu other row%s%s and %zu of the whole can serve %.200s, "
                    "and %zu are needed for %d prompts of %d; give more with `exemplars` DATA",
                    own, own == 1 ? "" : "s", which, usable(&f->everything, x), x->id, f->least, f->o.n_sets,
                    f->o.shots);
}

static const ken_exemplars *stored_sets(const ken_cross_fit *f, const char *name)
{
    for (size_t i = 0; i < f->o.n_stored; i++)
        if (strcmp(f->o.stored[i].relation, name) == 0) return &f->o.stored[i];
    return NULL;
}

/* The sets that the rows of the relation share, drawn where a row besides one of them finds enough; those that the run has, where it has them. */
static int share(ken_cross_fit *f, relation *r)
{
    const ken_exemplars *stored = f->choice ? NULL : stored_sets(f, r->name);
    const place *p = r->own.n > f->least || f->least == 0             ? &r->own
                     : f->everything.n > f->least || f->others.n == 0 ? &f->everything
                                                                      : &f->others;
    size_t n = p->n < f->need ? p->n : f->need;
    r->from = p;
    r->stored = stored != NULL;
    if (stored != NULL) {
        r->sets = *stored;
        return KEN_OK;
    }
    size_t *list = ken_alloc(n, sizeof *list);
    if (list == NULL) return KEN_ENOMEM;
    for (size_t i = 0; i < n; i++) list[i] = i;
    int rc = deal(f, p, r->name, list, n, &r->sets);
    ken_free(list);
    return rc;
}

static bool touches(const ken_exemplars *sets, const ken_example *x)
{
    for (size_t i = 0; i < (size_t)sets->n_sets * (size_t)sets->shots; i++)
        if (ken_is_related(x, sets->shot[i])) return true;
    return false;
}

static int give(ken_cross_fit *f, relation *r, size_t i, ken_err *err)
{
    const ken_example *x = ken_data_get(f->d, i);
    const place *p;
    int rc = find_place(f, r, x, &p);
    if (rc == KEN_OK && p == NULL) return too_small(f, x, usable(&r->own, x), err);
    if (rc == KEN_OK && r->from == NULL) rc = share(f, r);
    if (rc != KEN_OK) return ken_fail_nomem(err, "exemplars");
    f->of_row[i] = &r->sets;
    bool alike = p == r->from || r->stored;
    if (alike && !touches(&r->sets, x)) return KEN_OK;
    ken_exemplars *own = ken_arena_alloc(&f->arena, 1, sizeof *own);
    if (own == NULL) rc = KEN_ENOMEM;
    else rc = p == r->from ? adapt(f, r, x, own) : deal_for(f, p, x, own);
    f->of_row[i] = own;
    return rc == KEN_OK ? KEN_OK : ken_fail_nomem(err, "exemplars");
}

static int plan_relation(ken_cross_fit *f, relation *r, size_t first, size_t end, const bool *wanted, ken_err *err)
{
    if (fill_place(f, &r->own, f->d, first, end, false) != KEN_OK) return ken_fail_nomem(err, "exemplars");
    int rc = KEN_OK;
    for (size_t i = first; i < end && rc == KEN_OK; i++)
        if (wanted[i]) rc = give(f, r, i, err);
    return rc;
}

int ken_cross_fit_new(ken_cross_fit **out, const ken_data *d, const ken_exemplar_options *o, size_t need, size_t least,
                      bool choice, const bool *wanted, ken_err *err)
{
    *out = NULL;
    ken_cross_fit *f = ken_calloc(1, sizeof *f);
    if (f == NULL) return ken_fail_nomem(err, "exemplars");
    f->d = d;
    f->o = *o;
    f->need = need;
    f->least = least;
    f->choice = choice;
    f->relation_at = ken_strmap_new(d->n_groups);
    f->relations = ken_arena_calloc(&f->arena, d->n_groups, sizeof *f->relations);
    f->of_row = ken_arena_calloc(&f->arena, d->n, sizeof *f->of_row);
    int rc = KEN_OK;
    if (f->relation_at == NULL || f->relations == NULL || f->of_row == NULL) rc = ken_fail_nomem(err, "exemplars");
    for (size_t g = 0, next; g < d->n_groups && rc == KEN_OK; g = next) {
        const char *name = d->groups[g].relation;
        for (next = g; next < d->n_groups && d->groups[next].relation == name;) next++;
        size_t first = d->groups[g].first, end = d->groups[next - 1].first + d->groups[next - 1].rows;
        bool any = false;
        for (size_t i = first; i < end && !any; i++) any = wanted[i];
        if (!any) continue;
        relation *r = &f->relations[f->n_relations];
        r->name = name;
        rc = plan_relation(f, r, first, end, wanted, err);
        if (rc == KEN_OK && ken_strmap_add(f->relation_at, name, strlen(name), (int32_t)f->n_relations) < 0)
            rc = ken_fail_nomem(err, "exemplars");
        f->n_relations++;
    }
    if (rc == KEN_OK) *out = f;
    else ken_cross_fit_free(f);
    return rc;
}

void ken_cross_fit_free(ken_cross_fit *f)
{
    if (f == NULL) return;
    for (size_t i = 0; i < f->n_relations; i++) place_free(&f->relations[i].own);
    place_free(&f->everything);
    place_free(&f->others);
    ken_strmap_free(f->relation_at);
    ken_arena_free(&f->arena);
    ken_free(f);
}

const ken_exemplars *ken_cross_fit_row(const ken_cross_fit *f, size_t i) { return f->of_row[i]; }

const ken_exemplars *ken_cross_fit_relation(const ken_cross_fit *f, const char *name)
{
    int32_t at = ken_strmap_get(f->relation_at, name, strlen(name), -1);
    return at < 0 ? NULL : &f->relations[at].sets;
}

int ken_cross_fit_question(ken_cross_fit *f, const ken_example *x, const ken_exemplars **out)
{
    int32_t at = ken_strmap_get(f->relation_at, x->relation, strlen(x->relation), -1);
    *out = at < 0 ? NULL : &f->relations[at].sets;
    if (at < 0 || !touches(*out, x)) return KEN_OK;
    ken_exemplars *own = ken_arena_alloc(&f->arena, 1, sizeof *own);
    *out = own;
    return own != NULL ? adapt(f, &f->relations[at], x, own) : KEN_ENOMEM;
}
