#!/usr/bin/env python3
"""Reference numbers for src/base/stats.c, by scipy and statsmodels; Student's t cross-checked with mpmath at 50 digits.

    python3 tests/oracles/stats_fixtures.py > tests/fixtures/base/stats.tsv

Lines: wilson k n lo hi            scipy.stats.binomtest(k, n).proportion_ci(method="wilson")
       mcnemar lost gained p       scipy.stats.binomtest(min, sum).pvalue
       t df t p                    2 scipy.stats.t.sf(t, df), where it agrees with mpmath to 1e-11; else mpmath's;
                                   for large df always by mpmath
       t95 df t                    scipy.stats.t.isf(0.025, df)
       paired n mean lo hi p x...  scipy.stats.ttest_rel(after, before): x are n pairs before,after
       kappa n kappa lo hi c...    statsmodels.stats.inter_rater.cohens_kappa: c are the n*n counts, row by row
"""
import random
import sys
import mpmath
import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa


def t_two_sided(t, df):
    with mpmath.workdps(50):
        df, t = mpmath.mpf(df), mpmath.mpf(t)
        exact = float(mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, df / (df + t * t), regularized=True))
    p = float(2 * stats.t.sf(float(t), float(df)))
    return p if abs(p - exact) <= 1e-11 * exact else exact


def t_by_quadrature(t, df):  # betainc is slow there, scipy has 12 digits
    with mpmath.workdps(50):
        df = mpmath.mpf(df)
        scale = mpmath.gammaprod([(df + 1) / 2], [df / 2]) / mpmath.sqrt(mpmath.pi * df)
        return float(2 * scale * mpmath.quad(lambda x: (1 + x * x / df) ** (-(df + 1) / 2), [t, t + 2, t + 5, t + 10, t + 20, 60]))


def main():
    rng = random.Random(11)
    out = lambda *a: print(*(repr(float(x)) if isinstance(x, (float, np.floating)) else x for x in a), sep="\t")
    print(f"# made by stats_fixtures.py; python {sys.version.split()[0]}, scipy {scipy.__version__}, "
          f"statsmodels {statsmodels.__version__}, mpmath {mpmath.__version__}")
    for k, n in [(0, 1), (1, 1), (0, 10), (8, 10), (10, 10), (50, 100), (430, 1000), (1, 100000), (99999, 100000)]:
        ci = stats.binomtest(k, n).proportion_ci(method="wilson")
        out("wilson", k, n, ci.low, ci.high)
    for a, b in [(0, 1), (1, 0), (3, 3), (0, 5), (1, 9), (9, 1), (12, 30), (100, 140), (0, 60), (400, 300), (5000, 5300)]:
        out("mcnemar", a, b, stats.binomtest(min(a, b), a + b).pvalue if a + b else 1.0)
    for df in (1, 2, 2.5, 3, 7, 10, 39, 40, 41, 99, 183, 1000.5, 9999):
        for t in (1e-8, 0.01, 0.5, 1.0, 1.7, 1.75, 1.96, 3.0, 8.0, 30.0):
            out("t", float(df), t, t_two_sided(t, df))
    for df in (1e5, 1e6, 1e9, 1e12):
        for t in (0.3, 1.0, 1.96, 4.0):
            out("t", df, t, t_by_quadrature(t, df))
    for df in (1, 1.5, 2, 3, 5, 10, 30, 100, 183, 9999, 1e6):
        out("t95", float(df), float(stats.t.isf(0.025, df)))
    for n in (2, 3, 10, 50):
        before = [rng.random() for _ in range(n)]
        after = [min(1.0, max(0.0, b + rng.gauss(0.05, 0.2))) for b in before]
        r = stats.ttest_rel(after, before)
        ci = r.confidence_interval()
        out("paired", n, float(np.mean(np.subtract(after, before))), ci.low, ci.high, float(r.pvalue),
            *(float(x) for pair in zip(before, after) for x in pair))
    tables = [[[20, 5], [10, 15]], [[0, 7], [5, 0]], [[44, 5, 1], [7, 20, 3], [9, 5, 6]],
              [[50, 6, 1, 0], [8, 70, 9, 2], [0, 11, 30, 13], [0, 1, 12, 90]], [[30, 0], [0, 3]]]
    for c in tables:
        r = cohens_kappa(np.array(c))
        out("kappa", len(c), float(r.kappa), max(-1.0, float(r.kappa_low)), min(1.0, float(r.kappa_upp)),
            *(x for row in c for x in row))


main()
