/* fuzz_tokenizer.c - any bytes through a tokenizer and back; and through a tokenizer whose vocabulary is any bytes as well.
 *
 * The first byte chooses: the pre-tokenizer or SentencePiece, NFC, ignore_merges, and whether the vocabulary is built in (all
 * bytes and some merges: the text must come back) or cut from the input (nothing may crash, and no id may be outside). */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "text/pretok.h"
#include "text/unicode.h"

enum { MAX_PIECES = 600 };

static struct {
    ken_str piece[MAX_PIECES], left[MAX_PIECES], right[MAX_PIECES];
    uint8_t type[MAX_PIECES];
    float score[MAX_PIECES];
    char text[16 * MAX_PIECES];
    size_t len;
    ken_tok_spec spec;
} v;

static void must(int ok)
{
    if (!ok) abort();
}

static void add(const char *p, size_t n, int type)
{
    must(v.spec.n_vocab < MAX_PIECES && v.len + n <= sizeof v.text);
    memcpy(v.text + v.len, p, n);
    v.piece[v.spec.n_vocab] = (ken_str){v.text + v.len, n};
    v.score[v.spec.n_vocab] = -(float)v.spec.n_vocab;
    v.type[v.spec.n_vocab++] = (uint8_t)type;
    v.len += n;
}

static const char *const words[] = {"th",   "the", "in",       "ing",       "aa",
                                    "aaaa", "==",  "\xC3\xA9", "e\xCC\x81", "\xE4\xB8\xAD\xE5\x9B\xBD",
                                    "'s",   "12",  "123"};

/* All 256 bytes in GPT-2's spelling; words built byte by byte. */
static void built_in_bpe(void)
{
    char spell[256][2];
    size_t spell_n[256];
    for (int b = 0, other = 0x100; b < 256; b++) {
        int cp = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : other++;
        char s[4];
        spell_n[b] = (size_t)ken_utf8_encode(cp, s);
        memcpy(spell[b], s, 2);
        add(s, spell_n[b], KEN_TT_NORMAL);
    }
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        char s[32];
        size_t n = 0;
        for (const char *p = words[w]; *p; p++) {
            size_t k = spell_n[(unsigned char)*p], m = (size_t)v.spec.n_merges;
            memcpy(s + n, spell[(unsigned char)*p], k);
            if (n) {
                add(s, n, KEN_TT_NORMAL);
                v.left[m] = v.piece[v.spec.n_vocab - 1];
                v.right[m] = v.piece[(unsigned char)*p];
                v.spec.n_merges++;
            }
            n += k;
        }
        add(s, n, KEN_TT_NORMAL);
    }
    add("<|x|>", 5, KEN_TT_CONTROL);
    add("<u>", 3, KEN_TT_USER);
}

static void built_in_spm(void)
{
    static const char hex[] = "0123456789ABCDEF";
    for (int b = 0; b < 256; b++) {
        char s[] = {'<', '0', 'x', hex[b >> 4], hex[b & 15], '>'};
        add(s, 6, KEN_TT_BYTE);
    }
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (int i = 0; i < 26; i++) add(letters + i, 1, KEN_TT_NORMAL);
    add("\xE2\x96\x81", 3, KEN_TT_NORMAL);
    add("\xE2\x96\x81\xE2\x96\x81", 6, KEN_TT_NORMAL);
    add("\xE2\x96\x81the", 6, KEN_TT_NORMAL);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) add(words[w], strlen(words[w]), KEN_TT_NORMAL);
    add("<|x|>", 5, KEN_TT_CONTROL);
}

/* Pieces, types and merges from the input, lengths first; what is left is the text. */
static size_t from_input(const uint8_t *data, size_t n)
{
    size_t at = 0;
    while (at + 2 < n && v.spec.n_vocab < 40 && data[at] != 0xFF) {
        size_t len = data[at] % 12;
        int type = data[at] / 12 % 8; /* 0 and 7 too: undefined, and one too many */
        at++;
        if (len > n - at) len = n - at;
        add((const char *)data + at, len, type);
        v.score[v.spec.n_vocab - 1] = (float)(data[at - 1] % 5);
        at += len;
    }
    for (; at + 2 < n && v.spec.n_merges < 40 && data[at] != 0xFF && v.spec.n_vocab; at += 2) {
        v.left[v.spec.n_merges] = v.piece[data[at] % v.spec.n_vocab];
        v.right[v.spec.n_merges++] = v.piece[data[at + 1] % v.spec.n_vocab];
    }
    if (at + 3 < n) {
        v.spec.bos = data[at] % 64 - 1, v.spec.eos = data[at + 1] % 64 - 1, v.spec.unk = data[at + 2] % 64 - 1;
        at += 3;
    }
    return at;
}

