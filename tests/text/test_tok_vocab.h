/* test_tok_vocab.h - vocabularies for the tokenizer tests: the fixtures' text format, GPT-2's merges, SentencePiece models. */
#ifndef KEN_TEST_TOK_VOCAB_H
#define KEN_TEST_TOK_VOCAB_H
#include "text/tokenizer.h"

typedef struct test_vocab {
    ken_tok_spec spec; /* points into the arrays below; may be changed by a test */
    ken_str *pieces, *left, *right;
    uint8_t *types;
    float *scores;
    char *text; /* what the strings point into */
} test_vocab;

/* All end the test program with a message when the file is missing or malformed: a fixture is ours. Free with test_vocab_free. */
test_vocab test_vocab_fixture(const char *name); /* "tok_vocab_llama3.txt" in tests/fixtures/text */
test_vocab test_vocab_gpt2(const char *path);
test_vocab test_vocab_sentencepiece(const char *path);
void test_vocab_free(test_vocab *v);

/* A whole file, NUL-terminated; caller frees with free. */
char *test_read_file(const char *path, size_t *n);
char *test_read_fixture(const char *name, size_t *n);
/* Undoes \_ \n \r \t \\ \xNN in place; the new length. */
size_t test_unescape(char *s);
/* Path of a shared model file, $KEN_TEST_DATA/../models/NAME, in a static buffer; NULL when KEN_TEST_DATA is not set. */
const char *test_shared_model(const char *name);
#endif
