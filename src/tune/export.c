/* export.c - a fine-tuning set as files for other trainers, and the manifest beside them; see ken.h, export.h and docs/exports.md.
 *
 * Rows go straight to files under temporary names; the manifest, which holds their hashes, is written last and renamed last. So
 * a manifest that fits its files tells that the set is whole. Nothing here depends on time, place or machine. */
#include "tune/export.h"
#include "base/alloc.h"
#include "base/options.h"
#include "base/file.h"
#include "data/rows.h"
#include "text/unicode.h"
#include "tune/selection.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order of ken_export_format. */
static const char *const format_names[KEN_N_EXPORTS] = {"trl",  "messages", "alpaca", "sharegpt", "axolotl",
                                                        "text", "mlx",      "csv",    "jsonl"};
static const char *const part_names[KEN_N_PARTS] = {"train", "valid", "test"};

const char *ken_export_format_name(ken_export_format format) { return format_names[format]; }
const char *ken_export_part_name(int part) { return part_names[part]; }

void ken_export_defaults_fill(ken_export_options *o, size_t size)
{
    static const ken_export_options defaults = {.format = "jsonl"};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

/* ---- what is asked for ---------------------------------------------------------------------------------------------- */

typedef struct job {
    const ken_export_options *o;
    const char *path;
    const ken_export_part *part;
    ken_export_style style;
    bool list;  /* a JSON list instead of a row a line */
    char *name; /* of the data set in dataset_info.json, or NULL */
    ken_files files;
    ken_strmap *ids;
    ken_arena arena; /* ids that had to be changed */
    size_t repeated; /* how many */
    bool made_folder;
    ken_err *err;
} job;

static int find_format(job *j)
{
    const char *name = j->o->format != NULL ? j->o->format : "jsonl";
    for (int i = 0; i < KEN_N_EXPORTS; i++)
        if (strcmp(name, format_names[i]) == 0) {
            j->style.format = (ken_export_format)i;
            return KEN_OK;
        }
    char shown[40];
    return ken_fail(j->err, KEN_EUSAGE,
                    "unknown format \"%s\"; known: trl, messages, alpaca, sharegpt, axolotl, text, mlx, csv, jsonl",
                    ken_printable(shown, sizeof shown, name, strlen(name)));
}

static const char *spelled(job *j, const ken_tokenizer *t, int32_t id)
{
    ken_str s = ken_tokenizer_piece(t, id);
    return ken_arena_strndup(&j->arena, s.p, s.n);
}

/* Axolotl adds no tokens to segments, and LLaMA-Factory's template for base prompts none to anything: they must be in the texts, or
 * a model trained on them would never learn to stop. */
static bool spells(const job *j)
{
    const ken_export_options *o = j->o;
    return j->style.format == KEN_TO_AXOLOTL ||
           (j->style.format == KEN_TO_SHAREGPT && (o->model != NULL || o->bos != NULL || o->eos != NULL));
}

static int find_tokens(job *j)
{
    const ken_export_options *o = j->o;
    const ken_tokenizer *t = o->model != NULL ? ken_model_tokenizer(o->model) : NULL;
    j->style.bos = o->bos != NULL ? o->bos : "";
    j->style.eos = o->eos;
    if (t == NULL && o->eos == NULL)
        return ken_fail(j->err, KEN_EUSAGE,
                        "%s rows spell out the end token; name the model (`model`) or the token (`eos`)",
                        ken_export_format_name(j->style.format));
    if (o->bos == NULL && t != NULL && ken_tokenizer_adds_bos(t) && ken_tokenizer_bos(t) >= 0)
        j->style.bos = spelled(j, t, ken_tokenizer_bos(t));
    if (o->eos == NULL && ken_tokenizer_eos(t) < 0)
        return ken_fail(j->err, KEN_EUSAGE, "the model has no end token for the rows; name one with `eos`");
    if (o->eos == NULL) j->style.eos = spelled(j, t, ken_tokenizer_eos(t));
    return j->style.bos != NULL && j->style.eos != NULL ? KEN_OK : ken_fail_nomem(j->err, "tokens");
}

/* The entry in dataset_info.json: LLaMA-Factory takes a comma list of such names. */
static int find_name(job *j)
{
    const char *file = ken_file_name(j->path), *name = j->o->name;
    size_t n = strlen(file);
    for (size_t i = n; i > 1; i--)
        if (file[i - 1] == '.') {
            n = i - 1;
            break;
        }
    j->name = name != NULL ? ken_strdup(name) : ken_strndup(file, n);
    if (j->name == NULL) return ken_fail_nomem(j->err, "name");
    char shown[80];
    if (!ken_utf8_is_valid(file, strlen(file)))
        return ken_fail(j->err, KEN_EUSAGE, "%s: the file's name is not valid UTF-8, which dataset_info.json is",
                        ken_printable(shown, sizeof shown, file, strlen(file)));
    if (strcmp(file, "dataset_info.json") == 0)
        return ken_fail(j->err, KEN_EUSAGE, "%s: dataset_info.json lists data sets; name another file for the rows",
                        j->path);
    bool good = j->name[0] != '\0' && ken_utf8_is_valid(j->name, strlen(j->name));
    for (const char *p = j->name; *p != '\0'; p++) good &= *p != ',' && (unsigned char)*p > ' ' && *p != 0x7f;
    if (good) return KEN_OK;
    return ken_fail(j->err, KEN_EUSAGE,
                    "\"%s\" cannot name a data set of LLaMA-Factory: it holds a comma, a space or what is no text; "
                    "`name` gives another one",
                    ken_printable(shown, sizeof shown, j->name, strlen(j->name)));
}

static int check_parts(const job *j)
{
    const bool mlx = j->style.format == KEN_TO_MLX;
    if (j->part[KEN_PART_TRAIN].n == 0) return ken_fail(j->err, KEN_EUSAGE, "there is no row to write; select some");
    if (mlx && j->part[KEN_PART_VALID].n == 0)
        return ken_fail(
            j->err, KEN_EUSAGE,
            "an mlx folder has a valid.jsonl, without which mlx_lm.lora (up to 0.28) does not train; give rows for it "
            "(`valid`), which are not trained");
    if (mlx && strcmp(j->path, "-") == 0)
        return ken_fail(j->err, KEN_EUSAGE, "mlx is a folder of files, which standard output cannot hold; name one");
    if (!mlx && (j->part[KEN_PART_VALID].n > 0 || j->part[KEN_PART_TEST].n > 0))
        return ken_fail(j->err, KEN_EUSAGE,
                        "validation and test rows go into an mlx folder only; write them as sets "
                        "of their own");
    return KEN_OK;
}

static int prepare(job *j)
{
    int rc = find_format(j);
    if (rc == KEN_OK) rc = ken_zero_shot_style(&j->style.prompt, j->o->prompt_template, false, NULL, j->err);
    if (rc == KEN_OK) rc = ken_export_check_style(&j->style, j->err);
    if (rc == KEN_OK && j->path[0] == '\0') rc = ken_fail(j->err, KEN_EUSAGE, "the name of the file to write is empty");
    if (rc == KEN_OK) rc = check_parts(j);
    if (rc != KEN_OK) return rc;
    bool described = j->style.format == KEN_TO_ALPACA || j->style.format == KEN_TO_SHAREGPT;
    bool standard = strcmp(j->path, "-") == 0;
    j->style.strict = j->o->strict_keys;
    j->list = described && !standard && !ken_has_ending(j->path, ".jsonl");
    if (spells(j)) rc = find_tokens(j);
    if (rc == KEN_OK && described && !standard) rc = find_name(j);
    return rc;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

/* Ids must differ where rows are read back. A row may be in two parts, or be called as a copy of another one is (ken_pick_id). */
static int unique_id(job *j, const ken_selected *row, const char **id)
{
    *id = row->id;
    if (row->id == NULL || row->id[0] == '\0') return KEN_OK;
    for (size_t nth = 2; nth < SIZE_MAX; nth++) {
        int added = ken_strmap_add(j->ids, *id, strlen(*id), 0);
        if (added == 1) return KEN_OK;
        if (added < 0) break;
        if (nth == 2) j->repeated++;
        *id = ken_arena_printf(&j->arena, "%s#%zu", row->id, nth);
        if (*id == NULL) break;
    }
    return ken_fail_nomem(j->err, "ids");
}

static int write_rows(job *j, const ken_export_part *part, ken_file *f)
{
    ken_buf line = {0};
    int rc = KEN_OK;
    j->style.tail = false;
    for (size_t i = 0; i < part->n; i++) j->style.tail |= part->row[i].tail;
    if (j->list) ken_buf_puts(&line, "[\n");
    if (j->style.format == KEN_TO_CSV) {
        ken_export_header(&line, &j->style);
        ken_buf_putc(&line, '\n');
    }
    for (size_t i = 0; i < part->n && rc == KEN_OK; i++) {
        const char *id;
        rc = unique_id(j, &part->row[i], &id);
        if (rc == KEN_OK) rc = ken_export_row(&line, &j->style, &part->row[i], id, j->err);
        ken_buf_puts(&line, j->list && i + 1 < part->n ? ",\n" : "\n");
        if (rc == KEN_OK && line.failed) rc = ken_fail_nomem(j->err, "rows");
        if (rc == KEN_OK) ken_file_write(f, ken_buf_str(&line), line.len);
        ken_buf_clear(&line);
    }
    if (j->list) ken_file_write(f, "]\n", 2);
    f->rows = part->n;
    ken_buf_free(&line);
    return rc;
}

static int write_part(job *j, int part, const char *path)
{
    ken_file *f;
    int rc = ken_files_add(&j->files, path, &f, j->err);
    return rc == KEN_OK ? write_rows(j, &j->part[part], f) : rc;
}

/* train.jsonl, valid.jsonl and test.jsonl. An older test.jsonl would be taken for a part of this set. */
static int write_folder(job *j)
{
    int rc = KEN_OK;
    if (mkdir(j->path, 0777) == 0) j->made_folder = true;
    else if (errno != EEXIST) return ken_fail_errno(j->err, "cannot make the folder", j->path);
    else if (!ken_is_dir(j->path))
        return ken_fail(j->err, KEN_EUSAGE, "%s: this is a file; mlx writes a folder", j->path);
    for (int i = 0; i < KEN_N_PARTS && rc == KEN_OK; i++) {
        char name[16];
        snprintf(name, sizeof name, "%s.jsonl", part_names[i]);
        char *path = ken_path_join(j->path, name);
        if (path == NULL) rc = ken_fail_nomem(j->err, "file name");
        else if (j->part[i].n > 0) rc = write_part(j, i, path);
        else if (access(path, F_OK) == 0)
            rc = ken_fail(j->err, KEN_EUSAGE,
                          "%s exists and would be taken for a part of this set; remove it, or give rows for it", path);
        ken_free(path);
    }
    return rc;
}

/* ---- dataset_info.json ---------------------------------------------------------------------------------------------- */

static int write_info(job *j)
{
    ken_buf text = {0};
    ken_file *f;
    const char *file = ken_file_name(j->path);
    char *folder = ken_strndup(j->path, (size_t)(file - j->path));
    char *path = folder == NULL      ? NULL
                 : folder[0] == '\0' ? ken_strdup("dataset_info.json")
                                     : ken_path_join(folder, "dataset_info.json");
    int rc = path == NULL ? ken_fail_nomem(j->err, "file name") : KEN_OK;
    if (rc == KEN_OK) rc = ken_export_info(&text, path, j->name, file, j->style.format, j->err);
    if (rc == KEN_OK) rc = ken_files_add(&j->files, path, &f, j->err);
    if (rc == KEN_OK) ken_file_write(f, ken_buf_str(&text), text.len);
    ken_buf_free(&text);
    ken_free(folder);
    ken_free(path);
    return rc;
}

/* ---- manifest ------------------------------------------------------------------------------------------------------- */

static char *manifest_path(const job *j)
{
    if (j->style.format == KEN_TO_MLX) return ken_path_join(j->path, "manifest.json");
    ken_buf b = {0};
    ken_buf_printf(&b, "%s.manifest.json", j->path);
    return ken_buf_take(&b);
}

static int write_manifest(job *j)
{
    ken_buf text = {0};
    ken_file *f;
    char *path = manifest_path(j);
    int rc = path != NULL ? KEN_OK : ken_fail_nomem(j->err, "file name");
    if (rc == KEN_OK) rc = ken_export_manifest(&text, &j->style, j->part, j->name, j->repeated, &j->files, j->err);
    if (rc == KEN_OK) rc = ken_files_add(&j->files, path, &f, j->err);
    if (rc == KEN_OK) ken_file_write(f, ken_buf_str(&text), text.len);
    ken_buf_free(&text);
    ken_free(path);
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

static int write_all(job *j)
{
    bool standard = strcmp(j->path, "-") == 0;
    size_t rows = 0;
    for (int i = 0; i < KEN_N_PARTS; i++) rows += j->part[i].n;
    if ((j->ids = ken_strmap_new(rows)) == NULL) return ken_fail_nomem(j->err, "ids");
    int rc = j->style.format == KEN_TO_MLX ? write_folder(j) : write_part(j, KEN_PART_TRAIN, j->path);
    if (rc == KEN_OK && j->name != NULL) rc = write_info(j);
    if (rc == KEN_OK) rc = ken_files_seal(&j->files, j->err);
    if (rc == KEN_OK && !standard) rc = write_manifest(j);
    return rc == KEN_OK ? ken_files_rename(&j->files, j->err) : rc;
}

int ken_export_parts(const ken_export_part *part, const ken_export_options *o, const char *path, ken_err *err)
{
    job j = {.o = o, .path = path, .part = part, .err = err};
    int rc = prepare(&j);
    if (rc == KEN_OK) rc = write_all(&j);
    ken_files_drop(&j.files);
    if (rc != KEN_OK && j.made_folder) (void)rmdir(path);
    ken_strmap_free(j.ids);
    ken_arena_free(&j.arena);
    ken_free(j.name);
    return rc;
}

/* ---- a selection ---------------------------------------------------------------------------------------------------- */

/* The file that was read must not be overwritten: a failure would lose the rows. */
static int check_inputs(const ken_selection *s, const char *path, ken_err *err)
{
    const char *const inputs[] = {s->source.path, s->labels.path};
    struct stat out, in;
    if (stat(path, &out) != 0) return KEN_OK;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (inputs[i] != NULL && stat(inputs[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return ken_fail(err, KEN_EUSAGE, "%s: the rows come from there; write to another place", path);
    return KEN_OK;
}

static int part_of(ken_export_part *p, const ken_selection *s, const char *path, ken_err *err)
{
    *p = (ken_export_part){0};
    if (s == NULL) return KEN_OK;
    int rc = check_inputs(s, path, err);
    if (rc != KEN_OK) return rc;
    *p = (ken_export_part){s->rows, s->n, ken_selection_manifest(s, err)};
    return p->manifest != NULL ? KEN_OK : KEN_ENOMEM;
}

int ken_export(const ken_selection *s, const ken_export_options *given, const char *path, ken_err *err)
{
    ken_export_options own = ken_export_defaults();
    const ken_export_options *o = &own;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_export_options, err);
    if (rc != KEN_OK) return rc;
    const ken_selection *from[KEN_N_PARTS] = {s, o->valid, o->test};
    ken_export_part part[KEN_N_PARTS] = {{0}};
    for (int i = 0; i < KEN_N_PARTS && rc == KEN_OK; i++) rc = part_of(&part[i], from[i], path, err);
    if (rc == KEN_OK) rc = ken_export_parts(part, o, path, err);
    for (int i = 0; i < KEN_N_PARTS; i++) json_decref(part[i].manifest);
    return rc;
}
