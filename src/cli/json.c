/* json.c - see json.h. */
#include "cli/json.h"
#include "cli/cli.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the UTF-8 character at s, 0 when it is broken: overlong, a surrogate, past U+10FFFF, or cut off. */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if (n == 3 && ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F))) return 0;
    if (n == 4 && ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))) return 0;
    return n;
}

json_t *cli_json_string(const char *s)
{
    if (s == NULL) return json_null();
    json_t *v = json_string(s);
    if (v != NULL) return v;
    char *fixed = malloc(3 * strlen(s) + 1), *w = fixed;
    if (fixed == NULL) return NULL;
    while (*s != '\0') {
        size_t n = utf8_length((const unsigned char *)s);
        memcpy(w, n > 0 ? s : "\xEF\xBF\xBD", n > 0 ? n : 3);
        w += n > 0 ? n : 3;
        s += n > 0 ? n : 1;
    }
    *w = '\0';
    v = json_string(fixed);
    free(fixed);
    return v;
}

json_t *cli_json_strings(const char *const *s, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        if (json_array_append_new(a, cli_json_string(s[i])) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

json_t *cli_json_count(uint64_t n) { return json_integer((json_int_t)n); }

json_t *cli_json_real(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* Nine digits hold everything an f32 can say and print 0.3 as 0.3. */
static int print_value(const json_t *v)
{
    return json_dumpf(v, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
}

/* jansson gives all numbers of a text as many digits, so that an object with an exact one is put together here. */
static int print_exact(const json_t *v)
{
    const char *key, *before = "{";
    char digits[40];
    json_t *x;
    int bad = 0;
    json_object_foreach((json_t *)v, key, x)
    {
        json_t *name = json_string(key);
        bad |= fputs(before, stdout) == EOF || name == NULL || print_value(name) != 0 || putchar(':') == EOF;
        bool exact = json_is_real(x) && strcmp(key, CLI_JSON_EXACT) == 0;
        bad |= exact ? fputs(ken_exact_text(digits, json_real_value(x)), stdout) == EOF : print_value(x) != 0;
        json_decref(name);
        before = ",";
    }
    return bad | (putchar('}') == EOF);
}

int cli_json_print(json_t *v, ken_err *err)
{
    if (v == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory for the output");
    errno = 0;
    int bad = json_is_real(json_object_get(v, CLI_JSON_EXACT)) ? print_exact(v) : print_value(v);
    bad |= putchar('\n') == EOF;
    int reason = errno;
    json_decref(v);
    if (bad == 0) return KEN_OK;
    return cli_fail(err, KEN_EFAIL, "cannot write to standard output: %s",
                    reason != 0 ? strerror(reason) : "write error");
}

void cli_json_put(cli_json_object *x, const char *key, json_t *v)
{
    if (json_object_set_new(x->o, key, v) != 0) x->failed = true;
}

json_t *cli_json_finish(cli_json_object *x)
{
    if (!x->failed) return x->o;
    json_decref(x->o);
    return NULL;
}

void cli_json_put_fields(cli_json_object *x, const void *from, const cli_json_field *field)
{
    for (; field->key != NULL; field++) {
        const void *member = (const char *)from + field->at;
        json_t *v = NULL;
        switch (field->kind) {
        case CLI_JSON_COUNT: v = cli_json_count(*(const uint64_t *)member); break;
        case CLI_JSON_INT: v = json_integer(*(const int *)member); break;
        case CLI_JSON_REAL: v = cli_json_real(*(const double *)member); break;
        case CLI_JSON_BOOL: v = json_boolean(*(const bool *)member); break;
        case CLI_JSON_TEXT: v = cli_json_string(*(const char *const *)member); break;
        }
        cli_json_put(x, field->key, v);
    }
}
