#!/usr/bin/env python3
"""Runs the program as a user would and compares exit status, stdout and stderr with stored text.

    golden.py [--update] KEN [NAME ...]        names of cases; default all of cases/

A case is cases/NAME.sh, run by sh in an empty folder with $KEN (the program), $SRC (the source tree), $MAKE_RUN (make_run.c),
$TINY (a model of a few kilobytes). Beside it: NAME.out and NAME.err (absent = nothing may be printed) and NAME.exit (absent = 0).
In .out and .err a line that begins with "~ " is a glob for one line, and a line "~~~" stands for any number of lines. First-line
directives of a script: "# tty" gives it a terminal of 100 columns for stdout; "# needs VARIABLE" skips it where the environment does not have it.
--update rewrites what differs, keeping patterns that still match: read the diff before you commit it. Prints TAP.
"""
import argparse, difflib, fcntl, fnmatch, os, pty, re, shutil, struct, subprocess, sys, tempfile, termios

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.path.dirname(os.path.dirname(HERE))
CASES = os.path.join(HERE, "cases")


def read(path):
    return open(path, encoding="utf-8", errors="surrogateescape").read() if os.path.exists(path) else None


def line_matches(pattern, line):
    if pattern.startswith("~ "):
        return re.fullmatch(fnmatch.translate(pattern[2:].replace("[", "[[]")), line) is not None
    return pattern == line


def matches(want, got):
    """Lines with patterns: the usual dynamic programme, since ~~~ may take any number of lines."""
    want, got = want.split("\n"), got.split("\n")
    reach = {0}
    for w in want:
        if w == "~~~":
            reach = set(range(min(reach, default=len(got) + 1), len(got) + 1))
        else:
            reach = {i + 1 for i in reach if i < len(got) and line_matches(w, got[i])}
    return len(got) in reach


def run_on_terminal(command, cwd, env):
    """stdout on a pseudo-terminal of 100 columns, stderr apart."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    with tempfile.TemporaryFile() as err:
        p = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=slave, stderr=err)
        os.close(slave)
        out = b""
        while True:
            try:
                block = os.read(master, 65536)
            except OSError:
                break
            if not block:
                break
            out += block
        os.close(master)
        code = p.wait()
        err.seek(0)
        return code, out.replace(b"\r\n", b"\n"), err.read()


def run_case(name, ken, tools):
    script = read(os.path.join(CASES, name + ".sh"))
    first = script.split("\n", 1)[0]
    need = re.match(r"# needs (\w+)", first)
    if need and not os.environ.get(need[1]) and need[1] not in tools:
        return None, f"{need[1]} is not set"
    work = tempfile.mkdtemp(prefix="ken-cli-")
    keep = ("PATH", "KEN_TEST_DATA", "KEN_TEST_MODEL", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR")
    env = {k: v for k, v in os.environ.items() if k in keep}
    env.update(KEN=ken, SRC=SRC, HOME=work, LC_ALL="C.UTF-8", TERM="xterm-256color", OMP_NUM_THREADS="2", **tools)
    try:
        command = ["/bin/sh", "-u", os.path.join(CASES, name + ".sh")]
        if first == "# tty":
            code, out, err = run_on_terminal(command, work, env)
        else:
            p = subprocess.run(command, cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
            code, out, err = p.returncode, p.stdout, p.stderr
    finally:
        shutil.rmtree(work, ignore_errors=True)
    # What differs from machine to machine is named by what it is.
    texts = []
    for t in (out, err):
        t = t.decode("utf-8", "surrogateescape")
        for what, path in (("$SRC", SRC), ("$TMP", work)):
            t = t.replace(path, what)
        texts.append(t)
    return (code, *texts), ""


def write(path, text, empty):
    if text == empty:
        if os.path.exists(path):
            os.unlink(path)
    else:
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text)


def default_model():
    """Where `make model` puts it. A check must not pass for want of it: without a model the case that needs it fails."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = cache if os.path.isabs(cache) else os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("KEN_MODEL") or os.path.join(base, "ken", "SmolLM2-135M-Instruct.Q4_1.gguf")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--update", action="store_true")
    p.add_argument("--make-run", default="")
    p.add_argument("ken")
    p.add_argument("names", nargs="*")
    o = p.parse_args()
    tools = {"MAKE_RUN": os.path.abspath(o.make_run) if o.make_run else "make_run",
             "TINY": os.path.join(SRC, "tests", "fixtures", "model", "tiny-llama-tied", "model.gguf"),
             "DEFAULT_MODEL": default_model()}
    names = o.names or sorted(n[:-3] for n in os.listdir(CASES) if n.endswith(".sh"))
    bad = 0
    print(f"1..{len(names)}")
    for i, name in enumerate(names, 1):
        got, why = run_case(name, os.path.abspath(o.ken), tools)
        if got is None:
            print(f"ok {i} - {name} # skip {why}")
            continue
        base = os.path.join(CASES, name)
        want = (int(read(base + ".exit") or "0"), read(base + ".out") or "", read(base + ".err") or "")
        wrong = []
        if got[0] != want[0]:
            wrong.append(f"exit status {got[0]}, expected {want[0]}")
        for what, w, g in (("stdout", want[1], got[1]), ("stderr", want[2], got[2])):
            if not matches(w, g):
                wrong += difflib.unified_diff(w.split("\n"), g.split("\n"), what + " expected", what + " found", lineterm="", n=1)
        if wrong and o.update:
            write(base + ".exit", f"{got[0]}\n", "0\n")
            for suffix, w, g in ((".out", want[1], got[1]), (".err", want[2], got[2])):
                if not matches(w, g):
                    write(base + suffix, g, "")
        print(f"{'not ok' if wrong and not o.update else 'ok'} {i} - {name}")
        if wrong:
            bad += not o.update
            for line in wrong:
                print("# " + line.encode("utf-8", "backslashreplace").decode())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
