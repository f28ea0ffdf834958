/* test_readings.c - what can be read from a row besides its logits, on the tiny models of each family: attention against
 * reference_forward.c, hidden states and attention against transformers (tests/oracles/nn_readings.py), sums against plain loops, and
 * what a batch does not decide. The instruction set is that of $KEN_TEST_ISA. */
#include "attention.h"
#include "fixture.h"
#include "nn/topk.h"
#include "sequence.h"

static ken_isa isa;
static const char *const families[] = {"llama-tied", "llama-bias", "llama3", "llama-linear",
                                       "mistral",    "qwen2",      "qwen3"};
enum { N_FAMILIES = sizeof families / sizeof *families, N = 24 };

static ken_net *open_net(const char *family, const char *file, ken_model **m)
{
    char path[512];
    ken_net *net = NULL;
    ken_err err;
    const ken_net_options o = {.threads = 2, .isa = isa};
    snprintf(path, sizeof path, KEN_FIXTURES "/model/tiny-%s%s", family, file);
    if (ken_model_open(m, path, &err) != KEN_OK || ken_net_new(&net, *m, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    return net;
}

static void some_tokens(int32_t *token, int n_vocab)
{
    for (int i = 0; i < N; i++) token[i] = (i * i * 37 + 11 * i + 5) % n_vocab;
}

static void test_attention(void **state)
{
    (void)state;
    for (int i = 0; i < N_FAMILIES; i++) {
        ken_model *m;
        ken_net *net = open_net(families[i], "/model.gguf", &m);
        int32_t token[N];
        some_tokens(token, ken_net_config(net)->n_vocab);
        const double worst = attention_error(m, net, token, N);
        print_message("%-12s largest difference of a weight %.2g\n", families[i], worst);
        assert_true(worst < 1e-5);
        ken_net_free(net);
        ken_model_free(m);
    }
}

/* The head's row v times the hidden state is logit v, but for the rounding of a sum of C terms in f32: at most C 2^-24 of the sum of their sizes. */
static void test_hidden(void **state)
{
    (void)state;
    for (int i = 0; i < N_FAMILIES; i++) {
        ken_model *m;
        ken_net *net = open_net(families[i], "", &m);
        const ken_config *c = ken_net_config(net);
        const size_t C = (size_t)c->n_embd, V = (size_t)c->n_vocab;
        const ken_tensor *head = ken_model_weights(m)->output;
        int32_t token[N];
        float *hidden = calloc(N * C, sizeof *hidden), *logits = calloc(N * V, sizeof *logits);
        float *w = calloc(V * C, sizeof *w);
        double worst = 0;
        ken_kv *kv;
        ken_err err;
        some_tokens(token, c->n_vocab);
        ken_dequantize(head->type, head->data, w, (int64_t)(V * C));
        sequence_states(net, token, N, NULL, hidden);
        assert_int_equal(ken_kv_new(&kv, net, N, &err), KEN_OK);
        sequence_forward(net, kv, token, 0, N, logits);
        for (size_t r = 0; r < N; r++)
            for (size_t v = 0; v < V; v++) {
                double z = 0, size = 0;
                for (size_t j = 0; j < C; j++) {
                    const double term = (double)w[v * C + j] * (double)hidden[r * C + j];
                    z += term;
                    size += fabs(term);
                }
                const double d = fabs(z - (double)logits[r * V + v]) / size;
                if (!(d <= worst)) worst = d;
            }
        print_message("%-12s largest difference of a logit %.2g of its terms\n", families[i], worst);
        assert_true(worst <= (double)C * 0x1p-24);
        free(hidden), free(logits), free(w);
        ken_kv_free(kv);
        ken_net_free(net);
        ken_model_free(m);
    }
}

static void test_transformers(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, KEN_FIXTURES "/nn/readings.bin", "KENREAD1");
    for (int left = fixture_int(&f); left > 0; left--) {
        char name[32] = {0};
        const int length = fixture_int(&f);
        assert_in_range(length, 1, (int)sizeof name - 1);
        fixture_read(&f, name, (size_t)length, 1);
        ken_model *m;
        ken_net *net = open_net(name, "/model.gguf", &m);
        const ken_config *c = ken_net_config(net);
        int32_t token[SEQUENCE_MAX];
        const int n = fixture_int(&f);
        assert_in_range(n, 1, SEQUENCE_MAX);
        fixture_read(&f, token, (size_t)n, sizeof *token);
        assert_int_equal(fixture_int(&f), c->n_embd);
        assert_int_equal(fixture_int(&f), c->n_layer);
        assert_int_equal(fixture_int(&f), c->n_head);
        const size_t n_hidden = (size_t)n * (size_t)c->n_embd,
                     n_weights = (size_t)c->n_layer * (size_t)c->n_head * (size_t)n * (size_t)n;
        float *want = calloc(n_hidden + n_weights, sizeof *want), *got = calloc(n_hidden + n_weights, sizeof *got);
        fixture_read(&f, want, n_hidden + n_weights, sizeof *want);
        sequence_states(net, token, n, got + n_hidden, got);
        double worst[2] = {0, 0};
        for (size_t i = 0; i < n_hidden + n_weights; i++) {
            const double d = fabs((double)got[i] - (double)want[i]);
            if (!(d <= worst[i >= n_hidden])) worst[i >= n_hidden] = d;
        }
        print_message("%-12s largest difference of a hidden value %.2g, of a weight %.2g\n", name, worst[0], worst[1]);
        assert_true(worst[0] < 1e-4); /* observed: below 1e-5 */
        assert_true(worst[1] < 1e-5);
        free(want), free(got);
        ken_net_free(net);
        ken_model_free(m);
    }
    fixture_close(&f);
}

/* ---- what a batch does not decide ------------------------------------------------------------------------------------- */

/* The last row again: alone behind cached ancestors in scattered slots, and read several times at once. */
static void test_same_bits(void **state)
{
    (void)state;
    ken_model *m;
    ken_net *net = open_net("mistral", "/model.gguf", &m);
    const ken_config *c = ken_net_config(net);
    const size_t C = (size_t)c->n_embd, heads = (size_t)c->n_layer * (size_t)c->n_head, V = (size_t)c->n_vocab;
    float *all = calloc(heads * N * N, sizeof *all), *hidden = calloc(N * C, sizeof *hidden);
    float *last = calloc(2 * heads * N, sizeof *last), *state_of = calloc(C, sizeof *state_of);
    float *row = calloc(V, sizeof *row), logit[6];
    int32_t token[N], slot[N], pos[N], id[6];
    int64_t path[N] = {0};
    ken_kv *kv;
    ken_err err;
    some_tokens(token, c->n_vocab);
    sequence_states(net, token, N, all, hidden);
    for (int i = 0; i < N; i++) pos[i] = i, slot[i] = (i * 7 + 3) % 29;
    assert_int_equal(ken_kv_new(&kv, net, 29, &err), KEN_OK);
    ken_batch b = {.n_rows = N - 1, .token = token, .pos = pos, .slot = slot, .path = path, .path_slots = slot};
    assert_int_equal(ken_net_forward(net, kv, &b, &err), KEN_OK);
    double log_sum = 0, sum = 0, plain = 0, plain_at = 0;
    const int32_t named[] = {3, 1, 3};
    float of_named[3];
    ken_reading read[] = {
        {.attention = last},
        {.k = 6, .id = id, .logit = logit, .tau = 0.5F, .sum = &sum, .hidden = state_of},
        {.n_want = 3, .want = named, .want_logit = of_named},
        {.n_want = c->n_vocab, .want = sequence_vocabulary(c->n_vocab), .want_logit = row, .log_sum = &log_sum},
        {.attention = last + heads * N},
    };
    b = (ken_batch){.n_rows = 1,
                    .token = token + N - 1,
                    .pos = pos + N - 1,
                    .slot = slot + N - 1,
                    .path = path,
                    .path_slots = slot,
                    .n_readings = 5,
                    .reading = read};
    assert_int_equal(ken_net_forward(net, kv, &b, &err), KEN_OK);
    for (size_t h = 0; h < heads; h++) assert_memory_equal(last + h * N, all + (h * N + N - 1) * N, N * sizeof *all);
    assert_memory_equal(last, last + heads * N, heads * N * sizeof *last);
    assert_memory_equal(state_of, hidden + (N - 1) * C, C * sizeof *hidden);

    int32_t top_id[6];
    float top[6];
    assert_int_equal(ken_topk(row, c->n_vocab, 6, top_id, top), read[1].n);
    assert_memory_equal(id, top_id, sizeof id);
    assert_memory_equal(logit, top, sizeof top);
    assert_true(of_named[0] == row[3] && of_named[1] == row[1] && of_named[2] == row[3]);
    for (size_t v = 0; v < V; v++) {
        plain += exp((double)row[v]);
        plain_at += exp(((double)row[v] - (double)top[0]) / 0.5);
    }
    assert_true(fabs(log_sum - log(plain)) < 1e-12);
    assert_true(fabs(sum / plain_at - 1) < 1e-6);
    for (int i = 0; i < 5; i++) assert_int_equal(read[i].n, read[i].k);

    read[4].row = 1; /* not in the batch */
    assert_int_equal(ken_net_forward(net, kv, &b, &err), KEN_ESTATE);
    ken_kv_free(kv);
    free(all), free(hidden), free(last), free(state_of), free(row);
    ken_net_free(net);
    ken_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attention), cmocka_unit_test(test_hidden),
                                       cmocka_unit_test(test_transformers), cmocka_unit_test(test_same_bits)};
    ken_err err;
    if (ken_isa_parse(&isa, getenv("KEN_TEST_ISA"), &err) != KEN_OK) {
        fprintf(stderr, "skipped: %s\n", err.msg);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
