/* load_folder.c - a folder as Hugging Face lays it out as a model: config.json, tokenizer.json, the weights in model.safetensors
 * or in shards listed by model.safetensors.index.json; tokenizer_config.json and generation_config.json where they are. */
#include "model/family.h"
#include "model/json.h"
#include "model/loaded.h"
#include "model/safetensors.h"
#include "model/tok_source.h"
#include "base/alloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JSON = 256 << 20, MAX_SHARDS = 4096 };

/* The root of a JSON file of the folder; NULL and KEN_OK when the file is not there and need not be. */
static int read_json(json_t **out, ken_model *m, const char *name, bool required, ken_err *err)
{
    *out = NULL;
    char *path = ken_path_join(m->path, name);
    if (path == NULL) return ken_fail_nomem(err, "file name");
    ken_map map;
    int rc = KEN_OK;
    if (!ken_is_file(path)) {
        if (required)
            rc = ken_fail(err, KEN_EINPUT,
                          "%s is missing; a model folder needs config.json, tokenizer.json and model.safetensors "
                          "(or shards with model.safetensors.index.json)",
                          path);
    } else if ((rc = ken_model_map(m, path, &map, err)) == KEN_OK)
        rc = ken_json_parse(out, map.data, map.size, MAX_JSON, path, err);
    ken_free(path);
    return rc;
}

/* ---- weights ---------------------------------------------------------------------------------------------------------- */

