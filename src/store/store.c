/* store.c - writing a run; see store.h for the contract and schema.c for the journal and the tables.
 *
 * A transaction begins by itself with the first thing put and ends with ken_store_commit. What is hard is failure: after a
 * failure that SQLite cannot undo for one statement alone (a full disk, no memory) the whole open transaction is rolled back and the
 * store is broken: every later call gives the same message, so that no caller can continue and commit half of a batch. What was
 * committed stays, and a new ken_store_open continues from there. */
#include "store/store.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "store/setting_list.h"
#include "store/tuning.h"
#include "store/writer.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    Q_HAS,
    Q_EXAMPLE,
    Q_ANSWER,
    Q_KNOWLEDGE,
    Q_PROMPT,
    Q_OTHER,
    Q_DRAWN,
    Q_SET,
    Q_SET_TEXT,
    Q_EXEMPLAR,
    Q_SHOWN,
    Q_ALIAS,
    Q_IDENTITY,
    Q_COST,
    N_QUERIES
};
_Static_assert((int)N_QUERIES <= (int)KEN_STORE_TUNING, "room for the statements");

static const char *const queries[N_QUERIES] = {
    /* @: row_fields.h */
    [Q_HAS] = "SELECT 1 FROM examples WHERE id = ?",
    [Q_EXAMPLE] = "INSERT INTO examples VALUES(?,?,?,?,?,?,?)",
    [Q_ANSWER] = "INSERT INTO answers VALUES(?,?,?)",
    [Q_KNOWLEDGE] = "INSERT INTO knowledge VALUES(?@)",
    [Q_PROMPT] = "INSERT INTO prompts VALUES(?,?@)",
    [Q_OTHER] = "INSERT INTO others VALUES(?,?,?,?,?)",
    [Q_DRAWN] = "INSERT INTO drawn VALUES(?,?,?,?,?,?)",
    [Q_SET] = "INSERT INTO exemplar_sets VALUES(?,?,?)",
    [Q_SET_TEXT] = "SELECT text FROM exemplar_sets WHERE relation = ? AND set_no = ?",
    [Q_EXEMPLAR] = "INSERT INTO exemplars VALUES(?,?,?,?)",
    [Q_SHOWN] = "INSERT INTO shown VALUES(?,?,?,?,?,?,?)",
    [Q_ALIAS] = "INSERT INTO aliases VALUES(?,?,?)",
    [Q_IDENTITY] = "INSERT INTO identities VALUES(?,?,?)",
    [Q_COST] = "UPDATE costs SET token_forwards = token_forwards + ?, seconds = seconds + ? WHERE session = ?",
};

enum { BUSY_MS = 30000 }; /* how long a commit waits for readers in the middle of a query */

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static int check_settings(const ken_setting *settings, size_t n, ken_err *err)
{
    if (n > KEN_STORE_MAX_SETTINGS)
        return ken_fail(err, KEN_ESTATE, "a run holds at most %d settings", KEN_STORE_MAX_SETTINGS);
    for (size_t i = 0; i < n; i++) {
        if (settings[i].key == NULL || settings[i].key[0] == '\0' || settings[i].value == NULL)
            return ken_fail(err, KEN_ESTATE, "setting %zu of the run has no key or no value", i);
        for (size_t j = 0; j < i; j++)
            if (strcmp(settings[i].key, settings[j].key) == 0)
                return ken_fail(err, KEN_ESTATE, "setting \"%s\" of the run is given twice", settings[i].key);
    }
    return KEN_OK;
}

/* A value for a one-line message: short, quoted, control characters escaped. Caller frees with ken_free. */
static char *quoted(const char *value)
{
    ken_buf b = {0};
    ken_buf_putc(&b, '"');
    size_t n = strlen(value), i = 0;
    for (; i < n && i < 64; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c == '\n') ken_buf_puts(&b, "\\n");
        else if (c < 0x20 || c == 0x7f) ken_buf_printf(&b, "\\x%02x", c);
        else ken_buf_putc(&b, (char)c);
    }
    while (i < n && ((unsigned char)value[i] & 0xC0) == 0x80)
        ken_buf_putc(&b, value[i++]); /* end on a whole character */
    ken_buf_puts(&b, i < n ? "...\"" : "\"");
    return ken_buf_take(&b);
}

