cat >facts.jsonl <<'END'
{"question": "Is one more than two?", "answer": "no"}
{"question": "Is two more than one?", "answer": "yes"}
{"question": "Is three more than one?", "answer": "yes"}
{"question": "Is three more than four?", "answer": "no"}
END
mkdir other && cp "$TINY" other/copy.gguf
"$KEN" diff "$TINY" other/copy.gguf -d facts.jsonl -o runs --shots 1 --prompts 2 --json >a; echo $?
ls runs
"$KEN" diff -q "$TINY" other/copy.gguf -d facts.jsonl -o runs --shots 1 --prompts 2 --json >b; echo $?
python3 -c '
import json
a, b = json.load(open("a")), json.load(open("b"))
print(a == b, a["examples"], a["lost"], a["gained"], a["p_t"]["change"])'
"$KEN" diff -q "$TINY" runs/facts-copy.ken -d facts.jsonl -o runs --shots 1 --prompts 2 --rows moved; echo $?
"$KEN" diff "$TINY" "$TINY" -d facts.jsonl; echo $?
"$KEN" diff "$TINY" -d facts.jsonl; echo $?
ls
"$KEN" diff -q "$TINY" --adapter "$SRC/tests/fixtures/model/tiny-llama-tied/adapter" -d facts.jsonl --shots 1 --prompts 2 --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print([(d[k]["run"], d[k].get("adapter_path", "")[-24:]) for k in "ab"], d["examples"], d["p_t"]["change"] != 0)'
