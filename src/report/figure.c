/* figure.c - the list of figures: making one, putting it into the page, writing it as a file; see figure.h and figure_make.h. What is
 * drawn is decided in figure_annotation.c and its sisters, how gnuplot is run in figure_gnuplot.c. */
#include "report/figure.h"
#include "base/alloc.h"
#include "base/file.h"
#include "report/figure_make.h"
#include "report/html.h"
#include "text/unicode.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the list -------------------------------------------------------------------------------------------------------- */

int ken_figures_new(ken_figures **out, ken_err *err)
{
    *out = ken_calloc(1, sizeof **out);
    return *out != NULL ? KEN_OK : ken_fail_nomem(err, "figures");
}

void ken_figures_set_poll(ken_figures *f, ken_poll_fn poll, void *ctx)
{
    f->poll = poll;
    f->ctx = ctx;
}

bool ken_figures_stopped(const ken_figures *f, ken_err *err)
{
    if (f->poll == NULL || f->poll(f->ctx) == 0) return false;
    ken_fail(err, KEN_ESTOP, "stopped on request");
    return true;
}

static void free_figure(ken_figure *g)
{
    for (size_t i = 0; i < g->n_cells; i++) ken_free(g->cells[i].text);
    ken_free(g->cells);
    ken_free(g->name);
    ken_buf_free(&g->caption);
    ken_buf_free(&g->description);
    ken_buf_free(&g->script);
    ken_buf_free(&g->plots);
    ken_buf_free(&g->data);
    ken_buf_free(&g->svg);
}

void ken_figures_free(ken_figures *f)
{
    if (f == NULL) return;
    for (size_t i = 0; i < f->n; i++) free_figure(&f->list[i]);
    ken_free(f->list);
    ken_free(f);
}

size_t ken_figures_count(const ken_figures *f) { return f->n; }
const char *ken_figures_name(const ken_figures *f, size_t i) { return i < f->n ? f->list[i].name : NULL; }

static const ken_figure *find(const ken_figures *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->list[i].name, name) == 0) return &f->list[i];
    return NULL;
}

ken_figure *ken_figure_add(ken_figures *f, const char *title, int height, ken_err *err, const char *name, ...)
{
    char buf[80];
    va_list args;
    va_start(args, name);
    vsnprintf(buf, sizeof buf, name, args);
    va_end(args);
    if (ken_grow((void **)&f->list, &f->cap, f->n + 1, sizeof *f->list) != 0) {
        (void)ken_fail_nomem(err, "figures");
        return NULL;
    }
    ken_figure *g = &f->list[f->n];
    *g = (ken_figure){.title = title, .height = height};
    if ((g->name = ken_strdup(buf)) == NULL) {
        (void)ken_fail_nomem(err, "figures");
        return NULL;
    }
    f->n++;
    return g;
}

int ken_figure_done(const ken_figure *g, ken_err *err)
{
    bool failed = g->failed || g->caption.failed || g->description.failed || g->script.failed || g->plots.failed ||
                  g->data.failed;
    return failed ? ken_fail_nomem(err, "figures") : KEN_OK;
}

/* ---- the table ------------------------------------------------------------------------------------------------------- */

void ken_figure_column(ken_figure *g, const char *head, ken_cell_kind kind)
{
    if (g->n_columns == KEN_FIGURE_COLUMNS) return;
    g->columns[g->n_columns].head = head;
    g->columns[g->n_columns++].kind = kind;
}

void ken_figure_heads(ken_figure *g, ken_cell_kind kind, const char *const *head)
{
    for (; *head != NULL; head++) ken_figure_column(g, *head, kind);
}

static ken_cell *new_cell(ken_figure *g)
{
    if (ken_grow((void **)&g->cells, &g->cap_cells, g->n_cells + 1, sizeof *g->cells) != 0) {
        g->failed = true;
        return NULL;
    }
    g->cells[g->n_cells] = (ken_cell){.x = NAN};
    return &g->cells[g->n_cells++];
}

