/* walk.h - exact P_Correct for one row: only the token paths whose text can still become an accepted answer are forwarded.
 *
 *     ken_walk_new(&w, engine, rules, accept, raw, roots, n, 0, &err);     asks for the logits of the roots
 *     do { ken_engine_wave(...); if (ken_walk_waiting(w) == 0) ken_walk_advance(w, &err); } while (!ken_walk_done(w));
 *     ken_walk_prompt(w, i)->p_lo ...
 *     ken_walk_free(w);
 *
 * Source: spec/slick.md 7.1-7.4 (ours; the process whose probability is computed is Gekhman et al. 2024, App. C). The result depends on
 * the budget alone: nodes are scored by round, depth and the order of their token ids, never in the order of arrival. */
#ifndef KEN_KNOW_WALK_H
#define KEN_KNOW_WALK_H
#include "know/asking.h"
#include "know/golds.h"
#include "know/row.h"
#include "know/rules.h"

typedef struct ken_walk ken_walk;

enum {
    KEN_WALK_MASS_ONLY = 1, /* no greedy verdicts, no texts: the guess control */
    KEN_WALK_KEEP_PATHS = 2
}; /* remember each accepted path: explain */

typedef struct ken_walk_path { /* one accepted token path */
    const int32_t *token;      /* (n) including the ending token, if any */
    int32_t n;
    const char *text; /* NUL-terminated */
    double p;
} ken_walk_path;

/* Borrows everything; roots (n) are held by the caller until the walk is freed. */
int ken_walk_new(ken_walk **out, ken_engine *e, const ken_rules *r, const ken_golds *g, const ken_node *roots, int n,
                 unsigned flags, ken_err *err);
/* The rest as of any question (asking.h). Errors name prompt and position; the caller adds the row. */
void ken_walk_free(ken_walk *w);
int32_t ken_walk_waiting(const ken_walk *w);
int ken_walk_advance(ken_walk *w, ken_err *err);
bool ken_walk_done(const ken_walk *w);
ken_question *ken_walk_question(ken_walk *w);                  /* the walk itself */
const ken_walk *ken_walk_of_question(const ken_question *q);   /* the reverse */
const ken_walk_prompt *ken_walk_get(const ken_walk *w, int i); /* valid when done, until ken_walk_free */
int ken_walk_greedy_hits(const ken_walk *w);
bool ken_walk_open_mass(const ken_walk *w); /* the interval is wider than the budget */
#endif
