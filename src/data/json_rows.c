/* json_rows.c - rows of a JSON list or of JSON lines; see rows.h.
 *
 * jansson parses one row at a time. Finding where a row ends needs no parser: brackets and strings are enough, and what is
 * inside is checked by jansson afterwards. The line of a row is the one on which its first character is. */
#include "data/csv_quotes.h"
#include "data/rows.h"
#include "base/read_json.h"
#include <limits.h>
#include <string.h>

typedef struct cursor {
    const char *p, *end;
    int line;
} cursor;

static void skip_space(cursor *c)
{
    for (; c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n'); c->p++)
        if (*c->p == '\n' && c->line < INT_MAX) c->line++;
}

/* Moves past a string; false when the text ends inside it. */
static bool skip_string(cursor *c)
{
    for (c->p++; c->p < c->end; c->p++) {
        if (*c->p == '"') {
            c->p++;
            return true;
        }
        if (*c->p == '\n' && c->line < INT_MAX)
            c->line++; /* not valid, but the lines must be right when jansson says so */
        if (*c->p == '\\') {
            c->p++;
            if (c->p < c->end && *c->p == '\n' && c->line < INT_MAX) c->line++;
        }
    }
    c->p = c->end;
    return false;
}

/* Moves past one value of any kind; false when the text ends inside it. *depth: the deepest nesting met. */
static bool skip_value(cursor *c, size_t *depth)
{
    size_t open = 0;
    *depth = 0;
    while (c->p < c->end) {
        char ch = *c->p;
        if (ch == '"') {
            if (!skip_string(c)) return false;
            if (open == 0) return true;
            continue;
        }
        if (ch == '{' || ch == '[') {
            if (++open > *depth) *depth = open;
        } else if (ch == '}' || ch == ']') {
            if (open == 0) return true; /* a bare value before the end of the list */
            if (--open == 0) {
                c->p++;
                return true;
            }
        } else if (open == 0 && strchr(", \t\r\n", ch) != NULL && ch != '\0') return true;
        if (ch == '\n' && c->line < INT_MAX) c->line++;
        c->p++;
    }
    return open == 0;
}

/* Parses the n bytes of one row and passes it on. */
static int emit(ken_source *s, const char *text, size_t n, size_t depth, size_t place, int line, ken_row_fn fn,
                void *ctx, ken_err *err)
{
    if (n > KEN_MAX_ROW)
        return ken_fail(err, KEN_EINPUT, "%s:%d: the row has %zu bytes; at most %d are read", s->path, line, n,
                        KEN_MAX_ROW);
    if (depth > KEN_MAX_DEPTH)
        return ken_fail(err, KEN_EINPUT, "%s:%d: lists and objects are nested %zu deep; at most %d are read", s->path,
                        line, depth, KEN_MAX_DEPTH);
    json_error_t e = {0};
    json_t *row = ken_read_json(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (row == NULL) {
        char why[160];
        if (ken_json_no_memory(&e)) return ken_fail_nomem(err, "a row");
        int at = e.line > 0 && line <= INT_MAX - e.line ? line + e.line - 1 : line;
        return ken_fail(err, KEN_EINPUT, "%s:%d: not valid JSON: %s", s->path, at,
                        ken_printable(why, sizeof why, e.text, strlen(e.text)));
    }
    int rc = json_is_object(row)
                 ? fn(ctx, row, place, line, err)
                 : ken_fail(err, KEN_EINPUT, "%s:%d: the row is not an object like {\"question\": ...}", s->path, line);
    json_decref(row);
    return rc;
}

static int read_list(ken_source *s, cursor c, ken_row_fn fn, void *ctx, ken_err *err)
{
    c.p++; /* [ */
    skip_space(&c);
    bool done = c.p < c.end && *c.p == ']';
    for (size_t place = 0; !done; place++) {
        cursor start = c;
        size_t depth;
        if (c.p == c.end || !skip_value(&c, &depth))
            return ken_fail(err, KEN_EINPUT, "%s:%d: the file ends inside the row that starts here; is it cut off?",
                            s->path, start.line);
        if (c.p == start.p)
            return ken_fail(err, KEN_EINPUT, "%s:%d: a row is expected, found '%c'", s->path, c.line, *c.p);
        int rc = emit(s, start.p, (size_t)(c.p - start.p), depth, place, start.line, fn, ctx, err);
        rc = ken_row_verdict(s, rc);
        if (rc != KEN_OK) return rc;
        skip_space(&c);
        if (c.p == c.end)
            return ken_fail(err, KEN_EINPUT, "%s:%d: the list of rows has no end ']'; is the file cut off?", s->path,
                            c.line);
        done = *c.p == ']';
        if (!done && *c.p != ',')
            return ken_fail(err, KEN_EINPUT, "%s:%d: ',' or ']' is expected after a row of the list", s->path, c.line);
        if (!done) {
            c.p++;
            skip_space(&c);
        }
    }
    c.p++;
    skip_space(&c);
    if (c.p < c.end) return ken_fail(err, KEN_EINPUT, "%s:%d: text after the end of the list of rows", s->path, c.line);
    return KEN_OK;
}

static int read_lines(ken_source *s, ken_row_fn fn, void *ctx, ken_err *err)
{
    cursor c = {s->text, s->text + s->n, 1};
    for (size_t place = 0; c.p < c.end;) {
        const char *next, *eol = ken_line_end(c.p, c.end, &next);
        cursor row = {c.p, eol, c.line};
        skip_space(&row);
        if (row.p < row.end) {
            cursor walk = row;
            size_t depth = 0;
            bool whole = (*row.p != '{' && *row.p != '[') || skip_value(&walk, &depth);
            int rc = whole ? emit(s, row.p, (size_t)(eol - row.p), depth, place, c.line, fn, ctx, err)
                           : ken_fail(err, KEN_EINPUT,
                                      "%s:%d: the row does not end on its line (one object a line, or one list [{...}, "
                                      "...] of them "
                                      "is read); is the file cut off?",
                                      s->path, c.line);
            place++;
            rc = ken_row_verdict(s, rc);
            if (rc != KEN_OK) return rc;
        }
        c.p = next;
        if (c.line < INT_MAX) c.line++;
    }
    return KEN_OK;
}

int ken_json_rows(ken_source *s, ken_row_fn fn, void *ctx, ken_err *err)
{
    cursor c = {s->text, s->text + s->n, 1};
    skip_space(&c);
    return c.p < c.end && *c.p == '[' ? read_list(s, c, fn, ctx, err) : read_lines(s, fn, ctx, err);
}

int ken_json_file(json_t **out, const char *path, ken_err *err)
{
    ken_source s;
    *out = NULL;
    int rc = ken_source_open(&s, path, err);
    if (rc != KEN_OK) goto done;
    cursor c = {s.text, s.text + s.n, 1};
    size_t depth;
    skip_space(&c);
    (void)skip_value(&c, &depth);
    json_error_t e = {0};
    char why[160];
    if (s.n > KEN_MAX_ROW)
        rc = ken_fail(err, KEN_EINPUT, "%s: the file has %zu bytes; at most %d are read", path, s.n, KEN_MAX_ROW);
    else if (depth > KEN_MAX_DEPTH)
        rc = ken_fail(err, KEN_EINPUT, "%s: nested %zu deep; at most %d", path, depth, KEN_MAX_DEPTH);
    else if ((*out = ken_read_json(s.text, s.n, JSON_REJECT_DUPLICATES, &e)) == NULL)
        rc = ken_json_no_memory(&e) ? ken_fail_nomem(err, path)
                                    : ken_fail(err, KEN_EINPUT, "%s:%d: not valid JSON: %s", path, e.line,
                                               ken_printable(why, sizeof why, e.text, strlen(e.text)));
done:
    ken_source_close(&s);
    return rc;
}
