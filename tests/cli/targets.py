#!/usr/bin/env python3
"""targets.py KEN SOURCE - what rows are taught besides their answers: the model's own answers, and how sure to be.

The model's own answer is looked up in the run with SQLite and counted here once more; sets are read back as trainers would. Prints TAP.
"""
import json, os, re, sqlite3, string, sys, tempfile, unicodedata

sys.path.insert(0, os.path.join(os.path.abspath(sys.argv[2]), "tests", "run"))
from runs import FIXTURES, Wrong, call, done, expect, jsonl, write

MODEL = os.path.join(FIXTURES, "tiny-llama-tied")
SURE, UNSURE = ". Are you sure? I am sure.", ". Are you sure? I am unsure."


def normal(s):
    s = "".join(c for c in unicodedata.normalize("NFKC", s).lower() if c not in string.punctuation)
    return " ".join(w for w in s.split() if w not in ("a", "an", "the"))


def rows_of(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def make():
    data = [{"id": f"d{i}", "relation": "R", "split": "dev", "question": f"d{i}?", "answer": "abcdefghij"[i]} for i in range(10)]
    data += [{"id": f"t{i}", "relation": "R", "split": "train", "question": f"q{i}?", "answers": ["igh", "a"]} for i in range(24)]
    write("data.jsonl", jsonl(data))
    small = ["-q", "-m", MODEL, "-d", "data.jsonl", "-t", "1", "--shots", "2", "--prompts", "5", "--samples", "4", "--max-new", "3"]
    done("annotate", *small, "-o", "run.ken")
    done("annotate", *small, "--no-texts", "-o", "bare.ken")


def said():
    """What the model says most often to each row, the earliest of equals: (text or None, right)"""
    db, found = sqlite3.connect("run.ken"), {}
    for place, id_ in db.execute("SELECT place, id FROM examples"):
        texts = [(normal(t), t, hit) for t, hit in db.execute("SELECT text, greedy_hit FROM prompts WHERE place = ? ORDER BY prompt", (place,))]
        words = [w for w, _, _ in texts]
        best = max(range(len(texts)), key=lambda i: (words.count(words[i]), -i))
        found[id_] = (texts[best][1].strip(" \t\r\n") or None, bool(texts[best][2]))
    return found


def own_answers_of_all():
    own = said()
    p = done("select", "run.ken", "--own-answers", "all", "-o", "own.jsonl", "--to", "trl")
    rows = rows_of("own.jsonl")
    expect({r["id"] for r in rows} == {i for i in own if own[i][0]}, "another set of rows")
    for r in rows:
        expect(r["completion"] == own[r["id"]][0], f"{r['id']}: {r['completion']!r}, the model says {own[r['id']][0]!r}")
    wrong, missing = sum(not own[r["id"]][1] for r in rows), sum(t is None for t, _ in own.values())
    expect(f"{len(rows)} targets are the model's own answers" in p.stderr and f"{wrong} of these are not accepted" in p.stderr, p.stderr)
    expect((f"{missing} rows were dropped" in p.stderr) == (missing > 0), p.stderr)
    counts = json.load(open("own.jsonl.manifest.json"))
    expect('"own-answers": "all"' in json.dumps(counts), "the manifest does not say it")
    expect(len({r["completion"] for r in rows}) > 1 and wrong > 0, "the test is empty")
    # Joined by id to the data it is the same, and so it is trained: the rows are fitted when they say it.
    done("select", "data.jsonl", "--split", "train", "--labels", "run.ken", "--own-answers", "all", "-o", "joined.jsonl", "--to", "trl")
    expect([r["completion"] for r in rows_of("joined.jsonl")] == [r["completion"] for r in rows], "the labels' run gives other answers")
    whole = done("train", "-q", "-m", MODEL, "-t", "1", "-d", "run.ken", "--own-answers", "all", "--max-steps", "1", "-o", "t")
    target = {i: t for i, t in sqlite3.connect("t/train.ken").execute("SELECT id, target FROM trained")}
    expect({i: t.strip() for i, t in target.items()} == {r["id"]: r["completion"] for r in rows}, f"trained: {target} {whole.stderr}")


def own_answers_of_unknown_rows():
    own = said()
    labels = {r["id"]: r["category"] for r in map(json.loads, done("show", "run.ken", "--rows", "--json").stdout.splitlines())}
    done("select", "run.ken", "--own-answers", "unknown", "-o", "unknown.jsonl", "--to", "trl")
    rows = rows_of("unknown.jsonl")
    for r in rows:
        want = own[r["id"]][0] if labels[r["id"]] == "Unknown" else "igh"
        expect(r["completion"] == want, f"{r['id']} ({labels[r['id']]}): {r['completion']!r}, expected {want!r}")
    expect(any(labels[r["id"]] == "Unknown" for r in rows), "the test is empty")


def own_answers_need_texts():
    p = call("select", "bare.ken", "--own-answers", "all", "-o", "x.jsonl")
    expect(p.returncode == 2 and "own answer" in p.stderr and not os.path.exists("x.jsonl"), f"{p.returncode}: {p.stderr}")
    p = call("select", "data.jsonl", "--own-answers", "all", "-o", "x.jsonl")
    expect(p.returncode == 2 and "run" in p.stderr, f"{p.returncode}: {p.stderr}")


COLOURS = ["red", "blue", "green", "grey"]
LABELLED = [{"id": f"r{i}", "question": f"Colour {i}?", "answer": COLOURS[i % 4], "category": "Unknown" if i % 3 == 0 else "MaybeKnown",
             "p_t": [0.1, 0.5, 0.3, 0.9, 0.2, 0.7, 0.4, 0.8][i]} for i in range(8)]


def certainty_by_category_and_by_p():
    write("cat.jsonl", jsonl(LABELLED))
    for by, sure in (("category", lambda r: r["category"] != "Unknown"), ("p", lambda r: r["p_t"] >= 0.5)):
        p = done("select", "cat.jsonl", "--certainty", by, "-o", f"{by}.jsonl", "--to", "trl")
        for r, x in zip(LABELLED, rows_of(f"{by}.jsonl")):
            expect(x["completion"] == r["answer"] + (SURE if sure(r) else UNSURE), f"{by}: {x['completion']!r} of {r}")
        expect(f"{sum(map(sure, LABELLED))} targets say that they are sure" in p.stderr, p.stderr)
    done("select", "cat.jsonl", "--certainty", "category", "--idk", "No idea", "-o", "idk.jsonl", "--to", "trl")
    for r, x in zip(LABELLED, rows_of("idk.jsonl")):
        expect(x["completion"] == ("No idea" if r["category"] == "Unknown" else r["answer"] + SURE), f"with --idk: {x['completion']!r}")
    p = call("select", "data.jsonl", "--split", "train", "--certainty", "category", "-o", "x.jsonl")
    expect(p.returncode == 2 and "category" in p.stderr, p.stderr)
    write("half.jsonl", jsonl([{**r, "p_t": None} if i == 3 else r for i, r in enumerate(LABELLED)]))
    p = call("select", "half.jsonl", "--certainty", "p", "-o", "x.jsonl")
    expect(p.returncode == 3 and "half.jsonl:4" in p.stderr, f"{p.returncode}: {p.stderr}")


def certainty_is_read_back():
    """A model that has learned it says it; its answers are judged without it, and counted by it."""
    train = ["train", "-q", "-m", MODEL, "-t", "1", "--epochs", "150", "--batch", "8", "--lr", "1e-2", "--dropout", "0", "--eval-every", "50"]
    done(*train, "-d", "cat.jsonl", "--certainty", "category", "-o", "sure")
    done(*train, "-d", "category.jsonl", "-o", "again")  # the set of ken select: the same targets, found by themselves
    for out in ("sure", "again"):
        j = json.loads(done("show", out, "--json").stdout)
        last = {(m["set"], m["grouping"], m["key"]): m for m in j["points"][-1]["measures"]}
        expect(j["converged"] and last["train", "all", ""]["hits"] == 8, f"{out}: not fitted")
        for says, n in (("sure", 5), ("unsure", 3)):
            m = last["train", "certainty", says]
            expect(m["examples"] == n and m["hits"] == n, f"{out}: {says}: {m}")
    j = json.loads(done("eval", "-q", "-m", "sure", "-t", "1", "-d", "cat.jsonl", "--certainty", "--max-new", "64", "--json").stdout)
    expect(j["hits"] == 8 and j["groups"]["certainty"]["sure"]["examples"] == 5 and j["groups"]["certainty"]["unsure"]["hits"] == 3, str(j["groups"]))
    expect(j["commonest"]["answer"] in COLOURS, j["commonest"])
    wrong = json.loads(done("eval", "-q", "-m", "sure", "-t", "1", "-d", "cat.jsonl", "--max-new", "64", "--json").stdout)
    expect(wrong["hits"] == 0 and "certainty" not in wrong["groups"], "without the option the whole text is the answer")
    expect("sure" in done("show", "sure").stdout, "the table does not show it")


CASES = [own_answers_of_all, own_answers_of_unknown_rows, own_answers_need_texts, certainty_by_category_and_by_p, certainty_is_read_back]
failed = 0
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    make()
    print(f"1..{len(CASES)}")
    for n, case in enumerate(CASES, 1):
        try:
            case()
            print(f"ok {n} - {case.__name__}", flush=True)
        except (Wrong, KeyError, OSError, sqlite3.Error) as e:
            failed = 1
            print(f"not ok {n} - {case.__name__}\n# {type(e).__name__} " + str(e).replace("\n", "\n# "), flush=True)
    os.chdir("/")
sys.exit(failed)
