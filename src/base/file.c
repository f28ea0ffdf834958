/* file.c - mapped reading, and writing in one go (out.c does the writing); see file.h. */
#include "base/file.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/out.h"
#include <dirent.h>
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

int ken_write_file(const char *path, const void *data, size_t n, ken_err *err)
{
    ken_out *o;
    int rc = ken_out_open(&o, path, err);
    if (rc != KEN_OK) return rc;
    ken_out_add(o, data, n);
    return ken_out_close(o, true, err);
}

char *ken_path_join(const char *dir, const char *name)
{
    ken_buf b = {0};
    size_t n = strlen(dir);
    ken_buf_printf(&b, "%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name);
    return ken_buf_take(&b);
}

const char *ken_last_part(const char *path, bool stem, size_t *n)
{
    size_t end = strlen(path), at, dot;
    while (end > 1 && path[end - 1] == '/') end--;
    for (at = end; at > 0 && path[at - 1] != '/';) at--;
    for (dot = end; stem && dot > at + 1 && path[dot - 1] != '.';) dot--;
    *n = (stem && dot > at + 1 ? dot - 1 : end) - at;
    return path + at;
}

const char *ken_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool ken_has_ending(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n >= m && strcmp(path + n - m, ending) == 0;
}

int ken_make_folder(const char *path, ken_err *err)
{
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && ken_is_dir(path))) return KEN_OK;
    return ken_fail_errno(err, "cannot make the folder", path);
}

int ken_folder_is_free(const char *path, ken_err *err)
{
    char other[61] = "";
    DIR *dir = opendir(path);
    if (dir == NULL && errno == ENOENT) return KEN_OK;
    if (dir == NULL && errno == ENOTDIR)
        return ken_fail(err, KEN_EINPUT, "%s: is not a folder; name another place", path);
    if (dir == NULL) return ken_fail_errno(err, "cannot look into", path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            snprintf(other, sizeof other, "%.60s", e->d_name);
    closedir(dir);
    if (other[0] == '\0') return KEN_OK;
    return ken_fail(err, KEN_EINPUT, "%s: is not empty (%s); name another folder", path, other);
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

char *ken_resolve_links(const char *path)
{
    struct stat st;
    char *real = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(path, NULL) : NULL;
    char *copy = ken_strndup(real != NULL ? real : path, strlen(real != NULL ? real : path));
    free(real);
    return copy;
}

const char *ken_file_protected(const char *path)
{
    static const struct {
        const char *magic, *what;
    } kinds[] = {{"SQLite format 3", "a run or another database"}, {"GGUF", "a model"}};
    char head[16];
    int fd = ken_is_file(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return NULL; /* not readable is for the caller to report */
    ssize_t got = read(fd, head, sizeof head);
    close(fd);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].magic);
        if (got >= (ssize_t)n && memcmp(head, kinds[i].magic, n) == 0) return kinds[i].what;
    }
    return NULL;
}

int ken_temporary_of(const char *path, char **name, int *fd, ken_err *err)
{
    static const char ending[] = ".tmp-XXXXXX";
    size_t n = strlen(path);
    *fd = -1;
    *name = ken_alloc(n + sizeof ending, 1);
    if (*name == NULL) return ken_fail_nomem(err, path);
    memcpy(*name, path, n);
    memcpy(*name + n, ending, sizeof ending);
    *fd = mkostemp(*name, O_CLOEXEC);
    if (*fd < 0) {
        int rc = ken_fail_errno(err, "cannot write", path);
        ken_free(*name);
        *name = NULL;
        return rc;
    }
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(*fd, 0666 & ~mask); /* mkostemp makes 0600; the final file should look like any other */
    return KEN_OK;
}

void ken_sync_folder_of(const char *path)
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
