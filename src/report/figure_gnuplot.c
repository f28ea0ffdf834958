/* figure_gnuplot.c - gnuplot as a child: one process draws all figures of a list, in a private folder that is gone afterwards.
 *
 * No shell takes part. gnuplot is looked for in the absolute folders of PATH (never the current one), reads no settings of the user's
 * (-d, and an environment of our own), runs with its standard streams closed to us but for its messages, and is killed, with whatever it
 * has started, when it takes too long or we are asked to stop. */
#include "base/alloc.h"
#include "base/file.h"
#include "report/figure_make.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 120, PATH_LENGTH = 4096 };
enum { ASKED_MS = 100, ENDING_MS = 5 }; /* between two looks at it: while it talks, when it has fallen silent */

/* ---- the folder ------------------------------------------------------------------------------------------------------ */

static int make_folder(char dir[PATH_LENGTH], ken_err *err)
{
    const char *in = getenv("TMPDIR");
    if (in == NULL || in[0] != '/') in = "/tmp";
    int n = snprintf(dir, PATH_LENGTH, "%s/ken-plots-XXXXXX", in);
    if (n < 0 || n >= PATH_LENGTH) return ken_fail(err, KEN_EFAIL, "TMPDIR is too long a path");
    if (mkdtemp(dir) == NULL) {
        dir[0] = '\0';
        return ken_fail_errno(err, "cannot make a folder for plots in", in);
    }
    return KEN_OK;
}

/* What gnuplot has put there too: without a HOME, fontconfig keeps what it knows in a folder below this one. Links are not followed. */
static void empty_folder(int fd, int depth)
{
    DIR *d = fdopendir(fd); /* takes fd over */
    if (d == NULL) {
        close(fd);
        return;
    }
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (unlinkat(dirfd(d), e->d_name, 0) == 0) continue;
        int inner = depth > 0 ? openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (inner >= 0) empty_folder(inner, depth - 1);
        (void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
}

static void remove_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) empty_folder(fd, 8);
    (void)rmdir(dir);
}

static int write_in(const char *dir, const char *name, const char *bytes, size_t n, ken_err *err)
{
    char path[PATH_LENGTH + 40];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wxe");
    if (f == NULL) return ken_fail_errno(err, "cannot write", path);
    bool whole = fwrite(bytes, 1, n, f) == n;
    if (fclose(f) != 0 || !whole) return ken_fail_errno(err, "cannot write", path);
    return KEN_OK;
}

/* ---- the script ------------------------------------------------------------------------------------------------------ */

/* A unit is 9 cm / 384 in every format, so that a drawing's margins and letters fit each other. */
static void set_terminal(ken_buf *b, const char *terminal, int height)
{
    double cm = 9.0 / KEN_FIGURE_WIDTH;
    if (strcmp(terminal, "pdf") == 0)
        ken_buf_printf(b,
                       "set terminal pdfcairo size %.4fcm,%.4fcm noenhanced font 'Liberation Sans,8' fontscale 0.77 "
                       "linewidth 1 pointscale 0.75 background rgb '" KEN_CARD "'\n",
                       9.0, height * cm);
    else if (strcmp(terminal, "png") == 0) /* 300 dpi; the terminal thinks of 96 */
        ken_buf_printf(b,
                       "set terminal pngcairo size %.0f,%.0f noenhanced font 'Liberation Sans,8' fontscale 3.2 "
                       "linewidth 2.7 pointscale 3.2 background rgb '" KEN_CARD "'\n",
                       9.0 / 2.54 * 300.0, height * cm / 2.54 * 300.0);
    else
        ken_buf_printf(b, "set terminal svg size %d,%d fixed noenhanced font 'Arial,12' linewidth 1\n",
                       KEN_FIGURE_WIDTH, height);
}

