/* train_dir.c - see train_dir.h. */
#include "tune/train_dir.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tune/checkpoint.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_paths(ken_train_dir *d, const char *path, ken_err *err)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    d->path = ken_strndup(path, n);
    if (d->path == NULL) return ken_fail_nomem(err, "file names");
    const struct {
        char **to;
        const char *name;
    } all[] = {{&d->run, "train.ken"},   {&d->state_dir, "state"},       {&d->state, "state/checkpoint"},
               {&d->best, "state/best"}, {&d->teacher, "state/teacher"}, {&d->last, "last"},
               {&d->done, "DONE"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((*all[i].to = ken_path_join(d->path, all[i].name)) == NULL) return ken_fail_nomem(err, "file names");
    return KEN_OK;
}

/* A folder with other files in it is not written into. */
static int check_contents(const ken_train_dir *d, ken_err *err)
{
    char other[80] = "";
    bool ours = false;
    DIR *dir = opendir(d->path);
    if (dir == NULL) return ken_fail_errno(err, "cannot look into", d->path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (strcmp(e->d_name, "train.ken") == 0) ours = true;
        else snprintf(other, sizeof other, "%.60s", e->d_name);
    }
    closedir(dir);
    if (ours || other[0] == '\0' || (strcmp(other, "state") == 0 && !ken_is_file(d->state))) return KEN_OK;
    if (ken_is_file(d->state))
        return ken_fail(err, KEN_EINPUT,
                        "%s: holds the state of a training but not its run, train.ken; name another folder with -o",
                        d->path);
    return ken_fail(err, KEN_EINPUT, "%s: is not empty (%s) and holds no training; name another folder with -o",
                    d->path, other);
}

int ken_train_dir_open(ken_train_dir *d, const char *path, bool *finished, ken_err *err)
{
    struct stat st;
    *d = (ken_train_dir){0};
    *finished = false;
    if (path == NULL || path[0] == '\0')
        return ken_fail(err, KEN_EUSAGE, "no folder for the results; name one with -o DIR");
    int rc = set_paths(d, path, err);
    if (rc != KEN_OK) return rc;
    if (stat(d->path, &st) != 0) {
        if (errno == ENOENT) return KEN_OK;
        return ken_fail_errno(err, "cannot use", d->path);
    }
    if (!S_ISDIR(st.st_mode))
        return ken_fail(err, KEN_EINPUT, "%s: is not a folder; name one for the results with -o DIR", d->path);
    rc = check_contents(d, err);
    *finished = rc == KEN_OK && ken_is_file(d->done);
    return rc == KEN_OK && !*finished ? ken_store_probe(d->run, err) : rc;
}

bool ken_train_done(const char *dir)
{
    char *done = ken_path_join(dir, "DONE");
    bool yes = done != NULL && ken_is_file(done);
    ken_free(done);
    return yes;
}

void ken_train_dir_close(ken_train_dir *d)
{
    char *all[] = {d->path, d->run, d->state_dir, d->state, d->best, d->teacher, d->last, d->done};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    *d = (ken_train_dir){0};
}

int ken_train_dir_make(ken_train_dir *d, ken_err *err)
{
    int rc = ken_make_folder(d->path, err);
    return rc == KEN_OK ? ken_make_folder(d->state_dir, err) : rc;
}

void ken_train_dir_sweep(const ken_train_dir *d)
{
    ken_checkpoint_sweep(d->path);
    ken_checkpoint_sweep(d->state_dir);
    ken_checkpoint_sweep(d->last);
}

int ken_train_dir_finish(ken_train_dir *d, int64_t steps, int64_t best_step, ken_err *err)
{
    char text[120];
    int n = best_step >= 0
                ? snprintf(text, sizeof text, "%lld steps; best after %lld\n", (long long)steps, (long long)best_step)
                : snprintf(text, sizeof text, "%lld steps\n", (long long)steps);
    int rc = ken_write_file(d->done, text, (size_t)n, err);
    if (rc == KEN_OK) ken_train_dir_remove_state(d);
    return rc;
}

void ken_train_dir_remove_state(ken_train_dir *d)
{
    (void)unlink(d->state);
    (void)unlink(d->best);
    (void)unlink(d->teacher);
    (void)rmdir(d->state_dir);
}
