/* fuzz_data_csv.c - CSV and TSV as data: quoting, headers, lists in cells, PopQA and MMLU in tables. The first byte says which file
 * the rest plays and whether bad rows are skipped. */
#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"f.csv", "law_test.csv"};
    static const char *const formats[] = {NULL, "csv", "tsv", "mmlu", "popqa"};
    if (n == 0) return 0;
    ken_data_options o = ken_data_defaults();
    o.skip_bad = (data[0] & 1) != 0;
    o.format = formats[(data[0] >> 1) % 5];
    ken_data *d;
    const char *name = names[o.format != NULL && o.format[0] == 'm'];
    if (ken_data_parse(&d, name, (const char *)data + 1, n - 1, &o, NULL) == KEN_OK) ken_data_free(d);
    return 0;
}
