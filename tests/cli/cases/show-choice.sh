"$MAKE_RUN" r.ken choice && "$KEN" show r.ken && "$KEN" show --rows --json --limit 1 r.ken
