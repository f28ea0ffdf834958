/* test_files.c - what is written computes what was written: the logits of a net over a model, over the folder and the GGUF file made
 * from it, over an adapter attached, given to the net, and merged. The tiny models of tests/oracles/model_tiny.py. */
#include "fixture.h"
#include "sequence.h"
#include "model/write.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static ken_isa isa;
static char folder[64];
static const char *const names[] = {"llama-tied", "llama-bias", "llama3", "llama-linear", "mistral", "qwen2", "qwen3"};
enum { N_TINY = sizeof names / sizeof *names, N = 24, MAX_V = 512 };

static int start(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/ken-files-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static int at;
    at = (at + 1) % 4;
    snprintf(path[at], sizeof path[at], "%s/%s", folder, name);
    return path[at];
}

static int end(void **state)
{
    (void)state;
    static const char *const files[] = {"model/config.json",
                                        "model/tokenizer.json",
                                        "model/tokenizer_config.json",
                                        "model/generation_config.json",
                                        "model/model.safetensors",
                                        "adapter/adapter_config.json",
                                        "adapter/adapter_model.safetensors",
                                        "model.gguf"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) (void)unlink(in_folder(files[i]));
    (void)rmdir(in_folder("model"));
    (void)rmdir(in_folder("adapter"));
    return rmdir(folder);
}

