#!/usr/bin/env python3
"""Weights after 1, 5 and 20 steps of PyTorch's optimizers in float64, for tests/nn/test_optim.c.

    python tests/oracles/train_optim.py tests/fixtures/nn/optim.bin

Three small arrays; the last one never decays. Starting values and gradients come from a formula that float32 holds exactly, the same in
the test; every third gradient is large, so that clipping acts on some steps and not on others; the learning rate changes from step
to step.

Layout, little-endian: "KENOPTI1", int32 n_cases; for each case int32 kind (0 AdamW, 1 SGD), f64 beta1, beta2, eps, momentum, decay, clip (0: none);
f64 norm before clipping of each of the 20 steps; f64 weights (all arrays) after steps 1, 5 and 20.

Made with torch 2.15.0.
"""
import pathlib, struct, sys

import torch

SIZES, STEPS, KEPT = (37, 64, 5), 20, (1, 5, 20)
CASES = [  # kind, beta1, beta2, eps, momentum, decay, clip
    (0, 0.9, 0.999, 1e-8, 0, 0, 0), (0, 0.9, 0.999, 1e-8, 0, 0, 1), (0, 0.9, 0.999, 1e-8, 0, 0.1, 1), (0, 0.8, 0.95, 1e-3, 0, 0.01, 0),
    (1, 0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0.9, 0, 1), (1, 0, 0, 0, 0.9, 0.05, 0), (1, 0, 0, 0, 0, 0.05, 0.5)]


def value(i):
    return (i * 7919 + 13) % 1009 / 1024 - 0.4921875


def gradient(step, i):
    return value(i + 131 * step) * (4 if step % 3 == 0 else 2 ** -5)


def rate(step):
    return 2 ** -7 * (1 + step % 4)


def fill(tensors, of):
    at = 0
    for t in tensors:
        t.copy_(torch.tensor([of(i) for i in range(at, at + len(t))], dtype=t.dtype))
        at += len(t)


def run(kind, beta1, beta2, eps, momentum, decay, clip):
    """norms (STEPS), weights at KEPT"""
    w = [torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in SIZES]
    with torch.no_grad(): fill(w, value)
    groups = [{"params": w[:-1], "weight_decay": decay}, {"params": w[-1:], "weight_decay": 0.0}]
    if kind == 0: o = torch.optim.AdamW(groups, lr=1.0, betas=(beta1, beta2), eps=eps)
    else: o = torch.optim.SGD(groups, lr=1.0, momentum=momentum)
    norms, kept = [], []
    for step in range(1, STEPS + 1):
        for t in w: t.grad = torch.zeros_like(t)
        fill([t.grad for t in w], lambda i: gradient(step, i))
        norms.append(float(torch.nn.utils.clip_grad_norm_(w, clip or float("inf"))))
        for g in o.param_groups: g["lr"] = rate(step)
        o.step()
        if step in KEPT: kept += [x for t in w for x in t.tolist()]
    return norms, kept


def main(out):
    blob = b"KENOPTI1" + struct.pack("<i", len(CASES))
    for c in CASES:
        norms, kept = run(*c)
        blob += struct.pack("<i6d", *c) + struct.pack(f"<{len(norms) + len(kept)}d", *norms, *kept)
    pathlib.Path(out).write_bytes(blob)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
