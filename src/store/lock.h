/* lock.h - one writer a run, seen by every process on the machine (and by those on other machines where the file system does locks).
 *
 * SQLite's own locks last for a transaction; a writer must hold the run for hours while others may read between commits. So the
 * writer holds one more lock of the operating system on the same file, which ends with the process however it ends: there is no
 * stale lock after kill -9. */
#ifndef KEN_STORE_LOCK_H
#define KEN_STORE_LOCK_H
#include "base/error.h"

typedef struct ken_lock ken_lock;

/* Locks the regular file at path, making an empty one where none is. KEN_EBUSY at once when another writer has it; KEN_EINPUT when path
 * is a folder or no regular file; KEN_EFAIL with the system's reason otherwise. Free with ken_lock_free. */
int ken_lock_take(ken_lock **out, const char *path, ken_err *err);
/* Releases the lock. If remove_empty and the file is of length 0 and we made it, it is removed: a failed creation leaves nothing.
 * Call after closing every connection to the file (see lock.c). NULL is fine. */
void ken_lock_free(ken_lock *l, bool remove_empty);
#endif
