"$MAKE_RUN" r.ken && "$KEN" score r.ken --curve
"$KEN" score r.ken --curve --csv | tail -n 2
"$KEN" score r.ken --curve --json | python3 -c '
import json, sys
x = json.load(sys.stdin)
print(len(x["curve"]), [round(sum(p[k] for k in ("HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown")), 9) for p in x["curve"]][:3])
print(x["examples"], x["was"], x["matcher"], x["changed"], x["exact"], x["kappa"])'
