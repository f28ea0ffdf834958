#!/usr/bin/env python3
"""train.py KEN SRC - what a training must survive, and that it trains: kill -9, signals, a full disk, a second program, other settings,
damaged states, numbers that are none.

Every disturbed training must end in the same bytes of every file but train.ken, and in the same measurements, as an undisturbed one
(docs/architecture.md#repeatable). A tiny random model; the moments of the kills are drawn with a fixed seed. Prints TAP.
"""
import hashlib, json, os, random, resource, shutil, signal, sqlite3, struct, subprocess, sys, tempfile, time

KEN, SRC = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
TINY = os.path.join(SRC, "tests", "fixtures", "model", "tiny-llama-tied")
OTHER = os.path.join(SRC, "tests", "fixtures", "model", "tiny-mistral")
ENV = {k: v for k, v in os.environ.items() if not k.startswith("KEN_")}
ENV.update(LC_ALL="C.UTF-8", OMP_WAIT_POLICY="passive")
COLOURS = ["red", "blue", "green", "grey", "pink", "gold", "black", "white"]
BASE = ["-m", TINY, "-d", "train.jsonl", "--dev", "dev.jsonl", "--epochs", "4", "--batch", "8", "--lr", "1e-2", "-t", "2"]
KILLS = 20


def write_data():
    rows = [{"id": f"r{i}", "relation": f"R{i % 3}", "question": f"Colour {i}?", "answer": COLOURS[i * 5 % 8]} for i in range(24)]
    dev = [{**r, "id": "d" + r["id"], "question": "The " + r["question"]} for r in rows[:9]]
    for name, some in (("train.jsonl", rows), ("dev.jsonl", dev), ("few.jsonl", rows[:6]),
                       ("more.jsonl", [{**r, "id": "m" + r["id"], "question": "A " + r["question"]} for r in rows[:5]])):
        open(name, "w").write("".join(json.dumps(r) + "\n" for r in some))


def command(out, *more, base=BASE):
    return [KEN, "train", "-q", *base, "-o", out, *more]


def train(out, *more, base=BASE, **kw):
    return subprocess.run(command(out, *more, base=base), env=ENV, capture_output=True, text=True, **kw)


def trained(out, *more, **kw):
    done = train(out, *more, **kw)
    expect(done.returncode == 0, f"{out}: exit status {done.returncode}: {done.stderr}")
    return done


def start(out, *more):
    return subprocess.Popen(command(out, *more), env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def sha(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


def files(folder):
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            found[os.path.relpath(path, folder)] = sha(path)
    return found


def summary(out, *more, base=BASE):
    """What the training measured: the summary of a finished one, asked for again."""
    j = json.loads(trained(out, "--json", *more, base=base).stdout)
    j.pop("session")
    j.pop("dir")
    return j


def result(out, *more, base=BASE):
    trained(out, *more, base=base)  # nothing, when it is finished
    there = files(out)
    run = there.pop("train.ken")
    return there, summary(out, *more, base=base)


def same(out, what, *more):
    got = result(out, *more)
    expect(sorted(got[0]) == sorted(whole[0]), f"{what}: files {sorted(got[0])}, expected {sorted(whole[0])}")
    for name, digest in whole[0].items():
        expect(got[0][name] == digest, f"{what}: {name} differs")
    for a, b in zip(whole[1]["points"], got[1]["points"]):
        expect(a == b, f"{what}: measurements differ: {json.dumps(b)[:600]} instead of {json.dumps(a)[:600]}")
    expect(got[1] == whole[1], f"{what}: the summaries differ")


def tensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    return {k: data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]] for k, v in head.items() if k != "__metadata__"}


def wait_for(path, p):
    for _ in range(6000):
        if os.path.exists(path) or p.poll() is not None:
            return
        time.sleep(0.005)


