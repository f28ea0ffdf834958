/* test_store_hostile.c - files that are no runs, damaged and manipulated runs, and memory that runs out: always one clear
 * sentence, never a crash (this is meant to be run under AddressSanitizer), and what is not a run stays untouched. */
#include "rows.h"
#include "base/alloc.h"
#include "store/schema.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ken_err err;
static made_row made;

static void make_run(const char *path, uint64_t n)
{
    static const char *const answer[] = {"b"};
    static const ken_example exemplar[2] = {
        {.id = "P0/dev/1", .relation = "P0", .question = "a", .answers = answer, .n_answers = 1},
        {.id = "P0/dev/2", .relation = "P0", .question = "c", .answers = answer, .n_answers = 1}};
    const ken_example *const shots[2] = {&exemplar[0], &exemplar[1]};
    unlink(path);
    ken_store *s;
    assert_ok(ken_store_open(&s, path, test_settings, n_test_settings, &err));
    assert_ok(ken_store_put_exemplars(s, "P0", 0, shots, 2, "Q: a\nA: b\n", &err));
    for (uint64_t i = 0; i < n; i++) assert_ok(ken_store_put_row(s, i, make_row(&made, i), &err));
    assert_ok(ken_store_close(s, &err));
}

static char *slurp(const char *path, size_t *n)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *n = (size_t)st.st_size;
    char *data = malloc(*n + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *n, f), *n);
    fclose(f);
    return data;
}

