#!/usr/bin/env python3
"""P_Correct of chosen prompts by an exhaustive walk with transformers in f32: every token path that can still be accepted, down to
reach 1e-8, and whether it lies in the interval of the run.

    python tests/oracles/e2e_exhaustive.py MODEL.gguf OUT.tsv RUN.ken ID:PROMPT,PROMPT ... [RUN.ken ID:PROMPT ...]

docs/method/knowledge.md#random-process and #viable-paths, written down a second time: p is summed level by level over the tree of viable
paths, without rounds, budgets or greedy paths. What is cut at reach 1e-8 (or beyond MOST nodes, the smallest reach first) is kept as
`open`: the true p lies in [p, p + open]. The run's [p_lo, p_hi] is widened by 1e-3 p + 1e-6 for float noise.

One tree shares one key-value cache: a level is one forward whose attention mask lets each node see the prompt, its own ancestors
and itself. The fixture holds row ids, prompt numbers, hashes and numbers only.

Made with torch 2.15.0, transformers 5.23.0 (5.24.0 for PopQA), tokenizers 0.23.3, gguf 0.19.0 from SmolLM2-135M-Instruct.Q4_1.gguf; the commands are in
tests/fixtures/e2e/README.md.
"""
import sqlite3, string, sys, time, unicodedata

import torch

from e2e_reference import L_MAX, Reference, hashed, prompts_of_run, q_of
from match_fixtures import SPACE, match, words

CUT = 1e-8
MOST = 12000  # nodes of a prompt
WIDTH = 256   # nodes of one forward


def complete(x):
    """x without an incomplete UTF-8 sequence at its end; None when it is invalid before that"""
    for cut in range(4):
        try:
            return x[:len(x) - cut].decode()
        except UnicodeDecodeError as e:
            if e.reason != "unexpected end of data":
                return None
    return None


def viable(x, gold):
    """V of em-squad for one gold, as docs/method/knowledge.md#viable-paths words it: never too strict, here and there too permissive"""
    assert words(gold), "golds of the fallback levels are not for this walk"
    s = complete(x)
    if s is None:
        return False
    s = "".join(c.lower() for c in unicodedata.normalize("NFKC", s))  # one at a time, as N does
    s = "".join("\n" if ord(c) in SPACE else c for c in s if c not in string.punctuation)
    *every, last = s.split("\n")  # the last one is open
    closed = [w for w in every if w not in ("", "a", "an", "the")]
    golden = words(gold)
    if closed != golden[:len(closed)] or len(closed) > len(golden):
        return False
    target = golden[len(closed)] if len(closed) < len(golden) else ""
    if not last or any(article.startswith(last) for article in ("a", "an", "the")) or target.startswith(last):
        return True
    at = target[len(last) - 1:len(last)]
    if last[-1].isascii() and at.isascii():
        return False
    short = last
    while short and unicodedata.combining(short[-1]):
        short = short[:-1]
    short = short[:-1]
    return target.startswith(short) or any(article.startswith(short) for article in ("a", "an", "the"))


def accepted(x, golds):
    try:
        y = x.decode()
    except UnicodeDecodeError:
        return False
    return any(match("em-squad", y, g) for g in golds)


def logits_of(ref, tokens, at, parents, past):
    """Forwards nodes at one depth behind `past`; parents: the cache places each may see besides the prompt's and its own."""
    prompt, seen = past.prompt, past.get_seq_length()
    mask = torch.full((len(tokens), seen + len(tokens)), torch.finfo(torch.float32).min)
    mask[:, :prompt] = 0
    for i, above in enumerate(parents):
        mask[i, above] = 0
        mask[i, seen + i] = 0
    out = ref.model(torch.tensor([tokens]), past_key_values=past, use_cache=True, attention_mask=mask[None, None],
                    position_ids=torch.full((1, len(tokens)), prompt + at))
    return out.logits[0], range(seen, seen + len(tokens))


def walk(ref, text, golds):
    """(p, open mass, nodes)"""
    ids = ref.encode(text)
    out = ref.model(torch.tensor([ids]), use_cache=True, logits_to_keep=1)
    past = out.past_key_values
    past.prompt = len(ids)
    level = [(1.0, b"", [])]  # reach, text, places in the cache of the path so far
    rows = [out.logits[0, -1]]
    p = left = 0.0
    nodes = 1
    for depth in range(L_MAX):
        children = []
        for (rho, x, path), row in zip(level, rows):
            for v, q in zip(*q_of(row)):
                r = rho * float(q)
                b = ref.bytes[v]
                if v in ref.ends:
                    p += r * accepted(x, golds)
                elif v in ref.newlines:
                    p += r * accepted(x + b.split(b"\n")[0], golds)
                elif any(viable(x + b, g) for g in golds):
                    children.append((r, x + b, path, int(v)))
        if depth + 1 == L_MAX:
            return p + sum(r * accepted(x, golds) for r, x, _, _ in children), left, nodes
        children.sort(key=lambda c: -c[0])
        keep = [c for c in children if c[0] >= CUT][:max(0, MOST - nodes)]
        left += sum(c[0] for c in children[len(keep):])
        if not keep:
            return p, left, nodes
        nodes += len(keep)
        level, rows = [], []
        for i in range(0, len(keep), WIDTH):
            part = keep[i:i + WIDTH]
            got, places = logits_of(ref, [c[3] for c in part], depth, [c[2] for c in part], past)
            level += [(r, x, path + [at]) for (r, x, path, _), at in zip(part, places)]
            rows += list(got)


def chosen(arguments):
    """[(run, id, prompt)]"""
    run, out = None, []
    for a in arguments:
        if a.endswith(".ken"):
            run = a
        else:
            row, _, numbers = a.rpartition(":")
            out += [(run, row, int(n)) for n in numbers.split(",")]
    return out


def main(model, out, *arguments):
    ref = Reference(model)
    lines, bad, began = [], 0, time.time()
    for run, row, n in chosen(arguments):
        text, golds = prompts_of_run(run)[row, n]
        p, left, nodes = walk(ref, text, golds)
        db = sqlite3.connect(f"file:{run}?mode=ro", uri=True)
        lo, hi = db.execute("SELECT p_lo, p_hi FROM prompts JOIN examples USING (place) WHERE id = ? AND prompt = ?", (row, n)).fetchone()
        slack = 1e-3 * p + 1e-6
        ok = lo - slack <= p + left and p <= hi + slack
        bad += not ok
        print(f"{'ok ' if ok else 'BAD'} {row}:{n} p {p:.8g} + {left:.2g} in [{lo:.8g}, {hi:.8g}], {nodes} nodes, {len(golds)} golds, "
              f"{time.time() - began:.0f} s", flush=True)
        lines.append(f"{row}\t{n}\t{hashed(text)}\t{len(golds)}\t{p:.9g}\t{left:.3g}\t{nodes}")
        with open(out, "w") as f:
            f.write("# made by tests/oracles/e2e_exhaustive.py (versions there): id, prompt, hash of the prompt, golds, p, open mass, nodes\n"
                    + "\n".join(lines) + "\n")
    print(f"{len(lines)} prompts, {bad} outside their interval")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
