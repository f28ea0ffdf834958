/* fuzz_train_state.c - any bytes, with the right checksum behind them, as the state of a training: what the checksum keeps out otherwise.
 * Seed: a state with one setting and two arrays of three zeros. */
#include "base/hash.h"
#include "tune/checkpoint.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int fd = -1;
    if (fd < 0) fd = scratch();
    char hex[65];
    ken_sha256 *h = ken_sha256_new();
    if (h == NULL) abort();
    ken_sha256_add(h, data, n);
    ken_sha256_hex(h, hex);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n || pwrite(fd, hex, 64, (off_t)n) != 64) abort();

    float value[2][3];
    const ken_state_array array[] = {{value[0], 3}, {value[1], 3}};
    const ken_setting settings[] = {{"lr", "1", true}};
    ken_train_state s;
    (void)ken_checkpoint_read(path, &s, settings, 1, array, 2, NULL);
    return 0;
}
