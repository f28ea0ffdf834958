# Small numbers: what is printed, and the same from two threads as from one.
set -- lab theory -q --subjects 48 --relations 2 --answers 5 --alphas 0.8 --steps 300,1k --seeds 3 --joint-epochs 2 --joint-steps 400 --joint-lr-values 0.1 --joint-lr-attentions 0.3
"$KEN" "$@" -o out
"$KEN" "$@" --json -t 1 | sed 's/,"seconds":[0-9.e-]*//' >one.json
"$KEN" "$@" --json -t 2 | sed 's/,"seconds":[0-9.e-]*//' >two.json
cmp one.json two.json && echo "one thread and two: the same"
"$KEN" "$@" --csv | head -3 | cut -c1-120
ls out
for word in "Accuracy over pretraining" "Both weights trained" "C8 \[ours\]"; do grep -q "$word" out/theory.html && echo "the page has: $word"; done
grep -c "<svg" out/theory.html
"$KEN" "$@" -o page.html >/dev/null && ls page.html
"$KEN" lab theory -q --no-joint --subjects 16 --steps 100 --alphas 1 --seeds 1 --arms Top --json | tr ',' '\n' | grep -c Bottom
