/* folder.h - a folder of a test's own, for tests with real models (tiny.h has a made-up one): its files, removed in the end. */
#ifndef KEN_TESTS_TUNE_FOLDER_H
#define KEN_TESTS_TUNE_FOLDER_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

const char *
folder_path(const char *name); /* static, valid until the eighth next call; the folder is made at the first */
const char *folder_file(const char *name, const char *text);
/* A copy of the model folder `from` whose context has n tokens. */
const char *folder_model(const char *name, const char *from, int n);
int folder_remove(void **state);
#endif