def it_trains():
    base = ["-m", TINY, "-d", "few.jsonl", "--epochs", "40", "--eval-every", "20", "--batch", "6", "--lr", "1e-2", "--dropout", "0"]
    points = result("learns", base=base)[1]["points"]
    expect(points[-1]["loss"] < 0.2 * points[1]["loss"], f"the loss did not fall: {points[1]['loss']} to {points[-1]['loss']}")
    expect(points[0]["train"]["hits"] == 0 and points[-1]["train"]["hits"] == 6, f"not fitted: {points[-1]['train']}")
    expect(points[0]["step"] == 0 and points[-1]["step"] == 40 and points[-1]["epoch"] == 40, "steps are miscounted")
    expect(sorted(files("learns")) == sorted(["DONE", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                                              "tokenizer_config.json", "train.ken"]), f"files: {sorted(files('learns'))}")
    asked = subprocess.run([KEN, "model", "learns", "--json"], env=ENV, capture_output=True, text=True)
    expect(asked.returncode == 0, f"the result is no model: {asked.stderr}")


def finished_is_left_alone():
    before = files("whole")
    done = subprocess.run([KEN, "train", *BASE, "-o", "whole"], env=ENV, capture_output=True, text=True)
    expect(done.returncode == 0 and "finished" in done.stderr, done.stderr)
    expect(files("whole") == before, "a finished training was changed")
    os.mkdir("whole/state")  # what a kill right behind DONE leaves
    open("whole/state/checkpoint", "w").write("x")
    trained("whole")
    expect(files("whole") == before and not os.path.exists("whole/state"), "the state was not removed")


def threads_do_not_matter():
    for t in ("1", "3"):
        trained(f"t{t}", "-t", t)
        same(f"t{t}", f"{t} threads")


def checkpoints_do_not_matter():
    trained("often", "--checkpoint-every", "1")
    same("often", "a checkpoint after each step")


def killed_anywhere():
    draw, kept = random.Random(0), []
    more = ("--checkpoint-every", "1")
    for i in range(KILLS):
        p = start("kill", *more)
        time.sleep(draw.uniform(0.02, 0.6 * whole_seconds))
        p.kill()
        p.wait()
        kept.append(sorted(files("kill")) if os.path.exists("kill") else [])
    trained("kill", *more)
    same("kill", f"after {KILLS} kills")
    expect(any("state/checkpoint" in k or "DONE" in k for k in kept), "no kill came after a checkpoint")


def killed_while_it_writes():
    """Between the first file of the result and DONE."""
    p = start("late", "--checkpoint-every", "1")
    wait_for("late/last", p)
    p.kill()
    p.wait()
    expect(os.path.exists("late/state/checkpoint") or os.path.exists("late/DONE"), "neither state nor result")
    if not os.path.exists("late/DONE"):  # else it was faster than we were, and a finished folder is left alone
        open("late/last/model.safetensors.tmp-abcdef", "w").write("half")
    trained("late")
    same("late", "killed while it wrote")


def stopped_by(sig, out):
    p = start(out, "--checkpoint-every", "2")
    wait_for(out + "/state/checkpoint", p)
    began = time.time()
    p.send_signal(sig)
    err = p.communicate(timeout=60)[1]
    if p.returncode != 0:  # else it was faster than we were
        expect(p.returncode == 130 and "stopped" in err, f"exit status {p.returncode}: {err}")
        expect(time.time() - began < 20, "it took too long to stop")
        expect(os.path.exists(out + "/state/checkpoint"), "nothing was kept")
    trained(out)
    same(out, "after a stop")


def interrupted():
    stopped_by(signal.SIGINT, "int")


def terminated():
    stopped_by(signal.SIGTERM, "term")


def full_disk():
    """A limit on the size of files makes write(2) fail as a full disk does; ignored SIGXFSZ is inherited."""
    p = start("full", "--checkpoint-every", "2")
    wait_for("full/state/checkpoint", p)
    p.kill()
    p.wait()
    before = sha("full/state/checkpoint")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    done = train("full", "--checkpoint-every", "1", preexec_fn=limit)
    expect(done.returncode == 1, f"exit status {done.returncode}, expected 1: {done.stderr}")
    expect("checkpoint of step" in done.stderr and len(done.stderr.strip().split("\n")) == 1, done.stderr)
    expect(sha("full/state/checkpoint") == before, "the earlier checkpoint was harmed")
    expect(os.listdir("full/state") == ["checkpoint"] or sorted(os.listdir("full/state")) == ["best", "checkpoint"],
           f"left behind: {os.listdir('full/state')}")
    trained("full")
    same("full", "after a full disk")


