#!/usr/bin/env python3
"""Reads the published data sets with Python's own json and csv and writes what each relation and split must hold, as numbers and
hashes: tests/fixtures/data/rows.tsv, which tests/data/test_rows.c compares with the C readers.

    tests/oracles/data_rows.py $KEN_TEST_DATA > tests/fixtures/data/rows.tsv       (Python 3.11 standard library)

A line is: set, relation, split, rows, SHA-256 over "id US subject US question US answers joined by RS LF" of its rows in order;
US = 0x1f, RS = 0x1e, an unknown subject is empty. Sets: eq (EntityQuestions as it is), slick (under the filter of
docs/method/knowledge.md#filter), popqa, mmlu.
"""
import csv, hashlib, json, os, re, sys

ID = "P131 P136 P17 P19 P26 P264 P36 P40 P495 P69 P740 P800".split()
OOD = "P127 P50 P407 P176 P170 P175 P112".split()
SPLITS = ["train", "dev", "test"]
root = sys.argv[1]


def natural(s):
    return [(1, int(x), "") if x.isdigit() else (0, 0, x) for x in re.split(r"(\d+)", s) if x]


def write(name, relation, split, rows):
    h = hashlib.sha256()
    for i, subject, question, answers in rows:
        h.update(f"{i}\x1f{subject}\x1f{question}\x1f".encode() + "\x1e".join(answers).encode() + b"\n")
    print(name, relation, split, len(rows), h.hexdigest(), sep="\t")


def entityquestions():
    base = os.path.join(root, "entityquestions")
    templates = json.load(open(os.path.join(base, "relation_query_templates.json"), encoding="utf-8"))
    data = {}
    for split in SPLITS:
        for name in os.listdir(os.path.join(base, "dataset", split)):
            relation = name.split(".")[0]
            before, after = templates[relation].split("[X]")
            rows = []
            for n, row in enumerate(json.load(open(os.path.join(base, "dataset", split, name), encoding="utf-8"))):
                q = row["question"]
                assert q.startswith(before) and q.endswith(after)
                rows.append((f"{relation}/{split}/{n}", q[len(before):len(q) - len(after)], q, row["answers"]))
            data[relation, split] = rows
    relations = sorted({r for r, _ in data}, key=natural)
    for r in relations:
        for s in SPLITS:
            write("eq", r, s, data[r, s])
    asked = {row[1] for r in relations for row in data[r, "test"]}
    for r in relations:
        for s in SPLITS:
            if r in ID or (r in OOD and s != "train"):
                write("slick", r, s, [x for x in data[r, s] if len(x[3]) == 1 and (s != "train" or x[1] not in asked)])


def popqa():
    rows = [json.loads(line) for line in open(os.path.join(root, "popqa/popqa_union.jsonl"), encoding="utf-8")]
    golds, groups = {}, {}
    for row in rows:
        g = ([row["obj"]] if row["obj"] else []) + row["possible_answers"]
        row["golds"] = list(dict.fromkeys(g))
        golds.setdefault(row["question"], []).extend(row["golds"])
    for n, row in enumerate(rows):
        g = list(dict.fromkeys(row["golds"] + golds[row["question"]]))
        groups.setdefault(row["prop"], []).append((f"{row['prop']}/{n}", row["subj"], row["question"], g))
    for relation in sorted(groups, key=natural):
        write("popqa", relation, "", groups[relation])


def mmlu():
    base = os.path.join(root, "mmlu/data/mmlu")
    names = sorted({n.rsplit("_", 1)[0] for n in os.listdir(os.path.join(base, "dev"))}, key=natural)
    for relation in names:
        for split in ["dev", "test"]:
            with open(os.path.join(base, split, f"{relation}_{split}.csv"), newline="", encoding="utf-8") as f:
                rows = [(f"{relation}/{split}/{n}", "", r["question"],
                         [r[f"choice{i}"] for i in range(4)] + [r[f"choice{int(r['answer'])}"]])
                        for n, r in enumerate(csv.DictReader(f))]
            write("mmlu", relation, split, rows)


print("# made by tests/oracles/data_rows.py; see there for the columns")
entityquestions()
popqa()
mmlu()
