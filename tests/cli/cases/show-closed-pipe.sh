"$MAKE_RUN" r.ken && "$KEN" show r.ken --rows | head -n 1
