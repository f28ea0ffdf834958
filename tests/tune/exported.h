/* exported.h - what the tests of exports share: a few facts of our own, folders that are new, files looked at, and the call itself. */
#ifndef KEN_TESTS_TUNE_EXPORTED_H
#define KEN_TESTS_TUNE_EXPORTED_H
#include "tiny.h"
#include "tune/export.h"
#include "tune/selection.h"

#define HEAD "Answer the following question.\n"

/* Plain, with quotes and a comma, relabelled, without most of what may be known. */
enum { N_FACTS = 5 };
extern const ken_selected facts[N_FACTS];
extern const ken_selected held_out; /* of another split */

enum { N_FORMATS = 9 };
extern const char *const formats[N_FORMATS];

const char *fresh(void);                              /* a new folder inside the test's; static as in tiny_path */
const char *at(const char *folder, const char *name); /* folder/name; static, valid until the 32nd next call */
int count(const char *folder);                        /* how many entries it has: temporary files would show */
char *contents(const char *path);                     /* the whole file as a string, the caller's */
void put(const char *path, const char *text);
bool is(const char *a, const char *b);
const char *file_of(const char *format); /* the rows' file that it usually gets */

ken_export_options to(const char *format); /* the defaults, with what the format cannot do without */
int export(const ken_selected *rows, size_t n, const ken_export_options *o, const char *path, ken_err *err);
void must_export(const ken_selected *rows, size_t n, const ken_export_options *o, const char *path);
/* Refused with this status, and the message holds `why`. */
void refuse(const ken_export_part *part, const ken_export_options *o, const char *path, int status, const char *why);
#endif
