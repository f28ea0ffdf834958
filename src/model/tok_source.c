/* tok_source.c - what both vocabulary readers share; see tok_source.h. */
#include "model/tok_source.h"
#include "base/alloc.h"
#include <string.h>

void ken_tok_source_free(ken_tok_source *t)
{
    ken_free(t->pieces);
    ken_free(t->types);
    ken_free(t->scores);
    ken_free(t->left);
    ken_free(t->right);
    ken_free(t->ends);
    ken_buf_free(&t->text);
    *t = (ken_tok_source){0};
}

int ken_tok_source_finish(ken_tok_source *t, int rc)
{
    if (rc != KEN_OK) ken_tok_source_free(t);
    t->spec.pieces = t->pieces;
    t->spec.types = t->types;
    t->spec.scores = t->scores;
    t->spec.merge_left = t->left;
    t->spec.merge_right = t->right;
    return rc;
}

int ken_tok_add_end(ken_tok_source *t, int32_t id, ken_err *err)
{
    if (id < 0 || id >= t->spec.n_vocab) return KEN_OK;
    for (int32_t i = 0; i < t->spec.n_ends; i++)
        if (t->ends[i] == id) return KEN_OK;
    int32_t *more = ken_realloc(t->ends, (size_t)t->spec.n_ends + 1, sizeof *more); /* a handful: no need to double */
    if (more == NULL) return ken_fail_nomem(err, "end tokens");
    t->spec.ends = t->ends = more;
    t->ends[t->spec.n_ends++] = id;
    return KEN_OK;
}

int ken_tok_add_known_ends(ken_tok_source *t, ken_err *err)
{
    static const char *const known[] = {"</s>",       "<|im_end|>",      "<|eot_id|>",
                                        "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>",
                                        "<|end|>",    "<end_of_turn>",   "<|end_of_turn|>"};
    int rc = KEN_OK;
    for (int32_t id = 0; id < t->spec.n_vocab && rc == KEN_OK; id++) {
        if (t->types == NULL || t->types[id] != KEN_TT_CONTROL) continue;
        for (size_t k = 0; k < sizeof known / sizeof *known && rc == KEN_OK; k++)
            if (t->pieces[id].n == strlen(known[k]) && memcmp(t->pieces[id].p, known[k], t->pieces[id].n) == 0)
                rc = ken_tok_add_end(t, id, err);
    }
    return rc;
}

const char *const ken_pretok_names = "gpt-2, llama-bpe, qwen2, smollm";

const char *ken_pretok_gguf_name(ken_pretok pre)
{
    switch (pre) {
    case KEN_PRE_GPT2: return "gpt-2";
    case KEN_PRE_LLAMA3: return "llama-bpe";
    case KEN_PRE_QWEN2: return "qwen2";
    case KEN_PRE_SMOLLM: return "smollm";
    default: return "default";
    }
}

bool ken_pretok_by_name(ken_pretok *pre, const ken_str *name)
{
    /* The names of convert_hf_to_gguf.py; those beside each other split alike (llama.cpp, src/llama-vocab.cpp). */
    static const struct {
        const char *name;
        ken_pretok pre;
    } known[] = {
        {"gpt-2", KEN_PRE_GPT2},      {"gpt2", KEN_PRE_GPT2},        {"mpt", KEN_PRE_GPT2},
        {"olmo", KEN_PRE_GPT2},       {"llama-bpe", KEN_PRE_LLAMA3}, {"llama3", KEN_PRE_LLAMA3},
        {"llama-v3", KEN_PRE_LLAMA3}, {"qwen2", KEN_PRE_QWEN2},      {"deepseek-r1-qwen", KEN_PRE_QWEN2},
        {"smollm", KEN_PRE_SMOLLM},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (name->n == strlen(known[i].name) && memcmp(name->p, known[i].name, name->n) == 0) {
            *pre = known[i].pre;
            return true;
        }
    return false;
}
