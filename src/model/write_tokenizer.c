/* write_tokenizer.c - tokenizer.json and tokenizer_config.json from the vocabulary of a GGUF file; see write_parts.h.
 *
 * tokenizer.json describes a pipeline in general parts; what is written is what the families' own files have, and tok_json.c
 * recognises: byte-level BPE with one of the pre-tokenizers that we know, or SentencePiece as BPE with byte fallback, whose merges
 * are every way to cut a piece into two, best score first (transformers, convert_slow_tokenizer.py, generate_merges).
 *
 * Special tokens are in the vocabulary as well as among the added tokens: the library gives an added token the id that the
 * vocabulary has for it, and counts on from the vocabulary's size otherwise, which would move ids. Padding rows are left out. */
#include "base/alloc.h"
#include "model/json.h"
#include "model/write_parts.h"
#include <stdlib.h>
#include <string.h>

#define MARK "\xe2\x96\x81" /* U+2581, SentencePiece's space */

enum { LONGEST_CUT = 256 }; /* bytes; longer pieces are never made by merging (text/tokenizer_parts.h) */

static uint8_t type_of(const ken_tok_spec *v, int32_t id)
{
    return v->types == NULL ? (uint8_t)KEN_TT_NORMAL : v->types[id];
}

static bool is_added(const ken_tok_spec *v, int32_t id)
{
    const uint8_t t = type_of(v, id);
    return t == KEN_TT_CONTROL || t == KEN_TT_USER || t == KEN_TT_UNKNOWN;
}

static int quote(ken_buf *out, ken_str s, ken_err *err)
{
    if (ken_json_quote(out, s.p, s.n)) return KEN_OK;
    return ken_fail(err, KEN_EINPUT,
                    "token \"%.*s\" is not valid UTF-8, which tokenizer.json cannot hold; write GGUF instead",
                    (int)(s.n > 60 ? 60 : s.n), s.p);
}

/* ---- vocabulary and added tokens ---------------------------------------------------------------------------------------- */

/* Of tokens spelled alike the last one counts (text/tokenizer.h), and an object has room for one only. */
static int map_pieces(ken_strmap **out, const ken_tok_spec *v, ken_err *err)
{
    *out = ken_strmap_new((size_t)v->n_vocab);
    if (*out == NULL) return ken_fail_nomem(err, "vocabulary");
    for (int32_t id = v->n_vocab - 1; id >= 0; id--)
        if (type_of(v, id) != KEN_TT_UNUSED && ken_strmap_add(*out, v->pieces[id].p, v->pieces[id].n, id) < 0)
            return ken_fail_nomem(err, "vocabulary");
    return KEN_OK;
}

static bool counts(const ken_strmap *ids, const ken_tok_spec *v, int32_t id)
{
    return ken_strmap_get(ids, v->pieces[id].p, v->pieces[id].n, -1) == id;
}

static int put_vocab(ken_buf *out, const ken_tok_spec *v, const ken_strmap *ids, ken_err *err)
{
    int rc = KEN_OK;
    const char *comma = "";
    ken_buf_puts(out, "\"vocab\": {");
    for (int32_t id = 0; id < v->n_vocab && rc == KEN_OK; id++) {
        if (!counts(ids, v, id)) continue;
        ken_buf_puts(out, comma);
        rc = quote(out, v->pieces[id], err);
        ken_buf_printf(out, ": %d", id);
        comma = ",\n";
    }
    ken_buf_puts(out, "}");
    return rc;
}

static int put_added(ken_buf *out, const ken_tok_spec *v, const ken_strmap *ids, ken_err *err)
{
    int rc = KEN_OK;
    const char *comma = "\n  ";
    ken_buf_puts(out, " \"added_tokens\": [");
    for (int32_t id = 0; id < v->n_vocab && rc == KEN_OK; id++) {
        if (!is_added(v, id) || !counts(ids, v, id)) continue;
        /* A piece that is spelled with SentencePiece's mark is looked for where spaces have become marks. */
        const bool marked = memmem(v->pieces[id].p, v->pieces[id].n, MARK, strlen(MARK)) != NULL;
        ken_buf_printf(out, "%s{\"id\": %d, \"content\": ", comma, id);
        rc = quote(out, v->pieces[id], err);
        ken_buf_printf(out,
                       ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": %s, "
                       "\"special\": %s}",
                       marked ? "true" : "false", type_of(v, id) == KEN_TT_USER ? "false" : "true");
        comma = ",\n  ";
    }
    ken_buf_puts(out, "],\n");
    return rc;
}

