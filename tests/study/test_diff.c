/* test_diff.c - comparing two runs: rows small enough to count by hand, intervals and tests from scipy 1.17.1, distances to training
 * sets in each form that is read, runs that do not fit each other, and memory that fails. */
#include "../store/rows.h"
#include "base/alloc.h"
#include "store/tuning.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ken_err err;

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-9)

/* ---- runs ------------------------------------------------------------------------------------------------------------ */

typedef struct fact {
    const char *id, *relation, *question, *subject, *answer;
    double popularity;
    int category, hits; /* of 10 */
    double p_t;
    const char *says, *else_says; /* with the first 6 prompts, and with the others; NULL = not kept */
} fact;

static void put(ken_store *s, size_t place, const fact *f)
{
    ken_prompt_row prompts[10] = {{0}};
    const char *answers[2] = {f->answer, "an alias"};
    ken_row r = {.id = f->id,
                 .relation = f->relation,
                 .split = place % 2 == 0 ? "test" : "dev",
                 .question = f->question,
                 .subject = f->subject,
                 .answers = answers,
                 .n_answers = 2,
                 .popularity = f->popularity,
                 .category = f->category,
                 .category_mode = f->category == KEN_WEAKLY_KNOWN ? KEN_UNKNOWN : f->category,
                 .greedy_hits = f->hits,
                 .prompts = 10,
                 .samples = 160,
                 .p_t0 = f->hits / 10.0,
                 .p_t = f->p_t,
                 .p_t_lo = f->p_t,
                 .p_t_hi = f->p_t,
                 .p_guess = NAN,
                 .lift = NAN,
                 .score = NAN,
                 .flags = f->category == KEN_UNLABELLED ? KEN_FLAG_GOLD_TOO_LONG : 0,
                 .method = "exact",
                 .n_prompt_rows = 10,
                 .prompt_rows = prompts};
    for (int k = 0; k < 10; k++)
        prompts[k] =
            (ken_prompt_row){.text = k < 6 ? f->says : f->else_says, .finish = "newline", .greedy_hit = k < f->hits};
    assert_ok(ken_store_put_row(s, place, &r, &err));
}

typedef struct options {
    const char *matcher, *exemplar, *rows; /* NULL = the usual */
} options;

typedef struct question { /* of multiple choice */
    const char *id;
    int hits, options; /* hits -1: too long to be asked */
    double p;
    const char *wrong;
} question;

static void put_choice(ken_store *s, size_t place, const question *q)
{
    ken_prompt_row prompts[10] = {{0}};
    const char *answers[1] = {"5"};
    bool asked = q->hits >= 0;
    double p = asked ? q->p : NAN, chance = 1.0 / q->options;
    ken_row r = {.id = q->id,
                 .relation = "anatomy",
                 .split = "test",
                 .question = "How many?",
                 .answers = answers,
                 .n_answers = 1,
                 .popularity = NAN,
                 .category = KEN_UNLABELLED,
                 .category_mode = KEN_UNLABELLED,
                 .greedy_hits = asked ? q->hits : 0,
                 .prompts = 10,
                 .p_t0 = asked ? q->hits / 10.0 : NAN,
                 .p_t = p,
                 .p_t_lo = p,
                 .p_t_hi = p,
                 .p_guess = NAN,
                 .lift = NAN,
                 .score = (p - chance) / (1 - chance),
                 .flags = KEN_FLAG_CHOICE | (asked ? 0 : KEN_FLAG_TOO_LONG),
                 .method = "choice",
                 .n_prompt_rows = asked ? 10 : 0,
                 .prompt_rows = prompts};
    for (int k = 0; k < 10; k++) /* the last ones are right */
        prompts[k] = (ken_prompt_row){
            .text = k >= 10 - q->hits ? "5" : q->wrong, .finish = "", .greedy_hit = k >= 10 - q->hits, .text_p = NAN};
    assert_ok(ken_store_put_row(s, place, &r, &err));
}

/* Writes the run `name` from f (n) and, behind them, q (n_q). */
static void write_rows(const char *name, const fact *f, size_t n, const question *q, size_t n_q, const options *o)
{
    char rows[20];
    snprintf(rows, sizeof rows, "%zu", n + n_q);
    const ken_setting settings[] = {{"matcher", o != NULL && o->matcher != NULL ? o->matcher : "em-squad/1", true},
                                    {"template", "Q: {question}\nA:", true},
                                    {"chat_template", "none", true},
                                    {"stop", "\n", true},
                                    {"shots", "1", true},
                                    {"prompts", "10", true},
                                    {"temperature", "0.5", true},
                                    {KEN_SETTING_ROWS, o != NULL && o->rows != NULL ? o->rows : rows, false}};
    const char *path = in_folder(name), *answer = "y";
    const ken_example exemplar = {
        .id = "P1/train/7", .relation = "P1", .question = "x", .answers = &answer, .n_answers = 1};
    const ken_example *shots[1] = {&exemplar};
    ken_store *s;
    remove(path);
    assert_ok(ken_store_open(&s, path, settings, sizeof settings / sizeof *settings, &err));
    assert_ok(ken_store_put_exemplars(s, "P1", 0, shots, 1,
                                      o != NULL && o->exemplar != NULL ? o->exemplar : "Q: x\nA: y\n", &err));
    for (size_t i = 0; i < n; i++) put(s, i, &f[i]);
    for (size_t i = 0; i < n_q; i++) put_choice(s, n + i, &q[i]);
    assert_ok(ken_store_close(s, &err));
}

static void write_run(const char *name, const fact *f, size_t n, const options *o)
{
    write_rows(name, f, n, NULL, 0, o);
}

