/* whole.c - see whole.h. */
#include "store/whole.h"
#include "base/alloc.h"
#include "base/file.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool ken_setting_is_cost(const char *key) { return strcmp(key, "token_forwards") == 0 || strcmp(key, "seconds") == 0; }

int ken_store_write_whole(const char *path, const ken_setting *settings, size_t n,
                          int (*fill)(ken_store *s, void *ctx, ken_err *err), void *ctx, ken_err *err)
{
    char *temporary = NULL, *real = ken_resolve_links(path);
    ken_store *s = NULL;
    if (real == NULL) return ken_fail_nomem(err, "file name");
    int fd, code = ken_temporary_of(real, &temporary, &fd, err); /* an empty file becomes a new run */
    if (code != KEN_OK || temporary == NULL) { /* the second never without the first; for the analyser */
        ken_free(real);
        return code;
    }
    close(fd);
    code = ken_store_open(&s, temporary, settings, n, err);
    if (code == KEN_OK) code = fill(s, ctx, err);
    if (code == KEN_OK) code = ken_store_close(s, err);
    else ken_store_close(s, NULL);
    if (code == KEN_OK && rename(temporary, real) != 0) code = ken_fail_errno(err, "cannot write", path);
    if (code == KEN_OK) ken_sync_folder_of(real);
    else (void)unlink(temporary);
    ken_free(temporary);
    ken_free(real);
    return code;
}
