/* exemplars.c - which rows are exemplars, which are annotated: the rules of docs/method/knowledge.md#exemplars.
 *
 * Exemplars come from another data set that the user names; else from the dev split; else each row's from other rows (cross_fit.h). One draw
 * serves every split and selection: it depends on the data, the seed and the shape of the sets, never on --split, --relation or a
 * limit, so a larger limit extends a run and a shard sees the same prompts. What needs care is that no question is its own exemplar: a
 * row whose question or subject is asked about in the relation is no exemplar for it, and where exemplar rows themselves are in
 * what is to be annotated (--split dev), they are passed over. */
#include "base/alloc.h"
#include "base/rng.h"
#include "data/cross_fit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SETS = 1000, MAX_SHOTS = KEN_MAX_SHOTS, CHOICE_SHOTS = 5 /* MMLU has five dev rows a subject */ };

/* One relation of the data the exemplars come from. */
typedef struct source {
    const char *name;
    size_t first, end; /* rows [first, end) of that data */
    size_t *pool;      /* (n_pool) rows that may serve, in the order of the draw */
    size_t n_pool;
} source;

struct ken_exemplar_sets {
    ken_arena arena;
    const ken_data *d, *from;
    ken_exemplar_source origin;
    ken_cross_fit *cross_fit; /* NULL unless rows are cross-fitted */
    bool choice;
    ken_exemplar_options o;
    size_t need, least; /* rows for disjoint sets; for sets that differ */
    source *sources;    /* (n_sources) relations of `from`, data order */
    size_t n_sources;
    ken_strmap *source_of; /* relation name -> index into sources */
    size_t *all;           /* (n_all) every pool's rows, shuffled: where a relation with too few borrows */
    size_t n_all;
    ken_exemplars *sets; /* (n_sets) one per relation of d that is asked for, data order */
    size_t n_sets;
    ken_strmap *sets_of;
    size_t *rows; /* (n_rows) of d, to annotate */
    size_t n_rows, held_out;
};

static bool is_dev(const ken_example *e) { return strcmp(e->split, "dev") == 0; }

/* ---- what is asked about in a relation ----------------------------------------------------------------------------------- */

typedef struct asked {
    ken_strmap *questions, *subjects; /* -> how many rows */
} asked;

static int add_asked(ken_strmap *m, const char *s, int32_t value)
{
    return s == NULL || ken_strmap_add(m, s, strlen(s), value) >= 0 ? KEN_OK : KEN_ENOMEM;
}

static void asked_free(asked *a)
{
    ken_strmap_free(a->questions);
    ken_strmap_free(a->subjects);
}

/* Questions and subjects of rows [first, end) of d that may be annotated. */
static int asked_new(asked *a, const ken_exemplar_sets *p, size_t first, size_t end)
{
    *a = (asked){ken_strmap_new(end - first), ken_strmap_new(end - first)};
    int rc = a->questions == NULL || a->subjects == NULL ? KEN_ENOMEM : KEN_OK;
    for (size_t i = first; i < end && rc == KEN_OK; i++) {
        const ken_example *e = &p->d->rows[i];
        if (p->origin == KEN_FROM_DEV && is_dev(e)) continue;
        rc = add_asked(a->questions, e->question, 1);
        if (rc == KEN_OK) rc = add_asked(a->subjects, e->subject, 1);
    }
    return rc;
}

static bool is_asked(const asked *a, const ken_example *e)
{
    return ken_strmap_get(a->questions, e->question, strlen(e->question), 0) != 0 ||
           (e->subject != NULL && ken_strmap_get(a->subjects, e->subject, strlen(e->subject), 0) != 0);
}

/* ---- pools --------------------------------------------------------------------------------------------------------------- */

