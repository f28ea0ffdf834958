/* json_whole.c - files of one JSON object that is not a row but holds them:
 *
 *     {"version": "1.1", "data": [{...}, ...]}                     SQuAD, pandas' orient="table"; also "Data", "rows", "examples", "questions"
 *     {"question": ["...", ...], "answer": ["...", ...]}           columns
 *     {"question": {"0": "...", ...}, "answer": {"0": ...}}        columns as pandas' to_json writes them
 *     {"columns": ["question", ...], "data": [["...", ...], ...]}  pandas' orient="split"
 *
 * Lists of rows are read row by row in place; columns are parsed whole, which bounds their size. */
#include "base/read_json.h"
#include "data/json_scan.h"
#include <string.h>

enum { MAX_MEMBERS = KEN_MAX_COLUMNS, MAX_COLUMNS_BYTES = 1 << 28 };

/* ---- rows in a list ---------------------------------------------------------------------------------------------------- */

static bool is_key(const char *s, size_t n, const char *const *names, size_t n_names)
{
    for (size_t i = 0; i < n_names; i++)
        if (strlen(names[i]) == n && memcmp(names[i], s, n) == 0) return true;
    return false;
}

/* What the object's members look like from outside. */
typedef struct outside {
    ken_cursor rows;                                  /* the list of rows, p NULL = none */
    size_t members, lists, lists_of_others, numbered; /* others: entries that are no objects */
    bool row;                                         /* it has a key that only rows have */
} outside;

static void look_at_member(outside *o, const char *key, size_t n, ken_cursor value)
{
    static const char *const holders[] = {"data", "Data", "rows", "examples", "questions"};
    static const char *const of_rows[] = {"messages", "conversations", "segments"};
    ken_cursor inner = value;
    o->members++;
    if (*value.p == '{') { /* as pandas numbers rows; other objects are a row's own */
        inner.p++;
        ken_skip_space(&inner);
        o->numbered += inner.end - inner.p > 1 && inner.p[0] == '"' && inner.p[1] >= '0' && inner.p[1] <= '9';
    }
    if (*value.p != '[') return;
    o->lists++;
    inner.p++;
    ken_skip_space(&inner);
    bool of_objects = inner.p < inner.end && *inner.p == '{';
    o->lists_of_others += !of_objects && inner.p < inner.end && *inner.p != ']';
    o->row |= of_objects && is_key(key, n, of_rows, sizeof of_rows / sizeof *of_rows);
    if (o->rows.p == NULL && of_objects && is_key(key, n, holders, sizeof holders / sizeof *holders)) o->rows = value;
}

/* False when the text is no object, or more than one. *after: behind it. */
static bool look(const ken_source *s, outside *o, ken_cursor *start, ken_cursor *after, size_t *depth)
{
    ken_cursor c = {s->text, s->text + s->n, 1};
    *depth = 0;
    ken_skip_space(&c);
    *start = c;
    if (c.p == c.end || *c.p != '{') return false;
    for (bool more = true; more;) {
        size_t inside;
        c.p++;
        ken_skip_space(&c);
        if (c.p == c.end || *c.p != '"' || o->members == MAX_MEMBERS) return false;
        const char *key = c.p + 1;
        if (!ken_skip_string(&c)) return false;
        size_t n = (size_t)(c.p - key) - 1;
        ken_skip_space(&c);
        if (c.p == c.end || *c.p != ':') return false;
        c.p++;
        ken_skip_space(&c);
        if (c.p == c.end) return false;
        look_at_member(o, key, n, c);
        if (!ken_skip_value(&c, &inside)) return false;
        if (inside + 1 > *depth) *depth = inside + 1;
        ken_skip_space(&c);
        more = c.p < c.end && *c.p == ',';
    }
    if (c.p == c.end || *c.p != '}') return false;
    c.p++;
    *after = c;
    ken_skip_space(&c);
    return c.p == c.end;
}

typedef struct unwrap {
    ken_row_fn fn;
    void *ctx;
} unwrap;

/* The Hub's viewer puts each row into an object of its own: {"row_idx": 0, "row": {...}}. */
static int unwrapped(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    const unwrap *u = ctx;
    const json_t *inner = json_object_get(row, "row_idx") != NULL ? json_object_get(row, "row") : NULL;
    return u->fn(u->ctx, json_is_object(inner) ? inner : row, place, line, err);
}

/* ---- columns ----------------------------------------------------------------------------------------------------------- */

/* The value of a column in row i: columns are lists, or objects whose keys are the rows'. */
static json_t *cell(const json_t *column, size_t i, const char *key)
{
    return json_is_array(column) ? json_array_get(column, i) : json_object_get(column, key);
}

static int check_columns(const ken_source *s, const json_t *root, int line, ken_err *err)
{
    size_t n = 0;
    bool first = true;
    const char *name, *first_name = "";
    json_t *column;
    json_object_foreach((json_t *)root, name, column)
    {
        size_t m = json_is_array(column) ? json_array_size(column) : json_object_size(column);
        char one[60], two[60];
        if (!first && m != n)
            return ken_fail(err, KEN_EINPUT,
                            "%s:%d: the file is one object of columns, but \"%s\" has %zu entries and \"%s\" %zu",
                            s->path, line, ken_printable(one, sizeof one, first_name, strlen(first_name)), n,
                            ken_printable(two, sizeof two, name, strlen(name)), m);
        if (first) first_name = name;
        n = m;
        first = false;
    }
    return KEN_OK;
}