static int write_inputs(const char *dir, const ken_figure *list, size_t n, const bool *wanted, const char *terminal,
                        ken_err *err)
{
    char name[40];
    ken_buf script = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const ken_figure *g = &list[i];
        if (wanted != NULL && !wanted[i]) continue;
        set_terminal(&script, terminal, g->height);
        ken_buf_printf(
            &script, "reset\nset encoding utf8\nset datafile separator \"\\t\"\nset output '%zu.out'\nD = '%zu.data'\n",
            i, i);
        ken_buf_add(&script, ken_buf_str(&g->script), g->script.len);
        ken_buf_puts(&script, "\n");
        ken_buf_add(&script, ken_buf_str(&g->plots), g->plots.len);
        ken_buf_puts(&script, "\nunset multiplot\nunset output\n");
        snprintf(name, sizeof name, "%zu.data", i);
        rc = write_in(dir, name, ken_buf_str(&g->data), g->data.len, err);
    }
    if (rc == KEN_OK && script.failed) rc = ken_fail_nomem(err, "figures");
    if (rc == KEN_OK) rc = write_in(dir, "script", ken_buf_str(&script), script.len, err);
    ken_buf_free(&script);
    return rc;
}

/* ---- the process ----------------------------------------------------------------------------------------------------- */

/* In PATH, but not in a relative or empty folder of it: what lies in the current folder is not ours to run. */
static bool find_gnuplot(char path[PATH_LENGTH])
{
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        size_t n = strcspn(at, ":");
        int len = snprintf(path, PATH_LENGTH, "%.*s/gnuplot", (int)(n < PATH_LENGTH ? n : PATH_LENGTH), at);
        if (at[0] == '/' && len < PATH_LENGTH && ken_is_file(path) && access(path, X_OK) == 0) return true;
        at += n;
        if (*at == ':') at++;
    }
    return false;
}

static int spawn(pid_t *pid, const char *program, const char *dir, int messages, ken_err *err)
{
    /* HOME: where fontconfig keeps what it knows about fonts. */
    char home[PATH_LENGTH + 8], path[PATH_LENGTH + 8];
    char *argv[] = {(char[]){"gnuplot"}, (char[]){"-d"}, (char[]){"script"}, NULL};
    char *envp[] = {(char[]){"LC_ALL=C.UTF-8"}, (char[]){"TZ=UTC"}, home, path, NULL};
    const char *h = getenv("HOME");
    snprintf(home, sizeof home, "HOME=%.*s", PATH_LENGTH - 1, h != NULL ? h : dir);
    snprintf(path, sizeof path, "PATH=/usr/bin:/bin");
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    if (posix_spawn_file_actions_init(&actions) != 0) return ken_fail_nomem(err, "figures");
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ken_fail_nomem(err, "figures");
    }
    int rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0) rc = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions, messages, 2);
    if (rc == 0) rc = posix_spawn_file_actions_addchdir_np(&actions, dir);
    if (rc == 0) rc = posix_spawnattr_setsigmask(&attributes, &none);
    if (rc == 0) rc = posix_spawnattr_setsigdefault(&attributes, &usual);
    /* a group of its own: an interrupt from the terminal is ours to answer, and what it draws takes a second */
    if (rc == 0) rc = posix_spawnattr_setpgroup(&attributes, 0);
    if (rc == 0)
        rc = posix_spawnattr_setflags(&attributes,
                                      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (rc == 0) rc = posix_spawn(pid, program, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (rc == 0) return KEN_OK;
    errno = rc;
    return ken_fail_errno(err, "cannot run", program);
}

/* What gnuplot says comes in at fd; -1 when it has closed its end. Keeps the beginning. */
static void hear(int *fd, char *said, size_t size)
{
    char buf[512];
    ssize_t n = read(*fd, buf, sizeof buf);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
        close(*fd);
        *fd = -1;
        return;
    }
    size_t used = strlen(said);
    for (ssize_t i = 0; i < n && used + 1 < size; i++) said[used++] = buf[i] >= ' ' && buf[i] < 0x7F ? buf[i] : ' ';
    said[used] = '\0';
}

