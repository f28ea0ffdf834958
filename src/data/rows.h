/* rows.h - the text of one data file, passed on row by row.
 *
 * A row is a jansson object whatever the file is: a member of a JSON list, a line of JSON lines, a CSV or TSV record (there
 * every value is a string). Only one row is in memory at a time, so a large file costs no more than its longest row.
 *
 * Faults come in two kinds. A bad row (its JSON is broken, a field is wrong) ends the reading with KEN_EINPUT, or is dropped and
 * counted with skip_bad. A broken file (it ends inside a row, a comma is missing between rows) always ends it, because it is not known
 * where the next row starts. */
#ifndef KEN_DATA_ROWS_H
#define KEN_DATA_ROWS_H
#include "base/error.h"
#include "base/file.h"
#include <jansson.h>

enum {
    KEN_MAX_ROW = 1 << 24,   /* bytes of one row */
    KEN_MAX_DEPTH = 64,      /* nested lists and objects in one row */
    KEN_MAX_COLUMNS = 4096,  /* of a CSV file */
    KEN_MAX_ANSWERS = 65536, /* of one row */
};

#define KEN_MAX_UNPACKED ((size_t)2 << 30) /* bytes of text from gzip or standard input, which are held in memory */

typedef struct ken_source {
    const char *path; /* for messages, and kept as ken_example.file: lives as long as the data */
    const char *text; /* (n) without a byte-order mark; not NUL-terminated */
    size_t n;
    bool skip_bad;
    size_t bad;           /* rows dropped so far */
    bool quotes_are_text; /* a TSV in which quotes enclose nothing: found while reading */
    ken_map map;          /* what ken_source_close unmaps; empty when the text is in memory */
    char *own;            /* text that was unpacked or read from standard input; else NULL */
} ken_source;

/* Maps the file; unpacks it when it is gzip's; reads standard input for "-" (path is then "standard input"). KEN_EINPUT when it is missing, empty,
 * UTF-16, or something that holds no text (Parquet, Arrow, archives), and then says how to convert it. Close with ken_source_close, also after a
 * failure. */
int ken_source_open(ken_source *s, const char *path, ken_err *err);
/* The same for text in memory, borrowed. */
int ken_source_memory(ken_source *s, const char *path, const char *text, size_t n, ken_err *err);
void ken_source_close(ken_source *s);
/* What was found about the whole file while it was read, for a note behind its name; NULL = nothing. */
const char *ken_source_said(const ken_source *s);

/* One row: its index in the file, counted from 0 over good and bad rows, and the line on which it starts, from 1. The object is
 * the caller's until the return. KEN_EINPUT means that this row is bad; any other failure ends the reading. */
typedef int (*ken_row_fn)(void *ctx, const json_t *row, size_t place, int line, ken_err *err);

int ken_json_rows(ken_source *s, ken_row_fn fn, void *ctx, ken_err *err);
/* delimiter ',' or '\t', RFC 4180 quoting in both, unless a TSV says otherwise (csv_quotes.h). names (n_names): columns of a file without a header; NULL = the first record
 * names them. */
int ken_csv_rows(ken_source *s, char delimiter, const char *const *names, size_t n_names, ken_row_fn fn, void *ctx,
                 ken_err *err);

/* Either: delimiter 0 = JSON. */
int ken_text_rows(ken_source *s, char delimiter, ken_row_fn fn, void *ctx, ken_err *err);

/* The same records as they are, the header like any other: for files in which the columns need not fit, as spreadsheets leave them. Empty
 * lines are skipped. Fields (n) are borrowed until the return; they are not NUL-terminated and hold valid UTF-8 without a NUL. Any failure ends
 * the reading. */
typedef struct ken_cell {
    const char *s; /* (n) */
    size_t n;
} ken_cell;
typedef int (*ken_record_fn)(void *ctx, const ken_cell *field, size_t n, int line, ken_err *err);
int ken_csv_records(ken_source *s, char delimiter, ken_record_fn fn, void *ctx, ken_err *err);

/* Reads only the first row, whatever it is, for finding the format. *row is a new reference (json_decref), NULL when there is no
 * first row or it is broken: the real reading reports that. KEN_OK or KEN_ENOMEM. */
int ken_first_row(const ken_source *s, char delimiter, json_t **row, ken_err *err);

/* EntityQuestions: the file's name says relation and split, as in P36.test.json. */
bool ken_names_split(const char *path);
size_t ken_name_length(const char *name); /* of a file's name, without the ".gz" of a packed one */

/* A whole small JSON file (templates, aliases). *out is the caller's (json_decref). KEN_EINPUT with the line when it is broken. */
int ken_json_file(json_t **out, const char *path, ken_err *err);

/* Text packed by gzip, unpacked: *out (*n) is the caller's. KEN_EINPUT when it is damaged or grows beyond measure. unpack.c */
int ken_gunzip(char **out, size_t *n, const char *path, const unsigned char *data, size_t size, ken_err *err);
/* KEN_EINPUT when the bytes are of a file that holds data, but no text: says what it is and the line that converts it. */
int ken_check_text(const char *path, const unsigned char *data, size_t size, ken_err *err);

/* What a row function returned, with skip_bad applied: KEN_EINPUT becomes KEN_OK and one more bad row. */
int ken_row_verdict(ken_source *s, int rc);
/* A short copy of hostile text for a message: control characters and broken UTF-8 become '?', long text ends in "...". */
const char *ken_printable(char *out, size_t size, const char *s, size_t n);
#endif
