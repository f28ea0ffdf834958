/* fuzz_run.c - any bytes as the file of a run: open it, read every row, ask for a row by its id. SQLite wants a file, so the bytes
 * go through one in memory where there is such a place. Seeds: a run of three made-up rows, in pages of 512 bytes to keep it
 * small. */
#include "ken.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int fd = -1;
    if (fd < 0) fd = scratch();
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n) abort();

    ken_run *r = NULL;
    if (ken_run_open(&r, path, NULL) != KEN_OK) return 0;
    for (size_t i = 0; i < ken_run_count(r); i++) (void)ken_run_row(r, i, NULL);
    (void)ken_run_find(r, "P0/test/0", NULL);
    (void)ken_run_complete(r);
    ken_run_free(r);
    return 0;
}
