printf 'The quick brown fox jumps over the lazy dog.\n%.0s' 1 2 3 4 5 6 7 8 >a.txt
cp a.txt b.txt
"$KEN" eval -q -m "$TINY" --text a.txt --text b.txt --window 32 --json | python3 -c '
import json, math, sys
d = json.load(sys.stdin)
a, b = d["texts"]["a.txt"], d["texts"]["b.txt"]
print(a == b, list(a), abs(math.log(a["perplexity"]) - a["nll"]) < 1e-6, abs(a["bits_per_byte"] * a["bytes"] * math.log(2) - a["nll"] * a["tokens"]) < 1e-3)'
"$KEN" eval -q -m "$TINY" --text a.txt --window 32 --fail-if 'perplexity>1e9'; echo $?
"$KEN" eval -q -m "$TINY" --text a.txt --fail-if 'perplexity>1' >/dev/null; echo $?
"$KEN" eval -q -m "$TINY" --text a.txt --text ./a.txt; echo $?
"$KEN" eval -q -m "$TINY" --text none.txt; echo $?
: >empty.txt
"$KEN" eval -q -m "$TINY" --text empty.txt; echo $?
printf 'a\377b' >bad.txt
"$KEN" eval -q -m "$TINY" --text bad.txt; echo $?
