#!/usr/bin/env python3
"""resume.py KEN SRC - what a run must survive: kill -9, signals, a full disk, a second program, other settings, growing limits.

Every disturbed run must end in the same output of `ken show --rows --json` as an undisturbed one (docs/architecture.md#repeatable). A tiny random
model and the world facts; the moments of the kills are drawn with a fixed seed over the time that an undisturbed run takes.
Prints TAP.
"""
import hashlib, os, random, resource, shutil, signal, subprocess, sys, tempfile, time

KEN, SRC = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
TINY = os.path.join(SRC, "tests", "fixtures", "model", "tiny-llama-tied", "model.gguf")
BASE = [KEN, "annotate", "-q", "-m", TINY, "-d", os.path.join(SRC, "data", "world"), "--shots", "1", "--prompts", "4"]
ROWS = ["--per-relation", "5"]
ENV = {k: v for k, v in os.environ.items() if not k.startswith("KEN_")}
ENV.update(LC_ALL="C.UTF-8", OMP_WAIT_POLICY="passive")
KILLS = 20


def annotate(run, *more, rows=ROWS, **kw):
    return subprocess.run([*BASE, *rows, "-o", run, *more], env=ENV, capture_output=True, text=True, **kw)


def start(run, *more, **kw):
    return subprocess.Popen([*BASE, *ROWS, "-o", run, *more], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **kw)


