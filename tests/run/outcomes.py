"""A run of part of the data, one thing changed, the same command for the whole; and what may come of it (identity.py has the table)."""
import hashlib
import json
import os
import shutil
import tempfile
from collections import namedtuple

from runs import Contents, call, difference, done, expect, notes, read, refused, shown, write

TEMPORARY = tempfile.TemporaryDirectory(prefix="ken-fresh-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)

# ---- the try ---------------------------------------------------------------------------------------------------------------

# files: name -> text; args: of ken annotate, with -d NAME; env: of the process; run: what the run is called
Input = namedtuple("Input", "files args env run")
FRESH = {}


def put(folder, files):
    for name, text in files.items():
        write(os.path.join(folder, name), text)


def fresh(i):
    """What a run that was never interrupted holds."""
    key = hashlib.sha256(repr((sorted(i.files.items()), i.args, sorted(i.env.items()))).encode()).hexdigest()
    if key not in FRESH:
        folder = os.path.join(TEMPORARY.name, key)
        os.mkdir(folder)
        put(folder, i.files)
        done("annotate", "-q", *i.args, "-o", "fresh.ken", cwd=folder, env=i.env)
        FRESH[key] = Contents(os.path.join(folder, "fresh.ken"))
        shutil.rmtree(folder)
    return FRESH[key]


class Try:
    """A run of part of `before`, and the command of `after` on it."""

    def __init__(self, folder, before, after, part):
        self.before, self.after = before, after
        self.run = os.path.join(folder, after.run)
        put(folder, before.files)
        done("annotate", "-q", *before.args, *part, "-o", before.run, cwd=folder, env=before.env)
        self.part = Contents(os.path.join(folder, before.run))
        expect(len(self.part.rows) > 0, "the part is empty")
        if after.run != before.run:
            os.rename(os.path.join(folder, before.run), self.run)
        for name in before.files:
            os.unlink(os.path.join(folder, name))
        put(folder, after.files)
        self.bytes = read(self.run)
        self.command = ["annotate", "-q", *after.args, "-o", after.run]
        self.p = call(*self.command, cwd=folder, env=after.env)
        self.folder = folder

    def good(self):
        """What the run holds now. The same command again changes nothing."""
        expect(self.p.returncode == 0, f"exit status {self.p.returncode}: {self.p.stderr.strip()}")
        now = Contents(self.run)
        done(*self.command, cwd=self.folder, env=self.after.env)
        again = Contents(self.run)
        expect((again.rows, again.place, again.changes, again.sets) == (now.rows, now.place, now.changes, now.sets),
               "the same command once more changed the run")
        return now

    def same_row(self, now, expected, row, whose):
        expect(now.rows[row] == expected.rows[row], f"{row} is not {whose}: {difference(now.rows[row], expected.rows[row])}")


def same_order(t, now, ids):
    expect(now.order == ids, f"rows {now.order}, expected {ids}")
    expect(list(shown(t.run)) == ids, "`ken show --rows --json` has other rows")


def refuses(*words):
    def check(t):
        refused(t.p, 3, *words, t.after.run)
        expect(read(t.run) == t.bytes, "a refused command changed the run")
    return check


def refuses_usage(*words):
    def check(t):
        refused(t.p, 2, *words)
        expect(read(t.run) == t.bytes, "a refused command changed the run")
    return check


def untouched():
    def check(t):
        expect(t.p.returncode == 0, t.p.stderr)
        expect(read(t.run) == t.bytes, "the run was changed")
    return check


def keeps(always=False):
    def check(t):
        now, b = t.good(), fresh(t.after)
        for row in b.order:
            t.same_row(now, b, row, "as in a fresh run")
        same_order(t, now, b.order)
        expect(now.place == b.place, "places differ")
        expect((now.settings, now.sets) == (b.settings, b.sets), f"settings or exemplars differ: {now.settings} {b.settings}")
        expect(not now.changes and not notes(t.run), f"a change was noted: {now.changes}")
        if always:
            a = fresh(t.before)
            expect(b.rows == a.rows and b.sets == a.sets, "it changes a fresh run")
    return check


def extends():
    def check(t):
        now, b = t.good(), fresh(t.after)
        expect(set(now.rows) == set(b.rows) | set(t.part.rows), f"rows {now.order}")
        for row in now.order:
            t.same_row(now, b if row in b.rows else t.part, row, "as in a fresh run")
        expect(set(now.rows) > set(t.part.rows), "no row was added")
        expect(not now.changes, f"a change was noted: {now.changes}")
    return check


def anew(*changed, gone=(), exemplars=False, held=(), value=True):
    def check(t):
        now, a = t.good(), fresh(t.before)
        b = a if exemplars and not changed else fresh(t.after)
        kept = [row for row in t.part.order if row in gone]
        for row in {*changed} - {*held}:
            expect(row in b.rows and (row in a.rows), f"the test names {row}, which is not in both")
            if value:
                expect(b.result(row) != a.result(row) if not exemplars else True, f"the test is empty: {row} has the same numbers")
        for row in now.order:
            if row in kept:
                t.same_row(now, t.part, row, "as it was")
                expect(now.place[row] >= 1 << 62, f"{row} is gone from the data, and at place {now.place[row]}")
            elif not exemplars:
                t.same_row(now, b, row, "as in a fresh run of these data")
                expect(now.place[row] == b.place[row], f"{row} is at place {now.place[row]}, not {b.place[row]}")
            elif row in a.rows and row not in changed:
                t.same_row(now, a, row, "behind the exemplars of the run")
            else:  # no fresh run asks it behind them; explaining does
                e = json.loads(done("explain", t.run, row, "-t", "1", "--json").stdout)
                del e["explained"]
                expect(e == json.loads(shown(t.run)[row]), f"{row} is not as explained")
        if exemplars:
            expect(now.sets == t.part.sets or set(now.sets["shown"]) > set(t.part.sets["shown"]), "exemplars of the run were changed")
            expect(set(a.rows) - set(now.rows) == {*held} | ({*gone} - {*kept}), f"rows are missing: {set(a.rows) - set(now.rows)}")
            expect(now.settings["rows"] == str(len(now.rows) - len(kept)), f"asked for are {now.settings['rows']} rows, there are {len(now.rows)}")
            if value:
                f = fresh(t.after)
                expect(any(r in f.rows and f.result(r) != now.result(r) for r in now.rows), "the test is empty: the exemplars do not matter")
        else:
            same_order(t, now, b.order + kept)
            expect(now.settings == b.settings, f"settings differ: {now.settings} {b.settings}")
        expected = {("changed", row) for row in changed if row in t.part.rows} | {("gone", row) for row in kept}
        noted = {c for c in now.changes if c[0] != "exemplar"}
        expect(noted == expected, f"noted are {sorted(noted)}, expected {sorted(expected)}")
        expect(bool(now.changes - noted) == exemplars, f"changed exemplars: {sorted(now.changes - noted)}")
        said, page = notes(t.run), " ".join(done("show", t.run).stdout.split())
        for words, ids in ((" changed in ", [r for w, r in expected if w == "changed"]), (" removed from ", kept),
                           ("new facts were asked with those that the run has", ["exemplar"] if exemplars else [])):
            mine = [s for s in said if words in s and (words.startswith("new") or "exemplar" not in s)]
            expect(len(mine) == bool(ids), f"notes: {said}")
            expect(not ids or mine[0] in page, f"`ken show` does not say: {mine}")
            if 0 < len(ids) <= 3 and ids != ["exemplar"]:
                expect(all(i in mine[0] for i in ids), f"{ids} are not named: {mine}")
    return check
