/* lora_read.c - an adapter from a PEFT folder: adapter_config.json and adapter_model.safetensors; see lora.h.
 *
 * PEFT's LoRA has grown many variants that compute something else than W + scale B A, or train more than the seven projections.
 * Each has a key in the configuration; what we do not compute is refused by that key, since running without it would give wrong
 * numbers. Which projections have a pair is told by the tensors; target_modules may be a regular expression, and is not read.
 * Keys: huggingface/peft src/peft/tuners/lora/config.py (0.21). */
#include "base/alloc.h"
#include "base/file.h"
#include "model/json.h"
#include "model/lora.h"
#include "model/params.h"
#include "model/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_JSON = 1 << 20, MAX_RANK = 1 << 16 };

/* ---- the configuration ------------------------------------------------------------------------------------------------ */

/* True for null, false, 0, "" , "none" and empty lists and objects: the variant is off. */
static bool is_off(const json_t *j)
{
    if (j == NULL || json_is_null(j) || json_is_false(j)) return true;
    if (json_is_string(j)) return json_string_length(j) == 0 || strcmp(json_string_value(j), "none") == 0;
    if (json_is_array(j)) return json_array_size(j) == 0;
    if (json_is_object(j)) return json_object_size(j) == 0;
    return json_is_number(j) && json_number_value(j) == 0;
}

static int refuse_variants(const json_t *root, const char *file, ken_err *err)
{
    static const struct {
        const char *key, *what;
    } variants[] = {{"use_dora", "weight-decomposed adapters (DoRA)"},
                    {"rank_pattern", "a rank of its own for some modules"},
                    {"alpha_pattern", "an alpha of its own for some modules"},
                    {"modules_to_save", "modules trained whole beside the adapter"},
                    {"bias", "trained biases"},
                    {"lora_bias", "biases of the adapter"},
                    {"fan_in_fan_out", "transposed weights"},
                    {"trainable_token_indices", "trained token embeddings"},
                    {"target_parameters", "adapters of bare parameters"},
                    {"use_qalora", "QALoRA"},
                    {"use_bdlora", "block-diagonal adapters"},
                    {"alora_invocation_tokens", "activated LoRA"},
                    {"arrow_config", "routed adapters (Arrow)"},
                    {"layer_replication", "repeated layers"},
                    {"kasa_config", "KaSA adapters"},
                    {"monteclora_config", "Monteclora adapters"},
                    {"megatron_config", "Megatron's parallel layers"}};
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (!is_off(json_object_get(root, variants[i].key)))
            return ken_fail(err, KEN_EINPUT,
                            "%s: %s: %s are not supported; merge the adapter into its model with peft, and use that",
                            file, variants[i].key, variants[i].what);
    return KEN_OK;
}

/* Some ways to start an adapter change the base as well, again whenever it is loaded (PiSSA, OLoRA, ...). */
static int refuse_changed_base(const json_t *root, const char *file, ken_err *err)
{
    static const char *const harmless[] = {"gaussian", "eva", "orthogonal"};
    const ken_value init = ken_json_value(root, "init_lora_weights");
    if (init.kind != KEN_V_STRING) return KEN_OK;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (ken_value_is(&init, harmless[i])) return KEN_OK;
    return ken_fail(
        err, KEN_EINPUT,
        "%s: init_lora_weights \"%.*s\": adapters that change the base are not supported; merge the adapter "
        "into its model with peft, and use that",
        file, (int)(init.string.n > 40 ? 40 : init.string.n), init.string.p);
}

typedef struct settings {
    int rank;
    float alpha, scale, dropout;
} settings;

static int read_number(const json_t *root, const char *key, const char *file, double otherwise, double lo, double hi,
                       double *out, ken_err *err)
{
    const json_t *j = json_object_get(root, key);
    *out = otherwise;
    if (j == NULL && isfinite(otherwise)) return KEN_OK;
    if (!json_is_number(j)) return ken_fail(err, KEN_EINPUT, "%s: %s is not a number", file, key);
    *out = json_number_value(j);
    if (*out >= lo && *out <= hi) return KEN_OK;
    return ken_fail(err, KEN_EINPUT, "%s: %s is %g; expected %g to %g", file, key, *out, lo, hi);
}

