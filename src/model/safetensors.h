/* safetensors.h - the tensors of one safetensors file, found in mapped bytes without copying them.
 *
 * Format: 8 bytes little-endian length of a JSON header, the header ({"name": {"dtype", "shape", "data_offsets"}, ...}), the data.
 * Types: F32, F16, BF16; anything else is refused by name. */
#ifndef KEN_MODEL_SAFETENSORS_H
#define KEN_MODEL_SAFETENSORS_H
#include "model/tensors.h"

/* Adds the file's tensors to s. data (size) must stay mapped as long as they are used; `file` is for messages. */
int ken_safetensors_add(ken_tensors *s, const void *data, size_t size, const char *file, ken_err *err);
#endif
