/* test_model.c - whole models: the tiny ones of every family in both formats (fixtures by tests/oracles/model_tiny.py), the default
 * model, wrong paths, and every allocation failing in turn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "model/model.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TINY KEN_FIXTURES "/model/tiny-"

/* What the scripts put into each model. */
static const struct expected {
    const char *name, *arch, *tokenizer, *rope, *type;
    int n_layer, n_head, n_kv, d_head, n_vocab, window, n_tensors, bos, eos;
    bool tied, qkv_bias, o_bias, mlp_bias, qk_norm, add_bos, chat_in_folder;
    double theta;
} tiny[] = {
    {"llama-tied", "llama", "SentencePiece BPE", "none", "F32", 2, 4, 2, 8, 424, 0, 20, 1, 2, .tied = true,
     .add_bos = true, .theta = 1e4},
    {"llama-bias", "llama", "byte-level BPE (smollm)", "none", "F32", 2, 4, 4, 8, 296, 0, 35, 289, 290,
     .qkv_bias = true, .o_bias = true, .mlp_bias = true, .theta = 1e4},
    {"llama3", "llama", "byte-level BPE (llama-bpe)", "llama3", "F32", 2, 4, 2, 8, 296, 0, 21, 289, 290,
     .add_bos = true, .theta = 500},
    {"llama-linear", "llama", "byte-level BPE (gpt2)", "linear", "F32", 2, 4, 1, 8, 296, 0, 20, 289, 290, .tied = true,
     .theta = 1e4},
    {"mistral", "llama", "byte-level BPE (gpt2)", "none", "F32", 3, 4, 2, 8, 296, 8, 30, 289, 290, .theta = 1e4},
    {"qwen2", "qwen2", "byte-level BPE (qwen2)", "none", "F32", 2, 4, 2, 8, 296, 0, 26, 289, 290, .tied = true,
     .qkv_bias = true, .chat_in_folder = true, .theta = 1e4},
    {"qwen3", "qwen3", "byte-level BPE (qwen2)", "none", "BF16", 2, 4, 2, 16, 296, 0, 25, 289, 290, .qk_norm = true,
     .theta = 1e4},
};
enum { N_TINY = sizeof tiny / sizeof *tiny };

