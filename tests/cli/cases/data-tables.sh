printf '{"question":"Who?","answer":"x & y","relation":"a,b"}\n{"question":"What?","answer":"x & y","relation":"a,b"}\n{"question":"Where?","answer":"z","split":"dev"}\n' >f.jsonl
"$KEN" data f.jsonl --csv && "$KEN" data f.jsonl --latex
"$KEN" data f.jsonl --csv --rows; echo $?
"$MAKE_RUN" r.ken && "$KEN" show r.ken --sort -known | cut -c1-40
