"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after
"$KEN" diff a.ken b.ken; echo $?
"$KEN" diff a.ken b.ken --common; echo $?
"$KEN" diff a.ken a.ken; echo $?
ls
