/* writer.c - statements, and what happens when one fails; see writer.h and the first paragraph of store.c. */
#include "store/writer.h"
#include "base/buf.h"
#include "text/unicode.h"
#include <math.h>
#include <string.h>

ken_binder ken_bind(sqlite3_stmt *q) { return (ken_binder){q, 0, SQLITE_OK}; }

void ken_bind_int(ken_binder *b, int64_t v)
{
    b->at++;
    if (b->code == SQLITE_OK) b->code = sqlite3_bind_int64(b->q, b->at, v);
}

static void bind_real(ken_binder *b, double v)
{
    b->at++;
    if (b->code == SQLITE_OK) b->code = isnan(v) ? sqlite3_bind_null(b->q, b->at) : sqlite3_bind_double(b->q, b->at, v);
}

/* Text in a run is valid UTF-8: bad bytes (a model's answer may stop inside a character, a setting may come from a terminal with
 * another encoding) become U+FFFD. Returns text itself when nothing is wrong with it, else the contents of fixed, NULL when out
 * of memory. */
static const char *valid_utf8(const char *text, ken_buf *fixed)
{
    size_t n = strlen(text), i = 0;
    int32_t cp;
    for (int k; i < n && (k = ken_utf8_decode(text + i, n - i, &cp)) > 0;) i += (size_t)k;
    if (i == n) return text;
    ken_utf8_clean(fixed, text, n);
    return fixed->failed ? NULL : ken_buf_str(fixed);
}

void ken_bind_text(ken_binder *b, const char *text)
{
    b->at++;
    if (b->code != SQLITE_OK) return;
    if (text == NULL) {
        b->code = sqlite3_bind_null(b->q, b->at);
        return;
    }
    ken_buf fixed = {0};
    const char *valid = valid_utf8(text, &fixed);
    size_t n = valid != NULL ? strlen(valid) : 0;
    if (valid == NULL) b->code = SQLITE_NOMEM;
    else if (n > KEN_STORE_MAX_TEXT) b->code = SQLITE_TOOBIG;
    else /* every statement runs before its caller returns, so that the caller's own text need not be copied */
        b->code = sqlite3_bind_text(b->q, b->at, valid, (int)n, valid == text ? SQLITE_STATIC : SQLITE_TRANSIENT);
    ken_buf_free(&fixed);
}

static void bind_blob(ken_binder *b, const void *bytes, size_t n)
{
    b->at++;
    if (b->code != SQLITE_OK) return;
    if (n > KEN_STORE_MAX_TEXT) b->code = SQLITE_TOOBIG;
    else b->code = sqlite3_bind_blob(b->q, b->at, n > 0 ? bytes : "", (int)n, SQLITE_STATIC);
}

int ken_same_text(const char *there, const char *text)
{
    ken_buf fixed = {0};
    const char *valid = valid_utf8(text, &fixed);
    int same = valid == NULL ? -1 : there != NULL && strcmp(there, valid) == 0;
    ken_buf_free(&fixed);
    return same;
}

void ken_bind_done(ken_binder *b)
{
    sqlite3_reset(b->q);
    sqlite3_clear_bindings(b->q);
}

int ken_put(sqlite3_stmt *q, const ken_value *v, int n)
{
    ken_binder b = ken_bind(q);
    for (int i = 0; i < n; i++) switch (v[i].is) {
        case KEN_IS_INT: ken_bind_int(&b, v[i].i); break;
        case KEN_IS_REAL: bind_real(&b, v[i].r); break;
        case KEN_IS_TEXT: ken_bind_text(&b, v[i].p); break;
        case KEN_IS_BLOB: bind_blob(&b, v[i].p, (size_t)v[i].i); break;
        }
    int code = b.code == SQLITE_OK ? sqlite3_step(q) : b.code;
    ken_bind_done(&b);
    return code == SQLITE_DONE ? SQLITE_OK : code == SQLITE_ROW ? SQLITE_INTERNAL : code; /* these return no rows */
}

int ken_store_break_with(ken_store *s, const ken_err *why)
{
    for (int i = 0; i < KEN_STORE_QUERIES; i++) sqlite3_reset(s->query[i]);
    if (!sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->broken = *why;
    return why->status;
}

int ken_store_break(ken_store *s, int code, ken_err *err)
{
    ken_err e;
    ken_schema_fail(s->db, code, s->path, &e);
    if (err != NULL) *err = e;
    return ken_store_break_with(s, &e);
}

int ken_store_begin(ken_store *s, ken_err *err)
{
    if (s->broken.status != KEN_OK) {
        if (err != NULL) *err = s->broken;
        return s->broken.status;
    }
    if (!sqlite3_get_autocommit(s->db)) return KEN_OK;
    int code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_BUSY) return ken_schema_fail(s->db, code, s->path, err); /* nothing is open, nothing is lost */
    return code == SQLITE_OK ? KEN_OK : ken_store_break(s, code, err);
}
