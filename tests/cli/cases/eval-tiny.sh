"$KEN" eval -q -m "$TINY" -d "$SRC/data/world" --relation capital,author --per-relation 4 --matcher em-squad,contains,f1@0.5 -o e.ken; echo $?
ls
"$KEN" show e.ken | head -n 6
"$KEN" eval -q -m "$TINY" -d "$SRC/data/world" --relation capital --limit 2 --rows --json | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    assert isinstance(r["text"], str) and r["finish"] in ("eos", "newline", "length") and r["hit"] in (True, False), r
    print(r["id"], r["answer"], r["category"], list(r))'
"$KEN" eval -q -m "$TINY" -d "$SRC/data/world" --relation capital,author --per-relation 4 --json >a
"$KEN" eval -q -m "$TINY" -d "$SRC/data/world" --relation capital,author --per-relation 4 --json --against e.ken -t 1 --memory 1M >b
"$KEN" show e.ken --json >c
"$KEN" show e.ken --rows --json | wc -l
python3 - <<'END'
import json
a, b, c = (json.load(open(n)) for n in "abc")
print(a["examples"], a["answered"] + a["abstained"], sorted(a["groups"]), a["commonest"]["count"] >= 1, list(c["matchers"]))
print(all(a[k] == b[k] == c[k] for k in ("examples", "hits", "accuracy", "hits_raw", "abstained", "answered", "commonest")))
print(b["changes"]["all"], a["groups"]["relation"].keys() == b["changes"]["relation"].keys())
END
"$KEN" explain e.ken capital/train/1; echo $?
"$KEN" report e.ken -o x.html; echo $?
"$KEN" show e.ken --category Unknown; echo $?
ls
