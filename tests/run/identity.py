#!/usr/bin/env python3
"""Whatever can change a result identifies it (docs/run-format.md, "Guarantees"): a run of part of the data is made, one thing is changed,
and the same command completes it.

    identity.py KEN SOURCE [CASE ...]

Each line of the tables below is one input of an annotation, changed, and what must come of it:

    refuses(WORD)      exit status 3, the message names the setting, the file is not touched
    keeps()            the run is what a run that was never interrupted is; keeps(always=True): so is one with the input unchanged
    anew(ID, ..)       these rows have the bytes that a fresh run of the changed data gives them, all others have theirs; what was changed
                       is named. gone=: rows that the data lost, kept behind all others. exemplars=True: exemplars of the run were
                       changed, so its rows keep theirs and new ones are asked behind those; held=: rows that ask about one of these now
    extends()          a selection: every row is one of the part or of a fresh run
    untouched()        nothing is written, exit status 0
    refuses_usage(W)   exit status 2

A last test wants every option that `ken annotate --help` lists in the tables: a new one must be classified."""
import copy
import csv
import io
import json
import os
import re
import shutil
import sqlite3
import sys

import runs
from outcomes import TEMPORARY, Input, Try, anew, extends, fresh, keeps, put, refuses, refuses_usage, untouched
from runs import FIXTURES, MODEL, SMALL, SOURCE, Contents, call, done, expect, jsonl, letters_model, notes, read, refused

LETTERS = letters_model(os.path.join(TEMPORARY.name, "letters"))
COPY = shutil.copy(MODEL, os.path.join(TEMPORARY.name, "copy.gguf"))

# ---- data ------------------------------------------------------------------------------------------------------------------

ANSWERS = ["ighigh", "igha", "is", "wa", "igh", *"abcdefghij2"]
WORDS_ARGS = ["-m", MODEL, *SMALL, "--matcher", "em-raw", "--template", "{relation} {subject} {question}"]


def words(dev=12):
    """Two relations, by id. The place of a row in the file is that in the whole data too; the part ends in R1."""
    rows = {}
    for r in "R0", "R1":
        some = [("train", 2)] + [("dev", dev)] * (dev > 0) + [("test", 8)]
        for split, n in some:
            for i in range(n):
                row = {"id": f"{r}/{split}/{i}", "relation": r, "split": split, "question": f"{split[0]}{i}?", "subject": f"{split[:2]}{i}"}
                at = i + (r == "R1") * 3
                if split == "dev":
                    row["answer"] = "abcdefghij"[i % 10]
                else:
                    row.update(answers=[ANSWERS[(3 * at + k * (at + 1)) % len(ANSWERS)] for k in range(2 + i % 2)], popularity=10 * at)
                rows[row["id"]] = row
    return rows


PART = ["--limit", "13"]
ONE, LATE = "R0/test/1", "R1/test/6"  # a row of the part, and one behind it
WORDS = words()


def drawn(rows, relation, like=""):
    """Of the relation's rows whose id begins so: the first that a run draws as an exemplar, and the first that it does not."""
    ids = fresh(Input({"data.jsonl": jsonl(rows.values())}, [*WORDS_ARGS, "-d", "data.jsonl"], {}, "data.ken")).exemplars(relation)
    some = [i for i in rows if i.startswith(like)]
    return next(i for i in some if i in ids), next(i for i in some if i not in ids)


SHOT, NO_SHOT = drawn(WORDS, "R0", "R0/dev")
SHOT_R1 = drawn(WORDS, "R1", "R1/dev")[0]


def insert(rows, before, row):
    """Into the file, in front of another one (None: at the end)."""
    items = list(rows.items())
    at = len(items) if before is None else list(rows).index(before)
    rows.clear()
    rows.update(items[:at] + [(row["id"], row)] + items[at:])


def reorder(rows, like, key):
    """The rows whose id matches, in another order, in the places of these rows."""
    ids = list(rows)
    some = [i for i in ids if re.search(like, i)]
    turned = iter(sorted(some, key=key))
    items = {i: rows[i] for i in (next(turned) if i in some else i for i in ids)}
    rows.clear()
    rows.update(items)


def backwards(i):
    return [-ord(c) for c in i]


NEW = {"id": "new", "relation": "R0", "split": "test", "question": "new?", "subject": "w", "answers": ["e", "f"]}

