"""The PyTorch side of bench/train: fine-tuning updates of the default model with transformers on the CPU.

    python bench/train_transformers.py MODEL.gguf THREADS < job.json > result.json

Jobs: {"do": "draw", "rows": [[question, answer]], "batch", "seed"} gives {"rows": [[token ids, length of the prompt]], "order": row numbers of
each update of an epoch, as ken train draws them};
{"do": "peak"} gives GFLOPS of a large bf16 product, and versions;
{"do": "calibrate", "step", "precision", "head", "lora", "sizes"} gives the seconds of forward and backward pass for each size of micro-batch;
{"do": "train", "steps": [[[token ids, length of the prompt], ...], ...], "precision": "f32" or "bf16" (autocast, f32 weights), "head": "all"
or "targets" (where logits are computed), "micro": examples of one forward pass, "lr", "clip", "dropout", "lora": rank or 0, "seed", "warmup":
updates not timed} gives {"seconds": of each update timed, "loss": mean over target tokens and "norm" of each update, "peak_bytes"}.

An update is one batch: its examples sorted by length, cut into micro-batches that are padded to their own longest example, backward
after each, then clipping and AdamW (fused). No attention mask is needed, padding stands on the right. All that is kinder than a
plain use of the Trainer.
"""
import json, os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "oracles"))
import torch, transformers

from ken_draws import adapter_a, batches
from nn_smollm2 import load
from train_reference import MODULES, add_dropout, add_low_rank, losses, question_rows

END = "<|im_end|>"


def peak_bytes():
    with open("/proc/self/status") as f:
        return next(int(l.split()[1]) * 1024 for l in f if l.startswith("VmHWM"))


def draw(path, job):
    from e2e_reference import Reference
    t, n = Reference(path).tokenizer, len(job["rows"])
    return {"rows": question_rows(t, t.token_to_id(END), job["rows"]), "order": batches(n, job["batch"], job["seed"], -(-n // job["batch"]))}


def matrix_peak():
    n, best = 2048, 0.0
    a, b = torch.randn(n, n).bfloat16(), torch.randn(n, n).bfloat16()
    began = time.perf_counter()
    while time.perf_counter() - began < 4:
        then = time.perf_counter()
        a @ b
        best = max(best, 2 * n ** 3 / (time.perf_counter() - then) * 1e-9)
    return {"bf16": best, "versions": f"torch {torch.__version__}, transformers {transformers.__version__}"}


def prepare(path, lora, seed=0, dropout=0.0):
    """(model, what is trained)"""
    torch.manual_seed(seed)
    model = load(path)
    model.set_attn_implementation("sdpa")
    model.train()
    trained = list(model.parameters())
    if lora:
        trained = add_low_rank(model, lora, 2 * lora)
        with torch.no_grad():
            for i, a in enumerate(trained[::2]):  # the A of each layer and module
                a.copy_(torch.from_numpy(adapter_a(seed, i // len(MODULES), MODULES[i % len(MODULES)].split(".")[1], *a.shape)))
    if dropout:
        add_dropout(model, dropout)
    return model, trained


def learn(model, step, micro, precision, head):
    """forward and backward over one batch; the mean loss of its target tokens"""
    examples = sorted(step, key=lambda e: len(e[0]))
    n_targets, total = sum(len(ids) - p for ids, p in examples), 0.0
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        for at in range(0, len(examples), micro):
            loss = losses(model, examples[at:at + micro], head).sum() / n_targets
            loss.backward()
            total += loss.item()
    return total


def calibrate(path, job):
    model, _ = prepare(path, job["lora"])
    learn(model, job["step"][:8], 8, job["precision"], job["head"])
    seconds = []
    for size in job["sizes"]:
        model.zero_grad(set_to_none=False)
        began = time.perf_counter()
        learn(model, job["step"], size, job["precision"], job["head"])
        seconds.append(time.perf_counter() - began)
    return {"seconds": seconds}


def train(path, job):
    model, trained = prepare(path, job["lora"], job["seed"], job["dropout"])
    optimizer = torch.optim.AdamW(trained, lr=job["lr"], betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, fused=True)
    seconds, means, norms = [], [], []
    for step in job["steps"]:
        began = time.perf_counter()
        means.append(learn(model, step, job["micro"], job["precision"], job["head"]))
        norms.append(torch.nn.utils.clip_grad_norm_(trained, job["clip"]).item())
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        seconds.append(time.perf_counter() - began)
        print(f"update {len(means)}: {seconds[-1]:.1f} s, loss {means[-1]:.4f}", file=sys.stderr, flush=True)
    return {"seconds": seconds[job["warmup"]:], "loss": means, "norm": norms, "peak_bytes": peak_bytes()}


def main(path, threads):
    torch.set_num_threads(int(threads))
    job = json.load(sys.stdin)
    if job["do"] == "peak":
        result = matrix_peak()
    else:
        result = {"draw": draw, "calibrate": calibrate, "train": train}[job["do"]](path, job)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
