/* write_config.c - config.json and generation_config.json for a model folder; see write_parts.h.
 *
 * A folder base has them already: they are copied, and only what the new weights change is changed, in the text, so that a reader
 * sees no other difference. A GGUF base has a ken_config, from which they are made in the words of transformers 4, which 5 reads
 * too. What those words cannot say (a mixture of biases, a rotary table of unknown origin) is refused by name. */
#include "model/json.h"
#include "model/write_parts.h"
#include "base/alloc.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *torch_type(ken_dtype type)
{
    return type == KEN_F16 ? "float16" : type == KEN_BF16 ? "bfloat16" : "float32";
}

/* ---- changing a text ---------------------------------------------------------------------------------------------------- */

typedef struct span {
    size_t begin, end;
} span;

static size_t skip_string(const char *p, size_t n, size_t at) /* at its opening quote; after the closing one */
{
    for (at++; at < n && p[at] != '"'; at++)
        if (p[at] == '\\') at++;
    return at < n ? at + 1 : n;
}

static size_t skip_space(const char *p, size_t n, size_t at)
{
    while (at < n && strchr(" \t\r\n", p[at]) != NULL && p[at] != '\0') at++;
    return at;
}

/* at its first character; after its last one. */
static size_t skip_value(const char *p, size_t n, size_t at)
{
    if (at < n && p[at] == '"') return skip_string(p, n, at);
    if (at >= n || (p[at] != '{' && p[at] != '[')) return at + strcspn(p + at, ",}] \t\r\n");
    for (int depth = 0; at < n; at++) {
        if (p[at] == '"') at = skip_string(p, n, at) - 1;
        else if (p[at] == '{' || p[at] == '[') depth++;
        else if ((p[at] == '}' || p[at] == ']') && --depth == 0) return at + 1;
    }
    return n;
}

/* Where the value of a key of the root object is in a text that is known to be valid JSON. */
static bool find_value(const char *p, size_t n, const char *key, span *value)
{
    int depth = 0;
    for (size_t at = 0; at < n; at++) {
        if (p[at] == '{' || p[at] == '[') depth++;
        else if (p[at] == '}' || p[at] == ']') depth--;
        if (p[at] != '"') continue;
        const size_t end = skip_string(p, n, at), colon = skip_space(p, n, end);
        const bool hit = depth == 1 && colon < n && p[colon] == ':' && end - at == strlen(key) + 2 &&
                         memcmp(p + at + 1, key, strlen(key)) == 0;
        at = end - 1;
        if (!hit) continue;
        value->begin = skip_space(p, n, colon + 1);
        value->end = skip_value(p, n, value->begin);
        return true;
    }
    return false;
}

/* Gives a key of the root object another value; with `add`, also when it is not there. b is NUL-terminated. */
static void set_value(ken_buf *b, const char *key, const char *text, bool add)
{
    span at;
    ken_buf next = {0};
    if (b->failed) return;
    if (find_value(b->data, b->len, key, &at)) {
        ken_buf_add(&next, b->data, at.begin);
        ken_buf_puts(&next, text);
        ken_buf_add(&next, b->data + at.end, b->len - at.end);
    } else if (add) {
        const char *brace = strrchr(b->data, '}');
        size_t end = (size_t)(brace - b->data);
        while (end > 0 && strchr(" \t\r\n", b->data[end - 1]) != NULL) end--;
        ken_buf_add(&next, b->data, end);
        ken_buf_printf(&next, ",\n  \"%s\": %s\n}\n", key, text);
    } else return;
    ken_buf_free(b);
    *b = next;
}

int ken_config_patched(ken_buf *out, const ken_base *b, ken_dtype type, ken_err *err)
{
    char quoted[16];
    ken_map text = {0};
    int rc = ken_base_file(b->model, "config.json", &text, err);
    if (rc != KEN_OK) return rc;
    ken_buf_add(out, text.data, text.size);
    snprintf(quoted, sizeof quoted, "\"%s\"", torch_type(type));
    const bool named = json_object_get(b->config, "dtype") != NULL;
    set_value(out, "dtype", quoted, false);
    set_value(out, "torch_dtype", quoted, !named);
    if (ken_model_config(b->model)->tied && !json_is_boolean(json_object_get(b->config, "tie_word_embeddings")))
        set_value(out, "tie_word_embeddings", "true", true);
    return out->failed ? ken_fail_nomem(err, "config.json") : KEN_OK;
}

/* ---- rotary scaling ----------------------------------------------------------------------------------------------------- */

