#!/usr/bin/env python3
"""Reports of results that depended on something which did not identify them, each with its right value; and runs of older formats.

    identity_cases.py KEN SOURCE [CASE ...]"""
import json
import os
import sqlite3
import sys

import runs
from runs import MODEL, SMALL, Contents, call, difference, done, expect, jsonl, letters_model, notes, read, refused, shown, write

DEV = [{"id": f"d{i}", "relation": "R", "split": "dev", "question": f"d{i}?", "subject": f"s{i}", "answer": "abcdefghij"[i]} for i in range(10)]
RAW = ["-m", MODEL, *SMALL, "--matcher", "em-raw", "-d", "data.jsonl"]


def fact(i, question, answers=("igh", "a", "rr"), **more):
    return {"id": i, "relation": "R", "split": "test", "question": question, "answers": list(answers), **more}


def annotate(folder, rows, *options, run="a.ken", args=RAW, status=0):
    write(os.path.join(folder, "data.jsonl"), jsonl(rows))
    return done("annotate", "-q", *args, *options, "-o", run, cwd=folder, status=status)


def contents(folder, run="a.ken"):
    return Contents(os.path.join(folder, run))


def same_result(a, b, row, but=()):
    """All that was computed of the row and all of its fields; but: tables that are looked at elsewhere."""
    x, y = ({t: lines for t, lines in c.rows[row].items() if t not in but} for c in (a, b))
    expect(x == y, f"{row}: {difference(x, y)}")


# ---- rows that repeat ------------------------------------------------------------------------------------------------------

def subjects_tell_rows_apart(folder):
    """The prompt shows the subject: the same question of another subject is another question."""
    x1, x2 = (fact(i, "what?", subject=s) for i, s in (("x1", "Brazil"), ("x2", "France")))
    both = ["--template", "{subject} {question}"]
    annotate(folder, [*DEV, x1, x2], *both, run="both.ken")
    annotate(folder, [*DEV, x2], *both, run="alone.ken")
    now, alone = contents(folder, "both.ken"), contents(folder, "alone.ken")
    same_result(now, alone, "x2")
    expect(now.result("x1") != now.result("x2"), "the test is empty: France has Brazil's numbers alone too")
    for row in shown(os.path.join(folder, "both.ken")).values():
        expect("duplicate" not in json.loads(row)["flags"], f"not a duplicate: {row}")


def twins_are_as_alone(folder):
    """Rows that are the same but for their ids, split and popularity: computed once, written as if each stood alone."""
    some = [fact("a", "q1?"), fact("b", "q2?"), fact("c", "q1?", popularity=5), fact("e", "q1?", split="train"), fact("f", "q1?", ["igh", "a"]),
            fact("g", "q1?", ["a", "igh", "rr"]), fact("h", "q1?", subject="s")]
    for how, options in ("exact", []), ("sample", ["--method", "sample", "--samples", "8"]):
        annotate(folder, DEV + some, *options, run=f"{how}.ken")
        now = contents(folder, f"{how}.ken")
        for row in some:
            here = f"{how}-{row['id']}.ken"
            annotate(folder, [*DEV, row], *options, run=here)
            same_result(now, contents(folder, here), row["id"], but=("identities", "knowledge"))  # flags say that others are there
            mine, other = (json.loads(shown(os.path.join(folder, run))[row["id"]]) for run in (f"{how}.ken", here))
            mine["flags"] = [f for f in mine["flags"] if f not in ("duplicate", "ambiguous")]
            expect(mine == other, f"{row['id']}: {mine} instead of {other}")
    expect(now.rows["a"]["drawn"] != now.rows["c"]["drawn"], "the test is empty: twins have the same samples")


SEPARATORS = ["\x01", "\x1f", "\n", "\t", " ", "", "|", "1", "\u2028"]