static void spill(const char *path, const char *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Opens and reads all there is. Any status will do, but a failure must come with a sentence of one line that names the file. */
static int read_all(const char *path)
{
    ken_run *r = NULL;
    ken_err e = {0};
    int status = ken_run_open(&r, path, &e);
    for (size_t i = 0; status == KEN_OK && i < ken_run_count(r); i++)
        if (ken_run_row(r, i, &e) == NULL) status = e.status;
    if (status == KEN_OK && ken_run_find(r, "P1/test/1", &e) == NULL) status = e.status;
    ken_run_free(r);
    if (status != KEN_OK && (status != e.status || e.msg[0] == '\0' || strchr(e.msg, '\n') != NULL))
        fail_msg("status %d, in the error %d: \"%s\"", status, e.status, e.msg);
    return status;
}

/* ---- not a run ----------------------------------------------------------------------------------------------------- */

static void refused(const char *path, int status, const char *word)
{
    ken_store *s;
    ken_run *r;
    assert_int_equal(ken_run_open(&r, path, &err), status);
    if (strstr(err.msg, word) == NULL) fail_msg("no \"%s\" in: %s", word, err.msg);
    assert_int_equal(ken_store_open(&s, path, test_settings, n_test_settings, &err), status);
    if (strstr(err.msg, word) == NULL) fail_msg("no \"%s\" in: %s", word, err.msg);
    assert_int_equal(ken_store_probe(path, &err), status);
    if (strstr(err.msg, word) == NULL) fail_msg("no \"%s\" in: %s", word, err.msg);
}

static void refused_untouched(const char *path, const char *word)
{
    size_t n, m;
    char *before = slurp(path, &n);
    refused(path, KEN_EINPUT, word);
    char *after = slurp(path, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    free(before);
    free(after);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db;
    char *msg = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    if (sqlite3_exec(db, text, NULL, NULL, &msg) != SQLITE_OK) fail_msg("%s: %s", text, msg);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void not_a_run(void **state)
{
    (void)state;
    const char *path = in_folder("strange.ken");
    spill(path, "{\"question\": \"What?\"}\n", 22);
    refused_untouched(path, "not a run");
    for (size_t n = 1; n < 600; n += 1 + n / 2) { /* SQLite takes short files for empty databases */
        char text[600];
        memset(text, 'x', sizeof text);
        spill(path, text, n);
        refused_untouched(path, "not a run");
    }
    char *zeros = calloc(1, 8192);
    assert_non_null(zeros);
    spill(path, zeros, 8192);
    free(zeros);
    refused_untouched(path, "not a run");

    unlink(path);
    sql(path, "CREATE TABLE bookmarks(url); INSERT INTO bookmarks VALUES('x')");
    refused_untouched(path, "another program");
    sql(path, "PRAGMA application_id = 1801809457"); /* "ken1", but no tables of ours */
    refused_untouched(path, "format 0");
    sql(path, "PRAGMA user_version = 1");
    refused_untouched(path, "table \"settings\" is missing");

    make_run(path, 2);
    char newer[40];
    snprintf(newer, sizeof newer, "PRAGMA user_version = %d", KEN_SCHEMA_VERSION + 1);
    sql(path, newer);
    refused_untouched(path, "newer ken");

    assert_int_equal(mkdir(in_folder("folder.ken"), 0700), 0);
    refused(in_folder("folder.ken"), KEN_EINPUT, "folder");
    assert_int_equal(mkfifo(in_folder("fifo.ken"), 0600), 0);
    refused(in_folder("fifo.ken"), KEN_EINPUT, "not a regular file");
    refused("/dev/null", KEN_EINPUT, "not a regular file");
}

static void no_permission(void **state)
{
    (void)state;
    const char *path = in_folder("locked.ken");
    make_run(path, 2);
    assert_int_equal(chmod(path, 0444), 0);
    if (geteuid() != 0) { /* root may write anyway */
        ken_store *s;
        assert_int_equal(ken_store_open(&s, path, test_settings, n_test_settings, &err), KEN_EFAIL);
    }
    assert_int_equal(read_all(path), KEN_OK);
}

/* ---- manipulated --------------------------------------------------------------------------------------------------- */

/* SQL that leaves a file which says it is a run, and a word of the message that reading it must give. */
static void manipulated(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *word;
    } cases[] = {
        {"DROP TABLE others", "table \"others\" is missing"},
        {"ALTER TABLE prompts ADD COLUMN more", "table \"prompts\" is not as"},
        {"DROP TABLE examples; CREATE VIEW examples AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
         " SELECT i AS place, 'x' AS id, '' AS relation, '' AS split, '' AS question, NULL AS subject, 0 AS popularity "
         "FROM n",
         "table \"examples\" is missing"},
        {"UPDATE knowledge SET category = 'Forgotten' WHERE place = 1", "category"},
        {"UPDATE knowledge SET category = 7 WHERE place = 1", "category"},
        {"UPDATE knowledge SET category_mode = x'00'", "category_mode"},
        {"UPDATE knowledge SET p_t = 'much'", "p_t"},
        {"UPDATE knowledge SET p_t = 9e999", "p_t"},
        {"UPDATE knowledge SET greedy_hits = -1", "greedy_hits"},
        {"UPDATE knowledge SET samples = 4294967296", "samples"},
        {"UPDATE knowledge SET flags = -1", "flags"},
        {"UPDATE knowledge SET method = x'6578616374'", "method"},
        {"UPDATE knowledge SET place = -5 WHERE place = 1", "example"}, /* joined away: then P1/test/1 is not found */
        {"UPDATE examples SET relation = x'50' WHERE place = 1", "relation"},
        {"UPDATE examples SET question = CAST(x'66ff66' AS TEXT)", "question"},
        {"UPDATE examples SET id = 'P1/test/1' || char(0) || 'x' WHERE place = 0", "id"},
        {"UPDATE examples SET subject = 5", NULL}, /* text affinity makes it text again */
        {"UPDATE examples SET popularity = x'00'", "popularity"},
        {"UPDATE answers SET text = x'00'", "answer"},
        {"DELETE FROM answers", NULL},
        {"WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)"
         " INSERT INTO answers SELECT 1, i, 'x' FROM n",
         "number of answers"},
        {"WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 10)"
         " INSERT INTO answers SELECT 1, i, printf('%15000000s', 'x') FROM n",
         "answer"},
        {"UPDATE prompts SET prompt = prompt + 1 WHERE prompt = 9", "number of a prompt"},
        {"UPDATE prompts SET greedy_hit = 2", "greedy_hit"},
        {"UPDATE prompts SET p_lo = -0.5", "p_lo"},
        {"UPDATE prompts SET finish = 3.5", NULL},
        {"WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)"
         " INSERT INTO prompts SELECT 1, i, 0, 0, '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM n",
         "number of prompts"},
        {"DELETE FROM prompts", "prompt of another answer"},
        {"INSERT INTO others VALUES(1, 3, 10, 'a', 0), (1, 3, 11, 'a', 0), (1, 3, 12, 'a', 0), (1, 3, 13, 'a', 0),"
         " (1, 3, 14, 'a', 0), (1, 3, 15, 'a', 0)",
         "number of other answers"},
        {"UPDATE drawn SET prompt = 10 WHERE prompt = 0", "prompt of a sampled text"},
        {"UPDATE drawn SET count = -1", "count of a sampled text"},
        {"UPDATE drawn SET hit = 2", "verdict of a sampled text"},
        {"UPDATE others SET p = 'x'", "probability of another answer"},
        {"INSERT INTO settings VALUES(x'00', 'x', 0)", "a setting is no text"},
        {"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
         " INSERT INTO settings SELECT 'k' || i, 'v', 0 FROM n",
         "settings"},
        {"UPDATE costs SET token_forwards = 9223372036854775807; INSERT INTO costs VALUES(99, 9223372036854775807, "
         "9e999)",
         NULL},
        {"CREATE TRIGGER t AFTER INSERT ON examples BEGIN DELETE FROM knowledge; END", NULL},
        {"CREATE TABLE mine(x); CREATE INDEX i ON prompts(p_lo)", NULL}, /* what people add for themselves is fine */
    };
    const char *path = in_folder("manipulated.ken");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_run(path, 6);
        sql(path, cases[i].sql);
        int status = read_all(path);
        if (cases[i].word == NULL ? status != KEN_OK : status != KEN_EINPUT)
            fail_msg("%s: status %d", cases[i].sql, status);
        if (cases[i].word == NULL) continue;
        ken_run *r = NULL;
        if (ken_run_open(&r, path, &err) == KEN_OK)
            for (size_t k = 0; k < ken_run_count(r); k++)
                if (ken_run_row(r, k, &err) == NULL) break;
        ken_run_free(r);
        if (strcmp(cases[i].word, "example") != 0 && strstr(err.msg, cases[i].word) == NULL)
            fail_msg("%s: no \"%s\" in: %s", cases[i].sql, cases[i].word, err.msg);
    }

    /* A trigger that came with the file does not fire when we write. */
    make_run(path, 3);
    sql(path, "CREATE TRIGGER t AFTER INSERT ON examples BEGIN DELETE FROM knowledge; END");
    ken_store *s;
    assert_ok(ken_store_open(&s, path, test_settings, n_test_settings, &err));
    assert_ok(ken_store_put_row(s, 3, make_row(&made, 3), &err));
    assert_ok(ken_store_close(s, &err));
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_count(r), 4);
    ken_run_free(r);
}

