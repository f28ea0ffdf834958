/* fuzz_tune_set.c - training rows in all their formats: prompts and completions, conversations, segments, text, questions. The first byte
 * says whether bad rows are skipped and which format is named. */
#include "tune/draft.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const formats[] = {NULL, "jsonl", "csv", "tsv"};
    if (n == 0) return 0;
    ken_train_data from = ken_train_data_defaults();
    from.path = "f.jsonl";
    ken_data_options read = ken_data_defaults();
    read.skip_bad = (data[0] & 1) != 0;
    read.format = formats[data[0] >> 1 & 3];
    from.read = &read;
    ken_drafts d = {0};
    (void)ken_drafts_parse(&d, &from, from.path, (const char *)data + 1, n - 1, NULL);
    ken_drafts_free(&d);
    return 0;
}