static int add_file(ken_model *m, const char *name, ken_err *err)
{
    char *path = ken_path_join(m->path, name);
    if (path == NULL) return ken_fail_nomem(err, "file name");
    ken_map map;
    int rc = ken_model_map(m, path, &map, err);
    if (rc == KEN_OK) rc = ken_safetensors_add(&m->tensors, map.data, map.size, path, err);
    ken_free(path);
    return rc;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The shards are the distinct file names of weight_map, taken in the order of their names; every tensor that the index lists must be
 * in one of them. A name with a slash would lead out of the folder. */
static int add_shards(ken_model *m, const json_t *index, ken_err *err)
{
    const json_t *map = json_object_get(index, "weight_map");
    size_t n = json_object_size(map), n_files = 0;
    if (n == 0)
        return ken_fail(err, KEN_EINPUT, "%s/model.safetensors.index.json: weight_map is missing or empty", m->path);
    const char **files = ken_alloc(n, sizeof *files), *name;
    if (files == NULL) return ken_fail_nomem(err, "shards");
    int rc = KEN_OK;
    json_t *file;
    json_object_foreach((json_t *)map, name, file)
    {
        const char *s = json_string_value(file);
        if (s == NULL || *s == '\0' || strchr(s, '/') != NULL) {
            rc = ken_fail(
                err, KEN_EINPUT,
                "%s/model.safetensors.index.json: weight_map: the entry of %.200s is not the name of a file in "
                "the folder",
                m->path, name);
            goto done;
        }
        files[n_files++] = s;
    }
    qsort(files, n_files, sizeof *files, by_text);
    size_t shards = 0;
    for (size_t i = 0; i < n_files && rc == KEN_OK; i++) {
        if (i > 0 && strcmp(files[i], files[i - 1]) == 0) continue;
        if (++shards > MAX_SHARDS) rc = ken_fail(err, KEN_EINPUT, "%s: more than %d shards", m->path, MAX_SHARDS);
        else rc = add_file(m, files[i], err);
    }
    if (rc != KEN_OK) goto done;
    json_object_foreach((json_t *)map, name, file) if (ken_tensors_find(&m->tensors, name) == NULL)
    {
        rc = ken_fail(err, KEN_EINPUT, "%s: tensor %.200s should be in %s, but is not; get the model again", m->path,
                      name, json_string_value(file));
        break;
    }
done:
    ken_free(files);
    return rc;
}

static int add_weights(ken_model *m, ken_err *err)
{
    char *single = ken_path_join(m->path, "model.safetensors");
    if (single == NULL) return ken_fail_nomem(err, "file name");
    bool is_single = ken_is_file(single);
    ken_free(single);
    if (is_single) return add_file(m, "model.safetensors", err);
    json_t *index;
    int rc = read_json(&index, m, "model.safetensors.index.json", false, err);
    if (rc == KEN_OK && index == NULL)
        rc = ken_fail(err, KEN_EINPUT,
                      "%s: neither model.safetensors nor model.safetensors.index.json is there (PyTorch .bin files "
                      "are not read: save the model again with safetensors)",
                      m->path);
    if (rc == KEN_OK) rc = add_shards(m, index, err);
    json_decref(index);
    return rc;
}

/* ---- description ------------------------------------------------------------------------------------------------------ */

static int copy_string(char **out, const json_t *j, const char *key, ken_err *err)
{
    const char *s = json_string_value(json_object_get(j, key));
    if (*out != NULL || s == NULL || *s == '\0') return KEN_OK;
    *out = ken_strdup(s);
    return *out == NULL ? ken_fail_nomem(err, "model description") : KEN_OK;
}

/* A file of its own comes first (transformers 5); else tokenizer_config.json, as a string or as a list of named ones, of which
 * "default" counts. */
static int read_chat_template(ken_model *m, const json_t *tokenizer_config, ken_err *err)
{
    char *path = ken_path_join(m->path, "chat_template.jinja");
    if (path == NULL) return ken_fail_nomem(err, "file name");
    ken_map map = {0};
    int rc = ken_is_file(path) ? ken_model_map(m, path, &map, err) : KEN_OK;
    ken_free(path);
    if (rc == KEN_OK && map.size > 0 && (m->chat_template = ken_strndup((const char *)map.data, map.size)) == NULL)
        rc = ken_fail_nomem(err, "chat template");
    if (rc == KEN_OK) rc = copy_string(&m->chat_template, tokenizer_config, "chat_template", err);
    const json_t *list = json_object_get(tokenizer_config, "chat_template");
    for (size_t i = 0; i < json_array_size(list) && rc == KEN_OK; i++) {
        ken_value name = ken_json_value(json_array_get(list, i), "name");
        if (ken_value_is(&name, "default"))
            rc = copy_string(&m->chat_template, json_array_get(list, i), "template", err);
    }
    return rc;
}

static int load_tokenizer(ken_model *m, const ken_tok_files *f, ken_err *err)
{
    ken_tok_source t;
    int rc = ken_tok_from_json(&t, f, m->config.n_vocab, &m->notes, err);
    if (rc == KEN_OK) rc = ken_tokenizer_new(&m->tokenizer, &t.spec, err);
    ken_tok_source_free(&t);
    return rc == KEN_OK || err == NULL ? rc : ken_fail_prefix(err, "%s/tokenizer.json", m->path);
}

int ken_model_load_folder(ken_model *m, ken_err *err)
{
    json_t *config = NULL, *tokenizer = NULL, *tokenizer_config = NULL, *generation_config = NULL;
    char *config_path = ken_path_join(m->path, "config.json");
    if (config_path == NULL) return ken_fail_nomem(err, "file name");
    snprintf(m->format, sizeof m->format, "safetensors");
    const ken_family *family = NULL;
    int rc = read_json(&config, m, "config.json", true, err);
    ken_source source = {.json = config, .file = config_path};
    if (rc == KEN_OK) rc = ken_family_find(&family, &source, err);
    if (rc == KEN_OK) rc = ken_config_read(&m->config, family, &source, err);
    if (rc == KEN_OK) rc = read_json(&tokenizer, m, "tokenizer.json", true, err);
    if (rc == KEN_OK) rc = read_json(&tokenizer_config, m, "tokenizer_config.json", false, err);
    if (rc == KEN_OK) rc = read_json(&generation_config, m, "generation_config.json", false, err);
    if (rc == KEN_OK) rc = add_weights(m, err);
    source.file = m->path;
    if (rc == KEN_OK)
        rc = ken_family_bind(&m->weights, &m->rope_freqs, &m->config, family, &source, &m->tensors, &m->notes, err);
    if (rc == KEN_OK)
        rc = load_tokenizer(m, &(ken_tok_files){tokenizer, tokenizer_config, generation_config, config}, err);
    if (rc == KEN_OK) rc = read_chat_template(m, tokenizer_config, err);
    if (rc == KEN_OK) rc = copy_string(&m->source, config, "_name_or_path", err);
    json_decref(config);
    json_decref(tokenizer);
    json_decref(tokenizer_config);
    json_decref(generation_config);
    ken_free(config_path);
    return rc;
}
