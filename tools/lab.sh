#!/bin/sh
# lab.sh KEN OUT - the laboratory (make lab): the one-layer theory, five synthetic worlds, and what they say of the measures; tables, JSON and pages into OUT.
# Stopped and run again, it goes on where it was.
set -eu
ken=$1
out=$2
mkdir -p "$out"
echo "lab: 1 of 3: the one-layer theory" >&2
"$ken" lab theory -q -o "$out" >"$out/theory.txt"
cat "$out/theory.txt"
"$ken" lab theory -q --json >"$out/theory.json"
worlds=
for seed in 1 2 3 4 5; do
    echo "lab: 2 of 3: world $seed of 5, pretrained from scratch" >&2
    "$ken" lab world -o "$out/world-$seed" --seed "$seed" >/dev/null
    worlds="$worlds $out/world-$seed"
done
echo "lab: 3 of 3: what the truth says of the measures" >&2
# shellcheck disable=SC2086
"$ken" lab measures $worlds -o "$out/measures.html" >"$out/measures.txt"
cat "$out/measures.txt"
# shellcheck disable=SC2086
"$ken" lab measures -q $worlds --json >"$out/measures.json"
echo "lab: wrote $out/theory.html, $out/measures.html, the tables as .txt and .json, and the plots beside them" >&2
