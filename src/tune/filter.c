/* filter.c - which rows may be taken at all, by what is known of each: splits, relations, subjects, categories, probabilities, popularity;
 * see pool.h.
 *
 * A name that no row has is refused, because a misspelt one would silently train on less; and so is a filter that leaves nothing,
 * with what it would have to be. */
#include "base/alloc.h"
#include "base/options.h"
#include "base/rng.h"
#include "data/exemplars.h"
#include "tune/pool.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

int ken_pool_add(ken_pool *p, size_t draft, ken_err *err)
{
    if (ken_grow((void **)&p->item, &p->cap, p->n + 1, sizeof *p->item) != 0) return ken_fail_nomem(err, "rows");
    p->item[p->n++] = draft;
    return KEN_OK;
}

/* ---- lists of names ------------------------------------------------------------------------------------------------- */

typedef const char *(*name_fn)(const ken_draft *r);
static const char *relation_of(const ken_draft *r) { return r->relation; }
static const char *split_of(const ken_draft *r) { return r->split; }

/* The distinct names that rows have, for a message. They are interned, so that neighbours are distinguished by their pointers. */
static const char *names_of(const ken_drafts *d, name_fn name, ken_buf *out)
{
    enum { SHOWN = 20 };
    ken_strmap *seen = ken_strmap_new(64);
    const char *last = NULL;
    for (size_t i = 0; i < d->n && seen != NULL; i++) {
        const char *s = name(&d->rows[i]);
        if (s == last || s[0] == '\0') continue;
        last = s;
        if (ken_strmap_add(seen, s, strlen(s), 0) <= 0) continue;
        char shown[60];
        (void)ken_printable(shown, sizeof shown, s, strlen(s));
        if (ken_strmap_count(seen) <= SHOWN) ken_buf_printf(out, "%s%s", out->len > 0 ? ", " : "", shown);
        else if (ken_strmap_count(seen) == SHOWN + 1) ken_buf_puts(out, ", ...");
    }
    ken_strmap_free(seen);
    return out->len > 0 ? ken_buf_str(out) : "none";
}

/* Every name of the list must be that of some row: a misspelt one would silently train on less. */
static int check_names(const ken_drafts *d, const ken_names *names, name_fn name, const char *what, const char *path,
                       ken_err *err)
{
    ken_strmap *have = ken_strmap_new(64);
    const char *last = NULL;
    int rc = have == NULL ? ken_fail_nomem(err, what) : KEN_OK;
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        const char *row = name(&d->rows[i]);
        if (row == last) continue;
        last = row;
        if (ken_strmap_add(have, row, strlen(row), 1) < 0) rc = ken_fail_nomem(err, what);
    }
    for (int i = 0; i < names->n && rc == KEN_OK; i++) {
        const char *s = names->name[i];
        const size_t n = strlen(s);
        if (ken_strmap_get(have, s, n, 0) == 1) continue;
        ken_buf b = {0};
        char shown[80];
        rc = ken_fail(err, KEN_EUSAGE, "%s has no %s \"%s\"; it has %s", path, what,
                      ken_printable(shown, sizeof shown, s, n), names_of(d, name, &b));
        ken_buf_free(&b);
    }
    ken_strmap_free(have);
    return rc;
}

static int check_categories(unsigned categories, ken_err *err)
{
    if (categories >> KEN_N_CATEGORIES == 0) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "`categories` %#x has bits that are no category", categories);
}

bool ken_takes_category(unsigned categories, int category)
{
    return category < KEN_N_CATEGORIES && (categories >> category & 1u) != 0;
}

void ken_categories_text(ken_buf *out, unsigned categories)
{
    enum { KNOWN = 1u << KEN_HIGHLY_KNOWN | 1u << KEN_MAYBE_KNOWN | 1u << KEN_WEAKLY_KNOWN };
    const char *comma = "";
    if ((categories & KNOWN) == KNOWN) {
        ken_buf_puts(out, "Known");
        categories &= ~(unsigned)KNOWN;
        comma = ",";
    }
    for (int c = 0; c < KEN_N_CATEGORIES; c++) {
        if (!ken_takes_category(categories, c)) continue;
        ken_buf_printf(out, "%s%s", comma, ken_category_name(c));
        comma = ",";
    }
}

/* ---- selection ------------------------------------------------------------------------------------------------------ */

