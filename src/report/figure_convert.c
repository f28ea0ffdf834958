/* figure_convert.c - rsvg-convert (librsvg) as a child: SVG in, PDF or PNG out, all through descriptors.
 *
 * No shell takes part. The program is looked for in the absolute folders of PATH (never the current one), runs in / with an environment
 * of our own, reads the SVG from a file without a name and is killed, with whatever it has started, when it takes too long, gives too
 * much, or we are asked to stop. */
#include "base/file.h"
#include "report/figure_make.h"
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

enum { SECONDS = 60, MOST_BYTES = 1 << 26 };
enum { ASKED_MS = 100, ENDING_MS = 5 }; /* between two looks at it: while it writes, when it is silent */

int ken_converter_find(char path[KEN_PATH_LENGTH], ken_err *err)
{
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        size_t n = strcspn(at, ":");
        int len =
            snprintf(path, KEN_PATH_LENGTH, "%.*s/rsvg-convert", (int)(n < KEN_PATH_LENGTH ? n : KEN_PATH_LENGTH), at);
        /* not in a relative or empty folder of it: a program in the current folder is never run */
        if (at[0] == '/' && len < KEN_PATH_LENGTH && ken_is_file(path) && access(path, X_OK) == 0) return KEN_OK;
        at += n;
        if (*at == ':') at++;
    }
    return ken_fail(err, KEN_EFAIL,
                    "rsvg-convert, which makes PDF and PNG of the figures, was not found in PATH; install it (Debian: "
                    "librsvg2-bin), or write svg or csv, which need nothing");
}

/* ---- starting -------------------------------------------------------------------------------------------------------- */

/* The environment: no locale, HOME for what fontconfig keeps about fonts, and the one date of all PDFs, so that two of the same are alike. */
static int spawn_with(pid_t *pid, const char *program, const char *format, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes)
{
    char home[KEN_PATH_LENGTH + 8];
    char program_name[] = "rsvg-convert";
    char *pdf[] = {program_name, (char[]){"--format=pdf"}, NULL};
    char *png[] = {program_name, (char[]){"--format=png"}, (char[]){"--dpi-x=300"}, (char[]){"--dpi-y=300"}, NULL};
    char *envp[] = {(char[]){"LC_ALL=C.UTF-8"},
                    (char[]){"TZ=UTC"},
                    (char[]){"SOURCE_DATE_EPOCH=946684800"},
                    (char[]){"PATH=/usr/bin:/bin"},
                    home,
                    NULL};
    const char *h = getenv("HOME");
    snprintf(home, sizeof home, "HOME=%.*s", KEN_PATH_LENGTH - 1, h != NULL ? h : "/nonexistent");
    return posix_spawn(pid, program, actions, attributes, strcmp(format, "pdf") == 0 ? pdf : png, envp);
}

static int spawn(pid_t *pid, const char *program, const char *format, int in, int out, int messages, ken_err *err)
{
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
    int rc = posix_spawn_file_actions_adddup2(&actions, in, 0);
    if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions, messages, 2);
    if (rc == 0) rc = posix_spawn_file_actions_addchdir_np(&actions, "/");
    if (rc == 0) rc = posix_spawnattr_setsigmask(&attributes, &none);
    if (rc == 0) rc = posix_spawnattr_setsigdefault(&attributes, &usual);
    /* a group of its own: an interrupt from the terminal reaches us alone, and its picture is done in a moment */
    if (rc == 0) rc = posix_spawnattr_setpgroup(&attributes, 0);
    if (rc == 0)
        rc = posix_spawnattr_setflags(&attributes,
                                      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (rc == 0) rc = spawn_with(pid, program, format, &actions, &attributes);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (rc == 0) return KEN_OK;
    errno = rc;
    return ken_fail_errno(err, "cannot run", program);
}

/* ---- listening ------------------------------------------------------------------------------------------------------- */

typedef struct child {
    pid_t pid;
    bool there;        /* we must wait for it, and its number stays its group's until then; false: somebody else has */
    int out, messages; /* our ends; -1 when it has closed its own */
    ken_buf *picture;
    char message[400]; /* the beginning of its messages */
} child;