static int refuse(const char *path, const ken_setting_clash *c, ken_err *err)
{
    char *k = quoted(c->key);
    char *a = c->there != NULL ? quoted(c->there) : ken_strdup("not set");
    char *b = c->ours != NULL ? quoted(c->ours) : ken_strdup("not set");
    int rc = k == NULL || a == NULL || b == NULL
                 ? ken_fail_nomem(err, path)
                 : ken_fail(err, KEN_EINPUT,
                            "%s: the run was made with other settings: %s is %s in the run, %s now; use the same "
                            "settings, or name another run with -o",
                            path, k, a, b);
    ken_free(k);
    ken_free(a);
    ken_free(b);
    return rc;
}

static const char *kind_of(const char *value)
{
    return value == NULL                        ? "an annotation"
           : strcmp(value, KEN_KIND_TRAIN) == 0 ? "a training"
           : strcmp(value, KEN_KIND_EVAL) == 0  ? "an evaluation"
                                                : "a run of another kind";
}

static int read_settings(ken_store *s, ken_setting_list *l, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    int code,
        rc = ken_schema_prepare(s->db, s->path, "SELECT key, value, binding <> 0 FROM settings ORDER BY key", &q, err);
    while (rc == KEN_OK && (code = sqlite3_step(q)) != SQLITE_DONE) {
        const char *key = code == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : NULL;
        const char *value = code == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 1) : NULL;
        if (key == NULL || value == NULL)
            rc = ken_schema_fail(s->db, code == SQLITE_ROW ? SQLITE_NOMEM : code, s->path, err);
        else ken_setting_text(l, key, sqlite3_column_int(q, 2) != 0, value);
        if (rc == KEN_OK && l->failed) rc = ken_fail_nomem(err, s->path);
        if (rc == KEN_OK && l->n > KEN_STORE_MAX_SETTINGS)
            rc = ken_fail(err, KEN_EINPUT, "%s: the run is damaged: more than %d settings", s->path,
                          KEN_STORE_MAX_SETTINGS);
    }
    sqlite3_finalize(q);
    return rc;
}

/* An older run does not say enough to tell that its rows and ours would be of one kind. */
static int refuse_older(const ken_store *s, const ken_setting_list *there, const ken_setting *settings, size_t n,
                        ken_err *err)
{
    ken_buf b = {0};
    for (size_t i = 0; i < n; i++)
        if (settings[i].binding && ken_setting_get(there, settings[i].key) == NULL)
            ken_buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", settings[i].key);
    int rc =
        ken_fail(err, KEN_EINPUT,
                 "%s: was made by an older ken (format %d) and does not record what its rows were made of%s%.300s; it "
                 "can be read as before, but not resumed: name another run with -o",
                 s->path, s->format, b.len > 0 ? ", nor " : "", ken_buf_str(&b));
    ken_buf_free(&b);
    return rc;
}

/* May the run be resumed under these settings? That an annotation does not resume a training is not a matter of one setting. */
static int compare_settings(ken_store *s, const ken_setting *settings, size_t n, ken_err *err)
{
    ken_arena arena = {0};
    ken_setting_list there = {.arena = &arena}, here = {.s = (ken_setting *)(uintptr_t)settings, .n = n};
    ken_setting_clash clash;
    int rc = read_settings(s, &there, err);
    const char *theirs = ken_setting_get(&there, KEN_SETTING_KIND), *ours = ken_setting_get(&here, KEN_SETTING_KIND);
    if (rc == KEN_OK && ((theirs == NULL) != (ours == NULL) || (ours != NULL && strcmp(ours, theirs) != 0)))
        rc = ken_fail(err, KEN_EINPUT, "%s: is %s, not %s; name another run with -o", s->path, kind_of(theirs),
                      kind_of(ours));
    if (rc == KEN_OK) rc = ken_schema_format(s->db, s->path, &s->format, err);
    if (rc == KEN_OK && s->format < KEN_FORMAT_ROWS) rc = refuse_older(s, &there, settings, n, err);
    const int clashes = rc == KEN_OK ? ken_settings_clash(&there, settings, n, &clash) : 0;
    if (clashes < 0) rc = ken_fail_nomem(err, s->path);
    if (clashes > 0) rc = refuse(s->path, &clash, err);
    ken_arena_free(&arena);
    return rc;
}