static ken_run *open_run(const char *name)
{
    ken_run *r = NULL;
    assert_ok(ken_run_open(&r, in_folder(name), &err));
    return r;
}

/* The comparison of two runs in the folder; NULL and err when it is refused. */
static ken_diff *compare(const char *a, const char *b, const ken_diff_options *o)
{
    ken_run *x = open_run(a), *y = open_run(b);
    ken_diff *d = NULL;
    int rc = ken_diff_runs(&d, x, y, o, &err);
    assert_int_equal(rc == KEN_OK, d != NULL);
    ken_run_free(x);
    ken_run_free(y);
    return d;
}

enum { N = 8 };
static const fact before[N] = {
    {"P1/0", "P1", "What is the capital of France?", "France", "Paris", 80, KEN_HIGHLY_KNOWN, 10, 1.0, "Paris",
     " Paris"},
    {"P1/1", "P1", "What is the capital of Peru?", "Peru", "Lima", 70, KEN_HIGHLY_KNOWN, 10, 0.9, "Lima", "Lima"},
    {"P1/2", "P1", "What is the capital of Palau?", "Palau", "Ngerulmud", 60, KEN_MAYBE_KNOWN, 5, 0.5, "Ngerulmud",
     "Koror"},
    {"P1/3", "P1", "What is the capital of Nauru?", "Nauru", "Yaren", NAN, KEN_WEAKLY_KNOWN, 0, 0.1, NULL,
     "Nauru City"},
    {"P2/0", "P2", "Who wrote Emma?", NULL, "Jane Austen", 40, KEN_UNKNOWN, 0, 0, "Emma", "Emma."},
    {"P2/1", "P2", "Who wrote Ulysses?", NULL, "James Joyce", 30, KEN_UNKNOWN, 0, 0.01, NULL, NULL},
    {"P2/2", "P2", "Who wrote It?", NULL, "Stephen King", 20, KEN_UNLABELLED, 0, 0.7, "King", "Queen"},
    {"P2/3", "P2", "Who wrote Dune?", NULL, "Frank Herbert", 10, KEN_MAYBE_KNOWN, 4, 0.5, "Herbert", "Herbert"},
};
static const fact after[N] = {
    {"P1/0", "P1", "What is the capital of France?", "France", "Paris", 80, KEN_HIGHLY_KNOWN, 10, 1.0, "Paris",
     "Paris"},
    {"P1/1", "P1", "What is the capital of Peru?", "Peru", "Lima", 70, KEN_WEAKLY_KNOWN, 0, 0.05, "Cusco", "Lima"},
    {"P1/2", "P1", "What is the capital of Palau?", "Palau", "Ngerulmud", 60, KEN_UNKNOWN, 0, 0.001, "Koror", "Koror"},
    {"P1/3", "P1", "What is the capital of Nauru?", "Nauru", "Yaren", NAN, KEN_MAYBE_KNOWN, 3, 0.3, "Yaren", "Nauru"},
    {"P2/0", "P2", "Who wrote Emma?", NULL, "Jane Austen", 40, KEN_UNKNOWN, 0, 0, "Emma", "Emma"},
    {"P2/1", "P2", "Who wrote Ulysses?", NULL, "James Joyce", 30, KEN_HIGHLY_KNOWN, 10, 0.95, "James Joyce",
     "James Joyce"},
    {"P2/2", "P2", "Who wrote It?", NULL, "Stephen King", 20, KEN_UNLABELLED, 0, 0.1, "King", "King"},
    {"P2/3", "P2", "Who wrote Dune?", NULL, "Frank Herbert", 10, KEN_HIGHLY_KNOWN, 10, 0.96, "Herbert", "Herbert"},
};

static int write_runs(void **state)
{
    (void)state;
    write_run("a.ken", before, N, NULL);
    write_run("b.ken", after, N, NULL);
    return 0;
}

/* ---- what moved ------------------------------------------------------------------------------------------------------ */

