/* rescore.c - see rescore.h.
 *
 * Nothing here asks a model; what is hard is to claim no more than the run shows. With "run" and "to" for the two matchers and p for
 * the probability that a sample of one prompt is accepted by "to":
 *
 *   the same matcher, or em-raw     an exact run holds both intervals; the label is the one of an annotation
 *   run within to (wider)           p >= p_lo of the run, and the greedy text adds its own probability where only "to" accepts it
 *   to within run (narrower)        p <= p_hi of the run, less the greedy text where only the run accepts it
 *   any two                         p >= raw_lo, since em-raw is within all; and 1 - p is at least what is seen to be rejected: the
 *                                   greedy text, and the likeliest first tokens that cannot begin an accepted answer any more
 *
 * Of sampled runs every drawn text is there, so that any matcher gives exact counts. */
#include "study/rescore.h"
#include "base/alloc.h"
#include "base/flags.h"
#include "base/rng.h"
#include "data/data.h"
#include "know/category.h"
#include "store/row_fields.h"
#include <limits.h>
#include <math.h>
#include <string.h>

enum { MOST_SAMPLES = 1000000 }; /* of a prompt; `ken annotate` allows 10,000. A draw takes that many steps */

/* ---- samples taken from samples --------------------------------------------------------------------------------------- */

double ken_hypergeometric_miss(int total, int hits, int n)
{
    double p = 1.0;
    for (int j = 0; j < n; j++) p *= total - hits > j ? (double)(total - hits - j) / (double)(total - j) : 0.0;
    return p;
}

/* log C(n, k) */
static double log_choose(int n, int k) { return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0); }

int ken_hypergeometric_draw(int total, int hits, int n, double u)
{
    int k = n - (total - hits) > 0 ? n - (total - hits) : 0, most = n < hits ? n : hits;
    double term = exp(log_choose(hits, k) + log_choose(total - hits, n - k) - log_choose(total, n)), cdf = term;
    if (k == 0)
        cdf = term =
            ken_hypergeometric_miss(total, hits, n); /* whether it is 0 decides a label: no rounding of logarithms */
    while (u >= cdf && k < most) {
        term *= (double)(hits - k) * (double)(n - k) / ((double)(k + 1) * (double)(total - hits - n + k + 1));
        cdf += term;
        k++;
    }
    return k;
}

/* ---- what is accepted ------------------------------------------------------------------------------------------------ */

/* Other names that count for this row: those of the table that was given, else those that the run knew. */
static int find_aliases(ken_rescorer *r, const ken_row *in, ken_err *err)
{
    bool used = r->to.matcher.kind->uses_aliases; /* `in` may be r->row */
    r->row.aliases = used ? in->aliases : NULL;
    r->row.n_aliases = used ? in->n_aliases : 0;
    if (!used || r->aliases == NULL) return KEN_OK;
    int rc = ken_alias_list(r->aliases, &r->arena, in->answers, in->n_answers, &r->row.aliases, &r->row.n_aliases);
    return rc == KEN_OK ? KEN_OK : ken_fail_nomem(err, "aliases");
}

/* Was the row labelled with these very names? An older run does not say. */
static bool same_aliases(const ken_rescorer *r, const ken_row *in)
{
    bool same = in->identity != NULL && in->n_aliases == r->row.n_aliases;
    for (int i = 0; same && i < in->n_aliases; i++) same = strcmp(in->aliases[i], r->row.aliases[i]) == 0;
    return same;
}

/* Do the aliases of this row add nothing to what em-squad accepts? A name that equals a gold in N accepts what the gold does. */
static int aliases_add_nothing(const ken_rescorer *r, const ken_row *in, bool *nothing, ken_err *err)
{
    ken_accept *golds = NULL;
    int rc = ken_accept_new(&golds, &ken_em_squad, in->answers, in->n_answers, err);
    *nothing = true;
    for (int j = 0; j < r->row.n_aliases && rc == KEN_OK; j++)
        *nothing &= ken_accept_matches(golds, r->row.aliases[j], strlen(r->row.aliases[j]));
    ken_accept_free(golds);
    return rc;
}

/* docs/method/knowledge.md#edge-cases: what was no text became U+FFFD in the run, and cannot match. */
static bool was_no_text(const char *text) { return strstr(text, "\xEF\xBF\xBD") != NULL; }

