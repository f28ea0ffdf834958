/* write_base.c - the files of the model that was fine-tuned, read again for what a ken_model does not keep; see write_parts.h. */
#include "base/alloc.h"
#include "base/hub_name.h"
#include "model/json.h"
#include "model/write.h"
#include "model/write_parts.h"
#include <string.h>

enum { MAX_JSON = 256 << 20 };

static const ken_model_file *find_file(const ken_model *m, const char *name)
{
    for (size_t i = 0; i < m->n_files; i++)
        if (strcmp(ken_file_name(m->files[i].path), name) == 0) return &m->files[i];
    return NULL;
}

int ken_base_file(const ken_model *m, const char *name, ken_map *map, ken_err *err)
{
    const ken_model_file *f = find_file(m, name);
    if (f == NULL) return ken_fail(err, KEN_ESTATE, "%s: no %s among the model's files", m->path, name);
    *map = f->map;
    return KEN_OK;
}

/* The root of a JSON file of a folder base; NULL when it has none. */
static int open_json(json_t **out, const ken_model *m, const char *name, ken_err *err)
{
    const ken_model_file *f = find_file(m, name);
    *out = NULL;
    return f == NULL ? KEN_OK : ken_json_parse(out, f->map.data, f->map.size, MAX_JSON, f->path, err);
}

int ken_base_open(ken_base *b, const ken_model *m, bool vocabulary, ken_err *err)
{
    ken_buf notes = {0}; /* the warnings were given when the model was opened */
    *b = (ken_base){.model = m, .is_gguf = m->gguf.data != NULL};
    int rc;
    if (b->is_gguf) {
        rc = ken_gguf_parse(&b->gguf, m->gguf.data, m->gguf.size, err);
        if (rc == KEN_OK && vocabulary) rc = ken_tok_from_gguf(&b->vocab, &b->gguf, &notes, err);
    } else {
        rc = open_json(&b->config, m, "config.json", err);
        if (rc != KEN_OK || !vocabulary) goto done;
        rc = open_json(&b->tokenizer, m, "tokenizer.json", err);
        if (rc == KEN_OK) rc = open_json(&b->tokenizer_config, m, "tokenizer_config.json", err);
        if (rc == KEN_OK) rc = open_json(&b->generation_config, m, "generation_config.json", err);
        const ken_tok_files files = {b->tokenizer, b->tokenizer_config, b->generation_config, b->config};
        if (rc == KEN_OK) rc = ken_tok_from_json(&b->vocab, &files, ken_model_config(m)->n_vocab, &notes, err);
    }
done:
    ken_buf_free(&notes);
    if (rc != KEN_OK) ken_base_close(b);
    return rc;
}

void ken_base_close(ken_base *b)
{
    ken_tok_source_free(&b->vocab);
    ken_gguf_free(&b->gguf);
    json_decref(b->config);
    json_decref(b->tokenizer);
    json_decref(b->tokenizer_config);
    json_decref(b->generation_config);
    *b = (ken_base){0};
}

char *ken_base_name(const ken_model *base)
{
    static const char hub[] = "https://huggingface.co/";
    const char *source = ken_model_get_info(base)->source, *path = base->path;
    char of_hub[256];
    if (ken_hub_name(of_hub, sizeof of_hub, path)) return ken_strdup(of_hub);
    if (source != NULL && source[0] != '/' && source[0] != '~')
        return ken_strdup(strncmp(source, hub, sizeof hub - 1) == 0 ? source + sizeof hub - 1 : source);
    size_t n;
    const char *name = ken_last_part(path, false, &n);
    const bool says_nothing = (n <= 2 && strncmp(name, "..", n) == 0) || name[0] == '/';
    return says_nothing ? ken_strdup(ken_model_get_info(base)->name) : ken_strndup(name, n);
}
