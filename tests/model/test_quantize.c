/* test_quantize.c - f32 into the types that are written: against numpy and the gguf package, bit for bit (fixture by
 * tests/oracles/model_quantize.py); every half and bf16 there and back; what does not fit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/file.h"
#include "model/quant.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void others_agree(void **state)
{
    (void)state;
    static const struct {
        ken_dtype type;
        int num, den; /* bytes a value */
    } types[] = {{KEN_F32, 4, 1}, {KEN_F16, 2, 1}, {KEN_BF16, 2, 1}, {KEN_Q8_0, 34, 32}};
    ken_map map;
    ken_err err;
    int32_t n;
    if (ken_map_file(&map, KEN_FIXTURES "/model/quantize.bin", &err) != KEN_OK) fail_msg("%s", err.msg);
    memcpy(&n, map.data, 4);
    assert_in_range(n, 1000, 100000);
    float *x = malloc((size_t)n * sizeof *x);
    unsigned char *got = malloc((size_t)n * 4);
    memcpy(x, map.data + 4, (size_t)n * 4);
    const unsigned char *want = map.data + 4;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        const size_t bytes = (size_t)(n / types[k].den * types[k].num);
        assert_int_equal(ken_quantize(types[k].type, x, got, n), -1);
        for (size_t i = 0; i < bytes; i++)
            if (got[i] != want[i])
                fail_msg("type %d: byte %zu is %d, expected %d", (int)types[k].type, i, got[i], want[i]);
        want += bytes;
    }
    assert_ptr_equal(want, map.data + map.size);
    free(x), free(got);
    ken_unmap(&map);
}

/* Every finite value of a 16-bit type is its own nearest. */
static void there_and_back(void **state)
{
    (void)state;
    const ken_dtype types[] = {KEN_F16, KEN_BF16};
    for (int k = 0; k < 2; k++)
        for (uint32_t u = 0; u < 65536; u++) {
            const uint16_t h = (uint16_t)u;
            uint16_t back;
            float x;
            ken_dequantize(types[k], &h, &x, 1);
            const int64_t bad = ken_quantize(types[k], &x, &back, 1);
            if (isfinite(x) ? bad != -1 || back != h : bad != 0)
                fail_msg("type %d: %04x is %a and comes back as %04x (%d)", (int)types[k], u, (double)x, back,
                         (int)bad);
        }
}

static void what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        ken_dtype type;
        float x;
        bool fits;
    } cases[] = {{KEN_F32, 3.4e38F, true},
                 {KEN_F32, INFINITY, false},
                 {KEN_F32, -INFINITY, false},
                 {KEN_F32, NAN, false},
                 {KEN_F16, 65519.9F, true},
                 {KEN_F16, 65520.0F, false},
                 {KEN_F16, -65520.0F, false},
                 {KEN_F16, 3e38F, false},
                 {KEN_F16, NAN, false},
                 {KEN_BF16, 3.38e38F, true},
                 {KEN_BF16, 3.4e38F, false},
                 {KEN_BF16, -3.4e38F, false},
                 {KEN_BF16, INFINITY, false},
                 {KEN_Q8_0, 127 * 65504.0F, true},
                 {KEN_Q8_0, 127 * 65520.0F, false},
                 {KEN_Q8_0, -3e38F, false},
                 {KEN_Q8_0, NAN, false},
                 {KEN_Q8_0, INFINITY, false},
                 {KEN_Q8_0, 1e-45F, true},
                 {KEN_Q4_0, 1, false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        float x[64] = {0};
        unsigned char to[256];
        x[40] = cases[k].x;
        const int64_t place = ken_quantize(cases[k].type, x, to, 64);
        const bool in_block = cases[k].type == KEN_Q8_0 && isfinite(cases[k].x);
        const int64_t want = cases[k].fits ? -1 : in_block ? 32 : cases[k].type == KEN_Q4_0 ? 0 : 40;
        if (place != want)
            fail_msg("type %d, %g: %d, expected %d", (int)cases[k].type, (double)cases[k].x, (int)place, (int)want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(others_agree), cmocka_unit_test(there_and_back),
                                       cmocka_unit_test(what_does_not_fit)};
    return cmocka_run_group_tests_name("quantize", tests, NULL, NULL);
}
