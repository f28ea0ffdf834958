/* test_tok_hostile.c - vocabularies that make no sense, texts made to be slow, memory that runs out, special tokens that overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/alloc.h"
#include "test_tok_vocab.h"

#define S(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

/* "abc<x>": a small byte-level vocabulary, changed by each case. */
static const ken_str pieces[] = {S("a"),  S("b"),   S("c"),   S("ab"),       S("abc"),
                                 S("bc"), S("<x>"), S("<u>"), S("\xC4\xA0"), S("\xC4\xA0\x61")};
static const uint8_t types[] = {1, 1, 1, 1, 1, 1, 3, 4, 1, 1};
static const ken_str left[] = {S("a"), S("ab"), S("b")}, right[] = {S("b"), S("c"), S("c")};

static ken_tok_spec small(void)
{
    return (ken_tok_spec){.kind = KEN_TOK_BPE,
                          .pre = KEN_PRE_GPT2,
                          .n_vocab = 10,
                          .pieces = pieces,
                          .types = types,
                          .n_merges = 3,
                          .merge_left = left,
                          .merge_right = right,
                          .bos = 6,
                          .eos = 6,
                          .unk = -1};
}

static ken_tokenizer *make(const ken_tok_spec *s)
{
    ken_tokenizer *t = NULL;
    ken_err err = {0};
    if (ken_tokenizer_new(&t, s, &err) != KEN_OK) fail_msg("%s", err.msg);
    return t;
}

/* Encodes and compares with ids, ended by -1. */
static void expect(const ken_tokenizer *t, const char *text, size_t n, unsigned flags, const int32_t *want)
{
    int32_t *ids = NULL;
    size_t n_ids = 0, cap = 0;
    assert_int_equal(ken_tokenizer_encode(t, text, n, flags, &ids, &n_ids, &cap, NULL), KEN_OK);
    for (size_t i = 0; i < n_ids; i++) assert_int_equal(ids[i], want[i]);
    assert_int_equal(want[n_ids], -1);
    ken_free(ids);
}

static void expect_new(const ken_tok_spec *s, const char *text, const int32_t *want)
{
    ken_tokenizer *t = make(s);
    expect(t, text, strlen(text), KEN_ENC_PARSE, want);
    ken_tokenizer_free(t);
}

#define IDS(...) ((const int32_t[]){__VA_ARGS__, -1})
#define NONE     ((const int32_t[]){-1})

/* ---- vocabularies ------------------------------------------------------------------------------------------------------ */

static void refused(void **state)
{
    (void)state;
    const int32_t bad_end[] = {3, 10}, minus[] = {-1};
    uint8_t bad_types[10];
    memcpy(bad_types, types, sizeof types);
    bad_types[4] = 7;
    float nan_scores[10] = {0, 0, 0, 0, 0, 0, 0, 0, 0, NAN};
    ken_str endless[10];
    memcpy(endless, pieces, sizeof pieces);
    endless[3].n = SIZE_MAX - 1; /* its bytes are never read: the sum of the lengths overflows first */
    const struct {
        const char *what;
        ken_tok_spec s;
    } cases[] = {
#define WITH(field, value)                                                                                             \
    {#field, ({                                                                                                        \
         ken_tok_spec s = small();                                                                                     \
         s.field = (value);                                                                                            \
         s;                                                                                                            \
     })}
        WITH(n_vocab, 0),
        WITH(n_vocab, -1),
        WITH(n_vocab, INT32_MAX),
        WITH(n_vocab, (1 << 24) + 1),
        WITH(bos, 10),
        WITH(bos, -2),
        WITH(eos, INT32_MAX),
        WITH(unk, INT32_MIN),
        WITH(types, bad_types),
        WITH(pieces, endless),
        WITH(pieces, NULL),
        WITH(n_merges, -1),
        WITH(merge_left, NULL),
        WITH(n_ends, 1),
        {"end outside", ({
             ken_tok_spec s = small();
             s.ends = bad_end;
             s.n_ends = 2;
             s;
         })},
        {"end -1", ({
             ken_tok_spec s = small();
             s.ends = minus;
             s.n_ends = 1;
             s;
         })},
        {"score NaN", ({
             ken_tok_spec s = small();
             s.kind = KEN_TOK_SPM;
             s.scores = nan_scores;
             s;
         })},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_tokenizer *t = (ken_tokenizer *)&cases; /* anything but NULL */
        ken_err err = {0};
        int rc = ken_tokenizer_new(&t, &cases[i].s, &err);
        if (rc == KEN_OK) fail_msg("%s was accepted", cases[i].what);
        assert_true(rc == KEN_EINPUT || rc == KEN_ESTATE);
        assert_int_equal(err.status, rc);
        assert_true(strlen(err.msg) > 20);
        assert_null(t);
    }
}

