/* choose.c - the steps from all rows of a place to those that are trained; see choose.h. */
#include "tune/choose.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "data/rows.h"
#include "tune/variant.h"
#include <math.h>
#include <string.h>

typedef struct list {
    size_t *item; /* (n) drafts */
    size_t n, cap;
} list;

static int push(list *l, size_t draft, ken_err *err)
{
    if (ken_grow((void **)&l->item, &l->cap, l->n + 1, sizeof *l->item) != 0) return ken_fail_nomem(err, "rows");
    l->item[l->n++] = draft;
    return KEN_OK;
}

static bool is_known(const ken_draft *r) { return r->category >= KEN_HIGHLY_KNOWN && r->category <= KEN_WEAKLY_KNOWN; }

/* ---- lists of names ------------------------------------------------------------------------------------------------- */

/* The next name of a comma list, or NULL at its end. */
static const char *next_name(const char **at, size_t *n)
{
    const char *s = *at + strspn(*at, ", ");
    *n = strcspn(s, ",");
    *at = s + *n;
    while (*n > 0 && s[*n - 1] == ' ') --*n;
    return *n > 0 ? s : NULL;
}

static bool in_list(const char *names, const char *name)
{
    size_t len = strlen(name), n;
    for (const char *s; (s = next_name(&names, &n)) != NULL;)
        if (n == len && memcmp(s, name, n) == 0) return true;
    return false;
}

typedef const char *(*name_fn)(const ken_draft *r);
static const char *relation_of(const ken_draft *r) { return r->relation; }
static const char *split_of(const ken_draft *r) { return r->split; }

/* The distinct names that rows have, for a message. They are interned, so that neighbours are told apart by their pointers. */
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
static int check_names(const ken_drafts *d, const char *names, name_fn name, const char *what, const char *path,
                       ken_err *err)
{
    ken_strmap *have = ken_strmap_new(64);
    const char *last = NULL, *at = names, *s;
    size_t n;
    int rc = have == NULL ? ken_fail_nomem(err, what) : KEN_OK, count = 0;
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        const char *row = name(&d->rows[i]);
        if (row == last) continue;
        last = row;
        if (ken_strmap_add(have, row, strlen(row), 1) < 0) rc = ken_fail_nomem(err, what);
    }
    for (; rc == KEN_OK && (s = next_name(&at, &n)) != NULL; count++) {
        if (ken_strmap_get(have, s, n, 0) == 1) continue;
        ken_buf b = {0};
        char shown[80];
        rc = ken_fail(err, KEN_EUSAGE, "%s has no %s \"%s\"; it has %s", path, what,
                      ken_printable(shown, sizeof shown, s, n), names_of(d, name, &b));
        ken_buf_free(&b);
    }
    if (rc == KEN_OK && count == 0) rc = ken_fail(err, KEN_EUSAGE, "the list of %ss is empty; name one or more", what);
    ken_strmap_free(have);
    return rc;
}

static int check_categories(const char *names, ken_err *err)
{
    const char *s;
    size_t n;
    int count = 0;
    for (; (s = next_name(&names, &n)) != NULL; count++) {
        bool known = n == 5 && memcmp(s, "Known", 5) == 0;
        for (int c = 0; c < KEN_N_CATEGORIES && !known; c++)
            known = strlen(ken_category_name(c)) == n && memcmp(s, ken_category_name(c), n) == 0;
        if (known) continue;
        char shown[80];
        return ken_fail(
            err, KEN_EUSAGE,
            "category \"%s\" is not known; HighlyKnown, MaybeKnown, WeaklyKnown, Known (these three), Unknown "
            "and unlabelled are",
            ken_printable(shown, sizeof shown, s, n));
    }
    return count > 0 ? KEN_OK : ken_fail(err, KEN_EUSAGE, "the list of categories is empty; name one or more");
}

