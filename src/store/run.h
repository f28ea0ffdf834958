/* run.h - inside of the reader: what run.c (rows), counts.c (sums over them), points.c (trainings and evaluations) and cursor.c
 * (values) share. The public interface is ken.h. */
#ifndef KEN_STORE_RUN_H
#define KEN_STORE_RUN_H
#include "store/schema.h"
#include "store/setting_list.h"

struct arena; /* texts of one row; cursor.c */

struct ken_run {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *query[12]; /* run.c; NULL = not of this format */

    ken_arena arena; /* settings; emptied by ken_run_free alone */
    ken_setting_list settings;

    int64_t *places; /* (n) of the rows, ascending: data order. All that is kept of a row: 8 bytes */
    size_t n, cap_places;
    char *note[7]; /* (n_notes) sentences; notes.c */
    int n_notes;
    int64_t revision; /* last row of the table of changes when the run was opened: what places is true for */

    ken_counts total, *relations; /* (n_relations) in order of their first row; each owns its name */
    size_t n_relations, cap_relations;

    int format;        /* of the file */
    ken_point *points; /* (n_points) by step */
    size_t n_points, cap_points, n_trained;
    ken_trained trained; /* the one last asked for */

    ken_poll_fn poll; /* asked for each row; NULL */
    void *poll_ctx;

    ken_row row;          /* the row last asked for; its pointers lead into memory */
    struct arena *memory; /* emptied by the next call */
    size_t row_bytes;
};

/* Reads every row once, in data order, and fills places, total and relations. */
int ken_run_scan(ken_run *r, ken_err *err);
/* Reads what happened to rows whose data changed; of format KEN_FORMAT_ROWS. */
int ken_run_load_notes(ken_run *r, ken_err *err);
size_t ken_run_n_gone(const ken_run *r); /* rows that the data last annotated from do not have */
/* Reads the points and counts the training rows. */
int ken_run_scan_points(ken_run *r, ken_err *err);
bool ken_run_stopped(const ken_run *r, ken_err *err); /* KEN_ESTOP: the reader's owner asked to stop */
/* KEN_EINPUT: "the run is damaged: WHAT of the row at place N is not valid". */
int ken_run_damaged(const ken_run *r, int64_t place, const char *what, ken_err *err);

/* ---- cursor.c: the memory of one row, and its values ---------------------------------------------------------------- */

void ken_run_clear(ken_run *r);                /* drops the row last asked for */
void *ken_run_alloc(ken_run *r, size_t bytes); /* NULL when out of memory or past KEN_STORE_MAX_ROW */
/* Adds one element to an array in that memory; its capacity is the next power of two, never stored. NULL as above. */
void *ken_run_push(ken_run *r, const void *array, int n, size_t size);

/* Reads the columns of a row from left to right. `bad` names the first value that is not as it should be; nomem says that it was
 * only memory that was missing. */
typedef struct ken_cursor {
    ken_run *r;
    sqlite3_stmt *q;
    int at;
    const char *bad;
    int status;          /* of the failure that made ken_cursor_next return -1 */
    bool nomem, of_step; /* of_step: for messages, "at step N" instead of "of the row at place N" */
} ken_cursor;

/* Steps to the next row of the answer: 1 there is one, 0 there is none, or -1 with err filled. Checks what the last row left. */
int ken_cursor_next(ken_cursor *c, int64_t place, ken_err *err);
void ken_cursor_spoil(ken_cursor *c, const char *what);
/* A copy that lives as long as the row. NULL for SQL NULL when that is allowed. */
const char *ken_cursor_text(ken_cursor *c, const char *what, bool may_be_null);
double ken_cursor_real(ken_cursor *c, const char *what); /* NULL is NaN */
double ken_cursor_p(ken_cursor *c,
                    const char *what); /* a probability, or NaN; sums of products may pass 1 by rounding */
int64_t ken_cursor_int(ken_cursor *c, const char *what, int64_t lo, int64_t hi);
bool ken_cursor_bool(ken_cursor *c, const char *what);
int ken_cursor_category(ken_cursor *c, const char *what);
int ken_cursor_group(ken_cursor *c, const char *what); /* ken_schema_group_of */
#endif
