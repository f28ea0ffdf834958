/* templates.c - the subject of a question, by undoing its template; see table.h. EntityQuestions carries no subjects, but all its
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

int ken_templates_read(ken_templates **out, const char *path, ken_err *err)
{
    ken_templates *t = ken_calloc(1, sizeof *t);
    if (t == NULL) return ken_fail_nomem(err, "templates");
    int rc = ken_json_file(&t->root, path, err);
    if (rc == KEN_OK) rc = check(t->root, path, err);
    if (rc == KEN_OK) *out = t;
    else ken_templates_free(t);
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
