/* gguf.c - the GGUF reader; see gguf.h.
 *
 * The hard thing is trust: every field of the file may lie. All reading goes through one cursor that knows how many bytes are
 * left; a count is used only after it was compared with what the rest of the file could hold at most. */
#include "model/gguf.h"
#include "base/alloc.h"
#include <inttypes.h>
#include <string.h>

enum { MAX_KEYS = 1 << 16, MAX_KEY_LENGTH = 65535, MAX_ALIGNMENT = 1 << 20, MAX_ARRAY_DEPTH = 4 };

/* Bytes of a scalar of each type; 0 for strings and arrays, which carry their own length. */
static const unsigned char scalar_size[KEN_GGUF_N_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

/* ---- the cursor ------------------------------------------------------------------------------------------------------- */

typedef struct cursor {
    const unsigned char *start, *at, *end;
    ken_err *err;
} cursor;

static uint64_t left(const cursor *c) { return (uint64_t)(c->end - c->at); }

static int cut_short(cursor *c, const char *what)
{
    return ken_fail(c->err, KEN_EINPUT, "the file ends inside %s (byte %" PRIu64 "); it is cut short or damaged", what,
                    (uint64_t)(c->at - c->start));
}

static uint64_t little_endian(const unsigned char *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static int read_uint(cursor *c, int bytes, uint64_t *v, const char *what)
{
    *v = 0;
    if (left(c) < (uint64_t)bytes) return cut_short(c, what);
    *v = little_endian(c->at, bytes);
    c->at += bytes;
    return KEN_OK;
}

static int read_string(cursor *c, ken_str *s, const char *what)
{
    uint64_t n;
    *s = (ken_str){0};
    int rc = read_uint(c, 8, &n, what);
    if (rc != KEN_OK) return rc;
    if (n > left(c)) return cut_short(c, what);
    *s = (ken_str){(const char *)c->at, (size_t)n};
    c->at += n;
    return KEN_OK;
}

/* ---- metadata --------------------------------------------------------------------------------------------------------- */

/* Moves past n elements of a type. Strings and arrays are walked, so that afterwards every element is known to be inside. */
static int skip(cursor *c, uint64_t type, uint64_t n, int depth)
{
    if (type >= KEN_GGUF_N_TYPES)
        return ken_fail(c->err, KEN_EINPUT, "unknown value type %" PRIu64 " (0 to 12 are known)", type);
    uint64_t size = scalar_size[type];
    uint64_t least = size > 0                  ? size
                     : type == KEN_GGUF_STRING ? 8
                                               : 12; /* a string is at least its length, an array type and count */
    if (n > left(c) / least) return cut_short(c, "a metadata value");
    if (size > 0) {
        c->at += n * size;
        return KEN_OK;
    }
    int rc = KEN_OK;
    if (type == KEN_GGUF_STRING) {
        ken_str ignored;
        for (uint64_t i = 0; i < n && rc == KEN_OK; i++) rc = read_string(c, &ignored, "a metadata string");
        return rc;
    }
    if (depth >= MAX_ARRAY_DEPTH)
        return ken_fail(c->err, KEN_EINPUT, "arrays nested deeper than %d levels", MAX_ARRAY_DEPTH);
    for (uint64_t i = 0; i < n && rc == KEN_OK; i++) {
        uint64_t inner_type, inner_n;
        if ((rc = read_uint(c, 4, &inner_type, "an array")) == KEN_OK &&
            (rc = read_uint(c, 8, &inner_n, "an array")) == KEN_OK)
            rc = skip(c, inner_type, inner_n, depth + 1);
    }
    return rc;
}

static int read_kv(ken_gguf *g, cursor *c)
{
    ken_gguf_kv kv = {.n = 1};
    uint64_t type;
    int rc = read_string(c, &kv.key, "a metadata key");
    if (rc != KEN_OK) return rc;
    if (kv.key.n == 0 || kv.key.n > MAX_KEY_LENGTH)
        return ken_fail(c->err, KEN_EINPUT, "metadata key %zu has %zu bytes; 1 to %d are possible", g->n_kv, kv.key.n,
                        MAX_KEY_LENGTH);
    if ((rc = read_uint(c, 4, &type, "a metadata type")) != KEN_OK) return rc;
    if (type == KEN_GGUF_ARRAY) {
        kv.is_array = true;
        if ((rc = read_uint(c, 4, &type, "an array")) != KEN_OK || (rc = read_uint(c, 8, &kv.n, "an array")) != KEN_OK)
            return rc;
    }
    kv.p = c->at;
    if ((rc = skip(c, type, kv.n, 1)) != KEN_OK)
        return c->err == NULL
                   ? rc
                   : ken_fail_prefix(c->err, "metadata %.*s", (int)(kv.key.n > 80 ? 80 : kv.key.n), kv.key.p);
    kv.end = c->at;
    kv.type = (ken_gguf_type)type;
    if (ken_grow((void **)&g->kv, &g->cap_kv, g->n_kv + 1, sizeof *g->kv) != 0)
        return ken_fail_nomem(c->err, "metadata");
    int added = ken_strmap_add(g->by_key, kv.key.p, kv.key.n, (int32_t)g->n_kv);
    if (added < 0) return ken_fail_nomem(c->err, "metadata");
    if (added == 0)
        return ken_fail(c->err, KEN_EINPUT, "metadata key %.*s occurs twice", (int)(kv.key.n > 80 ? 80 : kv.key.n),
                        kv.key.p);
    g->kv[g->n_kv++] = kv;
    return KEN_OK;
}

static int read_alignment(ken_gguf *g, cursor *c)
{
    g->alignment = 32; /* the default of the format */
    const ken_gguf_kv *kv = ken_gguf_find(g, "general.alignment");
    if (kv == NULL) return KEN_OK;
    ken_value v = ken_gguf_value(kv);
    if (v.kind != KEN_V_NUMBER || !(v.number >= 1 && v.number <= MAX_ALIGNMENT) ||
        ((uint32_t)v.number & ((uint32_t)v.number - 1)) != 0)
        return ken_fail(c->err, KEN_EINPUT, "metadata general.alignment is not a power of two up to %d", MAX_ALIGNMENT);
    g->alignment = (uint32_t)v.number;
    return KEN_OK;
}

/* ---- tensors ---------------------------------------------------------------------------------------------------------- */

/* The table of tensors comes before the data area, whose start is only known at the table's end: two passes. The first one
 * walks the table and finds that end, the second one adds the tensors. */
static int walk_tensors(ken_gguf *g, cursor *c, uint64_t n, const unsigned char *area, uint64_t area_size)
{
    for (uint64_t i = 0; i < n; i++) {
        ken_str name;
        uint64_t n_dims, type, offset, ne[4] = {1, 1, 1, 1};
        int rc = read_string(c, &name, "a tensor name");
        if (rc != KEN_OK || (rc = read_uint(c, 4, &n_dims, "the tensor table")) != KEN_OK) return rc;
        if (n_dims < 1 || n_dims > 4)
            return ken_fail(c->err, KEN_EINPUT, "tensor %.*s: it has %" PRIu64 " dimensions; 1 to 4 are possible",
                            (int)(name.n > 80 ? 80 : name.n), name.p, n_dims);
        for (uint64_t d = 0; d < n_dims; d++)
            if ((rc = read_uint(c, 8, &ne[d], "the tensor table")) != KEN_OK) return rc;
        if ((rc = read_uint(c, 4, &type, "the tensor table")) != KEN_OK) return rc;
        if ((rc = read_uint(c, 8, &offset, "the tensor table")) != KEN_OK) return rc;
        if (area == NULL) continue;
        if (offset % g->alignment != 0)
            return ken_fail(c->err, KEN_EINPUT,
                            "tensor %.*s: its offset %" PRIu64 " is not a multiple of the alignment %u",
                            (int)(name.n > 80 ? 80 : name.n), name.p, offset, g->alignment);
        rc = ken_tensors_add(&g->tensors, name.p, name.n, type > INT32_MAX ? -1 : (int)type, (int)n_dims, ne, area,
                             area_size, offset, c->err);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

static int read_tensors(ken_gguf *g, cursor *c, uint64_t n)
{
    cursor table = *c;
    int rc = walk_tensors(g, c, n, NULL, 0);
    if (rc != KEN_OK) return rc;
    uint64_t pad = (g->alignment - (uint64_t)(c->at - c->start) % g->alignment) % g->alignment;
    if (n > 0 && pad > left(c)) return cut_short(c, "the padding before the tensors");
    const unsigned char *area = c->at + (pad > left(c) ? left(c) : pad);
    if ((rc = walk_tensors(g, &table, n, area, (uint64_t)(c->end - area))) != KEN_OK) return rc;
    return ken_tensors_check_overlap(&g->tensors, 0, c->err);
}

/* ---- the file --------------------------------------------------------------------------------------------------------- */

static int read_header(ken_gguf *g, cursor *c, uint64_t *n_tensors, uint64_t *n_kv)
{
    uint64_t magic, version;
    if (left(c) < 4 || memcmp(c->at, "GGUF", 4) != 0)
        return ken_fail(c->err, KEN_EINPUT,
                        "not a GGUF file (it does not begin with \"GGUF\"); give a GGUF file or a folder with "
                        "config.json, tokenizer.json and model.safetensors");
    int rc = read_uint(c, 4, &magic, "the header");
    if (rc != KEN_OK || (rc = read_uint(c, 4, &version, "the header")) != KEN_OK) return rc;
    if (version != 0 && (version & 0xffff) == 0)
        return ken_fail(c->err, KEN_EINPUT, "a big-endian GGUF file; only little-endian ones are supported");
    if (version != 2 && version != 3)
        return ken_fail(c->err, KEN_EINPUT,
                        "GGUF version %" PRIu64 " is not supported (2 and 3 are); convert the model again", version);
    g->version = (uint32_t)version;
    if ((rc = read_uint(c, 8, n_tensors, "the header")) != KEN_OK ||
        (rc = read_uint(c, 8, n_kv, "the header")) != KEN_OK)
        return rc;
    if (*n_kv > MAX_KEYS || *n_kv > left(c) / 13) /* a pair is at least a length, a type and one byte */
        return ken_fail(c->err, KEN_EINPUT, "%" PRIu64 " metadata keys are more than the file can hold; it is damaged",
                        *n_kv);
    if (*n_tensors > left(c) / 32) /* an entry is at least a length, a count, one dimension, a type and an offset */
        return ken_fail(c->err, KEN_EINPUT, "%" PRIu64 " tensors are more than the file can hold; it is damaged",
                        *n_tensors);
    return KEN_OK;
}

int ken_gguf_parse(ken_gguf *g, const void *data, size_t size, ken_err *err)
{
    *g = (ken_gguf){0};
    const unsigned char *start = data == NULL ? (const unsigned char *)"" : data;
    cursor c = {start, start, start + (data == NULL ? 0 : size), err};
    uint64_t n_tensors = 0, n_kv = 0;
    int rc = read_header(g, &c, &n_tensors, &n_kv);
    if (rc == KEN_OK && (g->by_key = ken_strmap_new((size_t)n_kv)) == NULL) rc = ken_fail_nomem(err, "metadata");
    for (uint64_t i = 0; i < n_kv && rc == KEN_OK; i++) rc = read_kv(g, &c);
    if (rc == KEN_OK) rc = read_alignment(g, &c);
    if (rc == KEN_OK) rc = read_tensors(g, &c, n_tensors);
    if (rc != KEN_OK) ken_gguf_free(g);
    return rc;
}

void ken_gguf_free(ken_gguf *g)
{
    ken_tensors_free(&g->tensors);
    ken_strmap_free(g->by_key);
    ken_free(g->kv);
    *g = (ken_gguf){0};
}

/* ---- looking things up ------------------------------------------------------------------------------------------------ */

const ken_gguf_kv *ken_gguf_find(const ken_gguf *g, const char *key)
{
    int32_t i = g->by_key == NULL ? -1 : ken_strmap_get(g->by_key, key, strlen(key), -1);
    return i < 0 ? NULL : &g->kv[i];
}

static double number_from(ken_gguf_type type, const unsigned char *p)
{
    uint64_t u = little_endian(p, scalar_size[type]);
    float f;
    double d;
    switch (type) {
    case KEN_GGUF_I8: return (double)(int8_t)u;
    case KEN_GGUF_I16: return (double)(int16_t)u;
    case KEN_GGUF_I32: return (double)(int32_t)u;
    case KEN_GGUF_I64: return (double)(int64_t)u;
    case KEN_GGUF_F32: memcpy(&f, &(uint32_t){(uint32_t)u}, 4); return (double)f;
    case KEN_GGUF_F64: memcpy(&d, &u, 8); return d;
    case KEN_GGUF_BOOL: return u != 0;
    default: return (double)u;
    }
}

ken_value ken_gguf_value(const ken_gguf_kv *kv)
{
    ken_value v = {.kind = KEN_V_NONE};
    if (kv == NULL) return v;
    if (kv->is_array) v.kind = KEN_V_OTHER;
    else if (kv->type == KEN_GGUF_STRING) {
        v.kind = KEN_V_STRING;
        v.string = (ken_str){(const char *)kv->p + 8, (size_t)(kv->end - kv->p) - 8};
    } else if (kv->type == KEN_GGUF_BOOL) {
        v.kind = KEN_V_BOOL;
        v.boolean = kv->p[0] != 0;
    } else {
        v.kind = KEN_V_NUMBER;
        v.number = number_from(kv->type, kv->p);
    }
    return v;
}

bool ken_gguf_is_number_array(const ken_gguf_kv *kv) { return kv != NULL && kv->is_array && scalar_size[kv->type] > 0; }

double ken_gguf_number_at(const ken_gguf_kv *kv, uint64_t i)
{
    if (!ken_gguf_is_number_array(kv) || i >= kv->n) return 0;
    return number_from(kv->type, kv->p + i * scalar_size[kv->type]);
}

int ken_gguf_strings(const ken_gguf_kv *kv, ken_str **out, ken_err *err)
{
    *out = NULL;
    int shown = (int)(kv->key.n > 80 ? 80 : kv->key.n);
    if (!kv->is_array || kv->type != KEN_GGUF_STRING)
        return ken_fail(err, KEN_EINPUT, "metadata %.*s is not a list of strings", shown, kv->key.p);
    ken_str *s = ken_alloc((size_t)kv->n, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, "a list of strings");
    const unsigned char *p = kv->p; /* every length was checked by skip() */
    for (uint64_t i = 0; i < kv->n; i++) {
        s[i] = (ken_str){(const char *)p + 8, (size_t)little_endian(p, 8)};
        p += 8 + s[i].n;
    }
    *out = s;
    return KEN_OK;
}
