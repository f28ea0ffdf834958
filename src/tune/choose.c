/* choose.c - the steps from all rows of a place to those that are trained; see choose.h. */
#include "tune/choose.h"
#include "base/alloc.h"
#include "base/options.h"
#include "base/rng.h"
#include "know/certainty.h"
#include "tune/variant.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- variants ------------------------------------------------------------------------------------------------------- */

static int apply_variant(const ken_drafts *d, const ken_train_data *from, ken_pool *rows, ken_train_data_stats *stats,
                         ken_err *err)
{
    const ken_variant v = {.what = from->variant,
                           .mix = from->known_mix,
                           .size = from->set_rows,
                           .seed = from->seed,
                           .concentrated = from->concentrated};
    int rc = KEN_OK;
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
    if (rc == KEN_OK && v.size == 0) {
        stats->variant_rows = kept;
        stats->variant_of = rows->n;
        stats->variant_most = ken_variant_most(&v, all, rows->n);
    }
    if (rc == KEN_OK) rows->n = kept;
    ken_free(all);
    ken_free(chosen);
    return rc;
}

/* ---- the known tail ------------------------------------------------------------------------------------------------- */

/* Appends up to `want` rows of from (n, shuffled by seed and name) to tail. */
static int draw(uint64_t seed, const char *name, const ken_pool *from, size_t want, ken_pool *tail, ken_err *err)
{
    if (from->n == 0 || want == 0) return KEN_OK;
    int32_t *order = ken_alloc(from->n, sizeof *order);
    if (order == NULL) return ken_fail_nomem(err, "rows");
    ken_shuffle(seed, name, order, (int32_t)from->n);
    int rc = KEN_OK;
    for (size_t i = 0; i < from->n && i < want && rc == KEN_OK; i++) rc = ken_pool_add(tail, from->item[order[i]], err);
    ken_free(order);
    return rc;
}

/* docs/method/fine-tuning.md#known-tail: Known rows that are not trained otherwise, as long as there are any (those that a variant or
 * --category left), then rows of the set itself again. */
