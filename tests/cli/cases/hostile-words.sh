# What a run says of itself comes from strangers as much as its texts do: no escape sequence, no new line of ours, no turned direction.
"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after && python3 -c '
import sqlite3
c = sqlite3.connect("a.ken")
c.execute("UPDATE settings SET value = char(27) || ? WHERE key IN (?, ?)", ("[2J\nken: all is well \u202e\u009b31m", "matcher", "model_path"))
c.execute("UPDATE examples SET question = ? WHERE place = 0", ("\u009b31m\u202ered\u2066?",))
c.commit()'
"$KEN" diff a.ken b.ken --rows lost --common
"$KEN" report a.ken b.ken
"$KEN" score a.ken; echo $?
"$KEN" show a.ken
LC_ALL=C "$KEN" show a.ken --rows --limit 1
"$KEN" show "$(printf 'no\033[31mrun')"; echo $?
