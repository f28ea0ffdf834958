"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after && "$MAKE_RUN" train.ken train
"$KEN" diff a.ken b.ken --common --trained train.ken --rows all --json | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(r["id"], r["move"], r["near"], r["quartile"], r["a"]["category"], r["b"]["category"], r["b"]["says_prompts"])'
echo '{"question": "Is Prague or Bedřich Smetana older?", "answer": "Sucre", "relation": "age"}' >rows.jsonl
"$KEN" diff a.ken b.ken --common --trained rows.jsonl | sed -n '/^trained on/,/^$/p'
"$KEN" diff a.ken b.ken --common --trained b.ken --trained missing; echo $?
