/* test_folder.c - model folders with one thing wrong: config.json, tokenizer.json, safetensors headers, shards. A right folder is
 * written from the texts below; each case changes one piece of one file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/file.h"
#include "model/family.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a right folder --------------------------------------------------------------------------------------------------- */

static const char config[] = "{\"model_type\": \"llama\", \"hidden_size\": 8, \"intermediate_size\": 8, "
                             "\"num_hidden_layers\": 1, \"num_attention_heads\": 2,"
                             " \"num_key_value_heads\": 1, \"vocab_size\": 8, \"max_position_embeddings\": 64, "
                             "\"rms_norm_eps\": 1e-5, \"rope_theta\": 10000.0,"
                             " \"tie_word_embeddings\": true, \"hidden_act\": \"silu\", \"eos_token_id\": [6, 5], "
                             "\"_name_or_path\": \"someone/tiny\"}";

static const char tokenizer[] = "{\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"ByteLevel\", "
                                "\"add_prefix_space\": false, \"use_regex\": true},"
                                " \"post_processor\": {\"type\": \"ByteLevel\"}, \"added_tokens\": [{\"id\": 6, "
                                "\"content\": \"<|im_end|>\", \"special\": true},"
                                " {\"id\": 5, \"content\": \"<|bos|>\", \"special\": true}],"
                                " \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"c\": 2, \"ab\": 3, "
                                "\"abc\": 4}, \"merges\": [\"a b\", [\"ab\", \"c\"]]}}";

static const char tokenizer_config[] = "{\"bos_token\": \"<|bos|>\", \"eos_token\": {\"content\": \"<|im_end|>\"}}";

/* The tensors of a tied llama of that shape, F32, one after the other; offsets are filled in by write_weights. */
static const struct {
    const char *name;
    int rows, cols;
} tensors[] = {{"model.embed_tokens.weight", 8, 8},
               {"model.norm.weight", 8, 0},
               {"model.layers.0.input_layernorm.weight", 8, 0},
               {"model.layers.0.self_attn.q_proj.weight", 8, 8},
               {"model.layers.0.self_attn.k_proj.weight", 4, 8},
               {"model.layers.0.self_attn.v_proj.weight", 4, 8},
               {"model.layers.0.self_attn.o_proj.weight", 8, 8},
               {"model.layers.0.post_attention_layernorm.weight", 8, 0},
               {"model.layers.0.mlp.gate_proj.weight", 8, 8},
               {"model.layers.0.mlp.up_proj.weight", 8, 8},
               {"model.layers.0.mlp.down_proj.weight", 8, 8}};
enum { N_TENSORS = sizeof tensors / sizeof *tensors };

static char folder[64];
static size_t size_behind; /* bytes behind the last tensor */

static void put(const char *name, const void *data, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb"); /* not ken_write_file: syncing a thousand files takes seconds */
    if (f == NULL || fwrite(data, 1, n, f) != n || fclose(f) != 0) fail_msg("cannot write %s", path);
}

