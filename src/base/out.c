/* out.c - see out.h. The order that makes it safe: write, sync, close, rename, sync the folder. */
#include "base/out.h"
#include "base/alloc.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 16 };

struct ken_out {
    int fd, error; /* errno of the first failure, 0 */
    size_t used, flushed;
    char *path, *temporary; /* temporary is NULL for what is no plain file */
    char buffer[BUFFER];
};

static void flush(ken_out *o)
{
    const char *p = o->buffer;
    size_t n = o->used;
    o->flushed += n;
    o->used = 0;
    while (n > 0 && o->error == 0) {
        ssize_t w = write(o->fd, p, n);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) {
            o->error = w == 0 ? ENOSPC : errno;
            return;
        }
        p += w;
        n -= (size_t)w;
    }
}

/* Which of our own descriptors path names, else -1. They may be files, as in `-o /dev/stdout >>log`: these continue where they are. */
static int own_descriptor(const char *path)
{
    static const char *const folder[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdout") == 0) return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0) return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
        const size_t n = strlen(folder[i]);
        char *end;
        if (strncmp(path, folder[i], n) != 0 || path[n] < '0' || path[n] > '9') continue;
        const long fd = strtol(path + n, &end, 10);
        if (*end == '\0' && fd <= INT_MAX) return (int)fd;
    }
    return -1;
}

/* A device or a pipe is written to: renaming a file over it would put the file in its place. */
static bool is_stream(const char *path)
{
    struct stat st;
    return own_descriptor(path) >= 0 || (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

static int open_stream(ken_out *o, const char *path, ken_err *err)
{
    const int own = own_descriptor(path);
    o->fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 0) : open(path, O_WRONLY | O_CLOEXEC);
    return o->fd >= 0 ? KEN_OK : ken_fail_errno(err, "cannot write", path);
}

int ken_out_open(ken_out **out, const char *path, ken_err *err)
{
    *out = NULL;
    ken_out *o = ken_alloc(1, sizeof *o);
    if (o == NULL) return ken_fail_nomem(err, "file to write");
    o->error = 0;
    o->used = o->flushed = 0;
    o->temporary = NULL;
    const bool stream = is_stream(path);
    o->path = stream ? ken_strndup(path, strlen(path)) : ken_resolve_links(path);
    int rc = o->path == NULL ? ken_fail_nomem(err, "file name")
             : stream        ? open_stream(o, path, err)
                             : ken_temporary_of(o->path, &o->temporary, &o->fd, err);
    if (rc == KEN_OK) {
        *out = o;
        return KEN_OK;
    }
    ken_free(o->path);
    ken_free(o);
    return rc;
}

void ken_out_add(ken_out *o, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0 && o->error == 0) {
        size_t k = BUFFER - o->used < n ? BUFFER - o->used : n;
        memcpy(o->buffer + o->used, p, k);
        o->used += k;
        p += k;
        n -= k;
        if (o->used == BUFFER) flush(o);
    }
}

void ken_out_puts(ken_out *o, const char *s) { ken_out_add(o, s, strlen(s)); }

void ken_out_printf(ken_out *o, const char *fmt, ...)
{
    char small[512], *text = small;
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    if (n >= (int)sizeof small) {
        text = ken_alloc((size_t)n + 1, 1);
        if (text != NULL) vsnprintf(text, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    va_end(ap);
    if (n < 0 || text == NULL) o->error = o->error != 0 ? o->error : ENOMEM;
    else ken_out_add(o, text, (size_t)n);
    if (text != small) ken_free(text);
}

static void flush_to_disk(ken_out *o)
{
    flush(o);
    if (o->error == 0 && o->temporary != NULL && fsync(o->fd) != 0) o->error = errno;
}

int ken_out_sync(ken_out *o, ken_err *err)
{
    flush_to_disk(o);
    if (o->error == 0) return KEN_OK;
    errno = o->error;
    return ken_fail_errno(err, "cannot write", o->path);
}

size_t ken_out_size(const ken_out *o) { return o->flushed + o->used; }

int ken_out_close(ken_out *o, bool commit, ken_err *err)
{
    int rc = KEN_OK;
    if (o == NULL) return KEN_OK;
    if (commit) flush_to_disk(o);
    if (close(o->fd) != 0 && o->error == 0) o->error = errno;
    if (o->temporary != NULL) {
        if (commit && o->error == 0 && rename(o->temporary, o->path) != 0) o->error = errno;
        if (!commit || o->error != 0) (void)unlink(o->temporary);
        else ken_sync_folder_of(o->path);
    }
    if (commit && o->error != 0) {
        errno = o->error;
        rc = ken_fail_errno(err, "cannot write", o->path);
    }
    ken_free(o->path);
    ken_free(o->temporary);
    ken_free(o);
    return rc;
}
