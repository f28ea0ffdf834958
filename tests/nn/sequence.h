/* sequence.h - the simplest user of a net: one sequence, token after token in slots 0, 1, 2, ... */
#ifndef KEN_TEST_SEQUENCE_H
#define KEN_TEST_SEQUENCE_H
#include "nn/net.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SEQUENCE_MAX = 512 };

/* 0, 1, ... V - 1: a reading that wants every token gives the whole row. */
static inline const int32_t *sequence_vocabulary(int V)
{
    static int32_t *all, n;
    if (V > n) {
        all = realloc(all, (size_t)V * sizeof *all);
        for (; n < V; n++) all[n] = n;
    }
    return all;
}

/* Forwards tokens first..first+n-1 of a sequence whose earlier ones are in the cache. logits (n, V) of each, or NULL. */
static inline void sequence_forward(ken_net *net, ken_kv *kv, const int32_t *token, int first, int n, float *logits)
{
    static int32_t slots[SEQUENCE_MAX];
    static int64_t path[SEQUENCE_MAX];
    assert_true(first + n <= SEQUENCE_MAX);
    for (int i = 0; i < first + n; i++) slots[i] = i;
    const int V = ken_net_config(net)->n_vocab;
    ken_reading *read = calloc((size_t)n, sizeof *read);
    for (int i = 0; i < n && logits != NULL; i++)
        read[i] = (ken_reading){
            .row = i, .n_want = V, .want = sequence_vocabulary(V), .want_logit = logits + (size_t)i * (size_t)V};
    const ken_batch b = {.n_rows = n,
                         .token = token + first,
                         .pos = slots + first,
                         .slot = slots + first,
                         .path = path,
                         .path_slots = slots,
                         .n_readings = logits != NULL ? n : 0,
                         .reading = read};
    ken_err err;
    if (ken_net_forward(net, kv, &b, &err) != KEN_OK) fail_msg("%s", err.msg);
    free(read);
}
#endif
