/* test_engine.c - readings asked for through the engine, of a network known by hand and of a real one, and the batch builder for callers that do without the engine. Waves, slots and eviction are tested with the walk (tests/know/test_walk.c). */
#include "../know/fake_net.h"
#include "../nn/attention.h"
#include "base/alloc.h"
#include "engine/engine.h"
#include <string.h>

enum { V = 5, C = 3, N = 20 };
static ken_err err;

/* ---- the enumerated network ------------------------------------------------------------------------------------------- */

static void logits_of(const int32_t *path, int32_t n, float *logits)
{
    for (int v = 0; v < V; v++) logits[v] = (float)((path[n - 1] * 7 + v * 3 + n) % 11);
}

static void hidden_of(const int32_t *path, int32_t n, float *hidden)
{
    for (int j = 0; j < C; j++) hidden[j] = (float)(100 * n + 10 * path[n - 1] + j);
}

static void wait_for(ken_engine *e, const int32_t *outstanding)
{
    while (*outstanding > 0)
        if (ken_engine_wave(e, &err) != KEN_OK) fail_msg("%s", err.msg);
}

static void test_hidden(void **state)
{
    (void)state;
    const int32_t prompt[] = {4, 2, 3};
    ken_engine *e;
    ken_node end, middle;
    fake_net_set(V, 16, logits_of);
    fake_net_set_hidden(C, hidden_of);
    assert_int_equal(ken_engine_new(&e, fake_net(), NULL, &err), KEN_OK);
    assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, prompt, 2, &middle, &err), KEN_OK);
    assert_int_equal(ken_engine_extend(e, middle, prompt + 2, 1, &end, &err), KEN_OK);
    int32_t waiting = 0, id[2];
    float logit[2], at_end[C], again[C], at_middle[C], want[V];
    ken_request asked[] = {
        {.node = end, .k = 2, .id = id, .logit = logit, .hidden = at_end, .outstanding = &waiting},
        {.node = end, .hidden = again, .outstanding = &waiting},
        {.node = middle, .hidden = at_middle, .outstanding = &waiting},
    };
    for (int i = 0; i < 3; i++) assert_int_equal(ken_engine_ask(e, &asked[i], &err), KEN_OK);
    assert_int_equal(waiting, 3);
    wait_for(e, &waiting);
    assert_int_equal(ken_engine_get_stats(e).logits, 2); /* rows, not requests */
    for (int i = 0; i < 3; i++) assert_int_equal(asked[i].n, asked[i].k);
    for (int j = 0; j < C; j++) {
        assert_true(at_end[j] == (float)(330 + j) && again[j] == at_end[j]);
        assert_true(at_middle[j] == (float)(220 + j));
    }
    logits_of(prompt, 3, want);
    assert_true(logit[0] == want[id[0]] && logit[1] == want[id[1]]);
    ken_engine_free(e);
}

static void test_refused(void **state)
{
    (void)state;
    const int32_t prompt[] = {1};
    float hidden[C], attention[1];
    int32_t waiting = 0;
    ken_engine *e;
    ken_node end;
    fake_net_set(V, 16, logits_of);
    assert_int_equal(ken_engine_new(&e, fake_net(), NULL, &err), KEN_OK);
    assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, prompt, 1, &end, &err), KEN_OK);
    ken_request r = {.node = end, .hidden = hidden, .outstanding = &waiting};
    assert_int_equal(ken_engine_ask(e, &r, &err), KEN_EUSAGE);
    assert_string_equal(err.msg, "the enumerated network cannot give hidden states");
    fake_net_set_hidden(C, hidden_of);
    assert_int_equal(ken_engine_ask(e, &r, &err), KEN_OK);
    wait_for(e, &waiting);
    r = (ken_request){.node = end, .attention = attention, .outstanding = &waiting};
    assert_int_equal(ken_engine_ask(e, &r, &err), KEN_EUSAGE);
    assert_string_equal(err.msg, "the enumerated network cannot give attention weights");
    assert_int_equal(waiting, 0);
    assert_int_equal(ken_engine_backlog(e), 0);
    ken_engine_free(e);

    ken_kv *kv; /* the same without an engine */
    const int32_t zero = 0;
    const int64_t path = 0;
    ken_reading read = {.attention = attention};
    const ken_batch b = {1, prompt, &zero, &zero, &path, NULL, 1, &read};
    assert_int_equal(ken_cache_new(&kv, fake_net(), 1, &err), KEN_OK);
    assert_int_equal(ken_forward(fake_net(), kv, &b, &err), KEN_EUSAGE);
    ken_cache_free(fake_net(), kv);
}

/* ---- a real one --------------------------------------------------------------------------------------------------------- */

