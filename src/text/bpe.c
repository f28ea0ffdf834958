/* bpe.c - byte-level BPE: GPT-2, Llama-3, Qwen2, SmolLM.
 *
 * The vocabulary spells each byte as one printable character (a space is U+0120). Inside, tokens are raw bytes and merges are
 * pairs of ids; the spelling is undone once, at load. The hard thing is speed: nearly every pre-token is itself a token, so at
 * load each token's bytes are merged once, and those that come out as that very token are taken whole from then on. Within a
 * pre-token merging knows no context, so the shortcut is exact. Llama-3's files ask for more (ignore_merges): there every token
 * is taken whole, also those that merging would not reach.
 *
 * A byte that the vocabulary lacks (SmolLM2 lacks 21) is dropped before merging, as Hugging Face's tokenizers do. */
#include "base/buf.h"
#include "text/pretok.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"
#include <string.h>

/* ---- the alphabet ---------------------------------------------------------------------------------------------------- */

static bool spells_itself(int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; }

/* GPT-2, encoder.py: printable Latin-1 stands for itself, the other bytes are numbered from U+0100 on. */
static void alphabet(int32_t of_byte[256], int16_t byte_of[324])
{
    memset(byte_of, 0xFF, 324 * sizeof *byte_of);
    int32_t further = 256;
    for (int b = 0; b < 256; b++) {
        of_byte[b] = spells_itself(b) ? b : further++;
        byte_of[of_byte[b]] = (int16_t)b;
    }
}

void ken_byte_spelling(int byte, char out[3])
{
    int32_t of_byte[256];
    int16_t byte_of[324];
    alphabet(of_byte, byte_of);
    char spelled[4];
    const int n = ken_utf8_encode(of_byte[byte & 255], spelled); /* below U+0144: two bytes at most */
    memcpy(out, spelled, (size_t)n);
    out[n] = '\0';
}

/* The bytes that a piece spells, to out (at least piece.n); their number, or -1 when a character is outside the alphabet. */
static long unspell(ken_str piece, const int16_t byte_of[324], char *out)
{
    long n = 0;
    for (size_t i = 0; i < piece.n;) {
        int32_t cp;
        int k = ken_utf8_decode(piece.p + i, piece.n - i, &cp);
        if (k <= 0 || cp >= 324 || byte_of[cp] < 0) return -1;
        out[n++] = (char)byte_of[cp];
        i += (size_t)k;
    }
    return n;
}

/* ---- load ------------------------------------------------------------------------------------------------------------ */

static bool ordinary(uint8_t type) { return type == KEN_TT_NORMAL || type == KEN_TT_UNUSED || type == KEN_TT_BYTE; }

/* Fills t->bytes, t->byte, and `spelled` (piece -> id) with the ordinary tokens that the alphabet spells. */
static int load_bytes(ken_tokenizer *t, ken_strmap *spelled)
{
    int32_t of_byte[256];
    int16_t byte_of[324];
    alphabet(of_byte, byte_of);
    for (int32_t id = t->n_vocab - 1; id >= 0; id--) { /* downwards: of duplicates the last counts, as in llama.cpp */
        ken_str piece = t->piece[id];
        if (t->type[id] == KEN_TT_CONTROL || t->type[id] == KEN_TT_UNKNOWN) continue;
        char *to = t->arena + t->arena_len;
        long n = t->type[id] == KEN_TT_USER ? -1 : unspell(piece, byte_of, to);
        if (n < 0) { /* added tokens are spelled as they are */
            t->bytes[id] = piece;
            continue;
        }
        t->bytes[id] = (ken_str){to, (size_t)n};
        t->arena_len += (size_t)n;
        if (piece.n && ken_strmap_add(spelled, piece.p, piece.n, id) < 0) return -1;
    }
    for (int b = 0; b < 256; b++) {
        char s[4];
        int n = ken_utf8_encode(of_byte[b], s);
        t->byte[b] = ken_strmap_get(spelled, s, (size_t)n, -1);
    }
    return 0;
}

