/* write_folder.c - a model folder and a PEFT folder, as transformers and peft read them; see write.h. The texts are made in
 * write_config.c and write_tokenizer.c; here is which files there are, and in which order they appear. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "model/json.h"
#include "model/write.h"
#include "model/write_parts.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* ---- files ---------------------------------------------------------------------------------------------------------------- */

static int write_in(const char *dir, const char *name, const void *data, size_t n, ken_err *err)
{
    char *path = ken_path_join(dir, name);
    if (path == NULL) return ken_fail_nomem(err, "file name");
    int rc = ken_write_file(path, data, n, err);
    ken_free(path);
    return rc;
}

typedef int make_fn(ken_buf *out, const ken_base *b, ken_err *err);

static int write_made(const char *dir, const char *name, make_fn *make, const ken_base *b, ken_err *err)
{
    ken_buf text = {0};
    int rc = make(&text, b, err);
    if (rc == KEN_OK) rc = write_in(dir, name, text.data, text.len, err);
    ken_buf_free(&text);
    return rc;
}

/* A file beside the base's, byte for byte, where there is one. */
static int copy_file(const char *from, const char *dir, const char *name, ken_err *err)
{
    char *path = ken_path_join(from, name);
    if (path == NULL) return ken_fail_nomem(err, "file name");
    ken_map map = {0};
    int rc = ken_is_file(path) ? ken_map_file(&map, path, err) : KEN_OK;
    if (rc == KEN_OK && map.size > 0) rc = write_in(dir, name, map.data, map.size, err);
    ken_unmap(&map);
    ken_free(path);
    return rc;
}

/* ---- a model ---------------------------------------------------------------------------------------------------------------- */

static int write_config(const char *dir, const ken_base *b, ken_dtype type, ken_err *err)
{
    ken_buf text = {0};
    int rc = b->is_gguf ? ken_config_json(&text, b, type, err) : ken_config_patched(&text, b, type, err);
    if (rc == KEN_OK) rc = write_in(dir, "config.json", text.data, text.len, err);
    ken_buf_free(&text);
    return rc;
}

static int write_texts(const char *dir, const ken_base *b, ken_err *err)
{
    static const char *const copied[] = {"tokenizer.json", "tokenizer_config.json",   "generation_config.json",
                                         "vocab.json",     "special_tokens_map.json", "added_tokens.json",
                                         "merges.txt",     "tokenizer.model",         "chat_template.jinja"};
    int rc = KEN_OK;
    for (size_t i = 0; i < sizeof copied / sizeof *copied && rc == KEN_OK && !b->is_gguf; i++)
        rc = copy_file(b->model->path, dir, copied[i], err);
    if (!b->is_gguf) return rc;
    rc = write_made(dir, "tokenizer.json", ken_tokenizer_json, b, err);
    if (rc == KEN_OK) rc = write_made(dir, "tokenizer_config.json", ken_tokenizer_config_json, b, err);
    return rc == KEN_OK ? write_made(dir, "generation_config.json", ken_generation_json, b, err) : rc;
}

static int write_weights(const char *dir, const ken_params *p, ken_dtype type, ken_err *err)
{
    ken_out_tensors s = {0};
    char *path = ken_path_join(dir, "model.safetensors");
    int rc = path == NULL ? ken_fail_nomem(err, "file name") : KEN_OK;
    if (rc == KEN_OK) rc = ken_out_tensors_params(&s, p, false, type, err);
    if (rc == KEN_OK) rc = ken_write_safetensors(&s, path, err);
    ken_out_tensors_free(&s);
    ken_free(path);
    return rc;
}

static bool same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int write_all(const ken_base *b, const ken_params *p, ken_dtype type, const char *dir, ken_err *err)
{
    int rc = ken_make_folder(dir, err);
    if (rc == KEN_OK) rc = write_config(dir, b, type, err);
    if (rc == KEN_OK) rc = write_texts(dir, b, err);
    return rc == KEN_OK ? write_weights(dir, p, type, err) : rc;
}

int ken_write_model_folder(const ken_model *base, const ken_params *p, ken_dtype type, const char *dir, ken_err *err)
{
    if (type != KEN_F32 && type != KEN_F16 && type != KEN_BF16)
        return ken_fail(err, KEN_EUSAGE, "%s: a model folder holds F32, F16 or BF16", dir);
    if (same_folder(base->path, dir))
        return ken_fail(err, KEN_EUSAGE, "%s is the folder of the model that is trained; name another one", dir);
    ken_base b;
    int rc = ken_base_open(&b, base, base->gguf.data != NULL, err);
    if (rc == KEN_OK) rc = write_all(&b, p, type, dir, err);
    ken_base_close(&b);
    return rc;
}

int ken_write_new_folder(const ken_model *m, const ken_tok_spec *v, const ken_params *p, const char *dir, ken_err *err)
{
    const ken_base b = {.model = m, .is_gguf = true /* nothing to copy: all is made */, .vocab.spec = *v};
    return write_all(&b, p, KEN_F32, dir, err);
}

/* ---- an adapter --------------------------------------------------------------------------------------------------------------- */

