/* fuzz_data_json.c - JSON lists and JSON lines as data: the row splitter, the field readers, PopQA's unions, exemplar plans. The
 * first byte says which file the rest plays (and whether bad rows are skipped); see names. */
#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"f.jsonl", "P36.test.json"};
    static const char *const formats[] = {NULL, "jsonl", "popqa", "entityquestions"};
    if (n == 0) return 0;
    ken_data_options o = ken_data_defaults();
    o.skip_bad = (data[0] & 1) != 0;
    o.format = formats[data[0] >> 1 & 3];
    const char *name = names[o.format == NULL ? data[0] >> 3 & 1 : data[0] >> 2 & 1];
    ken_data *d;
    if (ken_data_parse(&d, name, (const char *)data + 1, n - 1, &o, NULL) != KEN_OK) return 0;
    ken_exemplar_options x = {.n_sets = 3, .shots = 2};
    ken_exemplar_sets *p;
    if (ken_exemplar_sets_new(&p, d, &x, NULL) == KEN_OK) ken_exemplar_sets_free(p);
    ken_data_free(d);
    return 0;
}
