/* draft.c - the list of drafts, and which reader a place needs; see draft.h. */
#include "tune/draft.h"
#include "base/alloc.h"
#include "base/file.h"
#include "data/dataset.h"
#include "data/forms.h"
#include "data/identity.h"
#include "data/split_files.h"
#include <stdio.h>
#include <string.h>

void ken_drafts_shrink(ken_drafts *d)
{
    ken_free(d->rows);
    ken_strmap_free(d->names);
    *d = (ken_drafts){.arena = d->arena};
}

void ken_drafts_free(ken_drafts *d)
{
    ken_drafts_shrink(d);
    ken_arena_free(&d->arena);
}

const char *ken_drafts_name(ken_drafts *d, const char *s, size_t n)
{
    if (n == 0) return "";
    if (d->names == NULL && (d->names = ken_strmap_new(64)) == NULL) return NULL;
    return ken_strmap_intern(d->names, &d->arena, s, n);
}

/* Copies of texts (n) and the list of them. NULL when out of memory. */
static const char *const *copy_texts(ken_drafts *d, const char *const *text, int n)
{
    const char **list = ken_arena_calloc(&d->arena, (size_t)n, sizeof *list);
    for (int i = 0; i < n && list != NULL; i++)
        if ((list[i] = ken_arena_strdup(&d->arena, text[i])) == NULL) return NULL;
    return list;
}

int ken_drafts_add(ken_drafts *d, const ken_draft *r, ken_err *err)
{
    if (d->n >= INT32_MAX) return ken_fail(err, KEN_EINPUT, "%s: more than 2^31 rows", r->file);
    if (ken_grow((void **)&d->rows, &d->cap, d->n + 1, sizeof *d->rows) != 0) return ken_fail_nomem(err, "rows");
    ken_draft *x = &d->rows[d->n];
    *x = *r;
    if (x->split[0] == '\0' && d->split != NULL) x->split = d->split;
    x->place += d->first_place;
    d->next_place = x->place + 1;
    if (x->id == NULL) x->id = ken_default_id(&d->arena, x->relation, x->split, x->place);
    if (x->id == NULL) return ken_fail_nomem(err, "ids");
    d->n++;
    return KEN_OK;
}

int ken_drafts_add_copy(ken_drafts *d, const ken_draft *r, ken_err *err)
{
    ken_draft x = *r;
    x.id = ken_arena_strdup(&d->arena, r->id);
    x.relation = ken_drafts_name(d, r->relation, strlen(r->relation));
    x.split = ken_drafts_name(d, r->split, strlen(r->split));
    x.question = ken_arena_strdup(&d->arena, r->question);
    x.own = r->own != NULL ? ken_arena_strdup(&d->arena, r->own) : NULL;
    x.subject = r->subject != NULL ? ken_arena_strdup(&d->arena, r->subject) : NULL;
    x.answers = copy_texts(d, r->answers, r->n_answers);
    x.aliases = copy_texts(d, r->aliases, r->n_aliases);
    x.file = ken_drafts_name(d, r->file, strlen(r->file));
    bool good = x.id != NULL && x.relation != NULL && x.split != NULL && x.question != NULL && x.answers != NULL &&
                x.aliases != NULL && x.file != NULL && (x.own != NULL) == (r->own != NULL) &&
                (x.subject != NULL) == (r->subject != NULL);
    return good ? ken_drafts_add(d, &x, err) : ken_fail_nomem(err, "rows");
}