/* ---- damaged ------------------------------------------------------------------------------------------------------- */

/* Reading never crashes; and writing on, on some of them, does not either. */
static void try_damaged(const char *path, const char *data, size_t n, bool write_too)
{
    spill(path, data, n);
    read_all(path);
    if (!write_too) return;
    ken_store *s = NULL;
    if (ken_store_open(&s, path, test_settings, n_test_settings, &err) == KEN_OK)
        for (uint64_t i = 2; i < 6 && ken_store_put_row(s, i, make_row(&made, i), &err) == KEN_OK; i++) {
        }
    ken_store_close(s, &err);
}

static void damaged(void **state)
{
    (void)state;
    size_t n;
    const char *whole = in_folder("whole.ken"), *path = in_folder("damaged.ken");
    char journal[600];
    snprintf(journal, sizeof journal, "%s-journal", path);
    make_run(whole, 3);
    char *data = slurp(whole, &n);
    spill(path, data, n);
    assert_int_equal(read_all(path), KEN_OK);

    srand(4);
    for (size_t cut = 0; cut < n; cut += cut < 100 ? 7 : 1 + (size_t)rand() % 2048) { /* cut off */
        spill(path, data, cut);
        assert_int_equal(read_all(path), KEN_EINPUT);
        unlink(journal);
    }
    for (size_t i = 0; i < 100; i++) { /* each byte of the header */
        char old = data[i];
        data[i] = (char)(old ^ (1 << rand() % 8));
        try_damaged(path, data, n, true);
        data[i] = old;
        unlink(journal);
    }
    /* Somewhere; most bytes of the pages are empty space, so half of the flips go to the heads of pages, where the cells are. */
    for (size_t i = 0; i < 800; i++) {
        size_t at = (size_t)rand() % n;
        if (i % 2 == 0) at = at / 4096 * 4096 + (size_t)rand() % 64;
        char old = data[at];
        data[at] = (char)rand();
        try_damaged(path, data, n, i % 16 == 0);
        data[at] = old;
        unlink(journal);
    }
    free(data);
}