static int take_tail(const ken_drafts *d, const ken_train_data *from, const ken_pool *pool, const ken_pool *rows,
                     ken_usable usable, ken_pool *tail, ken_train_data_stats *stats, ken_err *err)
{
    size_t want = (size_t)llround(from->known_tail * (double)rows->n), next = 0;
    ken_pool fresh = {0}, again = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < pool->n && rc == KEN_OK; i++) { /* both are ascending */
        size_t k = pool->item[i];
        bool taken = next < rows->n && rows->item[next] == k, good = true;
        next += taken;
        if (!ken_draft_is_known(&d->rows[k])) continue;
        if (!taken) rc = usable.ask(usable.ctx, k, &good, err);
        if (rc == KEN_OK && good) rc = ken_pool_add(taken ? &again : &fresh, k, err);
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

/* Which phrase is a row's target: by seed and id alone. */
static int phrase_of(const ken_train_data *from, const ken_draft *r)
{
    double u = ken_uniform(from->seed, r->id, strlen(r->id), KEN_DRAW_PHRASE, 0, 0);
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

/* ---- what is answered, and how sure ----------------------------------------------------------------------------------- */

static bool takes_own(const ken_draft *r, const ken_train_data *from)
{
    return from->own_answers == KEN_OWN_ALL || (from->own_answers == KEN_OWN_UNKNOWN && r->category == KEN_UNKNOWN);
}

/* Rows that are to be answered as the model does, and whose own answer is not known, cannot be taken. */
static int drop_ownless(ken_pool *p, const ken_drafts *d, const ken_train_data *from, ken_train_data_stats *stats,
                        ken_err *err)
{
    size_t n = 0;
    if (from->own_answers == KEN_OWN_NONE) return KEN_OK;
    for (size_t i = 0; i < p->n; i++) {
        const ken_draft *r = &d->rows[p->item[i]];
        if (!takes_own(r, from) || r->own != NULL) p->item[n++] = p->item[i];
    }
    stats->ownless = p->n - n;
    p->n = n;
    return n > 0 ? KEN_OK
                 : ken_fail(err, KEN_EUSAGE,
                            "%s: of none of the %zu rows is the model's own answer known; give a run that keeps texts "
                            "(of `ken_annotate`), or such a run with `labels`",
                            from->path, stats->ownless);
}

static int by_value(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

/* The median of P_Correct over the rows, the upper one of an even number. */
static int median_of(double *median, const ken_drafts *d, const ken_pick *pick, size_t n, ken_err *err)
{
    double *p = ken_alloc(n, sizeof *p);
    if (p == NULL) return ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < n; i++) p[i] = d->rows[pick[i].draft].p;
    qsort(p, n, sizeof *p, by_value);
    *median = p[n / 2];
    ken_free(p);
    return KEN_OK;
}

/* What each row is taught to say of its answer: R-Tuning (arXiv 2311.09677) goes by whether the model answers rightly, or by the median of
 * its uncertainty. */
static int add_certainty(ken_drafts *d, const ken_train_data *from, ken_pick *pick, size_t n,
                         ken_train_data_stats *stats, ken_err *err)
{
    const bool by_p = from->certainty == KEN_CERTAINTY_P;
    double median = NAN;
    int rc = KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const ken_draft *r = &d->rows[pick[i].draft];
        if (by_p ? !isnan(r->p) : r->category < KEN_UNLABELLED) continue;
        ken_fail(err, KEN_EINPUT, "the row has no %s to be sure or unsure by", by_p ? "P_Correct" : "category");
        return ken_draft_fail(r, err);
    }
    if (by_p) rc = median_of(&median, d, pick, n, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const ken_draft *r = &d->rows[pick[i].draft];
        const char *answer = pick[i].target != NULL ? pick[i].target : r->target != NULL ? r->target : r->answers[0];
        const bool sure = by_p ? r->p >= median : r->category != KEN_UNKNOWN;
        if (pick[i].idk >= 0 || r->text) continue;
        pick[i].target = ken_arena_printf(&d->arena, "%s%s", answer, ken_certainty_text[sure ? KEN_SURE : KEN_UNSURE]);
        if (pick[i].target == NULL) rc = ken_fail_nomem(err, "targets");
        stats->sure += sure;
        stats->unsure += !sure;
    }
    return rc;
}

static int set_targets(ken_drafts *d, const ken_train_data *from, ken_pick *pick, size_t n, ken_train_data_stats *stats,
                       ken_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const ken_draft *r = &d->rows[pick[i].draft];
        if (pick[i].idk >= 0) pick[i].target = from->idk[pick[i].idk];
        else if (takes_own(r, from)) {
            pick[i].target = r->own;
            stats->own++;
            stats->own_wrong += !r->own_right;
        }
    }
    return from->certainty != KEN_CERTAINTY_NONE ? add_certainty(d, from, pick, n, stats, err) : KEN_OK;
}

/* docs/method/fine-tuning.md#weights: w = max(w_min, P^gamma). Where the target declines to answer, P is the probability that there was nothing to
 * answer, 1 - P_Correct (ours): with P_Correct the very rows that are to teach it would not count. */
static double weight_of(const ken_draft *r, const ken_pick *pick, const ken_train_data *from)
{
    return fmax(pow(pick->idk >= 0 ? 1 - r->p : r->p, from->weight_gamma), from->weight_min);
}

/* Weights by P_Correct, scaled to mean 1. */
static int weigh_by_p(const ken_drafts *d, const ken_train_data *from, ken_pick *pick, size_t n, ken_err *err)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const ken_draft *r = &d->rows[pick[i].draft];
        if (isnan(r->p)) {
            ken_fail(err, KEN_EINPUT, "the row has no P_Correct to be weighted by");
            return ken_draft_fail(r, err);
        }
        sum += weight_of(r, &pick[i], from);
    }
    double mean = sum / (double)n;
    if (!(mean > 0))
        return ken_fail(err, KEN_EUSAGE, "%s: every weight is 0; raise `weight_min`, or select rows that are known",
                        from->path);
    for (size_t i = 0; i < n; i++) pick[i].weight = (float)(weight_of(&d->rows[pick[i].draft], &pick[i], from) / mean);
    return KEN_OK;
}

