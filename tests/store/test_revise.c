/* test_revise.c - a run whose data changed: rows move, go and stay as they should, all at once or not at all; readers are told. */
#include "rows.h"
#include "base/alloc.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static ken_err err;
static made_row made;

/* ---- a run, and data that changed since -------------------------------------------------------------------------------- */

/* Row number `row` of rows.h as it was asked in version v: that is its identity. */
typedef struct asked {
    uint64_t row;
    int v;
} asked;

enum { MOST = 12 };

static void put(ken_store *s, uint64_t place, asked a)
{
    char identity[65];
    ken_row row = *make_row(&made, a.row);
    snprintf(identity, sizeof identity, "row %d version %d", (int)a.row, a.v);
    row.identity = identity;
    row.asked = identity;
    row.aliases = row.answers; /* other names: as many as answers */
    row.n_aliases = row.n_answers;
    assert_ok(ken_store_put_row(s, place, &row, &err));
}

static ken_store *open_store(const char *path)
{
    ken_store *s;
    assert_ok(ken_store_open(&s, path, test_settings, n_test_settings, &err));
    return s;
}

/* Data of these rows (n). The ids are in `ids`, which lives as long as the result is used. */
static size_t data_of(const asked *a, size_t n, ken_store_row out[MOST], char ids[MOST][32])
{
    for (size_t i = 0; i < n; i++) {
        snprintf(ids[i], sizeof ids[i], "P%d/test/%d", (int)(a[i].row % 4), (int)a[i].row);
        out[i].id = ids[i];
        snprintf(out[i].identity, sizeof out[i].identity, "row %d version %d", (int)a[i].row, a[i].v);
    }
    return n;
}

static int revise(ken_store *s, const asked *a, size_t n)
{
    ken_store_row row[MOST];
    char ids[MOST][32];
    return ken_store_revise(s, row, data_of(a, n, row, ids), &err);
}

static const asked before[] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}};
enum { N_BEFORE = sizeof before / sizeof *before };

/* 7 came to the front; 1 was changed; 20 is new, in the middle; 3 and 6 are gone. */
static const asked now[] = {{7, 0}, {0, 0}, {1, 1}, {2, 0}, {20, 0}, {4, 0}, {5, 0}};
enum { N_NOW = sizeof now / sizeof *now };
static const asked after[] = {{7, 0}, {0, 0}, {2, 0}, {4, 0}, {5, 0}, {3, 0}, {6, 0}};
static const int64_t after_place[] = {0, 1, 3, 5, 6, KEN_PLACE_GONE, KEN_PLACE_GONE + 1};
enum { N_AFTER = sizeof after / sizeof *after };

/* A run with the rows as they were before; the same file each time. */
static void make_run(const char *path)
{
    static char bytes[1 << 20];
    static size_t n;
    unlink(path);
    if (n == 0) {
        ken_store *s = open_store(path);
        for (size_t i = 0; i < N_BEFORE; i++) put(s, i, before[i]);
        assert_ok(ken_store_close(s, &err));
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        n = fread(bytes, 1, sizeof bytes, f);
        assert_true(n < sizeof bytes);
        fclose(f);
        return;
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

/* A number that the run's file answers. */
static int64_t answer(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    int64_t n = ask(db, sql);
    sqlite3_close(db);
    return n;
}

/* The run has these rows (n) with all their parts, in this order, at these places; nothing is left of others. */
static void check_rows(const char *path, const asked *a, const int64_t *place, size_t n)
{
    ken_run *r;
    sqlite3 *db;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_count(r), n);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    int64_t answers = 0;
    for (size_t i = 0; i < n; i++) {
        char sql[120], identity[65];
        const ken_row *expected = make_row(&made, a[i].row), *got = ken_run_row(r, i, &err);
        assert_row_equal(expected, got);
        snprintf(identity, sizeof identity, "row %d version %d", (int)a[i].row, a[i].v);
        assert_string_equal(got->identity, identity);
        assert_string_equal(got->asked, identity);
        assert_int_equal(got->n_aliases, expected->n_answers);
        answers += got->n_answers;
        snprintf(sql, sizeof sql, "SELECT place FROM examples WHERE id = '%s'", got->id);
        assert_int_equal(ask(db, sql), place != NULL ? place[i] : (int64_t)i);
    }
    ken_run_free(r);
    static const char *const tables[] = {"examples",  "answers", "aliases", "identities",
                                         "knowledge", "prompts", "others",  "drawn"};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        char sql[120];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE place NOT IN (SELECT place FROM examples)", tables[t]);
        assert_int_equal(ask(db, sql), 0);
    }
    assert_int_equal(ask(db, "SELECT count(*) FROM answers"), answers);
    assert_int_equal(ask(db, "SELECT count(*) FROM aliases"), answers);
    assert_int_equal(ask(db, "SELECT count(*) FROM prompts"), (int64_t)n * ROW_PROMPTS);
    sqlite3_close(db);
}