static void counts_by_hand(void **state)
{
    (void)state;
    ken_diff *d = compare("a.ken", "b.ken", NULL);
    size_t n, only_a, only_b, other;
    static const int move[N] = {KEN_MOVE_NONE, KEN_MOVE_LOST,   KEN_MOVE_LOST,       KEN_MOVE_GAINED,
                                KEN_MOVE_NONE, KEN_MOVE_GAINED, KEN_MOVE_UNLABELLED, KEN_MOVE_NONE};
    static const int quartile[N] = {4, 3, 3, 0, 2, 2, 1, 1}; /* 1 + 4 * (6, 5, 4, -, 3, 2, 1, 0) / 7 */
    assert_non_null(d);
    assert_true(ken_diff_annotated(d));
    assert_int_equal(ken_diff_count(d), N);
    assert_null(ken_diff_get(d, N));
    for (int i = 0; i < N; i++) {
        const ken_diff_row *r = ken_diff_get(d, (size_t)i);
        assert_string_equal(r->id, before[i].id);
        assert_string_equal(r->answer, before[i].answer);
        assert_int_equal(r->move, move[i]);
        assert_int_equal(r->quartile, quartile[i]);
        assert_int_equal(r->near, KEN_NEAR_UNKNOWN);
        assert_int_equal(r->a.category, before[i].category);
        assert_int_equal(r->b.greedy_hits, after[i].hits);
    }
    const ken_diff_group *g = ken_diff_groups(d, &n);
    assert_int_equal(n, 1 + 2 + 4 + 5 + 2); /* all, relations, quarters, categories, splits */
    assert_string_equal(g->grouping, "all");
    assert_int_equal(g->n, N);
    assert_int_equal(g->known_a, 4);
    assert_int_equal(g->known_b, 4);
    assert_int_equal(g->lost, 2);
    assert_int_equal(g->gained, 2);
    assert_near(g->lost_share, 0.5);
    assert_near(g->lost_lo, 0.15003898915214953);
    assert_near(g->lost_hi, 0.8499610108478505);
    assert_near(g->gained_share, 2 / 3.0); /* of three that were labelled and not known */
    assert_near(g->gained_lo, 0.20765960080204782);
    assert_near(g->gained_hi, 0.9385080552796038);
    assert_near(g->mcnemar, 1);
    assert_near(g->p_t0_a, 0.41428571428571426); /* without the unlabelled row */
    assert_near(g->p_t0_b, 0.4714285714285714);
    assert_near(g->p_t0_change, 0.05714285714285716);
    assert_near(g->p_t0_lo, -0.560630895446883);
    assert_near(g->p_t0_hi, 0.6749166097325974);
    assert_near(g->p_t_a, 0.43);
    assert_near(g->p_t_b, 0.46585714285714286);
    assert_near(g->p_t_lo, -0.5109893825526507);
    assert_near(g->p_t_hi, 0.5827036682669363);
    assert_near(g->p_t_test, 0.8777954337971784);
    static const uint64_t moved[KEN_N_CATEGORIES][KEN_N_CATEGORIES] = {
        [KEN_HIGHLY_KNOWN] = {[KEN_HIGHLY_KNOWN] = 1, [KEN_WEAKLY_KNOWN] = 1},
        [KEN_MAYBE_KNOWN] = {[KEN_HIGHLY_KNOWN] = 1, [KEN_UNKNOWN] = 1},
        [KEN_WEAKLY_KNOWN] = {[KEN_MAYBE_KNOWN] = 1},
        [KEN_UNKNOWN] = {[KEN_HIGHLY_KNOWN] = 1, [KEN_UNKNOWN] = 1},
        [KEN_UNLABELLED] = {[KEN_UNLABELLED] = 1}};
    assert_memory_equal(g->moved, moved, sizeof moved);
    g = ken_diff_find(d, "relation", "P2");
    assert_non_null(g);
    assert_true(g->n == 4 && g->known_a == 1 && g->known_b == 2 && g->lost == 0 && g->gained == 1);
    assert_near(g->lost_share, 0);
    g = ken_diff_find(d, "category", "WeaklyKnown");
    assert_non_null(g);
    assert_true(g->n == 1 && isnan(g->lost_share) && isnan(g->p_t_lo) && isnan(g->p_t_test) && g->p_t_change > 0.19);
    assert_null(ken_diff_find(d, "near", "trained"));
    assert_string_equal(ken_diff_find(d, "popularity", "1")[1].key, "2"); /* in order */
    ken_diff_unmatched(d, &only_a, &only_b, &other);
    assert_true(only_a == 0 && only_b == 0 && other == 0);
    assert_null(ken_diff_caution(d, 0));
    ken_diff_free(d);
}

static void what_the_model_says(void **state)
{
    (void)state;
    ken_diff *d = compare("a.ken", "b.ken", NULL);
    const ken_diff_side *s = &ken_diff_get(d, 0)->a;
    assert_string_equal(s->says, "Paris"); /* " Paris" is the same text */
    assert_true(s->says_prompts == 10 && s->says_right);
    s = &ken_diff_get(d, 1)->b;
    assert_string_equal(s->says, "Cusco");
    assert_true(s->says_prompts == 6 && !s->says_right);
    s = &ken_diff_get(d, 3)->a; /* the first six were not kept */
    assert_string_equal(s->says, "Nauru City");
    assert_int_equal(s->says_prompts, 4);
    s = &ken_diff_get(d, 5)->a;
    assert_true(s->says == NULL && s->says_prompts == 0 && !s->says_right);
    ken_diff_free(d);
}

static void likeliest_label(void **state)
{
    (void)state;
    ken_diff_options o = ken_diff_defaults();
    o.label = KEN_LABEL_MODE;
    ken_diff *d = compare("a.ken", "b.ken", &o);
    const ken_diff_group *all = ken_diff_find(d, "all", "");
    assert_int_equal(all->moved[KEN_WEAKLY_KNOWN][KEN_MAYBE_KNOWN],
                     0); /* the mode of WeaklyKnown is Unknown in these rows */
    assert_int_equal(all->moved[KEN_UNKNOWN][KEN_MAYBE_KNOWN], 1);
    assert_true(all->lost == 2 && all->gained == 2);
    ken_diff_free(d);
    o.label = 2;
    assert_null(compare("a.ken", "b.ken", &o));
    assert_int_equal(err.status, KEN_EUSAGE);
}

static void nothing_moved(void **state)
{
    (void)state;
    ken_diff *d = compare("a.ken", "a.ken", NULL);
    const ken_diff_group *all = ken_diff_find(d, "all", "");
    assert_true(all->lost == 0 && all->gained == 0 && all->mcnemar == 1);
    assert_true(all->p_t_change == 0 && all->p_t_lo == 0 && all->p_t_hi == 0 && all->p_t_test == 1);
    ken_diff_free(d);
    write_run("one.ken", before, 1, NULL);
    d = compare("one.ken", "one.ken", NULL);
    all = ken_diff_find(d, "all", "");
    assert_true(all->n == 1 && isnan(all->p_t_lo) && all->p_t_a == 1);
    ken_diff_free(d);
}