/* Until it has ended, its time is over or we are asked to stop. Its end is waited for and not seen from the pipe: a program may close
 * that early, or leave it open in another one that it has started. It stays to be buried (*there: unless somebody else has done so), and
 * its number is its group's until then. */
static int wait_for(pid_t pid, bool *there, int *fd, char *said, size_t size, const ken_figures *f, ken_err *err)
{
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += SECONDS;
    *there = true;
    for (;;) {
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) *there = errno == EINTR;
        if (!*there || ended.si_pid == pid) return KEN_OK;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= end.tv_sec)
            return ken_fail(err, KEN_EFAIL, "gnuplot took longer than %d s and was stopped", (int)SECONDS);
        if (ken_figures_stopped(f, err)) return KEN_ESTOP;
        struct pollfd p = {.fd = *fd, .events = POLLIN}; /* one below 0 is passed over */
        if (poll(&p, 1, *fd >= 0 ? ASKED_MS : ENDING_MS) > 0) hear(fd, said, size);
    }
}

static int run(const char *program, const char *dir, const ken_figures *f, ken_err *err)
{
    int fd[2], status = 0;
    pid_t pid = 0;
    char said[400] = "";
    if (pipe2(fd, O_CLOEXEC) != 0) return ken_fail(err, KEN_EFAIL, "cannot run gnuplot: %s", strerror(errno));
    (void)fcntl(fd[0], F_SETFL, O_NONBLOCK);
    int rc = spawn(&pid, program, dir, fd[1], err);
    close(fd[1]);
    if (rc == KEN_OK && pid > 0) {
        bool there;
        rc = wait_for(pid, &there, &fd[0], said, sizeof said, f, err);
        if (fd[0] >= 0) hear(&fd[0], said, sizeof said); /* its last words */
        if (there) (void)kill(-pid, SIGKILL);            /* its group: itself, and what it has started */
        while (there && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
        if (rc == KEN_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
            rc = ken_fail(err, KEN_EFAIL, "gnuplot failed (%s %d): %s", WIFEXITED(status) ? "exit status" : "signal",
                          WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), said);
    }
    if (fd[0] >= 0) close(fd[0]);
    return rc;
}

/* ---- pictures -------------------------------------------------------------------------------------------------------- */

static int give_pictures(const char *dir, const ken_figures *f, const bool *wanted, ken_picture_fn got, void *ctx,
                         ken_err *err)
{
    char path[PATH_LENGTH + 40];
    for (size_t i = 0; i < f->n; i++) {
        ken_map m;
        if (wanted != NULL && !wanted[i]) continue;
        if (ken_figures_stopped(f, err)) return KEN_ESTOP;
        snprintf(path, sizeof path, "%s/%zu.out", dir, i);
        if (ken_map_file(&m, path, NULL) != KEN_OK)
            return ken_fail(err, KEN_EFAIL, "gnuplot did not draw the figure %s", f->list[i].name);
        int rc = m.size == 0 ? ken_fail(err, KEN_EFAIL, "gnuplot drew nothing for the figure %s", f->list[i].name)
                             : got(ctx, i, (const char *)m.data, m.size, err);
        ken_unmap(&m);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

int ken_gnuplot_draw(const ken_figures *f, const bool *wanted, const char *terminal, ken_picture_fn got, void *ctx,
                     ken_err *err)
{
    char program[PATH_LENGTH], dir[PATH_LENGTH];
    if (f->n == 0) return KEN_OK;
    if (!find_gnuplot(program))
        return ken_fail(err, KEN_EFAIL,
                        "gnuplot, which draws the figures, was not found in PATH; install it (Debian: gnuplot-nox)");
    int rc = make_folder(dir, err);
    if (rc != KEN_OK) return rc;
    rc = write_inputs(dir, f->list, f->n, wanted, terminal, err);
    if (rc == KEN_OK) rc = run(program, dir, f, err);
    if (rc == KEN_OK) rc = give_pictures(dir, f, wanted, got, ctx, err);
    remove_folder(dir);
    return rc;
}
