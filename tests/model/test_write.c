/* test_write.c - models written as folders and as GGUF: read back by our own readers, and compared with what other programs made of
 * the same weights (the tiny models of tests/oracles/model_tiny.py, in both formats); what cannot be written; nothing half written.
 * That transformers, peft and llama.cpp read them, too: make oracle-files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "gguf_image.h"
#include "model/loaded.h"
#include "model/write.h"
#include "model/write_parts.h"
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TINY KEN_FIXTURES "/model/tiny-"

static const char *const names[] = {"llama-tied", "llama-bias", "llama3", "llama-linear", "mistral", "qwen2", "qwen3"};
enum { N_TINY = sizeof names / sizeof *names };

static char folder[64], written[80], file[96];

static int start(void **state)
{
    (void)state;
    /* in memory where there is such a folder: what is written is synced, which takes long on a busy disk */
    snprintf(folder, sizeof folder, "%s/ken-write-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(written, sizeof written, "%s/model", folder);
    snprintf(file, sizeof file, "%s/model.gguf", folder);
    return 0;
}

static void empty_folder(void)
{
    static const char *const files[] = {"config.json",       "tokenizer.json",      "tokenizer_config.json",
                                        "model.safetensors", "chat_template.jinja", "generation_config.json"};
    char path[160];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", written, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(written);
}

static int end(void **state)
{
    (void)state;
    empty_folder();
    (void)unlink(file);
    return rmdir(folder); /* fails when a temporary file was left behind */
}

static ken_model *open_model(const char *path)
{
    ken_model *m;
    ken_err err;
    if (ken_model_open(&m, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    return m;
}

static ken_model *open_tiny(int i, bool gguf)
{
    char path[512];
    snprintf(path, sizeof path, TINY "%s%s", names[i], gguf ? "/model.gguf" : "");
    return open_model(path);
}

static ken_params *load(const ken_model *m)
{
    ken_params *p;
    ken_err err;
    if (ken_params_load(&p, m, 1, &err) != KEN_OK) fail_msg("%s", err.msg);
    return p;
}

/* ---- there and back ------------------------------------------------------------------------------------------------------ */

static void assert_same_config(const ken_model *a, const ken_model *b)
{
    const ken_config *x = ken_model_config(a), *y = ken_model_config(b);
    const int sizes[][2] = {{x->n_layer, y->n_layer}, {x->n_embd, y->n_embd},     {x->n_head, y->n_head},
                            {x->n_kv, y->n_kv},       {x->d_head, y->d_head},     {x->n_ff, y->n_ff},
                            {x->n_vocab, y->n_vocab}, {x->n_ctx, y->n_ctx},       {x->d_rope, y->d_rope},
                            {x->window, y->window},   {x->tied, y->tied},         {x->qkv_bias, y->qkv_bias},
                            {x->o_bias, y->o_bias},   {x->mlp_bias, y->mlp_bias}, {x->qk_norm, y->qk_norm}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i][0] != sizes[i][1]) fail_msg("size %zu is %d, expected %d", i, sizes[i][1], sizes[i][0]);
    assert_string_equal(x->arch, y->arch);
    assert_true(x->norm_eps == y->norm_eps);
    assert_true(x->rope_theta == y->rope_theta);
    assert_string_equal(ken_model_get_info(a)->rope_scaling, ken_model_get_info(b)->rope_scaling);
    const bool a_divides = x->rope_freqs != NULL, b_divides = y->rope_freqs != NULL;
    if (a_divides == b_divides) {
        assert_int_equal(x->rope_scaling, y->rope_scaling);
        assert_true(x->rope_factor == y->rope_factor && x->rope_low == y->rope_low && x->rope_high == y->rope_high);
        assert_int_equal(x->rope_orig_ctx, y->rope_orig_ctx);
        if (a_divides) assert_memory_equal(x->rope_freqs, y->rope_freqs, (size_t)x->d_rope / 2 * sizeof(float));
    }
}

static void assert_same_tokens(const ken_model *a, const ken_model *b)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "The capital of France is Paris.",
                                        "  two  spaces\n\n\ttabs",
                                        "don't I'LL 12345",
                                        "O\xc3\xb9 est la gare? \xe6\x9d\xb1\xe4\xba\xac e\xcc\x81",
                                        "x<|end|>y<note>z <s>q</s>",
                                        "\xf0\x9f\x98\x80 [PAD292] <0x41>",
                                        "\xe2\x96\x81under"};
    const ken_model_info *x = ken_model_get_info(a), *y = ken_model_get_info(b);
    assert_string_equal(x->tokenizer, y->tokenizer);
    assert_int_equal(x->bos, y->bos);
    assert_int_equal(x->eos, y->eos);
    assert_int_equal(x->add_bos, y->add_bos);
    assert_int_equal(x->add_eos, y->add_eos);
    const char *chat_a = ken_model_chat_template(a), *chat_b = ken_model_chat_template(b);
    assert_string_equal(chat_a != NULL ? chat_a : "", chat_b != NULL ? chat_b : "");
    const ken_tokenizer *s = ken_model_tokenizer(a), *t = ken_model_tokenizer(b);
    for (int32_t id = 0; id < ken_tokenizer_n_vocab(s) && id < ken_tokenizer_n_vocab(t); id++)
        assert_int_equal(ken_tokenizer_is_end(s, id), ken_tokenizer_is_end(t, id));
    for (size_t i = 0; i < 4 * sizeof texts / sizeof *texts; i++) {
        const char *text = texts[i / 4];
        int32_t *ids_a, *ids_b;
        size_t n_a, n_b;
        ken_err err;
        assert_int_equal(ken_tokenize(a, text, strlen(text), i % 2, i / 2 % 2, &ids_a, &n_a, &err), KEN_OK);
        assert_int_equal(ken_tokenize(b, text, strlen(text), i % 2, i / 2 % 2, &ids_b, &n_b, &err), KEN_OK);
        if (n_a != n_b || (n_a > 0 && memcmp(ids_a, ids_b, n_a * sizeof *ids_a) != 0))
            fail_msg("other ids for \"%s\"", text);
        ken_buffer_free(ids_a);
        ken_buffer_free(ids_b);
    }
}

