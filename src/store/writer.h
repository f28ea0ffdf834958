/* writer.h - inside of the writer: what store.c (annotated rows) and tuning.c (trainings, evaluations) share. */
#ifndef KEN_STORE_WRITER_H
#define KEN_STORE_WRITER_H
#include "store/lock.h"
#include "store/schema.h"
#include "store/store.h"

enum {
    KEN_STORE_TUNING = 16,
    KEN_STORE_OWN = 32,
    KEN_STORE_QUERIES = 36
}; /* statements of store.c, from KEN_STORE_TUNING on of tuning.c, and from KEN_STORE_OWN on of own_sets.c */

struct ken_store {
    char *path;
    ken_lock *lock;
    sqlite3 *db;
    sqlite3_stmt *query[KEN_STORE_QUERIES]; /* NULL = not prepared */
    int format;                             /* of the file: KEN_SCHEMA_VERSION or older */
    int64_t session;                        /* this opening's row of costs */
    uint64_t counts[KEN_N_CATEGORIES];
    ken_err broken; /* status KEN_OK while all is well */
};

/* Opens a transaction unless one is open. A broken store gives its own error again. */
int ken_store_begin(ken_store *s, ken_err *err);
/* A failure that SQLite cannot undo for one statement alone: rolls the open transaction back and breaks the store. */
int ken_store_break(ken_store *s, int code, ken_err *err);
/* The same for a failure that is known already: when only a part of what belongs together was written. Returns its status. */
int ken_store_break_with(ken_store *s, const ken_err *why);

/* Exemplars by a query with the columns whose set, its number, id, relation, question, subject, answer. */
int ken_store_read_shots(ken_store *s, ken_arena *arena, const char *sql, ken_stored_shot **out, size_t *n,
                         ken_err *err);
int ken_store_load_counts(ken_store *s, ken_err *err); /* adds the rows that are there to counts */

/* Fills the parameters of a statement from left to right, runs it (an INSERT, UPDATE or DELETE) and makes it ready for the next use. An SQLite code.
 *
 *     int rc = KEN_PUT(q, KEN_INT(place), KEN_TEXT(row->id), KEN_REAL(row->popularity));
 *
 * NaN becomes NULL, and NULL reads back as NaN; all else comes back bit for bit, except that -0.0 becomes 0.0. A NULL text is SQL NULL; bytes that
 * are no UTF-8 become U+FFFD. */
typedef struct ken_value {
    enum { KEN_IS_INT, KEN_IS_REAL, KEN_IS_TEXT, KEN_IS_BLOB } is;
    int64_t i; /* of a blob its bytes */
    double r;
    const void *p;
} ken_value;

#define KEN_INT(v)         ((ken_value){.is = KEN_IS_INT, .i = (int64_t)(v)})
#define KEN_REAL(v)        ((ken_value){.is = KEN_IS_REAL, .r = (v)})
#define KEN_TEXT(v)        ((ken_value){.is = KEN_IS_TEXT, .p = (v)})
#define KEN_BLOB(v, bytes) ((ken_value){.is = KEN_IS_BLOB, .p = (v), .i = (int64_t)(bytes)})
#define KEN_PUT(query, ...)                                                                                            \
    ken_put(query, (const ken_value[]){__VA_ARGS__},                                                                   \
            (int)(sizeof((const ken_value[]){__VA_ARGS__}) / sizeof(ken_value)))
int ken_put(sqlite3_stmt *q, const ken_value *v, int n);

/* The same by hand, for statements that answer. */
typedef struct ken_binder {
    sqlite3_stmt *q;
    int at, code;
} ken_binder;

ken_binder ken_bind(sqlite3_stmt *q);
void ken_bind_int(ken_binder *b, int64_t v);
void ken_bind_text(ken_binder *b, const char *text); /* must stay until ken_bind_done */
void ken_bind_done(ken_binder *b);                   /* ready for the next use */

/* Is `there`, a text of the run, what `text` becomes when it is stored? -1 when out of memory. */
int ken_same_text(const char *there, const char *text);
#endif
