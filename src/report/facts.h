/* facts.h - the table of facts: what the page keeps of every row of every run, for page.js to search, sort, filter and explain.
 *
 *     ken_facts_new(&f, &err);
 *     ken_facts_add_run(f, run, &err);               runs are numbered in the order in which they are added
 *     ken_facts_add_diff(f, diff, 0, 1, &err);       what moved from the run 0 to the run 1
 *     ken_facts_pack(f, room, &err);                  deflated; what does not fit into room is left out, step by step
 *     ken_facts_put(out, f);
 *
 * A fact is an id and a question; runs that were asked the same share it. */
#ifndef KEN_REPORT_FACTS_H
#define KEN_REPORT_FACTS_H
#include "base/error.h"
#include "base/out.h"

typedef struct ken_facts ken_facts;

int ken_facts_new(ken_facts **out, ken_err *err);
void ken_facts_free(ken_facts *f);
int ken_facts_add_run(ken_facts *f, ken_run *run, const char *name, ken_err *err); /* an annotation or an evaluation */
int ken_facts_add_diff(ken_facts *f, const ken_diff *d, size_t a, size_t b, ken_err *err);
int ken_facts_pack(ken_facts *f, size_t room, ken_err *err);
void ken_facts_put(ken_out *o, const ken_facts *f); /* after packing */

size_t ken_facts_count(const ken_facts *f);
/* What was left out for want of room, as a sentence for the reader; NULL = nothing. After packing. */
const char *ken_facts_left_out(const ken_facts *f);
#endif