static int columns_row(ken_source *s, const json_t *root, size_t i, const char *key, int line, ken_row_fn fn, void *ctx,
                       ken_err *err)
{
    const char *name;
    json_t *column, *row = json_object();
    bool good = row != NULL;
    json_object_foreach((json_t *)root, name, column)
    {
        json_t *v = cell(column, i, key);
        if (good && v != NULL) good = json_object_set(row, name, v) == 0;
    }
    int rc = good ? ken_row_verdict(s, fn(ctx, row, i, line, err)) : ken_fail_nomem(err, "a row");
    json_decref(row);
    return rc;
}

static int read_columns(ken_source *s, const json_t *root, int line, ken_row_fn fn, void *ctx, ken_err *err)
{
    int rc = check_columns(s, root, line, err);
    const json_t *first = json_object_iter_value(json_object_iter((json_t *)root));
    const char *key;
    json_t *v;
    size_t i = 0;
    if (json_is_object(first)) {
        json_object_foreach((json_t *)first, key, v)
        {
            if (rc == KEN_OK) rc = columns_row(s, root, i++, key, line, fn, ctx, err);
        }
    } else
        for (; i < json_array_size(first) && rc == KEN_OK; i++) rc = columns_row(s, root, i, NULL, line, fn, ctx, err);
    return rc;
}

/* pandas' orient="split": names in one list, each row's values in another. */
static int read_split(ken_source *s, const json_t *names, const json_t *data, int line, ken_row_fn fn, void *ctx,
                      ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < json_array_size(data) && rc == KEN_OK; i++) {
        const json_t *values = json_array_get(data, i);
        json_t *row = json_object();
        bool good = row != NULL;
        if (json_array_size(values) != json_array_size(names)) {
            rc = ken_row_verdict(s, ken_fail(err, KEN_EINPUT, "%s:%d: row %zu has %zu values, \"columns\" %zu", s->path,
                                             line, i, json_array_size(values), json_array_size(names)));
            json_decref(row);
            continue;
        }
        for (size_t k = 0; k < json_array_size(names) && good; k++)
            if (json_is_string(json_array_get(names, k)))
                good =
                    json_object_set(row, json_string_value(json_array_get(names, k)), json_array_get(values, k)) == 0;
        rc = good ? ken_row_verdict(s, fn(ctx, row, i, line, err)) : ken_fail_nomem(err, "a row");
        json_decref(row);
    }
    return rc;
}

static int parse_columns(ken_source *s, ken_cursor start, const char *end, size_t depth, bool *is, ken_row_fn fn,
                         void *ctx, ken_err *err)
{
    const size_t n = (size_t)(end - start.p);
    json_error_t e = {0};
    *is = true;
    if (n > MAX_COLUMNS_BYTES)
        return ken_fail(
            err, KEN_EINPUT,
            "%s:%d: the file is one object of columns of %zu bytes, of which at most %d are read; write one "
            "object a row",
            s->path, start.line, n, MAX_COLUMNS_BYTES);
    if (depth > KEN_MAX_DEPTH)
        return ken_fail(err, KEN_EINPUT, "%s:%d: lists and objects are nested %zu deep; at most %d are read", s->path,
                        start.line, depth, KEN_MAX_DEPTH);
    json_t *root = ken_read_json(start.p, n, JSON_REJECT_DUPLICATES, &e);
    if (root == NULL) {
        char why[160];
        if (ken_json_no_memory(&e)) return ken_fail_nomem(err, s->path);
        return ken_fail(err, KEN_EINPUT, "%s:%d: not valid JSON: %s", s->path,
                        start.line + (e.line > 0 ? e.line - 1 : 0),
                        ken_printable(why, sizeof why, e.text, strlen(e.text)));
    }
    const json_t *names = json_object_get(root, "columns"), *data = json_object_get(root, "data");
    bool split = json_is_array(names) && json_is_array(data) && json_is_array(json_array_get(data, 0));
    int rc =
        split ? read_split(s, names, data, start.line, fn, ctx, err) : read_columns(s, root, start.line, fn, ctx, err);
    json_decref(root);
    return rc;
}

/* ---- the file ---------------------------------------------------------------------------------------------------------- */

int ken_json_whole(ken_source *s, bool *is, ken_row_fn fn, void *ctx, ken_err *err)
{
    outside o = {0};
    ken_cursor start, after;
    size_t depth;
    *is = false;
    if (!look(s, &o, &start, &after, &depth) || o.row) return KEN_OK;
    if (o.rows.p != NULL) {
        unwrap u = {fn, ctx};
        *is = true;
        return ken_json_list(s, o.rows, &after, unwrapped, &u, err);
    }
    /* One row may consist of lists too, but of objects: {"prompt": [{...}], "completion": [{...}]}. */
    bool columns = o.lists == o.members && o.lists_of_others > 0;
    bool by_key = o.numbered == o.members && o.members > 1;
    return columns || by_key ? parse_columns(s, start, after.p, depth, is, fn, ctx, err) : KEN_OK;
}
