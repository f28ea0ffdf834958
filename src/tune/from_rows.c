/* from_rows.c - drafts from JSONL (or CSV, TSV) in the formats that trainers read and write (data/turns.h; docs/exports.md, docs/data.md), and of
 * question and answers.
 *
 * Besides, any row may say its id, relation, split, category, p_t, weight, known_tail, task, popularity, subject, question and answers: what `ken
 * show --rows --json` and `ken select` write. A category in other words than ours is another program's field and means "not annotated". */
#include "data/answers.h"
#include "data/clean.h"
#include "data/fields.h"
#include "data/table.h"
#include "tune/draft.h"
#include <math.h>
#include <string.h>
#include <strings.h>

typedef struct reader {
    ken_drafts *d;
    ken_row_kind kind;
    const char *file;
    ken_answer_column answers;
    json_t *manifest; /* of rows that may spell begin and end tokens: what is beside the file, or NULL */
} reader;

/* One row while it is read. */
typedef struct job {
    reader *r;
    const json_t *row;
    int line;
    ken_draft x;
    bool cleaned;     /* padding was cut off */
    const char *lead; /* the first answer as the row has it */
    ken_err *err;
} job;

static ken_field field(const job *j, const char *name) { return (ken_field){j->row, j->r->file, j->line, name, NULL}; }

static bool has(const job *j, const char *name)
{
    const json_t *v = json_object_get(j->row, name);
    return v != NULL && !json_is_null(v);
}

/* A copy of a text that must be there and not blank, or that may be missing or empty: then NULL. */
static int text(const job *j, const char *name, bool must, const char **out)
{
    ken_field f = field(j, name);
    return ken_field_copy(&f, must, &j->r->d->arena, out, "rows", j->err);
}

/* An interned name that may be missing: then "". */
static int name(job *j, const char *key, bool split, const char **out)
{
    ken_field f = field(j, key);
    const char *s;
    size_t n;
    int rc = ken_field_text_or_null(&f, &s, &n, j->err);
    if (rc != KEN_OK) return rc;
    if (split && s != NULL) s = ken_split_name(s, &n);
    size_t padded = n;
    if (s != NULL) n = ken_trim_invisible(&s, n);
    j->cleaned |= n != padded;
    *out = ken_drafts_name(j->r->d, s, n);
    return *out != NULL ? KEN_OK : ken_fail_nomem(j->err, "names");
}

static int number(const job *j, const char *key, double max, double *out)
{
    ken_field f = field(j, key);
    int rc = ken_field_number(&f, out, j->err);
    if (rc != KEN_OK || isnan(*out)) return rc;
    if (*out >= 0 && *out <= max) return KEN_OK;
    return ken_fail(j->err, KEN_EINPUT, "%s:%d: field \"%s\" is %g; 0 to %g is expected", f.path, f.line, key, *out,
                    max);
}

/* ---- what any row may say ------------------------------------------------------------------------------------------- */

static int category_of(const job *j)
{
    const json_t *v = json_object_get(j->row, "category");
    if (v != NULL && json_is_null(v)) return KEN_UNLABELLED;
    for (int c = 0; c < KEN_N_CATEGORIES && json_is_string(v); c++)
        if (strcmp(json_string_value(v), ken_category_name(c)) == 0) return c;
    return KEN_N_CATEGORIES;
}

/* Whether the row belongs to a known tail: a boolean, or its name in any case, as a CSV has it (pandas writes "True"). */
static int tail_of(job *j)
{
    const json_t *v = json_object_get(j->row, "known_tail");
    const char *s = json_string_value(v);
    if (v == NULL || json_is_null(v) || json_is_false(v)) return KEN_OK;
    j->x.tail = json_is_true(v) || (s != NULL && strcasecmp(s, "true") == 0);
    if (j->x.tail || (s != NULL && (s[0] == '\0' || strcasecmp(s, "false") == 0))) return KEN_OK;
    ken_field f = field(j, "known_tail");
    return ken_field_wrong(&f, "true or false", j->err);
}

static int answers_of(job *j, bool must)
{
    const char *key = ken_answer_field(j->row, NULL);
    if (!must && !has(j, key)) return KEN_OK;
    ken_field f = field(j, key);
    ken_arena *a = &j->r->d->arena;
    int rc = ken_answers_read(&j->r->answers, &f, a, &j->x.answers, &j->x.n_answers, j->err);
    if (rc != KEN_OK) return rc;
    j->lead = j->x.answers[0];
    if (!must || has(j, "target")) return KEN_OK; /* what `ken select` wrote comes back as it was */
    return ken_clean_list(a, &j->x.answers, j->x.n_answers, &j->cleaned) ? KEN_OK : ken_fail_nomem(j->err, "answers");
}

