#!/usr/bin/env python3
"""The colours of the categories on a terminal differ for every eye, and stand out from dark and light grounds.

    colours.py KEN MAKE_RUN

Reads the codes out of what `ken show` prints, and simulates the three kinds of colour blindness (Machado et al. 2009). Prints TAP.
"""
import itertools, math, os, re, subprocess, sys, tempfile

EYES = {"no": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        "red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
        "green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
        "blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900))}
LEAST = 20  # CIE76; 2 is just seen
GROUND = 1.7  # contrast; bars and bold words, not small print


def rgb(code):
    """Linear light of one of the upper 240 of a terminal's 256 colours."""
    if code >= 232:
        parts = [8 + 10 * (code - 232)] * 3
    else:
        levels, i = (0, 95, 135, 175, 215, 255), code - 16
        parts = [levels[i // 36], levels[i // 6 % 6], levels[i % 6]]
    return [p / 255 / 12.92 if p / 255 <= 0.04045 else ((p / 255 + 0.055) / 1.055) ** 2.4 for p in parts]


def luminance(c):
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]


def lab(c):
    r, g, b = (min(1, max(0, x)) for x in c)
    f = [t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
         for t in ((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, luminance((r, g, b)),
                   (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089)]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def main():
    ken, make_run = map(os.path.abspath, sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([make_run, "r.ken"], cwd=folder, check=True)
        out = subprocess.run([ken, "show", "r.ken", "--rows", "--color", "always"], cwd=folder, check=True, capture_output=True,
                             text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
    names = ["HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown", "unlabelled"]
    code = {n: int(m[1]) for n in names if (m := re.search(r"\x1b\[38;5;(\d+)m" + n, out))}
    bad = [n for n in names if n not in code]
    print(f"1..3\n{'not ok' if bad else 'ok'} 1 - every category has a colour" + "".join("\n# none: " + n for n in bad))
    wrong = []
    for eye, m in EYES.items():
        seen = {n: lab([sum(w * x for w, x in zip(row, rgb(c))) for row in m]) for n, c in code.items()}
        wrong += [f"{a} and {b}: {math.dist(seen[a], seen[b]):.1f} for {eye} blindness"
                  for a, b in itertools.combinations(seen, 2) if math.dist(seen[a], seen[b]) < LEAST]
    print(f"{'not ok' if wrong else 'ok'} 2 - they differ for every eye" + "".join("\n# " + w for w in wrong))
    dim = [n for n, c in code.items()
           if min(1.05 / (luminance(rgb(c)) + 0.05), (luminance(rgb(c)) + 0.05) / 0.05) < GROUND]
    print(f"{'not ok' if dim else 'ok'} 3 - they stand out from black and white" + "".join("\n# not: " + n for n in dim))
    return 1 if bad or wrong or dim else 0


if __name__ == "__main__":
    sys.exit(main())
