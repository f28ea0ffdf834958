cat >chat.jsonl <<Y
{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Where is the Eiffel Tower?"},{"role":"assistant","content":"Paris"}]}
{"messages":[{"role":"user","content":"What is the capital of Peru?"},{"role":"assistant","content":"Lima<|im_end|>"}]}
Y
"$KEN" data chat.jsonl --rows && gzip -c chat.jsonl >chat.jsonl.gz && "$KEN" data chat.jsonl.gz --json && cat chat.jsonl.gz | "$KEN" data - --json &&
	"$KEN" data - --rows --format sharegpt <chat.jsonl; echo $?
cat >squad.json <<Y
{"version":"1.1","data":[{"title":"Emma","paragraphs":[{"context":"Emma is by Jane Austen.","qas":[{"id":"e1","question":"Who wrote Emma?","answers":[{"text":"Jane Austen","answer_start":11}]}]}]}]}
Y
"$KEN" data squad.json --rows
cat >lists.csv <<Y
question;answer;aliases
Who wrote Emma?;Jane Austen|Austen;
Which year?;1815;"['MDCCCXV', 'the year of Waterloo']"
Y
"$KEN" data lists.csv --rows
cat >facts.jsonl <<Y
{"relation":"P36","subject":"Peru","gold":{"names":[{"n":"Lima"}]}}
Y
echo '{"P36": "What is the capital of [X]?"}' >templates.json
"$KEN" data facts.jsonl --rows --json --templates templates.json --answer-field gold.names.n
"$KEN" data facts.jsonl --templates templates.json; echo $?
mkdir set && cp chat.jsonl set/train.jsonl && cp squad.json set/validation.json && "$KEN" data set --rows
cat >long.jsonl <<Y
{"question":"Why is the sky blue?","answer":"Because the air scatters blue light more than it scatters red light."}
Y
"$KEN" data long.jsonl --json
printf 'PAR1\025' >set.parquet
"$KEN" data set.parquet; echo $?
