/* notes.c - what happened to a run's rows when its data changed, in sentences (ken_run_note). The ids are in the table of changes. */
#include "base/alloc.h"
#include "base/buf.h"
#include "data/rows.h"
#include "store/run.h"
#include "store/store.h"
#include <string.h>

enum { SHOWN = 3 };

/* %s is the file's name, as the run has it. */
static const struct {
    const char *sql, *one, *many, *what;
} sentences[] = {
    {"SELECT id FROM changes WHERE what = 'added' AND id IN (SELECT id FROM examples) ORDER BY n", "1 fact", "facts",
     "added to %s since the run was made, and asked"},
    {"SELECT id FROM changes WHERE what = 'added' AND id NOT IN (SELECT id FROM examples) ORDER BY n", "1 fact",
     "facts", "added to %s since the run was made, and not asked so far"},
    {"SELECT id FROM changes WHERE what = 'changed' AND id IN (SELECT id FROM examples) ORDER BY n", "1 fact", "facts",
     "changed in %s since the run was made, and asked again"},
    {"SELECT id FROM changes WHERE what = 'changed' AND id NOT IN (SELECT id FROM examples) ORDER BY n", "1 fact",
     "facts", "changed in %s since the run was made, and still to be asked again"},
    {"SELECT id FROM examples WHERE place >= 4611686018427387904 ORDER BY place", "1 fact", "facts",
     "removed from %s since the run was made, but kept in it after all others, and counted"},
    {"SELECT id FROM changes WHERE what = 'exemplar' ORDER BY n", "1 exemplar", "exemplars",
     "changed in %s or removed from it; new facts were asked with those that the run has"},
};
_Static_assert(KEN_PLACE_GONE == 4611686018427387904, "as the statement has it");

static void put_what(ken_buf *b, const ken_run *r, const char *what)
{
    char shown[80];
    const char *file = ken_run_setting(r, "data"), *at = strstr(what, "%s");
    file = file != NULL ? ken_printable(shown, sizeof shown, file, strlen(file)) : "the data";
    ken_buf_printf(b, "%.*s%s%s", (int)(at - what), what, file, at + 2);
}

static int add_note(ken_run *r, int which, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    ken_buf ids = {0}, b = {0};
    size_t n = 0;
    int there = 1, rc = ken_schema_prepare(r->db, r->path, sentences[which].sql, &q, err);
    ken_cursor c = {.r = r, .q = q};
    while (rc == KEN_OK && (there = ken_cursor_next(&c, 0, err)) > 0) {
        char shown[80];
        const char *id = ken_cursor_text(&c, "change", false);
        if (c.bad != NULL) continue;
        if (n < SHOWN)
            ken_buf_printf(&ids, "%s%s", n > 0 ? ", " : "", ken_printable(shown, sizeof shown, id, strlen(id)));
        n++;
        ken_run_clear(r);
    }
    sqlite3_finalize(q);
    if (there < 0) rc = c.status;
    if (rc == KEN_OK && n > 0) {
        if (n == 1) ken_buf_puts(&b, sentences[which].one);
        else ken_buf_printf(&b, "%zu %s", n, sentences[which].many);
        ken_buf_puts(&b, " ");
        put_what(&b, r, sentences[which].what);
        ken_buf_printf(&b, ": %s", ken_buf_str(&ids));
        if (n > SHOWN) ken_buf_printf(&b, " and %zu more", n - SHOWN);
        char *text = ids.failed ? NULL : ken_buf_take(&b);
        if (text == NULL) rc = ken_fail_nomem(err, r->path);
        else r->note[r->n_notes++] = text;
    }
    ken_buf_free(&ids);
    ken_buf_free(&b);
    return rc;
}

/* Whose exemplars are rows of the data that are annotated too. */
static int note_exemplars(ken_run *r, ken_err *err)
{
    const char *source = ken_run_setting(r, "exemplar_source");
    if (source == NULL || strcmp(source, "cross-fit") != 0 || r->n == 0) return KEN_OK;
    sqlite3_stmt *q = NULL;
    int64_t foreign = 0;
    int rc = ken_schema_prepare(r->db, r->path, "SELECT count(*) FROM knowledge WHERE flags & ?", &q, err);
    int code = rc == KEN_OK ? sqlite3_bind_int(q, 1, KEN_FLAG_EXEMPLARS_FOREIGN) : SQLITE_OK;
    if (rc == KEN_OK && code == SQLITE_OK) code = sqlite3_step(q);
    if (code == SQLITE_ROW) foreign = sqlite3_column_int64(q, 0);
    else if (rc == KEN_OK) rc = ken_schema_fail(r->db, code, r->path, err);
    sqlite3_finalize(q);
    ken_buf b = {0};
    ken_buf_puts(&b, "the exemplars of each fact are other facts of the same data, which has no dev split");
    if (foreign > 0)
        ken_buf_printf(&b, "; for %lld of %zu they are of other relations, or world facts, as too few others are there",
                       (long long)foreign, r->n);
    char *text = rc == KEN_OK ? ken_buf_take(&b) : NULL;
    if (rc == KEN_OK && text == NULL) rc = ken_fail_nomem(err, r->path);
    else if (rc == KEN_OK) r->note[r->n_notes++] = text;
    ken_buf_free(&b);
    return rc;
}

int ken_run_load_notes(ken_run *r, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = ken_schema_prepare(r->db, r->path, "SELECT ifnull(max(n), 0) FROM changes", &q, err);
    if (rc == KEN_OK && sqlite3_step(q) == SQLITE_ROW) r->revision = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    for (int i = 0; rc == KEN_OK && i < (int)(sizeof sentences / sizeof *sentences); i++) rc = add_note(r, i, err);
    return rc == KEN_OK ? note_exemplars(r, err) : rc;
}

const char *ken_run_note(const ken_run *r, size_t i) { return i < (size_t)r->n_notes ? r->note[i] : NULL; }

size_t ken_run_n_gone(const ken_run *r)
{
    size_t n = 0;
    while (n < r->n && r->places[r->n - 1 - n] >= KEN_PLACE_GONE) n++;
    return n;
}
