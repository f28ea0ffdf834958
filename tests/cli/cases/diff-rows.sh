"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after
for which in lost gained moved; do "$KEN" diff a.ken b.ken --common --rows $which; done
"$KEN" diff a.ken b.ken --common --rows all --limit 2
"$KEN" diff a.ken b.ken --common --rows lost --json --limit 1
