/* figure_draw.h - shapes and words, kept as SVG whose colours are chosen when it is written.
 *
 *     ken_drawing d = {0};
 *     ken_draw_box(&d, KEN_PAINT_MUTED, 1.0, 10, 20, 50, 24);
 *     ken_draw_text(&d, 30, 40, KEN_MIDDLE, "facts");
 *     ken_drawing_put(out, &d, page);                 page: the page's variables, so that dark mode and print work; else fixed colours
 *
 * Lengths are in units of which KEN_FIGURE_WIDTH are 9 cm: text of 12 is then 8 pt in a paper, and fits a column of the page; y goes
 * down. Coordinates have one decimal and are printed without the locale: a run's drawing has the same bytes on every machine. What is not
 * finite is left out. Neighbours of one look are one path. Words may be anybody's: they come through as text only. */
#ifndef KEN_REPORT_FIGURE_DRAW_H
#define KEN_REPORT_FIGURE_DRAW_H
#include "base/buf.h"
#include "base/out.h"

enum { KEN_FIGURE_WIDTH = 384, KEN_SHADES = 11 };

typedef enum ken_paint {
    KEN_PAINT_INK,
    KEN_PAINT_MUTED,
    KEN_PAINT_LINE,
    KEN_PAINT_CARD,
    KEN_PAINT_CATEGORY,                                      /* the first of KEN_N_CATEGORIES */
    KEN_PAINT_SHADE = KEN_PAINT_CATEGORY + KEN_N_CATEGORIES, /* from the card's (0) to HighlyKnown's (KEN_SHADES - 1) */
    KEN_N_PAINTS = KEN_PAINT_SHADE + KEN_SHADES
} ken_paint;
ken_paint ken_paint_of(int category); /* KEN_HIGHLY_KNOWN ... KEN_UNLABELLED */
ken_paint ken_paint_shade(int step);

typedef struct ken_drawing {
    ken_buf shapes, texts; /* texts stand on top, and lines with only texts between them can be one path */
    char look[120];        /* of the path that is open; "" = none */
} ken_drawing;

typedef struct ken_spot {
    double x, y;
} ken_spot;

typedef struct ken_pen {
    ken_paint paint;
    double width;
    const char *dash; /* "4 3"; NULL = none */
} ken_pen;

/* A value with its interval; x, y of the value are NaN where only the interval is drawn. */
typedef struct ken_interval {
    double x1, y1, x2, y2, x, y;
} ken_interval;

typedef enum ken_anchor { KEN_START, KEN_MIDDLE, KEN_END } ken_anchor;

void ken_draw_line(ken_drawing *d, ken_pen pen, double x1, double y1, double x2, double y2);
void ken_draw_curve(ken_drawing *d, ken_pen pen, const ken_spot *p, size_t n); /* from spot to spot */
void ken_draw_area(ken_drawing *d, ken_paint paint, double opacity, const ken_spot *p, size_t n); /* closed */
void ken_draw_box(ken_drawing *d, ken_paint paint, double opacity, double x1, double y1, double x2, double y2);
/* From the height y1 at x1 smoothly to y2 at x2, `size` high all along. */
void ken_draw_band(ken_drawing *d, ken_paint paint, double opacity, double x1, double y1, double x2, double y2,
                   double size);
void ken_draw_dot(ken_drawing *d, ken_paint paint, double diameter, double x, double y);
/* On a rim of the card's colour: ink can be seen on every category then, in the light scheme and in the dark one. */
void ken_draw_intervals(ken_drawing *d, const ken_interval *list, size_t n);
/* y: the middle of the letters. Kept inside of the picture. */
void ken_draw_text(ken_drawing *d, double x, double y, ken_anchor anchor, const char *s);
/* Words of data: cut to `room` units, with an ellipsis then. */
void ken_draw_words(ken_drawing *d, double x, double y, ken_anchor anchor, double room, const char *s);

void ken_drawing_put(ken_out *o, const ken_drawing *d, bool page);
bool ken_drawing_failed(const ken_drawing *d); /* out of memory */
void ken_drawing_free(ken_drawing *d);
const char *ken_paint_colour(ken_paint paint); /* as in a file: "#14507c" */

/* figure_text.c: about how wide text is, in units at size 12, rather too much than too little: the fonts named by KEN_FONTS have the
 * same widths, and where none of them is there, a sans-serif may be wider. */
#define KEN_FONTS "'Liberation Sans', Arimo, Arial, Helvetica, sans-serif"
double ken_text_width(const char *s, size_t n);
/* s as valid UTF-8 without control characters, cut to `room`; words of no letter are "(none)". Not escaped. */
void ken_text_fit(ken_buf *b, const char *s, double room);
/* "-12.50": rounded, in digits and a point whatever the locale. */
const char *ken_fixed(char buf[32], double x, int decimals);
const char *ken_shortest(char buf[32], double x, int decimals); /* "-12.5": without zeros at the end */
#endif