# What happens to the rows of a file, and what must come of it. Fields of a row:
ROW_CASES = [
    ("a row's question", lambda d: d[ONE].update(question="t1!"), anew(ONE)),
    ("a row's question by white space alone", lambda d: d[ONE].update(question="t1? "), anew(ONE)),
    ("a row's subject", lambda d: d[ONE].update(subject="other"), anew(ONE)),
    ("a row's subject goes", lambda d: d[ONE].pop("subject"), anew(ONE)),
    ("a row's first answer", lambda d: d[ONE]["answers"].__setitem__(0, "h"), anew(ONE)),
    ("a row's second answer", lambda d: d[ONE]["answers"].__setitem__(1, "h"), anew(ONE)),
    ("a row's last answer", lambda d: d[ONE]["answers"].__setitem__(2, "rr"), anew(ONE)),
    ("the order of a row's answers", lambda d: d[ONE]["answers"].reverse(), anew(ONE, value=False)),
    ("an answer more", lambda d: d[ONE]["answers"].append("rr"), anew(ONE)),
    ("an answer less", lambda d: d[ONE]["answers"].pop(1), anew(ONE)),
    ("a row's id", lambda d: d[ONE].update(id="R0/test/renamed"), anew(gone=[ONE])),
    ("a row's relation", lambda d: d[ONE].update(relation="R1"), anew(ONE)),
    ("a row's split", lambda d: d[ONE].update(split="train"), anew(ONE, value=False)),
    ("a row's popularity", lambda d: d[ONE].update(popularity=7), anew(ONE, value=False)),
    ("a row's popularity goes", lambda d: d[ONE].pop("popularity"), anew(ONE, value=False)),
    ("the question of a row behind the part", lambda d: d[LATE].update(question="x?"), anew(LATE)),
    ("two rows at once", lambda d: (d[ONE].update(question="x?"), d["R0/test/4"].update(question="y?")), anew(ONE, "R0/test/4")),
    ("two rows trade their questions and subjects", lambda d: [d[a].update(question=f"t{b}?", subject=f"te{b}") for a, b in
                                                            ((ONE, 4), ("R0/test/4", 1))], anew(ONE, "R0/test/4")),
    ("a row becomes another's duplicate", lambda d: d["R0/test/4"].update(question="t1?", subject="te1", answers=d[ONE]["answers"]),
     anew("R0/test/4")),
    ("a row makes another one ambiguous", lambda d: d["R0/test/4"].update(question="t1?", subject="te1"), anew(ONE, "R0/test/4", value=False)),
    ("a row names its answer", lambda d: d[ONE].update(question="t1 h?", answers=["h"]), anew(ONE)),
    # Rows that come and go:
    ("a row is inserted in the middle of the part", lambda d: insert(d, ONE, NEW), anew()),
    ("a row is inserted in front of all", lambda d: insert(d, "R0/train/0", {**NEW, "split": "train"}), anew()),
    ("a row is appended", lambda d: insert(d, None, {**NEW, "relation": "R1"}), anew()),
    ("a relation is added in front", lambda d: [insert(d, "R0/train/0", {**row, "id": "A" + row["id"], "relation": "A"})
                                                for row in list(WORDS.values())[:22]], anew()),
    ("a row of the part goes", lambda d: d.pop(ONE), anew(gone=[ONE])),
    ("the first row goes", lambda d: d.pop("R0/train/0"), anew(gone=["R0/train/0"])),
    ("two rows go", lambda d: (d.pop(ONE), d.pop("R1/train/0")), anew(gone=[ONE, "R1/train/0"])),
    ("a row behind the part goes", lambda d: d.pop(LATE), anew()),
    ("one goes, one comes, one changes", lambda d: (d.pop(ONE), insert(d, "R0/test/5", NEW), d["R0/test/3"].update(question="x?")),
     anew("R0/test/3", gone=[ONE])),
    ("the rows' order", lambda d: reorder(d, "test", backwards), keeps()),
    ("the order of relations in the file", lambda d: reorder(d, "R", lambda i: i[:2] == "R0"), keeps()),
    # Exemplars:
    ("an exemplar's question", lambda d: d[SHOT].update(question="x?"), anew(exemplars=True)),
    ("an exemplar's subject", lambda d: d[SHOT].update(subject="x"), anew(exemplars=True)),
    ("an exemplar's answer", lambda d: d[SHOT].update(answer="x"), anew(exemplars=True)),
    ("an exemplar's relation", lambda d: d[SHOT].update(relation="R1"), anew(exemplars=True)),
    ("an exemplar's split", lambda d: d[SHOT].update(split="valid"), keeps(always=True)),
    ("an exemplar's other answers", lambda d: d[SHOT].update(answers=[d[SHOT].pop("answer"), "x"]), keeps(always=True)),
    ("an exemplar's popularity", lambda d: d[SHOT].update(popularity=3), keeps(always=True)),
    ("an exemplar goes", lambda d: d.pop(SHOT), anew(exemplars=True)),
    ("an exemplar is added", lambda d: insert(d, "R0/dev/5", {**WORDS["R0/dev/5"], "id": "new", "question": "dn?", "subject": "den"}),
     anew(exemplars=True)),
    ("the exemplars' order", lambda d: reorder(d, "R0/dev", backwards), anew(exemplars=True)),
    ("an exemplar that is not drawn", lambda d: d[NO_SHOT].update(question="x?", answer="x"), keeps(always=True)),
    ("a row asks about an exemplar", lambda d: d[ONE].update(question=d[SHOT]["question"]), anew(ONE, exemplars=True, held=[ONE])),
    ("an exemplar and a row", lambda d: (d[SHOT].update(answer="x"), d[ONE].update(question="x?")), anew(ONE, exemplars=True)),
    ("an exemplar changes, a row goes", lambda d: (d[SHOT].update(answer="x"), d.pop(ONE)), anew(exemplars=True, gone=[ONE])),
    ("an exemplar changes, a row comes", lambda d: (d[SHOT].update(answer="x"), insert(d, ONE, NEW)), anew(exemplars=True)),
    ("a row becomes a dev row", lambda d: d[ONE].update(split="dev"), anew(ONE, held=[ONE])),
    ("an exemplar of the other relation", lambda d: d[SHOT_R1].update(answer="x"), anew(exemplars=True)),
]


def spelled(rows, **how):
    return "".join(json.dumps(row, **how) + "\n" for row in rows.values())


def turned(rows):
    return "".join(json.dumps(dict(reversed(row.items()))) + "\n" for row in rows.values())


def table(rows, delimiter):
    """The same rows as CSV or TSV, where lists stand as JSON."""
    out = io.StringIO()
    w = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    names = ["id", "relation", "split", "question", "subject", "answers", "popularity"]
    w.writerow(names)
    for row in rows.values():
        given = {**row, "answers": json.dumps(row.get("answers") or [row["answer"]])}
        w.writerow([given.get(n, "") for n in names])
    return out.getvalue()