/* ---- merges ------------------------------------------------------------------------------------------------------------- */

typedef struct merge {
    ken_str left, right;
    float score; /* of the result */
    int32_t left_id, right_id;
} merge;

static int by_score(const void *a, const void *b)
{
    const merge *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->left.n != y->left.n) return x->left.n > y->left.n ? -1 : 1;
    if (x->right.n != y->right.n) return x->right.n > y->right.n ? -1 : 1;
    if (x->left_id != y->left_id) return x->left_id < y->left_id ? -1 : 1;
    return (x->right_id > y->right_id) - (x->right_id < y->right_id);
}

static int32_t normal_id(const ken_tok_spec *v, const ken_strmap *ids, const char *p, size_t n)
{
    const int32_t id = ken_strmap_get(ids, p, n, -1);
    return id >= 0 && type_of(v, id) == KEN_TT_NORMAL ? id : -1;
}

/* Every way to cut an ordinary piece into two ordinary pieces, best score first. *out (*n), the caller's. */
static int cut_pieces(merge **out, size_t *n, const ken_tok_spec *v, const ken_strmap *ids, ken_err *err)
{
    size_t cap = 0;
    for (int32_t id = 0; id < v->n_vocab; id++) {
        const ken_str s = v->pieces[id];
        if (type_of(v, id) != KEN_TT_NORMAL || s.n > LONGEST_CUT || !counts(ids, v, id)) continue;
        for (size_t k = 1; k < s.n; k++) {
            if (((unsigned char)s.p[k] & 0xC0) == 0x80) continue; /* inside a character */
            const int32_t l = normal_id(v, ids, s.p, k), r = normal_id(v, ids, s.p + k, s.n - k);
            if (l < 0 || r < 0) continue;
            if (ken_grow((void **)out, &cap, *n + 1, sizeof **out) != 0) return ken_fail_nomem(err, "merges");
            (*out)[(*n)++] = (merge){{s.p, k}, {s.p + k, s.n - k}, v->scores[id], l, r};
        }
    }
    if (*n > 0) qsort(*out, *n, sizeof **out, by_score);
    return KEN_OK;
}

static int put_merges(ken_buf *out, const ken_tok_spec *v, const ken_strmap *ids, ken_err *err)
{
    merge *cut = NULL;
    size_t n = 0;
    int rc = v->kind == KEN_TOK_SPM ? cut_pieces(&cut, &n, v, ids, err) : KEN_OK;
    if (v->kind == KEN_TOK_BPE) n = (size_t)v->n_merges;
    ken_buf_puts(out, ",\n\"merges\": [");
    for (size_t i = 0; i < n && rc == KEN_OK;
         i++) { /* pairs: the old form, with a space between, has no room for spaces */
        ken_buf_puts(out, i == 0 ? "[" : ",\n[");
        rc = quote(out, cut != NULL ? cut[i].left : v->merge_left[i], err);
        ken_buf_putc(out, ',');
        if (rc == KEN_OK) rc = quote(out, cut != NULL ? cut[i].right : v->merge_right[i], err);
        ken_buf_putc(out, ']');
    }
    ken_buf_puts(out, "]");
    ken_free(cut);
    return rc;
}

/* ---- the pipeline --------------------------------------------------------------------------------------------------------- */

