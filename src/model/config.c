/* config.c - reads a network's shape from GGUF metadata or config.json.
 *
 * Both say the same things under other names, so one table holds both names, the limits, and where the value goes. Limits are far
 * above any model in use; they are there so that products of sizes stay inside 64 bits and a hostile file cannot ask for the
 * whole memory. What is not a plain field (rotary scaling, the sliding window) follows below the table. */
#include "model/family.h"
#include "model/json.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- asking either source --------------------------------------------------------------------------------------------- */

const char *ken_source_key(const ken_source *s, const char *gguf_key, const char *json_key, char buf[128])
{
    if (s->gguf != NULL) snprintf(buf, 128, "%s.%s", s->arch, gguf_key != NULL ? gguf_key : "?");
    else snprintf(buf, 128, "%s", json_key != NULL ? json_key : "?");
    return buf;
}

ken_value ken_source_get(const ken_source *s, const char *gguf_key, const char *json_key)
{
    char key[128];
    if ((s->gguf != NULL ? gguf_key : json_key) == NULL) return (ken_value){.kind = KEN_V_NONE};
    if (s->gguf == NULL) return ken_json_value(s->json, json_key);
    return ken_gguf_value(ken_gguf_find(s->gguf, ken_source_key(s, gguf_key, NULL, key)));
}

/* ---- plain fields ----------------------------------------------------------------------------------------------------- */

typedef enum field_kind { INT, F32, F64 } field_kind;
typedef struct field {
    const char *gguf, *json;
    size_t at; /* in ken_config */
    field_kind kind;
    bool required;
    double lo, hi;
} field;

#define AT(name) offsetof(ken_config, name)
static const field fields[] = {
    {"block_count", "num_hidden_layers", AT(n_layer), INT, true, 1, 1024},
    {"embedding_length", "hidden_size", AT(n_embd), INT, true, 1, 1 << 20},
    {"attention.head_count", "num_attention_heads", AT(n_head), INT, true, 1, 4096},
    {"attention.head_count_kv", "num_key_value_heads", AT(n_kv), INT, false, 1, 4096},
    {"attention.key_length", "head_dim", AT(d_head), INT, false, 2, 4096},
    {"rope.dimension_count", NULL, AT(d_rope), INT, false, 2, 4096},
    {"feed_forward_length", "intermediate_size", AT(n_ff), INT, true, 1, 1 << 22},
    {"vocab_size", "vocab_size", AT(n_vocab), INT, false, 1, 1 << 24},
    {"context_length", "max_position_embeddings", AT(n_ctx), INT, true, 1, 1 << 30},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", AT(norm_eps), F32, true, 0, 1},
    {"rope.freq_base", "rope_theta", AT(rope_theta), F64, false, 1, 1e15},
    {NULL, "rope_parameters.rope_theta", AT(rope_theta), F64, false, 1, 1e15}, /* transformers 5 */
};

/* A number in [lo, hi], whole when `whole`. *found tells whether the key is there (JSON null counts as absent). */
static int get_number(const ken_source *s, const char *gguf, const char *json, bool whole, double lo, double hi,
                      double *out, bool *found, ken_err *err)
{
    char key[128];
    ken_value v = ken_source_get(s, gguf, json);
    *found = v.kind != KEN_V_NONE && v.kind != KEN_V_NULL;
    if (!*found) return KEN_OK;
    if (v.kind != KEN_V_NUMBER)
        return ken_fail(err, KEN_EINPUT, "%s: %s is not a number", s->file, ken_source_key(s, gguf, json, key));
    if (!(v.number >= lo && v.number <= hi) || (whole && v.number != floor(v.number)))
        return ken_fail(err, KEN_EINPUT, "%s: %s is %.17g; expected a%s number from %g to %g", s->file,
                        ken_source_key(s, gguf, json, key), v.number, whole ? " whole" : "", lo, hi);
    *out = v.number;
    return KEN_OK;
}

static int read_fields(ken_config *c, const ken_source *s, ken_err *err)
{
    char key[128];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const field *f = &fields[i];
        double v = 0;
        bool found;
        int rc = get_number(s, f->gguf, f->json, f->kind == INT, f->lo, f->hi, &v, &found, err);
        if (rc != KEN_OK) return rc;
        if (!found && f->required)
            return ken_fail(err, KEN_EINPUT, "%s: %s is missing; the model is incomplete, get it again", s->file,
                            ken_source_key(s, f->gguf, f->json, key));
        if (!found) continue;
        char *to = (char *)c + f->at;
        if (f->kind == INT) *(int *)(void *)to = (int)v;
        else if (f->kind == F32) *(float *)(void *)to = (float)v;
        else *(double *)(void *)to = v;
    }
    return KEN_OK;
}