# The same rows, written down in another way.
FILE_CASES = [
    ("where fields stand in the JSON", turned(WORDS), keeps(always=True)),
    ("white space in the JSON", spelled(WORDS, separators=(" ,  ", " :\t")), keeps(always=True)),
    ("a list in place of lines", json.dumps(list(WORDS.values()), indent=1), keeps(always=True)),
    ("blank lines", spelled(WORDS).replace("\n", "\n\n"), keeps(always=True)),
    ("a field that is not read", jsonl({**row, "comment": "x"} for row in WORDS.values()), keeps(always=True)),
    ("numbers as 10.0", jsonl({k: float(v) if k == "popularity" else v for k, v in row.items()} for row in WORDS.values()), keeps(always=True)),
    ("one answer as a list", jsonl({"answers" if k == "answer" else k: [v] if k == "answer" else v for k, v in row.items()}
                                   for row in WORDS.values()), keeps(always=True)),
    ("CSV in place of JSON", table(WORDS, ","), refuses("data_format")),
    ("TSV in place of JSON", table(WORDS, "\t"), refuses("data_format")),
]

# ---- options ---------------------------------------------------------------------------------------------------------------

OTHER_FIELDS = {"question": ("q2", "x?"), "answers": ("a2", ["h"]), "id": ("i2", "x"), "relation": ("r2", "R1"), "subject": ("s2", "x"),
                "split": ("p2", "train"), "popularity": ("n2", 77)}


def with_fields():
    """Each field a second time, under another name; only one row's differs."""
    rows = copy.deepcopy(WORDS)
    for row in rows.values():
        for name, (second, value) in OTHER_FIELDS.items():
            mine = row.get(name, [row["answer"]] if name == "answers" and "answer" in row else 0)
            row[second] = value if row["id"] == ONE else mine
    for row in rows.values():
        row.setdefault("popularity", 0)
        if "answer" in row:
            row["answers"] = [row.pop("answer")]
    return rows


EX = jsonl({**row, "question": "x" + row["question"], "subject": "x" + row["subject"]} for row in WORDS.values())
BAD_LINE = '{"id": "bad", "relation": "R0", "split": "test", "question": "no answer"}\n'
ALIASES = {"a": ["igh", "ighigh"], "b": ["wa"], "zz": ["yy"]}
TABLE = json.dumps(ALIASES)


def eq_files(templates="What [X] is?"):
    """EntityQuestions as the protocol wants it: 19 relations of three splits; a few questions have two answers."""
    id_relations = "P131 P136 P17 P19 P26 P264 P36 P40 P495 P69 P740 P800".split()
    files = {"eq/relation_query_templates.json": json.dumps({r: templates for r in
                                                             [*id_relations, *"P127 P50 P407 P176 P170 P175 P112".split()]})}
    for r in json.loads(files["eq/relation_query_templates.json"]):
        for split, n in ("train", 3), ("dev", 9), ("test", 4):
            files[f"eq/{split}/{r}.{split}.json"] = json.dumps(
                [{"question": f"What {split}{i} is?", "answers": ["ab", "cd"] if i == 2 and split == "test" else ["abcdefghij"[i]]}
                 for i in range(n)])
    return files


EQ = [*WORDS_ARGS, "-d", "eq", "--relation", "P17,P36"]
EQ_ROWS = [f"{r}/{split}/{i}" for r in ("P17", "P36") for split, n in (("train", 3), ("test", 4)) for i in range(n)]
EQ_GONE = ["P17/test/2"]  # two answers

isa = re.search(r"^isa: (.*)", call("--version").stdout, re.M).group(1)
OTHER_MODEL = os.path.join(FIXTURES, "tiny-llama-linear/model.gguf")
ADAPTER = os.path.join(FIXTURES, "tiny-llama-tied/adapter")