static ken_model *open_or_fail(const char *path)
{
    ken_model *m;
    ken_err err;
    if (ken_model_open(&m, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    return m;
}

static ken_model *open_tiny(int i, bool gguf)
{
    char path[512];
    snprintf(path, sizeof path, TINY "%s%s", tiny[i].name, gguf ? "/model.gguf" : "");
    return open_or_fail(path);
}

static void info_and_config(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * N_TINY; i++) {
        const struct expected *x = &tiny[i / 2];
        bool gguf = i % 2 == 1, divisors = gguf && strcmp(x->name, "llama3") == 0;
        ken_model *m = open_tiny(i / 2, gguf);
        const ken_model_info *info = ken_model_get_info(m);
        const ken_config *c = ken_model_config(m);
        assert_string_equal(info->format, gguf ? "GGUF v3" : "safetensors");
        assert_string_equal(info->architecture, x->arch);
        assert_string_equal(info->tokenizer, x->tokenizer);
        assert_string_equal(info->rope_scaling, x->rope);
        assert_string_equal(info->weight_type, x->type);
        assert_int_equal(info->n_layer, x->n_layer);
        assert_int_equal(info->n_embd, 32);
        assert_int_equal(info->n_head, x->n_head);
        assert_int_equal(info->n_kv_head, x->n_kv);
        assert_int_equal(info->d_head, x->d_head);
        assert_int_equal(info->n_ff, 48);
        assert_int_equal(info->n_vocab, x->n_vocab);
        assert_int_equal(info->n_ctx, 128);
        assert_int_equal(info->sliding_window, x->window);
        assert_int_equal(info->n_tensors, x->n_tensors + divisors);
        assert_int_equal(info->bos, x->bos);
        assert_int_equal(info->eos, x->eos);
        assert_int_equal(info->tied_head, x->tied);
        assert_int_equal(info->add_bos, x->add_bos);
        assert_false(info->add_eos);
        assert_int_equal(info->has_chat_template, x->chat_in_folder && !gguf);
        assert_int_equal(ken_model_chat_template(m) != NULL, info->has_chat_template);
        assert_true(fabs(info->norm_eps - 1e-5) < 1e-9);
        assert_true(info->rope_theta == x->theta);
        assert_int_equal(c->qkv_bias, x->qkv_bias);
        assert_int_equal(c->o_bias, x->o_bias);
        assert_int_equal(c->mlp_bias, x->mlp_bias);
        assert_int_equal(c->qk_norm, x->qk_norm);
        assert_int_equal(c->qk_interleaved, gguf && strcmp(x->arch, "llama") == 0);
        assert_int_equal(c->d_rope, x->d_head);
        assert_int_equal(c->rope_freqs != NULL, divisors);
        assert_int_equal(c->rope_scaling == KEN_ROPE_LLAMA3, !gguf && strcmp(x->rope, "llama3") == 0);
        assert_null(info->hash);
        assert_int_equal(info->n_warnings, 0);
        assert_null(ken_model_warning(m, -1));
        assert_true(ken_tokenizer_is_end(ken_model_tokenizer(m), x->eos));
        assert_int_equal(ken_model_weights(m)->output == ken_model_weights(m)->tok_embd, x->tied);
        ken_model_free(m);
    }
}

/* ---- the same weights in both formats --------------------------------------------------------------------------------- */

static float *values(const ken_tensor *t)
{
    int64_t n = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    float *y = malloc((size_t)n * sizeof *y);
    assert_non_null(y);
    ken_dequantize(t->type, t->data, y, n);
    return y;
}

/* Row r of a matrix in halves order stands at this row in GGUF llama order: pairs (i, i + d/2) side by side. */
static int64_t interleaved_row(int64_t r, int64_t d)
{
    int64_t head = r / d, at = r % d;
    return head * d + (at < d / 2 ? 2 * at : 2 * (at - d / 2) + 1);
}

static void assert_tensor_equal(const ken_tensor *a, const ken_tensor *g, int64_t d_head)
{
    assert_int_equal(a == NULL, g == NULL);
    if (a == NULL) return;
    float *x = values(a), *y = values(g);
    int64_t cols = a->n_dims == 1 ? 1 : a->ne[0], rows = a->n_dims == 1 ? a->ne[0] : a->ne[1];
    for (int64_t r = 0; r < rows; r++) {
        int64_t to = d_head > 0 ? interleaved_row(r, d_head) : r;
        if (memcmp(x + r * cols, y + to * cols, (size_t)cols * sizeof *x) != 0)
            fail_msg("%s and %s differ in row %d", a->name, g->name, (int)r);
    }
    free(x);
    free(y);
}

static void both_formats_hold_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < N_TINY; i++) {
        ken_model *a = open_tiny(i, false), *g = open_tiny(i, true);
        const ken_weights *wa = ken_model_weights(a), *wg = ken_model_weights(g);
        int64_t d = ken_model_config(g)->qk_interleaved ? ken_model_config(g)->d_head : 0;
        assert_tensor_equal(wa->tok_embd, wg->tok_embd, 0);
        assert_tensor_equal(wa->output_norm, wg->output_norm, 0);
        assert_tensor_equal(wa->output, wg->output, 0);
        for (int l = 0; l < tiny[i].n_layer; l++) {
            const ken_layer *x = &wa->layers[l], *y = &wg->layers[l];
            assert_tensor_equal(x->wq, y->wq, d);
            assert_tensor_equal(x->wk, y->wk, d);
            assert_tensor_equal(x->bq, y->bq, d);
            assert_tensor_equal(x->bk, y->bk, d);
            const ken_tensor *const rest[][2] = {{x->attn_norm, y->attn_norm},
                                                 {x->wv, y->wv},
                                                 {x->wo, y->wo},
                                                 {x->bv, y->bv},
                                                 {x->bo, y->bo},
                                                 {x->q_norm, y->q_norm},
                                                 {x->k_norm, y->k_norm},
                                                 {x->ffn_norm, y->ffn_norm},
                                                 {x->w_gate, y->w_gate},
                                                 {x->w_up, y->w_up},
                                                 {x->w_down, y->w_down},
                                                 {x->b_gate, y->b_gate},
                                                 {x->b_up, y->b_up},
                                                 {x->b_down, y->b_down}};
            for (size_t k = 0; k < sizeof rest / sizeof *rest; k++) assert_tensor_equal(rest[k][0], rest[k][1], 0);
        }
        ken_model_free(a);
        ken_model_free(g);
    }
}

/* ---- tokens ------------------------------------------------------------------------------------------------------------ */

