cat >f.jsonl <<X
{"question":"What is the capital of France?","answer":"Paris","relation":"capital"}
{"question":"What is the capital of Peru?","answers":["Lima"],"relation":"capital","split":"dev"}
{"question":"Who wrote Hamlet?","answers":["William Shakespeare","Shakespeare"],"relation":"author"}
{"question":"Who wrote Hamlet?","answers":["William Shakespeare","Shakespeare"],"relation":"author"}
X
"$KEN" data f.jsonl && "$KEN" data f.jsonl --json && "$KEN" data f.jsonl --rows && "$KEN" data f.jsonl --rows --json
