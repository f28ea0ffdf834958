#!/usr/bin/env python3
"""messages.py SRC - the library speaks of fields and functions, the program of options and commands.

A message of the library names a setting by its field of ken.h and a deed by its function, in backquotes; the program shows the option or the command
(src/cli/options.h, cli_name_options). So no string of the library below src/view may name an option or a verb, and each word in backquotes must be a field of a public header
and one that the program can translate. The last case looks whether the rules find a fault. Prints TAP.
"""
import os, re, sys

PROGRAM = ("cli", "view", "report")  # these speak to the program's users
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
FIELD = re.compile(r"`([a-z0-9_]+)`")
# Commands to type, of ken and of other programs, whole.
COMMAND = re.compile(r"llama-gguf-split --merge")
VERB = re.compile(r"\bken (?:annotate|data|diff|eval|explain|model|report|score|select|show|tokenize|train)\b")
FUNCTION = re.compile(r'\{"(ken_\w+)", "ken ')
TABLE = re.compile(r'\{"([a-z][a-z0-9-]*)",\s*(?:0|\'.\'),\s*(?:NULL|"[^"]*"),\s*CLI_\w+,(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}')
SETTING = re.compile(r'\.setting = "(\w+)"')


def faults(name, text, fields, settings, functions):
    """what is wrong in the strings of one file, as sentences"""
    for n, line in enumerate(text.split("\n"), 1):
        for s in STRING.findall(line):
            for o in OPTION.findall(COMMAND.sub("", s)):
                yield f"{name}:{n}: names the option {o}; name the field of ken.h, in backquotes"
            for o in VERB.findall(s):
                yield f"{name}:{n}: names the command {o}; name the function of ken.h, in backquotes"
            for f in FIELD.findall(s):
                if f.startswith("ken_"):
                    if f not in functions:
                        yield f"{name}:{n}: `{f}` is no function that the program translates (src/cli/options.c)"
                elif f not in fields:
                    yield f"{name}:{n}: `{f}` is no field of a public header"
                elif f not in settings:
                    yield f"{name}:{n}: no option sets `{f}`; give its option in src/cli `.setting`"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def files(root, *ends):
    for where, dirs, names in os.walk(root):
        dirs.sort()
        yield from (os.path.join(where, n) for n in sorted(names) if n.endswith(ends))


def main():
    src = sys.argv[1]
    headers = "\n".join(re.sub(r"/\*.*?\*/", "", read(f), flags=re.S) for f in files(os.path.join(src, "include"), ".h"))
    fields = set(re.findall(r"\b([a-z]\w*)(?:\[[^\]]*\])*\s*[;,)]", headers))
    settings = set()
    for f in files(os.path.join(src, "src", "cli"), ".c", ".h"):
        for m in TABLE.finditer(read(f)):
            other = SETTING.search(m[0])
            settings.add(other[1] if other else m[1].replace("-", "_"))
    functions = {f for f in FUNCTION.findall(read(os.path.join(src, "src", "cli", "options.c"))) if re.search(rf"\b{f}\(", headers)}
    found, seen = [], 0
    for layer in sorted(os.listdir(os.path.join(src, "src"))):
        if layer in PROGRAM or not os.path.isdir(os.path.join(src, "src", layer)):
            continue
        for f in files(os.path.join(src, "src", layer), ".c", ".h"):
            text = read(f)
            seen += len(FIELD.findall("".join(STRING.findall(text))))
            found += faults(os.path.relpath(f, src), text, fields, settings, functions)
    for f in found:
        print("#", f)
    wrong = 'fail("use --shots 4");\nfail("`shot` is too large");\nfail("`key` is too large");\nfail("`shots` 4; ken show lists them");\nfail("see `ken_none`");'
    caught = [f.split(":")[1] for f in faults("x.c", wrong, {"shots", "key"}, {"shots"}, {"ken_train"})]
    checks = [(not found, "messages name fields"), (seen > 50 and len(settings) > 80, f"{seen} fields in messages, {len(settings)} settings"),
              (caught == ["1", "2", "3", "4", "5"], "faults are found")]
    print(f"1..{len(checks)}")
    for n, (good, what) in enumerate(checks, 1):
        print("ok" if good else "not ok", n, "-", what)
    sys.exit(not all(good for good, _ in checks))


if __name__ == "__main__":
    main()