static void merges_without_parts(void **state)
{
    (void)state;
    ken_tok_spec s = small();
    expect_new(&s, "abc", IDS(4));
    static const ken_str no_left[] = {S("zz"), S("ab"), S("b")}, empty[] = {S(""), S("ab"), S("b")},
                         no_result[] = {S("b"), S("ab"), S("b")};
    s.merge_left = no_left; /* no "ab" any more: "bc" merges, and a|bc is no merge */
    expect_new(&s, "abc", IDS(0, 5));
    s.merge_left = empty;
    expect_new(&s, "abc", IDS(0, 5));
    s.merge_left = no_result; /* b + b = bb is no token */
    expect_new(&s, "abbc", IDS(0, 1, 5));
    s.n_merges = 0;
    expect_new(&s, "abc", IDS(0, 1, 2));
}

static void duplicates(void **state)
{
    (void)state;
    static const ken_str twice[] = {S("a"), S("b"),   S("c"),   S("ab"), S("ab"),
                                    S("a"), S("<x>"), S("<x>"), S("b"),  S("bc")};
    static const uint8_t ty[] = {1, 1, 1, 1, 1, 1, 3, 3, 1, 1};
    ken_tok_spec s = small();
    s.pieces = twice, s.types = ty;
    expect_new(&s, "ab", IDS(4)); /* of tokens spelled alike the last */
    expect_new(&s, "a<x>b", IDS(5, 7, 8));
    static const ken_str l[] = {S("a"), S("b"), S("a")}, r[] = {S("b"), S("c"), S("b")};
    s.merge_left = l, s.merge_right = r; /* a+b stands first and last: the first counts, so before b+c */
    expect_new(&s, "abc", IDS(4, 2));
}

static void odd_pieces(void **state)
{
    (void)state;
    /* Empty tokens; a token outside the alphabet (raw); a control token that the alphabet could spell and merges lead to. */
    static const ken_str p[] = {S(""), S("a"),        S("b"),  S("ab"), S("a b"),
                                S(""), S("\xFF\xFE"), S("\0"), S("c"),  S("ca")};
    static const uint8_t ty[] = {1, 1, 1, 3, 1, 3, 1, 4, 1, 1};
    static const ken_str l[] = {S("a"), S("c"), S("a")}, r[] = {S("b"), S("a"), S(" b")};
    ken_tok_spec s = small();
    s.pieces = p, s.types = ty, s.merge_left = l, s.merge_right = r;
    ken_tokenizer *t = make(&s);
    expect(t, "ab", 2, 0, IDS(1, 2));          /* text does not become a control token by merging */
    expect(t, "ab", 2, KEN_ENC_PARSE, IDS(3)); /* but by its name */
    expect(t, "cab", 3, 0, IDS(9, 2));
    expect(t, "a\0b", 3, 0, IDS(1, 7, 2));
    expect(t, "z\xFF\xFE", 3, KEN_ENC_PARSE, NONE); /* what no token spells is dropped */
    assert_int_equal(ken_tokenizer_bytes(t, 4).n, 3);
    assert_int_equal(ken_tokenizer_bytes(t, 6).n, 2);
    assert_int_equal(ken_tokenizer_bytes(t, 0).n, 0);
    assert_null(ken_tokenizer_bytes(t, 3).p);
    assert_null(ken_tokenizer_bytes(t, -1).p);
    assert_null(ken_tokenizer_bytes(t, 10).p);
    assert_null(ken_tokenizer_piece(t, INT32_MAX).p);
    assert_false(ken_tokenizer_is_end(t, -1));
    assert_false(ken_tokenizer_is_control(t, 10));
    assert_true(ken_tokenizer_is_control(t, 3));
    ken_tokenizer_free(t);
    ken_tokenizer_free(NULL);
    s.n_vocab = 1, s.bos = s.eos = -1; /* nothing but an empty token */
    expect_new(&s, "anything", NONE);
}