static void drop(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

/* Every `find` in text becomes `with` (find NULL: as it is). A case whose find is not there tests nothing, so that fails. */
static void put_changed(const char *name, const char *text, size_t head, const char *find, const char *with,
                        size_t tail_zeros)
{
    ken_buf b = {0};
    const char *at = text, *hit;
    int n_hits = 0;
    for (; find != NULL && (hit = strstr(at, find)) != NULL; at = hit + strlen(find), n_hits++) {
        ken_buf_add(&b, at, (size_t)(hit - at));
        ken_buf_puts(&b, with);
    }
    ken_buf_puts(&b, at);
    if (find != NULL && n_hits == 0) fail_msg("%s: there is no %s to change", name, find);
    ken_buf file = {0};
    uint64_t n = b.len;
    if (head > 0) ken_buf_add(&file, &n, 8);
    ken_buf_add(&file, b.data, b.len);
    for (size_t i = 0; i < tail_zeros; i++) ken_buf_putc(&file, 0);
    put(name, file.data, file.len);
    ken_buf_free(&file);
    ken_buf_free(&b);
}

/* Tensors first..last as a safetensors file, its header changed as above. */
static void put_weights(const char *name, int first, int last, const char *find, const char *with)
{
    ken_buf b = {0};
    size_t at = 0;
    ken_buf_puts(&b, "{\"__metadata__\": {\"format\": \"pt\"}");
    for (int i = first; i <= last; i++) {
        size_t n = (size_t)(tensors[i].rows * (tensors[i].cols > 0 ? tensors[i].cols : 1)) * 4;
        ken_buf_printf(&b, ", \"%s\": {\"dtype\": \"F32\", \"shape\": [%d", tensors[i].name, tensors[i].rows);
        if (tensors[i].cols > 0) ken_buf_printf(&b, ", %d", tensors[i].cols);
        ken_buf_printf(&b, "], \"data_offsets\": [%zu, %zu]}", at, at + n);
        at += n;
    }
    ken_buf_puts(&b, "}");
    put_changed(name, b.data, 8, find, with, at + size_behind);
    ken_buf_free(&b);
}

static void put_right(void)
{
    put_changed("config.json", config, 0, NULL, NULL, 0);
    put_changed("tokenizer.json", tokenizer, 0, NULL, NULL, 0);
    put_changed("tokenizer_config.json", tokenizer_config, 0, NULL, NULL, 0);
    put_weights("model.safetensors", 0, N_TENSORS - 1, NULL, NULL);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ken-folder-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const files[] = {"config.json",           "tokenizer.json",
                                        "tokenizer_config.json", "generation_config.json",
                                        "model.safetensors",     "model.safetensors.index.json",
                                        "a.safetensors",         "b.safetensors",
                                        "chat_template.jinja"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) drop(files[i]);
    return rmdir(folder);
}

static void assert_opens(const char *what)
{
    ken_model *m;
    ken_err err;
    if (ken_model_open(&m, folder, &err) != KEN_OK) fail_msg("%s: %s", what, err.msg);
    ken_model_free(m);
}

static void assert_refused(const char *what, const char *says)
{
    ken_model *m;
    ken_err err = {0};
    int rc = ken_model_open(&m, folder, &err);
    if (rc != KEN_EINPUT) fail_msg("%s: status %d (expected: %s)", what, rc, says);
    if (strstr(err.msg, says) == NULL) fail_msg("%s: \"%s\" does not say \"%s\"", what, err.msg, says);
    if (strstr(err.msg, folder) == NULL) fail_msg("%s: \"%s\" does not name the folder", what, err.msg);
    assert_null(m);
}

/* ---- one thing changed ------------------------------------------------------------------------------------------------ */

/* says NULL: still right */
static const struct change {
    const char *find, *with, *says;
} config_changes[] = {
    {"\"llama\"", "\"mistral\"", NULL},
    {"\"llama\"", "\"gpt_neox\"", "\"gpt_neox\" is not supported; known: llama, mistral, qwen2, qwen3"},
    {"\"llama\"", "17", "model_type is missing"},
    {"\"model_type\"", "\"type\"", "model_type is missing"},
    {"\"hidden_size\": 8", "\"hidden_size\": \"8\"", "hidden_size is not a number"},
    {"\"hidden_size\": 8", "\"hidden_size\": 8.5", "hidden_size is 8.5; expected a whole number"},
    {"\"hidden_size\": 8", "\"hidden_size\": -8", "hidden_size is -8"},
    {"\"hidden_size\": 8", "\"hidden_size\": 1e30", "hidden_size is 1e+30"},
    {"\"hidden_size\"", "\"hidden\"", "hidden_size is missing"},
    {"\"num_key_value_heads\": 1,", "", "k_proj.weight has shape [4, 8], but the configuration makes it [8, 8]"},
    {"\"num_key_value_heads\": 1", "\"num_key_value_heads\": null", "k_proj.weight has shape"},
    {"\"vocab_size\": 8", "\"vocab_size\": 9",
     "embed_tokens.weight has shape [8, 8], but the configuration makes it [9, 8]"},
    {"\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", "lm_head.weight is missing"},
    {"\"tie_word_embeddings\": true,", "", NULL}, /* no key and no head: tied */
    {"\"silu\"", "\"gelu\"", "hidden_act \"gelu\" is not supported"},
    {"\"silu\"", "\"silu\", \"attention_bias\": true", "q_proj.bias is missing"},
    {"\"silu\"", "\"silu\", \"attention_bias\": false", NULL},
    {"\"silu\"", "\"silu\", \"mlp_bias\": true", "gate_proj.bias is missing"},
    {"\"silu\"", "\"silu\", \"num_experts\": 4", "mixture of 4 experts"},
    {"\"silu\"", "\"silu\", \"head_dim\": 4", NULL},
    {"\"silu\"", "\"silu\", \"head_dim\": 8", "q_proj.weight has shape [8, 8], but the configuration makes it [16, 8]"},
    {"\"silu\"", "\"silu\", \"partial_rotary_factor\": 0.5", "partial_rotary_factor 0.5"},
    {"\"silu\"", "\"silu\", \"quantization_config\": {\"bits\": 4}", "quantization_config"},
    {"\"silu\"", "\"silu\", \"rope_scaling\": null", NULL},
    {"\"silu\"", "\"silu\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}", NULL},
    {"\"silu\"", "\"silu\", \"rope_scaling\": {\"type\": \"linear\"}", "rope_scaling.factor is missing"},
    {"\"silu\"", "\"silu\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 0}", "rope_scaling.factor is 0"},
    {"\"silu\"", "\"silu\", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 2.0}", "\"yarn\" is not supported"},
    {"\"silu\"", "\"silu\", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 2.0}",
     "rope_scaling.low_freq_factor is missing"},
    {"\"silu\"",
     "\"silu\", \"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 2, \"low_freq_factor\": 4, "
     "\"high_freq_factor\": 1,"
     " \"original_max_position_embeddings\": 8}",
     "must be above low_freq_factor"},
    {"\"silu\"", "\"silu\", \"sliding_window\": 4", NULL},
    {"\"silu\"", "\"silu\", \"sliding_window\": 4, \"layer_types\": [\"full_attention\"]",
     "a mix of layers is not supported"},
    {"\"silu\"", "\"silu\", \"model_type\": \"llama\"", "duplicate"},
    {"\"someone/tiny\"", "{\"a\": {\"a\": [[[[1]]]]}}", NULL},
    {"}", "", "config.json:1:"},
    {"{", "[", "config.json:1:"},
    {config, "", "config.json: the file is empty"},
    {config, "[1]", "the root is not a JSON object"},
    {config, "nonsense", "not valid JSON"},
    {config, "{\"a\": \"\xff\"}", "not valid JSON"},
};

static const struct change tokenizer_changes[] = {
    {"\"BPE\"", "\"Unigram\"", "model.type Unigram is not supported"},
    {"\"model\"", "\"modell\"", "model.type (none) is not supported"},
    {"\"vocab\": {", "\"vocab\": {}, \"x\": {", "model.vocab is missing or empty"},
    {"\"a\": 0", "\"a\": 1", "id 1 occurs twice"},
    {"\"a\": 0", "\"a\": -1", "token \"a\" has no usable id"},
    {"\"a\": 0", "\"a\": 8", "token \"a\" has id 8, but the embedding has only 8 rows"},
    {"\"a\": 0", "\"a\": 4000000000000", "token \"a\" has no usable id"},
    {"\"a\": 0", "\"a\": \"0\"", "token \"a\" has no usable id"},
    {"\"a\": 0", "\"a\": 7", NULL}, /* a gap is filled */
    {"\"a\": 0,", "", NULL},
    {"\"id\": 6", "\"id\": 99", NULL}, /* an added token behind the rows: a warning */
    {"\"content\": \"<|bos|>\"", "\"content\": \"\"", "added_tokens: entry 1 has no content"},
    {"\"content\": \"<|bos|>\"", "\"content\": 5", "added_tokens: entry 1 has no content"},
    {"\"a b\"", "\"ab\"", "model.merges: entry 0 is not a pair"},
    {"\"a b\"", "\"a \"", "model.merges: entry 0 is not a pair"},
    {"[\"ab\", \"c\"]", "[\"ab\"]", "model.merges: entry 1 is not a pair"},
    {"[\"ab\", \"c\"]", "7", "model.merges: entry 1 is not a pair"},
    {"\"merges\": [\"a b\", [\"ab\", \"c\"]]", "\"merges\": 3", "model.merges is not a list"},
    {"\"add_prefix_space\": false", "\"add_prefix_space\": true", "add_prefix_space is not supported"},
    {"\"use_regex\": true", "\"use_regex\": false", "splitting by \"\" is not supported"},
    {"\"pre_tokenizer\": {\"type\": \"ByteLevel\"", "\"pre_tokenizer\": {\"type\": \"Whitespace\"",
     "part 0 (Whitespace) is not supported"},
    {"\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}",
     "\"pre_tokenizer\": null", "neither a byte-level nor a SentencePiece"},
    {"\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
     "\"x+\"}, \"behavior\":"
     " \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}",
     "splitting by \"x+\" is not supported"},
    {"\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Punctuation\"}, {\"type\": "
     "\"ByteLevel\"}]}",
     "part 0 (Punctuation) is not supported"},
    {"\"normalizer\": null", "\"normalizer\": {\"type\": \"Lowercase\"}",
     "normalizer: part 0 (Lowercase) is not supported"},
    {"\"type\": \"BPE\"", "\"type\": \"BPE\", \"end_of_word_suffix\": \"</w>\"",
     "end_of_word_suffix are not supported"},
    {"\"normalizer\"", "\"model\": 1, \"normalizer\"", "duplicate"},
    {tokenizer, "{}", "model.type (none) is not supported"},
    {tokenizer, "{\"model\": {\"type\": \"BPE\"}}", "tokenizer.json"},
};

static const struct change header_changes[] = {
    {"\"F32\"", "\"F64\"", "type F64 is not supported in safetensors"},
    {"\"F32\"", "\"Q4_0\"", "type Q4_0 is not supported in safetensors"},
    {"\"F32\"", "32", "needs dtype, shape and two ascending data_offsets"},
    {"\"F32\"", "\"BF16\"", "its shape makes 128 bytes, but data_offsets 256"},
    {"[8, 8]", "[8, 9]", "its shape makes 288 bytes, but data_offsets 256"},
    {"[8, 8]", "[64]", "has shape [64], but the configuration makes it [8, 8]"},
    {"[8, 8]", "[4, 16]", "has shape [4, 16]"},
    {"[8, 8]", "[]", "it has 0 dimensions"},
    {"[8, 8]", "[8, 8, 1, 1, 1]", "it has 5 dimensions"},
    {"[8, 8]", "[-8, 8]", "dimension 0 of its shape is not a whole number"},
    {"[8, 8]", "[8.0, 8]", "dimension 0 of its shape is not a whole number"},
    {"[8, 8]", "[0, 8]", "dimension 0 is 0"},
    {"[8, 8]", "[9223372036854775807, 9223372036854775807]", "too large"},
    {"[0, 256]", "[256, 0]", "ascending data_offsets"},
    {"[0, 256]", "[-1, 256]", "ascending data_offsets"},
    {"[0, 256]", "[0]", "ascending data_offsets"},
    {"[0, 256]", "[1099511627776, 1099511628032]", "end outside the file"},
    {"[0, 256]", "[256, 512]", "overlap"},
    {"\"model.norm.weight\"", "\"model.embed_tokens.weight\"", "duplicate"},
    {"\"model.norm.weight\"", "\"norm.weight\"", "model.norm.weight is missing"},
    {"\"model.norm.weight\"", "\"\"", "no usable name"},
    {"\"model.norm.weight\": {", "\"model.norm.weight\": [{}], \"x\": {", "needs dtype, shape"},
    {"mlp.up_proj", "mlp.experts.0.up_proj", "up_proj.weight is missing"},
    {"}", "", "not valid JSON"},
};

static void changes(const char *file, const char *text, const struct change *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char what[64];
        snprintf(what, sizeof what, "%s, change %zu", file, i);
        put_right();
        if (text != NULL) put_changed(file, text, 0, list[i].find, list[i].with, 0);
        else put_weights(file, 0, N_TENSORS - 1, list[i].find, list[i].with);
        if (list[i].says == NULL) assert_opens(what);
        else assert_refused(what, list[i].says);
    }
}