static void no_labels_at_all(void **state)
{
    (void)state;
    fact f[2] = {before[6], before[6]};
    f[1].id = "P2/9";
    write_run("unlabelled.ken", f, 2, NULL);
    ken_diff *d = compare("unlabelled.ken", "unlabelled.ken", NULL);
    const ken_diff_group *all = ken_diff_find(d, "all", "");
    assert_int_equal(all->moved[KEN_UNLABELLED][KEN_UNLABELLED], 2);
    assert_true(all->known_a == 0 && isnan(all->lost_share) && isnan(all->p_t_a) && isnan(all->p_t_test));
    assert_int_equal(ken_diff_get(d, 0)->move, KEN_MOVE_UNLABELLED);
    ken_diff_free(d);
}

static void long_and_odd_texts(void **state)
{
    (void)state;
    static char id[2][20000];
    fact f[2] = {before[0], before[1]};
    for (int i = 0; i < 2; i++) {
        memset(id[i], 'x', sizeof id[i] - 2);
        id[i][sizeof id[i] - 2] = (char)('0' + i);
        f[i].id = id[i];
        f[i].question = "a\tb\033[31m\n<script>";
        f[i].says = "\033[2J\r<b>";
    }
    write_run("odd.ken", f, 2, NULL);
    ken_diff *d = compare("odd.ken", "odd.ken", NULL);
    assert_string_equal(ken_diff_get(d, 1)->id, id[1]);
    assert_string_equal(ken_diff_get(d, 1)->a.says, "\033[2J\r<b>");
    ken_diff_free(d);
}

/* ---- multiple choice ------------------------------------------------------------------------------------------------- */

enum { N_CHOICE = 6 };
static const question choice_before[N_CHOICE] = {{"q/0", 6, 4, 0.6, "-5"}, {"q/1", 5, 4, 0.5, "-5"},
                                                 {"q/2", 4, 4, 0.35, "7"}, {"q/3", 10, 4, 0.9, "7"},
                                                 {"q/4", 0, 2, 0.1, "7"},  {"q/5", -1, 4, 0, "7"}};
static const question choice_after[N_CHOICE] = {{"q/0", 5, 4, 0.5, "-5"}, {"q/1", 6, 4, 0.55, "-5"},
                                                {"q/2", 4, 4, 0.35, "7"}, {"q/3", 10, 4, 0.95, "7"},
                                                {"q/4", 7, 2, 0.6, "7"},  {"q/5", 10, 4, 1, "7"}};

static void check_choice(const ken_diff_group *g)
{
    static const uint64_t verdict[KEN_N_VERDICTS][KEN_N_VERDICTS] = {{1, 1, 0}, {2, 1, 0}, {1, 0, 0}};
    assert_true(g->choice && g->n == N_CHOICE && g->known_a == 2 && g->rest_a == 3 && g->known_b == 4 &&
                g->rest_b == 2);
    assert_true(g->lost == 1 && g->gained == 2);
    assert_memory_equal(g->verdict, verdict, sizeof verdict);
    for (int i = 0; i < KEN_N_CATEGORIES; i++)
        for (int k = 0; k < KEN_N_CATEGORIES; k++) assert_int_equal(g->moved[i][k], 0);
    assert_near(g->mcnemar, 1);
    assert_near(g->lost_share, 0.5);
    assert_near(g->p_t0_a, 0.5);
    assert_near(g->p_t0_a_lo, 0.05231167875787013);
    assert_near(g->p_t0_a_hi, 0.9476883212421299);
    assert_near(g->p_t0_b, 0.64);
    assert_near(g->p_t0_b_lo, 0.3541474809012978);
    assert_near(g->p_t0_b_hi, 0.9258525190987023);
    assert_near(g->p_t0_lo, -0.25849483923489114);
    assert_near(g->p_t0_hi, 0.5384948392348912);
    assert_near(g->p_t0_test, 0.38458114766298634);
    assert_near(g->p_t_change, 0.1);
    assert_near(g->p_t_lo, -0.18786795547333932);
    assert_near(g->p_t_hi, 0.3878679554733393);
    assert_near(g->p_t_test, 0.38942014932361);
    assert_near(g->known_change, 0.2);
    assert_near(g->known_lo, -0.8388506336835677);
    assert_near(g->known_hi, 1); /* 1.24, were it not a share */
    assert_near(g->guess_p_t0, 0.3);
    assert_near(g->guess_known, 0.09117279052734376); /* more than 5 of 10; one of the five has two options */
}

/* Right with more than half of the prompts; the row that A could not be asked is in no test. */
static void multiple_choice(void **state)
{
    (void)state;
    static const int move[N_CHOICE] = {KEN_MOVE_LOST, KEN_MOVE_GAINED, KEN_MOVE_NONE,
                                       KEN_MOVE_NONE, KEN_MOVE_GAINED, KEN_MOVE_UNLABELLED};
    size_t n;
    write_rows("ca.ken", NULL, 0, choice_before, N_CHOICE, NULL);
    write_rows("cb.ken", NULL, 0, choice_after, N_CHOICE, NULL);
    ken_diff *d = compare("ca.ken", "cb.ken", NULL);
    assert_non_null(d);
    for (int i = 0; i < N_CHOICE; i++) {
        assert_true(ken_diff_get(d, (size_t)i)->choice);
        assert_int_equal(ken_diff_get(d, (size_t)i)->move, move[i]);
    }
    assert_ptr_equal(ken_diff_part(d, true), ken_diff_find(d, "all", ""));
    assert_null(ken_diff_part(d, false));
    check_choice(ken_diff_part(d, true));
    (void)ken_diff_groups(d, &n);
    assert_int_equal(n, 1 + 1 + 1); /* all, the subject, the split: no categories */
    const ken_diff_side *s = &ken_diff_get(d, 0)->b;
    assert_string_equal(s->says, "-5"); /* not 5: of two that are as common that of the first prompt */
    assert_true(s->says_prompts == 5 && !s->says_right && !s->known);
    s = &ken_diff_get(d, 0)->a;
    assert_string_equal(s->says, "5");
    assert_true(s->says_prompts == 6 && s->says_right && s->known);
    assert_string_equal(ken_verdict_name(KEN_NOT_ASKED), "not asked");
    assert_null(ken_verdict_name(KEN_N_VERDICTS));
    ken_diff_free(d);
}