static int weigh(const ken_drafts *d, const ken_train_data *from, ken_pick *pick, size_t n, ken_err *err)
{
    if (from->weights == KEN_WEIGHTS_P) return weigh_by_p(d, from, pick, n, err);
    for (size_t i = 0; i < n; i++) {
        double w = d->rows[pick[i].draft].weight;
        pick[i].weight = from->weights == KEN_WEIGHTS_NONE || isnan(w) ? 1 : (float)w;
    }
    return KEN_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

static int check_words(const ken_train_data *from, ken_err *err)
{
    const struct {
        ken_words of;
        int value;
    } words[] = {{KEN_WORDS_WEIGHTS, from->weights},     {KEN_WORDS_LABEL, from->label},
                 {KEN_WORDS_HALF, from->half},           {KEN_WORDS_HALF_BY, from->half_by},
                 {KEN_WORDS_BALANCE, from->balance},     {KEN_WORDS_MATCH, from->match},
                 {KEN_WORDS_KNOWN_MIX, from->known_mix}, {KEN_WORDS_OWN_ANSWERS, from->own_answers},
                 {KEN_WORDS_CERTAINTY, from->certainty}};
    int rc = ken_variant_check(&from->variant, err);
    for (size_t i = 0; i < sizeof words / sizeof *words && rc == KEN_OK; i++)
        rc = ken_check_word(words[i].of, words[i].value, err);
    return rc;
}

static int check_range(const char *what, double min, double max, ken_err *err)
{
    if (min >= 0 && max <= 1 && min <= max) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "no %s is from %g to %g", what, min, max);
}

static int check_numbers(const ken_train_data *from, ken_err *err)
{
    if (!(from->known_tail >= 0 && from->known_tail <= 1))
        return ken_fail(err, KEN_EUSAGE, "the known tail is a share from 0 to 1, not %g", from->known_tail);
    if (!(from->weight_gamma >= 0 && from->weight_min >= 0 && from->weight_min <= 1) || isinf(from->weight_gamma))
        return ken_fail(err, KEN_EUSAGE, "weights by P_Correct need a gamma from 0 on and a least weight from 0 to 1");
    if (from->popularity_min > from->popularity_max)
        return ken_fail(err, KEN_EUSAGE, "no popularity is from %g to %g", from->popularity_min, from->popularity_max);
    int rc = check_range("probability", from->p_min, from->p_max, err);
    if (rc == KEN_OK) rc = check_range("probability", from->p_unknown_min, from->p_unknown_max, err);
    return rc == KEN_OK ? check_range("part of the subjects", from->subject_min, from->subject_max, err) : rc;
}

/* Options that exclude each other, or need each other. */
static int check_request(const ken_train_data *from, ken_err *err)
{
    int rc = check_words(from, err);
    if (rc == KEN_OK) rc = check_numbers(from, err);
    if (rc != KEN_OK) return rc;
    const ken_variant_kind variant = from->variant.kind;
    if (from->set_rows > 0 && variant == KEN_VARIANT_NONE && from->balance == KEN_BALANCE_NONE)
        return ken_fail(err, KEN_EUSAGE,
                        "a size is that of a variant or a balanced set; name one with `variant` or `balance`, or use "
                        "`limit`");
    if (from->balance != KEN_BALANCE_NONE && (variant != KEN_VARIANT_NONE || from->match != KEN_MATCH_NONE))
        return ken_fail(err, KEN_EUSAGE, "a set is either balanced or a variant, which has a balance of its own");
    if (from->concentrated && variant != KEN_VARIANT_UNKNOWN && variant != KEN_VARIANT_KNOWN)
        return ken_fail(err, KEN_EUSAGE, "`concentrated` says where the Unknown rows of `variant` unknown=X are");
    if (from->match == KEN_MATCH_CONTROL && variant == KEN_VARIANT_NONE)
        return ken_fail(err, KEN_EUSAGE,
                        "`match` control replaces the Unknown rows of a variant; name it with `variant`");
    if (from->match == KEN_MATCH_CONTROL && variant == KEN_VARIANT_KNOWN)
        return ken_fail(err, KEN_EUSAGE,
                        "`match` control replaces the Unknown rows of a variant, and known=%d has none; use unknown=%d",
                        from->variant.percent, from->variant.percent);
    if (from->half == KEN_HALF_ALL && (from->half_by != KEN_HALF_BY_AUTO || from->half_within))
        return ken_fail(err, KEN_EUSAGE, "no half is named; use `half` popular, unpopular or random");
    if (from->sample && from->per_relation == 0 && from->limit == 0)
        return ken_fail(err, KEN_EUSAGE, "no number of rows to sample is given; use `per_relation` or `limit`");
    if (from->idk_random && from->n_idk == 0)
        return ken_fail(err, KEN_EUSAGE, "`idk_random` is the control of `idk`, which says what the target is");
    for (int i = 0; i < from->n_idk; i++)
        if (from->idk[i][strspn(from->idk[i], " \t\r\n")] == '\0')
            return ken_fail(err, KEN_EUSAGE, "`idk`: the text to say is empty");
    return KEN_OK;
}

