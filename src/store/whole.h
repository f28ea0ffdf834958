/* whole.h - a run that appears whole or not at all: for what is not resumed, so that half of it would be useless. */
#ifndef KEN_STORE_WHOLE_H
#define KEN_STORE_WHOLE_H
#include "store/store.h"

/* Makes the run under a temporary name beside path, has fill put everything into it, and renames it to path, replacing what is there; asking
 * whether that may be replaced is for the caller to check. Commits are not needed. After a failure path is what it was before. */
int ken_store_write_whole(const char *path, const ken_setting *settings, size_t n,
                          int (*fill)(ken_store *s, void *ctx, ken_err *err), void *ctx, ken_err *err);
/* Settings that the reader gives from the costs of a run; they are not stored as such. */
bool ken_setting_is_cost(const char *key);
#endif
