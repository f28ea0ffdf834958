#!/usr/bin/env python3
"""The exact probabilities against the paper's protocol, literally: `--method sample` on 200 questions.

    python3 tests/oracles/e2e_sample.py KEN [RESULT.txt]        needs KEN_TEST_DATA and the default model; `make oracle-sample`

The same questions and prompts are annotated twice: exactly (docs/method/knowledge.md#exact-bound) and by 16 real samples a
prompt (docs/method/knowledge.md#sample). If p is exact, the hits of a prompt are Binomial(16, p). Three comparisons, from coarse
to fine: the sum of all hits; each question; each prompt where a chi-square makes sense (at least one hit and one miss expected). Then
the labels: two annotations of a row differ with probability p_flip, so the number of rows whose label differs is known too. Greedy verdicts
and texts must be the same.
Exit status 1 when a z is beyond 4 (5 for the worst question) or a greedy answer differs. Only Python's standard library.
"""
import datetime, math, os, platform, sqlite3, subprocess, sys, tempfile

RELATIONS = "P36,P17,P19,P495,P131,P407,P740,P176"
PER_RELATION = "25"


def annotate(ken, data, run, *options):
    command = [ken, "annotate", "-q", "-d", data, "--split", "test", "--relation", RELATIONS, "--per-relation", PER_RELATION, "-o", run,
               *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}: {done.stderr}")


def read(run):
    """rows by id, and (id, prompt) -> (hit, raw hit, text, finish, p, hits, samples)"""
    db = sqlite3.connect(f"file:{run}?mode=ro", uri=True)
    rows = {i: r for i, *r in db.execute("SELECT id, category, greedy_hits, p_unknown, p_flip FROM knowledge JOIN examples USING (place)")}
    prompts = {(i, n): r for i, n, *r in db.execute(
        "SELECT id, prompt, greedy_hit, greedy_hit_raw, p.text, finish, (p_lo + p_hi) / 2, hits, samples "
        "FROM prompts p JOIN examples USING (place)")}
    return rows, prompts, db.execute("SELECT sum(token_forwards), sum(seconds) FROM costs").fetchone()


def cpu():
    with open("/proc/cpuinfo") as f:
        return next((l.split(":", 1)[1].strip() for l in f if l.startswith("model name")), platform.machine())


