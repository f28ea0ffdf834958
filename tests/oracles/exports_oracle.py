#!/usr/bin/env python3
"""Fine-tuning sets of ken, read by others: Hugging Face's datasets and trl against ken itself, in one run.

    python3 tests/oracles/exports_oracle.py BUILD [RESULT.txt]        `make oracle-exports`

The rows are the project's own world facts with made-up labels, and some with text that a reader might stumble over. `ken select` writes them
in every format, then

    datasets  load_dataset (json, csv) of each file gives the same questions, targets and extra columns, with one type a column also when
              it reads in small pieces; to Parquet, to a data set on disk, and back to files that ken reads: byte for byte the set that went out
    trl       SFTTrainer, made with a tiny model, prepares prompt/completion, messages and text: the tokens are those that `ken train` uses,
              loss is on the target and the end token alone (text: on everything), and no warning says that the
              prompt's tokens changed; one training step runs

LLaMA-Factory, Axolotl and mlx-lm load the files in trainers_oracle.py; tests/cli/exports.py checks the documented schemas in `make check`.
Exit status 1 when anything differs. Made with datasets 5.2.0, trl 1.16.0, transformers 5.23.0, torch 2.15.0, pyarrow 26.0.1.
"""
import contextlib, csv, datetime, json, logging, os, pathlib, platform, sys, tempfile, warnings
from against_ken import check, finish, ken, ken_ids, say, use

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_PROGRESS_BARS="1",
                  TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="")
NEEDED = "torch transformers datasets trl"
try:
    import datasets, pyarrow, tokenizers, torch, transformers, trl
except ImportError as e:
    sys.exit(f"exports_oracle: {e.name} is missing; give a Python that has it: python3 -m venv v && v/bin/pip install {NEEDED}, "
             f"then make oracle-exports PYTHON=v/bin/python")

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / "tests/fixtures/model"
HEAD = "Answer the following question.\n"
FORMATS = ["trl", "messages", "alpaca", "sharegpt", "axolotl", "text", "csv", "jsonl"]
EXTRA = ["id", "relation", "category", "p_t0", "p_t", "weight"]
CATEGORIES = ["HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown", None]
# One line each, because plain text is told apart from its question by the line end.
HOSTILE = ['=SUM(A1:A9)', 'a "quoted" word, and a comma', "tab\there", "\x1b[31mred\x07", "</script>", "next\x85line\u2028here",
           "\U0001F427 الكويت 北京", "<|im_end|>", "NaN", "null", "007", "1e5", "[1, 2]"]

# pandas takes "NaN" and "null" for missing values unless told otherwise.
CSV = {"keep_default_na": False, "na_values": [""]}

# ---- rows -----------------------------------------------------------------------------------------------------------------


def world(n):
    rows = []
    for path in sorted((ROOT / "data/world/train").glob("*.json")):
        relation = path.name.split(".")[0]
        for i, r in enumerate(json.loads(path.read_text())): rows.append((f"{relation}/train/{i}", relation, r["question"], r["answers"]))
    return rows[:n]


def source(path):
    """Columns begin with nulls, or with numbers that look whole: a reader that guesses a type from the first rows must not go wrong."""
    rows = []
    for i, (name, relation, question, answers) in enumerate(world(400)):
        c = CATEGORIES[i % 5] if i >= 20 else None
        p = None if c is None else [1, round(0.4 + i / 4000, 6), round(i / 3000, 6), 0][CATEGORIES.index(c)]
        rows.append({"id": name, "relation": relation, "split": "train", "question": question, "answers": answers, "category": c,
                     "p_t0": None if p is None else round(p, 1), "p_t": p, "popularity": i if i > 40 else None, "weight": 1 + (i > 200) / 3})
    for i, text in enumerate(HOSTILE):
        rows.append({"id": f"hostile/{i}", "relation": "hostile", "split": "train", "question": f"What is {text}?", "answers": [text],
                     "category": "Unknown", "p_t0": 0, "p_t": 1e-7, "popularity": None, "weight": 1})
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return rows