def rows(run):
    done = subprocess.run([KEN, "show", run, "--rows", "--json"], env=ENV, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count(run):
    return rows(run).count("\n") if os.path.exists(run) and os.path.getsize(run) > 0 else 0


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def finish(run):
    done = annotate(run)
    expect(done.returncode == 0, f"resume failed with {done.returncode}: {done.stderr}")


def same(run, what):
    got = rows(run)
    if got != whole:
        a, b = whole.split("\n"), got.split("\n")
        differ = [(x, y) for x, y in zip(a, b) if x != y][:1]
        raise AssertionError(f"{what}: {len(b)} lines, expected {len(a)}; first difference: {differ}")


def wait_for_rows(p, run, n):
    """Until the run holds n rows or the program has ended."""
    for _ in range(3000):
        if p.poll() is not None:
            return
        try:
            if count(run) >= n:
                return
        except AssertionError:  # being created just now
            pass
        time.sleep(0.02)


def threads_do_not_matter():
    for t in ("1", "2", "3"):
        done = annotate(f"t{t}.ken", "-t", t)
        expect(done.returncode == 0, done.stderr)
        same(f"t{t}.ken", f"{t} threads")


def cache_does_not_matter():
    done = annotate("small.ken", "--memory", "1K")
    expect(done.returncode == 0, done.stderr)
    same("small.ken", "the smallest cache")


def selection_does_not_matter():
    done = annotate("one.ken", "--relation", "painter,capital")
    expect(done.returncode == 0, done.stderr)
    wanted = [r for r in whole.split("\n") if '"relation":"painter"' in r or '"relation":"capital"' in r]
    expect(wanted and rows("one.ken").split("\n")[:-1] == wanted, "rows of two relations differ from those of the whole run")


def limits_extend():
    for n in ("1", "3"):
        done = annotate("grow.ken", rows=["--per-relation", n])
        expect(done.returncode == 0, done.stderr)
    finish("grow.ken")
    same("grow.ken", "a run extended twice")
    done = annotate("grow.ken", rows=["--per-relation", "1"])  # a smaller limit takes nothing away
    expect(done.returncode == 0, done.stderr)
    same("grow.ken", "after a smaller limit")


def killed_anywhere():
    draw, kept, seconds = random.Random(0), [], max(whole_seconds, 0.3)
    for i in range(KILLS):
        p = start("kill.ken")
        time.sleep(draw.uniform(0, seconds * 0.6))
        p.kill()
        p.wait()
        kept.append(count("kill.ken"))
        expect(i == 0 or kept[-1] >= kept[-2], f"rows were lost: {kept}")
    finish("kill.ken")
    same("kill.ken", f"after {KILLS} kills (rows kept: {kept})")


def stopped_by(sig, run):
    p = start(run)
    wait_for_rows(p, run, 1)
    began = time.time()
    p.send_signal(sig)
    err = p.communicate(timeout=60)[1]
    if p.returncode == 0:
        return  # it was faster than we were
    expect(p.returncode == 130, f"exit status {p.returncode}, expected 130: {err}")
    expect("stopped on request" in err and "the same command goes on" in err, f"it should say so, and how to go on: {err}")
    expect(time.time() - began < 20, "it took too long to stop")
    kept = count(run)
    finish(run)
    same(run, f"after a stop at {kept} rows")


def interrupted():
    stopped_by(signal.SIGINT, "int.ken")


def terminated():
    stopped_by(signal.SIGTERM, "term.ken")


def threads_wait_passively():
    """The program starts itself again with the policy that libgomp reads before main; a user's own setting stays."""
    mine = {k: v for k, v in ENV.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    for given, wanted in ({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active"), ({"GOMP_SPINCOUNT": "0"}, None):
        if os.path.exists("wait.ken"):
            os.unlink("wait.ken")
        p = subprocess.Popen([*BASE, *ROWS, "-o", "wait.ken"], env={**mine, **given}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for_rows(p, "wait.ken", 1)
        there = open(f"/proc/{p.pid}/environ").read().split("\0") if p.poll() is None else None
        name = open(f"/proc/{p.pid}/comm").read().strip() if there else None
        err = p.communicate()[1]
        expect(p.returncode == 0, err)
        if there:  # else it was faster than we were
            found = [e.split("=", 1)[1] for e in there if e.startswith("OMP_WAIT_POLICY=")]
            expect(found == ([wanted] if wanted else []), f"{given}: OMP_WAIT_POLICY is {found}")
            expect(name == os.path.basename(KEN)[:15], f"the program is called {name}")
        same("wait.ken", f"threads that wait otherwise: {given}")


def full_disk():
    """A limit on the size of files makes write(2) fail as a full disk does; ignored SIGXFSZ is inherited."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, resource.RLIM_INFINITY))
    done = annotate("full.ken", preexec_fn=limit)
    expect(done.returncode == 1, f"exit status {done.returncode}, expected 1: {done.stderr}")
    expect(len(done.stderr.strip().split("\n")) == 1, f"one line expected: {done.stderr}")
    expect(os.path.exists("full.ken"), "nothing was kept")
    finish("full.ken")
    same("full.ken", "after a full disk")


def two_programs():
    p = start("two.ken")
    wait_for_rows(p, "two.ken", 1)
    if p.poll() is not None:
        return
    os.kill(p.pid, signal.SIGSTOP)  # holds the run open for as long as we look
    try:
        done = annotate("two.ken")
        expect(done.returncode == 1, f"exit status {done.returncode}, expected 1: {done.stderr}")
        expect("another program" in done.stderr, done.stderr)
        expect(count("two.ken") >= 1, "a reader must not be locked out")
    finally:
        os.kill(p.pid, signal.SIGCONT)
    p.communicate()
    expect(p.returncode == 0, "the first program must not notice")
    same("two.ken", "with a second program at the door")


def other_settings():
    before = hashlib.sha256(open("whole.ken", "rb").read()).hexdigest()
    other = os.path.join(SRC, "tests", "fixtures", "model", "tiny-llama-bias", "model.gguf")
    for more in (["--shots", "2"], ["--temperature", "0.6"], ["--top-k", "30"], ["--matcher", "em-raw"], ["--exemplar-seed", "1"],
                 ["--seed", "1"], ["--max-new", "16"], ["--stop", "."], ["--template", "{question}"], ["--method", "sample"],
                 ["--no-texts"], ["--control"], ["-m", other]):
        done = annotate("whole.ken", *more)
        expect(done.returncode == 3, f"{more}: exit status {done.returncode}, expected 3: {done.stderr}")
        expect("other settings" in done.stderr or "other model" in done.stderr, f"{more}: {done.stderr}")
    after = hashlib.sha256(open("whole.ken", "rb").read()).hexdigest()
    expect(before == after, "a refused resume changed the run")


def nothing_on_bad_input():
    open("bad.jsonl", "w").write('{"question":"q"}\n')
    for more in (["-d", "bad.jsonl"], ["-d", "none"], ["-m", "none.gguf"], ["--exemplars", "none"]):
        done = annotate("never.ken", *more)
        expect(done.returncode == 3, f"{more}: exit status {done.returncode}, expected 3: {done.stderr}")
        expect(not os.path.exists("never.ken"), f"{more}: a run was made")
    open("never.ken", "w").write("my diary")
    done = annotate("never.ken")
    expect(done.returncode == 3 and open("never.ken").read() == "my diary", "a file that is not a run must be left alone")


def dry_run_writes_nothing():
    before = sorted(os.listdir("."))
    done = annotate("dry.ken", "--dry-run")
    expect(done.returncode == 0 and "token-forwards" in done.stdout, done.stderr)
    expect(sorted(os.listdir(".")) == before, "a file was made")


CASES = [threads_do_not_matter, cache_does_not_matter, selection_does_not_matter, limits_extend, killed_anywhere, interrupted, terminated,
         threads_wait_passively, full_disk, two_programs, other_settings, nothing_on_bad_input, dry_run_writes_nothing]

folder = tempfile.mkdtemp(prefix="ken-resume-")
os.chdir(folder)
bad = 0
try:
    began = time.time()
    first = annotate("whole.ken")
    if first.returncode != 0:
        sys.exit(f"not ok 1 - an undisturbed run\n# {first.stderr}")
    whole_seconds, whole = time.time() - began, rows("whole.ken")
    print(f"# {whole.count(chr(10))} rows in {whole_seconds:.1f} s")
    for i, case in enumerate(CASES, 1):
        try:
            case()
            print(f"ok {i} - {case.__name__}", flush=True)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            bad = 1
            print(f"not ok {i} - {case.__name__}\n# " + str(e).replace("\n", "\n# "), flush=True)
    print(f"1..{len(CASES)}")
finally:
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(bad)
