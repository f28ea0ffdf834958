#!/usr/bin/env python3
"""json_keys.py KEN SOURCE DESCRIBE - docs/json.md names every key that --json prints.

Makes a run of each kind with a tiny model (run_format.py) and prints it in every form; each key must stand in the section of the page that
describes the form, but for keys that come from data (relations, groups, names of splits). A row's numbers are looked for by the library's own
list of them (describe.c), since some are printed only where there is one. Prints TAP.
"""
import json, os, re, sys, tempfile

import run_format
from runs import SMALL, SOURCE, Wrong, done, expect

DATA = ["-m", run_format.MODEL, "-d", "data.jsonl"]
WORLD = ["--subjects", "48", "--answers", "4", "--sentences", "600", "--layers", "1", "--width", "32", "--inner", "32", "-t", "1"]
# (section, another one whose words count too, command)
FORMS = [
    ("rows", "", ["show", "plain.ken", "--rows"]), ("rows", "", ["show", "adapted.ken", "--rows"]), ("summary", "", ["show", "plain.ken"]),
    ("summary", "", ["annotate", *DATA, *SMALL, "-o", "plain.ken"]), ("summary", "", ["annotate", *DATA, *SMALL, "--dry-run", "-o", "new.ken"]),
    ("explain", "rows", ["explain", "plain.ken", "t0", "-m", run_format.MODEL]), ("score", "", ["score", "plain.ken", "--curve"]),
    ("score", "", ["score", "plain.ken", "--against", "adapted.ken"]), ("score", "rows", ["score", "plain.ken", "--rows"]),
    ("training", "evaluation", ["show", "tuned/train.ken"]), ("training", "", ["show", "tuned/train.ken", "--rows"]),
    ("evaluation", "", ["show", "few.ken"]), ("evaluation", "", ["show", "zero.ken"]), ("evaluation", "", ["show", "few.ken", "--rows"]),
    ("evaluation", "", ["eval", *DATA, "-t", "1"]), ("data", "", ["data", "data.jsonl"]), ("data", "", ["model", run_format.MODEL]),
    ("data", "", ["tokenize", "-m", run_format.MODEL, "hi"]), ("diff", "", ["diff", "plain.ken", "adapted.ken"]),
    ("diff", "", ["diff", "plain.ken", "adapted.ken", "--rows", "all"]), ("diff", "", ["diff", "zero.ken", "few.ken", "--common"]),
    ("theory", "", ["lab theory", "--seeds", "2", "--steps", "2k", "--joint-epochs", "2", "--joint-steps", "2k"]),
    ("world", "", ["lab world", "-o", "world", *WORLD]), ("measures", "", ["lab measures", "world", "--contest-epochs", "1"])]
OF_DATA = {"relations": 1, "groups": 2}  # so many levels of keys below these are names from the data
SPLITS = {"dev", "test"}


def keys(value, skip=0):
    if isinstance(value, list):
        for v in value:
            yield from keys(v, skip)
    elif isinstance(value, dict):
        for k, v in value.items():
            if skip == 0:
                yield k
            yield from keys(v, skip - 1 if skip > 0 else OF_DATA.get(k, 0))


def printed(command):
    p = done(*command[0].split(), "-q", "--json", *command[1:])
    lines = p.stdout.splitlines()
    expect(lines, f"ken {' '.join(command)} prints nothing")
    return {k for line in lines for k in keys(json.loads(line))}


def main():
    with open(os.path.join(SOURCE, "docs", "json.md"), encoding="utf-8") as f:
        parts = re.split(r'^<a id="(\w+)"></a>$', f.read(), flags=re.M)
    words = {parts[i]: set(run_format.CODE.findall(parts[i + 1])) for i in range(1, len(parts), 2)}
    failed = 0
    print(f"1..{len(FORMS) + 1}")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run_format.make()
        for n, (section, also, command) in enumerate(FORMS, 1):
            name = re.sub(r"/\S*/", "", " ".join(command))
            try:
                missing = printed(command) - words[section] - words.get(also, set()) - (SPLITS if command[0] == "data" else set())
                expect(not missing, f"docs/json.md#{section} does not name {', '.join(sorted(missing))}")
                print(f"ok {n} - {name}")
            except Wrong as e:
                failed += 1
                print(f"not ok {n} - {name}\n# {e}")
        os.chdir(SOURCE)
    missing = {x[1] for x in run_format.described() if x[0] == "row" and x[3] != "never"} - words["rows"]
    failed += missing != set()
    print(f"{'not ' if missing else ''}ok {len(FORMS) + 1} - numbers of a row" + (f"\n# docs/json.md#rows lacks {', '.join(sorted(missing))}" if missing else ""))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
