/* export_files.c - several files that appear together; see export.h.
 *
 * Everything that usually goes wrong (a full disk, no permission, no memory) goes wrong while the files have temporary names, and then
 * nothing has changed. What is left are the renames, one after the other: should one of them fail, new files are taken away again,
 * and one that replaced an older file stays, with the manifest of that older one still telling that it does not belong to it. */
#include "base/alloc.h"
#include "base/file.h"
#include "tune/export.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_target(const char *path, bool *there, ken_err *err)
{
    struct stat st;
    size_t n = strlen(path);
    *there = false;
    if (n == 0) return ken_fail(err, KEN_EUSAGE, "the name of the file to write is empty");
    if (path[n - 1] == '/') return ken_fail(err, KEN_EUSAGE, "%s: the name of a folder; name a file to write", path);
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? KEN_OK : ken_fail_errno(err, "cannot write", path);
    if (!S_ISREG(st.st_mode))
        return ken_fail(err, KEN_EUSAGE, "%s: not a plain file, and so not replaced; name another one", path);
    *there = true;
    const char *what = ken_file_protected(path);
    if (what != NULL)
        return ken_fail(err, KEN_EUSAGE, "%s: it holds %s, which is not replaced; name another file", path, what);
    return KEN_OK;
}

int ken_files_add(ken_files *f, const char *path, ken_file **out, ken_err *err)
{
    ken_file x = {0};
    *out = NULL;
    if (f->n == KEN_MAX_FILES) return ken_fail(err, KEN_ESTATE, "more than %d files", KEN_MAX_FILES);
    bool standard = strcmp(path, "-") == 0;
    int rc = standard ? KEN_OK : check_target(path, &x.there, err);
    if (rc != KEN_OK) return rc;
    x.path = ken_strdup(path);
    x.sha = x.path != NULL ? ken_sha256_new() : NULL;
    if (x.sha == NULL) rc = ken_fail_nomem(err, "file name");
    if (rc == KEN_OK && !standard) rc = ken_out_open(&x.out, path, err);
    if (rc == KEN_OK) {
        f->file[f->n] = x;
        *out = &f->file[f->n++];
        return KEN_OK;
    }
    if (x.sha != NULL) ken_sha256_hex(x.sha, x.hash);
    ken_free(x.path);
    return rc;
}

void ken_file_write(ken_file *f, const void *bytes, size_t n)
{
    if (f->out != NULL) ken_out_add(f->out, bytes, n);
    else (void)fwrite(bytes, 1, n, stdout); /* ferror remembers */
    ken_sha256_add(f->sha, bytes, n);
    f->bytes += n;
}

static int seal(ken_file *f, ken_err *err)
{
    if (f->sha != NULL) ken_sha256_hex(f->sha, f->hash);
    f->sha = NULL;
    if (f->out != NULL) return ken_out_sync(f->out, err);
    if (fflush(stdout) == 0 && ferror(stdout) == 0) return KEN_OK;
    return ken_fail_errno(err, "cannot write", "standard output");
}

int ken_files_seal(ken_files *f, ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; i < f->n && rc == KEN_OK; i++)
        if (f->file[i].sha != NULL) rc = seal(&f->file[i], err);
    return rc;
}

void ken_files_drop(ken_files *f)
{
    for (int i = 0; i < f->n; i++) {
        ken_file *x = &f->file[i];
        if (x->sha != NULL) ken_sha256_hex(x->sha, x->hash);
        (void)ken_out_close(x->out, false, NULL);
        ken_free(x->path);
    }
    *f = (ken_files){0};
}

int ken_files_rename(ken_files *f, ken_err *err)
{
    int rc = ken_files_seal(f, err), kept = 0;
    for (; kept < f->n && rc == KEN_OK; kept++) {
        ken_out *out = f->file[kept].out;
        f->file[kept].out = NULL; /* closing frees it in any case */
        rc = ken_out_close(out, true, err);
    }
    for (int i = 0; rc != KEN_OK && i < kept - 1; i++)
        if (!f->file[i].there) (void)unlink(f->file[i].path);
    ken_files_drop(f);
    return rc;
}
