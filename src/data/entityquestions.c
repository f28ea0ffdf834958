/* entityquestions.c - the layout of EntityQuestions (Sciavolino et al. 2021), which our own world facts share:
 * {train,dev,test}/RELATION.SPLIT.json, each a JSON list (or JSON lines) of {"question", "answers"}. Files may also be in one
 * folder, or a single file be given. Relation and split come from the file's name, the subject from the question template. */
#include "base/alloc.h"
#include "data/dataset.h"
#include "data/table.h"
#include <string.h>

static const char *const splits[] = {"train", "dev", "val", "test"};
enum { N_SPLITS = 4 };

static bool is_split(const char *s, size_t n)
{
    for (int i = 0; i < N_SPLITS; i++)
        if (n == strlen(splits[i]) && memcmp(s, splits[i], n) == 0) return true;
    return false;
}

/* Length of the name without .json or .jsonl; 0 when it has neither. */
static size_t stem(const char *name)
{
    size_t n = ken_name_length(name);
    if (n > 5 && memcmp(name + n - 5, ".json", 5) == 0) return n - 5;
    return n > 6 && memcmp(name + n - 6, ".jsonl", 6) == 0 ? n - 6 : 0;
}

static bool is_json(const char *name) { return stem(name) > 0; }

/* Parts "P36.test.json" into relation and split. False when the name is of another form. */
static bool part_name(const char *name, size_t *n_relation, const char **split, size_t *n_split)
{
    size_t end = stem(name);
    const char *dot = end == 0 ? NULL : memrchr(name, '.', end);
    if (dot == NULL || dot == name || dot + 1 == name + end) return false;
    *n_relation = (size_t)(dot - name);
    *split = dot + 1;
    *n_split = (size_t)(name + end - *split);
    return true;
}

static int read_text(ken_builder *b, ken_source *s, const char *folder_split, const ken_templates *tpl, ken_err *err)
{
    const char *name = ken_file_name(s->path), *split;
    size_t n_relation, n_split;
    if (!part_name(name, &n_relation, &split, &n_split))
        return ken_fail(err, KEN_EINPUT, "%s: the name should be RELATION.%s.json", s->path,
                        folder_split != NULL ? folder_split : "SPLIT");
    if (folder_split != NULL && (strlen(folder_split) != n_split || memcmp(folder_split, split, n_split) != 0))
        return ken_fail(err, KEN_EINPUT, "%s: the name says split \"%.*s\", the folder \"%s\"", s->path, (int)n_split,
                        split, folder_split);
    if (n_split == 3 && memcmp(split, "val", 3) == 0) split = "dev";
    ken_table t = {.b = b, .s = s, .templates = tpl};
    t.relation = ken_builder_intern(b, name, n_relation);
    t.split = ken_builder_intern(b, split, n_split);
    if (t.relation == NULL || t.split == NULL) return ken_fail_nomem(err, "names");
    s->skip_bad = b->o->skip_bad;
    int rc = ken_json_rows(s, ken_table_row, &t, err);
    if (rc == KEN_OK) rc = ken_builder_took(b, s, err);
    return rc;
}

static int read_file(ken_builder *b, const char *path, const char *folder_split, const ken_templates *tpl, ken_err *err)
{
    const char *file = ken_builder_intern(b, path, strlen(path));
    ken_source s;
    if (file == NULL) return ken_fail_nomem(err, "names");
    int rc = ken_source_open(&s, file, err);
    if (rc == KEN_OK) rc = read_text(b, &s, folder_split, tpl, err);
    ken_source_close(&s);
    return rc;
}

/* split NULL: a folder that holds the files of all splits, and perhaps others, which are passed over. */
static int read_folder(ken_builder *b, const char *dir, const char *split, const ken_templates *tpl, ken_err *err)
{
    char **names;
    size_t n;
    int rc = ken_list_folder(dir, &names, &n, err);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        size_t n_relation, n_split;
        const char *own_split;
        bool named = part_name(names[i], &n_relation, &own_split, &n_split);
        if (split == NULL ? !named || !is_split(own_split, n_split) : !is_json(names[i])) continue;
        char *path = ken_path_join(dir, names[i]);
        rc = path == NULL ? ken_fail_nomem(err, "path") : read_file(b, path, split, tpl, err);
        ken_free(path);
    }
    ken_free_list(names, n);
    return rc;
}

int ken_read_entityquestions(ken_builder *b, const char *folder, ken_err *err)
{
    ken_templates *tpl;
    int rc = ken_templates_find(&tpl, b->o->templates, folder, false, err);
    if (rc == KEN_OK) rc = read_folder(b, folder, NULL, tpl, err);
    for (int i = 0; i < N_SPLITS && rc == KEN_OK; i++) {
        char *dir = ken_path_join(folder, splits[i]);
        if (dir == NULL) rc = ken_fail_nomem(err, "path");
        else if (ken_is_dir(dir)) rc = read_folder(b, dir, splits[i], tpl, err);
        ken_free(dir);
    }
    ken_templates_free(tpl);
    return rc;
}

int ken_read_entityquestions_file(ken_builder *b, ken_source *s, ken_err *err)
{
    ken_templates *tpl = NULL;
    int rc = s->map.data != NULL || b->o->templates != NULL
                 ? ken_templates_find(&tpl, b->o->templates, s->path, true, err)
                 : KEN_OK;
    if (rc == KEN_OK) rc = read_text(b, s, NULL, tpl, err);
    ken_templates_free(tpl);
    return rc;
}