# option, its value added to the command, what must come of it; and where they are not the usual ones: files= and args= of both runs,
# then= files changed in between, part= what makes the first run a part, begin= options that only the first run has, run=, env=
OPTION_CASES = [
    ("data", ["-d", "renamed.jsonl"], keeps(always=True), {"then": {"renamed.jsonl": jsonl(WORDS.values())}}),
    ("output", [], keeps(always=True), {"run": "moved.ken"}),
    ("model", ["-m", OTHER_MODEL], refuses("model_hash")),
    ("model", ["-m", os.path.join(FIXTURES, "tiny-llama-tied")], refuses("model_hash")),  # the same weights, another file
    ("model", ["-m", COPY], keeps(always=True)),
    ("adapter", ["--adapter", ADAPTER], refuses("adapter")),
    ("adapter", [], refuses("adapter"), {"begin": ["--adapter", ADAPTER]}),
    ("exemplars", ["--exemplars", "ex.jsonl"], refuses("exemplars_hash"), {"files": {"ex.jsonl": EX}}),
    ("exemplars", [], refuses("exemplars_hash"), {"files": {"ex.jsonl": EX}, "begin": ["--exemplars", "ex.jsonl"]}),
    ("split", ["--split", "test"], extends(), {"part": ["--limit", "5"]}),
    ("split", ["--split", "train"], extends(), {"part": ["--split", "test", "--limit", "5"]}),
    ("split", ["--split", "dev,test"], extends()),
    ("split", [], keeps(), {"part": ["--split", "test"]}),
    ("relation", ["--relation", "R1"], extends(), {"part": ["--relation", "R0"]}),
    ("relation", [], keeps(), {"part": ["--relation", "R1"]}),
    ("sample", ["--sample", "8"], extends(), {"part": ["--sample", "3"]}),
    ("per-relation", ["--per-relation", "5"], extends(), {"part": ["--per-relation", "2"]}),
    ("per-relation", [], keeps(), {"part": ["--per-relation", "3"]}),
    ("limit", ["--limit", "14"], keeps(), {"part": ["--limit", "3"]}),
    ("limit", [], keeps(), {"part": ["--limit", "1"]}),
    ("dry-run", ["--dry-run"], untouched()),
    ("format", ["--format", "jsonl"], keeps(always=True)),
    ("format", ["--format", "csv"], refuses("data_format"), {"then": {"data.jsonl": table(WORDS, ",")}}),
    ("protocol", ["--protocol", "slick"], anew(gone=EQ_GONE), {"args": EQ, "files": eq_files(), "part": ["--limit", "8"]}),
    ("templates", ["--templates", "other.json"], anew(*EQ_ROWS, exemplars=True, value=False),
     {"args": EQ, "files": {**eq_files(), "other.json": eq_files("[X] is?")["eq/relation_query_templates.json"]}, "part": ["--limit", "8"]}),
    ("question-field", ["--question-field", "q2"], anew(ONE), {"files": {"data.jsonl": jsonl(with_fields().values())}}),
    ("answer-field", ["--answer-field", "a2"], anew(ONE), {"files": {"data.jsonl": jsonl(with_fields().values())}}),
    ("id-field", ["--id-field", "i2"], anew(gone=[ONE]), {"files": {"data.jsonl": jsonl(with_fields().values())}}),
    ("relation-field", ["--relation-field", "r2"], anew(ONE), {"files": {"data.jsonl": jsonl(with_fields().values())}}),
    ("subject-field", ["--subject-field", "s2"], anew(ONE), {"files": {"data.jsonl": jsonl(with_fields().values())}}),
    ("split-field", ["--split-field", "p2"], anew(ONE, value=False), {"files": {"data.jsonl": jsonl(with_fields().values())}}),
    ("popularity-field", ["--popularity-field", "n2"], anew(ONE, value=False), {"files": {"data.jsonl": jsonl(with_fields().values())}}),
    ("aliases", ["--aliases", "al.json"], refuses_usage("--aliases"), {"files": {"al.json": TABLE}}),
    ("aliases", ["--matcher", "em-alias", "--aliases", "al.json"], refuses("aliases_hash"),
     {"files": {"al.json": TABLE}, "begin": ["--matcher", "em-alias"]}),
    ("skip-bad", ["--skip-bad"], keeps(always=True)),
    ("skip-bad", ["--skip-bad"], keeps(), {"then": {"data.jsonl": BAD_LINE + jsonl(WORDS.values())}}),
    ("shots", ["--shots", "1"], refuses("shots")),
    ("shots", ["--shots", "0"], refuses("shots")),
    ("prompts", ["--prompts", "2"], refuses("prompts")),
    ("samples", ["--samples", "5"], refuses("samples")),
    ("temperature", ["--temperature", "0.50000001"], refuses("temperature")),
    ("temperature", ["--temperature", "5e-1"], keeps(always=True)),
    ("top-k", ["--top-k", "39"], refuses("top_k")),
    ("top-k", ["--top-k", "99999"], keeps(), {"begin": ["--top-k", "100000"]}),  # all of the vocabulary
    ("matcher", ["--matcher", "em-squad"], refuses("matcher")),
    ("matcher", ["--matcher", "em-raw/1"], keeps(always=True)),
    ("max-new", ["--max-new", "3"], refuses("max_new")),
    ("exemplar-seed", ["--exemplar-seed", "1"], refuses("exemplar_seed")),
    ("seed", ["--seed", "1"], refuses("seed")),
    ("seed", ["--seed", "18446744073709551615"], refuses("seed"), {"begin": ["--seed", "18446744073709551614"]}),
    ("method", ["--method", "sample"], refuses("method")),
    ("method", ["--method", "exact"], keeps(always=True)),
    ("method", ["--method", "sample"], keeps(), {"begin": ["--method", "sample"]}),
    ("mass-budget", ["--mass-budget", "0.01"], refuses("mass_budget")),
    ("template", ["--template", "{relation} {subject} {question} "], refuses("template")),
    ("template", ["--template", "{question}"], refuses("template")),
    ("chat-template", ["--chat-template"], refuses("chat_template"), {"args": [*WORDS_ARGS, "-m", LETTERS, "-d", "data.jsonl"]}),
    ("stop", ["--stop", "\n\n"], refuses("stop")),
    ("stop", ["--stop", "\n"], keeps(always=True)),
    ("control", ["--control"], refuses("control")),
    ("control", ["--control"], keeps(), {"begin": ["--control"]}),
    ("no-texts", ["--no-texts"], refuses("texts")),
    ("no-texts", ["--no-texts"], keeps(), {"begin": ["--no-texts"]}),
    ("threads", ["-t", "2"], keeps(always=True)),
    ("threads", ["-t", "3"], keeps(always=True)),
    ("compute", ["--compute", "f32"], keeps(always=True)),
    ("compute", ["--compute", "bf16"], refuses_usage("bf16")),
    ("isa", ["--isa", isa], keeps(always=True)),
    ("isa", ["--isa", "generic"], refuses("isa") if isa != "generic" else keeps(always=True)),
    ("memory", ["--memory", "1K"], keeps(always=True)),
    ("memory", ["--memory", "64M"], keeps(always=True)),
    ("json", ["--json"], keeps(always=True)),
    ("quiet", ["-q"], keeps(always=True)),
    ("verbose", ["-v"], keeps(always=True)),
    ("color", ["--color", "always"], keeps(always=True)),
    ("help", ["--help"], untouched()),
    ("version", ["--version"], untouched()),
    # The environment is options too.
    ("top-k", [], refuses("top_k"), {"env": {"KEN_TOP_K": "39"}}),
    ("threads", [], keeps(always=True), {"env": {"KEN_THREADS": "2"}}),
]