static void check_note(const char *path, size_t i, const char *part)
{
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    const char *note = ken_run_note(r, i);
    if (part == NULL) assert_null(note);
    else if (note == NULL || strstr(note, part) == NULL)
        fail_msg("note %zu: %s; expected %s", i, note != NULL ? note : "(none)", part);
    ken_run_free(r);
}

/* ---- what becomes of rows ---------------------------------------------------------------------------------------------- */

static void moves_removes_keeps(void **state)
{
    (void)state;
    const char *path = in_folder("revised.ken");
    make_run(path);
    ken_store *s = open_store(path);
    assert_int_equal(ken_store_count(s), N_BEFORE);
    assert_ok(revise(s, now, N_NOW));
    assert_int_equal(ken_store_count(s), N_AFTER);
    assert_false(ken_store_has(s, "P1/test/1")); /* to be computed anew */
    assert_true(ken_store_has(s, "P3/test/3"));  /* gone from the data, not from the run */
    assert_false(ken_store_has(s, "P0/test/20"));
    assert_ok(ken_store_close(s, &err));
    check_rows(path, after, after_place, N_AFTER);
    check_note(path, 0, "and still to be asked again: P1/test/1");
    check_note(path, 1, "but kept in it after all others, and counted: P3/test/3, P2/test/6");
    check_note(path, 2, NULL);

    /* The rows that are missing are put where they belong. */
    static const asked whole[] = {{7, 0}, {0, 0}, {1, 1}, {2, 0}, {20, 0}, {4, 0}, {5, 0}, {3, 0}, {6, 0}};
    static const int64_t place[] = {0, 1, 2, 3, 4, 5, 6, KEN_PLACE_GONE, KEN_PLACE_GONE + 1};
    s = open_store(path);
    put(s, 2, now[2]);
    put(s, 4, now[4]);
    assert_ok(ken_store_close(s, &err));
    check_rows(path, whole, place, 9);
    check_note(path, 0, "and asked again: P1/test/1");
    check_note(path, 2, NULL);
}

/* The same data again, also data that are not changed: nothing is written, and a reader that has it open reads on. */
static void nothing_to_do(void **state)
{
    (void)state;
    const char *path = in_folder("same.ken");
    make_run(path);
    for (int changed = 0; changed < 2; changed++) {
        ken_store *s = open_store(path);
        if (changed) assert_ok(revise(s, now, N_NOW));
        assert_ok(ken_store_close(s, &err));
        int64_t changes = answer(path, "SELECT count(*) FROM changes");
        ken_run *r;
        assert_ok(ken_run_open(&r, path, &err));
        s = open_store(path);
        for (int i = 0; i < 2; i++) {
            assert_ok(changed ? revise(s, now, N_NOW) : revise(s, before, N_BEFORE));
            assert_ok(ken_store_commit(s, &err));
        }
        assert_ok(ken_store_close(s, &err));
        assert_non_null(ken_run_row(r, 0, &err));
        ken_run_free(r);
        if (changed) check_rows(path, after, after_place, N_AFTER);
        else check_rows(path, before, NULL, N_BEFORE);
        assert_int_equal(answer(path, "SELECT count(*) FROM changes"), changes);
        check_note(path, changed ? 2 : 0, NULL);
    }
}