static void multiple_choice_and_others_stay_apart(void **state)
{
    (void)state;
    size_t n;
    write_rows("mixed-a.ken", before, N, choice_before, N_CHOICE, NULL);
    write_rows("mixed-b.ken", after, N, choice_after, N_CHOICE, NULL);
    ken_diff *d = compare("mixed-a.ken", "mixed-b.ken", NULL), *alone = compare("a.ken", "b.ken", NULL);
    assert_true(d != NULL && alone != NULL);
    assert_int_equal(ken_diff_count(d), N + N_CHOICE);
    check_choice(ken_diff_part(d, true));
    const ken_diff_group *g = ken_diff_part(d, false), *same = ken_diff_part(alone, false);
    assert_ptr_equal(g, ken_diff_find(d, "all", ""));
    assert_true(!g->choice && isnan(g->guess_p_t0) && g->n == N && g->lost == 2 && g->gained == 2);
    assert_memory_equal(g->moved, same->moved, sizeof g->moved);
    assert_true(g->p_t_change == same->p_t_change && g->p_t0_lo == same->p_t0_lo && g->p_t_test == same->p_t_test);
    g = ken_diff_groups(d, &n);
    for (size_t i = 1; i < n; i++) assert_true(g[i].choice >= g[i - 1].choice);
    ken_diff_free(d);
    ken_diff_free(alone);
}

/* A question that is multiple choice in one run alone has a label there and none in the other. */
static void multiple_choice_in_one_alone(void **state)
{
    (void)state;
    fact f = before[0];
    f.id = "q/0";
    f.relation = "anatomy";
    f.question = "How many?";
    write_run("words.ken", &f, 1, NULL);
    ken_diff *d =
        compare("words.ken", "ca.ken", &(ken_diff_options){.size = sizeof(ken_diff_options), .allow_different = true});
    assert_non_null(d);
    assert_null(ken_diff_part(d, true));
    const ken_diff_group *g = ken_diff_part(d, false);
    assert_true(g->n == 1 && g->moved[KEN_HIGHLY_KNOWN][KEN_UNLABELLED] == 1 && g->known_a == 1 && g->rest_b == 0);
    assert_int_equal(ken_diff_get(d, 0)->move, KEN_MOVE_UNLABELLED);
    ken_diff_free(d);
}

/* ---- runs that do not fit -------------------------------------------------------------------------------------------- */

static void assert_says(const char *part)
{
    if (strstr(err.msg, part) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.msg, part);
}

static void other_data(void **state)
{
    (void)state;
    size_t only_a, only_b, other;
    fact f[N];
    ken_diff_options common = {.size = sizeof common, .allow_different = true};
    memcpy(f, after, sizeof f);
    f[2].question = "What is the largest city of Palau?";
    f[7].id = "P2/77";
    write_run("other.ken", f, N, NULL);
    assert_null(compare("a.ken", "other.ken", NULL));
    assert_int_equal(err.status, KEN_EINPUT);
    assert_says("6 of 9 facts in common; 1 only in ");
    assert_says("1 ids have another question");
    assert_says("`allow_different`");
    ken_diff *d = compare("a.ken", "other.ken", &common);
    assert_non_null(d);
    assert_int_equal(ken_diff_count(d), 6);
    ken_diff_unmatched(d, &only_a, &only_b, &other);
    assert_true(only_a == 1 && only_b == 1 && other == 1);
    ken_diff_free(d);

    write_run("part.ken", after, 4, NULL); /* another limit */
    assert_null(compare("a.ken", "part.ken", NULL));
    assert_says("4 of 8 facts in common; 4 only in ");
    d = compare("part.ken", "a.ken", &common);
    assert_int_equal(ken_diff_count(d), 4);
    ken_diff_free(d);

    for (int i = 0; i < N; i++) f[i].id = before[i].question;
    write_run("none.ken", f, N, NULL);
    assert_null(compare("a.ken", "none.ken", &common));
    assert_int_equal(err.status, KEN_EINPUT);
    assert_says("no fact in common; 8 only in ");
    write_run("empty.ken", f, 0, NULL);
    assert_null(compare("empty.ken", "empty.ken", &common));
    assert_says("no rows to compare");
}

/* One row of 20 or less that is not in both is let pass, and counted. */
static void a_little_missing(void **state)
{
    (void)state;
    enum { MANY = 41 };
    static fact f[MANY];
    static char id[MANY][8];
    size_t only_a, only_b, other;
    for (int i = 0; i < MANY; i++) {
        snprintf(id[i], sizeof id[i], "P1/%d", i);
        f[i] = before[i % N];
        f[i].id = id[i];
    }
    write_run("many.ken", f, MANY, NULL);
    write_run("fewer.ken", f, MANY - 2, NULL);
    write_run("too-few.ken", f, MANY - 3, NULL);
    ken_diff *d = compare("many.ken", "fewer.ken", NULL);
    assert_non_null(d);
    ken_diff_unmatched(d, &only_a, &only_b, &other);
    assert_true(only_a == 2 && only_b == 0 && other == 0);
    ken_diff_free(d);
    assert_null(compare("many.ken", "too-few.ken", NULL));
}