/* Rows of the relation that have one answer, or any number, first one of each question. *n counts them. */
static int distinct_rows(const ken_exemplar_sets *p, const source *s, const asked *a, bool dev_only, bool one_answer,
                         size_t *rows, size_t *n)
{
    ken_strmap *seen = ken_strmap_new(64);
    int rc = seen == NULL ? KEN_ENOMEM : KEN_OK;
    *n = 0;
    for (size_t i = s->first; i < s->end && rc == KEN_OK; i++) {
        const ken_example *e = &p->from->rows[i];
        if ((dev_only && !is_dev(e)) || (one_answer && e->n_answers > 1) || (a != NULL && is_asked(a, e))) continue;
        int added = ken_strmap_add(seen, e->question, strlen(e->question), 1);
        if (added < 0) rc = KEN_ENOMEM;
        if (added > 0) rows[(*n)++] = i;
    }
    ken_strmap_free(seen);
    return rc;
}

/* The one-answer rule of docs/method/knowledge.md#exemplars is EntityQuestions' (several objects, not aliases). Where it would leave too few, as in
 * small data of the same layout that lists aliases, all rows may serve. */
static int usable_rows(const ken_exemplar_sets *p, const source *s, bool dev_only, size_t *rows, size_t *n)
{
    asked a = {0};
    int rc = p->origin == KEN_FROM_DEV ? asked_new(&a, p, s->first, s->end) : KEN_OK;
    const asked *against = p->origin == KEN_FROM_DEV ? &a : NULL;
    bool one_answer = p->from->format == KEN_FMT_ENTITYQUESTIONS;
    if (rc == KEN_OK) rc = distinct_rows(p, s, against, dev_only, one_answer, rows, n);
    if (rc == KEN_OK && one_answer && *n < p->need) rc = distinct_rows(p, s, against, dev_only, false, rows, n);
    asked_free(&a);
    return rc;
}

static int shuffle_rows(uint64_t seed, const char *name, size_t *rows, size_t n)
{
    int32_t *order = ken_alloc(n, sizeof *order);
    size_t *copy = ken_alloc(n, sizeof *copy);
    int rc = order == NULL || copy == NULL ? KEN_ENOMEM : KEN_OK;
    if (rc == KEN_OK) {
        ken_shuffle(seed, name, order, (int32_t)n);
        if (n > 0) memcpy(copy, rows, n * sizeof *copy);
        for (size_t i = 0; i < n; i++) rows[i] = copy[order[i]];
    }
    ken_free(order);
    ken_free(copy);
    return rc;
}

