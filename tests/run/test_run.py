"""Whole runs of the program: `ken annotate` is killed, stopped, starved of disk, run twice at once and run in other ways, and each time
`ken show RUN --rows --json` must end in the same bytes as an undisturbed run (docs/run-format.md, "Guarantees").

    test_run.py KEN SOURCE [TEST ...]      KEN: the program; SOURCE: the root of the source tree; TEST: as for unittest

The model is a random one of two layers, and the data are made here, so that thousands of rows take seconds; KnownModel does a few
rows with the default model. What is compared are rows, never times or the pages of the database."""
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

KEN, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
MODEL = os.path.join(SOURCE, "tests/fixtures/model/tiny-llama-tied/model.gguf")
WORLD = os.path.join(SOURCE, "data/world")
RELATIONS, DEV = 3, 44
ANSWERS = ["ighigh", "igha", "ighp", "igh", "is", "wa", *"abcdefghij2"]
DIR = None  # a folder for this program's files


DEFAULT_MODEL = os.environ.get("KEN_MODEL") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ken/SmolLM2-135M-Instruct.Q4_1.gguf")


def here(name):
    return os.path.join(DIR, name)


def make_data(path, rows, seed=0):
    """Short questions (the model's context is 128 tokens) with answers some of which this random model gives often. The dev rows,
    which become exemplars, stand first and in one order; the test rows' order depends on seed, their ids do not."""
    with open(path, "w") as f:
        test = []
        for r in range(RELATIONS):
            for i in range(DEV):
                f.write(json.dumps({"id": f"R{r}/dev/{i}", "relation": f"R{r}", "split": "dev", "question": f"d{i}?",
                                    "answer": "abcdefghij"[i % 10]}) + "\n")
            for i in range(rows):
                answers = random.Random(10000 * r + i).sample(ANSWERS, 1 + i % 6)
                test.append({"id": f"R{r}/test/{i}", "relation": f"R{r}", "split": "test", "question": f"q{i}?",
                             "answers": answers})
        if seed:
            random.Random(seed).shuffle(test)
        f.writelines(json.dumps(row) + "\n" for row in test)
    return path


def command(data, run, *options, model=MODEL, threads=1):
    return [KEN, "annotate", "-q", "-m", model, "-d", data, "-o", run, "-t", str(threads),
            *(("--max-new", "2", "--matcher", "em-raw") if model != DEFAULT_MODEL else ()), *options]


def call(argv, **how):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, **how)


class Runs(unittest.TestCase):
    def annotate(self, data, run, *options, expect=0, **how):
        done = call(command(data, run, *options, **how))
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def rows(self, run):
        done = call([KEN, "show", run, "--rows", "--json"])
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def one_line(self, text, *words):
        """An error is one line that names the program and says what it should."""
        self.assertEqual(len(text.strip().splitlines()), 1, text)
        self.assertTrue(text.startswith("ken: "), text)
        for w in words:
            self.assertIn(w, text)

    def alone(self, run):
        """Nothing lies beside a run at rest, and SQLite finds it whole."""
        name = os.path.basename(run)
        self.assertEqual([f for f in os.listdir(os.path.dirname(run)) if f.startswith(name)], [name])
        db = sqlite3.connect(run)
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        db.close()

    def until_rows(self, process, run, n):
        """Waits until n rows are committed; the process must not end before."""
        for _ in range(3000):
            self.assertIsNone(process.poll(), process.communicate()[1] if process.poll() is not None else "")
            if os.path.exists(run) and os.path.getsize(run) > 0:
                try:
                    with contextlib.closing(sqlite3.connect(f"file:{run}?mode=ro", uri=True, timeout=5)) as db:
                        if db.execute("SELECT count(*) FROM knowledge").fetchone()[0] >= n:
                            return
                except sqlite3.OperationalError:
                    pass  # not created yet
            time.sleep(0.01)
        self.fail(f"no {n} rows after half a minute")


