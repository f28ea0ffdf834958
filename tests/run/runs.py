"""What identity.py and identity_cases.py share: making runs of small models, and looking at everything that is in one.

Standard library only. Programs that use this are called with KEN SOURCE [CASE ...] and print TAP, one line a check."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

KEN, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
FIXTURES = os.path.join(SOURCE, "tests/fixtures/model")
MODEL = os.path.join(FIXTURES, "tiny-llama-tied/model.gguf")
ENV = {k: v for k, v in os.environ.items() if not k.startswith("KEN_")}
ENV.update(LC_ALL="C.UTF-8", OMP_WAIT_POLICY="passive")
# A few prompts with a few exemplars: the random model's context is short, and thousands of rows are asked.
SMALL = ["-t", "1", "--shots", "2", "--prompts", "3", "--samples", "4", "--max-new", "2"]


class Wrong(AssertionError):
    """A check that failed, in words."""


def expect(condition, why):
    if not condition:
        raise Wrong(why)


def call(*argv, cwd=None, env=None):
    return subprocess.run([KEN, *argv], cwd=cwd, env={**ENV, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)


def done(*argv, cwd=None, env=None, status=0):
    """Calls the program; it must end with this status."""
    p = call(*argv, cwd=cwd, env=env)
    expect(p.returncode == status, f"{' '.join(argv[:1])}: exit status {p.returncode}, expected {status}: {p.stderr.strip()}")
    return p


def refused(p, status, *words):
    """An error is one line that says what it is about, and for a wrong command another one that says where to read."""
    expect(p.returncode == status, f"exit status {p.returncode}, expected {status}: {p.stderr.strip() or p.stdout.strip()}")
    expect(len(p.stderr.strip().splitlines()) == 1 + (status == 2) and p.stderr.startswith("ken: "), f"not one line: {p.stderr}")
    for word in words:
        expect(word in p.stderr, f"\"{word}\" is not named: {p.stderr.strip()}")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def letters_model(folder):
    """A model that can score multiple choice and has a conversation format: a fixture whose last merges are letters."""
    source = os.path.join(FIXTURES, "tiny-mistral")
    os.makedirs(folder)
    for name in "config.json", "model.safetensors", "tokenizer_config.json":
        shutil.copy(os.path.join(source, name), folder)
    with open(os.path.join(source, "tokenizer.json"), encoding="utf-8") as f:
        t = json.load(f)
    vocab, merges = t["model"]["vocab"], t["model"]["merges"]
    for letter in "ABCD":
        a, b = merges.pop()
        vocab["\u0120" + letter] = vocab.pop(a + b)
        merges.insert(0, ["\u0120", letter])
    for token in t["added_tokens"]:
        if token["content"] == "<note>":
            token["content"] = "<|im_start|>"
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(t, f)
    return folder


class Contents:
    """Everything that a run says: its rows with all their parts by id, and what does not belong to a row."""

    def __init__(self, run):
        db = sqlite3.connect(f"file:{run}?mode=ro", uri=True)
        tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        columns = {t: [c for _, c, *_ in db.execute(f"PRAGMA table_info({t})")] for t in tables}
        self.by_place = [t for t in tables if "place" in columns[t] and "step" not in columns[t] and t != "trained"]
        self.place = {i: p for p, i in db.execute("SELECT place, id FROM examples")}
        self.order = sorted(self.place, key=self.place.get)
        id_at = {p: i for i, p in self.place.items()}
        self.rows = {i: {t: [] for t in self.by_place} for i in self.place}  # id -> table -> its lines without the place
        for t in self.by_place:
            at = columns[t].index("place")
            for line in db.execute(f"SELECT * FROM {t} ORDER BY {', '.join(columns[t])}"):
                expect(line[at] in id_at, f"{t} has lines of a row that is not there: {line}")
                self.rows[id_at[line[at]]][t].append(line[:at] + line[at + 1:])
        self.settings = dict(db.execute("SELECT key, value FROM settings"))
        self.binding = {k for (k,) in db.execute("SELECT key FROM settings WHERE binding")}
        self.sets = {t: db.execute(f"SELECT * FROM {t} ORDER BY 1, 2, 3").fetchall() for t in ("exemplar_sets", "exemplars", "shown")}
        self.changes = {(w, i) for w, i in db.execute("SELECT what, id FROM changes") if w not in ("moved", "data", "added")}
        expect(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the file is damaged")
        db.close()
        expect(os.listdir(os.path.dirname(run)).count(os.path.basename(run) + "-journal") == 0, "a journal is left")

    def result(self, row):
        """What was computed of a row, without its fields: the numbers and texts."""
        return {t: lines for t, lines in self.rows[row].items() if t in ("knowledge", "prompts", "others", "drawn")}

    def exemplars(self, relation):
        """Ids of the relation's exemplars, in the order of the sets."""
        return [line[3] for line in self.sets["exemplars"] if line[0] == relation]


def difference(a, b):
    """Where two rows of Contents differ, in words."""
    for t in a:
        if a[t] != b[t]:
            return f"{t}: {a[t]} instead of {b[t]}"[:600]
    return "equal"


def shown(run):
    """Rows as the program lists them, by id."""
    return {json.loads(line)["id"]: line for line in done("show", run, "--rows", "--json").stdout.split("\n")[:-1]}


def notes(run):
    return json.loads(done("show", run, "--json").stdout).get("notes", [])


def main(cases):
    """cases: (name, function of a fresh folder). Those that are named on the command line, or all."""
    wanted = sys.argv[3:]
    cases = [c for c in cases if not wanted or any(re.search(w, c[0]) for w in wanted)]
    bad, began = 0, time.time()
    room = "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 28 else None
    with tempfile.TemporaryDirectory(prefix="ken-identity-", dir=os.environ.get("TMPDIR", room)) as folder:
        print(f"1..{len(cases)}")
        for n, (name, case) in enumerate(cases, 1):
            here = os.path.join(folder, str(n))
            os.mkdir(here)
            try:
                case(here)
                print(f"ok {n} - {name}", flush=True)
            except (Wrong, subprocess.TimeoutExpired, KeyError, IndexError, ValueError, OSError, sqlite3.Error) as e:
                bad += 1
                print(f"not ok {n} - {name}\n# " + f"{type(e).__name__}: {e}".replace("\n", "\n# "), flush=True)
            shutil.rmtree(here)
    print(f"# {len(cases) - bad} of {len(cases)} in {time.time() - began:.1f} s")
    return 1 if bad else 0