static ken_model *open_model(const char *path, const char *adapter)
{
    ken_model *m;
    ken_err err;
    if (ken_model_open(&m, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    if (adapter != NULL && ken_model_attach(m, adapter, &err) != KEN_OK) fail_msg("%s", err.msg);
    return m;
}

/* out (N, V) for the tokens id (N); memory 1: every layer is unpacked anew for each batch. */
static void logits_of(const ken_model *m, const ken_params *p, const ken_lora *l, size_t memory, const int32_t *id,
                      float *out)
{
    ken_err err;
    ken_net *net;
    ken_kv *kv;
    const ken_net_options o = {.threads = 2, .isa = isa, .params = p, .lora = l, .memory = memory};
    if (ken_net_new(&net, m, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_kv_new(&kv, net, N, &err), KEN_OK);
    sequence_forward(net, kv, id, 0, N, out);
    ken_kv_free(kv);
    ken_net_free(net);
}

static void logits(const ken_model *m, const ken_params *p, const ken_lora *l, size_t memory, float *out)
{
    int32_t id[N];
    const int V = ken_model_config(m)->n_vocab;
    assert_in_range(V, 1, MAX_V);
    for (int i = 0; i < N; i++) id[i] = (i * 7919 + 31) % V;
    logits_of(m, p, l, memory, id, out);
}

static float *room(void)
{
    float *x = calloc((size_t)N * MAX_V, sizeof *x);
    assert_non_null(x);
    return x;
}

static double worst(const float *a, const float *b)
{
    double most = 0;
    for (size_t i = 0; i < (size_t)N * MAX_V; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static ken_params *load(const ken_model *m)
{
    ken_params *p;
    ken_err err;
    if (ken_params_load(&p, m, 2, &err) != KEN_OK) fail_msg("%s", err.msg);
    return p;
}

/* Perturbed weights from either format into either: the same bits, but where Llama-3's scaling goes between its two forms. */
static void written_models(void **state)
{
    (void)state;
    float *want = room(), *got = room(), *plain = room();
    ken_err err;
    for (int i = 0; i < 2 * N_TINY; i++) {
        char path[512];
        const char *name = names[i / 2];
        snprintf(path, sizeof path, KEN_FIXTURES "/model/tiny-%s%s", name, i % 2 ? "/model.gguf" : "");
        ken_model *base = open_model(path, NULL);
        ken_params *p = load(base);
        for (size_t k = 0; k < p->n; k++) p->data[k] *= 1.0F + 0.002F * (float)(k % 50);
        logits(base, NULL, NULL, 0, plain);
        logits(base, p, NULL, 0, want);
        assert_true(worst(plain, want) > 0.01);
        if (ken_write_model_folder(base, p, KEN_F32, in_folder("model"), &err) != KEN_OK ||
            ken_write_gguf(base, p, KEN_F32, in_folder("model.gguf"), &err) != KEN_OK)
            fail_msg("%s", err.msg);
        for (int k = 0; k < 2; k++) {
            ken_model *m = open_model(in_folder(k == 0 ? "model" : "model.gguf"), NULL);
            logits(m, NULL, NULL, 0, got);
            const double most = worst(want, got);
            if (strcmp(name, "llama3") == 0 ? !(most < 5e-5) : most != 0) fail_msg("%s, %d: %g", path, k, most);
            ken_model_free(m);
        }
        ken_params_free(p);
        ken_model_free(base);
    }
    free(want), free(got), free(plain);
}

/* An adapter attached from its folder, given to the net, and added to the weights: one network. */
static void adapters(void **state)
{
    (void)state;
    float *plain = room(), *want = room(), *got = room();
    ken_err err;
    for (int i = 0; i < 2 * N_TINY; i++) {
        char path[512];
        snprintf(path, sizeof path, KEN_FIXTURES "/model/tiny-%s%s", names[i / 2], i % 2 ? "/model.gguf" : "");
        ken_model *base = open_model(path, NULL);
        ken_params *p = load(base);
        ken_lora *l;
        assert_int_equal(ken_lora_new(&l, ken_model_config(base), 3, 5, (1U << KEN_N_MODULES) - 1, &err), KEN_OK);
        ken_lora_init(l, 3);
        for (size_t k = 0; k < l->n; k++) l->data[k] += 0.001F * (float)((int)(k * 31 % 41) - 20);
        logits(base, NULL, NULL, 0, plain);
        logits(base, NULL, l, 0, want);
        assert_true(worst(plain, want) > 0.01);
        logits(base, NULL, l, 1, got);
        assert_true(worst(want, got) == 0);
        logits(base, p, l, 0, got);
        assert_true(worst(want, got) == 0);
        ken_params_merge(p, l, 2);
        logits(base, p, NULL, 0, got);
        assert_true(worst(want, got) == 0);
        if (ken_write_adapter(base, l, in_folder("adapter"), &err) != KEN_OK) fail_msg("%s", err.msg);
        ken_model *m = open_model(path, in_folder("adapter"));
        logits(m, NULL, NULL, 0, got);
        assert_true(worst(want, got) == 0);
        logits(m, p, NULL, 0, got); /* weights of one's own are what they are: nothing is added */
        assert_true(worst(want, got) == 0);
        ken_model_free(m);
        ken_lora_free(l);
        ken_params_free(p);
        ken_model_free(base);
    }
    free(want), free(got), free(plain);
}

/* Adapters that peft wrote, on the model in either format, against the logits that peft computes (tests/oracles/model_adapter.py). */
static void adapters_of_peft(void **state)
{
    (void)state;
    static const char *const models[] = {"llama-tied", "qwen2"};
    float *want = room(), *got = room();
    for (int i = 0; i < 4; i++) {
        char path[512], adapter[512], reference[600];
        snprintf(adapter, sizeof adapter, KEN_FIXTURES "/model/tiny-%s/adapter", models[i / 2]);
        snprintf(path, sizeof path, KEN_FIXTURES "/model/tiny-%s%s", models[i / 2], i % 2 ? "/model.gguf" : "");
        snprintf(reference, sizeof reference, "%s/reference.bin", adapter);
        int32_t id[N];
        fixture f;
        fixture_open(&f, reference, "KENREF1");
        assert_int_equal(fixture_int(&f), N);
        const int V = fixture_int(&f);
        assert_in_range(V, 1, MAX_V);
        fixture_read(&f, id, N, sizeof *id);
        fixture_read(&f, want, (size_t)N * (size_t)V, sizeof *want);
        fixture_close(&f);
        ken_model *m = open_model(path, adapter);
        assert_int_equal(ken_model_config(m)->n_vocab, V);
        logits_of(m, NULL, NULL, 0, id, got);
        const double most = worst(want, got);
        print_message("%-12s largest difference of a logit %.2g\n", models[i / 2], most);
        assert_true(most < 1e-4);
        ken_model_free(m);
    }
    free(want), free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(written_models), cmocka_unit_test(adapters),
                                       cmocka_unit_test(adapters_of_peft)};
    ken_err err;
    if (ken_isa_parse(&isa, getenv("KEN_TEST_ISA"), &err) != KEN_OK) {
        fprintf(stderr, "skipped: %s\n", err.msg);
        return 77;
    }
    return cmocka_run_group_tests(tests, start, end);
}