def bytes_do_not_join_fields(folder):
    """Two rows that any joint would make one, each with the numbers that it has alone."""
    for n, sep in enumerate(SEPARATORS):
        pairs = [(fact("x", f"q{sep}a", ["b"]), fact("y", "q", [f"a{sep}b"])), (fact("x", "q", ["a", "b"]), fact("y", "q", [f"a{sep}b"])),
                 (fact("x", "q", ["a"], subject=f"s{sep}t"), fact("y", f"q{sep}s", ["a"], subject="t")),
                 (fact("x", "q", ["a"], subject="s"), fact("y", f"s{sep}q", ["a"]))]
        for k, (x, y) in enumerate(pairs):
            here = os.path.join(folder, f"{n}.{k}")
            os.mkdir(here)
            options = ["--template", "{subject} {question}"]
            annotate(here, [*DEV, x, y], *options)
            for row in x, y:
                annotate(here, [*DEV, row], *options, run=row["id"] + ".ken")
                now, alone = contents(here), contents(here, row["id"] + ".ken")
                same_result(now, alone, row["id"], but=("identities", "knowledge"))  # flags say that others are there
                mine, other = ({k: v for k, v in json.loads(shown(os.path.join(here, run))[row["id"]]).items() if k != "flags"}
                               for run in ("a.ken", row["id"] + ".ken"))
                expect(mine == other, f"{row}: {mine} instead of {other}")
                if not (x["question"], x.get("subject")) == (y["question"], y.get("subject")):
                    expect("duplicate" not in shown(os.path.join(here, "a.ken"))[row["id"]], f"{row} repeats nothing")


def choices_differ_by_a_newline(folder):
    """Options whose texts, joined by newlines, are the same: not one question, and no duplicate. One that repeats is."""
    model = letters_model(os.path.join(folder, "letters"))
    options = ["w", "x\ny", "z"], ["w\nx", "y", "z"], ["w", "x", "y\nz"], ["w", "x\ny", "z"]
    rows = [{"id": f"d{i}", "relation": "R", "split": "dev", "question": f"d{i}?", "choices": ["a", "b", "c"], "answer": i % 3} for i in range(5)]
    rows += [{"id": f"t{i}", "relation": "R", "split": "test", "question": "Which?", "choices": c, "answer": 2} for i, c in enumerate(options)]
    args = ["-m", model, *SMALL, "--shots", "1", "-d", "data.jsonl"]
    annotate(folder, rows, args=args)
    now = contents(folder)
    for i in range(4):
        flags = json.loads(shown(os.path.join(folder, "a.ken"))[f"t{i}"])["flags"]
        expect(("duplicate" in flags) == (i == 3), f"t{i}: {flags}")
        annotate(folder, rows[:5] + [rows[5 + i]], args=args, run=f"{i}.ken")
        alone = contents(folder, f"{i}.ken")
        same_result(now, alone, f"t{i}", but=("identities", "knowledge"))
    asked = [now.rows[f"t{i}"]["identities"][0][1] for i in range(4)]
    expect(len({*asked[:3]}) == 3 and asked[3] == asked[0], f"what was asked: {asked}")


def control_is_never_shared(folder):
    """With the guess control each row is compared with subjects that its own id draws, also when it repeats another: an interrupted run
    and an undisturbed one are the same bytes."""
    some = [fact(f"t{i}", f"q{i % 6}?", ["igh", "a"]) for i in range(12)]
    once = annotate(folder, DEV + some, "--control", run="once.ken")
    annotate(folder, DEV + some, "--control", "--limit", "8", run="twice.ken")
    annotate(folder, DEV + some, "--control", run="twice.ken")
    a, b = contents(folder, "once.ken"), contents(folder, "twice.ken")
    expect(once.stderr == "" and a.order == b.order, "other rows")
    for row in a.order:
        same_result(a, b, row)
    expect(shown(os.path.join(folder, "once.ken")) == shown(os.path.join(folder, "twice.ken")), "they are shown otherwise")
    guess = {json.loads(line).get("p_guess") for line in shown(os.path.join(folder, "once.ken")).values()}
    expect(len(guess) > 6, f"the test is empty: {guess}")


# ---- data and tables that change -------------------------------------------------------------------------------------------

