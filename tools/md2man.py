#!/usr/bin/env python3
"""md2man.py FILE.md NAME SECTION SUMMARY - a manual page from one of our Markdown pages, on stdout.

Knows what those pages use: headings, paragraphs, lists, tables, code blocks, `code`, **bold** and links. No dependencies.
"""
import re, sys


def inline(s):
    s = s.replace("\\", "\\e").replace("-", "\\-")
    s = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", s)
    s = re.sub(r"\*\*([^*]+)\*\*", r"\\fB\1\\fR", s)
    s = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", s)
    return ("\\&" + s) if s[:1] in ".'" else s


def goes_on(line):
    """Whether a paragraph or a list item goes on in this line: `code` and **bold** may cross its end."""
    return line.strip() != "" and not re.match(r"#|\||```|[-*] ", line)


def table(rows):
    rows = [[c.strip() for c in r.strip().strip("|").split("|")] for r in rows]
    for r in (r for r in rows[2:] if any(r)):
        print(".TP")
        print(inline(r[0]))
        print(inline(". ".join(c for c in r[1:] if c) or "\\ "))


def main():
    path, name, section, summary = sys.argv[1:]
    print(f'.TH {name.upper()} {section} "" "ken" "File Formats"\n.SH NAME\n{inline(name)} \\- {inline(summary)}\n.SH DESCRIPTION')
    lines, i = open(path, encoding="utf-8").read().split("\n"), 0
    while i < len(lines):
        line = lines[i]
        i += 1
        if line.startswith("# "):
            continue
        if line.startswith("## "):
            print(".SH", inline(line[3:].upper()))
        elif line.startswith("### "):
            print(".SS", inline(line[4:]))
        elif line.startswith("```"):
            print(".PP\n.nf")
            while i < len(lines) and not lines[i].startswith("```"):
                print(inline(lines[i]) or ".sp")
                i += 1
            print(".fi")
            i += 1
        elif line.startswith("|"):
            rows = [line]
            while i < len(lines) and lines[i].startswith("|"):
                rows.append(lines[i])
                i += 1
            table(rows)
        elif re.match(r"[-*] ", line):
            while i < len(lines) and goes_on(lines[i]):
                line += " " + lines[i].strip()
                i += 1
            print(".IP \\(bu 2\n" + inline(line[2:].strip()))
        elif not line.strip():
            if i < len(lines) and lines[i].strip() and not re.match(r"[#|`]|[-*] ", lines[i]):
                print(".PP")
        else:
            while i < len(lines) and goes_on(lines[i]):
                line += " " + lines[i].strip()
                i += 1
            print(inline(line.strip()))


if __name__ == "__main__":
    main()
