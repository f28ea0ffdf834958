/* test_tok_oracle.c - token ids against the references, on the 6,096 strings of tests/fixtures/text/tok_strings.txt.
 *
 * tests/oracles/tok_fixtures.py made the expectations with Hugging Face's tokenizers and with sentencepiece and says how. Each
 * vocabulary has a column of hashes; when one differs the test prints the string and our ids, and tok_ids_full.txt holds the
 * references' own ids for every hundredth string. All must be equal: no difference is on a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "model/model.h"
#include "test_tok_vocab.h"
#include "text/unicode.h"

enum { N_COLUMNS = 6, SHOW = 3 };
static const char *const columns[N_COLUMNS] = {"smollm", "gpt2", "llama3", "qwen2", "llama2", "spm"};

static struct {
    char *text, *ids_text, *full_text;
    ken_str *s;                  /* (n) */
    uint64_t (*hash)[N_COLUMNS]; /* (n) */
    size_t n;
} fixture;

static int load_fixture(void **state)
{
    (void)state;
    size_t n, i = 0;
    fixture.text = test_read_fixture("tok_strings.txt", &n);
    for (const char *p = fixture.text; (p = strchr(p, '\n')) != NULL; p++) fixture.n++;
    fixture.s = calloc(fixture.n, sizeof *fixture.s);
    fixture.hash = calloc(fixture.n, sizeof *fixture.hash);
    if (!fixture.s || !fixture.hash) return -1;
    char *p = fixture.text, *end;
    for (; (end = strchr(p, '\n')) != NULL; p = end + 1) { /* an empty line is the empty string */
        *end = '\0';
        if (*p == '#') continue;
        fixture.s[i].p = p;
        fixture.s[i++].n = test_unescape(p);
    }
    fixture.n = i;
    fixture.ids_text = test_read_fixture("tok_ids.txt", &n);
    for (p = fixture.ids_text, i = 0; (end = strchr(p, '\n')) != NULL; p = end + 1) {
        *end = '\0';
        if (*p == '#') continue;
        if (i >= fixture.n) return -1;
        for (int c = 0; c < N_COLUMNS; c++) fixture.hash[i][c] = strtoull(p, &p, 16);
        i++;
    }
    fixture.full_text = test_read_fixture("tok_ids_full.txt", &n);
    return i == fixture.n && i >= 5000 ? 0 : -1;
}

static int free_fixture(void **state)
{
    (void)state;
    free(fixture.text), free(fixture.ids_text), free(fixture.full_text), free(fixture.s), free(fixture.hash);
    return 0;
}

static uint64_t fnv(uint64_t h, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int b = 0; b < 4; b++) h = (h ^ ((uint32_t)ids[i] >> 8 * b & 0xFF)) * 0x100000001B3u;
    return h;
}

static void show(const char *what, const ken_str *s, const int32_t *ids, size_t n)
{
    print_error("%s: \"%.*s\" gives", what, (int)s->n, s->p);
    for (size_t i = 0; i < n; i++) print_error(" %d", ids[i]);
    print_error("\n");
}

static void all_strings(const ken_tokenizer *t, int column)
{
    int32_t *plain = NULL, *full = NULL;
    size_t n_plain, n_full, cap = 0, cap_full = 0;
    int differ = 0;
    for (size_t i = 0; i < fixture.n; i++) {
        ken_err err;
        const ken_str *s = &fixture.s[i];
        static const int32_t bar = -1;
        n_plain = n_full = 0;
        assert_int_equal(ken_tokenizer_encode(t, s->p, s->n, 0, &plain, &n_plain, &cap, &err), KEN_OK);
        assert_int_equal(
            ken_tokenizer_encode(t, s->p, s->n, KEN_ENC_SPECIAL | KEN_ENC_PARSE, &full, &n_full, &cap_full, &err),
            KEN_OK);
        uint64_t h = fnv(fnv(fnv(0xCBF29CE484222325u, plain, n_plain), &bar, 1), full, n_full) & 0xFFFFFFFFFFu;
        if (h == fixture.hash[i][column] || differ++ >= SHOW) continue;
        print_error("%s, string %zu:\n", columns[column], i);
        show("plain", s, plain, n_plain);
        show("full", s, full, n_full);
    }
    ken_free(plain);
    ken_free(full);
    assert_int_equal(differ, 0);
}

