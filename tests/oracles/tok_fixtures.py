"""Makes tests/fixtures/text/tok_*.txt: strings, small vocabularies trained here, and the token ids that the references
give.

    python tests/oracles/tok_fixtures.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --tokenizers DIR --out tests/fixtures/text

DIR holds gpt2_vocab.bpe and llama2_tokenizer.model; of them only ids and hashes of ids get into the fixtures. Last made
with tokenizers 0.23.3, sentencepiece 0.2.3, gguf 0.19.0. Oracles, one column each in tok_ids.txt:

    smollm   Hugging Face tokenizers: Digits(individual) + ByteLevel, vocabulary and merges of the default model
    gpt2     Hugging Face tokenizers: ByteLevel, GPT-2's merges
    llama3   Hugging Face tokenizers: Llama-3's regular expression, ignore_merges, BOS; vocabulary tok_vocab_llama3.txt, trained here
    qwen2    Hugging Face tokenizers: NFC, Qwen2's regular expression, EOS; vocabulary tok_vocab_qwen2.txt, trained here
    llama2   sentencepiece, Llama-2's model
    spm      sentencepiece, tok_vocab_spm.txt, trained here

Each is asked twice: plain (special tokens are text, user-defined ones are tokens), and with special tokens parsed and
BOS and EOS added. The column is the low 40 bits of FNV-1a (64 bits) over the int32 of plain, -1, full.

Neither reference takes bytes that are no UTF-8. Ours: such a byte counts as a symbol when the text is split, and is
encoded as that byte. The oracle for it: each bad byte becomes a noncharacter (U+FDD0, unassigned like U+FFFD is a
symbol), the reference splits, and the noncharacter's place gets the byte back before the reference merges. For
SentencePiece, whose segments around control and user-defined tokens begin anew as in Hugging Face's LlamaTokenizer, the
noncharacter falls back to three byte tokens, which then become the one.
"""
import argparse
import functools
import re
import struct
import sys

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

import tok_corpus

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6

PRINTABLE = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
ORDER = PRINTABLE + [b for b in range(256) if b not in PRINTABLE]
CHAR = {b: chr(b) for b in PRINTABLE}
CHAR.update({b: chr(256 + i) for i, b in enumerate(ORDER[len(PRINTABLE):])})


def mark(s):
    """Bytes -> text with a noncharacter for each bad byte, the noncharacter, the bad bytes in order."""
    t = s.decode("utf-8", "surrogateescape")
    m = next(chr(c) for c in range(0xFDD0, 0xFDF0) if chr(c) not in t)
    bad = [ord(c) - 0xDC00 for c in t if 0xDC80 <= ord(c) <= 0xDCFF]
    return "".join(m if 0xDC80 <= ord(c) <= 0xDCFF else c for c in t), m, bad


