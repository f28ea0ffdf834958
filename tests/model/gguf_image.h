/* gguf_image.h - writes a small but complete GGUF model into memory, right or wrong in one chosen way. */
#ifndef TESTS_MODEL_GGUF_IMAGE_H
#define TESTS_MODEL_GGUF_IMAGE_H
#include "base/buf.h"
#include "model/gguf.h"

/* Zero = right. A tiny llama: 1 layer, 8 values, 2 heads of 4, 1 key-value head, 8 hidden, 8 tokens. */
typedef struct gguf_image {
    uint32_t magic, version, alignment; /* 0 = "GGUF", 3, none stated (32) */
    uint64_t n_kv_claim, n_tensors_claim;
    const char *drop_key, *drop_tensor; /* left out */
    const char *twice_key, *twice_tensor;
    const char *set_key; /* this key gets the value below instead of its own; or is added */
    enum { SET_U32 = 0, SET_I64, SET_F32, SET_BOOL, SET_STRING, SET_RAW } set_type;
    double set_number;
    const char *set_string;
    const void *raw; /* SET_RAW: everything behind the key: type, value */
    size_t n_raw;
    const char *bad_tensor; /* this tensor's entry is changed by what follows */
    uint32_t bad_n_dims, bad_type;
    uint64_t bad_ne[4];
    bool has_bad_offset, has_bad_type;
    uint64_t bad_offset;
    const char *rename_tensor, *new_name;
    const char *extra_tensor; /* F32 [8] at the end */
    bool spm, qwen3;
} gguf_image;

/* Appends the image to b, which must be empty. */
void gguf_image_write(ken_buf *b, const gguf_image *x);
#endif
