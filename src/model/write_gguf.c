/* write_gguf.c - a model and an adapter as GGUF v3, as llama.cpp reads them; see write.h.
 *
 * A GGUF base lends all its metadata, byte for byte, but for what the new weights change. From a folder base the metadata are made, in
 * the words of llama.cpp's convert_hf_to_gguf.py: shape, rotary scaling, vocabulary. In the llama family rows of q and k (and of an
 * adapter's B for them) are permuted, the rotated pair i of a head in rows 2i and 2i + 1. Format: gguf.md of ggml. */
#include "base/alloc.h"
#include "model/json.h"
#include "model/family.h"
#include "model/write.h"
#include "model/write_parts.h"
#include <stdio.h>
#include <string.h>

/* ---- metadata --------------------------------------------------------------------------------------------------------------- */

typedef struct metadata {
    ken_buf bytes;
    uint64_t n;
} metadata;

static void put_uint(ken_buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) ken_buf_putc(b, (char)(v >> (8 * i)));
}

static void put_string(ken_buf *b, const char *s, size_t n)
{
    put_uint(b, n, 8);
    ken_buf_add(b, s, n);
}

static void put_key(metadata *m, const char *key, ken_gguf_type type)
{
    put_string(&m->bytes, key, strlen(key));
    put_uint(&m->bytes, type, 4);
    m->n++;
}

static void put_u32(metadata *m, const char *key, uint32_t v)
{
    put_key(m, key, KEN_GGUF_U32);
    put_uint(&m->bytes, v, 4);
}

static void put_float(ken_buf *b, float v)
{
    uint32_t u;
    memcpy(&u, &v, 4);
    put_uint(b, u, 4);
}

static void put_f32(metadata *m, const char *key, float v)
{
    put_key(m, key, KEN_GGUF_F32);
    put_float(&m->bytes, v);
}

static void put_bool(metadata *m, const char *key, bool v)
{
    put_key(m, key, KEN_GGUF_BOOL);
    put_uint(&m->bytes, v, 1);
}

static void put_text(metadata *m, const char *key, const char *v)
{
    put_key(m, key, KEN_GGUF_STRING);
    put_string(&m->bytes, v, strlen(v));
}

static void put_array(metadata *m, const char *key, ken_gguf_type type, uint64_t n)
{
    put_key(m, key, KEN_GGUF_ARRAY);
    put_uint(&m->bytes, type, 4);
    put_uint(&m->bytes, n, 8);
}

/* ---- the file --------------------------------------------------------------------------------------------------------------- */

static uint64_t aligned(uint64_t at, uint32_t alignment) { return (at + alignment - 1) / alignment * alignment; }

/* Header and table of tensors; their data begin at the next multiple of the alignment. */
static void put_head(ken_buf *b, const metadata *m, const ken_out_tensors *s, uint32_t alignment)
{
    ken_buf_puts(b, "GGUF");
    put_uint(b, 3, 4);
    put_uint(b, s->n, 8);
    put_uint(b, m->n, 8);
    ken_buf_add(b, m->bytes.data, m->bytes.len);
    uint64_t at = 0;
    for (size_t i = 0; i < s->n; i++) {
        const ken_out_tensor *t = &s->t[i];
        put_string(b, t->name, strlen(t->name));
        put_uint(b, t->cols > 0 ? 2 : 1, 4);
        if (t->cols > 0) put_uint(b, (uint64_t)t->cols, 8); /* fastest first */
        put_uint(b, (uint64_t)t->rows, 8);
        put_uint(b, t->type, 4);
        put_uint(b, at, 8);
        at += aligned(ken_out_tensor_bytes(t), alignment);
    }
    while (b->len % alignment != 0 && !b->failed) ken_buf_putc(b, '\0');
}

static int write_file(const metadata *m, const ken_out_tensors *s, uint32_t alignment, const char *path, ken_err *err)
{
    ken_buf head = {0};
    put_head(&head, m, s, alignment);
    int rc = head.failed || m->bytes.failed ? ken_fail_nomem(err, "metadata")
                                            : ken_out_tensors_write(s, &head, alignment, path, err);
    ken_buf_free(&head);
    return rc;
}

