#!/bin/sh
# demo.sh BUILD - from a fresh machine to a category table and report.html (make demo). Safe to run again: a finished or
# interrupted run is resumed; one that was made under other settings (another version, changed facts) is made anew.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
run=$build/world.ken

tools/setup.sh build
model=$(tools/get-model.py | tail -n 1)
make --no-print-directory BUILD="$build" all >&2

# The first rows of each relation's test split: a few minutes on two cores. DEMO_ROWS=0 takes all facts there are.
rows=${DEMO_ROWS:-16}
annotate() {
    if [ "$rows" -eq 0 ]; then "$build/ken" annotate -m "$model" -d data/world -o "$run"
    else "$build/ken" annotate -m "$model" -d data/world --split test --per-relation "$rows" -o "$run"
    fi
}
echo "demo: annotating facts of data/world with $(basename "$model"), $rows of each relation (DEMO_ROWS=0: all)" >&2
status=0
annotate || status=$?
if [ "$status" -eq 3 ] && [ -e "$run" ]; then
    echo "demo: $run was made under other settings; starting anew" >&2
    rm -f "$run" "$run-wal" "$run-shm"
    status=0
    annotate || status=$?
fi
[ "$status" -eq 0 ] || exit "$status"
"$build/ken" report "$run" -o report.html
"$build/ken" show "$run"
echo "demo: the whole story is in $(pwd)/report.html" >&2
