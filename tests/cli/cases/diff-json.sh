"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after
"$KEN" diff a.ken b.ken --common --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(list(d))
print(d["examples"], d["lost"], d["gained"], d["only_a"], d["only_b"], d["cautions"])
t = d["transitions"]
print(sum(sum(r.values()) for r in t.values()), t["HighlyKnown"], list(t))
print(d["lost_share"], d["lost_interval"], d["mcnemar_p"], d["p_t"])
print({k: list(v) for k, v in d["groups"].items()})
print(d["groups"]["relation"]["capital"]["lost"], d["a"], d["b"])'
"$KEN" diff a.ken b.ken --common --json --label mode | wc -l
