# --sample N draws by --seed where --limit takes the first; a larger sample extends a run; in select it stays a flag.
W="$SRC/data/world"
annotate() { "$KEN" annotate -q -m "$TINY" -d "$W" --shots 1 --prompts 1 --no-texts --max-new 4 --split test --relation capital,author -o s.ken "$@"; }
ids() { "$KEN" show s.ken --rows --json | python3 -c 'import json, sys; print(*sorted(json.loads(l)["id"] for l in sys.stdin))'; }
annotate --sample 4; ids >a; cat a; annotate --sample 6; ids >b; cat b; for i in $(cat a); do grep -qw $i b || echo "lost $i"; done
annotate --sample 6 --limit 3; echo $?
annotate --sample 6 --seed 1; echo $?
"$KEN" eval -q -m "$TINY" -d "$W" --split test --relation capital,author --sample 4 --max-new 2 --no-texts --rows --json | python3 -c 'import json, sys; print(*sorted(json.loads(l)["id"] for l in sys.stdin))' | cmp - a
"$KEN" eval -q -m "$TINY" -d "$W" --split test --relation capital,author --sample 4 --seed 7 --max-new 2 --no-texts --rows --json | python3 -c 'import json, sys; print(*sorted(json.loads(l)["id"] for l in sys.stdin))' | cmp -s - a || echo "another seed, other rows"
"$KEN" data "$W" --rows --sample 3 | wc -l; "$KEN" data "$W" --rows --limit 2 | cut -f 1; "$KEN" data "$W" --sample 3; "$KEN" data "$W" --rows --sample 3 --limit 2; echo $?
"$KEN" select "$W" --sample --limit 3 --seed 2 -q -o - | wc -l
