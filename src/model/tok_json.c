/* tok_json.c - the vocabulary in tokenizer.json (Hugging Face tokenizers) as a ken_tok_spec; see tok_source.h.
 *
 * That file describes a pipeline of parts (normalizer, pre-tokenizer, model, post-processor) in general terms; we recognise the
 * pipelines of the families that we run and refuse the rest by name, because a nearly right pipeline gives wrong ids silently.
 *   byte-level BPE: pre-tokenizer ByteLevel, alone (GPT-2) or after Digits (SmolLM) or Split by a known regex (Llama-3, Qwen2)
 *   SentencePiece:  spaces become U+2581, by the normalizers Prepend and Replace or the pre-tokenizer Metaspace; byte fallback
 * BOS and EOS around a text are what the TemplateProcessing post-processor puts there. */
#include "model/tok_source.h"
#include "model/json.h"
#include "base/alloc.h"
#include <stdio.h>
#include <string.h>

enum { MAX_ID = 1 << 24 };

/* ---- small helpers ---------------------------------------------------------------------------------------------------- */

static ken_str json_str(const json_t *j) { return (ken_str){json_string_value(j), json_string_length(j)}; }

static bool is_type(const json_t *j, const char *type)
{
    ken_value v = ken_json_value(j, "type");
    return ken_value_is(&v, type);
}

static const char *type_of(const json_t *j)
{
    const char *s = json_string_value(json_object_get(j, "type"));
    return s != NULL ? s : "(none)";
}

/* The i-th part of a pipeline stage: a Sequence's list under `key`, or the stage itself. NULL past the last. */
static const json_t *part(const json_t *stage, const char *key, size_t i)
{
    if (!json_is_object(stage)) return NULL;
    if (is_type(stage, "Sequence")) return json_array_get(json_object_get(stage, key), i);
    return i == 0 ? stage : NULL;
}

/* ---- pieces ----------------------------------------------------------------------------------------------------------- */

/* One entry of the vocabulary or of the added tokens. Ids beyond the embedding's rows cannot be forwarded. */
static int64_t id_of(const json_t *j)
{
    json_int_t id = json_is_integer(j) ? json_integer_value(j) : -1;
    return id < MAX_ID ? (int64_t)id : -1;
}

static int set_piece(ken_tok_source *t, int64_t id, ken_str piece, uint8_t type, int32_t n_rows, size_t *dropped,
                     ken_err *err)
{
    int shown = (int)(piece.n > 60 ? 60 : piece.n);
    if (id < 0)
        return ken_fail(err, KEN_EINPUT, "token \"%.*s\" has no usable id (0 to %d)", shown, piece.p, MAX_ID - 1);
    if (id >= n_rows) {
        if (type != KEN_TT_NORMAL) return (*dropped)++, KEN_OK;
        return ken_fail(err, KEN_EINPUT, "token \"%.*s\" has id %lld, but the embedding has only %d rows", shown,
                        piece.p, (long long)id, n_rows);
    }
    if (t->types[id] == KEN_TT_NORMAL && type == KEN_TT_NORMAL)
        return ken_fail(err, KEN_EINPUT, "id %lld occurs twice in the vocabulary (again for \"%.*s\")", (long long)id,
                        shown, piece.p);
    t->pieces[id] = piece;
    t->types[id] = type;
    if (id >= t->spec.n_vocab) t->spec.n_vocab = (int32_t)id + 1;
    return KEN_OK;
}

/* Ids that no token has (the embedding is often rounded up) get a piece that no text can spell by merging. */
static int fill_gaps(ken_tok_source *t, ken_err *err)
{
    size_t n_gaps = 0, at = 0;
    for (int32_t i = 0; i < t->spec.n_vocab; i++) n_gaps += t->types[i] == 0;
    if (n_gaps == 0) return KEN_OK;
    for (int32_t i = 0; i < t->spec.n_vocab; i++)
        if (t->types[i] == 0) ken_buf_printf(&t->text, "[PAD%d]", i);
    if (t->text.failed) return ken_fail_nomem(err, "vocabulary");
    for (int32_t i = 0; i < t->spec.n_vocab; i++) {
        if (t->types[i] != 0) continue;
        size_t n = (size_t)(strchr(t->text.data + at, ']') - (t->text.data + at)) + 1;
        t->pieces[i] = (ken_str){t->text.data + at, n};
        t->types[i] = KEN_TT_UNUSED;
        at += n;
    }
    return KEN_OK;
}