static int read_settings(settings *s, const json_t *root, const char *file, ken_err *err)
{
    double rank, alpha, dropout;
    const ken_value type = ken_json_value(root, "peft_type");
    if (!ken_value_is(&type, "LORA"))
        return ken_fail(err, KEN_EINPUT, "%s: peft_type \"%.*s\" is not supported (LORA is)", file,
                        (int)(type.string.n > 40 ? 40 : type.string.n), type.kind == KEN_V_STRING ? type.string.p : "");
    int rc = refuse_variants(root, file, err);
    if (rc == KEN_OK) rc = refuse_changed_base(root, file, err);
    if (rc == KEN_OK) rc = read_number(root, "r", file, NAN, 1, MAX_RANK, &rank, err);
    if (rc == KEN_OK) rc = read_number(root, "lora_alpha", file, 8, -1e9, 1e9, &alpha, err); /* 8: PEFT's default */
    if (rc == KEN_OK) rc = read_number(root, "lora_dropout", file, 0, 0, 1, &dropout, err);
    if (rc != KEN_OK) return rc;
    if (rank != floor(rank)) return ken_fail(err, KEN_EINPUT, "%s: r is %g; a rank is a whole number", file, rank);
    *s = (settings){.rank = (int)rank, .alpha = (float)alpha, .dropout = (float)dropout};
    const bool rslora = json_is_true(json_object_get(root, "use_rslora"));
    s->scale = (float)(alpha / (rslora ? sqrt(rank) : rank));
    return KEN_OK;
}

/* ---- the tensors ------------------------------------------------------------------------------------------------------ */

/* Which half of which pair a tensor is: "base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight". */
static bool parse_name(const char *name, int *layer, ken_module *module, bool *is_b)
{
    static const char prefix[] = "base_model.model.model.layers.";
    int n = 0;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return false;
    name += sizeof prefix - 1;
    if (sscanf(name, "%4d.%n", layer, &n) != 1 || n == 0 || *layer < 0 || name[0] < '0' || name[0] > '9') return false;
    name += n;
    for (int m = 0; m < KEN_N_MODULES; m++) {
        const char *hf = ken_module_hf((ken_module)m);
        const size_t len = strlen(hf);
        if (strncmp(name, hf, len) != 0) continue;
        *module = (ken_module)m;
        *is_b = strcmp(name + len, ".lora_B.weight") == 0;
        return *is_b || strcmp(name + len, ".lora_A.weight") == 0;
    }
    return false;
}

/* What the tensors give; both halves of a pair or none. */
typedef struct found {
    const ken_tensor *a, *b;
} found;

static int find_pairs(found *f, unsigned *targets, const ken_tensors *tensors, const ken_config *c, const char *file,
                      ken_err *err)
{
    *targets = 0;
    for (size_t i = 0; i < tensors->n; i++) {
        const ken_tensor *t = &tensors->t[i];
        int layer;
        ken_module m;
        bool is_b;
        if (!parse_name(t->name, &layer, &m, &is_b))
            return ken_fail(
                err, KEN_EINPUT,
                "%s: tensor %.200s is no lora_A or lora_B of a layer's projection; adapters of other modules "
                "are not supported: merge the adapter into its model with peft, and use that",
                file, t->name);
        if (layer >= c->n_layer)
            return ken_fail(err, KEN_EINPUT,
                            "%s: tensor %s, but the model has only %d layers: the adapter was made for another model",
                            file, t->name, c->n_layer);
        found *x = &f[layer * KEN_N_MODULES + (int)m];
        const ken_tensor **slot = is_b ? &x->b : &x->a;
        if (*slot != NULL) /* "layers.03" is layer 3, too */
            return ken_fail(err, KEN_EINPUT, "%s: tensors %s and %s are the same matrix", file, (*slot)->name, t->name);
        *slot = t;
        *targets |= 1U << m;
    }
    if (*targets == 0) return ken_fail(err, KEN_EINPUT, "%s: holds no tensors", file);
    for (int i = 0; i < c->n_layer * KEN_N_MODULES; i++)
        if ((f[i].a == NULL) != (f[i].b == NULL))
            return ken_fail(err, KEN_EINPUT, "%s: tensor %s has no other half", file,
                            f[i].a != NULL ? f[i].a->name : f[i].b->name);
    return KEN_OK;
}

