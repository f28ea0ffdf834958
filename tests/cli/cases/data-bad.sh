printf '{"question":"q","answer":"a"}\n{"question":"q"}\n{"question":"r","answer":"b"}\n' >f.jsonl
"$KEN" data f.jsonl; echo $?
"$KEN" data f.jsonl --skip-bad | tail -n 2; "$KEN" data f.jsonl --skip-bad --json
printf '{"label":"a","question":"q"}\n' >g.jsonl; "$KEN" data g.jsonl; echo $?; "$KEN" data g.jsonl --answer-field label >/dev/null; echo $?
"$KEN" data none.jsonl; echo $?
: >empty.jsonl; "$KEN" data empty.jsonl; echo $?

printf "SQLite format 3\\0 and more" >run.ken; "$KEN" data run.ken; echo $?
