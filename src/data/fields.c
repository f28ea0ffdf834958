/* fields.c - see fields.h. */
#include "data/fields.h"
#include "data/clean.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ken_is_blank(const char *s, size_t n) { return ken_trim_invisible(&s, n) == 0; }

static const char *type_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    default: return "null";
    }
}

int ken_field_missing(const ken_field *f, ken_err *err)
{
    enum { SHOWN = 12 };
    char have[SHOWN * 44 + 16] = "", shown[60];
    size_t len = 0;
    int n = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)f->row, key, value)
    {
        char one[40];
        if (n++ == SHOWN) {
            snprintf(have + len, sizeof have - len, ", ...");
            break;
        }
        len += (size_t)snprintf(have + len, sizeof have - len, "%s%s", n > 1 ? ", " : "",
                                ken_printable(one, sizeof one, key, strlen(key)));
    }
    (void)ken_printable(shown, sizeof shown, f->name, strlen(f->name));
    return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is missing (have: %s)%s%s", f->path, f->line, shown,
                    n == 0 ? "none" : have, f->setting != NULL ? "; name it with " : "",
                    f->setting != NULL ? f->setting : "");
}

int ken_field_wrong(const ken_field *f, const char *want, ken_err *err)
{
    const json_t *v = json_object_get(f->row, f->name);
    char name[60], text[60];
    (void)ken_printable(name, sizeof name, f->name, strlen(f->name));
    if (json_is_string(v))
        return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is \"%s\"; %s is expected", f->path, f->line, name,
                        ken_printable(text, sizeof text, json_string_value(v), json_string_length(v)), want);
    return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is %s; %s is expected", f->path, f->line, name, type_name(v),
                    want);
}

/* ---- text and numbers ----------------------------------------------------------------------------------------------- */

int ken_field_text(const ken_field *f, const char **s, size_t *n, ken_err *err)
{
    const json_t *v = json_object_get(f->row, f->name);
    if (v == NULL) return ken_field_missing(f, err);
    if (!json_is_string(v)) return ken_field_wrong(f, "a string", err);
    *s = json_string_value(v);
    *n = json_string_length(v);
    if (ken_is_blank(*s, *n))
        return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is empty", f->path, f->line, f->name);
    return KEN_OK;
}

int ken_field_text_or_null(const ken_field *f, const char **s, size_t *n, ken_err *err)
{
    const json_t *v = json_object_get(f->row, f->name);
    *s = NULL;
    *n = 0;
    if (v == NULL || json_is_null(v)) return KEN_OK;
    if (!json_is_string(v)) return ken_field_wrong(f, "a string", err);
    if (ken_is_blank(json_string_value(v), json_string_length(v))) return KEN_OK;
    *s = json_string_value(v);
    *n = json_string_length(v);
    return KEN_OK;
}

int ken_field_copy(const ken_field *f, bool must, ken_arena *a, const char **out, const char *what, ken_err *err)
{
    const char *s = NULL;
    size_t n = 0;
    *out = NULL;
    int rc = must ? ken_field_text(f, &s, &n, err) : ken_field_text_or_null(f, &s, &n, err);
    if (rc != KEN_OK || s == NULL) return rc;
    *out = ken_arena_strndup(a, s, n);
    return *out != NULL ? KEN_OK : ken_fail_nomem(err, what);
}

int ken_field_id(const ken_field *f, ken_arena *a, const char **id, ken_err *err)
{
    const json_t *v = json_object_get(f->row, f->name);
    char digits[32];
    const char *s = digits;
    size_t n = 0;
    *id = NULL;
    if (json_is_integer(v)) n = (size_t)snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else {
        int rc = ken_field_text_or_null(f, &s, &n, err);
        if (rc != KEN_OK || s == NULL) return rc;
    }
    *id = ken_arena_strndup(a, s, n);
    return *id == NULL ? ken_fail_nomem(err, "ids") : KEN_OK;
}

