#!/usr/bin/env python3
"""Shows that a change kept every result: runs the same command lines with two builds of ken and compares what they print.

    tools/compare-builds.py OLD NEW [--data DIR] [--work DIR] [--only bytes|cost] [--case NAME...] [--except NAME...] [--pairs N]

OLD and NEW are two programs; DIR of --data holds entityquestions/, popqa/ and mmlu/ (default $KEN_TEST_DATA).

bytes: each case of CASES is run with both, and what `ken show`, explain, diff and score print of it must be equal byte for byte, but for
    the order of keys in JSON; so must what a run keeps of each prompt, and the weights that a training wrote. Tables on a terminal and
    pages may look otherwise: every number in them must still be there. Times, paths and token-forwards are left out; the latter
    are printed beside each other, as a change may save some. A line for each case, and where it differs the first line that does. Results are kept under --work by the content of program, command lines, model and data, so that OLD runs once and
    is then compared with many a NEW. What was compared of a case is the file WORK/PROGRAM/CASE/output, for diff.
cost: each command of COSTS is run by OLD and NEW in turn, --pairs times: processor seconds, peak memory, medians, and NEW/OLD.

A case named with --except is expected to differ (something was mended): it is run and reported, but does not count. The exit status
is 0 when every other case is equal, 1 when one differs or a command fails. The whole takes a quarter of an hour for each program on
two quiet cores, and the costs as long again for both. OLD twice shows that results repeat. KEN_MODEL and KEN_THREADS are handed
on, other settings of the environment are not.
"""
import argparse, hashlib, html, json, os, re, shlex, shutil, sqlite3, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TINY = ["llama-bias", "llama-linear", "llama-tied", "llama3", "mistral", "qwen2", "qwen3"]


# ---- the cases ------------------------------------------------------------------------------------------------------------
#
# A case is a name and its command lines, without the program, which run one after the other in a folder of the case's own;
# `../OTHER/x.ken` is a file of another case, which is run first. {words} are paths: see places(). Two verbs are this script's: `tables
# RUN` prints all that a run keeps of rows, prompts and samples, `hash FILE...` the SHA-256 of files, `numbers VERB...` the numbers in what
# a verb prints for people, of `report` those in the page's text. What the verbs in PRINTS say is compared; the others only leave files.

PRINTS = ("show", "explain", "diff", "score", "tables", "hash", "numbers")
MMLU = "-d {mmlu} --split test --relation abstract_algebra,global_facts,high_school_geography,miscellaneous,world_religions"
EQ = "-d {eq} --protocol slick --split test"
FEW = EQ + " --relation P17,P36,P495"
WORLD = "-m {tiny-llama-tied} -d {world}"
SMALL = "--per-relation 2 --shots 1 --prompts 4"  # the context of the tiny models has no room for more


def kept(*runs):
    return [line for run in runs for line in (f"show {run} --rows --json", f"show {run} --json", f"tables {run}")]


def annotate(run, options):
    return [f"annotate -q {options} -o {run}", *kept(run)]


def evaluate(run, options):
    return [f"eval -q {options} -o {run}", *kept(run)]


def train(folder, options, *files):
    return [f"train -q {options} -o {folder}", *kept(folder + "/train.ken"), "hash " + " ".join(f"{folder}/{f}" for f in files)]


