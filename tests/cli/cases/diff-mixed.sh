# Multiple choice beside other facts: each has its own part, and --fail-if counts both.
"$MAKE_RUN" a.ken mixed && "$MAKE_RUN" b.ken mixed-after
"$KEN" diff a.ken b.ken --common
"$KEN" diff a.ken b.ken --common --rows moved
"$KEN" diff a.ken b.ken --common --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
m = d["multiple_choice"]
print(d["examples"], m["examples"], "choice" in d)
print(list(d["transitions"]), list(m["transitions"]))
print(d["lost"], d["gained"], m["lost"], m["gained"])
for x in (d, m): print({k: sorted(v) for k, v in x["groups"].items()})'
"$KEN" diff a.ken b.ken --common --fail-if 'lost>0' -q >out; echo $?