static void assert_ids(const ken_model *m, const char *where, const char *text, size_t n, bool special,
                       const json_t *want)
{
    int32_t *ids;
    size_t n_ids;
    ken_err err;
    if (ken_tokenize(m, text, n, special, true, &ids, &n_ids, &err) != KEN_OK) fail_msg("%s", err.msg);
    bool same = n_ids == json_array_size(want);
    for (size_t i = 0; same && i < n_ids; i++) same = ids[i] == (int32_t)json_integer_value(json_array_get(want, i));
    ken_buffer_free(ids);
    if (!same) fail_msg("%s: other ids for \"%s\"", where, text);
}

static void token_ids(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * N_TINY; i++) {
        char path[512];
        snprintf(path, sizeof path, TINY "%s/tokens.json", tiny[i / 2].name);
        json_t *list = json_load_file(path, 0, NULL);
        assert_non_null(list);
        assert_true(json_array_size(list) >= 16);
        ken_model *m = open_tiny(i / 2, i % 2 == 1);
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *row = json_array_get(list, k), *text = json_object_get(row, "text");
            assert_ids(m, path, json_string_value(text), json_string_length(text), false, json_object_get(row, "ids"));
            assert_ids(m, path, json_string_value(text), json_string_length(text), true,
                       json_object_get(row, "with_special"));
        }
        int n, bad;
        const char *first_bad;
        ken_err err;
        assert_int_equal(ken_tokenizer_selftest(m, &n, &bad, &first_bad, &err), KEN_OK);
        assert_true(n > 50);
        if (bad > 0) fail_msg("%s: %d of %d strings do not come back, first \"%s\"", path, bad, n, first_bad);
        json_decref(list);
        ken_model_free(m);
    }
}

static void both_formats_have_one_tokenizer(void **state)
{
    (void)state;
    for (int i = 0; i < N_TINY; i++) {
        ken_model *a = open_tiny(i, false), *g = open_tiny(i, true);
        int32_t n = ken_tokenizer_n_vocab(ken_model_tokenizer(a));
        assert_int_equal(n + 4,
                         tiny[i].n_vocab); /* the folder knows no padding tokens, the GGUF file spells them out */
        assert_int_equal(n + 4, ken_tokenizer_n_vocab(ken_model_tokenizer(g)));
        for (int32_t id = 0; id < n; id++) {
            size_t na, ng;
            const char *ba = ken_token_bytes(a, id, &na), *bg = ken_token_bytes(g, id, &ng);
            assert_non_null(ba);
            assert_int_equal(na, ng);
            assert_memory_equal(ba, bg, na);
            assert_string_equal(ken_token_name(a, id), ken_token_name(g, id));
        }
        size_t n_bytes = 1;
        assert_string_equal(ken_token_bytes(a, tiny[i].eos, &n_bytes), "");
        assert_int_equal(n_bytes, 0);
        assert_null(ken_token_bytes(a, -1, &n_bytes));
        assert_null(ken_token_bytes(g, n + 4, &n_bytes));
        assert_null(ken_token_name(a, -1));
        assert_null(ken_token_name(g, n + 4));
        ken_model_free(a);
        ken_model_free(g);
    }
}

/* ---- tensors, hash, warnings ------------------------------------------------------------------------------------------ */

static void tensors_in_file_order(void **state)
{
    (void)state;
    ken_model *m = open_tiny(0, true);
    ken_tensor_info t;
    assert_int_equal(ken_model_tensor(m, 0, &t), KEN_OK);
    assert_string_equal(t.name, "token_embd.weight");
    assert_string_equal(t.type, "F32");
    assert_int_equal(t.n_dims, 2);
    assert_int_equal(t.shape[0], 424); /* slowest first */
    assert_int_equal(t.shape[1], 32);
    assert_int_equal(t.bytes, 424 * 32 * 4);
    assert_int_equal(ken_model_tensor(m, -1, &t), KEN_EUSAGE);
    assert_int_equal(ken_model_tensor(m, ken_model_get_info(m)->n_tensors, &t), KEN_EUSAGE);
    ken_model_free(m);
}

