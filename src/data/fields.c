/* fields.c - see fields.h. */
#include "data/fields.h"
#include "base/read_json.h"
#include "data/clean.h"
#include "data/python_text.h"
#include "model/json.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ken_is_blank(const char *s, size_t n) { return ken_trim_invisible(&s, n) == 0; }

/* ---- where a field is ------------------------------------------------------------------------------------------------------ */

/* One step of a path: what the key or place is that stands before the dot, and the rest behind it (NULL = nothing). */
static const json_t *step(const json_t *v, const char *path, const char **rest)
{
    const char *dot = strchr(path, '.');
    size_t n = dot != NULL ? (size_t)(dot - path) : strlen(path), place = 0;
    *rest = dot != NULL ? dot + 1 : NULL;
    if (json_is_object(v)) return json_object_getn(v, path, n);
    if (!json_is_array(v) || n == 0 || n > 6 || strspn(path, "0123456789") < n) return NULL;
    for (size_t i = 0; i < n; i++) place = 10 * place + (size_t)(path[i] - '0');
    return json_array_get(v, place);
}

const json_t *ken_field_value(const ken_field *f)
{
    const json_t *v = json_object_get(f->row, f->name);
    if (v != NULL || strchr(f->name, '.') == NULL) return v;
    const char *rest;
    v = f->row;
    for (const char *at = f->name; at != NULL && v != NULL; at = rest) v = step(v, at, &rest);
    return v;
}

/* ---- messages ----------------------------------------------------------------------------------------------------------- */

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
    const json_t *v = ken_field_value(f);
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
    const json_t *v = ken_field_value(f);
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
    const json_t *v = ken_field_value(f);
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
    const json_t *v = ken_field_value(f);
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
    const json_t *v = ken_field_value(f);
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

/* A string, or a number with the digits that it was written with, as text (*n) borrowed from v or buf; NULL for anything else. */
static const char *text_of(const json_t *v, char buf[40], size_t *n)
{
    if (json_is_string(v)) {
        *n = json_string_length(v);
        return json_string_value(v);
    }
    if (json_is_integer(v)) snprintf(buf, 40, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_real(v)) (void)ken_json_number(json_real_value(v), false, buf);
    else return NULL;
    *n = strlen(buf);
    return buf;
}

static int copy_list(const ken_field *f, const json_t *v, ken_arena *a, const char *const **list, int *n, ken_err *err)
{
    size_t count = json_array_size(v), len;
    char digits[40];
    if (count == 0) return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is an empty list", f->path, f->line, f->name);
    if (count > KEN_MAX_ANSWERS)
        return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" lists %zu strings; at most %d are read", f->path, f->line,
                        f->name, count, KEN_MAX_ANSWERS);
    const char **copy = ken_arena_calloc(a, count, sizeof *copy);
    if (copy == NULL) return ken_fail_nomem(err, "answers");
    for (size_t i = 0; i < count; i++) {
        const json_t *x = json_array_get(v, i);
        const char *s = text_of(x, digits, &len);
        if (s == NULL)
            return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\", place %zu, is %s; a string is expected", f->path,
                            f->line, f->name, i + 1, type_name(x));
        if (ken_is_blank(s, len))
            return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\", place %zu, is empty", f->path, f->line, f->name,
                            i + 1);
        if ((copy[i] = ken_arena_strndup(a, s, len)) == NULL) return ken_fail_nomem(err, "answers");
    }
    *list = copy;
    *n = (int)count;
    return KEN_OK;
}

static bool begins(const char *s, size_t n, const char *with)
{
    return n >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

/* Text that is a list as JSON or Python write them; CSV has no lists, so they come as text. NULL when it is none. */
static json_t *list_in_text(const char *s, size_t n, bool *no_memory)
{
    size_t depth = 0;
    *no_memory = false;
    for (size_t i = 0; i < n && s[i] == '['; i++) depth++;
    if (depth == 0 ? !begins(s, n, "('") && !begins(s, n, "(\"") && !begins(s, n, "array(") : depth > KEN_MAX_DEPTH)
        return NULL;
    json_error_t e = {0};
    json_t *v = depth > 0 ? ken_read_json(s, n, JSON_REJECT_DUPLICATES, &e) : NULL;
    if (depth > 0 && v == NULL && ken_json_no_memory(&e)) *no_memory = true;
    else if (v == NULL) v = ken_python_value(s, n, no_memory);
    if (v != NULL && !json_is_array(v)) {
        json_decref(v);
        v = NULL;
    }
    return v;
}

/* Quotes right behind the bracket, or brackets around several entries: nobody answers so. */
static bool looks_like_list(const char *s, size_t n)
{
    static const char *const opens[] = {"['", "[\"", "('", "(\"", "{'", "{\"", "array("};
    for (size_t i = 0; i < sizeof opens / sizeof *opens; i++)
        if (begins(s, n, opens[i])) return true;
    return n > 1 && s[0] == '[' && s[n - 1] == ']' && (memchr(s, ',', n) != NULL || memchr(s, ';', n) != NULL);
}

/* The entries that f->part parts, without the white space around them. */
static int parted_list(const ken_field *f, const char *s, size_t n, ken_arena *a, const char *const **list, int *out,
                       ken_err *err)
{
    size_t count = 1, m = 0;
    for (size_t i = 0; i < n; i++) count += s[i] == f->part;
    if (count > KEN_MAX_ANSWERS)
        return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" lists %zu strings; at most %d are read", f->path, f->line,
                        f->name, count, KEN_MAX_ANSWERS);
    const char **copy = ken_arena_calloc(a, count, sizeof *copy);
    for (const char *p = s, *end = s + n; p <= end && copy != NULL;) {
        const char *to = memchr(p, f->part, (size_t)(end - p)), *from = p;
        if (to == NULL) to = end;
        size_t len = ken_trim_invisible(&from, (size_t)(to - p));
        if (len > 0 && (copy[m++] = ken_arena_strndup(a, from, len)) == NULL) copy = NULL;
        p = to + 1;
    }
    if (copy == NULL) return ken_fail_nomem(err, "answers");
    if (m == 0) return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is empty", f->path, f->line, f->name);
    *list = copy;
    *out = (int)m;
    return KEN_OK;
}