/* Rows that went come back: to their place, or to be computed again when they differ now. */
static void gone_and_back(void **state)
{
    (void)state;
    static const asked fewer[] = {{0, 0}, {1, 0}, {2, 0}, {4, 0}, {5, 0}, {7, 0}}, /* 3 and 6 go */
        fewer_still[] = {{0, 0}, {2, 0}, {4, 0}, {5, 0}, {7, 0}},                  /* then 1 */
        back[] = {{0, 0}, {1, 0}, {2, 0}, {3, 1}, {4, 0}, {5, 0}, {6, 0}, {7, 0}}; /* all come back, 3 as another one */
    static const asked then[] = {{0, 0}, {2, 0}, {4, 0}, {5, 0}, {7, 0}, {3, 0}, {6, 0}, {1, 0}},
                       last[] = {{0, 0}, {1, 0}, {2, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}};
    static const int64_t then_place[] = {0, 1, 2, 3, 4, KEN_PLACE_GONE, KEN_PLACE_GONE + 1, KEN_PLACE_GONE + 2},
                         last_place[] = {0, 1, 2, 4, 5, 6, 7};
    const char *path = in_folder("back.ken");
    make_run(path);
    ken_store *s = open_store(path);
    assert_ok(revise(s, fewer, 6));
    assert_ok(revise(s, fewer_still, 5)); /* in one transaction, for once */
    assert_ok(ken_store_close(s, &err));
    check_rows(path, then, then_place, 8);
    check_note(path, 0, "3 facts removed from ");
    s = open_store(path);
    assert_ok(revise(s, back, N_BEFORE));
    assert_int_equal(ken_store_count(s), 7);
    assert_ok(ken_store_close(s, &err));
    check_rows(path, last, last_place, 7);
    check_note(path, 0, "1 fact changed in "); /* what is back is not gone */
    check_note(path, 1, NULL);
    s = open_store(path);
    assert_ok(revise(s, fewer, 6)); /* and goes again: to the first place behind */
    assert_ok(ken_store_close(s, &err));
    assert_int_equal(answer(path, "SELECT max(place) FROM examples"), KEN_PLACE_GONE);
    /* However often, what became of a row is noted once. */
    assert_int_equal(answer(path, "SELECT count(*) FROM changes WHERE what = 'gone'"), 3);
    assert_int_equal(answer(path, "SELECT count(*) FROM changes WHERE what = 'changed'"), 1);
    check_note(path, 0, "and still to be asked again: P3/test/3");
}

/* Rows that the data did not have when it was made: the first call only remembers, each is noted once, and what comes back is not new. */
static void added_are_named(void **state)
{
    (void)state;
    static const char *const then[] = {"a", "b", "c"}, *const later[] = {"a", "c", "d", "P1/test/1"},
                             *const back[] = {"b", "d", "e"};
    const char *path = in_folder("added.ken");
    make_run(path);
    ken_store *s = open_store(path);
    assert_ok(ken_store_note_added(s, then, 3, &err));
    assert_ok(ken_store_close(s, &err));
    check_note(path, 0, NULL);
    for (int twice = 0; twice < 2; twice++) {
        s = open_store(path);
        assert_ok(ken_store_note_added(s, later, 4, &err));
        assert_ok(ken_store_close(s, &err));
        check_note(path, 0, "1 fact added to the data since the run was made, and asked: P1/test/1");
        check_note(path, 1, "1 fact added to the data since the run was made, and not asked so far: d");
        check_note(path, 2, NULL);
    }
    s = open_store(path);
    assert_ok(ken_store_note_added(s, back, 3, &err));
    assert_ok(ken_store_close(s, &err));
    check_note(path, 1, "2 facts added to the data since the run was made, and not asked so far: d, e");
    assert_int_equal(answer(path, "SELECT count(*) FROM changes WHERE what = 'data'"), 1);
}

/* A row without an identity cannot be told from a changed one. All rows of the run may go, or change. */
static void all_of_them(void **state)
{
    (void)state;
    const char *path = in_folder("all.ken");
    unlink(path);
    ken_store *s = open_store(path);
    for (uint64_t i = 0; i < 4; i++) assert_ok(ken_store_put_row(s, i, make_row(&made, i), &err)); /* no identity */
    assert_ok(revise(s, before, N_BEFORE));
    assert_int_equal(ken_store_count(s), 0);
    assert_ok(ken_store_close(s, &err));
    check_rows(path, NULL, NULL, 0);
    check_note(path, 0, "4 facts changed in ");

    static const asked others[] = {{40, 0}, {41, 0}};
    static const int64_t place[] = {KEN_PLACE_GONE,     KEN_PLACE_GONE + 1, KEN_PLACE_GONE + 2, KEN_PLACE_GONE + 3,
                                    KEN_PLACE_GONE + 4, KEN_PLACE_GONE + 5, KEN_PLACE_GONE + 6, KEN_PLACE_GONE + 7};
    make_run(path);
    s = open_store(path);
    assert_ok(revise(s, others, 2));
    assert_ok(ken_store_close(s, &err));
    check_rows(path, before, place, N_BEFORE);
    check_note(path, 0, "P0/test/0, P1/test/1, P2/test/2 and 5 more");
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_false(ken_run_complete(r)); /* 50 rows were asked for, of data that are there */
    ken_run_free(r);
}