void ken_figure_text(ken_figure *g, const char *s)
{
    ken_cell *c = new_cell(g);
    if (c != NULL && (c->text = ken_strdup(s)) == NULL) g->failed = true;
}

void ken_figure_number(ken_figure *g, double x)
{
    ken_cell *c = new_cell(g);
    if (c != NULL) c->x = x;
}

void ken_figure_numbers(ken_figure *g, int n, ...)
{
    va_list args;
    va_start(args, n);
    for (int i = 0; i < n; i++) ken_figure_number(g, va_arg(args, double));
    va_end(args);
}

/* RFC 4180, with lines that end as those of a text file do: a field with a comma, quote or line break is quoted, a quote in it doubled.
 * A spreadsheet would run a field that begins with = + - or @ as a formula; names of relations that do get a quote mark in front, as
 * its own export would. */
static void csv_field(ken_buf *b, const char *s)
{
    bool formula = s[0] != '\0' && strchr("=+-@\t\r", s[0]) != NULL;
    bool quoted = formula || strpbrk(s, ",\"\r\n") != NULL;
    if (quoted) ken_buf_putc(b, '"');
    if (formula) ken_buf_putc(b, '\'');
    for (; *s != '\0'; s++) {
        if (*s == '"') ken_buf_putc(b, '"');
        ken_buf_putc(b, *s);
    }
    if (quoted) ken_buf_putc(b, '"');
}

void ken_csv_text(ken_buf *b, const ken_figure *g)
{
    for (int c = 0; c < g->n_columns; c++) {
        if (c > 0) ken_buf_putc(b, ',');
        csv_field(b, g->columns[c].head);
    }
    ken_buf_puts(b, "\n");
    for (size_t i = 0; i < g->n_cells; i++) {
        const ken_cell *cell = &g->cells[i];
        size_t c = i % (size_t)g->n_columns;
        if (cell->text != NULL) csv_field(b, cell->text);
        else if (!isfinite(cell->x)) ken_buf_puts(b, "");
        else if (g->columns[c].kind == KEN_CELL_COUNT) ken_buf_printf(b, "%.0f", cell->x);
        else ken_buf_printf(b, "%.8g", cell->x == 0.0 ? 0.0 : cell->x);
        ken_buf_puts(b, c + 1 == (size_t)g->n_columns ? "\n" : ",");
    }
}

/* ---- into the page --------------------------------------------------------------------------------------------------- */

static void put_table(ken_out *o, const ken_figure *g)
{
    char a[32];
    ken_out_puts(o, "<div class=\"numbers\"><table><thead><tr>");
    for (int c = 0; c < g->n_columns; c++) {
        ken_out_printf(o, "<th scope=\"col\"%s>", g->columns[c].kind != KEN_CELL_TEXT ? " class=\"n\"" : "");
        ken_html_text(o, g->columns[c].head, 0);
        ken_out_puts(o, "</th>");
    }
    ken_out_puts(o, "</tr></thead><tbody>");
    for (size_t i = 0; i < g->n_cells; i++) {
        const ken_cell *cell = &g->cells[i];
        size_t c = i % (size_t)g->n_columns;
        ken_cell_kind kind = g->columns[c].kind;
        ken_out_puts(o, c == 0 ? "<tr><th scope=\"row\">" : kind != KEN_CELL_TEXT ? "<td class=\"n\">" : "<td>");
        if (cell->text != NULL) ken_html_text(o, cell->text, 80);
        else if (!isfinite(cell->x)) ken_out_puts(o, "");
        else if (kind == KEN_CELL_SHARE) ken_out_puts(o, ken_html_percent(a, cell->x));
        else if (kind == KEN_CELL_COUNT) ken_out_puts(o, ken_html_count(a, (uint64_t)fmax(0.0, cell->x)));
        else ken_out_printf(o, "%.4g", cell->x == 0.0 ? 0.0 : cell->x);
        ken_out_puts(o, c == 0 ? "</th>" : "</td>");
        if (c + 1 == (size_t)g->n_columns) ken_out_puts(o, "</tr>");
    }
    ken_out_puts(o, "</tbody></table></div>");
}

