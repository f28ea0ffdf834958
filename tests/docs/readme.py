#!/usr/bin/env python3
"""What README shows is what comes out: its three commands, run by a new user in an empty folder.

    readme.py KEN SRC

Takes the commands ("$ ken ...") and the lines under each from the section "Three commands", runs them beside a copy of
examples/facts.jsonl, and wants every line shown to be printed, in that order; "..." stands for lines that are left out. Prints TAP.
"""
import os, shlex, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from golden import default_model


def shown(src):
    """[(command, [lines])] of the section's block"""
    text = open(os.path.join(src, "README.md"), encoding="utf-8").read()
    section = text.split("\n## Three commands\n", 1)[1].split("\n## ", 1)[0]
    out = []
    for line in section.split("```")[1].strip("\n").split("\n"):
        if line.startswith("$ "):
            out.append((shlex.split(line[2:], comments=True), []))
        else:
            out[-1][1].append(line)
    return out


def missing(lines, printed):
    """The first line that is not there, in order; None: all are."""
    at = 0
    for line in lines:
        if line == "...":
            continue
        while at < len(printed) and printed[at] != line:
            at += 1
        if at == len(printed):
            return line
        at += 1
    return None


def main():
    ken, src, model = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), default_model()
    commands = shown(src)
    print(f"1..{len(commands)}")
    if not os.path.exists(model):
        print(f"Bail out! {model} is not there; make model gets it")
        return 1
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(src, "examples", "facts.jsonl"), folder)
        env = {k: v for k, v in os.environ.items() if not k.startswith("KEN_")}
        env.update(HOME=folder, KEN_MODEL=model, LC_ALL="C.UTF-8")
        for i, (command, lines) in enumerate(commands, 1):
            done = subprocess.run([ken, *command[1:]], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            line = missing(lines, (done.stdout + done.stderr).split("\n"))
            good = command[0] == "ken" and done.returncode == 0 and line is None
            bad += not good
            print(f"{'ok' if good else 'not ok'} {i} - {' '.join(command)}")
            if not good:
                print(f"# exit status {done.returncode}; README shows a line that was not printed: {line!r}. Printed:")
                print("\n".join("# " + l for l in (done.stdout + done.stderr).split("\n")))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
