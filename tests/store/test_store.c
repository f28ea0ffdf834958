/* test_store.c - what is put into a run comes back, in data order, with the sums of its summary; settings bind. */
#include "rows.h"
#include "base/alloc.h"
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ken_err err;

static ken_store *open_store(const char *path)
{
    ken_store *s;
    assert_ok(ken_store_open(&s, path, test_settings, n_test_settings, &err));
    return s;
}

static void put(ken_store *s, uint64_t i)
{
    made_row m;
    assert_ok(ken_store_put_row(s, i, make_row(&m, i), &err));
}

/* Rows in any order, over two openings, come back in data order and equal in every field. */
static void round_trip(void **state)
{
    (void)state;
    const char *path = in_folder("round.ken");
    ken_store *s = open_store(path);
    for (uint64_t i = 0; i < 50; i += 2) put(s, (i * 7 + 3) % 50 * 1000); /* 7 and 50 have no common divisor */
    assert_ok(ken_store_add_cost(s, 1234567890123, 1.25, &err));
    assert_ok(ken_store_close(s, &err));

    s = open_store(path);
    assert_int_equal(ken_store_count(s), 25);
    for (uint64_t i = 1; i < 50; i += 2) put(s, (i * 7 + 3) % 50 * 1000);
    assert_ok(ken_store_commit(s, &err));
    assert_ok(ken_store_add_cost(s, 7, 2.5, &err));
    uint64_t counts[KEN_N_CATEGORIES] = {0};
    ken_store_counts(s, counts);
    made_row m;
    uint64_t expected[KEN_N_CATEGORIES] = {0};
    for (uint64_t i = 0; i < 50; i++) expected[make_row(&m, i * 1000)->category]++;
    assert_memory_equal(counts, expected, sizeof counts);
    assert_true(ken_store_has(s, make_row(&m, 7000)->id));
    assert_false(ken_store_has(s, "P0/test/7001"));
    assert_ok(ken_store_close(s, &err));
    assert_int_not_equal(access(in_folder("round.ken-journal"), F_OK), 0);
    assert_int_not_equal(access(in_folder("round.ken-wal"), F_OK), 0);

    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_count(r), 50);
    assert_true(ken_run_complete(r));
    for (size_t i = 0; i < 50; i++) assert_row_equal(make_row(&m, i * 1000), ken_run_row(r, i, &err));
    assert_row_equal(make_row(&m, 13000), ken_run_find(r, make_row(&m, 13000)->id, &err));
    assert_null(ken_run_find(r, "nobody", &err));
    assert_int_equal(err.status, KEN_EINPUT);
    assert_null(ken_run_row(r, 50, &err));
    assert_int_equal(err.status, KEN_EUSAGE);
    assert_string_equal(ken_run_setting(r, "prompt_template"), "Q: {question}\nA:");
    assert_string_equal(ken_run_setting(r, "token_forwards"), "1234567890130");
    assert_string_equal(ken_run_setting(r, "seconds"), "3.750");
    assert_null(ken_run_setting(r, "nothing"));
    ken_run_free(r);
}

/* A kept row survives only until the next call, but a run may be read while it is written. */
static void read_while_writing(void **state)
{
    (void)state;
    const char *path = in_folder("live.ken");
    ken_store *s = open_store(path);
    put(s, 0);
    assert_ok(ken_store_commit(s, &err));
    put(s, 1); /* not committed: nobody sees it */
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_count(r), 1);
    assert_false(ken_run_complete(r));
    assert_ok(ken_store_commit(s, &err));
    made_row m;
    assert_row_equal(make_row(&m, 0), ken_run_row(r, 0, &err));
    assert_null(ken_run_find(r, make_row(&m, 1)->id, &err)); /* rows of later are not seen by a run opened before */
    ken_run_free(r);
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_count(r), 2);
    ken_run_free(r);
}