/* A file has one tail: another one after it would be neither. */
static int check_marks(const ken_drafts *d, const ken_train_data *from, const ken_pool *pool, ken_err *err)
{
    size_t marked = 0;
    for (size_t i = 0; i < pool->n; i++) marked += d->rows[pool->item[i]].tail;
    if (marked == 0) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE,
                    "%s: %zu of its rows are a known tail already (known_tail); leave `known_tail` out, or draw it "
                    "from what the rows were selected from",
                    from->path, marked);
}

/* Rows that say they are of a tail form it, in their order; until here they were chosen like all others. */
static int part_marked(const ken_drafts *d, ken_pool *rows, ken_pool *tail, ken_train_data_stats *stats, ken_err *err)
{
    size_t kept = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < rows->n && rc == KEN_OK; i++)
        if (d->rows[rows->item[i]].tail) rc = ken_pool_add(tail, rows->item[i], err);
        else rows->item[kept++] = rows->item[i];
    rows->n = kept;
    stats->tail = tail->n;
    return rc;
}

static int make_picks(const ken_pool *rows, const ken_pool *tail, bool mixed, ken_pick **picks, ken_err *err)
{
    *picks = ken_calloc(rows->n + tail->n, sizeof **picks);
    if (*picks == NULL) return ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < rows->n; i++) (*picks)[i] = (ken_pick){.draft = rows->item[i], .idk = -1};
    for (size_t i = 0; i < tail->n; i++)
        (*picks)[rows->n + i] = (ken_pick){.draft = tail->item[i], .tail = !mixed, .idk = -1};
    return KEN_OK;
}

static int count_copies(ken_chosen *c, size_t n_drafts, ken_err *err)
{
    int *stands = ken_calloc(n_drafts, sizeof *stands);
    if (stands == NULL) return ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < c->n; i++) c->pick[i].nth = stands[c->pick[i].draft]++;
    ken_free(stands);
    return KEN_OK;
}

const char *ken_pick_id(ken_drafts *d, const ken_pick *p)
{
    const char *id = d->rows[p->draft].id;
    if (p->nth == 0) return id;
    return ken_arena_printf(&d->arena, "%s#%d", id, p->nth + 1);
}

void ken_chosen_free(ken_chosen *c)
{
    ken_free(c->pick);
    ken_free(c->candidate);
    *c = (ken_chosen){0};
}

/* Ranks and draws are over rows that can be used, so that all are asked; the first so many of a place need not be. */
static int keep_usable(ken_pool *p, ken_usable usable, ken_err *err)
{
    size_t n = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < p->n && rc == KEN_OK; i++) {
        bool good = true;
        rc = usable.ask(usable.ctx, p->item[i], &good, err);
        if (rc == KEN_OK && good) p->item[n++] = p->item[i];
    }
    p->n = n;
    return rc;
}

static int copy_pool(ken_pool *to, const ken_pool *from, ken_err *err)
{
    to->n = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < from->n && rc == KEN_OK; i++) rc = ken_pool_add(to, from->item[i], err);
    return rc;
}

/* From the rows that passed the filters to those of the set. pool: all rows of the place that count; with halves those of the half. */
static int cut(ken_pool *rows, ken_pool *pool, const ken_drafts *d, const ken_train_data *from, ken_usable usable,
               ken_train_data_stats *stats, ken_err *err)
{
    int rc = KEN_OK;
    if (from->half != KEN_HALF_ALL || from->sample) rc = keep_usable(rows, usable, err);
    if (rc == KEN_OK && from->half != KEN_HALF_ALL) {
        rc = ken_pool_halve(rows, d, from, stats, err);
        if (rc == KEN_OK) rc = copy_pool(pool, rows, err); /* a known tail must not bring the other half in */
    }
    if (rc == KEN_OK) rc = ken_pool_limit(rows, d, from, usable, err);
    if (rc == KEN_OK && rows->n == 0)
        rc = ken_fail(err, KEN_EUSAGE,
                      "%s: no row is left to train on: %zu were read, %zu are in the splits and relations", from->path,
                      d->n, pool->n);
    if (rc == KEN_OK && from->balance != KEN_BALANCE_NONE) rc = ken_pool_balance(rows, d, from, err);
    return rc;
}

