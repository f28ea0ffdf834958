/* json_scan.h - finding where values of JSON end, without a parser: brackets and strings are enough, and what is inside is checked by jansson
 * afterwards. For json_rows.c (rows of lists and lines) and json_whole.c (files that are one object). */
#ifndef KEN_DATA_JSON_SCAN_H
#define KEN_DATA_JSON_SCAN_H
#include "data/rows.h"

typedef struct ken_cursor {
    const char *p, *end;
    int line;
} ken_cursor;

void ken_skip_space(ken_cursor *c);
bool ken_skip_string(ken_cursor *c); /* false when the text ends inside it */
/* Past one value of any kind; false when the text ends inside it. *depth: the deepest nesting met. */
bool ken_skip_value(ken_cursor *c, size_t *depth);

/* The rows of the list that begins at c; what follows its end is not looked at. *after: behind the list. */
int ken_json_list(ken_source *s, ken_cursor c, ken_cursor *after, ken_row_fn fn, void *ctx, ken_err *err);
/* A file that is one object and no row: {"data": [...]} and the like, or columns. *is: it is one, and its rows were passed on. */
int ken_json_whole(ken_source *s, bool *is, ken_row_fn fn, void *ctx, ken_err *err);
#endif
