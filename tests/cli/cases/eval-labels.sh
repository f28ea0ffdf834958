"$KEN" annotate -q -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 2 --relation capital --limit 3 -o r.ken
"$KEN" eval -q -m "$TINY" -d "$SRC/data/world" --relation capital --limit 5 --labels r.ken --json | python3 -c '
import json, sys
g = json.load(sys.stdin)["groups"]["category"]
print(sum(m["examples"] for m in g.values()), g["not annotated"]["examples"])'
printf '{"id":"capital/train/1","question":"What?","answer":"a"}\n' >other.jsonl
"$KEN" eval -q -m "$TINY" -d other.jsonl --labels r.ken; echo $?
"$KEN" eval -q -m "$TINY" -d other.jsonl --against r.ken; echo $?
"$KEN" eval -q -m "$TINY" -d other.jsonl -o r.ken; echo $?
"$KEN" show r.ken --json | head -c 14; echo
# Popularity, and a prompt that does not fit: a context is short in so small a model.
python3 -c '
import json
for i in range(9): print(json.dumps({"question": "q%d" % i if i else "long " * 3000, "answer": "a", "popularity": i, "split": "abc"[i % 3]}))' >p.jsonl
"$KEN" eval -q -m "$TINY" -d p.jsonl --idk "no comment" | grep -v '^$' | cut -c1-34