/* A link that holds its file: no script, nothing to load. */
static void put_csv(ken_out *o, const ken_figure *g)
{
    ken_buf b = {0};
    ken_csv_text(&b, g);
    if (!b.failed) {
        ken_out_printf(o, "<a class=\"csv\" download=\"%s.csv\" href=\"data:text/csv;charset=utf-8,", g->name);
        for (size_t i = 0; i < b.len; i++) {
            unsigned char c = (unsigned char)b.data[i];
            bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         (c != '\0' && strchr("-._,", c) != NULL);
            if (plain) ken_out_add(o, &b.data[i], 1);
            else ken_out_printf(o, "%%%02X", c);
        }
        ken_out_printf(o, "\" aria-label=\"The numbers of this figure as CSV: %s\">CSV</a>", g->title);
    }
    ken_buf_free(&b);
}

static void put_svg_words(ken_out *o, const ken_figure *g)
{
    ken_out_printf(o, "<title id=\"%s-t\">", g->name);
    ken_html_text(o, g->title, 0);
    ken_out_printf(o, "</title><desc id=\"%s-d\">", g->name);
    ken_html_text(o, ken_buf_str(&g->description), 0);
    ken_out_puts(o, "</desc>");
}

void ken_figure_put(ken_out *o, const ken_figures *f, const char *name)
{
    const ken_figure *g = find(f, name);
    if (g == NULL) return;
    enum { FEW_CELLS = 400 };
    bool drawn = g->svg.len > 0;
    ken_out_printf(o, "<figure class=\"plot\" id=\"%s\">", g->name);
    if (drawn) {
        ken_out_printf(o,
                       "<div class=\"picture\"><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\" "
                       "fill=\"none\">",
                       KEN_FIGURE_WIDTH, g->height, g->name, g->name);
        put_svg_words(o, g);
        ken_out_add(o, g->svg.data, g->svg.len);
        ken_out_puts(o, "</svg></div>");
    }
    ken_out_puts(o, "<figcaption><b>");
    ken_html_text(o, g->title, 0);
    ken_out_puts(o, strchr(g->title, '?') != NULL ? "</b> " : ".</b> ");
    ken_html_text(o, ken_buf_str(&g->caption), 0);
    ken_out_puts(o, " ");
    put_csv(o, g);
    ken_out_puts(o, "</figcaption>");
    if (!drawn || g->n_cells <= FEW_CELLS) {
        ken_out_printf(o, "<details%s><summary>The numbers</summary>", drawn ? "" : " open");
        if (!drawn) {
            ken_out_puts(o, "<p>");
            ken_html_text(o, ken_buf_str(&g->description), 0);
            ken_out_puts(o, "</p>");
        }
        put_table(o, g);
        ken_out_puts(o, "</details>");
    }
    ken_out_puts(o, "</figure>\n");
}

typedef struct drawing {
    ken_figures *f;
    const char *dir, *format;
} drawing;

static int keep_svg(void *ctx, size_t i, const char *bytes, size_t n, ken_err *err)
{
    ken_figure *g = &((drawing *)ctx)->f->list[i];
    ken_buf_clear(&g->svg);
    return ken_svg_rewrite(&g->svg, bytes, n, true, err);
}