def write_all(work, src):
    where = {}
    for f in FORMATS:
        where[f] = work / f / ("set.csv" if f == "csv" else "set.json" if f in ("alpaca", "sharegpt") else "set.jsonl")
        where[f].parent.mkdir()
        more = ["--bos", "<s>", "--eos", "</s>"] if f == "axolotl" else []
        ken("select", src, "--to", f, "-o", where[f], *more)
    return where


def question_and_target(f, row):
    """What a trainer's row says, without ken's help."""
    if f == "trl": return row["prompt"], row["completion"]
    if f in ("messages", "sharegpt"):
        turns = row["messages" if f == "messages" else "conversations"]
        who, what = ("role", "content") if f == "messages" else ("from", "value")
        assert [t[who] for t in turns] == (["user", "assistant"] if f == "messages" else ["human", "gpt"])
        return turns[0][what], turns[1][what]
    if f == "alpaca": return row["instruction"] + "\n" + row["input"] + "\n", row["output"]
    if f == "axolotl":
        a, b = row["segments"]
        assert (a["label"], b["label"]) == (False, True) and a["text"].startswith("<s>") and b["text"].endswith("</s>")
        return a["text"][3:], b["text"][:-4]
    if f == "text":
        at = row["text"].rindex("\n") + 1
        return row["text"][:at], row["text"][at:]
    return HEAD + row["question"] + "\n", row["target"]


# ---- datasets -------------------------------------------------------------------------------------------------------------


def load(f, path, cache, **more):
    kind = "csv" if f == "csv" else "json"
    return datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(cache), **more)


def same(a, b):
    return a == b or (a in (None, "") and b in (None, "")) or (isinstance(a, float) and isinstance(b, (int, float)) and abs(a - b) < 1e-6)


def check_datasets(where, rows, work):
    for f in FORMATS:
        ds = load(f, where[f], work / "cache", **(CSV if f == "csv" else {}))
        check(f"{f}: rows", len(ds) == len(rows), f"{len(ds)} of {len(rows)}")
        wrong = 0
        for got, r in zip(ds, rows):
            prompt, target = question_and_target(f, got)
            wrong += prompt != HEAD + r["question"] + "\n" or target != r["answers"][0]
            wrong += any(not same(got[k], r[k]) for k in EXTRA if not (f == "csv" and r[k] is None))
        check(f"{f}: rows that differ", wrong == 0, str(wrong))
        types = {k: str(v.dtype if hasattr(v, "dtype") else v) for k, v in ds.features.items()}
        numbers = [k for k in ("p_t0", "p_t", "weight", "popularity") if k in types]
        if f != "csv": check(f"{f}: types", all(types[k] == "float64" for k in numbers), str(types))
        say(f"  datasets, {f}: {len(ds)} rows, columns {', '.join(ds.column_names)}")
    # A large file is read in pieces, and the first one decides the types: where it has nothing but nulls, they must be given.
    text, real = datasets.Value("string"), datasets.Value("float64")
    types = {k: text for k in ("question", "target", "id", "relation", "subject", "split", "category")}
    types |= {k: real for k in ("popularity", "p_t0", "p_t", "p_unknown", "weight")} | {"answers": datasets.List(text)}
    small = load("jsonl", where["jsonl"], work / "cache-small", chunksize=4096, features=datasets.Features(types))
    check("jsonl in pieces", small.to_list() == [{k: r[k] for k in small.column_names} for r in load("jsonl", where["jsonl"], work / "cache")])
    say("  datasets, jsonl in pieces of 4 KiB with given types: the same")


