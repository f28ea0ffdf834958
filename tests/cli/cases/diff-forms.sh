# The tables of a comparison for spreadsheets and papers.
"$MAKE_RUN" a.ken mixed && "$MAKE_RUN" b.ken mixed-after
"$KEN" diff a.ken b.ken --common --csv | cut -c 1-150
"$KEN" diff a.ken b.ken --common --latex | head -n 40
"$KEN" diff a.ken b.ken --common --csv --json; echo $?
"$KEN" diff a.ken b.ken --common --latex --rows lost; echo $?
