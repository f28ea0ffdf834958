/* table.c - see table.h. */
#include "cli/table.h"
#include <math.h>

void cli_wilson(uint64_t k, uint64_t n, double *lo, double *hi)
{
    *lo = 0;
    *hi = 1;
    if (n == 0) return;
    double z = 1.959963984540054, m = (double)n, p = (double)k / m, d = 1 + z * z / m;
    double mid = (p + z * z / (2 * m)) / d, half = z / d * sqrt(p * (1 - p) / m + z * z / (4 * m * m));
    if (k > 0) *lo = mid - half;
    if (k < n) *hi = mid + half;
}