def check_parquet(where, work):
    """The commands of docs/exports.md."""
    for f in FORMATS:
        if f == "csv": continue
        ds = load(f, where[f], work / "cache")
        parquet, back, disk = work / f"{f}.parquet", work / f"{f}.back.jsonl", work / f"{f}.disk"
        ds.to_parquet(str(parquet))
        again = datasets.load_dataset("parquet", data_files=str(parquet), split="train", cache_dir=str(work / "cache"))
        again.to_json(str(back), force_ascii=False, double_precision=15)
        ds.save_to_disk(str(disk))
        on_disk = datasets.load_from_disk(str(disk))
        check(f"{f}: on disk and back", on_disk.to_list() == ds.to_list())
        manifest = where[f].parent / (where[f].name + ".manifest.json")
        if f == "axolotl": (work / (back.name + ".manifest.json")).write_bytes(manifest.read_bytes())  # its begin and end tokens
        first, second = work / f"{f}.1.jsonl", work / f"{f}.2.jsonl"
        ken("select", where[f], "--to", "jsonl", "-o", first)
        ken("select", back, "--to", "jsonl", "-o", second)
        check(f"{f}: through Parquet", first.read_bytes() == second.read_bytes())
    say("  Parquet and data sets on disk, and back into ken: the same rows, from every format but CSV")
    ds = load("csv", where["csv"], work / "cache", **CSV)
    ds.to_csv(str(work / "back.csv"), index=False)
    with open(where["csv"], newline="") as a, open(work / "back.csv", newline="") as b:
        a, b = list(csv.DictReader(a)), list(csv.DictReader(b))
    text = ("question", "answers", "target", "id", "relation", "split", "category")
    check("csv: through datasets", [[r[k] for k in text] for r in a] == [[r[k] for k in text] for r in b])


# ---- trl ------------------------------------------------------------------------------------------------------------------


