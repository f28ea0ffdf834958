/* gguf_image.c - see gguf_image.h. Plain writing in file order: header, metadata, table, data. */
#include "gguf_image.h"
#include <string.h>

static void u32(ken_buf *b, uint32_t v) { ken_buf_add(b, &v, 4); }
static void u64(ken_buf *b, uint64_t v) { ken_buf_add(b, &v, 8); }

static void str(ken_buf *b, const char *s)
{
    u64(b, strlen(s));
    ken_buf_puts(b, s);
}

/* ---- metadata --------------------------------------------------------------------------------------------------------- */

typedef struct writer {
    ken_buf *b;
    const gguf_image *x;
    uint64_t n_kv, n_tensors, at; /* at: offset of the next tensor in the data area */
    ken_buf table, meta;
    bool set_done;
} writer;

static bool is(const char *a, const char *b) { return a != NULL && strcmp(a, b) == 0; }

/* Writes the key and the changed value, if this key is to be changed; true when it was (or when it is to be left out). */
static bool replaced(writer *w, const char *key)
{
    const gguf_image *x = w->x;
    if (is(x->drop_key, key)) return true;
    w->n_kv++;
    str(&w->meta, key);
    if (!is(x->set_key, key)) return false;
    w->set_done = true;
    float f = (float)x->set_number;
    int64_t i = (int64_t)x->set_number;
    switch (x->set_type) {
    case SET_U32: u32(&w->meta, KEN_GGUF_U32), u32(&w->meta, (uint32_t)x->set_number); break;
    case SET_I64: u32(&w->meta, KEN_GGUF_I64), ken_buf_add(&w->meta, &i, 8); break;
    case SET_F32: u32(&w->meta, KEN_GGUF_F32), ken_buf_add(&w->meta, &f, 4); break;
    case SET_BOOL: u32(&w->meta, KEN_GGUF_BOOL), ken_buf_putc(&w->meta, x->set_number != 0); break;
    case SET_STRING: u32(&w->meta, KEN_GGUF_STRING), str(&w->meta, x->set_string); break;
    case SET_RAW: ken_buf_add(&w->meta, x->raw, x->n_raw); break;
    }
    return true;
}

static void kv_u32(writer *w, const char *key, uint32_t v)
{
    if (!replaced(w, key)) u32(&w->meta, KEN_GGUF_U32), u32(&w->meta, v);
    if (is(w->x->twice_key, key)) w->n_kv++, str(&w->meta, key), u32(&w->meta, KEN_GGUF_U32), u32(&w->meta, v);
}

static void kv_f32(writer *w, const char *key, float v)
{
    if (!replaced(w, key)) u32(&w->meta, KEN_GGUF_F32), ken_buf_add(&w->meta, &v, 4);
}

static void kv_str(writer *w, const char *key, const char *v)
{
    if (!replaced(w, key)) u32(&w->meta, KEN_GGUF_STRING), str(&w->meta, v);
}

static void kv_strings(writer *w, const char *key, const char *const *v, uint64_t n)
{
    if (replaced(w, key)) return;
    u32(&w->meta, KEN_GGUF_ARRAY), u32(&w->meta, KEN_GGUF_STRING), u64(&w->meta, n);
    for (uint64_t i = 0; i < n; i++) str(&w->meta, v[i]);
}

static void write_meta(writer *w)
{
    static const char *const pieces[] = {"a", "b", "c", "ab", "abc", "\xc4\xa0", "<|bos|>", "<|im_end|>"};
    static const char *const spm_pieces[] = {"<unk>", "<s>", "</s>", "<0x41>", "\xe2\x96\x81", "a", "b", "ab"};
    static const char *const merges[] = {"a b", "ab c"};
    static const uint32_t types[] = {1, 1, 1, 1, 1, 1, 3, 3}, spm_types[] = {2, 3, 3, 6, 1, 1, 1, 1};
    const char *arch = w->x->qwen3 ? "qwen3" : "llama";
    char key[64];
    if (w->x->alignment != 0) kv_u32(w, "general.alignment", w->x->alignment);
    kv_str(w, "general.architecture", arch);
    static const struct {
        const char *name;
        uint32_t v;
    } numbers[] = {{"block_count", 1},         {"context_length", 64},      {"embedding_length", 8},
                   {"feed_forward_length", 8}, {"attention.head_count", 2}, {"attention.head_count_kv", 1}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ken_buf name = {0};
        ken_buf_printf(&name, "%s.%s", arch, numbers[i].name);
        kv_u32(w, ken_buf_str(&name), numbers[i].v);
        ken_buf_free(&name);
    }
    strcpy(key, arch);
    kv_f32(w, strcat(key, ".attention.layer_norm_rms_epsilon"), 1e-5f);
    kv_str(w, "tokenizer.ggml.model", w->x->spm ? "llama" : "gpt2");
    kv_strings(w, "tokenizer.ggml.tokens", w->x->spm ? spm_pieces : pieces, 8);
    if (!replaced(w, "tokenizer.ggml.token_type")) {
        u32(&w->meta, KEN_GGUF_ARRAY), u32(&w->meta, KEN_GGUF_I32), u64(&w->meta, 8);
        ken_buf_add(&w->meta, w->x->spm ? spm_types : types, sizeof types);
    }
    if (w->x->spm) {
        if (!replaced(w, "tokenizer.ggml.scores")) {
            static const float scores[8] = {0, 0, 0, 0, -2, -3, -4, -1};
            u32(&w->meta, KEN_GGUF_ARRAY), u32(&w->meta, KEN_GGUF_F32), u64(&w->meta, 8);
            ken_buf_add(&w->meta, scores, sizeof scores);
        }
    } else {
        kv_str(w, "tokenizer.ggml.pre", "gpt-2");
        kv_strings(w, "tokenizer.ggml.merges", merges, 2);
        kv_u32(w, "tokenizer.ggml.bos_token_id", 6);
        kv_u32(w, "tokenizer.ggml.eos_token_id", 7);
    }
    /* an odd nested list that nobody reads: a list of two lists */
    if (!replaced(w, "test.nested")) {
        u32(&w->meta, KEN_GGUF_ARRAY), u32(&w->meta, KEN_GGUF_ARRAY), u64(&w->meta, 2);
        u32(&w->meta, KEN_GGUF_U8), u64(&w->meta, 3), ken_buf_add(&w->meta, "xyz", 3);
        u32(&w->meta, KEN_GGUF_STRING), u64(&w->meta, 1), str(&w->meta, "deep");
    }
    if (w->x->set_key != NULL && !w->set_done)
        (void)replaced(w, w->x->set_key); /* a key that the image does not have by itself */
}