static int read_common_fields(job *j)
{
    enum { MAX_WEIGHT = 1000000 };
    ken_field id = field(j, "id");
    int rc = ken_field_id(&id, &j->r->d->arena, &j->x.id, j->err);
    if (rc == KEN_OK) rc = name(j, "relation", false, &j->x.relation);
    if (rc == KEN_OK) rc = name(j, "split", true, &j->x.split);
    if (rc == KEN_OK) rc = name(j, "task", false, &j->x.task);
    if (rc == KEN_OK) rc = number(j, "p_t", 1, &j->x.p);
    if (rc == KEN_OK) rc = number(j, "p_t0", 1, &j->x.p_t0);
    if (rc == KEN_OK) rc = number(j, "p_unknown", 1, &j->x.p_unknown);
    if (rc == KEN_OK) rc = number(j, "weight", MAX_WEIGHT, &j->x.weight);
    ken_field popularity = field(j, "popularity");
    if (rc == KEN_OK) rc = ken_field_number(&popularity, &j->x.popularity, j->err);
    if (rc == KEN_OK) rc = text(j, "subject", false, &j->x.subject);
    if (rc == KEN_OK && j->x.subject != NULL && !ken_clean_text(&j->r->d->arena, &j->x.subject, &j->cleaned))
        rc = ken_fail_nomem(j->err, "subjects");
    if (rc == KEN_OK) rc = tail_of(j);
    j->x.category = category_of(j);
    return rc;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static int read_turns(job *j)
{
    ken_said said;
    int rc = ken_turns_read(&said, j->r->kind, j->row, j->r->file, j->line, j->r->manifest, &j->r->d->arena, j->err);
    j->x.turns = said.turns;
    j->x.n_turns = said.n_turns;
    j->x.target = said.target;
    j->x.raw = said.raw;
    j->x.bare = said.bare;
    j->x.text = said.text;
    return rc;
}

/* A space in front of an answer that is trained is no padding: "A:" and " Paris" are how templates without one are written. */
static int keep_lead(job *j)
{
    size_t n = strspn(j->lead, " ");
    if (n == 0) return KEN_OK;
    j->x.target = ken_arena_printf(&j->r->d->arena, "%.*s%s", (int)n, j->lead, j->x.answers[0]);
    return j->x.target != NULL ? KEN_OK : ken_fail_nomem(j->err, "rows");
}

static int read_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    reader *r = ctx;
    job j = {.r = r,
             .row = row,
             .line = line,
             .x = {.file = r->file, .line = line, .place = place, .category = KEN_N_CATEGORIES},
             .err = err};
    bool asks = r->kind == KEN_ROWS_QUESTION;
    int rc = read_common_fields(&j);
    if (rc == KEN_OK) rc = read_turns(&j);
    if (rc == KEN_OK && (asks || has(&j, "question"))) rc = text(&j, "question", true, &j.x.question);
    if (rc == KEN_OK) rc = answers_of(&j, asks);
    if (rc == KEN_OK && asks) rc = text(&j, "target", false, &j.x.target);
    if (rc == KEN_OK && asks && j.x.target == NULL) rc = keep_lead(&j);
    if (rc == KEN_OK && j.x.target != NULL && ken_is_blank(j.x.target, strlen(j.x.target)))
        rc = ken_fail(err, KEN_EINPUT, "%s:%d: the target is empty: there is nothing to learn", r->file, line);
    r->d->cleaned += rc == KEN_OK && j.cleaned;
    return rc == KEN_OK ? ken_drafts_add(r->d, &j.x, err) : rc;
}

int ken_drafts_from_rows(ken_drafts *d, ken_source *s, char delimiter, ken_row_kind kind, ken_err *err)
{
    reader r = {.d = d, .kind = kind, .file = s->path};
    int rc = ken_turns_manifest(&r.manifest, s, err);
    if (rc == KEN_OK && kind == KEN_ROWS_QUESTION) rc = ken_answers_scan(&r.answers, s, delimiter, NULL, err);
    if (rc == KEN_OK) rc = ken_text_rows(s, delimiter, read_row, &r, err);
    json_decref(r.manifest);
    d->bad += s->bad;
    if (rc == KEN_OK && ken_source_said(s) != NULL) rc = ken_drafts_note(d, s->path, ken_source_said(s), err);
    return rc;
}

int ken_rows_kind(ken_row_kind *kind, const ken_source *s, char delimiter, ken_err *err)
{
    json_t *row;
    *kind = KEN_ROWS_NONE;
    int rc = ken_first_row(s, delimiter, &row, err);
    if (rc != KEN_OK || row == NULL) return rc; /* no row at all: src/data says what is wrong */
    *kind = ken_kind_of_row(row, s->path);
    json_decref(row);
    return KEN_OK;
}
