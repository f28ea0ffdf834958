/* model_tokens.c - the tokenizer of a model under the names of ken.h, and its self-test. */
#include "model/loaded.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "text/unicode.h"
#include <string.h>

int ken_tokenize(const ken_model *m, const char *text, size_t n, bool add_special, bool parse_special, int32_t **ids,
                 size_t *n_ids, ken_err *err)
{
    size_t cap = 0;
    *ids = NULL;
    *n_ids = 0;
    unsigned flags = (add_special ? (unsigned)KEN_ENC_SPECIAL : 0) | (parse_special ? (unsigned)KEN_ENC_PARSE : 0);
    int rc = ken_tokenizer_encode(ken_model_tokenizer(m), text, n, flags, ids, n_ids, &cap, err);
    if (rc != KEN_OK) {
        ken_free(*ids);
        *ids = NULL;
        *n_ids = 0;
    }
    return rc;
}

void ken_buffer_free(void *p) { ken_free(p); }

const char *ken_token_bytes(const ken_model *m, int32_t id, size_t *n)
{
    ken_str s = ken_tokenizer_bytes(ken_model_tokenizer(m), id);
    *n = s.n;
    if (s.p == NULL && id >= 0 && id < ken_tokenizer_n_vocab(ken_model_tokenizer(m))) return ""; /* a control token */
    return s.p;
}

const char *ken_token_name(const ken_model *m, int32_t id)
{
    return id >= 0 && id < ken_tokenizer_n_vocab(m->tokenizer) ? m->name_of[id] : NULL;
}

/* ---- the self-test ---------------------------------------------------------------------------------------------------- */

/* Text that breaks tokenizers: scripts, spacing, digits, emoji with joiners, code, invalid UTF-8 is left to tests/text. */
static const char *const samples[] = {
    "Hello, world!",
    "The capital of France is Paris.",
    "It's John's; they'll say we've won, I'd bet.",
    "ALL CAPS and MiXeD cAsE",
    "a",
    "1",
    "12",
    "123",
    "1234567890",
    "3.14159 and -2.7e10",
    "1,000,000",
    "2026-11-21T14:43:37Z",
    "x=1;y=2",
    "100%",
    "two  spaces",
    "three   spaces",
    "a\ttab",
    "line\nbreak",
    "two\n\nbreaks",
    "trailing newline\n",
    "windows\r\nlines",
    "mixed \t \n whitespace",
    "tail spaces   ",
    "?!...",
    "---",
    "http://example.org/path?q=a%20b&c=d#e",
    "user@example.org",
    "def f(x):\n    return x ** 2  # square\n",
    "for (int i = 0; i < n; i++) { a[i] += b[i]; }",
    "{\"key\": [1, 2, null]}",
    "<p class=\"x\">text</p>",
    "C:\\Users\\me",
    "caf\u00e9 na\u00efve r\u00e9sum\u00e9",
    "cafe\u0301 (combining)",
    "Stra\u00dfe \u00fcber \u00c4pfel",
    "\u00bfD\u00f3nde est\u00e1 el ba\u00f1o?",
    "\u0141\u00f3d\u017a, Wroc\u0142aw",
    "T\u00fcrk\u00e7e \u0130stanbul",
    "Ti\u1ebfng Vi\u1ec7t",
    "\u041c\u043e\u0441\u043a\u0432\u0430 \u0438 \u041a\u0438\u0457\u0432",
    "\u0391\u03b8\u03ae\u03bd\u03b1",
    "\u05d9\u05e8\u05d5\u05e9\u05dc\u05d9\u05dd",
    "\u0627\u0644\u0642\u0627\u0647\u0631\u0629",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e",
    "\u09ac\u09be\u0982\u09b2\u09be",
    "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd",
    "\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e",
    "\u1019\u103c\u1014\u103a\u1019\u102c",
    "\u5317\u4eac\u5e02",
    "\u6771\u4eac\u90fd\u3067\u3059\u3002",
    "\uc11c\uc6b8\ud2b9\ubcc4\uc2dc",
    "\u10e5\u10d0\u10e0\u10d7\u10e3\u10da\u10d8",
    "\u0540\u0561\u0575",
    "\u12a0\u121b\u122d\u129b",
    "\u13e3\u13b3\u13a9",
    "\U0001F600\U0001F680",
    "\U0001F468\u200d\U0001F469\u200d\U0001F467",
    "\U0001F1EB\U0001F1F7 flag",
    "\U0001F44D\U0001F3FD",
    "\u2603\ufe0f",
    "\u00a0no-break\u00a0space",
    "thin\u2009space",
    "zero\u200bwidth",
    "\u201cquotes\u201d \u2018single\u2019 \u2014 dash \u2026",
    "\u2200x \u2208 \u211d: x\u00b2 \u2265 0",
    "\u0661\u0662\u0663 \u0967\u0968\u0969 \uff11\uff12\uff13",
    "\u216b \u00bd \u00b3",
    "\u20ac100 \u00a350 \u00a5",
    "\U0001D4B3 \U00010348 \U0002070E",
    "under_score camelCase",
    "don't DON'T don\u2019t",
    "\\n \\t \\\\",
};

/* True when the tokens of text spell it again; a leading space that SentencePiece adds is allowed for, and NFC where the
 * tokenizer asks for it. */
static int round_trips(const ken_model *m, const char *text, bool *same, ken_err *err)
{
    const ken_tokenizer *t = ken_model_tokenizer(m);
    int32_t *ids = NULL;
    size_t n_ids = 0, n = strlen(text);
    ken_buf back = {0};
    char *want = ken_tokenizer_uses_nfc(t) ? ken_utf8_nfc(text, n, &n) : ken_strndup(text, n);
    if (want == NULL) return ken_fail_nomem(err, "tokenizer self-test");
    int rc = ken_tokenize(m, text, strlen(text), false, false, &ids, &n_ids, err);
    if (rc != KEN_OK) goto done;
    for (size_t i = 0; i < n_ids; i++) {
        ken_str s = ken_tokenizer_bytes(t, ids[i]);
        ken_buf_add(&back, s.p, s.n);
    }
    const char *got = ken_buf_str(&back);
    size_t got_n = back.len;
    *same = got_n == n && memcmp(got, want, n) == 0;
    if (!*same && got_n == n + 1 && got[0] == ' ') *same = memcmp(got + 1, want, n) == 0;
    if (back.failed) rc = ken_fail_nomem(err, "tokenizer self-test");
done:
    ken_buf_free(&back);
    ken_free(ids);
    ken_free(want);
    return rc;
}

int ken_tokenizer_selftest(const ken_model *m, int *n, int *bad, const char **first_bad, ken_err *err)
{
    *n = (int)(sizeof samples / sizeof *samples);
    *bad = 0;
    *first_bad = NULL;
    for (int i = 0; i < *n; i++) {
        bool same = false;
        int rc = round_trips(m, samples[i], &same, err);
        if (rc != KEN_OK) return rc;
        if (same) continue;
        if ((*bad)++ == 0) *first_bad = samples[i];
    }
    return KEN_OK;
}
