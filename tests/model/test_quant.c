/* test_quant.c - every weight type against the gguf package, bit for bit (fixtures by tests/oracles/model_quants.py), and all 65,536
 * halves against arithmetic in double. */
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

static uint32_t bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static int32_t int_at(const unsigned char *p)
{
    int32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* The same value: equal bits, or both NaN. */
static void assert_same(float got, float want, const char *type, int i)
{
    if (isnan(got) && isnan(want)) return;
    if (bits(got) != bits(want)) fail_msg("%s: value %d is %a, expected %a", type, i, (double)got, (double)want);
}

static void gguf_package_agrees(void **state)
{
    (void)state;
    ken_map map;
    ken_err err;
    if (ken_map_file(&map, KEN_FIXTURES "/model/quants.bin", &err) != KEN_OK) fail_msg("%s", err.msg);
    int n_types = 0;
    for (const unsigned char *p = map.data; p < map.data + map.size; n_types++) {
        const char *name = (const char *)p;
        int n = int_at(p + 8), n_bytes = int_at(p + 12);
        const ken_dtype_info *info = ken_dtype_by_name(name);
        assert_non_null(info);
        assert_ptr_equal(info, ken_dtype_get((int)info->type));
        assert_int_equal(n % info->block, 0);
        assert_int_equal(n / info->block * info->block_bytes, n_bytes);
        float *y = malloc((size_t)n * sizeof *y);
        unsigned char *odd = malloc((size_t)n_bytes + 1); /* any alignment must do */
        assert_non_null(y);
        assert_non_null(odd);
        memcpy(odd + 1, p + 16, (size_t)n_bytes);
        ken_dequantize(info->type, odd + 1, y, n);
        for (int i = 0; i < n; i++) {
            float want;
            memcpy(&want, p + 16 + n_bytes + 4 * i, 4);
            assert_same(y[i], want, name, i);
        }
        free(odd);
        free(y);
        p += 16 + n_bytes + 4 * n;
    }
    assert_int_equal(n_types, 13);
    ken_unmap(&map);
}

static void every_half_is_exact(void **state)
{
    (void)state;
    for (int h = 0; h < 65536; h++) {
        int exp = h >> 10 & 31, frac = h & 1023;
        double want = exp == 31  ? (frac != 0 ? (double)NAN : (double)INFINITY)
                      : exp == 0 ? ldexp(frac, -24)
                                 : ldexp(1024 + frac, exp - 25);
        uint16_t u = (uint16_t)h;
        float got;
        ken_dequantize(KEN_F16, &u, &got, 1);
        assert_same(got, (float)(h & 0x8000 ? -want : want), "F16", h);
    }
}

static void unknown_types(void **state)
{
    (void)state;
    assert_null(ken_dtype_get(-1));
    assert_null(ken_dtype_get(4)); /* Q4_2, long gone */
    assert_null(ken_dtype_get(20));
    assert_null(ken_dtype_by_name("IQ4_NL"));
    assert_null(ken_dtype_by_name(""));
    ken_dequantize(KEN_F32, NULL, NULL, 0); /* nothing to do, nothing touched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gguf_package_agrees), cmocka_unit_test(every_half_is_exact),
                                       cmocka_unit_test(unknown_types)};
    return cmocka_run_group_tests_name("quant", tests, NULL, NULL);
}
