/* split_files.h - folders whose files are splits: train.jsonl, validation.csv, dev-v1.1.json, wikipedia-train.json, train/part-0.jsonl, or one folder with such
 * files a relation (KAMEL), or one file a relation (LAMA, ParaRel). */
#ifndef KEN_DATA_SPLIT_FILES_H
#define KEN_DATA_SPLIT_FILES_H
#include "base/error.h"
#include <stddef.h>

typedef struct ken_split_file {
    char *path;
    const char *split; /* "train", "dev", "test"; "" = the name says none. Static */
    char *relation;    /* NULL = the name says none */
} ken_split_file;

typedef struct ken_split_files { /* {0} is empty; free with ken_split_files_free, also after a failure */
    ken_split_file *file;        /* (n) by relation and split, files of one after the other */
    size_t n, cap;
} ken_split_files;

/* What the folder has of these; none is no failure. KEN_EINPUT when its data cannot be read at all (Parquet, Arrow): says how to convert them. */
int ken_split_files_find(ken_split_files *out, const char *folder, ken_err *err);
void ken_split_files_free(ken_split_files *f);
#endif
