/* cursor.c - values out of a run, checked; see run.h.
 *
 * The file may be hostile: every value is checked for its type, its range and its size before it is used. */
#include "base/alloc.h"
#include "store/run.h"
#include "text/unicode.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

int ken_run_damaged(const ken_run *r, int64_t place, const char *what, ken_err *err)
{
    return ken_fail(err, KEN_EINPUT, "%s: the run is damaged: %s of the row at place %" PRId64 " is not valid", r->path,
                    what, place);
}

static int damaged_step(const ken_run *r, int64_t step, const char *what, ken_err *err)
{
    return ken_fail(err, KEN_EINPUT, "%s: the run is damaged: %s at step %" PRId64 " is not valid", r->path, what,
                    step);
}

/* ---- the memory of one row ----------------------------------------------------------------------------------------- */

struct arena {
    struct arena *next;
    size_t used, cap;
    max_align_t data[];
};

void ken_run_clear(ken_run *r)
{
    while (r->memory != NULL) {
        struct arena *a = r->memory;
        r->memory = a->next;
        ken_free(a);
    }
    r->row_bytes = 0;
    memset(&r->row, 0, sizeof r->row);
}

void *ken_run_alloc(ken_run *r, size_t bytes)
{
    const size_t align = sizeof(max_align_t);
    bytes = (bytes + align - 1) / align * align;
    if (bytes > KEN_STORE_MAX_ROW || r->row_bytes + bytes > KEN_STORE_MAX_ROW) return NULL;
    struct arena *a = r->memory;
    if (a == NULL || a->cap - a->used < bytes) {
        size_t cap = bytes > 16384 ? bytes : 16384;
        a = ken_alloc(sizeof *a + cap, 1);
        if (a == NULL) return NULL;
        *a = (struct arena){.next = r->memory, .used = 0, .cap = cap};
        r->memory = a;
    }
    void *p = (char *)a->data + a->used;
    a->used += bytes;
    r->row_bytes += bytes;
    return p;
}

/* ---- one value ----------------------------------------------------------------------------------------------------- */

void ken_cursor_spoil(ken_cursor *c, const char *what)
{
    if (c->bad == NULL) c->bad = what;
}

/* Bad UTF-8 and NUL bytes never come from our writer. */
const char *ken_cursor_text(ken_cursor *c, const char *what, bool may_be_null)
{
    int i = c->at++, type = sqlite3_column_type(c->q, i);
    if (type == SQLITE_NULL && may_be_null) return NULL;
    const char *s = type == SQLITE_TEXT ? (const char *)sqlite3_column_text(c->q, i) : NULL;
    if (s == NULL) {
        c->nomem |= type == SQLITE_TEXT;
        ken_cursor_spoil(c, what);
        return "";
    }
    size_t n = (size_t)sqlite3_column_bytes(c->q, i);
    int32_t cp = 1;
    for (size_t at = 0; at < n;) {
        int k = ken_utf8_decode(s + at, n - at, &cp);
        if (k <= 0 || cp == 0) {
            ken_cursor_spoil(c, what);
            return "";
        }
        at += (size_t)k;
    }
    char *copy = ken_run_alloc(c->r, n + 1);
    if (copy == NULL) {
        c->nomem |= c->r->row_bytes + n + 1 <= KEN_STORE_MAX_ROW;
        ken_cursor_spoil(c, what);
        return "";
    }
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

bool ken_cursor_bool(ken_cursor *c, const char *what) { return ken_cursor_int(c, what, 0, 1) != 0; }

double ken_cursor_real(ken_cursor *c, const char *what)
{
    int i = c->at++;
    switch (sqlite3_column_type(c->q, i)) {
    case SQLITE_NULL: return NAN;
    case SQLITE_FLOAT:
    case SQLITE_INTEGER: return sqlite3_column_double(c->q, i);
    default: ken_cursor_spoil(c, what); return NAN;
    }
}

double ken_cursor_p(ken_cursor *c, const char *what)
{
    double p = ken_cursor_real(c, what);
    if (!ken_is_share(p)) ken_cursor_spoil(c, what);
    return p;
}

int64_t ken_cursor_int(ken_cursor *c, const char *what, int64_t lo, int64_t hi)
{
    int i = c->at++;
    int64_t v = sqlite3_column_type(c->q, i) == SQLITE_INTEGER ? sqlite3_column_int64(c->q, i) : lo - 1;
    if (v >= lo && v <= hi) return v;
    ken_cursor_spoil(c, what);
    return lo;
}

int ken_cursor_category(ken_cursor *c, const char *what)
{
    int i = c->at++, type = sqlite3_column_type(c->q, i);
    int category = type == SQLITE_NULL || type == SQLITE_TEXT
                       ? ken_schema_category_of((const char *)sqlite3_column_text(c->q, i))
                       : -1;
    if (category >= 0) return category;
    ken_cursor_spoil(c, what);
    return KEN_UNLABELLED;
}

int ken_cursor_group(ken_cursor *c, const char *what)
{
    int i = c->at++, type = sqlite3_column_type(c->q, i);
    int category = type == SQLITE_NULL || type == SQLITE_TEXT
                       ? ken_schema_group_of((const char *)sqlite3_column_text(c->q, i))
                       : -1;
    if (category >= 0) return category;
    ken_cursor_spoil(c, what);
    return KEN_N_CATEGORIES;
}

int ken_cursor_next(ken_cursor *c, int64_t place, ken_err *err)
{
    c->at = 0;
    if (c->nomem) c->status = ken_fail_nomem(err, c->r->path);
    else if (c->bad != NULL)
        c->status = c->of_step ? damaged_step(c->r, place, c->bad, err) : ken_run_damaged(c->r, place, c->bad, err);
    else {
        int code = sqlite3_step(c->q);
        if (code == SQLITE_ROW) return 1;
        if (code == SQLITE_DONE) return 0;
        c->status = ken_schema_fail(c->r->db, code, c->r->path, err);
    }
    return -1;
}

void *ken_run_push(ken_run *r, const void *array, int n, size_t size)
{
    if (n != 0 && (n & (n - 1)) != 0) return (void *)(uintptr_t)array; /* not at a power of two: there is room */
    void *grown = ken_run_alloc(r, (n == 0 ? 1 : 2 * (size_t)n) * size);
    if (grown != NULL && n > 0) memcpy(grown, array, (size_t)n * size);
    return grown;
}