static bool matches(const ken_accept *a, const char *text)
{
    return !was_no_text(text) && ken_accept_matches(a, text, strlen(text));
}

/* ---- one prompt of an exact run ---------------------------------------------------------------------------------------- */

typedef struct relation { /* between what the two matchers accept, for this row */
    bool same, run_in_to, to_in_run;
    const ken_accept *to; /* NULL when same */
} relation;

typedef struct verdict {
    bool lo, hi; /* the greedy answer is accepted: certainly, possibly */
    bool walked; /* the interval is one of the run's own */
    double p_lo, p_hi;
} verdict;

static double clamp01(double p) { return p > 0.0 ? (p < 1.0 ? p : 1.0) : 0.0; } /* NaN gives 0 */

/* A walked interval counts as its middle, as in the label of the run itself (docs/method/knowledge.md#draw): a matcher that accepts more then never
 * gives a row less. */
static double middle(double lo, double hi)
{
    lo = clamp01(lo);
    return lo + 0.5 * fmax(0.0, clamp01(hi) - lo);
}

static verdict greedy_verdict(const ken_rescorer *r, const relation *rel, const ken_prompt_row *q)
{
    if (rel->same) return (verdict){.lo = q->greedy_hit, .hi = q->greedy_hit};
    if (r->to.matcher.kind == ken_em_raw.kind) return (verdict){.lo = q->greedy_hit_raw, .hi = q->greedy_hit_raw};
    if (q->text != NULL) {
        bool yes = matches(rel->to, q->text);
        return (verdict){.lo = yes, .hi = yes};
    }
    bool yes = q->greedy_hit_raw || (rel->run_in_to && q->greedy_hit);
    return (verdict){.lo = yes, .hi = yes || !(rel->to_in_run && !q->greedy_hit)};
}

/* Probability of the likeliest first tokens after which no answer can be accepted any more; *first: the greedy one is among them. A token with
 * a newline ends the answer; any other leaves that to the viability test, which only matchers of the em family have. */
static double rejected_at_once(const ken_rescorer *r, const ken_accept *to, const ken_prompt_row *q, bool *first)
{
    double sum = 0.0;
    *first = false;
    if (r->to.n_stop != 1) return 0.0; /* a stop string of several bytes may begin in one token and end in the next */
    for (int i = 0; i < q->n_other; i++) {
        const char *text = q->other[i].text, *stop = text != NULL ? strchr(text, r->to.stop[0]) : NULL;
        bool rejected = false;
        if (text == NULL || was_no_text(text)) continue; /* part of a character */
        if (stop != NULL) rejected = !ken_accept_matches(to, text, (size_t)(stop - text));
        else if (ken_matcher_is_exact(&r->to.matcher)) rejected = !ken_accept_viable(to, text, strlen(text));
        if (!rejected) continue;
        sum += clamp01(q->other[i].p);
        *first |= i == 0;
    }
    return sum;
}

static verdict prompt_verdict(const ken_rescorer *r, const relation *rel, const ken_prompt_row *q)
{
    verdict v = greedy_verdict(r, rel, q);
    v.walked = rel->same || r->to.matcher.kind == ken_em_raw.kind;
    if (v.walked) {
        v.p_lo = rel->same ? q->p_lo : q->raw_lo;
        v.p_hi = rel->same ? q->p_hi : q->raw_hi;
        return v;
    }
    double greedy = q->text != NULL ? clamp01(q->text_p) : 0.0; /* 0: not known */
    bool first, yes = v.lo && v.hi;
    double lo = middle(q->raw_lo, q->raw_hi) + (yes && !q->greedy_hit_raw ? greedy : 0.0);
    if (rel->run_in_to) lo = fmax(lo, middle(q->p_lo, q->p_hi) + (yes && !q->greedy_hit ? greedy : 0.0));
    double hi = 1.0 - rejected_at_once(r, rel->to, q, &first);
    if (!v.hi && !first) hi -= greedy;
    if (rel->to_in_run) hi = fmin(hi, middle(q->p_lo, q->p_hi) - (!v.hi && q->greedy_hit ? greedy : 0.0));
    v.p_lo = clamp01(lo);
    v.p_hi = fmax(v.p_lo, clamp01(hi)); /* equal up to rounding */
    return v;
}

