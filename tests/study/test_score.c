/* test_score.c - labels again: against the annotation that would have given them, against made-up models whose every answer is known, against
 * enumeration; what is refused; damaged runs; memory that fails. */
#include "../store/rows.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "data/data.h"
#include "know/category.h"
#include "study/rescore.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ken_err err;

/* ---- runs made by hand ------------------------------------------------------------------------------------------------- */

enum { PROMPTS = 4, SAMPLES = 8 };

typedef struct made_prompt {
    bool hit, raw;
    const char *text;
    double text_p, lo, hi, raw_lo, raw_hi;
    const char *other[3];
    double other_p[3];
    const char *drawn[3]; /* sampled runs */
    int count[3];
    bool drawn_hit[3];
} made_prompt;

typedef struct made_fact {
    const char *id, *question, *answer, *second;
    made_prompt p[PROMPTS];
} made_fact;

/* As `ken annotate` fills a row, from the same arithmetic. */
static void make_fact(ken_row *r, ken_prompt_row *q, const char **answers, ken_drawn (*drawn)[3], const made_fact *f,
                      const char *method, int prompts, int samples, uint64_t seed)
{
    bool hit[PROMPTS];
    double lo[PROMPTS], hi[PROMPTS];
    int hits[PROMPTS] = {0};
    ken_knowledge k;
    bool sampled = strcmp(method, "sample") == 0;
    answers[0] = f->answer;
    answers[1] = f->second;
    memset(q, 0, PROMPTS * sizeof *q);
    for (int i = 0; i < prompts; i++) {
        const made_prompt *p = &f->p[i];
        hit[i] = p->hit;
        lo[i] = p->lo;
        hi[i] = p->hi;
        q[i] = (ken_prompt_row){.greedy_hit = p->hit,
                                .greedy_hit_raw = p->raw,
                                .text = p->text,
                                .finish = "newline",
                                .text_p = p->text_p,
                                .margin = 1 + i,
                                .top_gap = 1,
                                .p_lo = p->lo,
                                .p_hi = p->hi,
                                .raw_lo = p->raw_lo,
                                .raw_hi = p->raw_hi,
                                .samples = samples,
                                .drawn = drawn[i]};
        for (int j = 0; j < 3 && p->other[j] != NULL; j++, q[i].n_other++) {
            q[i].other[j].text = p->other[j];
            q[i].other[j].p = p->other_p[j];
        }
        for (int j = 0; j < 3 && p->drawn[j] != NULL && sampled; j++, q[i].n_drawn++) {
            drawn[i][j] = (ken_drawn){p->drawn[j], p->count[j], p->drawn_hit[j]};
            hits[i] += p->drawn_hit[j] ? p->count[j] : 0;
        }
        if (sampled) q[i].p_lo = q[i].p_hi = (double)hits[i] / samples;
    }
    if (sampled) ken_categorize_sampled(&k, hit, hits, prompts, samples);
    else ken_categorize_exact(&k, hit, lo, hi, prompts, samples, seed, f->id, hits);
    for (int i = 0; i < prompts; i++) q[i].hits = hits[i];
    *r = (ken_row){.id = f->id,
                   .relation = "r",
                   .split = "test",
                   .question = f->question,
                   .answers = answers,
                   .n_answers = f->second != NULL ? 2 : 1,
                   .popularity = NAN,
                   .category = k.category,
                   .category_mode = k.category_mode,
                   .p_t0 = k.p_t0,
                   .p_t = k.p_t,
                   .p_t_lo = k.p_t_lo,
                   .p_t_hi = k.p_t_hi,
                   .greedy_hits = k.greedy_hits,
                   .prompts = prompts,
                   .sample_hits = k.sample_hits,
                   .samples = k.samples,
                   .p_unknown = k.p_unknown,
                   .p_unknown_lo = k.p_unknown_lo,
                   .p_unknown_hi = k.p_unknown_hi,
                   .p_flip = k.p_flip,
                   .min_margin = 1,
                   .p_guess = NAN,
                   .lift = NAN,
                   .score = NAN,
                   .flags = k.unsettled ? KEN_FLAG_UNSETTLED : 0,
                   .method = method,
                   .n_prompt_rows = prompts,
                   .prompt_rows = q};
}

static ken_run *make_run(const char *name, const made_fact *f, size_t n, const char *method, const char *matcher,
                         int prompts, int samples, uint64_t seed)
{
    char text[3][32];
    snprintf(text[0], sizeof text[0], "%d", prompts);
    snprintf(text[1], sizeof text[1], "%d", samples);
    snprintf(text[2], sizeof text[2], "%llu", (unsigned long long)seed);
    const ken_setting settings[] = {{"method", method, true},   {"matcher", matcher, true}, {"prompts", text[0], true},
                                    {"samples", text[1], true}, {"seed", text[2], true},    {"stop", "\n", true},
                                    {"mass_budget", "0", true}};
    const char *path = in_folder(name);
    ken_store *s;
    ken_run *run;
    remove(path);
    assert_ok(ken_store_open(&s, path, settings, sizeof settings / sizeof *settings, &err));
    for (size_t i = 0; i < n; i++) {
        ken_row row;
        ken_prompt_row q[PROMPTS];
        ken_drawn drawn[PROMPTS][3];
        const char *answers[2];
        make_fact(&row, q, answers, drawn, &f[i], method, prompts, samples, seed);
        assert_ok(ken_store_put_row(s, i, &row, &err));
    }
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&run, path, &err));
    return run;
}

/* One fact of each category, more of those that a draw decides. */
enum { N_FACTS = 40 };
static made_fact facts[N_FACTS];
static char ids[N_FACTS][16];

static void make_facts(void)
{
    for (int i = 0; i < N_FACTS; i++) {
        snprintf(ids[i], sizeof ids[i], "r/test/%d", i);
        facts[i] = (made_fact){ids[i], "Which city?", "Paris", i % 5 == 0 ? "City of Light" : NULL, {{0}}};
        for (int j = 0; j < PROMPTS; j++) {
            double u = ken_uniform(3, ids[i], strlen(ids[i]), (uint32_t)j, 7, 0);
            made_prompt *p = &facts[i].p[j];
            p->hit = i < 4 || (i < 10 && j % 2 == 0);
            p->raw = p->hit && i % 2 == 0;
            p->text = p->hit ? p->raw ? " Paris" : " paris." : " Lyon";
            p->lo = i < 10 ? u : 0.08 * u * u;
            p->hi = p->lo + 1e-4;
            p->raw_lo = 0.5 * p->lo;
            p->raw_hi = p->raw_lo + 2e-4;
            p->text_p = p->hit ? 0.9 * p->raw_lo : 0.3;
            p->drawn[0] = " Lyon";
            p->drawn[1] = "Paris";
            p->drawn[2] = " in Paris";
            p->count[1] = (int)(u * 3);
            p->count[2] = (i + j) % 2;
            p->count[0] = SAMPLES - p->count[1] - p->count[2];
            p->drawn_hit[1] = true;
        }
    }
}

