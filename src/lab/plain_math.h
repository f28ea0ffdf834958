/* plain_math.h - exp and log of basic operations alone: the C library's choose other instructions on other CPUs, and may differ in the last bit. */
#ifndef KEN_LAB_PLAIN_MATH_H
#define KEN_LAB_PLAIN_MATH_H
#include <math.h>

/* x = n ln 2 + r, |r| <= ln(2)/2; the next term of the series, r^14/14!, is below 5e-18. Clamped to +-700. */
static inline double ken_plain_exp(double x)
{
    static const double inverse[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
        1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
    const double magic = 0x1.8p52; /* adding it rounds to a whole number */
    if (x > 700) x = 700;
    if (x < -700) x = -700;
    const double n = x * 0x1.71547652b82fep0 + magic - magic;
    const double r =
        x - n * 0x1.62e42feep-1 - n * 0x1.a39ef35793c76p-33; /* ln 2 in two parts, the first with few bits */
    double sum = inverse[0];
    for (int i = 1; i < 14; i++) sum = sum * r + inverse[i];
    return ldexp(sum, (int)n);
}

/* x > 0, of any size that a double has. Halley's method on exp(y) = x: three times as many digits each time. */
static inline double ken_plain_log(double x)
{
    int two;
    const double m = frexp(x, &two); /* 0.5 to 1 */
    double y = (m - 1) * 2 * 0.6931471805599453;
    for (int i = 0; i < 4; i++) {
        const double e = ken_plain_exp(y);
        y += 2 * (m - e) / (m + e);
    }
    return y + two * 0.6931471805599453;
}

static inline double ken_plain_sigmoid(double x) { return 1 / (1 + ken_plain_exp(-x)); }
#endif