static int by_row(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int fill_pool(ken_exemplar_sets *p, source *s, bool dev_only)
{
    size_t *rows = ken_alloc(s->end - s->first, sizeof *rows), n = 0;
    int rc = rows == NULL ? KEN_ENOMEM : KEN_OK;
    if (rc == KEN_OK) rc = usable_rows(p, s, dev_only, rows, &n);
    if (rc == KEN_OK && !p->choice) rc = shuffle_rows(p->o.seed, s->name, rows, n);
    if (p->choice && n > CHOICE_SHOTS) n = CHOICE_SHOTS;
    if (p->choice && rc == KEN_OK) qsort(rows, n, sizeof *rows, by_row);
    if (rc == KEN_OK) s->pool = ken_arena_alloc(&p->arena, n, sizeof *s->pool);
    if (rc == KEN_OK && s->pool == NULL) rc = KEN_ENOMEM;
    if (rc == KEN_OK && n > 0) memcpy(s->pool, rows, n * sizeof *rows);
    s->n_pool = rc == KEN_OK ? n : 0;
    ken_free(rows);
    return rc;
}

static int fill_pools(ken_exemplar_sets *p, bool dev_only)
{
    const ken_data *from = p->from;
    p->source_of = ken_strmap_new(from->n_groups);
    p->sources = ken_arena_calloc(&p->arena, from->n_groups, sizeof *p->sources);
    if (p->source_of == NULL || p->sources == NULL) return KEN_ENOMEM;
    for (size_t i = 0; i < from->n_groups; i++) {
        const ken_data_group *g = &from->groups[i];
        int added = ken_strmap_add(p->source_of, g->relation, strlen(g->relation), (int32_t)p->n_sources);
        if (added < 0) return KEN_ENOMEM;
        if (added > 0) p->sources[p->n_sources++] = (source){.name = g->relation, .first = g->first};
        p->sources[p->n_sources - 1].end = g->first + g->rows;
    }
    int rc = KEN_OK;
    for (size_t i = 0; i < p->n_sources && rc == KEN_OK; i++) {
        rc = fill_pool(p, &p->sources[i], dev_only);
        p->n_all += p->sources[i].n_pool;
    }
    if (rc == KEN_OK) p->all = ken_arena_alloc(&p->arena, p->n_all, sizeof *p->all);
    if (rc != KEN_OK || p->all == NULL) return KEN_ENOMEM;
    for (size_t i = 0, n = 0; i < p->n_sources; n += p->sources[i++].n_pool)
        if (p->sources[i].n_pool > 0) memcpy(p->all + n, p->sources[i].pool, p->sources[i].n_pool * sizeof *p->all);
    return shuffle_rows(p->o.seed, "", p->all, p->n_all);
}

/* ---- sets ---------------------------------------------------------------------------------------------------------------- */

/* The first rows of the list that share no question or subject with rows of the relation, at most `need`. */
static size_t pick(const ken_exemplar_sets *p, const asked *a, const size_t *list, size_t n, size_t *out)
{
    size_t m = 0;
    for (size_t i = 0; i < n && m < p->need; i++)
        if (!is_asked(a, &p->from->rows[list[i]])) out[m++] = list[i];
    return m;
}

static int deal(ken_exemplar_sets *p, const char *relation, const size_t *rows, size_t m, bool foreign,
                ken_exemplars *x)
{
    int n_sets = p->choice ? 1 : p->o.n_sets, shots = p->choice ? (int)m : p->o.shots;
    const size_t all = (size_t)n_sets * (size_t)shots;
    size_t *set_rows = ken_alloc(all, sizeof *set_rows);
    const ken_example **shot = ken_arena_alloc(&p->arena, all, sizeof *shot);
    int rc = set_rows == NULL || shot == NULL ? KEN_ENOMEM : KEN_OK;
    if (rc == KEN_OK) rc = ken_sets_deal(rows, m, n_sets, shots, p->o.seed, relation, set_rows);
    for (size_t i = 0; i < all && rc == KEN_OK; i++) shot[i] = &p->from->rows[set_rows[i]];
    *x = (ken_exemplars){.relation = relation, .n_sets = n_sets, .shots = shots, .shot = shot};
    if (foreign) x->flags |= KEN_FLAG_EXEMPLARS_FOREIGN;
    if (!p->choice && m < p->need) x->flags |= KEN_FLAG_EXEMPLARS_SHARED;
    ken_free(set_rows);
    return rc;
}

/* own: rows of the relation that can serve; all: of every relation. */
static int too_small(const ken_exemplar_sets *p, const char *relation, size_t own, size_t all, ken_err *err)
{
    char shown[80], which[160] = "";
    (void)ken_printable(shown, sizeof shown, relation, strlen(relation));
    if (relation[0] != '\0') snprintf(which, sizeof which, " for relation \"%s\" (%zu of them its own)", shown, own);
    return ken_fail(
        err, KEN_EINPUT,
        "the data is too small for its exemplars: %zu row%s can serve%s, and %zu are needed for %d prompts of %d; give "
        "more with `exemplars` DATA",
        all, all == 1 ? "" : "s", which, p->least, p->o.n_sets, p->o.shots);
}

static const ken_exemplars *stored_sets(const ken_exemplar_sets *p, const char *relation)
{
    for (size_t i = 0; i < p->o.n_stored; i++)
        if (strcmp(p->o.stored[i].relation, relation) == 0) return &p->o.stored[i];
    return NULL;
}

/* The sets of the relation in rows [first, end) of d. */
static int plan_relation(ken_exemplar_sets *p, const char *relation, size_t first, size_t end, ken_exemplars *x,
                         ken_err *err)
{
    const ken_exemplars *stored = stored_sets(p, relation);
    if (stored != NULL) {
        *x = *stored;
        return KEN_OK;
    }
    asked a;
    size_t *rows = ken_alloc(p->need + 1, sizeof *rows), m = 0, own = 0;
    int rc = asked_new(&a, p, first, end);
    if (rows == NULL) rc = KEN_ENOMEM;
    int32_t at = ken_strmap_get(p->source_of, relation, strlen(relation), -1);
    if (rc == KEN_OK && at >= 0) m = own = pick(p, &a, p->sources[at].pool, p->sources[at].n_pool, rows);
    bool foreign = rc == KEN_OK && own < p->least;
    if (foreign && !p->choice) m = pick(p, &a, p->all, p->n_all, rows);
    if (rc == KEN_OK && m < p->least) rc = too_small(p, relation, own, m, err);
    else if (rc == KEN_OK) rc = deal(p, relation, rows, m, foreign, x);
    asked_free(&a);
    ken_free(rows);
    return rc == KEN_ENOMEM ? ken_fail_nomem(err, "exemplars") : rc;
}

/* Rows of the relation that are an exemplar of it or share its question or subject: all of them, or those of the dev split. */
static int mark_related(const ken_exemplar_sets *p, const ken_exemplars *x, bool dev_only, bool *used)
{
    asked shown = {ken_strmap_new(64), ken_strmap_new(64)};
    int rc = shown.questions == NULL || shown.subjects == NULL ? KEN_ENOMEM : KEN_OK;
    for (int j = 0; j < x->n_sets * x->shots && rc == KEN_OK; j++) {
        const ken_example *e = x->shot[j];
        rc = add_asked(shown.questions, e->question, 1);
        if (rc == KEN_OK) rc = add_asked(shown.subjects, e->subject, 1);
    }
    for (size_t g = 0; g < p->d->n_groups && rc == KEN_OK; g++) {
        const ken_data_group *o = &p->d->groups[g];
        if (strcmp(o->relation, x->relation) != 0) continue;
        for (size_t r = o->first; r < o->first + o->rows; r++)
            if ((!dev_only || is_dev(&p->d->rows[r])) && is_asked(&shown, &p->d->rows[r])) used[r] = true;
    }
    asked_free(&shown);
    return rc;
}

/* used (d->n): dev rows that are an exemplar of their own relation or share its question or subject. (As an
 * exemplar of another relation a row gives nothing away.) Where a run has its sets already, every row that shares a question or subject
 * with them. */
static int mark_used(const ken_exemplar_sets *p, bool *used)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < p->n_sets && rc == KEN_OK; i++) { /* none when rows are cross-fitted */
        bool stored = stored_sets(p, p->sets[i].relation) != NULL;
        if (stored || p->origin == KEN_FROM_DEV) rc = mark_related(p, &p->sets[i], !stored, used);
    }
    return rc;
}

