/* tokenizer.c - the common half of the tokenizers (tokenizer.h): the checked copy of a vocabulary, special tokens in text, BOS
 * and EOS, and the reverse, from ids to text. What lies between special tokens goes to bpe.c or spm.c.
 *
 * Special tokens: at each place of the text the longest one that is spelled there, from left to right, as Hugging Face's
 * tokenizers do (llama.cpp looks for the longest anywhere first; the two differ only where special tokens overlap). User-defined
 * tokens are always looked for, control and unknown tokens only on demand, since text must not be able to forge a turn. */
#include "base/canon.h"
#include "text/pretok.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VOCAB = 1 << 24 };
static const size_t MAX_TEXT = (size_t)1 << 30; /* places in a text are int32 */

/* ---- checking and copying the vocabulary ------------------------------------------------------------------------------ */

static int check_id(int32_t id, const char *what, int32_t n_vocab, ken_err *err)
{
    if (id >= -1 && id < n_vocab) return KEN_OK;
    return ken_fail(err, KEN_EINPUT, "vocabulary: the %s token is %d, but the tokens are 0 to %d; the file is damaged",
                    what, id, n_vocab - 1);
}

static int check(const ken_tok_spec *s, ken_err *err)
{
    if (s->n_vocab < 1 || s->n_vocab > MAX_VOCAB)
        return ken_fail(err, KEN_EINPUT, "vocabulary: %d tokens; 1 to %d are possible", s->n_vocab, MAX_VOCAB);
    if (s->n_merges < 0 || (s->n_merges > 0 && (!s->merge_left || !s->merge_right)) || s->n_ends < 0 ||
        (s->n_ends > 0 && !s->ends) || !s->pieces)
        return ken_fail(err, KEN_ESTATE, "vocabulary: a list has no elements (merges %d, ends %d)", s->n_merges,
                        s->n_ends);
    int rc;
    if ((rc = check_id(s->bos, "BOS", s->n_vocab, err)) != KEN_OK) return rc;
    if ((rc = check_id(s->eos, "EOS", s->n_vocab, err)) != KEN_OK) return rc;
    if ((rc = check_id(s->unk, "unknown", s->n_vocab, err)) != KEN_OK) return rc;
    for (int32_t i = 0; i < s->n_ends; i++) {
        if (s->ends[i] == -1)
            return ken_fail(err, KEN_EINPUT, "vocabulary: end token %d of %d is -1", i + 1, s->n_ends);
        if ((rc = check_id(s->ends[i], "end", s->n_vocab, err)) != KEN_OK) return rc;
    }
    for (int32_t i = 0; s->types && i < s->n_vocab; i++)
        if (s->types[i] > KEN_TT_BYTE)
            return ken_fail(err, KEN_EINPUT, "vocabulary: token %d has type %d; 1 to %d are possible", i, s->types[i],
                            KEN_TT_BYTE);
    return KEN_OK;
}

char *ken_arena_add(ken_tokenizer *t, const char *p, size_t n)
{
    char *to = t->arena + t->arena_len;
    if (n) memcpy(to, p, n);
    t->arena_len += n;
    return to;
}

static int copy_vocab(ken_tokenizer *t, const ken_tok_spec *s, ken_err *err)
{
    size_t n = (size_t)t->n_vocab, total = 0;
    for (size_t i = 0; i < n; i++)
        if (__builtin_add_overflow(total, s->pieces[i].n, &total) || total > SIZE_MAX / 4)
            return ken_fail(err, KEN_EINPUT, "vocabulary: the lengths of the tokens overflow at token %zu", i);
    t->piece = ken_calloc(n, sizeof *t->piece);
    t->bytes = ken_calloc(n, sizeof *t->bytes);
    t->type = ken_calloc(n, 1);
    t->end = ken_calloc(n, 1);
    t->arena = ken_alloc(2 * total, 1); /* spelled; and as bytes, which are never more */
    if (!t->piece || !t->bytes || !t->type || !t->end || !t->arena) return ken_fail_nomem(err, "tokenizer");
    for (size_t i = 0; i < n; i++) {
        t->piece[i] = (ken_str){ken_arena_add(t, s->pieces[i].p, s->pieces[i].n), s->pieces[i].n};
        t->type[i] = s->types && s->types[i] ? s->types[i] : KEN_TT_NORMAL; /* 0 is llama.cpp's "undefined" */
    }
    if (t->eos >= 0) t->end[t->eos] = 1;
    for (int32_t i = 0; i < s->n_ends; i++) t->end[s->ends[i]] = 1;
    return KEN_OK;
}