# ---- other kinds of data ---------------------------------------------------------------------------------------------------

EXEMPLARS = {i: {**row, "question": "x" + row["question"], "subject": "x" + row["subject"]} for i, row in WORDS.items()}


def exemplar_file(change):
    rows = copy.deepcopy(EXEMPLARS)
    change(rows)
    return {"data.jsonl": jsonl(WORDS.values()), "ex.jsonl": jsonl(rows.values())}


# --exemplars: another file binds as a whole. (args: the two runs have it; then: the file changed in between)
EXEMPLAR_CASES = [
    ("a question of --exemplars", lambda d: d["R0/dev/1"].update(question="x?"), refuses("exemplars_hash")),
    ("an answer of --exemplars", lambda d: d["R0/dev/1"].update(answer="x"), refuses("exemplars_hash")),
    ("a row of --exemplars goes", lambda d: d.pop("R0/dev/1"), refuses("exemplars_hash")),
    ("a row of --exemplars comes", lambda d: insert(d, None, {**NEW, "split": "dev"}), refuses("exemplars_hash")),
    ("the order of --exemplars", lambda d: reorder(d, "R0/dev", backwards), refuses("exemplars_hash")),
    ("where fields stand in --exemplars", lambda d: [d.update({i: dict(reversed(row.items()))}) for i, row in list(d.items())], keeps(always=True)),
]

# The table of --aliases binds as a whole: (what, the table then, options added, what must come of it)
ALIAS_ARGS = ["--matcher", "em-alias", "--aliases", "al.json"]
ALIAS_CASES = [
    ("another name", {**ALIASES, "a": ["igh", "ighigh", "is"]}, [], refuses("aliases_hash")),
    ("a name less", {**ALIASES, "a": ["igh"]}, [], refuses("aliases_hash")),
    ("a name of an answer that no row has", {**ALIASES, "zz": ["y"]}, [], refuses("aliases_hash")),
    ("an answer that goes", {"a": ALIASES["a"], "b": ALIASES["b"]}, [], refuses("aliases_hash")),
    ("whose names they are", {"a": ALIASES["a"], "c": ALIASES["b"], "zz": ALIASES["zz"]}, [], refuses("aliases_hash")),
    ("the order of names", {**ALIASES, "a": ["ighigh", "igh"]}, [], refuses("aliases_hash")),
    ("a name that moves over", {**ALIASES, "a": ["igh"], "b": ["ighigh", "wa"]}, [], refuses("aliases_hash")),
    ("the order of answers", dict(reversed(ALIASES.items())), [], keeps(always=True)),
    ("an answer without names", {**ALIASES, "q": []}, [], keeps(always=True)),
    ("another matcher", ALIASES, ["--matcher", "em-squad"], refuses_usage("--aliases")),
]

# Rows that are each other's exemplars, for want of a dev split. All of them are asked before the change.
FITTED = {f"t{i}": {"id": f"t{i}", "relation": "R", "question": f"q{i}?", "subject": f"s{i}", "answers": [ANSWERS[5 + i % 9], ANSWERS[2 + i % 2]]}
          for i in range(24)}


SHOWN, OTHER = drawn(FITTED, "R")
FITTED_CASES = [
    ("a row", lambda d: d[OTHER].update(answers=["h"]), anew(OTHER)),
    ("a row's question", lambda d: d[OTHER].update(question="x?"), anew(OTHER)),
    ("an exemplar's answer", lambda d: d[SHOWN].update(answers=["x"]), anew(SHOWN, exemplars=True)),
    ("an exemplar's question", lambda d: d[SHOWN].update(question="x?", subject="x"), anew(SHOWN, exemplars=True)),
    ("an exemplar goes", lambda d: d.pop(SHOWN), anew(exemplars=True, gone=[SHOWN])),
    ("a row goes", lambda d: d.pop(OTHER), anew(gone=[OTHER])),
    ("a row comes", lambda d: insert(d, "t3", {**NEW, "relation": "R", "split": ""}), anew()),
    ("the rows' order", lambda d: reorder(d, "t", backwards), anew()),
]


def choices(change=None):
    """Multiple choice: two relations of five dev rows and four test rows."""
    rows = {}
    for r in "ab", "cd":
        for split, n in ("dev", 5), ("test", 4):
            for i in range(n):
                rows[f"{r}/{split}/{i}"] = {"id": f"{r}/{split}/{i}", "relation": r, "split": split, "question": f"{split[0]}{i}?",
                                            "choices": ["w", "x", "y", "z" if i else "v\nz"], "answer": i % 4, "popularity": i}
    if change:
        change(rows)
    return rows