static void sentencepiece(void **state)
{
    (void)state;
    /* Ties go left; infinite scores are fine; no byte tokens: one unk for a run. */
    static const ken_str p[] = {S("<unk>"), S("a"),      S("aa"), S("aaa"),   S("\xE2\x96\x81"), S("\xE2\x96\x81\x61"),
                                S("b"),     S("<0x7A>"), S("ab"), S("<0x0a>")};
    static const uint8_t ty[] = {2, 1, 1, 1, 1, 1, 1, 6, 1, 6};
    static const float scores[] = {0, 0, -1, -2, 0, -1, 0, 0, -1, 0};
    float wide[10];
    memcpy(wide, scores, sizeof wide);
    wide[2] = INFINITY, wide[5] = wide[8] = -INFINITY;
    ken_tok_spec s = {
        .kind = KEN_TOK_SPM, .n_vocab = 10, .pieces = p, .types = ty, .scores = scores, .bos = -1, .eos = -1, .unk = 0};
    expect_new(&s, "aab", IDS(2, 6));
    expect_new(&s, "baab", IDS(6, 2, 6));
    expect_new(&s, "aaaaa", IDS(2, 3));
    expect_new(&s, " aa", IDS(5, 1)); /* tied with aa; it stands left of it */
    expect_new(&s,
               "\xE2\x96\x81"
               "b",
               IDS(4, 6));
    expect_new(&s, "zq\xC3\xA9\xFFz\n", IDS(7, 0, 7, 0)); /* <0x0a> in small letters is no byte token */
    s.add_space_prefix = true;
    expect_new(&s, "", NONE);
    expect_new(&s, "b", IDS(4, 6));
    s.add_space_prefix = false;
    s.scores = wide;
    expect_new(&s, " aab", IDS(4, 2, 6));
    s.scores = NULL; /* all equal: leftmost first */
    expect_new(&s, "aab", IDS(2, 6));
    s.unk = -1;
    expect_new(&s, "qa", IDS(1));
    s.types = NULL; /* then <0x7A> is known by its spelling */
    expect_new(&s, "za", IDS(7, 1));
}

/* ---- special tokens ------------------------------------------------------------------------------------------------------ */