/* Sums are those of the rows that are there now; rows that are gone count. */
static void counts(void **state)
{
    (void)state;
    const char *path = in_folder("counts.ken");
    make_run(path);
    ken_store *s = open_store(path);
    assert_ok(revise(s, now, N_NOW));
    uint64_t got[KEN_N_CATEGORIES] = {0}, expected[KEN_N_CATEGORIES] = {0};
    for (size_t i = 0; i < N_AFTER; i++) expected[make_row(&made, after[i].row)->category]++;
    ken_store_counts(s, got);
    assert_memory_equal(got, expected, sizeof got);
    put(s, 2, now[2]);
    expected[make_row(&made, 1)->category]++;
    memset(got, 0, sizeof got);
    ken_store_counts(s, got);
    assert_memory_equal(got, expected, sizeof got);
    assert_ok(ken_store_close(s, &err));

    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_total(r)->n, N_AFTER + 1);
    assert_memory_equal(ken_run_total(r)->category, expected, sizeof expected);
    assert_int_equal(ken_run_n_relations(r), 4);
    assert_string_equal(ken_run_relation(r, 0)->relation, "P3"); /* of row 7, the first now */
    assert_int_equal(ken_run_relation(r, 0)->n, 2);              /* 7, and 3, which is gone */
    ken_run_free(r);

    /* As many as were asked for, without those that are gone. */
    static const char *const asked_for[] = {"6", "7"};
    for (int i = 0; i < 2; i++) {
        s = open_store(path);
        assert_ok(ken_store_set(s, KEN_SETTING_ROWS, asked_for[i], &err));
        assert_ok(ken_store_close(s, &err));
        assert_ok(ken_run_open(&r, path, &err));
        assert_int_equal(ken_run_complete(r), i == 0);
        ken_run_free(r);
    }
}

/* ---- readers ------------------------------------------------------------------------------------------------------------ */

static void reader_is_told(void **state)
{
    (void)state;
    const char *path = in_folder("read.ken");
    make_run(path);
    ken_run *r, *later;
    assert_ok(ken_run_open(&r, path, &err));
    assert_row_equal(make_row(&made, 1), ken_run_row(r, 1, &err));
    ken_store *s = open_store(path);
    assert_ok(revise(s, now, N_NOW));
    assert_row_equal(make_row(&made, 1), ken_run_row(r, 1, &err)); /* not committed: as it was */
    assert_ok(ken_store_commit(s, &err));
    for (size_t i = 0; i < N_BEFORE; i++) {
        err = (ken_err){0};
        assert_null(ken_run_row(r, i, &err));
        assert_int_equal(err.status, KEN_EBUSY);
        assert_non_null(strstr(err.msg, "read.ken"));
        assert_non_null(strstr(err.msg, "read it again"));
    }
    assert_null(ken_run_find(r, "P0/test/0", &err));
    assert_int_equal(err.status, KEN_EBUSY);
    assert_int_equal(ken_run_count(r), N_BEFORE); /* what it was told when it opened */

    /* A reader that opens it now is not disturbed by rows that are added later. */
    assert_ok(ken_run_open(&later, path, &err));
    put(s, 2, now[2]);
    assert_ok(ken_store_commit(s, &err));
    for (size_t i = 0; i < N_AFTER; i++) assert_row_equal(make_row(&made, after[i].row), ken_run_row(later, i, &err));
    assert_null(ken_run_row(r, 0, &err));
    assert_int_equal(err.status, KEN_EBUSY);
    ken_run_free(later);
    ken_run_free(r);
    assert_ok(ken_store_close(s, &err));
}

