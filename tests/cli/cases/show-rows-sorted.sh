"$MAKE_RUN" r.ken && for k in id -id p_t -p_t p_unknown popularity -popularity margin -order; do echo "== $k"; "$KEN" show r.ken --rows --sort $k --limit 3 --json | sed 's/,"relation.*//'; done
"$KEN" show r.ken --rows --sort nothing