/* Asked at the end of a prompt whose keys are in the cache already, under others in its place: the bits of one plain batch. */
static void test_attention(void **state)
{
    (void)state;
    ken_model *m;
    ken_net *net;
    const ken_net_options o = {.threads = 2, .isa = ken_isa_best()};
    if (ken_model_open(&m, KEN_FIXTURES "/model/tiny-mistral", &err) != KEN_OK ||
        ken_net_new(&net, m, &o, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    const ken_config *c = ken_net_config(net);
    const size_t heads = (size_t)c->n_layer * (size_t)c->n_head, width = (size_t)c->n_embd;
    float *all = calloc(heads * N * N, sizeof *all), *states = calloc(N * width, sizeof *states);
    float *weights = calloc(heads * N, sizeof *weights), *hidden = calloc(width, sizeof *hidden);
    int32_t token[N], waiting = 0;
    for (int i = 0; i < N; i++) token[i] = (i * 31 + 7) % c->n_vocab;
    sequence_states(net, token, N, all, states);
    ken_engine *e;
    ken_node other, end;
    assert_int_equal(ken_engine_new(&e, ken_net_forwarder(net), &(ken_engine_options){.wave_positions = 8}, &err),
                     KEN_OK);
    assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, token + 1, N - 1, &other, &err), KEN_OK);
    assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, token, N, &end, &err), KEN_OK);
    ken_request first[] = {{.node = other, .outstanding = &waiting}, {.node = end, .outstanding = &waiting}};
    for (int i = 0; i < 2; i++) assert_int_equal(ken_engine_ask(e, &first[i], &err), KEN_OK);
    wait_for(e, &waiting);
    ken_request r = {.node = end, .attention = weights, .hidden = hidden, .outstanding = &waiting};
    assert_int_equal(ken_engine_ask(e, &r, &err), KEN_OK);
    wait_for(e, &waiting);
    assert_int_equal(ken_engine_get_stats(e).again, 1);
    for (size_t h = 0; h < heads; h++) assert_memory_equal(weights + h * N, all + (h * N + N - 1) * N, N * sizeof *all);
    assert_memory_equal(hidden, states + (N - 1) * width, width * sizeof *hidden);
    ken_engine_free(e);
    free(all), free(states), free(weights), free(hidden);
    ken_net_free(net);
    ken_model_free(m);
}

/* ---- the batch builder -------------------------------------------------------------------------------------------------- */

static void test_builder(void **state)
{
    (void)state;
    enum { ROWS = 300 };
    int32_t token[ROWS], parent[ROWS];
    ken_batch_build y = {0};
    uint32_t x = 1;
    for (int time = 0; time < 4; time++) { /* chains, bushes, and what lies between */
        for (int32_t r = 0; r < ROWS; r++) {
            x = x * 1664525U + 1013904223U;
            token[r] = r;
            parent[r] = (x >> 24) % 8 < 2U * (unsigned)time ? (int32_t)((x >> 8) % (unsigned)(r + 1)) - 1 : r - 1;
        }
        assert_int_equal(ken_batch_rows(&y, ROWS, token, parent, &err), KEN_OK);
        assert_int_equal(y.batch.n_rows, ROWS);
        assert_int_equal(y.batch.n_readings, 0);
        for (int32_t r = 0; r < ROWS; r++) {
            int32_t depth = 0;
            for (int32_t up = parent[r]; up >= 0; up = parent[up]) depth++;
            assert_int_equal(y.batch.pos[r], depth);
            assert_int_equal(y.batch.slot[r], r);
            for (int32_t up = parent[r]; up >= 0; up = parent[up])
                assert_int_equal(y.batch.path_slots[y.batch.path[r] + --depth], up);
        }
        const ken_reading read = {.row = time, .k = 0};
        assert_int_equal(ken_batch_read(&y, &read, &err), KEN_OK);
        assert_int_equal(y.batch.reading[0].row, time);
    }
    ken_batch_build_free(&y);
    assert_int_equal(ken_batch_rows(&y, ROWS, token, NULL, &err),
                     KEN_OK); /* a chain takes a place for each of its rows, not n^2 / 2 */
    assert_true(y.cap_path_slots < 2 * ROWS);
    for (int32_t r = 0; r < ROWS; r++) {
        assert_int_equal(y.batch.pos[r], r);
        assert_int_equal(y.batch.path[r], 0);
        if (r > 0) assert_int_equal(y.batch.path_slots[r - 1], r - 1);
    }
    ken_batch_build_free(&y);
    for (long n = 1;; n++) {
        ken_alloc_fail_after(n);
        int rc = ken_batch_rows(&y, ROWS, token, parent, &err);
        if (rc == KEN_OK) rc = ken_batch_read(&y, &(ken_reading){.row = 1}, &err);
        ken_alloc_fail_after(0);
        ken_batch_build_free(&y);
        if (rc == KEN_OK) break;
        assert_int_equal(rc, KEN_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hidden), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_attention), cmocka_unit_test(test_builder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
