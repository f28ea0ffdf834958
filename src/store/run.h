/* run.h - inside of the reader: what run.c (rows) and counts.c (sums over them) share. The public face is ken.h. */
#ifndef KEN_STORE_RUN_H
#define KEN_STORE_RUN_H
#include "store/schema.h"

struct arena; /* texts of one row; run.c */

struct ken_run {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *query[8]; /* run.c */

    struct {
        char *key, *value;
    } * settings; /* (n_settings) */
    size_t n_settings, cap_settings;

    int64_t *places; /* (n) of the rows, ascending: data order. All that is kept of a row: 8 bytes */
    size_t n, cap_places;

    ken_counts total, *relations; /* (n_relations) in order of their first row; each owns its name */
    size_t n_relations, cap_relations;

    ken_row row;          /* the row last asked for; its pointers lead into row_texts and row_memory */
    struct arena *memory; /* emptied by the next call */
    size_t row_bytes;
};

/* Reads every row once, in data order, and fills places, total and relations. */
int ken_run_scan(ken_run *r, ken_err *err);
/* KEN_EINPUT: "the run is damaged: WHAT of the row at place N is not valid". */
int ken_run_damaged(const ken_run *r, int64_t place, const char *what, ken_err *err);
#endif
