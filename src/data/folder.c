/* folder.c - folders of data files, and finding out what a place holds when the user does not say. */
#include "base/alloc.h"
#include "data/dataset.h"
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

/* Whether dir/split holds a file with one of two endings. */
static int split_has(const char *dir, const char *split, const char *end1, const char *end2, bool *has, ken_err *err)
{
    char *path = ken_path_join(dir, split), **names = NULL;
    size_t n = 0;
    if (path == NULL) return ken_fail_nomem(err, "path");
    int rc = ken_is_dir(path) ? ken_list_folder(path, &names, &n, err) : KEN_OK;
    for (size_t i = 0; i < n; i++)
        if (ken_has_ending(names[i], end1) || ken_has_ending(names[i], end2)) *has = true;
    ken_free_list(names, n);
    ken_free(path);
    return rc;
}

static int look(const char *dir, bool *json, bool *csv, ken_err *err)
{
    static const char *const splits[] = {"train", "dev", "val", "test"};
    static const char *const flat[] = {".train.json",  ".dev.json",  ".test.json",
                                       ".train.jsonl", ".dev.jsonl", ".test.jsonl"};
    *json = *csv = false;
    int rc = KEN_OK;
    for (int i = 0; i < 4 && rc == KEN_OK; i++) {
        rc = split_has(dir, splits[i], ".json", ".jsonl", json, err);
        if (rc == KEN_OK) rc = split_has(dir, splits[i], ".csv", ".csv", csv, err);
    }
    for (int i = 0; i < 6 && rc == KEN_OK; i++) rc = split_has(dir, ".", flat[i], flat[i], json, err);
    return rc;
}

/* Data sets are often unpacked one folder deeper than one thinks; these names are tried in turn. */
int ken_find_folder(const char *path, ken_format *format, char **where, ken_err *err)
{
    static const char *const inside[] = {"", "dataset", "data", "mmlu", "data/mmlu"};
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
    return ken_fail(err, KEN_EINPUT,
                    "%s: no data found in this folder; expected train/, dev/ or test/ with NAME.SPLIT.json files "
                    "(entityquestions) or NAME_SPLIT.csv files (mmlu), or give a .jsonl, .csv or .tsv file",
                    path);
}

/* Text: JSON when it begins with a bracket; otherwise the first line says whether tabs or commas part the columns. */
char ken_find_delimiter(const ken_source *s)
{
    size_t i = 0;
    while (i < s->n && strchr(" \t\r\n", s->text[i]) != NULL && s->text[i] != '\0') i++;
    if (i < s->n && (s->text[i] == '{' || s->text[i] == '[')) return 0;
    for (; i < s->n && s->text[i] != '\n' && s->text[i] != '\r'; i++)
        if (s->text[i] == '\t') return '\t';
    return ',';
}