CASES = {
    # exact annotation
    "entityquestions": annotate("a.ken", EQ + " --per-relation 16"),
    "popqa": annotate("a.ken", "-d {popqa} --per-relation 14"),
    "mmlu": annotate("a.ken", MMLU + " --per-relation 20"),
    "extended": [f"annotate -q {FEW} --per-relation 4 -o a.ken", *annotate("a.ken", FEW + " --per-relation 8"),
                 f"annotate -q {FEW} --limit 10 -o b.ken", *annotate("b.ken", FEW + " --limit 20")],
    "control": annotate("a.ken", FEW + " --per-relation 20 --control"),
    "control-em-raw": annotate("a.ken", FEW + " --per-relation 5 --control --matcher em-raw"),
    "shots-0": annotate("a.ken", FEW + " --per-relation 8 --shots 0"),
    "chat-template": annotate("a.ken", FEW + " --per-relation 8 --chat-template"),
    "no-texts": annotate("a.ken", FEW + " --per-relation 8 --no-texts"),
    "rules": [*annotate("top-k.ken", FEW + " --per-relation 3 --top-k 5 --temperature 1 --samples 4 --prompts 5"),
              *annotate("stop.ken", FEW + " --per-relation 3 --prompts 5 --stop , --max-new 6 --exemplar-seed 3 --seed 3"),
              *annotate("budget.ken", FEW + " --per-relation 3 --prompts 5 --mass-budget 1e-3 --template '{question} '")],
    # the published procedure
    "sample": annotate("a.ken", EQ + " --per-relation 3 --method sample"),
    "sample-contains": annotate("a.ken", FEW + " --per-relation 4 --method sample --matcher contains"),
    "sample-f1": annotate("a.ken", FEW + " --per-relation 4 --method sample --matcher f1@0.5"),
    # every family of networks, and matchers, on random models
    "tiny": [line for t in TINY for line in annotate(f"{t}.ken", f"-m {{tiny-{t}}} -d {{world}} {SMALL}")],
    "tiny-control": [line for m in ("em-squad", "em-raw", "em-alias")
                     for line in annotate(f"{m}.ken", f"{WORLD} {SMALL} --control --matcher {m}")],
    "tiny-sample": [line for m in ("em-squad", "contains", "f1@0.5")
                    for line in annotate(f"{m}.ken", f"{WORLD} {SMALL} --method sample --matcher {m}")],
    "tiny-memory": annotate("a.ken", f"{WORLD} {SMALL} --memory 1K"),
    # evaluation
    "eval": evaluate("e.ken", EQ + " --per-relation 11 --matcher em-squad,contains --labels ../entityquestions/a.ken"),
    "eval-few-shot": evaluate("e.ken", FEW + " --per-relation 10 --prompt few-shot --matcher em-raw,f1@0.5"),
    "eval-mmlu": evaluate("e.ken", MMLU + " --per-relation 12"),
    "eval-text": evaluate("e.ken", "--text {readme}") + evaluate("f.ken", "--text {readme} --window 256 --stride 128"),
    # what is read from runs
    "explain": [f"explain ../entityquestions/a.ken {i} {j}"
                for i in ("P17/test/0", "P36/test/1", "P495/test/2") for j in ("", "--json")],
    "diff": [*annotate("b.ken", EQ + " --per-relation 3 --exemplar-seed 1 --seed 1"),
             *(f"diff ../entityquestions/a.ken b.ken --common {o}" for o in ("--json", "--rows all --json", "--limit 0")),
             "diff ../tiny/mistral.ken ../tiny/qwen3.ken --json", "diff ../eval/e.ken ../eval/e.ken --json",
             "diff ../mmlu/a.ken ../mmlu/a.ken --json"],
    "score": [f"score ../{r}/a.ken {o} {j}"
              for r, o in (("entityquestions", "--matcher em-raw"), ("entityquestions", "--matcher contains"),
                           ("entityquestions", "--prompts 5 --samples 4 --seed 2"), ("sample", "--matcher em-raw"),
                           ("sample", "--matcher contains"), ("sample", "--matcher f1@0.5"), ("popqa", "--label mode"))
              for j in ("--json", "--rows --json")]
             + ["score ../entityquestions/a.ken --curve --json", "score ../entityquestions/a.ken --against ../diff/b.ken --json"],
    # fine-tuning
    "train": train("t", "-d ../entityquestions/a.ken --max-steps 100 --batch 4 --lr 5e-5 --compute bf16 --dev {eq} --test {popqa} "
                   "--eval-limit 60", "model.safetensors", "last/model.safetensors"),
    "train-f32": train("t", "-d ../entityquestions/a.ken --max-steps 8 --batch 16 --lr 5e-5 --dropout 0 --fit-limit 40",
                       "model.safetensors"),
    "train-lora": train("t", WORLD + " --limit 200 --epochs 3 --batch 16 --lr 1e-3 --lora r=4,dropout=0.1 --dev {world} "
                        "--eval-limit 60", "adapter_model.safetensors"),
    "train-teacher": [line for who in ("base", "epoch:1")
                      for line in train(who.replace(":", "-"), f"{WORLD} --limit 200 --epochs 3 --batch 16 --lr 1e-3 --kl 0.5 "
                                        f"--kl-teacher {who} --dev {{world}} --test {{world}} --eval-limit 60 --gguf Q8_0",
                                        "model.safetensors", "model-q8_0.gguf")],
    "train-tiny": [line for t in TINY
                   for line in train(t, f"-m {{tiny-{t}}} -d {{world}} --limit 100 --epochs 2 --batch 16 --lr 1e-3 --dev {{world}} "
                                     "--eval-limit 40", "model.safetensors")],
}