int ken_draft_fail(const ken_draft *r, ken_err *err)
{
    char id[80];
    if (r->line > 0) return ken_fail_prefix(err, "%s:%d", r->file, r->line);
    return ken_fail_prefix(err, "%s: row \"%s\"", r->file, ken_printable(id, sizeof id, r->id, strlen(r->id)));
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int ken_drafts_note(ken_drafts *d, const char *of, const char *said, ken_err *err)
{
    const char *before = d->notes != NULL ? d->notes : "";
    d->notes = ken_arena_printf(&d->arena, "%s%s%s%s%s", before, before[0] != '\0' ? "\n" : "", of != NULL ? of : "",
                                of != NULL ? ": " : "", said);
    return d->notes != NULL ? KEN_OK : ken_fail_nomem(err, "notes");
}

/* One accepted answer: s (n bytes). */
static int set_answer(ken_drafts *d, ken_draft *r, const char *s, size_t n, ken_err *err)
{
    while (n > 0 && is_space(*s)) s++, n--;
    while (n > 0 && is_space(s[n - 1])) n--;
    if (n == 0 || memchr(s, '\n', n) != NULL) return KEN_OK; /* an answer ends at its first newline */
    const char **answers = ken_arena_calloc(&d->arena, 1, sizeof *answers);
    if (answers == NULL || (answers[0] = ken_arena_strndup(&d->arena, s, n)) == NULL)
        return ken_fail_nomem(err, "answers");
    r->answers = answers;
    r->n_answers = 1;
    return KEN_OK;
}

static int infer_from_text(ken_drafts *d, ken_draft *r, const ken_prompt_style *style, ken_err *err)
{
    const char *q, *answer;
    size_t n;
    if (!ken_zero_shot_part(style, r->target, &q, &n, &answer)) return KEN_OK;
    if (r->question == NULL && (r->question = ken_arena_strndup(&d->arena, q, n)) == NULL)
        return ken_fail_nomem(err, "questions");
    return r->n_answers > 0 ? KEN_OK : set_answer(d, r, answer, strlen(answer), err);
}

int ken_draft_infer(ken_drafts *d, ken_draft *r, const ken_prompt_style *style, ken_err *err)
{
    if (r->text) return infer_from_text(d, r, style, err);
    if (r->question == NULL && r->n_turns == 1) {
        size_t n;
        const char *q = ken_zero_shot_question(style, r->turns[0].text, &n);
        if (q != NULL && (r->question = ken_arena_strndup(&d->arena, q, n)) == NULL)
            return ken_fail_nomem(err, "questions");
    }
    if (r->n_answers > 0 || r->target == NULL) return KEN_OK;
    return set_answer(d, r, r->target, strlen(r->target), err);
}

static ken_row_place place_of(const void *rows, size_t i)
{
    const ken_draft *r = (const ken_draft *)rows + i;
    return (ken_row_place){r->id, r->file, r->line};
}

const ken_data_options *ken_reading(const ken_train_data *from)
{
    static const ken_data_options usual = {.size = sizeof usual};
    return from->read != NULL ? from->read : &usual;
}

/* ---- which reader --------------------------------------------------------------------------------------------------- */

/* Options that only the readers of src/data know. */
static bool needs_data(const ken_data_options *o)
{
    bool format = o->format != NULL && strcmp(o->format, "jsonl") != 0 && strcmp(o->format, "csv") != 0 &&
                  strcmp(o->format, "tsv") != 0 && ken_kind_of_form(o->format) == KEN_ROWS_NONE;
    return format || o->slick || o->aliases != NULL || o->question_field != NULL || o->answer_field != NULL ||
           o->id_field != NULL || o->relation_field != NULL || o->subject_field != NULL || o->split_field != NULL ||
           o->popularity_field != NULL;
}

static char delimiter_of(const ken_source *s, const ken_data_options *o)
{
    if (o->format == NULL) return ken_find_delimiter(s);
    if (ken_kind_of_form(o->format) != KEN_ROWS_NONE) return ken_find_delimiter(s);
    if (strcmp(o->format, "csv") == 0) return ken_csv_delimiter(s);
    return (char)(strcmp(o->format, "tsv") == 0 ? '\t' : 0);
}

/* Text whose rows src/tune reads itself, or *kind = KEN_ROWS_NONE. */
static int read_rows(ken_drafts *d, const ken_train_data *from, ken_source *s, ken_row_kind *kind, ken_err *err)
{
    *kind = KEN_ROWS_NONE;
    if (needs_data(ken_reading(from))) return KEN_OK;
    char delimiter = delimiter_of(s, ken_reading(from));
    s->skip_bad = ken_reading(from)->skip_bad;
    *kind = ken_kind_of_form(ken_reading(from)->format);
    int rc = *kind == KEN_ROWS_NONE ? ken_rows_kind(kind, s, delimiter, err) : KEN_OK;
    if (rc == KEN_OK && *kind != KEN_ROWS_NONE) rc = ken_drafts_from_rows(d, s, delimiter, *kind, err);
    return rc;
}

static int finish(ken_drafts *d, const char *path, ken_err *err)
{
    if (d->n > 0) return ken_check_ids(d->rows, d->n, place_of, err);
    return d->bad > 0
               ? ken_fail(err, KEN_EINPUT, "%s: no row is usable; all %zu are malformed and were skipped", path, d->bad)
               : ken_fail(err, KEN_EINPUT, "%s: there is no row in it; at least one is needed", path);
}

bool ken_drafts_is_run(const char *path)
{
    static const char magic[16] = "SQLite format 3";
    char head[16] = "";
    FILE *f = ken_is_file(path) ? fopen(path, "rb") : NULL;
    bool run = f != NULL && fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, magic, sizeof magic) == 0;
    if (f != NULL) (void)fclose(f);
    return run;
}