static void assert_same_params(const ken_params *x, const ken_params *y)
{
    assert_int_equal(x->n, y->n);
    assert_int_equal(x->n_list, y->n_list);
    assert_memory_equal(x->data, y->data, x->n * sizeof *x->data);
}

/* Writes with other weights than the base's, so that nothing can come from there. */
static void check_there_and_back(int i, bool from_gguf, bool to_gguf)
{
    ken_err err;
    ken_model *base = open_tiny(i, from_gguf);
    ken_params *p = load(base);
    for (size_t k = 0; k < p->n; k++) p->data[k] *= 1.0F + 0.001F * (float)(k % 100);
    const int rc = to_gguf ? ken_write_gguf(base, p, KEN_F32, file, &err)
                           : ken_write_model_folder(base, p, KEN_F32, written, &err);
    if (rc != KEN_OK) fail_msg("%s: %s", names[i], err.msg);
    ken_model *m = open_model(to_gguf ? file : written);
    ken_params *q = load(m);
    assert_same_params(p, q);
    assert_same_config(base, m);
    assert_same_tokens(base, m);
    assert_int_equal(ken_model_get_info(m)->n_warnings, 0);
    ken_params_free(q);
    ken_model_free(m);
    ken_params_free(p);
    ken_model_free(base);
    empty_folder();
}

static void there_and_back(void **state)
{
    (void)state;
    for (int i = 0; i < 4 * N_TINY; i++) check_there_and_back(i / 4, i % 2, i / 2 % 2);
}

/* The same weights out of the other format: transformers' converter, or the gguf package with our script, wrote the file that we
 * write. Tensor by tensor, as stored: names, shapes, order of rows. */