/* ---- metadata of a GGUF base --------------------------------------------------------------------------------------------------- */

static bool has_prefix(ken_str s, const char *prefix)
{
    return s.n >= strlen(prefix) && memcmp(s.p, prefix, strlen(prefix)) == 0;
}

static void copy_metadata(metadata *m, const ken_gguf *g)
{
    /* what the weights' type decides, and how the file was cut or made */
    static const char *const changed[] = {"general.file_type", "general.quantization_version", "split.", "quantize."};
    for (size_t i = 0; i < g->n_kv; i++) {
        const ken_gguf_kv *kv = &g->kv[i];
        bool skip = false;
        for (size_t k = 0; k < sizeof changed / sizeof *changed; k++) skip = skip || has_prefix(kv->key, changed[k]);
        if (skip) continue;
        put_string(&m->bytes, kv->key.p, kv->key.n);
        if (kv->is_array) {
            put_uint(&m->bytes, KEN_GGUF_ARRAY, 4);
            put_uint(&m->bytes, kv->type, 4);
            put_uint(&m->bytes, kv->n, 8);
        } else put_uint(&m->bytes, kv->type, 4);
        ken_buf_add(&m->bytes, kv->p, (size_t)(kv->end - kv->p));
        m->n++;
    }
}

/* ---- metadata of a folder base --------------------------------------------------------------------------------------------------- */

static void put_shape(metadata *m, const ken_config *c)
{
    char key[96];
    const struct {
        const char *key;
        int value;
    } sizes[] = {{"block_count", c->n_layer},         {"context_length", c->n_ctx},
                 {"embedding_length", c->n_embd},     {"feed_forward_length", c->n_ff},
                 {"attention.head_count", c->n_head}, {"attention.head_count_kv", c->n_kv},
                 {"attention.key_length", c->d_head}, {"attention.value_length", c->d_head},
                 {"rope.dimension_count", c->d_rope}, {"vocab_size", c->n_vocab}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(key, sizeof key, "%s.%s", c->arch, sizes[i].key);
        put_u32(m, key, (uint32_t)sizes[i].value);
    }
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", c->arch);
    put_f32(m, key, c->norm_eps);
    snprintf(key, sizeof key, "%s.rope.freq_base", c->arch);
    put_f32(m, key, (float)c->rope_theta);
    if (c->window > 0) {
        snprintf(key, sizeof key, "%s.attention.sliding_window", c->arch);
        put_u32(m, key, (uint32_t)c->window);
    }
    if (c->rope_scaling == KEN_ROPE_LINEAR) {
        snprintf(key, sizeof key, "%s.rope.scaling.type", c->arch);
        put_text(m, key, "linear");
        snprintf(key, sizeof key, "%s.rope.scaling.factor", c->arch);
        put_f32(m, key, (float)c->rope_factor);
    }
}

/* GGUF has no keys for two things that the pre-tokenizer's name implies. */
static int check_implied(const ken_tok_spec *v, const ken_base *b, ken_err *err)
{
    const char *what = NULL;
    if (v->ignore_merges != (v->pre == KEN_PRE_LLAMA3)) what = "ignore_merges";
    else if (v->nfc != (v->pre == KEN_PRE_QWEN2)) what = "the normalizer";
    if (what == NULL || v->kind == KEN_TOK_SPM) return KEN_OK;
    return ken_fail(err, KEN_EINPUT,
                    "%s/tokenizer.json: %s is not what GGUF implies for the pre-tokenizer %s; token ids would differ, "
                    "write a model folder instead",
                    b->model->path, what, ken_pretok_gguf_name(v->pre));
}

