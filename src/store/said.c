/* said.c - see said.h.
 *
 * A matcher that wants the whole text to be the answer calls "Microsoft Corporation" wrong, and so the fact Unknown. The greedy texts are stored, so
 * that rows of this kind can be counted without the model. What is counted is no verdict: a text may hold the answer and deny it. It is where
 * to look, with another matcher or by hand. */
#include "store/said.h"
#include "base/alloc.h"
#include "text/accept.h"
#include <string.h>

/* Other names are accepted answers where the run's matcher uses them; runs of older formats have none. */
static bool counts_aliases(const ken_run *r)
{
    ken_matcher m;
    const char *name = ken_setting_get(&r->settings, "matcher");
    return r->format >= KEN_FORMAT_ROWS && name != NULL && ken_matcher_parse(&m, name, NULL) == KEN_OK &&
           m.kind->uses_aliases;
}

int ken_said_open(ken_said *s, ken_run *r, ken_err *err)
{
    *s = (ken_said){.r = r};
    int rc = ken_schema_prepare(r->db, r->path,
                                counts_aliases(r) ? "SELECT text FROM answers WHERE place = ?1 UNION ALL"
                                                    " SELECT text FROM aliases WHERE place = ?1"
                                                  : "SELECT text FROM answers WHERE place = ?1",
                                &s->answers, err);
    if (rc == KEN_OK)
        rc = ken_schema_prepare(r->db, r->path,
                                "SELECT text FROM prompts WHERE place = ?1 AND greedy_hit = 0 AND text IS NOT NULL",
                                &s->texts, err);
    return rc;
}

static void drop(ken_said *s)
{
    for (size_t i = 0; i < s->n; i++) ken_free((char *)(uintptr_t)s->gold[i]);
    s->n = 0;
}

void ken_said_close(ken_said *s)
{
    drop(s);
    ken_free((void *)s->gold);
    sqlite3_finalize(s->answers);
    sqlite3_finalize(s->texts);
    *s = (ken_said){0};
}

/* The next text of a statement, NULL when there is none; KEN_OK in both cases. What is no text is passed over here: reading the row names it. */
static int next(const ken_said *s, sqlite3_stmt *q, const char **text, size_t *n, ken_err *err)
{
    int code;
    *text = NULL;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        if (sqlite3_column_type(q, 0) != SQLITE_TEXT) continue;
        *text = (const char *)sqlite3_column_text(q, 0);
        if (*text == NULL) return ken_fail_nomem(err, s->r->path);
        *n = (size_t)sqlite3_column_bytes(q, 0);
        return KEN_OK;
    }
    return code == SQLITE_DONE ? KEN_OK : ken_schema_fail(s->r->db, code, s->r->path, err);
}

static int begin(const ken_said *s, sqlite3_stmt *q, int64_t place, ken_err *err)
{
    sqlite3_reset(q);
    return sqlite3_bind_int64(q, 1, place) == SQLITE_OK ? KEN_OK : ken_fail_nomem(err, s->r->path);
}

static int read_golds(ken_said *s, int64_t place, ken_err *err)
{
    const char *text;
    size_t n;
    drop(s);
    int rc = begin(s, s->answers, place, err);
    while (rc == KEN_OK && (rc = next(s, s->answers, &text, &n, err)) == KEN_OK && text != NULL) {
        if (s->n == KEN_STORE_MAX_ANSWERS) break; /* reading the row says that it is damaged */
        if (ken_grow((void **)&s->gold, &s->cap, s->n + 1, sizeof *s->gold) != 0 ||
            (s->gold[s->n] = ken_strndup(text, n)) == NULL)
            rc = ken_fail_nomem(err, s->r->path);
        else s->n++;
    }
    sqlite3_reset(s->answers);
    return rc;
}

static int look(ken_said *s, int64_t place, bool *said, bool *any, ken_err *err)
{
    ken_err why = {0};
    ken_accept *contains = NULL;
    const char *text;
    size_t n;
    *said = *any = false;
    int rc = s->n > 0 ? ken_accept_new(&contains, &ken_contains, s->gold, (int)s->n, &why) : KEN_OK;
    if (rc == KEN_ENOMEM) return ken_fail_nomem(err, s->r->path);
    rc = begin(s, s->texts, place, err);
    while (rc == KEN_OK && !*said && (rc = next(s, s->texts, &text, &n, err)) == KEN_OK && text != NULL) {
        *any = true;
        *said = contains != NULL &&
                ken_accept_matches(contains, text, n); /* NULL: an answer is no text, in a damaged run */
    }
    sqlite3_reset(s->texts);
    ken_accept_free(contains);
    return rc;
}

int ken_said_row(ken_said *s, int64_t place, int category, uint32_t flags, ken_counts *relation, ken_err *err)
{
    bool said, any;
    if ((flags & KEN_FLAG_CHOICE) != 0) return KEN_OK;
    int rc = read_golds(s, place, err);
    if (rc != KEN_OK) return rc;
    const bool sentences = ken_answers_are_sentences(s->gold, (int)s->n);
    relation->sentences += sentences;
    s->r->total.sentences += sentences;
    if (category == KEN_HIGHLY_KNOWN || category == KEN_UNLABELLED || (flags & KEN_FLAG_ECHO) != 0) return KEN_OK;
    rc = look(s, place, &said, &any, err);
    relation->said[category] += said;
    s->r->total.said[category] += said;
    const bool untold = category == KEN_UNKNOWN && !any;
    relation->unknown_without_text += untold;
    s->r->total.unknown_without_text += untold;
    return rc;
}