/* ---- from prompts to a label ------------------------------------------------------------------------------------------- */

/* At the two ends of what is known; the same twice when all is. */
typedef struct bounds {
    ken_knowledge lo, hi;
    bool bounded;
} bounds;

/* Categories that lie between the ends, by the protocol. */
static unsigned between(const bounds *e, int prompts, bool mode)
{
    unsigned possible = 0;
    int g_lo = e->lo.greedy_hits, g_hi = e->hi.greedy_hits;
    if (g_hi == prompts) possible |= 1u << KEN_HIGHLY_KNOWN;
    if ((g_lo > 1 ? g_lo : 1) <= (g_hi < prompts ? g_hi : prompts - 1)) possible |= 1u << KEN_MAYBE_KNOWN;
    if (g_lo > 0) return possible;
    bool known_lo = mode ? e->lo.p_unknown < 0.5 : e->lo.sample_hits > 0;
    bool known_hi = mode ? e->hi.p_unknown < 0.5 : e->hi.sample_hits > 0;
    if (known_hi) possible |= 1u << KEN_WEAKLY_KNOWN;
    if (!known_lo) possible |= 1u << KEN_UNKNOWN;
    return possible;
}

/* Both: verdicts and probabilities of all prompts of the run (n_all), a label from the first n. */
static int exact_bounds(ken_rescorer *r, const relation *rel, const ken_row *in, ken_prompt_row *q, bounds *e,
                        ken_err *err)
{
    int n = r->row.prompts, samples = r->row.samples / n;
    bool *hit_hi = ken_arena_alloc(&r->arena, (size_t)r->n_all, sizeof *hit_hi);
    int *hits = ken_arena_alloc(&r->arena, (size_t)n, sizeof *hits);
    if (hit_hi == NULL || hits == NULL) return ken_fail_nomem(err, "row");
    for (int i = 0; i < r->n_all; i++) {
        verdict v = prompt_verdict(r, rel, &in->prompt_rows[i]);
        r->hit[i] = q[i].greedy_hit = v.lo;
        hit_hi[i] = v.hi;
        r->lo[i] = q[i].p_lo = v.p_lo;
        r->hi[i] = q[i].p_hi = v.p_hi;
        e->bounded |= i < n && (!v.walked || v.lo != v.hi);
    }
    if (!e->bounded) {
        ken_categorize_exact(&e->lo, r->hit, r->lo, r->hi, n, samples, r->seed, in->id, hits);
        e->hi = e->lo;
    } else {
        ken_categorize_exact(&e->hi, hit_hi, r->hi, r->hi, n, samples, r->seed, in->id, hits);
        ken_categorize_exact(&e->lo, r->hit, r->lo, r->lo, n, samples, r->seed, in->id, hits);
    }
    for (int i = 0; i < n; i++) q[i].hits = hits[i];
    return KEN_OK;
}

static int count_drawn(const ken_prompt_row *q, const ken_accept *to, int prompt, int *hits, ken_err *err)
{
    int64_t all = 0, yes = 0;
    for (int j = 0; j < q->n_drawn; j++) {
        all += q->drawn[j].count;
        if (q->drawn[j].text != NULL && matches(to, q->drawn[j].text)) yes += q->drawn[j].count;
    }
    if (all != q->samples)
        return ken_fail(err, KEN_EINPUT, "prompt %d: %lld drawn texts are stored of %d samples; the run is damaged",
                        prompt, (long long)all, q->samples);
    *hits = (int)yes;
    return KEN_OK;
}