COSTS = {
    "cost-annotate": "annotate -q -d {eq} --protocol slick --split test --relation P17,P19,P36,P50,P495 --per-relation 20 -o a.ken",
    "cost-train": "train -q -d {eq} --protocol slick --relation P17,P19,P36,P50,P495 --per-relation 100 --max-steps 30 --batch 16 "
                  "--lr 5e-5 --fit-limit 20 -o t",
}


CASES["terminal"] = [f"numbers {line}" for line in (
    "show ../entityquestions/a.ken", "show ../entityquestions/a.ken -v", "show ../mmlu/a.ken", "show ../eval/e.ken", "show ../eval-mmlu/e.ken",
    "show ../eval-text/e.ken", "show ../train-lora/t/train.ken", "diff ../entityquestions/a.ken ../diff/b.ken --common",
    "diff ../eval/e.ken ../eval/e.ken", "diff ../mmlu/a.ken ../mmlu/a.ken", "score ../entityquestions/a.ken --matcher em-raw",
    "score ../entityquestions/a.ken --curve", "score ../entityquestions/a.ken --against ../diff/b.ken",
    "explain ../entityquestions/a.ken P36/test/1", "data {world}", "data {eq} --protocol slick", "select ../entityquestions/a.ken --dry-run")]
CASES["page"] = [f"numbers report {runs}" for runs in (
    "../entityquestions/a.ken", "../mmlu/a.ken", "../eval/e.ken", "../train-lora/t/train.ken", "../entityquestions/a.ken ../diff/b.ken")]


# ---- running a case -------------------------------------------------------------------------------------------------------

# What may differ: how long it took, where files lie. In JSON, each with the comma behind it.
VOLATILE = re.compile(r'"(?:seconds|data|dir|run|[a-z_]*path|token_forwards)":(?:"(?:[^"\\]|\\.)*"|[^,}\]]*),?')
FORWARDS = re.compile(r'"token_forwards":(\d+)')
# Times and paths, of which `ken show --json` has what matters; and what identifies rows, which formats before 3 do not say.
OTHER_TABLES = ("settings", "costs", "points", "identities", "aliases", "shown", "changes")
NUMBERS = "numbers: "
LARGE = 64 << 20  # weights of this size are deleted once their hash is taken


def environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith("KEN_") or k in ("KEN_MODEL", "KEN_THREADS")}
    return {**env, "LC_ALL": "C.UTF-8", "OMP_WAIT_POLICY": "passive"}


def places(data):
    fixture = os.path.join(ROOT, "tests", "fixtures", "model", "tiny-{}", "model.gguf")
    return {"eq": os.path.join(data, "entityquestions", "dataset"), "popqa": os.path.join(data, "popqa", "popqa_union.jsonl"),
            "mmlu": os.path.join(data, "mmlu", "data", "mmlu"), "world": os.path.join(ROOT, "data", "world"),
            "readme": os.path.join(ROOT, "README.md"), **{"tiny-" + t: fixture.format(t) for t in TINY}}