def changed_subjects(folder):
    """A run is resumed with data whose subjects changed, and the prompt shows them."""
    def rows(s):
        return DEV + [fact(f"t{i}", f"q{i}?", subject=f"{s}{i}") for i in range(8)]
    options = ["--template", "{subject}: {question}"]
    annotate(folder, rows("u"), *options, run="old.ken")
    annotate(folder, rows("u"), *options, "--limit", "4")
    annotate(folder, rows("changed"), *options)
    annotate(folder, rows("changed"), *options, run="fresh.ken")
    now, fresh, old = contents(folder), contents(folder, "fresh.ken"), contents(folder, "old.ken")
    expect(now.order == fresh.order, f"rows {now.order}")
    for i in range(8):
        same_result(now, fresh, f"t{i}")
        expect(now.result(f"t{i}") != old.result(f"t{i}"), "the test is empty")
    page = " ".join(done("show", os.path.join(folder, "a.ken")).stdout.split())  # lines are broken between words
    expect("4 facts changed in " in page and "t0, t1, t2 and 1 more" in page, page)
    expect(notes(os.path.join(folder, "fresh.ken")) == [], "a fresh run has nothing to note")


def words_said(folder, rows, *options):
    """What the model answers greedily, where it is a word of ASCII letters."""
    annotate(folder, rows, *options, run="said.ken")
    texts = {p[3].strip() for row in contents(folder, "said.ken").rows.values() for p in row["prompts"]}
    os.unlink(os.path.join(folder, "said.ken"))
    return sorted(t for t in texts if t.isascii() and t.isalpha())


def another_table_of_names(folder):
    """em-alias labels by the table of --aliases: with another one, or none, the run is not resumed."""
    rows = DEV + [fact(f"t{i}", f"q{i}?", ["igh"]) for i in range(8)]
    names = words_said(folder, rows)
    options = ["--matcher", "em-alias", "--aliases", "al.json"]
    write(os.path.join(folder, "al.json"), json.dumps({"igh": ["ighigh", "i", "is", "wa", "1", "2"]}))
    annotate(folder, rows, *options, "--limit", "4")
    before = read(os.path.join(folder, "a.ken"))
    write(os.path.join(folder, "al.json"), json.dumps({"igh": names}))
    refused(annotate(folder, rows, *options, status=3), 3, '"aliases_hash" is ', "a.ken")
    refused(annotate(folder, rows, *options[:2], status=3), 3, '"aliases_hash" is ', '"" now')
    expect(read(os.path.join(folder, "a.ken")) == before, "a refused command changed the run")
    annotate(folder, rows, *options, run="other.ken")
    now, other = contents(folder), contents(folder, "other.ken")
    expect(any(other.result(row) != now.result(row) for row in now.rows), f"the test is empty: {names}")


def a_table_that_nothing_uses(folder):
    """Exit status 2, before anything is written; whoever gives a table means it to count."""
    write(os.path.join(folder, "al.json"), '{"igh": ["i"]}')
    annotate(folder, DEV + [fact("t", "q?")], run="old.ken")
    table = ["--aliases", "al.json"]
    for command in (["annotate", *RAW, "-o", "new.ken"], ["annotate", *[o for o in RAW if o not in ("--matcher", "em-raw")], "-o", "new.ken"], ["annotate", *RAW, "--dry-run"],
                    ["eval", "-m", MODEL, "-d", "data.jsonl"], ["eval", "-m", MODEL, "-d", "data.jsonl", "--matcher", "em-squad,em-raw"],
                    ["train", "-m", MODEL, "-d", "data.jsonl", "-o", "new"], ["score", "old.ken"], ["score", "old.ken", "--matcher", "em-raw"]):
        refused(call(*command, *table, cwd=folder), 2, "--aliases", "em-alias")
    expect(sorted(os.listdir(folder)) == ["al.json", "data.jsonl", "old.ken"], f"written: {os.listdir(folder)}")


# ---- one answer to what counts ------------------------------------------------------------------------------------------------

