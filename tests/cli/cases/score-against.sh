"$MAKE_RUN" r.ken && "$KEN" score r.ken --threshold 'HighlyKnown:p_t>=0.5,Unknown:p_unknown>=0.5' -o s.ken && "$KEN" show s.ken | tail -n 19
"$KEN" score s.ken --against r.ken
"$KEN" score r.ken --against s.ken --json | python3 -c '
import json, sys
a, = json.load(sys.stdin)["against"]
print(a["run"], a["all"]["same"], a["all"]["examples"], a["transitions"]["MaybeKnown"])'
"$KEN" score -q s.ken --audit 3 -o sheet.csv && wc -l <sheet.csv
"$KEN" score -q r.ken -o r.ken; echo $?
