/* batch.h - the token trie of a batch of examples, as nn/learn.h reads it: each shared prefix once, rows depth-first.
 *
 *     ken_batch_trie t = {0};
 *     ken_batch_trie_build(&t, rows, n, &how, &err);     t.batch goes to ken_learn
 *     ken_batch_trie_free(&t); */
#ifndef KEN_TUNE_BATCH_H
#define KEN_TUNE_BATCH_H
#include "nn/learn.h"
#include "tune/set.h"

typedef struct ken_batch_options {
    bool share;        /* false: every example has its own rows (packed one after the other, no padding) */
    float scale;       /* multiplies the rows' weights: 1 / target tokens of the optimizer's batch */
    uint64_t mask_key; /* of this step; masks depend on it, and on the path (share) or on the example (not share) */
} ken_batch_options;

typedef struct ken_batch_trie {
    ken_learn_batch batch;
    int32_t *token, *parent, *row, *target;
    uint64_t *mask;
    float *weight;
    int32_t *
        example; /* (n_targets) which of the examples given the target belongs to; ascending target position within it */
    size_t cap_token, cap_parent, cap_row, cap_target, cap_mask, cap_weight, cap_example;
} ken_batch_trie;

/* Grows what t has. */
int ken_batch_trie_build(ken_batch_trie *t, const ken_tune_row *const *example, size_t n, const ken_batch_options *how,
                         ken_err *err);
void ken_batch_trie_free(ken_batch_trie *t);
/* *fit = how many of the examples, from the first on and at least 1, give at most max_rows rows. */
int ken_batch_fit(size_t *fit, const ken_tune_row *const *example, size_t n, bool share, int32_t max_rows,
                  ken_err *err);
#endif
