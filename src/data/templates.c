/* templates.c - the subject of a question, by undoing its template, or the question, by filling it in; see table.h. EntityQuestions carries no subjects, but all its
 * questions were made from one template a relation, and removing the text around [X] succeeds for every row (docs/method/knowledge.md#templates). */
#include "base/alloc.h"
#include "data/table.h"
#include <string.h>

struct ken_templates {
    json_t *root; /* relation -> string or list of strings, checked */
};

static const char PLACE[] = "[X]";

static bool is_template(const json_t *v)
{
    if (!json_is_string(v)) return false;
    const char *at = strstr(json_string_value(v), PLACE);
    return at != NULL && strstr(at + 1, PLACE) == NULL;
}

static int check(const json_t *root, const char *path, ken_err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(root))
        return ken_fail(err, KEN_EINPUT, "%s: an object is expected, like {\"P36\": \"What is the capital of [X]?\"}",
                        path);
    json_object_foreach((json_t *)root, key, value)
    {
        bool good = is_template(value) || (json_is_array(value) && json_array_size(value) > 0);
        for (size_t i = 0; good && i < json_array_size(value); i++) good = is_template(json_array_get(value, i));
        char shown[60];
        if (!good)
            return ken_fail(err, KEN_EINPUT,
                            "%s: relation \"%s\": a question with one [X] is expected, or a list of them", path,
                            ken_printable(shown, sizeof shown, key, strlen(key)));
    }
    return KEN_OK;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

/* LAMA's relations.jsonl, and tables: a row says relation and template (or question). */
static int template_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    json_t *root = ctx;
    (void)place;
    const char *relation = json_string_value(json_object_get(row, "relation"));
    const json_t *v = json_object_get(row, "template");
    if (v == NULL) v = json_object_get(row, "question");
    if (relation == NULL || !json_is_string(v))
        return ken_fail(err, KEN_EINPUT, "line %d: a row with \"relation\" and \"template\" is expected", line);
    json_t *list = json_object_get(root, relation);
    int bad = 0;
    if (list == NULL) bad = json_object_set_new(root, relation, list = json_array());
    if (bad == 0) bad = json_array_append(list, (json_t *)v);
    return bad == 0 ? KEN_OK : ken_fail_nomem(err, "templates");
}

/* Is the file rows, not one object of relations? */
static bool has_rows(const ken_source *s, char delimiter)
{
    json_t *row = NULL;
    if (delimiter != 0) return true;
    if (ken_first_row(s, 0, &row, NULL) != KEN_OK) return false;
    bool rows = json_is_string(json_object_get(row, "relation")) && json_object_get(row, "template") != NULL;
    json_decref(row);
    return rows;
}

static int read_root(json_t **root, const char *path, ken_err *err)
{
    ken_source s;
    int rc = ken_source_open(&s, path, err);
    char delimiter = rc == KEN_OK ? ken_find_delimiter(&s) : 0;
    bool rows = rc == KEN_OK && has_rows(&s, delimiter);
    if (rows) {
        *root = json_object();
        rc = *root == NULL ? ken_fail_nomem(err, "templates") : ken_text_rows(&s, delimiter, template_row, *root, err);
        if (rc == KEN_EINPUT && strncmp(err->msg, path, strlen(path)) != 0) rc = ken_fail_prefix(err, "%s", path);
    }
    ken_source_close(&s);
    return rc == KEN_OK && !rows ? ken_json_file(root, path, err) : rc;
}

int ken_templates_read(ken_templates **out, const char *path, ken_err *err)
{
    ken_templates *t = ken_calloc(1, sizeof *t);
    if (t == NULL) return ken_fail_nomem(err, "templates");
    int rc = read_root(&t->root, path, err);
    if (rc == KEN_OK) rc = check(t->root, path, err);
    if (rc == KEN_OK) *out = t;
    else ken_templates_free(t);
    return rc;
}

/* The file named, else the first of the usual names in the folder, its parent or (a single file) the parent's parent. */
int ken_templates_find(ken_templates **out, const char *named, const char *place, bool is_file, ken_err *err)
{
    static const char *const names[] = {"templates.json", "relation_query_templates.json"};
    static const char *const beside[] = {".", "..", "../.."};
    *out = NULL;
    if (named != NULL) return ken_templates_read(out, named, err);
    const char *slash = strrchr(place, '/');
    char *dir = !is_file        ? ken_strdup(place)
                : slash == NULL ? ken_strdup(".")
                                : ken_strndup(place, (size_t)(slash - place) + 1);
    int rc = dir == NULL ? ken_fail_nomem(err, "path") : KEN_OK;
    for (int up = 0; up < (is_file ? 3 : 2) && rc == KEN_OK && *out == NULL; up++)
        for (int i = 0; i < 2 && rc == KEN_OK && *out == NULL; i++) {
            char *folder = ken_path_join(dir, beside[up]);
            char *path = folder == NULL ? NULL : ken_path_join(folder, names[i]);
            if (path == NULL) rc = ken_fail_nomem(err, "path");
            else if (ken_is_file(path)) rc = ken_templates_read(out, path, err);
            ken_free(folder);
            ken_free(path);
        }
    ken_free(dir);
    return rc;
}

void ken_templates_free(ken_templates *t)
{
    if (t == NULL) return;
    json_decref(t->root);
    ken_free(t);
}

static const char *undo(const char *template, const char *question, size_t *n)
{
    const char *at = strstr(template, PLACE), *after = at + strlen(PLACE);
    size_t before = (size_t)(at - template), n_after = strlen(after), len = strlen(question);
    if (len <= before + n_after || memcmp(question, template, before) != 0 ||
        memcmp(question + len - n_after, after, n_after) != 0)
        return NULL;
    *n = len - before - n_after;
    return question + before;
}

const char *ken_templates_subject(const ken_templates *t, const char *relation, const char *question, size_t *n)
{
    const json_t *v = json_object_get(t->root, relation);
    if (json_is_string(v)) return undo(json_string_value(v), question, n);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *s = undo(json_string_value(json_array_get(v, i)), question, n);
        if (s != NULL) return s;
    }
    return NULL;
}

/* ---- asking ----------------------------------------------------------------------------------------------------------- */

/* Ends at [Y], which stands for the answer; only marks may follow it. */
bool ken_template_ask(const char *template_text, const char *subject, ken_buf *out)
{
    const char *at = strstr(template_text, PLACE), *answer = strstr(template_text, "[Y]");
    size_t n = strlen(template_text);
    if (at == NULL || subject == NULL) return false;
    if (answer != NULL) {
        const char *rest = answer + 3;
        if (rest[strspn(rest, " .?!,;:")] != '\0' || answer < at) return false;
        n = (size_t)(answer - template_text);
        while (n > 0 && template_text[n - 1] == ' ') n--;
    }
    const char *after = at + strlen(PLACE);
    ken_buf_add(out, template_text, (size_t)(at - template_text));
    ken_buf_puts(out, subject);
    if (after < template_text + n) ken_buf_add(out, after, (size_t)(template_text + n - after));
    return true;
}

bool ken_templates_ask(const ken_templates *t, const char *relation, const char *subject, ken_buf *out)
{
    const json_t *v = json_object_get(t->root, relation);
    if (json_is_array(v)) v = json_array_get(v, 0);
    return json_is_string(v) && ken_template_ask(json_string_value(v), subject, out);
}
