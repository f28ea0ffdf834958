/* source.c - opening a data file, and what the two row readers share; see rows.h. */
#include "base/alloc.h"
#include "data/rows.h"
#include "text/unicode.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

int ken_source_memory(ken_source *s, const char *path, const char *text, size_t n, ken_err *err)
{
    *s = (ken_source){.path = path, .text = text, .n = n};
    if (n >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return ken_fail(err, KEN_EINPUT, "%s: the file is UTF-16; convert it to UTF-8", path);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        s->text += 3;
        s->n -= 3;
    }
    for (size_t i = 0; i < s->n; i++)
        if (strchr(" \t\r\n", s->text[i]) == NULL || s->text[i] == '\0') return KEN_OK;
    return ken_fail(err, KEN_EINPUT, "%s: the file is empty; a data file holds one row or more", path);
}

/* Standard input, whole. */
static int read_input(char **out, size_t *n, ken_err *err)
{
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    for (ssize_t got = 1; got != 0;) {
        if (*n > KEN_MAX_UNPACKED)
            return ken_fail(err, KEN_EINPUT, "standard input: more than %zu bytes; write them to a file",
                            KEN_MAX_UNPACKED);
        if (ken_grow((void **)out, &cap, *n + 65536, 1) != 0) return ken_fail_nomem(err, "standard input");
        do got = read(STDIN_FILENO, *out + *n, cap - *n);
        while (got < 0 && errno == EINTR);
        if (got < 0) return ken_fail(err, KEN_EFAIL, "standard input: %s", strerror(errno));
        *n += (size_t)got;
    }
    return KEN_OK;
}

/* bytes (n) as text: in place, or unpacked to s->own. */
static int take(ken_source *s, const unsigned char *bytes, size_t n, ken_err *err)
{
    const char *path = s->path;
    char *unpacked = NULL;
    int rc = ken_check_text(path, bytes, n, err);
    bool packed = n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
    if (rc == KEN_OK && packed) rc = ken_gunzip(&unpacked, &n, path, bytes, n, err);
    if (rc == KEN_OK && packed) rc = ken_check_text(path, (const unsigned char *)unpacked, n, err);
    if (rc == KEN_OK) rc = ken_source_memory(s, path, packed ? unpacked : (const char *)bytes, n, err);
    s->own = unpacked;
    return rc;
}

int ken_source_open(ken_source *s, const char *path, ken_err *err)
{
    *s = (ken_source){.path = path};
    if (strcmp(path, "-") == 0) {
        char *text;
        size_t n;
        s->path = "standard input";
        int rc = read_input(&text, &n, err);
        if (rc == KEN_OK) rc = take(s, (const unsigned char *)(text != NULL ? text : ""), n, err);
        if (s->own != NULL) ken_free(text);
        else s->own = text;
        return rc;
    }
    ken_map map;
    int rc = ken_map_file(&map, path, err);
    if (rc != KEN_OK) return rc;
    rc = take(s, map.data, map.size, err);
    if (s->own != NULL) ken_unmap(&map);
    else s->map = map;
    return rc;
}

void ken_source_close(ken_source *s)
{
    ken_unmap(&s->map);
    ken_free(s->own);
    s->own = NULL;
}

size_t ken_name_length(const char *name)
{
    size_t n = strlen(name);
    return n > 3 && strcmp(name + n - 3, ".gz") == 0 ? n - 3 : n;
}

const char *ken_source_said(const ken_source *s)
{
    return s->quotes_are_text ? "quotes are read as characters like others, for some begin a field and do not end it; "
                                "each line is a row"
                              : NULL;
}

bool ken_names_split(const char *path)
{
    static const char *const endings[] = {".train.json", ".dev.json", ".test.json"};
    size_t n = ken_name_length(path);
    for (int i = 0; i < 3; i++) {
        size_t m = strlen(endings[i]); /* there must be a relation before it */
        if (n > m && memcmp(path + n - m, endings[i], m) == 0) return true;
    }
    return false;
}

int ken_row_verdict(ken_source *s, int rc)
{
    if (rc != KEN_EINPUT || !s->skip_bad) return rc;
    s->bad++;
    return KEN_OK;
}

const char *ken_printable(char *out, size_t size, const char *s, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        int32_t cp = 0;
        int step = ken_utf8_decode(s + i, n - i, &cp);
        bool bad = step <= 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
        if (step <= 0) step = 1;
        if (len + (size_t)step + 4 > size) { /* room for "..." and the NUL */
            memcpy(out + len, "...", 3);
            len += 3;
            break;
        }
        if (bad) out[len++] = '?';
        else {
            memcpy(out + len, s + i, (size_t)step);
            len += (size_t)step;
        }
        i += (size_t)step;
    }
    out[len] = '\0';
    return out;
}

int ken_text_rows(ken_source *s, char delimiter, ken_row_fn fn, void *ctx, ken_err *err)
{
    return delimiter == 0 ? ken_json_rows(s, fn, ctx, err) : ken_csv_rows(s, delimiter, NULL, 0, fn, ctx, err);
}

static int keep_first(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    json_t **first = ctx;
    (void)place, (void)line, (void)err;
    *first = json_deep_copy(row);
    return *first == NULL ? KEN_ENOMEM : KEN_ESTOP; /* ESTOP ends the reading without a message */
}

int ken_first_row(const ken_source *s, char delimiter, json_t **row, ken_err *err)
{
    ken_source copy = *s;
    copy.skip_bad = true; /* look past a bad row: the format does not depend on it */
    *row = NULL;
    return ken_text_rows(&copy, delimiter, keep_first, row, NULL) == KEN_ENOMEM ? ken_fail_nomem(err, "first row")
                                                                                : KEN_OK;
}