static int sampled_bounds(ken_rescorer *r, const relation *rel, const ken_row *in, ken_prompt_row *q, bounds *e,
                          ken_err *err)
{
    int n = r->row.prompts, samples = r->row.samples / n, total = in->samples / in->n_prompt_rows;
    bool *hit_hi = ken_arena_alloc(&r->arena, (size_t)r->n_all, sizeof *hit_hi);
    int *hits = ken_arena_alloc(&r->arena, (size_t)n, sizeof *hits);
    r->drawn = ken_arena_calloc(&r->arena, (size_t)r->n_all, sizeof *r->drawn);
    if (hit_hi == NULL || hits == NULL || r->drawn == NULL) return ken_fail_nomem(err, "row");
    r->n_drawn = total;
    for (int i = 0; i < r->n_all; i++) {
        verdict v = greedy_verdict(r, rel, &in->prompt_rows[i]);
        int rc = KEN_OK;
        r->drawn[i] = q[i].hits;
        if (!rel->same) rc = count_drawn(&q[i], rel->to, i, &r->drawn[i], err);
        if (rc != KEN_OK) return rc;
        if (q[i].samples != total || r->drawn[i] < 0 || r->drawn[i] > total)
            return ken_fail(err, KEN_EINPUT, "prompt %d: %d hits of %d samples; the run is damaged", i, r->drawn[i],
                            q[i].samples);
        r->lo[i] = r->hi[i] = total > 0 ? (double)r->drawn[i] / (double)total : 0.0;
        r->hit[i] = q[i].greedy_hit = v.lo;
        hit_hi[i] = v.hi;
        if (i >= n) continue;
        hits[i] = r->drawn[i];
        if (samples < total)
            hits[i] = ken_hypergeometric_draw(total, hits[i], samples,
                                              ken_uniform(r->seed, in->id, strlen(in->id), (uint32_t)i, 0, 0));
        q[i].hits = hits[i];
        q[i].p_lo = q[i].p_hi = samples > 0 ? (double)hits[i] / (double)samples : 0.0;
        e->bounded |= v.lo != v.hi;
    }
    ken_categorize_sampled(&e->lo, r->hit, hits, n, samples);
    ken_categorize_sampled(&e->hi, hit_hi, hits, n, samples);
    return KEN_OK;
}

/* What the run itself says, when nothing of it changes. */
static ken_knowledge as_stored(const ken_row *in)
{
    return (ken_knowledge){.category = in->category,
                           .category_mode = in->category_mode,
                           .greedy_hits = in->greedy_hits,
                           .sample_hits = in->sample_hits,
                           .samples = in->samples,
                           .p_t0 = in->p_t0,
                           .p_t = in->p_t,
                           .p_t_lo = in->p_t_lo,
                           .p_t_hi = in->p_t_hi,
                           .p_unknown = in->p_unknown,
                           .p_unknown_lo = in->p_unknown_lo,
                           .p_unknown_hi = in->p_unknown_hi,
                           .p_flip = in->p_flip,
                           .unsettled = (in->flags & KEN_FLAG_UNSETTLED) != 0};
}

static void choose_label(ken_rescorer *r, const bounds *e)
{
    unsigned possible = between(e, r->row.prompts, r->mode);
    int label = r->mode ? e->lo.category_mode : e->lo.category;
    if (!e->bounded && label < KEN_UNLABELLED) possible = 1u << label;
    if (r->by_rules) {
        ken_label_values v = {
            {e->lo.p_t0, e->hi.p_t0}, {e->lo.p_t, e->hi.p_t}, {e->hi.p_unknown, e->lo.p_unknown}, possible};
        possible = ken_label_rules_apply(&r->rules, &v);
    }
    int category = KEN_UNKNOWN;
    while (category > 0 && (possible & (1u << category)) == 0)
        category--; /* the category of least knowledge that is possible */
    r->how.possible = possible;
    r->how.category = category;
    r->how.how = e->bounded ? KEN_SCORED_BOUNDED : KEN_SCORED_EXACT;
    r->how.greedy_lo = e->lo.greedy_hits;
    r->how.greedy_hi = e->hi.greedy_hits;
}

static double interval_width(const ken_rescorer *r)
{
    double sum = 0.0;
    for (int i = 0; i < r->row.prompts; i++) sum += r->hi[i] - r->lo[i];
    return sum;
}