int ken_field_number(const ken_field *f, double *x, ken_err *err)
{
    const json_t *v = json_object_get(f->row, f->name);
    *x = NAN;
    if (v == NULL || json_is_null(v)) return KEN_OK;
    if (json_is_number(v)) {
        *x = json_number_value(v);
        return KEN_OK;
    }
    if (!json_is_string(v)) return ken_field_wrong(f, "a number", err);
    const char *s = json_string_value(v);
    if (ken_is_blank(s, json_string_length(v))) return KEN_OK;
    char *end;
    *x = strtod(s, &end); /* too small a number becomes the nearest there is: a probability of 1e-320 is one */
    end += strspn(end, " \t");
    if (end == s || *end != '\0' || !isfinite(*x)) return ken_field_wrong(f, "a number", err);
    return KEN_OK;
}

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

static int copy_list(const ken_field *f, const json_t *v, ken_arena *a, const char *const **list, int *n, ken_err *err)
{
    size_t count = json_array_size(v);
    if (count == 0) return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is an empty list", f->path, f->line, f->name);
    if (count > KEN_MAX_ANSWERS)
        return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" lists %zu strings; at most %d are read", f->path, f->line,
                        f->name, count, KEN_MAX_ANSWERS);
    for (size_t i = 0; i < count; i++) {
        const json_t *s = json_array_get(v, i);
        if (!json_is_string(s))
            return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\", place %zu, is %s; a string is expected", f->path,
                            f->line, f->name, i + 1, type_name(s));
        if (ken_is_blank(json_string_value(s), json_string_length(s)))
            return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\", place %zu, is empty", f->path, f->line, f->name,
                            i + 1);
    }
    const char **copy = ken_arena_calloc(a, count, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        const json_t *s = json_array_get(v, i);
        copy[i] = ken_arena_strndup(a, json_string_value(s), json_string_length(s));
        if (copy[i] == NULL) copy = NULL;
    }
    if (copy == NULL) return ken_fail_nomem(err, "answers");
    *list = copy;
    *n = (int)count;
    return KEN_OK;
}

/* Text that looks like a JSON list ("[...]"), parsed; NULL when it is none. CSV has no lists, so they come as text. */
static json_t *list_in_text(const char *s, size_t n)
{
    size_t at = strspn(s, " \t");
    size_t depth = 0;
    for (size_t i = at; i < n && s[i] == '['; i++) depth++;
    if (depth == 0 || depth > KEN_MAX_DEPTH) return NULL;
    json_t *v = json_loadb(s, n, JSON_REJECT_DUPLICATES, NULL);
    if (v != NULL && !json_is_array(v)) {
        json_decref(v);
        v = NULL;
    }
    return v;
}

static bool all_strings(const json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)list, i, v) if (!json_is_string(v)) return false;
    return json_array_size(list) > 0;
}

int ken_field_list(const ken_field *f, bool must_list, ken_arena *a, const char *const **list, int *n, ken_err *err)
{
    const json_t *v = json_object_get(f->row, f->name);
    if (v == NULL) return ken_field_missing(f, err);
    if (json_is_array(v)) return copy_list(f, v, a, list, n, err);
    if (!json_is_string(v)) return ken_field_wrong(f, "a string or a list of strings", err);
    const char *s = json_string_value(v);
    size_t len = json_string_length(v);
    if (ken_is_blank(s, len))
        return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is empty", f->path, f->line, f->name);
    json_t *inner = list_in_text(s, len);
    int rc;
    if (inner != NULL && (must_list || all_strings(inner))) rc = copy_list(f, inner, a, list, n, err);
    else if (must_list) rc = ken_field_wrong(f, "a JSON list of strings", err);
    else {
        const char **one = ken_arena_calloc(a, 1, sizeof *one);
        if (one != NULL) one[0] = ken_arena_strndup(a, s, len);
        rc = one == NULL || one[0] == NULL ? ken_fail_nomem(err, "answers") : KEN_OK;
        *list = one;
        *n = 1;
    }
    json_decref(inner);
    return rc;
}
