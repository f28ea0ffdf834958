"$MAKE_RUN" r.ken chat && "$KEN" show r.ken && "$KEN" show r.ken --json | sed 's/"relations".*//'
