/* selection.h - the inside of a ken_selection, for the files of this folder that write one out (ken.h, section "select").
 *
 * Everything lives in one arena, the request included: a selection owes nothing to what it was made of, so that it can be written long
 * after its run was closed. */
#ifndef KEN_TUNE_SELECTION_H
#define KEN_TUNE_SELECTION_H
#include "store/setting_list.h"
#include "tune/draft.h"
#include <jansson.h>

typedef struct ken_selection_source { /* a place that was read: the rows, or the run of their labels */
    const char *path;                 /* as it was named */
    const char *kind;                 /* "run", "folder", "file" */
    char sha256[65];                  /* of the file; "" for a folder */
    ken_setting_list settings;        /* of a run: what decided its labels, and from which model and data */
} ken_selection_source;

struct ken_selection {
    ken_drafts drafts; /* shrunk: its arena holds every string and list */
    ken_selected *rows;
    size_t n;
    ken_selection_group
        *groups; /* (n_groups) relations with a row that passed the filters or was taken, in data order */
    size_t n_groups, cap_groups;
    ken_train_data_stats stats;
    ken_train_data from; /* a copy; its read is: */
    ken_data_options read;
    ken_selection_source source; /* from.path */
    ken_selection_source labels; /* from.labels; path NULL = none */
    char rows_sha256[65];        /* over what was read: ids, relations, splits, questions, answers, categories */
};

/* Puts copies of all texts of a request but for its lists in their place. False when out of memory. */
bool ken_request_copy(ken_train_data *d, ken_data_options *read, ken_arena *a);

/* What was taken and why, as the manifest's part "selection": the request, where the rows came from, counts. The caller's; NULL with
 * KEN_ENOMEM. Says nothing about time, place or program version: the same input gives the same object. */
json_t *ken_selection_manifest(const ken_selection *s, ken_err *err);
/* Sets a key of an object (or, key NULL, appends to a list) and takes v. One failure, v NULL among them, makes the whole NULL in the end:
 * *to is then freed. */
void ken_manifest_put(json_t **to, const char *key, json_t *v);
/* s as a JSON string; broken UTF-8, which only a path or an argument can hold, becomes U+FFFD. NULL when out of memory. */
json_t *ken_manifest_text(const char *s);
#endif
