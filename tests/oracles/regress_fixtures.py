#!/usr/bin/env python3
"""The plane of accuracy over fitted Known and Unknown rows, by statsmodels, for src/study/regress.c.

    python3 tests/oracles/regress_fixtures.py > tests/fixtures/study/regress.tsv

Lines: "case NAME RUNS"; "point run step epoch rows HK-rows HK-hits MK-rows MK-hits WK-rows WK-hits U-rows U-hits asked right";
"fit b0 b_kn b_unk r2 clustered", "se", "lo" and "hi" of b0, b_kn, b_unk, "run i n mean sd" of the residuals. Errors: classical for one run, else
clustered by run with the correction G/(G-1) (N-1)/(N-3) and t on G-1 (statsmodels: cov_type="cluster", use_t).

The case "paper" is the 14 points of docs/method/fine-tuning.md#figures (Gekhman et al. 2024, Figs. 3a and 4, digitised): the state of seven variants
at EARLY_STOP and at CONVERGENCE, where all rows are fitted. docs/method has (40.1, 4.8, -10.5) and R2 0.86 for it.
"""
import random, numpy, statsmodels, statsmodels.api as sm

print(f"# regress_fixtures.py with numpy {numpy.__version__}, statsmodels {statsmodels.__version__}")

SHARES = (0, 10, 25, 50, 75, 90, 100)
EARLY = (43.9, 43.8, 43.9, 43.0, 42.0, 39.7, 37.4)
CONVERGED = (42.6, 42.2, 41.2, 38.8, 36.5, 31.7, 25.8)
KNOWN_FIT = (91.3, 77.4, 60.5, 39.0, 18.2, 6.1, 0)
UNKNOWN_FIT = (0, 2.3, 4.1, 8.8, 7.8, 3.0, 1.1)


def paper():
    for run, x in enumerate(SHARES):
        rows = [(1000 - 10 * x, round(10 * KNOWN_FIT[run])), (0, 0), (0, 0), (10 * x, round(10 * UNKNOWN_FIT[run]))]
        yield run, 480, 10.0, 1000, rows, 1000, round(10 * EARLY[run])
        yield run, 2400, 50.0, 1000, [(n, n) for n, _ in rows], 1000, round(10 * CONVERGED[run])


def made(seed, runs, shares, rows=400, asked=731):
    """Trainings that fit Known rows first, of unequal lengths; accuracy follows a bent surface and noise."""
    r = random.Random(seed)
    for run in range(runs):
        unknown = rows * shares[run] // 100
        n = [(rows - unknown) // 2, (rows - unknown) // 3, 0, unknown]
        n[2] = rows - sum(n)
        for epoch in range(1, r.randint(5, 14)):
            hits = [min(k, round(k * (1 - speed**epoch))) for k, speed in zip(n, (0.4, 0.6, 0.7, 0.9))]
            k, u = sum(hits[:3]) / rows, hits[3] / rows
            right = round(asked * (0.37 + 0.08 * k - 0.1 * u - 0.05 * u * u + r.gauss(0, 0.006) + 0.01 * (run % 2)))
            yield run, 7 * epoch, float(epoch), rows, list(zip(n, hits)), asked, right


cases = {
    "paper": list(paper()),
    "one": list(made(1, 1, (40,))),
    "two": list(made(2, 2, (20, 80))),
    "seven": list(made(3, 7, SHARES)),
    "four": list(made(4, 1, (50,)))[:4],
}
for name, points in cases.items():
    runs = points[-1][0] + 1
    print("case", name, runs, sep="\t")
    for run, step, epoch, rows, groups, asked, right in points:
        print("point", run, step, epoch, rows, *(v for g in groups for v in g), asked, right, sep="\t")
    known = [sum(h for _, h in p[4][:3]) / p[3] for p in points]
    unknown = [p[4][3][1] / p[3] for p in points]
    model = sm.OLS([100 * p[6] / p[5] for p in points], sm.add_constant(numpy.array([known, unknown]).T))
    fit = model.fit()
    if runs > 1:
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": [p[0] for p in points]}, use_t=True)
    print("fit", *map(repr, map(float, fit.params)), repr(float(fit.rsquared)), int(runs > 1), sep="\t")
    print("se", *map(repr, map(float, fit.bse)), sep="\t")
    for k, end in enumerate(("lo", "hi")):
        print(end, *map(repr, map(float, fit.conf_int()[:, k])), sep="\t")
    for run in range(runs):
        e = [x for x, p in zip(fit.resid, points) if p[0] == run]
        print("run", run, len(e), repr(float(numpy.mean(e))), repr(float(numpy.std(e, ddof=1))), sep="\t")