static int read_vocab(ken_tok_source *t, const json_t *root, int32_t n_rows, ken_buf *notes, ken_err *err)
{
    const json_t *model = json_object_get(root, "model"), *vocab = json_object_get(model, "vocab"),
                 *added = json_object_get(root, "added_tokens");
    if (json_object_size(vocab) == 0) return ken_fail(err, KEN_EINPUT, "model.vocab is missing or empty");
    t->pieces = ken_calloc((size_t)n_rows, sizeof *t->pieces);
    t->types = ken_calloc((size_t)n_rows, 1); /* 0 = no token has this id so far */
    if (t->pieces == NULL || t->types == NULL) return ken_fail_nomem(err, "vocabulary");

    int rc = KEN_OK;
    size_t dropped = 0, trimming = 0;
    const char *piece;
    json_t *id;
    json_object_foreach((json_t *)vocab, piece, id)
    {
        rc = set_piece(t, id_of(id), (ken_str){piece, strlen(piece)}, KEN_TT_NORMAL, n_rows, &dropped, err);
        if (rc != KEN_OK) return rc;
    }
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *a = json_array_get(added, i);
        ken_str content = json_str(json_object_get(a, "content"));
        if (content.p == NULL || content.n == 0)
            return ken_fail(err, KEN_EINPUT, "added_tokens: entry %zu has no content", i);
        uint8_t type = json_is_true(json_object_get(a, "special")) ? KEN_TT_CONTROL : KEN_TT_USER;
        trimming += json_is_true(json_object_get(a, "lstrip")) || json_is_true(json_object_get(a, "rstrip"));
        rc = set_piece(t, id_of(json_object_get(a, "id")), content, type, n_rows, &dropped, err);
        if (rc != KEN_OK) return rc;
    }
    if (dropped > 0)
        ken_buf_printf(notes, "added tokens left out because their ids are beyond the %d rows of the embedding: %zu\n",
                       n_rows, dropped);
    if (trimming > 0)
        ken_buf_printf(
            notes, "added tokens that would swallow the spaces beside them (lstrip, rstrip), but do not here: %zu\n",
            trimming);
    return fill_gaps(t, err);
}

/* The id of a piece by linear search (a handful of lookups a file); -1 when there is none. */
static int32_t find_piece(const ken_tok_source *t, ken_str s)
{
    for (int32_t i = t->spec.n_vocab - 1; i >= 0 && s.p != NULL; i--) /* added tokens come last */
        if (t->types[i] != KEN_TT_UNUSED && t->pieces[i].n == s.n && memcmp(t->pieces[i].p, s.p, s.n) == 0) return i;
    return -1;
}

/* ---- merges ----------------------------------------------------------------------------------------------------------- */

/* "left right", or ["left", "right"] since tokenizers 0.20. */
static int read_merges(ken_tok_source *t, const json_t *model, ken_err *err)
{
    const json_t *list = json_object_get(model, "merges");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > MAX_ID)
        return ken_fail(err, KEN_EINPUT, "model.merges is not a list of up to %d merges", MAX_ID);
    t->left = ken_alloc(n, sizeof *t->left);
    t->right = ken_alloc(n, sizeof *t->right);
    if (t->left == NULL || t->right == NULL) return ken_fail_nomem(err, "merges");
    for (size_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(list, i);
        ken_str l = json_str(json_array_get(m, 0)), r = json_str(json_array_get(m, 1));
        if (json_is_string(m)) {
            ken_str s = json_str(m);
            const char *space = memchr(s.p, ' ', s.n);
            if (space != NULL) {
                l = (ken_str){s.p, (size_t)(space - s.p)};
                r = (ken_str){space + 1, s.n - l.n - 1};
            }
        }
        if (l.p == NULL || r.p == NULL || l.n == 0 || r.n == 0)
            return ken_fail(err, KEN_EINPUT, "model.merges: entry %zu is not a pair of pieces", i);
        t->left[i] = l;
        t->right[i] = r;
    }
    t->spec.n_merges = (int32_t)n;
    return KEN_OK;
}

