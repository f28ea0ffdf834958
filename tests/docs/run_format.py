#!/usr/bin/env python3
"""run_format.py KEN SOURCE DESCRIBE - docs/run-format.md says what runs hold.

Makes a run of each kind with a tiny model and compares: the columns of every table, the keys of the settings and which of them bind, both ways; and
runs the queries of the page. What a row's numbers and flags mean stands in the page as the library has it (describe.c). Prints TAP.
"""
import os, re, sqlite3, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(sys.argv[2], "tests", "run"))
from runs import FIXTURES, SMALL, SOURCE, Wrong, done, expect, jsonl, write

DESCRIBE = os.path.abspath(sys.argv[3])
MODEL = os.path.join(FIXTURES, "tiny-llama-tied")
ROWS = [{"id": f"d{i}", "relation": "R", "split": "dev", "question": f"d{i}?", "answer": "abcdefghij"[i]} for i in range(10)]
ROWS += [{"id": f"t{i}", "relation": "R", "split": "test", "question": f"q{i}?", "answers": ["igh", "a"]} for i in range(4)]
CODE = re.compile(r"`([^`]+)`")
# The runs that hold every key: letter of the page's table -> files.
MADE = {"A": ("plain.ken", "fitted.ken", "adapted.ken"), "T": ("tuned/train.ken", "watched/train.ken"), "E": ("zero.ken", "few.ken"), "S": ("scored.ken", "rescored.ken")}


def make():
    write("data.jsonl", jsonl(ROWS))
    write("bare.jsonl", jsonl([{**r, "split": ""} for r in ROWS]))
    write("other.jsonl", jsonl([{**r, "id": "x" + r["id"], "question": "x" + r["question"]} for r in ROWS[:10]]))
    write("names.json", '{"igh": ["hgi"]}')
    data = ["-q", "-m", MODEL, "-d", "data.jsonl"]
    done("annotate", *data, *SMALL, "-o", "plain.ken")
    done("annotate", "-q", "-m", MODEL, "-d", "bare.jsonl", *SMALL, "-o", "fitted.ken")
    done("train", *data, "-t", "1", "--split", "test", "--labels", "plain.ken", "--idk", "No idea", "--idk", "No", "--epochs", "1", "--lora", "r=2",
         "-o", "tuned")
    write("dev.jsonl", jsonl([{**r, "id": "y" + r["id"], "question": q, "split": "", "task": q[0]} for r, q in ((ROWS[-1], ROWS[-1]["question"]), (ROWS[0], "z"))]))
    done("train", *data, "-t", "1", "--split", "test", "--dev", "dev.jsonl", "--eval-limit", "1", "--certainty", "p", "--stop-rule", "task:q", "--labels",
         "plain.ken", "--epochs", "1", "--lora", "r=2", "-o", "watched")
    adapter = "tuned" if os.path.exists("tuned/adapter_config.json") else "tuned/adapter"
    done("annotate", *data, *SMALL, "--adapter", adapter, "--matcher", "em-alias", "--aliases", "names.json", "-o", "adapted.ken")
    done("eval", *data, "-t", "1", "--labels", "plain.ken", "-o", "zero.ken")
    done("eval", *data, "-t", "1", "--adapter", adapter, "--prompt", "few-shot", "--shots", "2", "--max-new", "2", "--certainty", "--exemplars", "other.jsonl",
         "--split", "test", "--relation", "R", "--matcher", "em-alias", "--aliases", "names.json", "-o", "few.ken")
    done("score", "-q", "adapted.ken", "--label", "mode", "--threshold", "HighlyKnown:p_t>=0.85,Unknown", "-o", "scored.ken")
    done("score", "-q", "fitted.ken", "--matcher", "em-raw", "-o", "rescored.ken")


def sections(page):
    """[(tables, text)] of the sections that describe tables"""
    parts = re.split(r"^### (.*)$", page.split("\n## Queries")[0], flags=re.M)
    return [([t.strip() for t in parts[i].split(",")], parts[i + 1]) for i in range(1, len(parts), 2)]


