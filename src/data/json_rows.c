/* json_rows.c - rows of a JSON list or of JSON lines; see rows.h.
 *
 * jansson parses one row at a time; json_scan.h finds where it ends. The line of a row is the one on which its first character is. */
#include "data/csv_quotes.h"
#include "data/json_scan.h"
#include "base/read_json.h"
#include <limits.h>
#include <string.h>

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

int ken_json_list(ken_source *s, ken_cursor c, ken_cursor *after, ken_row_fn fn, void *ctx, ken_err *err)
{
    c.p++; /* [ */
    ken_skip_space(&c);
    bool done = c.p < c.end && *c.p == ']';
    for (size_t place = 0; !done; place++) {
        ken_cursor start = c;
        size_t depth;
        if (c.p == c.end || !ken_skip_value(&c, &depth))
            return ken_fail(err, KEN_EINPUT, "%s:%d: the file ends inside the row that starts here; is it cut off?",
                            s->path, start.line);
        if (c.p == start.p)
            return ken_fail(err, KEN_EINPUT, "%s:%d: a row is expected, found '%c'", s->path, c.line, *c.p);
        int rc = emit(s, start.p, (size_t)(c.p - start.p), depth, place, start.line, fn, ctx, err);
        rc = ken_row_verdict(s, rc);
        if (rc != KEN_OK) return rc;
        ken_skip_space(&c);
        if (c.p == c.end)
            return ken_fail(err, KEN_EINPUT, "%s:%d: the list of rows has no end ']'; is the file cut off?", s->path,
                            c.line);
        done = *c.p == ']';
        if (!done && *c.p != ',')
            return ken_fail(err, KEN_EINPUT, "%s:%d: ',' or ']' is expected after a row of the list", s->path, c.line);
        if (!done) {
            c.p++;
            ken_skip_space(&c);
        }
    }
    c.p++;
    *after = c;
    return KEN_OK;
}

static int read_list(ken_source *s, ken_cursor c, ken_row_fn fn, void *ctx, ken_err *err)
{
    int rc = ken_json_list(s, c, &c, fn, ctx, err);
    if (rc != KEN_OK) return rc;
    ken_skip_space(&c);
    if (c.p < c.end) return ken_fail(err, KEN_EINPUT, "%s:%d: text after the end of the list of rows", s->path, c.line);
    return KEN_OK;
}

static int read_lines(ken_source *s, ken_row_fn fn, void *ctx, ken_err *err)
{
    ken_cursor c = {s->text, s->text + s->n, 1};
    for (size_t place = 0; c.p < c.end;) {
        const char *next, *eol = ken_line_end(c.p, c.end, &next);
        ken_cursor row = {c.p, eol, c.line};
        ken_skip_space(&row);
        if (row.p < row.end) {
            ken_cursor walk = row;
            size_t depth = 0;
            bool whole = (*row.p != '{' && *row.p != '[') || ken_skip_value(&walk, &depth);
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
    ken_cursor c = {s->text, s->text + s->n, 1};
    bool whole = false;
    ken_skip_space(&c);
    if (c.p < c.end && *c.p == '[') return read_list(s, c, fn, ctx, err);
    int rc = ken_json_whole(s, &whole, fn, ctx, err);
    return rc == KEN_OK && !whole ? read_lines(s, fn, ctx, err) : rc;
}

int ken_json_file(json_t **out, const char *path, ken_err *err)
{
    ken_source s;
    *out = NULL;
    int rc = ken_source_open(&s, path, err);
    if (rc != KEN_OK) goto done;
    ken_cursor c = {s.text, s.text + s.n, 1};
    size_t depth;
    ken_skip_space(&c);
    (void)ken_skip_value(&c, &depth);
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
