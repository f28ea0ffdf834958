/* fuzz_tokenizer_json.c - any bytes as tokenizer.json of a model with 512 rows; what is accepted must make a tokenizer or say why not. */
#include "model/json.h"
#include "model/tok_source.h"
#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    json_t *root;
    ken_err err;
    if (ken_json_parse(&root, data, n, 1 << 20, "fuzz", &err) != KEN_OK) return 0;
    ken_tok_source t;
    ken_buf notes = {0};
    ken_tokenizer *tok = NULL;
    /* the same tree stands in for the files beside it: their keys do not clash */
    if (ken_tok_from_json(&t, &(ken_tok_files){root, root, root, root}, 512, &notes, &err) == KEN_OK &&
        ken_tokenizer_new(&tok, &t.spec, &err) == KEN_OK) {
        int32_t *ids = NULL;
        size_t n_ids = 0, cap = 0;
        static const char text[] = "abc ab\n12 don't <|end|> \xc3\xa9\xff";
        (void)ken_tokenizer_encode(tok, text, sizeof text - 1, KEN_ENC_SPECIAL | KEN_ENC_PARSE, &ids, &n_ids, &cap,
                                   &err);
        ken_free(ids);
    }
    ken_tokenizer_free(tok);
    ken_tok_source_free(&t);
    ken_buf_free(&notes);
    json_decref(root);
    return 0;
}
