/* json.h - JSON files of a model, read with limits: jansson's tree, our bounds and our messages. */
#ifndef KEN_MODEL_JSON_H
#define KEN_MODEL_JSON_H
#include "base/buf.h"
#include "model/value.h"
#include <jansson.h>

/* Parses data (n bytes) whose root must be an object. At most max_bytes bytes and 64 levels of nesting; a key that occurs
 * twice is an error, since readers disagree on which one counts. KEN_EINPUT with line and column, prefixed by `file`.
 * The caller's: json_decref. */
int ken_json_parse(json_t **out, const void *data, size_t n, size_t max_bytes, const char *file, ken_err *err);

/* Appends s (n bytes) as a JSON string with its quotes. False, and nothing appended, when it is no UTF-8. */
bool ken_json_quote(ken_buf *out, const char *s, size_t n);

/* x so that it reads back as the same double, or float, with a dot or an exponent: readers that guess a column's type take none for a whole
 * number. Returns buf. */
const char *ken_json_number(double x, bool is_float, char buf[40]);

/* The value at a path of keys with dots between ("rope_scaling.factor"), as a scalar. j may be NULL. */
ken_value ken_json_value(const json_t *j, const char *path);
#endif
