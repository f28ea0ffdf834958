/* fuzz_gguf.c - any bytes as a GGUF model: header, metadata, tensors, configuration, vocabulary; then a text through its tokenizer. */
#include "model/loaded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    ken_model *m;
    ken_err err;
    if (ken_model_open_memory(&m, data, n, &err) != KEN_OK) return 0;
    int32_t *ids = NULL;
    size_t n_ids = 0;
    static const char text[] = "abc ab\n12 don't <|im_end|> \xc3\xa9\xff";
    if (ken_tokenize(m, text, sizeof text - 1, true, true, &ids, &n_ids, &err) == KEN_OK) ken_buffer_free(ids);
    ken_model_free(m);
    return 0;
}