/* ---- rows to annotate ---------------------------------------------------------------------------------------------------- */

static int choose_rows(ken_exemplar_sets *p, const ken_wanted *want, ken_err *err)
{
    const ken_data *d = p->d;
    bool *used = ken_calloc(d->n, sizeof *used);
    p->rows = ken_arena_alloc(&p->arena, d->n, sizeof *p->rows);
    if (used == NULL || p->rows == NULL || mark_used(p, used) != KEN_OK) {
        ken_free(used);
        return ken_fail_nomem(err, "rows");
    }
    size_t of_relation = 0;
    bool full = false;
    for (size_t i = 0; i < d->n; i++) {
        const ken_example *e = &d->rows[i];
        if (i == 0 || e->relation != d->rows[i - 1].relation) of_relation = 0;
        if (!ken_wanted_has(want, e)) continue;
        if (used[i]) {
            p->held_out++;
            continue;
        }
        full = full || (p->o.limit > 0 && p->n_rows == p->o.limit);
        if (full || (p->o.per_relation > 0 && of_relation == p->o.per_relation))
            continue; /* continue counting what is held out */
        p->rows[p->n_rows++] = i;
        of_relation++;
    }
    ken_free(used);
    if (p->o.sample > 0) {
        int rc = ken_sample_rows(d, p->rows, &p->n_rows, p->o.sample, p->o.sample_seed, err);
        if (rc != KEN_OK) return rc;
    }
    if (p->n_rows > 0) return KEN_OK;
    return ken_fail(
        err, KEN_EINPUT,
        "no row is left to annotate: %zu of those asked for serve as exemplars; give others with `exemplars` DATA",
        p->held_out);
}

