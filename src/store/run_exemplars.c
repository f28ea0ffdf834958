/* run_exemplars.c - the exemplar sets of a run, read back for explain. */
#include "base/alloc.h"
#include "store/run.h"

char *ken_run_exemplars(ken_run *r, const char *relation, int set, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    char *text = NULL;
    if (sqlite3_prepare_v2(r->db, "SELECT text FROM exemplar_sets WHERE relation = ? AND set_no = ?", -1, &q, NULL) !=
        SQLITE_OK) {
        ken_fail(err, KEN_EINPUT, "%s: %s", r->path, sqlite3_errmsg(r->db));
        return NULL;
    }
    sqlite3_bind_text(q, 1, relation, -1, SQLITE_STATIC);
    sqlite3_bind_int(q, 2, set);
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW && sqlite3_column_type(q, 0) == SQLITE_TEXT) {
        const char *s = (const char *)sqlite3_column_text(q, 0);
        text = s == NULL ? NULL : ken_strndup(s, (size_t)sqlite3_column_bytes(q, 0));
        if (text == NULL) ken_fail_nomem(err, "exemplars");
    } else if (rc == SQLITE_DONE || rc == SQLITE_ROW)
        ken_fail(err, KEN_EINPUT, "%s: the run has no exemplar set %d for relation \"%s\"", r->path, set, relation);
    else ken_fail(err, KEN_EINPUT, "%s: %s", r->path, sqlite3_errmsg(r->db));
    sqlite3_finalize(q);
    return text;
}
