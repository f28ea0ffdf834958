/* tiny.h - a random model with a byte-level tokenizer, folders with files in them, and runs: what the tests of training sets share.
 *
 * Tokens 0 to 255 are the bytes, then <bos>, <eos>, <|im_start|>, <|im_end|>, and one merge: "ab". */
#ifndef KEN_TESTS_TUNE_TINY_H
#define KEN_TESTS_TUNE_TINY_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../nn/fake_model.h"
#include "tune/set.h"

enum { TINY_BOS = 256, TINY_EOS, TINY_IM_START, TINY_IM_END, TINY_AB, TINY_VOCAB, TINY_CONTEXT = 256 };

typedef struct tiny {
    ken_model *model;
    ken_tokenizer *tokenizer;
} tiny;

tiny tiny_new(void); /* BOS is added, EOS is not */
void tiny_free(tiny *t);

/* The one of a group of tests, between its set-up and its teardown (which removes the folder too). */
extern tiny tiny_model;
int tiny_set_up(void **state);
int tiny_tear_down(void **state);

/* A file in the test's folder, made at the first call; the path is static, valid until the eighth next call. */
const char *tiny_file(const char *name, const char *text);
const char *tiny_path(const char *name); /* the same, without writing */
int tiny_remove_folder(void **state);    /* a group teardown */

/* A run with n rows a relation and category: ids "R<r>/train/<i>", questions "Question R<r> <i>?", answers "Answer <i>". have
 * (n_relations, 5): how many rows of each category, unlabelled last. P_Correct falls from row to row. */
const char *tiny_run(const char *name, const size_t (*have)[5], size_t n_relations);

/* Fails the test with the message when it does not open. */
ken_tune_set *tiny_set(const tiny *t, const ken_train_data *from);
/* Refused with this status, and the message holds `part`. */
void tiny_refuse(const tiny *t, const ken_train_data *from, int status, const char *part);
/* The row's tokens as text, control tokens as they are spelled. Static. */
const char *tiny_text(const tiny *t, const int32_t *ids, int32_t n);

ken_train_data tiny_data(const char *path); /* the defaults, for path */
ken_selection *tiny_take(const ken_train_data *from);
/* The selection must fail, with part in its message. */
void tiny_take_not(const ken_train_data *from, int status, const char *part);
#endif
