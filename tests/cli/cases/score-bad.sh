"$MAKE_RUN" r.ken && "$MAKE_RUN" t.ken train && "$MAKE_RUN" c.ken choice
"$KEN" score; echo $?
"$KEN" score none.ken; echo $?
"$KEN" score t.ken; echo $?
"$KEN" score c.ken | tail -n 3; echo $?
echo nonsense >x.ken; "$KEN" score x.ken; echo $?
python3 -c '
import sqlite3
c = sqlite3.connect("r.ken"); c.execute("PRAGMA user_version = 99"); c.commit()'
"$KEN" score r.ken; echo $?
"$MAKE_RUN" s.ken; for o in "--temperature 1" "--top-k 5" "--matcher best" "--prompts 11" "--seed x" "--threshold Known" "--category Lost" "--aliases f.json" "--matcher em-alias --aliases f.json" "--audit 3" "--rows --curve" "--label best" "--against t.ken"; do "$KEN" score s.ken $o >out; echo "$o: $?"; done
