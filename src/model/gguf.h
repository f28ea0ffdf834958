/* gguf.h - what is in a GGUF file (v2, v3): metadata and tensors, found in mapped bytes without copying them.
 *
 *     ken_gguf g;
 *     if (ken_gguf_parse(&g, map.data, map.size, &err) != KEN_OK) ...
 *     const ken_gguf_kv *kv = ken_gguf_find(&g, "general.architecture");      NULL when there is none
 *     ken_value v = ken_gguf_value(kv);                                       numbers, booleans, strings
 *     ken_gguf_free(&g);
 *
 * Every length, count and offset is checked against the file before it is used; nothing is read outside `size` bytes. Which keys
 * and tensors a model needs is family.c's and config.c's business, not known here.
 * Format: gguf.md of ggml-org/ggml (v3; v2 differs in nothing that we read; v1 had 32-bit counts and is refused). */
#ifndef KEN_MODEL_GGUF_H
#define KEN_MODEL_GGUF_H
#include "model/tensors.h"
#include "model/value.h"

typedef enum ken_gguf_type {
    KEN_GGUF_U8,
    KEN_GGUF_I8,
    KEN_GGUF_U16,
    KEN_GGUF_I16,
    KEN_GGUF_U32,
    KEN_GGUF_I32,
    KEN_GGUF_F32,
    KEN_GGUF_BOOL,
    KEN_GGUF_STRING,
    KEN_GGUF_ARRAY,
    KEN_GGUF_U64,
    KEN_GGUF_I64,
    KEN_GGUF_F64,
    KEN_GGUF_N_TYPES
} ken_gguf_type;

typedef struct ken_gguf_kv {
    ken_str key;
    ken_gguf_type type; /* of the value, or of the elements of an array */
    bool is_array;
    uint64_t n;             /* elements; 1 for a scalar */
    const unsigned char *p; /* the first element as stored (little-endian, any alignment) */
    const unsigned char *end;
} ken_gguf_kv;

typedef struct ken_gguf {
    uint32_t version;
    uint32_t alignment;
    ken_gguf_kv *kv; /* (n_kv) in file order */
    size_t n_kv, cap_kv;
    ken_strmap *by_key;
    ken_tensors tensors;
} ken_gguf;

/* data (size) must stay mapped as long as g and its tensors are used. On failure g holds nothing. Free with ken_gguf_free. */
int ken_gguf_parse(ken_gguf *g, const void *data, size_t size, ken_err *err);
void ken_gguf_free(ken_gguf *g);

const ken_gguf_kv *ken_gguf_find(const ken_gguf *g, const char *key); /* NULL when there is none */
ken_value ken_gguf_value(const ken_gguf_kv *kv); /* kv may be NULL: KEN_V_NONE; arrays are KEN_V_OTHER */

/* Element i of an array of numbers (any of the number types or bool); 0 when kv is not one or i is outside. */
double ken_gguf_number_at(const ken_gguf_kv *kv, uint64_t i);
bool ken_gguf_is_number_array(const ken_gguf_kv *kv);

/* All elements of an array of strings: *out (kv->n) borrowed bytes, the array itself the caller's, ken_free. KEN_EINPUT when
 * kv is something else, KEN_ENOMEM. kv must not be NULL. */
int ken_gguf_strings(const ken_gguf_kv *kv, ken_str **out, ken_err *err);
#endif