/* ---- rotary scaling --------------------------------------------------------------------------------------------------- */

/* in, name: of config.json's object and its key. */
static int read_factor(double *out, const ken_source *s, const char *gguf, const char *in, const char *name,
                       ken_err *err)
{
    char key[128], json[80];
    bool found;
    snprintf(json, sizeof json, "%s.%s", in, name);
    int rc = get_number(s, gguf, json, false, 1e-6, 1e9, out, &found, err);
    if (rc == KEN_OK && !found)
        rc = ken_fail(err, KEN_EINPUT, "%s: %s is missing; the rotary scaling needs it", s->file,
                      ken_source_key(s, gguf, json, key));
    return rc;
}

/* The kind of scaling is under rope_scaling.type, rope_scaling.rope_type (since 4.43) or rope_parameters.rope_type (since 5)
 * in config.json; GGUF knows "linear" and "yarn", takes a factor without a type as linear, and stores Llama-3's scaling as the tensor
 * rope_freqs.weight. */
static int read_rope_scaling(ken_config *c, const ken_source *s, ken_err *err)
{
    const char *in = "rope_scaling";
    ken_value type = ken_source_get(s, "rope.scaling.type", "rope_scaling.rope_type");
    if (type.kind == KEN_V_NONE) type = ken_source_get(s, NULL, "rope_scaling.type");
    if (type.kind == KEN_V_NONE && s->json != NULL) {
        in = "rope_parameters";
        type = ken_source_get(s, NULL, "rope_parameters.rope_type");
    }
    ken_value factor_alone = ken_source_get(s, "rope.scaling.factor", NULL);
    bool linear = ken_value_is(&type, "linear") || (type.kind == KEN_V_NONE && factor_alone.kind == KEN_V_NUMBER);
    if (!linear && (type.kind == KEN_V_NONE || type.kind == KEN_V_NULL || ken_value_is(&type, "none") ||
                    ken_value_is(&type, "default")))
        return KEN_OK;

    int rc;
    double orig_ctx = 0;
    if (linear) {
        if ((rc = read_factor(&c->rope_factor, s, "rope.scaling.factor", in, "factor", err)) != KEN_OK) return rc;
        c->rope_scaling = c->rope_factor == 1.0 ? KEN_ROPE_NONE : KEN_ROPE_LINEAR;
        return KEN_OK;
    }
    if (s->json != NULL && ken_value_is(&type, "llama3")) {
        if ((rc = read_factor(&c->rope_factor, s, NULL, in, "factor", err)) != KEN_OK) return rc;
        if ((rc = read_factor(&c->rope_low, s, NULL, in, "low_freq_factor", err)) != KEN_OK) return rc;
        if ((rc = read_factor(&c->rope_high, s, NULL, in, "high_freq_factor", err)) != KEN_OK) return rc;
        if ((rc = read_factor(&orig_ctx, s, NULL, in, "original_max_position_embeddings", err)) != KEN_OK) return rc;
        if (c->rope_high <= c->rope_low || orig_ctx < 1 || orig_ctx != floor(orig_ctx))
            return ken_fail(err, KEN_EINPUT,
                            "%s: %s: high_freq_factor %g must be above low_freq_factor %g, and "
                            "original_max_position_embeddings %g a whole number",
                            s->file, in, c->rope_high, c->rope_low, orig_ctx);
        c->rope_orig_ctx = (int)orig_ctx;
        c->rope_scaling = KEN_ROPE_LLAMA3;
        return KEN_OK;
    }
    return ken_fail(err, KEN_EINPUT, "%s: rotary scaling \"%.*s\" is not supported (none, linear and llama3 are)",
                    s->file, (int)(type.string.n > 40 ? 40 : type.string.n),
                    type.kind == KEN_V_STRING ? type.string.p : "?");
}

/* ---- sliding window --------------------------------------------------------------------------------------------------- */

/* One window for all layers, or none. Qwen2 and Qwen3 carry a window that is off unless use_sliding_window, and then holds from
 * layer max_window_layers on (transformers, configuration_qwen2.py); a mix of layers is refused. */
