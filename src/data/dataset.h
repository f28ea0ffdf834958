/* dataset.h - what the files of this folder share: the data set itself, and the builder that readers add rows to.
 *
 *     ken_builder b;
 *     ken_builder_begin(&b, options, err);
 *     ... ken_builder_add(&b, &row, place, err) for every row read ...
 *     ken_builder_finish(&b, &data, err);      sorts, gives ids, applies the protocol, sets flags, counts
 *     ken_builder_abandon(&b);                 always; does nothing after a successful finish */
#ifndef KEN_DATA_DATASET_H
#define KEN_DATA_DATASET_H
#include "base/arena.h"
#include "base/hash.h"
#include "data/data.h"
#include "data/rows.h"

typedef enum ken_format {
    KEN_FMT_ENTITYQUESTIONS,
    KEN_FMT_POPQA,
    KEN_FMT_MMLU,
    KEN_FMT_JSONL,
    KEN_FMT_CSV,
    KEN_FMT_TSV,
    KEN_FMT_CHAT,
    KEN_FMT_SHAREGPT,
    KEN_FMT_ALPACA,
    KEN_FMT_PROMPT,
    KEN_FMT_AXOLOTL,
    KEN_FMT_TEXT,
    KEN_FMT_SQUAD,
    KEN_FMT_TRIVIAQA,
    KEN_FMT_NQ,
    KEN_FMT_TRUTHFULQA,
    KEN_FMT_LAMA,
    KEN_N_FORMATS
} ken_format;

struct ken_data {
    ken_arena arena; /* every string and array below */
    ken_format format;
    const char *name;  /* end of the path it was read from */
    ken_example *rows; /* (n) in data order */
    size_t n;
    ken_data_group *groups; /* (n_groups) one per relation and split, in data order */
    size_t n_groups;
    ken_data_stats stats;
    const char **notes; /* (n_notes) sentences for ken_data_note */
    size_t n_notes, notes_cap;
    char aliases_hash[65]; /* "" without a table */
    ken_strmap *alias_of;  /* answer -> index into aliases; NULL without a table */
    struct ken_alias_list {
        const char *const *list;
        int n;
    } * aliases;
};

typedef struct ken_builder {
    ken_data *d;
    const ken_data_options *o;
    size_t cap;     /* of d->rows and places */
    size_t *places; /* (d->n) index in the file, before any filter */
    size_t places_cap;
    ken_strmap *name_of; /* interned relation, split and file names -> index into names */
    const char **names;  /* (n_names) */
    size_t n_names, names_cap;
    bool own_ids;                   /* some row has an id of its own */
    size_t first_place, next_place; /* added to places: files that continue others; behind the last row */
    const char *relation, *split;   /* interned; of rows that do not say, by the name of their file; NULL = none */
} ken_builder;

int ken_builder_begin(ken_builder *b, const ken_data_options *o, ken_err *err);
/* Takes a copy of *e, whose strings must live in the arena (or be interned). e->id NULL = relation/split/place. */
int ken_builder_add(ken_builder *b, const ken_example *e, size_t place, ken_err *err);
/* A file was read to its end: takes over what its source counted and found. */
int ken_builder_took(ken_builder *b, const ken_source *s, ken_err *err);
/* One more sentence for ken_data_note; the same one again is not kept. */
int ken_builder_note(ken_builder *b, ken_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int ken_builder_finish(ken_builder *b, ken_data **out, ken_err *err);
void ken_builder_abandon(ken_builder *b);
/* One copy of each name, so that equal relations are equal pointers. NULL when out of memory. */
const char *ken_builder_intern(ken_builder *b, const char *s, size_t n);

/* ---- formats: each reads one place into the builder ----------------------------------------------------------------- */

int ken_read_entityquestions(ken_builder *b, const char *folder, ken_err *err);
int ken_read_entityquestions_file(ken_builder *b, ken_source *s,
                                  ken_err *err); /* relation and split from the file's name */
int ken_read_mmlu(ken_builder *b, const char *folder, ken_err *err);
int ken_read_mmlu_file(ken_builder *b, ken_source *s, ken_err *err); /* subject and split from the file's name */
int ken_read_popqa(ken_builder *b, ken_source *s, char delimiter, ken_err *err); /* delimiter ',' or '\t'; 0 = JSON */
/* jsonl, csv, tsv with mapped names; templates: as in ken_table, or NULL */
struct ken_templates;
int ken_read_table(ken_builder *b, ken_source *s, char delimiter, const struct ken_templates *templates, ken_err *err);

/* Finds EntityQuestions or MMLU in the folder or one that it holds. *where: the folder that has it, NULL when it is neither; caller frees with
 * ken_free. Other folders: split_files.h. */
int ken_find_folder(const char *path, ken_format *format, char **where, ken_err *err);
char ken_find_delimiter(const ken_source *s); /* 0 = JSON, else a tab, comma or semicolon */
char ken_csv_delimiter(const ken_source *s);  /* comma or semicolon */

/* ken_data_open for text in memory, as if it were a file called name: what the fuzzers call. text is not kept. */
int ken_data_parse(ken_data **out, const char *name, const char *text, size_t n, const ken_data_options *o,
                   ken_err *err);

/* ---- after reading -------------------------------------------------------------------------------------------------- */

int ken_slick_filter(ken_data *d, ken_err *err); /* docs/method/knowledge.md#filter; d is sorted */
/* The relations that are trained, and of dev and the in-distribution test; or those that are held out. Static. */
ken_names ken_slick_relations(bool held_out);
int ken_mark_rows(ken_data *d, ken_err *err); /* flags, groups and stats */
int ken_aliases_read(ken_data *d, const char *path, ken_err *err);
int ken_aliases_join(ken_data *d, ken_err *err); /* the table's names beside the answers of every row */

int ken_natural_cmp(const char *a, const char *b); /* P17 < P19 < P131: runs of digits compare as numbers */
int ken_split_rank(const char *split);             /* "" 0, train 1, dev 2, val 3, test 4, others 5 */
/* Names in a folder, in natural order, without dot files. Free with ken_free_list. */
int ken_list_folder(const char *path, char ***names, size_t *n, ken_err *err);
void ken_free_list(char **names, size_t n);

#endif
