# Lists add up; of other options the last one counts, and that is said. A variant without a size says how little it takes.
"$MAKE_RUN" r.ken
ids() { "$KEN" "$@" --rows --json | python3 -c 'import json, sys; print(*(json.loads(l)["id"] for l in sys.stdin))'; }
ids show r.ken --relation capital --relation 首都; ids show r.ken --relation capital,首都
ids show r.ken --category Unknown --category WeaklyKnown; ids show r.ken --category WeaklyKnown,Unknown
ids score r.ken --threshold 'HighlyKnown:p_t>=0.9' --threshold Unknown --category HighlyKnown --category Unknown
"$KEN" select r.ken --dry-run --split test --split test --category Unknown --category HighlyKnown --relation capital --relation 首都 --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["rows"])'
printf '{"question":"Who wrote Emma?","answer":"Jane Austen"}\n' >q.jsonl
"$KEN" eval -q -m "$TINY" -d q.jsonl --matcher em-raw --matcher contains --no-texts --json | grep -o '"matchers":{[^}]*}\|"matcher":[^,]*'
"$KEN" train -q -m "$TINY" -d q.jsonl --lora r=2 --epochs 1 --gguf F32 --gguf F16 -o t && ls t
for parts in "--train attention" "--train mlp" "--train attention --train mlp" "--train attention,mlp" "--train layers=0 --train layers=1"; do
    "$KEN" train -m "$TINY" -d q.jsonl $parts --dry-run | grep -o '[0-9,]* values'
done
"$KEN" show r.ken --sort p_t --sort -p_t --rows --limit 1 --limit=2
"$KEN" select r.ken --variant unknown=50 --dry-run | tail -n 1; "$KEN" select r.ken --variant natural --dry-run | tail -n 1; "$KEN" select r.ken --variant unknown=50 --size 4 --dry-run | tail -n 1
