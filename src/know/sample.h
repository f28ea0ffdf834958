/* sample.h - the literal protocol: greedy and sampled answers of one row, as a tree: identical paths are forwarded once.
 *
 * Sample j of prompt i draws token number n by inverse CDF over the top-k list with the uniform of (seed, row id, i, j + 1, n), so
 * sharing forwards changes no sample (docs/method/knowledge.md#sample). Works for every matcher. Used like a walk (walk.h); the method "sample". */
#ifndef KEN_KNOW_SAMPLE_H
#define KEN_KNOW_SAMPLE_H
#include "know/method.h"

typedef struct ken_sample_prompt {
    ken_walk_prompt
        greedy; /* verdicts, text, finish, text_p, margin (whole path), root; p_lo = p_hi = hits / samples */
    int hits;
    const ken_drawn *drawn; /* (n_drawn) distinct texts, most frequent first, then by text; bytes as drawn */
    int n_drawn;
} ken_sample_prompt;

void ken_drawn_sort(ken_drawn *d, int n); /* as above */

/* The same of an engine that gives texts alone (sample_texts.c): a question, and what it found of prompt i; NULL when q is another one. */
int ken_texts_start(ken_question **out, const ken_method_input *in, ken_err *err);
const ken_sample_prompt *ken_texts_get(const ken_question *q, int i);

/* Borrows everything; roots (n) are held by the caller until the sampler is freed. */
int ken_sampler_new(ken_question **out, ken_engine *e, const ken_rules *r, const ken_golds *g, const ken_node *roots,
                    int n, const char *row_id, ken_err *err);
const ken_sample_prompt *ken_sampler_get(const ken_question *q, int i); /* of one that is done, until it is freed */
#endif
