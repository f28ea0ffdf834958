"$MAKE_RUN" c.ken choice && "$MAKE_RUN" d.ken choice-after
"$KEN" score c.ken; echo $?
for o in --curve "--against d.ken"; do "$KEN" score c.ken $o | head -n 1; done
"$KEN" score c.ken --rows --limit 2
