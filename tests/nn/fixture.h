/* fixture.h - fixture files as a cursor of int32, f32 and f64; every read checks the end. */
#ifndef KEN_TEST_FIXTURE_H
#define KEN_TEST_FIXTURE_H
#include "base/file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct fixture {
    ken_map map;
    size_t at;
} fixture;

static inline void fixture_open(fixture *f, const char *path, const char magic[8])
{
    ken_err err;
    if (ken_map_file(&f->map, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    f->at = 8;
    if (f->map.size < 8 || memcmp(f->map.data, magic, 8) != 0) fail_msg("%s: not a %.8s file", path, magic);
}

/* What the training oracles made (tests/oracles/train_*.py): the committed fixture, or one made anew in the folder $KEN_TEST_ORACLE
 * (make oracle-train). */
#ifdef KEN_FIXTURES
static inline void fixture_open_oracle(fixture *f, const char *name, const char magic[8])
{
    char path[512];
    const char *folder = getenv("KEN_TEST_ORACLE");
    snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : KEN_FIXTURES "/nn", name);
    fixture_open(f, path, magic);
}
#endif

static inline void fixture_read(fixture *f, void *out, size_t n, size_t size)
{
    assert_true(n <= (f->map.size - f->at) / size);
    memcpy(out, f->map.data + f->at, n * size);
    f->at += n * size;
}

static inline int32_t fixture_int(fixture *f)
{
    int32_t v;
    fixture_read(f, &v, 1, sizeof v);
    return v;
}

static inline void fixture_close(fixture *f)
{
    assert_true(f->at == f->map.size); /* all of it was read */
    ken_unmap(&f->map);
}
#endif
