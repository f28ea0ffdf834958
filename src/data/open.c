/* open.c - ken_data_open and the accessors: finds the format, lets its reader fill the builder, finishes. */
#include "base/alloc.h"
#include "base/options.h"
#include "data/dataset.h"
#include <string.h>

static const char *const format_names[] = {"entityquestions", "popqa", "mmlu", "jsonl", "csv", "tsv"};
enum { N_FORMATS = 6 };

void ken_data_defaults_fill(ken_data_options *o, size_t size)
{
    static const ken_data_options defaults = {0};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

static bool has_keys(const json_t *row, const char *const *keys, int n)
{
    for (int i = 0; i < n; i++)
        if (json_object_get(row, keys[i]) == NULL) return false;
    return row != NULL;
}

/* P36.test.json of EntityQuestions given alone: a list of question and answers with the relation and split only in its name. */
static bool is_entityquestions_file(const char *path, const ken_data_options *o, const json_t *row)
{
    static const char *const keys[] = {"question", "answers"};
    bool plain =
        o->question_field == NULL && o->answer_field == NULL && o->relation_field == NULL && o->split_field == NULL;
    return plain && ken_names_split(path) && has_keys(row, keys, 2) && json_object_get(row, "relation") == NULL;
}

/* The format of a file that is no folder. */
static int find_in_text(const ken_source *s, const ken_data_options *o, ken_format *format, ken_err *err)
{
    static const char *const popqa[] = {"question", "prop", "possible_answers"};
    static const char *const mmlu[] = {"question", "choice0", "choice1", "choice2", "choice3", "answer"};
    char delimiter = ken_find_delimiter(s);
    json_t *row;
    int rc = ken_first_row(s, delimiter, &row, err);
    if (rc != KEN_OK) return rc;
    if (has_keys(row, popqa, 3)) *format = KEN_FMT_POPQA;
    else if (delimiter == ',' && has_keys(row, mmlu, 6)) *format = KEN_FMT_MMLU;
    else if (delimiter == 0 && is_entityquestions_file(s->path, o, row)) *format = KEN_FMT_ENTITYQUESTIONS;
    else *format = delimiter == 0 ? KEN_FMT_JSONL : delimiter == '\t' ? KEN_FMT_TSV : KEN_FMT_CSV;
    json_decref(row);
    return KEN_OK;
}

static int named_format(const char *name, int *format, ken_err *err)
{
    for (*format = 0; *format < N_FORMATS; ++*format)
        if (strcmp(name, format_names[*format]) == 0) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "unknown format \"%s\"; known: entityquestions, popqa, mmlu, jsonl, csv, tsv",
                    name);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

/* One file's text, already open. */
static int read_source(ken_builder *b, ken_source *s, int asked, ken_err *err)
{
    ken_format format = KEN_FMT_JSONL;
    s->skip_bad = b->o->skip_bad;
    if (s->n >= 16 && memcmp(s->text, "SQLite format 3", 16) == 0) /* with its NUL */
        return ken_fail(err, KEN_EINPUT, "%s: this is a run or another database; name the data that it was made from",
                        s->path);
    int rc = asked < N_FORMATS ? KEN_OK : find_in_text(s, b->o, &format, err);
    if (rc != KEN_OK) return rc;
    if (asked < N_FORMATS) format = (ken_format)asked;
    b->d->format = format;
    switch (format) {
    case KEN_FMT_POPQA: return ken_read_popqa(b, s, ken_find_delimiter(s), err);
    case KEN_FMT_MMLU: return ken_read_mmlu_file(b, s, err);
    case KEN_FMT_ENTITYQUESTIONS: return ken_read_entityquestions_file(b, s, err);
    case KEN_FMT_CSV: return ken_read_table(b, s, ',', err);
    case KEN_FMT_TSV: return ken_read_table(b, s, '\t', err);
    default: return ken_read_table(b, s, 0, err);
    }
}

/* text NULL: of the file at path. */
static int read_file(ken_builder *b, const char *path, const char *text, size_t n, int asked, ken_err *err)
{
    const char *file = ken_builder_intern(b, path, strlen(path));
    if (file == NULL) return ken_fail_nomem(err, "path");
    ken_source s;
    int rc = text == NULL ? ken_source_open(&s, file, err) : ken_source_memory(&s, file, text, n, err);
    if (rc == KEN_OK) rc = read_source(b, &s, asked, err);
    ken_source_close(&s);
    return rc;
}

static int read_folder(ken_builder *b, const char *path, int asked, ken_err *err)
{
    ken_format format;
    char *where = NULL;
    int rc = ken_find_folder(path, &format, &where, err);
    if (rc != KEN_OK) return rc;
    if (asked < N_FORMATS && format != (ken_format)asked)
        rc = ken_fail(err, KEN_EINPUT, "%s: this folder holds data of format %s, not %s", where, format_names[format],
                      format_names[asked]);
    b->d->format = format;
    if (rc == KEN_OK)
        rc = format == KEN_FMT_MMLU ? ken_read_mmlu(b, where, err) : ken_read_entityquestions(b, where, err);
    ken_free(where);
    return rc;
}

/* What to call the data in a title: the last part of the path, and the one before when the last says nothing by itself. */
static const char *name_of_path(ken_data *d, const char *path)
{
    size_t n;
    const char *name = ken_last_part(path, false, &n);
    bool plain = (n == 7 && memcmp(name, "dataset", 7) == 0) || (n == 4 && memcmp(name, "data", 4) == 0);
    if (plain && name > path + 1)
        for (n++, name--; name > path && name[-1] != '/'; n++, name--) continue;
    return ken_arena_strndup(&d->arena, name, n);
}

static int finish(ken_builder *b, const char *path, ken_data **out, ken_err *err)
{
    b->d->name = name_of_path(b->d, path);
    if (b->d->name == NULL) return ken_fail_nomem(err, "path");
    if (b->d->n > 0) return ken_builder_finish(b, out, err);
    size_t bad = b->d->stats.bad;
    return bad > 0
               ? ken_fail(err, KEN_EINPUT, "%s: no row is usable; all %zu are malformed and were skipped", path, bad)
               : ken_fail(err, KEN_EINPUT, "%s: the data set is empty; at least one row is needed", path);
}

/* text NULL: from the file or folder called name. */
static int open_data(ken_data **out, const char *name, const char *text, size_t n, const ken_data_options *given,
                     ken_err *err)
{
    ken_data_options own = ken_data_defaults();
    const ken_data_options *o = &own;
    ken_builder b = {0};
    int asked = N_FORMATS;
    *out = NULL;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_data_options, err);
    if (rc != KEN_OK) return rc;
    rc = o->format != NULL ? named_format(o->format, &asked, err) : KEN_OK;
    if (rc == KEN_OK) rc = ken_builder_begin(&b, o, err);
    if (rc == KEN_OK && text == NULL && ken_is_dir(name)) rc = read_folder(&b, name, asked, err);
    else if (rc == KEN_OK) rc = read_file(&b, name, text, n, asked, err);
    if (rc == KEN_OK) rc = finish(&b, name, out, err);
    ken_builder_abandon(&b);
    return rc;
}

