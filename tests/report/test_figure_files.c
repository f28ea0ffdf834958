/* test_figure_files.c - plots as files: the same picture in fixed colours, PNG and PDF by the real rsvg-convert where there is one; what
 * happens without it, when it misbehaves, on a full disk, and when we are asked to stop. */
#include "figures.h"
#include "base/alloc.h"
#include "base/file.h"
#include "made_run.h"
#include "report/assets.h"
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static char *write_and_read(ken_figures *f, const char *format, const char *name, size_t *n)
{
    char dir[120], path[200];
    ken_err err = {0};
    snprintf(dir, sizeof dir, "%s/%s", folder, format);
    snprintf(path, sizeof path, "%s/%s.%s", dir, name, format);
    if (ken_figures_write(f, dir, format, name, &err) != KEN_OK) fail_msg("%s", err.msg);
    return read_all(path, n);
}

static void a_file_is_the_same_picture_in_fixed_colours(void **state)
{
    (void)state;
    static const char *const words[] = {"ink", "muted", "line", "card", "c0", "c1", "c2", "c3", "c4"};
    ken_figures *f = figures_of_made(300, true);
    for (size_t i = 0; i < ken_figures_count(f); i++) {
        size_t n, m;
        char *html = put_figure(f, ken_figures_name(f, i)),
             *file = write_and_read(f, "svg", ken_figures_name(f, i), &n);
        char *again = write_and_read(f, "svg", ken_figures_name(f, i), &m);
        assert_string_equal(file, again);
        assert_null(strstr(file, "var("));
        assert_non_null(strstr(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9cm\" height=\""));
        check_xml(file);
        const char *page = strstr(cut_svg(html), "</desc>"), *body = strstr(file, "</desc>");
        ken_buf painted = {0};
        for (page += 7; *page != '\0'; page++) { /* the page's variables as its light scheme has them */
            if (strncmp(page, "var(--", 6) != 0) {
                ken_buf_putc(&painted, *page);
                continue;
            }
            size_t w = 0;
            while (w < 9 && (strncmp(page + 6, words[w], strlen(words[w])) != 0 || page[6 + strlen(words[w])] != ')'))
                w++;
            assert_true(w < 9);
            ken_buf_puts(&painted, ken_paint_colour((ken_paint)w));
            page += 6 + strlen(words[w]);
        }
        ken_buf_puts(&painted, "\n");
        assert_non_null(body = strstr(body, "/>")); /* behind the ground */
        assert_string_equal(body + 2, ken_buf_str(&painted));
        ken_buf_free(&painted);
        ken_free(html);
        ken_free(file);
        ken_free(again);
    }
    for (int w = 0; w < 9; w++) { /* and they are the light scheme's */
        char rule[40];
        snprintf(rule, sizeof rule, "--%s: %s;", words[w], ken_paint_colour((ken_paint)w));
        const char *css = memmem(ken_page_css, ken_page_css_size, rule, strlen(rule));
        assert_true(css != NULL && css < (const char *)memmem(ken_page_css, ken_page_css_size, "@media", 6));
    }
    assert_string_equal(ken_paint_colour(ken_paint_shade(0)), ken_paint_colour(KEN_PAINT_CARD));
    assert_string_equal(ken_paint_colour(ken_paint_shade(KEN_SHADES - 1)), ken_paint_colour(ken_paint_of(0)));
    ken_figures_free(f);
}

static void no_such_format_or_figure(void **state)
{
    (void)state;
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    assert_int_equal(ken_figures_write(f, folder, "gif", NULL, &err), KEN_EUSAGE);
    assert_int_equal(ken_figures_write(f, folder, "svg", "nonsense", &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "p-correct-0"));
    assert_int_equal(ken_figures_write(f, "/proc/none/of/these", "csv", NULL, &err), KEN_EFAIL);
    ken_figures_free(f);
}