static int write_settings(ken_store *s, const ken_setting *settings, size_t n, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = ken_schema_prepare(s->db, s->path, "INSERT OR REPLACE INTO settings VALUES(?,?,?)", &q, err);
    for (size_t i = 0; rc == KEN_OK && i < n; i++) {
        int code = KEN_PUT(q, KEN_TEXT(settings[i].key), KEN_TEXT(settings[i].value), KEN_INT(settings[i].binding));
        if (code != SQLITE_OK) rc = ken_schema_fail(s->db, code, s->path, err);
    }
    sqlite3_finalize(q);
    return rc;
}

/* Every opening leaves a row in costs. It is also the early proof that the file and its folder can be written. */
static int begin_session(ken_store *s, ken_err *err)
{
    int rc = ken_schema_exec(s->db, s->path, "INSERT INTO costs(token_forwards, seconds) VALUES(0, 0)", err);
    s->session = sqlite3_last_insert_rowid(s->db);
    return rc;
}

int ken_store_load_counts(ken_store *s, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    int code,
        rc = ken_schema_prepare(s->db, s->path, "SELECT category, count(*) FROM knowledge GROUP BY category", &q, err);
    while (rc == KEN_OK && (code = sqlite3_step(q)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            rc = ken_schema_fail(s->db, code, s->path, err);
            break;
        }
        int category = ken_schema_category_of((const char *)sqlite3_column_text(q, 0));
        if (category < 0) rc = ken_fail(err, KEN_EINPUT, "%s: the run is damaged: unknown category", s->path);
        else s->counts[category] += (uint64_t)sqlite3_column_int64(q, 1);
    }
    sqlite3_finalize(q);
    return rc;
}

