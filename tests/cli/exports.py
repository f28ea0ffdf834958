#!/usr/bin/env python3
"""What `ken select --to FORMAT` writes, against the formats as the trainers document them.

    tests/cli/exports.py KEN

A reader written from the documentation alone (TRL "Dataset formats", LLaMA-Factory data/README, Axolotl "Template-Free", mlx-lm LORA.md,
RFC 4180), in plain Python: it must find in each file the questions and targets that went in, and the keys that are promised, no others. The
real programs do the same in tests/oracles/exports_oracle.py and trainers_oracle.py. Prints TAP.
"""
import csv, hashlib, json, os, pathlib, subprocess, sys, tempfile

HEAD = "Answer the following question.\n"
EXTRA = ["id", "relation", "category", "p_t0", "p_t", "weight"]
COLUMNS = ["question", "answers", "target", "id", "relation", "subject", "split", "popularity", "category", "p_t0", "p_t", "p_unknown", "weight"]
OWN = {"trl": ["prompt", "completion"], "messages": ["messages"], "alpaca": ["instruction", "input", "output"], "sharegpt": ["conversations"],
       "axolotl": ["segments"], "text": ["text"], "mlx": ["text"], "csv": COLUMNS, "jsonl": COLUMNS}
TYPES = {"id": str, "relation": str, "category": str, "p_t0": float, "p_t": float, "weight": float}
ROWS = [("What is 2 + 2?", "four", "HighlyKnown"), ('Who said "no, never"?', 'A. "B" C', "MaybeKnown"), ("=1+1?", "@two", "WeaklyKnown"),
        ("Was ist größer: \u2028 oder \x85?", "keins \U0001F427", "Unknown"), ("Tab\there?", "bell \x07", "Unknown")]
N_TRAIN = len(ROWS)
failures = tests = 0


def test(name, f, *args):
    global failures, tests
    tests += 1
    try:
        f(*args)
        print(f"ok {tests} - {name}")
    except Exception as e:
        failures += 1
        print(f"not ok {tests} - {name}\n# {type(e).__name__}: {e}")


def expect(what, is_, want):
    if is_ != want: raise AssertionError(f"{what}: {is_!r} instead of {want!r}")


def ken(*args):
    env = {k: v for k, v in os.environ.items() if not k.startswith("KEN_")}
    return subprocess.run([KEN, *map(str, args)], capture_output=True, env=env)


# ---- one row, as a trainer takes it --------------------------------------------------------------------------------------


def turns(row, key, who, what, user, assistant):
    """LLaMA-Factory: the user at odd places, the assistant at even ones."""
    expect(key, [set(t) for t in row[key]], [{who, what}, {who, what}])
    expect("roles", [t[who] for t in row[key]], [user, assistant])
    return row[key][0][what], row[key][1][what]


def segments(row):
    """Axolotl joins the texts as they are; begin and end tokens are the writer's business."""
    for s in row["segments"]: expect("segment", (set(s), type(s["label"]), type(s["text"])), ({"label", "text"}, bool, str))
    whole = "".join(s["text"] for s in row["segments"])
    learnt = "".join(s["text"] for s in row["segments"] if s["label"])
    assert whole.startswith("<s>") and whole.endswith("</s>") and whole.endswith(learnt), whole
    return whole[len("<s>"):-len(learnt)], learnt[:-len("</s>")]


def prompt_and_target(f, row):
    if f == "trl": return row["prompt"], row["completion"]
    if f == "messages": return turns(row, "messages", "role", "content", "user", "assistant")
    if f == "sharegpt": return turns(row, "conversations", "from", "value", "human", "gpt")
    if f == "alpaca": return row["instruction"] + "\n" + row["input"] + "\n", row["output"]
    if f == "axolotl": return segments(row)
    if f in ("text", "mlx"): return row["text"].rsplit("\n", 1)[0] + "\n", row["text"].rsplit("\n", 1)[1]
    answers = json.loads(row["answers"]) if f == "csv" else row["answers"]
    expect("answers", answers, [row["target"]])
    return HEAD + row["question"] + "\n", row["target"]


def rows_of(f, path):
    data = path.read_bytes()
    text = data.decode("utf-8")  # and no byte-order mark
    assert not text.startswith("\ufeff") and "\r" not in text and text.endswith("\n")
    if f == "csv":
        with open(path, newline="", encoding="utf-8") as file: return list(csv.DictReader(file, strict=True))
    if path.suffix == ".json": return json.loads(text)
    expect("lines for Python and JavaScript", len(text.splitlines()), text.count("\n"))
    return [json.loads(line) for line in text.splitlines()]


def check_rows(f, path, strict=False, rows=None):
    got = rows_of(f, path)
    rows = ROWS if rows is None else rows
    expect("rows", len(got), len(rows))
    keys = OWN[f] if f not in ("csv", "jsonl") else COLUMNS[:3] if strict else COLUMNS
    if not strict and f not in ("csv", "jsonl"): keys = keys + EXTRA
    for row, (question, answer, category) in zip(got, rows):
        expect("keys", list(row), keys)
        expect("prompt and target", prompt_and_target(f, row), (HEAD + question + "\n", answer))
        if not strict:
            expect("category", row["category"], category)
            if f != "csv": expect("types", {k: type(row[k]) for k in EXTRA}, TYPES)


def check_manifest(manifest, files):
    m = json.loads(manifest.read_text())
    expect("files", [f["name"] for f in m["files"]], [f.name for f in files])
    for f, said in zip(files, m["files"]):
        expect("hash", hashlib.sha256(f.read_bytes()).hexdigest(), said["sha256"])
        expect("bytes", f.stat().st_size, said["bytes"])
    expect("template", m["template"], HEAD + "{question}\n")
    for key in ("request", "source", "counts"): assert key in m["train"]["selection"], key


