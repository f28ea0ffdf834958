/* scratch.h - a file for parsers that want one, in memory where there is such a place; removed when the fuzzer ends. */
#ifndef KEN_FUZZ_SCRATCH_H
#define KEN_FUZZ_SCRATCH_H
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

static void remove_file(void) { unlink(path); }

static int scratch(void)
{
    snprintf(path, sizeof path, "%s/ken-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0) abort();
    atexit(remove_file);
    return fd;
}
#endif
