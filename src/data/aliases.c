/* aliases.c - the alias table of --aliases: a JSON object, answer -> list of other names. A row's answers are not changed by it;
 * the matcher em-alias asks for what else to accept (docs/method/knowledge.md#matchers). */
#include "base/alloc.h"
#include "data/dataset.h"
#include "data/fields.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* NULL and *n = 0 when the table has none. */
static const char *const *names_of(const ken_data *d, const char *answer, int *n)
{
    int32_t at = d->alias_of == NULL ? -1 : ken_strmap_get(d->alias_of, answer, strlen(answer), -1);
    *n = at < 0 ? 0 : d->aliases[at].n;
    return at < 0 ? NULL : d->aliases[at].list;
}

int ken_aliases_read(ken_data *d, const char *path, ken_err *err)
{
    json_t *root = NULL, *value;
    const char *key;
    void *next;
    int32_t n = 0;
    int rc = ken_json_file(&root, path, err);
    if (rc != KEN_OK) return rc;
    if (!json_is_object(root)) {
        rc = ken_fail(err, KEN_EINPUT, "%s: an object is expected, like {\"United States of America\": [\"USA\"]}",
                      path);
        goto done;
    }
    json_object_foreach_safe(root, next, key, value)
    {
        if (json_is_array(value) && json_array_size(value) == 0) json_object_del(root, key); /* no other names */
    }
    char *spelled = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS); /* one spelling, however the file is laid out */
    ken_sha256 *h = spelled != NULL ? ken_sha256_new() : NULL;
    if (h != NULL) {
        ken_sha256_add(h, spelled, strlen(spelled));
        ken_sha256_hex(h, d->aliases_hash);
    }
    free(spelled);
    d->alias_of = h != NULL ? ken_strmap_new(json_object_size(root)) : NULL;
    d->aliases = ken_arena_calloc(&d->arena, json_object_size(root), sizeof *d->aliases);
    if (d->alias_of == NULL || d->aliases == NULL) {
        rc = ken_fail_nomem(err, "aliases");
        goto done;
    }
    json_object_foreach(root, key, value)
    {
        ken_field f = {.row = root, .path = path, .line = 1, .name = key};
        char *answer = ken_arena_strndup(&d->arena, key, strlen(key));
        rc = ken_field_list(&f, false, &d->arena, &d->aliases[n].list, &d->aliases[n].n, err);
        if (rc != KEN_OK) goto done;
        if (answer == NULL || ken_strmap_add(d->alias_of, answer, strlen(answer), n++) < 0) {
            rc = ken_fail_nomem(err, "aliases");
            goto done;
        }
    }
done:
    json_decref(root);
    return rc;
}

int ken_aliases_open(ken_data **out, const char *path, ken_err *err)
{
    *out = ken_calloc(1, sizeof **out);
    if (*out == NULL) return ken_fail_nomem(err, "aliases");
    int rc = ken_aliases_read(*out, path, err);
    if (rc == KEN_OK) return KEN_OK;
    ken_data_free(*out);
    *out = NULL;
    return rc;
}

int ken_aliases_join(ken_data *d, ken_err *err)
{
    for (size_t i = 0; i < d->n && d->alias_of != NULL; i++) {
        ken_example *x = &d->rows[i];
        if (ken_alias_list(d, &d->arena, x->answers, x->n_answers, &x->aliases, &x->n_aliases) != KEN_OK)
            return ken_fail_nomem(err, "aliases");
    }
    return KEN_OK;
}

int ken_alias_list(const ken_data *d, ken_arena *arena, const char *const *answers, int n_answers,
                   const char *const **out, int *n)
{
    int k, all = 0;
    *out = NULL;
    *n = 0;
    for (int i = 0; i < n_answers; i++) {
        (void)names_of(d, answers[i], &k);
        if (k > INT_MAX - all) return KEN_ENOMEM;
        all += k;
    }
    if (all == 0) return KEN_OK;
    const char **list = ken_arena_calloc(arena, (size_t)all, sizeof *list);
    if (list == NULL) return KEN_ENOMEM;
    for (int i = 0; i < n_answers; i++) {
        const char *const *more = names_of(d, answers[i], &k);
        for (int j = 0; j < k; j++) list[(*n)++] = more[j];
    }
    *out = list;
    return KEN_OK;
}

bool ken_data_has_aliases(const ken_data *d) { return d->alias_of != NULL; }

const char *ken_aliases_hash(const ken_data *d) { return d->aliases_hash; }