static bool has_pair(const ken_lora *l, int layer, int m) { return l->pair[layer * KEN_N_MODULES + m].a != NULL; }

/* The modules that have a pair: "q_proj" when every layer has one, else "layers.3.self_attn.q_proj" for each that has. PEFT takes a
 * name as the end of a module's path. */
static void put_targets(ken_buf *out, const ken_lora *l)
{
    const char *comma = "";
    ken_buf_puts(out, "  \"target_modules\": [");
    for (int m = 0; m < KEN_N_MODULES; m++) {
        int n = 0;
        for (int layer = 0; layer < l->n_layer; layer++) n += has_pair(l, layer, m);
        if (n == 0) continue;
        if (n == l->n_layer) {
            ken_buf_printf(out, "%s\"%s\"", comma, ken_module_name((ken_module)m));
            comma = ", ";
        }
        for (int layer = 0; layer < l->n_layer && n < l->n_layer; layer++) {
            if (!has_pair(l, layer, m)) continue;
            ken_buf_printf(out, "%s\"layers.%d.%s\"", comma, layer, ken_module_hf((ken_module)m));
            comma = ", ";
        }
    }
    ken_buf_puts(out, "],\n");
}

static int adapter_config(ken_buf *out, const ken_model *base, const ken_lora *l, ken_err *err)
{
    char t[40];
    char *name = ken_base_name(base);
    if (name == NULL) return ken_fail_nomem(err, "the base's name");
    const bool plain = l->scale == (float)((double)l->alpha / l->rank);
    ken_buf_puts(out,
                 "{\n  \"peft_type\": \"LORA\",\n  \"task_type\": \"CAUSAL_LM\",\n  \"base_model_name_or_path\": ");
    if (!ken_json_quote(out, name, strlen(name))) ken_buf_puts(out, "null"); /* a file name need not be UTF-8 */
    ken_buf_printf(out, ",\n  \"r\": %d,\n", l->rank);
    if (l->alpha == rintf(l->alpha) && fabsf(l->alpha) < 1e9F)
        ken_buf_printf(out, "  \"lora_alpha\": %.0f,\n", (double)l->alpha);
    else ken_buf_printf(out, "  \"lora_alpha\": %s,\n", ken_json_number((double)l->alpha, true, t));
    ken_buf_printf(out, "  \"lora_dropout\": %s,\n", ken_json_number((double)l->dropout, true, t));
    put_targets(out, l);
    ken_buf_printf(
        out,
        "  \"use_rslora\": %s,\n  \"use_dora\": false,\n  \"bias\": \"none\",\n  \"fan_in_fan_out\": false,\n"
        "  \"init_lora_weights\": true,\n  \"modules_to_save\": null,\n  \"rank_pattern\": {},\n"
        "  \"alpha_pattern\": {},\n  \"layers_to_transform\": null,\n  \"layers_pattern\": null,\n"
        "  \"auto_mapping\": null,\n  \"revision\": null,\n  \"inference_mode\": true\n}\n",
        plain ? "false" : "true");
    ken_free(name);
    return out->failed ? ken_fail_nomem(err, "adapter_config.json") : KEN_OK;
}

int ken_write_adapter(const ken_model *base, const ken_lora *l, const char *dir, ken_err *err)
{
    ken_buf text = {0};
    ken_out_tensors s = {0};
    char *path = ken_lora_file(dir, true);
    int rc = path == NULL ? ken_fail_nomem(err, "file name") : KEN_OK;
    if (rc == KEN_OK) rc = ken_out_tensors_lora(&s, l, ken_model_config(base), false, err);
    if (rc == KEN_OK) rc = adapter_config(&text, base, l, err);
    if (rc == KEN_OK) rc = ken_make_folder(dir, err);
    if (rc == KEN_OK) rc = write_in(dir, "adapter_config.json", text.data, text.len, err);
    if (rc == KEN_OK) rc = ken_write_safetensors(&s, path, err);
    ken_out_tensors_free(&s);
    ken_buf_free(&text);
    ken_free(path);
    return rc;
}

/* ---- both in one ---------------------------------------------------------------------------------------------------------------- */

void ken_params_merge(ken_params *p, const ken_lora *l, int threads)
{
    const ken_config *c = p->config;
    const int64_t C = c->n_embd, q = (int64_t)c->n_head * c->d_head, kv = (int64_t)c->n_kv * c->d_head;
    threads = ken_threads(threads);
    for (int i = 0; i < c->n_layer; i++) {
        const ken_params_layer *y = &p->layers[i];
        ken_lora_add(l, i, KEN_MOD_Q, y->qkv, threads);
        ken_lora_add(l, i, KEN_MOD_K, y->qkv + q * C, threads);
        ken_lora_add(l, i, KEN_MOD_V, y->qkv + (q + kv) * C, threads);
        ken_lora_add(l, i, KEN_MOD_O, y->o, threads);
        ken_lora_add(l, i, KEN_MOD_GATE, y->gate_up, threads);
        ken_lora_add(l, i, KEN_MOD_UP, y->gate_up + (int64_t)c->n_ff * C, threads);
        ken_lora_add(l, i, KEN_MOD_DOWN, y->down, threads);
    }
}