static int read_window(ken_config *c, const ken_family *f, const ken_source *s, ken_err *err)
{
    double window = 0, from = 0;
    bool found, found_from = false;
    int rc = get_number(s, "attention.sliding_window", "sliding_window", true, 0, 1 << 30, &window, &found, err);
    if (rc != KEN_OK || window == 0) return rc;
    if (s->json != NULL && strcmp(f->arch, "llama") != 0) {
        ken_value use = ken_source_get(s, NULL, "use_sliding_window");
        if (use.kind != KEN_V_BOOL || !use.boolean) return KEN_OK;
        if ((rc = get_number(s, NULL, "max_window_layers", true, 0, 1 << 20, &from, &found_from, err)) != KEN_OK)
            return rc;
        if (found_from && from >= c->n_layer) return KEN_OK;
        if (from > 0)
            return ken_fail(err, KEN_EINPUT,
                            "%s: layers with and without sliding window in one model (max_window_layers %d of %d) "
                            "are not supported",
                            s->file, (int)from, c->n_layer);
    }
    if (s->json != NULL) { /* an explicit list must agree */
        const json_t *list = json_object_get(s->json, "layer_types");
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *type = json_string_value(json_array_get(list, i));
            if (type == NULL || strcmp(type, "sliding_attention") != 0)
                return ken_fail(err, KEN_EINPUT,
                                "%s: layer_types: layer %zu is \"%s\" in a model with a sliding window; a mix of "
                                "layers is not supported",
                                s->file, i, type != NULL ? type : "?");
        }
    }
    c->window = (int)window;
    return KEN_OK;
}

/* ---- what we do not run ----------------------------------------------------------------------------------------------- */

static int refuse_variants(const ken_source *s, ken_err *err)
{
    double n = 0;
    bool found;
    int rc = get_number(s, "expert_count", "num_experts", true, 0, 1 << 20, &n, &found, err);
    if (rc != KEN_OK) return rc;
    if (n > 0)
        return ken_fail(err, KEN_EINPUT, "%s: a mixture of %d experts; only dense models are supported", s->file,
                        (int)n);
    ken_value act = ken_source_get(s, NULL, "hidden_act");
    if (act.kind == KEN_V_STRING && !ken_value_is(&act, "silu") && !ken_value_is(&act, "swish"))
        return ken_fail(err, KEN_EINPUT, "%s: hidden_act \"%.*s\" is not supported (silu is)", s->file,
                        (int)(act.string.n > 40 ? 40 : act.string.n), act.string.p);
    ken_value quant = ken_source_get(s, NULL, "quantization_config");
    if (quant.kind == KEN_V_OTHER)
        return ken_fail(err, KEN_EINPUT,
                        "%s: the weights are quantised (quantization_config); use the F32, F16 or BF16 original, or "
                        "a GGUF file",
                        s->file);
    ken_value partial = ken_source_get(s, NULL, "partial_rotary_factor");
    if (partial.kind == KEN_V_NUMBER && partial.number != 1.0)
        return ken_fail(err, KEN_EINPUT, "%s: partial_rotary_factor %g is not supported (1 is)", s->file,
                        partial.number);
    return KEN_OK;
}

/* ---- all of it -------------------------------------------------------------------------------------------------------- */

int ken_config_read(ken_config *c, const ken_family *f, const ken_source *s, ken_err *err)
{
    *c = (ken_config){.rope_theta = 10000.0, .rope_factor = 1.0}; /* 10000: the default of both formats */
    snprintf(c->arch, sizeof c->arch, "%s", f->arch);
    int rc = refuse_variants(s, err);
    if (rc == KEN_OK) rc = read_fields(c, s, err);
    if (rc != KEN_OK) return rc;
    if (c->n_kv == 0) c->n_kv = c->n_head;
    if (c->n_head % c->n_kv != 0)
        return ken_fail(err, KEN_EINPUT, "%s: %d attention heads cannot share %d key-value heads evenly", s->file,
                        c->n_head, c->n_kv);
    if (c->d_head == 0) {
        if (c->n_embd % c->n_head != 0)
            return ken_fail(err, KEN_EINPUT, "%s: %d values do not divide into %d heads, and no head size is given",
                            s->file, c->n_embd, c->n_head);
        c->d_head = c->n_embd / c->n_head;
    }
    if (c->d_rope == 0) c->d_rope = c->d_head;
    if (c->d_rope % 2 != 0 || c->d_rope > c->d_head)
        return ken_fail(err, KEN_EINPUT,
                        "%s: %d rotated dimensions of a head of %d; an even number up to it is possible", s->file,
                        c->d_rope, c->d_head);
    double value_length = c->d_head;
    bool found;
    rc = get_number(s, "attention.value_length", NULL, true, 1, 4096, &value_length, &found, err);
    if (rc == KEN_OK && value_length != c->d_head)
        rc = ken_fail(err, KEN_EINPUT, "%s: keys of %d and values of %d dimensions; only equal sizes are supported",
                      s->file, c->d_head, (int)value_length);
    if (rc == KEN_OK) rc = read_rope_scaling(c, s, err);
    if (rc == KEN_OK) rc = read_window(c, f, s, err);
    c->qk_interleaved = s->gguf != NULL && f->gguf_interleaved;
    return rc;
}