static void put_pre_tokenizer(ken_buf *out, ken_pretok pre)
{
    static const char byte_level[] =
        "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": %s}";
    const char *regex = ken_pretok_regex(pre);
    ken_buf_puts(out, " \"pre_tokenizer\": ");
    if (regex != NULL) {
        ken_buf_puts(out,
                     "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": ");
        ken_json_quote(out, regex, strlen(regex));
        ken_buf_puts(out, "}, \"behavior\": \"Isolated\", \"invert\": false}, ");
        ken_buf_printf(out, byte_level, "false");
        ken_buf_puts(out, "]},\n");
    } else if (pre == KEN_PRE_SMOLLM) {
        ken_buf_puts(out, "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Digits\", \"individual_digits\": "
                          "true}, ");
        ken_buf_printf(out, byte_level, "true");
        ken_buf_puts(out, "]},\n");
    } else {
        ken_buf_printf(out, byte_level, "true");
        ken_buf_puts(out, ",\n");
    }
}

static void put_spm_stages(ken_buf *out, const ken_tok_spec *v)
{
    static const char replace[] =
        "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"" MARK "\"}";
    ken_buf_puts(out, " \"normalizer\": ");
    if (v->add_space_prefix)
        ken_buf_printf(
            out, "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", \"prepend\": \"" MARK "\"}, %s]}",
            replace);
    else ken_buf_puts(out, replace);
    ken_buf_printf(out,
                   ",\n \"pre_tokenizer\": null,\n"
                   " \"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": "
                   "{\"String\": \"" MARK "\"}, \"content\": \" \"}, {\"type\": \"ByteFallback\"}, {\"type\": "
                   "\"Fuse\"}%s]},\n",
                   v->add_space_prefix ? ", {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}" : "");
}

static void put_byte_level_stages(ken_buf *out, const ken_tok_spec *v)
{
    ken_buf_printf(out, " \"normalizer\": %s,\n", v->nfc ? "{\"type\": \"NFC\"}" : "null");
    put_pre_tokenizer(out, v->pre);
    ken_buf_puts(out, " \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, "
                      "\"use_regex\": true},\n");
}

static const char byte_level_post[] = "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": false, "
                                      "\"use_regex\": true}";

static void put_special(ken_buf *out, ken_str piece, int sequence)
{
    ken_buf_puts(out, "{\"SpecialToken\": {\"id\": ");
    ken_json_quote(out, piece.p, piece.n);
    ken_buf_printf(out, ", \"type_id\": %d}}", sequence);
}

/* What is put around a text: "<s> $A </s>". */
static void put_template(ken_buf *out, const ken_tok_spec *v, const char *name, int n_sequences)
{
    ken_buf_printf(out, "\"%s\": [", name);
    const char *comma = "";
    for (int k = 0; k < n_sequences; k++) {
        ken_buf_puts(out, comma);
        if (v->add_bos) put_special(out, v->pieces[v->bos], k), ken_buf_puts(out, ", ");
        ken_buf_printf(out, "{\"Sequence\": {\"id\": \"%c\", \"type_id\": %d}}", 'A' + k, k);
        if (v->add_eos) ken_buf_puts(out, ", "), put_special(out, v->pieces[v->eos], k);
        comma = ", ";
    }
    ken_buf_puts(out, "], ");
}

static void put_post_processor(ken_buf *out, const ken_tok_spec *v)
{
    const bool bpe = v->kind == KEN_TOK_BPE, template = v->add_bos || v->add_eos;
    ken_buf_puts(out, " \"post_processor\": ");
    if (!template) {
        ken_buf_printf(out, "%s,\n", bpe ? byte_level_post : "null");
        return;
    }
    if (bpe) ken_buf_printf(out, "{\"type\": \"Sequence\", \"processors\": [%s, ", byte_level_post);
    ken_buf_puts(out, "{\"type\": \"TemplateProcessing\", ");
    put_template(out, v, "single", 1);
    put_template(out, v, "pair", 2);
    ken_buf_puts(out, "\"special_tokens\": {");
    const char *comma = "";
    for (int k = 0; k < 2; k++) {
        const int32_t id = k == 0 ? v->bos : v->eos;
        if (!(k == 0 ? v->add_bos : v->add_eos) || (k == 1 && v->add_bos && v->bos == v->eos)) continue;
        const ken_str s = v->pieces[id];
        ken_buf_puts(out, comma);
        ken_json_quote(out, s.p, s.n);
        ken_buf_puts(out, ": {\"id\": ");
        ken_json_quote(out, s.p, s.n);
        ken_buf_printf(out, ", \"ids\": [%d], \"tokens\": [", id);
        ken_json_quote(out, s.p, s.n);
        ken_buf_puts(out, "]}");
        comma = ", ";
    }
    ken_buf_printf(out, "}}%s,\n", bpe ? "]}" : "");
}