static ken_scoring *score(ken_run *run, const ken_score_options *o)
{
    ken_scoring *s;
    assert_ok(ken_score(&s, run, o, &err));
    return s;
}

/* ---- where an annotation with these settings is the oracle ------------------------------------------------------------- */

/* Everything a row says, but for the prompts, whose intervals under another matcher are made elsewhere. */
static void same_label(const ken_row *a, const ken_row *b)
{
    assert_int_equal(a->category, b->category);
    assert_int_equal(a->category_mode, b->category_mode);
    assert_int_equal(a->greedy_hits, b->greedy_hits);
    assert_int_equal(a->sample_hits, b->sample_hits);
    assert_int_equal(a->samples, b->samples);
    assert_int_equal(a->prompts, b->prompts);
    assert_int_equal(a->flags, b->flags);
    const double x[][2] = {{a->p_t0, b->p_t0},
                           {a->p_t, b->p_t},
                           {a->p_t_lo, b->p_t_lo},
                           {a->p_t_hi, b->p_t_hi},
                           {a->p_unknown, b->p_unknown},
                           {a->p_unknown_lo, b->p_unknown_lo},
                           {a->p_unknown_hi, b->p_unknown_hi},
                           {a->p_flip, b->p_flip}};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        if (x[i][0] != x[i][1])
            fail_msg("row %s, number %zu: %.17g, an annotation has %.17g", a->id, i, x[i][0], x[i][1]);
}

static void as_an_annotation(const char *method, const ken_score_options *o, int prompts, int samples, uint64_t seed,
                             bool raw)
{
    static made_fact expected[N_FACTS];
    memcpy(expected, facts, sizeof expected);
    for (int i = 0; i < N_FACTS && raw; i++)
        for (int j = 0; j < PROMPTS; j++) {
            made_prompt *p = &expected[i].p[j];
            p->hit = p->raw;
            p->lo = p->raw_lo;
            p->hi = p->raw_hi;
        }
    ken_run *run = make_run("run.ken", facts, N_FACTS, method, "em-squad/1", PROMPTS, SAMPLES, 5);
    ken_run *fresh =
        make_run("fresh.ken", expected, N_FACTS, method, raw ? "em-raw/1" : "em-squad/1", prompts, samples, seed);
    ken_scoring *s = score(run, o);
    const ken_score_counts *c = ken_scoring_counts(s);
    uint64_t changed = 0;
    assert_int_equal(c->exact, N_FACTS);
    assert_int_equal(c->bounded + c->open, 0);
    for (size_t i = 0; i < N_FACTS; i++) {
        const ken_scored *how;
        const ken_row *now = ken_scoring_row(s, i, &how, &err), *want = ken_run_row(fresh, i, &err);
        assert_non_null(now);
        assert_non_null(want);
        assert_int_equal(how->how, KEN_SCORED_EXACT);
        assert_int_equal(how->possible, 1u << want->category);
        ken_row kept = *now;
        if (raw) { /* the store gives no such flag: width of the raw interval against the budget */
            kept.flags &= ~(uint32_t)KEN_FLAG_OPEN_MASS;
        }
        same_label(&kept, want);
        changed += how->was != how->category;
    }
    assert_int_equal(c->changed, changed);
    ken_scoring_free(s);
    ken_run_free(run);
    ken_run_free(fresh);
}

static void what_an_annotation_would_give(void **state)
{
    (void)state;
    ken_score_options o = ken_score_defaults();
    as_an_annotation("exact", NULL, PROMPTS, SAMPLES, 5, false);
    as_an_annotation("exact", &o, PROMPTS, SAMPLES, 5, false);
    o.prompts = 2;
    as_an_annotation("exact", &o, 2, SAMPLES, 5, false);
    o.samples = 3;
    as_an_annotation("exact", &o, 2, 3, 5, false);
    o.prompts = 0;
    o.samples = 500;
    as_an_annotation("exact", &o, PROMPTS, 500, 5, false);
    o = ken_score_defaults();
    o.other_seed = true;
    o.seed = 99;
    as_an_annotation("exact", &o, PROMPTS, SAMPLES, 99, false);
    o = ken_score_defaults();
    o.matcher = "em-raw";
    as_an_annotation("exact", &o, PROMPTS, SAMPLES, 5, true);
    o = ken_score_defaults();
    as_an_annotation("sample", &o, PROMPTS, SAMPLES, 5, false);
    o.prompts = 3;
    as_an_annotation("sample", &o, 3, SAMPLES, 5, false);
    o = ken_score_defaults();
    o.matcher = "em-alias"; /* without a table it accepts what em-squad does */
    as_an_annotation("exact", &o, PROMPTS, SAMPLES, 5, false);
}

