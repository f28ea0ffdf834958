/* attention.h - the attention that a net gives at every row of a sequence against that of reference_forward.c. */
#ifndef KEN_TEST_ATTENTION_H
#define KEN_TEST_ATTENTION_H
#include "nn/batch_build.h"
#include "nn/net.h"
#include "nn/reference.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* One batch of the n tokens -> attention (n_layer, n_head, n, n) and hidden (n, n_embd), of which either may be NULL. */
static inline void sequence_states(ken_net *net, const int32_t *token, int n, float *attention, float *hidden)
{
    const ken_config *c = ken_net_config(net);
    const size_t N = (size_t)n, heads = (size_t)c->n_layer * (size_t)c->n_head;
    float *rows = calloc(N * N * heads, sizeof *rows); /* row r has (heads, r + 1) at r * N * heads */
    ken_batch_build y = {0};
    ken_kv *kv;
    ken_err err;
    assert_int_equal(ken_batch_rows(&y, n, token, NULL, &err), KEN_OK);
    for (int r = 0; r < n; r++) {
        const ken_reading read = {.row = r,
                                  .attention = attention == NULL ? NULL : rows + (size_t)r * N * heads,
                                  .hidden = hidden == NULL ? NULL : hidden + (size_t)r * (size_t)c->n_embd};
        assert_int_equal(ken_batch_read(&y, &read, &err), KEN_OK);
    }
    assert_int_equal(ken_kv_new(&kv, net, n, &err), KEN_OK);
    if (ken_forward(ken_net_forwarder(net), kv, &y.batch, &err) != KEN_OK) fail_msg("%s", err.msg);
    for (size_t h = 0; h < heads && attention != NULL; h++)
        for (size_t r = 0; r < N; r++)
            for (size_t s = 0; s < N; s++)
                attention[(h * N + r) * N + s] = s > r ? 0 : rows[r * N * heads + h * (r + 1) + s];
    ken_kv_free(kv);
    ken_batch_build_free(&y);
    free(rows);
}

/* The largest difference; every row of weights must sum to 1. */
static inline double attention_error(const ken_model *m, ken_net *net, const int32_t *token, int n)
{
    const ken_config *c = ken_net_config(net);
    const size_t N = (size_t)n, heads = (size_t)c->n_layer * (size_t)c->n_head;
    float *got = calloc(heads * N * N, sizeof *got);
    double *want = calloc(heads * N * N, sizeof *want), *logits = calloc(N * (size_t)c->n_vocab, sizeof *logits);
    double worst = 0;
    ken_err err;
    assert_int_equal(ken_reference_forward(m, token, n, logits, want, &err), KEN_OK);
    sequence_states(net, token, n, got, NULL);
    for (size_t i = 0; i < heads * N; i++) {
        double sum = 0;
        for (size_t s = 0; s < N; s++) {
            const double d = fabs((double)got[i * N + s] - want[i * N + s]);
            if (!(d <= worst)) worst = d;
            sum += (double)got[i * N + s];
            if (want[i * N + s] == 0.0)
                assert_true(got[i * N + s] == 0); /* what a row does not see is zero, not small */
        }
        assert_true(fabs(sum - 1) < 1e-5);
    }
    free(got), free(want), free(logits);
    return worst;
}
#endif