static void odd_texts(void **state)
{
    (void)state;
    const size_t huge = 8 << 20;
    char *big = malloc(huge + 1);
    assert_non_null(big);
    memset(big, 'x', huge);
    big[huge] = '\0';
    const char *answers[] = {big, ""};
    ken_prompt_row p = {.text = "caf\xC3", .finish = NULL, .n_other = 1};
    p.other[0].text = "\xFF ok \xE2\x82 \xC0\x80";
    ken_row row = {.id = "a'; DROP TABLE rows; --",
                   .question = "line\nbreak\x01",
                   .answers = answers,
                   .n_answers = 2,
                   .category = KEN_UNLABELLED,
                   .category_mode = KEN_UNLABELLED,
                   .method = "exact",
                   .p_t = -0.0,
                   .prompt_rows = &p,
                   .n_prompt_rows = 1};
    const char *path = in_folder("odd.ken");
    ken_store *s = open_store(path);
    assert_ok(ken_store_put_row(s, INT64_MAX, &row, &err));
    assert_ok(ken_store_close(s, &err));

    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    const ken_row *got = ken_run_row(r, 0, &err);
    assert_non_null(got);
    assert_string_equal(got->id, row.id);
    assert_string_equal(got->relation, "");
    assert_string_equal(got->split, "");
    assert_string_equal(got->question, row.question);
    assert_null(got->subject);
    assert_int_equal(strlen(got->answers[0]), huge);
    assert_memory_equal(got->answers[0], big, huge);
    assert_string_equal(got->answers[1], "");
    assert_false(signbit(got->p_t));
    assert_string_equal(got->prompt_rows[0].finish, "");
    assert_string_equal(got->prompt_rows[0].text, "caf\xEF\xBF\xBD");
    assert_string_equal(got->prompt_rows[0].other[0].text, "\xEF\xBF\xBD ok \xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD");
    ken_run_free(r);
    free(big);
}

/* Rows that make no sense are refused before anything is written, and the open transaction stays open. */
static void bad_rows(void **state)
{
    (void)state;
    const char *path = in_folder("bad.ken");
    ken_store *s = open_store(path);
    put(s, 1);
    made_row m;
    ken_row row;
    const char *no_answer[] = {NULL};
#define REFUSED(status, place, change)                                                                                 \
    do {                                                                                                               \
        row = *make_row(&m, 2);                                                                                        \
        change;                                                                                                        \
        assert_int_equal(ken_store_put_row(s, place, &row, &err), status);                                             \
        assert_non_null(strstr(err.msg, "bad.ken"));                                                                   \
    } while (0)
    REFUSED(KEN_ESTATE, 2, row.id = NULL);
    REFUSED(KEN_ESTATE, 2, row.id = "");
    REFUSED(KEN_ESTATE, 2, row.question = NULL);
    REFUSED(KEN_ESTATE, 2, row.method = NULL);
    REFUSED(KEN_ESTATE, 2, row.category = KEN_N_CATEGORIES);
    REFUSED(KEN_ESTATE, 2, row.category_mode = -1);
    REFUSED(KEN_ESTATE, 2, row.n_answers = -1);
    REFUSED(KEN_ESTATE, 2, (row.answers = no_answer, row.n_answers = 1));
    REFUSED(KEN_ESTATE, 2, row.p_t = 1.5);
    REFUSED(KEN_ESTATE, 2, row.p_flip = -INFINITY);
    REFUSED(KEN_ESTATE, 2, row.greedy_hits = -1);
    REFUSED(KEN_ESTATE, 2, m.prompts[9].n_other = 6);
    REFUSED(KEN_ESTATE, 2, m.prompts[9].p_hi = 2);
    REFUSED(KEN_ESTATE, 2, m.prompts[0].hits = -1);
    REFUSED(KEN_ESTATE, (uint64_t)INT64_MAX + 1, (void)row);
    REFUSED(KEN_ESTATE, 2, row.id = "P1/test/1"); /* is there already */
    REFUSED(KEN_EINPUT, 1, (void)row);            /* another row at its place */
    put(s, 2);
    assert_int_equal(ken_store_count(s), 2);
    assert_ok(ken_store_close(s, &err));
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_count(r), 2);
    assert_row_equal(make_row(&m, 2), ken_run_row(r, 1, &err));
    ken_run_free(r);
}

