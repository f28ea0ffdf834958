# tty
"$MAKE_RUN" r.ken && "$KEN" show r.ken --rows --limit 4