static int list_of_text(const ken_field *f, const char *s, size_t len, bool must_list, ken_arena *a,
                        const char *const **list, int *n, ken_err *err)
{
    char shown[60];
    bool no_memory;
    if (ken_is_blank(s, len))
        return ken_fail(err, KEN_EINPUT, "%s:%d: field \"%s\" is empty", f->path, f->line, f->name);
    const char *inside = s;
    size_t m = ken_trim_invisible(&inside, len);
    json_t *inner = list_in_text(inside, m, &no_memory);
    int rc = KEN_OK;
    if (no_memory) return ken_fail_nomem(err, "answers");
    if (inner != NULL) rc = copy_list(f, inner, a, list, n, err);
    else if (must_list) rc = ken_field_wrong(f, "a JSON list of strings", err);
    else if (looks_like_list(inside, m))
        rc = ken_fail(err, KEN_EINPUT,
                      "%s:%d: field \"%s\" is \"%s\", which looks like a list but cannot be read as one; write it as "
                      "JSON: [\"one\", \"another\"]",
                      f->path, f->line, f->name, ken_printable(shown, sizeof shown, s, len));
    else if (f->part != 0) rc = parted_list(f, s, len, a, list, n, err);
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

/* Adds what the path finds below v, through the objects of lists; depth bounds the lists in lists. */
static bool gather(json_t *all, const json_t *v, const char *path, int depth)
{
    for (const char *rest; path != NULL && !json_is_array(v); path = rest) v = step(v, path, &rest);
    if (json_is_array(v)) {
        bool good = depth > 0;
        for (size_t i = 0; i < json_array_size(v) && good; i++)
            good = gather(all, json_array_get(v, i), path, depth - 1);
        return good;
    }
    return v == NULL || json_is_null(v) || json_array_append(all, (json_t *)v) == 0;
}

/* Of an object the user may name what is in it. */
static int is_object(const ken_field *f, const json_t *v, ken_err *err)
{
    char one[40];
    const char *key = json_object_iter_key(json_object_iter((json_t *)v));
    if (key == NULL || f->setting == NULL) return ken_field_wrong(f, "a string or a list of strings", err);
    (void)ken_printable(one, sizeof one, key, strlen(key));
    return ken_fail(
        err, KEN_EINPUT,
        "%s:%d: field \"%s\" is an object; a string or a list of strings is expected; name one in it with %s, as "
        "in %s.%s",
        f->path, f->line, f->name, f->setting, f->name, one);
}

int ken_field_list(const ken_field *f, bool must_list, ken_arena *a, const char *const **list, int *n, ken_err *err)
{
    const json_t *v = ken_field_value(f);
    char digits[40];
    size_t len;
    if (v == NULL && strchr(f->name, '.') != NULL) {
        json_t *all = json_array();
        int rc = all != NULL && gather(all, f->row, f->name, KEN_MAX_DEPTH) ? KEN_OK : ken_fail_nomem(err, "answers");
        if (rc == KEN_OK)
            rc = json_array_size(all) > 0 ? copy_list(f, all, a, list, n, err) : ken_field_missing(f, err);
        json_decref(all);
        return rc;
    }
    if (v == NULL) return ken_field_missing(f, err);
    if (json_is_array(v)) return copy_list(f, v, a, list, n, err);
    if (json_is_object(v)) return is_object(f, v, err);
    const char *s = text_of(v, digits, &len);
    if (s == NULL) return ken_field_wrong(f, "a string or a list of strings", err);
    return list_of_text(f, s, len, must_list, a, list, n, err);
}