/* ---- special tokens ---------------------------------------------------------------------------------------------------- */

/* As text spells it: a user-defined token of SentencePiece has its spaces back. */
static ken_str spelling(const ken_tokenizer *t, int32_t id)
{
    return t->type[id] == KEN_TT_USER ? t->bytes[id] : t->piece[id];
}

static int compare_str(ken_str a, ken_str b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int by_spelling(const void *a, const void *b, void *tokenizer)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    int c = compare_str(spelling(tokenizer, x), spelling(tokenizer, y));
    return c ? c : (x < y) - (x > y); /* of duplicates the last comes first, and stays */
}

static int load_special(ken_tokenizer *t, ken_err *err)
{
    int32_t n = 0, kept = 0;
    for (int pass = 0; pass < 2; pass++) { /* count, then collect */
        n = 0;
        for (int32_t id = 0; id < t->n_vocab; id++) {
            uint8_t type = t->type[id];
            if (type != KEN_TT_CONTROL && type != KEN_TT_UNKNOWN && type != KEN_TT_USER) continue;
            if (!spelling(t, id).n || spelling(t, id).n > KEN_LONGEST_PIECE) continue;
            if (pass) t->special[n] = id;
            n++;
        }
        if (!pass && !(t->special = ken_alloc((size_t)n, sizeof *t->special))) return ken_fail_nomem(err, "tokenizer");
    }
    qsort_r(t->special, (size_t)n, sizeof *t->special, by_spelling, t);
    for (int32_t i = 0; i < n; i++) {
        if (kept && compare_str(spelling(t, t->special[kept - 1]), spelling(t, t->special[i])) == 0) continue;
        t->special[kept++] = t->special[i];
    }
    t->n_special = kept;
    for (int32_t i = 0; i < kept; i++) t->special_first[(unsigned char)spelling(t, t->special[i]).p[0]] = true;
    return KEN_OK;
}

