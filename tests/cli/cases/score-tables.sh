# What is printed as tables can be had as CSV and as LaTeX: the same numbers.
"$MAKE_RUN" r.ken && "$MAKE_RUN" b.ken after && "$MAKE_RUN" c.ken choice
"$KEN" score r.ken --matcher contains --csv
"$KEN" score r.ken --matcher contains --latex
"$KEN" score r.ken --against b.ken --csv
"$KEN" score r.ken --curve --latex | head -n 8
"$KEN" score r.ken -q --audit 2 -o sheet.csv && sed -i '2s/$/p/' sheet.csv && "$KEN" score r.ken --audited sheet.csv --csv
"$KEN" score c.ken --csv | head -n 3
for o in "--rows --csv" "--csv --latex" "--latex --json"; do "$KEN" score r.ken $o; echo $?; done