def columns_are_described(page):
    db = sqlite3.connect("plain.ken")
    there = {t: {c[1]: c[2] for c in db.execute(f"PRAGMA table_info({t})")} for t, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = db.execute("PRAGMA user_version").fetchone()[0]
    expect(f"| `user_version` | {version} |" in page and f"whole of format {version}" in page, f"the page is not about format {version}")
    described = set()
    for tables, text in sections(page):
        words = set(CODE.findall(text))
        described.update(tables)
        for t in tables:
            expect(t in there, f"a run has no table {t}")
            for column, kind in there[t].items():
                expect(column in words, f"{t}.{column} is not described")
                expect(kind in text, f"{t}.{column} is {kind}, which its section does not say")
        if tables == ["settings"]:
            continue
        for row in re.findall(r"^\| (`[^|]*) \| [A-Z, ]*(?:TEXT|INTEGER|REAL|BLOB)", text, flags=re.M):
            for column in CODE.findall(row):
                expect(any(column in there[t] for t in tables), f"{', '.join(tables)}: there is no column {column}")
    expect(described == set(there), f"tables without a description: {sorted(set(there) - described)}")


def settings_are_described(page):
    text = dict((t[0], s) for t, s in sections(page))["settings"]
    says, optional = {}, {}
    for keys, where, binds in re.findall(r"^\| (`[^|]*) \| ([ATES ()]+) \| (yes|no|T) \|", text, flags=re.M):
        for key in CODE.findall(keys):
            expect(key not in says, f"{key} is described twice")
            says[key] = {kind: binds == "yes" or binds == kind for kind in MADE if kind in where}
            optional[key] = set("".join(re.findall(r"\(([^)]*)\)", where)))
    listed = [x[1] for x in described() if x[0] == "setting"]
    expect(len(listed) == len(set(listed)), "a setting has two lines in the library's list")
    expect(set(listed) == says.keys(), f"only in the library's list or only on the page: {sorted(set(listed) ^ says.keys())}")
    for kind, files in MADE.items():
        all_keys = set()
        for name in files:
            here = dict(sqlite3.connect(name).execute("SELECT key, binding FROM settings"))
            all_keys |= here.keys()
            for key, binding in here.items():
                expect(kind in says.get(key, ()), f"{name} has the setting {key}, which the page does not say")
                expect(kind in "ES" or bool(binding) == says[key][kind], f"{name}: {key} {'binds' if binding else 'does not bind'}")
            for key in says:
                expect(kind not in says[key] or kind in optional[key] or key in here, f"{name} has no setting {key}")
        for key in says:
            expect(kind not in says[key] or key in all_keys, f"no run of kind {kind} has the setting {key}")


def described():
    """the lines of the library's tables: [what, name, ...]"""
    lines = subprocess.run([DESCRIBE], check=True, capture_output=True, text=True).stdout.splitlines()
    expect(len(lines) > 40, "the library describes hardly anything")
    return [line.split("\t") for line in lines]


def plain(text):
    return text.replace("`", "")


def numbers_are_described(page):
    """A line for each number of a row and of a prompt, and for each flag, and no others."""
    texts = {t: plain(s) for tables, s in sections(page) for t in tables}
    rows = {"row": set(), "prompt": set(), "flag": set()}
    for what, *x in described():
        if what == "setting":
            continue
        if what == "flag":
            rows[what].add(f"| {x[0]} | {1 << int(x[0])} | {x[1]} | {plain(x[2])} |")
        else:
            rows[what].add(f"| {x[0]} | {x[1].split()[0]} | {x[3]} |")
    for what, table in ("row", "knowledge"), ("prompt", "prompts"), ("flag", "knowledge"):
        there = set(re.findall(r"^\| \d+ \|.*$" if what == "flag" else r"^\| (?!place |bit |column )[a-z]\w* \|.*$", texts[table], flags=re.M))
        expect(rows[what] <= there, f"{table} lacks the line {sorted(rows[what] - there)[:1]}")
        expect(there <= rows[what], f"{table} has a line that the library does not: {sorted(there - rows[what])[:1]}")


def queries_run(page):
    queries = re.findall(r"```sql\n(.*?)```", page, flags=re.S)
    expect(len(queries) >= 6, "the page has lost its queries")
    for sql in queries:
        for name in "plain.ken", "tuned/train.ken":
            sqlite3.connect(name).execute(sql).fetchall()


def main():
    with open(os.path.join(SOURCE, "docs", "run-format.md"), encoding="utf-8") as f:
        page = f.read()
    cases = columns_are_described, numbers_are_described, settings_are_described, queries_run
    failed = 0
    print(f"1..{len(cases)}")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make()
        for n, case in enumerate(cases, 1):
            try:
                case(page)
                print(f"ok {n} - {case.__name__}")
            except (Wrong, sqlite3.Error) as e:
                failed += 1
                print(f"not ok {n} - {case.__name__}\n# {e}")
        os.chdir(SOURCE)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
