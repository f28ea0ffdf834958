/* spm.c - SentencePiece BPE with byte fallback: Llama-2, Mistral, TinyLlama.
 *
 * Symbols are characters (a space is spelled U+2581); the pair whose union has the highest score is merged, the leftmost of
 * equals first; characters that are no token become their bytes. SentencePiece asks for each pair whether its concatenation is
 * a token. Here that is turned round at load: each token is cut at every place into two tokens, and those pairs get its rank by
 * score, so that encoding is the same merging as byte-level BPE's (bpe_merge.h) and never touches strings. The hard thing is
 * that ranks must tie where scores tie: then the leftmost wins, whichever token it is.
 *
 * There is no splitting into words: the text is one row of symbols. A byte that is no UTF-8 is a character of its own and falls
 * back to its byte token. (SentencePiece puts U+FFFD in its place, llama.cpp swallows what follows a cut-off sequence.) */
#include "text/tokenizer_parts.h"
#include "text/unicode.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char SPACE_MARK[] = "\xE2\x96\x81"; /* U+2581 */

/* ---- load ------------------------------------------------------------------------------------------------------------ */

static bool mergeable(uint8_t type) { return type == KEN_TT_NORMAL || type == KEN_TT_USER || type == KEN_TT_UNUSED; }

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

/* "<0x1F>" -> 31, else -1. */
static int byte_piece(ken_str s)
{
    if (s.n != 6 || memcmp(s.p, "<0x", 3) != 0 || s.p[5] != '>') return -1;
    int hi = hex_digit(s.p[3]), lo = hex_digit(s.p[4]);
    return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

/* The piece with U+2581 for spaces taken back, appended to the arena. */
static ken_str unescape(ken_tokenizer *t, ken_str s)
{
    char *start = t->arena + t->arena_len;
    for (size_t i = 0; i < s.n;) {
        bool space = s.n - i >= 3 && memcmp(s.p + i, SPACE_MARK, 3) == 0;
        ken_arena_add(t, space ? " " : s.p + i, 1);
        i += space ? 3 : 1;
    }
    return (ken_str){start, (size_t)(t->arena + t->arena_len - start)};
}

static int load_bytes(ken_tokenizer *t, bool typed)
{
    for (int b = 0; b < 256; b++) t->byte[b] = -1;
    for (int32_t id = t->n_vocab - 1; id >= 0; id--) { /* downwards: of duplicates the last counts, as in llama.cpp */
        ken_str piece = t->piece[id];
        int b = t->type[id] == KEN_TT_BYTE || (!typed && t->type[id] == KEN_TT_NORMAL) ? byte_piece(piece) : -1;
        if (b >= 0) {
            char c = (char)b;
            t->type[id] = KEN_TT_BYTE;
            t->bytes[id] = (ken_str){ken_arena_add(t, &c, 1), 1};
            if (t->byte[b] < 0) t->byte[b] = id;
        } else if (mergeable(t->type[id])) {
            ken_str s = t->bytes[id] = unescape(t, piece);
            if (!s.n) continue;
            if (s.n > t->longest) t->longest = s.n;
            if (ken_strmap_add(t->whole, s.p, s.n, id) < 0) return -1;
        }
    }
    return 0;
}

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* The place of score among the n distinct ones of `sorted`, best first. */
static uint32_t rank_of(const float *sorted, size_t n, float score)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (sorted[mid] > score) lo = mid + 1;
        else hi = mid;
    }
    return (uint32_t)lo;
}

