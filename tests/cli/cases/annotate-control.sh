"$KEN" annotate -q -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 2 --relation capital --limit 3 --control -o c.ken && "$KEN" show c.ken --rows --json | python3 -c '
import json, sys
for r in map(json.loads, sys.stdin): print(r["id"], list(r)[-2:], 0 <= r["p_guess"] <= 1)'
