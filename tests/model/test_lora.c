/* test_lora.c - adapters: their start and effect, PEFT folders there and back, folders with one thing wrong or cut anywhere, and
 * every allocation failing in turn. The network is tiny-llama-tied (tests/oracles/model_tiny.py). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "model/write.h"
#include "model/write_parts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODEL KEN_FIXTURES "/model/tiny-llama-tied"
enum { ALL = (1 << KEN_N_MODULES) - 1, QV = 1 << KEN_MOD_Q | 1 << KEN_MOD_V };

static char folder[64];
static ken_model *model;

static int start(void **state)
{
    (void)state;
    /* in memory where there is such a folder: what is written is synced, which takes long on a busy disk */
    snprintf(folder, sizeof folder, "%s/ken-lora-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ken_err err;
    return mkdtemp(folder) == NULL || ken_model_open(&model, MODEL, &err) != KEN_OK ? -1 : 0;
}

static void path_of(const char *name, char path[128]) { snprintf(path, 128, "%s/%s", folder, name); }

static int end(void **state)
{
    (void)state;
    static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
    char path[128];
    for (int i = 0; i < 2; i++) path_of(files[i], path), (void)unlink(path);
    ken_model_free(model);
    return rmdir(folder);
}

static ken_lora *new_lora(int rank, float alpha, unsigned targets)
{
    ken_lora *l;
    ken_err err;
    if (ken_lora_new(&l, ken_model_config(model), rank, alpha, targets, &err) != KEN_OK) fail_msg("%s", err.msg);
    return l;
}

static ken_lora *random_lora(int rank, float alpha, unsigned targets)
{
    ken_lora *l = new_lora(rank, alpha, targets);
    ken_lora_init(l, 5);
    for (size_t i = 0; i < l->n; i++) l->data[i] += 0.01F * (float)((int)(i * 2654435761U >> 20 & 255) - 128);
    return l;
}

/* ---- start and effect ------------------------------------------------------------------------------------------------- */