/* ---- tensors ---------------------------------------------------------------------------------------------------------- */

static void entry(writer *w, const char *name, uint64_t ne0, uint64_t ne1)
{
    const gguf_image *x = w->x;
    bool bad = is(x->bad_tensor, name);
    uint64_t ne[4] = {ne0, ne1, 1, 1}, align = x->alignment != 0 ? x->alignment : 32;
    uint32_t n_dims = ne1 > 0 ? 2 : 1;
    w->n_tensors++;
    if (bad && x->bad_n_dims != 0) n_dims = x->bad_n_dims;
    for (int i = 0; bad && i < 4; i++)
        if (x->bad_ne[i] != 0) ne[i] = x->bad_ne[i] == UINT64_MAX ? 0 : x->bad_ne[i]; /* UINT64_MAX stands for 0 */
    str(&w->table, is(x->rename_tensor, name) ? x->new_name : name);
    u32(&w->table, n_dims);
    for (uint32_t i = 0; i < n_dims && i < 4; i++) u64(&w->table, ne[i]);
    u32(&w->table, bad && x->has_bad_type ? x->bad_type : (uint32_t)KEN_F32);
    u64(&w->table, bad && x->has_bad_offset ? x->bad_offset : w->at);
    w->at += (ne0 * (ne1 > 0 ? ne1 : 1) * 4 + align - 1) / align * align;
}

static void tensor(writer *w, const char *name, uint64_t ne0, uint64_t ne1)
{
    if (is(w->x->drop_tensor, name)) return;
    entry(w, name, ne0, ne1);
    if (is(w->x->twice_tensor, name)) entry(w, name, ne0, ne1);
}

static void write_table(writer *w)
{
    uint64_t head = w->x->qwen3 ? 4 : 0;
    tensor(w, "token_embd.weight", 8, 8);
    tensor(w, "output_norm.weight", 8, 0);
    tensor(w, "blk.0.attn_norm.weight", 8, 0);
    tensor(w, "blk.0.attn_q.weight", 8, 8);
    tensor(w, "blk.0.attn_k.weight", 8, 4);
    tensor(w, "blk.0.attn_v.weight", 8, 4);
    tensor(w, "blk.0.attn_output.weight", 8, 8);
    if (head > 0) tensor(w, "blk.0.attn_q_norm.weight", head, 0), tensor(w, "blk.0.attn_k_norm.weight", head, 0);
    tensor(w, "blk.0.ffn_norm.weight", 8, 0);
    tensor(w, "blk.0.ffn_gate.weight", 8, 8);
    tensor(w, "blk.0.ffn_up.weight", 8, 8);
    tensor(w, "blk.0.ffn_down.weight", 8, 8);
    if (w->x->extra_tensor != NULL) tensor(w, w->x->extra_tensor, 8, 0);
}

void gguf_image_write(ken_buf *b, const gguf_image *x)
{
    writer w = {.b = b, .x = x};
    write_meta(&w);
    write_table(&w);
    u32(b, x->magic != 0 ? x->magic : 0x46554747u);
    u32(b, x->version != 0 ? x->version : 3);
    u64(b, x->n_tensors_claim != 0 ? x->n_tensors_claim : w.n_tensors);
    u64(b, x->n_kv_claim != 0 ? x->n_kv_claim : w.n_kv);
    ken_buf_add(b, w.meta.data, w.meta.len);
    ken_buf_add(b, w.table.data, w.table.len);
    uint64_t align = x->alignment != 0 ? x->alignment : 32;
    while (b->len % align != 0) ken_buf_putc(b, 0);
    for (uint64_t i = 0; i < w.at; i += 4) { /* small whole numbers as f32: plain, finite, not all the same */
        float f = (float)(i % 7) - 3;
        ken_buf_add(b, &f, 4);
    }
    ken_buf_free(&w.meta);
    ken_buf_free(&w.table);
}