/* Also when rows traded their places and nothing else happened: its places lead to other rows. */
static void reader_of_rows_that_moved(void **state)
{
    (void)state;
    static const asked turned[] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {7, 0}, {6, 0}};
    const char *path = in_folder("turned.ken");
    make_run(path);
    for (int times = 0; times < 2; times++) { /* there and back */
        ken_run *r;
        assert_ok(ken_run_open(&r, path, &err));
        ken_store *s = open_store(path);
        assert_ok(revise(s, times == 0 ? turned : before, N_BEFORE));
        assert_ok(ken_store_close(s, &err));
        assert_null(ken_run_row(r, 0, &err));
        assert_int_equal(err.status, KEN_EBUSY);
        ken_run_free(r);
        check_rows(path, times == 0 ? turned : before, NULL, N_BEFORE);
        check_note(path, 0, NULL); /* of no interest to anyone later */
    }
}

/* ---- all or nothing ------------------------------------------------------------------------------------------------------ */

/* Before the commit the process ends, as with kill -9: the run is as it was. */
static void killed_before_the_commit(void **state)
{
    (void)state;
    const char *path = in_folder("killed.ken");
    make_run(path);
    for (int puts = 0; puts < 2; puts++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            ken_store *s = open_store(path);
            if (revise(s, now, N_NOW) != KEN_OK) _exit(1);
            if (puts) put(s, 2, now[2]);
            kill(getpid(), SIGKILL);
        }
        int w;
        assert_int_equal(waitpid(pid, &w, 0), pid);
        assert_true(WIFSIGNALED(w));
        check_rows(path, before, NULL, N_BEFORE);
        check_note(path, 0, NULL);
    }
    ken_store *s = open_store(path); /* and it can be updated */
    assert_ok(revise(s, now, N_NOW));
    assert_ok(ken_store_close(s, &err));
    check_rows(path, after, after_place, N_AFTER);
}

static sqlite3_mem_methods plain;
static long sqlite_allocs, sqlite_fails_at; /* 0 = never */

static bool refuse(void) { return ++sqlite_allocs, sqlite_fails_at != 0 && sqlite_allocs >= sqlite_fails_at; }
static void *failing_malloc(int n) { return refuse() ? NULL : plain.xMalloc(n); }
static void *failing_realloc(void *p, int n) { return refuse() ? NULL : plain.xRealloc(p, n); }

static ken_store *opened;

/* As the program does it: after a failure the store is closed, which commits what is whole. */
static int bring_in_line(void)
{
    int status = revise(opened, now, N_NOW), closed;
    if (status == KEN_OK) status = ken_store_commit(opened, &err);
    ken_alloc_fail_after(0);
    sqlite_fails_at = 0;
    closed = ken_store_close(opened, NULL);
    return status == KEN_OK ? closed : status;
}

static void as_before_or_after(const char *path, int status, const char *what, long k)
{
    if (status == KEN_OK) {
        check_rows(path, after, after_place, N_AFTER);
        check_note(path, 1, "2 facts removed from ");
        return;
    }
    if (status != KEN_ENOMEM) fail_msg("%s %ld: %d %s", what, k, status, err.msg);
    check_rows(path, before, NULL, N_BEFORE);
    check_note(path, 0, NULL);
}

static void no_memory(void **state)
{
    (void)state;
    const char *path = in_folder("memory.ken");
    int failed = 0;
    for (long k = 1, status = KEN_ENOMEM; status != KEN_OK; k++, failed++) {
        make_run(path);
        opened = open_store(path);
        ken_alloc_fail_after(k);
        status = bring_in_line();
        as_before_or_after(path, (int)status, "allocation", k);
    }
    assert_true(failed > 5);
    failed = 0;
    for (long k = 1, status = KEN_ENOMEM; status != KEN_OK; k += 1 + k / 50, failed++) {
        make_run(path);
        opened = open_store(path);
        sqlite_fails_at = sqlite_allocs + k;
        status = bring_in_line();
        as_before_or_after(path, (int)status, "allocation of SQLite", k);
    }
    assert_true(failed > 100);
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
        cmocka_unit_test(moves_removes_keeps),
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(gone_and_back),
        cmocka_unit_test(added_are_named),
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(counts),
        cmocka_unit_test(reader_is_told),
        cmocka_unit_test(reader_of_rows_that_moved),
        cmocka_unit_test(killed_before_the_commit),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
