/* term.h - the look: colours, bars and columns, plain where the reader is not a terminal.
 *
 * Colour needs a terminal (or --color always) and no NO_COLOR; blocks and shades need a terminal and a UTF-8 locale. Everything else
 * gets ASCII without escapes, so that a log or a diff stays clean. */
#ifndef KEN_CLI_TERM_H
#define KEN_CLI_TERM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum term_style {
    TERM_PLAIN,
    TERM_BOLD,
    TERM_DIM,
    TERM_CATEGORY /* + category: the colour of HighlyKnown, ..., unlabelled */
} term_style;

/* Looks at stdout (and --color, NO_COLOR, TERM, the locale); call before printing. */
void term_start(void);
bool term_unicode(void);
int term_width_of(FILE *f); /* likewise, of the terminal that f is */
int term_width(void);       /* columns; 100 where unknown */

/* Escape sequences for styles, "" without colour. static */
const char *term_on(int style);
const char *term_off(void);

/* Prints s cut to `width` columns ("…" or "..." marks a cut) and padded: left-aligned, or right-aligned when width < 0. */
void term_cell(const char *s, int width);
/* The same in a style. */
void term_styled(int style, const char *s, int width);
/* Columns that s takes; control characters and broken UTF-8 count as they are printed by term_text. */
int term_columns(const char *s);
/* Prints s with control characters and broken UTF-8 made visible, so that data cannot drive the terminal. */
void term_text(const char *s);
/* The same of a text whose lines stay lines, each between `before` and `after`. */
void term_lines(const char *before, const char *s, const char *after);

/* Does the same to s itself, whatever the locale: for messages, which quote from data, models and runs. Cleaned text is no longer. */
void term_clean(char *s);

/* A bar of `width` cells, cut in proportion to part (n): one colour (or shade, or letter) a part. All zero = empty. */
void term_stacked_bar(const uint64_t *part, int n, int width);
/* What stands for a part in such a bar, for a legend; NULL where colours tell them apart. static */
const char *term_part_sign(int part);
/* A bar of one colour that fills share (0..1) of `width` cells, to an eighth of a cell where blocks are to be had. */
void term_share_bar(double share, int width, int style);
#endif
