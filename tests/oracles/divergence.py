#!/usr/bin/env python3
"""KL(base || tuned) of src/tune/divergence.c, by numpy and scipy, for tiny-llama-tied without and with its adapter.

    python3 tests/oracles/divergence.py tests/fixtures/model/tiny-llama-tied > tests/fixtures/tune/divergence.tsv

The forward pass is written here once more, in float64, and must give the logits of transformers and of peft in the two reference.bin within 1e-4
first. Lines: row QUESTION ANSWER TARGETS KL   the sum over the row's targets (answer and end token) of scipy.special.rel_entr(p, q)
              all TARGETS MEAN                 over all rows
              logits N KL base... tuned...     one position of random f32 logits
Made with numpy 2.4.6, scipy 1.17.1, tokenizers 0.23.3.
"""
import json, pathlib, struct, sys
import numpy as np
from scipy.special import log_softmax, rel_entr
from tokenizers import Tokenizer

ROWS = [("What is the capital of Aldova?", "Merin"), ("Who wrote The Grey Tide?", "Ida Lorn"), ("Who wrote The Grey Mill?", "Ida Lorn"),
        ("Where was Pell Okano born?", "Tarsk"), ("What is the capital of Aldova?", "Merin Hill"), ("Why?", "no")]
root = pathlib.Path(sys.argv[1])
config = json.loads((root / "config.json").read_text())


def tensors(path):
    data = path.read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    return {k: np.frombuffer(data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]], "<f4").reshape(v["shape"]).astype(np.float64)
            for k, v in head.items() if k != "__metadata__"}


def weights(adapter):
    w = tensors(root / "model.safetensors")
    if adapter:
        c, a = json.loads((root / "adapter/adapter_config.json").read_text()), tensors(root / "adapter/adapter_model.safetensors")
        for k in a:
            if k.endswith("lora_A.weight"):
                name = k.removeprefix("base_model.model.").replace("lora_A.weight", "weight")
                w[name] = w[name] + c["lora_alpha"] / c["r"] * a[k.replace("lora_A", "lora_B")] @ a[k]
    return w


def norm(x, w):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + config["rms_norm_eps"]) * w


def rotate(x):  # (heads, n, d): halves
    n, d = x.shape[1:]
    angle = np.outer(np.arange(n), config["rope_parameters"]["rope_theta"] ** (-np.arange(0, d, 2) / d))
    a, b = x[..., :d // 2], x[..., d // 2:]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)], -1)


def logits(w, ids):
    H, G, d, n = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"], len(ids)
    x = w["model.embed_tokens.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        h = norm(x, w[p + "input_layernorm.weight"])
        q, k, v = ((h @ w[f"{p}self_attn.{s}_proj.weight"].T).reshape(n, -1, d).transpose(1, 0, 2) for s in "qkv")
        k, v = (np.repeat(t, H // G, 0) for t in (rotate(k), v))
        score = rotate(q) @ k.transpose(0, 2, 1) / np.sqrt(d) + np.triu(np.full((n, n), -np.inf), 1)
        y = np.exp(log_softmax(score, -1)) @ v
        x = x + y.transpose(1, 0, 2).reshape(n, -1) @ w[p + "self_attn.o_proj.weight"].T
        h = norm(x, w[p + "post_attention_layernorm.weight"])
        gate = h @ w[p + "mlp.gate_proj.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w[p + "mlp.up_proj.weight"].T)) @ w[p + "mlp.down_proj.weight"].T
    return norm(x, w["model.norm.weight"]) @ w["model.embed_tokens.weight"].T


def ints(data, at, n):
    return list(struct.unpack_from(f"<{n}i", data, at)), at + 4 * n


def check(base, tuned):
    data = (root / "reference.bin").read_bytes()
    (n, V), at = ints(data, 8, 2)
    for _ in range(n):
        (k,), at = ints(data, at, 1)
        ids, at = ints(data, at, k)
        (r,), at = ints(data, at, 1)
        rows, at = ints(data, at, r)
        theirs = np.frombuffer(data, "<f4", r * V, at).reshape(r, V)
        at += 4 * r * V
        (g,), at = ints(data, at, 1)
        at += 4 * g
        assert abs(logits(base, ids)[rows] - theirs).max() < 1e-4
    data = (root / "adapter/reference.bin").read_bytes()
    (n, V), at = ints(data, 8, 2)
    ids, at = ints(data, at, n)
    assert abs(logits(tuned, ids) - np.frombuffer(data, "<f4", n * V, at).reshape(n, V)).max() < 1e-4


def kl(a, b):
    return rel_entr(np.exp(log_softmax(a, -1)), np.exp(log_softmax(b, -1))).sum(-1)


base, tuned, tok = weights(False), weights(True), Tokenizer.from_file(str(root / "tokenizer.json"))
check(base, tuned)
total, targets = 0.0, 0
for question, answer in ROWS:
    prompt = tok.encode(f"Answer the following question.\n{question}\n").ids
    whole = tok.encode(f"Answer the following question.\n{question}\n{answer}").ids + [config["eos_token_id"]]
    assert whole[:len(prompt)] == prompt and prompt[0] == config["bos_token_id"]
    each = kl(logits(base, whole[:-1]), logits(tuned, whole[:-1]))[len(prompt) - 1:]
    print("row", question, answer, len(each), f"{each.sum():.12g}", sep="\t")
    total, targets = total + each.sum(), targets + len(each)
print("all", targets, f"{total / targets:.12g}", sep="\t")
draw = np.random.default_rng(405905)
for n, scale in ((2, 1), (7, 3), (64, 10)):
    a, b = (scale * draw.standard_normal(n)).astype("<f4"), (scale * draw.standard_normal(n)).astype("<f4")
    print("logits", n, f"{kl(a.astype(np.float64), b.astype(np.float64)):.12g}", *(f"{x:.9g}" for x in (*a, *b)), sep="\t")