/* Everything in one transaction: a kill in the middle leaves an empty file (a new run) or the run as it was. */
static int open_locked(ken_store *s, const ken_setting *settings, size_t n, ken_err *err)
{
    bool empty;
    int rc = ken_schema_connect(&s->db, s->path, BUSY_MS, err);
    if (rc == KEN_OK) rc = ken_schema_exec(s->db, s->path, "BEGIN", err);
    if (rc == KEN_OK) rc = ken_schema_check(s->db, s->path, &empty, err);
    if (rc == KEN_OK) rc = ken_schema_exec(s->db, s->path, "COMMIT", err);
    if (rc != KEN_OK) return rc;
    if (sqlite3_db_readonly(s->db, "main") == 1)
        return ken_fail(err, KEN_EFAIL, "%s: the file may not be written; check its permissions", s->path);
    if ((rc = ken_schema_exec(s->db, s->path, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL", err)) != KEN_OK ||
        (rc = ken_schema_exec(s->db, s->path, "BEGIN IMMEDIATE", err)) != KEN_OK)
        return rc;
    if (empty) {
        rc = ken_schema_create(s->db, s->path, err);
        s->format = KEN_SCHEMA_VERSION;
    } else rc = compare_settings(s, settings, n, err);
    if (rc == KEN_OK) rc = write_settings(s, settings, n, err);
    if (rc == KEN_OK) rc = begin_session(s, err);
    if (rc == KEN_OK) rc = ken_store_load_counts(s, err);
    for (int i = 0; rc == KEN_OK && i < N_QUERIES; i++)
        rc = ken_schema_prepare_fields(s->db, s->path, i == Q_PROMPT ? &ken_prompt_fields : &ken_row_fields, s->format,
                                       KEN_FIELDS_MARKED, queries[i], &s->query[i], err);
    if (rc == KEN_OK) rc = ken_schema_exec(s->db, s->path, "COMMIT", err);
    return rc;
}

static void free_store(ken_store *s, bool remove_empty)
{
    for (int i = 0; i < KEN_STORE_QUERIES; i++) sqlite3_finalize(s->query[i]);
    sqlite3_close(s->db); /* rolls back what is open */
    ken_lock_free(s->lock, remove_empty);
    ken_free(s->path);
    ken_free(s);
}

int ken_store_open(ken_store **out, const char *path, const ken_setting *settings, size_t n, ken_err *err)
{
    *out = NULL;
    int rc = check_settings(settings, n, err);
    if (rc != KEN_OK) return rc;
    ken_store *s = ken_calloc(1, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, path);
    if ((rc = ken_lock_take(&s->lock, path, err)) == KEN_OK) {
        s->path = ken_strdup(path);
        rc = s->path == NULL ? ken_fail_nomem(err, path) : open_locked(s, settings, n, err);
    }
    if (rc == KEN_OK) *out = s;
    else free_store(s, true);
    return rc;
}

int ken_store_probe(const char *path, ken_err *err)
{
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        const char *slash = strrchr(path, '/');
        char *folder = slash == NULL ? ken_strdup(".") : ken_strndup(path, (size_t)(slash - path) + 1);
        if (folder == NULL) return ken_fail_nomem(err, path);
        int code = access(folder, W_OK | X_OK), e = errno;
        ken_free(folder);
        return code == 0 ? KEN_OK : ken_fail(err, KEN_EFAIL, "%s: cannot write a run here: %s", path, strerror(e));
    }
    ken_lock *lock;
    sqlite3 *db = NULL;
    bool empty;
    int rc = ken_lock_take(&lock, path, err);
    if (rc != KEN_OK) return rc;
    rc = ken_schema_connect(&db, path, BUSY_MS, err);
    if (rc == KEN_OK) rc = ken_schema_exec(db, path, "BEGIN", err);
    if (rc == KEN_OK) rc = ken_schema_check(db, path, &empty, err);
    sqlite3_close(db);
    ken_lock_free(lock, true);
    return rc;
}

int ken_store_commit(ken_store *s, ken_err *err)
{
    if (s->broken.status != KEN_OK) {
        if (err != NULL) *err = s->broken;
        return s->broken.status;
    }
    if (sqlite3_get_autocommit(s->db)) return KEN_OK;
    int code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK) return KEN_OK;
    /* A reader that keeps its lock: the transaction is whole and can be committed later. */
    if (code == SQLITE_BUSY && !sqlite3_get_autocommit(s->db)) return ken_schema_fail(s->db, code, s->path, err);
    return ken_store_break(s, code, err);
}

int ken_store_close(ken_store *s, ken_err *err)
{
    if (s == NULL) return KEN_OK;
    int rc = ken_store_commit(s, err);
    free_store(s, false);
    return rc;
}

/* ---- what is there ------------------------------------------------------------------------------------------------- */

bool ken_store_has(const ken_store *s, const char *id)
{
    ken_binder b = ken_bind(s->query[Q_HAS]);
    ken_bind_text(&b, id);
    bool has = b.code == SQLITE_OK && sqlite3_step(b.q) == SQLITE_ROW;
    ken_bind_done(&b); /* on an error the answer is "no": the row is computed, and putting it reports what is wrong */
    return has;
}

size_t ken_store_count(const ken_store *s)
{
    uint64_t n = 0;
    for (int c = 0; c < KEN_N_CATEGORIES; c++) n += s->counts[c];
    return (size_t)n;
}