static void assert_same_tensors(const ken_model *want, const ken_model *got)
{
    for (size_t i = 0; i < want->tensors.n; i++) {
        const ken_tensor *x = &want->tensors.t[i], *y = ken_tensors_find(&got->tensors, x->name);
        if (y == NULL) fail_msg("%s is missing", x->name);
        assert_int_equal(x->n_dims, y->n_dims);
        assert_memory_equal(x->ne, y->ne, sizeof x->ne);
        const int64_t n = x->ne[0] * x->ne[1];
        float *a = malloc((size_t)n * sizeof *a), *b = malloc((size_t)n * sizeof *b);
        ken_dequantize(x->type, x->data, a, n);
        ken_dequantize(y->type, y->data, b, n);
        bool same = memcmp(a, b, (size_t)n * sizeof *a) == 0;
        if (!same && strcmp(x->name, "rope_freqs.weight") == 0) { /* pow in double there, too, but not the same steps */
            same = true;
            for (int64_t k = 0; k < n; k++) same = same && fabsf(a[k] - b[k]) <= 1e-6F * a[k];
        }
        if (!same) fail_msg("%s has other values", x->name);
        free(a), free(b);
    }
    assert_int_equal(want->tensors.n, got->tensors.n);
}

static void as_others_write_it(void **state)
{
    (void)state;
    ken_err err;
    for (int i = 0; i < 2 * N_TINY; i++) {
        const bool to_gguf = i % 2;
        ken_model *base = open_tiny(i / 2, !to_gguf), *want = open_tiny(i / 2, to_gguf);
        ken_params *p = load(base);
        const int rc = to_gguf ? ken_write_gguf(base, p, KEN_F32, file, &err)
                               : ken_write_model_folder(base, p, KEN_F32, written, &err);
        if (rc != KEN_OK) fail_msg("%s: %s", names[i / 2], err.msg);
        ken_model *got = open_model(to_gguf ? file : written);
        assert_same_tensors(want, got);
        ken_model_free(got);
        ken_params_free(p);
        ken_model_free(want);
        ken_model_free(base);
        empty_folder();
    }
}

/* ---- types and texts ------------------------------------------------------------------------------------------------------- */

static void types(void **state)
{
    (void)state;
    ken_err err;
    ken_model *base = open_tiny(3, true);
    ken_params *p = load(base);
    static const struct {
        ken_dtype type;
        bool gguf;
        const char *matrices, *down; /* rows of 48 are no whole blocks of 32 */
    } cases[] = {{KEN_F32, false, "F32", "F32"}, {KEN_F16, false, "F16", "F16"}, {KEN_BF16, false, "BF16", "BF16"},
                 {KEN_F32, true, "F32", "F32"},  {KEN_F16, true, "F16", "F16"},  {KEN_BF16, true, "BF16", "BF16"},
                 {KEN_Q8_0, true, "Q8_0", "F16"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int rc = cases[i].gguf ? ken_write_gguf(base, p, cases[i].type, file, &err)
                                     : ken_write_model_folder(base, p, cases[i].type, written, &err);
        if (rc != KEN_OK) fail_msg("%s", err.msg);
        ken_model *m = open_model(cases[i].gguf ? file : written);
        const ken_layer *l = ken_model_weights(m)->layers;
        assert_string_equal(ken_dtype_get((int)ken_model_weights(m)->tok_embd->type)->name, cases[i].matrices);
        assert_string_equal(ken_dtype_get((int)l->w_up->type)->name, cases[i].matrices);
        assert_string_equal(ken_dtype_get((int)l->w_down->type)->name, cases[i].down);
        assert_string_equal(ken_dtype_get((int)l->attn_norm->type)->name, cases[i].gguf ? "F32" : cases[i].matrices);
        ken_model_free(m);
    }
    const ken_dtype wrong[] = {KEN_Q4_0, KEN_Q6_K, (ken_dtype)99};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ken_write_gguf(base, p, wrong[i], file, &err), KEN_EUSAGE);
        assert_int_equal(ken_write_model_folder(base, p, wrong[i], written, &err), KEN_EUSAGE);
    }
    assert_int_equal(ken_write_model_folder(base, p, KEN_Q8_0, written, &err), KEN_EUSAGE);
    ken_params_free(p);
    ken_model_free(base);
    empty_folder();
}

