/* sequence.h - the simplest user of a net: one sequence, token after token in slots 0, 1, 2, ... */
#ifndef KEN_TEST_SEQUENCE_H
#define KEN_TEST_SEQUENCE_H
#include "nn/net.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { SEQUENCE_MAX = 512 };

typedef struct sequence_sink {
    float *logits;
    int V;
} sequence_sink;

static inline void sequence_take(void *ctx, int32_t i, const float *logits)
{
    const sequence_sink *s = ctx;
    memcpy(s->logits + (size_t)i * (size_t)s->V, logits, (size_t)s->V * sizeof *logits);
}

/* Forwards tokens first..first+n-1 of a sequence whose earlier ones are in the cache. logits (n, V) of each, or NULL. */
static inline void sequence_forward(ken_net *net, ken_kv *kv, const int32_t *token, int first, int n, float *logits)
{
    static int32_t slots[SEQUENCE_MAX], rows[SEQUENCE_MAX];
    static int64_t path[SEQUENCE_MAX];
    assert_true(first + n <= SEQUENCE_MAX);
    for (int i = 0; i < first + n; i++) slots[i] = i;
    for (int i = 0; i < n; i++) rows[i] = i, path[i] = 0;
    sequence_sink s = {logits, ken_net_config(net)->n_vocab};
    const ken_batch b = {.n_rows = n,
                         .token = token + first,
                         .pos = slots + first,
                         .slot = slots + first,
                         .path = path,
                         .path_slots = slots,
                         .n_logits = logits != NULL ? n : 0,
                         .logit_row = rows,
                         .on_logits = sequence_take,
                         .ctx = &s};
    ken_err err;
    if (ken_net_forward(net, kv, &b, &err) != KEN_OK) fail_msg("%s", err.msg);
}
#endif
