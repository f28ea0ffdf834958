/* json.h - JSON on stdout with jansson: numbers and strings as ken prints them everywhere. */
#ifndef KEN_CLI_JSON_H
#define KEN_CLI_JSON_H
#include <jansson.h>
#include "ken.h"

/* A string; NULL becomes null, and broken UTF-8 (which JSON cannot hold) U+FFFD. */
json_t *cli_json_string(const char *s);
json_t *cli_json_strings(const char *const *s, int n);
json_t *cli_json_real(double x); /* null for NaN and infinities */
/* An object in the making: {.o = json_object()}. A failure anywhere (jansson refuses a NULL value) makes the whole NULL in the end. */
typedef struct cli_json_object {
    json_t *o;
    bool failed;
} cli_json_object;
void cli_json_put(cli_json_object *x, const char *key, json_t *v); /* takes v */
json_t *cli_json_finish(cli_json_object *x);                       /* the caller's; NULL after a failure */

/* Prints the value on one line and frees it. KEN_ENOMEM when it (or a part of it: jansson hands failures on) is NULL. */
int cli_json_print(json_t *v, ken_err *err);

/* The objects that several verbs share (row_json.c). */
json_t *cli_json_row(const ken_row *row);     /* keys and order of interfaces.md 4 */
json_t *cli_json_counts(const ken_counts *c); /* examples, the four categories, unlabelled */
/* The summary object of a run; counts of the chosen relations ("a,b", NULL = all). */
json_t *cli_json_summary(const ken_run *r, const char *relations);
/* Adds up the chosen relations; the shares are weighted by the number of rows. */
ken_counts cli_sum_counts(const ken_run *r, const char *relations);
#endif
