/* test_store_crash.c - one writer at a time; kill -9 at any moment; no space left. What was committed is there afterwards. */
#include "rows.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static ken_err err;
static made_row made;

static void check_run(const char *path, size_t at_least)
{
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_true(ken_run_count(r) >= at_least);
    for (size_t i = 0; i < ken_run_count(r); i++) assert_row_equal(make_row(&made, i), ken_run_row(r, i, &err));
    ken_run_free(r);
}

/* ---- one writer ---------------------------------------------------------------------------------------------------- */

/* In a child of its own: opens the store and says what it got. */
static int open_elsewhere(const char *path)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        ken_store *s;
        int status = ken_store_open(&s, path, test_settings, n_test_settings, &err);
        if (status == KEN_OK) ken_store_close(s, &err);
        _exit(status);
    }
    int w;
    assert_int_equal(waitpid(pid, &w, 0), pid);
    assert_true(WIFEXITED(w));
    return WEXITSTATUS(w);
}

static void one_writer(void **state)
{
    (void)state;
    const char *path = in_folder("busy.ken");
    ken_store *s, *t;
    assert_ok(ken_store_open(&s, path, test_settings, n_test_settings, &err));
    for (uint64_t i = 0; i < 6; i++) { /* between transactions and within one, in this process and in another */
        if (i % 2 == 0) assert_ok(ken_store_put_row(s, i / 2, make_row(&made, i / 2), &err));
        else assert_ok(ken_store_commit(s, &err));
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        assert_int_equal(open_elsewhere(path), KEN_EBUSY);
        assert_int_equal(ken_store_open(&t, path, test_settings, n_test_settings, &err), KEN_EBUSY);
        assert_int_equal(ken_store_probe(path, &err), KEN_EBUSY);
        clock_gettime(CLOCK_MONOTONIC, &b);
        assert_null(t);
        assert_non_null(strstr(err.msg, "another program is writing this run"));
        assert_true((double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec) < 5);
    }
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_store_probe(path, &err));
    assert_int_equal(open_elsewhere(path), KEN_OK);
    assert_ok(ken_store_open(&s, path, test_settings, n_test_settings, &err));
    assert_ok(ken_store_close(s, &err));
    check_run(path, 3);
}

/* ---- kill -9 ------------------------------------------------------------------------------------------------------- */

enum { ROWS = 400, BATCH = 5 };

/* Resumes the run at path up to ROWS rows; writes the number of rows after each commit to fd. */
static void annotate(const char *path, int fd)
{
    ken_store *s;
    if (ken_store_open(&s, path, test_settings, n_test_settings, &err) != KEN_OK) _exit(9);
    for (uint64_t i = 0; i < ROWS; i++) {
        const ken_row *row = make_row(&made, i);
        if (ken_store_has(s, row->id)) continue;
        if (ken_store_put_row(s, i, row, &err) != KEN_OK) _exit(10);
        if (i % BATCH != BATCH - 1) continue;
        uint32_t n = (uint32_t)ken_store_count(s);
        if (ken_store_add_cost(s, 1, 0.5, &err) != KEN_OK || ken_store_commit(s, &err) != KEN_OK ||
            write(fd, &n, sizeof n) != sizeof n)
            _exit(11);
    }
    _exit(ken_store_close(s, &err) == KEN_OK ? 0 : 12);
}

/* Runs annotate in a child and kills it after us microseconds; the number of rows it had promised by then. *ended: it was done. */
static uint32_t kill_after(const char *path, long us, bool *ended)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) annotate(path, fd[1]);
    close(fd[1]);
    struct timespec pause = {0, us * 1000};
    nanosleep(&pause, NULL);
    kill(pid, SIGKILL);
    int w;
    assert_int_equal(waitpid(pid, &w, 0), pid);
    *ended = WIFEXITED(w);
    if (*ended) assert_int_equal(WEXITSTATUS(w), 0);
    uint32_t n, promised = 0;
    while (read(fd[0], &n, sizeof n) == sizeof n) promised = n;
    close(fd[0]);
    return promised;
}

static void killed(void **state)
{
    (void)state;
    srand(20);
    const char *path = in_folder("killed.ken");
    uint32_t promised = 0;
    bool ended = false;
    int kills = 0, in_the_middle = 0;
    long us = 500, step = 1000;
    /* Later and later moments, at least five of them between two commits of rows. */
    for (; kills < 20 || in_the_middle < 5 || !ended; us += step) {
        if (ended) { /* too fast for us: once more from the start, in smaller steps */
            unlink(path);
            promised = 0;
            us = 500;
            if (step > 10) step /= 2;
        }
        uint32_t n = kill_after(path, us + rand() % step, &ended);
        if (n > promised) promised = n;
        kills += !ended;
        in_the_middle += !ended && n > 0;
        /* An empty file, or none, is all that a kill during creation may leave. */
        ken_run *r;
        struct stat st;
        if (promised > 0) check_run(path, promised);
        else if (ken_run_open(&r, path, &err) == KEN_OK) ken_run_free(r);
        else assert_true(stat(path, &st) != 0 || st.st_size == 0);
    }
    check_run(path, ROWS);
    assert_int_not_equal(access(in_folder("killed.ken-journal"), F_OK), 0);
}

