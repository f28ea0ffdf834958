/* split_files.c - see split_files.h. */
#include "data/split_files.h"
#include "base/alloc.h"
#include "base/file.h"
#include "data/dataset.h"
#include "data/forms.h"
#include <stdlib.h>
#include <string.h>

void ken_split_files_free(ken_split_files *f)
{
    for (size_t i = 0; i < f->n; i++) {
        ken_free(f->file[i].path);
        ken_free(f->file[i].relation);
    }
    ken_free(f->file);
    *f = (ken_split_files){0};
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

/* Length of a data file's name without its ending; 0 for other files. */
static size_t stem(const char *name)
{
    static const char *const endings[] = {".jsonl", ".json", ".csv", ".tsv", ".ndjson"};
    size_t n = ken_name_length(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t m = strlen(endings[i]);
        if (n > m && memcmp(name + n - m, endings[i], m) == 0) return n - m;
    }
    return 0;
}

static const char *split_of_word(const char *s, size_t n)
{
    static const char *const words[][2] = {{"train", "train"}, {"training", "train"}, {"dev", "dev"},
                                           {"valid", "dev"},   {"validation", "dev"}, {"val", "dev"},
                                           {"test", "test"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i][0]) == n && memcmp(words[i][0], s, n) == 0) return words[i][1];
    return NULL;
}

/* The split that a file's name says: the last word of it that is one, words being parted by marks. */
static const char *split_of_name(const char *name)
{
    const char *split = NULL;
    for (size_t n = stem(name), i = 0; i < n;) {
        size_t m = 0;
        while (i + m < n && strchr(".-_ ", name[i + m]) == NULL) m++;
        const char *said = split_of_word(name + i, m);
        if (said != NULL) split = said;
        i += m + 1;
    }
    return split;
}

/* ---- collecting -------------------------------------------------------------------------------------------------------- */

static int add(ken_split_files *f, const char *dir, const char *name, const char *split, const char *relation,
               size_t n_relation, ken_err *err)
{
    if (ken_grow((void **)&f->file, &f->cap, f->n + 1, sizeof *f->file) != 0) return ken_fail_nomem(err, "files");
    ken_split_file *x = &f->file[f->n];
    *x = (ken_split_file){.path = ken_path_join(dir, name), .split = split};
    if (relation != NULL) x->relation = ken_strndup(relation, n_relation);
    if (x->path == NULL || (relation != NULL && x->relation == NULL)) {
        ken_free(x->path);
        ken_free(x->relation);
        return ken_fail_nomem(err, "files");
    }
    f->n++;
    return KEN_OK;
}

typedef struct listing {
    const char *dir;
    char **name;
    size_t n;
} listing;

static bool is_dir(const listing *l, size_t i)
{
    char *path = ken_path_join(l->dir, l->name[i]);
    bool dir = path != NULL && ken_is_dir(path);
    ken_free(path);
    return dir;
}

/* Files of l whose names say a split; relation: of all of them, or NULL. */
static int add_by_name(ken_split_files *f, const listing *l, const char *relation, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < l->n && rc == KEN_OK; i++) {
        const char *split = split_of_name(l->name[i]);
        if (split != NULL && !is_dir(l, i))
            rc = add(f, l->dir, l->name[i], split, relation, relation != NULL ? strlen(relation) : 0, err);
    }
    return rc;
}

/* All data files of l, which is a split's folder. */
static int add_all(ken_split_files *f, const listing *l, const char *split, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < l->n && rc == KEN_OK; i++)
        if (stem(l->name[i]) > 0 && !is_dir(l, i)) rc = add(f, l->dir, l->name[i], split, NULL, 0, err);
    return rc;
}

/* Folders in l: each a split, or each a relation with files that are splits. */
static int add_folders(ken_split_files *f, const listing *l, bool splits, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < l->n && rc == KEN_OK; i++) {
        const char *split = split_of_word(l->name[i], strlen(l->name[i]));
        if ((split != NULL) != splits || !is_dir(l, i)) continue;
        char *path = ken_path_join(l->dir, l->name[i]);
        listing inner = {.dir = path};
        rc = path == NULL ? ken_fail_nomem(err, "path") : ken_list_folder(path, &inner.name, &inner.n, err);
        if (rc == KEN_OK) rc = splits ? add_all(f, &inner, split, err) : add_by_name(f, &inner, l->name[i], err);
        ken_free_list(inner.name, inner.n);
        ken_free(path);
    }
    return rc;
}

