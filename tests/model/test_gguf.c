/* test_gguf.c - GGUF files that are right, and files with false values: every length, every byte, and each field that could mislead. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "gguf_image.h"
#include "model/loaded.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Opens a copy of exactly n bytes, so that a sanitizer sees every read outside. */
static int open_bytes(const void *data, size_t n, ken_model **m, ken_err *err)
{
    void *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, data, n);
    *m = NULL;
    int rc = ken_model_open_memory(m, copy, n, err);
    assert_true(rc == KEN_OK ? *m != NULL : *m == NULL);
    if (rc == KEN_OK) { /* use what was opened: every tensor is readable to its last byte */
        ken_tensor_info t;
        for (int i = 0; ken_model_tensor(*m, i, &t) == KEN_OK; i++) assert_true(t.bytes > 0);
        const ken_weights *w = ken_model_weights(*m);
        float *y = malloc((size_t)(w->tok_embd->ne[0] * w->tok_embd->ne[1]) * sizeof *y);
        assert_non_null(y);
        ken_dequantize(w->tok_embd->type, w->tok_embd->data, y, w->tok_embd->ne[0] * w->tok_embd->ne[1]);
        free(y);
        ken_model_free(*m);
    }
    free(copy);
    return rc;
}

static int open_image(const gguf_image *x, ken_err *err)
{
    ken_buf b = {0};
    ken_model *m;
    gguf_image_write(&b, x);
    int rc = open_bytes(b.data, b.len, &m, err);
    ken_buf_free(&b);
    return rc;
}

/* ---- right ones ------------------------------------------------------------------------------------------------------- */

static void right_images_open(void **state)
{
    (void)state;
    static const gguf_image right[] = {
        {0},
        {.version = 2},
        {.alignment = 64},
        {.alignment = 8},
        {.alignment = 4096},
        {.spm = true},
        {.qwen3 = true},
        {.drop_key = "tokenizer.ggml.token_type"},
        {.drop_key = "test.nested"},
        {.drop_key = "tokenizer.ggml.bos_token_id"},
        {.set_key = "llama.block_count", .set_type = SET_I64, .set_number = 1},
        {.set_key = "llama.rope.freq_base", .set_type = SET_F32, .set_number = 5e5},
        {.set_key = "llama.rope.scaling.type", .set_type = SET_STRING, .set_string = "none"},
        {.set_key = "llama.attention.sliding_window", .set_number = 16},
        {.set_key = "llama.vocab_size", .set_number = 8},
        {.extra_tensor = "blk.0.attn_rot_embd"},
        {.extra_tensor = "blk.7.ffn_norm.weight"}, /* layers behind the last one: a warning */
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        ken_err err;
        if (open_image(&right[i], &err) != KEN_OK) fail_msg("image %zu: %s", i, err.msg);
    }
}

static void what_the_image_says(void **state)
{
    (void)state;
    ken_buf b = {0};
    ken_model *m;
    gguf_image_write(&b, &(gguf_image){.version = 2, .extra_tensor = "vision.weight"});
    assert_int_equal(ken_model_open_memory(&m, b.data, b.len, NULL), KEN_OK);
    const ken_model_info *info = ken_model_get_info(m);
    assert_string_equal(info->format, "GGUF v2");
    assert_int_equal(info->n_vocab, 8);
    assert_int_equal(info->bos, 6);
    assert_int_equal(info->eos, 7);
    assert_int_equal(info->n_warnings, 1);
    assert_non_null(strstr(ken_model_warning(m, 0), "vision.weight"));
    assert_true(info->rope_theta == 10000.0);
    ken_model_free(m);
    ken_buf_clear(&b);
    gguf_image_write(&b, &(gguf_image){.drop_key = "tokenizer.ggml.pre"});
    assert_int_equal(ken_model_open_memory(&m, b.data, b.len, NULL), KEN_OK);
    assert_int_equal(ken_model_get_info(m)->n_warnings, 1);
    assert_non_null(strstr(ken_model_warning(m, 0), "pre-tokenizer"));
    ken_model_free(m);
    ken_buf_clear(&b);
    gguf_image_write(&b, &(gguf_image){.set_key = "llama.rope.scaling.factor", .set_type = SET_F32, .set_number = 4});
    assert_int_equal(ken_model_open_memory(&m, b.data, b.len, NULL), KEN_OK);
    assert_string_equal(ken_model_get_info(m)->rope_scaling, "linear");
    assert_true(ken_model_config(m)->rope_factor == 4.0);
    ken_model_free(m);
    ken_buf_free(&b);
}

