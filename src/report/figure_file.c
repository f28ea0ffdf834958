/* figure_file.c - figures as files: SVG and CSV as they are, PNG and PDF by the converter from the same SVG. Each file appears whole or
 * not at all. */
#include "base/alloc.h"
#include "base/file.h"
#include "report/figure_make.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct writing {
    const ken_figures *f;
    const char *dir, *format;
    bool converted;
    char program[KEN_PATH_LENGTH]; /* the converter */
} writing;

static int write_svg(const ken_figure *g, const char *path, ken_err *err)
{
    ken_out *o;
    int rc = ken_out_open(&o, path, err);
    if (rc != KEN_OK) return rc;
    ken_figure_svg(o, g, false);
    ken_out_puts(o, "\n");
    return ken_out_close(o, true, err);
}

/* The SVG in a file without a name, which the converter reads from: writing to it cannot fail as writing to a pipe can. */
static int open_svg(int *fd, const ken_figure *g, ken_err *err)
{
    char path[40];
    if ((*fd = memfd_create("ken-figure", MFD_CLOEXEC)) < 0)
        return ken_fail_errno(err, "cannot hold in memory", g->name);
    snprintf(path, sizeof path, "/proc/self/fd/%d", *fd);
    int rc = write_svg(g, path, err);
    if (rc == KEN_OK && lseek(*fd, 0, SEEK_SET) != 0) rc = ken_fail_errno(err, "cannot hold in memory", g->name);
    if (rc != KEN_OK) close(*fd);
    return rc;
}

/* A converter may not report that it could not write everything: a picture without its end is refused. */
static bool is_cut(const char *format, const char *bytes, size_t n)
{
    static const char png[] = "IEND\xAE\x42\x60\x82", pdf[] = "%%EOF";
    if (strcmp(format, "png") == 0) return n < 8 || memcmp(bytes + n - 8, png, 8) != 0;
    while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r')) n--;
    return n < 5 || memcmp(bytes + n - 5, pdf, 5) != 0;
}

static int write_converted(const writing *w, const ken_figure *g, const char *path, ken_err *err)
{
    int svg;
    ken_buf picture = {0};
    int rc = open_svg(&svg, g, err);
    if (rc != KEN_OK) return rc;
    rc = ken_convert(w->program, svg, w->format, w->f, &picture, err);
    close(svg);
    if (rc == KEN_OK && is_cut(w->format, ken_buf_str(&picture), picture.len))
        rc = ken_fail(err, KEN_EFAIL, "the %s of %s that rsvg-convert made is cut off", w->format, g->name);
    if (rc == KEN_OK) rc = ken_write_file(path, picture.data, picture.len, err);
    ken_buf_free(&picture);
    return rc;
}

static int write_csv(const ken_figure *g, const char *path, ken_err *err)
{
    ken_buf b = {0};
    ken_csv_text(&b, g);
    int rc = b.failed ? ken_fail_nomem(err, "figures") : ken_write_file(path, b.data, b.len, err);
    ken_buf_free(&b);
    return rc;
}

static int write_one(const writing *w, const ken_figure *g, ken_err *err)
{
    ken_buf b = {0};
    if (ken_figures_stopped(w->f, err)) return KEN_ESTOP;
    ken_buf_printf(&b, "%s/%s.%s", w->dir, g->name, w->format);
    int rc = b.failed                        ? ken_fail_nomem(err, "figures")
             : w->converted                  ? write_converted(w, g, b.data, err)
             : strcmp(w->format, "svg") == 0 ? write_svg(g, b.data, err)
                                             : write_csv(g, b.data, err);
    ken_buf_free(&b);
    return rc;
}

static int no_such_figure(const ken_figures *f, const char *only, ken_err *err)
{
    ken_buf names = {0};
    for (size_t i = 0; i < f->n; i++) ken_buf_printf(&names, "%s%s", i > 0 ? ", " : "", f->list[i].name);
    int rc = ken_fail(err, KEN_EUSAGE, "there is no figure \"%.80s\"; there are %.600s", only,
                      f->n > 0 ? ken_buf_str(&names) : "none");
    ken_buf_free(&names);
    return rc;
}

int ken_figures_write(const ken_figures *f, const char *dir, const char *format, const char *only, ken_err *err)
{
    writing w = {.f = f, .dir = dir, .format = format};
    int rc = KEN_OK;
    w.converted = strcmp(format, "png") == 0 || strcmp(format, "pdf") == 0;
    if (!w.converted && strcmp(format, "svg") != 0 && strcmp(format, "csv") != 0)
        return ken_fail(err, KEN_EUSAGE, "figures are written as svg, png, pdf or csv, not as \"%.40s\"", format);
    if (only != NULL && ken_figure_find(f, only) == NULL) return no_such_figure(f, only, err);
    if (w.converted && (rc = ken_converter_find(w.program, err)) != KEN_OK) return rc;
    rc = ken_make_folder(dir, err);
    for (size_t i = 0; i < f->n && rc == KEN_OK; i++)
        if (only == NULL || strcmp(f->list[i].name, only) == 0) rc = write_one(&w, &f->list[i], err);
    return rc;
}
