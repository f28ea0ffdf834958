/* own_sets.c - exemplar sets of single rows, which are cross-fitted (tables own_sets and own_shown, format 4): those that differ from the sets that the rows
 * of a relation share. */
#include "base/alloc.h"
#include "store/run.h"
#include "store/writer.h"
#include <math.h>
#include <string.h>

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static const char *const queries[] = {
    "INSERT OR REPLACE INTO own_sets VALUES(?,?,?)", "INSERT OR REPLACE INTO own_shown VALUES(?,?,?,?,?,?,?,?)",
    "DELETE FROM own_sets WHERE row_id = ?", "DELETE FROM own_shown WHERE row_id = ?"};
_Static_assert(KEN_STORE_OWN + sizeof queries / sizeof *queries <= KEN_STORE_QUERIES, "no room for the statements");

static int query(ken_store *s, int i, sqlite3_stmt **out, ken_err *err)
{
    int rc = KEN_OK;
    sqlite3_stmt **q = &s->query[KEN_STORE_OWN + i];
    if (*q == NULL) rc = ken_schema_prepare(s->db, s->path, queries[i], q, err);
    *out = *q;
    return rc;
}

int ken_store_drop_own_sets(ken_store *s, const char *id, ken_err *err)
{
    int rc = s->format < KEN_FORMAT_OWN_SETS ? KEN_OK : ken_store_begin(s, err);
    for (int i = 2; i < 4 && rc == KEN_OK && s->format >= KEN_FORMAT_OWN_SETS; i++) {
        sqlite3_stmt *q;
        rc = query(s, i, &q, err);
        int code = rc == KEN_OK ? KEN_PUT(q, KEN_TEXT(id)) : SQLITE_OK;
        if (code != SQLITE_OK) rc = ken_store_break(s, code, err);
    }
    return rc;
}

int ken_store_put_own_set(ken_store *s, const char *id, int set, const ken_example *const *shot, int shots,
                          const char *text, ken_err *err)
{
    sqlite3_stmt *q, *shown;
    int rc = ken_store_begin(s, err);
    if (rc == KEN_OK) rc = query(s, 0, &q, err);
    if (rc == KEN_OK) rc = query(s, 1, &shown, err);
    if (rc != KEN_OK) return rc;
    int code = KEN_PUT(q, KEN_TEXT(id), KEN_INT(set), KEN_TEXT(text));
    for (int i = 0; code == SQLITE_OK && i < shots; i++)
        code =
            KEN_PUT(shown, KEN_TEXT(id), KEN_INT(set), KEN_INT(i), KEN_TEXT(shot[i]->id), KEN_TEXT(shot[i]->relation),
                    KEN_TEXT(shot[i]->question), KEN_TEXT(shot[i]->subject), KEN_TEXT(shot[i]->answers[0]));
    return code == SQLITE_OK ? KEN_OK : ken_store_break(s, code, err);
}

/* ---- what a run has ------------------------------------------------------------------------------------------------- */

int ken_store_get_own_shots(ken_store *s, ken_arena *arena, ken_stored_shot **out, size_t *n, ken_err *err)
{
    *out = NULL;
    *n = 0;
    if (s->format < KEN_FORMAT_OWN_SETS) return KEN_OK;
    return ken_store_read_shots(s, arena,
                                "SELECT row_id, set_no, id, of_relation, question, subject, answer FROM own_shown "
                                "ORDER BY row_id, set_no, shot",
                                out, n, err);
}

int ken_run_own_set(ken_run *r, const char *id, int set, char **text, ken_err *err)
{
    *text = NULL;
    if (r->format < KEN_FORMAT_OWN_SETS) return KEN_OK;
    sqlite3_stmt *q = NULL;
    int rc = ken_schema_prepare(r->db, r->path, "SELECT text FROM own_sets WHERE row_id = ? AND set_no = ?", &q, err);
    if (rc != KEN_OK) return rc;
    int code = sqlite3_bind_text(q, 1, id, -1, SQLITE_STATIC);
    if (code == SQLITE_OK) code = sqlite3_bind_int(q, 2, set);
    if (code == SQLITE_OK) code = sqlite3_step(q);
    if (code == SQLITE_ROW) {
        const char *found = (const char *)sqlite3_column_text(q, 0);
        *text = found != NULL ? ken_strdup(found) : NULL;
        if (*text == NULL) rc = ken_fail_nomem(err, r->path);
    } else if (code != SQLITE_DONE) rc = ken_schema_fail(r->db, code, r->path, err);
    sqlite3_finalize(q);
    return rc;
}