static void png_and_pdf(void **state)
{
    (void)state;
    ken_figures *f = figures_of_made(300, true);
    size_t n, m;
    if (!convertible()) {
        ken_figures_free(f);
        skip();
    }
    char *png = write_and_read(f, "png", "relations-0", &n);
    const unsigned char *size = (const unsigned char *)png + 16;
    assert_memory_equal(png, "\x89PNG", 4);
    assert_int_equal(size[2] * 256 + size[3], 1063); /* 9 cm at 300 dots an inch */
    char *again = write_and_read(f, "png", "relations-0", &m);
    assert_int_equal(n, m);
    assert_memory_equal(png, again, n);
    ken_free(png);
    ken_free(again);
    char *pdf = write_and_read(f, "pdf", "relations-0", &n);
    assert_memory_equal(pdf, "%PDF-", 5);
    assert_non_null(memmem(pdf, n, "/FontFile", 9));                /* embedded */
    assert_non_null(memmem(pdf, n, "/MediaBox [ 0 0 255.118", 23)); /* 9 cm */
    const char *date = memmem(pdf, n, "/CreationDate (D:", 17);     /* one for all, where it can be read */
    assert_true(date == NULL || strncmp(date + 17, "20000101", 8) == 0);
    again = write_and_read(f, "pdf", "relations-0", &m);
    assert_int_equal(n, m);
    assert_memory_equal(pdf, again, n);
    ken_free(pdf);
    ken_free(again);
    ken_figures_free(f);
}

static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    while (readdir(d) != NULL) n++;
    closedir(d);
    return n - 2;
}

/* A program in the place of the real one, found in a folder of its own, which becomes PATH. */
static void fake_converter(const char *text)
{
    char dir[120], program[160];
    ken_err err = {0};
    snprintf(dir, sizeof dir, "%s/bin", folder);
    snprintf(program, sizeof program, "%s/rsvg-convert", dir);
    (void)mkdir(dir, 0777);
    assert_int_equal(ken_write_file(program, text, strlen(text), &err), KEN_OK);
    assert_int_equal(chmod(program, 0755), 0);
    setenv("PATH", dir, 1);
}

static void without_the_converter_there_are_svg_and_csv(void **state)
{
    (void)state;
    char *path = ken_strdup(getenv("PATH")), dir[120];
    char *here = getcwd(NULL, 0);
    static const char *const none[] = {"", "/nonexistent", ".:bin::", "/etc"};
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    size_t n;
    snprintf(dir, sizeof dir, "%s/bin", folder);
    fake_converter("#!/bin/sh\nexit 0\n"); /* in the current folder, and in bin: not ours to run */
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(symlink(".", "bin"), 0);
    snprintf(dir, sizeof dir, "%s/none", folder);
    for (int i = 0; i < 4; i++) {
        setenv("PATH", none[i], 1);
        for (int pdf = 0; pdf < 2; pdf++) {
            assert_int_equal(ken_figures_write(f, dir, pdf ? "pdf" : "png", NULL, &err), KEN_EFAIL);
            assert_non_null(strstr(err.msg, "librsvg2-bin"));
            assert_int_equal(access(dir, F_OK), -1);
        }
        ken_free(write_and_read(f, "svg", "p-correct-0", &n));
        ken_free(write_and_read(f, "csv", "p-correct-0", &n));
    }
    assert_int_equal(unlink("bin"), 0);
    assert_int_equal(chdir(here), 0);
    free(here);
    setenv("PATH", path, 1);
    ken_free(path);
    ken_figures_free(f);
}

static void what_the_converter_gives_is_looked_at(void **state)
{
    (void)state;
    char *path = ken_strdup(getenv("PATH")), dir[120], text[600];
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    size_t n, m;
    static const struct {
        const char *does, *says;
    } cases[] = {{"echo 'line 3: boom' >&2; exit 7", "exit status 7): line 3: boom"},
                 {"exit 0", "cut off"},
                 {"printf '\\211PNG half of it'", "cut off"},
                 {"kill -9 $$", "signal 9"},
                 {"exec cat /dev/zero", "more than"}};
    snprintf(dir, sizeof dir, "%s/looked", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "#!/bin/sh\n%s\n", cases[i].does);
        fake_converter(text);
        for (int pdf = 0; pdf < 2; pdf++) {
            assert_int_equal(ken_figures_write(f, dir, pdf ? "pdf" : "png", "greedy-0", &err), KEN_EFAIL);
            if (strstr(err.msg, cases[i].says) == NULL) fail_msg("%s: %s", cases[i].does, err.msg);
            assert_int_equal(entries(dir), 0);
        }
    }
    /* What goes in is the SVG file, and what comes out is the picture: a stand-in that copies one to the other, with a PDF's end. */
    snprintf(text, sizeof text, "#!/bin/sh\n[ \"$1\" = --format=pdf ] && [ \"$PWD\" = / ] && cat && echo '%%%%EOF'\n");
    fake_converter(text);
    char *pdf = write_and_read(f, "pdf", "greedy-0", &n), *svg = write_and_read(f, "svg", "greedy-0", &m);
    assert_int_equal(n, m + 6);
    assert_memory_equal(pdf, svg, m);
    ken_free(pdf);
    ken_free(svg);
    setenv("PATH", path, 1);
    ken_free(path);
    ken_figures_free(f);
}

