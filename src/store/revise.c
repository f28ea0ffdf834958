/* revise.c - updates a run whose data changed since it was begun; see store.h.
 *
 * All in the open transaction: a kill leaves the run as it was or as it should be. Places are keys, and rows may trade theirs, so they move
 * in two steps: to -1 - new, where nothing else is, and from there to new. Readers notice by the table of changes (run.c). */
#include "base/alloc.h"
#include "base/hash.h"
#include "store/writer.h"
#include <inttypes.h>
#include <string.h>

/* Every table that has rows by place. */
static const char *const by_place[] = {"examples",  "answers", "aliases", "identities",
                                       "knowledge", "prompts", "others",  "drawn"};
enum { N_BY_PLACE = sizeof by_place / sizeof *by_place };

#define MOVED "moved" /* once each time that places are not what they were: for readers alone */

typedef struct revision {
    ken_store *s;
    const ken_store_row *row;
    ken_strmap *at; /* id -> index into row */
    int64_t *moved; /* (n_moved, 2) from, to */
    size_t n_moved, cap_moved;
    int64_t *removed; /* (n_removed) */
    size_t n_removed, cap_removed;
    int64_t next_gone;
} revision;

int ken_store_note_change(ken_store *s, const char *what, const char *id, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = ken_store_begin(s, err);
    if (rc == KEN_OK)
        rc = ken_schema_prepare(s->db, s->path,
                                "INSERT INTO changes(session, what, id) SELECT ?1, ?2, ?3 WHERE ?3 = '' OR NOT EXISTS "
                                "(SELECT 1 FROM changes WHERE what = ?2 AND id = ?3)",
                                &q, err);
    if (rc != KEN_OK) return rc;
    int code = KEN_PUT(q, KEN_INT(s->session), KEN_TEXT(what), KEN_TEXT(id));
    sqlite3_finalize(q);
    return code == SQLITE_OK ? KEN_OK : ken_store_break(s, code, err);
}

static int move(revision *v, int64_t from, int64_t to, ken_err *err)
{
    if (from == to) return KEN_OK;
    if (ken_grow((void **)&v->moved, &v->cap_moved, 2 * v->n_moved + 2, sizeof *v->moved) != 0)
        return ken_fail_nomem(err, "rows");
    v->moved[2 * v->n_moved] = from;
    v->moved[2 * v->n_moved++ + 1] = to;
    return KEN_OK;
}

/* What happens to one row of the run. */
static int plan_row(revision *v, int64_t place, const char *id, const char *identity, ken_err *err)
{
    int32_t at = ken_strmap_get(v->at, id, strlen(id), -1);
    if (at < 0 && place >= KEN_PLACE_GONE) return KEN_OK;
    if (at < 0) {
        int code = move(v, place, v->next_gone++, err);
        return code == KEN_OK ? ken_store_note_change(v->s, "gone", id, err) : code;
    }
    if (identity != NULL && strcmp(identity, v->row[at].identity) == 0) return move(v, place, at, err);
    if (ken_grow((void **)&v->removed, &v->cap_removed, v->n_removed + 1, sizeof *v->removed) != 0)
        return ken_fail_nomem(err, "rows");
    v->removed[v->n_removed++] = place;
    return ken_store_note_change(v->s, "changed", id, err);
}

static int plan_rows(revision *v, ken_err *err)
{
    ken_store *s = v->s;
    sqlite3_stmt *q = NULL;
    int code, rc = ken_schema_prepare(s->db, s->path,
                                      "SELECT place, id, identity, (SELECT max(place) FROM examples) FROM examples "
                                      "LEFT JOIN identities USING(place) ORDER BY place",
                                      &q, err);
    v->next_gone = KEN_PLACE_GONE;
    while (rc == KEN_OK && (code = sqlite3_step(q)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            rc = ken_store_break(s, code, err);
            break;
        }
        int64_t place = sqlite3_column_int64(q, 0);
        const char *id = (const char *)sqlite3_column_text(q, 1);
        int64_t last = sqlite3_column_int64(q, 3);
        if (last >= v->next_gone && last < INT64_MAX) v->next_gone = last + 1;
        rc = id == NULL ? ken_fail_nomem(err, s->path)
                        : plan_row(v, place, id, (const char *)sqlite3_column_text(q, 2), err);
    }
    sqlite3_finalize(q);
    return rc;
}

/* Runs sql, in which %s is the table's name, for each table by place and each of at (n, width), which are its parameters. */
static int for_each(ken_store *s, const char *sql, const int64_t *at, size_t n, int width, ken_err *err)
{
    int rc = KEN_OK;
    for (int t = 0; t < N_BY_PLACE && rc == KEN_OK && n > 0; t++) {
        char text[120];
        sqlite3_stmt *q = NULL;
        sqlite3_snprintf((int)sizeof text, text, sql, by_place[t]);
        rc = ken_schema_prepare(s->db, s->path, text, &q, err);
        for (size_t i = 0; i < n && rc == KEN_OK; i++) {
            const ken_value v[2] = {KEN_INT(at[i * (size_t)width]), KEN_INT(at[i * (size_t)width + (size_t)width - 1])};
            int code = ken_put(q, v, width);
            if (code != SQLITE_OK) rc = ken_store_break(s, code, err);
        }
        sqlite3_finalize(q);
    }
    return rc;
}

static int apply_plan(revision *v, ken_err *err)
{
    static const int64_t all = 0;
    ken_store *s = v->s;
    int rc = for_each(s, "DELETE FROM %s WHERE place = ?", v->removed, v->n_removed, 1, err);
    if (rc == KEN_OK && v->n_moved + v->n_removed > 0) rc = ken_store_note_change(s, MOVED, "", err);
    if (rc == KEN_OK) rc = for_each(s, "UPDATE %s SET place = -1 - ?2 WHERE place = ?1", v->moved, v->n_moved, 2, err);
    if (rc == KEN_OK && v->n_moved > 0)
        rc = for_each(s, "UPDATE %s SET place = -1 - place WHERE place < ?", &all, 1, 1, err);
    if (rc != KEN_OK || v->n_removed == 0) return rc;
    memset(s->counts, 0, sizeof s->counts);
    return ken_store_load_counts(s, err);
}

int ken_store_revise(ken_store *s, const ken_store_row *row, size_t n, ken_err *err)
{
    ken_err e = {0};
    revision v = {.s = s, .row = row, .at = ken_strmap_new(n)};
    int rc = v.at == NULL ? ken_fail_nomem(&e, "rows") : ken_store_begin(s, &e);
    bool begun = v.at != NULL && rc == KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++)
        if (ken_strmap_add(v.at, row[i].id, strlen(row[i].id), (int32_t)i) < 0) rc = ken_fail_nomem(&e, "rows");
    if (rc == KEN_OK) rc = plan_rows(&v, &e);
    if (rc == KEN_OK) rc = apply_plan(&v, &e);
    /* Half of it must not be committed, whatever failed: not even by closing. */
    if (rc != KEN_OK && begun && s->broken.status == KEN_OK) ken_store_break_with(s, &e);
    if (rc != KEN_OK && err != NULL) *err = e;
    ken_strmap_free(v.at);
    ken_free(v.moved);
    ken_free(v.removed);
    return rc;
}
