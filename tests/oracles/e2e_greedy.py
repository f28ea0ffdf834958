#!/usr/bin/env python3
"""Greedy answers of the default model from transformers in f32, to every prompt of a run, and how the run's own compare.

    python tests/oracles/e2e_greedy.py MODEL.gguf RUN.ken tests/fixtures/e2e/greedy.tsv

The plain way: each prompt is forwarded as a whole, then one token after another until an end token, a newline or 32 tokens
(docs/method/knowledge.md#random-process); prompts of equal length share a batch, so that nothing is padded. Matchers are those of match_fixtures.py.
A difference from the run counts as explained only when the two largest logits came closer than 1e-4 somewhere on the path.

The fixture holds no text: row id, prompt number, hash of the prompt, verdict by em-squad and by em-raw, finish, hash of the
answer, smallest gap between the two largest logits up to the stop.

Made with torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, gguf 0.19.0 from SmolLM2-135M-Instruct.Q4_1.gguf and
    ken annotate -d entityquestions/dataset --split test --relation P36,P17,P19,P495 --per-relation 25
"""
import sqlite3, sys, time

import torch

from e2e_reference import L_MAX, Reference, hashed, prompts_of_run
from match_fixtures import match

BATCH = 16
NEAR = 1e-4


def decode(ref, batch):
    """batch: token lists of one length -> (answer bytes, finish, smallest margin) for each"""
    n = len(batch)
    text, finish, margin = [b""] * n, [None] * n, [float("inf")] * n
    out = ref.model(torch.tensor(batch), use_cache=True, logits_to_keep=1)
    for step in range(L_MAX + 1):
        if step == L_MAX:
            return [(text[i], finish[i] or "length", margin[i]) for i in range(n)]
        top = torch.topk(out.logits[:, -1].double(), 8)
        token = []
        for i in range(n):
            value = top.values[i].tolist()
            v = min(t for t, x in zip(top.indices[i].tolist(), value) if x == value[0])  # ties to the lower id
            token.append(v)
            if finish[i]:
                continue
            margin[i] = min(margin[i], value[0] - value[1])
            if v in ref.ends:
                finish[i] = "eos"
            elif v in ref.newlines:
                text[i] += ref.bytes[v].split(b"\n")[0]
                finish[i] = "newline"
            else:
                text[i] += ref.bytes[v]
        if all(finish):
            return list(zip(text, finish, margin))
        if step + 1 < L_MAX:
            out = ref.model(torch.tensor(token)[:, None], past_key_values=out.past_key_values, use_cache=True)


def verdict(matcher, answer, golds):
    try:
        y = answer.decode()
    except UnicodeDecodeError:
        return False  # invalid at the stop: cannot match (docs/method/knowledge.md#edge-cases)
    return any(match(matcher, y, g) for g in golds)


def main(model, run, out):
    ref = Reference(model)
    prompts = prompts_of_run(run)
    by_length = {}
    for key, (text, _) in prompts.items():
        ids = ref.encode(text)
        by_length.setdefault(len(ids), []).append((key, ids))
    answers, began = {}, time.time()
    for length in sorted(by_length):
        group = by_length[length]
        for at in range(0, len(group), BATCH):
            part = group[at:at + BATCH]
            for (key, _), a in zip(part, decode(ref, [ids for _, ids in part])):
                answers[key] = a
        print(f"{len(answers)}/{len(prompts)} {time.time() - began:.0f} s", file=sys.stderr, flush=True)

    db = sqlite3.connect(f"file:{run}?mode=ro", uri=True)
    ours = {(i, p): r for i, p, *r in db.execute(
        "SELECT id, prompt, greedy_hit, greedy_hit_raw, text, finish, margin FROM prompts JOIN examples USING (place)")}
    lines, differ, unexplained = [], 0, 0
    for key, (text, golds) in prompts.items():
        answer, finish, margin = answers[key]
        hit, raw = (verdict(m, answer, golds) for m in ("em-squad", "em-raw"))
        shown = answer.decode(errors="replace")
        lines.append("\t".join([key[0], str(key[1]), hashed(text), str(int(hit)), str(int(raw)), finish, hashed(shown), f"{margin:.3g}"]))
        mine = (int(hit), int(raw), shown, finish)
        if mine != tuple(ours[key][:4]):
            differ += 1
            unexplained += margin >= NEAR
            print(f"differs: {key} transformers {mine} run {tuple(ours[key])} margin {margin:.3g}")
    with open(out, "w") as f:
        f.write("# made by tests/oracles/e2e_greedy.py (versions there): id, prompt, hash of the prompt, em-squad, em-raw, finish, hash of "
                "the answer, margin\n" + "\n".join(lines) + "\n")
    margins = sorted(a[2] for a in answers.values())
    print(f"{len(lines)} prompts: {differ} differ, {unexplained} without a margin below {NEAR:g}; smallest margins "
          + " ".join(f"{m:.2g}" for m in margins[:5]))
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