/* ---- the plan ------------------------------------------------------------------------------------------------------------ */

static int check_options(const ken_exemplar_options *o, ken_err *err)
{
    if (o->n_sets < 1 || o->n_sets > MAX_SETS)
        return ken_fail(err, KEN_EUSAGE, "%d prompts are asked for; 1 to %d are possible", o->n_sets, MAX_SETS);
    if (o->shots < 0 || o->shots > MAX_SHOTS)
        return ken_fail(err, KEN_EUSAGE, "%d shots are asked for; 0 to %d are possible", o->shots, MAX_SHOTS);
    if (o->limit > 0 && o->sample > 0)
        return ken_fail(err, KEN_EUSAGE, "`limit` takes the first rows and `sample` draws them; give one of the two");
    return KEN_OK;
}

static void count_splits(const ken_data *d, size_t *dev, size_t *others)
{
    *dev = *others = 0;
    for (size_t i = 0; i < d->n_groups; i++)
        *(strcmp(d->groups[i].split, "dev") == 0 ? dev : others) += d->groups[i].rows;
}

/* Where the exemplars come from. A data set that is all dev has no split to spare. */
static int find_origin(ken_exemplar_sets *p, bool *dev_only, ken_err *err)
{
    size_t dev, others;
    p->origin = KEN_FROM_DATA;
    p->from = p->o.exemplars;
    if (p->from == NULL) {
        count_splits(p->d, &dev, &others);
        p->origin = dev > 0 && others > 0 ? KEN_FROM_DEV : KEN_CROSS_FITTED;
        p->from = p->d;
    }
    count_splits(p->from, &dev, &others);
    *dev_only = p->origin != KEN_CROSS_FITTED && dev > 0 && others > 0;
    p->choice = p->d->n > 0 && p->d->rows[0].n_choices > 0;
    if (p->choice != (p->from->n > 0 && p->from->rows[0].n_choices > 0))
        return ken_fail(err, KEN_EINPUT, "`exemplars`: one of data and exemplars is multiple choice, the other is not");
    p->need = p->choice ? CHOICE_SHOTS : (size_t)p->o.n_sets * (size_t)p->o.shots;
    p->least = p->choice ? (size_t)(p->o.shots < CHOICE_SHOTS ? p->o.shots : CHOICE_SHOTS)
                         : ken_sets_min_rows(p->o.n_sets, p->o.shots);
    return KEN_OK;
}

static int plan_relations(ken_exemplar_sets *p, const ken_wanted *want, ken_err *err)
{
    const ken_data *d = p->d;
    p->sets_of = ken_strmap_new(d->n_groups);
    p->sets = ken_arena_calloc(&p->arena, d->n_groups, sizeof *p->sets);
    if (p->sets_of == NULL || p->sets == NULL) return ken_fail_nomem(err, "exemplars");
    for (size_t g = 0, next; g < d->n_groups; g = next) {
        const char *relation = d->groups[g].relation;
        bool wanted = false;
        for (next = g; next < d->n_groups && d->groups[next].relation == relation; next++)
            wanted = wanted || ken_wanted_has(want, &d->rows[d->groups[next].first]);
        if (!wanted) continue;
        size_t end = d->groups[next - 1].first + d->groups[next - 1].rows;
        int rc = plan_relation(p, relation, d->groups[g].first, end, &p->sets[p->n_sets], err);
        if (rc != KEN_OK) return rc;
        if (ken_strmap_add(p->sets_of, relation, strlen(relation), (int32_t)p->n_sets++) < 0)
            return ken_fail_nomem(err, "exemplars");
    }
    return KEN_OK;
}

