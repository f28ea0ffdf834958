/* lock.c - the writer's lock; see lock.h.
 *
 * An open-file-description lock (fcntl F_OFD_SETLK) on one byte far beyond SQLite's own lock bytes (which lie at 1 GiB). Unlike
 * flock it is never confused with SQLite's fcntl locks on a network disk; unlike a classic fcntl lock it also excludes a second
 * writer in this process.
 *
 * The hard thing: POSIX drops all classic locks of a process on a file when the process closes *any* descriptor of it. Closing
 * ours while an SQLite connection of this process is in a transaction on the same file would take its lock away. Hence the rules:
 * a second writer in this process is refused by a table of the files held, before it opens anything; and the descriptor is
 * closed after the writer's connection. (A reader in another thread of the same process, in the middle of a query at the
 * moment when the writer closes, would lose its lock too; it could be hurt only by a third program that commits within that query.) */
#include "store/lock.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ken_lock {
    char *path;
    int fd;
    bool made; /* by us: the file was not there */
    dev_t dev;
    ino_t ino;
    ken_lock *next;
};

static const off_t LOCK_BYTE = (off_t)1 << 62;
static ken_lock *held; /* the writers of this process */
static pthread_mutex_t held_mutex = PTHREAD_MUTEX_INITIALIZER;

static int fail_busy(const char *path, ken_err *err)
{
    return ken_fail(err, KEN_EBUSY,
                    "%s: another program is writing this run; wait for it to end, or name another run with -o", path);
}

static bool held_here(const struct stat *st)
{
    for (const ken_lock *l = held; l != NULL; l = l->next)
        if (l->dev == st->st_dev && l->ino == st->st_ino) return true;
    return false;
}

static int fail_kind(const char *path, mode_t mode, ken_err *err)
{
    return ken_fail(err, KEN_EINPUT, "%s: is %s, not a run; name a file with -o", path,
                    S_ISDIR(mode) ? "a folder" : "not a regular file");
}

static int fail_open(const char *path, ken_err *err)
{
    if (errno == EISDIR) return fail_kind(path, S_IFDIR, err);
    return ken_fail(err, KEN_EFAIL, "%s: cannot write a run here: %s", path, strerror(errno));
}

static int lock_fd(int fd)
{
    struct flock f;
    memset(&f, 0, sizeof f);
    f.l_type = F_WRLCK;
    f.l_whence = SEEK_SET;
    f.l_start = LOCK_BYTE;
    f.l_len = 1;
    return fcntl(fd, F_OFD_SETLK, &f);
}

/* One attempt. *again when the file at path is no longer the one we locked (its maker failed and removed it). */
static int try_lock(ken_lock *l, bool *again, ken_err *err)
{
    struct stat st, now;
    *again = false;
    if (stat(l->path, &st) == 0) {
        if (!S_ISREG(st.st_mode)) return fail_kind(l->path, st.st_mode, err);
        if (held_here(&st)) return fail_busy(l->path, err);
    }
    l->made = false;
    l->fd = open(l->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (l->fd < 0 && errno == ENOENT) {
        l->fd = open(l->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        l->made = l->fd >= 0;
        if (l->fd < 0 && errno == EEXIST) {
            *again = true;
            return KEN_OK;
        }
    }
    if (l->fd < 0) return fail_open(l->path, err);
    if (fstat(l->fd, &st) != 0) return fail_open(l->path, err);
    if (!S_ISREG(st.st_mode)) return fail_kind(l->path, st.st_mode, err);
    if (lock_fd(l->fd) != 0) {
        l->made = false;
        if (errno == EAGAIN || errno == EACCES) return fail_busy(l->path, err);
        return ken_fail(err, KEN_EFAIL, "%s: the file system cannot lock files (%s); put the run on a local disk",
                        l->path, strerror(errno));
    }
    if (stat(l->path, &now) != 0 || now.st_dev != st.st_dev || now.st_ino != st.st_ino) {
        close(l->fd);
        l->fd = -1;
        *again = true;
        return KEN_OK;
    }
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    return KEN_OK;
}

int ken_lock_take(ken_lock **out, const char *path, ken_err *err)
{
    *out = NULL;
    if (path == NULL || path[0] == '\0')
        return ken_fail(err, KEN_EUSAGE, "the name of the run is empty; name a file with -o");
    ken_lock *l = ken_calloc(1, sizeof *l);
    if (l == NULL || (l->path = ken_strdup(path)) == NULL) {
        ken_free(l);
        return ken_fail_nomem(err, path);
    }
    l->fd = -1;

    pthread_mutex_lock(&held_mutex);
    bool again = true;
    int rc = KEN_OK;
    for (int i = 0; i < 10 && again && rc == KEN_OK; i++) rc = try_lock(l, &again, err);
    if (rc == KEN_OK && again) rc = fail_busy(path, err);
    if (rc == KEN_OK) {
        l->next = held;
        held = l;
    }
    pthread_mutex_unlock(&held_mutex);

    if (rc == KEN_OK) {
        *out = l;
    } else {
        if (l->fd >= 0) close(l->fd);
        ken_free(l->path);
        ken_free(l);
    }
    return rc;
}

void ken_lock_free(ken_lock *l, bool remove_empty)
{
    if (l == NULL) return;
    pthread_mutex_lock(&held_mutex);
    for (ken_lock **p = &held; *p != NULL; p = &(*p)->next)
        if (*p == l) {
            *p = l->next;
            break;
        }
    /* Removed while still locked: whoever opened the old file meanwhile sees that path leads elsewhere, and tries again. */
    struct stat st;
    if (remove_empty && l->made && fstat(l->fd, &st) == 0 && st.st_size == 0) unlink(l->path);
    close(l->fd);
    pthread_mutex_unlock(&held_mutex);
    ken_free(l->path);
    ken_free(l);
}
