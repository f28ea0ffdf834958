/* draw.c - see draw.h. */
#include "lab/draw.h"
#include "base/alloc.h"
#include "lab/plain_math.h"
#include <math.h>
#include <string.h>

ken_stream ken_stream_of(uint64_t seed, int stage)
{
    const uint64_t k = ken_mix64(ken_mix64(seed + 0x9E3779B97F4A7C15u) + (uint64_t)stage);
    return (ken_stream){{(uint32_t)k, (uint32_t)(k >> 32)}};
}

/* Vose's construction: columns below the mean height are filled up from those above it. Two lists in one array: short ones from the front, tall
 * ones from the back. */
int ken_zipf_make(ken_zipf *z, int n, double alpha)
{
    double *height = ken_alloc((size_t)n, sizeof *height), sum = 0;
    uint32_t *list = ken_alloc((size_t)n, sizeof *list);
    *z = (ken_zipf){.n = (uint32_t)n,
                    .below = ken_alloc((size_t)n, sizeof *z->below),
                    .other = ken_alloc((size_t)n, sizeof *z->other)};
    const int failed = height == NULL || list == NULL || z->below == NULL || z->other == NULL;
    if (failed) ken_zipf_free(z);
    else {
        int shorts = 0, talls = n;
        for (int i = 0; i < n; i++) sum += height[i] = ken_plain_exp(-alpha * ken_plain_log(i + 1));
        for (int i = 0; i < n; i++) {
            height[i] *= n / sum;
            if (height[i] < 1) list[shorts++] = (uint32_t)i;
            else list[--talls] = (uint32_t)i;
        }
        while (shorts > 0 && talls < n) {
            const uint32_t low = list[--shorts], high = list[talls];
            z->below[low] = (uint32_t)fmin(height[low] * 0x1p32, 0x1p32 - 1);
            z->other[low] = high;
            height[high] -= 1 - height[low];
            if (height[high] >= 1) continue;
            talls++;
            list[shorts++] = high;
        }
        while (shorts > 0 || talls < n) { /* height 1, but for rounding */
            const uint32_t i = shorts > 0 ? list[--shorts] : list[talls++];
            z->below[i] = UINT32_MAX;
            z->other[i] = i;
        }
    }
    ken_free(height);
    ken_free(list);
    return failed ? -1 : 0;
}

void ken_zipf_free(ken_zipf *z)
{
    ken_free(z->below);
    ken_free(z->other);
    memset(z, 0, sizeof *z);
}