def not_a_number():
    done = train("nan", "--lr", "1e30", "--clip", "0", "--warmup", "0", "--checkpoint-every", "1", "--eval-every", "100")
    expect(done.returncode == 1, f"exit status {done.returncode}, expected 1: {done.stderr}")
    expect("step " in done.stderr and "rows r" in done.stderr and "--lr" in done.stderr, done.stderr)
    expect(len(done.stderr.strip().split("\n")) == 1, done.stderr)
    expect(os.path.exists("nan/state/checkpoint") and not os.path.exists("nan/DONE"), "the checkpoint before is not there")
    again = train("nan", "--lr", "1e30", "--clip", "0", "--warmup", "0", "--checkpoint-every", "1", "--eval-every", "100")
    expect(again.stderr == done.stderr, f"another message when resumed: {again.stderr}")


def two_programs():
    p = start("two", "--checkpoint-every", "1")
    wait_for("two/state/checkpoint", p)
    if p.poll() is not None:
        return
    os.kill(p.pid, signal.SIGSTOP)  # holds the folder for as long as we look
    try:
        done = train("two")
        expect(done.returncode == 1 and "another program" in done.stderr, f"exit status {done.returncode}: {done.stderr}")
    finally:
        os.kill(p.pid, signal.SIGCONT)
    p.communicate()
    expect(p.returncode == 0, "the first program must not notice")
    same("two", "with a second program at the door")


OTHER_SETTINGS = [["--lr", "2e-2"], ["--epochs", "5"], ["--batch", "4"], ["--dropout", "0"], ["--seed", "1"], ["--schedule", "cosine"],
                  ["--warmup", "5"], ["--optimizer", "sgd"], ["--weight-decay", "0.1"], ["--clip", "0.5"], ["--lora", "r=2"],
                  ["--freeze", "mlp"], ["--share-prefixes", "on"], ["--rows", "64"], ["--recompute"], ["--patience", "1"],
                  ["--save-type", "BF16"], ["--gguf", "F16"], ["--matcher", "em-raw"], ["--eval-every", "3"], ["--max-steps", "3"],
                  ["--template", "{question}"], ["-d", "more.jsonl"], ["--dev", "more.jsonl"], ["-m", OTHER], ["--isa", "generic"]]


def other_settings():
    """Refused, naming what differs, for a finished training and for one that is under way."""
    p = start("way", "--checkpoint-every", "1")
    wait_for("way/state/checkpoint", p)
    p.kill()
    p.wait()
    expect(not os.path.exists("way/DONE"), "it was too fast to be looked at")
    for out in ("whole", "way"):
        before = files(out)
        for more in OTHER_SETTINGS:
            done = train(out, *more)
            expect(done.returncode == 3, f"{out} {more}: exit status {done.returncode}, expected 3: {done.stderr}")
            expect("other settings" in done.stderr, f"{out} {more}: {done.stderr}")
        expect(files(out) == before, f"{out}: a refused training changed it")
    done = train("whole", "--lr", "2e-2")
    expect('lr is "0.01' in done.stderr and '"0.02' in done.stderr, done.stderr)
    os.remove("way/train.ken")
    done = train("way")
    expect(done.returncode == 3 and "train.ken" in done.stderr, f"a state without its run: {done.stderr}")


