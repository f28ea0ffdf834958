/* folder.c - folders of data files, and finding out what a place holds when the user does not say. */
#include "base/alloc.h"
#include "data/dataset.h"
#include "data/forms.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) { return ken_natural_cmp(*(char *const *)a, *(char *const *)b); }

int ken_list_folder(const char *path, char ***names, size_t *n, ken_err *err)
{
    *names = NULL;
    *n = 0;
    size_t cap = 0;
    DIR *dir = opendir(path);
    if (dir == NULL) return ken_fail(err, KEN_EINPUT, "%s: %s", path, strerror(errno));
    int rc = KEN_OK;
    for (struct dirent *e; rc == KEN_OK && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        char *name = ken_strdup(e->d_name);
        if (name == NULL || ken_grow((void **)names, &cap, *n + 1, sizeof **names) != 0) {
            ken_free(name);
            rc = ken_fail_nomem(err, path);
        } else (*names)[(*n)++] = name;
    }
    closedir(dir);
    if (rc != KEN_OK) {
        ken_free_list(*names, *n);
        *names = NULL;
        *n = 0;
    } else if (*n > 0) qsort(*names, *n, sizeof **names, by_name);
    return rc;
}

void ken_free_list(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) ken_free(names[i]);
    ken_free(names);
}

/* ---- what is in there -------------------------------------------------------------------------------------------------- */

static bool is_data_name(const char *name, size_t n, const char *split, const char *mark, const char *ending)
{
    size_t m = strlen(ending), k = strlen(split), l = strlen(mark);
    return n > m + k + l && memcmp(name + n - m, ending, m) == 0 && memcmp(name + n - m - k, split, k) == 0 &&
           memcmp(name + n - m - k - l, mark, l) == 0;
}

/* Is it RELATION.SPLIT.json of EntityQuestions, with rows as they are there? A file that cannot be read is: its reader says what is wrong. flat: no
 * folder says the split; NQ-open.train.jsonl has the name too, but not `answers`. */
static int is_entityquestions(const char *dir, const char *name, const char *split, bool flat, bool *theirs,
                              ken_err *err)
{
    size_t n = ken_name_length(name);
    if (!is_data_name(name, n, split, ".", ".json") && !is_data_name(name, n, split, ".", ".jsonl")) return KEN_OK;
    char *path = ken_path_join(dir, name);
    if (path == NULL) return ken_fail_nomem(err, "path");
    json_t *row = NULL;
    ken_source s;
    int rc = ken_source_open(&s, path, err);
    if (rc == KEN_OK && ken_find_delimiter(&s) == 0) rc = ken_first_row(&s, 0, &row, err);
    bool question = json_object_get(row, "question") != NULL, answers = json_object_get(row, "answers") != NULL;
    answers |= !flat && json_object_get(row, "answer") != NULL;
    *theirs = row == NULL || (question ? answers : ken_form_of_row(row, path) == KEN_FMT_JSONL);
    json_decref(row);
    ken_source_close(&s);
    ken_free(path);
    return rc == KEN_EINPUT ? KEN_OK : rc;
}

static bool is_mmlu(const char *name, const char *split)
{
    return is_data_name(name, strlen(name), split, "_", ".csv");
}

/* Which of both layouts the files of a folder have; split NULL: they may be of any. */
static int look_at(const char *dir, const char *split, bool *json, bool *csv, ken_err *err)
{
    static const char *const flat[] = {"train", "dev", "test"};
    char **names = NULL;
    size_t n = 0;
    int rc = ken_is_dir(dir) ? ken_list_folder(dir, &names, &n, err) : KEN_OK;
    for (size_t i = 0; i < n && !*json && !*csv && rc == KEN_OK; i++) {
        for (int k = 0; split == NULL && k < 3 && !*json && rc == KEN_OK; k++)
            rc = is_entityquestions(dir, names[i], flat[k], true, json, err);
        if (split == NULL || rc != KEN_OK) continue;
        rc = is_entityquestions(dir, names[i], split, false, json, err);
        *csv = is_mmlu(names[i], split);
    }
    ken_free_list(names, n);
    return rc;
}

static int look(const char *dir, bool *json, bool *csv, ken_err *err)
{
    static const char *const splits[] = {"train", "dev", "val", "test"};
    *json = *csv = false;
    int rc = KEN_OK;
    for (int i = 0; i < 4 && rc == KEN_OK && !*json && !*csv; i++) {
        char *path = ken_path_join(dir, splits[i]);
        rc = path == NULL ? ken_fail_nomem(err, "path") : look_at(path, splits[i], json, csv, err);
        ken_free(path);
    }
    return rc == KEN_OK && !*json && !*csv ? look_at(dir, NULL, json, csv, err) : rc;
}

/* Data sets are often unpacked one folder deeper than one thinks; these names are tried in turn. */
int ken_find_folder(const char *path, ken_format *format, char **where, ken_err *err)
{
    static const char *const inside[] = {"", "dataset", "data", "mmlu", "data/mmlu"};
    *where = NULL;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        char *dir = inside[i][0] == '\0' ? ken_strdup(path) : ken_path_join(path, inside[i]);
        if (dir == NULL) return ken_fail_nomem(err, "path");
        bool json = false, csv = false;
        int rc = ken_is_dir(dir) ? look(dir, &json, &csv, err) : KEN_OK;
        if (rc == KEN_OK && (json || csv)) {
            *format = json ? KEN_FMT_ENTITYQUESTIONS : KEN_FMT_MMLU;
            *where = dir;
            return KEN_OK;
        }
        ken_free(dir);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

/* Spreadsheets write semicolons where the comma is a decimal mark. The header says it, which has commas in names at the most. */
char ken_csv_delimiter(const ken_source *s)
{
    size_t commas = 0, semicolons = 0;
    bool quoted = false;
    for (size_t i = 0; i < s->n && (quoted || (s->text[i] != '\n' && s->text[i] != '\r')); i++) {
        quoted ^= s->text[i] == '"';
        commas += !quoted && s->text[i] == ',';
        semicolons += !quoted && s->text[i] == ';';
    }
    return semicolons > commas ? ';' : ',';
}

/* Text: JSON when it begins with a bracket; otherwise the first line says what parts the columns. */
char ken_find_delimiter(const ken_source *s)
{
    size_t i = 0;
    while (i < s->n && strchr(" \t\r\n", s->text[i]) != NULL && s->text[i] != '\0') i++;
    if (i < s->n && (s->text[i] == '{' || s->text[i] == '[')) return 0;
    for (; i < s->n && s->text[i] != '\n' && s->text[i] != '\r'; i++)
        if (s->text[i] == '\t') return '\t';
    return ken_csv_delimiter(s);
}