static void shapes(void **state)
{
    (void)state;
    const ken_config *c = ken_model_config(model); /* 32 wide, 4 heads of 8, 2 key-value heads, 48 hidden, 2 layers */
    ken_lora *l = new_lora(3, 6, ALL);
    static const int want[KEN_N_MODULES][2] = {{32, 32}, {32, 16}, {32, 16}, {32, 32}, {32, 48}, {32, 48}, {48, 32}};
    size_t n = 0;
    for (int i = 0; i < 2 * KEN_N_MODULES; i++) {
        const ken_lora_pair *p = &l->pair[i];
        assert_int_equal(p->in, want[i % KEN_N_MODULES][0]);
        assert_int_equal(p->out, want[i % KEN_N_MODULES][1]);
        assert_ptr_equal(p->a, l->data + n);
        assert_ptr_equal(p->b, p->a + 3 * p->in);
        n += 3 * (size_t)(p->in + p->out);
    }
    assert_int_equal(l->n, n);
    assert_true(l->scale == 2);
    ken_lora_free(l);
    l = new_lora(16, 1, QV);
    assert_non_null(l->pair[KEN_MOD_Q].a);
    assert_null(l->pair[KEN_MOD_K].a);
    assert_non_null(l->pair[KEN_N_MODULES + KEN_MOD_V].a);
    ken_lora_free(l);
    static const struct {
        int rank;
        float alpha;
        unsigned targets;
        const char *says;
    } wrong[] = {{0, 1, ALL, "rank 0"},
                 {-4, 1, ALL, "rank -4"},
                 {17, 1, ALL, "rank 17 is more than k_proj has (16 by 32)"},
                 {33, 1, 1 << KEN_MOD_Q, "q_proj"},
                 {4, 1, 0, "no target modules"},
                 {4, 1, ALL + 1, "no target modules"},
                 {4, NAN, ALL, "alpha"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ken_err err;
        assert_int_equal(ken_lora_new(&l, c, wrong[i].rank, wrong[i].alpha, wrong[i].targets, &err), KEN_EUSAGE);
        assert_null(l);
        if (strstr(err.msg, wrong[i].says) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.msg, wrong[i].says);
    }
}

static void how_it_starts(void **state)
{
    (void)state;
    ken_lora *all = new_lora(4, 8, ALL), *some = new_lora(4, 8, QV), *other = new_lora(4, 8, QV);
    ken_lora_init(all, 1);
    ken_lora_init(some, 1);
    ken_lora_init(other, 2);
    double sum = 0, squares = 0;
    int n = 0;
    for (int i = 0; i < 2 * KEN_N_MODULES; i++) {
        const ken_lora_pair *p = &all->pair[i], *q = &some->pair[i];
        const double bound = 1 / sqrt(p->in);
        for (int k = 0; k < 4 * p->in; k++) {
            assert_true(fabs((double)p->a[k]) <= bound);
            sum += (double)p->a[k] / bound;
            squares += (double)p->a[k] * (double)p->a[k] / bound / bound;
            n++;
        }
        for (int k = 0; k < 4 * p->out; k++) assert_true(p->b[k] == 0);
        if (q->a == NULL) continue;
        assert_memory_equal(p->a, q->a, (size_t)(4 * p->in) * sizeof(float)); /* whatever else is trained */
        assert_memory_not_equal(q->a, other->pair[i].a, (size_t)(4 * p->in) * sizeof(float));
    }
    assert_memory_not_equal(all->pair[0].a, all->pair[KEN_N_MODULES].a, 4 * 32 * sizeof(float));
    assert_true(fabs(sum / n) < 5 / sqrt(3.0 * n)); /* uniform: mean 0, variance a third; five standard errors */
    assert_true(fabs(squares / n - 1.0 / 3) < 5 * sqrt(4.0 / 45 / n));
    ken_lora_free(all);
    ken_lora_free(some);
    ken_lora_free(other);
}

static void what_it_adds(void **state)
{
    (void)state;
    ken_lora *l = random_lora(5, 7, QV);
    const ken_lora_pair *p = &l->pair[KEN_N_MODULES + KEN_MOD_V];
    float w[32 * 48] = {0}, again[32 * 48] = {0}, untouched[32 * 48] = {0};
    for (int i = 0; i < p->in * p->out; i++) w[i] = again[i] = untouched[i] = (float)i * 0.25F;
    ken_lora_add(l, 1, KEN_MOD_V, w, 1);
    ken_lora_add(l, 1, KEN_MOD_V, again, 4);
    assert_memory_equal(w, again, sizeof(float) * (size_t)(p->in * p->out));
    for (int o = 0; o < p->out; o++)
        for (int k = 0; k < p->in; k++) {
            double sum = 0;
            for (int r = 0; r < 5; r++) sum += (double)p->b[o * 5 + r] * (double)p->a[r * p->in + k];
            const int at = o * p->in + k;
            assert_true(fabs((double)untouched[at] + 7.0 / 5 * sum - (double)w[at]) < 1e-4);
        }
    memcpy(w, untouched, sizeof w);
    ken_lora_add(l, 1, KEN_MOD_DOWN, w, 1);
    assert_memory_equal(w, untouched, sizeof w);
    ken_lora_free(l);
}

/* ---- folders there and back --------------------------------------------------------------------------------------------- */

static void write_it(const ken_lora *l)
{
    ken_err err;
    if (ken_write_adapter(model, l, folder, &err) != KEN_OK) fail_msg("%s", err.msg);
}

static ken_lora *read_it(void)
{
    ken_lora *l;
    ken_err err;
    if (ken_lora_read(&l, folder, ken_model_config(model), &err) != KEN_OK) fail_msg("%s", err.msg);
    return l;
}

static void assert_same(const ken_lora *a, const ken_lora *b)
{
    assert_int_equal(a->rank, b->rank);
    assert_int_equal(a->targets, b->targets);
    assert_true(a->alpha == b->alpha && a->scale == b->scale && a->dropout == b->dropout);
    for (int i = 0; i < 2 * KEN_N_MODULES; i++) {
        const ken_lora_pair *p = &a->pair[i], *q = &b->pair[i];
        assert_int_equal(p->a == NULL, q->a == NULL);
        if (p->a == NULL) continue;
        assert_memory_equal(p->a, q->a, sizeof(float) * (size_t)(a->rank * p->in));
        assert_memory_equal(p->b, q->b, sizeof(float) * (size_t)(a->rank * p->out));
    }
}

static void there_and_back(void **state)
{
    (void)state;
    static const struct {
        int rank;
        float alpha, dropout;
        unsigned targets;
        bool rslora;
    } cases[] = {{4, 8, 0, ALL, false},
                 {1, 0.1F, 0.05F, QV, false},
                 {16, 1e-3F, 0.5F, 1 << KEN_MOD_DOWN, false},
                 {7, 10, 0, ALL, true},
                 {3, -2, 0, ALL, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_lora *l = random_lora(cases[i].rank, cases[i].alpha, cases[i].targets);
        l->dropout = cases[i].dropout;
        if (cases[i].rslora) l->scale = (float)((double)l->alpha / sqrt(l->rank));
        write_it(l);
        ken_lora *back = read_it();
        assert_same(l, back);
        ken_lora_free(back);
        ken_lora_free(l);
    }
    /* a module that not every layer has */
    ken_lora *l = random_lora(4, 8, ALL);
    l->pair[KEN_MOD_GATE] = (ken_lora_pair){0};
    write_it(l);
    ken_lora *back = read_it();
    assert_same(l, back);
    ken_lora_free(back);
    ken_lora_free(l);
    char path[128];
    ken_map map;
    path_of("adapter_config.json", path);
    assert_int_equal(ken_map_file(&map, path, NULL), KEN_OK);
    assert_non_null(memmem(map.data, map.size, "\"layers.1.mlp.gate_proj\"", 24));
    assert_null(memmem(map.data, map.size, "\"gate_proj\"", 11));
    assert_non_null(memmem(map.data, map.size, "\"base_model_name_or_path\": \"tiny-llama-tied\"", 44));
    ken_unmap(&map);
}

/* ---- folders with something wrong --------------------------------------------------------------------------------------- */

static void put(const char *name, const void *data, size_t n)
{
    char path[128];
    path_of(name, path);
    FILE *f = fopen(path, "wb"); /* not ken_write_file: syncing a thousand files takes seconds */
    if (f == NULL || fwrite(data, 1, n, f) != n || fclose(f) != 0) fail_msg("cannot write %s", path);
}

static void assert_refused(const char *what, const char *says)
{
    ken_lora *l;
    ken_err err = {0};
    const int rc = ken_lora_read(&l, folder, ken_model_config(model), &err);
    if (rc != KEN_EINPUT) fail_msg("%s: status %d (expected: %s)", what, rc, says);
    if (strstr(err.msg, says) == NULL) fail_msg("%s: \"%s\" does not say \"%s\"", what, err.msg, says);
    if (strstr(err.msg, folder) == NULL) fail_msg("%s: \"%s\" does not name the file", what, err.msg);
    assert_null(l);
}

static const char config[] =
    "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, \"target_modules\": [\"q_proj\"], \"x\": 0}";

static void configurations(void **state)
{
    (void)state;
    static const struct {
        const char *find, *with, *says; /* says NULL: still right */
    } changes[] = {
        {"\"x\"", "\"y\"", NULL},
        {"\"LORA\"", "\"IA3\"", "peft_type \"IA3\" is not supported"},
        {"\"peft_type\"", "\"type\"", "peft_type \"\" is not supported"},
        {"\"r\": 4", "\"r\": 0", "r is 0"},
        {"\"r\": 4", "\"r\": 4.5", "r is 4.5; a rank is a whole number"},
        {"\"r\": 4", "\"r\": \"4\"", "r is not a number"},
        {"\"r\": 4,", "", "r is not a number"},
        {"\"r\": 4", "\"r\": 1e9", "r is 1e+09"},
        {"\"r\": 4", "\"r\": 5", "lora_A.weight has shape [4, 32], but the rank and the model make it [5, 32]"},
        {"\"r\": 4", "\"r\": 40", "rank 40 does not fit the model"},
        {"\"lora_alpha\": 8", "\"lora_alpha\": 1e30", "lora_alpha is 1e+30"},
        {"\"lora_alpha\": 8", "\"lora_alpha\": null", "lora_alpha is not a number"},
        {"\"lora_alpha\": 8,", "", NULL},
        {"\"x\": 0", "\"lora_dropout\": 2", "lora_dropout is 2"},
        {"\"x\": 0", "\"use_rslora\": true", NULL},
        {"\"x\": 0", "\"use_dora\": true", "use_dora: weight-decomposed adapters (DoRA) are not supported"},
        {"\"x\": 0", "\"use_dora\": false, \"bias\": \"none\", \"modules_to_save\": null, \"rank_pattern\": {}", NULL},
        {"\"x\": 0", "\"bias\": \"all\"", "bias: trained biases"},
        {"\"x\": 0", "\"rank_pattern\": {\"q_proj\": 8}", "rank_pattern"},
        {"\"x\": 0", "\"alpha_pattern\": {\"q_proj\": 8}", "alpha_pattern"},
        {"\"x\": 0", "\"modules_to_save\": [\"lm_head\"]", "modules_to_save"},
        {"\"x\": 0", "\"fan_in_fan_out\": true", "fan_in_fan_out"},
        {"\"x\": 0", "\"trainable_token_indices\": [1]", "trainable_token_indices"},
        {"\"x\": 0", "\"layer_replication\": [[0, 1]]", "layer_replication"},
        {"\"x\": 0", "\"kasa_config\": {\"a\": 1}", "kasa_config"},
        {"\"x\": 0", "\"init_lora_weights\": \"gaussian\"", NULL},
        {"\"x\": 0", "\"init_lora_weights\": false", NULL},
        {"\"x\": 0", "\"init_lora_weights\": \"pissa_niter_4\"",
         "init_lora_weights \"pissa_niter_4\": adapters that change the base"},
        {"\"x\"", "\"r\"", "duplicate"},
        {"{", "[", "not valid JSON"},
        {config, "", "the file is empty"},
        {config, "[7]", "the root is not a JSON object"},
    };
    ken_lora *l = random_lora(4, 8, QV);
    write_it(l);
    ken_lora_free(l);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[400];
        const char *at = strstr(config, changes[i].find);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - config), config, changes[i].with,
                 at + strlen(changes[i].find));
        put("adapter_config.json", text, strlen(text));
        if (changes[i].says == NULL) ken_lora_free(read_it());
        else assert_refused(changes[i].with, changes[i].says);
    }
    char path[128];
    path_of("adapter_config.json", path);
    (void)unlink(path);
    assert_refused("no configuration", "an adapter is a folder with adapter_config.json");
    put("adapter_config.json", config, strlen(config));
    path_of("adapter_model.safetensors", path);
    (void)unlink(path);
    assert_refused("no weights", "No such file");
}

