# Multiple choice in the layout of MMLU: five dev rows a subject, and two to ask.
mkdir -p m/dev m/test
for i in 1 2 3 4 5; do echo "What is $i?,a,b,c,d,A"; done >m/dev/letters_dev.csv
printf 'What is seven?,a,b,c,d,B\nWhat is eight?,a,b,c,d,D\n' >m/test/letters_test.csv
"$KEN" eval -q -m "$DEFAULT_MODEL" -d m --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["examples"], d["prompt"], 0 < d["p_right"] < 1, list(d["groups"]["relation"]), "commonest" in d)'
"$KEN" eval -q -m "$DEFAULT_MODEL" -d m --prompt zero-shot -o z.ken | cut -c1-32
"$KEN" show z.ken --rows --json | python3 -c '
import json, sys
for r in map(json.loads, sys.stdin): print(r["id"], r["text"] in "abcd", r["answer"], 0 < r["p_right"] < 1)'
# Before it is annotated: the real prompts, and what they cost (the letters are read at their end, nothing is walked).
"$KEN" annotate -m "$DEFAULT_MODEL" -d m --dry-run >plan; sed -n '1,3p' plan; grep -c '^Answer: ' plan; tail -n 1 plan | sed 's, token.*,,'
"$KEN" annotate -q -m "$DEFAULT_MODEL" -d m -o c.ken --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["token_forwards"], d["unlabelled"])'
"$KEN" diff c.ken c.ken --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["examples"], d["choice"], d["guessing"], list(d["groups"]["relation"]))'
