/* open.c - ken_data_open and the accessors: finds the format, lets its reader fill the builder, finishes. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/options.h"
#include "data/dataset.h"
#include "data/forms.h"
#include "data/split_files.h"
#include <string.h>

static const char *const format_names[KEN_N_FORMATS] = {
    "entityquestions", "popqa",   "mmlu", "jsonl", "csv",      "tsv", "chat",       "sharegpt", "alpaca",
    "prompt",          "axolotl", "text", "squad", "triviaqa", "nq",  "truthfulqa", "lama"};

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

/* Nobody says which fields to read: the file's own form decides. */
static bool is_plain(const ken_data_options *o) { return o->question_field == NULL && o->answer_field == NULL; }

/* P36.test.json of EntityQuestions given alone: a list of question and answers with the relation and split only in its name. */
static bool is_entityquestions_file(const char *path, const ken_data_options *o, const json_t *row)
{
    static const char *const keys[] = {"question", "answers"};
    bool plain = is_plain(o) && o->relation_field == NULL && o->split_field == NULL;
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
    else if (is_plain(o) && (*format = ken_form_of_row(row, s->path)) != KEN_FMT_JSONL) {
    } else *format = delimiter == 0 ? KEN_FMT_JSONL : delimiter == '\t' ? KEN_FMT_TSV : KEN_FMT_CSV;
    json_decref(row);
    return KEN_OK;
}

static int named_format(const char *name, int *format, ken_err *err)
{
    for (*format = 0; *format < KEN_N_FORMATS; ++*format)
        if (strcmp(name, format_names[*format]) == 0) return KEN_OK;
    ken_buf known = {0};
    for (int i = 0; i < KEN_N_FORMATS; i++) ken_buf_printf(&known, "%s%s", i > 0 ? ", " : "", format_names[i]);
    int rc = ken_fail(err, KEN_EUSAGE, "unknown format \"%s\"; known: %s", name, ken_buf_str(&known));
    ken_buf_free(&known);
    return rc;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

/* Rows of the usual names, or made so by their form; both may have their questions from templates. */
static int read_rows(ken_builder *b, ken_source *s, ken_format format, char delimiter, ken_err *err)
{
    ken_templates *templates = NULL;
    int rc = b->o->templates != NULL ? ken_templates_read(&templates, b->o->templates, err) : KEN_OK;
    if (rc == KEN_OK)
        rc = ken_is_form(format) ? ken_read_form(b, s, delimiter, format, templates, err)
                                 : ken_read_table(b, s, delimiter, templates, err);
    ken_templates_free(templates);
    return rc;
}

/* One file's text, already open. */
static int read_source(ken_builder *b, ken_source *s, int asked, ken_err *err)
{
    ken_format format = KEN_FMT_JSONL;
    s->skip_bad = b->o->skip_bad;
    if (s->n >= 16 && memcmp(s->text, "SQLite format 3", 16) == 0) /* with its NUL */
        return ken_fail(err, KEN_EINPUT, "%s: this is a run or another database; name the data that it was made from",
                        s->path);
    int rc = asked < KEN_N_FORMATS ? KEN_OK : find_in_text(s, b->o, &format, err);
    if (rc != KEN_OK) return rc;
    if (asked < KEN_N_FORMATS) format = (ken_format)asked;
    b->d->format = format;
    switch (format) {
    case KEN_FMT_POPQA: return ken_read_popqa(b, s, ken_find_delimiter(s), err);
    case KEN_FMT_MMLU: return ken_read_mmlu_file(b, s, err);
    case KEN_FMT_ENTITYQUESTIONS: return ken_read_entityquestions_file(b, s, err);
    case KEN_FMT_JSONL: return read_rows(b, s, format, 0, err);
    case KEN_FMT_CSV: return read_rows(b, s, format, ken_csv_delimiter(s), err);
    case KEN_FMT_TSV: return read_rows(b, s, format, '\t', err);
    default: return read_rows(b, s, format, ken_find_delimiter(s), err);
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

static bool same_name(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

/* Files that are splits. Rows of a file that continues another one are counted on. */
static int read_files(ken_builder *b, const char *folder, const ken_split_files *f, int asked, ken_err *err)
{
    ken_buf said = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < f->n && rc == KEN_OK; i++) {
        const ken_split_file *x = &f->file[i];
        bool goes_on = i > 0 && same_name(x->relation, x[-1].relation) && strcmp(x->split, x[-1].split) == 0;
        ken_format first = b->d->format;
        b->first_place = goes_on ? b->next_place : 0;
        b->relation = x->relation != NULL ? ken_builder_intern(b, x->relation, strlen(x->relation)) : NULL;
        b->split = ken_builder_intern(b, x->split, strlen(x->split));
        if (b->split == NULL || (x->relation != NULL && b->relation == NULL)) rc = ken_fail_nomem(err, "names");
        else rc = read_file(b, x->path, NULL, 0, asked, err);
        if (i > 0) b->d->format = first;
        if (i < 4 && x->relation == NULL)
            ken_buf_printf(&said, "%s%s is %s", i > 0 ? ", " : "", ken_file_name(x->path), x->split);
        else if (i == 4) ken_buf_puts(&said, ", ...");
    }
    if (rc == KEN_OK && said.failed) rc = ken_fail_nomem(err, "notes");
    if (rc == KEN_OK && said.len > 0) rc = ken_builder_note(b, err, "%s: %s", folder, ken_buf_str(&said));
    ken_buf_free(&said);
    return rc;
}

static int read_splits(ken_builder *b, const char *path, int asked, ken_err *err)
{
    ken_split_files files = {0};
    int rc = ken_split_files_find(&files, path, err);
    if (rc == KEN_OK && files.n == 0)
        rc = ken_fail(
            err, KEN_EINPUT,
            "%s: no data found in this folder; expected files that are splits (train.jsonl, validation.csv, ...), or "
            "train/, dev/ or test/ with NAME.SPLIT.json files (entityquestions) or NAME_SPLIT.csv files (mmlu), or "
            "give a .jsonl, .json, .csv or .tsv file",
            path);
    if (rc == KEN_OK) rc = read_files(b, path, &files, asked, err);
    ken_split_files_free(&files);
    return rc;
}

static int read_folder(ken_builder *b, const char *path, int asked, ken_err *err)
{
    ken_format format;
    char *where = NULL;
    int rc = ken_find_folder(path, &format, &where, err);
    if (rc != KEN_OK) return rc;
    if (where == NULL) return read_splits(b, path, asked, err);
    if (asked < KEN_N_FORMATS && format != (ken_format)asked)
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
    if (strcmp(path, "-") == 0) return "standard input";
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
    int asked = KEN_N_FORMATS;
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
