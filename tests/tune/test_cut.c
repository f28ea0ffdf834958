/* test_cut.c - which rows a request takes: ranges, parts of the subjects, halves, samples, balance, matching, concentrated variants. Each
 * request is also asked twice, with another seed, and with memory running out. */
#include "asked.h"
#include "tiny.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "tune/selection.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RELATIONS = 4, PER = 60, ROWS = RELATIONS * PER };

/* Row i of relation r: popularity falls with knowledge, as it does in the world, with ties; R3 has none. P_Correct by category. */
static int category_of(int r, int i) { return (i * 7 + r) % 10 < 4 ? KEN_UNKNOWN : (i * 7 + r) % 10 % 3; }
static double popularity_of(int r, int i)
{
    return category_of(r, i) == KEN_UNKNOWN ? 10 + (i * 13) % 50 : 30 + (i * 17) % 60;
}
static double p_of(int r, int i) { return category_of(r, i) == KEN_UNKNOWN ? 0 : 0.1 * (1 + i % 9); }

static double p_unknown_of(int r, int i) { return category_of(r, i) == KEN_UNKNOWN ? 1 - 0.01 * i : 0; }

static const char *facts(bool popularity)
{
    ken_buf b = {0};
    for (int r = 0; r < RELATIONS; r++)
        for (int i = 0; i < PER; i++) {
            ken_buf_printf(
                &b,
                "{\"id\":\"R%d/%03d\",\"relation\":\"R%d\",\"question\":\"What is %d of %d?\",\"answer\":\"A%d\","
                "\"subject\":\"S%d\",\"category\":\"%s\",\"p_t\":%.1f,\"p_t0\":%.1f,\"p_unknown\":%.2f",
                r, i, r, r, i, i % 12, i % 40, ken_category_name(category_of(r, i)), p_of(r, i), 0.1 * (i % 3),
                p_unknown_of(r, i));
            if (popularity && r < 3) ken_buf_printf(&b, ",\"popularity\":%.0f", popularity_of(r, i));
            ken_buf_puts(&b, "}\n");
        }
    const char *path = tiny_file(popularity ? "facts.jsonl" : "unpopular.jsonl", ken_buf_str(&b));
    ken_buf_free(&b);
    return path;
}

/* Which rows are in it, by their number r * PER + i. Returns how many. */
static size_t members(const ken_selection *s, bool in[ROWS])
{
    memset(in, 0, ROWS * sizeof *in);
    for (size_t k = 0; k < ken_selection_count(s); k++) {
        int r, i;
        assert_int_equal(sscanf(ken_selection_row(s, k)->id, "R%d/%d", &r, &i), 2);
        assert_false(in[r * PER + i]);
        in[r * PER + i] = true;
    }
    return ken_selection_count(s);
}

static size_t choose(const ken_train_data *from, bool in[ROWS])
{
    ken_selection *s = tiny_take(from);
    size_t n = members(s, in);
    ken_selection_free(s);
    return n;
}

static size_t common(const bool a[ROWS], const bool b[ROWS])
{
    size_t n = 0;
    for (int i = 0; i < ROWS; i++) n += a[i] && b[i];
    return n;
}

/* ---- every request -------------------------------------------------------------------------------------------------- */

static const char *const declines[] = {"No", "No idea"};

/* What is asked for, and how many rows that gives. */
typedef struct request {
    const char *name;
    size_t rows;
    bool draws; /* another seed gives other rows */
    ken_train_data d;
} request;

/* Ranges that are not given are as by default. */
static ken_train_data complete(ken_train_data d)
{
    ken_train_data usual = ken_train_data_defaults();
    d.path = facts(true);
    d.size = usual.size;
    d.prefer_split = usual.prefer_split;
    d.weight_gamma = usual.weight_gamma;
    if (d.p_max == 0) d.p_max = usual.p_max;
    if (d.p_unknown_max == 0) d.p_unknown_max = usual.p_unknown_max;
    if (d.popularity_min == 0) d.popularity_min = usual.popularity_min;
    if (d.popularity_max == 0) d.popularity_max = usual.popularity_max;
    if (d.subject_max == 0) d.subject_max = usual.subject_max;
    return d;
}

