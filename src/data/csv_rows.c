/* csv_rows.c - records of a CSV or TSV file as rows; see rows.h.
 *
 * RFC 4180: a field in quotes may hold delimiters, line ends and doubled quotes; CRLF, LF, CR alone (old Macs) and a missing last line end are all
 * fine. Lenient in one thing: a quote inside an unquoted field (5" disk) is an ordinary character. TSV follows the same rules, as pandas
 * and spreadsheets write it, unless its quotes can only be text (csv_quotes.h). Empty lines between records are skipped, and those of a table
 * (rows) that hold delimiters alone; columns without a name behind the last one with a name, which Excel leaves, hold nothing. */
#include "base/alloc.h"
#include "base/buf.h"
#include "data/clean.h"
#include "data/csv_quotes.h"
#include "data/dataset.h"
#include "data/fields.h"
#include "text/unicode.h"
#include <limits.h>
#include <string.h>

typedef struct record {
    ken_buf text; /* the fields one after the other, unquoted */
    size_t *end;  /* (n) where each field ends in text */
    size_t n, cap;
    int line;          /* on which the record starts */
    bool blank;        /* an empty line */
    const char *fault; /* NULL, or what is wrong with this record alone */
} record;

typedef struct reader {
    ken_source *s;
    const char *p, *stop;
    int line;
    char delimiter;
    bool plain;    /* quotes are characters like others */
    size_t fields; /* of a row, where known: what a row that swallows others is found by; 0 = not looked for */
    record rec;
} reader;

static void record_free(record *r)
{
    ken_buf_free(&r->text);
    ken_free(r->end);
}

static int end_field(record *r, ken_err *err)
{
    if (r->n == KEN_MAX_COLUMNS) {
        r->fault = "more than 4096 columns";
        return KEN_OK;
    }
    if (r->text.failed || ken_grow((void **)&r->end, &r->cap, r->n + 1, sizeof *r->end) != 0)
        return ken_fail_nomem(err, "a row");
    r->end[r->n++] = r->text.len;
    return KEN_OK;
}

/* Appends what the quotes enclose; p is at the opening quote, and in the end past the closing one. */
static int quoted(reader *rd, ken_err *err)
{
    int opened = rd->line;
    for (rd->p++; rd->p < rd->stop;) {
        const char *from = rd->p;
        while (rd->p < rd->stop && *rd->p != '"') {
            bool ends = *rd->p == '\n' || (*rd->p == '\r' && (rd->p + 1 == rd->stop || rd->p[1] != '\n'));
            if (ends && rd->line < INT_MAX) rd->line++;
            rd->p++;
        }
        ken_buf_add(&rd->rec.text, from, (size_t)(rd->p - from));
        if (rd->p == rd->stop) break;
        rd->p++;
        if (rd->p == rd->stop || *rd->p != '"') return KEN_OK;
        ken_buf_putc(&rd->rec.text, '"');
        rd->p++;
    }
    return ken_fail(err, KEN_EINPUT, "%s:%d: the quote that opens here is never closed; is the file cut off?",
                    rd->s->path, opened);
}

static bool at_line_end(const reader *rd) { return rd->p == rd->stop || *rd->p == '\n' || *rd->p == '\r'; }

/* A quote that was left open takes everything up to the next one. What it took is not known to be rows, but looks so. */
static int check_glued(const reader *rd, const char *start, ken_err *err)
{
    const int first = rd->rec.line, last = rd->line;
    if (last == first || !ken_csv_is_glued(start, rd->p, rd->delimiter, rd->fields)) return KEN_OK;
    return ken_fail(
        err, KEN_EINPUT,
        "%s:%d: a quote opens here and closes on line %d, and each line between them has the %zu fields of a "
        "row: close it, or write it twice in a field in quotes; if it is right, convert the file to JSON lines",
        rd->s->path, first, last, rd->fields);
}

