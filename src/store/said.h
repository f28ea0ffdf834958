/* said.h - was an answer called wrong that holds the right one? Asked of every row when a run is opened (counts.c). */
#ifndef KEN_STORE_SAID_H
#define KEN_STORE_SAID_H
#include "store/run.h"

typedef struct ken_said {
    ken_run *r;
    sqlite3_stmt *answers, *texts;
    const char **gold; /* (n) of the row that is looked at */
    size_t n, cap;
} ken_said;

/* Free with ken_said_close, also after a failure. */
int ken_said_open(ken_said *s, ken_run *r, ken_err *err);
void ken_said_close(ken_said *s);
/* Adds what the row at place says to the sums of its relation and of the run: said, unknown_without_text, sentences of ken_counts. */
int ken_said_row(ken_said *s, int64_t place, int category, uint32_t flags, ken_counts *relation, ken_err *err);
#endif