CHOICE_ARGS = ["-m", LETTERS, *SMALL, "--shots", "1", "--prompts", "2", "-d", "data.jsonl"]
C, AB = "ab/test/1", [f"ab/test/{i}" for i in range(4)]
CHOICE_CASES = [
    ("a question", lambda d: d[C].update(question="x?"), anew(C)),
    ("a wrong choice", lambda d: d[C]["choices"].__setitem__(0, "k"), anew(C)),
    ("the right choice", lambda d: d[C]["choices"].__setitem__(1, "k"), anew(C)),
    ("the order of choices", lambda d: d[C].update(choices=["x", "w", "y", "z"], answer=0), anew(C, value=False)),
    ("the order of the wrong choices", lambda d: d[C].update(choices=["w", "x", "z", "y"]), anew(C, value=False)),
    ("which choice is right", lambda d: d[C].update(answer=2), anew(C)),
    ("a choice less", lambda d: d[C]["choices"].pop(), anew(C)),
    ("where a newline stands", lambda d: d["ab/test/0"].update(choices=["w", "x", "y\nv", "z"]), anew("ab/test/0")),
    ("a popularity", lambda d: d[C].update(popularity=9), anew(C, value=False)),
    ("an id", lambda d: d[C].update(id="x"), anew(gone=[C])),
    ("a dev row's question", lambda d: d["ab/dev/1"].update(question="x?"), anew(*AB, value=False)),
    ("a dev row's choice", lambda d: d["ab/dev/1"]["choices"].__setitem__(3, "k"), anew(*AB, value=False)),
    ("a dev row's right choice", lambda d: d["ab/dev/1"].update(answer=3), anew(*AB, value=False)),
    ("the dev rows' order", lambda d: reorder(d, "ab/dev", backwards), anew(*AB, value=False)),
    ("a dev row goes", lambda d: d.pop("ab/dev/2"), anew(*AB, value=False)),
    ("a dev row comes", lambda d: insert(d, "ab/dev/0", {**d["ab/dev/1"], "id": "x", "question": "n?"}), anew(*AB, value=False)),
    ("a dev row's popularity", lambda d: d["ab/dev/1"].update(popularity=9), keeps(always=True)),
    ("a test row goes", lambda d: d.pop(C), anew(gone=[C])),
    ("a test row comes", lambda d: insert(d, C, {**d[C], "id": "x", "question": "n?"}), anew()),
    ("nothing", lambda d: None, keeps(always=True)),
]

# --control compares a row with others of its block of 64 rows of the data; the last block reaches back. Here [0,64), [64,128), [76,140).
def crowd(change=None):
    rows = {f"d{i}": {"id": f"d{i}", "relation": "R", "split": "dev", "question": f"d{i}?", "answer": "abcdefghij"[i % 10]} for i in range(12)}
    rows.update({f"t{i}": {"id": f"t{i}", "relation": "R", "split": "test", "question": f"q{i}?", "answers": [ANSWERS[i % 9], "a"]}
                 for i in range(128)})
    if change:
        change(rows)
    return rows


CONTROL_ARGS = ["-m", MODEL, *SMALL, "--shots", "1", "--prompts", "2", "--samples", "2", "--matcher", "em-raw", "--control", "-d", "data.jsonl"]
FIRST = [f"t{i}" for i in range(52)]
CONTROL_CASES = [
    ("a row of the first block", lambda d: d["t8"].update(question="x?"), anew(*FIRST, value=False), ["--limit", "70"]),
    ("an answer in the first block", lambda d: d["t8"].update(answers=["h"]), anew(*FIRST, value=False), ["--limit", "70"]),
    ("a row of two blocks", lambda d: d["t100"].update(question="x?"), anew(*[f"t{i}" for i in range(52, 128)], value=False), []),
    ("the order of two rows of a block", lambda d: reorder(d, "t1[01]$", backwards), anew(*FIRST, value=False), ["--limit", "60"]),
    ("a row is appended: the last block reaches back less far", lambda d: insert(d, None, {**NEW, "relation": "R"}),
     anew(*[f"t{i}" for i in range(116, 128)], value=False), []),
    ("nothing", lambda d: None, keeps(always=True), ["--limit", "30"]),
]

# Rows without ids of their own are known by their place.
PLACES = [{k: v for k, v in row.items() if k != "id"} for row in WORDS.values() if row["relation"] == "R0"]
PLACE_CASES = [
    ("a row is appended", PLACES + [{k: v for k, v in NEW.items() if k != "id"}], anew()),
    ("a row is inserted: those behind it have its places", PLACES[:-2] + [{k: v for k, v in NEW.items() if k != "id"}] + PLACES[-2:],
     anew("R0/test/20", "R0/test/21")),
    ("the last row goes", PLACES[:-1], anew(gone=["R0/test/21"])),
    ("the first of three last rows goes", PLACES[:-3] + PLACES[-2:], anew("R0/test/19", "R0/test/20", gone=["R0/test/21"])),
]

SAMPLE_CASES = [
    ("a question", lambda d: d[ONE].update(question="x?"), anew(ONE)),
    ("an id, by which samples are drawn", lambda d: d[ONE].update(id="x"), anew(gone=[ONE])),
    ("an exemplar", lambda d: d[SHOT].update(answer="x"), anew(exemplars=True)),
    ("the rows' order", lambda d: reorder(d, "test", backwards), keeps()),
]

# A relation without dev rows has exemplars of all relations; one with few has sets that share rows.
def poor():
    rows = {i: row for i, row in copy.deepcopy(WORDS).items() if i not in [f"R1/dev/{k}" for k in range(4, 12)]}
    rows.update({f"S{i}": {"id": f"S{i}", "relation": "S", "split": "test", "question": f"s{i}?", "subject": f"s{i}", "answers": ["rr", "a"]}
                 for i in range(4)})
    return rows


POOR_CASES = [
    ("a row", lambda d: d["S1"].update(question="x?"), anew("S1")),
    ("exemplars of another relation, which it borrows", lambda d: [d[f"R0/dev/{i}"].update(answer="x") for i in range(12)], anew(exemplars=True)),
    ("it gets exemplars of its own", lambda d: [insert(d, None, {**d[f"R0/dev/{i}"], "id": f"n{i}", "relation": "S", "question": f"n{i}?",
                                                               "subject": f"n{i}"}) for i in range(6)], anew(exemplars=True)),
    ("nothing", lambda d: None, keeps(always=True)),
]