/* The numbers of the row, from both ends. `kept`: the run's intervals themselves, so that their flags still hold. */
static void fill(ken_rescorer *r, const bounds *e, bool kept)
{
    ken_row *o = &r->row;
    const ken_knowledge *k = &e->lo;
    o->category = r->how.category;
    o->category_mode = r->by_rules ? r->how.category : k->category_mode;
    o->greedy_hits = k->greedy_hits;
    o->sample_hits = k->sample_hits;
    o->p_t0 = k->p_t0;
    o->p_t_lo = k->p_t_lo;
    o->p_t_hi = e->hi.p_t_hi;
    o->p_t = e->bounded ? 0.5 * (o->p_t_lo + o->p_t_hi) : k->p_t;
    o->p_unknown = k->p_unknown;
    o->p_unknown_lo = e->hi.p_unknown_lo;
    o->p_unknown_hi = k->p_unknown_hi;
    o->p_flip = r->by_rules ? NAN : k->p_flip;
    if (strcmp(o->method, "exact") != 0) return;
    /* docs/method/knowledge.md#exact-bound */
    double budget = r->mass_budget > 0.0 ? r->mass_budget : k->greedy_hits > 0 ? 1e-2 : 1.25e-3;
    o->flags &= ~(uint32_t)KEN_FLAG_UNSETTLED;
    if (e->bounded ? (r->how.possible & (r->how.possible - 1)) != 0 : k->unsettled) o->flags |= KEN_FLAG_UNSETTLED;
    if (kept) return;
    o->flags &= ~(uint32_t)(KEN_FLAG_OPEN_MASS | KEN_FLAG_GUESS);
    if (interval_width(r) > budget) o->flags |= KEN_FLAG_OPEN_MASS;
    o->p_guess = o->lift = NAN; /* of the run's matcher and all its prompts */
}

/* What is counted over the prompts, when they are fewer. */
static void recount_prompts(ken_rescorer *r)
{
    r->row.abstain_hits = 0;
    r->row.min_margin = INFINITY;
    for (int i = 0; i < r->row.prompts; i++) {
        const ken_prompt_row *q = &r->row.prompt_rows[i];
        r->row.min_margin = fmin(r->row.min_margin, q->margin);
        if (q->text != NULL) r->row.abstain_hits += ken_abstains(&r->to, q->text, strlen(q->text));
    }
}

/* ---- rows without a label ---------------------------------------------------------------------------------------------- */

static void no_label(ken_rescorer *r)
{
    ken_row *o = &r->row;
    r->how.possible = 1u << KEN_UNLABELLED;
    r->how.category = KEN_UNLABELLED;
    if (o->category == KEN_UNLABELLED) return; /* as it was */
    const ken_row was = *o;
    ken_fields_clear(&ken_row_fields, o);
    o->prompts = was.prompts;
    o->samples = was.samples;
    o->score = was.score;
    o->method = was.method;
    o->flags = was.flags & ~ken_flags_by(KEN_FLAG_BY_NUMBERS);
    o->n_prompt_rows = 0;
}

/* ---- public ------------------------------------------------------------------------------------------------------------ */

/* KEN_EINPUT when the row does not hold what it must. */
static int check(const ken_rescorer *r, const ken_row *in, ken_err *err)
{
    int n = in->n_prompt_rows;
    if (n < 1 || in->n_answers < 1 || in->samples < 0 || in->samples % n != 0 || in->samples / n > MOST_SAMPLES)
        return ken_fail(err, KEN_EINPUT, "%d prompts and %d samples; the run is damaged", n, in->samples);
    if (r->prompts > n)
        return ken_fail(err, KEN_EUSAGE, "`prompts` %d: the row has only %d; annotate again with more", r->prompts, n);
    return KEN_OK;
}