def explaining_agrees(folder):
    """A label that only another name gives: `ken explain` finds the same numbers, and the name among the answers."""
    longer = ["--max-new", "4", "--seed", "3"]
    rows = DEV + [fact(f"t{i}", f"q{i}?", ["z"]) for i in range(12)]
    names = words_said(folder, rows, *longer)
    write(os.path.join(folder, "al.json"), json.dumps({"z": names}))
    annotate(folder, rows, *longer, "--matcher", "em-squad", run="plain.ken")
    annotate(folder, rows, *longer, "--matcher", "em-alias", "--aliases", "al.json")
    run, known = os.path.join(folder, "a.ken"), 0
    without = {i: json.loads(line)["category"] for i, line in shown(os.path.join(folder, "plain.ken")).items()}
    for i, line in shown(run).items():
        row = json.loads(line)
        told = json.loads(done("explain", run, i, "-t", "1", "--json").stdout)
        paths = [path for prompt in told.pop("explained") for path in prompt["accepted"]]
        expect(told == row, f"{told} instead of {row}")
        expect(without[i] == "Unknown", f"{i} is {without[i]} without the names")
        if row["category"] != "Unknown":
            known += 1
            expect(any(path["text"].strip() in names for path in paths), f"{i}: {paths}")
    expect(known >= 2, f"the test is empty: {known} rows are known by {names}")


def a_short_name_of_a_long_answer(folder):
    """An answer of more tokens than are generated, or one that holds the stop string, has no label; with em-alias and a name that fits it has."""
    options = ["--stop", ";", "--max-new", "4"]
    rows = DEV + [fact("long", "q1?", ["a long answer of many tokens"]), fact("stop", "q1?", ["h;i"])]
    write(os.path.join(folder, "al.json"), json.dumps({"a long answer of many tokens": ["igh"], "h;i": ["igh"]}))
    annotate(folder, rows, *options, "--matcher", "em-squad", run="plain.ken")
    annotate(folder, rows, *options, "--matcher", "em-alias", "--aliases", "al.json")
    plain, known = ({i: json.loads(line) for i, line in shown(os.path.join(folder, run)).items()} for run in ("plain.ken", "a.ken"))
    for row, flag in ("long", "gold_too_long"), ("stop", "gold_has_stop"):
        expect(plain[row]["category"] is None and flag in plain[row]["flags"], f"{plain[row]}")
        expect(known[row]["category"] is not None and known[row]["p_t"] > 0 and flag not in known[row]["flags"], f"{known[row]}")
    scored = json.loads(done("score", os.path.join(folder, "a.ken"), "--json").stdout)
    expect(scored["unlabelled"] == 0 and scored["was"]["unlabelled"] == 0 and scored["changed"] == 0, f"scored again: {scored}")


def measuring_agrees(folder):
    """`ken eval`, the sets that `ken train` watches and its fit, asked the same: the same hits, which only another name gives."""
    files = {"fit.jsonl": range(0, 5), "watched.jsonl": range(5, 10)}
    for name, rows in files.items():
        write(os.path.join(folder, name), jsonl({"id": f"q{i}", "relation": "R", "question": f"q{i}?", "answers": ["z"]} for i in rows))
    write(os.path.join(folder, "al.json"), json.dumps({"z": [",]5"], "q": ["z"]}))  # what the model says to some of them
    found = {}
    for options in ["--matcher", "em-alias", "--aliases", "al.json"], ["--matcher", "em-squad"]:
        measured = {name: json.loads(done("eval", "-q", "-m", MODEL, "-t", "1", "-d", name, "--prompt", "zero-shot", "--json", *options,
                                          cwd=folder).stdout) for name in files}
        first = {}
        for which in "test", "ood":  # the same rows cannot be both
            first |= json.loads(done("train", "-q", "-m", MODEL, "-t", "1", "-d", "fit.jsonl", "--dev", "watched.jsonl", "--" + which,
                                     "watched.jsonl", "--max-steps", "1", "--json", *options, "-o", options[1] + which,
                                     cwd=folder).stdout)["points"][0]
        for which in "train", "dev", "test", "ood":
            e = measured["fit.jsonl" if which == "train" else "watched.jsonl"]
            for key in "hits", "abstained":
                expect(first[which][key] == e[key], f"{which}: {key} {first[which][key]}, ken eval says {e[key]}")
        found[options[1]] = [e["hits"] for e in measured.values()]
    expect(found["em-squad"] == [0, 0] and all(2 <= n < 5 for n in found["em-alias"]), f"the test is empty: {found}")


