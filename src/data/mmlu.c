/* mmlu.c - MMLU (Hendrycks et al. 2021): {dev,val,test}/SUBJECT_SPLIT.csv, one file a subject, or one such file alone.
 *
 * Two forms are about: with the header question,choice0..choice3,answer and answers 0-3, and the original without a header and
 * answers A-D. The relation is the subject; the answer's text is what a row shows as its answer. */
#include "base/alloc.h"
#include "data/dataset.h"
#include "data/fields.h"
#include <math.h>
#include <string.h>

enum { N_CHOICES = 4 };
static const char *const columns[] = {"question", "choice0", "choice1", "choice2", "choice3", "answer"};

typedef struct reading {
    ken_builder *b;
    const ken_source *s;
    const char *relation, *split;
    bool letters; /* the headerless original */
} reading;

static int read_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    reading *r = ctx;
    ken_arena *a = &r->b->d->arena;
    ken_example e = {.relation = r->relation,
                     .split = r->split,
                     .file = r->s->path,
                     .line = line,
                     .popularity = NAN,
                     .n_choices = N_CHOICES,
                     .choice = -1,
                     .n_answers = 1,
                     .flags = KEN_FLAG_CHOICE};
    const char **choices = ken_arena_calloc(a, N_CHOICES, sizeof *choices);
    const char *s;
    size_t n;
    if (choices == NULL) return ken_fail_nomem(err, "choices");
    for (int i = 0; i < N_CHOICES + 2; i++) {
        ken_field f = {row, r->s->path, line, columns[i], NULL};
        int rc = ken_field_text(&f, &s, &n, err);
        if (rc != KEN_OK) return rc;
        char *copy = ken_arena_strndup(a, s, n);
        if (copy == NULL) return ken_fail_nomem(err, "choices");
        if (i == 0) e.question = copy;
        else if (i <= N_CHOICES) choices[i - 1] = copy;
        else {
            char from = r->letters ? 'A' : '0';
            if (n == 1 && s[0] >= from && s[0] < from + N_CHOICES) e.choice = s[0] - from;
            if (e.choice < 0) return ken_field_wrong(&f, r->letters ? "A, B, C or D" : "0, 1, 2 or 3", err);
        }
    }
    e.choices = choices;
    e.answers = &choices[e.choice];
    return ken_builder_add(r->b, &e, place, err);
}

/* Parts "anatomy_test.csv" into subject and split. */
static bool part_name(const char *name, size_t *n_subject, const char **split, size_t *n_split)
{
    size_t n = strlen(name);
    if (n <= 4 || strcmp(name + n - 4, ".csv") != 0) return false;
    const char *bar = memrchr(name, '_', n - 4);
    if (bar == NULL || bar == name || bar + 1 == name + n - 4) return false;
    *n_subject = (size_t)(bar - name);
    *split = bar + 1;
    *n_split = (size_t)(name + n - 4 - *split);
    return true;
}

int ken_read_mmlu_file(ken_builder *b, ken_source *s, ken_err *err)
{
    const char *name = ken_file_name(s->path), *split;
    size_t n_subject, n_split;
    if (!part_name(name, &n_subject, &split, &n_split))
        return ken_fail(err, KEN_EINPUT, "%s: a file of format mmlu is named SUBJECT_SPLIT.csv", s->path);
    reading r = {b, s, ken_builder_intern(b, name, n_subject), ken_builder_intern(b, split, n_split), true};
    if (r.relation == NULL || r.split == NULL) return ken_fail_nomem(err, "names");
    static const char *const heads[] = {"question,", "\"question\","};
    for (int i = 0; i < 2; i++)
        if (s->n >= strlen(heads[i]) && memcmp(s->text, heads[i], strlen(heads[i])) == 0) r.letters = false;
    s->skip_bad = b->o->skip_bad;
    int rc = ken_csv_rows(s, ',', r.letters ? columns : NULL, r.letters ? N_CHOICES + 2 : 0, read_row, &r, err);
    return rc == KEN_OK ? ken_builder_took(b, s, err) : rc;
}

static int read_file(ken_builder *b, const char *path, ken_err *err)
{
    ken_source s;
    const char *file = ken_builder_intern(b, path, strlen(path));
    if (file == NULL) return ken_fail_nomem(err, "names");
    int rc = ken_source_open(&s, file, err);
    if (rc == KEN_OK) rc = ken_read_mmlu_file(b, &s, err);
    ken_source_close(&s);
    return rc;
}

static int read_folder(ken_builder *b, const char *dir, const char *split, ken_err *err)
{
    char **names;
    size_t n;
    int rc = ken_list_folder(dir, &names, &n, err);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        size_t len = strlen(names[i]), n1, n2;
        const char *own_split;
        if (len <= 4 || strcmp(names[i] + len - 4, ".csv") != 0) continue;
        char *path = ken_path_join(dir, names[i]);
        if (path == NULL) rc = ken_fail_nomem(err, "path");
        else if (!part_name(names[i], &n1, &own_split, &n2) || strlen(split) != n2 || memcmp(own_split, split, n2) != 0)
            rc = ken_fail(err, KEN_EINPUT, "%s: the name should be SUBJECT_%s.csv", path, split);
        else rc = read_file(b, path, err);
        ken_free(path);
    }
    ken_free_list(names, n);
    return rc;
}

int ken_read_mmlu(ken_builder *b, const char *folder, ken_err *err)
{
    static const char *const splits[] = {"train", "dev", "val", "test"};
    int rc = KEN_OK;
    for (int i = 0; i < 4 && rc == KEN_OK; i++) {
        char *dir = ken_path_join(folder, splits[i]);
        if (dir == NULL) rc = ken_fail_nomem(err, "path");
        else if (ken_is_dir(dir)) rc = read_folder(b, dir, splits[i], err);
        ken_free(dir);
    }
    return rc;
}