/* Files of a relation each, as LAMA and ParaRel have them: their rows say so. */
static int add_relations(ken_split_files *f, const listing *l, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < l->n && rc == KEN_OK; i++) {
        size_t n = stem(l->name[i]);
        json_t *row = NULL;
        ken_source s;
        char *path = n > 0 ? ken_path_join(l->dir, l->name[i]) : NULL;
        if (path == NULL || !ken_is_file(path)) {
            ken_free(path);
            continue;
        }
        rc = ken_source_open(&s, path, err);
        if (rc == KEN_OK) rc = ken_first_row(&s, ken_find_delimiter(&s), &row, err);
        if (rc == KEN_OK && row != NULL && ken_form_of_row(row, path) == KEN_FMT_LAMA)
            rc = add(f, l->dir, l->name[i], "", l->name[i], n, err);
        if (rc == KEN_EINPUT) rc = KEN_OK; /* something else that lies there */
        json_decref(row);
        ken_source_close(&s);
        ken_free(path);
    }
    return rc;
}

/* Data of the Hub as they are stored. */
static int refuse_binary(const listing *l, ken_err *err)
{
    for (size_t i = 0; i < l->n; i++) {
        bool parquet = ken_has_ending(l->name[i], ".parquet");
        if (parquet)
            return ken_fail(
                err, KEN_EINPUT,
                "%s: this folder holds Parquet files, which ken does not read; convert them: python3 -c \"from "
                "datasets import load_dataset as l; [d.to_json(s + '.jsonl') for s, d in l('%s').items()]\"",
                l->dir, l->dir);
        if (ken_has_ending(l->name[i], ".arrow"))
            return ken_fail(
                err, KEN_EINPUT,
                "%s: this folder holds Arrow files, as save_to_disk writes them, which ken does not read; convert "
                "them: python3 -c \"from datasets import load_from_disk as l; l('%s').to_json('data.jsonl')\"",
                l->dir, l->dir);
    }
    return KEN_OK;
}

static int compare(const void *a, const void *b)
{
    const ken_split_file *x = a, *y = b;
    if (x->relation != NULL && y->relation != NULL && strcmp(x->relation, y->relation) != 0)
        return ken_natural_cmp(x->relation, y->relation);
    int rx = ken_split_rank(x->split), ry = ken_split_rank(y->split);
    return rx != ry ? rx - ry : ken_natural_cmp(x->path, y->path);
}

/* Splits first, in all the places: a folder "data" is no relation. */
static int find_in(ken_split_files *out, const listing *l, bool relations, ken_err *err)
{
    int rc = KEN_OK;
    if (!relations) {
        rc = add_by_name(out, l, NULL, err);
        return rc == KEN_OK && out->n == 0 ? add_folders(out, l, true, err) : rc;
    }
    rc = add_folders(out, l, false, err);
    if (rc == KEN_OK && out->n == 0) rc = add_relations(out, l, err);
    return rc == KEN_OK && out->n == 0 ? refuse_binary(l, err) : rc;
}

int ken_split_files_find(ken_split_files *out, const char *folder, ken_err *err)
{
    static const char *const inside[] = {".", "data", "dataset"};
    enum { N_INSIDE = sizeof inside / sizeof *inside };
    int rc = KEN_OK;
    for (int i = 0; i < 2 * N_INSIDE && rc == KEN_OK && out->n == 0; i++) {
        char *dir = i % N_INSIDE == 0 ? ken_strdup(folder) : ken_path_join(folder, inside[i % N_INSIDE]);
        listing l = {.dir = dir};
        if (dir == NULL) rc = ken_fail_nomem(err, "path");
        else if (ken_is_dir(dir)) rc = ken_list_folder(dir, &l.name, &l.n, err);
        if (rc == KEN_OK) rc = find_in(out, &l, i >= N_INSIDE, err);
        ken_free_list(l.name, l.n);
        ken_free(dir);
    }
    if (rc == KEN_OK && out->n > 0) qsort(out->file, out->n, sizeof *out->file, compare);
    return rc;
}