def what_counts_binds():
    """What is accepted as an answer, and what declines to: the table of other names is in the hashes of the rows, of those that are watched
    too, the phrases have one of their own, and a matcher its version. Refused by name, finished or under way."""
    for name, table in (("names.json", {"red": ["crimson"]}), ("others.json", {"red": ["scarlet"]}), ("gold.json", {"black": ["dark"]})):
        json.dump(table, open(name, "w"))
    names = ["--matcher", "em-alias", "--aliases", "names.json"]
    base = [*BASE, *names, "--idk-answer", "pass"]
    trained("counts", base=base)
    p = subprocess.Popen(command("counted", "--checkpoint-every", "1", base=base), env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for("counted/state/checkpoint", p)
    p.kill()
    p.wait()
    expect(not os.path.exists("counted/DONE"), "it was too fast to be looked at")
    dev_only = [{"id": "x", "relation": "R0", "question": "The X?", "answer": "azure"}]
    open("azure.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in dev_only))
    json.dump({"red": ["crimson"], "azure": ["sky"]}, open("azure.json", "w"))
    for out in ("counts", "counted"):
        before = files(out)
        for more, key in ((["--aliases", "others.json"], "data_hash"), (["--aliases", "gold.json"], "data_hash"),
                          (["--idk-answer", "no clue"], "idk_hash"), (["--matcher", "em-squad"], None)):
            done = train(out, *more, base=base)
            if key is None:  # a table that nothing uses
                expect(done.returncode == 2 and "--aliases" in done.stderr, f"{out} {more}: exit status {done.returncode}: {done.stderr}")
            else:
                expect(done.returncode == 3 and key in done.stderr, f"{out} {more}: exit status {done.returncode}, expected {key}: {done.stderr}")
        done = train(out, base=[*BASE, "--matcher", "em-alias", "--idk-answer", "pass"])
        expect(done.returncode == 3 and "data_hash" in done.stderr, f"{out} without the table: {done.stderr}")
        done = train(out, base=[*BASE, *names])
        expect(done.returncode == 3 and "idk_hash" in done.stderr, f"{out} without the phrase: {done.stderr}")
        expect(files(out) == before, f"{out}: a refused training changed it")
        # A name of an answer that only the watched rows have.
        watched = [*base[:3], "train.jsonl", "--dev", "azure.jsonl", *base[6:]]
        trained(out + "2", base=watched)
        done = train(out + "2", "--aliases", "azure.json", base=watched)
        expect(done.returncode == 3 and "dev_hash" in done.stderr, f"{out}2 with a name for the watched rows: {done.stderr}")
        # The matcher of another version, as a later program would have written it.
        db = sqlite3.connect(out + "/train.ken")
        db.execute("UPDATE settings SET value = 'em-alias/0' WHERE key = 'matcher'")
        db.commit()
        db.close()
        done = train(out, base=base)
        expect(done.returncode == 3 and "matcher" in done.stderr and '"em-alias/0"' in done.stderr, f"{out} of another version: {done.stderr}")
    trained("same", "--matcher", "em-squad")
    trained("same", "--matcher", "em-squad/1")  # the same, with its version


def damaged_states():
    p = start("hurt", "--checkpoint-every", "1")
    wait_for("hurt/state/checkpoint", p)
    p.kill()
    p.wait()
    good = open("hurt/state/checkpoint", "rb").read()
    for bad in (good[:-1], good[:1000], b"", good[:5000] + b"\1" + good[5001:], good + b"x"):
        open("hurt/state/checkpoint", "wb").write(bad)
        done = train("hurt")
        expect(done.returncode == 3 and "damaged" in done.stderr, f"exit status {done.returncode}: {done.stderr}")
    train("elsewhere", "--seed", "7", "--checkpoint-every", "1", "--max-steps", "2")
    p = start("foreign", "--seed", "7", "--checkpoint-every", "1")
    wait_for("foreign/state/checkpoint", p)
    p.kill()
    p.wait()
    shutil.copy("foreign/state/checkpoint", "hurt/state/checkpoint")
    done = train("hurt")
    expect(done.returncode == 3 and 'seed is "7" there, "0" now' in done.stderr, done.stderr)
    open("hurt/state/checkpoint", "wb").write(good)
    trained("hurt")
    same("hurt", "after the state was put back")


def adapters():
    more = ["--lora", "r=4,targets=attention,down_proj", "--gguf", "F16"]
    there, j = result("lora", *more)
    expect(set(there) == {"DONE", "adapter_model.safetensors", "adapter_config.json", "adapter.gguf", "last/adapter_model.safetensors",
                          "last/adapter_config.json"}, f"files: {sorted(there)}")
    a = tensors("lora/last/adapter_model.safetensors")
    expect(len(a) == 2 * 5 * 2, f"{len(a)} tensors")
    expect(all(any(v) for v in a.values()), "something was not trained")
    expect(j["points"][-1]["loss"] < j["points"][1]["loss"], "the loss did not fall")
    p = subprocess.Popen(command("lora2", *more, "--checkpoint-every", "1"), env=ENV, stderr=subprocess.DEVNULL)
    wait_for("lora2/state/checkpoint", p)
    p.kill()
    p.wait()
    trained("lora2", *more, "-t", "3")
    expect(result("lora2", *more) == (there, j), "a resumed adapter differs")
    asked = subprocess.run([KEN, "model", TINY, "--adapter", "lora"], env=ENV, capture_output=True, text=True)
    expect(asked.returncode == 0, f"the adapter cannot be read: {asked.stderr}")


def teachers():
    for who in ("base", "epoch:1"):
        more = ["--kl", "1", "--kl-teacher", who]
        there, j = result("kl" + who[:4], *more)
        got = [p["kl"] for p in j["points"]]
        expect(got[0] is None and got[-1] > 0 and (got[1] is None) == (who != "base"), f"{who}: divergences {got}")
        expect(there["last/model.safetensors"] != whole[0]["last/model.safetensors"], "the teacher changed nothing")
        p = start("kl2" + who[:4], *more, "--checkpoint-every", "5")
        wait_for("kl2" + who[:4] + "/state/checkpoint", p)
        p.kill()
        p.wait()
        expect(result("kl2" + who[:4], *more) == (there, j), f"{who}: a resumed training differs")
    done = train("klnever", "--kl", "1", "--kl-teacher", "epoch:4")
    expect(done.returncode == 2 and "after the end" in done.stderr, done.stderr)


def frozen():
    base = tensors(os.path.join(TINY, "model.safetensors"))
    for more, changes in ((["--freeze", "embeddings,norms"], lambda n: "proj" in n), (["--train", "attention"], lambda n: "self_attn" in n
                          or "input_layernorm" in n), (["--train", "layers=1,mlp"], lambda n: "layers.1.mlp" in n
                          or "layers.1.post" in n)):
        out = "frozen" + "".join(more)
        trained(out, *more, "--max-steps", "2", "--warmup", "0")
        now = tensors(out + "/last/model.safetensors")
        expect(set(now) == set(base), f"tensors: {set(now) ^ set(base)}")
        for name, value in base.items():
            expect((now[name] != value) == changes(name), f"{more}: {name} {'changed' if now[name] != value else 'stayed'}")


def patience():
    points = result("patient", "--patience", "2", "--epochs", "30", "--lr", "1e-7")[1]["points"]
    expect(len(points) == 4 and points[1]["best"] and not points[3]["best"], f"{len(points)} points")
    expect(os.path.exists("patient/last/model.safetensors"), "the last weights are missing")


def the_best_is_kept():
    j = whole[1]
    shares = [p["dev"]["hits"] for p in j["points"][1:]]
    expect([p["best"] for p in j["points"][1:]].index(True) == shares.index(max(shares)), f"best: {j['best_step']} of {shares}")
    expect([p["best"] for p in j["points"]].count(True) == 1, "more than one best")
    base = [*BASE]
    base[base.index("--epochs") + 1] = "1"
    trained("one", base=base, *[])
    expect(sha("one/model.safetensors") == sha("one/last/model.safetensors"), "the only epoch is best and last")
    expect(sha("one/model.safetensors") != sha("whole/last/model.safetensors"), "four epochs give what one gives")


def json_lines():
    done = trained("lines", "--json-lines", "--max-steps", "4", "--eval-every", "2")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    expect([(r["event"], r["step"]) for r in rows] == [("measurement", 0), ("step", 1), ("step", 2), ("measurement", 2), ("step", 3), ("step", 4),
                                                       ("measurement", 4)], f"lines {[(r['event'], r['step']) for r in rows]}")
    rows, steps = ([r for r in rows if r["event"] == of] for of in ("measurement", "step"))
    for a, b, some in zip(rows, rows[1:], (steps[:2], steps[2:])):
        tokens = [s["tokens"] - t for s, t in zip(some, [a["tokens"], some[0]["tokens"]])]
        mean = sum(s["loss"] * n for s, n in zip(some, tokens)) / sum(tokens)
        expect(abs(mean - b["loss"]) < 1e-6 and some[-1]["lr"] == b["lr"], f"the steps' losses have the mean {mean}, the point says {b['loss']}")
    expect(rows[0]["dev"]["examples"] == 9 and rows[0]["train"]["examples"] == 24, "rows are miscounted")


def stop_rules():
    """Each rule's best measurement is what a search over all of them finds, also when the training was killed on its way."""
    rows = [{**json.loads(line), "task": task} for i, line in enumerate(open("dev.jsonl")) for task in [["", "odd", "far"][i % 3]]]
    rows = [{**r, "question": r["question"] if r["task"] == "far" else r["question"].removeprefix("The ") + " "} for r in rows]
    open("tasks.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in rows))
    base = ["-m", TINY, "-d", "train.jsonl", "--dev", "tasks.jsonl", "--epochs", "40", "--batch", "8", "--lr", "1e-2", "--dropout", "0",
            "-t", "2", "--checkpoint-every", "7"]
    found = {}
    for rule in ("dev", "task:odd", "task:main", "mean", "min-regret"):
        out = "rule-" + rule.replace(":", "-")
        there, j = result(out, "--stop-rule", rule, base=base)
        points = [p for p in j["points"] if p["step"] > 0]
        tasks = [{t: x["hits"] for t, x in p["dev"]["task"].items()} for p in points]  # of three rows each
        for p, t in zip(points, tasks):
            t["main"] = p["dev"]["hits"] - sum(t.values())
        best = 0
        for i, p in enumerate(points):
            most = {t: max(s[t] for s in tasks[:i + 1]) for t in tasks[0]}
            key = {"dev": lambda k: points[k]["dev"]["hits"], "mean": lambda k: sum(tasks[k].values()),
                   "min-regret": lambda k: -max(most[t] - tasks[k][t] for t in most)}.get(rule, lambda k: tasks[k][rule[5:]])
            best = i if key(i) > key(best) else best
        expect(j["best_step"] == points[best]["step"], f"{rule}: best step {j['best_step']}, expected {points[best]['step']}")
        expect(j["stop_rule"] == rule and [t["task"] for t in j["tasks"]] == ["far", "main", "odd"], f"{rule}: {j.get('tasks')}")
        for t in j["tasks"]:
            want = max(s[t["task"]] for s in tasks), tasks[best][t["task"]]
            expect(all(abs(a - b / 3) < 1e-6 for a, b in zip((t["best_accuracy"], t["accuracy"]), want)), f"{rule}: {t}, expected {want}")
        found[rule] = j["best_step"]
        for _ in range(2 if rule in ("mean", "min-regret") else 0):
            p = subprocess.Popen(command(out + "2", "--stop-rule", rule, base=base), env=ENV, stderr=subprocess.DEVNULL)
            wait_for(out + "2/state/checkpoint", p)
            time.sleep(0.2)
            p.kill()
            p.wait()
        expect(result(out + "2", "--stop-rule", rule, base=base) == (there, j), f"{rule}: a resumed training differs")
    expect(len(set(found.values())) > 1, f"the test is empty: {found}")
    done = train("rule-dev", "--stop-rule", "mean", base=base)
    expect(done.returncode == 3 and "stop_rule" in done.stderr, done.stderr)
    for rule, says in (("task:none", "main, odd, far"), ("best", "--stop-rule")):
        done = train("rule-none", "--stop-rule", rule, base=base)
        expect(done.returncode == 2 and says in done.stderr, f"{rule}: {done.stderr}")
        expect(not os.path.exists("rule-none"), "a folder was made")
    done = train("rule-one", "--stop-rule", "mean")
    expect(done.returncode == 2 and "of one (main)" in done.stderr, done.stderr)


def limits():
    j = result("limited", "--fit-limit", "7", "--eval-limit", "4", "--max-steps", "1")[1]
    expect(j["points"][0]["train"]["examples"] == 7 and j["points"][0]["dev"]["examples"] == 4, "limits do not hold")


def nothing_on_bad_input():
    open("file", "w").write("x")
    os.mkdir("taken")
    open("taken/diary", "w").write("x")
    open("bad.jsonl", "w").write('{"question":"q"}\n')
    for out, more, says in (("never", ["-d", "bad.jsonl"], "bad.jsonl:1"), ("never", ["-d", "none"], "none"), ("never", ["--dev", "none"], "none"),
                            ("never", ["-m", "none"], "none"), ("file", [], "folder"), ("taken", [], "diary")):
        done = train(out, *more)
        expect(done.returncode == 3 and says in done.stderr, f"{more}: exit status {done.returncode}, expected 3: {done.stderr}")
    for more in (["--lora", "r=99999"], ["--lora", "r=2", "--freeze", "mlp"], ["--freeze", "everything"], ["--train", "layers=7"],
                 ["--warmup", "x"], ["--gguf", "Q4_1"], ["--kl", "1", "--kl-teacher", "me"], ["--lr", "0"], ["--dropout", "1"]):
        done = train("never", *more)
        expect(done.returncode == 2, f"{more}: exit status {done.returncode}, expected 2: {done.stderr}")
    done = train("no/such/folder")
    expect(done.returncode == 1, f"exit status {done.returncode}: {done.stderr}")
    expect(not os.path.exists("never"), "a folder was made")


def dry_run_writes_nothing():
    before = sorted(os.listdir("."))
    done = train("dry", "--dry-run")
    expect(done.returncode == 0 and "24 rows" in done.stdout and "Colour 0?" in done.stdout, done.stdout + done.stderr)
    j = json.loads(train("dry", "--dry-run", "--json").stdout)
    expect(j["steps"] == 12 and j["steps_per_epoch"] == 3 and j["epoch_token_rows"] == j["epoch_tokens"], str(j))
    shared = json.loads(train("dry", "--dry-run", "--json", "--share-prefixes", "on").stdout)
    expect(shared["epoch_token_rows"] < shared["epoch_tokens"], str(shared))
    expect(sorted(os.listdir(".")) == before, "a file was made")


CASES = [it_trains, finished_is_left_alone, threads_do_not_matter, checkpoints_do_not_matter, killed_anywhere, killed_while_it_writes,
         interrupted, terminated, full_disk, not_a_number, two_programs, other_settings, what_counts_binds, damaged_states, adapters, teachers, frozen, patience,
         the_best_is_kept, json_lines, stop_rules, limits, nothing_on_bad_input, dry_run_writes_nothing]
if len(sys.argv) > 3:
    CASES = [c for c in CASES if c.__name__ in sys.argv[3:]]

folder = tempfile.mkdtemp(prefix="ken-train-")
os.chdir(folder)
bad = 0
try:
    write_data()
    began = time.time()
    first = train("whole")
    if first.returncode != 0:
        sys.exit(f"not ok 1 - an undisturbed training\n# {first.stderr}")
    whole_seconds, whole = time.time() - began, result("whole")
    print(f"# {len(whole[1]['points'])} measurements in {whole_seconds:.1f} s")
    for i, case in enumerate(CASES, 1):
        try:
            began = time.time()
            case()
            print(f"ok {i} - {case.__name__}\n# {time.time() - began:.1f} s", flush=True)
        except (AssertionError, subprocess.TimeoutExpired, KeyError, OSError) as e:
            bad = 1
            print(f"not ok {i} - {case.__name__}\n# {type(e).__name__} " + str(e).replace("\n", "\n# "), flush=True)
    print(f"1..{len(CASES)}")
finally:
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(bad)
