/* run.c - reading a run: the public ken_run_* of ken.h.
 *
 * Memory stays flat: of a row only its place is kept (8 bytes); ken_run_row fetches the rest, and the next call drops it. Rows
 * are never changed by a writer, only added, so no transaction is held between calls, a writer is never kept
 * waiting, and what was there at ken_run_open stays valid; rows added later are not seen. The exception is a run whose data changed: its
 * rows are moved or removed (revise.c), and a reader that had it open before is told so.
 *
 * The hard thing is that the file may come from anybody. schema.c has made sure that the tables are ours; cursor.c checks every
 * value before it is used. */
#include "store/run.h"
#include "base/alloc.h"
#include "store/store.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    Q_ROW,
    Q_FIND,
    Q_ANSWERS,
    Q_PROMPTS,
    Q_OTHERS,
    Q_DRAWN,
    Q_EXEMPLARS,
    Q_LABEL,
    Q_ALIASES,
    Q_IDENTITY,
    Q_REVISION,
    N_QUERIES
};

static const char *const queries[N_QUERIES] = {
    /* @: row_fields.h */
    [Q_ROW] = ("SELECT id, relation, split, question, subject, popularity@ FROM knowledge JOIN examples USING(place)"
               " WHERE place = ?"),
    [Q_FIND] = "SELECT place FROM examples WHERE id = ?",
    [Q_ANSWERS] = "SELECT text FROM answers WHERE place = ? ORDER BY n",
    [Q_PROMPTS] = "SELECT prompt@ FROM prompts WHERE place = ? ORDER BY prompt",
    [Q_DRAWN] = "SELECT prompt, text, count, hit FROM drawn WHERE place = ? ORDER BY prompt, n",
    [Q_EXEMPLARS] = "SELECT text FROM exemplar_sets WHERE relation = ? AND set_no = ?",
    [Q_LABEL] = "SELECT category, question, subject FROM examples JOIN knowledge USING(place) WHERE id = ?",
    [Q_OTHERS] = "SELECT prompt, text, p FROM others WHERE place = ? ORDER BY prompt, n",
    [Q_ALIASES] = "SELECT text FROM aliases WHERE place = ? ORDER BY n",
    [Q_IDENTITY] = "SELECT identity, asked FROM identities WHERE place = ?",
    [Q_REVISION] = "SELECT ifnull(max(n), 0) FROM changes",
};
_Static_assert(N_QUERIES <= (int)(sizeof((struct ken_run *)0)->query / sizeof(sqlite3_stmt *)),
               "room for the statements");

enum { BUSY_MS = 10000 }; /* how long to wait for a commit of the writer */

/* ---- one row ------------------------------------------------------------------------------------------------------- */

static ken_cursor query_row(ken_run *r, int query, int64_t place)
{
    ken_cursor c = {.r = r, .q = r->query[query]};
    sqlite3_reset(c.q);
    if (sqlite3_bind_int64(c.q, 1, place) != SQLITE_OK) {
        c.nomem = true;
        ken_cursor_spoil(&c, "place");
    }
    return c;
}

static bool read_knowledge(ken_run *r, int64_t place, ken_err *err)
{
    ken_cursor c = query_row(r, Q_ROW, place);
    int there = ken_cursor_next(&c, place, err);
    if (there < 0) return false;
    if (there == 0) {
        ken_run_damaged(r, place, "example", err);
        return false;
    }
    ken_row *w = &r->row;
    w->id = ken_cursor_text(&c, "id", false);
    w->relation = ken_cursor_text(&c, "relation", false);
    w->split = ken_cursor_text(&c, "split", false);
    w->question = ken_cursor_text(&c, "question", false);
    w->subject = ken_cursor_text(&c, "subject", true);
    w->popularity = ken_cursor_real(&c, "popularity");
    ken_fields_read(&ken_row_fields, r->format, &c, w);
    there = ken_cursor_next(&c, place, err);
    if (there > 0) ken_run_damaged(r, place, "number", err); /* a primary key twice: a broken tree */
    return there == 0;
}

