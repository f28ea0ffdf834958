#!/usr/bin/env python3
"""Losses and gradients of every parameter of the tiny models from PyTorch in float64, for tests/nn/test_gradients.c.

    python tests/oracles/train_gradients.py tests/fixtures/model tests/fixtures/nn [SEED]

reads tests/fixtures/model/tiny-NAME (model_tiny.py) and writes gradients-NAME.bin for each. The batch: six examples of random tokens,
longer than mistral's window; some begin alike, one is there twice with other weights, one is the beginning of another one, so that
targets stand where the other has its prompt. Loss = sum over target tokens of weight * (cross-entropy + kl_weight * KL), where
KL(teacher || student) at temperature tau is over the teacher's listed tokens and the rest as one more.

Cases of a file: the cross-entropies alone, gradients of all parameters; with KL, gradients of an adapter on all seven projections
(A and B by a formula, B not zero; train_reference.LowRank, held against the peft package where that is installed); for the two
kinds of head also with KL, gradients of all parameters.

Layout, little-endian: "KENGRAD1", int32 n_examples; for each int32 n_ids, n_prompt, ids[n_ids], f32 weight; f32 kl_weight, tau; for
each target (example by example) int32 n, id[n], f32 p[n]; int32 rank, f32 alpha; int32 n_cases; for each case int32 kl (0, 1), lora (0, 1),
f64 loss[n_targets], kl[n_targets] (in a case with KL), total; int32 n_tensors; for each tensor int32 length and bytes of its name
(Hugging Face's; of an adapter "model.layers.0.self_attn.q_proj.lora_A"), int32 rows, cols (0: a vector), f64 largest absolute value,
int16 values: gradient / largest * 32767, rounded. So a value is exact to 1.6e-5 of its tensor's largest, well below the 1e-4
that the test asks for.

Made with torch 2.15.0, transformers 5.23.0, numpy 2.4.6, checked against peft 0.21.2. The same in float32 (PyTorch's own) differs from
float64 by at most the figure that is printed for each model, relative to the tensor's largest value; seen: 1e-6 to 2e-5.
"""
import pathlib, struct, sys

import numpy as np, torch, transformers
from torch.nn import functional as F

from model_tiny import MODELS
from train_reference import MODULES, LowRank, add_low_rank

SEED = 20260509
RANK, ALPHA = 3, 4.5
KL_WEIGHT, TAU = 0.75, 0.5
WEIGHTS = [0.125, 0.0625, 0.25, 0.1875, 0.3125, 0.0625]
BOTH_HEADS = ("llama-tied", "mistral")


def examples(v, g):
    """[(ids, n_prompt)]; see above for what they have in common"""
    draw = lambda n: torch.randint(0, v, (n,), generator=g).tolist()
    prompt = draw(12)
    prompt[7] = prompt[2]  # a token twice in one sequence
    first = (prompt + draw(4), 12)
    fourth = (prompt[:5] + draw(14), 16)
    return [first, (prompt + draw(2), 12), first, fourth, (fourth[0][:10], 7), (draw(3), 2)]


def teachers(n, v, g, target):
    """[(ids, p)] for each target: the top of a random softmax, in places nothing, one token with p = 1, or the target among them"""
    out = []
    for i in range(n):
        p = torch.softmax(2 * torch.randn(v, generator=g).double(), 0)
        p[target[i]] += 0.3 * (i % 3)
        k = 1 + i % 6
        top = torch.topk(p / p.sum(), k)
        ids, prob = top.indices.tolist(), top.values.float().tolist()
        if i % 7 == 3: ids, prob = [], []
        if i % 7 == 5: ids, prob = ids[:1], [1.0]
        out.append((ids, prob))
    return out


def forward(model, batch, teacher, dtype):
    """(cross-entropies, KLs, total); each example on its own, so that nothing is padded and nothing shared"""
    ce, kl, weight, at = [], [], [], 0
    for (ids, n), w in zip(batch, WEIGHTS):
        logits = model(torch.tensor([ids[:-1]]), use_cache=False).logits[0, n - 1:]
        ce.append(F.cross_entropy(logits, torch.tensor(ids[n:]), reduction="none"))
        log_q = torch.log_softmax(logits / TAU, -1)
        for row in log_q:
            listed, p = teacher[at]
            at += 1
            weight.append(w)
            if not listed:
                kl.append(row.new_zeros(()))
                continue
            p = torch.tensor(p, dtype=torch.float64)
            rest = float(1 - p.sum())
            d = (p.to(dtype) * (p.log().to(dtype) - row[listed])).sum()
            if rest > 0:
                others = torch.ones(len(row), dtype=torch.bool)
                others[listed] = False
                d = d + rest * (np.log(rest) - torch.logsumexp(row[others], 0))
            kl.append(d)
    return torch.cat(ce), torch.stack(kl), torch.tensor(weight, dtype=dtype)


def formula(i):
    """values of the adapter: exact in float32, the same in the test"""
    return (i * 7919 + 13) % 1009 / 1024 - 0.4921875