static bool in_categories(const char *names, const ken_draft *r)
{
    if (r->category >= KEN_N_CATEGORIES) return false;
    return in_list(names, ken_category_name(r->category)) || (is_known(r) && in_list(names, "Known"));
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
    int rc = ken_fail(err, KEN_EUSAGE, "%s has no split %s, but %s; say which with --split", from->path,
                      from->prefer_split, names_of(d, split_of, &b));
    ken_buf_free(&b);
    return rc;
}

/* Rows of the splits and relations asked for. */
static int take_pool(const ken_drafts *d, const ken_train_data *from, list *pool, ken_err *err)
{
    const char *split = NULL;
    int rc = from->splits != NULL ? check_names(d, from->splits, split_of, "split", from->path, err)
                                  : default_split(d, from, &split, err);
    if (rc == KEN_OK && from->relations != NULL)
        rc = check_names(d, from->relations, relation_of, "relation", from->path, err);
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        const ken_draft *r = &d->rows[i];
        if (from->splits != NULL ? !in_list(from->splits, r->split) : split != NULL && r->split != split) continue;
        if (from->relations != NULL && !in_list(from->relations, r->relation)) continue;
        rc = push(pool, i, err);
    }
    return rc;
}

static bool limits_p(const ken_train_data *from) { return from->p_min > 0 || from->p_max < 1; }

static bool needs_categories(const ken_train_data *from)
{
    return from->categories != NULL || from->variant != NULL || from->known_tail > 0 || from->n_idk > 0;
}

static bool needs_p(const ken_train_data *from)
{
    return limits_p(from) || (from->weights != NULL && strcmp(from->weights, "p") == 0);
}

/* Options that need annotated rows, given rows that are not. */
static int check_annotated(const ken_drafts *d, const ken_train_data *from, const list *pool, ken_err *err)
{
    bool category = false, p = false;
    for (size_t i = 0; i < pool->n; i++) {
        category |= d->rows[pool->item[i]].category < KEN_N_CATEGORIES;
        p |= !isnan(d->rows[pool->item[i]].p);
    }
    const char *what = needs_categories(from) && !category ? "category" : needs_p(from) && !p ? "P_Correct" : NULL;
    if (what == NULL) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE,
                    "%s: no row has a %s; give a run (ken annotate), or the run of these data with --labels",
                    from->path, what);
}

/* Rows of the pool by category and probability. */
static int take_candidates(const ken_drafts *d, const ken_train_data *from, const list *pool, list *out, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < pool->n && rc == KEN_OK; i++) {
        const ken_draft *r = &d->rows[pool->item[i]];
        if (from->categories != NULL && !in_categories(from->categories, r)) continue;
        if (limits_p(from) && !(r->p >= from->p_min && r->p <= from->p_max)) continue; /* NaN is out */
        rc = push(out, pool->item[i], err);
    }
    return rc;
}

/* The candidates that can be used, up to the limits. */
static int take_rows(const ken_drafts *d, const ken_train_data *from, const list *candidates, ken_usable_fn usable,
                     void *ctx, list *rows, ken_err *err)
{
    ken_strmap *at = from->per_relation > 0 ? ken_strmap_new(64) : NULL;
    list counts = {0}; /* rows taken of each relation */
    int rc = from->per_relation > 0 && at == NULL ? ken_fail_nomem(err, "relations") : KEN_OK;
    for (size_t i = 0; i < candidates->n && rc == KEN_OK; i++) {
        const ken_draft *r = &d->rows[candidates->item[i]];
        bool good = true;
        int32_t k = 0;
        if (from->limit > 0 && rows->n >= from->limit) break;
        if (at != NULL) {
            k = ken_strmap_get(at, r->relation, strlen(r->relation), -1);
            if (k < 0) {
                k = (int32_t)counts.n;
                if (ken_strmap_add(at, r->relation, strlen(r->relation), k) < 0) rc = ken_fail_nomem(err, "relations");
                if (rc == KEN_OK) rc = push(&counts, 0, err);
                if (rc != KEN_OK) break;
            }
            if (counts.item[k] >= from->per_relation) continue;
        }
        rc = usable(ctx, candidates->item[i], &good, err);
        if (rc != KEN_OK || !good) continue;
        if (at != NULL) counts.item[k]++;
        rc = push(rows, candidates->item[i], err);
    }
    ken_strmap_free(at);
    ken_free(counts.item);
    return rc;
}

