"$MAKE_RUN" r.ken && "$KEN" score r.ken && "$KEN" score r.ken --matcher contains