def main(ken, out=None):
    data = os.environ.get("KEN_TEST_DATA")
    if not data:
        sys.exit("e2e_sample: set KEN_TEST_DATA to the folder that holds entityquestions/")
    with tempfile.TemporaryDirectory(prefix="ken-oracle-") as folder:
        exact, sampled = os.path.join(folder, "exact.ken"), os.path.join(folder, "sample.ken")
        annotate(ken, os.path.join(data, "entityquestions/dataset"), exact)
        annotate(ken, os.path.join(data, "entityquestions/dataset"), sampled, "--method", "sample")
        rows, prompts, cost = read(exact)
        drawn_rows, drawn, drawn_cost = read(sampled)

    lines, bad = [], []

    def say(text):
        lines.append(text)

    def check(name, z, most=4):
        if not abs(z) <= most:
            bad.append(f"{name}: z = {z:+.2f}")

    version = subprocess.run([ken, "--version"], capture_output=True, text=True).stdout.splitlines()
    say(f"$ tests/oracles/e2e_sample.py KEN     {datetime.date.today()}, {cpu()}, {os.cpu_count()} threads")
    say("; ".join(version[:2]))
    say(f"EntityQuestions test, {RELATIONS}, the first {PER_RELATION} of each: {len(rows)} questions, {len(prompts)} prompts")
    say(f"token-forwards a question: exact {cost[0] / len(rows):.1f}, sample {drawn_cost[0] / len(rows):.1f}")

    other = [k for k in prompts if prompts[k][:4] != drawn[k][:4]]
    say(f"greedy answers that depend on the method: {len(other)}")
    if other or len(prompts) != len(drawn):
        bad.append(f"greedy answers differ: {other[:5]}")

    # the sum
    hits = sum(d[5] for d in drawn.values())
    mean = sum(d[6] * prompts[k][4] for k, d in drawn.items())
    var = sum(d[6] * prompts[k][4] * (1 - prompts[k][4]) for k, d in drawn.items())
    z = (hits - mean) / math.sqrt(var)
    say(f"hits: {hits} of {sum(d[6] for d in drawn.values())} samples, expected {mean:.1f} +- {math.sqrt(var):.1f}: z = {z:+.2f}")
    check("hits", z)

    # each question
    scores = []
    for i in rows:
        mine = [(d, prompts[k][4]) for k, d in drawn.items() if k[0] == i]
        v = sum(d[6] * p * (1 - p) for d, p in mine)
        if v >= 1:
            scores.append((sum(d[5] - d[6] * p for d, p in mine) / math.sqrt(v), i))
    beyond = sum(abs(s) > 2 for s, _ in scores)
    worst = max(scores, key=lambda s: abs(s[0]))
    z = (sum(s * s for s, _ in scores) - len(scores)) / math.sqrt(2 * len(scores))
    say(f"questions with a variance of 1 or more: {len(scores)}; sum of z^2 {sum(s * s for s, _ in scores):.1f} (z = {z:+.2f}); "
        f"{beyond} beyond 2 (expected {0.0455 * len(scores):.1f}); largest |z| {abs(worst[0]):.2f}, {worst[1]}")
    check("sum of z^2 over questions", z)
    check(f"question {worst[1]}", worst[0], 5)  # the largest of about a hundred

    # each prompt; the variance of one term of the chi-square is 2 + (1 - 6pq)/(npq)
    terms = [((d[5] - d[6] * p) ** 2 / (d[6] * p * (1 - p)), 2 + (1 - 6 * p * (1 - p)) / (d[6] * p * (1 - p)))
             for k, d in drawn.items() for p in [prompts[k][4]] if d[6] * p >= 1 and d[6] * (1 - p) >= 1]
    chi = sum(t for t, _ in terms)
    z = (chi - len(terms)) / math.sqrt(sum(v for _, v in terms))
    say(f"prompts with at least one hit and one miss expected: {len(terms)}; chi-square {chi:.1f}: z = {z:+.2f}")
    check("chi-square over prompts", z)
    rare = [(d, prompts[k][4]) for k, d in drawn.items() if d[6] * prompts[k][4] < 1]
    mean, got = sum(d[6] * p for d, p in rare), sum(d[5] for d, _ in rare)
    z = (got - mean) / math.sqrt(sum(d[6] * p * (1 - p) for d, p in rare))
    say(f"prompts with less than one hit expected: {len(rare)}; hits {got}, expected {mean:.1f}: z = {z:+.2f}")
    check("hits of rare answers", z)

    # labels
    differ = [i for i in rows if rows[i][0] != drawn_rows[i][0]]
    flips = [r[3] for r in rows.values() if r[0] is not None]
    mean, var = sum(flips), sum(f * (1 - f) for f in flips)
    z = (len(differ) - mean) / math.sqrt(var)
    say(f"labels that differ: {len(differ)}, expected by p_flip {mean:.1f} +- {math.sqrt(var):.1f}: z = {z:+.2f}")
    check("labels", z)
    if any(rows[i][1] > 0 for i in differ):
        bad.append("a label with g > 0 differs")
    open_rows = [r[2] for r in rows.values() if r[1] == 0]
    unknown = sum(r[0] == "Unknown" for r in drawn_rows.values())
    z = (unknown - sum(open_rows)) / math.sqrt(sum(p * (1 - p) for p in open_rows))
    say(f"rows without a greedy hit: {len(open_rows)}; Unknown by samples {unknown}, expected by p_unknown {sum(open_rows):.1f} +- "
        f"{math.sqrt(sum(p * (1 - p) for p in open_rows)):.1f}: z = {z:+.2f}")
    check("Unknown", z)
    say("all as expected" if not bad else "FAILED: " + "; ".join(bad))
    print("\n".join(lines))
    if out:
        with open(out, "w") as f:
            f.write("\n".join(lines) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
