# tty
"$MAKE_RUN" r.ken && NO_COLOR=1 "$KEN" show r.ken
