/* whole.c - see whole.h. */
#include "store/whole.h"
#include "base/alloc.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ken_setting_is_cost(const char *key) { return strcmp(key, "token_forwards") == 0 || strcmp(key, "seconds") == 0; }

/* An empty file beside path, which is taken up as a new run. *name is the caller's. */
static int make_temporary(const char *path, char **name, ken_err *err)
{
    size_t len = strlen(path);
    *name = ken_alloc(len + sizeof ".tmp-XXXXXX", 1);
    if (*name == NULL) return ken_fail_nomem(err, path);
    memcpy(*name, path, len);
    memcpy(*name + len, ".tmp-XXXXXX", sizeof ".tmp-XXXXXX");
    int fd = mkstemp(*name);
    if (fd < 0) {
        int rc = ken_fail_errno(err, "cannot write", *name);
        ken_free(*name);
        *name = NULL;
        return rc;
    }
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(fd, 0666 & ~mask); /* as any other file that a program makes */
    close(fd);
    return KEN_OK;
}

int ken_store_write_whole(const char *path, const ken_setting *settings, size_t n,
                          int (*fill)(ken_store *s, void *ctx, ken_err *err), void *ctx, ken_err *err)
{
    char *temporary;
    ken_store *s = NULL;
    int rc = make_temporary(path, &temporary, err);
    if (rc != KEN_OK || temporary == NULL) return rc; /* the second never without the first; for the analyser */
    rc = ken_store_open(&s, temporary, settings, n, err);
    if (rc == KEN_OK) rc = fill(s, ctx, err);
    if (rc == KEN_OK) rc = ken_store_close(s, err);
    else ken_store_close(s, NULL);
    if (rc == KEN_OK && rename(temporary, path) != 0) rc = ken_fail_errno(err, "cannot write", path);
    if (rc == KEN_OK) ken_sync_folder_of(path);
    else (void)unlink(temporary);
    ken_free(temporary);
    return rc;
}