/* Every row that is asked for gets sets, whatever the limits. */
static int fit(ken_exemplar_sets *p, const ken_wanted *want, ken_err *err)
{
    bool *wanted = ken_alloc(p->d->n, sizeof *wanted);
    if (wanted == NULL) return ken_fail_nomem(err, "exemplars");
    for (size_t i = 0; i < p->d->n; i++) wanted[i] = ken_wanted_has(want, &p->d->rows[i]);
    int rc = ken_cross_fit_new(&p->cross_fit, p->d, &p->o, p->need, p->least, p->choice, wanted, err);
    ken_free(wanted);
    return rc;
}

int ken_exemplar_sets_new(ken_exemplar_sets **out, const ken_data *d, const ken_exemplar_options *o, ken_err *err)
{
    *out = NULL;
    ken_exemplar_sets *p = ken_calloc(1, sizeof *p);
    if (p == NULL) return ken_fail_nomem(err, "exemplars");
    p->d = d;
    p->o = *o;
    ken_wanted *want = NULL;
    bool dev_only = false;
    int rc = check_options(o, err);
    if (rc == KEN_OK) rc = find_origin(p, &dev_only, err);
    if (rc == KEN_OK)
        rc = ken_wanted_new(&want, d, &o->splits, &o->relations, p->origin == KEN_FROM_DEV ? "dev" : NULL, err);
    if (rc == KEN_OK && p->origin == KEN_CROSS_FITTED) rc = fit(p, want, err);
    else if (rc == KEN_OK) {
        rc = fill_pools(p, dev_only) == KEN_OK ? plan_relations(p, want, err) : ken_fail_nomem(err, "exemplars");
    }
    if (rc == KEN_OK) rc = choose_rows(p, want, err);
    ken_wanted_free(want);
    if (rc != KEN_OK) ken_exemplar_sets_free(p);
    else *out = p;
    return rc;
}

void ken_exemplar_sets_free(ken_exemplar_sets *p)
{
    if (p == NULL) return;
    ken_cross_fit_free(p->cross_fit);
    ken_strmap_free(p->source_of);
    ken_strmap_free(p->sets_of);
    ken_arena_free(&p->arena);
    ken_free(p);
}

int ken_exemplars_get(const ken_exemplars *x, int set, const ken_example *shot[KEN_MAX_SHOTS])
{
    int n = x != NULL ? x->shots : 0;
    for (int i = 0; i < n; i++) shot[i] = x->shot[(size_t)set * (size_t)n + (size_t)i];
    return n;
}

int ken_exemplar_sets_question(ken_exemplar_sets *p, const ken_example *x, const ken_exemplars **out)
{
    if (p->cross_fit != NULL) return ken_cross_fit_question(p->cross_fit, x, out);
    *out = ken_exemplar_sets_for(p, x->relation);
    return KEN_OK;
}

ken_exemplar_source ken_exemplar_sets_source(const ken_exemplar_sets *p) { return p->origin; }

const char *ken_exemplar_source_name(ken_exemplar_source s)
{
    return s == KEN_FROM_DATA ? "data" : s == KEN_FROM_DEV ? "dev split" : "cross-fit";
}

const ken_exemplars *ken_exemplar_sets_row(const ken_exemplar_sets *p, size_t i)
{
    return p->cross_fit != NULL ? ken_cross_fit_row(p->cross_fit, i) : ken_exemplar_sets_for(p, p->d->rows[i].relation);
}

const ken_exemplars *ken_exemplar_sets_for(const ken_exemplar_sets *p, const char *relation)
{
    if (p->cross_fit != NULL) return ken_cross_fit_relation(p->cross_fit, relation);
    int32_t at = ken_strmap_get(p->sets_of, relation, strlen(relation), -1);
    return at < 0 ? NULL : &p->sets[at];
}

size_t ken_exemplar_sets_rows(const ken_exemplar_sets *p, const size_t **rows)
{
    *rows = p->rows;
    return p->n_rows;
}

size_t ken_exemplar_sets_held_out(const ken_exemplar_sets *p) { return p->held_out; }