/* First of special[lo..hi), which agree in `depth` bytes and are longer, whose next byte is not below c. */
static int32_t lower_bound(const ken_tokenizer *t, int32_t lo, int32_t hi, size_t depth, int c)
{
    while (lo < hi) {
        int32_t mid = lo + (hi - lo) / 2;
        if ((unsigned char)spelling(t, t->special[mid]).p[depth] < c) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* The longest special token that s begins with, -1 when there is none. */
static int32_t special_at(const ken_tokenizer *t, const char *s, size_t n, bool control, size_t *len)
{
    int32_t best = -1, lo = 0, hi = t->n_special;
    for (size_t depth = 0; lo < hi; depth++) {
        int32_t id = t->special[lo]; /* the shortest of those left */
        if (spelling(t, id).n == depth) {
            if (control || t->type[id] == KEN_TT_USER) best = id, *len = depth;
            lo++;
        }
        if (depth == n) break;
        int c = (unsigned char)s[depth];
        lo = lower_bound(t, lo, hi, depth, c);
        hi = lower_bound(t, lo, hi, depth, c + 1);
    }
    return best;
}

int32_t ken_tokenizer_special(const ken_tokenizer *t, const char *name, size_t n)
{
    size_t len = 0;
    int32_t id = special_at(t, name, n, true, &len);
    return id >= 0 && len == n ? id : -1;
}

/* ---- identity ---------------------------------------------------------------------------------------------------------- */

/* Everything that decides ids, and which tokens end a generation. */
static int identify(ken_tokenizer *t, const ken_tok_spec *s, ken_err *err)
{
    ken_buf b = {0};
    ken_canon_text(&b, "ken tokenizer 1");
    ken_canon_number(&b, (uint64_t)t->kind);
    ken_canon_number(&b, t->pre == KEN_PRE_UNNAMED ? KEN_PRE_GPT2
                                                   : (uint64_t)t->pre); /* unnamed is GPT-2's: the same ids */
    ken_canon_number(
        &b, (uint64_t)(s->add_bos | s->add_eos << 1 | s->add_space_prefix << 2 | s->ignore_merges << 3 | s->nfc << 4));
    const int32_t numbers[] = {t->bos, t->eos, t->unk, t->n_vocab};
    for (int i = 0; i < 4; i++) ken_canon_number(&b, (uint64_t)numbers[i]);
    for (int32_t i = 0; i < t->n_vocab; i++) {
        uint32_t score = 0;
        if (s->scores) memcpy(&score, &s->scores[i], sizeof score);
        ken_canon_bytes(&b, t->piece[i].p, t->piece[i].n);
        ken_canon_number(&b, (uint64_t)t->type[i] | (uint64_t)t->end[i] << 8 | (uint64_t)score << 32);
    }
    ken_canon_number(&b, (uint64_t)s->n_merges);
    for (int32_t i = 0; i < s->n_merges; i++) {
        ken_canon_bytes(&b, s->merge_left[i].p, s->merge_left[i].n);
        ken_canon_bytes(&b, s->merge_right[i].p, s->merge_right[i].n);
    }
    int rc = ken_canon_hash(&b, t->hash);
    ken_buf_free(&b);
    return rc == 0 ? KEN_OK : ken_fail_nomem(err, "tokenizer hash");
}

/* ---- new, free --------------------------------------------------------------------------------------------------------- */

int ken_tokenizer_new(ken_tokenizer **out, const ken_tok_spec *spec, ken_err *err)
{
    *out = NULL;
    int rc = check(spec, err);
    if (rc != KEN_OK) return rc;
    ken_tokenizer *t = ken_calloc(1, sizeof *t);
    if (!t) return ken_fail_nomem(err, "tokenizer");
    t->kind = spec->kind;
    t->pre = spec->kind == KEN_TOK_SPM ? KEN_PRE_NONE : spec->pre;
    t->n_vocab = spec->n_vocab;
    t->bos = spec->bos, t->eos = spec->eos, t->unk = spec->unk;
    t->add_bos = spec->add_bos, t->add_eos = spec->add_eos;
    t->add_space_prefix = spec->add_space_prefix;
    t->nfc = spec->nfc;
    if (t->kind == KEN_TOK_SPM) snprintf(t->describe, sizeof t->describe, "SentencePiece BPE");
    else snprintf(t->describe, sizeof t->describe, "byte-level BPE (%s)", ken_pretok_name(t->pre));
    rc = copy_vocab(t, spec, err);
    if (rc == KEN_OK) rc = t->kind == KEN_TOK_SPM ? ken_spm_load(t, spec, err) : ken_bpe_load(t, spec, err);
    if (rc == KEN_OK) rc = load_special(t, err);
    if (rc == KEN_OK) rc = identify(t, spec, err);
    if (rc == KEN_OK) *out = t;
    else ken_tokenizer_free(t);
    return rc;
}

void ken_tokenizer_free(ken_tokenizer *t)
{
    if (!t) return;
    ken_strmap_free(t->whole);
    ken_pairs_free(&t->pairs);
    ken_free(t->special);
    ken_free(t->piece);
    ken_free(t->bytes);
    ken_free(t->type);
    ken_free(t->end);
    ken_free(t->arena);
    ken_free(t);
}

/* ---- encode ------------------------------------------------------------------------------------------------------------ */

int ken_ids_add(ken_ids *out, int32_t id)
{
    if (*out->n >= *out->cap && ken_grow((void **)out->ids, out->cap, *out->n + 1, sizeof **out->ids) != 0) return -1;
    (*out->ids)[(*out->n)++] = id;
    return 0;
}

/* Text between special tokens. Each such segment starts again: SentencePiece puts its space before every one. */
static int encode_plain(const ken_tokenizer *t, const char *text, size_t n, ken_ids *out)
{
    if (!n) return 0;
    if (t->nfc && !ken_utf8_is_plain(text, n)) {
        ken_free(out->text);
        if (!(out->text = ken_utf8_nfc(text, n, &n))) return -1;
        text = out->text;
    }
    if (t->kind == KEN_TOK_SPM) return ken_spm_encode(t, text, n, t->add_space_prefix, out);
    return ken_bpe_encode(t, text, n, out);
}

int ken_tokenizer_encode(const ken_tokenizer *t, const char *text, size_t n, unsigned flags, int32_t **ids,
                         size_t *n_ids, size_t *cap, ken_err *err)
{
    if (n > MAX_TEXT)
        return ken_fail(err, KEN_EINPUT, "a text of %zu bytes is too long to tokenize; cut it below 1 GiB", n);
    size_t before = *n_ids;
    ken_ids out = {.ids = ids, .n = n_ids, .cap = cap};
    bool special = flags & KEN_ENC_SPECIAL, control = flags & KEN_ENC_PARSE;
    int rc = 0;
    if (special && t->add_bos && t->bos >= 0) rc = ken_ids_add(&out, t->bos);
    size_t from = 0; /* plain text not yet encoded starts here */
    for (size_t i = 0, len = 0; i < n && rc == 0;) {
        int32_t id = t->special_first[(unsigned char)text[i]] ? special_at(t, text + i, n - i, control, &len) : -1;
        if (id < 0) {
            i++;
            continue;
        }
        rc = encode_plain(t, text + from, i - from, &out);
        if (rc == 0) rc = ken_ids_add(&out, id);
        from = i += len;
    }
    if (rc == 0) rc = encode_plain(t, text + from, n - from, &out);
    if (rc == 0 && special && t->add_eos && t->eos >= 0) rc = ken_ids_add(&out, t->eos);
    ken_symbols_free(&out.sym);
    ken_free(out.text);
    if (rc == 0) return KEN_OK;
    *n_ids = before;
    return ken_fail_nomem(err, "token ids");
}

/* ---- and back ---------------------------------------------------------------------------------------------------------- */

static bool inside(const ken_tokenizer *t, int32_t id) { return id >= 0 && id < t->n_vocab; }

int32_t ken_tokenizer_n_vocab(const ken_tokenizer *t) { return t->n_vocab; }
ken_str ken_tokenizer_bytes(const ken_tokenizer *t, int32_t id)
{
    return inside(t, id) ? t->bytes[id] : (ken_str){NULL, 0};
}
ken_str ken_tokenizer_piece(const ken_tokenizer *t, int32_t id)
{
    return inside(t, id) ? t->piece[id] : (ken_str){NULL, 0};
}
bool ken_tokenizer_is_end(const ken_tokenizer *t, int32_t id) { return inside(t, id) && t->end[id]; }
bool ken_tokenizer_is_control(const ken_tokenizer *t, int32_t id)
{
    return inside(t, id) && (t->type[id] == KEN_TT_CONTROL || t->type[id] == KEN_TT_UNKNOWN);
}
int32_t ken_tokenizer_bos(const ken_tokenizer *t) { return t->bos; }
int32_t ken_tokenizer_eos(const ken_tokenizer *t) { return t->eos; }
bool ken_tokenizer_adds_bos(const ken_tokenizer *t) { return t->add_bos; }
bool ken_tokenizer_adds_eos(const ken_tokenizer *t) { return t->add_eos; }
bool ken_tokenizer_uses_nfc(const ken_tokenizer *t) { return t->nfc; }
const char *ken_tokenizer_describe(const ken_tokenizer *t) { return t->describe; }
void ken_tokenizer_hash(const ken_tokenizer *t, char hex[65]) { memcpy(hex, t->hash, sizeof t->hash); }
