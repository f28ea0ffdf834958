/* export.h - a fine-tuning set in the formats of other trainers (docs/exports.md); for the files of this folder.
 *
 *     ken_export (export.c)             which files, and the manifest beside them
 *       ken_export_row (export_row.c)   one row as text
 *       ken_export_info (export_info.c) LLaMA-Factory's list of data sets, with ours in it
 *       ken_files_* (export_files.c)    several files that appear together */
#ifndef KEN_TUNE_EXPORT_H
#define KEN_TUNE_EXPORT_H
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/out.h"
#include "know/prompt.h"
#include <jansson.h>
#include <stdio.h>

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

typedef struct ken_export_part { /* rows of one file */
    const ken_selected *row;     /* (n) */
    size_t n;
    json_t *manifest; /* borrowed: what ken_selection_manifest says; NULL = nothing */
} ken_export_part;

enum { KEN_PART_TRAIN, KEN_PART_VALID, KEN_PART_TEST, KEN_N_PARTS };

/* ken_export for rows in memory. part (KEN_N_PARTS): valid and test with n = 0 where there is none. */
int ken_export_parts(const ken_export_part *part, const ken_export_options *o, const char *path, ken_err *err);

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

typedef enum ken_export_format {
    KEN_TO_TRL,
    KEN_TO_MESSAGES,
    KEN_TO_ALPACA,
    KEN_TO_SHAREGPT,
    KEN_TO_AXOLOTL,
    KEN_TO_TEXT,
    KEN_TO_MLX,
    KEN_TO_CSV,
    KEN_TO_JSONL,
    KEN_N_EXPORTS
} ken_export_format;

const char *ken_export_format_name(ken_export_format format);
const char *ken_export_part_name(int part); /* "train", ... */

typedef struct ken_export_style {
    ken_export_format format;
    ken_prompt_style prompt;
    bool strict;           /* only the format's own keys */
    bool tail;             /* rows of this file are of a known tail: each says whether it is */
    const char *bos, *eos; /* spelled out in the texts, where eos is not NULL; "" = none */
} ken_export_style;

/* KEN_EUSAGE when the format cannot hold prompts of this template. */
int ken_export_check_style(const ken_export_style *s, ken_err *err);
/* Appends the row without a line end: a JSON object, or a CSV record. id: what the row is called in the file. KEN_EINPUT for a row
 * without a question or a target. */
int ken_export_row(ken_buf *out, const ken_export_style *s, const ken_selected *row, const char *id, ken_err *err);
void ken_export_header(ken_buf *out, const ken_export_style *s); /* the first record of a CSV file */

/* ---- dataset_info.json ---------------------------------------------------------------------------------------------- */

/* Appends the new text of dataset_info.json: what the file at path says, if there is one, and the entry name -> file for rows of this
 * format. KEN_EINPUT when the file is damaged, KEN_EUSAGE when it knows another file under that name. */
int ken_export_info(ken_buf *out, const char *path, const char *name, const char *file, ken_export_format format,
                    ken_err *err);

/* Appends v as text with indentation, reals with so many digits: 17 keep those of others to the bit, 15 leave a request's 0.1 as it was
 * written. -1 when out of memory, or v NULL. */
int ken_export_dump(ken_buf *out, const json_t *v, int digits);

/* ---- manifest ------------------------------------------------------------------------------------------------------- */

/* Appends it. files: complete (ken_files_seal); name: in dataset_info.json, or NULL; renamed: rows whose id was changed. */
struct ken_files;
int ken_export_manifest(ken_buf *out, const ken_export_style *style, const ken_export_part *part, const char *name,
                        size_t renamed, const struct ken_files *files, ken_err *err);

/* ---- files ---------------------------------------------------------------------------------------------------------- */

enum { KEN_MAX_FILES = 5 };

typedef struct ken_file {
    char *path;
    ken_out *out; /* NULL: standard output */
    ken_sha256 *sha;
    uint64_t bytes;
    size_t rows;
    char hash[65]; /* after ken_files_seal */
    bool there;    /* path was a file before */
} ken_file;

/* Files written under temporary names until all of them are complete. {0} is empty. */
typedef struct ken_files {
    ken_file file[KEN_MAX_FILES];
    int n;
} ken_files;

/* One more file. path "-": standard output, which is written at once. KEN_EUSAGE when something other than a plain file is there, or
 * a run or a model, which must not be lost by mistake. *out is borrowed. */
int ken_files_add(ken_files *f, const char *path, ken_file **out, ken_err *err);
void ken_file_write(ken_file *f, const void *bytes, size_t n); /* failures are reported by ken_files_seal */
/* All that was written so far is on the disk, under the temporary names, and its hashes are known. */
int ken_files_seal(ken_files *f, ken_err *err);
/* Renames them in the order of adding. When one cannot be renamed, those before it that are new are removed again. Frees all. */
int ken_files_rename(ken_files *f, ken_err *err);
void ken_files_drop(ken_files *f); /* leaves nothing behind; fine when empty */
#endif