FEW_CASES = [  # the part ends in the relation whose sets share rows: they still share them, and its other rows say so
    ("rows for sets that do not share any", lambda d: [insert(d, None, {**WORDS[f"R1/dev/{i}"]}) for i in range(4, 12)], anew(exemplars=True)),
    ("a row of it", lambda d: d["R1/test/2"].update(question="x?"), anew("R1/test/2")),
]

PLAIN_ARGS = ["-m", MODEL, *SMALL, "--matcher", "em-squad", "-d", "data.jsonl"]
PLAIN_CASES = [  # the usual prompt, which does not show the subject: the row says it all the same
    ("a subject", lambda d: d[ONE].update(subject="x"), anew(ONE, value=False)),
    ("an exemplar's subject", lambda d: d[SHOT].update(subject="x"), anew(exemplars=True, value=False)),
]

NO_SHOTS_CASES = [
    ("a question", lambda d: d[ONE].update(question="x?"), anew(ONE)),
    ("a dev row", lambda d: d["R0/dev/1"].update(question="x?", answer="x"), keeps(always=True)),
]

# ---- more than one change ----------------------------------------------------------------------------------------------------

def with_question(d):
    d[ONE].update(question="x?")


def without_row(d):
    d.pop(ONE)


def with_exemplar(d):
    d[SHOT].update(answer="x")


def nothing(d):
    pass


# Steps (change of the rows, options added) after the part; the run ends with the rows of a fresh one of `like`, and these changes noted.
SEQUENCES = [
    ("a row changes and changes back", [(with_question, []), (nothing, [])], nothing, {("changed", ONE)}),
    ("a row goes and comes back", [(without_row, []), (nothing, [])], nothing, {("gone", ONE)}),
    ("a row goes and comes back as another one", [(without_row, []), (with_question, [])], with_question, {("gone", ONE), ("changed", ONE)}),
    ("a row changes, and the next command asks for less", [(with_question, ["--limit", "1"]), (with_question, [])], with_question,
     {("changed", ONE)}),
    ("a row changes, and the next command asks for others", [(with_question, ["--relation", "R1"]), (with_question, [])], with_question,
     {("changed", ONE)}),
    ("an exemplar changes and changes back", [(with_exemplar, []), (nothing, [])], nothing, None),
    ("an exemplar changes, and the next command asks for others", [(with_exemplar, ["--relation", "R1"]), (nothing, [])], nothing, set()),
    ("a refused command in between", [(with_question, ["--seed", "1"]), (nothing, [])], nothing, set()),
]


def sequence(steps, like, changes):
    def case(folder):
        def rows(change):
            d = copy.deepcopy(WORDS)
            change(d)
            return {"data.jsonl": jsonl(d.values())}
        command = [*WORDS_ARGS, "-d", "data.jsonl"]
        for change, options in [(nothing, PART), *steps]:
            put(folder, rows(change))
            done("annotate", "-q", *command, *options, "-o", "data.ken", cwd=folder, status=3 if "--seed" in options else 0)
        now, b = Contents(os.path.join(folder, "data.ken")), fresh(Input(rows(like), command, {}, "data.ken"))
        expect((now.rows, now.place) == (b.rows, b.place), "the rows are not those of a fresh run")
        expect(changes is None and now.changes or now.changes == changes, f"noted are {sorted(now.changes)}")
        expect(not any(" removed from " in n and "exemplar" not in n for n in notes(os.path.join(folder, "data.ken"))), "a row that came back is said to be gone")
    return case


# ---- the settings that bind --------------------------------------------------------------------------------------------------

BINDING = set("adapter aliases_hash chat_template compute control data_format draw_version exemplar_seed exemplars_hash gemm idk_hash isa "
              "mass_budget matcher max_new method method_version model_hash prompt_version prompts samples seed shots stop temperature template "
              "texts tokenizer_hash top_k weight_type".split())
FREE = set("adapter_path architecture data data_hash exemplar_source limit model model_path n_params per_relation relations rows sample splits version".split())


def every_setting_binds(folder):
    """Whatever the run says of itself: where it says another value than ours, or says nothing, it is not resumed."""
    run = os.path.join(folder, "a.ken")
    put(folder, {"data.jsonl": jsonl(WORDS.values())})
    command = ["annotate", "-q", *WORDS_ARGS, "--adapter", ADAPTER, "-d", "data.jsonl", "-o", "a.ken"]
    done(*command, "--limit", "5", cwd=folder)
    now = Contents(run)
    expect(now.binding == BINDING, f"settings that bind: {sorted(now.binding ^ BINDING)} must be in the test")
    expect(set(now.settings) - now.binding == FREE, f"settings that do not: {sorted((set(now.settings) - now.binding) ^ FREE)} must be in the test")
    whole = read(run)
    for key in sorted(BINDING) + ["of_a_later_version"]:
        for sql in ("UPDATE settings SET value = value || 'x' WHERE key = ?", "DELETE FROM settings WHERE key = ?"):
            db = sqlite3.connect(run)
            if key in BINDING:
                db.execute(sql, (key,))
            else:
                db.execute("INSERT OR REPLACE INTO settings VALUES(?, 'x', 1)", (key,))
            db.commit()
            db.close()
            before = read(run)
            refused(call(*command, cwd=folder), 3, f'"{key}" is ', "a.ken", "-o")
            expect(read(run) == before, f"{key}: a refused command changed the run")
            with open(run, "wb") as f:
                f.write(whole)
    for key in FREE:
        db = sqlite3.connect(run)
        db.execute("UPDATE settings SET value = value || '1' WHERE key = ?", (key,))
        db.commit()
        db.close()
    done(*command, cwd=folder)
    expect(Contents(run).rows == fresh(Input({"data.jsonl": jsonl(WORDS.values())}, command[2:-2], {}, "a.ken")).rows, "rows differ")


