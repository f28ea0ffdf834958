/* export_manifest.c - the manifest beside the files of a fine-tuning set; see export.h.
 *
 * It says what is in the files that their rows do not say (template, tokens, counts, hashes) and, from ken_selection_manifest, what was taken
 * and why. The same input gives the same bytes: no dates, no folders, no machine. */
#include "base/file.h"
#include "tune/export.h"
#include "tune/selection.h"
#include <string.h>

static json_t *size_json(uint64_t n) { return json_integer((json_int_t)n); }

static json_t *counts_json(const ken_export_part *p)
{
    size_t category[KEN_N_CATEGORIES + 1] = {0};
    json_t *o = json_object();
    for (size_t i = 0; i < p->n; i++) {
        int c = p->row[i].category;
        category[c >= 0 && c < KEN_N_CATEGORIES ? c : KEN_N_CATEGORIES]++;
    }
    for (int c = 0; c < KEN_N_CATEGORIES; c++) ken_manifest_put(&o, ken_category_name(c), size_json(category[c]));
    ken_manifest_put(&o, "not_annotated", size_json(category[KEN_N_CATEGORIES]));
    return o;
}

static json_t *part_json(const ken_export_part *p)
{
    size_t relabelled = 0, tail = 0, newline = 0;
    for (size_t i = 0; i < p->n; i++) {
        relabelled += p->row[i].relabelled;
        tail += p->row[i].tail;
        newline += strchr(p->row[i].target, '\n') != NULL;
    }
    json_t *o = json_object();
    ken_manifest_put(&o, "rows", size_json(p->n));
    ken_manifest_put(&o, "categories", counts_json(p));
    ken_manifest_put(&o, "relabelled", size_json(relabelled));
    ken_manifest_put(&o, "known_tail", size_json(tail));
    ken_manifest_put(&o, "newline_targets", size_json(newline));
    if (p->manifest != NULL) ken_manifest_put(&o, "selection", json_deep_copy(p->manifest));
    return o;
}

/* dataset_info.json is shared with other sets, so that its hash would soon be wrong. */
static json_t *files_json(const ken_files *files)
{
    json_t *list = json_array();
    for (int i = 0; i < files->n; i++) {
        const ken_file *f = &files->file[i];
        if (f->rows == 0) continue;
        json_t *o = json_object();
        ken_manifest_put(&o, "name", ken_manifest_text(ken_file_name(f->path)));
        ken_manifest_put(&o, "rows", size_json(f->rows));
        ken_manifest_put(&o, "bytes", size_json(f->bytes));
        ken_manifest_put(&o, "sha256", json_string(f->hash));
        ken_manifest_put(&list, NULL, o);
    }
    return list;
}

int ken_export_manifest(ken_buf *out, const ken_export_style *style, const ken_export_part *part, const char *name,
                        size_t renamed, const ken_files *files, ken_err *err)
{
    json_t *o = json_object();
    ken_manifest_put(&o, "made_by", json_string("ken " KEN_VERSION));
    ken_manifest_put(&o, "format", json_string(ken_export_format_name(style->format)));
    ken_manifest_put(&o, "template", ken_manifest_text(style->prompt.template_text));
    if (style->eos != NULL) {
        ken_manifest_put(&o, "bos", ken_manifest_text(style->bos));
        ken_manifest_put(&o, "eos", ken_manifest_text(style->eos));
    }
    if (name != NULL) ken_manifest_put(&o, "name", json_string(name));
    ken_manifest_put(&o, "strict_keys", json_boolean(style->strict));
    ken_manifest_put(&o, "renamed_ids", size_json(renamed));
    for (int i = 0; i < KEN_N_PARTS; i++)
        if (part[i].n > 0) ken_manifest_put(&o, ken_export_part_name(i), part_json(&part[i]));
    ken_manifest_put(&o, "files", files_json(files));
    int rc = o != NULL && ken_export_dump(out, o, 15) == 0 ? KEN_OK : ken_fail_nomem(err, "manifest");
    json_decref(o);
    return rc;
}
