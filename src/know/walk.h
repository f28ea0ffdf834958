/* walk.h - exact P_Correct for one row: only the token paths whose text can still become an accepted answer are forwarded.
 *
 *     ken_walk_new(&q, engine, rules, golds, roots, n, 0, &err);     asks for the logits of the roots; q is then one of ken_ask_all's questions
 *     ken_walk_get(q, i)->p_lo ...                                   when it is done
 *     ken_question_free(q);
 *
 * Source: docs/method/knowledge.md#exact-bound and around it (ours; the process whose probability is computed is Gekhman et al. 2024,
 * App. C). The result depends on the budget alone: nodes are scored by step, prompt, depth and token ids, never in the order of arrival. */
#ifndef KEN_KNOW_WALK_H
#define KEN_KNOW_WALK_H
#include "know/asking.h"
#include "know/golds.h"
#include "know/row.h"
#include "know/rules.h"

enum {
    KEN_WALK_MASS_ONLY = 1, /* no greedy verdicts, no texts: the guess control */
    KEN_WALK_SAVE_PATHS = 2 /* each accepted path: explain */
};

typedef struct ken_walk_path { /* one accepted token path */
    const int32_t *token;      /* (n) including the ending token, if any */
    int32_t n;
    const char *text; /* NUL-terminated */
    double p;
} ken_walk_path;

/* Borrows everything; roots (n) are held by the caller until the walk is freed. Its errors name prompt and position; the caller adds the
 * row. */
int ken_walk_new(ken_question **out, ken_engine *e, const ken_rules *r, const ken_golds *g, const ken_node *roots,
                 int n, unsigned flags, ken_err *err);
/* Of a walk that is done, until it is freed. */
const ken_walk_prompt *ken_walk_get(const ken_question *q, int i);
bool ken_walk_open_mass(const ken_question *q); /* the interval is wider than the budget */
#endif
