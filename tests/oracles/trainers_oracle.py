#!/usr/bin/env python3
"""Fine-tuning sets of ken, loaded by the trainers themselves: LLaMA-Factory, Axolotl and mlx-lm, each as PyPI has it.

    python3 tests/oracles/trainers_oracle.py BUILD [RESULT.txt]        `make oracle-trainers`

Each trainer gets a virtual environment under KEN_TRAINERS (default: ~/.cache/ken/trainers), made at the first run: the trainer without
its dependencies, and what its loader imports, at the versions it asks for. Where the Python that runs this has torch, the environments see its
packages behind their own, and torch is not installed again. TRAINERS="axolotl mlx-lm" takes some of them.

`ken select` writes the world facts (with made-up labels, and texts that a reader might stumble over); trainers_load.py lets the trainer read
them by its own configuration; here its tokens, labels and prompts are compared with those of `ken tokenize`: loss must cover exactly the
target and its end. Nothing is trained but a few steps of mlx-lm. Exit status 1 when anything differs, or a trainer cannot be installed.
"""
import datetime, json, os, pathlib, platform, subprocess, sys, tempfile
from against_ken import check, finish, ken, ken_ids, say, use

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
HEAD = "Answer the following question.\n"
BYTES = ["tiny-llama3", "tiny-qwen2"]  # byte-level tokenizers, with and without a begin token
PIECES = "tiny-llama-tied"             # SentencePiece's way: a space in front of each text
STRANGE = ['=SUM(A1:A9)', 'a "quoted" word, and a comma', "tab\there", "</script>", "next\x85line\u2028here", "\U0001F427 الكويت 北京", "NaN", "null",
           "007", "1e5", "[1, 2]", "{{content}}"]

# Of each: what is installed without its dependencies, and what its loader needs of them, at the versions that it names.
TOOLS = {
    "llamafactory": (["llamafactory==0.9.5"],
                     ["transformers>=4.55.0,!=4.57.0,<=5.6.0", "datasets<=4.0.0", "peft>=0.18.0,<=0.18.1", "accelerate<=1.11.0", "trl<=0.24.0",
                      "omegaconf", "einops", "fire", "tyro<0.9.0"]),
    "axolotl": (["axolotl==0.19.0"],
                ["transformers==5.16.1", "datasets==4.8.4", "peft==0.20.0", "accelerate==1.13.0", "trl==1.9.0", "tokenizers==0.23.1",
                 "huggingface_hub==1.17.0", "pydantic==2.12.5", "addict", "fire", "colorama", "python-dotenv==1.0.1", "posthog==6.7.11", "numba"]),
    "mlx-lm": (["mlx-lm==0.32.2"], ["mlx[cpu]>=0.32.2", "transformers>=5.7.0", "sentencepiece", "protobuf", "pyyaml", "jinja2"])}

CHATML = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")

# ---- environments ---------------------------------------------------------------------------------------------------------