def default_model():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("KEN_MODEL") or os.path.join(cache, "ken", "SmolLM2-135M-Instruct.Q4_1.gguf")


def content(path, known={}):
    """SHA-256 of a file, or of the names and files of a folder"""
    if path not in known:
        h = hashlib.sha256()
        if os.path.isdir(path):
            for name in sorted(os.listdir(path)):
                h.update(f"{name} {content(os.path.join(path, name))}\n".encode())
        else:
            with open(path, "rb") as f:
                while block := f.read(1 << 20):
                    h.update(block)
        known[path] = h.hexdigest()
    return known[path]


def tables(run):
    """All rows that a run keeps, in the order of their keys and with the digits that ken prints"""
    lines = []
    with sqlite3.connect(f"file:{run}?mode=ro", uri=True) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid").fetchall():
            if table in OTHER_TABLES:
                continue
            columns = db.execute(f"PRAGMA table_info({table})").fetchall()
            keys = [name for at, name in sorted((c[5], c[1]) for c in columns) if at]  # c[5]: place in the primary key
            for row in db.execute(f"SELECT * FROM {table} ORDER BY {', '.join(keys)}"):
                values = [float(f"{v:.9g}") if isinstance(v, float) else v.hex() if isinstance(v, bytes) else v for v in row]
                lines.append(table + " " + json.dumps(values, ensure_ascii=False))
    return "\n".join(lines)


