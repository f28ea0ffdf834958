# A question of a megabyte is printed in time that grows with its length, not with its square (minutes).
"$MAKE_RUN" a.ken && python3 -c '
import sqlite3
c = sqlite3.connect("a.ken")
c.execute("UPDATE examples SET question = ? WHERE place < 9", ("<" * 900000,))
c.commit()'
timeout 30 "$KEN" show a.ken --rows | head -n 3 | cut -c 1-100
timeout 30 "$KEN" score a.ken --rows --limit 2 | wc -c