/* Every way to cut a token into two tokens is a merge. A pair names its result, so no pair comes up twice. */
static int load_pairs(ken_tokenizer *t, const float *scores, float *sorted)
{
    size_t n = 0;
    for (int32_t id = 0; id < t->n_vocab; id++) sorted[id] = scores ? scores[id] : 0;
    qsort(sorted, (size_t)t->n_vocab, sizeof *sorted, descending);
    for (int32_t i = 0; i < t->n_vocab; i++)
        if (!i || sorted[i] != sorted[n - 1]) sorted[n++] = sorted[i];
    for (int32_t id = 0; id < t->n_vocab; id++) {
        ken_str s = t->bytes[id];
        if (!mergeable(t->type[id]) || s.n < 2 || s.n > KEN_LONGEST_PIECE ||
            ken_strmap_get(t->whole, s.p, s.n, -1) != id)
            continue;
        uint32_t rank = rank_of(sorted, n, scores ? scores[id] : 0);
        for (size_t cut = 1; cut < s.n; cut++) {
            if ((s.p[cut] & 0xC0) == 0x80) continue; /* inside a character */
            ken_pair p = {ken_strmap_get(t->whole, s.p, cut, -1), ken_strmap_get(t->whole, s.p + cut, s.n - cut, -1),
                          id, rank};
            if (p.left >= 0 && p.right >= 0 && ken_pairs_add(&t->pairs, p) != 0) return -1;
        }
    }
    return 0;
}

int ken_spm_load(ken_tokenizer *t, const ken_tok_spec *spec, ken_err *err)
{
    for (int32_t id = 0; spec->scores && id < t->n_vocab; id++)
        if (isnan(spec->scores[id]))
            return ken_fail(err, KEN_EINPUT, "vocabulary: the score of token %d is not a number; the file is damaged",
                            id);
    t->whole = ken_strmap_new((size_t)t->n_vocab);
    float *sorted = ken_alloc((size_t)t->n_vocab, sizeof *sorted);
    int rc = !t->whole || !sorted || ken_pairs_init(&t->pairs, 2 * (size_t)t->n_vocab) != 0 ||
             load_bytes(t, spec->types != NULL) != 0 || load_pairs(t, spec->scores, sorted) != 0;
    ken_free(sorted);
    return rc ? ken_fail_nomem(err, "tokenizer") : KEN_OK;
}

/* ---- encode ---------------------------------------------------------------------------------------------------------- */

/* Emits a character that is no token: its bytes if the vocabulary has them all, else one unk for a run of such characters. */
static int emit_bytes(const ken_tokenizer *t, const char *p, size_t n, bool *after_unk, ken_ids *out)
{
    bool all = true;
    for (size_t i = 0; i < n; i++) all &= t->byte[(unsigned char)p[i]] >= 0;
    if (!all) {
        bool again = *after_unk || t->unk < 0;
        *after_unk = true;
        return again ? 0 : ken_ids_add(out, t->unk);
    }
    *after_unk = false;
    for (size_t i = 0; i < n; i++)
        if (ken_ids_add(out, t->byte[(unsigned char)p[i]]) != 0) return -1;
    return 0;
}

int ken_spm_encode(const ken_tokenizer *t, const char *text, size_t n, bool prefix, ken_ids *out)
{
    ken_symbols *s = &out->sym;
    if (ken_symbols_need(s, n + 1) != 0) return -1;
    int32_t space = ken_strmap_get(t->whole, " ", 1, -1);
    s->n = 0;
    if (prefix) s->sym[s->n++].id = space >= 0 ? space : -1;
    /* A character that is no token is kept as minus two minus its place; nothing merges with it. */
    for (size_t i = 0, len; i < n; i += len) {
        int32_t cp;
        int k = ken_utf8_decode(text + i, n - i, &cp);
        len = k > 0 ? (size_t)k : 1;
        int32_t id = k <= 0 ? -1 : cp == 0x2581 ? space : ken_strmap_get(t->whole, text + i, len, -1);
        s->sym[s->n++].id = id >= 0 ? id : -2 - (int32_t)i;
    }
    ken_pairs_merge(&t->pairs, s);
    bool after_unk = false;
    for (size_t i = 0; i < s->n; i++) {
        int32_t id = s->sym[i].id, cp;
        int rc;
        if (id >= 0) {
            after_unk = false;
            rc = ken_ids_add(out, id);
        } else if (id == -1) {
            rc = emit_bytes(t, " ", 1, &after_unk, out);
        } else {
            size_t at = (size_t)(-2 - id);
            int k = ken_utf8_decode(text + at, n - at, &cp);
            rc = emit_bytes(t, text + at, k > 0 ? (size_t)k : 1, &after_unk, out);
        }
        if (rc != 0) return -1;
    }
    return 0;
}
