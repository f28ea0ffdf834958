/* test_file.c - mapped reading and atomic writing: the old file or the whole new one, also when the disk is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/file.h"
#include "base/hub_name.h"
#include "ken.h"

static char folder[] = "/tmp/ken-test-file-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int count_files(void)
{
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    if (d != NULL) closedir(d);
    return n;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "empty", "sub", "link", "ro/x", "ro"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)remove(in_folder(names[i]));
    return rmdir(folder);
}

static void assert_holds(const char *path, const char *text)
{
    ken_map m;
    ken_err err = {0};
    assert_int_equal(ken_map_file(&m, path, &err), KEN_OK);
    assert_int_equal(m.size, strlen(text));
    if (m.size > 0) assert_memory_equal(m.data, text, m.size);
    ken_unmap(&m);
    assert_null(m.data);
    ken_unmap(&m); /* twice is fine */
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    ken_err err = {0};
    mode_t mask = umask(022);
    assert_int_equal(ken_write_file(in_folder("a"), "one", 3, &err), KEN_OK);
    assert_holds(in_folder("a"), "one");
    assert_int_equal(ken_write_file(in_folder("a"), "another", 7, &err), KEN_OK);
    assert_holds(in_folder("a"), "another");
    struct stat st;
    assert_int_equal(stat(in_folder("a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644); /* the umask's, not mkstemp's 0600 */
    umask(mask);
    assert_int_equal(ken_write_file(in_folder("empty"), NULL, 0, &err), KEN_OK);
    assert_holds(in_folder("empty"), "");
    assert_int_equal(ken_is_file(in_folder("a")), 1);
    assert_int_equal(ken_is_dir(in_folder("a")), 0);
    assert_int_equal(ken_is_dir(folder), 1);
    assert_int_equal(ken_is_file(in_folder("none")), 0);
    assert_int_equal(count_files(), 2);
}

static void reading_says_what_is_wrong(void **state)
{
    (void)state;
    ken_map m;
    ken_err err = {0};
    assert_int_equal(ken_map_file(&m, in_folder("none"), &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "none: No such file"));
    assert_null(m.data);
    assert_int_equal(ken_map_file(&m, folder, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "not a regular file"));
    assert_int_equal(ken_map_file(&m, "/dev/null", &err), KEN_EINPUT); /* a device must not block or map */
}

static void writing_where_one_may_not_fails_cleanly(void **state)
{
    (void)state;
    ken_err err = {0};
    assert_int_equal(ken_write_file(in_folder("none/x"), "y", 1, &err), KEN_EFAIL);
    assert_non_null(strstr(err.msg, "No such file"));
    assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
    assert_int_equal(ken_write_file(in_folder("sub"), "y", 1, &err), KEN_EFAIL); /* a folder is in the way */
    assert_int_equal(count_files(), 3); /* and no temporary file stays behind */
    ken_alloc_fail_after(1);
    int rc = ken_write_file(in_folder("a"), "new", 3, &err);
    ken_alloc_fail_after(0);
    assert_int_equal(rc, KEN_ENOMEM);
    assert_holds(in_folder("a"), "another");
}

/* A limit on file sizes stops write(2) half way, as a full disk does. */
static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    ken_err err = {0};
    static char big[1 << 16];
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 10000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = ken_write_file(in_folder("a"), big, sizeof big, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(rc, KEN_EFAIL);
    assert_non_null(strstr(err.msg, "cannot write"));
    assert_holds(in_folder("a"), "another");
    assert_int_equal(count_files(), 3);
}

static void snapshots_of_the_hub_are_called_as_there(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name; /* NULL: no such name */
    } cases[] = {{"/c/hub/models--acme--tiny/snapshots/0123abc", "acme/tiny"},
                 {"models--acme--tiny-x.1/snapshots/0123abc//", "acme/tiny-x.1"},
                 {"/c/models--gpt/snapshots/1", "gpt"},
                 {"/snapshots/models--a--b/snapshots/models--c--d/snapshots/1", "c/d"},
                 {"/c/models--acme--tiny/snapshots/0123abc/a.gguf", NULL},
                 {"/c/models--acme--tiny/snapshots/", NULL},
                 {"/c/models--acme--tiny/0123abc", NULL},
                 {"/c/models--/snapshots/1", NULL},
                 {"/c/other--acme--tiny/snapshots/1", NULL},
                 {"/snapshots/1", NULL},
                 {"", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32] = "as it was";
        assert_int_equal(ken_hub_name(name, sizeof name, cases[i].path), cases[i].name != NULL);
        assert_string_equal(name, cases[i].name != NULL ? cases[i].name : "as it was");
    }
    char four[4], label[64];
    assert_true(ken_hub_name(four, sizeof four, cases[0].path));
    assert_string_equal(four, "acm");
    ken_model_label(label, sizeof label, cases[0].path);
    assert_string_equal(label, "acme/tiny");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(reading_says_what_is_wrong),
        cmocka_unit_test(writing_where_one_may_not_fails_cleanly),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(snapshots_of_the_hub_are_called_as_there),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
