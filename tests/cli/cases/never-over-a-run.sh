# A run is hours of work; the name of one where another file's name should stand must not cost it.
"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after && cp a.ken was.ken
"$KEN" report b.ken -o a.ken; echo $?
"$KEN" report a.ken -o a.ken; echo $?
"$KEN" score a.ken --audit 5 -o a.ken; echo $?
"$KEN" score b.ken -o a.ken; echo $?
"$KEN" select b.ken -o a.ken; echo $?
cmp a.ken was.ken && ls
