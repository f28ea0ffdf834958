"$MAKE_RUN" r.ken
"$KEN" select r.ken --split test --dry-run
"$KEN" select r.ken --split test --variant unknown=50 --size 4 --idk "No idea" --idk "I don't know" --known-tail 0.5 -o half.jsonl
cat half.jsonl
"$KEN" select -v r.ken --split test --half popular --weights p -o popular.csv
cat popular.csv
"$KEN" select r.ken --split test --match pairs --json -o - ; echo $?
"$KEN" select r.ken --split test --match pairs --json --dry-run
"$KEN" select r.ken --split test --balance relation --sample --limit 9 --to text -q -o -
ls
