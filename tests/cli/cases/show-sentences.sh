"$MAKE_RUN" r.ken sentences && "$KEN" show r.ken && "$KEN" show r.ken --json | sed 's/"relations".*//'
