/* store.h - writing a run: one SQLite file, small transactions, one writer at a time. Reading is in ken.h (ken_run_open).
 *
 * A writer holds an exclusive lock for as long as it is open; a second one gets KEN_EBUSY at once. Rows carry their place in data
 * order, so that they may arrive in any order and read back in one. */
#ifndef KEN_STORE_STORE_H
#define KEN_STORE_STORE_H
#include "base/arena.h"
#include "base/error.h"

typedef struct ken_store ken_store;

/* The setting that says how many rows the run was asked for, in decimal; not binding. ken_run_complete compares it with what is there. */
#define KEN_SETTING_ROWS "rows"

typedef struct ken_setting {
    const char *key, *value;
    bool binding; /* a resume with another value is refused, naming key, the run's value and ours */
} ken_setting;

/* Can a run be written at path, as far as one can tell without its settings? To be called before the model is read: KEN_EBUSY when
 * another program writes it, KEN_EINPUT when something else is there, KEN_EFAIL when the folder is missing or may not be
 * written. Makes and changes nothing. */
int ken_store_probe(const char *path, ken_err *err);
/* Opens or creates the run at path. Call it with valid settings only, once model and data are known to be good: it makes the file.
 * An existing run with other binding settings (another value, or one that only one of the two has): KEN_EINPUT, one sentence that
 * names it. So is a run of an older format, with the list of what it does not record. A file that is not a run, is damaged or of a newer
 * format: KEN_EINPUT, untouched. Another writer: KEN_EBUSY at once. Settings that are not binding (n rows asked for, program version's
 * build) are updated. A kill at any moment leaves no file, an empty file or a whole run; each of them is continued by the next call. */
int ken_store_open(ken_store **out, const char *path, const ken_setting *settings, size_t n, ken_err *err);
/* Commits what is pending and closes, also after a failure; NULL is fine. At rest a run is one file without companions. */
int ken_store_close(ken_store *s, ken_err *err);

/* When a put fails because disk or memory is full, or the file is damaged, the open transaction is rolled back, and every later call
 * returns the same status and message: close, and open again. What was committed is kept. */

/* Exemplar sets: text of the prefix (exemplars up to the question) for relation and set, and of each exemplar (shots) what a prompt can
 * show. Idempotent; KEN_EINPUT when the run has another text for it. */
int ken_store_put_exemplars(ken_store *s, const char *relation, int set, const ken_example *const *shot, int shots,
                            const char *text, ken_err *err);
typedef struct ken_stored_shot {
    const char *of; /* whose set it is in: a relation, or a row's id */
    int set;
    ken_example x; /* id, relation, question, subject, answers[0] */
} ken_stored_shot;
/* All exemplars that the run has, by relation, set and place in it: *out (n), in the arena. */
int ken_store_get_exemplars(ken_store *s, ken_arena *arena, ken_stored_shot **out, size_t *n, ken_err *err);
/* own_sets.c: a set of one row alone, in place of its relation's; replaces what the run has for it. And all of them. */
int ken_store_drop_own_sets(ken_store *s, const char *id, ken_err *err); /* of one row */
int ken_store_put_own_set(ken_store *s, const char *id, int set, const ken_example *const *shot, int shots,
                          const char *text, ken_err *err);
int ken_store_get_own_shots(ken_store *s, ken_arena *arena, ken_stored_shot **out, size_t *n, ken_err *err);
bool ken_store_has(const ken_store *s, const char *id); /* a row already annotated */
size_t ken_store_count(const ken_store *s);
/* Adds to the counts of rows already there, by category (for progress after a resume). */
void ken_store_counts(const ken_store *s, uint64_t counts[KEN_N_CATEGORIES]);
/* place = position of the example in the whole data, not in the selection, so that it stays when a run is extended. The row is
 * copied. Not committed until ken_store_commit. NaN is fine where a number is missing; -0.0 reads back as 0.0, every other double bit
 * for bit; bytes that are no UTF-8 become U+FFFD. KEN_ESTATE for a row that is there already or makes no sense, KEN_EINPUT when
 * the run has another row at that place; the open transaction then continues. */
int ken_store_put_row(ken_store *s, uint64_t place, const ken_row *row, ken_err *err);
/* Another value of a setting that is not binding, in the open transaction. */
int ken_store_set(ken_store *s, const char *key, const char *value, ken_err *err);
/* On disk when it returns. KEN_EBUSY when a reader has blocked the commit for half a minute: nothing is lost, try again. */
int ken_store_commit(ken_store *s, ken_err *err);
/* Adds to the run's totals (token_forwards, seconds) in the same transaction. Read back as the settings of these names. */
int ken_store_add_cost(ken_store *s, uint64_t token_forwards, double seconds, ken_err *err);

/* ---- a run whose data changed (revise.c) ----------------------------------------------------------------------------- */

typedef struct ken_store_row { /* a row of the data as they are now; its index is its place */
    const char *id;
    char identity[65];
} ken_store_row;

/* Rows of the run from here on are those that the data do not have any more, after all others. */
#define KEN_PLACE_GONE ((int64_t)1 << 62)

/* Updates the run to rows (n), all of the data, in the open transaction. Rows of the same id and identity stay, and move to their
 * place; those of another identity are removed, to be computed again; those that the data do not have move after all others. What became
 * of rows is noted in the run (ken_run_note), once. A failure rolls the open transaction back, as a failed put does. */
int ken_store_revise(ken_store *s, const ken_store_row *row, size_t n, ken_err *err);
/* Notes which of these ids (n), all of the data, the data did not have when the run was made or opened last (ken_run_note), in the open transaction.
 * The first call only remembers them. A failure half way names some of them, and the rest the next time. */
int ken_store_note_added(ken_store *s, const char *const *id, size_t n, ken_err *err);
/* Notes what happened to a row ("changed", "gone") or of an exemplar that the data would draw otherwise now ("exemplar"), once. */
int ken_store_note_change(ken_store *s, const char *what, const char *id, ken_err *err);

/* KEN_EINPUT when the run is no annotation, naming what it is and `ken show`. */
int ken_run_need_annotation(const ken_run *r, ken_err *err);
/* Reading what only the library itself needs: the text of an exemplar set as it was put, the caller's, free with ken_free.
 * KEN_EINPUT when there is none. Invalidates the row last read. */
int ken_run_exemplars(ken_run *r, const char *relation, int set, char **text, ken_err *err);
/* The same of one row alone; *text NULL when it has its relation's. */
int ken_run_own_set(ken_run *r, const char *id, int set, char **text, ken_err *err);
/* What an annotation says of the row with this id, and what it asked: one look instead of a whole row. *question and *subject are borrowed until
 * the next call. *there = false when there is no such row. */
int ken_run_label(ken_run *r, const char *id, bool *there, int *category, const char **question, const char **subject,
                  ken_err *err);
#endif
