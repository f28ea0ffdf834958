"$MAKE_RUN" r.ken && "$KEN" show -v r.ken
