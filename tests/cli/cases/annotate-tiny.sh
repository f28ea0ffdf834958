"$KEN" annotate -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 3 --relation capital --limit 3; echo $?
ls
"$KEN" show world.ken --rows --json | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    assert r["p_t_lo"] <= r["p_t"] <= r["p_t_hi"] and r["prompts"] == 3 and r["samples"] == 48, r
    print(r["id"], r["category"], r["greedy_hits"], r["flags"], list(r))'
"$KEN" annotate -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 3 --relation capital --limit 3
"$KEN" annotate -q -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 3 --relation capital --limit 4 --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["examples"], d["HighlyKnown"] + d["MaybeKnown"] + d["WeaklyKnown"] + d["Unknown"] + d["unlabelled"], list(d["relations"]), d["token_forwards"] > 0, d["seconds"] > 0, d["complete"])'
"$KEN" annotate -m "$TINY" -d "$SRC/data/world" --shots 2 --prompts 3 --relation capital --limit 4; echo $?
