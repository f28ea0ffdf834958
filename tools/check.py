#!/usr/bin/env python3
"""Runs everything that `make check` runs and ends with one line that sums it: `N passed, N failed[, N skipped]`.

Each cmocka case and each case of a script test counts as one (they speak TAP, "ok 3 - name"); a program that says nothing
counts as one; so does each linter and each fuzz target. Stages run one after the other, each on all cores. The exit status is 1
when anything failed. What was skipped is listed, with the reason, before the last line.
"""
import argparse, glob, json, os, re, shutil, subprocess, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = os.cpu_count() or 2
TAP = re.compile(r"^\s*(not )?ok (\d+)\b(?: - )?\s*([^#\n]*?)\s*(?:#\s*(skip|SKIP)\S*\s*(.*))?$", re.M)


class Tally:
    """What passed, failed and was skipped, over all stages."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def add(self, name, ok, output=""):
        if ok:
            self.passed += 1
            return
        self.failed.append(name)
        print(f"FAILED {name}", flush=True)
        for line in output.rstrip().splitlines()[-60:]:
            print("    " + line, flush=True)

    def add_program(self, name, code, output):
        """A test program: its TAP cases when it prints any, and one more failure when it died after all of them passed."""
        cases = TAP.findall(output)
        if code == 77 or (not cases and re.search(r"^1\.\.0\b.*skip", output, re.M)):
            why = re.search(r"skip\w*:?\s*(.*)", output, re.I)
            self.skipped.append(name + (f" ({why[1]})" if why else ""))
        elif not cases:
            self.add(name, code == 0, output)
        else:
            bad = 0
            for no, _, title, skip, why in cases:
                if skip:  # cmocka writes "ok 3 # SKIP name", others "ok 3 - name # skip why"
                    self.skipped.append(f"{name}: {title or why}" + (f" ({why})" if title and why else ""))
                elif no:
                    bad += 1
                    self.failed.append(f"{name}: {title}")
                else:
                    self.passed += 1
            if code != 0 and bad == 0:
                self.failed.append(f"{name} (exit status {code} after its cases)")
            if code != 0 or bad:
                print(f"FAILED {name}", flush=True)
                lines = [l for l in output.splitlines() if not re.match(r"^\s*ok \d+", l)]
                for line in lines[-80:]:
                    print("    " + line, flush=True)


tally = Tally()


def run(command, **kw):
    if shutil.which(command[0]) is None:
        return subprocess.CompletedProcess(command, 127, f"{command[0]} is not there: tools/setup.sh check installs it\n")
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **kw)


class Pulse:
    """A stage may take many minutes and says nothing meanwhile; every minute a line tells that it goes on."""
    title, since = "", 0.0

    @classmethod
    def beat(cls):
        while True:
            time.sleep(1)
            passed = int(time.time() - cls.since)
            if cls.title and passed > 0 and passed % 60 == 0:
                print(f"   {cls.title}: {passed // 60} min", flush=True)


def stage(title):
    Pulse.title, Pulse.since = title, time.time()
    print(f"== {time.strftime('%H:%M:%S')} {title}", flush=True)


def sources(*suffixes):
    return [f for f in run(["git", "ls-files", "--cached", "--others", "--exclude-standard"]).stdout.split("\n")
            if f.endswith(suffixes) and os.path.exists(os.path.join(ROOT, f))]


def build(folder, *options, env=None, programs=None):
    """Configures and builds; a warning is a failure. False when it does not build. programs: only those in this folder of the build."""
    env = {**os.environ, **(env or {})}
    stage(f"build in {folder}/" + (" with " + " ".join(options) if options else ""))
    if not os.path.exists(os.path.join(ROOT, folder, "build.ninja")):
        shutil.rmtree(os.path.join(ROOT, folder), ignore_errors=True)
        done = run(["meson", "setup", folder, *options], env=env)
        if done.returncode != 0:
            tally.add(f"configure {folder}", False, done.stdout)
            return False
    wanted = []
    if programs is not None:
        known = run(["ninja", "-C", folder, "-t", "targets", "all"], env=env).stdout
        wanted = re.findall(rf"^({re.escape(programs)}/\w+): \w+_LINKER$", known, re.M)
        if not wanted:
            tally.add(f"build {folder}", False, f"no programs in {programs}")
            return False
    done = run(["ninja", f"-j{JOBS}", "-C", folder, *wanted], env=env)
    lines = done.stdout.splitlines()
    findings = [l for i, l in enumerate(lines) if any("warning:" in k or "error:" in k for k in lines[max(0, i - 3):i + 1])]
    tally.add(f"build {folder} without warnings", done.returncode == 0 and not findings,
              "\n".join(findings if findings else lines))
    return done.returncode == 0


def tests(folder, label, *args, env=None, times=1):
    """Runs the Meson tests of a build folder and reads the log that Meson leaves."""
    stage(label)
    env = {**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP", "MESON_TESTTHREADS": str(JOBS), **(env or {})}
    logs = os.path.join(ROOT, folder, "meson-logs", "check*.json")  # Meson adds the name of a wrapper
    for old in glob.glob(logs):
        os.unlink(old)
    done = run(["meson", "test", "-C", folder, "--no-rebuild", "--logbase", "check", "--timeout-multiplier", str(times), *args],
               env=env)
    if not glob.glob(logs):
        tally.add(label, "No suitable tests" in done.stdout, done.stdout)
        return
    with open(glob.glob(logs)[0]) as f:
        for line in f:
            t = json.loads(line)
            name = f"{label}: " + t["name"].split(" / ")[-1]
            code = t["returncode"] if t["result"] not in ("TIMEOUT", "INTERRUPT") else -1
            tally.add_program(name, code, t.get("stdout", "") + t.get("stderr", "") + ("\ntimed out" if code == -1 else ""))


def quick():
    if build("build"):
        tests("build", "quick tests", "--suite", "quick")


def full():
    if build("build"):
        tests("build", "tests")


def asan():
    """Leaks count too; oneDNN and OpenMP keep some memory for ever, which tools/lsan.supp names. The sanitizers' own code
    hides from GCC how large numbers can become, so that its guesses about snprintf are noise here."""
    if not build("build-asan", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1",
                 "-Dc_args=-Wno-format-truncation"):
        return
    tests("build-asan", "sanitizers", "--no-suite", "long", times=4, env={
        "ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1:allocator_may_return_null=1",
        "LSAN_OPTIONS": f"suppressions={ROOT}/tools/lsan.supp:print_suppressions=0",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})


def cblas():
    """The same program without oneDNN: the fallback must build and compute the same within its bounds."""
    if build("build-cblas", "-Ddnnl=disabled", programs="tests/nn"):
        tests("build-cblas", "CBLAS instead of oneDNN", "--suite", "nn", "--no-suite", "long")


def memcheck():
    """Valgrind finds reads of uninitialised memory, which the sanitizers do not. Suite `valgrind`: tests small enough for it."""
    if not os.path.exists(os.path.join(ROOT, "build", "build.ninja")) and not build("build"):
        return
    tests("build", "valgrind", "--suite", "valgrind", "--wrap",
          f"valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite "
          f"--suppressions={ROOT}/tools/valgrind.supp", times=20, env={"OMP_NUM_THREADS": "2"})


def lint():
    files = sources(".c")
    stage("clang-format")
    done = run(["clang-format-14", "--dry-run", "-Werror", *sources(".c", ".h")])
    tally.add("clang-format (make format mends it)", done.returncode == 0, done.stdout)

    if not build("build"):
        return
    stage("cppcheck")
    done = run(["cppcheck", "-q", f"-j{JOBS}", "--error-exitcode=1", "--enable=warning,performance,portability", "--inline-suppr",
                "--std=c11", "--suppressions-list=tools/cppcheck.supp", "--library=gnu", "-Iinclude", "-Isrc",
                "-D_GNU_SOURCE", "-D__x86_64__", "-D__GNUC__=12", *[f for f in files if f.startswith("src/")]])
    tally.add("cppcheck", done.returncode == 0, done.stdout)

    stage("clang-tidy")
    with open(os.path.join(ROOT, "build", "compile_commands.json")) as f:
        known = {os.path.relpath(os.path.join(e["directory"], e["file"]), ROOT) for e in json.load(f)}
    wanted = sorted((f for f in files if f in known and f.startswith("src/")),
                    key=lambda f: -os.path.getsize(os.path.join(ROOT, f)))

    # What GCC understands and clang does not is no finding.
    def tidy(f):
        return f, run(["clang-tidy-14", "-p", "build", "--quiet", "--extra-arg=-Wno-unknown-warning-option",
                       "--extra-arg=-Wno-ignored-optimization-argument", f])
    bad = []
    with ThreadPoolExecutor(JOBS) as pool:
        for f, done in pool.map(tidy, wanted):
            if done.returncode != 0:
                bad.append(f"{f}:\n" + "\n".join(l for l in done.stdout.splitlines() if "warnings generated" not in l))
    tally.add(f"clang-tidy over {len(wanted)} files", not bad, "\n".join(bad))


def fuzz(seconds):
    if not build("build-fuzz", "-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1",
                 env={"CC": "clang-14"}, programs="tests/fuzz"):
        return
    folder = os.path.join(ROOT, "build-fuzz", "tests", "fuzz")
    targets = sorted(n for n in os.listdir(folder) if n.startswith("fuzz_") and os.access(os.path.join(folder, n), os.X_OK)
                     and os.path.isfile(os.path.join(folder, n))) if os.path.isdir(folder) else []
    stage(f"fuzzing {len(targets)} parsers, {seconds} s each")

    def one(name):
        corpus = os.path.join(ROOT, "build-fuzz", "corpus", name)  # kept, so that the next run goes on where this one ended
        os.makedirs(corpus, exist_ok=True)
        seeds = os.path.join(ROOT, "tests", "fuzz", "seeds", name)
        command = [os.path.join(folder, name), corpus, *([seeds] if os.path.isdir(seeds) else []), f"-max_total_time={seconds}",
                   "-timeout=20", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1", "-verbosity=0",
                   f"-artifact_prefix={corpus}-crash-"]
        env = {**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
               "LSAN_OPTIONS": f"suppressions={ROOT}/tools/lsan.supp:print_suppressions=0", "OMP_NUM_THREADS": "1"}
        return name, run(command, env=env)
    with ThreadPoolExecutor(JOBS) as pool:
        for name, done in pool.map(one, targets):
            tally.add(f"{name} for {seconds} s", done.returncode == 0, done.stdout)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--only", choices=["quick", "full", "asan", "cblas", "valgrind", "lint", "fuzz"])
    p.add_argument("--fuzz-seconds", type=int, default=8)
    o = p.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)  # a shell's choice of kernels: what is tested is the machine's own
    start = time.time()
    threading.Thread(target=Pulse.beat, daemon=True).start()
    stages = {"quick": quick, "full": full, "lint": lint, "asan": asan, "valgrind": memcheck, "cblas": cblas,
              "fuzz": lambda: fuzz(o.fuzz_seconds)}
    for name, do in stages.items():
        if name == o.only or (o.only is None and name != "quick"):
            do()
    if tally.skipped:
        print("skipped:")
        for s in tally.skipped:
            print("    " + s)
    if tally.failed:
        print("failed:")
        for s in tally.failed:
            print("    " + s)
    print(f"took {time.time() - start:.0f} s")
    print(f"{tally.passed} passed, {len(tally.failed)} failed" + (f", {len(tally.skipped)} skipped" if tally.skipped else ""))
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
