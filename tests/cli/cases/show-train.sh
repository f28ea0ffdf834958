"$MAKE_RUN" t.ken train && "$KEN" show t.ken
"$KEN" show -v t.ken | grep -c '^ '
"$KEN" show t.ken --rows
"$KEN" show t.ken --rows --json | sed -n 2p
"$KEN" show t.ken --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["kind"], d["rows"], [(p["step"], p["loss"], p["best"], len(p["measures"])) for p in d["points"]])
print(d["points"][3]["measures"][0])'
"$KEN" explain t.ken capital/train/0; echo $?
"$KEN" report t.ken; echo $?
"$KEN" eval -q -m "$TINY" -d "$SRC/data/world" --labels t.ken; echo $?
"$KEN" annotate -q -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 2 --limit 2 -o t.ken; echo $?