/* The references' ids themselves, for every hundredth string: a hash alone could hide a mistake in hashing. */
static void hundredths(const ken_tokenizer *t, int column)
{
    int seen = 0;
    for (const char *p = fixture.full_text; *p; p = strchr(p, '\n') + 1) {
        char name[16];
        size_t i;
        int at;
        if (*p == '#' || sscanf(p, "%zu %15s%n", &i, name, &at) != 2 || strcmp(name, columns[column]) != 0) continue;
        int32_t *ids = NULL;
        size_t n = 0, cap = 0;
        assert_true(i < fixture.n);
        assert_int_equal(ken_tokenizer_encode(t, fixture.s[i].p, fixture.s[i].n, KEN_ENC_SPECIAL | KEN_ENC_PARSE, &ids,
                                              &n, &cap, NULL),
                         KEN_OK);
        const char *q = p + at;
        for (size_t k = 0; k < n; k++) {
            char *next;
            assert_int_equal(strtol(q, &next, 10), ids[k]);
            q = next;
        }
        assert_int_equal(*q, '\n');
        ken_free(ids);
        seen++;
    }
    assert_true(seen >= 50);
}

/* Plain ids spell the text again: exactly; with a space before (and U+2581 become a space); or in NFC. */
static void round_trips(const ken_tokenizer *t, bool spm)
{
    int32_t *ids = NULL;
    size_t n_ids, cap = 0;
    for (size_t i = 0; i < fixture.n; i++) {
        ken_str s = fixture.s[i];
        size_t n = s.n, at = spm && n ? 1 : 0;
        char *want = ken_tokenizer_uses_nfc(t) ? ken_utf8_nfc(s.p, s.n, &n) : ken_strndup(s.p, n);
        assert_non_null(want);
        size_t out = 0;
        for (size_t k = 0; k < n; k++, out++) {
            bool mark = spm && n - k >= 3 && memcmp(want + k, "\xE2\x96\x81", 3) == 0;
            want[out] = mark ? ' ' : want[k];
            if (mark) k += 2;
        }
        n_ids = 0;
        assert_int_equal(ken_tokenizer_encode(t, s.p, s.n, 0, &ids, &n_ids, &cap, NULL), KEN_OK);
        size_t pos = 0;
        for (size_t k = 0; k < n_ids; k++) {
            ken_str b = ken_tokenizer_bytes(t, ids[k]);
            for (size_t j = 0; j < b.n; j++, pos++) assert_int_equal(b.p[j], pos < at ? ' ' : want[pos - at]);
        }
        assert_int_equal(pos, out + at);
        ken_free(want);
    }
    ken_free(ids);
}

static void smollm(void **state)
{
    (void)state;
    char path[1000];
    const char *model = getenv("KEN_MODEL"), *home = getenv("HOME");
    snprintf(path, sizeof path, "%s/.cache/ken/SmolLM2-135M-Instruct.Q4_1.gguf", home ? home : "");
    ken_model *m;
    ken_err err = {0};
    if (ken_model_open(&m, model && *model ? model : path, &err) != KEN_OK)
        fail_msg("the default model is missing: %s", err.msg);
    const ken_tokenizer *t = ken_model_tokenizer(m);
    assert_string_equal(ken_tokenizer_describe(t), "byte-level BPE (smollm)");
    all_strings(t, 0);
    hundredths(t, 0);
    ken_model_free(m);
}

static void with_vocab(test_vocab v, int column, bool comes_back)
{
    ken_tokenizer *t;
    ken_err err = {0};
    if (ken_tokenizer_new(&t, &v.spec, &err) != KEN_OK) fail_msg("%s", err.msg);
    bool spm = v.spec.kind == KEN_TOK_SPM;
    test_vocab_free(&v); /* nothing may be borrowed from it */
    all_strings(t, column);
    hundredths(t, column);
    if (comes_back) round_trips(t, spm);
    ken_tokenizer_free(t);
}

static void gpt2(void **state)
{
    (void)state;
    const char *path = test_shared_model("tokenizers/gpt2_vocab.bpe");
    if (path == NULL) {
        print_message("KEN_TEST_DATA is not set\n");
        skip();
    }
    with_vocab(test_vocab_gpt2(path), 1, true);
}

static void llama2(void **state)
{
    (void)state;
    const char *path = test_shared_model("tokenizers/llama2_tokenizer.model");
    if (path == NULL) {
        print_message("KEN_TEST_DATA is not set\n");
        skip();
    }
    with_vocab(test_vocab_sentencepiece(path), 4, true);
}

static void llama3(void **state)
{
    (void)state;
    with_vocab(test_vocab_fixture("tok_vocab_llama3.txt"), 2, true);
}

static void qwen2(void **state)
{
    (void)state;
    with_vocab(test_vocab_fixture("tok_vocab_qwen2.txt"), 3, true);
}

static void spm(void **state) /* not back: user-defined tokens part the text, and each part gets its space */
{
    (void)state;
    with_vocab(test_vocab_fixture("tok_vocab_spm.txt"), 5, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(smollm), cmocka_unit_test(gpt2),   cmocka_unit_test(llama3),
                                       cmocka_unit_test(qwen2),  cmocka_unit_test(llama2), cmocka_unit_test(spm)};
    return cmocka_run_group_tests(tests, load_fixture, free_fixture);
}
