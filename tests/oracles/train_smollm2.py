#!/usr/bin/env python3
"""Fifty AdamW steps of the default model in PyTorch (f32), for tests/nn/test_train_smollm2.c and `make oracle-train`.

    python tests/oracles/train_smollm2.py MODEL.gguf data/world tests/fixtures/nn/train-smollm2.bin [STEPS [THREADS [SEED]]]

160 world facts (train split, a seeded draw), ten batches of 16, five times over: the format of docs/method/fine-tuning.md#format, the loss the
mean over the batch's target tokens, no dropout, gradient norm clipped at 1, AdamW (0.9, 0.999, 1e-8, no decay), constant learning rate without
warm-up. Weights are those of nn_smollm2.py, token ids come from the tokenizers package. Each example is in a row of its own, padded
on the right.

Layout, little-endian: "KENSTEP1", int32 batch, n_batches; for each example int32 length of its id and the id ("city_river/train/3"), int32
n_ids, n_prompt, uint16 token[n_ids]; int32 n_runs; for each run f64 learning rate, int32 steps, f64 loss[steps] (before the step), f64 gradient
norm[steps] (before clipping).

Made with torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, gguf 0.19.0 from SmolLM2-135M-Instruct.Q4_1.gguf
(SHA-256 b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53).
"""
import pathlib, struct, sys, time

import torch

from e2e_reference import Reference
from train_examples import read_questions, shuffled
from train_reference import losses, question_rows

BATCH, N_BATCHES, STEPS, SEED = 16, 10, 50, 4
RATES = [1e-5, 1e-4]
END = "<|im_end|>"


def train(path, examples, rate, steps):
    """[(loss, gradient norm)]"""
    from nn_smollm2 import load
    torch.set_grad_enabled(True)
    model = load(path).train()
    model.set_attn_implementation("sdpa")
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    out, began = [], time.time()
    for step in range(steps):
        at = step % N_BATCHES * BATCH
        loss = losses(model, examples[at:at + BATCH]).mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        out.append((loss.item(), norm.item()))
        print(f"lr {rate:g} step {step}: loss {out[-1][0]:.6f} norm {out[-1][1]:.5f} {time.time() - began:.0f} s", file=sys.stderr, flush=True)
    return out


def main(path, world, out, steps=STEPS, threads=2, seed=SEED):
    reference = Reference(path, int(threads))
    rows = shuffled(read_questions(world), BATCH * N_BATCHES, int(seed))
    examples = question_rows(reference.tokenizer, reference.tokenizer.token_to_id(END), [(q, a) for _, q, a in rows])
    del reference
    blob = b"KENSTEP1" + struct.pack("<ii", BATCH, N_BATCHES)
    for (name, _, _), (ids, n) in zip(rows, examples):
        blob += struct.pack("<i", len(name)) + name.encode() + struct.pack(f"<ii{len(ids)}H", len(ids), n, *ids)
    blob += struct.pack("<i", len(RATES))
    for rate in RATES:
        got = train(path, examples, rate, int(steps))
        blob += struct.pack("<di", rate, len(got)) + struct.pack(f"<{len(got)}d", *(l for l, _ in got))
        blob += struct.pack(f"<{len(got)}d", *(n for _, n in got))
    pathlib.Path(out).write_bytes(blob)


if __name__ == "__main__":
    main(*sys.argv[1:])