/* In terms of the divisors of the frequencies: 1 for short waves, `factor` for long ones (transformers, modeling_rope_utils). */
void ken_llama3_divisors(const ken_config *c, float *out)
{
    const double pi = 3.14159265358979323846;
    for (int i = 0; i < c->d_rope / 2; i++) {
        const double f = pow(c->rope_theta, -2.0 * i / c->d_rope), turns = c->rope_orig_ctx * f / (2.0 * pi);
        const double smooth = (turns - c->rope_low) / (c->rope_high - c->rope_low);
        if (turns < c->rope_low) out[i] = (float)c->rope_factor;
        else if (turns > c->rope_high) out[i] = 1.0F;
        else out[i] = (float)(1.0 / ((1.0 - smooth) / c->rope_factor + smooth));
    }
}

/* GGUF keeps the divisors alone. Every Llama has low 1 and high 4; the factor is the largest divisor, and the original context a
 * power of two: the one whose divisors these are. */
static int recover_llama3(ken_config *c, const ken_base *b, ken_err *err)
{
    const int n = c->d_rope / 2;
    float *divisor = ken_alloc((size_t)n, sizeof *divisor);
    if (divisor == NULL) return ken_fail_nomem(err, "rotary frequencies");
    bool found = false, plain = true;
    c->rope_low = 1;
    c->rope_high = 4;
    c->rope_factor = 1;
    for (int i = 0; i < n; i++) {
        plain = plain && c->rope_freqs[i] == 1.0F;
        if (c->rope_freqs[i] > c->rope_factor) c->rope_factor = c->rope_freqs[i];
    }
    for (c->rope_orig_ctx = 16; !found && c->rope_orig_ctx <= 1 << 22; c->rope_orig_ctx *= 2) {
        ken_llama3_divisors(c, divisor);
        found = true;
        for (int i = 0; i < n && found; i++) found = fabsf(divisor[i] - c->rope_freqs[i]) <= 1e-5F * divisor[i];
        if (found) break;
    }
    ken_free(divisor);
    c->rope_scaling = plain ? KEN_ROPE_NONE : KEN_ROPE_LLAMA3;
    return found ? KEN_OK
                 : ken_fail(err, KEN_EINPUT,
                            "%s: rope_freqs.weight is not Llama-3's rotary scaling as config.json could describe it; "
                            "write GGUF instead",
                            b->model->path);
}

static void put_rope(ken_buf *out, const ken_config *c)
{
    char t[40];
    ken_buf_printf(out, "  \"rope_theta\": %s,\n", ken_json_number(c->rope_theta, false, t));
    if (c->rope_scaling == KEN_ROPE_NONE) {
        ken_buf_puts(out, "  \"rope_scaling\": null,\n");
        return;
    }
    ken_buf_printf(out, "  \"rope_scaling\": {\"rope_type\": \"%s\", \"factor\": %s",
                   c->rope_scaling == KEN_ROPE_LINEAR ? "linear" : "llama3", ken_json_number(c->rope_factor, false, t));
    if (c->rope_scaling == KEN_ROPE_LLAMA3) {
        ken_buf_printf(out, ", \"low_freq_factor\": %s", ken_json_number(c->rope_low, false, t));
        ken_buf_printf(out, ", \"high_freq_factor\": %s", ken_json_number(c->rope_high, false, t));
        ken_buf_printf(out, ", \"original_max_position_embeddings\": %d", c->rope_orig_ctx);
    }
    ken_buf_puts(out, "},\n");
}

/* ---- a configuration of our own ----------------------------------------------------------------------------------------- */

/* The class of transformers whose forward pass is this network's. */
typedef struct hf_class {
    const char *name, *model_type;
    bool attention_bias, mlp_bias; /* has keys for them */
} hf_class;

static const hf_class *class_of(const ken_config *c)
{
    static const hf_class classes[] = {{"LlamaForCausalLM", "llama", true, true},
                                       {"MistralForCausalLM", "mistral", false, false},
                                       {"Qwen2ForCausalLM", "qwen2", false, false},
                                       {"Qwen3ForCausalLM", "qwen3", true, false}};
    if (strcmp(c->arch, "qwen2") == 0) return &classes[2];
    if (strcmp(c->arch, "qwen3") == 0) return &classes[3];
    return &classes[c->window > 0 ? 1 : 0];
}