void ken_store_counts(const ken_store *s, uint64_t counts[KEN_N_CATEGORIES])
{
    for (int c = 0; c < KEN_N_CATEGORIES; c++) counts[c] += s->counts[c];
}

/* A copy in the arena; NULL for NULL, and *failed when out of memory. */
static const char *column(sqlite3_stmt *q, int i, ken_arena *arena, bool *failed)
{
    const char *text = (const char *)sqlite3_column_text(q, i);
    const char *copy = text != NULL ? ken_arena_strndup(arena, text, strlen(text)) : NULL;
    *failed |= copy == NULL && sqlite3_column_type(q, i) != SQLITE_NULL;
    return copy;
}

int ken_store_read_shots(ken_store *s, ken_arena *arena, const char *sql, ken_stored_shot **out, size_t *n,
                         ken_err *err)
{
    sqlite3_stmt *q = NULL;
    ken_stored_shot *all = NULL;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    int code, rc = ken_schema_prepare(s->db, s->path, sql, &q, err);
    while (rc == KEN_OK && (code = sqlite3_step(q)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            rc = ken_schema_fail(s->db, code, s->path, err);
            break;
        }
        bool failed = ken_grow((void **)&all, &cap, *n + 1, sizeof *all) != 0;
        const char **answer = failed ? NULL : ken_arena_calloc(arena, 1, sizeof *answer);
        if (answer == NULL) {
            rc = ken_fail_nomem(err, "exemplars");
            break;
        }
        ken_stored_shot *x = &all[*n];
        *x = (ken_stored_shot){.of = column(q, 0, arena, &failed), .set = sqlite3_column_int(q, 1)};
        answer[0] = column(q, 6, arena, &failed);
        x->x = (ken_example){.id = column(q, 2, arena, &failed),
                             .relation = column(q, 3, arena, &failed),
                             .split = "",
                             .question = column(q, 4, arena, &failed),
                             .subject = column(q, 5, arena, &failed),
                             .answers = answer,
                             .n_answers = 1,
                             .popularity = NAN,
                             .choice = -1,
                             .file = ""};
        if (failed) rc = ken_fail_nomem(err, "exemplars");
        ++*n;
    }
    sqlite3_finalize(q);
    if (rc == KEN_OK && *n > 0) {
        *out = ken_arena_alloc(arena, *n, sizeof **out);
        if (*out == NULL) rc = ken_fail_nomem(err, "exemplars");
        else memcpy(*out, all, *n * sizeof **out);
    }
    ken_free(all);
    return rc;
}

int ken_store_get_exemplars(ken_store *s, ken_arena *arena, ken_stored_shot **out, size_t *n, ken_err *err)
{
    return ken_store_read_shots(s, arena,
                                "SELECT relation, set_no, id, of_relation, question, subject, answer FROM shown "
                                "JOIN exemplars USING(relation, set_no, shot) ORDER BY relation, set_no, shot",
                                out, n, err);
}

/* ---- putting ------------------------------------------------------------------------------------------------------- */

static int put_shot(ken_store *s, const char *relation, int set, int i, const ken_example *x)
{
    int code = KEN_PUT(s->query[Q_EXEMPLAR], KEN_TEXT(relation), KEN_INT(set), KEN_INT(i), KEN_TEXT(x->id));
    if (code != SQLITE_OK) return code;
    code = KEN_PUT(s->query[Q_SHOWN], KEN_TEXT(relation), KEN_INT(set), KEN_INT(i), KEN_TEXT(x->relation),
                   KEN_TEXT(x->question), KEN_TEXT(x->subject), KEN_TEXT(x->answers[0]));
    return code;
}

