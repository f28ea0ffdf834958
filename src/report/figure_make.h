/* figure_make.h - what a figure is while it is made; for the files figure*.c alone.
 *
 * A figure has words (title, caption, a description for those who do not see it), a table of numbers, and, for gnuplot, a script and
 * tab-separated data. The rule that keeps words of data harmless: a script holds our own words and numbers only; everything that
 * comes from a run goes into the data (ken_figure_word) or into the words and the table, which gnuplot never sees. */
#ifndef KEN_REPORT_FIGURE_MAKE_H
#define KEN_REPORT_FIGURE_MAKE_H
#include "base/buf.h"
#include "report/figure.h"
#include <stdarg.h>

/* Lengths in a drawing are in units of which 384 are 9 cm: text of 12 is then 8 pt in a paper, and fits a column of the page. */
enum { KEN_FIGURE_WIDTH = 384, KEN_FIGURE_COLUMNS = 16 };

/* The page's colours by name, as they are in its light scheme: in the page's SVG each becomes the page's variable. */
#define KEN_INK   "#1b2430"
#define KEN_MUTED "#586473"
#define KEN_LINE  "#e2e3e0"
#define KEN_CARD  "#ffffff"
const char *ken_figure_colour(int category); /* KEN_HIGHLY_KNOWN ... KEN_UNLABELLED */
/* Steps of a scale from the card's colour (0) to that of HighlyKnown (KEN_SHADES - 1). */
enum { KEN_SHADES = 11 };
const char *ken_figure_shade(int step);

typedef enum ken_cell_kind { KEN_CELL_TEXT, KEN_CELL_COUNT, KEN_CELL_SHARE, KEN_CELL_NUMBER } ken_cell_kind;

typedef struct ken_cell {
    double x;
    char *text; /* KEN_CELL_TEXT */
} ken_cell;

typedef struct ken_figure {
    char *name;           /* "p-correct-0": id, file name; letters, digits, '-' */
    const char *title;    /* static; ours */
    ken_buf caption;      /* one or two sentences below the picture; text, not HTML */
    ken_buf description;  /* what the picture shows, in words and numbers; text, not HTML */
    ken_buf script;       /* gnuplot's settings */
    ken_buf plots;        /* then what is plotted, as ken_figure_plot has put it there */
    ken_buf data;         /* its data, a file that the plots call D */
    int height;           /* in units */
    bool panel, plotting; /* behind ken_figure_panel; behind the first ken_figure_plot of a plot */
    int n_columns;
    struct {
        const char *head; /* static */
        ken_cell_kind kind;
    } columns[KEN_FIGURE_COLUMNS];
    ken_cell *cells; /* (n_cells / n_columns, n_columns) */
    size_t n_cells, cap_cells;
    bool failed; /* out of memory */
    ken_buf svg; /* for the page, when drawn: its elements without the <svg> around them */
} ken_figure;

struct ken_figures {
    ken_figure *list; /* (n) */
    size_t n, cap;
    ken_poll_fn poll; /* NULL = never asked */
    void *ctx;
};

/* A new figure, valid until the next one is added; NULL: out of memory (err is filled). */
ken_figure *ken_figure_add(ken_figures *f, const char *title, int height, ken_err *err, const char *name, ...)
    __attribute__((format(printf, 5, 6)));
/* KEN_OK, or KEN_ENOMEM when anything below ran out of memory. */
int ken_figure_done(const ken_figure *g, ken_err *err);

/* The table: columns first, then cells row by row. NaN is an empty cell. */
void ken_figure_column(ken_figure *g, const char *head, ken_cell_kind kind);
#define ken_figure_columns(g, kind, ...) ken_figure_heads((g), (kind), (const char *const[]){__VA_ARGS__, NULL})
void ken_figure_heads(ken_figure *g, ken_cell_kind kind, const char *const *head);
void ken_figure_text(ken_figure *g, const char *s);
void ken_figure_number(ken_figure *g, double x);
void ken_figure_numbers(ken_figure *g, int n, ...); /* n doubles */

/* Data: fields of a line, lines of a block (gnuplot's `index`), blocks. */
void ken_figure_datum(ken_figure *g, double x);
void ken_figure_word(ken_figure *g, const char *s); /* any bytes: made harmless and cut */
void ken_figure_line(ken_figure *g);                /* ends the line */
void ken_figure_lines(ken_figure *g, int n, ...);   /* one line of n doubles */
void ken_figure_block(ken_figure *g);               /* ends the block */

/* Scripts. Settings go to ken_figure_settings, in any order with the elements of their plot. */
ken_buf *ken_figure_settings(ken_figure *g);
void ken_figure_frame(ken_figure *g, int left, int right, int top, int bottom); /* margins in units; the usual look */
void ken_figure_plot(ken_figure *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* one more element of the plot */
/* What follows is a further plot in the same picture, with settings of its own. */
void ken_figure_panel(ken_figure *g, int left, int right, int top, int bottom);
/* Intervals of a block of data: gnuplot's fields of vectors, such as "3:2:($4-$3):(0)", and of a dot, such as "1:2" (NULL: none), on a
 * rim of the card's colour: ink can be seen on every category then, in the light scheme and in the dark one. */
void ken_figure_interval(ken_figure *g, int block, const char *vectors, const char *middle);
void ken_figure_label(ken_figure *g, double x, double y, const char *anchor,
                      const char *text); /* in units from the top left */
/* A row of names beside boxes ('b'), lines ('l'), dashed lines ('d') or dots ('o'), from the left; y in units from the top. Returns the x
 * after it. */
double ken_figure_key(ken_figure *g, double x, double y, char mark, const char *colour, const char *name);
void ken_figure_category_key(ken_figure *g, double x, double y, const uint64_t *counts); /* counts NULL: the four */
double ken_figure_text_width(const char *s); /* in units, about, at size 12 */
/* Ticks at 0, step, ... top with 1,000 as 1,000; axis "x" or "y". Returns top: the first step at or above most. */
double ken_figure_count_tics(ken_figure *g, const char *axis, uint64_t most);
void ken_figure_percent_tics(ken_figure *g, const char *axis, double lo, double hi); /* values are shares */

/* figure_gnuplot.c: draws those of f for which wanted (NULL = all) is true and gives each picture to `got` (borrowed). terminal: "svg",
 * "png" or "pdf". One process, which is gone with all that it started, as its files are, when this returns. KEN_ESTOP when f's poll said so. */
typedef int (*ken_picture_fn)(void *ctx, size_t i, const char *bytes, size_t n, ken_err *err);
int ken_gnuplot_draw(const ken_figures *f, const bool *wanted, const char *terminal, ken_picture_fn got, void *ctx,
                     ken_err *err);
bool ken_figures_stopped(const ken_figures *f, ken_err *err); /* KEN_ESTOP: poll said so */

/* figure_svg.c: the elements of gnuplot's drawing, made small and plain. page: colours become the page's variables. */
int ken_svg_rewrite(ken_buf *out, const char *svg, size_t n, bool page, ken_err *err);

void ken_csv_text(ken_buf *b, const ken_figure *g);
#endif