def two_runs_are_compared_by_what_they_asked(folder):
    """An id that stands for another subject, or for other options, is another question: `ken diff` and --labels do not join it."""
    def rows(s):
        return DEV + [fact(f"t{i}", "what?", subject="same" if i < 6 else s) for i in range(8)]
    options = ["--template", "{subject}: {question}"]
    annotate(folder, rows("Brazil"), *options)
    annotate(folder, rows("France"), *options, run="b.ken")
    refused(call("diff", "a.ken", "b.ken", cwd=folder), 3, "6 of 8", "2 ids have another question")
    expect(json.loads(done("diff", "a.ken", "b.ken", "--common", "--json", cwd=folder).stdout)["examples"] == 6, "other facts are compared")
    refused(call("eval", "-m", MODEL, "-d", "data.jsonl", "--labels", "a.ken", cwd=folder), 3, "t6", "another question")

    def choices(last):
        some = [{"id": f"{s}{i}", "relation": "R", "split": s, "question": f"{s[0]}{i}?", "choices": ["x", "y", "z", last if i == 1 else "w"],
                 "answer": i % 3} for s, n in (("dev", 5), ("test", 3)) for i in range(n)]
        write(os.path.join(folder, "data.jsonl"), jsonl(some))
        return ["annotate", "-q", "-m", model, *SMALL, "--shots", "1", "-d", "data.jsonl", "-o"]
    model = letters_model(os.path.join(folder, "letters"))
    for letter in "cd":
        done(*choices(letter), f"{letter}.ken", cwd=folder)
    refused(call("diff", "c.ken", "d.ken", cwd=folder), 3, "1 ids have another question")


# ---- older formats ------------------------------------------------------------------------------------------------------------

def older_runs(folder):
    """A run of format 2 lacks what identifies its rows: it is read as before, and not resumed."""
    rows = DEV + [fact(f"t{i}", f"q{i}?") for i in range(6)]
    annotate(folder, rows, "--limit", "4")
    run = os.path.join(folder, "a.ken")
    table, listed, summary = done("show", run).stdout, done("show", run, "--rows", "--json").stdout, json.loads(done("show", run, "--json").stdout)
    lost = ["aliases_hash", "idk_hash", "prompt_version", "method_version", "draw_version"]
    db = sqlite3.connect(run)
    for name in "aliases", "identities", "shown", "changes":
        db.execute(f"DROP TABLE {name}")
    db.execute(f"DELETE FROM settings WHERE key IN ({','.join('?' * len(lost))})", lost)
    db.execute("PRAGMA user_version = 2")
    db.commit()
    db.close()
    before = read(run)
    expect(done("show", run).stdout == table and done("show", run, "--rows", "--json").stdout == listed, "it is shown otherwise")
    expect(json.loads(done("show", run, "--json").stdout) == summary, "its summary is another one")
    explained = json.loads(done("explain", run, "t1", "-t", "1", "--json").stdout)
    del explained["explained"]
    expect(explained == json.loads(listed.splitlines()[1]), f"explained as {explained}")
    for options in (["--limit", "4"], [], ["--seed", "1"]):
        refused(annotate(folder, rows, *options, status=3), 3, "a.ken", "older ken (format 2)", "-o", *lost)
        expect(read(run) == before, "a refused command changed the run")
    expect(sorted(os.listdir(folder)) == ["a.ken", "data.jsonl"], f"left behind: {os.listdir(folder)}")
    annotate(folder, rows, "--limit", "4", run="new.ken")
    expect(done("show", os.path.join(folder, "new.ken"), "--rows", "--json").stdout == listed, "and made again it is another one")


CASES = [subjects_tell_rows_apart, twins_are_as_alone, bytes_do_not_join_fields, choices_differ_by_a_newline, control_is_never_shared,
         changed_subjects, another_table_of_names, a_table_that_nothing_uses, explaining_agrees, a_short_name_of_a_long_answer,
         measuring_agrees, two_runs_are_compared_by_what_they_asked, older_runs]

if __name__ == "__main__":
    sys.exit(runs.main([(c.__name__.replace("_", " "), c) for c in CASES]))