int ken_tokenizer_json(ken_buf *out, const ken_base *b, ken_err *err)
{
    const ken_tok_spec *v = &b->vocab.spec;
    const bool spm = v->kind == KEN_TOK_SPM;
    ken_strmap *ids = NULL;
    int rc = map_pieces(&ids, v, err);
    ken_buf_puts(out, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null,\n");
    if (rc == KEN_OK) rc = put_added(out, v, ids, err);
    if (spm) put_spm_stages(out, v);
    else put_byte_level_stages(out, v);
    put_post_processor(out, v);
    ken_buf_puts(out, " \"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": ");
    if (!spm || v->unk < 0) ken_buf_puts(out, "null");
    else if (rc == KEN_OK) rc = quote(out, v->pieces[v->unk], err);
    ken_buf_printf(out,
                   ", \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, \"fuse_unk\": %s, "
                   "\"byte_fallback\": %s, \"ignore_merges\": %s,\n",
                   spm ? "true" : "false", spm ? "true" : "false", v->ignore_merges ? "true" : "false");
    if (rc == KEN_OK) rc = put_vocab(out, v, ids, err);
    if (rc == KEN_OK) rc = put_merges(out, v, ids, err);
    ken_buf_puts(out, "}}\n");
    ken_strmap_free(ids);
    if (rc == KEN_OK && out->failed) rc = ken_fail_nomem(err, "tokenizer.json");
    return rc;
}

/* ---- the file beside it ----------------------------------------------------------------------------------------------------- */

/* null where the file names none: a class of transformers would otherwise add its own default to the vocabulary. */
static int put_named(ken_buf *out, const char *key, const ken_tok_spec *v, double id, ken_err *err)
{
    int rc = KEN_OK;
    ken_buf_printf(out, "  \"%s\": ", key);
    if (id >= 0 && id < v->n_vocab) rc = quote(out, v->pieces[(int32_t)id], err);
    else ken_buf_puts(out, "null");
    ken_buf_puts(out, ",\n");
    return rc;
}

int ken_tokenizer_config_json(ken_buf *out, const ken_base *b, ken_err *err)
{
    const ken_tok_spec *v = &b->vocab.spec;
    const ken_value pad = ken_gguf_value(ken_gguf_find(&b->gguf, "tokenizer.ggml.padding_token_id"));
    const char *chat = ken_model_chat_template(b->model);
    ken_buf_puts(out, "{\n");
    int rc = put_named(out, "bos_token", v, v->bos, err);
    if (rc == KEN_OK) rc = put_named(out, "eos_token", v, v->eos, err);
    if (rc == KEN_OK) rc = put_named(out, "unk_token", v, v->unk, err);
    if (rc == KEN_OK) rc = put_named(out, "pad_token", v, pad.kind == KEN_V_NUMBER ? pad.number : -1, err);
    if (rc == KEN_OK && chat != NULL) {
        ken_buf_puts(out, "  \"chat_template\": ");
        if (!ken_json_quote(out, chat, strlen(chat)))
            rc = ken_fail(err, KEN_EINPUT, "%s: the chat template is not valid UTF-8", b->model->path);
        ken_buf_puts(out, ",\n");
    }
    ken_buf_printf(out,
                   "  \"add_bos_token\": %s,\n  \"add_eos_token\": %s,\n  \"clean_up_tokenization_spaces\": false,\n"
                   "  \"model_max_length\": %d,\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\"\n}\n",
                   v->add_bos ? "true" : "false", v->add_eos ? "true" : "false", ken_model_config(b->model)->n_ctx);
    if (rc == KEN_OK && out->failed) rc = ken_fail_nomem(err, "tokenizer_config.json");
    return rc;
}
