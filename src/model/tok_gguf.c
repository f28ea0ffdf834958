/* tok_gguf.c - the vocabulary in GGUF metadata (tokenizer.ggml.*) as a ken_tok_spec; see tok_source.h.
 *
 * Keys that a file leaves out have the defaults of llama.cpp (src/llama-vocab.cpp, load): files rely on them. */
#include "model/tok_source.h"
#include "base/alloc.h"
#include <math.h>
#include <string.h>

enum { MAX_VOCAB = 1 << 24 };

static const ken_gguf_kv *get(const ken_gguf *g, const char *key) { return ken_gguf_find(g, key); }

static bool get_bool(const ken_gguf *g, const char *key, bool otherwise)
{
    ken_value v = ken_gguf_value(get(g, key));
    return v.kind == KEN_V_BOOL ? v.boolean : otherwise;
}

/* An id of the vocabulary, or `otherwise` when the key is not there. */
static int get_id(const ken_gguf *g, const char *key, int32_t n_vocab, int32_t otherwise, int32_t *id, ken_err *err)
{
    ken_value v = ken_gguf_value(get(g, key));
    *id = otherwise < n_vocab ? otherwise : -1;
    if (v.kind != KEN_V_NUMBER) return KEN_OK;
    if (v.number == -1.0 || v.number == 4294967295.0) return *id = -1, KEN_OK; /* "none", also as unsigned */
    if (!(v.number >= 0 && v.number < n_vocab) || v.number != floor(v.number))
        return ken_fail(err, KEN_EINPUT, "metadata %s is %.0f, but the vocabulary has %d tokens", key, v.number,
                        n_vocab);
    *id = (int32_t)v.number;
    return KEN_OK;
}

/* A merge is two pieces with a space between; a piece may begin with a space in odd files, so the search starts at the second byte. */
static int read_merges(ken_tok_source *t, const ken_gguf *g, ken_err *err)
{
    const ken_gguf_kv *kv = get(g, "tokenizer.ggml.merges");
    if (kv == NULL)
        return ken_fail(err, KEN_EINPUT, "metadata tokenizer.ggml.merges is missing; convert the model again");
    if (kv->n > MAX_VOCAB)
        return ken_fail(err, KEN_EINPUT, "metadata tokenizer.ggml.merges: more than %d merges", MAX_VOCAB);
    t->left = ken_alloc((size_t)kv->n, sizeof *t->left);
    t->right = ken_alloc((size_t)kv->n, sizeof *t->right);
    if (t->left == NULL || t->right == NULL) return ken_fail_nomem(err, "merges");
    ken_str *merges = NULL;
    int rc = ken_gguf_strings(kv, &merges, err);
    for (uint64_t i = 0; i < kv->n && rc == KEN_OK; i++) {
        const char *space = merges[i].n > 2 ? memchr(merges[i].p + 1, ' ', merges[i].n - 1) : NULL;
        if (space == NULL || space == merges[i].p + merges[i].n - 1) {
            rc = ken_fail(err, KEN_EINPUT,
                          "metadata tokenizer.ggml.merges: entry %llu is not two pieces with a space between",
                          (unsigned long long)i);
            break;
        }
        size_t n = (size_t)(space - merges[i].p);
        t->left[i] = (ken_str){merges[i].p, n};
        t->right[i] = (ken_str){space + 1, merges[i].n - n - 1};
    }
    t->spec.n_merges = (int32_t)kv->n;
    ken_free(merges);
    return rc;
}

static int read_types(ken_tok_source *t, const ken_gguf *g, ken_err *err)
{
    const ken_gguf_kv *kv = get(g, "tokenizer.ggml.token_type");
    if (kv == NULL) return KEN_OK; /* all normal */
    if (!ken_gguf_is_number_array(kv) || kv->n != (uint64_t)t->spec.n_vocab)
        return ken_fail(err, KEN_EINPUT, "metadata tokenizer.ggml.token_type must be a list of %d numbers, one a token",
                        t->spec.n_vocab);
    if ((t->types = ken_alloc((size_t)kv->n, 1)) == NULL) return ken_fail_nomem(err, "token types");
    for (uint64_t i = 0; i < kv->n; i++) {
        double v = ken_gguf_number_at(kv, i);
        t->types[i] = (uint8_t)(v >= 1 && v <= 6 ? v : KEN_TT_NORMAL);
    }
    return KEN_OK;
}

static int read_scores(ken_tok_source *t, const ken_gguf *g, ken_err *err)
{
    const ken_gguf_kv *kv = get(g, "tokenizer.ggml.scores");
    if (!ken_gguf_is_number_array(kv) || kv->n != (uint64_t)t->spec.n_vocab)
        return ken_fail(err, KEN_EINPUT, "metadata tokenizer.ggml.scores must be a list of %d numbers, one a token",
                        t->spec.n_vocab);
    if ((t->scores = ken_alloc((size_t)kv->n, sizeof *t->scores)) == NULL) return ken_fail_nomem(err, "token scores");
    for (uint64_t i = 0; i < kv->n; i++) {
        t->scores[i] = (float)ken_gguf_number_at(kv, i);
        if (isnan(t->scores[i]))
            return ken_fail(err, KEN_EINPUT, "metadata tokenizer.ggml.scores: the score of token %llu is not a number",
                            (unsigned long long)i);
    }
    return KEN_OK;
}

