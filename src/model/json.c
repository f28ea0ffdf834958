/* json.c - JSON with limits; see json.h. */
#include "model/json.h"
#include "base/read_json.h"
#include "text/unicode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

/* jansson recurses up to 2048 levels; our files have five. Brackets inside strings do not nest. */
static bool too_deep(const char *p, size_t n)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        if (in_string) {
            if (p[i] == '\\') i++;
            else if (p[i] == '"') in_string = false;
        } else if (p[i] == '"') in_string = true;
        else if (p[i] == '{' || p[i] == '[') {
            if (++depth > MAX_DEPTH) return true;
        } else if (p[i] == '}' || p[i] == ']') depth--;
    }
    return false;
}

int ken_json_parse(json_t **out, const void *data, size_t n, size_t max_bytes, const char *file, ken_err *err)
{
    *out = NULL;
    if (n > max_bytes)
        return ken_fail(err, KEN_EINPUT, "%s: %zu bytes of JSON are more than the %zu that are read", file, n,
                        max_bytes);
    if (n == 0) return ken_fail(err, KEN_EINPUT, "%s: the file is empty; get the model again", file);
    if (too_deep(data, n)) return ken_fail(err, KEN_EINPUT, "%s: JSON nested deeper than %d levels", file, MAX_DEPTH);
    json_error_t e;
    json_t *j = ken_read_json(data, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    if (j == NULL && ken_json_no_memory(&e)) return ken_fail_nomem(err, file);
    if (j == NULL) return ken_fail(err, KEN_EINPUT, "%s:%d:%d: not valid JSON: %s", file, e.line, e.column, e.text);
    if (!json_is_object(j)) {
        json_decref(j);
        return ken_fail(err, KEN_EINPUT, "%s: the root is not a JSON object", file);
    }
    *out = j;
    return KEN_OK;
}

bool ken_json_quote(ken_buf *out, const char *s, size_t n)
{
    if (!ken_utf8_is_valid(s, n)) return false;
    ken_buf_putc(out, '"');
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\') ken_buf_printf(out, "\\%c", c);
        else if (c == '\n') ken_buf_puts(out, "\\n");
        else if (c < 0x20 || c == 0x7f) ken_buf_printf(out, "\\u%04x", c);
        else ken_buf_putc(out, (char)c);
    }
    ken_buf_putc(out, '"');
    return true;
}

const char *ken_json_number(double x, bool is_float, char buf[40])
{
    for (int digits = is_float ? 6 : 15; digits <= (is_float ? 9 : 17); digits++) {
        snprintf(buf, 40, "%.*g", digits, x);
        if (is_float ? strtof(buf, NULL) == (float)x : strtod(buf, NULL) == x) break;
    }
    char *comma = strchr(buf, ','); /* some locales */
    if (comma != NULL) *comma = '.';
    if (strpbrk(buf, ".e") == NULL) snprintf(buf + strlen(buf), 40 - strlen(buf), ".0");
    return buf;
}

ken_value ken_json_value(const json_t *j, const char *path)
{
    char name[64];
    while (j != NULL && *path != '\0') { /* one step a dot */
        size_t n = strcspn(path, ".");
        if (n >= sizeof name) return (ken_value){.kind = KEN_V_NONE};
        memcpy(name, path, n);
        name[n] = '\0';
        j = json_object_get(j, name);
        path += n + (path[n] == '.');
    }
    if (j == NULL) return (ken_value){.kind = KEN_V_NONE};
    switch (json_typeof(j)) {
    case JSON_NULL: return (ken_value){.kind = KEN_V_NULL};
    case JSON_TRUE: return (ken_value){.kind = KEN_V_BOOL, .boolean = true};
    case JSON_FALSE: return (ken_value){.kind = KEN_V_BOOL};
    case JSON_INTEGER:
    case JSON_REAL: return (ken_value){.kind = KEN_V_NUMBER, .number = json_number_value(j)};
    case JSON_STRING: return (ken_value){.kind = KEN_V_STRING, .string = {json_string_value(j), json_string_length(j)}};
    default: return (ken_value){.kind = KEN_V_OTHER};
    }
}

bool ken_value_is(const ken_value *v, const char *text)
{
    return v->kind == KEN_V_STRING && v->string.n == strlen(text) && memcmp(v->string.p, text, v->string.n) == 0;
}
