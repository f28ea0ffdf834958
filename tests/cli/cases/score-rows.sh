"$MAKE_RUN" r.ken && "$KEN" score r.ken --prompts 3 --samples 2 --changed
"$KEN" score r.ken --matcher contains --category Unknown,unlabelled
"$KEN" score r.ken --matcher contains --rows --limit 3 --json | python3 -c '
import json, sys
for r in map(json.loads, sys.stdin): print(r["id"], r["was"], r["category"], r["possible"], r["basis"], r["p_t_lo"] <= r["p_t"] <= r["p_t_hi"])'
"$KEN" score r.ken --rows --json | cut -d, -f1-18 >a; "$KEN" show r.ken --rows --json | cut -d, -f1-18 >b; cmp a b && echo same