static void nothing_asked_nothing_changed(void **state)
{
    (void)state;
    ken_run *run = make_run("same.ken", facts, N_FACTS, "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
    ken_run *again;
    assert_ok(ken_run_open(&again, in_folder("same.ken"), &err));
    ken_scoring *s = score(run, NULL);
    for (size_t i = 0; i < N_FACTS; i++)
        assert_row_equal(ken_scoring_row(s, i, NULL, &err), ken_run_row(again, i, &err));
    assert_int_equal(ken_scoring_counts(s)->changed, 0);
    assert_true(ken_scoring_counts(s)->kappa == 1.0);
    assert_int_equal(ken_scoring_prompts(s), PROMPTS);
    assert_int_equal(ken_scoring_samples(s), SAMPLES);
    assert_string_equal(ken_scoring_matcher(s), "em-squad/1");
    ken_scoring_free(s);
    ken_run_free(run);
    ken_run_free(again);
}

/* ---- bounds: made-up models whose every answer is known ---------------------------------------------------------------- */

static const char *const firsts[] = {" Paris", " paris", " The", " New", " Rome", "\n", " in", "Paris\n", " Ci", ""};
static const char *const seconds[] = {"", ".", " Paris", " York", "ty of Light", " city"};
enum { N_FIRST = 10, N_SECOND = 6, MOST_OTHER = 5 };

typedef struct toy {
    double p[N_FIRST][N_SECOND]; /* of the answer firsts + seconds, cut at the newline; all of it sums to 1 */
} toy;

static void answer_of(int i, int j, char out[64])
{
    snprintf(out, 64, "%s%s", firsts[i], seconds[j]);
    out[strcspn(out, "\n")] = '\0';
}

/* Mass that the matcher accepts; *greedy whether the greedy answer is. */
static double accepted(const toy *t, const ken_accept *a, int gi, int gj, bool *greedy)
{
    double sum = 0;
    char text[64];
    for (int i = 0; i < N_FIRST; i++)
        for (int j = 0; j < N_SECOND; j++) {
            answer_of(i, j, text);
            bool yes = ken_accept_matches(a, text, strlen(text));
            if (yes) sum += t->p[i][j];
            if (i == gi && j == gj) *greedy = yes;
        }
    return sum;
}

static double mass_of(const toy *t, int i)
{
    double sum = 0;
    for (int j = 0; j < N_SECOND; j++) sum += t->p[i][j];
    return sum;
}

static toy make_toy(uint32_t number)
{
    toy t = {{{0}}};
    double all = 0;
    for (int i = 0; i < N_FIRST; i++)
        for (int j = 0; j < (strchr(firsts[i], '\n') != NULL ? 1 : N_SECOND); j++) {
            double u = ken_uniform(11, "toy", 3, number, (uint32_t)i, (uint32_t)j);
            t.p[i][j] = pow(u, 12);
            all += t.p[i][j];
        }
    for (int i = 0; i < N_FIRST; i++)
        for (int j = 0; j < N_SECOND; j++) t.p[i][j] /= all;
    return t;
}

static void prompt_of(const toy *t, const ken_accept *run, const ken_accept *raw, bool texts, made_prompt *p,
                      char text[64], ken_prompt_row *q)
{
    int gi = 0, gj = 0, order[N_FIRST];
    for (int i = 0; i < N_FIRST; i++) {
        order[i] = i;
        for (int k = i; k > 0 && mass_of(t, order[k]) > mass_of(t, order[k - 1]); k--) {
            int swap = order[k];
            order[k] = order[k - 1];
            order[k - 1] = swap;
        }
    }
    gi = order[0];
    for (int j = 0; j < N_SECOND; j++)
        if (t->p[gi][j] > t->p[gi][gj]) gj = j;
    answer_of(gi, gj, text);
    *q = (ken_prompt_row){.finish = "newline",
                          .samples = SAMPLES,
                          .margin = 1,
                          .top_gap = 1,
                          .text = texts ? text : NULL,
                          .text_p = texts ? t->p[gi][gj] : NAN};
    q->p_lo = q->p_hi = accepted(t, run, gi, gj, &q->greedy_hit);
    q->raw_lo = q->raw_hi = accepted(t, raw, gi, gj, &q->greedy_hit_raw);
    for (int i = 0; i < MOST_OTHER; i++) {
        q->other[i].text = firsts[order[i]];
        q->other[i].p = mass_of(t, order[i]);
        q->n_other++;
    }
    *p = (made_prompt){0};
}

static ken_accept *compile(const char *name, const char *const *golds, int n)
{
    ken_matcher m;
    ken_accept *a;
    assert_ok(ken_matcher_parse(&m, name, &err));
    assert_ok(ken_accept_new(&a, &m, golds, n, &err));
    return a;
}

/* Whatever the two matchers: the truth lies within the bounds, and greedy verdicts are exact where texts are stored. */
static void the_truth_lies_within_the_bounds(void **state)
{
    (void)state;
    static const char *const names[] = {"em-raw", "em-squad", "em-alias", "contains", "f1@0.5", "f1@1", "f1@0.8"};
    static const char *const golds[] = {"Paris", "City of Light",
                                        "Rome"}; /* the last is the other name, for em-alias */
    const char *table = in_folder("aliases.json");
    FILE *f = fopen(table, "w");
    assert_non_null(f);
    fputs("{\"Paris\": [\"Rome\"], \"London\": [\"Londinium\"]}", f);
    fclose(f);
    ken_data *aliases;
    assert_ok(ken_aliases_open(&aliases, table, &err));
    ken_accept *raw = compile("em-raw", golds, 2);
    double closest = 1;
    int exact = 0;
    for (size_t from = 0; from < 3; from++) /* exact runs have the em family only */
        for (size_t to = 0; to < sizeof names / sizeof *names; to++)
            for (uint32_t number = 0; number < 60; number++) {
                bool texts = number % 3 != 0, with_table = to == 2 && number % 2 == 0, greedy = false;
                ken_accept *a = compile(names[from], golds, from == 2 ? 3 : 2);
                /* em-alias without a table, asked of a run of another matcher, is em-squad; of a run of em-alias it is the run's own */
                ken_accept *b = compile(names[to], golds, to == 2 && (with_table || from == 2) ? 3 : 2);
                ken_rescorer r = {.stop = "\n", .seed = number, .aliases = with_table ? aliases : NULL};
                assert_ok(ken_matcher_parse(&r.run, names[from], &err));
                assert_ok(ken_matcher_parse(&r.to, names[to], &err));
                toy t = make_toy(number);
                made_prompt p;
                char text[64];
                ken_prompt_row q;
                prompt_of(&t, a, raw, texts, &p, text, &q);
                ken_row row = {.id = "x",
                               .relation = "",
                               .split = "",
                               .question = "?",
                               .answers = golds,
                               .n_answers = 2,
                               .prompts = 1,
                               .samples = SAMPLES,
                               .n_prompt_rows = 1,
                               .prompt_rows = &q,
                               .method = "exact",
                               .category = KEN_UNKNOWN,
                               .greedy_hits = q.greedy_hit};
                assert_ok(ken_rescore(&r, &row, &err));
                bool verdict = ken_accept_matches(b, text, strlen(text));
                double truth = accepted(&t, b, -1, -1, &greedy);
                if (r.lo[0] > truth + 1e-12 || r.hi[0] < truth - 1e-12)
                    fail_msg("%s run as %s, model %u: %.6f is not in [%.6f, %.6f]", names[from], names[to], number,
                             truth, r.lo[0], r.hi[0]);
                if (r.how.greedy_lo > verdict || r.how.greedy_hi < verdict)
                    fail_msg("%s run as %s, model %u: \"%s\" has %d to %d hits", names[from], names[to], number, text,
                             r.how.greedy_lo, r.how.greedy_hi);
                if (texts) assert_int_equal(r.how.greedy_lo, r.how.greedy_hi);
                if (r.how.how == KEN_SCORED_EXACT) {
                    assert_true(fabs(r.lo[0] - truth) < 1e-12 && fabs(r.hi[0] - truth) < 1e-12);
                    exact++;
                } else closest = fmin(closest, r.hi[0] - r.lo[0]);
                ken_arena_free(&r.arena);
                ken_accept_free(a);
                ken_accept_free(b);
            }
    assert_int_equal(exact,
                     60 * 5);    /* em-raw always, the same matcher, em-alias without a table of a run of em-squad */
    assert_true(closest < 0.05); /* the bounds are of use */
    ken_accept_free(raw);
    ken_data_free(aliases);
}

static void which_matcher_is_within_which(void **state)
{
    (void)state;
    static const char *const names[] = {"em-raw", "em-squad", "em-alias", "contains", "f1@0.5", "f1@1"};
    static const char *const golds[] = {"The The", "Paris", "!!!", "the City of Paris", "New New York"};
    static const char *const texts[] = {"The The",
                                        "the",
                                        " paris",
                                        "Paris Paris",
                                        "!!!",
                                        "city of paris",
                                        "Paris, city of",
                                        "york new new",
                                        "",
                                        "New York",
                                        "the city of Paris, France",
                                        " Paris "};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            ken_matcher a, b;
            assert_ok(ken_matcher_parse(&a, names[i], &err));
            assert_ok(ken_matcher_parse(&b, names[j], &err));
            for (size_t g = 0; g < 5; g++) {
                ken_accept *x = compile(names[i], &golds[g], 1), *y = compile(names[j], &golds[g], 1);
                for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
                    if (ken_matcher_within(&a, &b) && ken_accept_matches(x, texts[k], strlen(texts[k])) &&
                        !ken_accept_matches(y, texts[k], strlen(texts[k])))
                        fail_msg("\"%s\" for \"%s\": accepted by %s, not by %s", texts[k], golds[g], names[i],
                                 names[j]);
                ken_accept_free(x);
                ken_accept_free(y);
            }
            assert_int_equal(ken_matcher_within(&a, &b) && ken_matcher_within(&b, &a), i == j);
        }
}