static char *slurp(const char *in, const char *name)
{
    char path[512];
    ken_map map;
    ken_err err;
    snprintf(path, sizeof path, "%s/%s", in, name);
    if (ken_map_file(&map, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    char *text = ken_strndup((const char *)map.data, map.size);
    assert_non_null(text);
    ken_unmap(&map);
    return text;
}

static void replace(char *text, size_t room, const char *find, const char *with)
{
    char *at = strstr(text, find);
    assert_non_null(at);
    assert_true(strlen(text) + strlen(with) < room);
    memmove(at + strlen(with), at + strlen(find), strlen(at + strlen(find)) + 1);
    memcpy(at, with, strlen(with));
}

/* A folder's own texts stay byte for byte; of config.json only the weight type changes, under the name that it has there. */
static void texts_of_a_folder(void **state)
{
    (void)state;
    static const struct {
        const char *find, *with;
    } changes[N_TINY] = {{"\"dtype\": \"float32\"", "\"dtype\": \"bfloat16\""},
                         {"\"dtype\": \"float32\"", "\"dtype\": \"bfloat16\""},
                         {"\"torch_dtype\": \"float32\"", "\"torch_dtype\": \"bfloat16\""},
                         {"\"dtype\": \"float32\"", "\"dtype\": \"bfloat16\""},
                         {"\"torch_dtype\": \"float32\"", "\"torch_dtype\": \"bfloat16\""},
                         {"\"dtype\": \"float32\"", "\"dtype\": \"bfloat16\""},
                         {"", ""}};
    ken_err err;
    for (int i = 0; i < N_TINY; i++) {
        char base_path[512], want[8192];
        snprintf(base_path, sizeof base_path, TINY "%s", names[i]);
        ken_model *base = open_model(base_path);
        ken_params *p = load(base);
        if (ken_write_model_folder(base, p, KEN_BF16, written, &err) != KEN_OK) fail_msg("%s", err.msg);
        static const char *const same[] = {"tokenizer.json", "tokenizer_config.json"};
        for (int k = 0; k < 2; k++) {
            char *a = slurp(base_path, same[k]), *b = slurp(written, same[k]);
            assert_string_equal(a, b);
            ken_free(a), ken_free(b);
        }
        char *a = slurp(base_path, "config.json"), *b = slurp(written, "config.json");
        snprintf(want, sizeof want, "%s", a);
        replace(want, sizeof want, changes[i].find, changes[i].with);
        assert_string_equal(b, want);
        ken_free(a), ken_free(b);
        ken_params_free(p);
        ken_model_free(base);
        empty_folder();
    }
}

static void patching(void **state)
{
    (void)state;
    static const struct {
        const char *config, *want;
    } cases[] = {
        {"{\"a\": {\"dtype\": 1}, \"dtype\":null}", "{\"a\": {\"dtype\": 1}, \"dtype\":\"float16\"}"},
        {"{\"x\": \"\\\"dtype\\\": 1\", \"torch_dtype\" : \"float32\"\n}",
         "{\"x\": \"\\\"dtype\\\": 1\", \"torch_dtype\" : \"float16\"\n}"},
        {"{\"torch_dtype\": \"float32\", \"dtype\": \"auto\"}",
         "{\"torch_dtype\": \"float16\", \"dtype\": \"float16\"}"},
        {"{\n  \"a\": [{\"b\": 1}]\n}\n", "{\n  \"a\": [{\"b\": 1}],\n  \"torch_dtype\": \"float16\"\n}\n"},
        {"{\"dtype\": {\"a\": [\"}\"], \"dtype\": 2}, \"b\": 3}", "{\"dtype\": \"float16\", \"b\": 3}"},
        {"{\"a\": \"dtype\", \"b\": \"}\"}", "{\"a\": \"dtype\", \"b\": \"}\",\n  \"torch_dtype\": \"float16\"\n}\n"},
    };
    char path[] = "x/config.json";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_model_file f = {.path = path, .map = {(const unsigned char *)cases[i].config, strlen(cases[i].config)}};
        struct ken_model m = {.files = &f, .n_files = 1, .path = path};
        ken_base b = {.model = &m, .config = json_loads(cases[i].config, 0, NULL)};
        ken_buf out = {0};
        assert_non_null(b.config);
        assert_int_equal(ken_config_patched(&out, &b, KEN_F16, NULL), KEN_OK);
        assert_string_equal(out.data, cases[i].want);
        ken_buf_free(&out);
        json_decref(b.config);
    }
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        double x;
        bool is_float;
        const char *want;
    } cases[] = {{1e-5F, true, "1e-05"},
                 {1e-6F, true, "1e-06"},
                 {10000, false, "10000.0"},
                 {1e6, false, "1000000.0"},
                 {0.1, false, "0.1"},
                 {0.05F, true, "0.05"},
                 {500000, false, "500000.0"},
                 {1.0 / 3, false, "0.3333333333333333"},
                 {0, true, "0.0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char t[40];
        assert_string_equal(ken_json_number(cases[i].x, cases[i].is_float, t), cases[i].want);
    }
}

static void names_of_the_base(void **state)
{
    (void)state;
    static const struct {
        const char *path, *source, *want;
    } cases[] = {{"/home/u/models/a.Q4.gguf", NULL, "a.Q4.gguf"},
                 {"a.gguf", NULL, "a.gguf"},
                 {"/home/u/folder/", NULL, "folder"},
                 {"/home/u/x.gguf", "someone/tiny", "someone/tiny"},
                 {"/home/u/x.gguf", "https://huggingface.co/someone/tiny", "someone/tiny"},
                 {"/home/u/x.gguf", "https://example.org/tiny", "https://example.org/tiny"},
                 {"/home/u/folder", "/home/u/folder", "folder"},
                 {"/home/u/folder", "~/folder", "folder"},
                 {".", NULL, "the name"},
                 {"../", "/abs", "the name"},
                 {"/", NULL, "the name"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ken_model m = {.path = (char *)cases[i].path,
                              .info = {.source = cases[i].source, .path = cases[i].path, .name = "the name"}};
        char *name = ken_base_name(&m);
        assert_string_equal(name, cases[i].want);
        ken_free(name);
    }
}

/* ---- what cannot be written --------------------------------------------------------------------------------------------------- */

static void assert_says(int rc, int want, const ken_err *err, const char *says)
{
    if (rc != want) fail_msg("status %d (expected %d, %s)", rc, want, says);
    if (strstr(err->msg, says) == NULL) fail_msg("\"%s\" does not say \"%s\"", err->msg, says);
}

static void values_that_do_not_fit(void **state)
{
    (void)state;
    ken_err err;
    ken_model *base = open_tiny(0, false);
    ken_params *p = load(base);
    assert_int_equal(ken_write_model_folder(base, p, KEN_F16, written, &err), KEN_OK);
    assert_int_equal(ken_write_gguf(base, p, KEN_F16, file, &err), KEN_OK);
    char *before = slurp(folder, "model.gguf");
    p->layers[1].down[5] = 70000;
    assert_says(ken_write_model_folder(base, p, KEN_F16, written, &err), KEN_EINPUT, &err,
                "tensor model.layers.1.mlp.down_proj.weight: value 5 of row 0 is 70000, which F16 cannot hold");
    assert_says(ken_write_gguf(base, p, KEN_F16, file, &err), KEN_EINPUT, &err, "tensor blk.1.ffn_down.weight");
    assert_int_equal(ken_write_model_folder(base, p, KEN_BF16, written, &err), KEN_OK);
    p->output_norm[1] = NAN;
    assert_says(ken_write_model_folder(base, p, KEN_F32, written, &err), KEN_EINPUT, &err, "the training has diverged");
    assert_says(ken_write_gguf(base, p, KEN_F32, file, &err), KEN_EINPUT, &err, "tensor output_norm.weight");
    char *after = slurp(folder, "model.gguf");
    assert_string_equal(before, after); /* the file of the last success, whole */
    ken_free(before), ken_free(after);
    ken_model_free(open_model(written));
    ken_model_free(open_model(file));
    ken_params_free(p);
    ken_model_free(base);
    empty_folder();
}

static void places_that_cannot_be_written(void **state)
{
    (void)state;
    ken_err err;
    char path[160];
    ken_model *base = open_tiny(2, false);
    ken_params *p = load(base);
    ken_lora *l;
    assert_int_equal(ken_lora_new(&l, ken_model_config(base), 2, 4, 1, &err), KEN_OK);
    assert_says(ken_write_model_folder(base, p, KEN_F32, TINY "llama3", &err), KEN_EUSAGE, &err,
                "is the folder of the model that is trained");
    assert_says(ken_write_model_folder(base, p, KEN_F32, KEN_FIXTURES "/model/../model/tiny-llama3/", &err), KEN_EUSAGE,
                &err, "is the folder of the model");
    assert_int_equal(ken_write_gguf(base, p, KEN_F32, file, &err), KEN_OK);
    snprintf(path, sizeof path, "%s/below", file); /* a folder below a file */
    assert_says(ken_write_model_folder(base, p, KEN_F32, path, &err), KEN_EFAIL, &err, "Not a directory");
    assert_says(ken_write_adapter(base, l, path, &err), KEN_EFAIL, &err, "Not a directory");
    assert_says(ken_write_gguf(base, p, KEN_F32, path, &err), KEN_EFAIL, &err, "Not a directory");
    assert_says(ken_write_gguf_lora(base, l, path, &err), KEN_EFAIL, &err, "Not a directory");
    assert_says(ken_write_gguf_lora(base, l, "/nonexistent/x.gguf", &err), KEN_EFAIL, &err, "No such file");

    /* No room: files may not grow beyond 20,000 bytes. What was there stays. */
    char *before = slurp(folder, "model.gguf");
    struct rlimit small, was;
    getrlimit(RLIMIT_FSIZE, &was);
    small = was;
    small.rlim_cur = 20000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    const int folder_rc = ken_write_model_folder(base, p, KEN_F32, written, NULL);
    const int gguf_rc = ken_write_gguf(base, p, KEN_F32, file, &err);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(folder_rc, KEN_EFAIL);
    assert_says(gguf_rc, KEN_EFAIL, &err, "File too large");
    char *after = slurp(folder, "model.gguf");
    assert_string_equal(before, after);
    ken_free(before), ken_free(after);
    snprintf(path, sizeof path, "%s/model.safetensors", written);
    assert_int_equal(access(path, F_OK), -1);
    ken_lora_free(l);
    ken_params_free(p);
    ken_model_free(base);
    empty_folder();
}

/* GGUF files of networks and vocabularies for which there are no words in the files of a folder. */
static void what_a_folder_cannot_say(void **state)
{
    (void)state;
    static const struct {
        gguf_image image;
        const char *says;
    } cases[] = {
        {{.set_key = "llama.rope.dimension_count", .set_number = 2}, "heads that are rotated in part"},
        {{.extra_tensor = "unused"}, NULL},
    };
    ken_err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_buf image = {0};
        ken_model *m;
        gguf_image_write(&image, &cases[i].image);
        if (ken_model_open_memory(&m, image.data, image.len, &err) != KEN_OK) fail_msg("%s", err.msg);
        ken_params *p = load(m);
        const int rc = ken_write_model_folder(m, p, KEN_F32, written, &err);
        if (cases[i].says == NULL) assert_int_equal(rc, KEN_OK);
        else assert_says(rc, KEN_EINPUT, &err, cases[i].says);
        assert_int_equal(ken_write_gguf(m, p, KEN_F32, file, &err), KEN_OK);
        ken_model *back = open_model(file);
        ken_params *q = load(back);
        assert_same_params(p, q);
        ken_params_free(q);
        ken_model_free(back);
        ken_params_free(p);
        ken_model_free(m);
        ken_buf_free(&image);
        empty_folder();
    }
    /* divisors of the rotary frequencies that are not Llama-3's */
    ken_model *m = open_tiny(2, true);
    ken_params *p = load(m);
    m->rope_freqs[1] *= 1.01F;
    assert_says(ken_write_model_folder(m, p, KEN_F32, written, &err), KEN_EINPUT, &err,
                "rope_freqs.weight is not Llama-3's rotary scaling");
    assert_int_equal(ken_write_gguf(m, p, KEN_F32, file, &err), KEN_OK);
    ken_params_free(p);
    ken_model_free(m);
    empty_folder();
}

/* ---- an adapter ------------------------------------------------------------------------------------------------------------------ */

/* Base and adapter in one, against doing it by hand; and the GGUF LoRA's rows of q and k in the order of the base's GGUF. */
static void merged(void **state)
{
    (void)state;
    ken_err err;
    ken_model *base = open_tiny(0, false);
    ken_params *p = load(base), *q = load(base);
    const ken_config *c = p->config;
    ken_lora *l;
    assert_int_equal(ken_lora_new(&l, c, 2, 6, (1U << KEN_N_MODULES) - 1, &err), KEN_OK);
    for (size_t i = 0; i < l->n; i++) l->data[i] = 0.01F * (float)((int)(i * 37 % 101) - 50);
    ken_params_merge(p, l, 2);
    const size_t C = (size_t)c->n_embd, nq = (size_t)(c->n_head * c->d_head), kv = (size_t)(c->n_kv * c->d_head);
    const struct {
        ken_module m;
        const float *with, *without;
    } parts[] = {{KEN_MOD_Q, p->layers[1].qkv, q->layers[1].qkv},
                 {KEN_MOD_K, p->layers[1].qkv + nq * C, q->layers[1].qkv + nq * C},
                 {KEN_MOD_V, p->layers[1].qkv + (nq + kv) * C, q->layers[1].qkv + (nq + kv) * C},
                 {KEN_MOD_O, p->layers[1].o, q->layers[1].o},
                 {KEN_MOD_GATE, p->layers[1].gate_up, q->layers[1].gate_up},
                 {KEN_MOD_UP, p->layers[1].gate_up + (size_t)c->n_ff * C, q->layers[1].gate_up + (size_t)c->n_ff * C},
                 {KEN_MOD_DOWN, p->layers[1].down, q->layers[1].down}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const ken_lora_pair *x = &l->pair[KEN_N_MODULES + (int)parts[i].m];
        for (int o = 0; o < x->out; o++)
            for (int k = 0; k < x->in; k++) {
                const double sum =
                    (double)x->b[o * 2] * (double)x->a[k] + (double)x->b[o * 2 + 1] * (double)x->a[x->in + k];
                const double got = (double)parts[i].with[o * x->in + k] - (double)parts[i].without[o * x->in + k];
                if (!(fabs(got - 3 * sum) < 1e-5))
                    fail_msg("module %zu, (%d, %d): %g, expected %g", i, o, k, got, 3 * sum);
            }
    }
    assert_memory_equal(p->tok_embd, q->tok_embd, C * (size_t)c->n_vocab * sizeof(float));

    if (ken_write_gguf_lora(base, l, file, &err) != KEN_OK) fail_msg("%s", err.msg);
    ken_map map;
    ken_gguf g;
    assert_int_equal(ken_map_file(&map, file, &err), KEN_OK);
    assert_int_equal(ken_gguf_parse(&g, map.data, map.size, &err), KEN_OK);
    const ken_value type = ken_gguf_value(ken_gguf_find(&g, "general.type")),
                    kind = ken_gguf_value(ken_gguf_find(&g, "adapter.type")),
                    arch = ken_gguf_value(ken_gguf_find(&g, "general.architecture")),
                    alpha = ken_gguf_value(ken_gguf_find(&g, "adapter.lora.alpha"));
    assert_true(ken_value_is(&type, "adapter") && ken_value_is(&kind, "lora") && ken_value_is(&arch, "llama"));
    assert_true(alpha.number == 6);
    assert_int_equal(g.tensors.n, 2 * 2 * KEN_N_MODULES);
    const ken_tensor *b = ken_tensors_find(&g.tensors, "blk.1.attn_q.weight.lora_b"),
                     *v = ken_tensors_find(&g.tensors, "blk.1.attn_v.weight.lora_b"),
                     *a = ken_tensors_find(&g.tensors, "blk.1.attn_q.weight.lora_a");
    assert_true(a->ne[0] == 32 && a->ne[1] == 2 && b->ne[0] == 2 && b->ne[1] == 32);
    assert_memory_equal(a->data, l->pair[KEN_N_MODULES + KEN_MOD_Q].a, 64 * sizeof(float));
    assert_memory_equal(v->data, l->pair[KEN_N_MODULES + KEN_MOD_V].b, 32 * sizeof(float));
    const float *rows = b->data, *hf = l->pair[KEN_N_MODULES + KEN_MOD_Q].b;
    for (int r = 0; r < 32; r++) { /* heads of 8: pairs 0,4 1,5 2,6 3,7 side by side */
        const int from = r / 8 * 8 + r % 8 / 2 + r % 2 * 4;
        assert_memory_equal(rows + 2 * r, hf + 2 * from, 2 * sizeof(float));
    }
    ken_gguf_free(&g);
    ken_unmap(&map);
    ken_lora_free(l);
    ken_params_free(p);
    ken_params_free(q);
    ken_model_free(base);
}

/* ---- no memory ------------------------------------------------------------------------------------------------------------------- */

static ken_model *no_memory_base;
static ken_params *no_memory_params;
static ken_lora *no_memory_lora;

static int as_folder(ken_err *err)
{
    return ken_write_model_folder(no_memory_base, no_memory_params, KEN_BF16, written, err);
}
static int as_gguf(ken_err *err) { return ken_write_gguf(no_memory_base, no_memory_params, KEN_Q8_0, file, err); }
static int as_gguf_lora(ken_err *err) { return ken_write_gguf_lora(no_memory_base, no_memory_lora, file, err); }

static void allocations_fail(void **state)
{
    (void)state;
    int (*const writers[])(ken_err *) = {as_folder, as_gguf, as_gguf_lora};
    const int models[] = {0, 2, 5};
    ken_err err;
    for (int i = 0; i < 6; i++) {
        no_memory_base = open_tiny(models[i / 2], i % 2);
        no_memory_params = load(no_memory_base);
        assert_int_equal(ken_lora_new(&no_memory_lora, ken_model_config(no_memory_base), 2, 4, 3, &err), KEN_OK);
        for (int w = 0; w < 3; w++) {
            const long before = ken_alloc_count();
            if (writers[w](&err) != KEN_OK) fail_msg("%s", err.msg);
            const long n = ken_alloc_count() - before, step = n > 120 ? n / 120 : 1;
            for (long k = 1; k <= n; k += step) {
                ken_alloc_fail_after(k);
                const int rc = writers[w](&err);
                ken_alloc_fail_after(0);
                /* the folder's name of a file that is synced behind the rename: its failure is not fatal */
                if (rc != KEN_OK && (rc != KEN_ENOMEM || err.status != rc))
                    fail_msg("writer %d: allocation %ld of %ld failed and the status is %d (%s)", w, k, n, rc, err.msg);
            }
        }
        ken_lora_free(no_memory_lora);
        ken_params_free(no_memory_params);
        ken_model_free(no_memory_base);
    }
    empty_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back),
                                       cmocka_unit_test(as_others_write_it),
                                       cmocka_unit_test(types),
                                       cmocka_unit_test(texts_of_a_folder),
                                       cmocka_unit_test(patching),
                                       cmocka_unit_test(numbers),
                                       cmocka_unit_test(names_of_the_base),
                                       cmocka_unit_test(values_that_do_not_fit),
                                       cmocka_unit_test(places_that_cannot_be_written),
                                       cmocka_unit_test(what_a_folder_cannot_say),
                                       cmocka_unit_test(merged),
                                       cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests_name("write", tests, start, end);
}