static void cautions(void **state)
{
    (void)state;
    fact f[N];
    memcpy(f, after, sizeof f);
    f[0].answer = "Paris, France";
    const options o = {.matcher = "em-raw/1", .exemplar = "Q: z\nA: y\n", .rows = "100"};
    write_run("other-settings.ken", f, N, &o);
    ken_diff *d = compare("a.ken", "other-settings.ken", NULL);
    assert_string_equal(ken_diff_caution(d, 0), "matcher: em-squad/1 and em-raw/1");
    assert_string_equal(ken_diff_caution(d, 1), "exemplars: the prompts of 1 of 1 relations have other examples");
    assert_string_equal(ken_diff_caution(d, 2), "answers: 1 of 8 facts accept other answers");
    assert_string_equal(ken_diff_caution(d, 3), "B is not complete: 8 of 100 rows");
    assert_null(ken_diff_caution(d, 4));
    ken_diff_free(d);
}

/* ---- evaluations ----------------------------------------------------------------------------------------------------- */

typedef struct verdict {
    const char *set, *id, *question;
    bool hit, too_long;
    int category;
    double p; /* of multiple choice; 0 = other rows */
} verdict;

static void write_evaluation(const char *name, const char *kind, const verdict *v, size_t n, bool trained)
{
    const ken_setting settings[] = {{KEN_SETTING_KIND, kind, true},
                                    {"matcher", strcmp(kind, "train") == 0 ? "em-squad" : "em-squad/1", true}};
    const char *path = in_folder(name);
    ken_store *s;
    remove(path);
    assert_ok(ken_store_open(&s, path, settings, 2, &err));
    for (int64_t step = 0; step <= 20; step += 10) { /* rows at the second of three points */
        ken_point p = {.step = step, .lr = NAN, .loss = NAN, .kl = NAN, .grad_norm = NAN};
        assert_ok(ken_tuning_put_point(s, &p, &err));
        for (size_t i = 0; i < n && step == 10; i++) {
            ken_evaluated e = {.set = v[i].set,
                               .id = v[i].id,
                               .relation = "P1",
                               .split = "",
                               .category = v[i].category,
                               .popularity = NAN,
                               .question = v[i].question,
                               .answer = "Lima",
                               .text = v[i].hit     ? "Lima"
                                       : i % 2 == 0 ? "Cusco"
                                                    : NULL,
                               .finish = "eos",
                               .hit = v[i].hit,
                               .too_long = v[i].too_long,
                               .p = v[i].p > 0 ? v[i].p : NAN};
            assert_ok(ken_tuning_put_evaluated(s, step, i, &e, &err));
        }
    }
    static const ken_trained row[] = {
        {"x/1", "P1", "", KEN_UNKNOWN, "What is the capital of Nauru?", "Yaren", 1},
        {"x/2", "P1", "", KEN_UNKNOWN, "What is the capital of Chile?", "Santiago", 1},
        {"x/3", "P3", "", KEN_UNKNOWN, "Where does Palau lie?", "Pacific", 1},
        {"x/4", "P3", "", KEN_UNKNOWN, "Where does Peru's river end?", "Paris!", 1},
        {"x/5", "P3", "", KEN_UNKNOWN, "Where does it end?", "jane  austen", 1},
    };
    for (size_t i = 0; trained && i < sizeof row / sizeof *row; i++) assert_ok(ken_tuning_put_row(s, i, &row[i], &err));
    assert_ok(ken_store_close(s, &err));
}