def set_formula(tensors):
    at = 0
    with torch.no_grad():
        for t in tensors:
            n = t.numel()
            t.copy_(torch.tensor([formula(i) for i in range(at, at + n)], dtype=t.dtype).reshape(t.shape))
            at += n


def norm(module):
    """a root-mean-square norm in its input's precision; transformers' own goes through float32"""
    eps = module.variance_epsilon
    return lambda x: module.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def open_model(folder, dtype):
    """float64 all the way but for the rotary angles, which transformers tabulates in float32 and which nothing here is trained through"""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").to(dtype).eval()
    for m in model.modules():
        if type(m).__name__.endswith("RMSNorm"): m.forward = norm(m)
    return model


def case(folder, batch, teacher, with_kl, with_lora, dtype):
    """losses, kls, total, {name: gradient}"""
    model = open_model(folder, dtype)
    if with_lora:
        trained = add_low_rank(model, RANK, ALPHA)
        set_formula(trained)
        names = [f"model.layers.{l}.{m}.lora_{x}" for l in range(len(model.model.layers)) for m in MODULES for x in "AB"]
    else:
        names, trained = zip(*model.named_parameters())
    ce, kl, w = forward(model, batch, teacher, dtype)
    total = (w * (ce + KL_WEIGHT * kl)).sum() if with_kl else (w * ce).sum()
    total.backward()
    return ce.detach(), kl.detach(), total.item(), {n: t.grad for n, t in zip(names, trained)}


def worst_difference(a, b):
    return max(float((a[n] - b[n].double()).abs().max() / a[n].abs().max()) for n in a)


def check_peft(folder, batch, want):
    """the adapter's gradients by the peft package; None where it is missing"""
    try:
        import peft
    except ImportError:
        return None
    model = open_model(folder, torch.float64)
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=[m.split(".")[1] for m in MODULES])
    model = peft.get_peft_model(model, config).to(torch.float64)
    named = {n.replace("base_model.model.", "", 1).replace(".default.weight", ""): p for n, p in model.named_parameters() if "lora_" in n}
    set_formula([named[n] for n in want])
    ce, _, w = forward(model, batch, [([], [])] * 99, torch.float64)
    (w * ce).sum().backward()
    return worst_difference(want, {n: named[n].grad for n in want})


def pack_case(with_kl, with_lora, ce, kl, total, grads):
    blob = struct.pack("<ii", with_kl, with_lora) + ce.numpy().astype("<f8").tobytes()
    if with_kl: blob += kl.numpy().astype("<f8").tobytes()
    blob += struct.pack("<di", total, len(grads))
    for name, g in grads.items():
        g = g.numpy()
        largest = float(np.abs(g).max())
        assert largest > 0 and np.isfinite(largest), name
        rows, cols = g.shape if g.ndim == 2 else (g.shape[0], 0)
        blob += struct.pack("<i", len(name)) + name.encode() + struct.pack("<iid", rows, cols, largest)
        blob += np.rint(g / largest * 32767).astype("<i2").tobytes()
    return blob


def main(models, out, seed=SEED):
    for i, name in enumerate(MODELS):
        folder = pathlib.Path(models) / f"tiny-{name}"
        v = open_model(folder, torch.float32).config.vocab_size
        g = torch.Generator().manual_seed(int(seed) + i)
        batch = examples(v, g)
        target = [t for ids, n in batch for t in ids[n:]]
        teacher = teachers(len(target), v, g, target)
        blob = b"KENGRAD1" + struct.pack("<i", len(batch))
        for (ids, n), w in zip(batch, WEIGHTS):
            blob += struct.pack(f"<ii{len(ids)}if", len(ids), n, *ids, w)
        blob += struct.pack("<ff", KL_WEIGHT, TAU)
        for ids, p in teacher:
            blob += struct.pack(f"<i{len(ids)}i{len(p)}f", len(ids), *ids, *p)
        cases = [(0, 0), (1, 1)] + ([(1, 0)] if name in BOTH_HEADS else [])
        blob += struct.pack("<ifi", RANK, ALPHA, len(cases))
        for with_kl, with_lora in cases:
            exact = case(folder, batch, teacher, with_kl, with_lora, torch.float64)
            single = case(folder, batch, teacher, with_kl, with_lora, torch.float32)
            print(f"{name}: {'with KL, ' if with_kl else ''}{'adapter' if with_lora else 'all'}: loss {exact[2]:.6f}, float32 differs by "
                  f"{worst_difference(exact[3], single[3]):.1e} of a tensor's largest gradient, {abs(single[2] / exact[2] - 1):.1e} of the loss")
            blob += pack_case(with_kl, with_lora, *exact)
        peft = check_peft(folder, batch, case(folder, batch, teacher, 0, 1, torch.float64)[3])
        print(f"{name}: peft " + ("is not installed" if peft is None else f"differs by {peft:.1e}"))
        assert peft is None or peft < 1e-10
        path = pathlib.Path(out) / f"gradients-{name}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob)


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    main(*sys.argv[1:])