static int apply_variant(const ken_drafts *d, const ken_train_data *from, list *rows, ken_train_data_stats *stats,
                         ken_err *err)
{
    ken_variant v = {.size = from->size, .seed = from->seed};
    int rc = ken_variant_parse(&v, from->variant, from->known_mix, err);
    if (rc != KEN_OK) return rc;
    ken_variant_row *all = ken_alloc(rows->n, sizeof *all);
    bool *chosen = ken_alloc(rows->n, sizeof *chosen);
    if (all == NULL || chosen == NULL) rc = ken_fail_nomem(err, "variant");
    if (rc == KEN_OK) {
        for (size_t i = 0; i < rows->n; i++)
            all[i] = (ken_variant_row){d->rows[rows->item[i]].relation, d->rows[rows->item[i]].category};
        rc = ken_variant_draw(&v, all, rows->n, chosen, &stats->relations_left_out, &stats->spread, err);
        if (rc != KEN_OK) ken_fail_prefix(err, "%s", from->path);
    }
    size_t kept = 0;
    for (size_t i = 0; i < rows->n && rc == KEN_OK; i++)
        if (chosen[i]) rows->item[kept++] = rows->item[i];
    if (rc == KEN_OK) rows->n = kept;
    ken_free(all);
    ken_free(chosen);
    return rc;
}

/* ---- the known tail ------------------------------------------------------------------------------------------------- */

/* Appends up to `want` rows of from (n, shuffled by seed and name) to tail. */
static int draw(uint64_t seed, const char *name, const list *from, size_t want, list *tail, ken_err *err)
{
    if (from->n == 0 || want == 0) return KEN_OK;
    int32_t *order = ken_alloc(from->n, sizeof *order);
    if (order == NULL) return ken_fail_nomem(err, "rows");
    ken_shuffle(seed, name, order, (int32_t)from->n);
    int rc = KEN_OK;
    for (size_t i = 0; i < from->n && i < want && rc == KEN_OK; i++) rc = push(tail, from->item[order[i]], err);
    ken_free(order);
    return rc;
}

/* spec/finetuning.md 9 (KnownPatch): Known rows that are not trained otherwise, as long as there are any (those that a variant or
 * --category left), then rows of the set itself again. */
static int take_tail(const ken_drafts *d, const ken_train_data *from, const list *pool, const list *rows,
                     ken_usable_fn usable, void *ctx, list *tail, ken_train_data_stats *stats, ken_err *err)
{
    size_t want = (size_t)llround(from->known_tail * (double)rows->n), next = 0;
    list fresh = {0}, again = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < pool->n && rc == KEN_OK; i++) { /* both are ascending */
        size_t k = pool->item[i];
        bool taken = next < rows->n && rows->item[next] == k, good = true;
        next += taken;
        if (!is_known(&d->rows[k])) continue;
        if (!taken) rc = usable(ctx, k, &good, err);
        if (rc == KEN_OK && good) rc = push(taken ? &again : &fresh, k, err);
    }
    if (rc == KEN_OK && fresh.n + again.n == 0)
        rc = ken_fail(err, KEN_EUSAGE, "%s: there is no Known row for a known tail", from->path);
    if (rc == KEN_OK) rc = draw(from->seed, "known tail", &fresh, want, tail, err);
    size_t first = tail->n;
    while (rc == KEN_OK && tail->n < want && again.n > 0)
        rc = draw(from->seed, "known tail, again", &again, want - tail->n, tail, err);
    stats->tail = tail->n;
    stats->tail_repeated = tail->n - first;
    ken_free(fresh.item);
    ken_free(again.item);
    return rc;
}