static bool read_texts(ken_run *r, int query, int64_t place, const char *const **out, int *n, ken_err *err)
{
    ken_cursor c = query_row(r, query, place);
    const char **all = NULL;
    int there;
    while ((there = ken_cursor_next(&c, place, err)) > 0) {
        const char *text = ken_cursor_text(&c, "answer", false);
        all = ken_run_push(r, all, *n, sizeof *all);
        if (all == NULL || *n == KEN_STORE_MAX_ANSWERS) {
            c.nomem = all == NULL;
            ken_cursor_spoil(&c, "number of answers");
            continue; /* ken_cursor_next() reports it */
        }
        all[(*n)++] = text;
        *out = all;
    }
    return there == 0;
}

static bool read_answers(ken_run *r, int64_t place, ken_err *err)
{
    return read_texts(r, Q_ANSWERS, place, &r->row.answers, &r->row.n_answers, err) &&
           (r->format < KEN_FORMAT_ROWS || read_texts(r, Q_ALIASES, place, &r->row.aliases, &r->row.n_aliases, err));
}

static bool read_identity(ken_run *r, int64_t place, ken_err *err)
{
    if (r->format < KEN_FORMAT_ROWS) return true;
    ken_cursor c = query_row(r, Q_IDENTITY, place);
    int there = ken_cursor_next(&c, place, err);
    if (there <= 0) return there == 0;
    r->row.identity = ken_cursor_text(&c, "identity", true);
    r->row.asked = ken_cursor_text(&c, "asked", true);
    return ken_cursor_next(&c, place, err) == 0;
}

/* Are the rows still where they were when the run was opened? In a transaction. */
static bool still_there(ken_run *r, ken_err *err)
{
    if (r->format < KEN_FORMAT_ROWS) return true;
    sqlite3_stmt *q = r->query[Q_REVISION];
    int code = sqlite3_step(q);
    bool same = code == SQLITE_ROW && sqlite3_column_int64(q, 0) == r->revision;
    sqlite3_reset(q);
    if (code != SQLITE_ROW) ken_schema_fail(r->db, code, r->path, err);
    else if (!same)
        ken_fail(err, KEN_EBUSY, "%s: another program updated the run to changed data; read it again", r->path);
    return same;
}

static bool read_others(ken_run *r, int64_t place, ken_prompt_row *rows, int n, ken_err *err)
{
    ken_cursor c = query_row(r, Q_OTHERS, place);
    int there;
    while ((there = ken_cursor_next(&c, place, err)) > 0) {
        int64_t i = ken_cursor_int(&c, "prompt of another answer", 0, n - 1);
        if (c.bad != NULL) continue;
        ken_prompt_row *p = &rows[i];
        if ((size_t)p->n_other == sizeof p->other / sizeof p->other[0]) {
            ken_cursor_spoil(&c, "number of other answers");
            continue;
        }
        p->other[p->n_other].text = ken_cursor_text(&c, "another answer", false);
        p->other[p->n_other++].p = ken_cursor_p(&c, "probability of another answer");
    }
    return there == 0;
}

static bool read_drawn(ken_run *r, int64_t place, ken_prompt_row *rows, int n, ken_err *err)
{
    ken_cursor c = query_row(r, Q_DRAWN, place);
    int there;
    while ((there = ken_cursor_next(&c, place, err)) > 0) {
        int64_t i = ken_cursor_int(&c, "prompt of a sampled text", 0, n - 1);
        if (c.bad != NULL) continue;
        ken_prompt_row *p = &rows[i];
        ken_drawn d = {.text = ken_cursor_text(&c, "sampled text", false),
                       .count = (int)ken_cursor_int(&c, "count of a sampled text", 0, INT32_MAX),
                       .hit = ken_cursor_int(&c, "verdict of a sampled text", 0, 1) != 0};
        ken_drawn *all = ken_run_push(r, p->drawn, p->n_drawn, sizeof *all);
        if (all == NULL || p->n_drawn == KEN_STORE_MAX_DRAWN) {
            c.nomem = all == NULL;
            ken_cursor_spoil(&c, "number of sampled texts");
            continue;
        }
        all[p->n_drawn++] = d;
        p->drawn = all;
    }
    return there == 0;
}