static void numbers_of_every_type(void **state)
{
    (void)state;
    static const struct {
        ken_gguf_type type;
        unsigned char bytes[8];
        double want;
    } cases[] = {{KEN_GGUF_U8, {200}, 200},
                 {KEN_GGUF_I8, {200}, -56},
                 {KEN_GGUF_U16, {1, 255}, 65281},
                 {KEN_GGUF_I16, {1, 255}, -255},
                 {KEN_GGUF_U32, {1, 0, 0, 255}, 4278190081.0},
                 {KEN_GGUF_I32, {1, 0, 0, 255}, -16777215},
                 {KEN_GGUF_F32, {0, 0, 192, 63}, 1.5},
                 {KEN_GGUF_U64, {0, 0, 0, 0, 1}, 4294967296.0},
                 {KEN_GGUF_I64, {255, 255, 255, 255, 255, 255, 255, 255}, -1},
                 {KEN_GGUF_F64, {0, 0, 0, 0, 0, 0, 248, 63}, 1.5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char odd[9];
        memcpy(odd + 1, cases[i].bytes, 8); /* unaligned */
        ken_gguf_kv kv = {.type = cases[i].type, .n = 1, .p = odd + 1, .end = odd + 9};
        assert_true(ken_gguf_value(&kv).number == cases[i].want);
        kv.is_array = true;
        assert_true(ken_gguf_number_at(&kv, 0) == cases[i].want);
        assert_true(ken_gguf_number_at(&kv, 1) == 0);
        assert_int_equal(ken_gguf_value(&kv).kind, KEN_V_OTHER);
    }
    assert_int_equal(ken_gguf_value(NULL).kind, KEN_V_NONE);
    assert_true(ken_gguf_number_at(NULL, 0) == 0);
}

/* ---- files that lie --------------------------------------------------------------------------------------------------- */

#define ARRAY_HEAD(type, count) 9, 0, 0, 0, type, 0, 0, 0, count
static const unsigned char huge_strings[] = {ARRAY_HEAD(8, 255), 255, 255, 255, 255, 255, 255, 127};
static const unsigned char huge_numbers[] = {ARRAY_HEAD(5, 0), 0, 0, 0, 0, 0, 0, 0x40};
static const unsigned char empty_list[] = {ARRAY_HEAD(8, 0), 0, 0, 0, 0, 0, 0, 0};
static const unsigned char bad_value_type[] = {77, 0, 0, 0, 1, 2, 3, 4};
static const unsigned char long_string[] = {8, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 'x'};
#define LIST_OF_ONE_LIST 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0
static const unsigned char too_deep[] = {9,
                                         0,
                                         0,
                                         0,
                                         LIST_OF_ONE_LIST,
                                         LIST_OF_ONE_LIST,
                                         LIST_OF_ONE_LIST,
                                         LIST_OF_ONE_LIST,
                                         LIST_OF_ONE_LIST,
                                         LIST_OF_ONE_LIST};
static const unsigned char one_merge_bad[] = {
    ARRAY_HEAD(8, 1), 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'};
static const unsigned char nine_types[] = {ARRAY_HEAD(0, 9), 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const unsigned char two_tokens[] = {
    ARRAY_HEAD(8, 2), 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 'a', 1, 0, 0, 0, 0, 0, 0, 0, 'b'};
#define RAW(bytes) .set_type = SET_RAW, .raw = bytes, .n_raw = sizeof bytes
#define BIG        ((uint64_t)1 << 62)

static const struct lie {
    gguf_image x;
    const char *says;
} lies[] = {
    /* header */
    {{.magic = 0x46474747}, "not a GGUF file"},
    {{.version = 1}, "version 1 is not supported"},
    {{.version = 4}, "version 4 is not supported"},
    {{.version = 3u << 24}, "big-endian"},
    {{.n_kv_claim = UINT64_MAX}, "more than the file can hold"},
    {{.n_kv_claim = 100}, "metadata"},
    {{.n_tensors_claim = UINT64_MAX}, "more than the file can hold"},
    {{.n_tensors_claim = 13}, "" /* data read as an entry: whatever it says, it is an error */},
    /* metadata */
    {{.set_key = "test.nested", RAW(huge_strings)}, "metadata test.nested: the file ends"},
    {{.set_key = "test.nested", RAW(huge_numbers)}, "metadata test.nested: the file ends"},
    {{.set_key = "test.nested", RAW(bad_value_type)}, "unknown value type 77"},
    {{.set_key = "test.nested", RAW(long_string)}, "the file ends"},
    {{.set_key = "test.nested", RAW(too_deep)}, "nested deeper"},
    {{.twice_key = "llama.block_count"}, "llama.block_count occurs twice"},
    {{.set_key = "general.alignment", .set_number = 48}, "power of two"},
    {{.set_key = "general.alignment", .set_number = 0}, "power of two"},
    {{.set_key = "general.alignment", .set_type = SET_STRING, .set_string = "x"}, "power of two"},
    /* configuration */
    {{.drop_key = "general.architecture"}, "general.architecture is missing"},
    {{.set_key = "general.architecture", .set_type = SET_STRING, .set_string = "gemma3"},
     "\"gemma3\" is not supported; known: llama, qwen2, qwen3"},
    {{.drop_key = "llama.block_count"}, "llama.block_count is missing"},
    {{.set_key = "llama.block_count", .set_number = 0}, "llama.block_count is 0; expected"},
    {{.set_key = "llama.block_count", .set_number = 4e9}, "llama.block_count is 4000000000"},
    {{.set_key = "llama.block_count", .set_type = SET_F32, .set_number = NAN}, "llama.block_count is"},
    {{.set_key = "llama.block_count", .set_type = SET_F32, .set_number = 1.5}, "expected a whole number"},
    {{.set_key = "llama.block_count", .set_type = SET_STRING, .set_string = "1"}, "is not a number"},
    {{.set_key = "llama.block_count", .set_type = SET_BOOL, .set_number = 1}, "is not a number"},
    {{.set_key = "llama.block_count", .set_number = 2}, "blk.1.attn_norm.weight is missing"},
    {{.set_key = "llama.embedding_length", .set_type = SET_I64, .set_number = -8}, "llama.embedding_length is -8"},
    {{.set_key = "llama.embedding_length", .set_number = 16},
     "has shape [8, 8], but the configuration makes it [8, 16]"},
    {{.set_key = "llama.embedding_length", .set_number = 9}, "do not divide into 2 heads"},
    {{.set_key = "llama.attention.head_count", .set_number = 3}, "do not divide"},
    {{.set_key = "llama.attention.head_count", .set_number = 8}, "even number"},
    {{.set_key = "llama.attention.head_count_kv", .set_number = 3}, "cannot share 3 key-value heads"},
    {{.set_key = "llama.attention.head_count_kv", .set_number = 2},
     "blk.0.attn_k.weight has shape [4, 8], but the configuration makes it [8, 8]"},
    {{.set_key = "llama.rope.dimension_count", .set_number = 6}, "6 rotated dimensions of a head of 4"},
    {{.set_key = "llama.rope.dimension_count", .set_number = 3}, "3 rotated dimensions"},
    {{.set_key = "llama.attention.value_length", .set_number = 8}, "only equal sizes"},
    {{.set_key = "llama.rope.freq_base", .set_type = SET_F32, .set_number = INFINITY}, "llama.rope.freq_base"},
    {{.set_key = "llama.attention.layer_norm_rms_epsilon", .set_type = SET_F32, .set_number = -1}, "rms_epsilon is -1"},
    {{.set_key = "llama.rope.scaling.type", .set_type = SET_STRING, .set_string = "yarn"}, "\"yarn\" is not supported"},
    {{.set_key = "llama.rope.scaling.type", .set_type = SET_STRING, .set_string = "linear"},
     "rope.scaling.factor is missing"},
    {{.set_key = "llama.rope.scaling.factor", .set_type = SET_F32, .set_number = -2}, "rope.scaling.factor is -2"},
    {{.set_key = "split.count", .set_number = 3}, "one of 3 parts of a split model"},
    {{.set_key = "llama.expert_count", .set_number = 8}, "mixture of 8 experts"},
    {{.set_key = "llama.vocab_size", .set_number = 9}, "has shape [8, 8], but the configuration makes it [9, 8]"},
    /* tensors */
    {{.twice_tensor = "output_norm.weight"}, "output_norm.weight occurs twice"},
    {{.drop_tensor = "output_norm.weight"}, "output_norm.weight is missing"},
    {{.drop_tensor = "token_embd.weight"}, "token_embd.weight is missing"},
    {{.bad_tensor = "output_norm.weight", .has_bad_type = true, .bad_type = 20},
     "output_norm.weight: type 20 is not supported"},
    {{.bad_tensor = "output_norm.weight", .has_bad_type = true, .bad_type = UINT32_MAX}, "type -1 is not supported"},
    {{.bad_tensor = "output_norm.weight", .has_bad_type = true, .bad_type = KEN_Q4_0}, "not whole blocks of 32"},
    {{.bad_tensor = "output_norm.weight", .bad_n_dims = 5}, "has 5 dimensions"},
    {{.bad_tensor = "output_norm.weight", .bad_n_dims = 2}, "dimension 0 is 0"},
    {{.bad_tensor = "output_norm.weight", .bad_ne = {UINT64_MAX}}, "dimension 0 is 0"},
    {{.bad_tensor = "output_norm.weight", .bad_ne = {BIG}}, "too large"},
    {{.bad_tensor = "output_norm.weight", .bad_n_dims = 4, .bad_ne = {65536, 65536, 65536, 65536}}, "too large"},
    {{.bad_tensor = "output_norm.weight", .bad_n_dims = 4, .bad_ne = {BIG, 4, 4, 4}}, "too large"},
    {{.bad_tensor = "output_norm.weight", .bad_ne = {1 << 20}}, "end outside the file"},
    {{.bad_tensor = "output_norm.weight", .has_bad_offset = true, .bad_offset = BIG}, "end outside the file"},
    {{.bad_tensor = "output_norm.weight", .has_bad_offset = true, .bad_offset = UINT64_MAX - 31},
     "end outside the file"},
    {{.bad_tensor = "output_norm.weight", .has_bad_offset = true, .bad_offset = 4},
     "not a multiple of the alignment 32"},
    {{.bad_tensor = "output_norm.weight", .has_bad_offset = true, .bad_offset = 0}, "overlap"},
    {{.rename_tensor = "output_norm.weight", .new_name = ""}, "no usable name"},
    {{.extra_tensor = "blk.0.ffn_gate_exps.weight"}, "mixtures of experts are not supported"},
    {{.extra_tensor = "blk.0.attn_q_norm.weight"}, "attn_q_norm.weight is not part of a llama network"},
    {{.extra_tensor = "rope_freqs.weight"}, "rope_freqs.weight is F32 [8]; expected F32 [2]"},
    {{.extra_tensor = "rope_factors_long.weight"}, "rope_factors_long.weight is not part"},
    {{.qwen3 = true, .drop_tensor = "blk.0.attn_k_norm.weight"}, "attn_k_norm.weight is missing"},
    /* the vocabulary */
    {{.drop_key = "tokenizer.ggml.model"}, "tokenizer.ggml.model is missing"},
    {{.set_key = "tokenizer.ggml.model", .set_type = SET_STRING, .set_string = "t5"}, "\"t5\" is not supported"},
    {{.set_key = "tokenizer.ggml.pre", .set_type = SET_STRING, .set_string = "tekken"},
     "pre-tokenizer \"tekken\" is not supported"},
    {{.drop_key = "tokenizer.ggml.tokens"}, "tokens is missing or empty"},
    {{.set_key = "tokenizer.ggml.tokens", RAW(empty_list)}, "tokens is missing or empty"},
    {{.set_key = "tokenizer.ggml.tokens", RAW(two_tokens)}, "token_type must be a list of 2"},
    {{.set_key = "tokenizer.ggml.tokens", RAW(nine_types)}, "tokens is not a list of strings"},
    {{.set_key = "tokenizer.ggml.token_type", RAW(nine_types)}, "token_type must be a list of 8"},
    {{.set_key = "tokenizer.ggml.token_type", .set_number = 3}, "token_type must be a list of 8"},
    {{.drop_key = "tokenizer.ggml.merges"}, "merges is missing"},
    {{.set_key = "tokenizer.ggml.merges", .set_number = 1}, "merges is not a list of strings"},
    {{.set_key = "tokenizer.ggml.merges", RAW(one_merge_bad)}, "entry 0 is not two pieces"},
    {{.set_key = "tokenizer.ggml.eos_token_id", .set_number = 8}, "eos_token_id is 8, but the vocabulary has 8 tokens"},
    {{.set_key = "tokenizer.ggml.bos_token_id", .set_type = SET_F32, .set_number = NAN}, "bos_token_id is"},
    {{.spm = true, .drop_key = "tokenizer.ggml.scores"}, "scores must be a list of 8"},
    {{.spm = true, .set_key = "tokenizer.ggml.scores", RAW(nine_types)}, "scores must be a list of 8"},
};

static void lies_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        ken_err err = {0};
        int rc = open_image(&lies[i].x, &err);
        if (rc != KEN_EINPUT) fail_msg("lie %zu (%s): status %d", i, lies[i].says, rc);
        if (strstr(err.msg, lies[i].says) == NULL)
            fail_msg("lie %zu: \"%s\" does not say \"%s\"", i, err.msg, lies[i].says);
        if (strncmp(err.msg, "(memory)", 8) != 0) fail_msg("lie %zu: \"%s\" does not name the file", i, err.msg);
        assert_int_equal(open_image(&lies[i].x, NULL), KEN_EINPUT);
    }
}

static void nan_scores_and_divisors(void **state)
{
    (void)state;
    unsigned char raw[16 + 32] = {ARRAY_HEAD(6, 8), 0, 0, 0, 0, 0, 0, 0};
    memcpy(raw + 20, &(float){NAN}, 4);
    ken_err err;
    gguf_image x = {.spm = true, .set_key = "tokenizer.ggml.scores", RAW(raw)};
    assert_int_equal(open_image(&x, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "the score of token 1 is not a number"));
}

/* ---- cut and bent ----------------------------------------------------------------------------------------------------- */

static void cut_at_every_length(void **state)
{
    (void)state;
    for (int spm = 0; spm < 2; spm++) {
        ken_buf b = {0};
        gguf_image_write(&b, &(gguf_image){.spm = spm == 1});
        for (size_t n = 0; n < b.len; n++) {
            ken_model *m;
            ken_err err;
            if (open_bytes(b.data, n, &m, &err) != KEN_EINPUT) fail_msg("cut at %zu of %zu bytes, it opens", n, b.len);
        }
        ken_buf_free(&b);
    }
}

/* Some changes make another right file; none may crash, read outside or give another status than these two. */
static void every_byte_changed(void **state)
{
    (void)state;
    static const unsigned char with[] = {0x01, 0x80, 0xff};
    ken_buf b = {0};
    int opened = 0, refused = 0;
    gguf_image_write(&b, &(gguf_image){0});
    for (size_t i = 0; i < b.len; i++)
        for (size_t k = 0; k < sizeof with; k++) {
            ken_model *m;
            b.data[i] = (char)(b.data[i] ^ (char)with[k]);
            int rc = open_bytes(b.data, b.len, &m, NULL);
            b.data[i] = (char)(b.data[i] ^ (char)with[k]);
            if (rc != KEN_OK && rc != KEN_EINPUT) fail_msg("byte %zu ^ %d: status %d", i, with[k], rc);
            opened += rc == KEN_OK;
            refused += rc == KEN_EINPUT;
        }
    assert_true(opened > 0 && refused > 100);
    ken_buf_free(&b);
}

static void allocations_fail(void **state)
{
    (void)state;
    for (int spm = 0; spm < 2; spm++) {
        ken_buf b = {0};
        ken_model *m;
        gguf_image_write(&b, &(gguf_image){.spm = spm == 1, .extra_tensor = "vision.weight"});
        long before = ken_alloc_count();
        assert_int_equal(ken_model_open_memory(&m, b.data, b.len, NULL), KEN_OK);
        long n = ken_alloc_count() - before;
        ken_model_free(m);
        for (long k = 1; k <= n; k++) {
            ken_err err = {0};
            ken_alloc_fail_after(k);
            int rc = ken_model_open_memory(&m, b.data, b.len, &err);
            ken_alloc_fail_after(0);
            if (rc != KEN_ENOMEM) fail_msg("allocation %ld of %ld failed and the status is %d (%s)", k, n, rc, err.msg);
        }
        ken_buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(right_images_open),       cmocka_unit_test(what_the_image_says),
                                       cmocka_unit_test(numbers_of_every_type),   cmocka_unit_test(lies_are_named),
                                       cmocka_unit_test(nan_scores_and_divisors), cmocka_unit_test(cut_at_every_length),
                                       cmocka_unit_test(every_byte_changed),      cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