# ---- files ----------------------------------------------------------------------------------------------------------------


def write(to, path, source, *more):
    tokens = ["--bos", "<s>", "--eos", "</s>"] if to == "axolotl" else []
    done = ken("select", source, "--to", to, "-o", path, *tokens, *more)
    expect("status", (done.returncode, done.stderr.decode() if done.returncode else ""), (0, ""))


def one_file(to, work, source, strict):
    ending = {"csv": "csv", "alpaca": "json", "sharegpt": "json"}.get(to, "jsonl")
    folder = work / f"{to}-{strict}"
    folder.mkdir()
    path = folder / f"facts.{ending}"
    write(to, path, source, *(["--strict-keys"] if strict else []))
    check_rows(to, path, strict)
    check_manifest(folder / f"facts.{ending}.manifest.json", [path])
    names = {path.name, path.name + ".manifest.json"} | ({"dataset_info.json"} if ending == "json" else set())
    expect("folder", {p.name for p in folder.iterdir()}, names)
    if ending == "json": check_info(folder, to)


def check_info(folder, to):
    """LLaMA-Factory: which file, how it is formatted, and which of its columns is what; what is not said has a default."""
    info = json.loads((folder / "dataset_info.json").read_text())
    entry = info["facts"]
    assert (folder / entry["file_name"]).is_file()
    expect("formatting", entry.get("formatting", "alpaca"), to)
    rows = rows_of(to, folder / entry["file_name"])
    columns = entry["columns"]
    if to == "alpaca":
        defaults = {"prompt": "instruction", "query": "input", "response": "output"}
        for row in rows:
            for what, default in defaults.items(): expect(what, type(row[columns.get(what, default)]), str)
    else:
        tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"} | entry.get("tags", {})
        for row in rows:
            turns_ = row[columns.get("messages", "conversations")]
            expect("roles", [t[tags["role_tag"]] for t in turns_], [tags["user_tag"], tags["assistant_tag"]])
            expect("content", [type(t[tags["content_tag"]]) for t in turns_], [str, str])


def beside_others(work, source):
    """An entry of somebody else in dataset_info.json stays; a file that cannot be read stops everything."""
    folder = work / "others"
    folder.mkdir()
    info = folder / "dataset_info.json"
    info.write_text('{"theirs": {"hf_hub_url": "a/b", "subset": "x"}}')
    write("alpaca", folder / "facts.json", source)
    write("sharegpt", folder / "talk.jsonl", source, "--name", "talk")
    said = json.loads(info.read_text())
    expect("names", list(said), ["theirs", "facts", "talk"])
    expect("theirs", said["theirs"], {"hf_hub_url": "a/b", "subset": "x"})
    expect("file", said["talk"]["file_name"], "talk.jsonl")
    check_rows("sharegpt", folder / "talk.jsonl")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    info.write_text("{broken")
    done = ken("select", source, "--to", "alpaca", "-o", folder / "new.json")
    expect("status", done.returncode, 3)
    assert b"dataset_info.json" in done.stderr, done.stderr
    info.write_bytes(before["dataset_info.json"])
    expect("folder", {p.name: p.read_bytes() for p in folder.iterdir()}, before)


def mlx(work, source, held_out):
    """mlx-lm: train.jsonl and valid.jsonl, which older versions need; every row on one line, with the key text."""
    folder = work / "mlx"
    done = ken("select", source, "--to", "mlx", "-o", folder)
    expect("status without --valid", done.returncode, 2)
    assert not folder.exists()
    write("mlx", folder, source, "--valid", held_out)
    check_rows("mlx", folder / "train.jsonl")
    check_rows("mlx", folder / "valid.jsonl", rows=[("Held out?", "yes", "Unknown")])
    check_manifest(folder / "manifest.json", [folder / "train.jsonl", folder / "valid.jsonl"])


def again(work, source):
    """Each file, selected again, is the set that it was."""
    first = work / "first.jsonl"
    write("jsonl", first, source)
    want = rows_of("jsonl", first)
    for to in OWN:
        if to == "mlx": continue
        ending = {"csv": "csv", "alpaca": "json", "sharegpt": "json"}.get(to, "jsonl")
        back = work / f"back-{to}.jsonl"
        write("jsonl", back, work / f"{to}-False" / f"facts.{ending}")
        kept = COLUMNS if to in ("csv", "jsonl") else ["question", "answers", "target"] + EXTRA
        for a, b in zip(want, rows_of("jsonl", back), strict=True): expect(to, [b[k] for k in kept], [a[k] for k in kept])


def main():
    global KEN
    if len(sys.argv) != 2: sys.exit(__doc__)
    KEN = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        source, held_out = work / "source.jsonl", work / "held-out.jsonl"
        source.write_text("".join(json.dumps({"id": f"r/{i}", "relation": "r", "split": "train", "subject": "s", "popularity": i, "question": q,
                                              "answers": [a], "category": c, "p_t0": 0.5, "p_t": i / 8, "p_unknown": 0.25, "weight": 1 + i})
                                  + "\n" for i, (q, a, c) in enumerate(ROWS)))
        held_out.write_text(json.dumps({"id": "v", "relation": "r", "question": "Held out?", "answers": ["yes"], "category": "Unknown",
                                        "p_t0": 0, "p_t": 0, "weight": 1}) + "\n")
        for to in OWN:
            if to == "mlx": continue
            for strict in (False, True): test(f"{to}{', strict keys' if strict else ''}", one_file, to, work, source, strict)
        test("mlx", mlx, work, source, held_out)
        test("dataset_info.json beside others", beside_others, work, source)
        test("read back", again, work, source)
    print(f"1..{tests}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