/* By hand: what is certain, what is open, and what the table says of it. */
static void bounds_by_hand(void **state)
{
    (void)state;
    static const made_fact three[] = {
        /* wider: "in Paris" is a hit of contains; certainly MaybeKnown */
        {"a",
         "?",
         "Paris",
         NULL,
         {{.text = " in Paris", .text_p = 0.4, .lo = 0.2, .hi = 0.2},
          {.text = " Lyon", .text_p = 0.5, .lo = 0.1, .hi = 0.1}}},
        /* no greedy hit; the draw may or may not hit: open */
        {"b", "?", "Paris", NULL, {{.text = " Lyon", .text_p = 0.25}, {.text = " Rome", .text_p = 0.5}}},
        /* nothing is left over: the greedy answers have all the mass; certainly Unknown */
        {"c", "?", "Paris", NULL, {{.text = " Lyon", .text_p = 1}, {.text = " Rome", .text_p = 1}}},
    };
    ken_run *run = make_run("hand.ken", three, 3, "exact", "em-squad/1", 2, SAMPLES, 0);
    ken_score_options o = ken_score_defaults();
    o.matcher = "contains";
    ken_scoring *s = score(run, &o);
    const ken_score_counts *c = ken_scoring_counts(s);
    const ken_scored *how;
    const ken_row *r = ken_scoring_row(s, 0, &how, &err);
    assert_int_equal(how->possible, 1u << KEN_MAYBE_KNOWN);
    assert_int_equal(how->how, KEN_SCORED_BOUNDED);
    assert_true(fabs(r->prompt_rows[0].p_lo - 0.6) < 1e-12); /* 0.2 of em-squad, 0.4 of the greedy answer */
    assert_true(fabs(r->prompt_rows[0].p_hi - 1.0) < 1e-12);
    assert_true(fabs(r->prompt_rows[1].p_lo - 0.1) < 1e-12);
    assert_true(fabs(r->prompt_rows[1].p_hi - 0.5) < 1e-12); /* the greedy answer is not it */
    assert_int_equal(r->greedy_hits, 1);
    r = ken_scoring_row(s, 1, &how, &err);
    assert_int_equal(how->possible, 1u << KEN_WEAKLY_KNOWN | 1u << KEN_UNKNOWN);
    assert_int_equal(r->category, KEN_UNKNOWN);
    assert_int_equal(r->flags & KEN_FLAG_UNSETTLED, KEN_FLAG_UNSETTLED);
    assert_true(fabs(r->p_t_lo - 0.0) < 1e-12 && fabs(r->p_t_hi - 0.625) < 1e-12);
    r = ken_scoring_row(s, 2, &how, &err);
    assert_int_equal(r->category, KEN_UNKNOWN);
    assert_int_equal(how->possible, 1u << KEN_UNKNOWN);
    assert_int_equal(c->bounded, 2);
    assert_int_equal(c->open, 1);
    assert_int_equal(c->exact, 0);
    assert_int_equal(c->sure[KEN_MAYBE_KNOWN], 1);
    assert_int_equal(c->sure[KEN_UNKNOWN], 1);
    assert_int_equal(c->may[KEN_UNKNOWN], 1);
    assert_int_equal(c->may[KEN_WEAKLY_KNOWN], 1);
    assert_int_equal(c->greedy_changed, 1);
    ken_run *saved; /* what holds bounds only is not scored again as if they were probabilities */
    ken_scoring *again;
    assert_ok(ken_scoring_save(s, in_folder("bounds.ken"), &err));
    assert_ok(ken_run_open(&saved, in_folder("bounds.ken"), &err));
    assert_int_equal(ken_score(&again, saved, NULL, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "hand.ken"));
    ken_run_free(saved);
    ken_scoring_free(s);

    o.threshold = "HighlyKnown:p_t>=0.3,Unknown";
    s = score(run, &o);
    ken_scoring_row(s, 0, &how, &err);
    assert_int_equal(how->possible, 1u << KEN_HIGHLY_KNOWN); /* [0.35, 0.75] */
    ken_scoring_row(s, 1, &how, &err);
    assert_int_equal(how->possible, 1u << KEN_HIGHLY_KNOWN | 1u << KEN_UNKNOWN); /* [0, 0.625] */
    assert_int_equal(how->category, KEN_UNKNOWN);
    ken_scoring_free(s);
    ken_run_free(run);

    /* Without texts the verdicts are open too, but never below what the run's own say. */
    made_fact silent = three[0];
    silent.p[0] = (made_prompt){.hit = true, .lo = 0.5, .hi = 0.5};
    silent.p[1] = (made_prompt){.lo = 0.1, .hi = 0.1};
    run = make_run("silent.ken", &silent, 1, "exact", "em-squad/1", 2, SAMPLES, 0);
    o.threshold = NULL;
    s = score(run, &o);
    r = ken_scoring_row(s, 0, &how, &err);
    assert_int_equal(how->greedy_lo, 1);
    assert_int_equal(how->greedy_hi, 2);
    assert_int_equal(how->possible, 1u << KEN_HIGHLY_KNOWN | 1u << KEN_MAYBE_KNOWN);
    assert_int_equal(r->category, KEN_MAYBE_KNOWN);
    ken_scoring_free(s);
    ken_run_free(run);
}