int ken_store_put_exemplars(ken_store *s, const char *relation, int set, const ken_example *const *shot, int shots,
                            const char *text, ken_err *err)
{
    int rc = ken_store_begin(s, err);
    if (rc != KEN_OK) return rc;

    ken_binder b = ken_bind(s->query[Q_SET_TEXT]);
    ken_bind_text(&b, relation);
    ken_bind_int(&b, set);
    int code = b.code == SQLITE_OK ? sqlite3_step(b.q) : b.code;
    if (code == SQLITE_ROW) {
        int same = ken_same_text((const char *)sqlite3_column_text(b.q, 0), text);
        ken_bind_done(&b);
        if (same < 0) return ken_fail_nomem(err, s->path); /* nothing was written: the transaction continues */
        return same ? KEN_OK
                    : ken_fail(err, KEN_EINPUT,
                               "%s: exemplar set %d of relation \"%s\" differs from the one in the run: the data "
                               "changed since; "
                               "name another run with -o",
                               s->path, set, relation);
    }
    ken_bind_done(&b);
    if (code != SQLITE_DONE) return ken_store_break(s, code, err);

    code = KEN_PUT(s->query[Q_SET], KEN_TEXT(relation), KEN_INT(set), KEN_TEXT(text));
    for (int i = 0; code == SQLITE_OK && i < shots; i++) code = put_shot(s, relation, set, i, shot[i]);
    return code == SQLITE_OK ? KEN_OK : ken_store_break(s, code, err);
}

static int put_prompt(ken_store *s, int64_t place, int n, const ken_prompt_row *p)
{
    ken_value v[2 + KEN_FIELDS_MOST] = {KEN_INT(place), KEN_INT(n)};
    int code = ken_put(s->query[Q_PROMPT], v, 2 + ken_fields_values(&ken_prompt_fields, s->format, p, v + 2));
    for (int i = 0; code == SQLITE_OK && i < p->n_other; i++) {
        code = KEN_PUT(s->query[Q_OTHER], KEN_INT(place), KEN_INT(n), KEN_INT(i), KEN_TEXT(p->other[i].text),
                       KEN_REAL(p->other[i].p));
    }
    for (int i = 0; code == SQLITE_OK && i < p->n_drawn; i++) {
        code = KEN_PUT(s->query[Q_DRAWN], KEN_INT(place), KEN_INT(n), KEN_INT(i), KEN_TEXT(p->drawn[i].text),
                       KEN_INT(p->drawn[i].count), KEN_INT(p->drawn[i].hit));
    }
    return code;
}

static int put_knowledge(ken_store *s, int64_t place, const ken_row *row)
{
    ken_value v[1 + KEN_FIELDS_MOST] = {KEN_INT(place)};
    return ken_put(s->query[Q_KNOWLEDGE], v, 1 + ken_fields_values(&ken_row_fields, s->format, row, v + 1));
}

static int put_example(ken_store *s, int64_t place, const ken_row *row)
{
    int code =
        KEN_PUT(s->query[Q_EXAMPLE], KEN_INT(place), KEN_TEXT(row->id),
                KEN_TEXT(row->relation != NULL ? row->relation : ""), KEN_TEXT(row->split != NULL ? row->split : ""),
                KEN_TEXT(row->question), KEN_TEXT(row->subject), KEN_REAL(row->popularity));
    if (code != SQLITE_OK) return code;
    code = KEN_PUT(s->query[Q_IDENTITY], KEN_INT(place), KEN_TEXT(row->identity), KEN_TEXT(row->asked));
    return code;
}

static int put_texts(ken_store *s, int query, int64_t place, const char *const *text, int n)
{
    int code = SQLITE_OK;
    for (int i = 0; code == SQLITE_OK && i < n; i++) {
        code = KEN_PUT(s->query[query], KEN_INT(place), KEN_INT(i), KEN_TEXT(text[i]));
    }
    return code;
}

