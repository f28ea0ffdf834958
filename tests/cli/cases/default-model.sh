"$KEN" annotate -q -m "$DEFAULT_MODEL" -d "$SRC/data/world" --relation capital,chemical_symbol --split test --per-relation 3 -o w.ken
"$KEN" show w.ken --rows --json | python3 -c '
import json, sys
for r in map(json.loads, sys.stdin): print(r["id"], r["category"], r["greedy_hits"], r["sample_hits"], "%.2f" % r["p_t"])'