/* The ways to cut a piece into two pieces. */
static size_t count_cuts(const ken_strmap *ids, ken_str s)
{
    size_t n = 0;
    for (size_t k = 1; k < s.n; k++)
        if (((unsigned char)s.p[k] & 0xC0) != 0x80 && ken_strmap_get(ids, s.p, k, -1) >= 0 &&
            ken_strmap_get(ids, s.p + k, s.n - k, -1) >= 0)
            n++;
    return n;
}

/* SentencePiece merges by the score of the result, these files by a list of pairs. The converter lists every way to cut every piece
 * into two, best score first, so the first place where a piece is a result orders the pieces as their scores did. A file with fewer
 * pairs was not made that way, and is warned about: we would merge what it does not list. */
static int scores_from_merges(ken_tok_source *t, ken_buf *notes, ken_err *err)
{
    if ((t->scores = ken_alloc((size_t)t->spec.n_vocab, sizeof *t->scores)) == NULL)
        return ken_fail_nomem(err, "token scores");
    ken_strmap *ids = ken_strmap_new((size_t)t->spec.n_vocab);
    if (ids == NULL) return ken_fail_nomem(err, "token scores");
    int rc = KEN_OK;
    ken_buf joined = {0};
    for (int32_t i = 0; i < t->spec.n_vocab && rc == KEN_OK; i++) {
        t->scores[i] = -1e30f;
        if (t->types[i] == KEN_TT_NORMAL && ken_strmap_add(ids, t->pieces[i].p, t->pieces[i].n, i) < 0)
            rc = ken_fail_nomem(err, "token scores");
    }
    for (int32_t i = 0; i < t->spec.n_merges && rc == KEN_OK; i++) {
        ken_buf_clear(&joined);
        ken_buf_add(&joined, t->left[i].p, t->left[i].n);
        ken_buf_add(&joined, t->right[i].p, t->right[i].n);
        if (joined.failed) {
            rc = ken_fail_nomem(err, "token scores");
            break;
        }
        int32_t id = ken_strmap_get(ids, joined.data, joined.len, -1);
        if (id >= 0 && t->scores[id] < -1e29f) t->scores[id] = -(float)i;
    }
    size_t n_cuts = 0;
    for (int32_t i = 0; i < t->spec.n_vocab && rc == KEN_OK; i++)
        if (t->types[i] == KEN_TT_NORMAL) n_cuts += count_cuts(ids, t->pieces[i]);
    if (rc == KEN_OK && n_cuts > (size_t)t->spec.n_merges)
        ken_buf_printf(
            notes,
            "the vocabulary allows %zu merges, but model.merges lists %d: it was not converted from SentencePiece, "
            "and token ids may differ from those the model was trained with\n",
            n_cuts, t->spec.n_merges);
    ken_buf_free(&joined);
    ken_strmap_free(ids);
    return rc;
}

