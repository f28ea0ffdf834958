"""What the end-to-end oracles share: the default model in transformers (f32), its tokenizer, the prompts of a run, and the rules of
docs/method/knowledge.md#matchers and #random-process, written down a second time, in Python.

Nothing here comes from the program except the prompts' texts: questions and exemplar sets are read from a run, so that both sides
answer the same prompts. The weights are those of nn_smollm2.py; token ids come from the `tokenizers` package with the pre-tokenizer
that the SmolLM models publish (digits one by one, then GPT-2's byte-level split); N is the one of match_fixtures.py.
"""
import hashlib, os, sqlite3

import gguf, numpy as np, tokenizers, torch
from tokenizers import models, pre_tokenizers

from nn_smollm2 import load

L_MAX, TOP_K, T = 32, 40, 0.5
ENDS = ("<|im_end|>", "<|endoftext|>")  # end of turn, and the end of a text as in pre-training


def hashed(text):
    """16 hexadecimal digits that stand for a text in a fixture"""
    data = text if isinstance(text, bytes) else text.encode()
    return hashlib.sha256(data).hexdigest()[:16]


def prompts_of_run(path):
    """(id, prompt number) -> (whole prompt text, accepted answers), in data order"""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    sets = {(r, s): t for r, s, t in db.execute("SELECT relation, set_no, text FROM exemplar_sets")}
    own = {(i, s): t for i, s, t in db.execute("SELECT row_id, set_no, text FROM own_sets")}  # cross-fitted: instead of its relation's
    golds = {}
    for place, text in db.execute("SELECT place, text FROM answers ORDER BY place, n"):
        golds.setdefault(place, []).append(text)
    out = {}
    for place, i, rel, question in db.execute("SELECT place, id, relation, question FROM examples ORDER BY place"):
        for s in range(10):
            out[i, s] = (own.get((i, s), sets[rel, s]) + f"Q: {question}\nA:", golds[place])
    return out


def q_of(logits):
    """ids and q of the candidates at a node: top 40, ties to the lower id, T = 0.5, double precision (docs/method/knowledge.md#random-process)"""
    x = logits.numpy() if hasattr(logits, "numpy") else logits
    near = np.nonzero(x >= np.partition(x, -TOP_K)[-TOP_K])[0]
    ids = near[np.lexsort((near, -x[near].astype(np.float64)))][:TOP_K]
    z = x[ids].astype(np.float64) / T
    e = np.exp(z - z[0])
    return ids, e / e.sum()


class Reference:
    def __init__(self, path, threads=1):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.model = load(path)
        fields = gguf.GGUFReader(path).fields
        names = fields["tokenizer.ggml.tokens"].contents()
        types = fields["tokenizer.ggml.token_type"].contents()
        merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
        assert fields["tokenizer.ggml.pre"].contents() == "smollm" and not fields["tokenizer.ggml.add_bos_token"].contents()
        self.tokenizer = tokenizers.Tokenizer(models.BPE(vocab={n: i for i, n in enumerate(names)}, merges=merges))
        self.tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
        # GPT-2's byte alphabet: the printable bytes stand for themselves, the others for U+0100 upwards.
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        byte = {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in plain)}
        control = {i for i, t in enumerate(types) if t == 3}
        self.bytes = [b"" if i in control else bytes(byte[c] for c in n) for i, n in enumerate(names)]
        self.ends = {names.index(n) for n in ENDS} | {int(fields["tokenizer.ggml.eos_token_id"].contents())}
        self.newlines = {i for i, b in enumerate(self.bytes) if b"\n" in b}

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids
