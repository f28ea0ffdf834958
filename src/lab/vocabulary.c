/* vocabulary.c - see vocabulary.h. */
#include "lab/vocabulary.h"
#include "base/alloc.h"
#include <ctype.h>
#include <string.h>

enum { MOST_TOKENS = 1 << 20 };
#define SPACE "\xc4\xa0" /* U+0120: a space in the byte-level alphabet */

static int add(ken_vocabulary *v, const char *piece, size_t n, int type, ken_err *err)
{
    if (ken_strmap_get(v->number, piece, n, -1) >= 0) return KEN_OK;
    if (v->n == MOST_TOKENS) return ken_fail(err, KEN_EUSAGE, "a vocabulary of more than %d words", MOST_TOKENS);
    const size_t cap = v->cap;
    const char *kept = ken_arena_strndup(&v->arena, piece, n);
    if (kept == NULL || ken_strmap_number(v->number, kept, n) < 0 ||
        ken_grow((void **)&v->piece, &v->cap, v->n + 1, sizeof *v->piece) != 0)
        return ken_fail_nomem(err, "a vocabulary");
    if (v->cap != cap) {
        uint8_t *type_of = ken_realloc(v->type, v->cap, sizeof *type_of);
        if (type_of == NULL) return ken_fail_nomem(err, "a vocabulary");
        v->type = type_of;
    }
    v->piece[v->n] = (ken_str){kept, n};
    v->type[v->n++] = (uint8_t)type;
    return KEN_OK;
}

int ken_vocabulary_begin(ken_vocabulary *v, ken_err *err)
{
    *v = (ken_vocabulary){.number = ken_strmap_new(1024)};
    int rc = v->number == NULL ? ken_fail_nomem(err, "a vocabulary") : KEN_OK;
    for (int b = 0; b < 256 && rc == KEN_OK; b++) {
        char piece[3];
        ken_byte_spelling(b, piece);
        rc = add(v, piece, strlen(piece), KEN_TT_NORMAL, err);
    }
    if (rc == KEN_OK) rc = add(v, "<|begin|>", 9, KEN_TT_CONTROL, err);
    return rc == KEN_OK ? add(v, "<|end|>", 7, KEN_TT_CONTROL, err) : rc;
}

int ken_vocabulary_add(ken_vocabulary *v, const char *text, ken_err *err)
{
    char piece[256];
    bool first = true; /* of its line */
    int rc = KEN_OK;
    for (const char *p = text; *p != '\0' && rc == KEN_OK;) {
        const size_t whole = strcspn(p, " \n");
        size_t n = whole;
        while (n > 0 && !isalnum((unsigned char)p[n - 1])) n--;
        if (n + sizeof SPACE > sizeof piece) return ken_fail(err, KEN_EUSAGE, "a word of %zu bytes", n);
        const size_t before = first ? 0 : strlen(SPACE);
        for (size_t i = 0; i < before; i++) piece[i] = SPACE[i];
        memcpy(piece + before, p, n);
        if (n > 0) rc = add(v, piece, before + n, KEN_TT_NORMAL, err);
        first = p[whole] == '\n';
        p += whole + (p[whole] != '\0');
    }
    return rc;
}

const ken_tok_spec *ken_vocabulary_spec(ken_vocabulary *v)
{
    v->spec = (ken_tok_spec){.kind = KEN_TOK_BPE,
                             .pre = KEN_PRE_GPT2,
                             .n_vocab = (int32_t)v->n,
                             .pieces = v->piece,
                             .types = v->type,
                             .bos = 256,
                             .eos = 257,
                             .unk = -1,
                             .add_bos = true,
                             .ignore_merges = true};
    return &v->spec;
}

void ken_vocabulary_free(ken_vocabulary *v)
{
    ken_strmap_free(v->number);
    ken_arena_free(&v->arena);
    ken_free(v->piece);
    ken_free(v->type);
    *v = (ken_vocabulary){0};
}