/* Rows within the ranges of a request: what `rows` 0 stands for. */
static size_t in_ranges(const ken_train_data *d)
{
    size_t n = 0;
    for (int r = 0; r < RELATIONS; r++)
        for (int i = 0; i < PER; i++) {
            double p = p_of(r, i), u = p_unknown_of(r, i), x = r < 3 ? popularity_of(r, i) : NAN;
            bool good = p > d->p_min - 1e-9 && p < d->p_max + 1e-9;
            good &= u > d->p_unknown_min - 1e-9 && u < d->p_unknown_max + 1e-9;
            if (!isnan(d->popularity_min)) good &= x >= d->popularity_min;
            if (!isnan(d->popularity_max)) good &= x <= d->popularity_max;
            n += good;
        }
    return n;
}

static const request requests[] = {
    {"all", 240, false, {.label = KEN_LABEL_DRAW}},
    {"category", 96, false, {.categories = OF(KEN_UNKNOWN)}},
    {"known", 144, false, {.categories = OF_KNOWN}},
    {"p", 0, false, {.p_min = 0.7}},
    {"p_unknown", 0, false, {.p_unknown_min = 0.5, .p_unknown_max = 0.99}},
    {"popularity", 0, false, {.popularity_min = 65}},
    {"popularity range", 0, false, {.popularity_min = 20, .popularity_max = 29}},
    {"popular", 90, false, {.half = KEN_HALF_POPULAR}},
    {"unpopular", 90, false, {.half = KEN_HALF_UNPOPULAR}},
    {"random", 90, true, {.half = KEN_HALF_RANDOM}},
    {"popular within", 90, false, {.half = KEN_HALF_POPULAR, .half_within = true}},
    {"random within", 90, true, {.half = KEN_HALF_RANDOM, .half_within = true}},
    {"confident", 120, false, {.half = KEN_HALF_POPULAR, .half_by = KEN_HALF_BY_P}},
    {"first", 20, false, {.per_relation = 5}},
    {"sampled", 20, true, {.per_relation = 5, .sample = true}},
    {"sampled limit", 7, true, {.limit = 7, .sample = true}},
    {"both", 9, true, {.per_relation = 5, .limit = 9, .sample = true}},
    {"balanced", 192, true, {.balance = KEN_BALANCE_CATEGORY}},
    {"balanced size", 50, true, {.balance = KEN_BALANCE_CATEGORY, .set_rows = 50}},
    {"balanced two",
     20,
     true,
     {.balance = KEN_BALANCE_CATEGORY, .categories = OF(KEN_HIGHLY_KNOWN) | OF(KEN_UNKNOWN), .set_rows = 20}},
    {"balanced relations", 30, true, {.balance = KEN_BALANCE_RELATION, .set_rows = 30}},
    {"variant", 96, true, {.variant = UNKNOWN_OF(50), .set_rows = 96}},
    {"concentrated", 96, true, {.variant = UNKNOWN_OF(50), .set_rows = 96, .concentrated = true}},
    {"one", 40, true, {.variant = ONLY(KEN_WEAKLY_KNOWN), .set_rows = 40}},
    {"natural", 48, true, {.variant = NATURAL, .set_rows = 48}},
    {"tail", 60, true, {.variant = UNKNOWN_OF(50), .set_rows = 50, .known_tail = 0.2}},
    {"idk", 50, true, {.variant = UNKNOWN_OF(50), .set_rows = 50, .idk = declines, .n_idk = 2}},
    {"half of a variant", 40, true, {.half = KEN_HALF_UNPOPULAR, .variant = UNKNOWN_OF(50), .set_rows = 40}},
};
enum { N_REQUESTS = sizeof requests / sizeof *requests };

static ken_train_data ask(const request *r, size_t *rows)
{
    ken_train_data d = complete(r->d);
    *rows = r->rows > 0 ? r->rows : in_ranges(&d);
    assert_true(*rows > 0);
    return d;
}

