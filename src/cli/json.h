/* json.h - JSON on stdout with jansson: numbers and strings as ken prints them everywhere. */
#ifndef KEN_CLI_JSON_H
#define KEN_CLI_JSON_H
#include <jansson.h>
#include <stddef.h>
#include "ken.h"

/* A string; NULL becomes null, and broken UTF-8 (which JSON cannot hold) U+FFFD. */
json_t *cli_json_string(const char *s);
json_t *cli_json_strings(const char *const *s, int n);
json_t *cli_json_real(double x); /* null for NaN and infinities */
json_t *cli_json_count(uint64_t n);
/* The key of an object whose number is the data's own and is printed with all its digits, wherever it stands at the top. */
#define CLI_JSON_EXACT "popularity"
/* An object in the making: {.o = json_object()}. A failure anywhere (jansson refuses a NULL value) makes the whole NULL in the end. */
typedef struct cli_json_object {
    json_t *o;
    bool failed;
} cli_json_object;
void cli_json_put(cli_json_object *x, const char *key, json_t *v); /* takes v */
json_t *cli_json_finish(cli_json_object *x);                       /* the caller's; NULL after a failure */

/* Members of a struct that stand in an object as they are, in this order: CLI_JSON_PUT(&x, row, CLI_JSON_FIELD(ken_row, "id", id), ...).
 * Their types are the compiler's to find. */
typedef enum cli_json_kind { CLI_JSON_COUNT, CLI_JSON_INT, CLI_JSON_REAL, CLI_JSON_BOOL, CLI_JSON_TEXT } cli_json_kind;
typedef struct cli_json_field {
    const char *key; /* NULL ends a table */
    size_t at;
    cli_json_kind kind;
} cli_json_field;
/* clang-format off */
#define CLI_JSON_FIELD(type, key, member)                                                                              \
    {key, offsetof(type, member),                                                                                      \
     _Generic(((type){0}).member, uint64_t: CLI_JSON_COUNT, int: CLI_JSON_INT, double: CLI_JSON_REAL,                  \
              bool: CLI_JSON_BOOL, const char *: CLI_JSON_TEXT)}
/* clang-format on */
#define CLI_JSON_PUT(x, from, ...) cli_json_put_fields((x), (from), (const cli_json_field[]){__VA_ARGS__, {0}})
void cli_json_put_fields(cli_json_object *x, const void *from, const cli_json_field *field);

/* Prints the value on one line and frees it. KEN_ENOMEM when it (or a part of it: jansson hands failures on) is NULL. */
int cli_json_print(json_t *v, ken_err *err);
#endif
