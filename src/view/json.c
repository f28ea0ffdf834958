/* json.c - views as one JSON object. Each row says where its cells belong (ken_view_row.path), each column under which key. */
#include "base/alloc.h"
#include "text/unicode.h"
#include "view/views.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    json_t *all;
    const char *exact; /* key of the whole object whose number keeps all its digits (ken_value_exact); NULL = none */
    bool failed;
} writer;

/* jansson refuses text that is no UTF-8, and NULL values: whatever fails makes the whole fail. */
static json_t *text(const char *s)
{
    ken_buf b = {0};
    ken_utf8_clean(&b, s, strlen(s));
    json_t *x = b.failed ? NULL : json_string(ken_buf_str(&b));
    ken_buf_free(&b);
    return x;
}

static json_t *real(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static void set(writer *w, json_t *of, const char *key, json_t *x)
{
    if (of == NULL || json_object_set_new(of, key, x) != 0) w->failed = true; /* takes x also when it fails */
}

/* The value under key, which is made when it is not there. Borrowed. */
static json_t *get(writer *w, json_t *of, const char *key, bool list)
{
    json_t *x = json_object_get(of, key);
    const bool good = list ? json_is_array(x) : json_is_object(x);
    if (!good && of != NULL) set(w, of, key, x = list ? json_array() : json_object());
    return x;
}

/* Reads a name up to an unescaped dot or bracket; what is left of the path. Names may be anybody's. */
static const char *next_name(writer *w, ken_buf *name, const char *path)
{
    ken_buf raw = {0};
    for (; *path != '\0' && *path != '.' && *path != '['; path++) {
        if (*path == '\\' && path[1] != '\0') path++;
        ken_buf_putc(&raw, *path);
    }
    ken_buf_clear(name);
    ken_utf8_clean(name, ken_buf_str(&raw), raw.len);
    w->failed |= raw.failed || name->failed;
    ken_buf_free(&raw);
    return path;
}

/* What is at path (ken_view_row in ken.h): an object, which "name[]" appends to its list unless the list itself is wanted. */
static json_t *at_path(writer *w, const char *path, bool list_itself)
{
    json_t *at = w->all;
    ken_buf name = {0};
    while (*path != '\0' && !w->failed) {
        path = next_name(w, &name, path);
        const bool list = *path == '[', append = strncmp(path, "[]", 2) == 0;
        at = get(w, at, ken_buf_str(&name), list);
        if (append && list_itself) break;
        if (append && json_array_append_new(at, json_object()) != 0) w->failed = true;
        const bool last = append || strncmp(path, "[-1]", 4) == 0;
        if (list) at = json_array_get(at, last ? json_array_size(at) - 1 : strtoul(path + 1, NULL, 10));
        path += strcspn(path, ".");
        path += *path == '.';
    }
    ken_buf_free(&name);
    return at;
}

static json_t *value(const ken_view_column *c, const ken_view_cell *x)
{
    switch (c->unit) {
    case KEN_UNIT_TEXT: return x->text != NULL ? text(x->text) : json_null();
    case KEN_UNIT_TRUTH: return json_boolean(x->count != 0);
    case KEN_UNIT_COUNT:
    case KEN_UNIT_PART: return json_integer((json_int_t)x->count);
    default: return real(x->value);
    }
}

/* Below of, at a path of names joined by dots. */
static void set_at(writer *w, json_t *of, const char *path, json_t *x)
{
    char name[64];
    for (size_t n; path[n = strcspn(path, ".")] == '.'; path += n + 1) {
        snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), path);
        of = get(w, of, name, false);
    }
    set(w, of, path, x);
}

static void put_cell(writer *w, json_t *of, const ken_view_column *c, const ken_view_cell *x)
{
    if (c->sub != NULL) set(w, get(w, of, c->key, false), c->sub, value(c, x));
    else set_at(w, of, c->key, value(c, x));
    if (c->lo_key == NULL) return;
    if (c->hi_key == NULL) {
        set_at(w, of, c->lo_key, json_pack("[o,o]", real(x->lo), real(x->hi)));
        return;
    }
    set_at(w, of, c->lo_key, real(x->lo));
    set_at(w, of, c->hi_key, real(x->hi));
}

static void put_row(writer *w, const ken_view *t, const ken_view_row *row)
{
    if (row->between != NULL || row->path == NULL || !(row->where & KEN_IN_JSON)) return;
    const bool values = t->n_columns == 1 && t->column[0].key != NULL && t->column[0].key[0] == '\0';
    json_t *of = at_path(w, row->path, values || t->n_columns == 0);
    if (values && json_array_append_new(of, value(&t->column[0], &row->cell[0])) != 0) w->failed = true;
    if (values || t->n_columns == 0) return;
    if (row->key != NULL) {
        ken_buf key = {0}; /* relations may be called anything */
        ken_utf8_clean(&key, row->key, strlen(row->key));
        w->failed |= key.failed;
        of = get(w, of, ken_buf_str(&key), false);
        ken_buf_free(&key);
    }
    for (size_t i = 0; i < t->n_columns && !w->failed; i++) {
        if (t->column[i].unit == KEN_UNIT_EXACT && of == w->all) w->exact = t->column[i].key;
        if (t->column[i].key != NULL && ken_view_column_is(&t->column[i], KEN_IN_JSON) && row->cell[i].there)
            put_cell(w, of, &t->column[i], &row->cell[i]);
    }
}

/* Nine digits hold everything an f32 can say and print 0.3 as 0.3. */
static void put_text(ken_buf *b, const json_t *x)
{
    char *s = json_dumps(x, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    if (s != NULL) ken_buf_puts(b, s);
    else b->failed = true;
    free(s); /* jansson has an allocator of its own */
}

/* jansson gives all numbers of a text as many digits, so that an object with an exact one is put together here. */
static void put_exact(ken_buf *b, const json_t *all, const char *exact)
{
    const char *key, *before = "{";
    char digits[40];
    json_t *x;
    json_object_foreach((json_t *)all, key, x)
    {
        json_t *name = json_string(key);
        ken_buf_puts(b, before);
        put_text(b, name);
        ken_buf_putc(b, ':');
        if (json_is_real(x) && strcmp(key, exact) == 0) ken_buf_puts(b, ken_exact_text(digits, json_real_value(x)));
        else put_text(b, x);
        json_decref(name);
        before = ",";
    }
    ken_buf_putc(b, '}');
}

int ken_views_json(const ken_views *v, char **out, ken_err *err)
{
    writer w = {.all = json_object()};
    *out = NULL;
    for (size_t i = 0; i < v->n; i++)
        for (size_t j = 0; j < v->view[i].view.n_rows; j++) put_row(&w, &v->view[i].view, &v->view[i].view.row[j]);
    ken_buf b = {.failed = w.failed || w.all == NULL};
    if (w.exact != NULL) put_exact(&b, w.all, w.exact);
    else if (!b.failed) put_text(&b, w.all);
    json_decref(w.all);
    *out = ken_buf_take(&b);
    return *out != NULL ? KEN_OK : ken_fail_nomem(err, "the output");
}
