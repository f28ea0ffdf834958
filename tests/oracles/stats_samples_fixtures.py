#!/usr/bin/env python3
"""Reference numbers for src/base/stats_samples.c, by scipy and numpy.

    python3 tests/oracles/stats_samples_fixtures.py > tests/fixtures/base/stats_samples.tsv

Lines: mean n mean sd lo hi x...              numpy.mean, numpy.std, scipy.stats.t.interval of the mean
       spearman n rho x... y...               scipy.stats.spearmanr; "nan" where it is not defined
       auroc n area score... positive...      scipy.stats.mannwhitneyu, over the number of pairs
       bootstrap n groups rounds seed lo hi x... group...
                                              numpy.percentile of the mean over resampled groups; the draws are those of ken (ken_draws.py)
"""
import random
import sys
import warnings
import numpy as np
import scipy
from scipy import stats
from ken_draws import uniforms


def bootstrap(x, group, groups, rounds, seed):
    values = []
    for i in range(rounds):
        drawn = [int(uniforms(seed, "bootstrap", i, j) * groups) for j in range(groups)]
        rows = [k for g in drawn for k in range(len(x)) if group[k] == g]
        if rows:
            values.append(float(np.mean([x[k] for k in rows])))
    return np.percentile(values, [2.5, 97.5])


def main():
    warnings.simplefilter("ignore")  # what is not defined
    rng = random.Random(5)
    out = lambda *a: print(*(repr(float(x)) if isinstance(x, (float, np.floating)) else x for x in a), sep="\t")
    print(f"# made by stats_samples_fixtures.py; python {sys.version.split()[0]}, scipy {scipy.__version__}, numpy {np.__version__}")
    for n in (2, 3, 5, 40):
        x = [rng.gauss(0.4, 0.05) for _ in range(n)]
        lo, hi = stats.t.interval(0.95, n - 1, loc=np.mean(x), scale=stats.sem(x))
        out("mean", n, np.mean(x), np.std(x), lo, hi, *x)
    for n, levels in ((2, 9), (5, 3), (12, 4), (30, 1000), (50, 6), (8, 1)):
        x = [rng.randrange(levels) for _ in range(n)]
        y = [a + rng.randrange(levels) for a in x]
        out("spearman", n, stats.spearmanr(x, y).statistic, *x, *y)
    for n, levels in ((2, 5), (10, 3), (40, 1000), (60, 7)):
        positive = [1, 0] + [rng.randrange(2) for _ in range(n - 2)]
        score = [rng.randrange(levels) + 0.25 * p * levels for p in positive]
        a, b = [[s for s, p in zip(score, positive) if p == k] for k in (1, 0)]
        out("auroc", n, stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)), *map(float, score), *positive)
    for n, groups, rounds, seed in ((6, 2, 40, 1), (30, 7, 200, 2), (40, 40, 101, 3), (12, 20, 60, 4)):
        group = [rng.randrange(groups) for _ in range(n)]
        x = [rng.gauss(group[i], 1) for i in range(n)]
        out("bootstrap", n, groups, rounds, seed, *bootstrap(x, group, groups, rounds, seed), *x, *group)


main()
