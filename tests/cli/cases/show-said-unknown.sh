"$MAKE_RUN" r.ken after && "$KEN" show r.ken | tail -15