/* ---- the pipeline ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *regex;
    ken_pretok pre;
} known_splits[] = {
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", KEN_PRE_GPT2},
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
     "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     KEN_PRE_LLAMA3},
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
     "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     KEN_PRE_QWEN2},
};

const char *ken_pretok_regex(ken_pretok pre)
{
    for (size_t i = 0; i < sizeof known_splits / sizeof *known_splits; i++)
        if (known_splits[i].pre == pre && pre != KEN_PRE_GPT2) return known_splits[i].regex;
    return NULL;
}

/* The pre-tokenizer of a byte-level vocabulary, or KEN_EINPUT naming the part that is not known. */
static int recognise_byte_level(ken_tok_source *t, const json_t *pre, ken_err *err)
{
    const json_t *p;
    ken_value regex = {.kind = KEN_V_NONE};
    bool digits = false, byte_level = false, use_regex = false;
    for (size_t i = 0; (p = part(pre, "pretokenizers", i)) != NULL; i++) {
        if (is_type(p, "ByteLevel")) {
            byte_level = true;
            use_regex = !json_is_false(json_object_get(p, "use_regex")); /* true by default */
            if (json_is_true(json_object_get(p, "add_prefix_space")))
                return ken_fail(err, KEN_EINPUT, "pre_tokenizer: ByteLevel with add_prefix_space is not supported");
        } else if (is_type(p, "Digits") && json_is_true(json_object_get(p, "individual_digits")) && i == 0)
            digits = true;
        else if (is_type(p, "Split") && i == 0) {
            ken_value behavior = ken_json_value(p, "behavior");
            regex = ken_json_value(p, "pattern.Regex");
            if (regex.kind != KEN_V_STRING || !ken_value_is(&behavior, "Isolated") ||
                json_is_true(json_object_get(p, "invert")))
                return ken_fail(err, KEN_EINPUT,
                                "pre_tokenizer: Split is only supported by a regex, Isolated and not inverted");
        } else
            return ken_fail(err, KEN_EINPUT,
                            "pre_tokenizer: part %zu (%.40s) is not supported in this place; known pre-tokenizers: %s",
                            i, type_of(p), ken_pretok_names);
    }
    if (!byte_level)
        return ken_fail(err, KEN_EINPUT, "pre_tokenizer %.40s is not supported; known: %s", type_of(pre),
                        ken_pretok_names);
    if (regex.kind == KEN_V_NONE && use_regex) {
        t->spec.pre = digits ? KEN_PRE_SMOLLM : KEN_PRE_GPT2;
        return KEN_OK;
    }
    for (size_t i = 0; i < sizeof known_splits / sizeof *known_splits; i++)
        if (!digits && !use_regex && ken_value_is(&regex, known_splits[i].regex)) {
            t->spec.pre = known_splits[i].pre;
            return KEN_OK;
        }
    return ken_fail(err, KEN_EINPUT, "pre_tokenizer: splitting by \"%.*s\" is not supported; known pre-tokenizers: %s",
                    (int)(regex.string.n > 200 ? 200 : regex.string.n),
                    regex.kind == KEN_V_STRING ? regex.string.p : "", ken_pretok_names);
}

/* Normalizer and pre-tokenizer of a SentencePiece vocabulary: do they put a space before the text? */
static int recognise_spm(ken_tok_source *t, const json_t *normalizer, const json_t *pre, ken_err *err)
{
    const json_t *p;
    bool marks = false;
    for (size_t i = 0; (p = part(normalizer, "normalizers", i)) != NULL; i++) {
        ken_value prefix = ken_json_value(p, "prepend"), from = ken_json_value(p, "pattern.String"),
                  to = ken_json_value(p, "content");
        if (is_type(p, "Prepend") && ken_value_is(&prefix, "\u2581")) t->spec.add_space_prefix = true;
        else if (is_type(p, "Replace") && ken_value_is(&from, " ") && ken_value_is(&to, "\u2581")) marks = true;
        else return ken_fail(err, KEN_EINPUT, "normalizer: part %zu (%.40s) is not supported", i, type_of(p));
    }
    for (size_t i = 0; (p = part(pre, "pretokenizers", i)) != NULL; i++) {
        ken_value scheme = ken_json_value(p, "prepend_scheme"), mark = ken_json_value(p, "replacement");
        if (!is_type(p, "Metaspace"))
            return ken_fail(err, KEN_EINPUT, "pre_tokenizer: part %zu (%.40s) is not supported; known: %s", i,
                            type_of(p), ken_pretok_names);
        if (!ken_value_is(&mark, "\u2581") ||
            !json_is_false(json_object_get(p, "split"))) /* it splits unless told not to */
            return ken_fail(err, KEN_EINPUT,
                            "pre_tokenizer: Metaspace is only supported with U+2581 and without splitting");
        marks = true;
        if (ken_value_is(&scheme, "first") || ken_value_is(&scheme, "always") ||
            (scheme.kind == KEN_V_NONE && json_is_true(json_object_get(p, "add_prefix_space"))))
            t->spec.add_space_prefix = true;
    }
    if (!marks)
        return ken_fail(err, KEN_EINPUT,
                        "neither a byte-level nor a SentencePiece vocabulary (pre_tokenizer %.40s, normalizer %.40s)",
                        type_of(pre), type_of(normalizer));
    return KEN_OK;
}