static void test_requests(void **state)
{
    (void)state;
    for (int k = 0; k < N_REQUESTS; k++) {
        bool in[ROWS], again[ROWS], other[ROWS];
        size_t rows;
        ken_train_data d = ask(&requests[k], &rows);
        d.seed = 1;
        ken_selection *s = tiny_take(&d);
        const ken_train_data_stats *t = ken_selection_stats(s);
        size_t n, sum = 0, of_category[KEN_N_CATEGORIES + 1] = {0}, had = 0;
        const ken_selection_group *g = ken_selection_groups(s, &n);
        if (members(s, in) != rows) fail_msg("%s: %zu rows, not %zu", requests[k].name, ken_selection_count(s), rows);
        assert_int_equal(t->rows, rows);
        for (size_t i = 0; i < n; i++)
            for (int c = 0; c <= KEN_N_CATEGORIES; c++) {
                assert_true(g[i].take[c] <= g[i].have[c]);
                of_category[c] += g[i].take[c];
                had += g[i].have[c];
            }
        for (int c = 0; c <= KEN_N_CATEGORIES; c++) sum += of_category[c];
        assert_int_equal(sum + t->tail, t->rows);
        assert_true(had >= sum);
        for (size_t i = 1; i + t->tail < ken_selection_count(s); i++) /* data order */
            assert_true(strcmp(ken_selection_row(s, i - 1)->id, ken_selection_row(s, i)->id) < 0);
        ken_selection_free(s);
        assert_int_equal(choose(&d, again), rows);
        assert_memory_equal(in, again, sizeof in);
        d.seed = 2;
        assert_int_equal(choose(&d, other), rows);
        if ((memcmp(in, other, sizeof in) != 0) != requests[k].draws)
            fail_msg("%s: another seed gives %s rows", requests[k].name, requests[k].draws ? "the same" : "other");
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int k = 0; k < N_REQUESTS; k++) {
        size_t rows;
        ken_train_data d = ask(&requests[k], &rows);
        long first = ken_alloc_count();
        ken_selection_free(tiny_take(&d));
        long all = ken_alloc_count() - first;
        /* Reading is tested elsewhere: from where the choice begins, each in turn. */
        for (long n = all - 120 > 1 ? all - 120 : 1; n <= all; n++) {
            ken_selection *s = NULL;
            ken_err err = {0};
            ken_alloc_fail_after(n);
            int rc = ken_select(&s, &d, &err);
            ken_alloc_fail_after(0);
            assert_null(s);
            if (rc != KEN_ENOMEM)
                fail_msg("%s: allocation %ld of %ld: status %d, %s", requests[k].name, n, all, rc, err.msg);
        }
    }
}

/* ---- parts of the subjects ------------------------------------------------------------------------------------------ */

static void test_subjects(void **state)
{
    (void)state;
    static const double at[] = {0, 0.6, 0.8, 1};
    bool part[3][ROWS], one[ROWS];
    size_t n = 0;
    ken_train_data d = tiny_data(facts(true));
    for (int k = 0; k < 3; k++) {
        d.seed = (uint64_t)k; /* the seed does not matter */
        d.subject_min = at[k];
        d.subject_max = at[k + 1];
        n += choose(&d, part[k]);
    }
    assert_int_equal(n, ROWS);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++) /* one subject, one part: in all relations */
            if (i % PER % 40 == j % PER % 40)
                for (int k = 0; k < 3; k++) assert_int_equal(part[k][i], part[k][j]);
    d.subject_min = 0.6;
    d.subject_max = 0.8;
    d.relations = LIST("R2");
    d.categories = OF_KNOWN;
    (void)choose(&d, one);
    for (int i = 0; i < ROWS; i++) /* what else is asked for does not move a subject */
        assert_int_equal(one[i], part[1][i] && i / PER == 2 && category_of(i / PER, i % PER) != KEN_UNKNOWN);
    d.subject_min = d.subject_max = 0.7;
    tiny_take_not(&d, KEN_EUSAGE, "none of the 60 rows has a subject from 0.7 to 0.7");
    d.subject_max = 2;
    tiny_take_not(&d, KEN_EUSAGE, "no part of the subjects is from 0.7 to 2");
}