/* One entry for each row of the embedding: llama.cpp takes the number of tokens for the number of rows. */
static void put_pieces(metadata *m, const ken_tok_spec *v, int n_rows)
{
    char name[32];
    put_array(m, "tokenizer.ggml.tokens", KEN_GGUF_STRING, (uint64_t)n_rows);
    for (int32_t i = 0; i < n_rows; i++) {
        if (i < v->n_vocab) put_string(&m->bytes, v->pieces[i].p, v->pieces[i].n);
        else put_string(&m->bytes, name, (size_t)snprintf(name, sizeof name, "[PAD%d]", i));
    }
    put_array(m, "tokenizer.ggml.token_type", KEN_GGUF_I32, (uint64_t)n_rows);
    for (int32_t i = 0; i < n_rows; i++) put_uint(&m->bytes, i < v->n_vocab ? v->types[i] : KEN_TT_UNUSED, 4);
    if (v->kind != KEN_TOK_SPM) return;
    put_array(m, "tokenizer.ggml.scores", KEN_GGUF_F32, (uint64_t)n_rows);
    for (int32_t i = 0; i < n_rows; i++)
        put_float(&m->bytes, i < v->n_vocab && v->types[i] == KEN_TT_NORMAL ? v->scores[i] : 0);
}

static void put_merges(metadata *m, const ken_tok_spec *v)
{
    put_array(m, "tokenizer.ggml.merges", KEN_GGUF_STRING, (uint64_t)v->n_merges);
    for (int32_t i = 0; i < v->n_merges; i++) {
        const ken_str l = v->merge_left[i], r = v->merge_right[i];
        put_uint(&m->bytes, l.n + 1 + r.n, 8);
        ken_buf_add(&m->bytes, l.p, l.n);
        ken_buf_putc(&m->bytes, ' ');
        ken_buf_add(&m->bytes, r.p, r.n);
    }
}

static void put_id(metadata *m, const char *key, int32_t id)
{
    if (id >= 0) put_u32(m, key, (uint32_t)id);
}

/* The id of a token that tokenizer_config.json names, as a string or as an object with content; -1 when it does not. */
static int32_t named_id(const ken_base *b, const char *key)
{
    const json_t *j = json_object_get(b->tokenizer_config, key);
    if (json_is_object(j)) j = json_object_get(j, "content");
    const ken_tok_spec *v = &b->vocab.spec;
    for (int32_t i = v->n_vocab - 1; i >= 0 && json_is_string(j); i--)
        if (v->pieces[i].n == json_string_length(j) &&
            memcmp(v->pieces[i].p, json_string_value(j), v->pieces[i].n) == 0)
            return i;
    return -1;
}