/* One tensor written under another name, shape, type or value. */
static void put_tensors(const char *name_a, const char *name_b, int64_t rows, int64_t cols, ken_dtype type, float value)
{
    static float data[64 * 64];
    ken_out_tensors s = {0};
    for (int i = 0; i < 64 * 64; i++) data[i] = 0.5F;
    data[3] = value;
    for (int k = 0; k < 2; k++) {
        const char *name = k == 0 ? name_a : name_b;
        if (name == NULL) continue;
        ken_out_tensor *t = ken_out_tensors_add(&s);
        assert_non_null(t);
        snprintf(t->name, sizeof t->name, "%s", name);
        t->type = type;
        t->rows = k == 0 ? rows : 32;
        t->cols = k == 0 ? cols : 4;
        t->data = data;
    }
    char path[128];
    ken_err err;
    path_of("adapter_model.safetensors", path);
    if (ken_write_safetensors(&s, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    ken_out_tensors_free(&s);
}

#define A "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"
#define B "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight"

static void tensors(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int rows, cols;
        const char *says;
    } cases[] = {
        {A, B, 4, 32, NULL},
        {A, NULL, 4, 32, "has no other half"},
        {NULL, B, 4, 32, "has no other half"},
        {NULL, NULL, 4, 32, "holds no tensors"},
        {A, B, 3, 32, "has shape [3, 32], but the rank and the model make it [4, 32]"},
        {A, B, 4, 48, "the adapter was made for another model"},
        {A, B, 32, 4, "has shape [32, 4]"},
        {A, B, 128, 0, "has shape [128]"},
        {"base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight", B, 4, 32, "the model has only 2 layers"},
        {"base_model.model.model.layers.9999.self_attn.q_proj.lora_A.weight", B, 4, 32, "only 2 layers"},
        {"base_model.model.model.layers.-1.self_attn.q_proj.lora_A.weight", B, 4, 32, "is no lora_A or lora_B"},
        {"base_model.model.model.layers. 1.self_attn.q_proj.lora_A.weight", B, 4, 32, "is no lora_A or lora_B"},
        {"base_model.model.model.layers.99999999999.self_attn.q_proj.lora_A.weight", B, 4, 32,
         "is no lora_A or lora_B"},
        {"base_model.model.model.layers.01.self_attn.q_proj.lora_B.weight", B, 4, 32, "are the same matrix"},
        {"base_model.model.model.layers.1.self_attn.q_proj.lora_A.default.weight", B, 4, 32, "is no lora_A or lora_B"},
        {"base_model.model.model.layers.1.self_attn.q_proj.lora_magnitude_vector", B, 4, 32, "is no lora_A or lora_B"},
        {"base_model.model.model.layers.1.self_attn.qkv_proj.lora_A.weight", B, 4, 32, "is no lora_A or lora_B"},
        {"base_model.model.lm_head.lora_A.weight", B, 4, 32, "is no lora_A or lora_B"},
        {"base_model.model.model.embed_tokens.lora_embedding_A", B, 4, 32, "is no lora_A or lora_B"},
        {"model.layers.1.self_attn.q_proj.lora_A.weight", B, 4, 32, "is no lora_A or lora_B"},
    };
    put("adapter_config.json", config, strlen(config));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_tensors(cases[i].a, cases[i].b, cases[i].rows, cases[i].cols, KEN_F32, 0.25F);
        if (cases[i].says == NULL) ken_lora_free(read_it());
        else assert_refused(cases[i].a, cases[i].says);
    }
    const ken_dtype types[] = {KEN_F32, KEN_F16, KEN_BF16};
    for (int i = 0; i < 3; i++) {
        put_tensors(A, B, 4, 32, types[i], -1.5F);
        ken_lora *l = read_it();
        assert_true(l->pair[KEN_N_MODULES].a[3] == -1.5F && l->pair[KEN_N_MODULES].b[4] == 0.5F);
        assert_null(l->pair[0].a);
        ken_lora_free(l);
    }
    put_tensors(A, B, 4, 32, KEN_F32, 0.25F); /* a NaN: the writer refuses to make one */
    char path[128];
    ken_map map;
    path_of("adapter_model.safetensors", path);
    assert_int_equal(ken_map_file(&map, path, NULL), KEN_OK);
    unsigned char *copy = malloc(map.size);
    memcpy(copy, map.data, map.size);
    const size_t n = map.size;
    ken_unmap(&map);
    memset(copy + n - 4, 0xff, 4);
    put("adapter_model.safetensors", copy, n);
    assert_refused("NaN", "holds a NaN or infinite weight");
    free(copy);
}

