/* store.h - writing a run: one SQLite file, small transactions, one writer at a time. Reading is in ken.h (ken_run_open).
 *
 * A writer holds an exclusive lock for as long as it is open; a second one gets KEN_EBUSY at once. Rows carry their place in data
 * order, so that they may arrive in any order and read back in one. */
#ifndef KEN_STORE_STORE_H
#define KEN_STORE_STORE_H
#include "base/error.h"

typedef struct ken_store ken_store;

typedef struct ken_setting {
    const char *key, *value;
    bool binding; /* a resume with another value is refused, naming key, the run's value and ours */
} ken_setting;

/* Opens or creates the run at path. An existing run with other binding settings: KEN_EINPUT, one sentence. A file that is not a run:
 * KEN_EINPUT, untouched. Settings that are not binding (n rows asked for, program version's build) are updated. */
int ken_store_open(ken_store **out, const char *path, const ken_setting *settings, size_t n, ken_err *err);
/* Commits what is pending and closes; NULL is fine. */
int ken_store_close(ken_store *s, ken_err *err);

/* Exemplar sets: text of the prefix (exemplars up to the question) for relation and set. Idempotent. */
int ken_store_put_exemplars(ken_store *s, const char *relation, int set, const char *const *ids, int shots, const char *text,
                            ken_err *err);
bool ken_store_has(const ken_store *s, const char *id); /* a row already annotated */
size_t ken_store_count(const ken_store *s);
/* Adds to the counts of rows already there, by category (for progress after a resume). */
void ken_store_counts(const ken_store *s, uint64_t counts[KEN_N_CATEGORIES]);
/* place = position in data order. The row is copied. Not committed until ken_store_commit. */
int ken_store_put_row(ken_store *s, uint64_t place, const ken_row *row, ken_err *err);
int ken_store_commit(ken_store *s, ken_err *err); /* on disk when it returns */
/* Adds to the run's totals (token_forwards, seconds) in the same transaction. */
int ken_store_add_cost(ken_store *s, uint64_t token_forwards, double seconds, ken_err *err);
#endif
