/* load_gguf.c - a GGUF file as a model: reader, family, tensors, tokenizer, in that order. */
#include "model/family.h"
#include "model/loaded.h"
#include "model/tok_source.h"
#include "base/alloc.h"
#include <stdio.h>

/* A copy of a metadata string in *out; NULL when the file has none. */
static int copy_string(char **out, const ken_gguf *g, const char *key, ken_err *err)
{
    ken_value v = ken_gguf_value(ken_gguf_find(g, key));
    if (*out != NULL || v.kind != KEN_V_STRING || v.string.n == 0) return KEN_OK;
    *out = ken_strndup(v.string.p, v.string.n);
    return *out == NULL ? ken_fail_nomem(err, "model description") : KEN_OK;
}

static int copy_strings(ken_model *m, const ken_gguf *g, ken_err *err)
{
    static const char *const sources[] = {"general.source.huggingface.repository",
                                          "general.source.repo_url",
                                          "general.source.url",
                                          "general.repo_url",
                                          "general.url",
                                          "general.base_model.0.repo_url"};
    int rc = copy_string(&m->name, g, "general.name", err);
    if (rc == KEN_OK) rc = copy_string(&m->chat_template, g, "tokenizer.chat_template", err);
    for (size_t i = 0; i < sizeof sources / sizeof *sources && rc == KEN_OK; i++)
        rc = copy_string(&m->source, g, sources[i], err);
    return rc;
}

static int load_tokenizer(ken_model *m, const ken_gguf *g, ken_err *err)
{
    ken_tok_source t;
    int rc = ken_tok_from_gguf(&t, g, &m->notes, err);
    if (rc != KEN_OK) return rc;
    if (t.spec.n_vocab > m->config.n_vocab)
        rc = ken_fail(err, KEN_EINPUT, "the vocabulary has %d tokens, but the embedding only %d rows", t.spec.n_vocab,
                      m->config.n_vocab);
    else rc = ken_tokenizer_new(&m->tokenizer, &t.spec, err);
    ken_tok_source_free(&t);
    return rc;
}

int ken_model_load_gguf(ken_model *m, const void *data, size_t size, ken_err *err)
{
    ken_gguf g;
    int rc = ken_gguf_parse(&g, data, size, err);
    if (rc != KEN_OK) return err == NULL ? rc : ken_fail_prefix(err, "%s", m->path);
    m->gguf = (ken_map){data, size};
    snprintf(m->format, sizeof m->format, "GGUF v%u", g.version);

    ken_value parts = ken_gguf_value(ken_gguf_find(&g, "split.count"));
    if (parts.kind == KEN_V_NUMBER && parts.number > 1) {
        ken_gguf_free(&g);
        return ken_fail(err, KEN_EINPUT,
                        "%s: one of %.0f parts of a split model; join them first (llama-gguf-split --merge)", m->path,
                        parts.number);
    }
    const ken_family *family = NULL;
    ken_source source = {.gguf = &g, .file = m->path};
    rc = ken_family_find(&family, &source, err);
    if (rc == KEN_OK) {
        source.arch = family->arch;
        rc = ken_config_read(&m->config, family, &source, err);
    }
    m->tensors = g.tensors; /* from here on the model's; their data lie in the mapped file */
    g.tensors = (ken_tensors){0};
    if (rc == KEN_OK)
        rc = ken_family_bind(&m->weights, &m->rope_freqs, &m->config, family, &source, &m->tensors, &m->notes, err);
    if (rc == KEN_OK && (rc = load_tokenizer(m, &g, err)) != KEN_OK && err != NULL) ken_fail_prefix(err, "%s", m->path);
    if (rc == KEN_OK) rc = copy_strings(m, &g, err);
    ken_gguf_free(&g);
    return rc;
}