static bool read_prompts(ken_run *r, int64_t place, ken_err *err)
{
    ken_cursor c = query_row(r, Q_PROMPTS, place);
    ken_prompt_row *rows = NULL;
    int n = 0, there;
    while ((there = ken_cursor_next(&c, place, err)) > 0) {
        rows = ken_run_push(r, rows, n, sizeof *rows);
        if (rows == NULL || n == KEN_STORE_MAX_PROMPTS) {
            c.nomem = rows == NULL;
            ken_cursor_spoil(&c, "number of prompts");
            continue;
        }
        ken_prompt_row *p = &rows[n];
        memset(p, 0, sizeof *p);
        ken_cursor_int(&c, "number of a prompt", n, n); /* 0, 1, 2, ... without a hole */
        ken_fields_read(&ken_prompt_fields, r->format, &c, p);
        n++;
    }
    r->row.prompt_rows = rows;
    r->row.n_prompt_rows = n;
    return there == 0 && read_others(r, place, rows, n, err) && read_drawn(r, place, rows, n, err);
}

void ken_run_set_poll(ken_run *r, ken_poll_fn poll, void *ctx)
{
    r->poll = poll;
    r->poll_ctx = ctx;
}

bool ken_run_stopped(const ken_run *r, ken_err *err)
{
    if (r->poll == NULL || r->poll(r->poll_ctx) == 0) return false;
    ken_fail(err, KEN_ESTOP, "stopped on request");
    return true;
}

static const ken_row *read_row(ken_run *r, int64_t place, ken_err *err)
{
    ken_run_clear(r);
    if (ken_run_stopped(r, err)) return NULL;
    /* One transaction, so that the tables are seen at one moment. */
    int code = sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        ken_schema_fail(r->db, code, r->path, err);
        return NULL;
    }
    bool good = still_there(r, err) && read_knowledge(r, place, err) && read_identity(r, place, err) &&
                read_answers(r, place, err) && read_prompts(r, place, err);
    for (int i = 0; i < N_QUERIES; i++) sqlite3_reset(r->query[i]);
    if (!sqlite3_get_autocommit(r->db)) sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
    return good ? &r->row : NULL;
}

const ken_row *ken_run_row(ken_run *r, size_t i, ken_err *err)
{
    if (i < r->n) return read_row(r, r->places[i], err);
    ken_fail(err, KEN_EUSAGE, "%s: there is no row %zu, the run has %zu", r->path, i, r->n);
    return NULL;
}