/* ---- halves --------------------------------------------------------------------------------------------------------- */

static void test_halves(void **state)
{
    (void)state;
    bool top[ROWS], bottom[ROWS], some[ROWS];
    ken_train_data d = tiny_data(facts(true));
    for (int within = 0; within < 2; within++) {
        d.half_within = within;
        d.half = KEN_HALF_POPULAR;
        ken_selection *s = tiny_take(&d);
        assert_int_equal(members(s, top), 90);
        assert_int_equal(ken_selection_stats(s)->unranked, PER);
        assert_int_equal(ken_selection_stats(s)->middle, 0);
        assert_string_equal(ken_selection_stats(s)->ranked_by, "popularity");
        ken_selection_free(s);
        d.half = KEN_HALF_UNPOPULAR;
        assert_int_equal(choose(&d, bottom), 90);
        d.half = KEN_HALF_RANDOM;
        assert_int_equal(choose(&d, some), 90);
        assert_int_equal(common(top, bottom), 0);
        assert_true(common(top, some) > 20 && common(bottom, some) > 20);
        size_t of[RELATIONS] = {0};
        for (int i = 0; i < ROWS; i++) {
            assert_int_equal(top[i] || bottom[i], i / PER < 3);
            of[i / PER] += some[i];
            for (int j = 0; j < ROWS; j++) {
                if (!top[i] || !bottom[j] || (within && i / PER != j / PER)) continue;
                double a = popularity_of(i / PER, i % PER), b = popularity_of(j / PER, j % PER);
                assert_true(a > b || (a == b && i < j)); /* ties by id, here the order of the rows */
            }
        }
        if (within)
            for (int r = 0; r < 3; r++) assert_int_equal(of[r], PER / 2);
    }
}

static void test_half_by_p(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(facts(false));
    d.half = KEN_HALF_POPULAR;
    d.relations = LIST("R0");
    d.limit = 0;
    ken_selection *s = tiny_take(&d);
    assert_string_equal(ken_selection_stats(s)->ranked_by, "p");
    double least = 1, least_t0 = 1;
    for (size_t i = 0; i < ken_selection_count(s); i++) {
        const ken_selected *r = ken_selection_row(s, i);
        if (r->p_t < least || (r->p_t == least && r->p_t0 < least_t0)) {
            least = r->p_t;
            least_t0 = r->p_t0;
        }
    }
    ken_selection_free(s);
    d.half = KEN_HALF_UNPOPULAR;
    s = tiny_take(&d);
    for (size_t i = 0; i < ken_selection_count(s); i++) {
        const ken_selected *r = ken_selection_row(s, i);
        assert_true(r->p_t < least || (r->p_t == least && r->p_t0 <= least_t0));
    }
    ken_selection_free(s);
    d.half_by = KEN_HALF_BY_POPULARITY;
    tiny_take_not(&d, KEN_EUSAGE, "no row has a popularity");
    d = tiny_data(tiny_file("odd.jsonl", "{\"question\":\"a\",\"answer\":\"1\",\"popularity\":1}\n"
                                         "{\"question\":\"b\",\"answer\":\"1\",\"popularity\":2}\n"
                                         "{\"question\":\"c\",\"answer\":\"1\",\"popularity\":3}\n"));
    d.half = KEN_HALF_POPULAR;
    s = tiny_take(&d);
    assert_int_equal(ken_selection_count(s), 1);
    assert_string_equal(ken_selection_row(s, 0)->question, "c");
    assert_int_equal(ken_selection_stats(s)->middle, 1);
    ken_selection_free(s);
    d.popularity_min = 3;
    tiny_take_not(&d, KEN_EUSAGE, "1 row with a popularity has no halves");
    d.popularity_min = NAN;
    d.half_by = KEN_HALF_BY_P;
    tiny_take_not(&d, KEN_EUSAGE, "no row has a P_Correct");
}

