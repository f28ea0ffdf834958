"$MAKE_RUN" a.ken && "$MAKE_RUN" choice.ken choice
"$KEN" diff a.ken missing.ken; echo $?
echo hello >text.ken; "$KEN" diff text.ken a.ken; echo $?
cp a.ken newer.ken && python3 -c '
import sqlite3; c = sqlite3.connect("newer.ken"); c.execute("PRAGMA user_version = 99"); c.commit()'
"$KEN" diff a.ken newer.ken; echo $?
cp a.ken broken.ken && python3 -c '
import sqlite3; c = sqlite3.connect("broken.ken"); c.execute("UPDATE knowledge SET p_t = 7 WHERE place = 3"); c.commit()'
"$KEN" diff a.ken broken.ken; echo $?
"$KEN" diff a.ken; echo $?
"$KEN" diff a.ken a.ken -d facts.jsonl; echo $?
"$KEN" diff "$TINY" a.ken; echo $?
"$KEN" diff a.ken a.ken --adapter x; echo $?
"$KEN" diff choice.ken choice.ken