/* Reads the next record into rd->rec. KEN_OK also at the end of the file, then rec.n is 0. */
static int next_record(reader *rd, ken_err *err)
{
    record *r = &rd->rec;
    const char *start = rd->p;
    ken_buf_clear(&r->text);
    r->n = 0;
    r->line = rd->line;
    r->fault = NULL;
    r->blank = at_line_end(rd);
    if (rd->p == rd->stop) return KEN_OK;
    for (bool more = true; more;) {
        int rc = KEN_OK;
        bool in_quotes = rd->p < rd->stop && *rd->p == '"' && !rd->plain;
        if (in_quotes) rc = quoted(rd, err);
        if (rc != KEN_OK) return rc;
        const char *from = rd->p;
        while (!at_line_end(rd) && *rd->p != rd->delimiter) rd->p++;
        if (in_quotes && rd->p > from)
            r->fault = "text after the closing quote of a field; a quote inside quotes is doubled";
        ken_buf_add(&r->text, from, (size_t)(rd->p - from));
        rc = end_field(r, err);
        if (rc != KEN_OK) return rc;
        more = rd->p < rd->stop && *rd->p == rd->delimiter;
        if (more) rd->p++;
    }
    int rc = check_glued(rd, start, err);
    if (rc != KEN_OK) return rc;
    if (rd->p < rd->stop && rd->line < INT_MAX) rd->line++;
    (void)ken_line_end(rd->p, rd->stop, &rd->p);
    if ((size_t)(rd->p - start) > KEN_MAX_ROW)
        return ken_fail(err, KEN_EINPUT,
                        "%s:%d: the row that starts here has more than %d bytes; is a quote left open?", rd->s->path,
                        r->line, KEN_MAX_ROW);
    return KEN_OK;
}

static const char *field(const record *r, size_t i, size_t *n)
{
    size_t from = i == 0 ? 0 : r->end[i - 1];
    *n = r->end[i] - from;
    return ken_buf_str(&r->text) + from;
}

/* ---- records as they are ------------------------------------------------------------------------------------------- */

static int check_text(const reader *rd, ken_err *err)
{
    const record *r = &rd->rec;
    const char *text = ken_buf_str(&r->text);
    if (r->fault != NULL) return ken_fail(err, KEN_EINPUT, "%s:%d: %s", rd->s->path, r->line, r->fault);
    if (memchr(text, '\0', r->text.len) != NULL)
        return ken_fail(err, KEN_EINPUT, "%s:%d: the row holds a NUL byte; is this a text file?", rd->s->path, r->line);
    if (!ken_utf8_is_valid(text, r->text.len))
        return ken_fail(err, KEN_EINPUT, "%s:%d: the row is not valid UTF-8; convert the file to UTF-8", rd->s->path,
                        r->line);
    return KEN_OK;
}

int ken_csv_records(ken_source *s, char delimiter, ken_record_fn fn, void *ctx, ken_err *err)
{
    reader rd = {.s = s, .p = s->text, .stop = s->text + s->n, .line = 1, .delimiter = delimiter};
    ken_cell *fields = NULL;
    size_t cap = 0;
    int rc = KEN_OK;
    while (rc == KEN_OK && rd.p < rd.stop) {
        rc = next_record(&rd, err);
        if (rc != KEN_OK || rd.rec.blank) continue;
        rc = check_text(&rd, err);
        if (rc == KEN_OK && ken_grow((void **)&fields, &cap, rd.rec.n, sizeof *fields) != 0)
            rc = ken_fail_nomem(err, "a row");
        if (rc != KEN_OK) break;
        for (size_t i = 0; i < rd.rec.n; i++) fields[i].s = field(&rd.rec, i, &fields[i].n);
        rc = fn(ctx, fields, rd.rec.n, rd.rec.line, err);
    }
    ken_free(fields);
    record_free(&rd.rec);
    return rc;
}

/* ---- header --------------------------------------------------------------------------------------------------------- */

static bool has_nothing(const record *r, size_t from)
{
    for (size_t n, i = from; i < r->n; i++) {
        const char *s = field(r, i, &n);
        if (!ken_is_blank(s, n)) return false;
    }
    return true;
}

/* Empty lines, and the rows of delimiters alone that spreadsheets leave. */
static bool is_empty_row(const record *r) { return r->blank || (r->n > 1 && has_nothing(r, 0)); }