static int recognise(ken_tok_source *t, const json_t *root, ken_err *err)
{
    const json_t *model = json_object_get(root, "model"), *pre = json_object_get(root, "pre_tokenizer"),
                 *normalizer = json_object_get(root, "normalizer"), *p;
    const ken_value prefix = ken_json_value(model, "continuing_subword_prefix"),
                    suffix = ken_json_value(model, "end_of_word_suffix");
    if (!is_type(model, "BPE"))
        return ken_fail(err, KEN_EINPUT, "model.type %.40s is not supported (BPE is)", type_of(model));
    if ((prefix.kind == KEN_V_STRING && prefix.string.n > 0) || (suffix.kind == KEN_V_STRING && suffix.string.n > 0))
        return ken_fail(err, KEN_EINPUT, "model: continuing_subword_prefix and end_of_word_suffix are not supported");
    bool byte_level = false;
    for (size_t i = 0; (p = part(pre, "pretokenizers", i)) != NULL; i++)
        byte_level = byte_level || is_type(p, "ByteLevel");
    t->spec.ignore_merges = json_is_true(json_object_get(model, "ignore_merges"));
    t->spec.kind = byte_level ? KEN_TOK_BPE : KEN_TOK_SPM;
    t->spec.pre = KEN_PRE_NONE;
    if (!byte_level) return recognise_spm(t, normalizer, pre, err);
    for (size_t i = 0; (p = part(normalizer, "normalizers", i)) != NULL; i++) {
        if (!is_type(p, "NFC"))
            return ken_fail(err, KEN_EINPUT, "normalizer: part %zu (%.40s) is not supported", i, type_of(p));
        t->spec.nfc = true;
    }
    return recognise_byte_level(t, pre, err);
}

/* ---- special tokens --------------------------------------------------------------------------------------------------- */

/* tokenizer_config.json spells a special token as a string or as an object with content. */
static int32_t named_token(const ken_tok_source *t, const json_t *tokenizer_config, const char *key)
{
    const json_t *j = json_object_get(tokenizer_config, key);
    if (json_is_object(j)) j = json_object_get(j, "content");
    return find_piece(t, json_str(j));
}

/* An id, or the i-th of a list of ids, as config.json and generation_config.json have them; -1 past the end. */
static int32_t listed_id(const ken_tok_source *t, const json_t *j, size_t i)
{
    if (json_is_array(j)) j = json_array_get(j, i);
    else if (i > 0) return -1;
    json_int_t id = json_is_integer(j) ? json_integer_value(j) : -1;
    return id >= 0 && id < t->spec.n_vocab ? (int32_t)id : -1;
}

/* What TemplateProcessing puts around a single text: special tokens before it and after it. True when there is such a template. */
static bool read_template(ken_tok_source *t, const json_t *post)
{
    const json_t *p;
    bool found = false;
    for (size_t i = 0; (p = part(post, "processors", i)) != NULL; i++) {
        if (!is_type(p, "TemplateProcessing")) continue;
        found = true;
        const json_t *single = json_object_get(p, "single");
        bool after_text = false;
        for (size_t k = 0; k < json_array_size(single); k++) {
            const json_t *item = json_array_get(single, k), *special = json_object_get(item, "SpecialToken");
            int32_t id = find_piece(t, json_str(json_object_get(special, "id")));
            if (json_object_get(item, "Sequence") != NULL) after_text = true;
            else if (id >= 0 && !after_text) t->spec.bos = id, t->spec.add_bos = true;
            else if (id >= 0) t->spec.eos = id, t->spec.add_eos = true;
        }
    }
    return found;
}

