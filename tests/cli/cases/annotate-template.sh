"$KEN" annotate -m "$TINY" -d "$SRC/data/world" --relation capital --limit 1 --shots 1 --template 'Frage: {question}\nAntwort:' --stop '\n\n' --dry-run | sed -n 1,8p
KEN_SHOTS=0 "$KEN" annotate -m "$TINY" -d "$SRC/data/world" --relation capital --limit 1 --dry-run --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["prompts"][0], d["examples"], sorted(d))'
