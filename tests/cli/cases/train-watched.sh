python3 - <<'END'
import json
rows = [{"id": f"r{i}", "relation": f"R{i % 2}", "question": f"Colour {i}?", "answer": "red"} for i in range(6)]
dev = [{**r, "id": "d" + r["id"], "question": "The " + r["question"]} for r in rows] + [{**rows[0], "id": "again"}, {**rows[1], "id": "b", "answer": "blue"}]
test = [{**r, "id": "t" + r["id"], "question": "A " + r["question"]} for r in rows] + dev[:2]
for name, some in (("train", rows), ("dev", dev), ("test", test), ("same", [{**r, "id": "s" + r["id"]} for r in rows])):
    open(name + ".jsonl", "w").write("".join(json.dumps(r) + "\n" for r in some))
END
train() { "$KEN" train -m "$SRC/tests/fixtures/model/tiny-llama-tied" -d train.jsonl "$@"; echo $?; }
train --dev dev.jsonl --test test.jsonl --dry-run | sed -n '/rows to watch/,$p'
train --dev dev.jsonl --test test.jsonl --dry-run --json | python3 -c 'import json, sys; print(*json.loads(sys.stdin.readline())["notes"], sep="\n")'
train --dev dev.jsonl --relation R1 --dry-run | grep 'rows to'
train --dev dev.jsonl --ood test.jsonl --relation R1 --dry-run --json | python3 -c 'import json, sys; d = json.loads(sys.stdin.readline()); print(d["dev"], d["ood"], d["notes"][0])'
train --test same.jsonl --dry-run
train --test test.jsonl --ood test.jsonl --dry-run
train --dev dev.jsonl --protocol slick --dry-run
train --dev dev.jsonl --relation R9 --dry-run
train --dev dev.jsonl -q --epochs 2 --batch 3 --lr 1e-2 --eval-limit 4 --json-lines -o t | python3 -c '
import json, sys
for line in sys.stdin:
    if line[0] != "{": continue
    d = json.loads(line)
    flat = all(not isinstance(v, dict) for v in d.values())
    print(d["event"], d["step"], flat, d["lr"], d["kl_base"] == 0 if d["event"] == "measurement" else sorted(d), d.get("dev", {}).get("examples"))'
"$KEN" show t --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["converged"], d["never_fitted"]["of"], d["never_fitted"]["points"], len(d["never_fitted"]["ids"]) == d["never_fitted"]["rows"], len(d["notes"]))'
"$KEN" diff t | sed -n '/facts/,/^$/p'
"$KEN" diff t/train.ken t/train.ken --answers best | sed -n '/facts/,/^$/p'
"$MAKE_RUN" a.ken && "$KEN" diff a.ken; echo $?
"$MAKE_RUN" t.ken train && "$KEN" diff t.ken; echo $?
