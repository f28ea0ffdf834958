printf 'question,answer,popularity,,\r\nWho wrote Emma?, Jane Austen\342\200\216,1234567891,,\r\nWho wrote Ulysses?,James Joyce,1234567894,,\r\n,,,,\r\nWho wrote Cain?,Lord Byron,0.1234567890125,,\r\n' >f.csv
"$KEN" data f.csv --rows --json && "$KEN" data f.csv --json
printf 'question\tanswer\n"Emma" is by whom?\tJane Austen\nWho wrote "Ulysses"?\tJames Joyce\n' >f.tsv && "$KEN" data f.tsv --rows
printf 'question,answer\rWho wrote Emma?,Jane Austen\r' >f.csv && "$KEN" data f.csv --rows
cat >hub.jsonl <<X
{"question":"What is 8 minus 6?","subject":"arithmetic","choices":["64","16","2","4"],"answer":2}
{"question":"Which is red?","subject":"colours","choices":["rose","sky","grass","coal"],"answer":0}
X
"$KEN" data hub.jsonl --rows && "$KEN" data hub.jsonl --rows -q --subject-field subject
printf '{"question":"q","choices":["x","y","z"],"answer":"1"}\n{"question":"p","choices":["x","1","z"],"answer":"2"}\n' >odd.jsonl && "$KEN" data odd.jsonl; echo $?
printf '{"question":"Who wrote Emma?","answer":"Jane Austen "}\n{"question":"Who wrote Cain?","answer":"Lord Byron"}\n' >f.jsonl && "$KEN" select f.jsonl --to jsonl -o s.jsonl >/dev/null && cat s.jsonl
