/* added.c - which rows the data have got since the run was made; see store.h.
 *
 * A run holds rows that were annotated. What else the data had is known by one entry of the table of changes, "data": the beginnings of the ids'
 * hashes, one behind the other, which is short and tells what is new. Two of them are equal by chance once in four thousand million: such
 * a row would be annotated like any other and only not be named. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "store/writer.h"
#include <string.h>

enum { DIGITS = 8 };

/* The entry; *n INTEGER key, 0 when there is none. *text is the caller's. */
static int read_known(ken_store *s, int64_t *at, char **text, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    *at = 0;
    *text = NULL;
    int rc = ken_schema_prepare(s->db, s->path, "SELECT n, id FROM changes WHERE what = 'data'", &q, err);
    if (rc != KEN_OK) return rc;
    int code = sqlite3_step(q);
    if (code == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(q, 1);
        *at = sqlite3_column_int64(q, 0);
        *text = id != NULL ? ken_strdup(id) : NULL;
        if (*text == NULL) rc = ken_fail_nomem(err, s->path);
        else if (strlen(*text) % DIGITS != 0)
            rc = ken_fail(err, KEN_EINPUT, "%s: the run is damaged: what its data were is cut", s->path);
    } else if (code != SQLITE_DONE) rc = ken_store_break(s, code, err);
    sqlite3_finalize(q);
    return rc;
}

static int write_known(ken_store *s, int64_t at, const char *text, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    const char *sql = at > 0 ? "UPDATE changes SET id = ?1 WHERE n = ?2"
                             : "INSERT INTO changes(session, what, id) VALUES (?2, 'data', ?1)";
    int rc = ken_schema_prepare(s->db, s->path, sql, &q, err);
    if (rc != KEN_OK) return rc;
    int code = KEN_PUT(q, KEN_TEXT(text), KEN_INT(at > 0 ? at : s->session));
    sqlite3_finalize(q);
    return code == SQLITE_OK ? KEN_OK : ken_store_break(s, code, err);
}

int ken_store_note_added(ken_store *s, const char *const *id, size_t n, ken_err *err)
{
    char *known = NULL;
    int64_t at = 0;
    ken_buf all = {0};
    int rc = ken_store_begin(s, err);
    if (rc == KEN_OK) rc = read_known(s, &at, &known, err);
    const size_t n_known = known != NULL ? strlen(known) / DIGITS : 0;
    ken_strmap *there = ken_strmap_new(n_known + 1);
    if (rc == KEN_OK && there == NULL) rc = ken_fail_nomem(err, s->path);
    for (size_t i = 0; i < n_known && rc == KEN_OK; i++)
        if (ken_strmap_add(there, known + i * DIGITS, DIGITS, 0) < 0) rc = ken_fail_nomem(err, s->path);
    if (rc == KEN_OK && known != NULL) ken_buf_puts(&all, known);
    bool new_ones = false;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        char hex[65];
        if (ken_sha256_of(id[i], strlen(id[i]), hex) != 0) rc = ken_fail_nomem(err, s->path);
        if (rc != KEN_OK || ken_strmap_get(there, hex, DIGITS, -1) == 0) continue;
        new_ones = true;
        hex[DIGITS] = '\0';
        ken_buf_puts(&all, hex);
        if (at > 0) rc = ken_store_note_change(s, "added", id[i], err);
    }
    if (rc == KEN_OK && all.failed) rc = ken_fail_nomem(err, s->path);
    if (rc == KEN_OK && (new_ones || at == 0)) rc = write_known(s, at, ken_buf_str(&all), err);
    ken_strmap_free(there);
    ken_free(known);
    ken_buf_free(&all);
    return rc;
}