/* What there is at *fd, up to size bytes; 0: nothing now, or, *fd then being -1, nothing ever. */
static size_t take(int *fd, char *buf, size_t size)
{
    ssize_t n = *fd >= 0 ? read(*fd, buf, size) : 0;
    if (n > 0) return (size_t)n;
    if (*fd < 0 || (n < 0 && (errno == EINTR || errno == EAGAIN))) return 0;
    close(*fd);
    *fd = -1;
    return 0;
}

/* All of the picture that is there, and some of the messages: endless messages must not keep us here. */
static void hear(child *c)
{
    char buf[1 << 14];
    size_t used = strlen(c->message), n = take(&c->messages, buf, sizeof buf);
    for (size_t i = 0; i < n && used + 1 < sizeof c->message; i++)
        c->message[used++] = buf[i] >= ' ' && buf[i] < 0x7F ? buf[i] : ' ';
    c->message[used] = '\0';
    while (!c->picture->failed && c->picture->len <= MOST_BYTES && (n = take(&c->out, buf, sizeof buf)) > 0)
        ken_buf_add(c->picture, buf, n);
}

/* Until it has ended, its time is over or we are asked to stop. Its end is waited for and not seen from the pipes: a program may close
 * these early, or leave them open in another one that it has started. */
static int wait_for(child *c, const ken_figures *f, ken_err *err)
{
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += SECONDS;
    c->there = true;
    for (;;) {
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)c->pid, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) c->there = errno == EINTR;
        if (!c->there || ended.si_pid == c->pid) return KEN_OK;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= end.tv_sec)
            return ken_fail(err, KEN_EFAIL, "rsvg-convert took longer than %d s and was stopped", (int)SECONDS);
        if (c->picture->len > MOST_BYTES)
            return ken_fail(err, KEN_EFAIL, "rsvg-convert gave more than %d bytes and was stopped", (int)MOST_BYTES);
        if (c->picture->failed) return ken_fail_nomem(err, "figures");
        if (ken_figures_stopped(f, err)) return KEN_ESTOP;
        struct pollfd p[2] = {{.fd = c->out, .events = POLLIN}, {.fd = c->messages, .events = POLLIN}};
        bool talks = c->out >= 0 || c->messages >= 0; /* one below 0 is passed over */
        if (poll(p, 2, talks ? ASKED_MS : ENDING_MS) > 0) hear(c);
    }
}

static int finish(child *c, int rc, ken_err *err)
{
    int status = 0;
    hear(c);                                    /* its last words */
    if (c->there) (void)kill(-c->pid, SIGKILL); /* its group: itself, and what it has started */
    while (c->there && waitpid(c->pid, &status, 0) < 0 && errno == EINTR) continue;
    if (rc != KEN_OK) return rc;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return ken_fail(err, KEN_EFAIL, "rsvg-convert failed (%s %d): %s", WIFEXITED(status) ? "exit status" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), c->message);
    return c->picture->failed ? ken_fail_nomem(err, "figures") : KEN_OK;
}

static int make_pipe(int fd[2], ken_err *err)
{
    if (pipe2(fd, O_CLOEXEC) != 0) return ken_fail(err, KEN_EFAIL, "cannot run rsvg-convert: %s", strerror(errno));
    (void)fcntl(fd[0], F_SETFL, O_NONBLOCK);
    return KEN_OK;
}

int ken_convert(const char *program, int svg, const char *format, const ken_figures *f, ken_buf *picture, ken_err *err)
{
    int out[2], messages[2];
    child c = {.picture = picture};
    int rc = make_pipe(out, err);
    if (rc != KEN_OK) return rc;
    if ((rc = make_pipe(messages, err)) != KEN_OK) {
        close(out[0]);
        close(out[1]);
        return rc;
    }
    rc = spawn(&c.pid, program, format, svg, out[1], messages[1], err);
    close(out[1]);
    close(messages[1]);
    c.out = out[0];
    c.messages = messages[0];
    if (rc == KEN_OK && c.pid > 0) rc = finish(&c, wait_for(&c, f, err), err);
    if (c.out >= 0) close(c.out);
    if (c.messages >= 0) close(c.messages);
    return rc;
}
