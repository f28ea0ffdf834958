/* file.c - mapped reading, atomic writing; see file.h. */
#include "base/file.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int ken_map_file(ken_map *m, const char *path, ken_err *err)
{
    *m = (ken_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang us */
    if (fd < 0) return ken_fail(err, KEN_EINPUT, "%s: %s", path, strerror(errno));
    struct stat st;
    int rc = KEN_OK;
    if (fstat(fd, &st) != 0) rc = ken_fail(err, KEN_EINPUT, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode)) rc = ken_fail(err, KEN_EINPUT, "%s: not a regular file", path);
    else if (st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) rc = ken_fail_errno(err, "cannot map", path);
        else *m = (ken_map){p, (size_t)st.st_size};
    }
    close(fd);
    return rc;
}

void ken_unmap(ken_map *m)
{
    if (m->data != NULL) munmap((void *)m->data, m->size);
    *m = (ken_map){0};
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) {
            if (w == 0) errno = ENOSPC;
            return -1;
        }
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

/* The rename itself must reach the disk too, or a crash could bring back the old name. Failure here is not fatal. */
static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash == NULL ? ken_strdup(".") : ken_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (dir == NULL) return;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    ken_free(dir);
}

int ken_write_file(const char *path, const void *data, size_t n, ken_err *err)
{
    size_t len = strlen(path);
    char *tmp = ken_alloc(len + 16, 1);
    if (tmp == NULL) return ken_fail_nomem(err, "file name");
    memcpy(tmp, path, len);
    memcpy(tmp + len, ".tmp-XXXXXX", sizeof ".tmp-XXXXXX");
    int rc = KEN_OK;
    int fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0) {
        rc = ken_fail_errno(err, "cannot write", path);
        goto done;
    }
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(fd, 0666 & ~mask); /* mkostemp makes 0600; the final file should look like any other */
    int bad = write_all(fd, data, n) != 0 || fsync(fd) != 0;
    if (bad) rc = ken_fail_errno(err, "cannot write", path);
    if (close(fd) != 0 && !bad) rc = ken_fail_errno(err, "cannot write", path);
    if (rc == KEN_OK && rename(tmp, path) != 0) rc = ken_fail_errno(err, "cannot rename to", path);
    if (rc != KEN_OK) (void)unlink(tmp);
    else sync_folder_of(path);
done:
    ken_free(tmp);
    return rc;
}

int ken_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int ken_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}
