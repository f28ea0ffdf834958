/* out.h - a file that grows under a temporary name and appears whole or not at all.
 *
 *     ken_out *o;
 *     if (ken_out_open(&o, path, err) != KEN_OK) ...
 *     ken_out_puts(o, "...");                       after a failure writing does nothing; one check at the end is enough
 *     return ken_out_close(o, ok, err);             ok: synced and renamed to path; else removed
 *
 * A device, a pipe or /dev/stdout is written to as the bytes come; of a link, the file behind it is replaced. Memory is one buffer,
 * however large the file. */
#ifndef KEN_BASE_OUT_H
#define KEN_BASE_OUT_H
#include "base/error.h"
#include <stddef.h>

typedef struct ken_out ken_out;

int ken_out_open(ken_out **out, const char *path, ken_err *err); /* a temporary file in path's folder */
void ken_out_add(ken_out *o, const void *bytes, size_t n);
void ken_out_puts(ken_out *o, const char *s);
void ken_out_printf(ken_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* All that was added is on the disk under the temporary name, so that closing only renames: for files that appear together. KEN_EFAIL. */
int ken_out_sync(ken_out *o, ken_err *err);
size_t ken_out_size(const ken_out *o); /* bytes so far */
/* Frees o in any case. With commit, path is now the new file; on failure (KEN_EFAIL: a full disk, no permission; KEN_ENOMEM) and
 * without commit it is what it was before. */
int ken_out_close(ken_out *o, bool commit, ken_err *err);
#endif