/* Cut anywhere, or with any byte of the header (and some of the values) changed: refused or read, never worse. */
static void damaged(void **state)
{
    (void)state;
    char path[128];
    ken_map map;
    put("adapter_config.json", config, strlen(config));
    put_tensors(A, B, 4, 32, KEN_F32, 0.25F);
    path_of("adapter_model.safetensors", path);
    assert_int_equal(ken_map_file(&map, path, NULL), KEN_OK);
    const size_t n = map.size;
    unsigned char *right = malloc(n);
    memcpy(right, map.data, n);
    ken_unmap(&map);
    for (size_t k = 0; k < n; k++) {
        put("adapter_model.safetensors", right, k);
        assert_refused("cut", "");
    }
    static const unsigned char flips[] = {0x01, 0x80, 0xff};
    for (size_t k = 0; k < n * 3; k++) {
        right[k / 3] ^= flips[k % 3];
        put("adapter_model.safetensors", right, n);
        right[k / 3] ^= flips[k % 3];
        ken_lora *l;
        ken_err err;
        const int rc = ken_lora_read(&l, folder, ken_model_config(model), &err);
        if (rc != KEN_OK && rc != KEN_EINPUT) fail_msg("byte %zu changed: status %d (%s)", k / 3, rc, err.msg);
        ken_lora_free(l);
    }
    put("adapter_model.safetensors", right, n);
    free(right);
    for (size_t k = 0; k < strlen(config); k++) {
        put("adapter_config.json", config, k);
        assert_refused("cut", "");
    }
}