def environment(tool):
    """Its Python, or a sentence that says why there is none."""
    home = pathlib.Path(os.environ.get("KEN_TRAINERS") or pathlib.Path.home() / ".cache/ken/trainers") / tool
    alone, needs = TOOLS[tool]
    python, done = home / "bin/python", home / "installed"
    if done.is_file() and done.read_text() == json.dumps(TOOLS[tool]): return python, None
    print(f"  {tool}: installing into a virtual environment", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True, capture_output=True)
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        theirs, ours = (subprocess.run([p, "-c", where], check=True, capture_output=True, text=True).stdout.strip() for p in (python, sys.executable))
        shared = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 0
        if shared: (pathlib.Path(theirs) / "zz_shared.pth").write_text(ours + "\n")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", *alone], check=True, capture_output=True, text=True)
        subprocess.run([*pip, *needs, *([] if shared or tool == "mlx-lm" else ["torch"])], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as e:
        last = [l for l in str(e.stderr or "").splitlines() if l.startswith("ERROR")] or [str(e)]
        return None, last[-1]
    done.write_text(json.dumps(TOOLS[tool]))
    return python, None


def load(tool, python, jobs, work):
    work = work / tool
    work.mkdir(exist_ok=True)
    (work / "jobs.json").write_text(json.dumps(jobs))
    done = subprocess.run([python, HERE / "trainers_load.py", tool, work / "jobs.json", work / "out.json"], capture_output=True, text=True,
                          timeout=900, cwd=work)
    if done.returncode == 0: return json.loads((work / "out.json").read_text())
    check(f"{tool}: its loader failed", False, "\n".join((done.stdout + done.stderr).splitlines()[-12:]))
    return None


# ---- rows, models ---------------------------------------------------------------------------------------------------------


def source(path):
    rows = []
    for file in sorted((ROOT / "data/world/train").glob("*.json")):
        for i, r in enumerate(json.loads(file.read_text())[:8]): rows.append((r["question"], r["answers"][0]))
    rows = rows[:120] + [(f"What is {s}?", s) for s in STRANGE]
    path.write_text("".join(json.dumps({"id": f"r{i}", "relation": "r", "question": q, "answers": [a], "category": ["HighlyKnown", "Unknown"][i % 2],
                                        "p_t0": 0.5, "p_t": 0.25, "weight": 1}) + "\n" for i, (q, a) in enumerate(rows)))
    return [(HEAD + q + "\n", a) for q, a in rows]


def model(name, work):
    """A copy that every loader takes: a tokenizer class for it, names of control tokens as strings, a chat template."""
    to = work / name
    to.mkdir()
    for f in (ROOT / "tests/fixtures/model" / name).iterdir():
        if f.name in ("config.json", "tokenizer.json") or "safetensors" in f.name: (to / f.name).write_bytes(f.read_bytes())
    config = json.loads((to / "config.json").read_text())
    config["max_position_embeddings"] = 512
    (to / "config.json").write_text(json.dumps(config))
    said = json.loads((ROOT / "tests/fixtures/model" / name / "tokenizer_config.json").read_text())
    said = {k: v["content"] if isinstance(v, dict) else v for k, v in said.items() if k.endswith("_token")}
    (to / "tokenizer_config.json").write_text(json.dumps({**said, "tokenizer_class": "PreTrainedTokenizerFast", "chat_template": CHATML}))
    return to


def with_chatml(folder, to):
    """ChatML's control tokens at the end of the vocabulary; only its tokenizer is used."""
    to.mkdir()
    for f in folder.iterdir(): (to / f.name).write_bytes(f.read_bytes())
    t = json.loads((to / "tokenizer.json").read_text())
    first = 1 + max([*t["model"]["vocab"].values(), *(a["id"] for a in t["added_tokens"])])
    for i, text in enumerate(("<|im_start|>", "<|im_end|>")):
        t["added_tokens"].append({"id": first + i, "content": text, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
                                  "normalized": False})
    (to / "tokenizer.json").write_text(json.dumps(t))
    return to


def as_key(row):
    return json.dumps(row)


def compare(what, got, expected, ordered=True):
    """Rows as (ids, labels) or (prompt, labelled tokens); Axolotl shuffles them."""
    if not ordered: got, expected = sorted(got, key=as_key), sorted(expected, key=as_key)
    check(f"{what}: rows", len(got) == len(expected), f"{len(got)} of {len(expected)}")
    wrong = [(g, e) for g, e in zip(got, expected) if g != e]
    check(f"{what}: rows that differ", not wrong, f"{len(wrong)}, as {wrong[:1]}")
    return len(expected) - len(wrong)


def base_rows(folder, rows, eos):
    """What ken trains: begin token, prompt, target, end token; labels on the last two."""
    whole, alone = ken_ids(folder, [p + a for p, a in rows], "--special"), ken_ids(folder, [p for p, _ in rows], "--special")
    return [[w + [eos], [-100] * len(p) + w[len(p):] + [eos]] for w, p in zip(whole, alone)]


def check_base(tool, job, found, folder, rows, ordered=True):
    expected = base_rows(folder, rows, found["eos"])
    n = compare(f"{tool}, {job}", [[r["ids"], r["labels"]] for r in found["rows"]], expected, ordered)
    say(f"  {tool}, {job}: {n} rows have ken's tokens; loss on {sum(x != -100 for _, l in expected for x in l)} of {sum(len(i) for i, _ in expected)}")


def check_chat(tool, job, found, folder, rows, prompt_of, end, ordered=True):
    """The trainer's own template: the prompt as text, and loss on the target's tokens and what ends a turn."""
    answers = ken_ids(folder, [a for _, a in rows])
    expected = [[prompt_of(p), a + end(found)] for (p, _), a in zip(rows, answers)]
    n = compare(f"{tool}, {job}", [[r["prompt"], [x for x in r["labels"] if x != -100]] for r in found["rows"]], expected, ordered)
    say(f"  {tool}, {job}: {n} prompts, with loss on the target and what ends it alone")


def chatml(prompt):
    return f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"


# ---- one trainer after the other -------------------------------------------------------------------------------------------


def try_llamafactory(python, models, chat, rows, src, work):
    sets = work / "lf"
    sets.mkdir()
    jobs = []
    for name in [*BYTES, PIECES]:
        ken("select", src, "--to", "sharegpt", "--model", models[name], "-o", sets / f"base-{name}.json")
        jobs.append({"name": f"sharegpt with --model, template empty, {name}", "model": str(models[name]),
                     "config": {"dataset": f"base-{name}", "template": "empty"}})
    for to, file in (("alpaca", "alpaca.json"), ("alpaca", "alpaca-lines.jsonl"), ("sharegpt", "sharegpt.json"), ("messages", "messages.jsonl")):
        ken("select", src, "--to", to, "-o", sets / file)
        jobs.append({"name": f"{file}, template chatml", "model": str(chat), "config": {"dataset": file.split(".")[0], "template": "chatml"}})
    ken("select", src, "--to", "text", "-o", sets / "text.jsonl")
    jobs.append({"name": "text, stage pt, tiny-qwen2", "model": str(models["tiny-qwen2"]),
                 "config": {"dataset": "text", "template": "empty", "stage": "pt", "packing": False}})
    info = json.loads((sets / "dataset_info.json").read_text())
    # As docs/exports.md gives them.
    info["messages"] = {"file_name": "messages.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"},
                        "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}}
    info["text"] = {"file_name": "text.jsonl", "columns": {"prompt": "text"}}
    (sets / "dataset_info.json").write_text(json.dumps(info))
    for job in jobs: job["config"]["dataset_dir"] = str(sets)
    said = load("llamafactory", python, jobs, work)
    if said is None: return None
    line = ken_ids(chat, ["\n"])[0]
    for job in jobs:
        name, found = job["name"], said["jobs"][job["name"]]
        if name.endswith(PIECES): check_pieces("LLaMA-Factory", name, found, models[PIECES], rows)
        elif "empty" in name: check_base("LLaMA-Factory", name, found, models[name.split()[-1]], rows)
        elif "stage pt" in name:
            whole = [w + [found["eos"]] for w in ken_ids(models["tiny-qwen2"], [p + a for p, a in rows], "--special")]
            say(f"  LLaMA-Factory, {name}: {compare(name, [r['ids'] for r in found['rows']], whole)} rows have ken's tokens, all with loss")
        else:
            cut = 1 if "alpaca" in name else 0  # the newline behind the question is the template's business
            check_chat("LLaMA-Factory", name, found, chat, rows, lambda p, n=cut: chatml(p[:len(p) - n]), lambda f: [f["im_end"], *line])
    return said["versions"]


def check_pieces(tool, job, found, folder, rows):
    """SentencePiece's way: prompt and target are tokenised apart, so that the target gets a space in front; nothing else may differ."""
    answers, alone = ken_ids(folder, [a for _, a in rows]), ken_ids(folder, [p for p, _ in rows], "--special")
    labelled = [[x for x in r["labels"] if x != -100] for r in found["rows"]]
    joined = [e[1] for e in base_rows(folder, rows, found["eos"])]
    same = sum(l == [x for x in j if x != -100] for l, j in zip(labelled, joined))
    compare(f"{tool}, {job}", [[r["ids"][:len(p)], l] for r, l, p in zip(found["rows"], labelled, alone)],
            [[p, a + [found["eos"]]] for a, p in zip(answers, alone)])
    say(f"  {tool}, {job}: {same} of {len(rows)} targets have ken's tokens, the others a space in front; loss on the target and the end token alone")


def try_axolotl(python, models, chat, rows, src, work):
    sets = work / "ax"
    sets.mkdir()
    jobs = []
    for name in [*BYTES, PIECES]:
        path = sets / f"segments-{name}.jsonl"
        ken("select", src, "--to", "axolotl", "--model", models[name], "-o", path)
        jobs.append({"name": f"input_output, {name}", "model": str(models[name]),
                     "config": {"datasets": [{"path": str(path), "type": "input_output"}], "shuffle_merged_datasets": name != PIECES}})
    turns = {"type": "chat_template", "chat_template": "chatml"}
    names = {"field_messages": "conversations", "message_property_mappings": {"role": "from", "content": "value"}}
    for to, more in (("messages", turns), ("sharegpt", {**turns, **names}), ("alpaca", {"type": "alpaca"})):
        path = sets / f"{to}.jsonl"
        ken("select", src, "--to", to, "-o", path)
        jobs.append({"name": f"{to}, {more['type']}", "model": str(chat),
                     "config": {"datasets": [{"path": str(path), **more}], "special_tokens": {"eos_token": "<|im_end|>"}}})
    said = load("axolotl", python, jobs, work)
    if said is None: return None
    for job in jobs:
        name, found = job["name"], said["jobs"][job["name"]]
        if name.endswith(PIECES): check_pieces("Axolotl", name, found, models[PIECES], rows)
        elif "input_output" in name: check_base("Axolotl", name, found, models[name.split()[-1]], rows, ordered=False)
        elif "alpaca" in name:
            around = ("Below is an instruction that describes a task, paired with an input that provides further context. Write a response that "
                      "appropriately completes the request.\n\n### Instruction:\n{}\n\n### Input:\n{}\n\n### Response:\n")
            check_chat("Axolotl", name, found, chat, rows, lambda p: around.format(HEAD[:-1], p[len(HEAD):-1]), lambda f: [f["im_end"]], ordered=False)
        else: check_chat("Axolotl", name, found, chat, rows, chatml, lambda f: [f["im_end"]], ordered=False)
    return said["versions"]


def try_mlx(python, models, chat, rows, src, work):
    held = work / "held.jsonl"
    held.write_text("".join(json.dumps({"id": f"v{i}", "relation": "r", "question": f"Held out {i}?", "answers": ["yes"]}) + "\n" for i in range(4)))
    folder = work / "mlx"
    ken("select", src, "--to", "mlx", "--valid", held, "-o", folder)
    jobs = [{"name": f"the mlx folder, {n}", "model": str(models[n]), "config": {"data": str(folder)}} for n in [*BYTES, PIECES]]
    for to in ("messages", "trl"):
        other = work / f"mlx-{to}"
        other.mkdir()
        ken("select", src, "--to", to, "-o", other / "train.jsonl")
        ken("select", held, "--to", to, "-o", other / "valid.jsonl")
        jobs.append({"name": f"{to} as train.jsonl, --mask-prompt", "model": str(chat), "config": {"data": str(other), "mask_prompt": True}})
    said = load("mlx-lm", python, jobs, work)
    if said is None: return None
    line, behind = ken_ids(chat, ["\n"])[0], set()
    for job in jobs:
        name, found = job["name"], said["jobs"][job["name"]]
        check(f"mlx-lm, {name}: valid.jsonl", found["valid"] == 4)
        if "folder" in name:
            whole = [w + [found["eos"]] for w in ken_ids(models[name.split()[-1]], [p + a for p, a in rows], "--special")]
            n = compare(f"mlx-lm, {name}", [r["ids"] for r in found["rows"]], whole)
            say(f"  mlx-lm, {name}: {n} rows have ken's tokens, all with loss but the first")
        else: check_chat("mlx-lm", name, found, chat, rows, chatml, lambda f: [f["im_end"], *line])
        behind.add((found["counted"] - sum(x != -100 for r in found["rows"] for x in r["labels"])) / len(rows))
    say(f"  mlx-lm: its loss counts {'/'.join(f'{b:g}' for b in sorted(behind))} tokens a row more than these: the padding behind the end token")
    done = subprocess.run([python, "-m", "mlx_lm", "lora", "--model", models["tiny-llama3"], "--train", "--data", folder, "--iters", "4", "--batch-size", "4",
                           "--num-layers", "1", "--steps-per-report", "2", "--adapter-path", work / "adapter"], capture_output=True, text=True, timeout=600)
    there = (work / "adapter/adapters.safetensors").is_file()
    check("mlx_lm.lora", done.returncode == 0 and there, "\n".join((done.stdout + done.stderr).splitlines()[-8:]))
    if there: say("  mlx_lm.lora --train --data FOLDER: four steps on tiny-llama3, an adapter written")
    return said["versions"]


def main():
    if len(sys.argv) < 2: sys.exit(__doc__)
    use(sys.argv[1])
    wanted = (os.environ.get("TRAINERS") or " ".join(TOOLS)).split()
    unknown = [t for t in wanted if t not in TOOLS]
    if unknown: sys.exit(f"trainers_oracle: unknown {' '.join(unknown)}; there are {' '.join(TOOLS)}")
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    say("Fine-tuning sets of ken, loaded by the trainers themselves. Command: make oracle-trainers")
    say(f"{datetime.date.today()}, {cpu}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        rows = source(work / "source.jsonl")
        models = {name: model(name, work) for name in [*BYTES, PIECES]}
        chat = with_chatml(models["tiny-qwen2"], work / "chatml")
        for tool, attempt in (("llamafactory", try_llamafactory), ("axolotl", try_axolotl), ("mlx-lm", try_mlx)):
            if tool not in wanted: continue
            say()
            python, why = environment(tool)
            if python is None:
                check(f"{tool} could not be installed", False, why)
                continue
            versions = attempt(python, models, chat, rows, work / "source.jsonl", work)
            if versions: say("  with " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    finish(sys.argv[2] if len(sys.argv) > 2 and wanted == list(TOOLS) else None)


if __name__ == "__main__":
    main()