/* The moments of creation, one after the other: 40 new runs killed 150 microseconds apart; each is resumed. */
static void killed_in_creation(void **state)
{
    (void)state;
    const char *path = in_folder("created.ken");
    for (long us = 0; us < 6000; us += 150) {
        bool ended;
        unlink(path);
        uint32_t promised = kill_after(path, us, &ended);
        ken_store *s;
        assert_ok(ken_store_open(&s, path, test_settings, n_test_settings, &err));
        assert_true(ken_store_count(s) >= promised);
        assert_ok(ken_store_close(s, &err));
        check_run(path, promised);
    }
}

/* ---- no space ------------------------------------------------------------------------------------------------------ */

/* Writes rows until that fails, in a child with `limit` bytes a file at most (0 = as the disk has). The status and message come
 * back, *promised rows were committed. */
static ken_err fill(const char *path, rlim_t limit, uint32_t *promised)
{
    struct {
        ken_err e;
        uint32_t promised;
        bool same; /* a broken store says the same again, and closes */
    } answer = {.promised = 0};
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (limit > 0) {
            signal(SIGXFSZ, SIG_IGN);
            struct rlimit l = {limit, limit};
            setrlimit(RLIMIT_FSIZE, &l);
        }
        ken_store *s = NULL;
        int status = ken_store_open(&s, path, test_settings, n_test_settings, &answer.e);
        for (uint64_t i = 0; status == KEN_OK && i < 100000; i++) {
            const ken_row *row = make_row(&made, i);
            if (ken_store_has(s, row->id)) continue;
            status = ken_store_put_row(s, i, row, &answer.e);
            if (status == KEN_OK && i % 50 == 49) {
                status = ken_store_commit(s, &answer.e);
                if (status == KEN_OK) answer.promised = (uint32_t)i + 1;
            }
        }
        ken_err again;
        answer.same =
            s == NULL || (ken_store_put_row(s, 99999, make_row(&made, 99999), &again) == answer.e.status &&
                          ken_store_commit(s, &again) == answer.e.status && strcmp(again.msg, answer.e.msg) == 0 &&
                          ken_store_close(s, &again) == answer.e.status);
        _exit(write(fd[1], &answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    close(fd[1]);
    assert_int_equal(read(fd[0], &answer, sizeof answer), sizeof answer);
    close(fd[0]);
    int w;
    assert_int_equal(waitpid(pid, &w, 0), pid);
    assert_true(answer.same);
    *promised = answer.promised;
    return answer.e;
}

static void file_too_large(void **state)
{
    (void)state;
    const char *path = in_folder("large.ken");
    uint32_t promised;
    ken_err e = fill(path, 1 << 20, &promised);
    assert_int_equal(e.status, KEN_EFAIL);
    if (strstr(e.msg, "make space") == NULL) fail_msg("%s", e.msg);
    assert_true(promised >= 50);
    check_run(path, promised);
    /* The same command with room again resumes it. */
    bool ended;
    while (kill_after(path, 500000, &ended), !ended) {
    }
    check_run(path, ROWS);

    /* No room even for the tables: nothing is left behind. */
    e = fill(in_folder("tiny.ken"), 8192, &promised);
    assert_int_equal(e.status, KEN_EFAIL);
    assert_int_not_equal(access(in_folder("tiny.ken"), F_OK), 0);
    assert_int_not_equal(access(in_folder("tiny.ken-journal"), F_OK), 0);
}

static bool write_word(const char *path, const char *word)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0) return false;
    bool good = write(fd, word, strlen(word)) == (ssize_t)strlen(word);
    close(fd);
    return good;
}

/* A disk of 1 MiB of our own, in a name space of our own, where the system lets us. */
static void disk_full(void **state)
{
    (void)state;
    char dir[512], uid[64], gid[64];
    snprintf(dir, sizeof dir, "%s", in_folder("disk"));
    assert_int_equal(mkdir(dir, 0700), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        snprintf(uid, sizeof uid, "0 %d 1", (int)geteuid());
        snprintf(gid, sizeof gid, "0 %d 1", (int)getegid());
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_word("/proc/self/setgroups", "deny") ||
            !write_word("/proc/self/uid_map", uid) || !write_word("/proc/self/gid_map", gid) ||
            mount("none", dir, "tmpfs", 0, "size=1m") != 0)
            _exit(77);
        char path[600];
        snprintf(path, sizeof path, "%s/full.ken", dir);
        uint32_t promised;
        ken_err e = fill(path, 0, &promised);
        if (e.status != KEN_EFAIL || strstr(e.msg, "make space") == NULL || promised < 50) {
            fprintf(stderr, "status %d after %u rows: %s\n", e.status, promised, e.msg);
            _exit(1);
        }
        check_run(path, promised);
        _exit(0);
    }
    int w;
    assert_int_equal(waitpid(pid, &w, 0), pid);
    rmdir(dir);
    if (WIFEXITED(w) && WEXITSTATUS(w) == 77) {
        print_message("no name spaces here: the test of a full disk is skipped\n");
        skip();
    }
    assert_true(WIFEXITED(w));
    assert_int_equal(WEXITSTATUS(w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_writer),     cmocka_unit_test(killed),    cmocka_unit_test(killed_in_creation),
        cmocka_unit_test(file_too_large), cmocka_unit_test(disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
