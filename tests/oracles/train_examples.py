"""Questions to train on, read and drawn by the training oracles and bench/train. Plain Python: the other side of the bench has no torch."""
import json, os, random

RELATIONS = ["P131", "P136", "P17", "P19", "P26", "P264", "P36", "P40", "P495", "P69", "P740", "P800"]  # of the SliCK study


def read_questions(folder, relations=None):
    """[(id, question, first answer)] of a folder with train/P*.train.json, in the order of the files"""
    out = []
    for r in relations or sorted(f.split(".")[0] for f in os.listdir(os.path.join(folder, "train")) if f.endswith(".json")):
        with open(os.path.join(folder, "train", f"{r}.train.json"), encoding="utf-8") as f:
            out += [(f"{r}/train/{i}", x["question"], x["answers"][0]) for i, x in enumerate(json.load(f))]
    return out


def shuffled(rows, n, seed):
    return random.Random(seed).sample(rows, n)