static void golds_that_em_raw_cannot_accept(void **state)
{
    (void)state;
    static const made_fact two[] = {
        {"a", "?", "New\nYork", NULL, {{.hit = true, .text = " New York", .text_p = 0.4, .lo = 0.4, .hi = 0.4}}},
        {"b", "?", "New\nYork", "Paris", {{.hit = true, .text = " New York", .text_p = 0.4, .lo = 0.4, .hi = 0.4}}}};
    ken_run *run = make_run("newline.ken", two, 2, "exact", "em-squad/1", 1, SAMPLES, 0);
    ken_score_options o = ken_score_defaults();
    o.matcher = "em-raw";
    ken_scoring *s = score(run, &o);
    const ken_scored *how;
    const ken_row *r = ken_scoring_row(s, 0, &how, &err);
    assert_int_equal(how->how, KEN_SCORED_NOT);
    assert_int_equal(r->category, KEN_UNLABELLED);
    assert_true(r->flags & KEN_FLAG_GOLD_HAS_STOP);
    assert_true(isnan(r->p_t));
    r = ken_scoring_row(s, 1, &how, &err);
    assert_int_equal(r->category, KEN_UNKNOWN);
    assert_int_equal(ken_scoring_counts(s)->sure[KEN_UNLABELLED], 1);
    assert_int_equal(ken_scoring_counts(s)->changed, 2);
    ken_scoring_free(s);
    ken_run_free(run);
}

/* ---- sampled runs ------------------------------------------------------------------------------------------------------ */

static void drawn_texts_are_matched_again(void **state)
{
    (void)state;
    ken_run *run = make_run("drawn.ken", facts, N_FACTS, "sample", "em-squad/1", PROMPTS, SAMPLES, 5);
    ken_score_options o = ken_score_defaults();
    o.matcher = "contains";
    ken_scoring *s = score(run, &o);
    assert_int_equal(ken_scoring_counts(s)->exact, N_FACTS);
    for (size_t i = 0; i < N_FACTS; i++) {
        const ken_scored *how;
        const ken_row *r = ken_scoring_row(s, i, &how, &err);
        int hits = 0, greedy = 0;
        for (int j = 0; j < PROMPTS; j++) {
            hits += facts[i].p[j].count[1] + facts[i].p[j].count[2];
            greedy += facts[i].p[j].hit;
        }
        assert_int_equal(r->sample_hits, hits);
        assert_int_equal(r->greedy_hits, greedy);
        assert_true(fabs(r->p_t - (double)hits / (PROMPTS * SAMPLES)) < 1e-15);
        assert_int_equal(how->possible, 1u << r->category);
    }
    ken_scoring_free(s);

    /* Fewer samples: some of those that there are; as many as there are: all of them. */
    o = ken_score_defaults();
    o.samples = 3;
    s = score(run, &o);
    for (size_t i = 0; i < N_FACTS; i++) {
        const ken_row *r = ken_scoring_row(s, i, NULL, &err);
        assert_int_equal(r->samples, 3 * PROMPTS);
        for (int j = 0; j < PROMPTS; j++) {
            int k = r->prompt_rows[j].hits, all = facts[i].p[j].count[1];
            assert_true(k >= 0 && k <= all && k <= 3 && 3 - k <= SAMPLES - all);
        }
    }
    ken_scoring_free(s);
    o.samples = SAMPLES + 1;
    assert_int_equal(ken_score(&s, run, &o, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "8 drawn texts a prompt"));
    o = ken_score_defaults();
    o.other_seed = true;
    assert_int_equal(ken_score(&s, run, &o, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "--seed"));
    ken_run_free(run);
}

/* Hypergeometric: the shares of u that give k hits, against binomial coefficients. */
static void samples_taken_without_replacement(void **state)
{
    (void)state;
    enum { TOTAL = 7, STEPS = 20000 };
    static const double choose[TOTAL + 1] = {1, 7, 21, 35, 35, 21, 7, 1};
    for (int hits = 0; hits <= TOTAL; hits++)
        for (int n = 0; n <= TOTAL; n++) {
            int count[TOTAL + 1] = {0}, last = 0;
            for (int i = 0; i < STEPS; i++) {
                int k = ken_thin(TOTAL, hits, n, (i + 0.5) / STEPS);
                assert_true(k >= last && k <= n && k <= hits);
                count[k]++;
                last = k;
            }
            for (int k = 0; k <= n && k <= hits; k++) {
                double c = 1;
                for (int j = 0; j < k; j++) c *= (double)(hits - j) / (j + 1);
                for (int j = 0; j < n - k; j++) c *= fmax(0, (double)(TOTAL - hits - j)) / (j + 1);
                double expected = c / choose[n];
                if (fabs(expected - (double)count[k] / STEPS) > 2.0 / STEPS)
                    fail_msg("%d of %d, %d taken: P(%d) = %g, not %g", hits, TOTAL, n, k, expected,
                             (double)count[k] / STEPS);
                if (k == 0) assert_true(fabs(expected - ken_thin_miss(TOTAL, hits, n)) < 1e-12);
            }
        }
}

/* ---- curve ------------------------------------------------------------------------------------------------------------- */

/* Every choice of n prompts, by enumeration. */
static void enumerate(const made_fact *f, bool sampled, int n, int c, double share[4])
{
    int choices = 0;
    memset(share, 0, 4 * sizeof *share);
    for (unsigned set = 0; set < 1u << PROMPTS; set++) {
        int size = 0, g = 0;
        double miss = 1;
        for (int i = 0; i < PROMPTS; i++) {
            if (!(set & (1u << i))) continue;
            const made_prompt *p = &f->p[i];
            size++;
            g += p->hit;
            if (sampled)
                for (int j = 0; j < c; j++) miss *= fmax(0, (double)(SAMPLES - p->count[1] - j)) / (SAMPLES - j);
            else miss *= pow(1 - 0.5 * (p->lo + p->hi), c);
        }
        if (size != n) continue;
        choices++;
        if (g == n) share[KEN_HIGHLY_KNOWN]++;
        else if (g > 0) share[KEN_MAYBE_KNOWN]++;
        else {
            share[KEN_WEAKLY_KNOWN] += 1 - miss;
            share[KEN_UNKNOWN] += miss;
        }
    }
    for (int k = 0; k < 4; k++) share[k] /= choices;
}

