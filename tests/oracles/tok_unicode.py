"""Writes tests/fixtures/text/tok_classes.txt: which code points the reference takes for letters, numbers and white space.

    python tests/oracles/tok_unicode.py --out tests/fixtures/text

The reference is the regular expression engine inside Hugging Face's tokenizers 0.23.3 (Onigmo, Unicode 16). Prints
where utf8proc, which src/text/pretok.c asks, says otherwise: with utf8proc 2.8 (Unicode 15.0) the 4,924 letters and 80
numbers of Unicode 15.1 and 16, which pretok.c therefore has in a table. Also prints where Digits, the part of SmolLM's
pre-tokenizer that is Rust's char::is_numeric (Unicode 17), differs from \\p{N}: U+11DE0..11DE9 and U+16FF4..16FF6,
numbers since Unicode 17, which are symbols to us.
"""
import argparse
import ctypes
import ctypes.util

from tokenizers import Regex, pre_tokenizers

CATEGORIES = {**dict.fromkeys(range(1, 6), "L"), **dict.fromkeys(range(9, 12), "N"), **dict.fromkeys(range(23, 26), "S")}  # utf8proc_category_t


def ranges(points):
    out = []
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return ["%X %X" % (a, b) for a, b in out]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    args = p.parse_args()
    utf8proc = ctypes.CDLL(ctypes.util.find_library("utf8proc"))
    split = [(k, pre_tokenizers.Split(Regex(r), "removed")) for k, r in (("L", r"\p{L}"), ("N", r"\p{N}"), ("S", r"\s"))]
    digits = pre_tokenizers.Digits(individual_digits=True)
    of_class = {"L": [], "N": [], "S": []}
    other, rust = {}, []
    for c in range(0x110000):
        if 0xD800 <= c <= 0xDFFF:
            continue
        k = next((k for k, s in split if not s.pre_tokenize_str(chr(c))), "O")
        if k != "O":
            of_class[k].append(c)
        mine = "S" if 9 <= c <= 13 or c == 0x85 else CATEGORIES.get(utf8proc.utf8proc_category(c), "O")
        if mine != k:
            other.setdefault((mine, k), []).append(c)
        if (len(digits.pre_tokenize_str(chr(c) * 2)) == 2) != (k == "N"):
            rust.append(c)
    with open(args.out + "/tok_classes.txt", "w", newline="\n") as f:
        f.write("# Made by tests/oracles/tok_unicode.py with tokenizers 0.23.3: class, first, last. L letter, N number, S white space; all others are symbols.\n")
        for k, points in of_class.items():
            f.writelines("%s %s\n" % (k, r) for r in ranges(points))
    for (mine, k), points in other.items():
        print("utf8proc %s, reference %s: %d code points: %s" % (mine, k, len(points), ", ".join(ranges(points))))
    print("Digits other than \\p{N}: %d code points: %s" % (len(rust), ", ".join(ranges(rust))))


if __name__ == "__main__":
    main()
