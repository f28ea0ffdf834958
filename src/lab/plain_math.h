/* plain_math.h - exp and log of basic operations alone: the C library's choose other instructions on other CPUs, and may differ in the last bit. */
#ifndef KEN_LAB_PLAIN_MATH_H
#define KEN_LAB_PLAIN_MATH_H
#include <math.h>
#include <stdint.h>

/* x = n ln 2 + r, |r| <= ln(2)/2; the next term of the series, r^14/14!, is below 5e-18. Even and odd terms apart: two chains that the CPU
 * computes at once. Clamped to +-700. */
static inline double ken_plain_exp(double x)
{
    const double magic = 0x1.8p52; /* adding it rounds to a whole number */
    if (x > 700) x = 700;
    if (x < -700) x = -700;
    const double n = x * 0x1.71547652b82fep0 + magic - magic;
    const double r =
        x - n * 0x1.62e42feep-1 - n * 0x1.a39ef35793c76p-33; /* ln 2 in two parts, the first with few bits */
    const double q = r * r;
    double even = 1.0 / 479001600, odd = 1.0 / 6227020800;
    even = even * q + 1.0 / 3628800, odd = odd * q + 1.0 / 39916800;
    even = even * q + 1.0 / 40320, odd = odd * q + 1.0 / 362880;
    even = even * q + 1.0 / 720, odd = odd * q + 1.0 / 5040;
    even = even * q + 1.0 / 24, odd = odd * q + 1.0 / 120;
    even = even * q + 0.5, odd = odd * q + 1.0 / 6;
    even = even * q + 1.0, odd = odd * q + 1.0;
    union {
        int64_t bits;
        double x;
    } power = {(int64_t)(n + 1023) << 52}; /* 2^n: an ordinary number, by the clamp */
    return (even + odd * r) * power.x;
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