int ken_figures_draw(ken_figures *f, ken_err *err)
{
    drawing d = {.f = f};
    int rc = ken_gnuplot_draw(f, NULL, "svg", keep_svg, &d, err);
    for (size_t i = 0; rc != KEN_OK && i < f->n; i++) ken_buf_clear(&f->list[i].svg); /* all or none */
    return rc;
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static char *path_of(const drawing *d, const ken_figure *g)
{
    ken_buf b = {0};
    ken_buf_printf(&b, "%s/%s.%s", d->dir, g->name, d->format);
    return ken_buf_take(&b);
}

/* An SVG that stands alone: its size in centimetres, a ground, words for those who do not see it. */
static int write_svg(const ken_figure *g, const char *path, const char *bytes, size_t n, ken_err *err)
{
    ken_buf b = {0};
    ken_out *o = NULL;
    int rc = ken_svg_rewrite(&b, bytes, n, false, err);
    if (rc == KEN_OK) rc = ken_out_open(&o, path, err);
    if (rc == KEN_OK) {
        ken_out_printf(
            o,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9cm\" height=\"%.3fcm\" viewBox=\"0 0 %d %d\" "
            "role=\"img\" aria-labelledby=\"%s-t %s-d\" fill=\"none\" font-size=\"12\" "
            "font-family=\"'Liberation Sans', Arial, Helvetica, sans-serif\">",
            9.0 * g->height / KEN_FIGURE_WIDTH, KEN_FIGURE_WIDTH, g->height, g->name, g->name);
        put_svg_words(o, g);
        ken_out_printf(o, "<rect width=\"%d\" height=\"%d\" fill=\"" KEN_CARD "\"/>", KEN_FIGURE_WIDTH, g->height);
        ken_out_add(o, b.data, b.len);
        ken_out_puts(o, "</svg>\n");
        rc = ken_out_close(o, true, err);
    }
    ken_buf_free(&b);
    return rc;
}

/* cairo notes the time of day, the one thing in a PDF that would differ between two drawings of the same. */
static int write_pdf(const char *path, const char *bytes, size_t n, ken_err *err)
{
    static const char before[] = "/CreationDate (D:", date[] = "20000101000000";
    char *whole = ken_strndup(bytes, n);
    if (whole == NULL) return ken_fail_nomem(err, "figures");
    for (char *p = whole; (p = memmem(p, n - (size_t)(p - whole), before, sizeof before - 1)) != NULL;) {
        p += sizeof before - 1;
        if (n - (size_t)(p - whole) >= sizeof date - 1 && strspn(p, "0123456789") >= sizeof date - 1)
            memcpy(p, date, sizeof date - 1);
    }
    int rc = ken_write_file(path, whole, n, err);
    ken_free(whole);
    return rc;
}

/* cairo does not tell gnuplot, nor gnuplot us, when the disk was full: a picture without its end is none. (An SVG is read to its end.) */
static bool is_cut(const char *format, const char *bytes, size_t n)
{
    static const char png[] = "IEND\xAE\x42\x60\x82", pdf[] = "%%EOF";
    if (strcmp(format, "png") == 0) return n < 8 || memcmp(bytes + n - 8, png, 8) != 0;
    while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r')) n--;
    return strcmp(format, "pdf") == 0 && (n < 5 || memcmp(bytes + n - 5, pdf, 5) != 0);
}

static int keep_file(void *ctx, size_t i, const char *bytes, size_t n, ken_err *err)
{
    const drawing *d = ctx;
    const ken_figure *g = &d->f->list[i];
    if (is_cut(d->format, bytes, n))
        return ken_fail(err, KEN_EFAIL, "gnuplot's drawing of %s is cut off; is the disk full where TMPDIR (/tmp) is?",
                        g->name);
    char *path = path_of(d, g);
    if (path == NULL) return ken_fail_nomem(err, "figures");
    int rc = strcmp(d->format, "svg") == 0   ? write_svg(g, path, bytes, n, err)
             : strcmp(d->format, "pdf") == 0 ? write_pdf(path, bytes, n, err)
                                             : ken_write_file(path, bytes, n, err);
    ken_free(path);
    return rc;
}

static int write_csv(const drawing *d, const ken_figure *g, ken_err *err)
{
    ken_buf b = {0};
    ken_csv_text(&b, g);
    char *path = path_of(d, g);
    int rc = b.failed || path == NULL ? ken_fail_nomem(err, "figures") : ken_write_file(path, b.data, b.len, err);
    ken_free(path);
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

int ken_figures_write(ken_figures *f, const char *dir, const char *format, const char *only, ken_err *err)
{
    drawing d = {f, dir, format};
    bool csv = strcmp(format, "csv") == 0;
    int rc = KEN_OK;
    if (!csv && strcmp(format, "svg") != 0 && strcmp(format, "png") != 0 && strcmp(format, "pdf") != 0)
        return ken_fail(err, KEN_EUSAGE, "figures are written as svg, png, pdf or csv, not as \"%.40s\"", format);
    if (only != NULL && find(f, only) == NULL) return no_such_figure(f, only, err);
    if (mkdir(dir, 0777) != 0 && !(errno == EEXIST && ken_is_dir(dir)))
        return ken_fail_errno(err, "cannot make the folder", dir);
    bool *wanted = ken_calloc(f->n, sizeof *wanted);
    if (wanted == NULL) return ken_fail_nomem(err, "figures");
    for (size_t i = 0; i < f->n; i++) wanted[i] = only == NULL || strcmp(f->list[i].name, only) == 0;
    if (!csv) rc = ken_gnuplot_draw(f, wanted, format, keep_file, &d, err);
    for (size_t i = 0; csv && rc == KEN_OK && i < f->n; i++)
        if (wanted[i]) rc = ken_figures_stopped(f, err) ? KEN_ESTOP : write_csv(&d, &f->list[i], err);
    ken_free(wanted);
    return rc;
}

/* ---- data ------------------------------------------------------------------------------------------------------------ */

static void tab(ken_figure *g)
{
    if (g->data.len > 0 && g->data.data[g->data.len - 1] != '\n') ken_buf_putc(&g->data, '\t');
}

void ken_figure_datum(ken_figure *g, double x)
{
    tab(g);
    if (isfinite(x)) ken_buf_printf(&g->data, "%.8g", x);
    else ken_buf_puts(&g->data, "NaN");
}

/* Words of data for a picture. gnuplot reads a backslash and a double quote in a data file as its own (escapes, a quoted field), a tab
 * or newline would end the field, a first # would make a comment, and marks of direction could turn what stands beside the word. None
 * of them comes through; nothing in a data file is a command or a format. */
void ken_figure_word(ken_figure *g, const char *s)
{
    enum { MOST = 28 };
    size_t n = strlen(s), k = 0;
    tab(g);
    if (n == 0) s = "(none)", n = 6;
    for (; n > 0; k++) {
        int32_t cp;
        int len = ken_utf8_decode(s, n, &cp);
        if (k == MOST) cp = 0x2026;
        if (len <= 0) cp = KEN_REPLACEMENT, len = ken_utf8_bad(s, n);
        s += len;
        n -= (size_t)len;
        if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029) cp = ' ';
        if ((cp >= 0x200E && cp <= 0x200F) || (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069))
            cp = ' ';
        if ((cp & 0xFFFE) == 0xFFFE || (cp >= 0xFDD0 && cp <= 0xFDEF)) cp = KEN_REPLACEMENT;
        if (cp == '"') cp = 0x201D;
        if (cp == '\\') cp = 0x2216;
        if (cp == '#' && k == 0) cp = 0xFF03;
        char bytes[4];
        ken_buf_add(&g->data, bytes, (size_t)ken_utf8_encode(cp, bytes));
        if (k == MOST) return;
    }
}

void ken_figure_line(ken_figure *g) { ken_buf_putc(&g->data, '\n'); }
void ken_figure_block(ken_figure *g) { ken_buf_puts(&g->data, "\n\n"); }

void ken_figure_lines(ken_figure *g, int n, ...)
{
    va_list args;
    va_start(args, n);
    for (int i = 0; i < n; i++) ken_figure_datum(g, va_arg(args, double));
    va_end(args);
    ken_figure_line(g);
}

/* ---- scripts --------------------------------------------------------------------------------------------------------- */

const char *ken_figure_colour(int category)
{
    static const char *const colours[] = {"#14507c", "#58a9cc", "#f0bd4a", "#b84e30", "#b4bac1"};
    return colours[category >= 0 && category < KEN_N_CATEGORIES ? category : KEN_UNLABELLED];
}

const char *ken_figure_shade(int step)
{
    static const char *const shades[KEN_SHADES] = {"#ffffff", "#e7edf2", "#d0dce5", "#b9cad8", "#a1b9cb", "#89a8be",
                                                   "#7296b0", "#5b85a3", "#437396", "#2c628a", "#14507d"};
    return shades[step < 0 ? 0 : step < KEN_SHADES ? step : KEN_SHADES - 1];
}

/* The first plot's elements may come before its last settings; a further one is begun by its settings. */
ken_buf *ken_figure_settings(ken_figure *g) { return g->panel ? &g->plots : &g->script; }

void ken_figure_panel(ken_figure *g, int left, int right, int top, int bottom)
{
    if (!g->panel) ken_buf_puts(&g->script, "set multiplot\n");
    ken_buf_puts(&g->plots, "\nunset label\nunset object\nunset arrow\n");
    g->panel = true;
    g->plotting = false;
    ken_figure_frame(g, left, right, top, bottom);
}

void ken_figure_frame(ken_figure *g, int left, int right, int top, int bottom)
{
    double w = KEN_FIGURE_WIDTH, h = g->height;
    ken_buf_printf(ken_figure_settings(g),
                   "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset tmargin at screen %.5f\n"
                   "set bmargin at screen %.5f\n",
                   left / w, 1.0 - right / w, 1.0 - top / h, bottom / h);
    ken_buf_puts(ken_figure_settings(g),
                 "unset key\nset border 1 lc rgb '" KEN_MUTED "' lw 1\n"
                 "set tics out nomirror scale 0.4,0 textcolor rgb '" KEN_MUTED "'\n"
                 "set xtics offset 0,0.35\nset ytics scale 0 offset 0.4,0\nset grid ytics lt 1 lc rgb '" KEN_LINE
                 "' lw 1\n"
                 "set style fill solid 1 noborder\nset xlabel textcolor rgb '" KEN_MUTED "'\n");
}

void ken_figure_plot(ken_figure *g, const char *fmt, ...)
{
    char buf[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(buf, sizeof buf, fmt, args);
    va_end(args);
    ken_buf_puts(&g->plots, g->plotting ? ", \\\n  " : "plot ");
    ken_buf_puts(&g->plots, buf);
    g->plotting = true;
}

void ken_figure_interval(ken_figure *g, int block, const char *vectors, const char *middle)
{
    ken_figure_plot(g, "D index %d using %s with vectors nohead lw 3.6 lc rgb '" KEN_CARD "'", block, vectors);
    if (middle != NULL)
        ken_figure_plot(g, "D index %d using %s with points pt 7 ps 0.75 lc rgb '" KEN_CARD "'", block, middle);
    ken_figure_plot(g, "D index %d using %s with vectors nohead lw 1.5 lc rgb '" KEN_INK "'", block, vectors);
    if (middle != NULL)
        ken_figure_plot(g, "D index %d using %s with points pt 7 ps 0.5 lc rgb '" KEN_INK "'", block, middle);
}

void ken_figure_label(ken_figure *g, double x, double y, const char *anchor, const char *text)
{
    ken_buf_puts(ken_figure_settings(g), "set label '");
    for (; *text != '\0'; text++) { /* ours, but for an apostrophe the same as any other text: it is doubled */
        if (*text == '\'') ken_buf_putc(ken_figure_settings(g), '\'');
        ken_buf_putc(ken_figure_settings(g), (unsigned char)*text < 0x20 ? ' ' : *text);
    }
    ken_buf_printf(ken_figure_settings(g), "' at screen %.5f,%.5f %s textcolor rgb '" KEN_MUTED "'\n",
                   x / KEN_FIGURE_WIDTH, 1.0 - y / g->height, anchor);
}

double ken_figure_text_width(const char *s)
{
    double w = 0.0;
    for (; *s != '\0'; s++)
        if (((unsigned char)*s & 0xC0) != 0x80)
            w += strchr("iljtfr.,:;|!'I ()-", *s) != NULL ? 4.0 : strchr("mwMW%@", *s) != NULL ? 10.0 : 7.2;
    return w;
}

double ken_figure_key(ken_figure *g, double x, double y, char mark, const char *colour, const char *name)
{
    double w = KEN_FIGURE_WIDTH, h = g->height, size = mark == 'l' || mark == 'd' ? 18.0 : 9.0;
    if (mark == 'b')
        ken_buf_printf(
            ken_figure_settings(g),
            "set object rectangle from screen %.5f,%.5f to screen %.5f,%.5f fs solid 1 noborder fc rgb '%s'\n", x / w,
            1.0 - (y + 4.5) / h, (x + size) / w, 1.0 - (y - 4.5) / h, colour);
    else if (mark == 'o')
        ken_buf_printf(ken_figure_settings(g), "set label '' at screen %.5f,%.5f point pt 7 ps 0.6 lc rgb '%s'\n",
                       (x + size / 2) / w, 1.0 - y / h, colour);
    else
        ken_buf_printf(ken_figure_settings(g),
                       "set arrow from screen %.5f,%.5f to screen %.5f,%.5f nohead lw 2 dt %s lc rgb '%s'\n", x / w,
                       1.0 - y / h, (x + size) / w, 1.0 - y / h, mark == 'd' ? "(4,3)" : "1", colour);
    ken_figure_label(g, x + size + 4, y, "left", name);
    return x + size + 4 + ken_figure_text_width(name) + 8;
}

/* The four categories, or those that occur when rows without a label are among them. */
void ken_figure_category_key(ken_figure *g, double x, double y, const uint64_t *counts)
{
    for (int c = 0; c < KEN_N_CATEGORIES; c++)
        if (counts == NULL ? c < KEN_UNLABELLED : counts[c] > 0)
            x = ken_figure_key(g, x, y, 'b', ken_figure_colour(c), ken_category_name(c));
}

/* A step of 1, 2 or 5 times a power of ten that divides `most` into three to six parts. */
static uint64_t nice_step(uint64_t most)
{
    uint64_t ten = 1;
    while (most / ten >= 60) ten *= 10; /* then most/ten is below 60 */
    static const uint64_t m[] = {1, 2, 5, 10, 20};
    for (int i = 0; i < 5; i++)
        if (most / (m[i] * ten) <= 5) return m[i] * ten;
    return 20 * ten;
}

double ken_figure_count_tics(ken_figure *g, const char *axis, uint64_t most)
{
    char number[32];
    if (most == 0) most = 1;
    uint64_t step = nice_step(most), top = (most + step - 1) / step * step;
    ken_buf_printf(ken_figure_settings(g), "set %stics (", axis);
    for (uint64_t at = 0; at <= top; at += step)
        ken_buf_printf(ken_figure_settings(g), "%s'%s' %.0f", at > 0 ? ", " : "", ken_html_count(number, at),
                       (double)at);
    ken_buf_printf(ken_figure_settings(g), ")\nset %srange [0:%.0f]\n", axis, (double)top);
    return (double)top;
}

void ken_figure_percent_tics(ken_figure *g, const char *axis, double lo, double hi)
{
    static const double steps[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5};
    double step = 0.5;
    for (int i = 9; i >= 0; i--)
        if ((hi - lo) / steps[i] <= 5.01) step = steps[i];
    ken_buf_printf(ken_figure_settings(g), "set %stics (", axis);
    long first = (long)ceil(lo / step - 1e-9), last = (long)floor(hi / step + 1e-9);
    for (long i = first; i <= last; i++)
        ken_buf_printf(ken_figure_settings(g), "%s'%.*f%%%%' %.6g", i > first ? ", " : "", step < 0.0099 ? 1 : 0,
                       100.0 * fabs((double)i * step), (double)i * step);
    /* To the digits of ken_figure_datum: a label that stands on an end of the range would else be outside of it, and not drawn. */
    ken_buf_printf(ken_figure_settings(g), ")\nset %srange [%.8g:%.8g]\n", axis, lo, hi);
}
