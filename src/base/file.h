/* file.h - whole files: mapped for reading, written whole or not at all. */
#ifndef KEN_BASE_FILE_H
#define KEN_BASE_FILE_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct ken_map {
    const unsigned char *data; /* size bytes, read-only; NULL for an empty file */
    size_t size;
} ken_map;

/* Maps a regular file. KEN_EINPUT when it is missing, a folder or not readable. Unmap with ken_unmap. A file that another
 * program shortens while it is mapped would kill us by SIGBUS; that is the operating system's contract, not checked. */
int ken_map_file(ken_map *m, const char *path, ken_err *err);
void ken_unmap(ken_map *m);

/* Writes n bytes to path under a temporary name in the same folder, syncs and renames: path is the old file or the whole
 * new one, never part of it. KEN_EFAIL with the system's reason (a full disk, no permission). */
int ken_write_file(const char *path, const void *data, size_t n, ken_err *err);

/* path, or the file behind it when it is a link to one: that is what is to be replaced, so that the link stays. Caller frees; NULL
 * without memory. */
char *ken_resolve_links(const char *path);

/* An empty file beside path (path.tmp-XXXXXX), to be renamed to it when it is whole, with the rights of a new file. *name is the
 * caller's; *fd is open for writing. KEN_EFAIL, KEN_ENOMEM: both are unset. */
int ken_temporary_of(const char *path, char **name, int *fd, ken_err *err);

/* The folder's entry for path on the disk: a rename must reach it too, or a crash could bring back the old name. Failure is not fatal. */
void ken_sync_folder_of(const char *path);

/* What is at path, when it is the fruit of hours and no command that writes something else may replace it: "a run or another
 * database", "a model"; NULL when nothing or anything else is there. */
const char *ken_file_protected(const char *path);

char *ken_path_join(const char *dir, const char *name); /* dir/name; the caller's, NULL when out of memory */
/* The last part of a path, without the slashes after it: *n bytes of it, borrowed. stem: without its ending too, as in "facts" of a/facts.jsonl. */
const char *ken_last_part(const char *path, bool stem, size_t *n);
const char *ken_file_name(const char *path); /* what follows the last slash; borrowed */
bool ken_has_ending(const char *path, const char *ending);

int ken_make_folder(const char *path, ken_err *err); /* one that is there is fine; its parent must be. KEN_EFAIL */
/* May a folder of that name be made and filled? KEN_EINPUT when something is there that is no empty folder. */
int ken_folder_is_free(const char *path, ken_err *err);
int ken_is_dir(const char *path);  /* 1 or 0 */
int ken_is_file(const char *path); /* 1 or 0: exists and is a regular file */
#endif
