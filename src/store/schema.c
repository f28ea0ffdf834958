/* schema.c - the tables of a run and the rules for opening one; see schema.h.
 *
 * The hard thing is trust. SQLite files can carry views, triggers and expression indexes that run when we only wanted to read
 * a table, so a file counts as a run only if the text of each of our tables in it is ours letter for letter, and the
 * connection has everything else switched off (sqlite.org/security.html).
 *
 * Journal: SQLite's rollback journal in its default mode, not the write-ahead log. Both survive kill -9 with at most the open
 * transaction lost; the rollback journal leaves one plain file at rest that can be copied with cp and read from a read-only
 * folder, and needs no shared memory, so it works on network disks. Readers wait for the few milliseconds of a commit, and
 * the writer for the readers' queries. synchronous=FULL: a commit is on the disk when it returns, power cuts included;
 * at one commit a second its two or three syncs cost nothing. */
#include "store/schema.h"
#include "base/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name, *sql;
    int since;                /* format; 0 = the first */
    const ken_fields *fields; /* that stand for @ */
} tables[] = {
    {"settings", "CREATE TABLE settings(\n"
                 "  key TEXT PRIMARY KEY NOT NULL,\n"
                 "  value TEXT NOT NULL,\n"
                 "  binding INTEGER NOT NULL\n"
                 ") WITHOUT ROWID"},
    {"exemplar_sets", "CREATE TABLE exemplar_sets(\n"
                      "  relation TEXT NOT NULL,\n"
                      "  set_no INTEGER NOT NULL,\n"
                      "  text TEXT NOT NULL,\n"
                      "  PRIMARY KEY(relation, set_no)\n"
                      ") WITHOUT ROWID"},
    {"exemplars", "CREATE TABLE exemplars(\n"
                  "  relation TEXT NOT NULL,\n"
                  "  set_no INTEGER NOT NULL,\n"
                  "  shot INTEGER NOT NULL,\n"
                  "  id TEXT NOT NULL,\n"
                  "  PRIMARY KEY(relation, set_no, shot)\n"
                  ") WITHOUT ROWID"},
    {"examples", "CREATE TABLE examples(\n"
                 "  place INTEGER PRIMARY KEY,\n"
                 "  id TEXT NOT NULL UNIQUE,\n"
                 "  relation TEXT NOT NULL,\n"
                 "  split TEXT NOT NULL,\n"
                 "  question TEXT NOT NULL,\n"
                 "  subject TEXT,\n"
                 "  popularity REAL\n"
                 ")"},
    {"answers", "CREATE TABLE answers(\n"
                "  place INTEGER NOT NULL,\n"
                "  n INTEGER NOT NULL,\n"
                "  text TEXT NOT NULL,\n"
                "  PRIMARY KEY(place, n)\n"
                ") WITHOUT ROWID"},
    {"knowledge",
     "CREATE TABLE knowledge(\n"
     "  place INTEGER PRIMARY KEY@\n"
     ")",
     .fields = &ken_row_fields},
    {"prompts",
     "CREATE TABLE prompts(\n"
     "  place INTEGER NOT NULL,\n"
     "  prompt INTEGER NOT NULL@,\n"
     "  PRIMARY KEY(place, prompt)\n"
     ") WITHOUT ROWID",
     .fields = &ken_prompt_fields},
    {"others", "CREATE TABLE others(\n"
               "  place INTEGER NOT NULL,\n"
               "  prompt INTEGER NOT NULL,\n"
               "  n INTEGER NOT NULL,\n"
               "  text TEXT NOT NULL,\n"
               "  p REAL,\n"
               "  PRIMARY KEY(place, prompt, n)\n"
               ") WITHOUT ROWID"},
    {"drawn", "CREATE TABLE drawn(\n"
              "  place INTEGER NOT NULL,\n"
              "  prompt INTEGER NOT NULL,\n"
              "  n INTEGER NOT NULL,\n"
              "  text TEXT NOT NULL,\n"
              "  count INTEGER NOT NULL,\n"
              "  hit INTEGER NOT NULL,\n"
              "  PRIMARY KEY(place, prompt, n)\n"
              ") WITHOUT ROWID"},
    {"costs", "CREATE TABLE costs(\n"
              "  session INTEGER PRIMARY KEY,\n"
              "  token_forwards INTEGER NOT NULL,\n"
              "  seconds REAL NOT NULL\n"
              ")"},
    {"points",
     "CREATE TABLE points(\n"
     "  step INTEGER PRIMARY KEY,\n"
     "  epoch REAL NOT NULL,\n"
     "  lr REAL,\n"
     "  loss REAL,\n"
     "  kl REAL,\n"
     "  grad_norm REAL,\n"
     "  seconds REAL NOT NULL,\n"
     "  examples INTEGER NOT NULL,\n"
     "  tokens INTEGER NOT NULL,\n"
     "  forwards INTEGER NOT NULL,\n"
     "  best INTEGER NOT NULL,\n"
     "  last INTEGER NOT NULL\n"
     ")",
     2},
    {"measures",
     "CREATE TABLE measures(\n"
     "  step INTEGER NOT NULL,\n"
     "  set_name TEXT NOT NULL,\n"
     "  grouping TEXT NOT NULL,\n"
     "  key TEXT NOT NULL,\n"
     "  n INTEGER NOT NULL,\n"
     "  hits INTEGER NOT NULL,\n"
     "  hits_raw INTEGER NOT NULL,\n"
     "  abstained INTEGER NOT NULL,\n"
     "  answered INTEGER NOT NULL,\n"
     "  loss REAL,\n"
     "  tokens INTEGER NOT NULL,\n"
     "  bytes INTEGER NOT NULL,\n"
     "  p REAL,\n"
     "  PRIMARY KEY(step, set_name, grouping, key)\n"
     ") WITHOUT ROWID",
     2},
    {"matched",
     "CREATE TABLE matched(\n"
     "  step INTEGER NOT NULL,\n"
     "  set_name TEXT NOT NULL,\n"
     "  grouping TEXT NOT NULL,\n"
     "  key TEXT NOT NULL,\n"
     "  n INTEGER NOT NULL,\n"
     "  matcher TEXT NOT NULL,\n"
     "  hits INTEGER NOT NULL,\n"
     "  PRIMARY KEY(step, set_name, grouping, key, n)\n"
     ") WITHOUT ROWID",
     2},
    {"trained",
     "CREATE TABLE trained(\n"
     "  place INTEGER PRIMARY KEY,\n"
     "  id TEXT NOT NULL,\n"
     "  relation TEXT NOT NULL,\n"
     "  task TEXT NOT NULL,\n"
     "  category TEXT,\n"
     "  question TEXT,\n"
     "  target TEXT,\n"
     "  weight REAL NOT NULL\n"
     ")",
     2},
    {"fits",
     "CREATE TABLE fits(\n"
     "  step INTEGER PRIMARY KEY,\n"
     "  n INTEGER NOT NULL,\n"
     "  bits BLOB NOT NULL\n"
     ")",
     2},
    {"evaluated",
     "CREATE TABLE evaluated(\n"
     "  step INTEGER NOT NULL,\n"
     "  set_name TEXT NOT NULL,\n"
     "  place INTEGER NOT NULL,\n"
     "  id TEXT NOT NULL,\n"
     "  relation TEXT NOT NULL,\n"
     "  split TEXT NOT NULL,\n"
     "  category TEXT,\n"
     "  popularity REAL,\n"
     "  question TEXT,\n"
     "  answer TEXT,\n"
     "  text TEXT,\n"
     "  finish TEXT NOT NULL,\n"
     "  hit INTEGER NOT NULL,\n"
     "  hit_raw INTEGER NOT NULL,\n"
     "  abstained INTEGER NOT NULL,\n"
     "  too_long INTEGER NOT NULL,\n"
     "  more INTEGER NOT NULL,\n"
     "  p REAL,\n"
     "  PRIMARY KEY(step, set_name, place)\n"
     ") WITHOUT ROWID",
     2},
    {"aliases",
     "CREATE TABLE aliases(\n"
     "  place INTEGER NOT NULL,\n"
     "  n INTEGER NOT NULL,\n"
     "  text TEXT NOT NULL,\n"
     "  PRIMARY KEY(place, n)\n"
     ") WITHOUT ROWID",
     3},
    {"identities",
     "CREATE TABLE identities(\n"
     "  place INTEGER PRIMARY KEY,\n"
     "  identity TEXT,\n"
     "  asked TEXT\n"
     ")",
     3},
    {"shown",
     "CREATE TABLE shown(\n"
     "  relation TEXT NOT NULL,\n"
     "  set_no INTEGER NOT NULL,\n"
     "  shot INTEGER NOT NULL,\n"
     "  of_relation TEXT NOT NULL,\n"
     "  question TEXT NOT NULL,\n"
     "  subject TEXT,\n"
     "  answer TEXT NOT NULL,\n"
     "  PRIMARY KEY(relation, set_no, shot)\n"
     ") WITHOUT ROWID",
     3},
    {"changes",
     "CREATE TABLE changes(\n"
     "  n INTEGER PRIMARY KEY,\n"
     "  session INTEGER NOT NULL,\n"
     "  what TEXT NOT NULL,\n"
     "  id TEXT NOT NULL\n"
     ")",
     3},
    {"own_sets",
     "CREATE TABLE own_sets(\n"
     "  row_id TEXT NOT NULL,\n"
     "  set_no INTEGER NOT NULL,\n"
     "  text TEXT NOT NULL,\n"
     "  PRIMARY KEY(row_id, set_no)\n"
     ") WITHOUT ROWID",
     4},
    {"own_shown",
     "CREATE TABLE own_shown(\n"
     "  row_id TEXT NOT NULL,\n"
     "  set_no INTEGER NOT NULL,\n"
     "  shot INTEGER NOT NULL,\n"
     "  id TEXT NOT NULL,\n"
     "  of_relation TEXT NOT NULL,\n"
     "  question TEXT NOT NULL,\n"
     "  subject TEXT,\n"
     "  answer TEXT NOT NULL,\n"
     "  PRIMARY KEY(row_id, set_no, shot)\n"
     ") WITHOUT ROWID",
     4},
    {"subjects",
     "CREATE TABLE subjects(\n"
     "  place INTEGER PRIMARY KEY,\n"
     "  subject TEXT NOT NULL\n"
     ")",
     4},
    {"divergences",
     "CREATE TABLE divergences(\n"
     "  step INTEGER PRIMARY KEY,\n"
     "  kl REAL NOT NULL,\n"
     "  positions INTEGER NOT NULL\n"
     ")",
     5},
};
enum { N_TABLES = sizeof tables / sizeof tables[0] };

