#!/usr/bin/env python3
"""anchors.py SRC - what the project says of its own pages is there.

Comments cite the pages as "docs/PAGE.md#anchor", or several at once as "docs/PAGE.md#one, #two and #three"; pages link to each other. Every file
and anchor must exist: in comments the anchor of an <a id="..."></a>, which stays when a heading changes, in Markdown also that of a heading. Nothing
may point to a text that is not part of the project. The last case makes a small tree with one thing wrong in each line and looks whether all are
found. Prints TAP.
"""
import os, re, sys, tempfile

FOLDERS = ("src", "include", "tests", "tools", "bench", "docs", "man", "examples", "data")
FILES = ("Makefile", "meson.build", "meson_options.txt", "CITATION.cff")
SKIP = ("tests/fixtures", "tests/fuzz/seeds", "tests/docs/anchors.py")
TEXT = (".c", ".h", ".py", ".sh", ".md", ".build", ".txt", ".cff", ".in", "")

CITED = re.compile(r"\bdocs/[\w./-]*?\w\.md\b(?:#([\w-]+)((?:(?:,|\s+and)\s*(?:\*\s*)?#[\w-]+)*))?")
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
ID = re.compile(r"<a id=\"([^\"]*)\"></a>")
# What comments once pointed to, and what is not in the project.
OUTSIDE = re.compile(r"\bspec/\w|\bspec\.? \d|\b(?:interfaces|design|slick|finetuning)\.md\b|\binterfaces \d|\(design\b", re.I)


def texts(root):
    """(path, text) of everything that may point somewhere, paths relative to root"""
    names = [n for n in os.listdir(root) if n.endswith(".md") or n in FILES]
    for folder in FOLDERS:
        for where, dirs, files in os.walk(os.path.join(root, folder)):
            dirs[:] = [d for d in dirs if d != "__pycache__"]
            names += [os.path.relpath(os.path.join(where, f), root) for f in files]
    for name in sorted(names):
        if name.startswith(SKIP) or os.path.splitext(name)[1] not in TEXT:
            continue
        with open(os.path.join(root, name), "rb") as f:
            data = f.read()
        try:
            yield name, data.decode()
        except UnicodeDecodeError:
            pass


def prose(text):
    """Markdown without its code, line by line as long as before"""
    text = re.sub(r"^ *```.*?^ *```", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda m: " " * len(m[0]), text)


def slug(heading):
    """as GitHub makes the anchor of a heading"""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Pages:
    """The anchors of Markdown files"""

    def __init__(self, root):
        self.root, self.known = root, {}

    def anchors(self, path):
        """(ids, slugs) of a page"""
        if path not in self.known:
            with open(os.path.join(self.root, path), encoding="utf-8") as f:
                text = f.read()
            headings = re.findall(r"^#+ +(.*)$", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S), re.M)
            self.known[path] = set(ID.findall(text)), {slug(h) for h in headings}
        return self.known[path]

    def fault(self, path, anchor, in_markdown):
        """what is wrong with path#anchor, or None"""
        whole = os.path.normpath(os.path.join(self.root, path))
        if not os.path.exists(whole):
            return "there is no such file"
        if anchor is None or not path.endswith(".md"):
            return None
        ids, slugs = self.anchors(os.path.normpath(path))
        if anchor in ids or (in_markdown and anchor in slugs):
            return None
        return f'there is no <a id="{anchor}"></a> in it'


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def citations(root):
    pages = Pages(root)
    for name, text in texts(root):
        if name.endswith(".md"):  # links are looked at elsewhere
            text = LINK.sub(lambda m: " " * len(m[0]), prose(text))
        for m in CITED.finditer(text):
            path = re.match(r"[^#]*", m[0])[0]
            anchors = [m[1]] + re.findall(r"#([\w-]+)", m[2] or "")
            for a in anchors:
                fault = pages.fault(path, a, False)
                if fault:
                    yield f"{name}:{line_of(text, m.start())}: {path}{'#' + a if a else ''}: {fault}"