/* ---- targets and weights -------------------------------------------------------------------------------------------- */

/* Which of the phrases a row says: by seed and id alone. */
static int phrase_of(const ken_train_data *from, const ken_draft *r)
{
    double u = ken_uniform(from->seed, r->id, strlen(r->id), 0x1d4b, 0, 0);
    return (int)(u * (double)from->n_idk);
}

/* Unknown rows, or as many rows drawn from all of the main ones (Kang et al. 2024: random labels do not help). */
static int relabel(const ken_drafts *d, const ken_train_data *from, ken_pick *pick, size_t n_main,
                   ken_train_data_stats *stats, ken_err *err)
{
    size_t unknown = 0;
    for (size_t i = 0; i < n_main; i++) {
        bool is = d->rows[pick[i].draft].category == KEN_UNKNOWN;
        unknown += is;
        if (is && !from->idk_random) pick[i].idk = phrase_of(from, &d->rows[pick[i].draft]);
    }
    stats->relabelled = unknown;
    if (!from->idk_random || unknown == 0) return KEN_OK;
    int32_t *order = ken_alloc(n_main, sizeof *order);
    if (order == NULL) return ken_fail_nomem(err, "rows");
    ken_shuffle(from->seed, "idk", order, (int32_t)n_main);
    for (size_t i = 0; i < unknown; i++) {
        ken_pick *p = &pick[order[i]];
        p->idk = phrase_of(from, &d->rows[p->draft]);
    }
    ken_free(order);
    return KEN_OK;
}

/* spec/finetuning.md 9: w = max(w_min, P^gamma), then mean 1. */
static int weigh_by_p(const ken_drafts *d, const ken_train_data *from, ken_pick *pick, size_t n, ken_err *err)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const ken_draft *r = &d->rows[pick[i].draft];
        if (isnan(r->p)) {
            ken_fail(err, KEN_EINPUT, "the row has no P_Correct to be weighted by");
            return ken_draft_fail(r, err);
        }
        double w = pow(r->p, from->weight_gamma);
        sum += w > from->weight_min ? w : from->weight_min;
    }
    double mean = sum / (double)n;
    if (!(mean > 0))
        return ken_fail(err, KEN_EUSAGE, "%s: every weight is 0; raise --weight-min, or select rows that are known",
                        from->path);
    for (size_t i = 0; i < n; i++) {
        double w = pow(d->rows[pick[i].draft].p, from->weight_gamma);
        pick[i].weight = (float)((w > from->weight_min ? w : from->weight_min) / mean);
    }
    return KEN_OK;
}