/* A tail must not bring the other half in. */
static void test_half_tail(void **state)
{
    (void)state;
    bool half[ROWS];
    ken_train_data d = tiny_data(facts(true));
    d.half = KEN_HALF_UNPOPULAR;
    (void)choose(&d, half);
    d.variant = VARIANT(UNKNOWN_OF(50));
    d.set_rows = 20;
    d.known_tail = 0.5;
    ken_selection *s = tiny_take(&d);
    assert_int_equal(ken_selection_stats(s)->tail, 10);
    for (size_t k = 0; k < ken_selection_count(s); k++) {
        int r, i;
        assert_int_equal(sscanf(ken_selection_row(s, k)->id, "R%d/%d", &r, &i), 2);
        assert_true(half[r * PER + i]);
    }
    ken_selection_free(s);
}

/* ---- samples and balance -------------------------------------------------------------------------------------------- */

static void test_samples_nest(void **state)
{
    (void)state;
    bool few[ROWS], many[ROWS], alone[ROWS];
    ken_train_data d = tiny_data(facts(true));
    d.sample = true;
    d.per_relation = 5;
    assert_int_equal(choose(&d, few), 20);
    d.per_relation = 12;
    assert_int_equal(choose(&d, many), 48);
    assert_int_equal(common(few, many), 20);
    d.relations = LIST("R1"); /* other relations do not matter */
    assert_int_equal(choose(&d, alone), 12);
    assert_int_equal(common(alone, many), 12);
    d.per_relation = 0;
    tiny_take_not(&d, KEN_EUSAGE, "no number of rows to sample is given");
    d.per_relation = 1000; /* as many as there are */
    assert_int_equal(choose(&d, alone), PER);
}

static void test_balance(void **state)
{
    (void)state;
    ken_train_data d = tiny_data(facts(true));
    size_t n;
    d.balance = KEN_BALANCE_CATEGORY;
    for (size_t size = 0; size <= 192; size += 32) {
        d.set_rows = size;
        ken_selection *s = tiny_take(&d);
        const ken_train_data_stats *t = ken_selection_stats(s);
        assert_int_equal(t->rows, size > 0 ? size : 192);
        for (int c = 0; c < 4; c++) assert_true(t->category[c] == t->rows / 4 || t->category[c] == t->rows / 4 + 1);
        ken_selection_free(s);
    }
    d.set_rows = 500;
    ken_err err = {0};
    ken_selection *s = NULL;
    assert_int_equal(ken_select(&s, &d, &err), KEN_EUSAGE);
    const char *most = strstr(err.msg, "`set_rows` ");
    assert_non_null(most);
    d.set_rows = (size_t)atoi(most + 11); /* that is true: it fits, and one more does not */
    ken_selection_free(tiny_take(&d));
    d.set_rows++;
    tiny_take_not(&d, KEN_EUSAGE, "is the most");
    d.set_rows = 0;
    d.categories = OF(KEN_HIGHLY_KNOWN) | OF(KEN_MAYBE_KNOWN) | OF(KEN_WEAKLY_KNOWN);
    d.p_max = 0;
    tiny_take_not(&d, KEN_EUSAGE, "none of the 144 rows has a P_Correct from 0 to 0; they have");
    d.p_max = 1;
    d.categories = OF_KNOWN | OF(KEN_UNLABELLED);
    tiny_take_not(&d, KEN_EUSAGE, "there is no unlabelled row");
    d.categories = 0;
    d.balance = KEN_BALANCE_RELATION;
    s = tiny_take(&d);
    const ken_selection_group *g = ken_selection_groups(s, &n);
    for (size_t i = 0; i < n; i++) assert_int_equal(g[i].take[0] + g[i].take[1] + g[i].take[2] + g[i].take[3], PER);
    ken_selection_free(s);
    d.variant = VARIANT(UNKNOWN_OF(50));
    tiny_take_not(&d, KEN_EUSAGE, "either balanced or a variant");
}

/* ---- matching ------------------------------------------------------------------------------------------------------- */