/* A variant, of matched rows or with matched ones in place of its Unknown rows. */
static int draw_variant(ken_pool *rows, const ken_pool *pool, const ken_drafts *d, const ken_train_data *from,
                        ken_train_data_stats *stats, ken_err *err)
{
    ken_pool before = {0};
    const bool control = from->match == KEN_MATCH_CONTROL;
    int rc = KEN_OK;
    if (from->match == KEN_MATCH_PAIRS) rc = ken_pool_pair(rows, pool, d, from, stats, err);
    if (rc == KEN_OK && control) rc = copy_pool(&before, rows, err);
    if (rc == KEN_OK && from->variant.kind != KEN_VARIANT_NONE) rc = apply_variant(d, from, rows, stats, err);
    if (rc == KEN_OK && control) rc = ken_pool_control(rows, &before, pool, d, from, stats, err);
    if (rc == KEN_OK && rows->n == 0) {
        ken_buf b = {0};
        ken_variant_text(&b, &from->variant);
        rc = ken_fail(err, KEN_EUSAGE, "%s: %s of %zu rows leaves none; ask for more with `set_rows`", from->path,
                      b.len > 0 ? b.data : "a match", from->set_rows);
        ken_buf_free(&b);
    }
    ken_free(before.item);
    return rc;
}

/* Everything but targets and weights. */
static int choose_rows(ken_chosen *out, const ken_drafts *d, const ken_train_data *from, ken_usable usable,
                       size_t *n_main, ken_train_data_stats *stats, ken_err *err)
{
    ken_pool pool = {0}, candidates = {0}, rows = {0}, tail = {0};
    int rc = ken_pool_take(&pool, d, from, err);
    if (rc == KEN_OK) rc = drop_ownless(&pool, d, from, stats, err);
    if (rc == KEN_OK) rc = ken_pool_filter(&candidates, &pool, d, from, err);
    if (rc == KEN_OK) rc = copy_pool(&rows, &candidates, err);
    if (rc == KEN_OK) rc = cut(&rows, &pool, d, from, usable, stats, err);
    if (rc == KEN_OK) rc = draw_variant(&rows, &pool, d, from, stats, err);
    if (rc == KEN_OK && from->known_tail > 0) rc = check_marks(d, from, &pool, err);
    if (rc == KEN_OK && from->known_tail > 0) rc = take_tail(d, from, &pool, &rows, usable, &tail, stats, err);
    else if (rc == KEN_OK) rc = part_marked(d, &rows, &tail, stats, err);
    if (rc == KEN_OK) rc = make_picks(&rows, &tail, from->known_tail_mixed, &out->pick, err);
    *n_main = rows.n;
    out->n = rows.n + tail.n;
    out->candidate = candidates.item;
    out->n_candidates = candidates.n;
    ken_free(pool.item);
    ken_free(rows.item);
    ken_free(tail.item);
    return rc;
}

int ken_choose(ken_chosen *out, ken_drafts *d, const ken_train_data *from, ken_usable_fn usable, void *ctx,
               ken_train_data_stats *stats, ken_err *err)
{
    size_t n_main = 0;
    *out = (ken_chosen){0};
    int rc = check_request(from, err);
    if (rc == KEN_OK) rc = choose_rows(out, d, from, (ken_usable){usable, ctx}, &n_main, stats, err);
    if (rc == KEN_OK && stats->tail_repeated > 0) rc = count_copies(out, d->n, err);
    if (rc == KEN_OK) {
        for (size_t i = 0; i < out->n; i++) stats->category[d->rows[out->pick[i].draft].category]++;
        if (from->n_idk > 0) rc = relabel(d, from, out->pick, n_main, stats, err);
    }
    if (rc == KEN_OK) rc = set_targets(d, from, out->pick, out->n, stats, err);
    if (rc == KEN_OK) rc = weigh(d, from, out->pick, out->n, err);
    if (rc != KEN_OK) ken_chosen_free(out);
    return rc;
}