/* The sums of the summary, against a plain loop over the rows. */
static void counts(void **state)
{
    (void)state;
    const char *path = in_folder("counts.ken");
    ken_store *s = open_store(path);
    /* relation, answer, category, g, p_unknown, p_t0, p_t, flags */
    static const struct {
        const char *relation, *answer;
        int category, g;
        double p_unknown, p_t0, p_t;
        uint32_t flags;
    } rows[] = {
        {"P495", "United States", KEN_HIGHLY_KNOWN, 10, 0.0, 1.0, 0.75, 0},
        {"P495", " the United  states.", KEN_WEAKLY_KNOWN, 0, 0.25, 0.0, 0.5, KEN_FLAG_ECHO},
        {"P495", "France", KEN_UNKNOWN, 0, 0.75, 0.0, 0.25, 0},
        {"P495", "France!", KEN_UNLABELLED, 0, 0.5, 0.0, 0.0, KEN_FLAG_GOLD_TOO_LONG},
        {"P36", "Paris", KEN_UNKNOWN, 0, 1.0, 0.0, NAN, 0},
        {"", "B", KEN_UNLABELLED, 0, NAN, 0.5, 0.5, KEN_FLAG_CHOICE},
    };
    enum { N = sizeof rows / sizeof rows[0] };
    for (int i = N - 1; i >= 0; i--) {
        char id[16];
        snprintf(id, sizeof id, "row %d", i);
        ken_row row = {.id = id,
                       .relation = rows[i].relation,
                       .question = "?",
                       .answers = &rows[i].answer,
                       .n_answers = 1,
                       .category = rows[i].category,
                       .category_mode = rows[i].category,
                       .greedy_hits = rows[i].g,
                       .p_unknown = rows[i].p_unknown,
                       .p_t0 = rows[i].p_t0,
                       .p_t = rows[i].p_t,
                       .flags = rows[i].flags,
                       .method = "exact"};
        assert_ok(ken_store_put_row(s, (uint64_t)i, &row, &err));
    }
    assert_ok(ken_store_close(s, &err));

    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_n_relations(r), 3);
    const ken_counts *c = ken_run_relation(r, 0);
    assert_string_equal(c->relation, "P495");
    assert_int_equal(c->n, 4);
    for (int k = 0; k < KEN_N_CATEGORIES; k++) assert_int_equal(c->category[k], k == KEN_MAYBE_KNOWN ? 0 : 1);
    assert_true(c->expected_unknown == 1.0);
    assert_true(c->sd_unknown == sqrt(0.375));
    assert_true(c->mean_p_t0 == 1.0 / 3.0);
    assert_true(c->mean_p_t == 0.5);
    assert_true(c->majority_share == 0.5);
    assert_true(c->echo_share == 0.25);
    assert_true(isnan(ken_run_relation(r, 1)->mean_p_t));
    assert_true(ken_run_relation(r, 2)->mean_p_t0 == 0.5); /* a choice row counts, though it has no label */
    assert_null(ken_run_relation(r, 3));
    c = ken_run_total(r);
    assert_string_equal(c->relation, "");
    assert_int_equal(c->n, N);
    assert_true(c->expected_unknown == 2.0);
    assert_true(c->majority_share == 2.0 / 6.0);
    ken_run_free(r);
}