int ken_data_open(ken_data **out, const char *path, const ken_data_options *o, ken_err *err)
{
    return open_data(out, path, NULL, 0, o, err);
}

int ken_data_parse(ken_data **out, const char *name, const char *text, size_t n, const ken_data_options *o,
                   ken_err *err)
{
    return open_data(out, name, text != NULL ? text : "", n, o, err);
}

/* ---- accessors ---------------------------------------------------------------------------------------------------------- */

int ken_data_of_rows(ken_data **out, const ken_example *rows, size_t n, ken_err *err)
{
    *out = ken_calloc(1, sizeof **out);
    ken_example *copy = *out != NULL ? ken_alloc(n, sizeof *copy) : NULL;
    if (copy == NULL) {
        ken_free(*out);
        *out = NULL;
        return ken_fail_nomem(err, "rows");
    }
    memcpy(copy, rows, n * sizeof *copy);
    (*out)->rows = copy;
    (*out)->n = n;
    return KEN_OK;
}

void ken_data_free(ken_data *d)
{
    if (d == NULL) return;
    ken_strmap_free(d->alias_of);
    ken_free(d->rows);
    ken_free(d->notes);
    ken_arena_free(&d->arena);
    ken_free(d);
}

size_t ken_data_count(const ken_data *d) { return d->n; }
const ken_example *ken_data_get(const ken_data *d, size_t i) { return i < d->n ? &d->rows[i] : NULL; }
const ken_data_stats *ken_data_get_stats(const ken_data *d) { return &d->stats; }
const char *ken_data_note(const ken_data *d, size_t i) { return i < d->n_notes ? d->notes[i] : NULL; }
const char *ken_data_name(const ken_data *d) { return d->name; }
const char *ken_data_format(const ken_data *d) { return format_names[d->format]; }
size_t ken_data_n_groups(const ken_data *d) { return d->n_groups; }
const ken_data_group *ken_data_get_group(const ken_data *d, size_t i) { return i < d->n_groups ? &d->groups[i] : NULL; }
