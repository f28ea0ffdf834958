"$MAKE_RUN" r.ken && "$KEN" show r.ken >/dev/full; echo $?; "$KEN" show r.ken --rows --json >/dev/full; echo $?; "$KEN" help >/dev/full