#define COUNT(a) (sizeof(a) / sizeof *(a))
static void config_json(void **state)
{
    (void)state, changes("config.json", config, config_changes, COUNT(config_changes));
}
static void tokenizer_json(void **state)
{
    (void)state, changes("tokenizer.json", tokenizer, tokenizer_changes, COUNT(tokenizer_changes));
}
static void safetensors_header(void **state)
{
    (void)state, changes("model.safetensors", NULL, header_changes, COUNT(header_changes));
}

/* ---- the right one, and files that are missing or cut ----------------------------------------------------------------- */

static void right_folder(void **state)
{
    (void)state;
    put_right();
    put("generation_config.json", "{\"eos_token_id\": [6, 3, 99]}", 28);
    put("chat_template.jinja", "{{ messages }}", 14);
    ken_model *m;
    ken_err err;
    if (ken_model_open(&m, folder, &err) != KEN_OK) fail_msg("%s", err.msg);
    const ken_model_info *info = ken_model_get_info(m);
    const ken_tokenizer *t = ken_model_tokenizer(m);
    assert_string_equal(info->source, "someone/tiny");
    assert_int_equal(info->bos, 5);
    assert_int_equal(info->eos, 6);
    assert_false(info->add_bos);
    for (int32_t id = 0; id < 8; id++) assert_int_equal(ken_tokenizer_is_end(t, id), id == 3 || id == 5 || id == 6);
    assert_string_equal(ken_model_chat_template(m), "{{ messages }}");
    int32_t *ids;
    size_t n;
    assert_int_equal(ken_tokenize(m, "abcab<|bos|>", 12, false, true, &ids, &n, &err), KEN_OK);
    assert_int_equal(n, 3);
    assert_true(ids[0] == 4 && ids[1] == 3 && ids[2] == 5);
    ken_buffer_free(ids);
    ken_model_free(m);
    drop("generation_config.json");
    drop("chat_template.jinja");
}