def ordered(text):
    """Without what may differ, the keys of JSON objects in the order of the alphabet"""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if line.startswith("{"):
            try:
                lines[i] = json.dumps(json.loads(line), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
            except ValueError:
                pass
    return VOLATILE.sub("", "\n".join(lines))


def numbers(text):
    """The numbers in a text, each once, on one line; tags, scripts and pictures of a page left out"""
    text = re.sub(r"(?s)<(script|style|svg|figure).*?</\1>", " ", text) if text.startswith("<!") else text
    text = html.unescape(re.sub(r"<[^>]*>", " ", text)) if text.startswith("<!") else text
    text = re.sub(r"\b[0-9a-f]{64}\b", " ", text)  # what a hash is taken of may be spelled otherwise
    return NUMBERS + " ".join(sorted(set(re.findall(r"\d[\d,]*(?:\.\d+)?", text))))


class Program:
    """One of the two, with the folder of its results. A result stands as long as its key: what went into it."""

    def __init__(self, path, work, again=False):
        self.path = os.path.abspath(path)
        self.folder = os.path.join(work, content(self.path)[:16] + ("-again" if again else ""))
        self.results = {}

    def key(self, name, o):
        inputs = [content(self.path), content(o.model), VOLATILE.pattern, "ordered 2"]
        for line in CASES[name]:
            inputs += [line, *(content(o.places[p]) for p in re.findall(r"\{([\w-]+)\}", line) if p in o.places)]
        inputs += [self.key(n, o) for n in needed(name)]
        return hashlib.sha256("\n".join(inputs).encode()).hexdigest()

    def run(self, name, o):
        """The result of a case: dict of key, rows, token_forwards, seconds, kept, failed; its text is in the file `output`"""
        if name in self.results:
            return self.results[name]
        for other in needed(name):
            failed = self.run(other, o)["failed"]
            if failed:
                return {"rows": 0, "token_forwards": 0, "seconds": 0, "failed": f"{other} failed: {failed}"}
        folder, key = os.path.join(self.folder, name), self.key(name, o)
        done = os.path.join(folder, "result.json")
        result = {}
        if os.path.exists(done):
            with open(done) as f:
                result = {**json.load(f), "kept": True}
        if result.get("key") != key:
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            result = {"key": key, **self.commands(name, folder, o)}
            if not result["failed"]:
                with open(done, "w") as f:
                    json.dump(result, f)
        self.results[name] = result
        return result

    def commands(self, name, folder, o):
        rows, forwards, failed, began = 0, 0, "", time.time()
        with open(os.path.join(folder, "output"), "w") as out:
            for line in CASES[name]:
                words = arguments(line, o)
                try:
                    text = self.answer(words, folder)
                except (OSError, RuntimeError, sqlite3.Error) as e:
                    failed = f"ken {line}: {e}"
                    break
                if words[0] == "show":
                    forwards += max(map(int, FORWARDS.findall(text)), default=0)
                if words[0] in PRINTS:
                    rows += sum(l.startswith('{"id"') for l in text.split("\n"))
                    out.write(f"$ ken {line}\n{ordered(text)}\n")
        seconds = time.time() - began
        for at, _, files in os.walk(folder):
            for file in files:
                if os.path.getsize(os.path.join(at, file)) > LARGE:
                    os.unlink(os.path.join(at, file))
        return {"rows": rows, "token_forwards": forwards, "seconds": seconds, "failed": failed}

    def answer(self, words, folder):
        if words[0] == "numbers" and words[1] == "report":
            self.answer([*words[1:], "-o", "page.html", "-q"], folder)
            with open(os.path.join(folder, "page.html"), encoding="utf-8") as f:
                return numbers(f.read())
        if words[0] == "numbers":
            return numbers(self.answer(words[1:], folder))
        if words[0] == "tables":
            return tables(os.path.join(folder, words[1]))
        if words[0] == "hash":
            return "\n".join(f"{w} {content(os.path.join(folder, w), {})}" for w in words[1:])
        done = subprocess.run([self.path, *words], cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="backslashreplace")
        if done.returncode != 0:
            raise RuntimeError(f"exit status {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def output(self, name):
        with open(os.path.join(self.folder, name, "output")) as f:
            return f.read().split("\n")


def needed(name):
    return sorted({n for line in CASES[name] for n in re.findall(r"\.\./([\w-]+)/", line)})


def arguments(line, o):
    return shlex.split(re.sub(r"\{([\w-]+)\}", lambda m: o.places.get(m[1], m[0]), line))


# ---- bytes ----------------------------------------------------------------------------------------------------------------

def excerpt(line, at):
    """300 characters of a line, around its character `at`"""
    if line is None:
        return "(no such line)"
    start = max(0, at - 200) if len(line) > 300 else 0
    return ("..." if start else "") + line[start:start + 300] + ("..." if start + 300 < len(line) else "")


def difference(a, b):
    """Text about the first line that differs; None when there is none"""
    a, b = list(a), list(b)
    for i, (x, y) in enumerate(zip(a, b)):
        if x.startswith(NUMBERS) and y.startswith(NUMBERS): # more may be there
            missing = sorted(set(x.split()) - set(y.split()))
            a[i], b[i] = ("", "") if not missing else (NUMBERS + "not there any more: " + " ".join(missing), "")
    if a == b:
        return None
    n = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    x, y = (l[n] if n < len(l) else None for l in (a, b))
    at = len(os.path.commonprefix([x or "", y or ""]))
    begin = max(i for i in range(min(n, len(a) - 1) + 1) if a[i].startswith("$ ken "))
    return f"    {a[begin]}: line {n - begin}, character {at + 1}\n    old {excerpt(x, at)}\n    new {excerpt(y, at)}"


def compare(old, new, names, o):
    """Runs and reports the cases; the number of those that are not equal and were not expected to differ"""
    bad = 0
    print(f"{'case':<18}{'rows':>6}  {'':<19}{'token-forwards old / new':>26}{'seconds old / new':>26}", flush=True)
    for name in names:
        a, b = old.run(name, o), new.run(name, o)
        failed = "".join(f"    {who}: {r['failed']}\n" for who, r in (("old", a), ("new", b)) if r["failed"])
        found = failed.rstrip() if failed else difference(old.output(name), new.output(name))
        verdict = "FAILED" if failed else "DIFFERS" if found else "equal"
        if name in o.excepted:
            verdict += ", expected" if found else ", unexpected"
        if found and (name not in o.excepted or b["failed"]):
            bad += 1
        seconds = " / ".join(f"{r['seconds']:.0f}" + (" (kept)" if r.get("kept") else "") for r in (a, b))
        forwards = f"{a['token_forwards']:,} / {b['token_forwards']:,}"
        print(f"{name:<18}{a['rows']:>6,}  {verdict:<19}{forwards:>26}{seconds:>26}", flush=True)
        if found:
            print(found, flush=True)
    total = " / ".join(f"{sum(p.run(n, o)['seconds'] for n in names) / 60:.1f}" for p in (old, new))
    print(f"{len(names)} cases, {bad} not equal" + (f", {len(o.excepted)} expected to differ" if o.excepted else "")
          + f"; {total} minutes; outputs in {old.folder} and {new.folder}")
    return bad


# ---- cost -----------------------------------------------------------------------------------------------------------------

def measured(program, line, o):
    """(processor seconds, peak memory in MiB) of one run in a new folder"""
    with tempfile.TemporaryDirectory(dir=o.work) as folder, tempfile.TemporaryFile() as err:
        p = subprocess.Popen([program.path, *arguments(line, o)], cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=err)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode != 0:
            err.seek(0)
            sys.exit(f"{program.path} {line}: exit status {p.returncode}: {err.read().decode(errors='replace')[-500:]}")
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def cost(old, new, names, o):
    for name in names:
        print(f"{name:<18}{'old':>12}{'new':>12}{'old':>14}{'new':>14}", flush=True)
        pairs = []
        for i in range(o.pairs):
            pairs.append([measured(p, COSTS[name], o) for p in (old, new)])
            (s, m), (t, n) = pairs[-1]
            print(f"  pair {i + 1:<11}{s:>10.2f} s{t:>10.2f} s{m:>10.1f} MiB{n:>10.1f} MiB", flush=True)
        (s, m), (t, n) = ([statistics.median(pair[who][what] for pair in pairs) for what in (0, 1)] for who in (0, 1))
        print(f"  median          {s:>10.2f} s{t:>10.2f} s{m:>10.1f} MiB{n:>10.1f} MiB")
        print(f"  new / old: processor time {t / s:.4f}, peak memory {n / m:.4f}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("old", metavar="OLD")
    p.add_argument("new", metavar="NEW")
    p.add_argument("--data", default=os.environ.get("KEN_TEST_DATA"), help="the test data (default: $KEN_TEST_DATA)")
    p.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "ken-compare-builds"), help="where results are kept")
    p.add_argument("--only", choices=["bytes", "cost"])
    p.add_argument("--case", nargs="+", default=[], metavar="NAME", help="of: " + ", ".join([*CASES, *COSTS]))
    p.add_argument("--except", nargs="+", default=[], metavar="NAME", dest="excepted", help="cases that are expected to differ")
    p.add_argument("--pairs", type=int, default=5, help="how often the cost of each is measured")
    o = p.parse_args()
    for name in o.case + o.excepted:
        if name not in CASES and (name not in COSTS or name in o.excepted):
            p.error(f"there is no case {name}")
    if not o.data:
        p.error("where is the test data? Name it with --data or KEN_TEST_DATA")
    o.places, o.model = places(os.path.abspath(o.data)), default_model()
    for path in (o.old, o.new, o.model, *o.places.values()):
        if not os.path.exists(path):
            p.error(f"{path} is missing")
    o.work = os.path.abspath(o.work)
    os.makedirs(o.work, exist_ok=True)
    same = content(os.path.abspath(o.new)) == content(os.path.abspath(o.old))
    old, new = Program(o.old, o.work), Program(o.new, o.work, again=same)
    bad = 0
    if o.only != "cost":
        bad = compare(old, new, [n for n in CASES if n in o.case or not o.case], o)
    if o.only != "bytes":
        cost(old, new, [n for n in COSTS if n in o.case or not o.case], o)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