static int read_matrix(float *to, const ken_tensor *t, int rows, int cols, const char *file, ken_err *err)
{
    char is[96], expected[96];
    const int64_t ne[2] = {cols, rows};
    if (t->n_dims != 2 || t->ne[0] != cols || t->ne[1] != rows)
        return ken_fail(err, KEN_EINPUT,
                        "%s: tensor %s has shape %s, but the rank and the model make it %s: the adapter was made for "
                        "another model",
                        file, t->name, ken_shape_text(is, t->n_dims, t->ne), ken_shape_text(expected, 2, ne));
    int rc = ken_unpack_matrix(t, to, rows, cols, 0, 0, 1, err);
    return rc == KEN_OK || err == NULL ? rc : ken_fail_prefix(err, "%s", file);
}

/* Fills the pairs that are there; those that are not have none. */
static int read_pairs(ken_lora *l, const found *f, const char *file, ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; i < l->n_layer * KEN_N_MODULES && rc == KEN_OK; i++) {
        ken_lora_pair *p = &l->pair[i];
        if (f[i].a == NULL) {
            *p = (ken_lora_pair){0};
            continue;
        }
        rc = read_matrix(p->a, f[i].a, l->rank, p->in, file, err);
        if (rc == KEN_OK) rc = read_matrix(p->b, f[i].b, p->out, l->rank, file, err);
    }
    return rc;
}

/* ---- the folder ------------------------------------------------------------------------------------------------------- */

static int read_tensors(ken_lora **out, const settings *s, const ken_tensors *tensors, const ken_config *c,
                        const char *file, ken_err *err)
{
    unsigned targets;
    found *f = ken_calloc((size_t)c->n_layer * KEN_N_MODULES, sizeof *f);
    if (f == NULL) return ken_fail_nomem(err, "adapter");
    ken_lora *l = NULL;
    int rc = find_pairs(f, &targets, tensors, c, file, err);
    if (rc == KEN_OK) {
        rc = ken_lora_new(&l, c, s->rank, s->alpha, targets, err);
        if (rc == KEN_EUSAGE) rc = ken_fail(err, KEN_EINPUT, "%s: rank %d does not fit the model", file, s->rank);
    }
    if (rc == KEN_OK) {
        l->scale = s->scale;
        l->dropout = s->dropout;
        rc = read_pairs(l, f, file, err);
    }
    ken_free(f);
    if (rc != KEN_OK) ken_lora_free(l);
    else *out = l;
    return rc;
}

int ken_lora_from_bytes(ken_lora **out, const ken_lora_bytes *in, const ken_config *c, ken_err *err)
{
    *out = NULL;
    json_t *root = NULL;
    ken_tensors tensors = {0};
    settings s;
    int rc = ken_json_parse(&root, in->config, in->n_config, MAX_JSON, in->config_file, err);
    if (rc == KEN_OK) rc = read_settings(&s, root, in->config_file, err);
    if (rc == KEN_OK) rc = ken_safetensors_add(&tensors, in->weights, in->n_weights, in->weights_file, err);
    if (rc == KEN_OK) rc = read_tensors(out, &s, &tensors, c, in->weights_file, err);
    ken_tensors_free(&tensors);
    json_decref(root);
    return rc;
}

int ken_lora_read(ken_lora **out, const char *dir, const ken_config *c, ken_err *err)
{
    *out = NULL;
    ken_map config = {0}, weights = {0};
    ken_lora_bytes in = {.config_file = ken_lora_file(dir, false), .weights_file = ken_lora_file(dir, true)};
    int rc = in.config_file == NULL || in.weights_file == NULL ? ken_fail_nomem(err, "file name") : KEN_OK;
    if (rc == KEN_OK && !ken_is_file(in.config_file))
        rc =
            ken_fail(err, KEN_EINPUT,
                     "%s is missing; an adapter is a folder with adapter_config.json and adapter_model.safetensors, as "
                     "`ken_train` and peft write them",
                     in.config_file);
    if (rc == KEN_OK) rc = ken_map_file(&config, in.config_file, err);
    if (rc == KEN_OK) rc = ken_map_file(&weights, in.weights_file, err);
    if (rc == KEN_OK) {
        in.config = config.data;
        in.n_config = config.size;
        in.weights = weights.data;
        in.n_weights = weights.size;
        rc = ken_lora_from_bytes(out, &in, c, err);
    }
    ken_unmap(&config);
    ken_unmap(&weights);
    ken_free((void *)in.config_file);
    ken_free((void *)in.weights_file);
    return rc;
}
