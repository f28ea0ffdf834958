"""What the oracles of fine-tuning sets share: calling ken, saying what was found, remembering what differs, ending."""
import pathlib, subprocess, sys, time

lines, bad = [], []
_started, _ken = time.time(), None


def use(build):
    """ken of this build, from now on."""
    global _ken
    _ken = str(pathlib.Path(build).resolve() / "ken")


def say(text=""):
    lines.append(text)
    print(text, flush=True)


def check(what, good, more=""):
    if good: return
    bad.append(what)
    say(f"  <-- {what} {more}"[:2000])


def ken(*args):
    done = subprocess.run([_ken, *map(str, args)], capture_output=True)
    if done.returncode != 0: sys.exit(f"ken {' '.join(map(str, args))}: {done.stderr.decode()}")
    return done.stdout.decode()


def ken_ids(model, texts, *more):
    """Token ids of each text, at most so many texts a call as a command line holds."""
    ids = []
    for i in range(0, len(texts), 200):
        out = ken("tokenize", "-m", model, "--ids", *more, "--", *texts[i:i + 200])
        ids += [[int(x) for x in line.split()] for line in out.splitlines()]
    assert len(ids) == len(texts)
    return ids


def finish(result):
    """The last line, the file of results (None: none) when all agree, and the exit status."""
    say()
    say(f"{'all agree' if not bad else 'DIFFERENCES: ' + '; '.join(bad)} ({time.time() - _started:.0f} s)")
    if result is not None and not bad: pathlib.Path(result).write_text("\n".join(lines) + "\n")
    sys.exit(1 if bad else 0)