static void curve_by_enumeration(void **state)
{
    (void)state;
    static const int prompts[] = {1, 2, 3, 4}, samples[] = {1, 3, 8, 20};
    double share[4][4][4];
    for (int sampled = 0; sampled < 2; sampled++) {
        ken_run *run =
            make_run("curve.ken", facts, N_FACTS, sampled ? "sample" : "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
        ken_scoring *s = score(run, NULL);
        assert_ok(ken_scoring_curve(s, prompts, 4, samples, 4, &share[0][0][0], &err));
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                double sum[4] = {0}, one[4];
                for (int f = 0; f < N_FACTS; f++) {
                    enumerate(&facts[f], sampled, prompts[i], samples[j], one);
                    for (int k = 0; k < 4; k++) sum[k] += one[k] / N_FACTS;
                }
                for (int k = 0; k < 4; k++) {
                    if (sampled && samples[j] > SAMPLES) assert_true(isnan(share[i][j][k]));
                    else if (fabs(sum[k] - share[i][j][k]) > 1e-12)
                        fail_msg("%d prompts, %d samples, %s: %.15g, not %.15g", prompts[i], samples[j],
                                 ken_category_name(k), share[i][j][k], sum[k]);
                }
            }
        assert_int_equal(ken_scoring_curve(s, (const int[]){5}, 1, samples, 1, &share[0][0][0], &err), KEN_EUSAGE);
        ken_scoring_free(s);
        ken_run_free(run);
    }
}

/* ---- thresholds -------------------------------------------------------------------------------------------------------- */