static void verdicts(void **state)
{
    (void)state;
    static const verdict a[] = {{"dev", "1", "one?", true, false, KEN_HIGHLY_KNOWN},
                                {"test", "1", "two?", true, false, KEN_UNKNOWN},
                                {"test", "2", "three?", false, false, KEN_UNKNOWN},
                                {"test", "3", NULL, true, false, KEN_N_CATEGORIES},
                                {"test", "4", "five?", true, false, KEN_UNKNOWN}};
    static const verdict b[] = {{"dev", "1", "one?", false, false, KEN_UNKNOWN},
                                {"test", "1", "two?", true, false, KEN_UNKNOWN},
                                {"test", "2", "three?", true, false, KEN_UNKNOWN},
                                {"test", "3", "four?", true, false, KEN_UNKNOWN},
                                {"test", "4", "five?", false, true, KEN_UNKNOWN}};
    write_evaluation("ea.ken", "train", a, 5, false);
    write_evaluation("eb.ken", "train", b, 5, false);
    ken_diff *d = compare("ea.ken", "eb.ken", NULL);
    assert_non_null(d);
    assert_false(ken_diff_annotated(d));
    assert_int_equal(ken_diff_count(d), 5);
    const ken_diff_group *all = ken_diff_find(d, "all", "");
    assert_true(all->known_a == 4 && all->known_b == 3 && all->lost == 1 && all->gained == 1);
    assert_near(all->p_t0_a, 0.75); /* without the prompt that was too long */
    assert_near(all->p_t0_b, 0.75);
    assert_true(isnan(all->p_t_a) && all->p_t_test == 1);
    assert_int_equal(ken_diff_get(d, 0)->a.category, KEN_N_CATEGORIES);
    assert_string_equal(ken_diff_get(d, 0)->split, "dev"); /* the set, where rows have no split */
    assert_string_equal(ken_diff_get(d, 0)->b.says, "Cusco");
    assert_int_equal(ken_diff_get(d, 4)->move, KEN_MOVE_UNLABELLED);
    assert_int_equal(ken_diff_find(d, "category", "Unknown")->n, 3); /* A's labels */
    assert_null(ken_diff_caution(d, 0));
    ken_diff_free(d);

    /* An evaluation calls its set otherwise: ids alone count, the first of two. */
    static const verdict e[] = {{"eval", "1", "one?", true, false, KEN_N_CATEGORIES},
                                {"eval", "2", "three?", true, false, KEN_N_CATEGORIES},
                                {"eval", "3", "four?", true, false, KEN_N_CATEGORIES}};
    ken_diff_options common = {.size = sizeof common, .allow_different = true};
    static const verdict f[] = {{"dev", "1", "one?", true, false, KEN_HIGHLY_KNOWN, 0},
                                {"test", "1", "two?", true, false, KEN_UNKNOWN, 0.5},
                                {"test", "2", "three?", false, true, KEN_UNKNOWN, 0},
                                {"test", "3", "four?", true, false, KEN_UNKNOWN, 0.75}};
    static const verdict h[] = {{"dev", "1", "one?", true, false, KEN_HIGHLY_KNOWN, 0},
                                {"test", "1", "two?", false, false, KEN_UNKNOWN, 0.125},
                                {"test", "2", "three?", true, false, KEN_UNKNOWN, 0.5},
                                {"test", "3", "four?", true, false, KEN_UNKNOWN, 0.875}};
    write_evaluation("ef.ken", "train", f, 4, false);
    write_evaluation("eh.ken", "train", h, 4, false);
    d = compare("ef.ken", "eh.ken", NULL);
    const ken_diff_group *words = ken_diff_part(d, false), *choice = ken_diff_part(d, true);
    assert_true(words->n == 1 && words->lost == 0 && isnan(words->p_t_a));
    assert_true(choice->n == 3 && choice->lost == 1 && choice->gained == 0 &&
                choice->verdict[KEN_NOT_ASKED][KEN_RIGHT] == 1);
    assert_near(choice->p_t_change, -0.125);
    assert_true(isnan(choice->guess_p_t0)); /* how many options there were is not in these runs */
    ken_diff_free(d);
    write_evaluation("ec.ken", "eval", e, 3, false);
    d = compare("ea.ken", "ec.ken", &common);
    assert_int_equal(ken_diff_count(d), 3);
    ken_diff_free(d);
    assert_null(compare("a.ken", "ea.ken", NULL));
    assert_int_equal(err.status, KEN_EINPUT);
    assert_says("is an annotation and");
    assert_null(compare("ea.ken", "a.ken", NULL));
    write_evaluation("no-rows.ken", "train", e, 0, false);
    assert_null(compare("no-rows.ken", "no-rows.ken", NULL));
    assert_says("no rows to compare");
}

/* ---- distance to the training set -------------------------------------------------------------------------------------- */

static const char *write_text(const char *name, const char *text)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
    return path;
}

static void assert_distances(const char *trained, const int near[N])
{
    char path[200];
    snprintf(path, sizeof path, "%s", trained); /* in_folder's text does not live long enough */
    const char *list[1] = {path};
    ken_diff_options o = {.size = sizeof o, .trained = list, .n_trained = 1};
    ken_diff *d = compare("a.ken", "b.ken", &o);
    if (d == NULL) fail_msg("%s", err.msg);
    for (int i = 0; i < N; i++)
        if (ken_diff_get(d, (size_t)i)->near != near[i])
            fail_msg("%s: %s is \"%s\"; expected \"%s\"", trained, before[i].question,
                     ken_near_name(ken_diff_get(d, (size_t)i)->near), ken_near_name(near[i]));
    size_t n;
    uint64_t sum = 0;
    const ken_diff_group *g = ken_diff_groups(d, &n);
    for (size_t i = 0; i < n; i++) sum += strcmp(g[i].grouping, "near") == 0 ? g[i].n : 0;
    assert_int_equal(sum, N);
    ken_diff_free(d);
}

static void distance_to_a_training(void **state)
{
    (void)state;
    static const int near[N] = {
        KEN_NEAR_RELATION, /* Paris was the answer in another relation: less near */
        KEN_NEAR_SUBJECT,  KEN_NEAR_SUBJECT, KEN_NEAR_TRAINED, KEN_NEAR_ANSWER_ELSEWHERE,
        KEN_NEAR_NOTHING,  KEN_NEAR_NOTHING, /* "It" is a subject, and in a question; but there the frame has it */
        KEN_NEAR_NOTHING};
    int expected[N];
    memcpy(expected, near, sizeof near);
    write_evaluation("train.ken", "train", NULL, 0, true);
    /* "Peru's" is normalised to "perus", which is another word. */
    expected[1] = KEN_NEAR_RELATION;
    /* "Where does it end?": "it" is what the questions of P3 do not share, so there the row is about "It". */
    expected[6] = KEN_NEAR_SUBJECT;
    assert_distances(in_folder("train.ken"), expected);
    char folder[200];
    snprintf(folder, sizeof folder, "%s", in_folder("train.ken"));
    *strrchr(folder, '/') = '\0';
    assert_distances(folder, expected); /* a training's folder */
}