/* ---- errors -------------------------------------------------------------------------------------------------------- */

/* SQLite knows a full disk as such (SQLITE_FULL), but quotas and limits of file size only as writes that fail. It rarely passes the
 * system's reason on. */
static int fail_io(sqlite3 *db, int extended, const char *path, ken_err *err)
{
    int e = db != NULL ? sqlite3_system_errno(db) : 0;
    const char *why = e != 0 ? strerror(e) : sqlite3_errstr(extended);
    bool writing = extended == SQLITE_IOERR_WRITE || extended == SQLITE_IOERR_FSYNC ||
                   extended == SQLITE_IOERR_TRUNCATE || extended == SQLITE_IOERR_DIR_FSYNC;
    return ken_fail(
        err, KEN_EFAIL,
        writing ? "%s: cannot be written (%s; a quota or limit of file size, perhaps); everything committed so far "
                  "is kept: make space and give the same command again"
                : "%s: the disk or file system failed (%s); everything committed so far is kept",
        path, why);
}

/* SQLite's message, which may quote from the file: short, and without control characters. */
static const char *reason(sqlite3 *db, int code, char out[120])
{
    const char *s = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    size_t n = 0;
    for (; n < 119 && s[n] != '\0'; n++)
        out[n] = (unsigned char)s[n] < 0x20 || (unsigned char)s[n] >= 0x7f ? '?' : s[n];
    out[n] = '\0';
    return out;
}

