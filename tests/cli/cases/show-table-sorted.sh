"$MAKE_RUN" r.ken && "$KEN" show r.ken --sort -Unknown | grep -v '^$' | head -n 6; "$KEN" show r.ken --sort name --relation capital,首都 | tail -n +3
