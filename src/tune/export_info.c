/* export_info.c - LLaMA-Factory's dataset_info.json with one more entry; see export.h.
 *
 * A folder has one such file for all its data sets, so what it says about others must survive: it is parsed, our entry is set, and all of
 * it is written again, keys in their order. One that cannot be parsed may be a person's work too and is refused. */
#include "base/file.h"
#include "data/rows.h"
#include "model/json.h"
#include "tune/export.h"
#include <string.h>

/* The columns as LLaMA-Factory's documentation of data sets names them. */
static json_t *entry(const char *file, ken_export_format format)
{
    if (format == KEN_TO_ALPACA)
        return json_pack("{s:s, s:{s:s, s:s, s:s}}", "file_name", file, "columns", "prompt", "instruction", "query",
                         "input", "response", "output");
    return json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s}}", "file_name", file, "formatting", "sharegpt",
                     "columns", "messages", "conversations", "tags", "role_tag", "from", "content_tag", "value",
                     "user_tag", "human", "assistant_tag", "gpt");
}

static int read_info(json_t **out, const char *path, ken_err *err)
{
    ken_map map = {0};
    *out = NULL;
    if (!ken_is_file(path)) {
        *out = json_object();
        return *out != NULL ? KEN_OK : ken_fail_nomem(err, path);
    }
    int rc = ken_map_file(&map, path, err);
    if (rc != KEN_OK) return rc;
    if (map.size == 0) rc = ken_fail(err, KEN_EINPUT, "%s: the file is empty", path);
    else rc = ken_json_parse(out, map.data, map.size, KEN_MAX_ROW, path, err);
    ken_unmap(&map);
    if (rc == KEN_EINPUT && err != NULL) {
        const char why[] =
            "; it lists the folder's data sets and would be changed: repair or remove it, or write elsewhere";
        size_t n = strlen(err->msg);
        if (n + sizeof why <= sizeof err->msg) memcpy(err->msg + n, why, sizeof why);
    }
    return rc;
}

/* A name that another file has is refused. */
static int check_name(const json_t *info, const char *path, const char *name, const char *file, ken_err *err)
{
    const json_t *old = json_object_get(info, name);
    const json_t *theirs = json_object_get(old, "file_name");
    if (old == NULL || (json_is_string(theirs) && strcmp(json_string_value(theirs), file) == 0)) return KEN_OK;
    char shown[80];
    return ken_fail(err, KEN_EUSAGE, "%s: \"%s\" is another data set there; give ours another name", path,
                    ken_printable(shown, sizeof shown, name, strlen(name)));
}

static int append(const char *bytes, size_t n, void *to)
{
    ken_buf_add(to, bytes, n);
    return ((ken_buf *)to)->failed ? -1 : 0;
}

int ken_export_dump(ken_buf *out, const json_t *v, int digits)
{
    int rc = json_dump_callback(v, append, out, JSON_INDENT(2) | JSON_REAL_PRECISION(digits));
    ken_buf_putc(out, '\n');
    return rc == 0 && !out->failed ? 0 : -1;
}

int ken_export_info(ken_buf *out, const char *path, const char *name, const char *file, ken_export_format format,
                    ken_err *err)
{
    json_t *info;
    int rc = read_info(&info, path, err);
    if (rc == KEN_OK) rc = check_name(info, path, name, file, err);
    if (rc == KEN_OK &&
        (json_object_set_new(info, name, entry(file, format)) != 0 || ken_export_dump(out, info, 17) != 0))
        rc = ken_fail_nomem(err, path);
    json_decref(info);
    return rc;
}