class Vocab:
    """What a ken_tok_spec holds, and how the reference encodes with it."""

    def __init__(self, kind, pre, tokens, types, scores=(), merges=(), bos=-1, eos=-1, unk=-1, flags=()):
        self.__dict__.update(kind=kind, pre=pre, tokens=tokens, types=types, scores=scores, merges=merges, bos=bos, eos=eos, unk=unk, flags=flags)
        self.id = {t: i for i, t in enumerate(tokens)}
        if kind == "bpe":
            self.splitter = {
                "gpt2": pre_tokenizers.Split(Regex(GPT2), "isolated"),
                "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Split(Regex(GPT2), "isolated")]),
                "llama-bpe": pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                "qwen2": pre_tokenizers.Split(Regex(QWEN2), "isolated"),
            }[pre]
            # Added tokens behind the others are numbered on by the library itself; SmolLM2's stand in front, and in the model's vocabulary.
            own = range(len(tokens)) if types[0] == CONTROL else [i for i, k in enumerate(types) if k == NORMAL]
            self.model = models.BPE({tokens[i]: i for i in own}, list(merges), ignore_merges="ignore_merges" in flags)
            self.hf = Tokenizer(self.model)
            if "nfc" in flags:
                self.hf.normalizer = normalizers.NFC()
            if pre in ("gpt2", "smollm"):  # as the models' tokenizer.json have it
                bl = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
                self.hf.pre_tokenizer = bl if pre == "gpt2" else pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), bl])
            else:
                self.hf.pre_tokenizer = pre_tokenizers.Sequence([self.splitter, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
            self.hf_full = Tokenizer.from_str(self.hf.to_str())
            for hf in (self.hf, self.hf_full):
                hf.add_special_tokens([AddedToken(t, normalized=False, special=True) for t, k in zip(tokens, types) if k in (CONTROL, UNKNOWN)])
                hf.add_tokens([AddedToken(t, normalized=False, special=False) for t, k in zip(tokens, types) if k == USER])
            self.hf.encode_special_tokens = True
            assert all(self.hf.token_to_id(t) == i for i, t in enumerate(tokens))

    def segment(self, text, m, bad):
        """Ids of text without added tokens, bad bytes at the places of m."""
        if self.kind == "spm":
            ids = self.sp.encode(text)
            marker = [self.id["<0x%02X>" % b] for b in m.encode()]
            out, i = [], 0
            while i < len(ids):
                if bad and ids[i:i + 3] == marker:
                    out.append(self.id["<0x%02X>" % bad.pop(0)])
                    i += 3
                else:
                    out.append(ids[i])
                    i += 1
            return out
        if "nfc" in self.flags:
            text = normalizers.NFC().normalize_str(text)
        out = []
        for piece, _ in self.splitter.pre_tokenize_str(text):
            raw = b"".join(bytes([bad.pop(0)]) if c == m else c.encode() for c in piece)
            out += [t.id for t in self.model.tokenize("".join(CHAR[b] for b in raw))]
        return out

    @functools.lru_cache(maxsize=None)
    def added_tokens(self, full):
        """Spelling -> id, and the expression that finds the longest at each place."""
        kinds = (CONTROL, UNKNOWN, USER) if full else (USER,)
        added = {t.replace("\u2581", " ") if self.kind == "spm" else t: i for i, t in enumerate(self.tokens) if self.types[i] in kinds}
        longest_first = sorted(added, key=len, reverse=True)
        return added, re.compile("(" + "|".join(map(re.escape, longest_first)) + ")") if added else re.compile("(?!)()")

    def by_hand(self, s, full):
        """Added tokens found leftmost-longest, the reference for what is between."""
        text, m, bad = mark(s)
        added, cut = self.added_tokens(full)
        out = []
        for i, part in enumerate(cut.split(text)):
            if i % 2:
                out.append(added[part])
            elif part:
                out += self.segment(part, m, bad)
        assert not bad
        return out

    def encode(self, s, full):
        ids = self.by_hand(s, full)
        if self.kind == "bpe" and not mark(s)[2]:
            hf = self.hf_full if full else self.hf
            whole = hf.encode(s.decode(), add_special_tokens=False).ids
            if whole != ids:
                sys.exit("the oracle disagrees with itself on %r: %s, %s" % (s, whole, ids))
        if full and "add_bos" in self.flags:
            ids = [self.bos] + ids
        if full and "add_eos" in self.flags:
            ids = ids + [self.eos]
        return ids

    def write(self, path, comment):
        with open(path, "w", encoding="utf-8", newline="\n") as f:
            f.write("# %s\n# Made by tests/oracles/tok_fixtures.py. Lines: t TYPE PIECE [SCORE], m LEFT RIGHT.\n" % comment)
            f.write("kind %s\npre %s\nbos %d\neos %d\nunk %d\n" % (self.kind, self.pre, self.bos, self.eos, self.unk))
            for x in self.flags:
                f.write("flag %s\n" % x)
            for i, t in enumerate(self.tokens):
                f.write("t %d %s%s\n" % (self.types[i], escape(t.encode()), " %.9g" % self.scores[i] if self.scores else ""))
            for a, b in self.merges:
                f.write("m %s %s\n" % (a, b))


def escape(s):
    """One line, no space: printable text as it is, the rest as \\n \\r \\t \\\\ \\xNN."""
    out = []
    for c in s.decode("utf-8", "surrogateescape"):
        if c in "\n\r\t\\":
            out.append({"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}[c])
        elif c == "#" and not out:  # would be a comment
            out.append("\\x23")
        elif c.isprintable() and c != " " or c == "\u200d":
            out.append(c)
        elif c == " ":
            out.append("\\_")
        else:
            out.append("".join("\\x%02X" % b for b in c.encode("utf-8", "surrogateescape")))
    return "".join(out)


def fnv(ids):
    h = 0xCBF29CE484222325
    for b in struct.pack("<%di" % len(ids), *ids):
        h = (h ^ b) * 0x100000001B3 & (1 << 64) - 1
    return h & (1 << 40) - 1


# ---- the vocabularies -------------------------------------------------------------------------------------------------


def smollm(path):
    import gguf
    f = gguf.GGUFReader(path).fields
    get = lambda k: f["tokenizer.ggml." + k].contents()
    return Vocab("bpe", "smollm", get("tokens"), list(get("token_type")), merges=[tuple(m.split(" ")) for m in get("merges")], bos=1, eos=2, unk=0)


def gpt2(path):
    lines = open(path, encoding="utf-8").read().split("\n")[1:]
    merges = [tuple(x.split(" ")) for x in lines if x]
    tokens = [CHAR[b] for b in ORDER] + [a + b for a, b in merges] + ["<|endoftext|>"]
    return Vocab("bpe", "gpt2", tokens, [NORMAL] * (len(tokens) - 1) + [CONTROL], merges=merges, bos=len(tokens) - 1, eos=len(tokens) - 1)


def trained(pre, regex, size, control, user, whole, flags, bos, eos):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    text = tok_corpus.sentences() * 3 + ["'s 't 're 've 'm 'll 'd It's we're they'll I'm I'd don't you've"] * 3
    t.train_from_iterator(text, trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    import json
    merges = [tuple(m) for m in json.loads(t.to_str())["model"]["merges"]]
    tokens = [CHAR[b] for b in ORDER]
    for a, b in merges:
        if a + b not in tokens:
            tokens.append(a + b)
    for w in whole:  # tokens that no merges lead to: only ignore_merges finds them
        w = "".join(CHAR[b] for b in w.encode())
        if w not in tokens:
            tokens.append(w)
    types = [NORMAL] * len(tokens) + [CONTROL] * len(control) + [USER] * len(user)
    tokens += control + user
    return Vocab("bpe", pre, tokens, types, merges=merges, bos=tokens.index(bos), eos=tokens.index(eos), flags=flags)


def from_sp(sp, user=(), flags=("add_bos", "add_space_prefix")):
    n = sp.get_piece_size()
    kind = lambda i: BYTE if sp.is_byte(i) else CONTROL if sp.is_control(i) else UNKNOWN if sp.is_unknown(i) else NORMAL
    v = Vocab("spm", "none", [sp.id_to_piece(i) for i in range(n)] + list(user), [kind(i) for i in range(n)] + [USER] * len(user),
              [sp.get_score(i) for i in range(n)] + [-1000.0] * len(user), bos=sp.bos_id(), eos=sp.eos_id(), unk=sp.unk_id(), flags=flags)
    v.sp = sp
    return v


def spm(size):
    import io
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(tok_corpus.sentences() * 3), model_writer=model, vocab_size=size, model_type="bpe", byte_fallback=True,
                                             normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, split_digits=True,
                                             character_coverage=0.98, num_threads=1, minloglevel=2)
    return from_sp(sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()), user=["<tool>", "</tool>", "\u2581tool"])


def vocabularies(args):
    return {
        "smollm": smollm(args.gguf),
        "gpt2": gpt2(args.tokenizers + "/gpt2_vocab.bpe"),
        "llama3": trained("llama-bpe", LLAMA3, 700, ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|eot_id|>x", "<|im_end|>"], ["<tool>", "</tool>", "<tool>call"],
                          [" capital", "Hello", " World", "123", "\n\n", "\u4e2d\u56fd", "'re", " of the"], ("add_bos", "ignore_merges"), "<|begin_of_text|>", "<|end_of_text|>"),
        "qwen2": trained("qwen2", QWEN2, 700, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], ["<tool>", "</tool>"], [], ("add_eos", "nfc"), "<|endoftext|>", "<|im_end|>"),
        "llama2": from_sp(sentencepiece.SentencePieceProcessor(model_file=args.tokenizers + "/llama2_tokenizer.model")),
        "spm": spm(1100),
    }


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--gguf", required=True)
    p.add_argument("--tokenizers", required=True)
    p.add_argument("--out", required=True)
    args = p.parse_args()
    vocabs = vocabularies(args)
    vocabs["llama3"].write(args.out + "/tok_vocab_llama3.txt", "Byte-level BPE with Llama-3's pre-tokenizer, trained on tok_corpus.py; tokenizers 0.23.3.")
    vocabs["qwen2"].write(args.out + "/tok_vocab_qwen2.txt", "Byte-level BPE with Qwen2's pre-tokenizer, trained on tok_corpus.py; tokenizers 0.23.3.")
    vocabs["spm"].write(args.out + "/tok_vocab_spm.txt", "SentencePiece BPE with byte fallback, trained on tok_corpus.py; sentencepiece 0.2.3.")
    strings = list(dict.fromkeys(tok_corpus.strings()))
    with open(args.out + "/tok_strings.txt", "w", encoding="utf-8", newline="\n") as f:
        f.write("# Made by tests/oracles/tok_fixtures.py: a string a line; \\_ is a space, \\n \\r \\t \\\\ and \\xNN the rest.\n")
        f.writelines("%s\n" % escape(s) for s in strings)
    names = list(vocabs)
    with open(args.out + "/tok_ids.txt", "w", newline="\n") as f, open(args.out + "/tok_ids_full.txt", "w", newline="\n") as g:
        f.write("# Made by tests/oracles/tok_fixtures.py: for each line of tok_strings.txt a hash of the token ids.\n# %s\n" % " ".join(names))
        g.write("# Made by tests/oracles/tok_fixtures.py: string (from 0), vocabulary, ids with special tokens parsed, BOS and EOS added.\n")
        for i, s in enumerate(strings):
            row = []
            for name in names:
                full = vocabs[name].encode(s, True)
                row.append("%010x" % fnv(vocabs[name].encode(s, False) + [-1] + full))
                if i % 100 == 7:
                    g.write("%d %s %s\n" % (i, name, " ".join(map(str, full))))
            f.write(" ".join(row) + "\n")
    print(len(strings), "strings,", sum(1 for s in strings if mark(s)[2]), "of them no UTF-8")


if __name__ == "__main__":
    main()