/* What is odd, but can be run, is a warning a line. */
static void warnings(void **state)
{
    (void)state;
    put_right();
    put_changed("tokenizer.json", tokenizer, 0, "\"id\": 6, \"content\": \"<|im_end|>\"",
                "\"id\": 99, \"lstrip\": true, \"content\": \"<|im_end|>\"", 0);
    size_behind = 4; /* the room of one more value */
    put_weights("model.safetensors", 0, N_TENSORS - 1, "{\"__metadata__\": {\"format\": \"pt\"}",
                "{\"score.weight\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [1888, 1892]}");
    size_behind = 0;
    ken_model *m;
    ken_err err;
    if (ken_model_open(&m, folder, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_model_get_info(m)->n_warnings, 3);
    assert_string_equal(ken_model_warning(m, 0), "unused tensors: 1, the first is score.weight");
    assert_string_equal(ken_model_warning(m, 1),
                        "added tokens left out because their ids are beyond the 8 rows of the embedding: 1");
    assert_non_null(strstr(ken_model_warning(m, 2), "swallow the spaces"));
    assert_null(ken_model_warning(m, 3));
    assert_null(ken_model_warning(m, -1));
    ken_model_free(m);
}

static void missing_files(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } files[] = {{"config.json", "config.json is missing"},
                 {"tokenizer.json", "tokenizer.json is missing"},
                 {"model.safetensors", "neither model.safetensors nor"}};
    for (size_t i = 0; i < COUNT(files); i++) {
        put_right();
        drop(files[i].name);
        assert_refused(files[i].name, files[i].says);
    }
    put_right();
    drop("tokenizer_config.json"); /* not needed: ids from config.json */
    assert_opens("without tokenizer_config.json");
    /* what transformers writes when a tokenizer has no length */
    static const char no_length[] =
        "{\"bos_token\": \"<|bos|>\", \"model_max_length\": 1000000000000000019884624838656}";
    put("tokenizer_config.json", no_length, sizeof no_length - 1);
    assert_opens("model_max_length");
}

/* ---- parts of the pipeline that the tiny models do not have ----------------------------------------------------------- */

static void metaspace(void **state)
{
    (void)state;
    static const struct {
        const char *options, *says;
        bool prefix;
    } cases[] = {
        {"\"replacement\": \"\u2581\", \"prepend_scheme\": \"first\", \"split\": false", NULL, true},
        {"\"replacement\": \"\u2581\", \"prepend_scheme\": \"never\", \"split\": false", NULL, false},
        {"\"replacement\": \"\u2581\", \"add_prefix_space\": true, \"split\": false", NULL, true},
        {"\"replacement\": \"\u2581\", \"prepend_scheme\": \"first\", \"split\": true", "without splitting", false},
        {"\"replacement\": \"\u2581\", \"prepend_scheme\": \"first\"", "without splitting", false},
        {"\"replacement\": \"_\", \"split\": false", "only supported with U+2581", false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[1024];
        put_right();
        snprintf(text, sizeof text,
                 "{\"pre_tokenizer\": {\"type\": \"Metaspace\", %s}, \"added_tokens\": [{\"id\": 0, \"content\": "
                 "\"<unk>\", \"special\":"
                 " true}], \"model\": {\"type\": \"BPE\", \"byte_fallback\": true, \"unk_token\": null, \"vocab\": "
                 "{\"<unk>\": 0,"
                 " \"<0x41>\": 1, \"\u2581\": 2, \"a\": 3, \"\u2581a\": 4}, \"merges\": [\"\u2581 a\"]}}",
                 cases[i].options);
        put("tokenizer.json", text, strlen(text));
        put("tokenizer_config.json", "{\"unk_token\": \"<unk>\"}", 22);
        if (cases[i].says != NULL) {
            assert_refused(cases[i].options, cases[i].says);
            continue;
        }
        ken_model *m;
        ken_err err;
        if (ken_model_open(&m, folder, &err) != KEN_OK) fail_msg("%s", err.msg);
        int32_t *ids;
        size_t n;
        assert_int_equal(ken_tokenize(m, "aA z", 4, false, false, &ids, &n, &err), KEN_OK);
        const int32_t want[] = {cases[i].prefix ? 4 : 3, 1, 2, 0}; /* z has no byte token: unknown */
        assert_int_equal(n, 4);
        assert_memory_equal(ids, want, sizeof want);
        ken_buffer_free(ids);
        ken_model_free(m);
    }
}

/* Qwen2 states a window that is off, or holds from some layer on. */
static void windows_of_qwen2(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int window;
        const char *says;
    } cases[] = {{"\"sliding_window\": 16", 0, NULL},
                 {"\"sliding_window\": 16, \"use_sliding_window\": false", 0, NULL},
                 {"\"sliding_window\": null, \"use_sliding_window\": true", 0, NULL},
                 {"\"sliding_window\": 16, \"use_sliding_window\": true", 16, NULL},
                 {"\"sliding_window\": 16, \"use_sliding_window\": true, \"max_window_layers\": 0", 16, NULL},
                 {"\"sliding_window\": 16, \"use_sliding_window\": true, \"max_window_layers\": 4", 0, NULL},
                 {"\"sliding_window\": 16, \"use_sliding_window\": true, \"max_window_layers\": 2", 0,
                  "max_window_layers 2 of 4"},
                 {"\"sliding_window\": -1, \"use_sliding_window\": true", 0, "sliding_window is -1"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{\"model_type\": \"qwen2\", \"hidden_size\": 8, \"intermediate_size\": 8, \"num_hidden_layers\": 4,"
                 " \"num_attention_heads\": 2, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-6, %s}",
                 cases[i].json);
        json_t *root = json_loads(text, 0, NULL);
        ken_source s = {.json = root, .file = "config.json"};
        const ken_family *family;
        ken_config c;
        ken_err err;
        assert_int_equal(ken_family_find(&family, &s, &err), KEN_OK);
        int rc = ken_config_read(&c, family, &s, &err);
        assert_int_equal(rc, cases[i].says == NULL ? KEN_OK : KEN_EINPUT);
        if (cases[i].says == NULL) assert_int_equal(c.window, cases[i].window);
        else assert_non_null(strstr(err.msg, cases[i].says));
        json_decref(root);
    }
}

static void cut_files(void **state)
{
    (void)state;
    static const char *const names[] = {"config.json", "tokenizer.json", "model.safetensors"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        put_right();
        ken_map map;
        assert_int_equal(ken_map_file(&map, path, NULL), KEN_OK);
        size_t size = map.size, step = size > 600 ? 7 : 1; /* cut with truncate, from the end on */
        ken_unmap(&map);
        for (size_t n = size; n-- > 0;) {
            if (n % step != 0 && size - n > 40) continue;
            assert_int_equal(truncate(path, (off_t)n), 0);
            assert_refused(names[i], "");
        }
    }
}

/* ---- shards ----------------------------------------------------------------------------------------------------------- */

static void put_shards(const char *index)
{
    put_right();
    drop("model.safetensors");
    put_weights("a.safetensors", 0, 4, NULL, NULL);
    put_weights("b.safetensors", 5, N_TENSORS - 1, NULL, NULL);
    put("model.safetensors.index.json", index, strlen(index));
}

static void shards(void **state)
{
    (void)state;
    static const struct {
        const char *index, *says;
    } cases[] = {
        {"{\"weight_map\": {\"model.norm.weight\": \"a.safetensors\", \"model.layers.0.mlp.up_proj.weight\": "
         "\"b.safetensors\"}}",
         NULL},
        {"{\"weight_map\": {\"model.norm.weight\": \"a.safetensors\"}}", "v_proj.weight is missing"},
        {"{\"weight_map\": {\"extra\": \"a.safetensors\", \"x\": \"b.safetensors\"}}",
         "tensor extra should be in a.safetensors"},
        {"{\"weight_map\": {\"x\": \"c.safetensors\"}}", "c.safetensors: No such file"},
        {"{\"weight_map\": {\"x\": \"../a.safetensors\"}}", "is not the name of a file in the folder"},
        {"{\"weight_map\": {\"x\": 3}}", "is not the name of a file in the folder"},
        {"{\"weight_map\": {}}", "weight_map is missing or empty"},
        {"{}", "weight_map is missing or empty"},
        {"{\"weight_map\": {\"x\": \"config.json\"}}", "does not fit the file"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_shards(cases[i].index);
        if (cases[i].says == NULL) assert_opens("shards");
        else assert_refused(cases[i].index, cases[i].says);
    }
    put_shards(cases[0].index);
    put_weights("b.safetensors", 4, N_TENSORS - 1, NULL, NULL);
    assert_refused("a tensor in both shards", "k_proj.weight occurs twice");
    drop("model.safetensors.index.json");
}

static void too_deep(void **state)
{
    (void)state;
    char text[4096];
    put_right();
    memset(text, '[', sizeof text);
    memcpy(text, "{\"a\":", 5);
    put("config.json", text, sizeof text);
    assert_refused("4,000 brackets", "nested deeper than 64 levels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(right_folder),   cmocka_unit_test(warnings),
                                       cmocka_unit_test(metaspace),      cmocka_unit_test(windows_of_qwen2),
                                       cmocka_unit_test(missing_files),  cmocka_unit_test(config_json),
                                       cmocka_unit_test(tokenizer_json), cmocka_unit_test(safetensors_header),
                                       cmocka_unit_test(cut_files),      cmocka_unit_test(shards),
                                       cmocka_unit_test(too_deep)};
    return cmocka_run_group_tests_name("folder", tests, make_folder, remove_folder);
}
