/* values.h - made-up vectors, and how far two are apart. */
#ifndef KEN_TEST_VALUES_H
#define KEN_TEST_VALUES_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>

static uint64_t rng = 1;
static float uniform(void) /* [-1, 1) */
{
    rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
    return (float)(int32_t)(rng >> 33) / 1073741824.0F - 1.0F;
}

static void fill(float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++) x[i] = scale * uniform();
}

/* Largest |a - b| / (1 + |b|). */
static double distance(const float *a, const float *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]) / (1.0 + fabs((double)b[i]));
        if (!(d <= worst)) worst = d;
    }
    return worst;
}
#endif
