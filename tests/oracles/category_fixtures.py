#!/usr/bin/env python3
"""Reference numbers for src/know/category.c, by scipy and by exact rationals.

    python3 tests/oracles/category_fixtures.py > tests/fixtures/know/category.tsv

Lines: draw n p u k          smallest k with u < P(S <= k), S ~ Binomial(n, p), in exact fractions; cross-checked with
                             scipy.stats.binom.ppf away from the jumps
       again g n prob        the Jeffreys prior's P(HK again), by scipy.special.betaln
       miss p samples n P_U  (1-p)^(samples*n), exact rationals rounded once
Numbers p and u are written as C99 hexadecimal floats, so both sides see the same bits.
"""
from fractions import Fraction
from math import comb
import random
import sys
import scipy
from scipy.special import betaln
from scipy.stats import binom
import numpy as np


def quantile(n, p, u):
    p, u, cdf = Fraction(p), Fraction(u), Fraction(0)
    for k in range(n + 1):
        cdf += comb(n, k) * p**k * (1 - p) ** (n - k)
        if u < cdf:
            return k, cdf
    raise AssertionError("u >= 1")


def main():
    rng = random.Random(7)
    print(f"# made by category_fixtures.py; python {sys.version.split()[0]}, scipy {scipy.__version__}, numpy {np.__version__}")
    ps = [0.0, 5e-324, 1e-300, 1e-17, 1e-9, 1e-4, 1e-3, 0.0185, 0.1, 0.25, 0.4999999999999999, 0.5, 0.5000000000000001, 0.75,
          0.9, 0.999, 1 - 1e-9, 1 - 2.0**-53, 1.0]
    us = [0.0, 2.0**-53, 1e-9, 0.25, 0.5, 0.75, 1 - 1e-9, 1 - 2.0**-53]
    cases = [(n, p, u) for n in (1, 16) for p in ps for u in us]
    cases += [(rng.choice((1, 2, 5, 16, 16, 40, 100)), rng.random() ** rng.choice((1, 4)), rng.random()) for _ in range(600)]
    for n, p, u in cases:
        k, cdf = quantile(n, p, u)
        # draws within rounding of a jump are nobody's business: both answers are right
        below = cdf - comb(n, k) * Fraction(p) ** k * (1 - Fraction(p)) ** (n - k)
        if min(abs(Fraction(u) - cdf), abs(Fraction(u) - below)) < Fraction(1, 10**17) and u != 0 and below != 0:
            continue
        if min(abs(u - float(cdf)), abs(u - float(below))) > 1e-9 and 0 < p < 1:
            assert int(binom.ppf(u, n, p)) == k, (n, p, u)
        print("draw", n, float.hex(p), float.hex(u), k, sep="\t")
    for n in (1, 4, 10, 20):
        for g in range(n + 1):
            print("again", g, n, repr(float(np.exp(betaln(g + n + .5, n - g + .5) - betaln(g + .5, n - g + .5)))), sep="\t")
    for p in (0.001, 1e-12, 0.3, 0.9999, 1.0, 0.0):
        print("miss", float.hex(p), 16, 10, repr(float((1 - Fraction(p)) ** 160)), sep="\t")


main()