def links(root):
    pages = Pages(root)
    for name, text in texts(root):
        if not name.endswith(".md"):
            continue
        text = prose(text)
        for m in LINK.finditer(text):
            if re.match(r"[a-z]+:", m[1]):
                continue
            path, _, anchor = m[1].partition("#")
            path = os.path.join(os.path.dirname(name), path) if path else name
            fault = pages.fault(path, anchor or None, True)
            if not fault and os.path.normpath(path).startswith(".."):
                fault = "it is outside of the project"
            if fault:
                yield f"{name}:{line_of(text, m.start())}: {m[1]}: {fault}"


def outside(root):
    for name, text in texts(root):
        for m in OUTSIDE.finditer(text):
            yield f"{name}:{line_of(text, m.start())}: \"{m[0]}\" is not part of the project"


def doubles(root):
    for name, text in texts(root):
        if name.endswith(".md"):
            ids = ID.findall(text)
            for a in sorted({a for a in ids if ids.count(a) > 1 or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", a)}):
                yield f"{name}: id \"{a}\" stands twice, or is not made of small letters and hyphens"


CHECKS = (("citations of docs/*.md in sources and pages", citations), ("links of the Markdown pages", links),
          ("nothing points outside of the project", outside), ("ids of anchors", doubles))

# A line for each thing that can be wrong, after the name of the check that must find it; lines without a name are right.
WRONG = {
    "docs/page.md": """
        <a id="one"></a>
        ## The first part: 1/2
        links       [x](#two)
        [x](#one) [x](#the-first-part-12) [x](../src/a.c) `[x](no.md)` [x](https://example.org/no.md)
        links       [x](other.md)
        links       [x](../src/a.c) and ![x](no.png)
        links       [x](../../outside)
        ids         <a id="One"></a>
        """,
    "src/a.c": """
        docs/page.md#one, docs/page.md and docs/page.md#one, #one
        citations   docs/page.md#two
        citations   docs/page.md#one, #three
        citations   docs/page.md#one and #three
        citations   docs/page.md#the-first-part-12
        citations   docs/none.md
        nothing     spec/slick
        nothing     (spec 7.3)
        nothing     as in interfaces.md
        nothing     (design.md, 3)
        a specification, spec->id, a design
        """}


def finds_what_is_wrong():
    with tempfile.TemporaryDirectory() as root:
        want = []
        for name, body in WRONG.items():
            os.makedirs(os.path.join(root, os.path.dirname(name)))
            lines = [re.match(r"(links|ids|citations|nothing)?\s*(.*)", l.strip()) for l in body.strip().split("\n")]
            with open(os.path.join(root, name), "w") as f:
                f.writelines(l[2] + "\n" for l in lines)
            want += [(l[1], f"{name}:{i}:" if l[1] != "ids" else f"{name}: id") for i, l in enumerate(lines, 1) if l[1]]
        for title, check in CHECKS:
            got = list(check(root))
            due = [w for k, w in want if title.startswith(k)]
            for w in due:
                if not any(g.startswith(w) for g in got):
                    yield f"{title}: nothing is said of {w}"
            if len(got) != len(due):
                yield f"{title}: {len(due)} things are wrong, {len(got)} were found: {got}"


def main():
    root = os.path.abspath(sys.argv[1])
    print(f"1..{len(CHECKS) + 2}")
    failed = 0
    cases = [(title, list(check(root))) for title, check in CHECKS]
    cited = sum(1 for _, text in texts(root) for m in CITED.finditer(text) if m[1])
    cases.append(("there are citations at all", [] if cited >= 50 else [f"only {cited} were seen in {root}"]))
    cases.append(("what is wrong is found", list(finds_what_is_wrong())))
    for n, (title, faults) in enumerate(cases, 1):
        for f in faults:
            print("# " + f)
        print(f"{'not ' if faults else ''}ok {n} - {title}")
        failed += bool(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
