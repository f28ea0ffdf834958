/* test_tok_vocab.c - readers of vocabularies for tests (test_tok_vocab.h). They trust their input: fixtures are ours, and a
 * damaged one ends the test. The library's own readers, which trust nothing, are the model layer's. */
#include "test_tok_vocab.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *what, const char *where)
{
    fprintf(stderr, "%s: %s\n", what, where);
    exit(1);
}

static void *need(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (p == NULL) give_up("out of memory", "test vocabulary");
    return p;
}

char *test_read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) give_up("cannot open", path);
    if (fseek(f, 0, SEEK_END) != 0) give_up("cannot seek", path);
    long size = ftell(f);
    rewind(f);
    char *s = need((size_t)size + 1, 1);
    *n = fread(s, 1, (size_t)size, f);
    if (*n != (size_t)size) give_up("cannot read", path);
    fclose(f);
    return s;
}

char *test_read_fixture(const char *name, size_t *n)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/text/%s", KEN_FIXTURES, name);
    return test_read_file(path, n);
}

const char *test_shared_model(const char *name)
{
    static char path[1000];
    const char *data = getenv("KEN_TEST_DATA");
    if (data == NULL || *data == '\0') return NULL;
    snprintf(path, sizeof path, "%s/../models/%s", data, name);
    return path;
}

size_t test_unescape(char *s)
{
    char *to = s;
    for (const char *p = s; *p != '\0'; p++) {
        if (*p != '\\') {
            *to++ = *p;
            continue;
        }
        p++;
        if (*p == 'x') {
            char hex[3] = {p[1], p[2], '\0'};
            *to++ = (char)strtol(hex, NULL, 16);
            p += 2;
        } else *to++ = (char)(*p == '_' ? ' ' : *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p == 't' ? '\t' : *p);
    }
    *to = '\0';
    return (size_t)(to - s);
}

static ken_str unescaped(char *s)
{
    size_t n = test_unescape(s);
    return (ken_str){s, n};
}

static size_t count_lines(const char *s)
{
    size_t n = 1;
    for (; (s = strchr(s, '\n')) != NULL; s++) n++;
    return n;
}

static void allocate(test_vocab *v, size_t n)
{
    v->pieces = need(n, sizeof *v->pieces), v->left = need(n, sizeof *v->left), v->right = need(n, sizeof *v->right);
    v->types = need(n, 1), v->scores = need(n, sizeof *v->scores);
    v->spec = (ken_tok_spec){.pieces = v->pieces,
                             .types = v->types,
                             .merge_left = v->left,
                             .merge_right = v->right,
                             .bos = -1,
                             .eos = -1,
                             .unk = -1};
}

/* ---- the fixtures' format (tests/oracles/tok_fixtures.py) ------------------------------------------------------------- */

static ken_pretok pretok_named(const char *s)
{
    static const struct {
        const char *name;
        ken_pretok pre;
    } known[] = {{"gpt2", KEN_PRE_GPT2},
                 {"smollm", KEN_PRE_SMOLLM},
                 {"llama-bpe", KEN_PRE_LLAMA3},
                 {"qwen2", KEN_PRE_QWEN2},
                 {"none", KEN_PRE_NONE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(s, known[i].name) == 0) return known[i].pre;
    give_up("unknown pre-tokenizer", s);
    return KEN_PRE_NONE;
}

static void set_flag(ken_tok_spec *s, const char *name)
{
    if (strcmp(name, "add_bos") == 0) s->add_bos = true;
    else if (strcmp(name, "add_eos") == 0) s->add_eos = true;
    else if (strcmp(name, "add_space_prefix") == 0) s->add_space_prefix = true;
    else if (strcmp(name, "ignore_merges") == 0) s->ignore_merges = true;
    else if (strcmp(name, "nfc") == 0) s->nfc = true;
    else give_up("unknown flag", name);
}

static void read_line(test_vocab *v, char *line)
{
    ken_tok_spec *s = &v->spec;
    char *rest = NULL, *key = strtok_r(line, " ", &rest), *a = strtok_r(NULL, " ", &rest),
         *b = strtok_r(NULL, " ", &rest), *c = strtok_r(NULL, " ", &rest);
    if (key == NULL || a == NULL) give_up("malformed line in a vocabulary", key ? key : "");
    if (strcmp(key, "kind") == 0) s->kind = strcmp(a, "spm") == 0 ? KEN_TOK_SPM : KEN_TOK_BPE;
    else if (strcmp(key, "pre") == 0) s->pre = pretok_named(a);
    else if (strcmp(key, "bos") == 0) s->bos = atoi(a);
    else if (strcmp(key, "eos") == 0) s->eos = atoi(a);
    else if (strcmp(key, "unk") == 0) s->unk = atoi(a);
    else if (strcmp(key, "flag") == 0) set_flag(s, a);
    else if (strcmp(key, "t") == 0 && b != NULL) {
        v->types[s->n_vocab] = (uint8_t)atoi(a);
        if (c != NULL) v->scores[s->n_vocab] = strtof(c, NULL);
        v->pieces[s->n_vocab++] = unescaped(b);
    } else if (strcmp(key, "m") == 0 && b != NULL) {
        v->left[s->n_merges] = (ken_str){a, strlen(a)};
        v->right[s->n_merges++] = (ken_str){b, strlen(b)};
    } else give_up("unknown line in a vocabulary", key);
}

test_vocab test_vocab_fixture(const char *name)
{
    test_vocab v = {0};
    size_t n;
    v.text = test_read_fixture(name, &n);
    allocate(&v, count_lines(v.text));
    char *rest = NULL;
    for (char *line = strtok_r(v.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (*line != '#') read_line(&v, line);
    if (v.spec.kind == KEN_TOK_SPM) v.spec.scores = v.scores;
    return v;
}

/* ---- GPT-2's vocab.bpe: merges, best first; the tokens follow from them ----------------------------------------------- */

test_vocab test_vocab_gpt2(const char *path)
{
    test_vocab v = {0};
    size_t n, at;
    char *file = test_read_file(path, &n);
    v.text = need(4 * n + 2000, 1); /* the lines, then the tokens */
    memcpy(v.text, file, n);
    free(file);
    at = n + 1;
    allocate(&v, count_lines(v.text) + 300);
    int32_t *id = &v.spec.n_vocab;
    for (int pass = 0; pass < 2;
         pass++) /* printable bytes stand first, as themselves; the others count from U+0100 on */
        for (int b = 0, other = 0x100; b < 256; b++) {
            int printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
            int cp = printable ? b : other++;
            if (printable == pass) continue;
            v.pieces[*id].p = v.text + at;
            if (cp >= 0x80) v.text[at++] = (char)(0xC0 | cp >> 6);
            v.text[at++] = (char)(cp >= 0x80 ? 0x80 | (cp & 0x3F) : cp);
            v.pieces[*id].n = (size_t)(v.text + at - v.pieces[*id].p);
            v.types[(*id)++] = KEN_TT_NORMAL;
        }
    char *rest = NULL;
    strtok_r(v.text, "\n", &rest); /* "#version: 0.2" */
    for (char *line; (line = strtok_r(NULL, "\n", &rest)) != NULL; v.spec.n_merges++) {
        char *space = strchr(line, ' ');
        if (space == NULL) give_up("no merge", line);
        size_t a = (size_t)(space - line), b = strlen(space + 1);
        v.left[v.spec.n_merges] = (ken_str){line, a};
        v.right[v.spec.n_merges] = (ken_str){space + 1, b};
        v.pieces[*id] = (ken_str){v.text + at, a + b};
        memcpy(v.text + at, line, a);
        memcpy(v.text + at + a, space + 1, b);
        at += a + b;
        v.types[(*id)++] = KEN_TT_NORMAL;
    }
    v.types[*id] = KEN_TT_CONTROL;
    v.pieces[(*id)++] = (ken_str){"<|endoftext|>", 13};
    v.spec.kind = KEN_TOK_BPE, v.spec.pre = KEN_PRE_GPT2;
    v.spec.bos = v.spec.eos = *id - 1;
    return v;
}

/* ---- SentencePiece's ModelProto: field 1 is a piece {1: string, 2: score, 3: type} ------------------------------------- */

static uint64_t varint(const unsigned char **p)
{
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char c = *(*p)++;
        v |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80) return v;
    }
}

/* One field: its number, *from and *n the contents of a string, bytes of a fixed one, or *n the value of a varint. */
static int field(const unsigned char **p, const unsigned char **from, size_t *n)
{
    uint64_t key = varint(p);
    *from = *p;
    switch (key & 7) {
    case 0: *n = (size_t)varint(p); return (int)(key >> 3);
    case 1: *n = 8; break;
    case 5: *n = 4; break;
    default: *n = (size_t)varint(p), *from = *p; break;
    }
    *p += *n;
    return (int)(key >> 3);
}

test_vocab test_vocab_sentencepiece(const char *path)
{
    test_vocab v = {0};
    size_t n, len, m;
    v.text = test_read_file(path, &n);
    allocate(&v, n / 8);
    const unsigned char *p = (const unsigned char *)v.text, *end = p + n, *from, *in;
    while (p < end) {
        if (field(&p, &from, &len) != 1) continue;
        int32_t id = v.spec.n_vocab++;
        v.types[id] = KEN_TT_NORMAL;
        for (const unsigned char *q = from; q < from + len;) {
            int k = field(&q, &in, &m);
            if (k == 1) v.pieces[id] = (ken_str){(const char *)in, m};
            else if (k == 2) memcpy(&v.scores[id], in, 4);
            else if (k == 3) v.types[id] = (uint8_t)m; /* the numbers of ken_tok_type */
        }
    }
    v.spec.kind = KEN_TOK_SPM, v.spec.pre = KEN_PRE_NONE, v.spec.scores = v.scores;
    v.spec.unk = 0, v.spec.bos = 1, v.spec.eos = 2;
    v.spec.add_bos = v.spec.add_space_prefix = true;
    return v;
}

void test_vocab_free(test_vocab *v)
{
    free(v->pieces), free(v->left), free(v->right), free(v->types), free(v->scores), free(v->text);
    *v = (test_vocab){0};
}