static int compare_places(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

const ken_row *ken_run_find(ken_run *r, const char *id, ken_err *err)
{
    sqlite3_stmt *q = r->query[Q_FIND];
    int code = sqlite3_bind_text(q, 1, id, -1, SQLITE_STATIC);
    if (code == SQLITE_OK) code = sqlite3_step(q);
    int64_t place = code == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    if (code != SQLITE_ROW && code != SQLITE_DONE) ken_schema_fail(r->db, code, r->path, err);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    if (code != SQLITE_ROW && code != SQLITE_DONE) return NULL;
    if (code == SQLITE_DONE || (r->n == 0 || bsearch(&place, r->places, r->n, sizeof place, compare_places) == NULL)) {
        ken_fail(err, KEN_EINPUT, "%s: no row has the id \"%.200s\"; `ken_run_row` lists them", r->path, id);
        return NULL;
    }
    return read_row(r, place, err);
}

int ken_run_label(ken_run *r, const char *id, bool *there, int *category, const char **question, const char **subject,
                  ken_err *err)
{
    *there = false;
    *question = "";
    *subject = NULL;
    ken_run_clear(r);
    ken_cursor c = {.r = r, .q = r->query[Q_LABEL]};
    sqlite3_reset(c.q);
    if (sqlite3_bind_text(c.q, 1, id, -1, SQLITE_STATIC) != SQLITE_OK) return ken_fail_nomem(err, r->path);
    int found = ken_cursor_next(&c, 0, err);
    if (found > 0) {
        *category = ken_cursor_category(&c, "category");
        *question = ken_cursor_text(&c, "question", false);
        *subject = ken_cursor_text(&c, "subject", true);
        *there = true;
        found = ken_cursor_next(&c, 0, err);
    }
    sqlite3_reset(c.q);
    sqlite3_clear_bindings(c.q);
    return found < 0 ? c.status : KEN_OK;
}

int ken_run_exemplars(ken_run *r, const char *relation, int set, char **text, ken_err *err)
{
    *text = NULL;
    sqlite3_stmt *q = r->query[Q_EXEMPLARS];
    int code = sqlite3_bind_text(q, 1, relation, -1, SQLITE_STATIC);
    if (code == SQLITE_OK) code = sqlite3_bind_int(q, 2, set);
    if (code == SQLITE_OK) code = sqlite3_step(q);
    int rc = code == SQLITE_ROW || code == SQLITE_DONE ? KEN_OK : ken_schema_fail(r->db, code, r->path, err);
    if (code == SQLITE_ROW) {
        ken_cursor c = {.r = r, .q = q};
        ken_run_clear(r);
        const char *found = ken_cursor_text(&c, "exemplars", false);
        if (c.nomem || (c.bad == NULL && (*text = ken_strdup(found)) == NULL)) rc = ken_fail_nomem(err, r->path);
        else if (c.bad != NULL)
            rc = ken_fail(err, KEN_EINPUT, "%s: the run is damaged: exemplar set %d of \"%s\" is no text", r->path, set,
                          relation);
        ken_run_clear(r);
    } else if (rc == KEN_OK) {
        rc = ken_fail(err, KEN_EINPUT, "%s: the run has no exemplar set %d of relation \"%s\"", r->path, set, relation);
    }
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return rc;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static int load_settings(ken_run *r, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    int code,
        rc = ken_schema_prepare(r->db, r->path,
                                "SELECT key, value, binding FROM settings UNION ALL"
                                " SELECT 'token_forwards', printf('%d', total(token_forwards)), 0 FROM costs UNION ALL"
                                " SELECT 'seconds', printf('%.3f', total(seconds)), 0 FROM costs",
                                &q, err);
    while (rc == KEN_OK && (code = sqlite3_step(q)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            rc = ken_schema_fail(r->db, code, r->path, err);
            break;
        }
        ken_cursor c = {.r = r, .q = q};
        const char *key = ken_cursor_text(&c, "key", false), *value = ken_cursor_text(&c, "value", false);
        if (c.nomem) rc = ken_fail_nomem(err, r->path);
        else if (c.bad != NULL) rc = ken_fail(err, KEN_EINPUT, "%s: the run is damaged: a setting is no text", r->path);
        else ken_setting_text(&r->settings, key, sqlite3_column_int(q, 2) != 0, value);
        if (rc == KEN_OK && r->settings.failed) rc = ken_fail_nomem(err, r->path);
        if (rc == KEN_OK && r->settings.n > KEN_STORE_MAX_SETTINGS)
            rc = ken_fail(err, KEN_EINPUT, "%s: the run is damaged: more than %d settings", r->path,
                          KEN_STORE_MAX_SETTINGS);
        ken_run_clear(r);
    }
    sqlite3_finalize(q);
    return rc;
}

static int open_run(ken_run *r, ken_err *err)
{
    struct stat st;
    if (stat(r->path, &st) != 0)
        return ken_fail(err, errno == ENOENT || errno == ENOTDIR ? KEN_EINPUT : KEN_EFAIL,
                        "%s: cannot open the run: %s", r->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return ken_fail(err, KEN_EINPUT, "%s: is %s, not a run", r->path,
                        S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    bool empty;
    int rc = ken_schema_connect(&r->db, r->path, BUSY_MS, err);
    if (rc == KEN_OK) rc = ken_schema_exec(r->db, r->path, "PRAGMA query_only=ON; BEGIN", err);
    if (rc == KEN_OK) rc = ken_schema_check(r->db, r->path, &empty, err);
    if (rc == KEN_OK && empty)
        return ken_fail(err, KEN_EINPUT, "%s: the file is empty: `ken_annotate` has not begun to write it", r->path);
    if (rc == KEN_OK) rc = ken_schema_format(r->db, r->path, &r->format, err);
    if (rc == KEN_OK) rc = load_settings(r, err);
    if (rc == KEN_OK) rc = ken_run_scan(r, err);
    if (rc == KEN_OK && r->format >= KEN_FORMAT_ROWS) rc = ken_run_load_notes(r, err);
    if (rc == KEN_OK && r->format >= 2) rc = ken_run_scan_points(r, err);
    if (rc == KEN_OK) rc = ken_schema_exec(r->db, r->path, "COMMIT", err);
    for (int i = 0; rc == KEN_OK && i < (r->format >= KEN_FORMAT_ROWS ? N_QUERIES : Q_ALIASES); i++)
        rc = ken_schema_prepare_fields(r->db, r->path, i == Q_PROMPTS ? &ken_prompt_fields : &ken_row_fields, r->format,
                                       KEN_FIELDS_NAMED, queries[i], &r->query[i], err);
    return rc;
}

int ken_run_open(ken_run **out, const char *path, ken_err *err)
{
    *out = NULL;
    if (path == NULL || path[0] == '\0') return ken_fail(err, KEN_EUSAGE, "the name of the run is empty");
    ken_run *r = ken_calloc(1, sizeof *r);
    if (r == NULL) return ken_fail_nomem(err, path);
    r->settings.arena = &r->arena;
    r->path = ken_strdup(path);
    int rc = r->path == NULL ? ken_fail_nomem(err, path) : open_run(r, err);
    if (rc == KEN_OK) *out = r;
    else ken_run_free(r);
    return rc;
}

void ken_run_free(ken_run *r)
{
    if (r == NULL) return;
    ken_run_clear(r);
    for (int i = 0; i < N_QUERIES; i++) sqlite3_finalize(r->query[i]);
    sqlite3_close(r->db);
    for (size_t i = 0; i < r->n_relations; i++) ken_free((char *)(uintptr_t)r->relations[i].relation);
    for (int i = 0; i < r->n_notes; i++) ken_free(r->note[i]);
    ken_arena_free(&r->arena);
    ken_free(r->relations);
    ken_free(r->points);
    ken_free(r->places);
    ken_free(r->path);
    ken_free(r);
}

/* ---- what is there ------------------------------------------------------------------------------------------------- */

size_t ken_run_count(const ken_run *r) { return r->n; }
size_t ken_run_n_relations(const ken_run *r) { return r->n_relations; }
const ken_counts *ken_run_relation(const ken_run *r, size_t i) { return i < r->n_relations ? &r->relations[i] : NULL; }
const ken_counts *ken_run_total(const ken_run *r) { return &r->total; }

const char *ken_run_setting(const ken_run *r, const char *key) { return ken_setting_get(&r->settings, key); }

bool ken_run_complete(const ken_run *r)
{
    const char *asked = ken_run_setting(r, KEN_SETTING_ROWS);
    if (asked == NULL) return false;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(asked, &end, 10);
    return errno == 0 && end != asked && *end == '\0' && r->n - ken_run_n_gone(r) >= n;
}
