/* figure_make.h - what a figure is while it is made; for the files figure*.c alone.
 *
 * A figure has words (title, caption, a description for those who do not see it), a table of numbers, and a drawing
 * (figure_draw.h; axes and keys: figure_axis.h). Words of data are harmless in all of them: each escapes what it writes. */
#ifndef KEN_REPORT_FIGURE_MAKE_H
#define KEN_REPORT_FIGURE_MAKE_H
#include "report/figure.h"
#include "report/figure_draw.h"
#include <stdarg.h>

enum { KEN_FIGURE_COLUMNS = 16 };

typedef enum ken_cell_kind { KEN_CELL_TEXT, KEN_CELL_COUNT, KEN_CELL_SHARE, KEN_CELL_NUMBER } ken_cell_kind;

typedef struct ken_cell {
    double x;
    char *text; /* KEN_CELL_TEXT */
} ken_cell;

typedef struct ken_figure {
    char *name;          /* "p-correct-0": id, file name; letters, digits, '-' */
    const char *title;   /* static; ours */
    ken_buf caption;     /* one or two sentences below the picture; text, not HTML */
    ken_buf description; /* what the picture shows, in words and numbers; text, not HTML */
    ken_drawing drawing;
    int height; /* in units */
    int n_columns;
    struct {
        const char *head; /* static */
        ken_cell_kind kind;
    } columns[KEN_FIGURE_COLUMNS];
    ken_cell *cells; /* (n_cells / n_columns, n_columns) */
    size_t n_cells, cap_cells;
    bool failed; /* out of memory */
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
const ken_figure *ken_figure_find(const ken_figures *f, const char *name); /* NULL: there is none */

/* figure_table.c: columns first, then cells row by row. NaN is an empty cell. */
void ken_figure_column(ken_figure *g, const char *head, ken_cell_kind kind);
#define ken_figure_columns(g, kind, ...) ken_figure_heads((g), (kind), (const char *const[]){__VA_ARGS__, NULL})
void ken_figure_heads(ken_figure *g, ken_cell_kind kind, const char *const *head);
void ken_figure_text(ken_figure *g, const char *s);
void ken_figure_number(ken_figure *g, double x);
void ken_figure_numbers(ken_figure *g, int n, ...); /* n doubles */
/* Facts and categories of a tally; the share of them that is known, with its interval. */
void ken_figure_tally_heads(ken_figure *g);
void ken_figure_tally(ken_figure *g, const ken_tally *t);
void ken_figure_known_heads(ken_figure *g);
void ken_figure_known(ken_figure *g, uint64_t known, uint64_t labelled);
uint64_t ken_tally_known(const ken_tally *t);               /* HighlyKnown and MaybeKnown */
void ken_figure_table_put(ken_out *o, const ken_figure *g); /* HTML */
void ken_csv_text(ken_buf *b, const ken_figure *g);

/* figure_relations.c: two of ken_figures_annotation. */
int ken_figure_unknown(ken_figures *f, const ken_run *run, const ken_report_summary *s, size_t k, ken_err *err);
int ken_figure_relations(ken_figures *f, const ken_run *run, size_t k, ken_err *err);

/* The picture: page, in the page's colours; else as a file, which has a size and a ground of its own. */
void ken_figure_svg(ken_out *o, const ken_figure *g, bool page);

/* figure_convert.c: the program that makes PDF and PNG of SVG. */
enum { KEN_PATH_LENGTH = 4096 };
/* KEN_EFAIL, naming the package, when it is not there. */
int ken_converter_find(char path[KEN_PATH_LENGTH], ken_err *err);
/* svg: a descriptor that the SVG is read from; format "pdf" or "png". The process is gone with all that it started when this returns.
 * KEN_ESTOP when f's poll said so. */
int ken_convert(const char *program, int svg, const char *format, const ken_figures *f, ken_buf *picture, ken_err *err);
#endif
