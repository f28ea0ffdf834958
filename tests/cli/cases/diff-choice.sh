"$MAKE_RUN" a.ken choice && "$MAKE_RUN" b.ken choice-after
"$KEN" diff a.ken b.ken --common --limit 1; echo $?
"$KEN" diff a.ken b.ken --common --rows all; "$KEN" diff a.ken b.ken --common --rows moved --json
"$KEN" diff a.ken b.ken --common --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
for k in ("a", "b", "groups"): print(k, sorted(d.pop(k)))
print(json.dumps(d))'
for f in 'lost>2%' 'lost>39%' 'lost>1' 'lost>2' 'gained<1' 'net<0' 'changed>3' 'greedy<25%'; do
    "$KEN" diff a.ken b.ken --common --fail-if "$f" >out; echo "$f: $?"
done