static int check_expressible(const hf_class *k, const ken_config *c, const ken_base *b, ken_err *err)
{
    const char *what = NULL;
    const bool qwen2 = strcmp(c->arch, "qwen2") == 0; /* has biases of q, k and v without being asked */
    if (c->d_rope != c->d_head) what = "heads that are rotated in part";
    else if (!qwen2 && c->qkv_bias != c->o_bias) what = "biases on only some of q, k, v and o";
    else if (!qwen2 && c->qkv_bias && !k->attention_bias) what = "attention biases beside a sliding window";
    else if (c->mlp_bias && !k->mlp_bias) what = "feed-forward biases beside a sliding window";
    if (what == NULL) return KEN_OK;
    return ken_fail(err, KEN_EINPUT, "%s: a %s network with %s cannot be described in config.json; write GGUF instead",
                    b->model->path, c->arch, what);
}

static const char *bool_text(bool b) { return b ? "true" : "false"; }

static void put_ids(ken_buf *out, const ken_base *b)
{
    const ken_tok_spec *v = &b->vocab.spec;
    if (v->bos >= 0) ken_buf_printf(out, "  \"bos_token_id\": %d,\n", v->bos);
    if (v->eos >= 0) ken_buf_printf(out, "  \"eos_token_id\": %d,\n", v->eos);
}

int ken_config_json(ken_buf *out, const ken_base *b, ken_dtype type, ken_err *err)
{
    ken_config c = *ken_model_config(b->model);
    const hf_class *k = class_of(&c);
    char t[40];
    int rc = check_expressible(k, &c, b, err);
    if (rc == KEN_OK && c.rope_freqs != NULL) rc = recover_llama3(&c, b, err);
    if (rc != KEN_OK) return rc;
    ken_buf_printf(out, "{\n  \"architectures\": [\"%s\"],\n  \"model_type\": \"%s\",\n", k->name, k->model_type);
    const struct {
        const char *key;
        int value;
    } sizes[] = {{"vocab_size", c.n_vocab},        {"hidden_size", c.n_embd},           {"intermediate_size", c.n_ff},
                 {"num_hidden_layers", c.n_layer}, {"num_attention_heads", c.n_head},   {"num_key_value_heads", c.n_kv},
                 {"head_dim", c.d_head},           {"max_position_embeddings", c.n_ctx}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        ken_buf_printf(out, "  \"%s\": %d,\n", sizes[i].key, sizes[i].value);
    ken_buf_printf(out, "  \"rms_norm_eps\": %s,\n", ken_json_number((double)c.norm_eps, true, t));
    put_rope(out, &c);
    ken_buf_puts(out, "  \"hidden_act\": \"silu\",\n");
    if (k->attention_bias) ken_buf_printf(out, "  \"attention_bias\": %s,\n", bool_text(c.qkv_bias));
    if (k->mlp_bias) ken_buf_printf(out, "  \"mlp_bias\": %s,\n", bool_text(c.mlp_bias));
    if (strcmp(c.arch, "llama") != 0) ken_buf_printf(out, "  \"use_sliding_window\": %s,\n", bool_text(c.window > 0));
    if (c.window > 0) ken_buf_printf(out, "  \"sliding_window\": %d,\n", c.window);
    if (c.window > 0 && strcmp(c.arch, "llama") != 0) ken_buf_puts(out, "  \"max_window_layers\": 0,\n");
    put_ids(out, b);
    ken_buf_printf(out, "  \"tie_word_embeddings\": %s,\n  \"use_cache\": true,\n  \"torch_dtype\": \"%s\"\n}\n",
                   bool_text(c.tied), torch_type(type));
    return out->failed ? ken_fail_nomem(err, "config.json") : KEN_OK;
}

int ken_generation_json(ken_buf *out, const ken_base *b, ken_err *err)
{
    const ken_tok_spec *v = &b->vocab.spec;
    ken_buf_puts(out, "{\n  \"do_sample\": false");
    if (v->bos >= 0) ken_buf_printf(out, ",\n  \"bos_token_id\": %d", v->bos);
    const char *before = ",\n  \"eos_token_id\": [";
    for (int32_t i = -1; i < v->n_ends; i++) {
        const int32_t id = i < 0 ? v->eos : v->ends[i];
        if (id < 0 || (i >= 0 && id == v->eos)) continue;
        ken_buf_printf(out, "%s%d", before, id);
        before = ", ";
    }
    ken_buf_puts(out, before[0] == ',' && before[1] == ' ' ? "]\n}\n" : "\n}\n");
    return out->failed ? ken_fail_nomem(err, "generation_config.json") : KEN_OK;
}