int ken_schema_fail(sqlite3 *db, int code, const char *path, ken_err *err)
{
    char why[120];
    int extended = db != NULL ? sqlite3_extended_errcode(db) : code;
    if ((extended & 0xff) != (code & 0xff)) extended = code;
    switch (code & 0xff) {
    case SQLITE_NOMEM: return ken_fail_nomem(err, path);
    case SQLITE_FULL:
        return ken_fail(
            err, KEN_EFAIL,
            "%s: no space left on the disk; everything committed so far is kept: make space and give the same "
            "command again",
            path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ken_fail(err, KEN_EBUSY, "%s: another program is using this run; wait for it to end", path);
    case SQLITE_NOTADB: return ken_fail(err, KEN_EINPUT, "%s: not a run: the file is not an SQLite database", path);
    case SQLITE_CORRUPT:
        return ken_fail(err, KEN_EINPUT,
                        "%s: the file is damaged (%s); take a copy from before, or try `sqlite3 FILE .recover`", path,
                        reason(db, code, why));
    case SQLITE_TOOBIG:
        return ken_fail(err, KEN_EINPUT, "%s: a text is longer than %d bytes, the most a run holds", path,
                        KEN_STORE_MAX_TEXT);
    case SQLITE_READONLY:
        if (extended == SQLITE_READONLY_ROLLBACK || extended == SQLITE_READONLY_RECOVERY)
            return ken_fail(
                err, KEN_EFAIL,
                "%s: its last writer was killed and the open transaction must be undone first, but the file is "
                "read-only here: open it once where it can be written",
                path);
        if (extended == SQLITE_READONLY_DBMOVED)
            return ken_fail(err, KEN_EFAIL, "%s: the file was moved or deleted while it was being written", path);
        return ken_fail(err, KEN_EFAIL,
                        "%s: the file may not be written; check the permissions of the file and its folder", path);
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN: {
        int e = db != NULL ? sqlite3_system_errno(db) : 0;
        return ken_fail(err, KEN_EFAIL, "%s: cannot open the file or its journal: %s", path,
                        e != 0 ? strerror(e) : sqlite3_errstr(extended));
    }
    case SQLITE_IOERR:
        if (extended == SQLITE_IOERR_NOMEM) return ken_fail_nomem(err, path);
        if (extended == SQLITE_IOERR_SHORT_READ) return ken_fail(err, KEN_EINPUT, "%s: the file is cut off", path);
        return fail_io(db, extended, path, err);
    default: return ken_fail(err, KEN_EFAIL, "%s: SQLite: %s", path, reason(db, code, why));
    }
}

/* ---- connections --------------------------------------------------------------------------------------------------- */

int ken_schema_exec(sqlite3 *db, const char *path, const char *sql, ken_err *err)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? KEN_OK : ken_schema_fail(db, code, path, err);
}

