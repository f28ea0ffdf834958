/* schema.h - what the file of a run looks like, and how this library's connections to it are opened.
 *
 * Shared by the writer (store.c, tuning.c) and the reader (run.c, points.c). docs/run-format.md describes the same tables for people; change both
 * together, and raise KEN_SCHEMA_VERSION when an older program could misread the file. */
#ifndef KEN_STORE_SCHEMA_H
#define KEN_STORE_SCHEMA_H
#include "base/error.h"
#include "store/row_fields.h"
#include <sqlite3.h>

#define KEN_APPLICATION_ID 0x6b656e31 /* "ken1" */
/* 1 had no trainings and evaluations, 1 and 2 not what identifies a row: such runs are read, but not resumed. 3 had no exemplar sets of single
 * rows and no subjects of training rows; 4 no divergence from the base. */
#define KEN_SCHEMA_VERSION     5
#define KEN_FORMAT_ROWS        3 /* the first that says what its rows were made of */
#define KEN_FORMAT_OWN_SETS    4
#define KEN_FORMAT_SUBJECTS    4
#define KEN_FORMAT_DIVERGENCES 5

/* A run comes from strangers too: nothing in it may make us allocate more than this. */
#define KEN_STORE_MAX_TEXT      (16 << 20) /* bytes of one text; SQLite refuses longer ones */
#define KEN_STORE_MAX_ROW       (64 << 20) /* bytes of all texts of one row */
#define KEN_STORE_MAX_ANSWERS   (1 << 16)  /* answers of one row */
#define KEN_STORE_MAX_PROMPTS   (1 << 10)  /* prompts of one row */
#define KEN_STORE_MAX_DRAWN     (1 << 20)  /* different sampled texts of one prompt */
#define KEN_STORE_MAX_SETTINGS  (1 << 10)
#define KEN_STORE_MAX_RELATIONS (1 << 20)
#define KEN_STORE_MAX_CHANGES   (1 << 24)
#define KEN_STORE_MAX_POINTS    (1 << 22)
#define KEN_STORE_MAX_MEASURES  (1 << 16) /* of one point */
#define KEN_STORE_MAX_TRAINED   (1 << 27) /* their bits are one value of at most KEN_STORE_MAX_TEXT bytes */

#define KEN_STORE_P_SLACK 1e-9 /* a probability may leave [0,1] by this much: rounding of sums of products */

/* Opens a connection to an existing file, hardened against hostile schemas (no triggers, no views, no functions from the file).
 * A file that may not be written is opened for reading. Waits up to busy_ms for another program's transaction.
 * Close with sqlite3_close, also after a failure (*db may be NULL). */
int ken_schema_connect(sqlite3 **db, const char *path, int busy_ms, ken_err *err);

/* KEN_OK when the file is a run that this version can read, with exactly our tables. KEN_EINPUT in one sentence otherwise, except that
 * an empty file (new, or its creation was interrupted and has been rolled back) is KEN_OK with *empty = true. The caller holds a
 * transaction, so that no other program changes the file meanwhile. */
int ken_schema_check(sqlite3 *db, const char *path, bool *empty, ken_err *err);

/* The format of a file that ken_schema_check has accepted. */
int ken_schema_format(sqlite3 *db, const char *path, int *format, ken_err *err);

/* Makes the tables of an empty database. The caller holds a transaction: all of them appear with its commit or none. */
int ken_schema_create(sqlite3 *db, const char *path, ken_err *err);

int ken_schema_exec(sqlite3 *db, const char *path, const char *sql, ken_err *err);
int ken_schema_prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **out, ken_err *err);
/* The same for a statement with fields: row_fields.h. */
int ken_schema_prepare_fields(sqlite3 *db, const char *path, const ken_fields *t, int format, ken_fields_as as,
                              const char *form, sqlite3_stmt **out, ken_err *err);

/* One sentence for a failed SQLite call, and the status it deserves: full disk and permissions are KEN_EFAIL, a damaged file is
 * KEN_EINPUT, another program's lock is KEN_EBUSY. Returns that status. */
int ken_schema_fail(sqlite3 *db, int code, const char *path, ken_err *err);

/* The words of the file for a category (KEN_HIGHLY_KNOWN ...); NULL (SQL NULL) for KEN_UNLABELLED. */
const char *ken_schema_category(int category);
/* The reverse; NULL is KEN_UNLABELLED, an unknown word -1. */
int ken_schema_category_of(const char *word);
/* The same for rows of a training or an evaluation: "unlabelled" is a word too, and NULL is KEN_N_CATEGORIES, not annotated. */
const char *ken_schema_group(int category);
int ken_schema_group_of(const char *word);
#endif