/* What a built-in vocabulary must give back; caller frees. */
static char *expected(const char *text, size_t n, size_t *out_n)
{
    char *s = v.spec.nfc ? ken_utf8_nfc(text, n, &n) : ken_strndup(text, n);
    must(s != NULL);
    *out_n = n;
    if (v.spec.kind == KEN_TOK_BPE) return s;
    size_t out = 0; /* U+2581 is a space to SentencePiece */
    for (size_t i = 0; i < n; i++) {
        bool mark = n - i >= 3 && memcmp(s + i, "\xE2\x96\x81", 3) == 0;
        s[out++] = mark ? ' ' : s[i];
        if (mark) i += 2;
    }
    *out_n = out;
    return s;
}

static void comes_back(const ken_tokenizer *t, const char *text, size_t n, const int32_t *ids, size_t n_ids)
{
    size_t want_n, at = 0;
    char *want = expected(text, n, &want_n);
    for (size_t i = 0; i < n_ids; i++) {
        ken_str b = ken_tokenizer_bytes(t, ids[i]);
        must(b.n <= want_n - at && memcmp(want + at, b.p, b.n) == 0);
        at += b.n;
    }
    must(at == want_n);
    if (v.spec.nfc) { /* once more changes nothing */
        size_t m;
        char *twice = ken_utf8_nfc(want, want_n, &m);
        must(twice && (v.spec.kind == KEN_TOK_SPM || (m == want_n && memcmp(twice, want, m) == 0)));
        ken_free(twice);
    }
    ken_free(want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n); /* libFuzzer's name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2) return 0;
    static const ken_pretok pres[] = {KEN_PRE_GPT2,   KEN_PRE_LLAMA3, KEN_PRE_QWEN2,
                                      KEN_PRE_SMOLLM, KEN_PRE_NONE,   KEN_PRE_UNNAMED};
    uint8_t options = data[0];
    bool built_in = options < 128, spm = options & 1;
    data++, n--;
    memset(&v.spec, 0, sizeof v.spec);
    v.len = 0;
    v.spec = (ken_tok_spec){.kind = spm ? KEN_TOK_SPM : KEN_TOK_BPE,
                            .pre = pres[(options >> 1 & 7) % 6],
                            .pieces = v.piece,
                            .types = v.type,
                            .scores = spm ? v.score : NULL,
                            .merge_left = v.left,
                            .merge_right = v.right,
                            .bos = -1,
                            .eos = -1,
                            .unk = -1,
                            .nfc = options & 16,
                            .ignore_merges = options & 32,
                            .add_space_prefix = !built_in,
                            .add_bos = true};
    /* Building a vocabulary costs more than all the rest, so the built-in ones are kept. */
    static ken_tokenizer *kept[64];
    ken_tokenizer *t = built_in ? kept[options & 63] : NULL;
    size_t at = 0;
    if (t == NULL) {
        if (!built_in) at = from_input(data, n);
        else if (spm) built_in_spm();
        else built_in_bpe();
        ken_err err;
        int rc = ken_tokenizer_new(&t, &v.spec, &err);
        must(rc == KEN_OK || (!built_in && rc == KEN_EINPUT));
        if (rc != KEN_OK) return 0;
        if (built_in) kept[options & 63] = t;
    }
    int32_t *ids = NULL;
    size_t n_ids = 0, cap = 0;
    const char *text = (const char *)data + at;
    must(ken_tokenizer_encode(t, text, n - at, 0, &ids, &n_ids, &cap, NULL) == KEN_OK);
    if (built_in) comes_back(t, text, n - at, ids, n_ids);
    must(ken_tokenizer_encode(t, text, n - at, KEN_ENC_PARSE | KEN_ENC_SPECIAL, &ids, &n_ids, &cap, NULL) == KEN_OK);
    for (size_t i = 0; i < n_ids; i++) must(ids[i] >= 0 && ids[i] < ken_tokenizer_n_vocab(t));
    ken_free(ids);
    if (!built_in) ken_tokenizer_free(t);
    return 0;
}