/* Deciles as the program forms them: by rank over the rows, ties in the lower one. */
static int decile(const double *key, const bool *counts, double x)
{
    size_t n = 0, less = 0;
    for (int i = 0; i < ROWS; i++) {
        if (!counts[i]) continue;
        n++;
        less += key[i] < x;
    }
    return (int)(10 * less / n);
}

static void test_pairs(void **state)
{
    (void)state;
    for (int by_answer = 0; by_answer < 2; by_answer++) {
        double key[ROWS], answers[12] = {0};
        bool counts[ROWS], in[ROWS];
        for (int i = 0; i < ROWS; i++) answers[i % PER % 12]++;
        for (int i = 0; i < ROWS; i++) {
            key[i] = by_answer ? answers[i % PER % 12] : popularity_of(i / PER, i % PER);
            counts[i] = by_answer || i / PER < 3;
        }
        ken_train_data d = tiny_data(facts(!by_answer));
        d.match = KEN_MATCH_PAIRS;
        ken_selection *s = tiny_take(&d);
        const ken_train_data_stats *t = ken_selection_stats(s);
        assert_string_equal(t->matched_by, by_answer ? "answer" : "popularity");
        (void)members(s, in);
        assert_int_equal(t->category[KEN_UNKNOWN], t->matched);
        assert_int_equal(t->rows, 2 * t->matched);
        assert_int_equal(t->matched + t->partnerless, 96);
        size_t known[RELATIONS][10] = {0}, unknown[RELATIONS][10] = {0}, has[2][RELATIONS][10] = {0}, pairs = 0;
        for (int i = 0; i < ROWS; i++) {
            if (!counts[i]) {
                assert_false(in[i]);
                continue;
            }
            int c = decile(key, counts, key[i]), is = category_of(i / PER, i % PER) == KEN_UNKNOWN;
            has[is][i / PER][c]++;
            if (in[i]) (is ? unknown : known)[i / PER][c]++;
        }
        for (int r = 0; r < RELATIONS; r++)
            for (int c = 0; c < 10; c++) {
                size_t least = has[0][r][c] < has[1][r][c] ? has[0][r][c] : has[1][r][c];
                assert_int_equal(known[r][c], least);
                assert_int_equal(unknown[r][c], least);
                pairs += least;
            }
        assert_int_equal(t->matched, pairs);
        size_t both = 2 * t->matched;
        ken_selection_free(s);
        d.variant = VARIANT(UNKNOWN_OF(25)); /* a variant of the pairs */
        d.set_rows = 24;
        bool some[ROWS];
        assert_int_equal(choose(&d, some), 24);
        assert_int_equal(common(some, in), 24);
        assert_true(both > 24);
    }
}