class TinyModel(Runs):
    @classmethod
    def setUpClass(cls):
        """One undisturbed run, which the others are measured by; its size is such that it takes some seconds on this machine."""
        cls.small = make_data(here("small.jsonl"), 40)
        start = time.time()
        done = call(command(cls.small, here("small.ken")))
        assert done.returncode == 0, done.stderr
        rate = 40 * RELATIONS / (time.time() - start)
        cls.n = max(100, min(3000, int(4 * rate / RELATIONS)))
        cls.data = make_data(here("data.jsonl"), cls.n)
        cls.calm = here("calm.ken")
        start = time.time()
        done = call(command(cls.data, cls.calm))
        assert done.returncode == 0, done.stderr
        cls.seconds = time.time() - start
        print(f"undisturbed: {RELATIONS * cls.n} rows in {cls.seconds:.1f} s", file=sys.stderr)

    def test_the_calm_run(self):
        """The rows the others are compared with are not all alike, or the comparison would say little."""
        rows = [json.loads(line) for line in self.rows(self.calm).splitlines()]
        self.assertEqual([r["id"] for r in rows], [f"R{r}/test/{i}" for r in range(RELATIONS) for i in range(self.n)])
        self.assertGreater(len({r["p_t"] for r in rows}), len(rows) / 3)
        self.assertGreater(len({r["category"] for r in rows}), 1)
        self.alone(self.calm)

    def test_kill(self):
        """kill -9 at 20 random moments, and the same command again each time."""
        run, moments = here("killed.ken"), random.Random(9)
        kept, progress = 0, 0
        for kill in range(20):
            p = subprocess.Popen(command(self.data, run), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE)
            try: # some in the creation of the run, most around the first commits
                p.wait(moments.uniform(0, 0.3 if kill % 4 == 0 else 1.8))
                self.assertEqual(p.returncode, 0, p.stderr.read())
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
            p.stderr.close()
            now = 0
            if kept or os.path.exists(run):
                shown = call([KEN, "show", run, "--rows", "--json"])
                now = len(shown.stdout.splitlines())
                if shown.returncode != 0: # killed before the run was there
                    self.one_line(shown.stderr, "empty")
            self.assertGreaterEqual(now, kept)
            progress += now > kept
            kept = now
        self.assertGreater(progress, 1, "no kill hit a run in its middle")
        self.annotate(self.data, run)
        self.assertEqual(self.rows(run), self.rows(self.calm))
        self.alone(run)

    def test_threads_and_memory(self):
        for name, threads, options in ("two.ken", 2, ()), ("tight.ken", 1, ("--memory", "1M")):
            self.annotate(self.small, here(name), *options, threads=threads)
            self.assertEqual(self.rows(here(name)), self.rows(here("small.ken")), name)

    def test_order(self):
        """The rows in another order: the same values under the same ids."""
        data = make_data(here("shuffled.jsonl"), 40, seed=5)
        self.annotate(data, here("shuffled.ken"))
        self.assertNotEqual(self.rows(here("shuffled.ken")), self.rows(here("small.ken")))
        self.assertEqual(sorted(self.rows(here("shuffled.ken")).splitlines()), sorted(self.rows(here("small.ken")).splitlines()))

    def test_extension(self):
        """A larger limit extends a run; a smaller one leaves it as it is."""
        run = here("extended.ken")
        for option in ("--limit", "17"), ("--limit", "50"), ("--per-relation", "25"), ("--limit", "3"), ():
            self.annotate(self.small, run, *option)
        self.assertEqual(self.rows(run), self.rows(here("small.ken")))
        self.annotate(self.small, here("17.ken"), "--limit", "17")
        self.assertEqual(self.rows(here("17.ken")).splitlines(), self.rows(run).splitlines()[:17])

    def test_again(self):
        """A finished run: nothing to do, nothing changes."""
        before = self.rows(self.calm)
        start = time.time()
        self.annotate(self.data, self.calm)
        self.assertLess(time.time() - start, 0.5 * self.seconds + 1)
        self.assertEqual(self.rows(self.calm), before)

    def test_stop(self):
        """Ctrl-C, and kill without -9: a clean end within two seconds, exit status 130."""
        for sig in signal.SIGINT, signal.SIGTERM:
            run = here(f"stopped{sig}.ken")
            p = subprocess.Popen(command(self.data, run), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True)
            self.until_rows(p, run, 1)
            start = time.time()
            p.send_signal(sig)
            out, err = p.communicate(timeout=30)
            self.assertLess(time.time() - start, 5)
            self.assertEqual(p.returncode, 130, err)
            self.assertEqual(out, "")
            self.alone(run)
            self.assertLess(len(self.rows(run).splitlines()), RELATIONS * self.n)
            self.annotate(self.data, run)
            self.assertEqual(self.rows(run), self.rows(self.calm))

    def test_second_program(self):
        """Two programs on one run: the second ends at once with status 1; show works meanwhile; the first is not disturbed."""
        run = here("busy.ken")
        p = subprocess.Popen(command(self.data, run), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             text=True)
        self.until_rows(p, run, 0)
        start = time.time()
        second = self.annotate(self.data, run, expect=1)
        self.one_line(second.stderr, "another program", "busy.ken")
        self.assertLess(time.time() - start, 5)
        self.until_rows(p, run, 1)
        shown = self.rows(run).splitlines()
        self.assertIsNone(p.poll())
        self.assertEqual(p.communicate()[1], "")
        self.assertEqual(p.returncode, 0)
        self.assertEqual(self.rows(run), self.rows(self.calm))
        self.assertLessEqual(set(shown), set(self.rows(run).splitlines()))

    def test_other_settings(self):
        with open(here("small.ken"), "rb") as f:
            before = f.read()
        for options, word in ((("--temperature", "0.7"), "temperature"), (("--prompts", "9"), "prompts"),
                              (("--seed", "1"), "seed"), (("--exemplar-seed", "1"), "exemplar_seed"),
                              (("--matcher", "em-squad"), "matcher"), (("--template", "{question} ->"), "template")):
            done = self.annotate(self.small, here("small.ken"), *options, expect=3)
            self.one_line(done.stderr, word, "small.ken", "-o")
        other = os.path.join(SOURCE, "tests/fixtures/model/tiny-llama-linear/model.gguf")
        self.one_line(self.annotate(self.small, here("small.ken"), model=other, expect=3).stderr, "model_hash")
        with open(here("small.ken"), "rb") as f:
            self.assertEqual(f.read(), before)

    def test_more_data(self):
        """Rows that the data have more are added; what is true of the others still is kept."""
        shutil.copy(here("small.ken"), here("more.ken"))
        before = self.rows(here("more.ken")).splitlines()
        self.annotate(make_data(here("more.jsonl"), 41), here("more.ken"))
        after = self.rows(here("more.ken")).splitlines()
        self.assertLess(set(before), set(after))

    def test_not_a_run(self):
        text = here("notes.ken")
        with open(text, "w") as f:
            f.write("not a run\n")
        self.one_line(self.annotate(self.small, text, expect=3).stderr, "notes.ken", "not a run")
        with open(text) as f:
            self.assertEqual(f.read(), "not a run\n")
        self.one_line(self.annotate(self.small, DIR, expect=3).stderr, "folder")
        self.one_line(self.annotate(self.small, here("no/folder.ken"), expect=1).stderr, "no/folder.ken")
        cut = here("cut.ken")
        shutil.copy(here("small.ken"), cut)
        os.truncate(cut, os.path.getsize(cut) - 1)
        self.one_line(self.annotate(self.small, cut, expect=3).stderr, "cut off")
        self.one_line(call([KEN, "show", cut]).stderr, "cut off")
        self.assertEqual(call([KEN, "show", text]).returncode, 3)

    def test_no_run_from_bad_input(self):
        """The run is made only when model, data and settings are good."""
        run, bad = here("never.ken"), here("bad.jsonl")
        with open(bad, "w") as f:
            f.write('{"question": "a?"}\n')
        self.one_line(self.annotate(bad, run, expect=3).stderr, "bad.jsonl:1")
        self.annotate(here("nothing.jsonl"), run, expect=3)
        self.annotate(self.small, run, model=bad, expect=3)
        self.annotate(self.small, run, "--relation", "R9", expect=2)
        self.assertFalse(os.path.exists(run))

    def limited(self, run, size):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL) # which kills; Python ignores it
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return call(command(self.data, run), preexec_fn=limit)

    def test_file_limit(self):
        """A quota that ends in the middle: status 1, what is committed stays, and with room the run is resumed."""
        run = here("quota.ken")
        done = self.limited(run, os.path.getsize(self.calm) // 2)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.one_line(done.stderr, "quota.ken", "make space")
        self.alone(run)
        kept = self.rows(run).splitlines()
        self.assertLess(len(kept), RELATIONS * self.n)
        self.annotate(self.data, run)
        self.assertEqual(self.rows(run), self.rows(self.calm))

    def test_full_disk(self):
        """The same on a disk of our own that is too small."""
        disk, size = here("disk"), os.path.getsize(self.calm) // 2 + 65536
        os.mkdir(disk)
        script = 'mount -t tmpfs -o size="$1" none "$2" || exit 77; shift 2; run=$1; shift; "$@"; code=$?; ' \
                 'cp "$run" ../kept.ken; mount -o remount,size=100% "$(dirname "$run")"; ' \
                 '[ $code = 1 ] || exit 2; "$@" || exit 3; cp "$run" ../full.ken'
        if shutil.which("unshare") is None:
            self.skipTest("no unshare here")
        done = call(["unshare", "-rm", "sh", "-c", script, "sh", str(size), disk, os.path.join(disk, "full.ken"),
                     *command(self.data, os.path.join(disk, "full.ken"))], cwd=disk)
        if "unshare failed" in done.stderr or done.returncode == 77:
            self.skipTest("no name spaces here")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("make", done.stderr)
        self.assertLess(len(self.rows(here("kept.ken")).splitlines()), RELATIONS * self.n)
        self.assertEqual(self.rows(here("full.ken")), self.rows(self.calm))


class KnownModel(Runs):
    """A few rows of the world facts with the default model: one thread, and two threads and a kill."""

    def test_default_model(self):
        self.assertTrue(os.path.exists(DEFAULT_MODEL), f"{DEFAULT_MODEL} is missing: `make model` gets it")
        options = ("--relation", "capital", "--split", "test", "--per-relation", "5")
        how = {"model": DEFAULT_MODEL}
        self.annotate(WORLD, here("world1.ken"), *options, threads=1, **how)
        rows = self.rows(here("world1.ken"))
        self.assertEqual(len(rows.splitlines()), 5)
        p = subprocess.Popen(command(WORLD, here("world2.ken"), *options, threads=2, **how), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            p.wait(2.5)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
        self.annotate(WORLD, here("world2.ken"), *options, threads=2, **how)
        self.assertEqual(self.rows(here("world2.ken")), rows)
        self.alone(here("world2.ken"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ken-run-") as DIR:
        unittest.main(argv=[sys.argv[0], "-v", *sys.argv[3:]])