/* ---- on a model ------------------------------------------------------------------------------------------------------------ */

static void attached(void **state)
{
    (void)state;
    ken_err err;
    ken_model *m;
    const char *hex;
    char before[65], with[65];
    ken_lora *l = random_lora(4, 8, QV);
    write_it(l);
    if (ken_model_open(&m, MODEL, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_model_hash(m, &hex, &err), KEN_OK);
    memcpy(before, hex, 65);
    assert_null(ken_model_adapter(m, 0));
    assert_null(ken_model_get_info(m)->adapter);
    assert_int_equal(ken_model_attach(m, "/nonexistent", &err), KEN_EINPUT);
    assert_null(ken_model_adapter(m, 0)); /* as it was */
    assert_int_equal(ken_model_hash(m, &hex, &err), KEN_OK);
    assert_string_equal(hex, before);
    if (ken_model_attach(m, folder, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_same(ken_model_adapter(m, 0), l);
    assert_string_equal(ken_model_get_info(m)->adapter, folder);
    assert_int_equal(ken_model_get_info(m)->adapter_rank, 4);
    assert_int_equal(strlen(ken_model_get_info(m)->adapter_hash), 64);
    assert_null(ken_model_get_info(m)->hash);
    assert_int_equal(ken_model_hash(m, &hex, &err), KEN_OK);
    memcpy(with, hex, 65);
    assert_string_not_equal(with, before);
    /* More of them: each has its place, the hash covers all, and there is a most. */
    char two[8200];
    assert_null(ken_model_adapter(m, 1));
    for (int i = 1; i < KEN_MODEL_ADAPTERS; i++) {
        if (ken_model_attach(m, folder, &err) != KEN_OK) fail_msg("%s", err.msg);
        assert_same(ken_model_adapter(m, i), l);
        assert_int_equal(ken_model_get_info(m)->adapter_rank, 4 * (i + 1));
        assert_int_equal(ken_model_hash(m, &hex, &err), KEN_OK);
        assert_string_not_equal(hex, with);
        memcpy(with, hex, 65);
        snprintf(two, sizeof two, "%s\n%s", folder, folder);
        if (i == 1) assert_string_equal(ken_model_get_info(m)->adapter, two);
    }
    assert_int_equal(ken_model_attach(m, "/nonexistent", &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "has 4 adapters"));
    ken_model_free(m);
    /* another value, another hash */
    l->data[0] += 1;
    write_it(l);
    assert_int_equal(ken_model_open(&m, MODEL "/model.gguf", &err), KEN_OK);
    if (ken_model_attach(m, folder, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_model_hash(m, &hex, &err), KEN_OK);
    assert_string_not_equal(hex, with);
    ken_model_free(m);
    /* a model of other shape */
    assert_int_equal(ken_model_open(&m, KEN_FIXTURES "/model/tiny-qwen3", &err), KEN_OK);
    assert_int_equal(ken_model_attach(m, folder, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "the adapter was made for another model"));
    ken_model_free(m);
    ken_lora_free(l);
}

static void *json_malloc(size_t n) { return ken_alloc(n, 1); }

static void allocations_fail(void **state)
{
    (void)state;
    ken_lora *l = random_lora(4, 8, QV);
    write_it(l);
    ken_lora_free(l);
    for (int jansson_too = 0; jansson_too < 2; jansson_too++) {
        if (jansson_too) json_set_alloc_funcs(json_malloc, ken_free);
        for (long k = 1;; k++) {
            ken_err err = {0};
            ken_alloc_fail_after(k);
            const int rc = ken_model_attach(model, folder, &err);
            ken_alloc_fail_after(0);
            if (rc == KEN_OK) break;
            if (err.status != rc || (rc != KEN_ENOMEM && !(jansson_too && strstr(err.msg, "not valid JSON") != NULL)))
                fail_msg("allocation %ld failed and the status is %d (%s)", k, rc, err.msg);
            assert_null(ken_model_adapter(model, 0));
            assert_true(k < 10000);
        }
        json_set_alloc_funcs(malloc, free);
        ken_model_free(model);
        assert_int_equal(ken_model_open(&model, MODEL, NULL), KEN_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),         cmocka_unit_test(how_it_starts),  cmocka_unit_test(what_it_adds),
        cmocka_unit_test(there_and_back), cmocka_unit_test(configurations), cmocka_unit_test(tensors),
        cmocka_unit_test(damaged),        cmocka_unit_test(attached),       cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests_name("lora", tests, start, end);
}