/* A limit on the size of files does as a full disk. */
static void a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    ken_figures *f = figures_of_made(300, false);
    ken_err err = {0};
    char dir[120];
    struct rlimit was, small;
    snprintf(dir, sizeof dir, "%s/full", folder);
    for (int png = 0; png < 2; png++) {
        if (png && !convertible()) break;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
        signal(SIGXFSZ, SIG_IGN);
        small = was;
        small.rlim_cur = png ? 8000 : 1000; /* enough for the SVG that the PNG is made from */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int rc = ken_figures_write(f, dir, png ? "png" : "svg", "relations-0", &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        signal(SIGXFSZ, SIG_DFL);
        assert_int_equal(rc, KEN_EFAIL);
        if (strstr(err.msg, "File too large") == NULL) fail_msg("%s", err.msg);
        assert_int_equal(entries(dir), 0);
    }
    ken_figures_free(f);
}

static int asked;

static int after_three(void *ctx)
{
    (void)ctx;
    return ++asked > 3;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Gone, or a zombie that its new parent has not waited for yet. */
static bool runs(const char *pid_file)
{
    char path[160], line[400] = "";
    size_t n;
    char *pid = read_all(pid_file, &n);
    snprintf(path, sizeof path, "/proc/%d/stat", atoi(pid));
    ken_free(pid);
    FILE *f = fopen(path, "r");
    if (f == NULL) return false;
    bool got = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *state = strrchr(line, ')');
    return got && state != NULL && state[1] == ' ' && state[2] != 'Z';
}

/* A converter that takes a minute, that has started a program, that falls silent early, that leaves its ends of the pipes to another. */
static void stopped_on_request_and_never_waited_for_in_vain(void **state)
{
    (void)state;
    char *path = ken_strdup(getenv("PATH")), dir[120], text[700], pid[160];
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    snprintf(dir, sizeof dir, "%s/slow", folder);
    snprintf(pid, sizeof pid, "%s/pid", folder);
    static const struct {
        const char *does, *says;
        int rc;
    } cases[] = {{"sleep 60", "stopped on request", KEN_ESTOP},
                 {"exec >&- 2>&-; sleep 60", "stopped on request", KEN_ESTOP},
                 {"exec >&- 2>&-; sleep 0.1; exit 3", "exit status 3", KEN_EFAIL},
                 {"echo boom >&2; exit 7", "exit status 7): boom", KEN_EFAIL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "#!/bin/sh\nsleep 61 & echo $! > %s\n%s\n", pid, cases[i].does);
        fake_converter(text);
        asked = 0;
        ken_figures_set_poll(f, cases[i].rc == KEN_ESTOP ? after_three : NULL, NULL);
        double began = seconds();
        assert_int_equal(ken_figures_write(f, dir, "pdf", NULL, &err), cases[i].rc);
        assert_true(seconds() - began < 5); /* a third of a second, on a machine that is not overrun */
        if (strstr(err.msg, cases[i].says) == NULL) fail_msg("%s", err.msg);
        assert_int_equal(entries(dir), 0);
        for (int k = 0; k < 100 && runs(pid); k++) usleep(10000);
        assert_false(runs(pid));
    }
    unlink(pid);
    setenv("PATH", path, 1);
    ken_free(path);
    asked = 3; /* while files are written */
    ken_figures_set_poll(f, after_three, NULL);
    assert_int_equal(ken_figures_write(f, dir, "csv", NULL, &err), KEN_ESTOP);
    assert_int_equal(ken_figures_write(f, dir, "svg", NULL, &err), KEN_ESTOP);
    assert_int_equal(entries(dir), 0);
    ken_figures_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_the_same_picture_in_fixed_colours),
        cmocka_unit_test(no_such_format_or_figure),
        cmocka_unit_test(png_and_pdf),
        cmocka_unit_test(without_the_converter_there_are_svg_and_csv),
        cmocka_unit_test(what_the_converter_gives_is_looked_at),
        cmocka_unit_test(a_full_disk_leaves_nothing),
        cmocka_unit_test(stopped_on_request_and_never_waited_for_in_vain),
    };
    return cmocka_run_group_tests_name("report/figure-files", tests, make_folder, remove_folder);
}