/* ---- out of memory ------------------------------------------------------------------------------------------------- */

static sqlite3_mem_methods plain;
static long sqlite_allocs, sqlite_fails_at; /* 0 = never */

static bool refuse(void) { return ++sqlite_allocs, sqlite_fails_at != 0 && sqlite_allocs >= sqlite_fails_at; }
static void *failing_malloc(int n) { return refuse() ? NULL : plain.xMalloc(n); }
static void *failing_realloc(void *p, int n) { return refuse() ? NULL : plain.xRealloc(p, n); }

/* Writes and reads a run; the first failure is the result. */
static int session(const char *path)
{
    static const char *const answer[] = {"b"};
    static const ken_example exemplar[2] = {
        {.id = "P0/dev/1", .relation = "P0", .question = "a", .answers = answer, .n_answers = 1},
        {.id = "P0/dev/2", .relation = "P0", .question = "c", .answers = answer, .n_answers = 1}};
    const ken_example *const shots[2] = {&exemplar[0], &exemplar[1]};
    ken_store *s = NULL;
    ken_run *r = NULL;
    int status = ken_store_open(&s, path, test_settings, n_test_settings, &err);
    if (status == KEN_OK) status = ken_store_put_exemplars(s, "P0", 0, shots, 2, "Q: a\xFF\n", &err);
    for (uint64_t i = 0; status == KEN_OK && i < 4; i++)
        if (!ken_store_has(s, make_row(&made, i)->id)) status = ken_store_put_row(s, i, make_row(&made, i), &err);
    if (status == KEN_OK) status = ken_store_add_cost(s, 1, 1, &err);
    if (status == KEN_OK) status = ken_store_close(s, &err);
    else ken_store_close(s, NULL);
    if (status == KEN_OK) status = ken_run_open(&r, path, &err);
    for (size_t i = 0; status == KEN_OK && i < 4; i++)
        if (ken_run_row(r, i, &err) == NULL) status = err.status;
    if (status == KEN_OK && ken_run_find(r, "P3/test/3", &err) == NULL) status = err.status;
    ken_run_free(r);
    return status;
}

static void our_memory(void **state)
{
    (void)state;
    const char *path = in_folder("memory.ken");
    long before = ken_alloc_count();
    assert_ok(session(path));
    long n = ken_alloc_count() - before;
    assert_true(n > 30);
    for (long k = 1; k <= n; k++) {
        if (k % 2 == 0) unlink(path); /* a new run and one to resume */
        ken_alloc_fail_after(k);
        int status = session(path);
        ken_alloc_fail_after(0);
        if (status != KEN_ENOMEM && status != KEN_OK) fail_msg("allocation %ld of %ld: %d %s", k, n, status, err.msg);
        if (k < n / 2) assert_int_equal(status, KEN_ENOMEM);
    }
    assert_ok(session(path));
}

static void sqlites_memory(void **state)
{
    (void)state;
    const char *path = in_folder("memory2.ken");
    sqlite_allocs = 0;
    assert_ok(session(path));
    long n = sqlite_allocs, failed = 0;
    assert_true(n > 100);
    for (long k = 1; k <= n; k += 1 + k / 100) {
        if (k % 2 == 0) unlink(path);
        sqlite_fails_at = sqlite_allocs + k;
        int status = session(path);
        sqlite_fails_at = 0;
        if (status != KEN_ENOMEM && status != KEN_OK) fail_msg("allocation %ld of %ld: %d %s", k, n, status, err.msg);
        failed += status == KEN_ENOMEM;
    }
    assert_true(failed > 50);
    assert_ok(session(path));
}

int main(void)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
    sqlite3_mem_methods failing = plain;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* every allocation comes to us */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_a_run), cmocka_unit_test(no_permission), cmocka_unit_test(manipulated),
        cmocka_unit_test(damaged),   cmocka_unit_test(our_memory),    cmocka_unit_test(sqlites_memory),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