static void test_control(void **state)
{
    (void)state;
    double key[ROWS];
    bool counts[ROWS], variant[ROWS], control[ROWS];
    for (int i = 0; i < ROWS; i++) {
        key[i] = popularity_of(i / PER, i % PER);
        counts[i] = i / PER < 3;
    }
    ken_train_data d = tiny_data(facts(true));
    d.variant = VARIANT(UNKNOWN_OF(50));
    d.set_rows = 40;
    d.seed = 3;
    assert_int_equal(choose(&d, variant), 40);
    d.match = KEN_MATCH_CONTROL;
    ken_selection *s = tiny_take(&d);
    const ken_train_data_stats *t = ken_selection_stats(s);
    (void)members(s, control);
    assert_int_equal(t->category[KEN_UNKNOWN], 0);
    assert_int_equal(t->matched + t->partnerless, 20);
    assert_int_equal(t->rows, 20 + t->matched);
    assert_true(t->matched > 0 && t->partnerless > 0); /* R3 has no popularity */
    size_t replaced[RELATIONS][10] = {0}, partner[RELATIONS][10] = {0}, matched = 0;
    for (int i = 0; i < ROWS; i++) {
        bool unknown = category_of(i / PER, i % PER) == KEN_UNKNOWN;
        if (variant[i] && !unknown) assert_true(control[i]);
        if (!counts[i]) continue;
        int c = decile(key, counts, key[i]);
        replaced[i / PER][c] += variant[i] && unknown;
        partner[i / PER][c] += control[i] && !variant[i];
    }
    for (int r = 0; r < RELATIONS; r++)
        for (int c = 0; c < 10; c++) {
            assert_true(partner[r][c] <= replaced[r][c]);
            matched += partner[r][c];
        }
    assert_int_equal(matched, t->matched);
    ken_selection_free(s);
    d.variant = VARIANT(KNOWN_OF(50));
    tiny_take_not(&d, KEN_EUSAGE, "and known=50 has none; use unknown=50");
    d.variant = VARIANT(NO_VARIANT);
    d.set_rows = 0;
    tiny_take_not(&d, KEN_EUSAGE, "`match` control replaces the Unknown rows of a variant");
    d.variant = VARIANT(ONLY(KEN_UNKNOWN));
    d.set_rows = 20;
    s = tiny_take(&d);
    assert_int_equal(ken_selection_stats(s)->rows, ken_selection_stats(s)->matched);
    ken_selection_free(s);
    d.relations = LIST("R3");
    d.match = 3;
    tiny_take_not(&d, KEN_EUSAGE, "`match` 3 is not one of its values");
}

/* ---- concentrated --------------------------------------------------------------------------------------------------- */

static void test_concentrated(void **state)
{
    (void)state;
    bool smaller[ROWS] = {false}, in[ROWS];
    ken_train_data d = tiny_data(facts(true));
    d.set_rows = 96;
    for (int percent = 0; percent <= 100; percent += 20) {
        d.variant = VARIANT(UNKNOWN_OF(percent));
        d.concentrated = false;
        ken_selection *plain = tiny_take(&d);
        d.concentrated = true;
        ken_selection *s = tiny_take(&d);
        size_t n, m, mixed = 0;
        const ken_selection_group *a = ken_selection_groups(plain, &n), *b = ken_selection_groups(s, &m);
        assert_int_equal(n, m);
        assert_int_equal(ken_selection_stats(s)->category[KEN_UNKNOWN],
                         ken_selection_stats(plain)->category[KEN_UNKNOWN]);
        for (size_t i = 0; i < n; i++) {
            size_t before = 0, after = 0;
            for (int c = 0; c < 4; c++) {
                before += a[i].take[c];
                after += b[i].take[c];
            }
            assert_int_equal(before, after);
            mixed += b[i].take[KEN_UNKNOWN] > 0 && b[i].take[KEN_UNKNOWN] < after;
        }
        assert_true(mixed <= 1);
        (void)members(s, in);
        for (int i = 0; i < ROWS; i++) /* nested in X */
            if (smaller[i] && category_of(i / PER, i % PER) == KEN_UNKNOWN) assert_true(in[i]);
        memcpy(smaller, in, sizeof in);
        ken_selection_free(plain);
        ken_selection_free(s);
    }
    d.variant = VARIANT(UNKNOWN_OF(40));
    d.set_rows = 110;
    tiny_take_not(&d, KEN_EUSAGE, "110 rows cannot be concentrated");
    d.variant = VARIANT(NATURAL);
    tiny_take_not(&d, KEN_EUSAGE, "`concentrated` says where the Unknown rows");
}

