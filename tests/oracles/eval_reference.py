#!/usr/bin/env python3
"""What `ken eval` says of the default model, computed with transformers in f32: greedy answers in the zero-shot form, and perplexity.

    ken eval -d data/world --per-relation 2 --rows --json >rows.jsonl
    python tests/oracles/eval_reference.py MODEL.gguf data/world rows.jsonl LICENSE tests/fixtures/e2e/eval.tsv

Questions come from the rows, accepted answers from the data, so that both sides ask the same; each prompt is "Answer the following question.\\n{question}\\n"
(docs/method/fine-tuning.md#format), decoded as in e2e_greedy.py. The text is scored as Hugging Face's documentation does it ("Perplexity of
fixed-length models"): windows of W tokens that begin every S tokens, each token once, in the first window that holds it; the first
token of a window has no prediction. Hashes and numbers only.

Made with torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, gguf 0.19.0 from SmolLM2-135M-Instruct.Q4_1.gguf.
"""
import json, sys

import torch

from e2e_greedy import decode, verdict
from e2e_reference import Reference, hashed

WINDOWS = ((64, 64), (64, 32), (128, 100), (512, 512))


def perplexity(ref, ids, window, stride):
    """sum of -log p, tokens scored, bytes they stand for"""
    nll, n, size, scored = 0.0, 0, 0, 0
    for begin in range(0, len(ids), stride):
        end = min(begin + window, len(ids))
        first = max(scored, begin + 1)
        if end > first:
            logits = ref.model(torch.tensor([ids[begin:end]])).logits[0].double().log_softmax(-1)
            for i in range(first, end):
                nll -= logits[i - begin - 1, ids[i]].item()
                size += len(ref.bytes[ids[i]])
            n += end - first
        scored = end
        if end == len(ids):
            break
    return nll, n, size


def golds(data, name):
    relation, split, place = name.split("/")
    return json.load(open(f"{data}/{split}/{relation}.{split}.json", encoding="utf-8"))[int(place)]


def main(model, data, rows, text, out):
    ref = Reference(model)
    lines = ["# made by tests/oracles/eval_reference.py (versions there)", "# text: window, stride, tokens scored, bytes, nll"]
    ids = ref.encode(open(text, encoding="utf-8").read())
    for window, stride in WINDOWS:
        nll, n, size = perplexity(ref, ids, window, stride)
        lines.append(f"text\t{window}\t{stride}\t{n}\t{size}\t{nll:.6f}")
    lines.append("# row: id, hash of the question, em-squad, em-raw, finish, hash of the answer, smallest margin")
    differ = 0
    for line in open(rows, encoding="utf-8"):
        r = json.loads(line)
        prompt = ref.encode(f"Answer the following question.\n{r['question']}\n")
        (answer, finish, margin), = decode(ref, [prompt])
        row = golds(data, r["id"])
        assert row["question"] == r["question"]
        hit, raw = (int(verdict(m, answer, row["answers"])) for m in ("em-squad", "em-raw"))
        shown = answer.decode(errors="replace")
        lines.append("\t".join(["row", r["id"], hashed(r["question"]), str(hit), str(raw), finish, hashed(shown), f"{margin:.3g}"]))
        mine, theirs = (hit, raw, finish, shown), (r["hit"], r["hit_raw"], r["finish"], r["text"])
        if mine != theirs:
            differ += 1
            print(f"differs: {r['id']} transformers {mine} ken {theirs} margin {margin:.3g}")
    with open(out, "w") as f:
        f.write("\n".join(lines) + "\n")
    print(f"{differ} rows differ")


if __name__ == "__main__":
    main(*sys.argv[1:])