int ken_schema_prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **out, ken_err *err)
{
    int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return code == SQLITE_OK ? KEN_OK : ken_schema_fail(db, code, path, err);
}

int ken_schema_connect(sqlite3 **db, const char *path, int busy_ms, ken_err *err)
{
    *db = NULL;
    /* "./" keeps SQLite from reading names such as ":memory:" or "file:x?mode=memory" as something else than a file. */
    size_t n = strlen(path);
    char *name = ken_alloc(n + 3, 1);
    if (name == NULL) return ken_fail_nomem(err, path);
    snprintf(name, n + 3, "./%s", path);
    int code = sqlite3_open_v2(path[0] == '/' ? name + 2 : name, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    ken_free(name);
    if (code != SQLITE_OK) return ken_schema_fail(*db, code, path, err);

    sqlite3_busy_timeout(*db, busy_ms);
    sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, KEN_STORE_MAX_TEXT);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    /* No mmap: a file cut short by another program must be an error, not SIGBUS. cell_size_check finds damage earlier.
     * Temporary tables and sorters in memory: no files beside the run. */
    return ken_schema_exec(
        *db, path, "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192",
        err);
}

int ken_schema_prepare_fields(sqlite3 *db, const char *path, const ken_fields *t, int format, ken_fields_as as,
                              const char *form, sqlite3_stmt **out, ken_err *err)
{
    char *sql = ken_fields_sql(t, format, as, form);
    int rc = sql == NULL ? ken_fail_nomem(err, path) : ken_schema_prepare(db, path, sql, out, err);
    ken_free(sql);
    return rc;
}

/* ---- is it a run? -------------------------------------------------------------------------------------------------- */

static int pragma_int(sqlite3 *db, const char *path, const char *sql, int64_t *value, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    *value = 0;
    int code = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(q)) == SQLITE_ROW) {
        *value = sqlite3_column_int64(q, 0);
        code = SQLITE_OK;
    }
    int rc = code == SQLITE_OK || code == SQLITE_DONE ? KEN_OK : ken_schema_fail(db, code, path, err);
    sqlite3_finalize(q);
    return rc;
}

/* How a table of a format is made. NULL when out of memory; free with ken_free. */
static char *table_sql(size_t i, int format)
{
    if (tables[i].fields == NULL) return ken_strdup(tables[i].sql);
    return ken_fields_sql(tables[i].fields, format, KEN_FIELDS_DEFINED, tables[i].sql);
}

static int check_table(sqlite3 *db, sqlite3_stmt *q, size_t i, int format, const char *path, ken_err *err)
{
    char *ours = table_sql(i, format);
    if (ours == NULL) return ken_fail_nomem(err, path);
    int code = sqlite3_bind_text(q, 1, tables[i].name, -1, SQLITE_STATIC);
    if (code == SQLITE_OK) code = sqlite3_step(q);
    int rc = KEN_OK;
    const char *sql = code == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : NULL;
    if (code != SQLITE_ROW && code != SQLITE_DONE) rc = ken_schema_fail(db, code, path, err);
    else if (sql == NULL || strcmp(sql, ours) != 0)
        rc = ken_fail(err, KEN_EINPUT, "%s: the run is damaged or was changed: table \"%s\" is %s", path,
                      tables[i].name, sql == NULL ? "missing" : "not as this program makes it");
    sqlite3_reset(q);
    ken_free(ours);
    return rc;
}