/* What to take when no split is named: rows of the preferred one, or all where rows have no splits or only one. */
static int default_split(const ken_drafts *d, const ken_train_data *from, const char **split, ken_err *err)
{
    bool several = false;
    *split = NULL;
    if (from->prefer_split == NULL) return KEN_OK;
    for (size_t i = 0; i < d->n; i++) {
        if (strcmp(d->rows[i].split, from->prefer_split) == 0) {
            *split = d->rows[i].split;
            return KEN_OK;
        }
        several |= d->rows[i].split != d->rows[0].split;
    }
    if (!several) return KEN_OK;
    ken_buf b = {0};
    int rc = ken_fail(err, KEN_EUSAGE, "%s has no split %s, but %s; say which with `splits`", from->path,
                      from->prefer_split, names_of(d, split_of, &b));
    ken_buf_free(&b);
    return rc;
}

/* Where the row's subject (its question, where none is known) falls when all of them are spread over 0 to 1. Not by the seed: sets of
 * several seeds are compared on one test set. */
static double place_of(const ken_draft *r)
{
    const char *s = r->subject != NULL ? r->subject : r->question != NULL ? r->question : r->id;
    return ken_uniform(0, s, strlen(s), KEN_DRAW_SUBJECT, 0, 0);
}

static bool limits_subjects(const ken_train_data *from) { return from->subject_min > 0 || from->subject_max < 1; }

int ken_pool_take(ken_pool *out, const ken_drafts *d, const ken_train_data *from, ken_err *err)
{
    const char *split = NULL;
    size_t before = 0;
    int rc = from->splits.n > 0 ? check_names(d, &from->splits, split_of, "split", from->path, err)
                                : default_split(d, from, &split, err);
    if (rc == KEN_OK && from->relations.n > 0 && !from->relations_optional)
        rc = check_names(d, &from->relations, relation_of, "relation", from->path, err);
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        const ken_draft *r = &d->rows[i];
        if (from->splits.n > 0 ? !ken_names_has(&from->splits, r->split) : split != NULL && r->split != split) continue;
        if (from->relations.n > 0 && !ken_names_has(&from->relations, r->relation)) continue;
        before++;
        if (limits_subjects(from)) {
            double at = place_of(r);
            if (!(at >= from->subject_min && at < from->subject_max)) continue;
        }
        rc = ken_pool_add(out, i, err);
    }
    if (rc != KEN_OK || out->n > 0) return rc;
    if (before > 0)
        return ken_fail(
            err, KEN_EUSAGE,
            "%s: none of the %zu rows has a subject from %g to %g, where subjects are spread over 0 to 1; take "
            "a larger part",
            from->path, before, from->subject_min, from->subject_max);
    return ken_fail(err, KEN_EUSAGE, "%s: of the %zu rows none is in the splits and the relations asked for",
                    from->path, d->n);
}

/* ---- what is known of a row ------------------------------------------------------------------------------------------ */

/* A number that rows are chosen by. */
typedef struct range {
    const char *what; /* "P_Correct" */
    double min, max;  /* NaN = none */
    double (*value)(const ken_draft *r);
    bool annotated; /* comes from an annotation */
} range;

static double p_of(const ken_draft *r) { return r->p; }
static double p_unknown_of(const ken_draft *r) { return r->p_unknown; }
static double popularity_of(const ken_draft *r) { return r->popularity; }

enum { N_RANGES = 3 };
static void ranges_of(const ken_train_data *from, range out[N_RANGES])
{
    out[0] = (range){"P_Correct", from->p_min, from->p_max, p_of, true};
    out[1] = (range){"p_unknown", from->p_unknown_min, from->p_unknown_max, p_unknown_of, true};
    out[2] = (range){"popularity", from->popularity_min, from->popularity_max, popularity_of, false};
}

/* Probabilities are bounded by 0 and 1 anyway. */
static bool is_set(const range *r)
{
    return r->annotated ? r->min > 0 || r->max < 1 : !isnan(r->min) || !isnan(r->max);
}

static bool in_range(const range *r, double x) { return !isnan(x) && !(x < r->min) && !(x > r->max); }

static bool needs_categories(const ken_train_data *from)
{
    return from->categories != 0 || from->variant.kind != KEN_VARIANT_NONE || from->known_tail > 0 || from->n_idk > 0 ||
           from->own_answers == KEN_OWN_UNKNOWN || from->certainty == KEN_CERTAINTY_CATEGORY ||
           from->match != KEN_MATCH_NONE || from->balance == KEN_BALANCE_CATEGORY;
}

/* Weights and halves are computed from it. */
static bool is_needed(const range *r, const ken_train_data *from)
{
    const int half_by = from->half != KEN_HALF_ALL ? from->half_by : KEN_HALF_BY_AUTO;
    if (r->value == p_of && (from->weights == KEN_WEIGHTS_P || from->certainty == KEN_CERTAINTY_P)) return true;
    return (r->value == p_of && half_by == KEN_HALF_BY_P) ||
           (r->value == popularity_of && half_by == KEN_HALF_BY_POPULARITY);
}