static void hash_is_that_of_the_file(void **state)
{
    (void)state;
    const char *default_model = getenv("KEN_MODEL");
    char path[512];
    if (default_model == NULL)
        snprintf(path, sizeof path, "%s/.cache/ken/SmolLM2-135M-Instruct.Q4_1.gguf", getenv("HOME"));
    else snprintf(path, sizeof path, "%s", default_model);
    if (access(path, R_OK) != 0) fail_msg("the default model is not at %s; get it with: make model", path);
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size != 98362432) {
        print_message("KEN_MODEL is not the default model: skipped\n");
        skip();
    }
    ken_model *m = open_or_fail(path);
    const char *hex;
    assert_int_equal(ken_model_hash(m, &hex, NULL), KEN_OK);
    assert_string_equal(hex, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
    assert_ptr_equal(ken_model_get_info(m)->hash, hex);
    const ken_model_info *info = ken_model_get_info(m);
    assert_string_equal(info->weight_type, "Q4_1");
    assert_string_equal(info->tokenizer, "byte-level BPE (smollm)");
    assert_int_equal(info->n_params, 134515008);
    assert_int_equal(info->n_warnings, 0);
    assert_null(ken_model_warning(m, 0));
    assert_true(info->has_chat_template);
    assert_true(ken_tokenizer_is_end(ken_model_tokenizer(m), 0)); /* <|endoftext|> besides <|im_end|> */
    assert_true(ken_tokenizer_is_end(ken_model_tokenizer(m), 2));
    ken_model_free(m);
}

static void folders_hash_all_their_files(void **state)
{
    (void)state;
    char first[65] = "";
    for (int again = 0; again < 2; again++) {
        ken_model *m = open_tiny(2, false);
        const char *hex;
        assert_int_equal(ken_model_hash(m, &hex, NULL), KEN_OK);
        assert_int_equal(strlen(hex), 64);
        if (again == 0) memcpy(first, hex, 65);
        assert_string_equal(hex, first);
        ken_model_free(m);
    }
    ken_model *other = open_tiny(3, false);
    const char *hex;
    assert_int_equal(ken_model_hash(other, &hex, NULL), KEN_OK);
    assert_string_not_equal(hex, first);
    ken_model_free(other);
}

/* ---- wrong paths, no memory ------------------------------------------------------------------------------------------- */

static void wrong_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *says;
    } cases[] = {
        {"/nonexistent/model.gguf", "/nonexistent/model.gguf: No such file"},
        {"/dev/null", "not a regular file"},
        {KEN_FIXTURES "/model", "config.json is missing"},
        {KEN_FIXTURES "/model/README.md", "not a GGUF file"},
        {TINY "qwen2/model.safetensors", "not a GGUF file"},
        {TINY "qwen2/config.json", "not a GGUF file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_model *m = (ken_model *)&cases;
        ken_err err = {0};
        assert_int_equal(ken_model_open(&m, cases[i].path, &err), KEN_EINPUT);
        assert_null(m);
        assert_int_equal(err.status, KEN_EINPUT);
        if (strstr(err.msg, cases[i].says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].path, err.msg, cases[i].says);
        assert_int_equal(ken_model_open(&m, cases[i].path, NULL), KEN_EINPUT);
    }
    ken_model_free(NULL);
}

static void *json_malloc(size_t n) { return ken_alloc(n, 1); }

/* With jansson's allocations among those that fail, the answer is an error too, but jansson may call it a mistake in the JSON. */
static void no_memory(const char *path, bool jansson_too)
{
    if (jansson_too) json_set_alloc_funcs(json_malloc, ken_free);
    long before = ken_alloc_count();
    ken_model_free(open_or_fail(path));
    long n = ken_alloc_count() - before, step = n > 400 ? n / 400 : 1; /* of thousands for a vocabulary, some hundred */
    for (long k = 1; k <= n; k += step) {
        ken_model *m;
        ken_err err = {0};
        ken_alloc_fail_after(k);
        int rc = ken_model_open(&m, path, &err);
        ken_alloc_fail_after(0);
        if (rc == KEN_OK || err.status != rc ||
            (rc != KEN_ENOMEM && !(jansson_too && strstr(err.msg, "not valid JSON") != NULL)))
            fail_msg("%s: allocation %ld of %ld failed and the status is %d (%s)", path, k, n, rc, err.msg);
        assert_null(m);
    }
    json_set_alloc_funcs(malloc, free);
}

static void allocations_fail(void **state)
{
    (void)state;
    no_memory(TINY "llama3", false);
    no_memory(TINY "llama3", true);
    no_memory(TINY "llama3/model.gguf", false);
    no_memory(TINY "llama-tied", false);
    no_memory(TINY "qwen2", true);
    no_memory(TINY "qwen3/model.gguf", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(info_and_config),
                                       cmocka_unit_test(both_formats_hold_the_same),
                                       cmocka_unit_test(token_ids),
                                       cmocka_unit_test(both_formats_have_one_tokenizer),
                                       cmocka_unit_test(tensors_in_file_order),
                                       cmocka_unit_test(hash_is_that_of_the_file),
                                       cmocka_unit_test(folders_hash_all_their_files),
                                       cmocka_unit_test(wrong_paths),
                                       cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