/* SQLite takes a file of a few bytes for an empty database, and a last page that is cut off for one that ends in zeros. A database
 * in WAL mode (another program switched it) may have pages outside of the file. */
static int check_size(sqlite3 *db, const char *path, int64_t pages, bool *empty, ken_err *err)
{
    struct stat st;
    int64_t page_size, wal;
    int rc = pragma_int(db, path, "PRAGMA page_size", &page_size, err);
    if (rc == KEN_OK) rc = pragma_int(db, path, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &wal, err);
    if (rc != KEN_OK) return rc;
    if (stat(path, &st) != 0) return ken_fail_errno(err, "cannot look at", path);
    *empty = pages == 0 && st.st_size == 0;
    if (pages == 0 && !*empty) return ken_schema_fail(NULL, SQLITE_NOTADB, path, err);
    int64_t bytes = st.st_size, expected = pages * page_size; /* at most 2^32 pages of 64 KiB */
    if (wal == 0 && bytes < expected)
        return ken_fail(err, KEN_EINPUT, "%s: the file is cut off: %" PRId64 " bytes of %" PRId64 " are there", path,
                        bytes, expected);
    return KEN_OK;
}

int ken_schema_check(sqlite3 *db, const char *path, bool *empty, ken_err *err)
{
    int64_t id, version, pages;
    int rc;
    *empty = false;
    if ((rc = pragma_int(db, path, "PRAGMA page_count", &pages, err)) != KEN_OK ||
        (rc = check_size(db, path, pages, empty, err)) != KEN_OK || *empty)
        return rc;
    if ((rc = pragma_int(db, path, "PRAGMA application_id", &id, err)) != KEN_OK ||
        (rc = pragma_int(db, path, "PRAGMA user_version", &version, err)) != KEN_OK)
        return rc;
    if (id != KEN_APPLICATION_ID)
        return ken_fail(err, KEN_EINPUT, "%s: not a run: an SQLite database of another program (application id %lld)",
                        path, (long long)id);
    if (version < 1 || version > KEN_SCHEMA_VERSION)
        return ken_fail(err, KEN_EINPUT, "%s: a run of format %lld, this program reads formats 1 to %d; use %s", path,
                        (long long)version, KEN_SCHEMA_VERSION,
                        version > KEN_SCHEMA_VERSION ? "a newer ken" : "the version of ken that made it");

    sqlite3_stmt *q = NULL;
    rc = ken_schema_prepare(db, path, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", &q, err);
    for (size_t i = 0; rc == KEN_OK && i < N_TABLES; i++)
        if (tables[i].since <= version) rc = check_table(db, q, i, (int)version, path, err);
    sqlite3_finalize(q);
    return rc;
}

int ken_schema_format(sqlite3 *db, const char *path, int *format, ken_err *err)
{
    int64_t version;
    int rc = pragma_int(db, path, "PRAGMA user_version", &version, err);
    *format = (int)version;
    return rc;
}

int ken_schema_create(sqlite3 *db, const char *path, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; rc == KEN_OK && i < N_TABLES; i++) {
        char *ours = table_sql(i, KEN_SCHEMA_VERSION);
        rc = ours == NULL ? ken_fail_nomem(err, path) : ken_schema_exec(db, path, ours, err);
        ken_free(ours);
    }
    if (rc != KEN_OK) return rc;
    char sql[96];
    sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", KEN_APPLICATION_ID,
                     KEN_SCHEMA_VERSION);
    return ken_schema_exec(db, path, sql, err);
}

/* ---- words --------------------------------------------------------------------------------------------------------- */

const char *ken_schema_group(int category)
{
    return category >= 0 && category <= KEN_UNLABELLED ? ken_category_name(category) : NULL;
}

int ken_schema_group_of(const char *word)
{
    if (word == NULL) return KEN_N_CATEGORIES;
    return strcmp(word, ken_category_name(KEN_UNLABELLED)) == 0 ? KEN_UNLABELLED : ken_schema_category_of(word);
}

const char *ken_schema_category(int category)
{
    return category >= 0 && category < KEN_UNLABELLED ? ken_category_name(category) : NULL;
}

int ken_schema_category_of(const char *word)
{
    if (word == NULL) return KEN_UNLABELLED;
    for (int c = 0; c < KEN_UNLABELLED; c++)
        if (strcmp(word, ken_category_name(c)) == 0) return c;
    return -1;
}