static int weigh(const ken_drafts *d, const ken_train_data *from, ken_pick *pick, size_t n, ken_err *err)
{
    const char *how = from->weights != NULL ? from->weights : "file";
    if (strcmp(how, "p") == 0) return weigh_by_p(d, from, pick, n, err);
    for (size_t i = 0; i < n; i++) {
        double w = d->rows[pick[i].draft].weight;
        pick[i].weight = strcmp(how, "none") == 0 || isnan(w) ? 1 : (float)w;
    }
    return KEN_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

static int check_request(const ken_train_data *from, ken_err *err)
{
    const char *w = from->weights;
    if (w != NULL && strcmp(w, "p") != 0 && strcmp(w, "file") != 0 && strcmp(w, "none") != 0)
        return ken_fail(err, KEN_EUSAGE, "weights \"%.60s\" are not known; p, file and none are", w);
    if (from->label != NULL && strcmp(from->label, "draw") != 0 && strcmp(from->label, "mode") != 0)
        return ken_fail(err, KEN_EUSAGE, "label \"%.60s\" is not known; draw and mode are", from->label);
    if (!(from->known_tail >= 0 && from->known_tail <= 1))
        return ken_fail(err, KEN_EUSAGE, "the known tail is a share from 0 to 1, not %g", from->known_tail);
    if (!(from->weight_gamma >= 0 && from->weight_min >= 0 && from->weight_min <= 1) || isinf(from->weight_gamma))
        return ken_fail(err, KEN_EUSAGE, "weights by P_Correct need a gamma from 0 on and a least weight from 0 to 1");
    if (!(from->p_min >= 0 && from->p_max <= 1 && from->p_min <= from->p_max))
        return ken_fail(err, KEN_EUSAGE, "no probability is from %g to %g", from->p_min, from->p_max);
    if (from->size > 0 && from->variant == NULL)
        return ken_fail(err, KEN_EUSAGE, "a size is that of a variant; name one with --variant, or use --limit");
    if (from->idk_random && from->n_idk == 0)
        return ken_fail(err, KEN_EUSAGE, "--idk-random is the control of --idk, which says what the target is");
    for (int i = 0; i < from->n_idk; i++)
        if (from->idk[i][strspn(from->idk[i], " \t\r\n")] == '\0')
            return ken_fail(err, KEN_EUSAGE, "--idk: the text to say is empty");
    return from->categories != NULL ? check_categories(from->categories, err) : KEN_OK;
}

static int make_picks(const list *rows, const list *tail, bool mixed, ken_pick **picks, ken_err *err)
{
    *picks = ken_calloc(rows->n + tail->n, sizeof **picks);
    if (*picks == NULL) return ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < rows->n; i++) (*picks)[i] = (ken_pick){.draft = rows->item[i], .idk = -1};
    for (size_t i = 0; i < tail->n; i++)
        (*picks)[rows->n + i] = (ken_pick){.draft = tail->item[i], .tail = !mixed, .idk = -1};
    return KEN_OK;
}

void ken_chosen_free(ken_chosen *c)
{
    ken_free(c->pick);
    ken_free(c->candidate);
    *c = (ken_chosen){0};
}

int ken_choose(ken_chosen *out, const ken_drafts *d, const ken_train_data *from, ken_usable_fn usable, void *ctx,
               ken_train_data_stats *stats, ken_err *err)
{
    list pool = {0}, candidates = {0}, rows = {0}, tail = {0};
    *out = (ken_chosen){0};
    int rc = check_request(from, err);
    if (rc == KEN_OK) rc = take_pool(d, from, &pool, err);
    if (rc == KEN_OK) rc = check_annotated(d, from, &pool, err);
    if (rc == KEN_OK) rc = take_candidates(d, from, &pool, &candidates, err);
    if (rc == KEN_OK) rc = take_rows(d, from, &candidates, usable, ctx, &rows, err);
    if (rc == KEN_OK && from->variant != NULL) rc = apply_variant(d, from, &rows, stats, err);
    if (rc == KEN_OK && rows.n == 0)
        rc = ken_fail(err, KEN_EUSAGE,
                      "%s: no row is left to train on: %zu were read, %zu are in the splits and relations", from->path,
                      d->n, pool.n);
    if (rc == KEN_OK && from->known_tail > 0) rc = take_tail(d, from, &pool, &rows, usable, ctx, &tail, stats, err);
    if (rc == KEN_OK) rc = make_picks(&rows, &tail, from->known_tail_mixed, &out->pick, err);
    if (rc == KEN_OK) {
        out->n = rows.n + tail.n;
        for (size_t i = 0; i < out->n; i++) stats->category[d->rows[out->pick[i].draft].category]++;
        if (from->n_idk > 0) rc = relabel(d, from, out->pick, rows.n, stats, err);
    }
    if (rc == KEN_OK) rc = weigh(d, from, out->pick, out->n, err);
    out->candidate = candidates.item;
    out->n_candidates = candidates.n;
    if (rc != KEN_OK) ken_chosen_free(out);
    ken_free(pool.item);
    ken_free(rows.item);
    ken_free(tail.item);
    return rc;
}