static int read_pre(ken_tok_source *t, const ken_gguf *g, ken_buf *notes, ken_err *err)
{
    ken_value v = ken_gguf_value(get(g, "tokenizer.ggml.pre"));
    t->spec.pre = KEN_PRE_UNNAMED;
    if (v.kind != KEN_V_STRING || ken_value_is(&v, "default")) {
        ken_buf_puts(
            notes,
            "the file names no pre-tokenizer (tokenizer.ggml.pre); GPT-2's is used, and token ids may differ from "
            "those the model was trained with: convert the model again\n");
        return KEN_OK;
    }
    if (!ken_pretok_by_name(&t->spec.pre, &v.string))
        return ken_fail(err, KEN_EINPUT,
                        "metadata tokenizer.ggml.pre: pre-tokenizer \"%.*s\" is not supported (known: %s)",
                        (int)(v.string.n > 40 ? 40 : v.string.n), v.string.p, ken_pretok_names);
    return KEN_OK;
}

static int read_pieces(ken_tok_source *t, const ken_gguf *g, ken_err *err)
{
    const ken_gguf_kv *kv = get(g, "tokenizer.ggml.tokens");
    if (kv == NULL || kv->n == 0)
        return ken_fail(err, KEN_EINPUT,
                        "metadata tokenizer.ggml.tokens is missing or empty; the file holds no vocabulary");
    if (kv->n > MAX_VOCAB)
        return ken_fail(err, KEN_EINPUT, "metadata tokenizer.ggml.tokens: more than %d tokens", MAX_VOCAB);
    t->spec.n_vocab = (int32_t)kv->n;
    return ken_gguf_strings(kv, &t->pieces, err);
}

static int read_ids(ken_tok_source *t, const ken_gguf *g, ken_err *err)
{
    static const char *const ends[] = {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
    bool spm = t->spec.kind == KEN_TOK_SPM;
    int32_t n = t->spec.n_vocab, id;
    int rc;
    if ((rc = get_id(g, "tokenizer.ggml.bos_token_id", n, spm ? 1 : -1, &t->spec.bos, err)) != KEN_OK) return rc;
    if ((rc = get_id(g, "tokenizer.ggml.eos_token_id", n, spm ? 2 : -1, &t->spec.eos, err)) != KEN_OK) return rc;
    if ((rc = get_id(g, "tokenizer.ggml.unknown_token_id", n, spm ? 0 : -1, &t->spec.unk, err)) != KEN_OK) return rc;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if ((rc = get_id(g, ends[i], n, -1, &id, err)) != KEN_OK) return rc;
        if ((rc = ken_tok_add_end(t, id, err)) != KEN_OK) return rc;
    }
    return ken_tok_add_known_ends(t, err);
}

int ken_tok_from_gguf(ken_tok_source *t, const ken_gguf *g, ken_buf *notes, ken_err *err)
{
    *t = (ken_tok_source){0};
    ken_value model = ken_gguf_value(get(g, "tokenizer.ggml.model"));
    int rc = KEN_OK;
    if (ken_value_is(&model, "gpt2")) t->spec.kind = KEN_TOK_BPE;
    else if (ken_value_is(&model, "llama")) t->spec.kind = KEN_TOK_SPM;
    else if (model.kind == KEN_V_STRING)
        rc = ken_fail(err, KEN_EINPUT,
                      "metadata tokenizer.ggml.model: \"%.*s\" is not supported; known: gpt2 (byte-level BPE), llama "
                      "(SentencePiece BPE)",
                      (int)(model.string.n > 40 ? 40 : model.string.n), model.string.p);
    else rc = ken_fail(err, KEN_EINPUT, "metadata tokenizer.ggml.model is missing; the file holds no vocabulary");

    bool spm = t->spec.kind == KEN_TOK_SPM;
    if (rc == KEN_OK) rc = read_pieces(t, g, err);
    if (rc == KEN_OK) rc = read_types(t, g, err);
    if (rc == KEN_OK && spm) rc = read_scores(t, g, err);
    if (rc == KEN_OK && !spm) rc = read_merges(t, g, err);
    if (rc == KEN_OK && spm) t->spec.pre = KEN_PRE_NONE;
    else if (rc == KEN_OK) rc = read_pre(t, g, notes, err);
    if (rc == KEN_OK) rc = read_ids(t, g, err);
    t->spec.ignore_merges = t->spec.pre == KEN_PRE_LLAMA3;
    t->spec.nfc =
        t->spec.pre == KEN_PRE_QWEN2; /* in each such family's tokenizer.json, though GGUF has no key for it */
    t->spec.add_bos =
        get_bool(g, "tokenizer.ggml.add_bos_token", spm || t->spec.pre == KEN_PRE_LLAMA3) && t->spec.bos >= 0;
    t->spec.add_eos = get_bool(g, "tokenizer.ggml.add_eos_token", false) && t->spec.eos >= 0;
    t->spec.add_space_prefix = get_bool(g, "tokenizer.ggml.add_space_prefix", spm);
    return ken_tok_source_finish(t, rc);
}
