/* model.c - a loaded model: opening, describing, hashing, freeing. The formats are load_gguf.c's and load_folder.c's business. */
#include "model/loaded.h"
#include "base/alloc.h"
#include "base/hub_name.h"
#include <stdio.h>
#include <string.h>

/* ---- opening ---------------------------------------------------------------------------------------------------------- */

int ken_model_map(ken_model *m, const char *path, ken_map *map, ken_err *err)
{
    if (ken_grow((void **)&m->files, &m->cap_files, m->n_files + 1, sizeof *m->files) != 0)
        return ken_fail_nomem(err, "model files");
    ken_model_file f = {.path = ken_strdup(path)};
    if (f.path == NULL) return ken_fail_nomem(err, "model files");
    int rc = ken_map_file(&f.map, path, err);
    if (rc != KEN_OK) {
        ken_free(f.path);
        return rc;
    }
    m->files[m->n_files++] = f;
    *map = f.map;
    return KEN_OK;
}

/* The commonest type of the matrices. */
static const char *weight_type(const ken_tensors *s)
{
    int count[64] = {0}, best = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->t[i].n_dims >= 2 && ++count[s->t[i].type] > count[best]) best = (int)s->t[i].type;
    return ken_dtype_get(best)->name;
}

static const char *rope_scaling_name(const ken_config *c)
{
    if (c->rope_freqs != NULL) return "llama3"; /* GGUF keeps Llama-3's scaling as divisors; nothing else writes them */
    switch (c->rope_scaling) {
    case KEN_ROPE_LINEAR: return "linear";
    case KEN_ROPE_LLAMA3: return "llama3";
    case KEN_ROPE_YARN: return "yarn";
    default: return "none";
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* The tokenizer's spellings are not NUL-terminated, those of ken_token_name are. */
static int copy_names(ken_model *m, ken_err *err)
{
    int32_t n = ken_tokenizer_n_vocab(m->tokenizer);
    size_t bytes = (size_t)n;
    for (int32_t i = 0; i < n; i++) bytes += ken_tokenizer_piece(m->tokenizer, i).n;
    m->names = ken_alloc(bytes, 1);
    m->name_of = ken_alloc((size_t)n, sizeof *m->name_of);
    if (m->names == NULL || m->name_of == NULL) return ken_fail_nomem(err, "vocabulary");
    char *at = m->names;
    for (int32_t i = 0; i < n; i++) {
        ken_str s = ken_tokenizer_piece(m->tokenizer, i);
        m->name_of[i] = at;
        if (s.n > 0) memcpy(at, s.p, s.n);
        at[s.n] = '\0';
        at += s.n + 1;
    }
    return KEN_OK;
}

/* Splits the notes into lines, names the model, fills info. */
static int finish(ken_model *m, ken_err *err)
{
    if (m->notes.failed) return ken_fail_nomem(err, "warnings");
    int lines = 0;
    for (size_t i = 0; i < m->notes.len; i++) lines += m->notes.data[i] == '\n';
    if (lines > 0 && (m->warnings = ken_calloc((size_t)lines, sizeof *m->warnings)) == NULL)
        return ken_fail_nomem(err, "warnings");
    for (char *at = m->notes.data; m->n_warnings < lines; m->n_warnings++) {
        char *end = strchr(at, '\n');
        if (end == NULL) break;
        *end = '\0';
        m->warnings[m->n_warnings] = at;
        at = end + 1;
    }
    char of_hub[256];
    if (m->name == NULL &&
        (m->name = ken_strdup(ken_hub_name(of_hub, sizeof of_hub, m->path) ? of_hub : base_name(m->path))) == NULL)
        return ken_fail_nomem(err, "model name");
    int rc = copy_names(m, err);
    if (rc != KEN_OK) return rc;
    ken_tokenizer_hash(m->tokenizer, m->tokenizer_hash);

    const ken_config *c = &m->config;
    m->info = (ken_model_info){.path = m->path,
                               .name = m->name,
                               .format = m->format,
                               .architecture = c->arch,
                               .weight_type = weight_type(&m->tensors),
                               .source = m->source,
                               .n_layer = c->n_layer,
                               .n_embd = c->n_embd,
                               .n_head = c->n_head,
                               .n_kv_head = c->n_kv,
                               .d_head = c->d_head,
                               .n_ff = c->n_ff,
                               .n_vocab = c->n_vocab,
                               .n_ctx = c->n_ctx,
                               .rope_theta = c->rope_theta,
                               .norm_eps = (double)c->norm_eps,
                               .rope_scaling = rope_scaling_name(c),
                               .sliding_window = c->window,
                               .tied_head = c->tied,
                               .qkv_bias = c->qkv_bias,
                               .qk_norm = c->qk_norm,
                               .tokenizer = ken_tokenizer_describe(m->tokenizer),
                               .tokenizer_hash = m->tokenizer_hash,
                               .bos = ken_tokenizer_bos(m->tokenizer),
                               .eos = ken_tokenizer_eos(m->tokenizer),
                               .add_bos = ken_tokenizer_adds_bos(m->tokenizer),
                               .add_eos = ken_tokenizer_adds_eos(m->tokenizer),
                               .has_chat_template = m->chat_template != NULL,
                               .n_tensors = (int)m->tensors.n,
                               .n_warnings = m->n_warnings};
    for (size_t i = 0; i < m->tensors.n; i++) {
        const ken_tensor *t = &m->tensors.t[i];
        if (strcmp(t->name, "rope_freqs.weight") == 0) continue; /* a table, not a weight */
        m->info.n_params += (uint64_t)(t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]);
        m->info.bytes += t->bytes;
    }
    return KEN_OK;
}

/* data == NULL: from the file or folder `path`. */
static int open_model(ken_model **out, const char *path, const void *data, size_t size, ken_err *err)
{
    *out = NULL;
    ken_model *m = ken_calloc(1, sizeof *m);
    if (m == NULL) return ken_fail_nomem(err, "model");
    int rc = (m->path = ken_strdup(path)) == NULL ? ken_fail_nomem(err, "model") : KEN_OK;
    if (rc == KEN_OK && data == NULL && ken_is_dir(path)) rc = ken_model_load_folder(m, err);
    else if (rc == KEN_OK) {
        ken_map map = {data, size};
        if (data == NULL) rc = ken_model_map(m, path, &map, err);
        if (rc == KEN_OK) rc = ken_model_load_gguf(m, map.data, map.size, err);
    }
    if (rc == KEN_OK) rc = finish(m, err);
    if (rc != KEN_OK) ken_model_free(m);
    else *out = m;
    return rc;
}

int ken_model_open(ken_model **out, const char *path, ken_err *err) { return open_model(out, path, NULL, 0, err); }

int ken_model_open_memory(ken_model **out, const void *data, size_t size, ken_err *err)
{
    return open_model(out, "(memory)", data, size, err);
}

void ken_model_free(ken_model *m)
{
    if (m == NULL) return;
    ken_tokenizer_free(m->tokenizer);
    for (int i = 0; i < m->n_adapters; i++) ken_lora_free(m->adapter[i]);
    ken_free(m->adapter_path);
    ken_free(m->weights.layers);
    ken_free(m->rope_freqs);
    ken_tensors_free(&m->tensors);
    for (size_t i = 0; i < m->n_files; i++) {
        ken_unmap(&m->files[i].map);
        ken_free(m->files[i].path);
    }
    ken_free(m->files);
    ken_free(m->warnings);
    ken_free(m->name_of);
    ken_free(m->names);
    ken_buf_free(&m->notes);
    ken_free(m->chat_template);
    ken_free(m->source);
    ken_free(m->name);
    ken_free(m->path);
    ken_free(m);
}

/* ---- describing ------------------------------------------------------------------------------------------------------- */

const ken_config *ken_model_config(const ken_model *m) { return &m->config; }
const ken_weights *ken_model_weights(const ken_model *m) { return &m->weights; }
const ken_tokenizer *ken_model_tokenizer(const ken_model *m) { return m->tokenizer; }
const char *ken_model_chat_template(const ken_model *m) { return m->chat_template; }
const ken_model_info *ken_model_get_info(const ken_model *m) { return &m->info; }

const char *ken_model_warning(const ken_model *m, int i) { return i >= 0 && i < m->n_warnings ? m->warnings[i] : NULL; }

int ken_model_tensor(const ken_model *m, int i, ken_tensor_info *out)
{
    *out = (ken_tensor_info){0};
    if (i < 0 || (size_t)i >= m->tensors.n) return KEN_EUSAGE;
    const ken_tensor *t = &m->tensors.t[i];
    *out = (ken_tensor_info){
        .name = t->name, .type = ken_dtype_get((int)t->type)->name, .n_dims = t->n_dims, .bytes = t->bytes};
    for (int d = 0; d < 4; d++) out->shape[d] = d < t->n_dims ? t->ne[t->n_dims - 1 - d] : 1;
    return KEN_OK;
}

/* ---- the hash --------------------------------------------------------------------------------------------------------- */

/* One file: the SHA-256 of its bytes, as sha256sum prints it. Several: of each file's name, a NUL, its size as 20 decimal digits and
 * its bytes, one after the other, so that no two folders with different contents feed the same bytes. */
static int hash_files(const ken_model *m, size_t first, char hex[65], ken_err *err)
{
    ken_sha256 *h = ken_sha256_new();
    if (h == NULL) return ken_fail_nomem(err, "hash");
    for (size_t i = first; i < m->n_files; i++) {
        const ken_model_file *f = &m->files[i];
        char head[32];
        if (m->n_files - first > 1) {
            const char *name = base_name(f->path);
            ken_sha256_add(h, name, strlen(name) + 1);
            ken_sha256_add(h, head, (size_t)snprintf(head, sizeof head, "%020zu", f->map.size));
        }
        ken_sha256_add(h, f->map.data, f->map.size);
    }
    ken_sha256_hex(h, hex);
    return KEN_OK;
}

int ken_model_hash(ken_model *m, const char **hex, ken_err *err)
{
    *hex = NULL;
    if (m->hash[0] == '\0') {
        int rc = hash_files(m, 0, m->hash, err);
        if (rc != KEN_OK) return rc;
        m->info.hash = m->hash;
    }
    *hex = m->hash;
    return KEN_OK;
}

/* ---- an adapter ------------------------------------------------------------------------------------------------------- */

const ken_lora *ken_model_adapter(const ken_model *m, int i) { return i < m->n_adapters ? m->adapter[i] : NULL; }

char *ken_lora_file(const char *dir, bool weights)
{
    return ken_path_join(dir, weights ? "adapter_model.safetensors" : "adapter_config.json");
}

/* The path of one, or those of several, one a line; NULL when out of memory. */
static char *join_paths(const char *before, const char *dir)
{
    ken_buf b = {0};
    if (before != NULL) ken_buf_printf(&b, "%s\n", before);
    ken_buf_puts(&b, dir);
    return ken_buf_take(&b);
}

/* The adapter's files become files of the model, so that its hash covers them. */
int ken_model_attach(ken_model *m, const char *dir, ken_err *err)
{
    if (m->n_adapters == KEN_MODEL_ADAPTERS)
        return ken_fail(err, KEN_EUSAGE, "%s: the model already has %d adapters, which is the most", dir,
                        m->n_adapters);
    const size_t had = m->n_files, first = m->n_adapters > 0 ? m->first_adapter_file : had;
    ken_lora *l = NULL;
    ken_map map;
    char *path = join_paths(m->adapter_path, dir), *config = ken_lora_file(dir, false),
         *weights = ken_lora_file(dir, true), hash[65];
    int rc = path == NULL || config == NULL || weights == NULL ? ken_fail_nomem(err, "adapter") : KEN_OK;
    if (rc == KEN_OK) rc = ken_lora_read(&l, dir, &m->config, err);
    if (rc == KEN_OK) rc = ken_model_map(m, config, &map, err);
    if (rc == KEN_OK) rc = ken_model_map(m, weights, &map, err);
    if (rc == KEN_OK) rc = hash_files(m, first, hash, err);
    if (rc == KEN_OK) {
        memcpy(m->adapter_hash, hash, sizeof hash);
        m->adapter[m->n_adapters++] = l;
        m->first_adapter_file = first;
        ken_free(m->adapter_path);
        m->adapter_path = path;
        m->info.adapter = path;
        m->info.adapter_hash = m->adapter_hash;
        m->info.adapter_rank += l->rank;
        m->info.hash = NULL;
        m->hash[0] = '\0';
        l = NULL;
        path = NULL;
    } else
        for (; m->n_files > had; m->n_files--) {
            ken_unmap(&m->files[m->n_files - 1].map);
            ken_free(m->files[m->n_files - 1].path);
        }
    ken_lora_free(l);
    ken_free(path);
    ken_free(config);
    ken_free(weights);
    return rc;
}