/* text (n) NULL: from the disk. */
static int read_data(ken_drafts *d, const ken_train_data *from, const char *path, const char *text, size_t n,
                     ken_err *err)
{
    ken_data *data;
    int rc = text == NULL ? ken_data_open(&data, path, from->read, err)
                          : ken_data_parse(&data, path, text, n, from->read, err);
    if (rc != KEN_OK) return rc;
    d->bad += ken_data_get_stats(data)->bad;
    d->cleaned += ken_data_get_stats(data)->cleaned;
    rc = ken_drafts_from_data(d, data, err);
    for (size_t i = 0; rc == KEN_OK && ken_data_note(data, i) != NULL; i++)
        rc = ken_drafts_note(d, NULL, ken_data_note(data, i), err);
    ken_data_free(data);
    return rc;
}

static int read_file(ken_drafts *d, const ken_train_data *from, const char *path, const char *text, size_t n,
                     ken_err *err)
{
    ken_source s;
    ken_row_kind kind = KEN_ROWS_NONE;
    const char *name = ken_drafts_name(d, path, strlen(path));
    if (name == NULL) return ken_fail_nomem(err, "path");
    int rc = text == NULL ? ken_source_open(&s, name, err) : ken_source_memory(&s, name, text, n, err);
    if (rc == KEN_OK) rc = read_rows(d, from, &s, &kind, err);
    if (rc == KEN_OK && kind == KEN_ROWS_NONE) {
        bool once = text == NULL && s.map.data == NULL; /* unpacked, or from standard input */
        rc = once ? read_data(d, from, s.path, s.text, s.n, err) : read_data(d, from, name, text, n, err);
    }
    ken_source_close(&s);
    return rc;
}

/* Do the files hold rows that are read here? The first one says it; needs its relation from nobody else. */
static int are_rows(const ken_train_data *from, const ken_split_files *f, bool *are, ken_err *err)
{
    ken_source s;
    ken_row_kind kind = KEN_ROWS_NONE;
    *are = false;
    if (f->n == 0 || f->file[0].relation != NULL || needs_data(ken_reading(from))) return KEN_OK;
    int rc = ken_source_open(&s, f->file[0].path, err);
    if (rc == KEN_OK) rc = ken_rows_kind(&kind, &s, delimiter_of(&s, ken_reading(from)), err);
    ken_source_close(&s);
    *are = kind != KEN_ROWS_NONE;
    return rc;
}

/* Files that are splits, as MLX has them, whose rows do not say so themselves. Rows of a file that continues another one are counted on. */
static int read_splits(ken_drafts *d, const ken_train_data *from, const ken_split_files *f, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < f->n && rc == KEN_OK; i++) {
        bool goes_on = i > 0 && strcmp(f->file[i].split, f->file[i - 1].split) == 0;
        d->first_place = goes_on ? d->next_place : 0;
        d->split = ken_drafts_name(d, f->file[i].split, strlen(f->file[i].split));
        rc = d->split != NULL ? read_file(d, from, f->file[i].path, NULL, 0, err) : ken_fail_nomem(err, "splits");
    }
    d->split = NULL;
    return rc;
}

static int read_folder(ken_drafts *d, const ken_train_data *from, ken_err *err)
{
    ken_split_files files = {0};
    ken_format format;
    char *where = NULL;
    bool rows = false;
    int rc = ken_find_folder(from->path, &format, &where, err);
    if (rc == KEN_OK && where == NULL) rc = ken_split_files_find(&files, from->path, err);
    if (rc == KEN_OK) rc = are_rows(from, &files, &rows, err);
    if (rc == KEN_OK) rc = rows ? read_splits(d, from, &files, err) : read_data(d, from, from->path, NULL, 0, err);
    ken_split_files_free(&files);
    ken_free(where);
    return rc;
}

int ken_drafts_read(ken_drafts *d, const ken_train_data *from, ken_err *err)
{
    if (from->path == NULL || from->path[0] == '\0') return ken_fail(err, KEN_EUSAGE, "the name of the data is empty");
    int rc = ken_drafts_is_run(from->path) ? ken_drafts_from_run(d, from, err)
             : ken_is_dir(from->path)      ? read_folder(d, from, err)
                                           : read_file(d, from, from->path, NULL, 0, err);
    if (rc == KEN_OK) rc = finish(d, from->path, err);
    if (rc == KEN_OK && from->labels != NULL) rc = ken_drafts_label(d, from, err);
    return rc;
}

int ken_drafts_parse(ken_drafts *d, const ken_train_data *from, const char *name, const char *text, size_t n,
                     ken_err *err)
{
    int rc = read_file(d, from, name, text != NULL ? text : "", n, err);
    return rc == KEN_OK ? finish(d, name, err) : rc;
}
