# tty
"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after && "$KEN" diff a.ken b.ken --common -v --limit 1