/* What was asked for must be known of some row. */
static int check_known(const ken_pool *pool, const ken_drafts *d, const ken_train_data *from, const range by[N_RANGES],
                       ken_err *err)
{
    bool category = false, has[N_RANGES] = {false};
    for (size_t i = 0; i < pool->n; i++) {
        const ken_draft *r = &d->rows[pool->item[i]];
        category |= r->category < KEN_N_CATEGORIES;
        for (int k = 0; k < N_RANGES; k++) has[k] |= !isnan(by[k].value(r));
    }
    const char *what = needs_categories(from) && !category ? "category" : NULL;
    for (int k = 0; k < N_RANGES && what == NULL; k++) {
        if (has[k] || !(is_set(&by[k]) || is_needed(&by[k], from))) continue;
        if (!by[k].annotated)
            return ken_fail(
                err, KEN_EUSAGE,
                "%s: no row has a popularity; give data that have it (PopQA does; `popularity_field` names the "
                "field), or go by P_Correct",
                from->path);
        what = by[k].what;
    }
    if (what == NULL) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE,
                    "%s: no row has a %s; give a run (`ken_annotate`), or the run of these data with `labels`",
                    from->path, what);
}

/* Which filter left nothing, for a message. */
typedef struct funnel {
    size_t categories, left[N_RANGES];      /* rows after each step */
    double least[N_RANGES], most[N_RANGES]; /* of the rows that came to it */
    size_t in_category[KEN_N_CATEGORIES + 1];
} funnel;

static int fail_empty(const funnel *f, size_t n, const ken_train_data *from, const range by[N_RANGES], ken_err *err)
{
    if (f->categories == 0) {
        ken_buf has = {0};
        for (int c = 0; c <= KEN_N_CATEGORIES; c++)
            if (f->in_category[c] > 0)
                ken_buf_printf(&has, "%s%zu %s", has.len > 0 ? ", " : "", f->in_category[c],
                               c < KEN_N_CATEGORIES ? ken_category_name(c) : "not annotated");
        ken_buf wanted = {0};
        ken_categories_text(&wanted, from->categories);
        int rc = ken_fail(err, KEN_EUSAGE, "%s: none of the %zu rows is %s; there are %s", from->path, n,
                          ken_buf_str(&wanted), ken_buf_str(&has));
        ken_buf_free(&wanted);
        ken_buf_free(&has);
        return rc;
    }
    size_t came = f->categories;
    for (int k = 0; k < N_RANGES; k++) {
        if (f->left[k] > 0) {
            came = f->left[k];
            continue;
        }
        char bounds[80] = "";
        if (!isnan(by[k].min) && !isnan(by[k].max))
            snprintf(bounds, sizeof bounds, "from %g to %g", by[k].min, by[k].max);
        else if (!isnan(by[k].min)) snprintf(bounds, sizeof bounds, "of %g or more", by[k].min);
        else snprintf(bounds, sizeof bounds, "of %g or less", by[k].max);
        if (isnan(f->least[k]))
            return ken_fail(err, KEN_EUSAGE, "%s: none of the %zu rows has a %s", from->path, came, by[k].what);
        return ken_fail(err, KEN_EUSAGE, "%s: none of the %zu rows has a %s %s; they have %g to %g", from->path, came,
                        by[k].what, bounds, f->least[k], f->most[k]);
    }
    return KEN_OK;
}

static bool passes(const ken_draft *r, const ken_train_data *from, const range by[N_RANGES], funnel *f)
{
    f->in_category[r->category]++;
    if (from->categories != 0 && !ken_takes_category(from->categories, r->category)) return false;
    f->categories++;
    for (int k = 0; k < N_RANGES; k++) {
        double x = by[k].value(r);
        if (!isnan(x)) {
            f->least[k] = fmin(f->least[k], x); /* of NaN and a number, the number */
            f->most[k] = fmax(f->most[k], x);
        }
        if (is_set(&by[k]) && !in_range(&by[k], x)) return false; /* NaN is out */
        f->left[k]++;
    }
    return true;
}

int ken_pool_filter(ken_pool *out, const ken_pool *pool, const ken_drafts *d, const ken_train_data *from, ken_err *err)
{
    range by[N_RANGES];
    funnel f = {0};
    ranges_of(from, by);
    for (int k = 0; k < N_RANGES; k++) f.least[k] = f.most[k] = NAN;
    int rc = check_categories(from->categories, err);
    if (rc == KEN_OK) rc = check_known(pool, d, from, by, err);
    for (size_t i = 0; i < pool->n && rc == KEN_OK; i++)
        if (passes(&d->rows[pool->item[i]], from, by, &f)) rc = ken_pool_add(out, pool->item[i], err);
    return rc == KEN_OK && out->n == 0 ? fail_empty(&f, pool->n, from, by, err) : rc;
}