class Caught(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


CHATML = ("{% for m in messages %}{% if m['role'] == 'assistant' %}{{ '<|im_start|>assistant\n' }}{% generation %}"
          "{{ m['content'] | trim + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}{% else %}"
          "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] | trim + '<|im_end|>\n' }}{% endif %}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def trainer(model, data, work, chat=False, **more):
    told = json.loads((model / "tokenizer_config.json").read_text())
    named = {k: v["content"] if isinstance(v, dict) else v for k, v in told.items() if k in ("bos_token", "eos_token")}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"), **{k: v for k, v in named.items() if v})
    if chat: tokenizer.chat_template = CHATML
    if tokenizer.pad_token is None: tokenizer.pad_token = tokenizer.eos_token
    net = transformers.AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32)
    config = trl.SFTConfig(output_dir=str(work / "trl"), use_cpu=True, report_to=[], max_length=None, max_steps=1, logging_steps=1,
                           per_device_train_batch_size=4, save_strategy="no", bf16=False, disable_tqdm=True, assistant_only_loss=chat, **more)
    return trl.SFTTrainer(model=net, args=config, train_dataset=data, processing_class=tokenizer), tokenizer


def plan(model, path, *more):
    with tempfile.TemporaryDirectory() as d:
        return json.loads(ken("train", "-m", model, "-d", path, "-o", d + "/t", "--dry-run", "--json", *more))


def check_trl(name, f, where, rows, work, caught):
    """Base prompts: the trainer's tokens and labels are ken's."""
    model = MODELS / name
    caught.texts.clear()
    t, tokenizer = trainer(model, load(f, where[f], work / "cache"), work)
    prompts = [HEAD + r["question"] + "\n" for r in rows]
    whole = ken_ids(model, [p + r["answers"][0] for p, r in zip(prompts, rows)], "--special")
    alone = ken_ids(model, prompts, "--special")
    wrong = tokens = targets = 0
    for got, w, p in zip(t.train_dataset, whole, alone):
        ids = w + [tokenizer.eos_token_id]
        start = len(p) if f == "trl" else 0
        expected = [-100] * start + ids[start:]
        tokens += len(ids)
        targets += len(ids) - start
        wrong += list(got["input_ids"]) != ids or list(got["labels"]) != expected
    check(f"{name}, {f}: rows with other tokens or labels", wrong == 0, str(wrong))
    if f == "trl":
        p = plan(model, where[f])
        # Of each row the last token is predicted and never forwarded.
        check(f"{name}: ken train's own count", (p["epoch_tokens"] + len(rows), p["epoch_targets"]) == (tokens, targets), str(p))
    with contextlib.redirect_stdout(sys.stderr): loss = t.train().training_loss
    about = [w for w in caught.texts if "prefix" in w or "ismatch" in w]
    check(f"{name}, {f}: warnings about the prompt", not about, str(about))
    say(f"  SFTTrainer, {f}, {name}: {len(rows)} rows, {tokens} tokens, {targets} with loss: as ken's; no warning; a step (loss {loss:.2f})")


def with_chatml(name, to):
    """The tiny model with ChatML's tokens in its vocabulary."""
    tokenizer = tokenizers.Tokenizer.from_file(str(MODELS / name / "tokenizer.json"))
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    net = transformers.AutoModelForCausalLM.from_pretrained(str(MODELS / name), dtype=torch.float32)
    net.resize_token_embeddings(tokenizer.get_vocab_size())
    net.config.max_position_embeddings = 256  # what a conversation adds needs room
    net.save_pretrained(str(to))
    tokenizer.save(str(to / "tokenizer.json"))
    (to / "tokenizer_config.json").write_bytes((MODELS / name / "tokenizer_config.json").read_bytes())
    return to


def check_chat(name, model, where, rows, work):
    """Conversations: with a template that cuts white space at a turn's end, as `ken train --chat-template` does, the targets are ken's."""
    t, tokenizer = trainer(model, load("messages", where["messages"], work / "cache"), work, chat=True)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    answers = ken_ids(model, [r["answers"][0] for r in rows])
    wrong = targets = 0
    for got, a in zip(t.train_dataset, answers):
        labels = [x for x in got["labels"] if x != -100]
        targets += len(labels)
        wrong += labels != a + [end]
    p = plan(model, where["messages"], "--chat-template")
    check(f"{name}, messages: ken train's own count", p["epoch_targets"] == targets, str((p["epoch_targets"], targets)))
    check(f"{name}, messages: rows with other targets", wrong == 0, str(wrong))
    with contextlib.redirect_stdout(sys.stderr): loss = t.train().training_loss
    say(f"  SFTTrainer, messages, {name}, assistant_only_loss: {targets} tokens with loss: as ken's with --chat-template; a step (loss {loss:.2f})")


# ---- all of it ------------------------------------------------------------------------------------------------------------


def main():
    if len(sys.argv) < 2: sys.exit(__doc__)
    use(sys.argv[1])
    caught = Caught()
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    warnings.simplefilter("ignore", FutureWarning)
    for log in ("trl", "transformers", "datasets"): logging.getLogger(log).addHandler(caught)
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    say("Fine-tuning sets of ken, read by others. Command: make oracle-exports")
    say(f"{datetime.date.today()}, {cpu}, {os.cpu_count()} cores; datasets {datasets.__version__}, trl {trl.__version__}, transformers "
        f"{transformers.__version__}, torch {torch.__version__}, pyarrow {pyarrow.__version__}")
    say()
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        rows = source(work / "source.jsonl")
        where = write_all(work, work / "source.jsonl")
        check_datasets(where, rows, work)
        check_parquet(where, work)
        # In a conversation TRL's tokenizers take "<|im_end|>" in a question for the end of the turn, ken never does; see docs/exports.md.
        plain = [r for r in rows if "<|" not in r["question"]]
        src = work / "plain.jsonl"
        src.write_text("".join(json.dumps(r) + "\n" for r in plain))
        (work / "plain").mkdir()
        where = write_all(work / "plain", src)
        for name in ("tiny-llama-tied", "tiny-llama3", "tiny-qwen2", "tiny-qwen3"):
            for f in ("trl", "text"): check_trl(name, f, where, plain, work, caught)
        chat = with_chatml("tiny-qwen2", work / "chatml")
        check_chat("tiny-qwen2 with ChatML", chat, where, plain, work)
        # TRL renames the keys and keeps the roles "human" and "gpt", which few chat templates know: its format is messages.
        converted = load("sharegpt", where["sharegpt"], work / "cache").map(trl.maybe_convert_to_chatml, remove_columns="conversations")
        texts = [[m["content"] for m in r["messages"]] for r in load("messages", where["messages"], work / "cache")]
        check("sharegpt: as messages", [[m["content"] for m in r["messages"]] for r in converted] == texts)
        say("  trl, sharegpt: maybe_convert_to_chatml gives the texts of messages")
    finish(sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    main()
