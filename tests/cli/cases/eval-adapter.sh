# What a training has measured of its adapter, ken eval finds again with it; and nothing of that without it.
"$KEN" train -q -m "$TINY" -d "$SRC/data/world" --relation capital --limit 3 --lora r=4 --lr 0.02 --epochs 30 --eval-every 30 --batch 3 -o a; echo $?
ask() { "$KEN" eval -q -m "$TINY" -d "$SRC/data/world" --split train --relation capital --limit 3 "$@"; }
ask --json -o plain.ken >plain
ask --json -o with.ken --adapter a >with
ask --json --adapter a --against plain.ken >against
cat >text <<'END'
Rome is the capital of Italy.
END
"$KEN" eval -q -m "$TINY" --text text --json >p
"$KEN" eval -q -m "$TINY" --text text --json --adapter a >q
python3 - <<'END'
import json, sqlite3
plain, with_, against, p, q = (json.load(open(n)) for n in ("plain", "with", "against", "p", "q"))
last = sqlite3.connect("a/train.ken").execute("select hits from measures where set_name = 'train' and grouping = 'all' and step = 30").fetchone()[0]
print(plain["hits"] < with_["hits"] == last, against["changes"]["all"]["before"] == plain["hits"], against["changes"]["all"]["after"] == last)
print(p != q)
settings = [dict(sqlite3.connect(n).execute("select key, value from settings")) for n in ("plain.ken", "with.ken")]
print("adapter" in settings[0], len(settings[1]["adapter"]), settings[0]["model_hash"] != settings[1]["model_hash"])
END
ask --adapter nowhere; echo $?
