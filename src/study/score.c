/* score.c - `ken score`: a whole run labelled again (ken.h, section score). One pass counts; rows are scored again when they are asked for,
 * so that memory does not grow with the run. What a row holds and allows to say is rescore.c. */
#include "base/alloc.h"
#include "base/options.h"
#include "base/stats.h"
#include "data/data.h"
#include "know/category.h"
#include "store/store.h"
#include "study/scoring.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CURVE_PROMPTS = 256, POLL_ROWS = 256 }; /* the first: ken_saturation */

void ken_score_defaults_fill(ken_score_options *o, size_t size)
{
    static const ken_score_options defaults = {0};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

/* ---- settings of the run, and what is asked for ----------------------------------------------------------------------- */

static int setting_u64(const ken_run *run, const char *key, uint64_t *out, ken_err *err)
{
    const char *s = ken_run_setting(run, key);
    char *end;
    if (s == NULL) return KEN_OK;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (*s < '0' || *s > '9' || *end != '\0' || errno != 0)
        return ken_fail(err, KEN_EINPUT, "the run is damaged: its setting %s is \"%.40s\"", key, s);
    *out = v;
    return KEN_OK;
}

static int parse_matchers(ken_scoring *s, ken_err *err)
{
    const char *name = ken_run_setting(s->run, "matcher");
    if (name == NULL) name = "em-squad";
    int rc = ken_matcher_parse(&s->r.run, name, err);
    if (rc != KEN_OK) {
        ken_fail_prefix(err, "the run");
        return err->status = KEN_EINPUT;
    }
    const char *stop = ken_run_setting(s->run, "stop");
    if (stop == NULL || stop[0] == '\0') stop = "\n";
    rc = ken_gold_rules_new(&s->r.to, s->o.matcher != NULL ? s->o.matcher : name, stop, NULL, 0, err);
    if (rc == KEN_OK) rc = ken_gold_rules_need_aliases(&s->r.to, 1, s->o.aliases != NULL, err);
    if (rc != KEN_OK || s->o.aliases == NULL) return rc;
    rc = ken_aliases_open(&s->aliases, s->o.aliases, err);
    s->r.aliases = s->aliases;
    return rc;
}

static int parse_options(ken_scoring *s, ken_err *err)
{
    const ken_score_options *o = &s->o;
    ken_rescorer *r = &s->r;
    const char *method = ken_run_setting(s->run, "method"), *budget = ken_run_setting(s->run, "mass_budget");
    uint64_t run_samples = 0, run_prompts = 0;
    uint64_t bounded = 0;
    int rc = setting_u64(s->run, KEN_SCORED_BOUNDED_ROWS, &bounded, err);
    if (rc == KEN_OK && bounded > 0)
        rc = ken_fail(
            err, KEN_EUSAGE,
            "the run holds bounds in place of probabilities, for it was itself scored under another matcher; score "
            "the run that it came from: %s",
            ken_run_setting(s->run, "scored_from") != NULL ? ken_run_setting(s->run, "scored_from") : "?");
    if (rc == KEN_OK) rc = parse_matchers(s, err);
    if (rc == KEN_OK) rc = setting_u64(s->run, "seed", &r->seed, err);
    if (rc == KEN_OK) rc = setting_u64(s->run, "samples", &run_samples, err);
    if (rc == KEN_OK) rc = setting_u64(s->run, "prompts", &run_prompts, err);
    if (rc == KEN_OK) rc = ken_label_rules_set(&r->rules, o->rules, o->n_rules, err);
    if (rc == KEN_OK) rc = ken_check_word(KEN_WORDS_LABEL, o->label, err);
    if (rc != KEN_OK) return rc;
    if (o->prompts < 0 || o->samples < 0 || o->samples > 10000)
        return ken_fail(err, KEN_EUSAGE, "prompts %d, samples %d: expected at least 1, and at most 10000 samples",
                        o->prompts, o->samples);
    if (run_prompts > 0 && o->prompts > 0 && (uint64_t)o->prompts > run_prompts)
        return ken_fail(err, KEN_EUSAGE, "`prompts` %d: the run has only %llu; annotate again with more", o->prompts,
                        (unsigned long long)run_prompts);
    bool fewer = o->samples > 0 && (uint64_t)o->samples != run_samples;
    if (method != NULL && strcmp(method, "sample") == 0 && o->other_seed && !fewer)
        return ken_fail(err, KEN_EUSAGE,
                        "`seed`: the samples of this run were drawn when it was made (`method` sample); another "
                        "seed can only take fewer of them (`samples` N)");
    r->mode = o->label == KEN_LABEL_MODE;
    r->new_draw = fewer || (o->other_seed && o->seed != r->seed);
    if (o->other_seed) r->seed = o->seed;
    r->prompts = o->prompts;
    r->samples = o->samples;
    r->by_rules = o->n_rules > 0;
    r->mass_budget = budget != NULL ? strtod(budget, NULL) : 0.0;
    return KEN_OK;
}

/* ---- counts ------------------------------------------------------------------------------------------------------------ */

/* Expected shares (4) of the row with n of its prompts and c samples each; false where the run has not so many samples. */
static bool expect(const ken_rescorer *r, double *scratch, int n, int c, double share[KEN_UNLABELLED])
{
    if (r->n_all > MOST_CURVE_PROMPTS || (r->drawn != NULL && c > r->n_drawn)) return false;
    for (int i = 0; i < r->n_all; i++) {
        scratch[i] = r->lo[i];
        if (r->how.how == KEN_SCORED_EXACT) scratch[i] = 0.5 * (r->lo[i] + r->hi[i]);
        if (r->drawn != NULL)
            scratch[i] = 1.0 - ken_hypergeometric_miss(r->n_drawn, r->drawn[i], c); /* that one of c is a hit */
    }
    return ken_saturation(r->hit, scratch, r->n_all, n, r->drawn != NULL ? 1 : c, share, NULL) == KEN_OK;
}

static void count(ken_scoring *s)
{
    const ken_rescorer *r = &s->r;
    const ken_scored *how = &r->how;
    ken_score_counts *c = &s->counts;
    c->n++;
    c->moved[how->was][how->category]++;
    bool open = (how->possible & (how->possible - 1)) != 0;
    for (int k = 0; k < KEN_N_CATEGORIES; k++)
        if (how->possible & (1u << k)) (open ? c->may : c->sure)[k]++;
    if ((how->possible & (1u << how->was)) == 0) c->changed++;
    else if (open) c->may_change++;
    if (how->how == KEN_SCORED_NOT) return;
    if (open) c->open++;
    else if (how->how == KEN_SCORED_BOUNDED) c->bounded++;
    else c->exact++;
    c->greedy_changed += how->greedy_lo == how->greedy_hi && how->greedy_lo != r->greedy_was;
    if (r->row.greedy_hits == 0 && !isnan(r->row.p_unknown)) {
        c->expected_unknown += r->row.p_unknown;
        c->sd_unknown += r->row.p_unknown * (1.0 - r->row.p_unknown); /* the variance, until the end */
    }
    double scratch[MOST_CURVE_PROMPTS], share[KEN_UNLABELLED];
    bool there = expect(r, scratch, r->row.prompts, r->row.samples / r->row.prompts, share);
    for (int k = 0; k < KEN_UNLABELLED; k++) c->expected[k] += there ? share[k] : NAN;
    if (s->prompts > 0) return;
    s->prompts = r->row.prompts;
    s->all_prompts = r->n_all;
    s->samples = r->row.samples / r->row.prompts;
}

static void finish_counts(ken_score_counts *c)
{
    uint64_t table[KEN_UNLABELLED * KEN_UNLABELLED];
    for (int i = 0; i < KEN_UNLABELLED; i++)
        for (int j = 0; j < KEN_UNLABELLED; j++) table[i * KEN_UNLABELLED + j] = c->moved[i][j];
    c->kappa = ken_kappa(table, KEN_UNLABELLED, &c->kappa_lo, &c->kappa_hi);
    c->sd_unknown = sqrt(c->sd_unknown);
}

/* Scores row i into s->r. */
static int score_row(ken_scoring *s, size_t i, ken_err *err)
{
    const ken_row *row = ken_run_row(s->run, i, err);
    if (row == NULL) return err != NULL && err->status != KEN_OK ? err->status : KEN_EINPUT;
    if (s->o.poll != NULL && i % POLL_ROWS == 0 && s->o.poll(s->o.ctx) != 0)
        return ken_fail(err, KEN_ESTOP, "interrupted");
    return ken_rescore(&s->r, row, err);
}

/* ---- public ------------------------------------------------------------------------------------------------------------ */

int ken_score(ken_scoring **out, ken_run *run, const ken_score_options *given, ken_err *err)
{
    *out = NULL;
    ken_err own = {0};
    if (err == NULL) err = &own;
    int rc = ken_run_need_annotation(run, err);
    if (rc != KEN_OK) return rc;
    ken_scoring *s = ken_calloc(1, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, "scoring");
    s->run = run;
    s->o = ken_score_defaults();
    rc = KEN_TAKE_OPTIONS(&s->o, given, ken_score_options, err);
    if (rc == KEN_OK) rc = parse_options(s, err);
    for (size_t i = 0; i < ken_run_count(run) && rc == KEN_OK; i++) {
        rc = score_row(s, i, err);
        if (rc == KEN_OK) count(s);
    }
    if (rc != KEN_OK) {
        ken_scoring_free(s);
        return rc;
    }
    finish_counts(&s->counts);
    *out = s;
    return KEN_OK;
}

void ken_scoring_free(ken_scoring *s)
{
    if (s == NULL) return;
    ken_data_free(s->aliases);
    ken_arena_free(&s->r.arena);
    ken_gold_rules_free(&s->r.to);
    ken_free(s);
}

const ken_score_counts *ken_scoring_counts(const ken_scoring *s) { return &s->counts; }
const char *ken_scoring_matcher(const ken_scoring *s) { return s->r.to.matcher.name; }
int ken_scoring_prompts(const ken_scoring *s) { return s->prompts; }
int ken_scoring_all_prompts(const ken_scoring *s) { return s->all_prompts; }
int ken_scoring_samples(const ken_scoring *s) { return s->samples; }
size_t ken_scoring_count(const ken_scoring *s) { return ken_run_count(s->run); }

const ken_row *ken_scoring_row(ken_scoring *s, size_t i, const ken_scored **how, ken_err *err)
{
    ken_err own = {0};
    if (score_row(s, i, err != NULL ? err : &own) != KEN_OK) return NULL;
    if (how != NULL) *how = &s->r.how;
    return &s->r.row;
}

int ken_scoring_curve(ken_scoring *s, const int *prompts, size_t n_prompts, const int *samples, size_t n_samples,
                      double *share, ken_err *err)
{
    size_t cells = n_prompts * n_samples;
    uint64_t rows = 0;
    ken_err own = {0};
    double scratch[MOST_CURVE_PROMPTS], part[KEN_UNLABELLED];
    if (err == NULL) err = &own;
    for (size_t i = 0; i < cells * KEN_UNLABELLED; i++) share[i] = 0.0;
    for (size_t i = 0; i < ken_run_count(s->run); i++) {
        int rc = score_row(s, i, err);
        if (rc != KEN_OK) return rc;
        if (s->r.how.how == KEN_SCORED_NOT) continue;
        rows++;
        for (size_t j = 0; j < cells; j++) {
            int n = prompts[j / n_samples], c = samples[j % n_samples];
            if (n < 1 || n > s->r.n_all || c < 0)
                return ken_fail(err, KEN_EUSAGE,
                                "saturation curve: %d prompts with %d samples each; the run has %d prompts", n, c,
                                s->r.n_all);
            if (s->r.n_all > MOST_CURVE_PROMPTS)
                return ken_fail(err, KEN_EUSAGE, "saturation curve: the run has %d prompts; at most %d are supported",
                                s->r.n_all, MOST_CURVE_PROMPTS);
            bool there = expect(&s->r, scratch, n, c, part);
            for (int k = 0; k < KEN_UNLABELLED; k++) share[j * KEN_UNLABELLED + (size_t)k] += there ? part[k] : NAN;
        }
    }
    for (size_t i = 0; i < cells * KEN_UNLABELLED; i++) share[i] = rows > 0 ? share[i] / (double)rows : NAN;
    return KEN_OK;
}
