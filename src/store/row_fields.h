/* row_fields.h - the numbers of an annotated row and of its prompts, each described once.
 *
 * A line of a table in row_fields.c is a member of ken_row or ken_prompt_row (ken.h): its name, which is also that of its column and of its key in
 * JSON, what it holds, and what it means. The tables of a run, the statements that write and read them, the checks of their values and the JSON of
 * rows are made from these lines; docs/run-format.md and docs/json.md are held against them (tests/docs). What is no number (ids, texts, lists) is
 * written by hand where it is used.
 *
 * To add a number: its member in ken.h, its line in the table with the next format, that format in schema.h (KEN_SCHEMA_VERSION), and where it
 * is computed. Runs of older formats read as having none. */
#ifndef KEN_STORE_ROW_FIELDS_H
#define KEN_STORE_ROW_FIELDS_H
#include "ken.h"

struct ken_cursor; /* run.h */
struct ken_value;  /* writer.h */

typedef enum ken_field_kind {
    KEN_FIELD_CATEGORY, /* int: KEN_HIGHLY_KNOWN ... KEN_UNLABELLED, which is none */
    KEN_FIELD_COUNT,    /* int, 0 or more */
    KEN_FIELD_BITS,     /* uint32_t: KEN_FLAG_* */
    KEN_FIELD_TRUTH,    /* bool */
    KEN_FIELD_SHARE,    /* double from 0 to 1; NaN: none */
    KEN_FIELD_REAL,     /* double; NaN: none */
    KEN_FIELD_WORD,     /* const char *; NULL is stored as "" */
    KEN_FIELD_TEXT      /* const char *; NULL: none */
} ken_field_kind;

typedef enum ken_field_json {
    KEN_JSON_NEVER,
    KEN_JSON_ALWAYS,
    KEN_JSON_IF_THERE /* behind all others */
} ken_field_json;

typedef struct ken_field {
    const char *name;
    ken_field_kind kind;
    unsigned at; /* of the member, in bytes */
    ken_field_json json;
    int since; /* format of the runs that have it; above 1 only for kinds that have a none */
    const char *meaning;
} ken_field;

typedef struct ken_fields {
    const ken_field *f; /* (n) in the order of the columns */
    int n;
} ken_fields;

enum { KEN_FIELDS_MOST = 40 };                             /* of a table */
extern const ken_fields ken_row_fields, ken_prompt_fields; /* of ken_row, of ken_prompt_row */

static inline const void *ken_field_in(const ken_field *f, const void *of) { return (const char *)of + f->at; }
const char *ken_field_sql_type(const ken_field *f); /* "INTEGER NOT NULL" */

/* An SQL statement: form, with @ replaced by the fields that a format has, each after a comma. NULL when out of memory; free with ken_free. */
typedef enum ken_fields_as { KEN_FIELDS_DEFINED, KEN_FIELDS_NAMED, KEN_FIELDS_MARKED /* ? */ } ken_fields_as;
char *ken_fields_sql(const ken_fields *t, int format, ken_fields_as as, const char *form);

/* Sets every field of a struct to its none, or 0. */
void ken_fields_clear(const ken_fields *t, void *of);
bool ken_is_share(double p); /* or NaN */
/* The name of a field whose value a run cannot hold, or NULL. */
const char *ken_fields_fault(const ken_fields *t, const void *of);
/* Their values in the order of the columns, for a run of that format. v has room for KEN_FIELDS_MOST. Returns how many. */
int ken_fields_values(const ken_fields *t, int format, const void *of, struct ken_value *v);
/* Reads them from the next columns; what the format does not have becomes none. */
void ken_fields_read(const ken_fields *t, int format, struct ken_cursor *c, void *to);
#endif
