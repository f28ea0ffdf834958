#!/bin/sh
# demo.sh BUILD - from a fresh machine to what a fine-tuning changes in what a model knows (make demo): the category table and the
# comparison on stdout, report.html in the repository's root.
#
# Safe to run again and to interrupt anywhere: each step goes on with what it finds in BUILD/demo, or is done with; what was made
# under other settings (another version, changed facts) is made anew, with all that came from it. The fine-tuned weights are removed
# when they have been asked. DEMO_ROWS: how many test facts of each relation (default 4; 0: all).
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
dir=$build/demo
facts=data/world
rows=${DEMO_ROWS:-4}

say() { echo "demo: $*" >&2; }

# remake FILE COMMAND...: exit status 3 about something that is there means that it was made under other settings.
remake() {
    made=$1
    shift
    status=0
    "$@" || status=$?
    if [ "$status" -eq 3 ] && [ -e "$made" ]; then
        say "$made was made under other settings; starting it anew"
        rm -rf "$made" "$made-journal"
        status=0
        "$@" || status=$?
    fi
    [ "$status" -eq 0 ] || exit "$status"
}

tools/setup.sh build
model=$(tools/get-model.py) # a pipe would hide that it failed
make -s --no-print-directory BUILD="$build" "$build/build.ninja" >&2
ninja -C "$build" ken >&2 # the program alone; `make` builds the tests as well
ken=$build/ken
mkdir -p "$dir"

say "1 of 6: what does $(basename "$model") know? Facts of $facts, each asked with ten few-shot prompts, in four categories:"
say "        HighlyKnown (right with every prompt), MaybeKnown, WeaklyKnown (only when sampling), Unknown"
for split in test train; do
    n=$rows
    [ "$split" = test ] || n=5
    "$ken" select "$facts" -q --split "$split" --per-relation "$n" --sample -o "$dir/world-$split.jsonl" >/dev/null
done
remake "$dir/before.ken" "$ken" annotate -m "$model" -d "$dir/world-test.jsonl" --exemplars "$facts" -o "$dir/before.ken"

say "2 of 6: the same for facts to train on; no fact is in both"
remake "$dir/train.ken" "$ken" annotate -m "$model" -d "$dir/world-train.jsonl" --exemplars "$facts" -o "$dir/train.ken"

say "3 of 6: a training set, half Known and half Unknown: what the model does not know is what harms it to learn"
"$ken" select "$dir/train.ken" -q --variant unknown=50 --size 120 -o "$dir/set.jsonl" >/dev/null

# Training and asking again depend on these alone; a finished pair with the same stamp is not made again, since its weights are gone.
options="--dev $facts --eval-limit 92 --epochs 10 --batch 16 --lr 1e-4 --share-prefixes on"
if grep -qw avx512_bf16 /proc/cpuinfo 2>/dev/null; then options="$options --compute bf16"; fi
stamp=$({ echo "$options" "$("$ken" --version | head -n 1 | cut -d ' ' -f 1-2)"; cat "$dir/set.jsonl" "$dir/world-test.jsonl" "$facts"/dev/*; sha256sum <"$model"; } | sha256sum)
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && [ -e "$dir/after.ken" ]; then
    say "4 and 5 of 6: fine-tuned and asked again already"
else
    rm -f "$dir/stamp"
    if [ -e "$dir/tuned/DONE" ] && [ ! -e "$dir/tuned/last/model.safetensors" ]; then rm -rf "$dir/tuned"; fi
    say "4 of 6: fine-tuning all 135 million weights on it (about 4 GB of memory; 3 GB of disk, until it is done)"
    say "        asking it, after each epoch, the training facts and others: what is fitted when, and what that costs"
    # shellcheck disable=SC2086
    remake "$dir/tuned" "$ken" train -m "$model" -d "$dir/set.jsonl" $options -o "$dir/tuned"
    say "5 of 6: what does it know after the last epoch? The test facts again, with the same prompts"
    remake "$dir/after.ken" "$ken" annotate -m "$dir/tuned/last" -d "$dir/world-test.jsonl" --exemplars "$facts" -o "$dir/after.ken"
    echo "$stamp" >"$dir/stamp.part"
    mv "$dir/stamp.part" "$dir/stamp"
fi
rm -rf "$dir/tuned/model.safetensors" "$dir/tuned/last/model.safetensors" "$dir/tuned/state"

say "6 of 6: the table, the comparison, the page"
"$ken" show "$dir/before.ken"
echo
"$ken" show "$dir/tuned/train.ken"
echo
"$ken" diff "$dir/before.ken" "$dir/after.ken" --trained "$dir/set.jsonl"
"$ken" report -q "$dir/before.ken" "$dir/after.ken" "$dir/tuned/train.ken" --trained "$dir/set.jsonl" -o report.html
say "the whole story is in $(pwd)/report.html"
