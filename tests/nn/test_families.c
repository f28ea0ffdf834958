/* test_families.c - tiny random models of each family, from GGUF and from safetensors, against the logits and greedy tokens that
 * transformers gives (tests/oracles/model_tiny.py), with the instruction set of $KEN_TEST_ISA. */
#include "fixture.h"
#include "sequence.h"
#include <math.h>
#include <stdlib.h>

static ken_isa isa;
static const char *const families[] = {"llama-tied", "llama-bias", "llama3", "llama-linear",
                                       "mistral",    "qwen2",      "qwen3"};

static int largest(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

static double check_prompt(ken_net *net, fixture *f, int V)
{
    int32_t token[SEQUENCE_MAX], row[SEQUENCE_MAX], want_greedy[SEQUENCE_MAX];
    ken_err err;
    ken_kv *kv;
    assert_int_equal(ken_kv_new(&kv, net, SEQUENCE_MAX, &err), KEN_OK);
    const int n = fixture_int(f);
    assert_in_range(n, 1, SEQUENCE_MAX / 2);
    fixture_read(f, token, (size_t)n, sizeof *token);
    const int n_rows = fixture_int(f);
    assert_in_range(n_rows, 1, n);
    fixture_read(f, row, (size_t)n_rows, sizeof *row);
    float *want = calloc((size_t)V, sizeof *want), *got = calloc((size_t)n * (size_t)V, sizeof *got);
    sequence_forward(net, kv, token, 0, n, got);
    double worst = 0;
    for (int i = 0; i < n_rows; i++) {
        fixture_read(f, want, (size_t)V, sizeof *want);
        for (int v = 0; v < V; v++) {
            const double d = fabs((double)want[v] - (double)got[(size_t)row[i] * (size_t)V + (size_t)v]);
            if (!(d <= worst)) worst = d;
        }
    }
    const int n_greedy = fixture_int(f);
    assert_in_range(n_greedy, 1, SEQUENCE_MAX / 2);
    fixture_read(f, want_greedy, (size_t)n_greedy, sizeof *want_greedy);
    memcpy(want, got + (size_t)(n - 1) * (size_t)V, (size_t)V * sizeof *want);
    for (int i = 0; i < n_greedy; i++) {
        token[n + i] = largest(want, V);
        assert_int_equal(token[n + i], want_greedy[i]);
        sequence_forward(net, kv, token, n + i, 1, want);
    }
    free(want), free(got);
    ken_kv_free(kv);
    return worst;
}

static void check_file(const char *folder, const char *file)
{
    char path[512], reference[512];
    snprintf(path, sizeof path, KEN_FIXTURES "/model/tiny-%s%s", folder, file);
    snprintf(reference, sizeof reference, KEN_FIXTURES "/model/tiny-%s/reference.bin", folder);
    ken_model *m;
    ken_net *net;
    ken_err err;
    const ken_net_options o = {.threads = 2, .isa = isa};
    if (ken_model_open(&m, path, &err) != KEN_OK || ken_net_new(&net, m, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    fixture f;
    fixture_open(&f, reference, "KENREF1");
    const int n = fixture_int(&f), V = fixture_int(&f);
    assert_int_equal(V, ken_net_config(net)->n_vocab);
    double worst = 0;
    for (int i = 0; i < n; i++) worst = fmax(worst, check_prompt(net, &f, V));
    fixture_close(&f);
    print_message("%-12s %-11s largest difference of a logit %.2g\n", folder, file, worst);
    assert_true(worst < 1e-4); /* issue: logits within 1e-4 in f32; observed: below 4e-5 */
    ken_net_free(net);
    ken_model_free(m);
}

static void test_gguf(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) check_file(families[i], "/model.gguf");
}

static void test_safetensors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) check_file(families[i], "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gguf), cmocka_unit_test(test_safetensors)};
    ken_err err;
    if (ken_isa_parse(&isa, getenv("KEN_TEST_ISA"), &err) != KEN_OK) {
        fprintf(stderr, "skipped: %s\n", err.msg);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
