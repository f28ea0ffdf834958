/* unpack.c - files that are not text: gzip is unpacked, others are named with the line that makes text of them; see rows.h. */
#include "base/alloc.h"
#include "data/rows.h"
#include <limits.h>
#include <string.h>
#include <zlib.h>

enum {
    FREE_GROWTH = 64 << 20, /* bytes that any file may unpack to */
    MAX_RATIO =
        200, /* beyond that, of what a bomb has 1,000: rows of text have 3 to 20, the most repetitive about 100 */
    STEP = 1 << 20
};

static int too_large(const char *path, size_t limit, ken_err *err)
{
    return ken_fail(
        err, KEN_EINPUT,
        "%s: it unpacks to more than %zu bytes, which is beyond what text does; if it is right, unpack it with gunzip "
        "and name the file",
        path, limit);
}

static int damaged(const char *path, const z_stream *z, ken_err *err)
{
    return ken_fail(err, KEN_EINPUT, "%s: the gzip file is damaged or cut off%s%s", path, z->msg != NULL ? ": " : "",
                    z->msg != NULL ? z->msg : "");
}

/* One piece of room, filled as far as the input goes. */
static int inflate_step(z_stream *z, char **out, size_t *n, size_t *cap, int *end)
{
    if (ken_grow((void **)out, cap, *n + STEP, 1) != 0) return KEN_ENOMEM;
    const size_t room = *cap - *n < UINT_MAX ? *cap - *n : UINT_MAX;
    z->next_out = (unsigned char *)*out + *n;
    z->avail_out = (uInt)room;
    *end = inflate(z, Z_NO_FLUSH);
    *n += room - z->avail_out;
    return *end == Z_MEM_ERROR ? KEN_ENOMEM : KEN_OK;
}

int ken_gunzip(char **out, size_t *n, const char *path, const unsigned char *data, size_t size, ken_err *err)
{
    z_stream z = {0};
    size_t cap = 0, at = 0, limit = size > KEN_MAX_UNPACKED / MAX_RATIO ? KEN_MAX_UNPACKED : size * MAX_RATIO;
    if (limit < FREE_GROWTH) limit = FREE_GROWTH;
    *out = NULL;
    *n = 0;
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return ken_fail_nomem(err, path);
    int rc = KEN_OK, end = Z_OK;
    while (rc == KEN_OK) {
        if (z.avail_in == 0 && at < size) {
            z.next_in = (unsigned char *)(uintptr_t)(data + at);
            z.avail_in = size - at < UINT_MAX ? (uInt)(size - at) : UINT_MAX;
            at += z.avail_in;
        }
        if (inflate_step(&z, out, n, &cap, &end) != KEN_OK) rc = ken_fail_nomem(err, path);
        else if (*n > limit) rc = too_large(path, limit, err);
        else if (end == Z_STREAM_END) { /* files that were joined, or zeros that a tape left */
            while (z.avail_in > 0 && *z.next_in == 0) z.next_in++, z.avail_in--;
            if (z.avail_in == 0 && at == size) break;
            if (inflateReset(&z) != Z_OK) rc = damaged(path, &z, err);
        } else if (end != Z_OK || (z.avail_in == 0 && at == size && z.avail_out > 0)) rc = damaged(path, &z, err);
    }
    (void)inflateEnd(&z);
    if (rc == KEN_OK) return rc;
    ken_free(*out);
    *out = NULL;
    return rc;
}

/* ---- what it is otherwise ------------------------------------------------------------------------------------------------ */

int ken_check_text(const char *path, const unsigned char *data, size_t size, ken_err *err)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *what, *how;
    } kinds[] = {{"PAR1", 4, "a Parquet file",
                  "python3 -c \"from datasets import load_dataset as l; l('parquet', data_files='FILE', "
                  "split='train').to_json('data.jsonl')\""},
                 {"ARROW1", 6, "an Arrow file",
                  "python3 -c \"from datasets import Dataset as d; d.from_file('FILE').to_json('data.jsonl')\""},
                 {"\xff\xff\xff\xff", 4, "an Arrow stream, as datasets saves them",
                  "python3 -c \"from datasets import Dataset as d; d.from_file('FILE').to_json('data.jsonl')\""},
                 {"PK\x03\x04", 4, "a ZIP archive or a spreadsheet", "unzip it, or save the spreadsheet as CSV"},
                 {"BZh", 3, "packed by bzip2", "bunzip2 FILE"},
                 {"\xfd"
                  "7zXZ",
                  5, "packed by xz", "unxz FILE"},
                 {"\x28\xb5\x2f\xfd", 4, "packed by zstd", "unzstd FILE"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (size < kinds[i].n || memcmp(data, kinds[i].magic, kinds[i].n) != 0) continue;
        const char *at = strstr(kinds[i].how, "FILE");
        int before = (int)(at != NULL ? (size_t)(at - kinds[i].how) : strlen(kinds[i].how));
        return ken_fail(err, KEN_EINPUT, "%s: this is %s, which ken does not read; convert it: %.*s%s%s", path,
                        kinds[i].what, before, kinds[i].how, at != NULL ? path : "", at != NULL ? at + 4 : "");
    }
    return KEN_OK;
}
