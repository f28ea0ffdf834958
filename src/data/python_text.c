/* python_text.c - see python_text.h. A recursive descent over literals; whatever is not understood ends it. */
#include "data/python_text.h"
#include "base/buf.h"
#include "base/read_json.h"
#include "data/rows.h"
#include "text/unicode.h"
#include <string.h>

typedef struct parser {
    const char *p, *end;
    int depth;
    bool no_memory;
} parser;

static json_t *value(parser *r);

static void skip_space(parser *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')) r->p++;
}

static bool take(parser *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
    r->p += n;
    return true;
}

static json_t *keep(parser *r, json_t *v)
{
    r->no_memory |= v == NULL;
    return v;
}

/* ---- strings and numbers ------------------------------------------------------------------------------------------------ */

/* The code point that so many hexadecimal digits give; -1 when they do not. */
static int32_t hexadecimal(parser *r, int digits)
{
    int32_t cp = 0;
    for (; digits > 0; digits--, r->p++) {
        const char *known = "0123456789abcdef";
        const char *at = r->p < r->end && *r->p != '\0' ? strchr(known, *r->p | 0x20) : NULL;
        if (at == NULL || cp > 0x10FFFF) return -1;
        cp = 16 * cp + (int32_t)(at - known);
    }
    return cp <= 0x10FFFF && (cp < 0xD800 || cp > 0xDFFF) ? cp : -1;
}

/* What follows a backslash. */
static bool escape(parser *r, ken_buf *out)
{
    static const char letters[] = "ntr\\'\"ab0", means[] = "\n\t\r\\'\"\a\b";
    char c = r->p < r->end ? *r->p++ : '\0', bytes[4];
    const char *at = c != '\0' && c != '0' ? strchr(letters, c) : NULL;
    if (at != NULL) {
        ken_buf_putc(out, means[at - letters]);
        return true;
    }
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    int32_t cp = digits > 0 ? hexadecimal(r, digits) : -1;
    if (cp <= 0) return false;
    ken_buf_add(out, bytes, (size_t)ken_utf8_encode(cp, bytes));
    return true;
}

static json_t *string(parser *r)
{
    char quote = *r->p++;
    ken_buf out = {0};
    bool good = true;
    while (good && r->p < r->end && *r->p != quote) {
        if (*r->p == '\\') {
            r->p++;
            good = escape(r, &out);
        } else ken_buf_putc(&out, *r->p++);
    }
    good = good && r->p < r->end;
    if (good) r->p++;
    r->no_memory |= out.failed;
    json_t *v = NULL;
    if (good && !out.failed && ken_utf8_is_valid(ken_buf_str(&out), out.len))
        v = keep(r, json_stringn(ken_buf_str(&out), out.len));
    ken_buf_free(&out);
    return v;
}

/* As JSON has them; a number that Python wrote otherwise (1., 0x10) is not understood. */
static json_t *number(parser *r)
{
    const char *from = r->p;
    while (r->p < r->end && *r->p != '\0' && strchr("+-.0123456789eE", *r->p) != NULL) r->p++;
    json_error_t e = {0};
    if (r->p == from) return NULL;
    json_t *v = json_loadb(from, (size_t)(r->p - from), JSON_DECODE_ANY, &e);
    if (v != NULL && json_is_number(v)) return v;
    r->no_memory |= v == NULL && ken_json_no_memory(&e);
    json_decref(v);
    return NULL;
}

/* ---- containers --------------------------------------------------------------------------------------------------------- */

/* Entries up to the closing bracket, with commas between them or, as numpy prints them, white space alone. */
static json_t *list(parser *r, char close)
{
    json_t *all = keep(r, json_array());
    bool good = all != NULL;
    for (bool done = false; good && !done;) {
        skip_space(r);
        done = r->p < r->end && *r->p == close;
        if (done) break;
        json_t *one = r->p < r->end ? value(r) : NULL;
        good = one != NULL;
        if (good && json_array_append_new(all, one) != 0) r->no_memory = true, good = false;
        skip_space(r);
        if (good && r->p < r->end && *r->p == ',') r->p++;
    }
    if (good) {
        r->p++;
        return all;
    }
    json_decref(all);
    return NULL;
}

static json_t *dict(parser *r)
{
    json_t *all = keep(r, json_object());
    bool good = all != NULL;
    for (bool done = false; good && !done;) {
        skip_space(r);
        done = r->p < r->end && *r->p == '}';
        if (done) break;
        json_t *key = r->p < r->end ? value(r) : NULL, *one = NULL;
        skip_space(r);
        if (json_is_string(key) && take(r, ":")) {
            skip_space(r);
            one = value(r);
        }
        good = one != NULL;
        if (good && json_object_setn_new(all, json_string_value(key), json_string_length(key), one) != 0)
            r->no_memory = true, good = false;
        json_decref(key);
        skip_space(r);
        if (good && r->p < r->end && *r->p != '}') good = take(r, ",");
    }
    if (good) {
        r->p++;
        return all;
    }
    json_decref(all);
    return NULL;
}

/* array(VALUE) or array(VALUE, dtype=NAME), as numpy shows itself inside a dict. */
static json_t *array(parser *r)
{
    skip_space(r);
    json_t *v = value(r);
    skip_space(r);
    if (v != NULL && take(r, ",")) {
        skip_space(r);
        if (take(r, "dtype="))
            while (r->p < r->end && *r->p != ')') r->p++;
    }
    if (v != NULL && json_is_array(v) && take(r, ")")) return v;
    json_decref(v);
    return NULL;
}

static json_t *value_inside(parser *r)
{
    char c = r->p < r->end ? *r->p : '\0';
    if (c == '\'' || c == '"') return string(r);
    if (c == '[' || c == '(') {
        r->p++;
        return list(r, c == '[' ? ']' : ')');
    }
    if (c == '{') {
        r->p++;
        return dict(r);
    }
    if (take(r, "array(")) return array(r);
    if (take(r, "None") || take(r, "nan")) return json_null();
    if (take(r, "True")) return json_true();
    if (take(r, "False")) return json_false();
    return number(r);
}

static json_t *value(parser *r)
{
    if (r->depth == KEN_MAX_DEPTH) return NULL;
    r->depth++;
    json_t *v = value_inside(r);
    r->depth--;
    return v;
}

json_t *ken_python_value(const char *s, size_t n, bool *no_memory)
{
    parser r = {.p = s, .end = s + n};
    skip_space(&r);
    json_t *v = value(&r);
    skip_space(&r);
    *no_memory = r.no_memory;
    if (v != NULL && r.p == r.end && !r.no_memory) return v;
    json_decref(v);
    return NULL;
}
