"$MAKE_RUN" a.ken eval && "$MAKE_RUN" b.ken eval-after
"$KEN" diff a.ken b.ken; echo $?
"$KEN" diff a.ken b.ken --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["transitions"], d["lost"], d["gained"], "p_t" in d, list(d["groups"]))'
"$KEN" diff a.ken b.ken --rows moved
"$MAKE_RUN" c.ken && "$KEN" diff a.ken c.ken; echo $?
"$MAKE_RUN" t.ken train && "$KEN" diff t.ken t.ken; echo $?
