"$MAKE_RUN" -- || exit 99
"$KEN" show --json --limit 1 -- -- --rows >a; echo $?
"$KEN" show --rows r.ken --json --limit=1 2>&1
"$KEN" show --rows --json --limit 1 -q ./-- | wc -l
