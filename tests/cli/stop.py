#!/usr/bin/env python3
"""stop.py KEN MAKE_RUN - the verbs that read runs, interrupted: they end within a second with exit status 130, or were done, and leave the old
output or a whole new one, never a temporary file, part of a plot or a process.

Runs of 3,600 facts copied from a made one, a stand-in for rsvg-convert that takes a minute, and signals at moments drawn with a fixed seed.
ROUNDS in the environment sets how many of these. Prints TAP.
"""
import os, random, signal, sqlite3, subprocess, sys, tempfile, time

KEN, MAKE_RUN = (os.path.abspath(a) for a in sys.argv[1:3])
ENV = {k: v for k, v in os.environ.items() if not k.startswith("KEN_")}
ENV.update(LC_ALL="C.UTF-8", TMPDIR="")
ROUNDS = int(os.environ.get("ROUNDS", "6"))
SLACK = 5  # seconds: a tenth of one on a machine that is not overrun
VERBS = {"select": ["select", "a.ken", "-o", "out"], "alpaca": ["select", "a.ken", "--to", "alpaca", "-o", "out.json"],
         "diff": ["diff", "a.ken", "b.ken", "--common"], "report": ["report", "a.ken", "b.ken", "-o", "out"],
         "score": ["score", "a.ken", "--matcher", "em-raw"], "score-run": ["score", "a.ken", "-o", "scored.ken"],
         "audit": ["score", "a.ken", "--audit", "50", "-o", "out"]}


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def make(path, kind, copies=300):
    """The made run's facts again and again, under other ids."""
    subprocess.run([MAKE_RUN, path, *kind], check=True, env=ENV)
    db = sqlite3.connect(path)
    for table in ("examples", "knowledge", "answers", "prompts", "others"):
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        what = ", ".join({"place": "place + 12 * k", "id": "id || '~' || k"}.get(c, c) for c in columns)
        db.execute(f"WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {copies - 1}) INSERT INTO"
                   f" {table}({', '.join(columns)}) SELECT {what} FROM {table}, n")
    db.commit()
    db.close()


def start(command):
    return subprocess.Popen([KEN, *command], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def left_behind():
    return [f for f in sorted(os.listdir(".")) if ".tmp-" in f or f.endswith("-journal")] + os.listdir("plots")


def stop(command, after, sig):
    """The exit status, when all is as it should be."""
    p = start(command)
    time.sleep(after)
    began = time.time()
    p.send_signal(sig)
    err = p.communicate(timeout=60)[1]
    took = time.time() - began
    # before its handler is there (loading libraries) a signal simply ends it
    expect(p.returncode in (0, 130, -sig), f"{command} after {after:.3f} s: exit status {p.returncode}: {err}")
    expect(p.returncode != -sig or after < 0.5, f"{command}: no handler after {after:.3f} s")
    expect(p.returncode == 0 or took < SLACK, f"{command} after {after:.3f} s: took {took:.1f} s to stop")
    expect(left_behind() == [], f"{command} after {after:.3f} s: left {left_behind()}")
    return p.returncode


def at_random_moments(name):
    command, draw = VERBS[name], random.Random(name)
    began = time.time()
    done = subprocess.run([KEN, *command], env=ENV, capture_output=True, text=True)
    expect(done.returncode == 0, done.stderr)
    took, new = time.time() - began, {f: open(f, "rb").read() for f in ("out", "out.json") if os.path.exists(f)}
    # of sheets only one that nobody has judged is replaced: here its head alone
    old = {f: text.split(b"\n")[0] + b"\n" if name == "audit" else b"old" for f, text in new.items()}
    for _ in range(ROUNDS):
        for f in new:
            open(f, "wb").write(old[f])
        status = stop(command, draw.uniform(0, took), draw.choice([signal.SIGINT, signal.SIGTERM]))
        for f in new:
            there = open(f, "rb").read()
            expect(there == (new[f] if status == 0 else old[f]) or there == new[f],
                   f"{command}: exit status {status}, and {f} is neither the old one nor the new one")
    for f in new:
        os.unlink(f)


def slow_converter():
    os.mkdir("bin")
    open("bin/rsvg-convert", "w").write("#!/bin/sh\nsleep 60 & echo $! >'%s'; sleep 60\n" % os.path.abspath("pid"))
    os.chmod("bin/rsvg-convert", 0o755)
    path, ENV["PATH"] = ENV["PATH"], os.path.abspath("bin")
    try:
        subprocess.run([MAKE_RUN, "small.ken"], check=True, env=ENV)
        for command in (["report", "small.ken", "--pdf", "plots"], ["report", "small.ken", "--png", "plots", "-o", "page.html"]):
            open("page.html", "w").write("old")
            p = start(command)
            for _ in range(1000):
                if os.path.exists("pid") and open("pid").read().endswith("\n"):
                    break
                time.sleep(0.01)
            pid, began = int(open("pid").read()), time.time()
            os.unlink("pid")
            p.send_signal(signal.SIGINT)
            err = p.communicate(timeout=60)[1]
            expect(p.returncode == 130 and "stopped" in err, f"{command}: exit status {p.returncode}: {err}")
            expect(time.time() - began < SLACK, f"{command}: took {time.time() - began:.1f} s to stop")
            expect(open("page.html").read() == "old", "the old page is gone")
            expect(left_behind() == [], f"left {left_behind()}")
            time.sleep(0.1)
            if os.path.exists(f"/proc/{pid}/stat"):
                expect(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z", "what the converter had started goes on")
    finally:
        ENV["PATH"] = path


def main():
    with tempfile.TemporaryDirectory(prefix="ken-stop-") as folder:
        os.chdir(folder)
        os.mkdir("plots")
        ENV["TMPDIR"] = os.path.join(folder, "plots")
        make("a.ken", [])
        make("b.ken", ["after"])
        cases = [("slow converter", slow_converter)] + [(f"{v} at random moments", lambda v=v: at_random_moments(v)) for v in VERBS]
        print(f"1..{len(cases)}", flush=True)
        failed = 0
        for n, (name, case) in enumerate(cases, 1):
            try:
                case()
                print(f"ok {n} - {name}", flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError) as e:
                failed = 1
                print(f"not ok {n} - {name}\n# " + str(e).replace("\n", "\n# "), flush=True)
        os.chdir("/")
    return failed


sys.exit(main())