def every_option_is_here(folder):
    """What `ken annotate --help` lists, and what is tried above."""
    listed = set(re.findall(r"^  (?:-\w, |    )--([a-z0-9-]+)", done("annotate", "--help").stdout, re.M))
    expect(len(listed) > 40, f"the help is not read as it is written: {sorted(listed)}")
    tried = {c[0] for c in OPTION_CASES}
    expect(not listed - tried, f"classify in OPTION_CASES: {sorted(listed - tried)}")
    expect(not tried - listed, f"not an option any more: {sorted(tried - listed)}")


# ---- all of them -----------------------------------------------------------------------------------------------------------

def tried(name, outcome, before, after, part):
    return name, lambda folder: outcome(Try(folder, before, after, part))


def changed(kind, cases, args, rows, part):
    """Cases of (name, change of the rows, what must come of it)."""
    for name, change, outcome in cases:
        now = copy.deepcopy(rows)
        change(now)
        before, after = (Input({"data.jsonl": jsonl(r.values())}, args, {}, "data.ken") for r in (rows, now))
        yield tried(f"{kind}: {name}", outcome, before, after, part)


def instead(args, given):
    """The command with an option of another value, given once."""
    at = args.index(given[0]) if given and given[0] in args else len(args)
    return [*args[:at], *args[at + 2:], *given]


def option_cases():
    for option, given, outcome, *how in OPTION_CASES:
        how = how[0] if how else {}
        files = {"data.jsonl": jsonl(WORDS.values()), **how.get("files", {})}
        args = how.get("args", [*WORDS_ARGS, "-d", "data.jsonl"])
        env = how.get("env", {})
        begin = [*args, *how.get("begin", [])]
        name = " ".join([*given, *(f"{k}={v}" for k, v in env.items())]) or f"{option}, {'moved' if 'run' in how else 'given up'}"
        for place in TEMPORARY.name, SOURCE:
            name = name.replace(place + "/", "")
        yield tried(f"option {option}: {name!r}", outcome, Input(files, begin, {}, "data.ken"),
                    Input({**files, **how.get("then", {})}, instead(args, given), env, how.get("run", "data.ken")), how.get("part", PART))


def all_cases():
    data = {"data.jsonl": jsonl(WORDS.values())}
    args = [*WORDS_ARGS, "-d", "data.jsonl"]
    yield from changed("row", ROW_CASES, args, WORDS, PART)
    for name, text, outcome in FILE_CASES:
        yield tried(f"file: {name}", outcome, Input(data, args, {}, "data.ken"), Input({"data.jsonl": text}, args, {}, "data.ken"), PART)
    yield from option_cases()
    with_ex = [*args, "--exemplars", "ex.jsonl"]
    for name, change, outcome in EXEMPLAR_CASES:
        yield tried(f"exemplars: {name}", outcome, Input(exemplar_file(lambda d: None), with_ex, {}, "data.ken"),
                    Input(exemplar_file(change), with_ex, {}, "data.ken"), PART)
    yield tried("exemplars: the name of --exemplars", keeps(always=True), Input(exemplar_file(lambda d: None), with_ex, {}, "data.ken"),
                Input({**data, "other.jsonl": jsonl(EXEMPLARS.values())}, [*args, "--exemplars", "other.jsonl"], {}, "data.ken"), PART)
    for name, then, added, outcome in ALIAS_CASES:
        yield tried(f"aliases: {name}", outcome, Input({**data, "al.json": TABLE}, [*args, *ALIAS_ARGS], {}, "data.ken"),
                    Input({**data, "al.json": json.dumps(then)}, [*args, *ALIAS_ARGS, *added], {}, "data.ken"), PART)
    yield tried("aliases: the name of the table", keeps(always=True), Input({**data, "al.json": TABLE}, [*args, *ALIAS_ARGS], {}, "data.ken"),
                Input({**data, "names": TABLE}, [*args, *ALIAS_ARGS[:-1], "names"], {}, "data.ken"), PART)
    yield from changed("cross-fit", FITTED_CASES, args, FITTED, [])
    yield from changed("choices", CHOICE_CASES, CHOICE_ARGS, choices(), ["--limit", "6"])
    for name, change, outcome, part in CONTROL_CASES:
        yield from changed("control", [(name, change, outcome)], CONTROL_ARGS, crowd(), part)
    places = {"data.jsonl": jsonl(PLACES)}
    for name, then, outcome in PLACE_CASES:
        yield tried(f"places: {name}", outcome, Input(places, args, {}, "data.ken"), Input({"data.jsonl": jsonl(then)}, args, {}, "data.ken"), [])
    yield from changed("samples", SAMPLE_CASES, [*args, "--method", "sample"], WORDS, PART)
    yield from changed("poor", POOR_CASES, args, poor(), ["--limit", "22"])
    yield from changed("poor", FEW_CASES, args, {i: row for i, row in poor().items() if row["relation"] != "S"}, PART)
    yield from changed("usual prompt", PLAIN_CASES, PLAIN_ARGS, WORDS, PART)
    yield from changed("no shots", NO_SHOTS_CASES, [*args, "--shots", "0"], WORDS, PART)
    yield from changed("row", [("an exemplar of a relation that was not asked yet", lambda d: d["R1/dev/1"].update(question="x?", answer="x"),
                                anew())], args, WORDS, ["--limit", "4"])
    for name, steps, like, noted in SEQUENCES:
        yield f"more than one: {name}", sequence(steps, like, noted)
    yield "every binding setting of a run binds", every_setting_binds
    yield "every option of ken annotate is classified", every_option_is_here


if __name__ == "__main__":
    sys.exit(runs.main(list(all_cases())))