/* The fault in a prompt's results, or NULL. */
static const char *prompt_fault(const ken_prompt_row *p)
{
    const char *fault = ken_fields_fault(&ken_prompt_fields, p);
    if (fault != NULL) return fault;
    if (p->n_other < 0 || (size_t)p->n_other > sizeof p->other / sizeof p->other[0]) return "number of other answers";
    for (int i = 0; i < p->n_other; i++) {
        if (p->other[i].text == NULL) return "text of another answer";
        if (!ken_is_share(p->other[i].p)) return "probability of another answer";
    }
    if (p->n_drawn < 0 || p->n_drawn > KEN_STORE_MAX_DRAWN) return "number of sampled texts";
    for (int i = 0; i < p->n_drawn; i++)
        if (p->drawn[i].text == NULL || p->drawn[i].count < 0) return "sampled text";
    return NULL;
}

/* Nothing is written that the reader would refuse. */
static const char *row_fault(uint64_t place, const ken_row *row)
{
    if (place > INT64_MAX) return "place";
    if (row->id == NULL || row->id[0] == '\0') return "id";
    if (row->question == NULL) return "question";
    if (row->method == NULL) return "method";
    if (row->n_answers < 0 || row->n_answers > KEN_STORE_MAX_ANSWERS) return "number of answers";
    for (int i = 0; i < row->n_answers; i++)
        if (row->answers[i] == NULL) return "answer";
    if (row->n_aliases < 0 || row->n_aliases > KEN_STORE_MAX_ANSWERS) return "number of other names";
    const char *fault = ken_fields_fault(&ken_row_fields, row);
    if (fault != NULL) return fault;
    if (row->n_prompt_rows < 0 || row->n_prompt_rows > KEN_STORE_MAX_PROMPTS) return "number of prompts";
    for (int i = 0; i < row->n_prompt_rows; i++) {
        fault = prompt_fault(&row->prompt_rows[i]);
        if (fault != NULL) return fault;
    }
    return NULL;
}

int ken_store_put_row(ken_store *s, uint64_t place, const ken_row *row, ken_err *err)
{
    const char *fault = row_fault(place, row);
    if (fault != NULL)
        return ken_fail(err, KEN_ESTATE, "%s: row %" PRIu64 " (%s) has no valid %s", s->path, place,
                        row->id != NULL ? row->id : "?", fault);
    int rc = ken_store_begin(s, err);
    if (rc != KEN_OK) return rc;

    int64_t at = (int64_t)place;
    int code = put_example(s, at, row);
    if (code == SQLITE_CONSTRAINT) { /* nothing was written: the transaction continues */
        if (ken_store_has(s, row->id))
            return ken_fail(err, KEN_ESTATE, "%s: row \"%s\" is there already", s->path, row->id);
        return ken_fail(err, KEN_EINPUT,
                        "%s: place %" PRIu64
                        " of row \"%s\" holds another row in the run: the data changed since; name another "
                        "run with -o",
                        s->path, place, row->id);
    }
    if (code == SQLITE_OK) code = put_texts(s, Q_ANSWER, at, row->answers, row->n_answers);
    if (code == SQLITE_OK) code = put_texts(s, Q_ALIAS, at, row->aliases, row->n_aliases);
    if (code == SQLITE_OK) code = put_knowledge(s, at, row);
    for (int i = 0; code == SQLITE_OK && i < row->n_prompt_rows; i++) code = put_prompt(s, at, i, &row->prompt_rows[i]);
    if (code != SQLITE_OK) return ken_store_break(s, code, err);
    s->counts[row->category]++;
    return KEN_OK;
}

int ken_store_set(ken_store *s, const char *key, const char *value, ken_err *err)
{
    int rc = ken_store_begin(s, err);
    return rc == KEN_OK ? write_settings(s, &(ken_setting){key, value, false}, 1, err) : rc;
}

int ken_store_add_cost(ken_store *s, uint64_t token_forwards, double seconds, ken_err *err)
{
    int rc = ken_store_begin(s, err);
    if (rc != KEN_OK) return rc;
    int code = KEN_PUT(s->query[Q_COST], KEN_INT(token_forwards), KEN_REAL(isfinite(seconds) ? seconds : 0.0),
                       KEN_INT(s->session));
    return code == SQLITE_OK ? KEN_OK : ken_store_break(s, code, err);
}
