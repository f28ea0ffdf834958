"$MAKE_RUN" r.ken || exit 99
KEN_LIMIT=1 "$KEN" show r.ken --rows --json | wc -l
KEN_LIMIT=1 "$KEN" show r.ken --rows --json --limit 2 | wc -l
KEN_LIMIT= "$KEN" show r.ken --rows --json | wc -l
KEN_LIMIT=one "$KEN" show r.ken --rows; echo $?
KEN_JSON=1 KEN_ROWS=yes KEN_LIMIT=1 "$KEN" show r.ken | wc -l
KEN_JSON=perhaps "$KEN" show r.ken; echo $?
KEN_HELP=1 KEN_VERSION=1 KEN_INPUT=x "$KEN" show r.ken --rows --json | wc -l