/* Greedy texts that hold an accepted answer and are called wrong, by category; and rows that cannot be told. */
static void said(void **state)
{
    (void)state;
    const char *path = in_folder("said.ken");
    static const struct {
        int category;
        const char *answer[2], *text[2]; /* the second text is called right where there is a second answer */
        uint32_t flags;
    } rows[] = {
        {KEN_UNKNOWN, {"Larry Wall"}, {"Dennis Ritchie", "Larry Wall created Perl."}, 0},
        {KEN_UNKNOWN, {"Larry Wall"}, {"Larry Wallace", "Barry Wall"}, 0},      /* whole words */
        {KEN_UNKNOWN, {"Perl"}, {"It is the Perl.", "Perl is"}, KEN_FLAG_ECHO}, /* may only repeat the question */
        {KEN_UNKNOWN, {"Larry Wall"}, {NULL, NULL}, 0},
        {KEN_MAYBE_KNOWN, {"Microsoft", "MS"}, {"Microsoft Corporation", "MS"}, 0},
        {KEN_MAYBE_KNOWN, {"Microsoft", "MS"}, {"Apple", "MS"}, 0}, /* what is called right does not count */
        {KEN_HIGHLY_KNOWN, {"You do not grow a tree", "Nothing in particular does happen"}, {"Nothing"}, 0},
        {KEN_UNLABELLED, {"A"}, {"A it is", "A"}, KEN_FLAG_CHOICE},
        {KEN_WEAKLY_KNOWN, {""}, {"nothing", "at all"}, 0}, /* nobody annotates this; it must not stop the reader */
    };
    ken_store *s = open_store(path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[16];
        snprintf(id, sizeof id, "row %zu", i);
        ken_prompt_row p[2] = {{.text = rows[i].text[0], .finish = "newline"},
                               {.text = rows[i].text[1], .finish = "newline", .greedy_hit = rows[i].answer[1] != NULL}};
        ken_row row = {.id = id,
                       .relation = i < 2 ? "creator" : "",
                       .question = "?",
                       .answers = rows[i].answer,
                       .n_answers = rows[i].answer[1] != NULL ? 2 : 1,
                       .category = rows[i].category,
                       .category_mode = rows[i].category,
                       .flags = rows[i].flags,
                       .method = "exact",
                       .prompt_rows = p,
                       .n_prompt_rows = 2};
        assert_ok(ken_store_put_row(s, i, &row, &err));
    }
    assert_ok(ken_store_close(s, &err));
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    const ken_counts *c = ken_run_total(r);
    const uint64_t want[KEN_N_CATEGORIES] = {0, 1, 0, 1, 0};
    assert_memory_equal(c->said, want, sizeof want);
    assert_int_equal(c->unknown_without_text, 1);
    assert_int_equal(c->sentences, 1);
    c = ken_run_relation(r, 0);
    assert_int_equal(c->said[KEN_UNKNOWN], 1);
    assert_int_equal(c->unknown_without_text, 0);
    ken_run_free(r);
}

static void no_rows(void **state)
{
    (void)state;
    const char *path = in_folder("none.ken");
    assert_ok(ken_store_close(open_store(path), &err));
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_count(r), 0);
    assert_int_equal(ken_run_n_relations(r), 0);
    assert_false(ken_run_complete(r));
    assert_null(ken_run_find(r, "", &err));
    assert_true(isnan(ken_run_total(r)->mean_p_t));
    ken_run_free(r);
    ken_run_free(NULL);
    assert_ok(ken_store_close(NULL, &err));
}

/* ---- settings ------------------------------------------------------------------------------------------------------ */

