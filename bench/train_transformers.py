"""The PyTorch side of bench/train: fine-tuning steps of the default model with transformers on the CPU.

    python bench/train_transformers.py MODEL.gguf THREADS < job.json > result.json

In: {"steps": [[[token ids], length of the prompt], ...], ...], "precision": "f32" or "bf16" (autocast, f32 weights), "head": "all" or
"targets" (where logits are computed), "micro": examples of one forward pass, "lr", "clip", "dropout", "lora": rank or 0, "warmup": steps that
are not timed}. Out: {"seconds": of each step, "loss": mean over target tokens of each step, "norm", "peak_bytes", "versions"}.

A step is one batch: its examples sorted by length, cut into micro-batches that are padded to their own longest example, backward
after each, then clipping and AdamW (fused). No attention mask is needed, padding stands on the right. All that is kinder than a
plain use of the Trainer.
"""
import json, os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "oracles"))
import torch, transformers

from nn_smollm2 import load
from train_reference import add_dropout, add_low_rank, losses


def peak_bytes():
    with open("/proc/self/status") as f:
        return next(int(l.split()[1]) * 1024 for l in f if l.startswith("VmHWM"))


def main(path, threads):
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    job = json.load(sys.stdin)
    model = load(path)
    model.set_attn_implementation("sdpa")
    model.train()
    trained = add_low_rank(model, job["lora"], 2 * job["lora"]) if job["lora"] else list(model.parameters())
    if job["dropout"]:
        add_dropout(model, job["dropout"])
    optimizer = torch.optim.AdamW(trained, lr=job["lr"], betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, fused=True)
    seconds, means, norms = [], [], []
    for step in job["steps"]:
        began = time.perf_counter()
        examples = sorted(step, key=lambda e: len(e[0]))
        n_targets = sum(len(ids) - p for ids, p in examples)
        total = 0.0
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=job["precision"] == "bf16"):
            for at in range(0, len(examples), job["micro"]):
                loss = losses(model, examples[at:at + job["micro"]], job["head"]).sum() / n_targets
                loss.backward()
                total += loss.item()
        norms.append(torch.nn.utils.clip_grad_norm_(trained, job["clip"]).item())
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        seconds.append(time.perf_counter() - began)
        means.append(total)
        print(f"step {len(means)}: {seconds[-1]:.1f} s, loss {total:.4f}", file=sys.stderr, flush=True)
    json.dump({"seconds": seconds[job["warmup"]:], "loss": means, "norm": norms, "peak_bytes": peak_bytes(),
               "versions": f"torch {torch.__version__}, transformers {transformers.__version__}"}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