static void thresholds(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Known",
                                      "HighlyKnown:",
                                      "HighlyKnown:p_t",
                                      "HighlyKnown:p_t>=",
                                      "HighlyKnown:p_t>=x",
                                      "HighlyKnown:p_t>=0.5,",
                                      "HighlyKnown:p_t>=1.5",
                                      "HighlyKnown:p_t>=-1",
                                      "HighlyKnown:p_t=0.5",
                                      "HighlyKnown:p>0.5",
                                      "HighlyKnown:p_t>=nan",
                                      "HighlyKnown:p_t>=0.5 MaybeKnown",
                                      "Unknown,HighlyKnown:p_t>=0.5",
                                      "unlabelled",
                                      "HighlyKnown:p_t>=0.5;Unknown"};
    ken_label_rules r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ken_label_rules_parse(&r, bad[i], &err) != KEN_EUSAGE) fail_msg("\"%s\" was taken", bad[i]);
    char many[1000] = "";
    for (size_t i = 0, at = 0; i <= KEN_MAX_RULES; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, "%sMaybeKnown:p_t>0.1", i > 0 ? "," : "");
    assert_int_equal(ken_label_rules_parse(&r, many, &err), KEN_EUSAGE);

    assert_ok(
        ken_label_rules_parse(&r, " HighlyKnown : p_t >= 0.5 , MaybeKnown:p_t0>0, WeaklyKnown:p_unknown<0.5", &err));
    assert_int_equal(r.n, 3);
    static const struct {
        double p_t0, p_t, p_unknown;
        unsigned otherwise, expected;
    } cases[] = {
        {0, 0.5, 1, 8, 1},   {0, 0.499, 1, 8, 8}, {0.1, 0.499, 1, 8, 2}, {0, 0.1, 0.49, 8, 4},
        {0, 0.1, 0.5, 8, 8}, {1, 1, 0, 8, 1},     {0, NAN, NAN, 4, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_label_values v = {{cases[i].p_t0, cases[i].p_t0},
                              {cases[i].p_t, cases[i].p_t},
                              {cases[i].p_unknown, cases[i].p_unknown},
                              cases[i].otherwise};
        assert_int_equal(ken_label_rules_apply(&r, &v), cases[i].expected);
    }
    ken_label_values open = {{0, 0.1}, {0.4, 0.6}, {0.2, 0.9}, 8};
    assert_int_equal(ken_label_rules_apply(&r, &open), 1 + 2 + 4 + 8);

    ken_run *run = make_run("rules.ken", facts, N_FACTS, "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
    ken_score_options o = ken_score_defaults();
    o.threshold = "Unknown:p_unknown>=0.5,HighlyKnown:p_t0>=1,MaybeKnown:p_t0>0,WeaklyKnown"; /* what label=mode does */
    ken_scoring *s = score(run, &o);
    ken_score_options mode = ken_score_defaults();
    mode.label = "mode";
    ken_run *again;
    assert_ok(ken_run_open(&again, in_folder("rules.ken"), &err));
    ken_scoring *t = score(again, &mode);
    uint64_t moved = 0;
    for (size_t i = 0; i < N_FACTS; i++) {
        const ken_row *a = ken_scoring_row(s, i, NULL, &err), *b = ken_scoring_row(t, i, NULL, &err);
        assert_int_equal(a->category, b->category);
        assert_true(isnan(a->p_flip));
        moved += a->category != ken_run_row(run, i, &err)->category;
    }
    assert_true(moved > 0); /* the facts hold rows whose draw is not the more probable label */
    assert_int_equal(ken_scoring_counts(s)->changed, moved);
    ken_scoring_free(s);
    ken_scoring_free(t);
    ken_run_free(run);
    ken_run_free(again);
}

/* ---- agreement --------------------------------------------------------------------------------------------------------- */

static void agreement_by_hand(void **state)
{
    (void)state;
    static made_fact a[N_FACTS], b[N_FACTS];
    memcpy(a, facts, sizeof a);
    memcpy(b, facts, sizeof b);
    for (int j = 0; j < PROMPTS; j++) b[0].p[j].hit = j > 0; /* HighlyKnown becomes MaybeKnown */
    for (int j = 0; j < PROMPTS; j++) b[5].p[j].hit = false; /* MaybeKnown loses its hits, and its mass */
    for (int j = 0; j < PROMPTS; j++) b[5].p[j].lo = b[5].p[j].hi = 0;
    b[7].question = "Which town?";
    b[8].id = "elsewhere";
    ken_run *ra = make_run("a.ken", a, N_FACTS, "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
    ken_run *rb = make_run("b.ken", b, N_FACTS, "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
    ken_scoring *sa = score(ra, NULL), *sb = score(rb, NULL);
    ken_agreement x;
    assert_ok(ken_agree(&x, sa, sb, &err));
    assert_int_equal(x.only_a, 1);
    assert_int_equal(x.only_b, 1);
    assert_int_equal(x.other_question, 1);
    assert_int_equal(x.all.n, N_FACTS - 2);
    assert_int_equal(x.all.same, N_FACTS - 4);
    assert_int_equal(x.moved[KEN_HIGHLY_KNOWN][KEN_MAYBE_KNOWN], 1);
    assert_int_equal(x.moved[KEN_MAYBE_KNOWN][KEN_UNKNOWN], 1);
    assert_int_equal(x.known.same, N_FACTS - 3);
    assert_int_equal(x.greedy.n, 10 - 3);
    assert_int_equal(x.greedy.same, 10 - 4);
    assert_int_equal(x.hk, 4);
    assert_int_equal(x.hk_again, 3);
    assert_true(fabs(x.hk_again_predicted - ken_prob_hk_again(PROMPTS, PROMPTS)) < 1e-12);
    double kept = 0;
    for (size_t i = 0; i < N_FACTS; i++)
        if (i != 7 && i != 8) kept += 1 - ken_run_row(ra, i, &err)->p_flip;
    assert_true(fabs(x.predicted - kept / (N_FACTS - 2)) < 1e-12);
    /* HighlyKnown | MaybeKnown: 3 and 3 alike, 1 otherwise: (6/7 - pe) / (1 - pe) with pe = (4*3 + 3*4) / 49 */
    double pe = 24.0 / 49, po = 6.0 / 7;
    assert_true(fabs(x.greedy.kappa - (po - pe) / (1 - pe)) < 1e-12);
    ken_scoring_free(sb);
    ken_run_free(rb);

    for (int i = 0; i < N_FACTS; i++) b[i].question = "Else?";
    rb = make_run("b.ken", b, N_FACTS, "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
    sb = score(rb, NULL);
    assert_int_equal(ken_agree(&x, sa, sb, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "no fact in common"));
    ken_scoring_free(sa);
    ken_scoring_free(sb);
    ken_run_free(ra);
    ken_run_free(rb);
}

/* ---- a run of the new labels, a sheet to check by hand ----------------------------------------------------------------- */

static void saved_and_read_back(void **state)
{
    (void)state;
    static const char *const exemplar[] = {"r/dev/1"};
    ken_run *run = make_run("source.ken", facts, N_FACTS, "sample", "em-squad/1", PROMPTS, SAMPLES, 5), *saved;
    ken_run_free(run);
    const ken_setting settings[] = {{"method", "sample", true}, {"matcher", "em-squad/1", true},
                                    {"prompts", "4", true},     {"samples", "8", true},
                                    {"seed", "5", true},        {"stop", "\n", true},
                                    {"mass_budget", "0", true}};
    ken_store *store;
    assert_ok(ken_store_open(&store, in_folder("source.ken"), settings, 7, &err));
    for (int set = 0; set < PROMPTS; set++)
        assert_ok(ken_store_put_exemplars(store, "r", set, exemplar, 1, "Q: 1\nA: 2\n", &err));
    assert_ok(ken_store_add_cost(store, 1234, 5.5, &err));
    assert_ok(ken_store_close(store, &err));
    assert_ok(ken_run_open(&run, in_folder("source.ken"), &err));
    ken_score_options o = ken_score_defaults();
    o.matcher = "contains";
    o.prompts = 3;
    o.label = "mode";
    ken_scoring *s = score(run, &o);
    for (int again = 0; again < 2; again++) assert_ok(ken_scoring_save(s, in_folder("saved.ken"), &err));
    assert_ok(ken_run_open(&saved, in_folder("saved.ken"), &err));
    assert_int_equal(ken_run_count(saved), N_FACTS);
    assert_true(ken_run_complete(saved));
    for (size_t i = 0; i < N_FACTS; i++)
        assert_row_equal(ken_scoring_row(s, i, NULL, &err), ken_run_row(saved, i, &err));
    static const char *const said[][2] = {
        {"matcher", "contains/1"}, {"prompts", "3"},     {"samples", "8"}, {"scored_from", "source.ken"},
        {"scored_label", "mode"},  {"scored_open", "0"}, {"seed", "5"},    {"token_forwards", "1234"},
        {"method", "sample"}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        assert_string_equal(ken_run_setting(saved, said[i][0]), said[i][1]);
    char *text;
    assert_ok(ken_run_exemplars(saved, "r", 2, &text, &err));
    assert_string_equal(text, "Q: 1\nA: 2\n");
    ken_free(text);
    assert_int_equal(ken_run_exemplars(saved, "r", 3, &text, &err), KEN_EINPUT);
    ken_run_free(saved);

    /* Nothing else is replaced, and no annotation goes on with it. */
    assert_int_equal(ken_scoring_save(s, in_folder("source.ken"), &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "not made by ken score"));
    assert_int_equal(ken_store_open(&store, in_folder("saved.ken"), settings, 7, &err), KEN_EINPUT);
    assert_int_not_equal(ken_scoring_save(s, in_folder("none/saved.ken"), &err), KEN_OK);

    int rc = KEN_ENOMEM;
    remove(in_folder("memory.ken"));
    for (long at = 1; rc != KEN_OK; at += 7) {
        ken_alloc_fail_after(at);
        rc = ken_scoring_save(s, in_folder("memory.ken"), &err);
        ken_alloc_fail_after(0);
        if (rc == KEN_OK) break;
        assert_int_equal(rc, KEN_ENOMEM);
        assert_null(fopen(in_folder("memory.ken"), "r"));
    }
    ken_scoring_free(s);
    ken_run_free(run);
}

static void audit_sheet(void **state)
{
    (void)state;
    static made_fact quoted[N_FACTS];
    memcpy(quoted, facts, sizeof quoted);
    for (int i = 0; i < N_FACTS; i++) {
        quoted[i].question = "Which \"city\",\nplease?";
        for (int j = 0; j < PROMPTS; j++)
            if (!quoted[i].p[j].hit) quoted[i].p[j].text = " =1+1";
    }
    ken_run *run = make_run("audit.ken", quoted, N_FACTS, "sample", "em-squad/1", PROMPTS, SAMPLES, 5);
    ken_scoring *s = score(run, NULL);
    size_t n;
    char line[300], first[2][4000] = {"", ""};
    for (int again = 0; again < 2; again++) {
        assert_ok(ken_scoring_audit(s, 21, 9, in_folder("sheet.csv"), &n, &err));
        assert_int_equal(n, 21);
        FILE *f = fopen(in_folder("sheet.csv"), "r");
        assert_non_null(f);
        int greedy = 0, sampled = 0;
        assert_non_null(fgets(line, sizeof line, f));
        assert_string_equal(line, "id,relation,question,answers,prediction,decoding,prompt,category,matcher,verdict\n");
        while (fgets(line, sizeof line, f) != NULL) {
            strncat(first[again], line, sizeof first[again] - strlen(first[again]) - 1);
            if (strncmp(line, "\"r/test/", 8) == 0) {
                assert_non_null(strstr(line, "\"Which \"\"city\"\",\n"));
                continue;
            }
            assert_ptr_equal(strstr(line, "please?\",\"Paris"), line);
            if (strstr(line, ",greedy,") != NULL) {
                greedy++;
                assert_non_null(strstr(line, "\"'=1+1\""));
            } else {
                sampled++;
                assert_true(strstr(line, "\"Lyon\",sampled,") != NULL || strstr(line, "\"in Paris\",sampled,") != NULL);
            }
        }
        fclose(f);
        assert_int_equal(greedy, 11);
        assert_int_equal(sampled, 10);
    }
    assert_string_equal(first[0], first[1]);
    assert_int_equal(ken_scoring_audit(s, 0, 9, in_folder("sheet.csv"), &n, &err), KEN_EUSAGE);
    assert_int_not_equal(ken_scoring_audit(s, 3, 9, in_folder("none/sheet.csv"), &n, &err), KEN_OK);
    ken_scoring_free(s);
    ken_run_free(run);
    run = make_run("all-right.ken", facts, 2, "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
    s = score(run, NULL);
    assert_int_equal(ken_scoring_audit(s, 5, 9, in_folder("sheet.csv"), &n, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "nothing to check"));
    ken_scoring_free(s);
    ken_run_free(run);
}

/* ---- what is refused, damaged runs, memory ----------------------------------------------------------------------------- */

static void refuse(ken_run *run, ken_score_options o, int status, const char *says)
{
    ken_scoring *s;
    assert_int_equal(ken_score(&s, run, &o, &err), status);
    assert_null(s);
    if (strstr(err.msg, says) == NULL) fail_msg("expected \"%s\" in: %s", says, err.msg);
}

static void refusals(void **state)
{
    (void)state;
    ken_run *run = make_run("no.ken", facts, N_FACTS, "exact", "em-squad/1", PROMPTS, SAMPLES, 5);
    refuse(run, (ken_score_options){.matcher = "nonsense"}, KEN_EUSAGE, "unknown matcher");
    refuse(run, (ken_score_options){.prompts = PROMPTS + 1}, KEN_EUSAGE, "--prompts 5: the run has only 4");
    refuse(run, (ken_score_options){.prompts = -1}, KEN_EUSAGE, "at least 1");
    refuse(run, (ken_score_options){.samples = 10001}, KEN_EUSAGE, "10000");
    refuse(run, (ken_score_options){.label = "best"}, KEN_EUSAGE, "draw or mode");
    refuse(run, (ken_score_options){.threshold = "Unknown:p_t"}, KEN_EUSAGE, "makes no sense");
    refuse(run, (ken_score_options){.aliases = "x.json"}, KEN_EUSAGE, "only em-alias");
    refuse(run, (ken_score_options){.matcher = "em-alias", .aliases = in_folder("none.json")}, KEN_EINPUT, "none.json");
    ken_run_free(run);

    run = make_run("strange.ken", facts, 2, "exact", "em-future/9", PROMPTS, SAMPLES, 5);
    refuse(run, ken_score_defaults(), KEN_EINPUT, "the run: matcher \"em-future/9\"");
    ken_run_free(run);

    static made_fact short_of[1];
    memcpy(short_of, facts, sizeof short_of);
    short_of[0].p[2].count[0]--;
    run = make_run("short.ken", short_of, 1, "sample", "em-squad/1", PROMPTS, SAMPLES, 5);
    refuse(run, (ken_score_options){.matcher = "contains"}, KEN_EINPUT,
           "row r/test/0: prompt 2: 7 drawn texts are stored of 8 samples");
    ken_run_free(run);
}

/* Rows of which every field is noise: whatever comes, it ends well. */
static void rows_of_noise(void **state)
{
    (void)state;
    static const char *const matchers[] = {NULL, "em-raw", "em-squad", "em-alias", "contains", "f1@0.5"};
    static made_row m;
    int scored = 0;
    for (uint64_t i = 0; i < 300; i++) {
        const ken_row *row = make_row(&m, i);
        ken_rescorer r = {.stop = i % 7 == 0 ? "ab" : "\n",
                          .seed = i,
                          .prompts = (int)(i % 4) * 3,
                          .samples = (int)(i % 3) * 5,
                          .mode = i % 2};
        assert_ok(ken_matcher_parse(&r.run, "em-squad", &err));
        assert_ok(ken_matcher_parse(&r.to, matchers[i % 6] != NULL ? matchers[i % 6] : "em-squad", &err));
        int rc = ken_rescore(&r, row, &err);
        if (rc == KEN_OK) {
            assert_true(r.how.possible != 0 && (r.how.possible & (1u << r.how.category)) != 0);
            for (int k = 0;
                 k < r.n_all && r.lo != NULL && strcmp(row->method, "exact") == 0 && r.how.how == KEN_SCORED_BOUNDED;
                 k++)
                assert_true(r.lo[k] >= 0 && r.lo[k] <= r.hi[k] && r.hi[k] <= 1);
            scored++;
        } else assert_true(rc == KEN_EINPUT || rc == KEN_EUSAGE);
        ken_arena_free(&r.arena);
    }
    if (scored <= 100) fail_msg("only %d of 300 rows were scored", scored);
}

static void allocations_that_fail(void **state)
{
    (void)state;
    const char *table = in_folder("memory.json");
    FILE *f = fopen(table, "w");
    assert_non_null(f);
    fputs("{\"Paris\": [\"Lutetia\"]}", f);
    fclose(f);
    ken_run *run = make_run("memory.ken", facts, 6, "exact", "em-squad/1", PROMPTS, SAMPLES, 5), *other;
    assert_ok(ken_run_open(&other, in_folder("memory.ken"), &err));
    ken_score_options o = ken_score_defaults();
    o.matcher = "em-alias";
    o.aliases = table;
    o.prompts = 3;
    int rc = KEN_ENOMEM;
    for (long at = 1; rc != KEN_OK; at++) {
        ken_scoring *s = NULL, *t = NULL;
        ken_agreement x;
        assert_true(at < 5000);
        ken_alloc_fail_after(at);
        rc = ken_score(&s, run, &o, &err);
        if (rc == KEN_OK) rc = ken_score(&t, other, NULL, &err);
        if (rc == KEN_OK) rc = ken_agree(&x, s, t, &err);
        ken_alloc_fail_after(0);
        if (rc != KEN_OK) assert_int_equal(rc, KEN_ENOMEM);
        else assert_int_equal(x.all.n, 6);
        ken_scoring_free(s);
        ken_scoring_free(t);
    }
    ken_scoring_free(NULL);
    ken_run_free(run);
    ken_run_free(other);
}

int main(void)
{
    make_facts();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_annotation_would_give),
        cmocka_unit_test(nothing_asked_nothing_changed),
        cmocka_unit_test(the_truth_lies_within_the_bounds),
        cmocka_unit_test(which_matcher_is_within_which),
        cmocka_unit_test(bounds_by_hand),
        cmocka_unit_test(golds_that_em_raw_cannot_accept),
        cmocka_unit_test(drawn_texts_are_matched_again),
        cmocka_unit_test(samples_taken_without_replacement),
        cmocka_unit_test(curve_by_enumeration),
        cmocka_unit_test(thresholds),
        cmocka_unit_test(agreement_by_hand),
        cmocka_unit_test(saved_and_read_back),
        cmocka_unit_test(audit_sheet),
        cmocka_unit_test(refusals),
        cmocka_unit_test(rows_of_noise),
        cmocka_unit_test(allocations_that_fail),
    };
    return cmocka_run_group_tests_name("study-score", tests, NULL, remove_folder);
}
