/* test_rescore.c - the labels of single rows again: against the annotation that would have given them, against made-up models whose every
 * answer is known, and from texts that were drawn. */
#include "scored_run.h"
#include "base/rng.h"
#include "data/data.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

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
                ken_rescorer r = {.seed = number, .aliases = with_table ? aliases : NULL};
                assert_ok(ken_matcher_parse(&r.run, names[from], &err));
                assert_ok(ken_gold_rules_new(&r.to, names[to], "\n", NULL, 0, &err));
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
                ken_gold_rules_free(&r.to);
                ken_accept_free(a);
                ken_accept_free(b);
            }
    assert_int_equal(exact,
                     60 * 5);    /* em-raw always, the same matcher, em-alias without a table of a run of em-squad */
    assert_true(closest < 0.05); /* the bounds are of use */
    ken_accept_free(raw);
    ken_data_free(aliases);
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

    static const ken_score_rule rules[] = {{KEN_HIGHLY_KNOWN, KEN_RULE_P_T, KEN_AT_LEAST, 0.3},
                                           {KEN_UNKNOWN, KEN_RULE_ALWAYS, 0, 0}};
    o.rules = rules;
    o.n_rules = 2;
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
    o.n_rules = 0;
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
    assert_non_null(strstr(err.msg, "`seed`"));
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
                int k = ken_hypergeometric_draw(TOTAL, hits, n, (i + 0.5) / STEPS);
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
                if (k == 0) assert_true(fabs(expected - ken_hypergeometric_miss(TOTAL, hits, n)) < 1e-12);
            }
        }
}

int main(void)
{
    make_facts();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_annotation_would_give),     cmocka_unit_test(nothing_asked_nothing_changed),
        cmocka_unit_test(the_truth_lies_within_the_bounds),  cmocka_unit_test(bounds_by_hand),
        cmocka_unit_test(golds_that_em_raw_cannot_accept),   cmocka_unit_test(drawn_texts_are_matched_again),
        cmocka_unit_test(samples_taken_without_replacement),
    };
    return cmocka_run_group_tests_name("study-rescore", tests, NULL, remove_folder);
}