static int put_vocabulary(metadata *m, const ken_base *b, ken_err *err)
{
    const ken_tok_spec *v = &b->vocab.spec;
    const bool spm = v->kind == KEN_TOK_SPM;
    int rc = check_implied(v, b, err);
    if (rc != KEN_OK) return rc;
    put_text(m, "tokenizer.ggml.model", spm ? "llama" : "gpt2");
    put_text(m, "tokenizer.ggml.pre", ken_pretok_gguf_name(v->pre));
    put_pieces(m, v, ken_model_config(b->model)->n_vocab);
    if (!spm) put_merges(m, v);
    put_id(m, "tokenizer.ggml.bos_token_id", v->bos);
    put_id(m, "tokenizer.ggml.eos_token_id", v->eos);
    put_id(m, "tokenizer.ggml.unknown_token_id", v->unk);
    put_id(m, "tokenizer.ggml.padding_token_id", named_id(b, "pad_token"));
    static const char *const ends[] = {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
    for (int32_t i = 0, k = 0; i < v->n_ends && k < 2; i++)
        if (v->ends[i] != v->eos) put_id(m, ends[k++], v->ends[i]);
    put_bool(m, "tokenizer.ggml.add_bos_token", v->add_bos);
    put_bool(m, "tokenizer.ggml.add_eos_token", v->add_eos);
    if (spm) put_bool(m, "tokenizer.ggml.add_space_prefix", v->add_space_prefix);
    const char *chat = ken_model_chat_template(b->model);
    if (chat != NULL) put_text(m, "tokenizer.chat_template", chat);
    return KEN_OK;
}

static int make_metadata(metadata *m, const ken_base *b, ken_err *err)
{
    const ken_config *c = ken_model_config(b->model);
    char *source = ken_base_name(b->model);
    if (source == NULL) return ken_fail_nomem(err, "metadata");
    put_text(m, "general.architecture", c->arch);
    put_text(m, "general.type", "model");
    put_text(m, "general.name", ken_model_get_info(b->model)->name);
    put_text(m, "general.base_model.0.name", source);
    ken_free(source);
    put_shape(m, c);
    return put_vocabulary(m, b, err);
}

/* ---- a model ---------------------------------------------------------------------------------------------------------------- */

static uint32_t file_type(ken_dtype type) /* llama.h, enum llama_ftype */
{
    return type == KEN_F32 ? 0 : type == KEN_F16 ? 1 : type == KEN_Q8_0 ? 7 : 32;
}

/* Llama-3's scaling, which GGUF keeps as divisors. *divisors is the caller's. */
static int add_rope(ken_out_tensors *s, const ken_config *c, float **divisors, ken_err *err)
{
    *divisors = NULL;
    if (c->rope_freqs == NULL && c->rope_scaling != KEN_ROPE_LLAMA3) return KEN_OK;
    *divisors = ken_alloc((size_t)c->d_rope / 2, sizeof **divisors);
    ken_out_tensor *t = *divisors == NULL ? NULL : ken_out_tensors_add(s);
    if (t == NULL) return ken_fail_nomem(err, "rotary frequencies");
    if (c->rope_freqs != NULL) memcpy(*divisors, c->rope_freqs, (size_t)c->d_rope / 2 * sizeof **divisors);
    else ken_llama3_divisors(c, *divisors);
    snprintf(t->name, sizeof t->name, "rope_freqs.weight");
    t->rows = c->d_rope / 2;
    t->data = *divisors;
    return KEN_OK;
}

int ken_write_gguf(const ken_model *base, const ken_params *p, ken_dtype type, const char *path, ken_err *err)
{
    if (type != KEN_F32 && type != KEN_F16 && type != KEN_BF16 && type != KEN_Q8_0)
        return ken_fail(err, KEN_EUSAGE, "%s: GGUF is written as F32, F16, BF16 or Q8_0", path);
    ken_base b;
    metadata m = {0};
    ken_out_tensors s = {0};
    float *divisors = NULL;
    int rc = ken_base_open(&b, base, base->gguf.data == NULL, err);
    if (rc != KEN_OK) return rc;
    if (b.is_gguf) copy_metadata(&m, &b.gguf);
    else rc = make_metadata(&m, &b, err);
    put_u32(&m, "general.file_type", file_type(type));
    put_u32(&m, "general.quantization_version", 2);
    if (rc == KEN_OK) rc = ken_out_tensors_params(&s, p, true, type, err);
    if (rc == KEN_OK) rc = add_rope(&s, ken_model_config(base), &divisors, err);
    if (rc == KEN_OK) rc = write_file(&m, &s, b.is_gguf ? b.gguf.alignment : 32, path, err);
    ken_free(divisors);
    ken_out_tensors_free(&s);
    ken_buf_free(&m.bytes);
    ken_base_close(&b);
    return rc;
}

/* ---- an adapter --------------------------------------------------------------------------------------------------------------- */

int ken_write_gguf_lora(const ken_model *base, const ken_lora *l, const char *path, ken_err *err)
{
    const ken_config *c = ken_model_config(base);
    metadata m = {0};
    ken_out_tensors s = {0};
    char *name = ken_base_name(base);
    int rc = name == NULL ? ken_fail_nomem(err, "the base's name") : ken_out_tensors_lora(&s, l, c, true, err);
    if (rc == KEN_OK) {
        put_text(&m, "general.architecture", c->arch);
        put_text(&m, "general.type", "adapter");
        put_text(&m, "general.name", "LoRA");
        put_text(&m, "general.base_model.0.name", name);
        put_u32(&m, "general.file_type", file_type(KEN_F32));
        put_text(&m, "adapter.type", "lora");
        /* llama.cpp computes alpha / rank: rank-stabilised adapters get an alpha that gives their scale */
        const bool plain = l->scale == (float)((double)l->alpha / l->rank);
        put_f32(&m, "adapter.lora.alpha", plain ? l->alpha : l->scale * (float)l->rank);
        rc = write_file(&m, &s, 32, path, err);
    }
    ken_out_tensors_free(&s);
    ken_buf_free(&m.bytes);
    ken_free(name);
    return rc;
}
