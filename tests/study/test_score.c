/* test_score.c - a whole run labelled again: the curve against enumeration, thresholds, agreement, the run and the sheet that are written; what is
 * refused; damaged runs; memory that fails. */
#include "scored_run.h"
#include "base/alloc.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

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
    static const ken_score_rule bad[][2] = {
        {{KEN_UNLABELLED, KEN_RULE_ALWAYS, 0, 0}},
        {{-1, KEN_RULE_P_T, 0, 0}},
        {{KEN_UNKNOWN, 4, 0, 0}},
        {{KEN_UNKNOWN, KEN_RULE_P_T, 4, 0}},
        {{KEN_UNKNOWN, KEN_RULE_P_T, KEN_AT_LEAST, 1.5}},
        {{KEN_UNKNOWN, KEN_RULE_P_T, KEN_AT_LEAST, NAN}},
        {{KEN_UNKNOWN, KEN_RULE_ALWAYS, 0, 0}, {KEN_HIGHLY_KNOWN, KEN_RULE_P_T, KEN_AT_LEAST, 0.5}},
    };
    ken_label_rules r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ken_label_rules_set(&r, bad[i], 2, &err) != KEN_EUSAGE) fail_msg("%zu was taken", i);
    ken_score_rule many[KEN_MAX_RULES + 1];
    for (int i = 0; i <= KEN_MAX_RULES; i++) many[i] = (ken_score_rule){KEN_MAYBE_KNOWN, KEN_RULE_P_T, KEN_ABOVE, 0.1};
    assert_int_equal(ken_label_rules_set(&r, many, KEN_MAX_RULES + 1, &err), KEN_EUSAGE);

    static const ken_score_rule three[] = {{KEN_HIGHLY_KNOWN, KEN_RULE_P_T, KEN_AT_LEAST, 0.5},
                                           {KEN_MAYBE_KNOWN, KEN_RULE_P_T0, KEN_ABOVE, 0},
                                           {KEN_WEAKLY_KNOWN, KEN_RULE_P_UNKNOWN, KEN_BELOW, 0.5}};
    assert_ok(ken_label_rules_set(&r, three, 3, &err));
    ken_buf text = {0};
    ken_label_rules_text(&text, &r);
    assert_string_equal(ken_buf_str(&text), "HighlyKnown:p_t>=0.5,MaybeKnown:p_t0>0,WeaklyKnown:p_unknown<0.5");
    ken_buf_free(&text);
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
    static const ken_score_rule likeliest[] = {{KEN_UNKNOWN, KEN_RULE_P_UNKNOWN, KEN_AT_LEAST, 0.5},
                                               {KEN_HIGHLY_KNOWN, KEN_RULE_P_T0, KEN_AT_LEAST, 1},
                                               {KEN_MAYBE_KNOWN, KEN_RULE_P_T0, KEN_ABOVE, 0},
                                               {KEN_WEAKLY_KNOWN, KEN_RULE_ALWAYS, 0, 0}};
    o.rules = likeliest; /* what KEN_LABEL_MODE does */
    o.n_rules = 4;
    ken_scoring *s = score(run, &o);
    ken_score_options mode = ken_score_defaults();
    mode.label = KEN_LABEL_MODE;
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
    static const char *const answer[] = {"2"};
    static const ken_example shown = {
        .id = "r/dev/1", .relation = "r", .question = "1", .answers = answer, .n_answers = 1};
    const ken_example *const exemplar[] = {&shown};
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
    o.label = KEN_LABEL_MODE;
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

    /* Nothing else is replaced, and no annotation resumes it. */
    assert_int_equal(ken_scoring_save(s, in_folder("source.ken"), &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "not made by `ken_score`"));
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
    refuse(run, (ken_score_options){.size = sizeof(ken_score_options), .matcher = "nonsense"}, KEN_EUSAGE,
           "unknown matcher");
    refuse(run, (ken_score_options){.size = sizeof(ken_score_options), .prompts = PROMPTS + 1}, KEN_EUSAGE,
           "`prompts` 5: the run has only 4");
    refuse(run, (ken_score_options){.size = sizeof(ken_score_options), .prompts = -1}, KEN_EUSAGE, "at least 1");
    refuse(run, (ken_score_options){.size = sizeof(ken_score_options), .samples = 10001}, KEN_EUSAGE, "10000");
    refuse(run, (ken_score_options){.size = sizeof(ken_score_options), .label = 2}, KEN_EUSAGE, "`label` 2 is not one");
    const ken_score_rule many[1] = {{KEN_UNKNOWN, KEN_RULE_ALWAYS, 0, 0}};
    refuse(run, (ken_score_options){.size = sizeof(ken_score_options), .rules = many, .n_rules = -1}, KEN_EUSAGE,
           "-1 rules");
    refuse(run, (ken_score_options){.size = sizeof(ken_score_options), .aliases = "x.json"}, KEN_EUSAGE,
           "only em-alias");
    refuse(run,
           (ken_score_options){
               .size = sizeof(ken_score_options), .matcher = "em-alias", .aliases = in_folder("none.json")},
           KEN_EINPUT, "none.json");
    ken_run_free(run);

    run = make_run("strange.ken", facts, 2, "exact", "em-future/9", PROMPTS, SAMPLES, 5);
    refuse(run, ken_score_defaults(), KEN_EINPUT, "the run: matcher \"em-future/9\"");
    ken_run_free(run);

    static made_fact short_of[1];
    memcpy(short_of, facts, sizeof short_of);
    short_of[0].p[2].count[0]--;
    run = make_run("short.ken", short_of, 1, "sample", "em-squad/1", PROMPTS, SAMPLES, 5);
    refuse(run, (ken_score_options){.size = sizeof(ken_score_options), .matcher = "contains"}, KEN_EINPUT,
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
        ken_rescorer r = {.seed = i, .prompts = (int)(i % 4) * 3, .samples = (int)(i % 3) * 5, .mode = i % 2};
        assert_ok(ken_matcher_parse(&r.run, "em-squad", &err));
        assert_ok(ken_gold_rules_new(&r.to, matchers[i % 6], i % 7 == 0 ? "ab" : "\n", NULL, 0, &err));
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
        ken_gold_rules_free(&r.to);
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
        cmocka_unit_test(curve_by_enumeration), cmocka_unit_test(thresholds),
        cmocka_unit_test(agreement_by_hand),    cmocka_unit_test(saved_and_read_back),
        cmocka_unit_test(audit_sheet),          cmocka_unit_test(refusals),
        cmocka_unit_test(rows_of_noise),        cmocka_unit_test(allocations_that_fail),
    };
    return cmocka_run_group_tests_name("study-score", tests, NULL, remove_folder);
}