static int read_specials(ken_tok_source *t, const json_t *root, const ken_tok_files *f, ken_err *err)
{
    const json_t *model = json_object_get(root, "model");
    t->spec.unk = find_piece(t, json_str(json_object_get(model, "unk_token")));
    if (t->spec.unk < 0 && t->spec.kind == KEN_TOK_SPM) t->spec.unk = named_token(t, f->tokenizer_config, "unk_token");
    if (t->spec.unk >= 0 && t->spec.kind == KEN_TOK_SPM) t->types[t->spec.unk] = KEN_TT_UNKNOWN;
    t->spec.bos = named_token(t, f->tokenizer_config, "bos_token");
    t->spec.eos = named_token(t, f->tokenizer_config, "eos_token");
    if (t->spec.bos < 0) t->spec.bos = listed_id(t, json_object_get(f->config, "bos_token_id"), 0);
    if (t->spec.eos < 0) t->spec.eos = listed_id(t, json_object_get(f->config, "eos_token_id"), 0);
    bool template = read_template(t, json_object_get(root, "post_processor"));

    /* The classes of Llama-2 rebuild the template from add_bos_token and add_eos_token; the others use the template. */
    const json_t *add_bos = json_object_get(f->tokenizer_config, "add_bos_token"),
                 *add_eos = json_object_get(f->tokenizer_config, "add_eos_token");
    if (json_is_boolean(add_bos) && (!template || t->spec.kind == KEN_TOK_SPM))
        t->spec.add_bos = json_is_true(add_bos) && t->spec.bos >= 0;
    if (json_is_boolean(add_eos) && (!template || t->spec.kind == KEN_TOK_SPM))
        t->spec.add_eos = json_is_true(add_eos) && t->spec.eos >= 0;

    const json_t *const lists[] = {json_object_get(f->config, "eos_token_id"),
                                   json_object_get(f->generation_config, "eos_token_id")};
    int rc = KEN_OK;
    for (size_t k = 0; k < 2; k++) {
        size_t n = json_is_array(lists[k]) ? json_array_size(lists[k]) : 1;
        for (size_t i = 0; i < n && i < 64 && rc == KEN_OK; i++)
            rc = ken_tok_add_end(t, listed_id(t, lists[k], i), err);
    }
    return rc == KEN_OK ? ken_tok_add_known_ends(t, err) : rc;
}

/* ---- all of it -------------------------------------------------------------------------------------------------------- */

int ken_tok_from_json(ken_tok_source *t, const ken_tok_files *f, int32_t n_rows, ken_buf *notes, ken_err *err)
{
    *t = (ken_tok_source){0};
    const json_t *model = json_object_get(f->tokenizer, "model");
    int rc = recognise(t, f->tokenizer, err);
    if (rc == KEN_OK) rc = read_vocab(t, f->tokenizer, n_rows, notes, err);
    if (rc == KEN_OK) rc = read_merges(t, model, err);
    if (rc == KEN_OK && t->spec.kind == KEN_TOK_SPM) rc = scores_from_merges(t, notes, err);
    if (rc == KEN_OK) rc = read_specials(t, f->tokenizer, f, err);
    for (int32_t i = 0; i < t->spec.n_vocab && rc == KEN_OK && t->spec.kind == KEN_TOK_SPM; i++) {
        const ken_str *p = &t->pieces[i]; /* "<0x0A>" */
        if (t->types[i] == KEN_TT_NORMAL && p->n == 6 && memcmp(p->p, "<0x", 3) == 0 && p->p[5] == '>')
            t->types[i] = KEN_TT_BYTE;
    }
    return ken_tok_source_finish(t, rc);
}