static void special_tokens(void **state)
{
    (void)state;
    static const ken_str p[] = {S("a"),   S("<"),    S("x"),   S(">"), S("<x"),
                                S("<x>"), S("<x>a"), S("<u>"), S("u"), S("<x>u<")};
    static const uint8_t ty[] = {1, 1, 1, 1, 3, 3, 3, 4, 1, 2};
    ken_tok_spec s = {.kind = KEN_TOK_BPE,
                      .pre = KEN_PRE_NONE,
                      .n_vocab = 10,
                      .pieces = p,
                      .types = ty,
                      .bos = 4,
                      .eos = 5,
                      .unk = -1,
                      .add_bos = true,
                      .add_eos = true};
    ken_tokenizer *t = make(&s);
    static const struct {
        const char *text;
        unsigned flags;
        int32_t want[8];
    } cases[] = {
        {"<x>", 0, {1, 2, 3, -1}},
        {"<x>", KEN_ENC_PARSE, {5, -1}},
        {"<x", KEN_ENC_PARSE, {4, -1}},
        {"<xx>", KEN_ENC_PARSE, {4, 2, 3, -1}},
        {"<x>a", KEN_ENC_PARSE, {6, -1}},
        {"<x>aa", KEN_ENC_PARSE, {6, 0, -1}},
        {"<x>u<u>", KEN_ENC_PARSE, {9, 8, 3, -1}}, /* leftmost first, then longest */
        {"<x>uu>", KEN_ENC_PARSE, {5, 8, 8, 3, -1}},
        {"<x><x><", KEN_ENC_PARSE, {5, 5, 1, -1}},
        {"<<x>", KEN_ENC_PARSE, {1, 5, -1}},
        {"<u>", 0, {7, -1}}, /* user-defined tokens always */
        {"<u>a<u>", KEN_ENC_SPECIAL, {4, 7, 0, 7, 5, -1}},
        {"", KEN_ENC_SPECIAL, {4, 5, -1}},
        {"", 0, {-1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(t, cases[i].text, strlen(cases[i].text), cases[i].flags, cases[i].want);
    assert_int_equal(ken_tokenizer_bytes(t, 7).n, 3); /* a user-defined token has text, a control token none */
    assert_int_equal(ken_tokenizer_bytes(t, 5).n, 0);
    ken_tokenizer_free(t);
    s.bos = s.eos = -1; /* asked for, but there are none */
    t = make(&s);
    expect(t, "a", 1, KEN_ENC_SPECIAL, IDS(0));
    ken_tokenizer_free(t);
}

static void ends(void **state)
{
    (void)state;
    const int32_t more[] = {0, 7, 7};
    ken_tok_spec s = small();
    s.ends = more, s.n_ends = 3;
    ken_tokenizer *t = make(&s);
    for (int32_t id = 0; id < 10; id++) assert_int_equal(ken_tokenizer_is_end(t, id), id == 0 || id == 6 || id == 7);
    ken_tokenizer_free(t);
}

/* ---- identity ------------------------------------------------------------------------------------------------------------ */

static void hash_of(const ken_tok_spec *s, char hex[65])
{
    ken_tokenizer *t = make(s);
    ken_tokenizer_hash(t, hex);
    assert_int_equal(strlen(hex), 64);
    ken_tokenizer_free(t);
}

static void every_field_is_hashed(void **state)
{
    (void)state;
    uint8_t other_types[10];
    memcpy(other_types, types, sizeof types);
    other_types[5] = KEN_TT_UNUSED;
    ken_str shifted[10];
    memcpy(shifted, pieces, sizeof pieces);
    shifted[3] = (ken_str)S("a"), shifted[4] = (ken_str)S("bbc"); /* the same bytes in another division */
    const int32_t end[] = {2};
    static const ken_str other_left[] = {S("a"), S("ab"), S("a")};
    const float scores[10] = {1};
    const ken_tok_spec specs[] = {
#define CHANGED(field, value)                                                                                          \
    ({                                                                                                                 \
        ken_tok_spec s = small();                                                                                      \
        s.field = (value);                                                                                             \
        s;                                                                                                             \
    })
        small(),
        CHANGED(pre, KEN_PRE_QWEN2),
        CHANGED(n_vocab, 9),
        CHANGED(types, other_types),
        CHANGED(pieces, shifted),
        CHANGED(merge_left, other_left),
        CHANGED(n_merges, 2),
        CHANGED(bos, 1),
        CHANGED(eos, 1),
        CHANGED(unk, 1),
        CHANGED(add_bos, true),
        CHANGED(add_eos, true),
        CHANGED(add_space_prefix, true),
        CHANGED(ignore_merges, true),
        CHANGED(nfc, true),
        CHANGED(scores, scores),
        CHANGED(kind, KEN_TOK_SPM),
        ({
            ken_tok_spec s = small();
            s.ends = end;
            s.n_ends = 1;
            s;
        }),
    };
    enum { N = sizeof specs / sizeof *specs };
    static char hex[N][65];
    for (int i = 0; i < N; i++) {
        hash_of(&specs[i], hex[i]);
        for (int j = 0; j < i; j++)
            if (strcmp(hex[i], hex[j]) == 0) fail_msg("specs %d and %d have the same hash", j, i);
    }
    char again[65];
    hash_of(&specs[0], again);
    assert_string_equal(again, hex[0]);
    ken_tok_spec unnamed = small(); /* the same ids as GPT-2's */
    unnamed.pre = KEN_PRE_UNNAMED;
    hash_of(&unnamed, again);
    assert_string_equal(again, hex[0]);
}

/* ---- time and memory ------------------------------------------------------------------------------------------------------- */

static size_t encoded(const ken_tokenizer *t, const char *s, size_t n)
{
    int32_t *ids = NULL;
    size_t n_ids = 0, cap = 0;
    assert_int_equal(ken_tokenizer_encode(t, s, n, KEN_ENC_PARSE, &ids, &n_ids, &cap, NULL), KEN_OK);
    ken_free(ids);
    return n_ids;
}

/* Half a megabyte without a place to cut, of several kinds, through each kind of tokenizer. Quadratic work would take minutes. */
static void long_texts(void **state)
{
    (void)state;
    enum { N = 1 << 19 };
    static const char *const units[] = {
        "a",    "ab",          "the", " ", "\n ", "'", "<|eot_id|", "<tool", "9", "\xCC\x81\xCC\xA3", "\xE4\xB8\xAD",
        "\xFF", "\xE2\x96\x81"};
    static const char *const vocabs[] = {"tok_vocab_llama3.txt", "tok_vocab_qwen2.txt", "tok_vocab_spm.txt"};
    char *s = malloc(N);
    assert_non_null(s);
    clock_t start = clock();
    for (int v = 0; v < 3; v++) {
        test_vocab vocab = test_vocab_fixture(vocabs[v]);
        if (v == 0) vocab.spec.pre = KEN_PRE_NONE; /* everything is one row of symbols */
        ken_tokenizer *t = make(&vocab.spec);
        for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
            for (size_t i = 0, m = strlen(units[u]); i < N; i++) s[i] = units[u][i % m];
            size_t n = encoded(t, s, N);
            assert_in_range(n, 1, N + 1);
        }
        ken_tokenizer_free(t);
        test_vocab_free(&vocab);
    }
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 60); /* observed: 2 s */
    free(s);
}

static void huge_text(void **state)
{
    (void)state;
    ken_tok_spec s = small();
    ken_tokenizer *t = make(&s);
    int32_t *ids = NULL;
    size_t n = 0, cap = 0;
    ken_err err = {0};
    assert_int_equal(ken_tokenizer_encode(t, "", ((size_t)1 << 30) + 1, 0, &ids, &n, &cap, &err),
                     KEN_EINPUT); /* not read */
    assert_int_equal(n, 0);
    ken_tokenizer_free(t);
}

/* Every allocation fails in turn, at load and at encoding; what was in the list stays. */
static void out_of_memory(void **state)
{
    (void)state;
    static const char *const vocabs[] = {"tok_vocab_llama3.txt", "tok_vocab_qwen2.txt", "tok_vocab_spm.txt"};
    static const char text[] = "The capital <tool> e\xCC\x81 of Toledo|District|is|Punta|Gorda <|im_end|> \xFF "
                               "================================";
    for (int v = 0; v < 3; v++) {
        test_vocab vocab = test_vocab_fixture(vocabs[v]);
        ken_tokenizer *t = NULL;
        int rc = KEN_ENOMEM;
        long fails = 0;
        for (long n = 1; rc != KEN_OK; n++, fails++) {
            ken_err err = {0};
            ken_alloc_fail_after(n);
            rc = ken_tokenizer_new(&t, &vocab.spec, &err);
            ken_alloc_fail_after(0);
            assert_true(rc == KEN_OK || (rc == KEN_ENOMEM && t == NULL && strstr(err.msg, "memory")));
        }
        assert_true(fails > 8);
        size_t most = 0;
        rc = KEN_ENOMEM;
        for (long n = 1; rc != KEN_OK; n++) {
            int32_t *ids = ken_alloc(1, sizeof *ids);
            size_t n_ids = 1, cap = 1;
            ids[0] = 42;
            ken_alloc_fail_after(n);
            rc = ken_tokenizer_encode(t, text, sizeof text - 1, KEN_ENC_PARSE | KEN_ENC_SPECIAL, &ids, &n_ids, &cap,
                                      NULL);
            ken_alloc_fail_after(0);
            assert_int_equal(ids[0], 42);
            if (rc != KEN_OK) assert_int_equal(n_ids, 1);
            most = n_ids;
            ken_free(ids);
        }
        assert_true(most > 20);
        ken_tokenizer_free(t);
        test_vocab_free(&vocab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),    cmocka_unit_test(merges_without_parts),  cmocka_unit_test(duplicates),
        cmocka_unit_test(odd_pieces), cmocka_unit_test(sentencepiece),         cmocka_unit_test(special_tokens),
        cmocka_unit_test(ends),       cmocka_unit_test(every_field_is_hashed), cmocka_unit_test(long_texts),
        cmocka_unit_test(huge_text),  cmocka_unit_test(out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
