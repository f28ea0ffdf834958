/* tensors.h - the tensors of a model by name, whatever file they lie in.
 *
 * The readers (gguf.h, safetensors.h) add what they find; family.c looks the roles up. Data stays in the mapped file. */
#ifndef KEN_MODEL_TENSORS_H
#define KEN_MODEL_TENSORS_H
#include "base/hash.h"
#include "model/model.h"

typedef struct ken_tensors {
    ken_tensor *t; /* (n) in file order; addresses are stable once the last one was added */
    size_t n, cap;
    ken_strmap *by_name;
} ken_tensors;

void ken_tensors_free(ken_tensors *s);

/* Adds a tensor of `type` with ne (n_dims, fastest first) whose data start `offset` bytes into the data area (area_size bytes
 * at area). The name (n bytes) is copied. Everything is checked: the name (not empty, no NUL, not there yet), 1 to 4
 * dimensions of at least 1, whole blocks, no overflow, data inside the area. KEN_EINPUT names the tensor. */
int ken_tensors_add(ken_tensors *s, const char *name, size_t n, int type, int n_dims, const uint64_t *ne,
                    const unsigned char *area, uint64_t area_size, uint64_t offset, ken_err *err);

/* KEN_EINPUT when two of the tensors from index `first` on share bytes, naming both. */
int ken_tensors_check_overlap(const ken_tensors *s, size_t first, ken_err *err);

const ken_tensor *ken_tensors_find(const ken_tensors *s, const char *name); /* NULL when there is none */

/* "[3, 5]", slowest first as PyTorch prints it, for messages. Returns buf. */
const char *ken_shape_text(char buf[96], int n_dims, const int64_t *ne);
#endif
