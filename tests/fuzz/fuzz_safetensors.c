/* fuzz_safetensors.c - any bytes as a safetensors file; what is accepted is then read to its last byte. */
#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    ken_tensors s = {0};
    ken_err err;
    volatile unsigned sum = 0; /* volatile: the reads must happen */
    if (ken_safetensors_add(&s, data, n, "fuzz", &err) == KEN_OK)
        for (size_t i = 0; i < s.n; i++)
            for (uint64_t k = 0; k < s.t[i].bytes; k++) sum = sum + ((const uint8_t *)s.t[i].data)[k];
    ken_tensors_free(&s);
    return 0;
}
