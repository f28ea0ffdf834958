/* columns.h - the rows of the page, as columns of small numbers, each deflated on its own.
 *
 *     ken_columns c = {0};
 *     int p = ken_columns_new(&c, "0.p", 2, 0);            width in bytes; level: what is left out first when room is short
 *     ken_columns_add(&c, p, ken_code_p(row->p_t, 11));
 *     ken_columns_pack(&c, &err);                           then every column's size is known, and a level can be chosen
 *     ken_columns_put(out, &c, level);                      two elements: what is where, and the bytes in base64
 *
 * A column lies in planes (all lowest bytes first), because neighbours in a plane are alike; text is one column of bytes, its strings
 * ended by NUL. page.js reads this back with the browser's own inflate. Text enters the page in base64 only, so nothing in it can be
 * taken for markup. */
#ifndef KEN_REPORT_COLUMNS_H
#define KEN_REPORT_COLUMNS_H
#include "base/buf.h"
#include "base/out.h"
#include <stdint.h>

enum { KEN_COLUMN_NAME = 24 };

typedef struct ken_column {
    char name[KEN_COLUMN_NAME];
    int width, level;
    size_t n;    /* values; of text: bytes */
    ken_buf raw; /* (n, width) little-endian until packed */
    ken_buf packed;
} ken_column;

typedef struct ken_columns {
    ken_column *column; /* (n) */
    size_t n, cap;
    bool failed; /* out of memory; everything after it did nothing */
} ken_columns;

int ken_columns_new(ken_columns *c, const char *name, int width, int level); /* its number */
void ken_columns_add(ken_columns *c, int column, uint32_t value); /* values too large for the width: the largest */
/* One more string: n bytes as a reader may see them (html.h), cut after `most` code points. */
void ken_columns_text(ken_columns *c, int column, const char *s, size_t n, size_t most);
int ken_columns_pack(ken_columns *c, ken_err *err);
/* Bytes on the page of all columns up to a level, in base64. After packing. */
size_t ken_columns_size(const ken_columns *c, int level);
void ken_columns_put(ken_out *o, const ken_columns *c, int level);
void ken_columns_free(ken_columns *c);

/* A probability in 16 bits: 0, 1 and "none" (NaN) are exact, between them 31 powers of two with `bits` (at most 11) bits each. Grows
 * with p, so that sorting by code is sorting by p. */
uint32_t ken_code_p(double p, int bits);
/* The same in 8 bits: 7 powers of two of 32 steps each; what is below 1/128 has one code. 0 = none. */
uint32_t ken_code_p8(double p);
/* The bits of a float; NaN for none. Width 4. */
uint32_t ken_code_real(double x);
/* The lower and the upper half of a double's bits, for numbers of the data's own; NaN for none. Width 4 each. */
uint32_t ken_code_exact(double x, bool upper);
#endif