static int load_merges(ken_tokenizer *t, const ken_tok_spec *spec, const ken_strmap *spelled)
{
    ken_buf both = {0};
    int rc = 0;
    for (int32_t i = 0; i < spec->n_merges && rc == 0; i++) {
        ken_str a = spec->merge_left[i], b = spec->merge_right[i];
        ken_pair pair = {.rank = (uint32_t)i};
        if (!a.n || !b.n || (pair.left = ken_strmap_get(spelled, a.p, a.n, -1)) < 0 ||
            (pair.right = ken_strmap_get(spelled, b.p, b.n, -1)) < 0)
            continue;
        ken_buf_clear(&both);
        ken_buf_add(&both, a.p, a.n);
        ken_buf_add(&both, b.p, b.n);
        if (both.failed) rc = -1;
        else if ((pair.into = ken_strmap_get(spelled, both.data, both.len, -1)) >= 0)
            rc = ken_pairs_add(&t->pairs, pair);
    }
    ken_buf_free(&both);
    return rc;
}

/* Puts the symbols of n bytes, those that the vocabulary has, into s and merges them. */
static int merge_bytes(const ken_tokenizer *t, const char *p, size_t n, ken_symbols *s)
{
    if (ken_symbols_need(s, n) != 0) return -1;
    s->n = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t id = t->byte[(unsigned char)p[i]];
        if (id >= 0) s->sym[s->n++].id = id;
    }
    ken_pairs_merge(&t->pairs, s);
    return 0;
}

static int load_whole(ken_tokenizer *t, bool ignore_merges, const ken_strmap *spelled)
{
    ken_symbols s = {0};
    int rc = 0;
    for (int32_t id = 0; id < t->n_vocab && rc == 0; id++) {
        ken_str b = t->bytes[id];
        if (!b.n || !ordinary(t->type[id]) || ken_strmap_get(spelled, t->piece[id].p, t->piece[id].n, -1) != id)
            continue;
        if (!ignore_merges) {
            if (merge_bytes(t, b.p, b.n, &s) != 0) rc = -1;
            if (rc != 0 || s.n != 1 || s.sym[0].id != id) continue;
        }
        if (ken_strmap_add(t->whole, b.p, b.n, id) < 0) rc = -1;
        if (b.n > t->longest) t->longest = b.n;
    }
    ken_symbols_free(&s);
    return rc;
}

int ken_bpe_load(ken_tokenizer *t, const ken_tok_spec *spec, ken_err *err)
{
    ken_strmap *spelled = ken_strmap_new((size_t)t->n_vocab);
    t->whole = ken_strmap_new((size_t)t->n_vocab);
    int rc = !spelled || !t->whole || ken_pairs_init(&t->pairs, (size_t)spec->n_merges) != 0 ||
             load_bytes(t, spelled) != 0 || load_merges(t, spec, spelled) != 0 ||
             load_whole(t, spec->ignore_merges, spelled) != 0;
    ken_strmap_free(spelled);
    return rc ? ken_fail_nomem(err, "tokenizer") : KEN_OK;
}

/* ---- encode ---------------------------------------------------------------------------------------------------------- */

int ken_bpe_encode(const ken_tokenizer *t, const char *text, size_t n, ken_ids *out)
{
    for (size_t len; n; text += len, n -= len) {
        len = ken_pretok_next(t->pre, text, n);
        int32_t id = len <= t->longest ? ken_strmap_get(t->whole, text, len, -1) : -1;
        if (id >= 0) {
            if (ken_ids_add(out, id) != 0) return -1;
            continue;
        }
        if (merge_bytes(t, text, len, &out->sym) != 0) return -1;
        for (size_t i = 0; i < out->sym.n; i++)
            if (ken_ids_add(out, out->sym.sym[i].id) != 0) return -1;
    }
    return 0;
}
