#!/usr/bin/env python3
"""N (docs/method/knowledge.md#normalisation) and the matchers, written a second time with Python's unicodedata.

    python3 tests/oracles/match_fixtures.py [ENTITYQUESTIONS/dataset] > tests/fixtures/text/match.tsv

Lines: N hex hex                 a generated string (UTF-8) and N of it
       M matcher hex(y) hex(g) 0|1   is y accepted for gold g
       F hex(y) hex(g) f1        word F1
       H file n sha256           N of every answer of a data file, in order, each followed by a newline
With the data it also counts on stderr how often N differs from the rules of the reference SQuAD script.
The generator stays out of code points that Unicode 14 added or changed: utf8proc may be older or newer than Python.
"""
import glob
import hashlib
import json
import os
import random
import re
import string
import sys
import unicodedata

SPACE = {9, 10, 11, 12, 13, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
ARTICLES = {"a", "an", "the"}


def words(s, keep=False):
    s = unicodedata.normalize("NFKC", s)
    s = "".join(c.lower() for c in s)  # one at a time: without context, so no final sigma
    s = "".join(c for c in s if c not in string.punctuation)
    out, w = [], ""
    for c in s + " ":
        if ord(c) not in SPACE:
            w += c
        elif w:
            out.append(w)
            w = ""
    return out if keep else [w for w in out if w not in ARTICLES]


def trim(s):
    while s and ord(s[0]) in SPACE:
        s = s[1:]
    while s and ord(s[-1]) in SPACE:
        s = s[:-1]
    return s


def levels(y, g):
    """the two sides on the gold's level, and whether that is the raw one"""
    if words(g):
        return words(y), words(g), False
    if words(g, True):
        return words(y, True), words(g, True), False
    return [trim(y)], [trim(g)], True


def f1(y, g):
    a, b, raw = levels(y, g)
    if raw:
        return float(a == b)
    rest, same = list(b), 0
    for w in a:
        if w in rest:
            rest.remove(w)
            same += 1
    return 2 * same / (len(a) + len(b)) if same else 0.0


def match(name, y, g):
    a, b, raw = levels(y, g)
    if name == "em-raw":
        return trim(y) == trim(g) and trim(y) != ""
    if name == "em-squad":
        return a == b
    if name == "contains":
        return a == b if raw else any(a[i:i + len(b)] == b for i in range(len(a) - len(b) + 1))
    raise ValueError(name)


def squad(s):
    s = "".join(c for c in s.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", s).split())


rng = random.Random(5)
SCRIPTS = [
    lambda: chr(rng.randrange(0x20, 0x7F)), lambda: chr(rng.randrange(0x20, 0x7F)), lambda: chr(rng.randrange(0xA1, 0x250)),
    lambda: chr(rng.randrange(0x300, 0x370)), lambda: chr(rng.randrange(0x370, 0x530)), lambda: chr(rng.randrange(0x591, 0x700)),
    lambda: chr(rng.randrange(0x900, 0xE00)), lambda: chr(rng.randrange(0x1000, 0x1100)), lambda: chr(rng.randrange(0x1100, 0x1200)),
    lambda: chr(rng.randrange(0x1E00, 0x2000)), lambda: chr(rng.randrange(0x2000, 0x2070)), lambda: chr(rng.randrange(0x2070, 0x2C00)),
    lambda: chr(rng.randrange(0x3000, 0x3400)), lambda: chr(rng.randrange(0x4E00, 0x4F00)), lambda: chr(rng.randrange(0xAC00, 0xAD00)),
    lambda: chr(rng.randrange(0xF900, 0xFB50)), lambda: chr(rng.randrange(0xFB50, 0xFE00)), lambda: chr(rng.randrange(0xFF00, 0xFFF0)),
    lambda: chr(rng.randrange(0x1D400, 0x1D800)), lambda: chr(rng.randrange(0x1F300, 0x1F650)), lambda: chr(rng.randrange(0x11100, 0x11140)),
    lambda: " ", lambda: rng.choice(["the", "The", "a", "An", "THE"]), lambda: rng.choice(["  ", " the ", " a ", ". ", ", ", "-", "'"]),
    lambda: rng.choice(["\u0130", "\u03a3", "\u212b", "\u00df", "\ufb03", "\u1e9e", "\u0345", "\u2260", "=\u0338", "\u00b4", "\u2028"]),
]


def good(s):
    return all(unicodedata.category(c) not in ("Cn", "Cs") or 0xFDD0 <= ord(c) <= 0xFDEF for c in s) and \
        not any(0xA7C0 <= ord(c) <= 0xA7FF or ord(c) in (0x2C2F, 0x2C5F) for c in s)


def generate(longest=14):
    while True:
        few = [rng.choice(SCRIPTS) for _ in range(rng.randrange(1, 4))]
        s = "".join(rng.choice(few)() for _ in range(rng.randrange(longest)))
        if good(s) and "\0" not in s:
            return s


def vary(g):
    """something that may or may not still be accepted for g"""
    y = g
    for _ in range(rng.randrange(4)):
        y = rng.choice([
            lambda s: s.upper(), lambda s: s.lower(), lambda s: unicodedata.normalize("NFD", s),
            lambda s: unicodedata.normalize("NFKC", s), lambda s: " " + s, lambda s: s + ".", lambda s: "The " + s,
            lambda s: s + " \u3000", lambda s: s.replace(" ", "  "), lambda s: s.replace(" ", ", a "), lambda s: s[1:],
            lambda s: s + " and more", lambda s: "so " + s, lambda s: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in s),
        ])(y)
    return y


def hexed(s):
    return s.encode().hex() or "-"


def main():
    print(f"# made by match_fixtures.py; python {sys.version.split()[0]}, unicodedata {unicodedata.unidata_version}")
    for _ in range(1200):
        s = generate()
        print("N", hexed(s), hexed(" ".join(words(s))), sep="\t")
    golds = ["The The", "!!!", "A", "\u2026", "The", "A\u2019s", "St. Louis", "Washington, D.C.", "Guns N' Roses", "\u0130stanbul",
             "S\u00e3o Paulo", "\ud55c\uad6d", "...", "the a an", "\u00bd", "O", "?"]
    while len(golds) < 200:
        g = generate(10)
        if trim(g):
            golds.append(g)
    for g in golds:
        for y in (g, vary(g), vary(g), generate(6)):
            for m in ("em-raw", "em-squad", "contains"):
                print("M", m, hexed(y), hexed(g), int(match(m, y, g)), sep="\t")
            print("F", hexed(y), hexed(g), repr(f1(y, g)), sep="\t")
    if len(sys.argv) > 1:
        seen, differ = set(), []
        for path in sorted(glob.glob(os.path.join(sys.argv[1], "*", "P*.json"))):
            h, n = hashlib.sha256(), 0
            for row in json.load(open(path)):
                for g in row["answers"]:
                    v = " ".join(words(g))
                    h.update(v.encode() + b"\n")
                    n += 1
                    if g not in seen:
                        seen.add(g)
                        if squad(g) != v:
                            differ.append((g, squad(g), v))
            print("H", os.path.relpath(path, sys.argv[1]), n, h.hexdigest(), sep="\t")
        nfkc = sum(squad(unicodedata.normalize("NFKC", g)) != v for g, _, v in differ)
        print(f"{len(seen)} distinct answers; N differs from SQuAD's rules on {len(differ)}, "
              f"on {nfkc} when the reference gets NFKC too", file=sys.stderr)


if __name__ == "__main__":
    main()
