/* test_out.c - files that appear whole or not at all: long and short contents, giving up, and every way to fail. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/out.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/ken-out-XXXXXX", path[64];

static int entries(void) /* in the folder */
{
    int n = 0;
    char command[96];
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *f = popen(command, "r");
    assert_true(f != NULL && fscanf(f, "%d", &n) == 1);
    pclose(f);
    return n;
}

static void long_contents_arrive(void **state)
{
    (void)state;
    ken_out *o;
    enum { LINES = 30000 };
    char *big = ken_alloc(2000, 1);
    memset(big, 'x', 1999);
    big[1999] = '\0';
    assert_int_equal(ken_out_open(&o, path, NULL), KEN_OK);
    assert_false(ken_is_file(path)); /* not before it is whole */
    for (int i = 0; i < LINES; i++) ken_out_printf(o, "%d\n", i);
    ken_out_printf(o, "%s", big); /* longer than the small buffer */
    ken_out_add(o, "\0", 1);
    assert_int_equal(ken_out_close(o, true, NULL), KEN_OK);
    ken_map m;
    assert_int_equal(ken_map_file(&m, path, NULL), KEN_OK);
    size_t at = 0;
    for (int i = 0; i < LINES; i++) {
        char line[16];
        int n = snprintf(line, sizeof line, "%d\n", i);
        assert_memory_equal(m.data + at, line, n);
        at += (size_t)n;
    }
    assert_int_equal(m.size, at + 2000);
    assert_memory_equal(m.data + at, big, 2000);
    ken_unmap(&m);
    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666 & ~mask);
    ken_free(big);
    unlink(path);
}

static void giving_up_leaves_the_old_file(void **state)
{
    (void)state;
    ken_out *o;
    assert_int_equal(ken_write_file(path, "old", 3, NULL), KEN_OK);
    assert_int_equal(ken_out_open(&o, path, NULL), KEN_OK);
    ken_out_puts(o, "new");
    assert_int_equal(ken_out_close(o, false, NULL), KEN_OK);
    assert_int_equal(ken_out_close(NULL, false, NULL), KEN_OK);
    ken_map m;
    assert_int_equal(ken_map_file(&m, path, NULL), KEN_OK);
    assert_int_equal(m.size, 3);
    assert_memory_equal(m.data, "old", 3);
    ken_unmap(&m);
    assert_int_equal(entries(), 1);
    unlink(path);
}

static void failures_are_said_and_leave_nothing(void **state)
{
    (void)state;
    ken_out *o;
    ken_err err = {0};
    assert_int_equal(ken_out_open(&o, "/nonexistent/folder/x", &err), KEN_EFAIL);
    assert_null(o);
    assert_non_null(strstr(err.msg, "/nonexistent/folder/x: No such file"));
    assert_int_equal(ken_write_file(folder, "x", 1, &err), KEN_EFAIL); /* a folder is not replaced by a file */
    for (long k = 1; k <= 3; k++) {
        ken_alloc_fail_after(k);
        int rc = ken_out_open(&o, path, &err);
        ken_alloc_fail_after(0);
        assert_int_equal(rc, KEN_ENOMEM);
        assert_null(o);
    }
    char big[600];
    memset(big, 'y', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(ken_out_open(&o, path, &err), KEN_OK);
    ken_alloc_fail_after(1);
    ken_out_printf(o, "%s", big); /* needs memory, gets none */
    ken_alloc_fail_after(0);
    ken_out_puts(o, "after");
    assert_int_equal(ken_out_close(o, true, &err), KEN_ENOMEM);
    assert_false(ken_is_file(path));
    assert_int_equal(entries(), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* A device is written to and not replaced: /dev/full through a link, as somebody's -o might name it. */
static void devices_are_written_to_and_not_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *device;
        int status;
    } cases[] = {{"/dev/null", KEN_OK}, {"/dev/full", KEN_EFAIL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ken_out *o;
        struct stat st;
        assert_int_equal(symlink(cases[i].device, path), 0);
        assert_int_equal(ken_out_open(&o, path, NULL), KEN_OK);
        ken_out_puts(o, "some words");
        assert_int_equal(ken_out_close(o, true, NULL), cases[i].status);
        assert_int_equal(lstat(path, &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_int_equal(stat(path, &st), 0);
        assert_true(S_ISCHR(st.st_mode));
        assert_int_equal(entries(), 1);
        unlink(path);
    }
}

static void expect_content(const char *file, const char *text)
{
    char got[64] = {0};
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof got - 1, f), strlen(text));
    assert_string_equal(got, text);
    fclose(f);
}

/* Of a link the file behind it is replaced, and the link stays; one that leads nowhere becomes the file. */
static void links_stay(void **state)
{
    (void)state;
    char real[sizeof path + 8];
    struct stat st;
    snprintf(real, sizeof real, "%s-real", path);
    for (int there = 1; there >= 0; there--) {
        ken_out *o;
        if (there) assert_int_equal(ken_write_file(real, "old", 3, NULL), KEN_OK);
        assert_int_equal(symlink("file-real", path), 0);
        assert_int_equal(ken_out_open(&o, path, NULL), KEN_OK);
        ken_out_puts(o, "new words");
        assert_int_equal(ken_out_close(o, true, NULL), KEN_OK);
        assert_int_equal(lstat(path, &st), 0);
        assert_int_equal(S_ISLNK(st.st_mode), there);
        expect_content(there ? real : path, "new words");
        assert_int_equal(entries(), 1 + there);
        unlink(path);
        unlink(real);
    }
}

/* /dev/stdout and its like, when they are a file: written to where they stand, as in `>>log`. */
static void own_descriptors_are_written_to(void **state)
{
    (void)state;
    static const char *const forms[] = {"/dev/fd/%d", "/proc/self/fd/%d"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        ken_out *o;
        char name[64];
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "old ", 4), 4);
        snprintf(name, sizeof name, forms[i], fd);
        assert_int_equal(ken_out_open(&o, name, NULL), KEN_OK);
        ken_out_puts(o, "new ");
        assert_int_equal(ken_out_close(o, true, NULL), KEN_OK);
        assert_int_equal(write(fd, "last", 4), 4); /* still open */
        close(fd);
        expect_content(path, "old new last");
        assert_int_equal(entries(), 1);
        assert_int_equal(ken_out_open(&o, name, NULL), KEN_EFAIL); /* closed by now */
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_contents_arrive),
        cmocka_unit_test(giving_up_leaves_the_old_file),
        cmocka_unit_test(failures_are_said_and_leave_nothing),
        cmocka_unit_test(devices_are_written_to_and_not_replaced),
        cmocka_unit_test(links_stay),
        cmocka_unit_test(own_descriptors_are_written_to),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
