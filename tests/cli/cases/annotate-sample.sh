"$KEN" annotate -q -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 2 --relation capital --limit 3 --method sample -o s.ken && "$KEN" show s.ken --rows --json | python3 -c '
import json, sys
for r in map(json.loads, sys.stdin): print(r["id"], r["method"], r["samples"], r["p_t"] * 32 == r["sample_hits"])'
