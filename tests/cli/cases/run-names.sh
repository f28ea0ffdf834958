# A run is a SQLite file whatever it is called; a name that promises other bytes is refused, before anything is computed.
printf '{"question":"Who wrote Emma?","answer":"Jane Austen"}\n' >q.jsonl; "$MAKE_RUN" r.ken
for o in x.parquet out/x.CSV x.jsonl x.html.gz; do "$KEN" annotate q.jsonl -m nowhere -o $o; echo $?; done
"$KEN" eval -d q.jsonl -m nowhere -o x.parquet; "$KEN" score r.ken -o x.parquet; "$KEN" report r.ken -o x.parquet; "$KEN" select r.ken -o x.parquet; ls
"$KEN" score r.ken --audit 1 -o sheet.csv -q >/dev/null; ls