/* ---- what cannot be had --------------------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    (void)state;
    const struct {
        ken_train_data d;
        const char *part;
    } cases[] = {
        {{.categories = 1u << 9}, "has bits that are no category"},
        {{.categories = OF(KEN_UNLABELLED)}, "none of the 240 rows is unlabelled; there are"},
        {{.relations = LIST("R9")}, "has no relation \"R9\"; it has R0, R1, R2, R3"},
        {{.splits = LIST("dev")}, "has no split \"dev\"; it has none"},
        {{.p_min = 0.95}, "they have 0 to 0.9"},
        {{.p_unknown_min = 0.2, .p_unknown_max = 0.3},
         "none of the 240 rows has a p_unknown from 0.2 to 0.3; they have 0 to 1"},
        {{.popularity_min = 1000}, "none of the 240 rows has a popularity of 1000 or more; they have 10 to 89"},
        {{.popularity_max = 5}, "of 5 or less"},
        {{.relations = LIST("R3"), .popularity_max = 5}, "no row has a popularity"},
        {{.popularity_min = 7, .popularity_max = 5}, "no popularity is from 7 to 5"},
        {{.p_unknown_min = NAN}, "no probability is from nan to 1"},
        {{.half = 4}, "`half` 4 is not one of its values, 0 (all) to 3 (random)"},
        {{.half = KEN_HALF_RANDOM, .half_by = -1}, "`half_by` -1 is not one"},
        {{.variant = {KEN_VARIANT_UNKNOWN, 101, 0}}, "101 percent"},
        {{.variant = ONLY(KEN_UNLABELLED)}, "none of the four categories"},
        {{.variant = {(ken_variant_kind)7, 0, 0}}, "kind 7"},
        {{.half_within = true}, "no half is named"},
        {{.balance = 3}, "`balance` 3"},
        {{.set_rows = 5}, "a size is that of a variant or a balanced set"},
        {{.variant = UNKNOWN_OF(90), .set_rows = 200}, "`set_rows` 107 is the most"},
        {{.variant = ONLY(KEN_HIGHLY_KNOWN), .set_rows = 240}, "`set_rows`"},
        {{.variant = NATURAL, .set_rows = 241}, "240 have a category: `set_rows` 240 is the most"},
        {{.variant = UNKNOWN_OF(1), .set_rows = 1, .categories = OF(KEN_UNKNOWN)}, "`set_rows` 0 is the most"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_train_data d = complete(cases[i].d);
        tiny_take_not(&d, KEN_EUSAGE, cases[i].part);
    }
    /* A size that is offered is true. */
    ken_train_data d = tiny_data(facts(true));
    d.variant = VARIANT(ONLY(KEN_HIGHLY_KNOWN));
    d.set_rows = 240;
    ken_err err = {0};
    ken_selection *s = NULL;
    assert_int_equal(ken_select(&s, &d, &err), KEN_EUSAGE);
    d.set_rows = (size_t)atoi(strstr(err.msg, "`set_rows` ") + 11);
    s = tiny_take(&d);
    assert_int_equal(ken_selection_count(s), d.set_rows);
    ken_selection_free(s);
    static const size_t unlabelled[1][5] = {{0, 0, 0, 0, 5}};
    d = tiny_data(tiny_run("unlabelled.ken", unlabelled, 1));
    d.variant = VARIANT(UNKNOWN_OF(50));
    tiny_take_not(&d, KEN_EUSAGE, "no row has a category");
    d = tiny_data(tiny_file("bare.jsonl", "{\"question\":\"a\",\"answer\":\"1\"}\n"));
    d.match = KEN_MATCH_PAIRS;
    tiny_take_not(&d, KEN_EUSAGE, "no row has a category; give a run");
}

/* Whatever a request changes, a training is bound to it by the hash of its rows. */
static void test_bound(void **state)
{
    (void)state;
    tiny model = tiny_new();
    char seen[N_REQUESTS][65];
    for (int k = 0; k < N_REQUESTS; k++) {
        size_t rows;
        ken_train_data d = ask(&requests[k], &rows);
        ken_tune_set *t = tiny_set(&model, &d);
        assert_int_equal(ken_tune_set_count(t), rows);
        snprintf(seen[k], sizeof seen[k], "%s", ken_tune_set_hash(t));
        for (int j = 0; j < k; j++) assert_string_not_equal(seen[k], seen[j]);
        ken_tune_set_free(t);
    }
    tiny_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),     cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_halves),       cmocka_unit_test(test_half_by_p),     cmocka_unit_test(test_half_tail),
        cmocka_unit_test(test_samples_nest), cmocka_unit_test(test_balance),       cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_control),      cmocka_unit_test(test_concentrated),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, tiny_remove_folder);
}