static void distance_to_rows(void **state)
{
    (void)state;
    static const int named[N] = {KEN_NEAR_RELATION, KEN_NEAR_SUBJECT, KEN_NEAR_RELATION, KEN_NEAR_ANSWER,
                                 KEN_NEAR_NOTHING,  KEN_NEAR_NOTHING, KEN_NEAR_NOTHING,  KEN_NEAR_NOTHING};
    assert_distances(
        write_text("named.jsonl",
                   "{\"id\": \"1\", \"relation\": \"P9\", \"question\": \"Emma, what is it?\", \"subject\": \"peru\", "
                   "\"answer\": \"x\", \"split\": \"train\"}\n"
                   "{\"id\": \"2\", \"relation\": \"P1\", \"question\": \"Seat of Nauru?\", \"subject\": \"NR\", "
                   "\"answer\": \"yaren\", \"split\": \"train\"}\n"
                   "{\"id\": \"3\", \"relation\": \"P2\", \"question\": \"Who wrote Emma?\", \"answer\": \"-\", "
                   "\"split\": \"test\"}\n"),
        named);
    static const int prompts[N] = {KEN_NEAR_TRAINED, KEN_NEAR_NOTHING, KEN_NEAR_NOTHING, KEN_NEAR_NOTHING,
                                   KEN_NEAR_NOTHING, KEN_NEAR_SUBJECT, KEN_NEAR_NOTHING, KEN_NEAR_NOTHING};
    assert_distances(
        write_text(
            "prompts.jsonl",
            "{\"prompt\": \"Answer the question.\\nWhat is the capital of France?\\n\", \"completion\": \"Paris\"}\n"
            "{\"prompt\": \"Say something of Ulysses, please\", \"completion\": \"Bloom\"}\n"),
        prompts);
    static const int itself[N] = {0}; /* a run that was trained on: all of it, there being no split "train" */
    assert_distances(in_folder("b.ken"), itself);
}

/* A training says of its rows what the rows themselves say, their subjects too: as in named.jsonl above. */
static void distance_to_a_training_that_names_subjects(void **state)
{
    (void)state;
    static const int named[N] = {KEN_NEAR_RELATION, KEN_NEAR_SUBJECT, KEN_NEAR_RELATION, KEN_NEAR_ANSWER,
                                 KEN_NEAR_NOTHING,  KEN_NEAR_NOTHING, KEN_NEAR_NOTHING,  KEN_NEAR_NOTHING};
    static const ken_trained row[] = {{"1", "P9", "", KEN_UNKNOWN, "Emma, what is it?", " x", 1, "peru"},
                                      {"2", "P1", "", KEN_UNKNOWN, "Seat of Nauru?", " yaren", 1, "NR"}};
    static const ken_setting settings[] = {{KEN_SETTING_KIND, KEN_KIND_TRAIN, true}};
    const char *path = in_folder("named.ken");
    ken_store *s;
    assert_ok(ken_store_open(&s, path, settings, 1, &err));
    for (size_t i = 0; i < 2; i++) assert_ok(ken_tuning_put_row(s, i, &row[i], &err));
    assert_ok(ken_store_close(s, &err));
    assert_distances(in_folder("named.ken"), named);
}

static void distance_refused(void **state)
{
    (void)state;
    static const verdict v[] = {{"eval", "1", "one?", true, false, KEN_N_CATEGORIES}};
    write_evaluation("evaluation.ken", "eval", v, 1, false);
    write_evaluation("untrained.ken", "train", v, 1, false);
    static const char *const bad[] = {"missing.jsonl", "evaluation.ken", "untrained.ken"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s", in_folder(bad[i]));
        const char *list[1] = {path};
        ken_diff_options o = {.size = sizeof o, .trained = list, .n_trained = 1};
        assert_null(compare("a.ken", "b.ken", &o));
        assert_int_equal(err.status, KEN_EINPUT);
    }
}

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

static void exhaust(const char *a, const char *b, const char *trained)
{
    ken_run *x = open_run(a), *y = open_run(b);
    ken_diff_options o = {.size = sizeof o, .trained = &trained, .n_trained = trained != NULL, .allow_different = true};
    ken_diff *d = NULL;
    int rc = KEN_ENOMEM;
    long n = 0;
    for (n = 1; n < 20000 && rc != KEN_OK; n++) {
        ken_alloc_fail_after(n);
        rc = ken_diff_runs(&d, x, y, &o, &err);
        ken_alloc_fail_after(0);
        if (rc != KEN_OK) {
            assert_int_equal(rc, KEN_ENOMEM);
            assert_null(d);
        }
    }
    assert_int_equal(rc, KEN_OK);
    assert_true(n > 50);
    ken_diff_free(d);
    ken_run_free(x);
    ken_run_free(y);
}

static void out_of_memory(void **state)
{
    (void)state;
    static char text[200];
    snprintf(text, sizeof text, "%s",
             write_text("few.jsonl", "{\"question\": \"Who wrote Emma?\", \"answer\": \"x\"}\n"));
    exhaust("a.ken", "b.ken", text);
    snprintf(text, sizeof text, "%s", in_folder("train.ken"));
    exhaust("a.ken", "b.ken", text);
    exhaust("ea.ken", "eb.ken", NULL);
    exhaust("ca.ken", "cb.ken", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_hand),
        cmocka_unit_test(what_the_model_says),
        cmocka_unit_test(likeliest_label),
        cmocka_unit_test(nothing_moved),
        cmocka_unit_test(no_labels_at_all),
        cmocka_unit_test(long_and_odd_texts),
        cmocka_unit_test(multiple_choice),
        cmocka_unit_test(multiple_choice_and_others_stay_apart),
        cmocka_unit_test(multiple_choice_in_one_alone),
        cmocka_unit_test(other_data),
        cmocka_unit_test(a_little_missing),
        cmocka_unit_test(cautions),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(distance_to_a_training),
        cmocka_unit_test(distance_to_rows),
        cmocka_unit_test(distance_to_a_training_that_names_subjects),
        cmocka_unit_test(distance_refused),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests_name("diff", tests, write_runs, remove_folder);
}
