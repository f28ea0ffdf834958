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

say "3 of 6: two training sets of 120 facts: half of them Unknown, and none of them; the same relations in both"
"$ken" select "$dir/train.ken" -q --variant unknown=50 --size 120 -o "$dir/half.jsonl" >/dev/null
"$ken" select "$dir/train.ken" -q --variant unknown=0 --size 120 -o "$dir/known.jsonl" >/dev/null

# Training and asking again depend on these alone; what has the same stamp is not made again, since its weights are gone.
options="--dev $facts --test $dir/world-test.jsonl --eval-limit 184 --epochs 10 --eval-every 16 --batch 16 --lr 5e-5 --share-prefixes on"
if grep -qw avx512_bf16 /proc/cpuinfo 2>/dev/null; then options="$options --compute bf16"; fi
stamp=$({ echo "$options" "$("$ken" --version | head -n 1 | cut -d ' ' -f 1-2)"; cat "$dir/half.jsonl" "$dir/known.jsonl" "$dir/world-test.jsonl" "$facts"/dev/*; sha256sum <"$model"; } | sha256sum)
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && [ -e "$dir/after.ken" ]; then
    say "4 and 5 of 6: fine-tuned and asked again already"
else
    rm -f "$dir/stamp"
    say "4 of 6: fine-tuning all 135 million weights on each, with the same number of updates (about 4 GB of memory; 3 GB of disk, until it is done)"
    say "        asking it, after every second epoch, the training facts and others: what is fitted when, and what that costs"
    for set in half known; do
        if [ -e "$dir/$set/DONE" ] && [ ! -e "$dir/$set/last/model.safetensors" ]; then rm -rf "${dir:?}/$set"; fi
        # shellcheck disable=SC2086
        remake "$dir/$set" "$ken" train -m "$model" -d "$dir/$set.jsonl" $options -o "$dir/$set"
    done
    say "5 of 6: what does it know after the last epoch? The test facts again, with the same prompts"
    remake "$dir/after.ken" "$ken" annotate -m "$dir/half/last" -d "$dir/world-test.jsonl" --exemplars "$facts" -o "$dir/after.ken"
    echo "$stamp" >"$dir/stamp.part"
    mv "$dir/stamp.part" "$dir/stamp"
fi
rm -rf "$dir"/*/model.safetensors "$dir"/*/last/model.safetensors "$dir"/*/state

say "6 of 6: the tables, the comparisons, the page"
"$ken" show "$dir/before.ken"
for set in half known; do
    echo
    "$ken" show "$dir/$set/train.ken"
done
echo
echo "What half a set of Unknown facts has cost (few-shot, as annotated):"
"$ken" diff "$dir/before.ken" "$dir/after.ken" --trained "$dir/half.jsonl"
echo
echo "What leaving them out has saved, with as many updates (dev and test facts, asked as in training):"
"$ken" diff "$dir/half" "$dir/known"
"$ken" report -q "$dir/before.ken" "$dir/after.ken" "$dir/half/train.ken" "$dir/known/train.ken" --trained "$dir/half.jsonl" -o report.html
say "the whole story is in $(pwd)/report.html"