static void settings_bind(void **state)
{
    (void)state;
    const char *path = in_folder("bind.ken");
    assert_ok(ken_store_close(open_store(path), &err));
    static const struct {
        ken_setting with[5];
        size_t n;
        const char *names[3]; /* in the message */
    } cases[] = {
        {{{"model_hash", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", true},
          {"temperature", "0.7", true},
          {"prompt_template", "Q: {question}\nA:", true}},
         3,
         {"temperature", "\"0.5\"", "\"0.7\""}},
        /* what only the run has comes first: it may be why others differ (adapter, model_hash) */
        {{{"temperature", "0.7", true}, {"prompt_template", "Q:", true}}, 2, {"model_hash", "b179", "not set"}},
        {{{"model_hash", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", true},
          {"temperature", "0.5", true},
          {"prompt_template", "Q: {question}\n\nA:", true}},
         3,
         {"prompt_template", "{question}\\nA", "{question}\\n\\nA"}},
        {{{"model_hash", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", true},
          {"temperature", "0.5", true},
          {"prompt_template", "Q: {question}\nA:", true},
          {"top_k", "40", true}},
         4,
         {"top_k", "not set", "\"40\""}},
        {{{"model_hash", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", true},
          {"temperature", "0.5", true}},
         2,
         {"prompt_template", "{question}", "not set"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ken_store *s = NULL;
        assert_int_equal(ken_store_open(&s, path, cases[i].with, cases[i].n, &err), KEN_EINPUT);
        assert_null(s);
        for (int k = 0; k < 3; k++)
            if (strstr(err.msg, cases[i].names[k]) == NULL) fail_msg("no %s in: %s", cases[i].names[k], err.msg);
        assert_null(strchr(err.msg, '\n'));
        assert_non_null(strstr(err.msg, "-o"));
    }

    /* What does not bind is updated, and a new key is added. */
    ken_setting more[6];
    memcpy(more, test_settings, n_test_settings * sizeof more[0]);
    more[3].value = "80";
    more[4] = (ken_setting){"program", "0.1.0", false};
    ken_store *s;
    assert_ok(ken_store_open(&s, path, more, 5, &err));
    assert_ok(ken_store_close(s, &err));
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_string_equal(ken_run_setting(r, KEN_SETTING_ROWS), "80");
    assert_string_equal(ken_run_setting(r, "program"), "0.1.0");
    ken_run_free(r);
}

static void settings_invalid(void **state)
{
    (void)state;
    static const ken_setting cases[][2] = {
        {{NULL, "x", true}, {"b", "y", true}},
        {{"a", NULL, true}, {"b", "y", true}},
        {{"a", "x", true}, {"a", "y", true}},
    };
    const char *path = in_folder("invalid.ken");
    for (size_t i = 0; i < 3; i++) {
        ken_store *s;
        assert_int_equal(ken_store_open(&s, path, cases[i], 2, &err), KEN_ESTATE);
        assert_int_not_equal(access(path, F_OK), 0); /* no file is made */
    }
}

static void exemplars(void **state)
{
    (void)state;
    const char *path = in_folder("exemplars.ken");
    static const char *const answer[] = {"b"};
    static const ken_example exemplar[2] = {
        {.id = "P36/dev/1", .relation = "P36", .question = "a", .answers = answer, .n_answers = 1},
        {.id = "P36/dev/2", .relation = "P36", .question = "c", .answers = answer, .n_answers = 1}};
    const ken_example *const shots[2] = {&exemplar[0], &exemplar[1]};
    ken_store *s = open_store(path);
    assert_ok(ken_store_put_exemplars(s, "P36", 0, shots, 2, "Q: a\nA: b\n", &err));
    assert_ok(ken_store_put_exemplars(s, "P36", 1, shots, 2, "Q: c\nA: d\n", &err));
    assert_ok(ken_store_close(s, &err));
    s = open_store(path);
    assert_ok(ken_store_put_exemplars(s, "P36", 0, shots, 2, "Q: a\nA: b\n", &err));
    assert_int_equal(ken_store_put_exemplars(s, "P36", 1, shots, 2, "Q: c\nA: e\n", &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "exemplar set 1 of relation \"P36\""));
    assert_ok(ken_store_close(s, &err));

    ken_run *r;
    char *text;
    assert_ok(ken_run_open(&r, path, &err));
    assert_ok(ken_run_exemplars(r, "P36", 1, &text, &err));
    assert_string_equal(text, "Q: c\nA: d\n");
    ken_free(text);
    assert_int_equal(ken_run_exemplars(r, "P36", 2, &text, &err), KEN_EINPUT);
    assert_null(text);
    ken_run_free(r);

    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT group_concat(id) FROM exemplars JOIN exemplar_sets USING(relation, set_no)"
                           " WHERE text = 'Q: a\nA: b\n'",
                           -1, &q, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(q, 0), "P36/dev/1,P36/dev/2");
    sqlite3_finalize(q);
    sqlite3_close(db);
}

/* Names that SQLite would take for something else than a file, were they not guarded. */
static void odd_names(void **state)
{
    (void)state;
    char old[4096];
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(test_folder()), 0);
    static const char *const names[] = {":memory:", "file:x.ken?mode=memory", "a b'\".ken", "-o"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ken_store *s = open_store(names[i]);
        put(s, 1);
        assert_ok(ken_store_close(s, &err));
        ken_run *r;
        assert_ok(ken_run_open(&r, names[i], &err));
        assert_int_equal(ken_run_count(r), 1);
        ken_run_free(r);
        assert_int_equal(access(names[i], F_OK), 0);
    }
    assert_int_equal(chdir(old), 0);
    ken_store *s;
    ken_run *r;
    assert_int_equal(ken_store_open(&s, "", test_settings, n_test_settings, &err), KEN_EUSAGE);
    assert_int_equal(ken_run_open(&r, "", &err), KEN_EUSAGE);
    assert_int_equal(ken_store_open(&s, in_folder("no/such/folder"), test_settings, n_test_settings, &err), KEN_EFAIL);
    assert_int_equal(ken_store_probe(in_folder("no/such/folder"), &err), KEN_EFAIL);
    assert_ok(ken_store_probe(in_folder("nothing.ken"), &err));
    assert_ok(ken_store_probe("nothing.ken", &err));
    assert_int_equal(ken_run_open(&r, in_folder("nothing.ken"), &err), KEN_EINPUT);
    assert_int_not_equal(access(in_folder("nothing.ken"), F_OK), 0);
}

/* ---- docs/run-format.md -------------------------------------------------------------------------------------------- */

/* The page names every table and column, and its queries run. */
static void documented(void **state)
{
    (void)state;
    static char page[1 << 16];
    FILE *f = fopen(KEN_SOURCE "/docs/run-format.md", "rb");
    assert_non_null(f);
    page[fread(page, 1, sizeof page - 1, f)] = '\0';
    fclose(f);

    const char *path = in_folder("documented.ken");
    ken_store *s = open_store(path);
    for (uint64_t i = 0; i < 20; i++) put(s, i);
    assert_ok(ken_store_close(s, &err));
    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
                                        " WHERE m.type = 'table'",
                                        -1, &q, NULL),
                     SQLITE_OK);
    int n = 0;
    for (; sqlite3_step(q) == SQLITE_ROW; n++) {
        char name[80];
        snprintf(name, sizeof name, "`%s`", (const char *)sqlite3_column_text(q, 1));
        if (strstr(page, (const char *)sqlite3_column_text(q, 0)) == NULL || strstr(page, name) == NULL)
            fail_msg("%s.%s is not in docs/run-format.md", sqlite3_column_text(q, 0), sqlite3_column_text(q, 1));
    }
    assert_true(n > 60);
    sqlite3_finalize(q);

    int queries = 0;
    for (char *at = page, *end; (at = strstr(at, "```sql\n")) != NULL; at = end + 3, queries++) {
        at += 7;
        assert_non_null(end = strstr(at, "```"));
        *end = '\0';
        char *msg = NULL;
        if (sqlite3_exec(db, at, NULL, NULL, &msg) != SQLITE_OK) fail_msg("%s: %s", at, msg);
    }
    assert_true(queries >= 5);
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),       cmocka_unit_test(read_while_writing),
        cmocka_unit_test(odd_texts),        cmocka_unit_test(bad_rows),
        cmocka_unit_test(counts),           cmocka_unit_test(said),
        cmocka_unit_test(no_rows),          cmocka_unit_test(settings_bind),
        cmocka_unit_test(settings_invalid), cmocka_unit_test(exemplars),
        cmocka_unit_test(odd_names),        cmocka_unit_test(documented),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
