/* read_json.h - jansson's reader for files that other programs write.
 *
 * Python's json writes NaN, Infinity and whole numbers of any length, which JSON and jansson do not have: transformers puts
 * "model_max_length": 1000000000000000019884624838656 into most tokenizers, pandas NaN into missing fields. A number that nobody asks for must not
 * stop a file, and one that somebody asks for must not be another one. */
#ifndef KEN_BASE_READ_JSON_H
#define KEN_BASE_READ_JSON_H
#include <jansson.h>
#include <stdbool.h>

/* As json_loadb, but NaN is null, and Infinity and numbers that neither int64 nor double holds are strings with all their digits. e is required; lines
 * in it are those of text, columns are near. */
json_t *ken_read_json(const char *text, size_t n, size_t flags, json_error_t *e);

/* Whether that failed for want of memory, of which jansson often says nothing at all. */
bool ken_json_no_memory(const json_error_t *e);
#endif