static int score(ken_rescorer *r, const ken_row *in, const relation *rel, ken_err *err)
{
    int n = r->prompts > 0 ? r->prompts : in->n_prompt_rows, rc;
    bool sampled = strcmp(in->method, "sample") == 0, all = n == in->n_prompt_rows;
    int samples = r->samples > 0 ? r->samples : in->samples / in->n_prompt_rows;
    bool unchanged = rel->same && all && !r->new_draw;
    if (sampled && samples > in->samples / in->n_prompt_rows)
        return ken_fail(err, KEN_EUSAGE,
                        "`samples` %d: the run has %d drawn texts a prompt; an exact run can have any number", samples,
                        in->samples / in->n_prompt_rows);
    if ((int64_t)n * samples > INT_MAX)
        return ken_fail(err, KEN_EUSAGE, "%d samples for each of %d prompts are too many", samples, n);
    size_t n_all = (size_t)in->n_prompt_rows;
    r->n_all = in->n_prompt_rows;
    ken_prompt_row *q = ken_arena_alloc(&r->arena, n_all, sizeof *q);
    r->hit = ken_arena_calloc(&r->arena, n_all, sizeof *r->hit);
    r->lo = ken_arena_calloc(&r->arena, n_all, sizeof *r->lo);
    r->hi = ken_arena_calloc(&r->arena, n_all, sizeof *r->hi);
    if (q == NULL || r->hit == NULL || r->lo == NULL || r->hi == NULL) return ken_fail_nomem(err, "row");
    memcpy(q, in->prompt_rows, n_all * sizeof *q);
    r->row.prompt_rows = q;
    r->row.prompts = r->row.n_prompt_rows = n;
    r->row.samples = n * samples;
    for (int i = 0; i < n; i++) r->greedy_was += in->prompt_rows[i].greedy_hit;
    bounds e = {.bounded = false};
    rc = sampled ? sampled_bounds(r, rel, in, q, &e, err) : exact_bounds(r, rel, in, q, &e, err);
    if (rc != KEN_OK) return rc;
    for (int i = 0; i < n; i++) q[i].samples = samples;
    if (unchanged) {
        e.lo = e.hi = as_stored(in);
        for (int i = 0; i < n; i++) q[i].hits = in->prompt_rows[i].hits;
    }
    choose_label(r, &e);
    fill(r, &e, rel->same && all);
    if (!all) recount_prompts(r);
    return KEN_OK;
}

int ken_rescore_golds(ken_rescorer *r, const ken_row *in, ken_golds *out, ken_err *err)
{
    *out = (ken_golds){0};
    int rc = find_aliases(r, in, err);
    if (rc != KEN_OK) return rc;
    return ken_golds_new(out, &r->to, in->answers, in->n_answers, r->row.aliases, r->row.n_aliases, err);
}

int ken_rescore(ken_rescorer *r, const ken_row *in, ken_err *err)
{
    ken_arena_reset(&r->arena);
    r->row = *in;
    r->how = (ken_scored){.was = in->category};
    r->hit = NULL;
    r->lo = r->hi = NULL;
    r->drawn = NULL;
    r->n_all = r->n_drawn = 0;
    r->greedy_was = 0;
    if (in->n_prompt_rows == 0 || (in->flags & KEN_FLAG_CHOICE)) {
        if (in->category != KEN_UNLABELLED)
            return ken_fail(err, KEN_EINPUT,
                            "row %s has a category, but none of its prompts is there; the run is damaged", in->id);
        no_label(r);
        return KEN_OK;
    }
    ken_golds to;
    int rc = ken_rescore_golds(r, in, &to, err);
    bool never =
        rc == KEN_OK && ken_golds_hold_stop(&r->to, in->answers, in->n_answers, r->row.aliases, r->row.n_aliases);
    if (rc == KEN_OK && (in->category == KEN_UNLABELLED || never)) {
        if (never) r->row.flags |= KEN_FLAG_GOLD_HAS_STOP;
        no_label(r);
        ken_golds_free(&to);
        return KEN_OK;
    }
    bool other_names = rc == KEN_OK && r->to.matcher.kind->uses_aliases && r->aliases != NULL && !same_aliases(r, in);
    relation rel = {.run_in_to =
                        ken_matcher_within(&r->run, &r->to.matcher) && !(other_names && r->run.kind->uses_aliases),
                    .to_in_run = ken_matcher_within(&r->to.matcher, &r->run) && !other_names};
    if (rc == KEN_OK) rc = check(r, in, err);
    if (rc == KEN_OK && r->to.matcher.kind == ken_em_alias.kind && r->run.kind == ken_em_squad.kind) {
        rel.to_in_run = true; /* one matcher, where there are no aliases */
        if (r->row.n_aliases > 0) rc = aliases_add_nothing(r, in, &rel.to_in_run, err);
    }
    rel.same = rel.run_in_to && rel.to_in_run;
    rel.to = to.accept;
    if (rc == KEN_OK) rc = score(r, in, &rel, err);
    ken_golds_free(&to);
    return rc == KEN_OK ? KEN_OK : ken_fail_prefix(err, "row %s", in->id);
}