/* The first record's fields, what pads them cut off. *names (n) is the caller's also on failure. Nameless columns may be several. */
static int read_header(reader *rd, char ***names, size_t *n, ken_err *err)
{
    const record *r = &rd->rec;
    int rc;
    do {
        rc = next_record(rd, err);
        if (rc == KEN_OK) rc = check_text(rd, err);
        if (rc != KEN_OK) return rc;
    } while (is_empty_row(r) && rd->p < rd->stop);
    *names = ken_calloc(r->n + 1, sizeof **names);
    if (*names == NULL) return ken_fail_nomem(err, "header");
    for (size_t i = 0; i < r->n; i++) {
        size_t len;
        const char *s = field(r, i, &len);
        len = ken_trim_invisible(&s, len);
        if (((*names)[i] = ken_strndup(s, len)) == NULL) return ken_fail_nomem(err, "header");
        *n = i + 1;
        for (size_t j = 0; j < i && len > 0; j++)
            if (strcmp((*names)[j], (*names)[i]) == 0) {
                char shown[60];
                return ken_fail(err, KEN_EINPUT, "%s:%d: the header names column \"%s\" twice (columns %zu and %zu)",
                                rd->s->path, r->line, ken_printable(shown, sizeof shown, s, len), j + 1, i + 1);
            }
    }
    return KEN_OK;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

/* How the columns are called. Those behind the last name have none. */
typedef struct columns {
    const char *const *name;
    size_t n, named;
} columns;

/* Fields that the row has too many or too few, or that stand where no column has a name: an unquoted comma moves all behind it. */
static int check_fields(const reader *rd, const columns *c, ken_err *err)
{
    const record *r = &rd->rec;
    const char *mark = rd->delimiter == '\t' ? "tab" : rd->delimiter == ';' ? "semicolon" : "comma";
    if (r->n < c->named || r->n > c->n)
        return ken_fail(err, KEN_EINPUT,
                        "%s:%d: the row has %zu field%s, %zu are expected; quote fields that hold a %s", rd->s->path,
                        r->line, r->n, r->n == 1 ? "" : "s", c->named, mark);
    if (has_nothing(r, c->named)) return KEN_OK;
    return ken_fail(
        err, KEN_EINPUT,
        "%s:%d: the row has something behind its last column (the header names %zu); quote fields that hold a "
        "%s, or name the column",
        rd->s->path, r->line, c->named, mark);
}

static int emit(reader *rd, const columns *c, size_t place, ken_row_fn fn, void *ctx, ken_err *err)
{
    const record *r = &rd->rec;
    int rc = check_text(rd, err);
    if (rc == KEN_OK) rc = check_fields(rd, c, err);
    if (rc != KEN_OK) return rc;
    json_t *row = json_object();
    for (size_t i = 0; row != NULL && i < c->named; i++) {
        size_t n;
        const char *s = field(r, i, &n);
        if (c->name[i][0] == '\0') continue; /* the numbers that pandas puts before its columns */
        if (json_object_set_new_nocheck(row, c->name[i], json_stringn_nocheck(s, n)) != 0) {
            json_decref(row);
            row = NULL;
        }
    }
    if (row == NULL) return ken_fail_nomem(err, "a row");
    rc = fn(ctx, row, place, r->line, err);
    json_decref(row);
    return rc;
}

int ken_csv_rows(ken_source *s, char delimiter, const char *const *names, size_t n_names, ken_row_fn fn, void *ctx,
                 ken_err *err)
{
    reader rd = {.s = s, .p = s->text, .stop = s->text + s->n, .line = 1, .delimiter = delimiter};
    char **header = NULL;
    size_t n_header = 0;
    rd.plain = s->quotes_are_text = delimiter == '\t' && ken_tsv_quotes_are_text(s->text, s->n);
    int rc = names == NULL ? read_header(&rd, &header, &n_header, err) : KEN_OK;
    columns c = {names, n_names, 0};
    if (names == NULL) c = (columns){(const char *const *)header, n_header, 0};
    for (size_t i = 0; i < c.n; i++)
        if (c.name[i][0] != '\0') c.named = i + 1;
    rd.fields = c.n;
    for (size_t place = 0; rc == KEN_OK && rd.p < rd.stop;) {
        rc = next_record(&rd, err);
        if (rc != KEN_OK || is_empty_row(&rd.rec)) continue;
        rc = ken_row_verdict(s, emit(&rd, &c, place++, fn, ctx, err));
    }
    ken_free_list(header, n_header);
    record_free(&rd.rec);
    return rc;
}
