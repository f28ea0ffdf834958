printf '{"question":"What is the capital of France?","answer":"Paris"}\n' >one.jsonl
"$KEN" annotate -m "$TINY" -d one.jsonl --shots 1; echo $?
"$KEN" annotate -q -m "$TINY" -d one.jsonl --shots 1 --prompts 2 --exemplars "$SRC/data/world" -o r.ken; echo $?
"$KEN" annotate -q -m "$TINY" -d one.jsonl --shots 0 --prompts 1 -o z.ken; echo $?
