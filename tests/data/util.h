/* util.h - what the data tests share: text and folders as data, expected messages, the test data's place. */
#ifndef KEN_TESTS_DATA_UTIL_H
#define KEN_TESTS_DATA_UTIL_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "data/dataset.h"

/* Reads text as a file called name; fails the test with the message when that is refused. Free with ken_data_free. */
ken_data *data_of(const char *name, const char *text, const ken_data_options *o);
/* Opens a path likewise. */
ken_data *data_at(const char *path, const ken_data_options *o);
/* The text is refused with this status, and the message holds `part`. */
void refuse(const char *name, const char *text, size_t n, const ken_data_options *o, int status, const char *part);
void refuse_path(const char *path, const ken_data_options *o, int status, const char *part);

/* A new folder under the system's temporary one; remove_tree takes it away again. The string is static. */
const char *temp_folder(void);
void put_file(const char *folder, const char *name, const char *text); /* makes the folders in name */
void remove_tree(const char *folder);

/* $KEN_TEST_DATA/rest, in a static buffer; skips the test when the variable is not set, fails it when the place is missing. */
const char *test_data(const char *rest);

const ken_example *row_of(const ken_data *d, const char *id); /* fails the test when there is none */
const ken_data_group *group_of(const ken_data *d, const char *relation,
                               const char *split); /* NULL when there is none */
#endif
